"""The lowering: from graphs to JAX, and from there to files and platforms.

- `run`: a graph as a JAX function of its inputs;
- `export`, `save`, `load`: portable programs, and files of them;
- `backends`, `to_backend`: what compiles and runs programs.
"""

from jaxgrad.lower import backends as backends
from jaxgrad.lower._exported import export as export
from jaxgrad.lower._interpret import run as run
from jaxgrad.lower._interpret import run_block as run_block
from jaxgrad.lower._kinds import call_python as call_python
from jaxgrad.lower._kinds import constant_of as constant_of
from jaxgrad.lower._program import Program as Program
from jaxgrad.lower._saved import load as load
from jaxgrad.lower._saved import save as save
from jaxgrad.lower.backends import to_backend as to_backend

__all__ = [
    "Program",
    "backends",
    "call_python",
    "constant_of",
    "export",
    "load",
    "run",
    "run_block",
    "save",
    "to_backend",
]
