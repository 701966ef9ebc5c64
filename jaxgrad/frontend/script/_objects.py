"""`script` of objects: modules, and classes."""

from __future__ import annotations

import enum
from typing import Any

from jaxgrad.errors import ModuleError
from jaxgrad.frontend.script._containers import ScriptDict, ScriptList
from jaxgrad.frontend.script._module import ScriptModule
from jaxgrad.frontend.script._script_class import ScriptClass
from jaxgrad.frontend.script._script_instance import RecursiveScriptClass
from jaxgrad.frontend.script._script_object import ScriptObject
from jaxgrad.lower.script import _heap

_SCRIPTED = (
    *(ScriptModule, ScriptObject, RecursiveScriptClass, ScriptClass),
    *(ScriptDict, ScriptList),
)


def script_class(cls: type, **options: Any) -> Any:
    """A class whose instances have compiled methods.

    Args:
        cls: a class. Enums, named tuples and exceptions are returned as they are:
            scripts know them as Python does.
        **options: those of `script`.

    Returns:
        What makes instances.
    """
    if issubclass(cls, enum.Enum | tuple | BaseException):
        return cls
    return ScriptClass(cls, tuple(sorted(options.items())))


def script_instance(obj: Any, **options: Any) -> Any:
    """An object as a module whose methods are compiled.

    Args:
        obj: an object. A dictionary is copied to a `ScriptDict`, a list to a
            `ScriptList`; what is scripted already is returned as it is.
        **options: those of `script`.

    Returns:
        The module.

    Raises:
        ModuleError: it is no object with attributes.
    """
    if isinstance(obj, _SCRIPTED):
        return obj
    if type(obj) in (dict, list):
        return ScriptDict(obj) if type(obj) is dict else ScriptList(obj)
    if not _heap.is_object(obj):
        raise ModuleError(
            f"script got {type(obj).__name__}, which is no function, class or object "
            "with attributes.\n  Pass one of those"
        )
    return ScriptModule(obj, tuple(sorted(options.items())))
