"""`Names`: the numbers and names of the values of one graph."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxgrad.graph._value import Value

# `Graph` has a method `str`, which hides the builtin inside its body.
Text = str
_NUMBERED = re.compile(r"(.*)\.(\d+)\Z")


class Names:
    """The part of a graph that tells its values apart."""

    def __init__(self) -> None:
        self._count = 0
        self._named: dict[str, Value] = {}
        self._last: dict[str, int] = {}  # the last number behind a name

    def _next_unique(self) -> int:
        self._count += 1
        return self._count

    def _rename(self, value: Value, name: str) -> None:
        """Name a value; one that has the name already gets a number behind it."""
        self._forget(value)
        holder = self._named.get(name)
        if holder is not None:
            holder._name = fresh = self._numbered(name)
            self._named[fresh] = holder
        value._name = name
        self._named[name] = value

    def _suggest(self, value: Value, name: str) -> None:
        """Name a value, with a number behind the name if it is taken."""
        if name == value._name:
            return
        self._forget(value)
        value._name = self._numbered(name) if name in self._named else name
        self._named[value._name] = value

    def _take_name(self, value: Value, other: Value) -> None:
        if other._name is not None:
            self._suggest(value, other._name)

    def _numbered(self, name: str) -> str:
        match = _NUMBERED.match(name)
        base = match[1] if match else name
        number = self._last.get(base, 0)
        while True:
            number += 1
            if f"{base}.{number}" not in self._named:
                self._last[base] = number
                return f"{base}.{number}"

    def _forget(self, value: Value) -> None:
        if value._name is not None and self._named.get(value._name) is value:
            del self._named[value._name]
            value._name = None
