"""What records graphs: `trace`, `record` and `script`."""

from pathlib import Path as _Path

from jaxgrad import _compat as _compat
from jaxgrad.frontend._edges import GradientEdge as GradientEdge
from jaxgrad.frontend._tape import Recording as Recording
from jaxgrad.frontend._tape import record as record
from jaxgrad.frontend._trace import trace as trace
from jaxgrad.frontend._traced import TracedFunction as TracedFunction
from jaxgrad.frontend.script import CheckedError as CheckedError
from jaxgrad.frontend.script import CompilationUnit as CompilationUnit
from jaxgrad.frontend.script import Final as Final
from jaxgrad.frontend.script import RecursiveScriptClass as RecursiveScriptClass
from jaxgrad.frontend.script import ScriptDict as ScriptDict
from jaxgrad.frontend.script import ScriptDictIterator as ScriptDictIterator
from jaxgrad.frontend.script import ScriptDictKeyIterator as ScriptDictKeyIterator
from jaxgrad.frontend.script import ScriptFunction as ScriptFunction
from jaxgrad.frontend.script import ScriptList as ScriptList
from jaxgrad.frontend.script import ScriptListIterator as ScriptListIterator
from jaxgrad.frontend.script import ScriptMethod as ScriptMethod
from jaxgrad.frontend.script import ScriptModule as ScriptModule
from jaxgrad.frontend.script import ScriptObject as ScriptObject
from jaxgrad.frontend.script import annotate as annotate
from jaxgrad.frontend.script import as_module as as_module
from jaxgrad.frontend.script import as_object as as_object
from jaxgrad.frontend.script import export as export
from jaxgrad.frontend.script import freeze as freeze
from jaxgrad.frontend.script import ignore as ignore
from jaxgrad.frontend.script import is_scripting as is_scripting
from jaxgrad.frontend.script import loop as loop
from jaxgrad.frontend.script import script as script
from jaxgrad.frontend.script import script_if_tracing as script_if_tracing
from jaxgrad.frontend.script import unused as unused

__all__ = [
    "CheckedError",
    "CompilationUnit",
    "Final",
    "GradientEdge",
    "Recording",
    "RecursiveScriptClass",
    "ScriptDict",
    "ScriptDictIterator",
    "ScriptDictKeyIterator",
    "ScriptFunction",
    "ScriptList",
    "ScriptListIterator",
    "ScriptMethod",
    "ScriptModule",
    "ScriptObject",
    "TracedFunction",
    "annotate",
    "as_module",
    "as_object",
    "export",
    "freeze",
    "ignore",
    "is_scripting",
    "loop",
    "record",
    "script",
    "script_if_tracing",
    "trace",
    "unused",
]

# What a graph, a compiler or an error shows as its source is the user's line, and never
# the one here that carries it out.
for _part in ("function", "frontend", "lower", "_compat.py"):
    _compat.leave_out_of_sources(str(_Path(__file__).parent.parent / _part))
