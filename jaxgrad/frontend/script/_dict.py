"""`ScriptDict`: a dictionary with one type of keys and one of values."""

from collections.abc import Iterable, Iterator, Mapping, ValuesView
from typing import Any, Self

from jaxgrad.errors import ContainerTypeError
from jaxgrad.frontend.script._elements import common_type, element, hinted
from jaxgrad.graph import types


class _Entries:
    """An iterator that still knows what it iterates over."""

    __slots__ = ("_iterator", "_view")

    def __init__(self, view: Any) -> None:
        """Of what `keys` or `items` of a plain dictionary returns."""
        self._view = view
        self._iterator: Iterator[Any] = iter(view)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return next(self._iterator)

    def __len__(self) -> int:
        return len(self._view)

    def __contains__(self, value: Any) -> bool:
        return value in self._view


class ScriptDictIterator(_Entries):
    """The pairs of keys and values of a `ScriptDict`, one after the other.

    `len` and `in` ask the dictionary, and take nothing from the iterator.
    """

    __slots__ = ()


class ScriptDictKeyIterator(_Entries):
    """The keys of a `ScriptDict`, one after the other.

    `len` and `in` ask the dictionary, and take nothing from the iterator.
    """

    __slots__ = ()


class ScriptDict:
    """A dictionary with one type of keys and one of values, shared with script.

    It is made as a copy of a dictionary. A scripted function that is given one changes
    this very object, as Python would. The types are those of what it is made of, and
    `Dict[str, Tensor]` for an empty dictionary; others are refused wherever something
    is written, and by `in`. Numbers are converted where nothing is lost.

    Args:
        values: a dictionary.
        type_hint: the type of the dictionary, where the content doesn't tell.

    Raises:
        ContainerTypeError: `values` is no dictionary, or its keys or its values share
            no type. It is a TypeError, and so are later refusals; those of keys are
            KeyErrors too.

    Example:
        >>> import jaxgrad
        >>> d = jaxgrad.ScriptDict({"a": 1})
        >>> d["b"] = 2
        >>> d | {"c": 3}, d.get("z"), d == {"a": 1, "b": 2}
        ({'a': 1, 'b': 2, 'c': 3}, None, True)
    """

    __hash__ = None  # type: ignore[assignment]  # it changes, as dictionaries do
    _walked = _contains = True  # a script looks into it; builtins see the content

    def __init__(self, values: "dict[Any, Any] | ScriptDict", *, type_hint: Any = None):
        """Copy a dictionary."""
        content = values._content if isinstance(values, ScriptDict) else values
        if not isinstance(content, dict):
            raise ContainerTypeError(
                f"ScriptDict(values): values is of type {type(values).__name__}; "
                f"expected a dict.\n  Write ScriptDict(dict(...))"
            )
        self._content: dict[Any, Any] = dict(content)
        if type_hint is not None:
            self._types = hinted(type_hint, types.DictType, "dict[str, int]")
            self._content = self._checked(content)
        elif isinstance(values, ScriptDict):
            self._types = values._types
        else:
            keys = common_type(content, "key")
            found = common_type(content.values(), "value")
            empty = types.StringType.get(), types.TensorType.get()
            self._types = (keys or empty[0], found or empty[1])

    def _key(self, key: Any, what: str = "a key of a ScriptDict") -> Any:
        return element(key, self._types[0], what, key=True)

    def _value(self, key: Any, value: Any) -> Any:
        return element(value, self._types[1], f"the value of {key!r} of a ScriptDict")

    def _checked(self, *given: Any, **named: Any) -> dict[Any, Any]:
        """What `dict(...)` makes of it, with keys and values of the right types."""
        plain = [g._content if isinstance(g, ScriptDict) else g for g in given]
        pairs = dict(*plain, **named).items()
        return {self._key(k): self._value(k, v) for k, v in pairs}

    def _like(self, content: dict[Any, Any]) -> Self:
        """Another dictionary of the same types."""
        made = object.__new__(type(self))
        made._content = content
        made._types = self._types
        return made

    def __repr__(self) -> str:
        return repr(self._content)

    def __len__(self) -> int:
        return len(self._content)

    def __iter__(self) -> ScriptDictKeyIterator:
        return ScriptDictKeyIterator(self._content.keys())

    def __reversed__(self) -> Iterator[Any]:
        return reversed(self._content)

    def __contains__(self, key: Any) -> bool:
        return self._key(key, "what is looked for in a ScriptDict") in self._content

    def __getitem__(self, key: Any) -> Any:
        return self._content[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._content[self._key(key)] = self._value(key, value)

    def __delitem__(self, key: Any) -> None:
        del self._content[self._key(key)]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ScriptDict):
            other = other._content
        return self._content == other if isinstance(other, dict) else NotImplemented

    def __or__(self, other: Any) -> Self:
        if not isinstance(other, dict | ScriptDict):
            return NotImplemented
        return self._like(self._content | self._checked(other))

    def __ror__(self, other: Any) -> Self:
        if not isinstance(other, dict):
            return NotImplemented
        return self._like(self._checked(other) | self._content)

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self

    def keys(self) -> ScriptDictKeyIterator:
        """An iterator over the keys."""
        return ScriptDictKeyIterator(self._content.keys())

    def values(self) -> ValuesView[Any]:
        """The values, as those of a plain dictionary."""
        return self._content.values()

    def items(self) -> ScriptDictIterator:
        """An iterator over pairs of a key and its value."""
        return ScriptDictIterator(self._content.items())

    def get(self, key: Any, default: Any = None) -> Any:
        """The value of a key, `default` if there is no such key."""
        return self._content.get(key, default)

    def update(
        self,
        values: "Mapping[Any, Any] | Iterable[Any] | ScriptDict" = (),
        /,
        **named: Any,
    ) -> None:
        """Store all of another dictionary, or of pairs; nothing if one doesn't fit."""
        self._content.update(self._checked(values, **named))

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """The value of a key; `default`, and it is stored, if there is no such key."""
        key = self._key(key)
        if key not in self._content:
            self._content[key] = self._value(key, default)
        return self._content[key]

    def pop(self, key: Any, *default: Any) -> Any:
        """Take a key out.

        Args:
            key: the key.
            default: what to return if there is no such key.

        Returns:
            Its value; a KeyError says that there is none, and no default.
        """
        return self._content.pop(key, *default)

    def popitem(self) -> tuple[Any, Any]:
        """Take the newest key out, and return it with its value."""
        return self._content.popitem()

    def clear(self) -> None:
        """Take all keys out."""
        self._content.clear()

    def copy(self) -> Self:
        """Another ScriptDict of the same content."""
        return self._like(self._content.copy())

    __copy__ = copy
