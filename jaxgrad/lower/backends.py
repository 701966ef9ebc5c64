"""Backends: what a function is lowered to, and what runs it.

- `to_backend(name, fn, spec)`: a function on a backend; `to_backend_selective`: named
  nodes of its graph alone; `load(path)`: one that was saved.
- `names()`, `get(name)`, `register(name, backend)`: the backends there are.
- `Backend`: what a new one has to do; `XLA`, `StableHLO`, `Interpret`: the built-ins.
- `compile_for(target, fn, *args)`: a program for `cpu`, `gpu`, `tpu`, or a TPU that is
  not here; `mesh_for(target)`: a mesh over its devices.
"""

from jaxgrad.lower._backend import XLA as XLA
from jaxgrad.lower._backend import Backend as Backend
from jaxgrad.lower._backend import Interpret as Interpret
from jaxgrad.lower._backend import StableHLO as StableHLO
from jaxgrad.lower._lowered import LoweredFunction as LoweredFunction
from jaxgrad.lower._lowered import load as load
from jaxgrad.lower._lowered import to_backend as to_backend
from jaxgrad.lower._registry import get as get
from jaxgrad.lower._registry import names as names
from jaxgrad.lower._registry import register as register
from jaxgrad.lower._selective import SelectiveFunction as SelectiveFunction
from jaxgrad.lower._selective import to_backend_selective as to_backend_selective
from jaxgrad.lower._targets import mesh_for as mesh_for
from jaxgrad.lower._topology import CompiledProgram as CompiledProgram
from jaxgrad.lower._topology import compile_for as compile_for
