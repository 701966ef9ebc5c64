"""Attributes of nodes: a mapping, and torch's typed accessors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from jaxgrad.errors import GraphError
from jaxgrad.graph import _kinds

if TYPE_CHECKING:
    from jaxgrad.graph._node import Node

# Torch's letters. `is` is a keyword of Python: getattr(node, "is")(name), or node.attr.
KINDS = {
    "i": "an int",
    "is": "ints",
    "f": "a float",
    "fs": "floats",
    "c": "a complex number",
    "s": "a string",
    "ss": "strings",
    "t": "an array",
    "ts": "arrays",
    "z": "an array without axes",
    "zs": "arrays without axes",
    "g": "a graph",
    "gs": "graphs",
    "ty": "a type",
    "tys": "types",
    "ival": "any value",
}


class Attributes(MutableMapping[str, Any]):
    """The attributes of one node, as a mapping from names to values."""

    __slots__ = ("_node",)

    def __init__(self, node: Node) -> None:
        self._node = node

    def __getitem__(self, name: str) -> Any:
        node = self._node
        if name not in node._attributes or name in node._hidden():
            names = ", ".join(node.attribute_names()) or "none"
            raise MissingAttributeError(
                f"{node.kind()} has no attribute {name!r}.\n  It has: {names}."
            )
        value = node._attributes[name]
        # A change of the list itself would be an edit that nobody counts.
        return list(value) if type(value) is list else value

    def __setitem__(self, name: str, value: Any) -> None:
        self._node._own_attributes()[name] = value

    def __delitem__(self, name: str) -> None:
        self[name]
        del self._node._own_attributes()[name]

    def __iter__(self) -> Iterator[str]:
        hidden = self._node._hidden()
        return iter([name for name in self._node._attributes if name not in hidden])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return repr(dict(self))


class MissingAttributeError(GraphError, KeyError):
    """A node has no attribute of that name."""

    def __str__(self) -> str:
        # KeyError would show the repr of its message.
        return str(self.args[0])


def _getter(letter: str, words: str) -> Callable[[Any, str], Any]:
    def get(self: Any, name: str) -> Any:
        value = self.attr[name]
        if letter != "ival":
            _kinds.check(letter, name, value)
        # Lists are the caller's own.
        return list(value) if isinstance(value, list) else value

    get.__name__ = letter
    get.__doc__ = f"The attribute `name`, which is {words}; GraphError if it is not."
    return get


def _setter(letter: str, words: str) -> Callable[[Any, str, Any], Any]:
    def put(self: Any, name: str, value: Any) -> Any:
        if letter != "ival":
            value = _kinds.check(letter, name, value)
        self.attr[name] = value
        return self

    put.__name__ = f"{letter}_"
    put.__doc__ = f"Set the attribute `name` to {words}; returns the node."
    return put


class TypedAccess:
    """Torch's typed getters and setters (`i`, `i_`, `fs`, `fs_`, ...)."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        # Here for type checkers: the accessors are made below.
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")


for _letter, _words in KINDS.items():
    setattr(TypedAccess, _letter, _getter(_letter, _words))
    setattr(TypedAccess, f"{_letter}_", _setter(_letter, _words))
