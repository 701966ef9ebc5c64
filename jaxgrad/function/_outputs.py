"""What `forward` returned, as a pytree whose leaves are its arrays.

JAX functions return arrays only; a Function may also return None, strings or objects.
They travel in the pytree's static data, which compares by structure: forward may be
traced twice.
"""

from collections.abc import Sequence
from typing import Any

import jax

from jaxgrad import _compat
from jaxgrad.errors import OutputError
from jaxgrad.function._trees import as_array, flatten, is_array

_HOLE = object()


class _Static:
    """The structure of one result of forward, and what in it is not an array."""

    __slots__ = ("empty", "leaves", "plain", "single", "treedef")

    def __init__(self, treedef: Any, leaves: list[Any], single: bool) -> None:
        self.treedef = treedef
        self.leaves = leaves  # _HOLE in the place of arrays
        self.single = single
        self.plain = all(leaf is _HOLE for leaf in leaves)
        self.empty = Outputs((), self)  # the result without its arrays

    def _key(self) -> Any:
        return self.treedef, tuple(leaf is _HOLE for leaf in self.leaves)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, _Static) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


class Outputs:
    """The arrays of one result, and the static rest.

    Attributes:
        arrays: the array leaves, in order.
        static: everything else.
    """

    __slots__ = ("arrays", "static")

    def __init__(self, arrays: Sequence[Any], static: _Static) -> None:
        """Use `Outputs.of` to take a result apart."""
        self.arrays = arrays
        self.static = static

    @staticmethod
    def of(result: Any) -> "Outputs":
        """Take apart what forward returned."""
        if isinstance(result, _compat.Tracer):
            return Outputs([result], _ONE)
        leaves, treedef = flatten(result, OutputError, "What forward returned seems to")
        arrays = [leaf for leaf in leaves if is_array(leaf)]
        rest = [_HOLE if is_array(leaf) else leaf for leaf in leaves]
        return Outputs(arrays, _Static(treedef, rest, not isinstance(result, tuple)))

    def unpack(self) -> Any:
        """The result as the user wrote it, with JAX arrays."""
        return self.fill(self.arrays)

    def fill(self, arrays: Sequence[Any]) -> Any:
        """The structure of the result with `arrays` in the place of its arrays."""
        static = self.static
        if static is _ONE:
            return arrays[0]
        if static.plain:
            return jax.tree.unflatten(static.treedef, arrays)
        rest = iter(arrays)
        leaves = [next(rest) if leaf is _HOLE else leaf for leaf in static.leaves]
        return jax.tree.unflatten(static.treedef, leaves)

    def slots(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """One entry for each output, static leaves being None."""
        static = self.static
        if static is _ONE:
            return (arrays[0],)
        rest = iter(arrays)
        leaves = [next(rest) if leaf is _HOLE else None for leaf in static.leaves]
        filled = jax.tree.unflatten(static.treedef, leaves)
        return (filled,) if static.single else tuple(filled)

    def slot_marks(self) -> tuple[Any, ...]:
        """One entry for each output, with True in the place of arrays, else False."""
        marks = [leaf is _HOLE for leaf in self.static.leaves]
        filled = jax.tree.unflatten(self.static.treedef, marks)
        return (filled,) if self.static.single else tuple(filled)

    def pick(self, leaves: Sequence[Any]) -> list[Any]:
        """Those of `leaves`, one for each leaf of the result, that stand for arrays."""
        pairs = zip(leaves, self.static.leaves, strict=True)
        return [leaf for leaf, mark in pairs if mark is _HOLE]

    def with_arrays(self, arrays: Sequence[Any]) -> "Outputs":
        """The same result with other arrays."""
        return Outputs(arrays, self.static)

    def is_one_tracer(self) -> bool:
        """Whether the result is one array, and traced."""
        return self.static is _ONE and isinstance(self.arrays[0], _compat.Tracer)

    def converted(self) -> "Outputs":
        """The same result with every array a JAX array."""
        if self.is_one_tracer():
            return self
        return Outputs([as_array(a) for a in self.arrays], self.static)


# One array, which most Functions return.
_ONE = _Static(jax.tree.structure(0), [_HOLE], single=True)


jax.tree_util.register_pytree_node(
    Outputs,
    lambda outputs: (tuple(outputs.arrays), outputs.static),
    lambda static, arrays: Outputs(arrays, static),
)
