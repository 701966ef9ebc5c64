"""`Grown`: a list that a loop appends to; a round sees its own elements only."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jaxgrad.lower.script._forms import Buffer, Form, New
from jaxgrad.lower.script._join import capacity, common_type, element_type
from jaxgrad.lower.script._segment import extend_open
from jaxgrad.lower.script._template import cast, stacked, zeros

if TYPE_CHECKING:
    from jaxgrad.graph import Node
    from jaxgrad.lower.script._session import Session


class Grown:
    """One such list.

    Attributes:
        obj: the list.
        parts: the forms of what one round appends.
        old: what it held before the loop.
        open: whether not every round appends the same number of elements.
    """

    def __init__(self, obj: list[Any], parts: Sequence[Form], old: list[Any]) -> None:
        self.obj, self.parts, self.old = obj, parts, old
        self.open = any(isinstance(p, New) and p.cls is Buffer for p in parts)
        self._aval: Any = None

    def buffer(self, session: Session, node: Node, rounds: Any) -> tuple[Any, Any]:
        """Room for what so many rounds append.

        Returns:
            The room, and how much of it is used.

        Raises:
            ScriptError: the elements are no arrays of one type.
        """
        types = [element_type(part) for part in self.parts]
        element = functools.reduce(common_type, types) if types else None
        if element is None:
            raise session.error(
                "the elements that a loop appends to a list are no arrays of one type",
                "append arrays of one shape and dtype, or keep several lists",
                node.source_range(),
            )
        most = sum(map(capacity, self.parts))
        self._aval = element.update(shape=(most, *element.shape))
        room = element.update(shape=(rounds * most, *element.shape))
        return zeros(room), jnp.int32(0)

    def push(self, buffer: tuple[Any, Any], leaves: Sequence[Any]) -> tuple[Any, Any]:
        """The room after one more round."""
        stack, count = stacked(self.parts, leaves, self._aval)
        room, used = buffer
        start = [used, *[jnp.int32(0)] * (room.ndim - 1)]
        new = jax.lax.dynamic_update_slice(room, stack.astype(room.dtype), start)
        return cast(new, jax.typeof(room)), used + jnp.asarray(count, jnp.int32)

    def finish(self, buffer: tuple[Any, Any]) -> None:
        """Give the list what it holds after the loop."""
        self.obj[:] = self.old
        extend_open(self.obj, *buffer)
