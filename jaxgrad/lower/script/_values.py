"""What the interpreter handles besides the user's own values.

- `Undefined`, `Maybe`, `Clash`: names without a value, with one on some paths only, or
  with values that don't go together; whoever uses one gets an error.
- `Cell`: a variable that nested functions share with the function around them.
- `Text`: a string with traced values in it.
- `is_traced`, `is_array`, `is_number`, `truth`: what a value is.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import _compat

PASS = object()  # a handler's answer: let the function itself do it


@dataclasses.dataclass(frozen=True)
class Undefined:
    """A variable without a value.

    Attributes:
        name: the variable.
        why: where it was not bound, for the message.
        exits: how far the path without it has left: 0 not, 1 a round, 2 the call.
    """

    name: str
    why: str = ""
    exits: int = 0


@dataclasses.dataclass(frozen=True, eq=False)
class Maybe:
    """A variable that has a value on some paths only.

    Attributes:
        value: the value on those paths, zeros on the others.
        name: the variable.
        why: which path binds it not.
        exits: how far that path has left: 0 not, 1 a round, 2 the call.
    """

    value: Any
    name: str
    why: str
    exits: int = 0


def out_of_round(value: Any) -> Any:
    """A variable after a round of a loop, which nothing has left any more."""
    if isinstance(value, Undefined | Maybe) and value.exits == 1:
        return dataclasses.replace(value, exits=0)
    return value


def in_round(value: Any) -> Any:
    """A variable at the head of a round, where the call has not been left."""
    return value.value if isinstance(value, Maybe) and value.exits == 2 else value


@dataclasses.dataclass(frozen=True, eq=False)
class Clash:
    """A variable whose values on two paths don't go together.

    Attributes:
        message: what doesn't, for the error.
        remedy: the way out.
        places: where the two values come from.
    """

    message: str
    remedy: str
    places: tuple[Any, ...] = ()


SPECIAL = (Undefined, Maybe, Clash)


class TracedLength(TypeError):
    """Items were asked for whose number is traced."""


class NeedsPython(Exception):
    """A loop has to be unrolled, as its body needs Python values."""


class Cell:
    """A variable that is shared with nested functions.

    Attributes:
        name: the variable.
        contents: its value.
    """

    _walked = True

    def __init__(self, name: str, contents: Any) -> None:
        self.name, self.contents = name, contents


@dataclasses.dataclass(frozen=True, eq=False)
class Text:
    """A string with traced values in it: an f-string before it is formatted.

    Attributes:
        parts: strings, and `(value, conversion, format specification)`.
    """

    _walked = True

    parts: tuple[Any, ...]

    def __add__(self, other: Any) -> Any:
        more = other.parts if isinstance(other, Text) else (other,)
        return Text((*self.parts, *more)) if _is_text(other) else NotImplemented

    def __radd__(self, other: Any) -> Any:
        return Text((other, *self.parts)) if _is_text(other) else NotImplemented

    def __str__(self) -> str:
        return "".join(p if isinstance(p, str) else "<traced>" for p in self.parts)


def _is_text(value: Any) -> bool:
    return isinstance(value, str | Text)


def is_traced(value: Any) -> bool:
    """Whether a value is known when the compiled program runs only."""
    return isinstance(value, _compat.Tracer)


def holds_traced(value: Any) -> bool:
    """Whether a value is traced, or a plain container or text with traced values."""
    seen: set[int] = set()
    todo = [value]
    while todo:
        each = todo.pop()
        if isinstance(each, Text) or is_traced(each):
            return True
        if type(each) in (list, tuple, dict) and id(each) not in seen:
            seen.add(id(each))
            todo += each.values() if type(each) is dict else each
    return False


def is_array(value: Any) -> bool:
    """Whether a value is an array, traced or not, of JAX or NumPy."""
    return isinstance(value, jax.Array | np.ndarray | np.generic)


def is_number(value: Any) -> bool:
    """Whether a value is a Python number."""
    return isinstance(value, bool | int | float | complex) and not isinstance(
        value, np.generic
    )


def short(value: Any) -> str:
    """The type of a value as messages show it: `f32[3]`, or the name of its class."""
    if is_array(value) or is_number(value):
        return jax.typeof(value).str_short(short_dtypes=True)
    return type(value).__name__


def is_integer(value: Any) -> bool:
    """Whether a traced value stands for a Python int."""
    return is_traced(value) and jnp.issubdtype(value.dtype, jnp.integer)


def truth(value: Any) -> Any:
    """The truth of a value.

    Returns:
        A bool, or a traced bool without dimensions.

    Raises:
        ValueError: it has more than one element, in NumPy's words.
    """
    if isinstance(value, Text):
        return True
    if not is_traced(value):
        return bool(value)
    if value.size != 1:
        raise ValueError(
            f"the truth value of {short(value)} is ambiguous: reduce it with any() or "
            "all()"
        )
    value = value if value.ndim == 0 else value.reshape(())
    return value if value.dtype == jnp.bool_ else value != 0
