"""Trees with numbered slots in the place of their arrays, for the oracle.

- `is_array`, `is_inexact`: which leaves are arrays, and which of them have a
  derivative.
- `take_arrays(tree)`: the tree with a `Slot` for each array, and the arrays.
- `fill(tree, arrays)`: the tree with arrays in its slots again.
- `scatter(tree, values)`: reads another tree, of the same structure, into slot order.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass(frozen=True)
class Slot:
    """The place of array number `index`."""

    index: int


def is_array(leaf: Any) -> bool:
    """Tells whether a leaf of the arguments or outputs is an array."""
    if isinstance(leaf, np.ndarray | np.generic):
        return leaf.dtype.kind not in "OSU"
    return isinstance(leaf, jax.Array)


def is_inexact(leaf: Any) -> bool:
    """Tells whether an array has a derivative: floating or complex."""
    return jnp.issubdtype(leaf.dtype, jnp.inexact)


def take_arrays(tree: Any) -> tuple[Any, list[Any]]:
    """Splits a tree into the same tree with slots for arrays, and the arrays."""
    leaves, treedef = jax.tree.flatten(tree)
    arrays = [leaf for leaf in leaves if is_array(leaf)]
    numbers = iter(range(len(arrays)))
    slots = [Slot(next(numbers)) if is_array(leaf) else leaf for leaf in leaves]
    return jax.tree.unflatten(treedef, slots), arrays


def fill(tree: Any, arrays: Sequence[Any]) -> Any:
    """Puts arrays into the slots of a tree; its other leaves stay."""
    return jax.tree.map(lambda s: arrays[s.index] if isinstance(s, Slot) else s, tree)


def fill_only(tree: Any, arrays: Sequence[Any]) -> Any:
    """Puts arrays into the slots of a tree; its other leaves become None."""
    return jax.tree.map(
        lambda s: arrays[s.index] if isinstance(s, Slot) else None, tree
    )


def scatter(trees: Sequence[Any], values: Sequence[Any], count: int) -> list[Any]:
    """Reads values, one for each of `trees`, into the order of the trees' slots.

    Args:
        trees: Trees with slots, numbered below `count`.
        values: For each of them a tree of the same structure, or None for all of it.
        count: How many slots there are.

    Returns:
        For each slot what stands in its place, None where nothing does.
    """
    found: list[Any] = [None] * count
    for tree, value in zip(trees, values, strict=False):
        if value is None:
            continue
        slots, treedef = jax.tree.flatten(tree)
        for slot, leaf in zip(slots, treedef.flatten_up_to(value), strict=True):
            if isinstance(slot, Slot):
                found[slot.index] = leaf
    return found
