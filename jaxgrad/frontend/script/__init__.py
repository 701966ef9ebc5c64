"""`script`, and the objects that it makes."""

from jaxgrad.frontend.script._checked import CheckedError as CheckedError
from jaxgrad.frontend.script._containers import ScriptDict as ScriptDict
from jaxgrad.frontend.script._containers import ScriptDictIterator as ScriptDictIterator
from jaxgrad.frontend.script._containers import (
    ScriptDictKeyIterator as ScriptDictKeyIterator,
)
from jaxgrad.frontend.script._containers import ScriptList as ScriptList
from jaxgrad.frontend.script._containers import ScriptListIterator as ScriptListIterator
from jaxgrad.frontend.script._freeze import as_module as as_module
from jaxgrad.frontend.script._freeze import as_object as as_object
from jaxgrad.frontend.script._freeze import freeze as freeze
from jaxgrad.frontend.script._function import ScriptFunction as ScriptFunction
from jaxgrad.frontend.script._marks import Final as Final
from jaxgrad.frontend.script._marks import annotate as annotate
from jaxgrad.frontend.script._marks import export as export
from jaxgrad.frontend.script._marks import ignore as ignore
from jaxgrad.frontend.script._marks import is_scripting as is_scripting
from jaxgrad.frontend.script._marks import loop as loop
from jaxgrad.frontend.script._marks import unused as unused
from jaxgrad.frontend.script._method import ScriptMethod as ScriptMethod
from jaxgrad.frontend.script._module import ScriptModule as ScriptModule
from jaxgrad.frontend.script._script import script as script
from jaxgrad.frontend.script._script_instance import (
    RecursiveScriptClass as RecursiveScriptClass,
)
from jaxgrad.frontend.script._script_object import ScriptObject as ScriptObject
from jaxgrad.frontend.script._unit import CompilationUnit as CompilationUnit
from jaxgrad.frontend.script._unit import script_if_tracing as script_if_tracing
