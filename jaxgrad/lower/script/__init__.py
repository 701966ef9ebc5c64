"""The interpreter of graphs that were made from Python source.

- `Program`, `Parameter`: such a graph, and how it is called.
- `Session`, `LoopOptions`: one tracing of it; `run_program` runs it.
"""

# These say what is done for each builtin, and each kind of node.
from jaxgrad.lower.script import _builtins as _builtins
from jaxgrad.lower.script import _kinds as _kinds
from jaxgrad.lower.script._program import Parameter as Parameter
from jaxgrad.lower.script._program import Program as Program
from jaxgrad.lower.script._program import bind as bind
from jaxgrad.lower.script._run import run_program as run_program
from jaxgrad.lower.script._session import LoopOptions as LoopOptions
from jaxgrad.lower.script._session import Session as Session
