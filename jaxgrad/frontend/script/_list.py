"""`ScriptList`: a list with one element type that script changes in place."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self, SupportsIndex

from jaxgrad.errors import ContainerTypeError
from jaxgrad.frontend.script._elements import common_type, element, hinted
from jaxgrad.graph import types


class ScriptListIterator:
    """The elements of a `ScriptList`, one after the other."""

    __slots__ = ("_iterator",)

    def __init__(self, iterator: Iterator[Any]) -> None:
        """Of the iterator of a list."""
        self._iterator = iterator

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return next(self._iterator)


class ScriptList:
    """A list whose elements have one type, shared between Python and script.

    It is made as a copy of a list. A scripted function that is given one changes this
    very object, as Python would. The element type is that of what it is made of, and
    `Tensor` (any array) for an empty list; another type is refused wherever an element
    is written or looked for. Numbers are converted where nothing is lost: an int in a
    list of floats becomes one.

    Args:
        values: a list.
        type_hint: the type of the list, where the elements don't tell.

    Raises:
        ContainerTypeError: `values` is no list, or its elements share no type. It is a
            TypeError, and so are the refusals of later elements.

    Example:
        >>> import jaxgrad
        >>> xs = jaxgrad.ScriptList([1, 2])
        >>> xs.append(3)
        >>> xs, xs[1:] + [4], xs == [1, 2, 3]
        ([1, 2, 3], [2, 3, 4], True)
        >>> jaxgrad.ScriptList([], type_hint=list[float]) * 2
        []
    """

    __hash__ = None  # type: ignore[assignment]  # it changes, as lists do
    _walked = _contains = True  # a script looks into it; builtins see the content

    def __init__(self, values: "list[Any] | ScriptList", *, type_hint: Any = None):
        """Copy a list."""
        content = values._content if isinstance(values, ScriptList) else values
        if not isinstance(content, list):
            raise ContainerTypeError(
                f"ScriptList(values): values is of type {type(values).__name__}; "
                f"expected a list.\n  Write ScriptList(list(...))"
            )
        self._content: list[Any] = list(content)
        if type_hint is not None:
            self._types = hinted(type_hint, types.ListType, "list[int]")
            self._content = self._checked(content)
        elif isinstance(values, ScriptList):
            self._types = values._types
        else:
            found = common_type(content, "element")
            self._types = (found or types.TensorType.get(),)

    def _element(self, value: Any, what: str = "an element of a ScriptList") -> Any:
        return element(value, self._types[0], what)

    def _checked(self, values: Iterable[Any]) -> list[Any]:
        """All values as elements, before any of them is stored."""
        if isinstance(values, ScriptList) and values._types == self._types:
            return list(values._content)
        return [self._element(value) for value in values]

    def _like(self, content: list[Any]) -> Self:
        """Another list of the same element type."""
        made = object.__new__(type(self))
        made._content = content
        made._types = self._types
        return made

    def __repr__(self) -> str:
        return repr(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> ScriptListIterator:
        return ScriptListIterator(iter(self._content))

    def __reversed__(self) -> ScriptListIterator:
        return ScriptListIterator(reversed(self._content))

    def __contains__(self, value: Any) -> bool:
        return self._element(value, "what is looked for in a ScriptList") in (
            self._content
        )

    def __getitem__(self, index: Any) -> Any:
        found = self._content[index]
        return self._like(found) if isinstance(index, slice) else found

    def __setitem__(self, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            self._content[index] = self._checked(value)
        else:
            self._content[index] = self._element(value)

    def __delitem__(self, index: SupportsIndex | slice) -> None:
        del self._content[index]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ScriptList):
            other = other._content
        return self._content == other if isinstance(other, list) else NotImplemented

    def __add__(self, other: Any) -> Self:
        if not isinstance(other, list | ScriptList):
            return NotImplemented
        return self._like(self._content + self._checked(other))

    def __radd__(self, other: Any) -> Self:
        if not isinstance(other, list):
            return NotImplemented
        return self._like(self._checked(other) + self._content)

    def __iadd__(self, other: Iterable[Any]) -> Self:
        self.extend(other)
        return self

    def __mul__(self, times: SupportsIndex) -> Self:
        return self._like(self._content * times)

    __rmul__ = __mul__

    def __imul__(self, times: SupportsIndex) -> Self:
        self._content *= times
        return self

    def append(self, value: Any) -> None:
        """Add an element at the end."""
        self._content.append(self._element(value))

    def extend(self, values: Iterable[Any]) -> None:
        """Add all elements of an iterable at the end; none if one doesn't fit."""
        self._content.extend(self._checked(values))

    def insert(self, index: SupportsIndex, value: Any) -> None:
        """Add an element before the one at `index`, as lists do."""
        self._content.insert(index, self._element(value))

    def pop(self, index: SupportsIndex = -1) -> Any:
        """Take an element out, the last one unless an index says which."""
        return self._content.pop(index)

    def remove(self, value: Any) -> None:
        """Take the first element out that equals `value`; ValueError if none does."""
        self._content.remove(self._element(value, "what is removed from a ScriptList"))

    def clear(self) -> None:
        """Take all elements out."""
        self._content.clear()

    def count(self, value: Any) -> int:
        """How many elements equal `value`."""
        return self._content.count(
            self._element(value, "what is counted in a ScriptList")
        )

    def index(self, value: Any, *where: SupportsIndex) -> int:
        """Where the first element is that equals `value`, between two indices perhaps.

        Args:
            value: of the type of the elements.
            where: the first index that is looked at, and the first that is not.

        Returns:
            The index; a ValueError says that there is none.
        """
        wanted = self._element(value, "what is looked for in a ScriptList")
        return self._content.index(wanted, *where)

    def reverse(self) -> None:
        """Turn the order round."""
        self._content.reverse()

    def sort(
        self, *, key: Callable[[Any], Any] | None = None, reverse: bool = False
    ) -> None:
        """Sort in place, as lists do."""
        self._content.sort(key=key, reverse=reverse)

    def copy(self) -> Self:
        """Another ScriptList of the same elements."""
        return self._like(self._content.copy())

    __copy__ = copy
