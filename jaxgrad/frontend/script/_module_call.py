"""What calling an object runs."""

from __future__ import annotations

import types
from typing import Any

from jaxgrad.errors import ModuleError
from jaxgrad.frontend.script._bound import BoundScript
from jaxgrad.frontend.script._function import ScriptFunction

_NONE = object()


def in_class(cls: type, name: str) -> tuple[int, Any]:
    """What a class defines under a name, and in which of its bases; `_NONE` if none."""
    for number, base in enumerate(cls.__mro__):
        if name in vars(base):
            return number, vars(base)[name]
    return len(cls.__mro__), _NONE


def calls(obj: Any) -> tuple[str, Any]:
    """The name of the method that calling an object runs, and what it is in the class.

    That is `__call__`; or `forward`, where there is no `__call__`, or that of a base is
    older than the `forward`.

    Args:
        obj: the object.

    Returns:
        The name, and what is there; the bound value where it is no method of the class.

    Raises:
        ModuleError: it has neither `__call__` nor `forward`.
    """
    place, found = in_class(type(obj), "__call__")
    if found is not _NONE and place <= in_class(type(obj), "forward")[0]:
        return "__call__", found
    value = getattr(obj, "forward", None)
    if value is None:
        raise ModuleError(
            f"{type(obj).__name__} can't be called: it has no __call__ and no "
            "forward.\n  Define forward, or mark the methods to compile with "
            "@jaxgrad.export"
        )
    owner, function = attribute_of(value)
    return "forward", function if owner is obj else value


def bound_of(obj: Any) -> Any:
    """What calling an object runs, bound to it."""
    if hasattr(type(obj), "_call_inside"):
        return obj
    name, function = calls(obj)
    if name == "forward":
        return obj.forward
    is_plain = isinstance(function, types.FunctionType | ScriptFunction)
    return types.MethodType(function, obj) if is_plain else obj


def attribute_of(value: Any) -> tuple[Any, Any]:
    """The object that a method is bound to, and its function; Nones for others."""
    if isinstance(value, types.MethodType | BoundScript):
        return value.__self__, value.__func__
    own = getattr(value, "__dict__", None) or {}
    if "__func__" in own and "__self__" in own:  # a library's kind of bound method
        return own["__self__"], own["__func__"]
    return None, None
