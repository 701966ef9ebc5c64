"""What records graphs: `trace`, `record` and `script`."""

from pathlib import Path as _Path

from jaxgrad import _compat as _compat
from jaxgrad.frontend._edges import GradientEdge as GradientEdge
from jaxgrad.frontend._tape import Recording as Recording
from jaxgrad.frontend._tape import record as record
from jaxgrad.frontend._trace import trace as trace
from jaxgrad.frontend._traced import TracedFunction as TracedFunction
from jaxgrad.frontend.script import ScriptFunction as ScriptFunction
from jaxgrad.frontend.script import loop as loop
from jaxgrad.frontend.script import script as script

__all__ = [
    "GradientEdge",
    "Recording",
    "ScriptFunction",
    "TracedFunction",
    "loop",
    "record",
    "script",
    "trace",
]

# What a graph, a compiler or an error shows as its source is the user's line, and never
# the one here that carries it out.
for _part in ("function", "frontend", "lower", "_compat.py"):
    _compat.leave_out_of_sources(str(_Path(__file__).parent.parent / _part))
