"""What a module shows of a list or a dictionary of modules in it.

Both are views: they read and change the list or dictionary itself, and show the modules
in it as scripted ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from typing import Any


class ModuleList(MutableSequence[Any]):
    """A list of a module, with the modules in it as scripted ones."""

    def __init__(self, values: list[Any], show: Callable[[Any], Any]) -> None:
        self._values, self._show = values, show

    def __getitem__(self, index: Any) -> Any:
        found = self._values[index]
        if isinstance(index, slice):
            return [self._show(value) for value in found]
        return self._show(found)

    def __setitem__(self, index: Any, value: Any) -> None:
        self._values[index] = value

    def __delitem__(self, index: Any) -> None:
        del self._values[index]

    def __len__(self) -> int:
        return len(self._values)

    def insert(self, index: int, value: Any) -> None:
        """Put a value before another."""
        self._values.insert(index, value)

    def __eq__(self, other: object) -> bool:
        mine = other._values if isinstance(other, ModuleList) else other
        return self._values == mine or list(self) == mine

    __hash__ = None  # type: ignore[assignment]  # it changes, as lists do

    def __repr__(self) -> str:
        return repr(list(self))


class ModuleDict(MutableMapping[Any, Any]):
    """A dictionary of a module, with the modules in it as scripted ones."""

    def __init__(self, values: dict[Any, Any], show: Callable[[Any], Any]) -> None:
        self._values, self._show = values, show

    def __getitem__(self, key: Any) -> Any:
        return self._show(self._values[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._values[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._values[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return repr(dict(self))
