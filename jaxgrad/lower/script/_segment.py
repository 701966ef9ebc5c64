"""Lists that grew where their length is not plain to see.

- `Segment`: what a rolled loop appended in each of its rounds, stacked.
- `Buffer`: what was appended under traced conditions: an array, and how many of its
  first elements count. It is the last thing in its list.
- `GROWING`: what a list held before a round that appends to it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jaxgrad.errors import ScriptError
from jaxgrad.lower.script import _raising
from jaxgrad.lower.script._forms import Buffer, Form, Leaf
from jaxgrad.lower.script._template import build
from jaxgrad.lower.script._values import is_array, is_number, is_traced

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Session


@dataclasses.dataclass(eq=False)
class Segment:
    """Elements of a list, stacked.

    Attributes:
        forms: the forms of the elements that each round appended.
        arrays: their arrays, with a leading axis for the rounds.
        count: how many rounds.
    """

    _walked = True

    forms: tuple[Form, ...]
    arrays: list[Any]
    count: int

    def __len__(self) -> int:
        return self.count * len(self.forms)

    def item(self, j: int) -> Any:
        """Element number `j`."""
        i, k = divmod(j, len(self.forms))
        return build(self.forms[k], [a[i] for a in self.arrays], {})

    def stacked(self) -> Any:
        """All elements as one array; None if they are no arrays."""
        if len(self.forms) != 1 or len(self.arrays) != 1:
            return None
        form = self.forms[0]
        return self.arrays[form.index] if isinstance(form, Leaf) else None


class Growing:
    """Stands for what a list held before, while a round of a loop appends to it."""

    def __repr__(self) -> str:
        return "<what the list held before this round>"


GROWING = Growing()


def is_growing(value: Any) -> bool:
    """Whether a value is a list that a loop appends to, inside this loop."""
    return type(value) is list and bool(value) and value[0] is GROWING


def has_segments(value: Any) -> bool:
    """Whether a value is a list with stacked elements."""
    return type(value) is list and any(type(e) is Segment for e in value)


def is_open(value: Any) -> bool:
    """Whether a value is a list whose length is known when the program runs only."""
    return type(value) is list and bool(value) and type(value[-1]) is Buffer


def spread(values: Sequence[Any]) -> list[Any]:
    """The elements themselves."""
    found: list[Any] = []
    for each in values:
        if type(each) is Segment:
            found += [each.item(j) for j in range(len(each))]
        else:
            found.append(each)
    return found


def only_stack(values: Sequence[Any]) -> Any:
    """The stacked array of a list that is one segment; None if it isn't."""
    if len(values) == 1 and type(values[0]) is Segment:
        return values[0].stacked()
    return None


def length_of(values: Sequence[Any]) -> Any:
    """How many elements a list has: an int, or a traced one."""
    found: Any = 0
    for each in values:
        if type(each) is Segment:
            found = found + len(each)
        else:
            found = found + (each.count if type(each) is Buffer else 1)
    return found


# --- lists of unknown length ----------------------------------------------------------


def whole(session: Session, values: list[Any]) -> Buffer:
    """All elements of an open list as one buffer.

    Returns:
        The buffer.

    Raises:
        ScriptError: the elements are not alike.
    """
    *fixed, buffer = spread(values)
    if not fixed:
        return buffer
    shape, dtype = buffer.stack.shape[1:], buffer.stack.dtype
    alike = all((is_array(v) or is_number(v)) and jnp.shape(v) == shape for v in fixed)
    if not alike:
        raise session.error(
            "the elements of a list whose length is not known are not alike",
            "give them one shape and dtype, or use an array of a fixed size",
        )
    first = jnp.stack([jnp.asarray(v, dtype) for v in fixed])
    return Buffer(jnp.concatenate([first, buffer.stack]), buffer.count + len(fixed))


def pushed(buffer: Buffer, stack: Any, count: Any) -> Buffer:
    """A buffer with the first `count` elements of `stack` behind its own."""
    room = jnp.zeros_like(stack)
    longer = jnp.concatenate([buffer.stack, room.astype(buffer.stack.dtype)])
    start = [buffer.count, *[0] * (stack.ndim - 1)]
    start = [jnp.asarray(s, jnp.int32) for s in start]
    new = jax.lax.dynamic_update_slice(longer, stack.astype(longer.dtype), start)
    return Buffer(new, buffer.count + count)


def extend_open(values: list[Any], stack: Any, count: Any) -> None:
    """Append the first `count` elements of `stack` to a list, in place."""
    if is_open(values):
        values[-1] = pushed(values[-1], stack, count)
    else:
        values.append(Buffer(stack, count))


def append_open(values: list[Any], value: Any) -> None:
    """Append to an open list, in place."""
    extend_open(values, jnp.asarray(value)[None], 1)


def item_open(session: Session, values: list[Any], index: Any) -> Any:
    """An element of an open list; the program reports an index that is out of range."""
    if isinstance(index, int) and 0 <= index < len(spread(values)) - 1:
        return spread(values)[index]
    buffer = whole(session, values)
    place = _checked(session, buffer, index, "list index out of range")
    return buffer.stack[place]


def _checked(session: Session, buffer: Buffer, index: Any, message: str) -> Any:
    index = jnp.asarray(index)
    place = jnp.where(index < 0, index + buffer.count, index)
    outside = (place < 0) | (place >= buffer.count)
    _raising.record(session, outside, IndexError(message))
    return place


def set_open(session: Session, values: list[Any], index: Any, value: Any) -> None:
    """Store an element of an open list, in place."""
    buffer = whole(session, values)
    message = "list assignment index out of range"
    place = _checked(session, buffer, index, message)
    value = jnp.asarray(value, buffer.stack.dtype)
    values[:] = [Buffer(buffer.stack.at[place].set(value), buffer.count)]


def pop_open(session: Session, values: list[Any]) -> Any:
    """Take the last element of an open list away, in place."""
    buffer = whole(session, values)
    place = _checked(session, buffer, -1, "pop from empty list")
    values[:] = [Buffer(buffer.stack, jnp.maximum(buffer.count - 1, 0))]
    return buffer.stack[place]


def unknown_length(session: Session, what: str) -> Exception:
    """The error for what needs the length of an open list."""
    return session.error(
        f"{what} needs the length of a list that grew under a traced condition",
        "index it, loop over it, or write into an array of a fixed size instead",
    )


def closed(values: Sequence[Any]) -> list[Any]:
    """The elements of a list, once its length is known.

    Returns:
        A plain list.

    Raises:
        ScriptError: the length is traced.
    """
    found = spread(values)
    if not is_open(found):
        return found
    buffer = found.pop()
    if is_traced(buffer.count):
        raise ScriptError(
            "a list that grew under a traced condition leaves the script inside "
            "another trace, where its length is not known\n  Write into an array of a "
            "fixed size, or call the script outside jit, grad and vmap."
        )
    return found + [buffer.stack[i] for i in range(int(buffer.count))]
