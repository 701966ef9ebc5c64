"""The forms of Python values with arrays in them: what is left without the arrays.

- `Leaf`, `Const`, `Same`, `New`: an array, a known value, an object from outside, and a
  container with the forms of its elements.
- `Missing`, `Optional`, `Clashing`: names without a value, with one on some paths, with
  values that don't go together.
- `Tail`: the end of a list that has another length on each path; `Buffer` is its value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from jaxgrad.lower.script._values import Clash, Undefined


@dataclasses.dataclass(frozen=True)
class Leaf:
    """An array.

    Attributes:
        index: its number among the arrays of the form.
        aval: its type.
    """

    index: int
    aval: Any


@dataclasses.dataclass(frozen=True, eq=False)
class Const:
    """A value that is known, or an array from outside.

    Attributes:
        value: it.
    """

    value: Any


@dataclasses.dataclass(frozen=True, eq=False)
class Same:
    """A mutable object from outside, by identity.

    Attributes:
        value: it.
    """

    value: Any


@dataclasses.dataclass(frozen=True, eq=False)
class New:
    """A container that was made inside, or an immutable one.

    Attributes:
        cls: its class.
        static: what of it is no element: its length, keys or names.
        parts: the forms of its elements.
        uid: tells which forms are the same object.
    """

    cls: type
    static: Any
    parts: tuple[Any, ...]
    uid: int

    def fill(self, parts: Iterable[Any]) -> None:
        """Give a new form its parts, which may lead back to it; once."""
        object.__setattr__(self, "parts", tuple(parts))


@dataclasses.dataclass(frozen=True, eq=False)
class Missing:
    """No value.

    Attributes:
        value: the `Undefined`; None where a path raised, and there is nothing to say.
    """

    value: Undefined | None


@dataclasses.dataclass(frozen=True, eq=False)
class Optional:
    """A value on some paths.

    Attributes:
        form: its form.
        name: the variable.
        why: which path has none.
        exits: how far that path has left: 0 not, 1 the round of a loop, 2 the call.
    """

    form: Any
    name: str
    why: str
    exits: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class Clashing:
    """Values that don't go together.

    Attributes:
        value: what is to be said.
    """

    value: Clash


@dataclasses.dataclass(frozen=True, eq=False)
class Tail:
    """The end of a list that has another length on each path.

    Attributes:
        stack: the array of as many elements as the longest has.
        count: how many of them there are.
        start: how many elements stand before.
    """

    stack: Leaf
    count: Leaf
    start: int


@dataclasses.dataclass(frozen=True, eq=False)
class Buffer:
    """The end of a list whose length is known when the program runs only.

    Attributes:
        stack: its elements along the leading axis, and perhaps more.
        count: how many of them there are.
    """

    _walked = True

    stack: Any
    count: Any


Form = Leaf | Const | Same | New | Missing | Optional | Clashing | Tail
