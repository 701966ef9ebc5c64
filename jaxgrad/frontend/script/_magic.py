"""The special methods that a script object forwards to those of its class."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

_OPERATORS = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
    *("and", "or", "xor", "lshift", "rshift"),
)
BINARY = (
    *(f"__{prefix}{name}__" for name in _OPERATORS for prefix in ("", "r")),
    *("__divmod__", "__rdivmod__", "__lt__", "__le__", "__gt__", "__ge__"),
)
IN_PLACE = tuple(f"__i{name}__" for name in _OPERATORS)
OTHERS = (
    *("__neg__", "__pos__", "__invert__", "__abs__", "__round__", "__floor__"),
    *("__ceil__", "__trunc__", "__call__", "__getitem__", "__setitem__"),
    *("__delitem__", "__iter__", "__next__", "__reversed__", "__enter__", "__exit__"),
)
# Python wants a value of its own here, not an array.
CONVERTED: dict[str, Callable[[Any], Any]] = {
    "__len__": operator.index,
    "__index__": operator.index,
    "__int__": int,
    "__float__": float,
    "__complex__": complex,
    "__contains__": bool,
}
NAMES = frozenset(
    {*BINARY, *IN_PLACE, *OTHERS, *CONVERTED, "__eq__", "__ne__", "__bool__", "__str__"}
)


def forwards(cls: type) -> type:
    """Give a class special methods that call those of the object behind it."""
    for name in (*BINARY, *IN_PLACE):
        setattr(cls, name, _operator(name))
    for name in OTHERS:
        setattr(cls, name, _method(name, None))
    for name, convert in CONVERTED.items():
        setattr(cls, name, _method(name, convert))
    return cls


def _operator(name: str) -> Any:
    def method(self: Any, *args: Any) -> Any:
        found = self._special(name)
        return NotImplemented if found is None else found(*args)

    return _named(method, name)


def _method(name: str, convert: Callable[[Any], Any] | None) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = self._special(name)
        if found is None:
            raise TypeError(f"{self.original_name!r} object has no method {name}")
        result = found(*args, **kwargs)
        return result if convert is None else convert(result)

    return _named(method, name)


def _named(method: Any, name: str) -> Any:
    method.__name__ = name
    method.__qualname__ = f"RecursiveScriptClass.{name}"
    return method
