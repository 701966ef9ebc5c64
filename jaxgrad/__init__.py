"""jaxgrad: PyTorch-style custom functions, lowered to JAX.

- `Function`: subclass it with `forward` and `backward`, call `apply`;
- `Context`: the `ctx` that both are given;
- `once_differentiable`: marks a backward that must not be differentiated again;
- `saved_tensors_hooks`, `save_on_host`, `disable_saved_tensors_hooks`, `packers`: how
  saved tensors are kept until backward;
- `trace`: a callable as a graph that keeps its Functions (`TracedFunction`); `load`
  reads what its `save` wrote; `graph` is what graphs are made of;
- `script`: Python source with control flow on traced values, compiled; a function gives
  a `ScriptFunction`, an object a `ScriptModule`, a class what makes script objects;
- `ScriptList`, `ScriptDict`: containers that Python and script share;
- `record`: one forward as a tape of nodes, to step through its backward (`Recording`);
- `trees`: source as typed nodes, with dumps and printed back as Python;
- `backends`, `to_backend`: what compiles and runs programs;
- `gradcheck`, `gradgradcheck`: compare derivatives with central differences;
- `detect_anomaly`: names the Function whose gradient first became NaN or Inf;
- `errors`: everything that jaxgrad raises on purpose.
"""

from importlib.metadata import PackageNotFoundError as _PackageNotFoundError
from importlib.metadata import version as _version

from jaxgrad import errors as errors
from jaxgrad import graph as graph
from jaxgrad.frontend import CheckedError as CheckedError
from jaxgrad.frontend import CompilationUnit as CompilationUnit
from jaxgrad.frontend import Final as Final
from jaxgrad.frontend import GradientEdge as GradientEdge
from jaxgrad.frontend import Recording as Recording
from jaxgrad.frontend import RecursiveScriptClass as RecursiveScriptClass
from jaxgrad.frontend import ScriptDict as ScriptDict
from jaxgrad.frontend import ScriptDictIterator as ScriptDictIterator
from jaxgrad.frontend import ScriptDictKeyIterator as ScriptDictKeyIterator
from jaxgrad.frontend import ScriptFunction as ScriptFunction
from jaxgrad.frontend import ScriptList as ScriptList
from jaxgrad.frontend import ScriptListIterator as ScriptListIterator
from jaxgrad.frontend import ScriptMethod as ScriptMethod
from jaxgrad.frontend import ScriptModule as ScriptModule
from jaxgrad.frontend import ScriptObject as ScriptObject
from jaxgrad.frontend import TracedFunction as TracedFunction
from jaxgrad.frontend import annotate as annotate
from jaxgrad.frontend import as_module as as_module
from jaxgrad.frontend import as_object as as_object
from jaxgrad.frontend import export as export
from jaxgrad.frontend import freeze as freeze
from jaxgrad.frontend import ignore as ignore
from jaxgrad.frontend import is_scripting as is_scripting
from jaxgrad.frontend import loop as loop
from jaxgrad.frontend import record as record
from jaxgrad.frontend import script as script
from jaxgrad.frontend import script_if_tracing as script_if_tracing
from jaxgrad.frontend import trace as trace
from jaxgrad.frontend import unused as unused
from jaxgrad.frontend.source import trees as trees
from jaxgrad.function import Context as Context
from jaxgrad.function import Function as Function
from jaxgrad.function import detect_anomaly as detect_anomaly
from jaxgrad.function import disable_saved_tensors_hooks as disable_saved_tensors_hooks
from jaxgrad.function import once_differentiable as once_differentiable
from jaxgrad.function import packers as packers
from jaxgrad.function import save_on_host as save_on_host
from jaxgrad.function import saved_tensors_hooks as saved_tensors_hooks
from jaxgrad.lower import backends as backends
from jaxgrad.lower import load as load
from jaxgrad.lower import to_backend as to_backend
from jaxgrad.verify import gradcheck as gradcheck
from jaxgrad.verify import gradgradcheck as gradgradcheck

try:
    __version__ = _version("jaxgrad")
except _PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"

__all__ = [
    "CheckedError",
    "CompilationUnit",
    "Context",
    "Final",
    "Function",
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
    "backends",
    "detect_anomaly",
    "disable_saved_tensors_hooks",
    "errors",
    "export",
    "freeze",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "ignore",
    "is_scripting",
    "load",
    "loop",
    "once_differentiable",
    "packers",
    "record",
    "save_on_host",
    "saved_tensors_hooks",
    "script",
    "script_if_tracing",
    "to_backend",
    "trace",
    "trees",
    "unused",
]
