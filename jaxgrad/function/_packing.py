"""Residuals as the saved-tensor hooks in force want them: packed, until they are read.

`pack` takes the residuals of an application and packs those that are saved tensors;
the `Packing` that it makes is static, and restores them. A packed one is a `Packed`,
which is unpacked when somebody reads it.
"""

from collections.abc import Sequence
from typing import Any

import jax
from jax.ad_checkpoint import checkpoint_name

from jaxgrad.errors import HookError
from jaxgrad.function import _closures, _poison
from jaxgrad.function._hooks import Packer
from jaxgrad.function._trees import as_array, is_array, is_differentiable, is_inexact

_HOLE = object()


class Packed:
    """One saved tensor, not unpacked yet."""

    __slots__ = ("leaves", "owner", "packer", "part", "witness")

    def __init__(
        self, owner: str, packer: Packer, part: "_Part", leaves: Sequence[Any]
    ) -> None:
        self.owner = owner
        self.packer = packer
        self.part = part
        self.leaves = leaves[: part.count]
        self.witness = leaves[part.count] if part.lossy else None

    def unpack(self) -> Any:
        """The tensor, as the user's hook gives it back."""
        rest = iter(self.leaves)
        leaves = [next(rest) if leaf is _HOLE else leaf for leaf in self.part.leaves]
        value = self.packer.unpack(jax.tree.unflatten(self.part.treedef, leaves))
        if not is_array(value) and not hasattr(value, "dtype"):
            raise HookError(
                f"{self.owner}: the unpack hook {self.packer!r} returned "
                f"{type(value).__name__} {value!r} for a saved tensor.\n"
                f"  Expected an array; got {type(value).__name__}.\n"
                "  Return the array that pack was given, or what stands for it."
            )
        value = as_array(value)
        if self.witness is None or not is_inexact(value.dtype):
            return value
        return _poison.tie(value, self.witness)


class _Part:
    """The static side of one packed tensor."""

    __slots__ = ("count", "leaves", "lossy", "treedef")

    def __init__(self, leaves: list[Any], treedef: Any, lossy: bool) -> None:
        self.leaves = leaves  # _HOLE in the place of arrays
        self.treedef = treedef
        self.lossy = lossy
        self.count = sum(leaf is _HOLE for leaf in leaves)


class Packing:
    """Where the residuals of one application went.

    Attributes:
        kept: the numbers of the residuals that are kept as they are.
        parts: for each packed residual, its number and how it was packed.
    """

    __slots__ = ("kept", "owner", "parts", "total")

    def __init__(self, owner: str, total: int) -> None:
        self.owner = owner
        self.total = total
        self.kept: list[int] = []
        self.parts: list[tuple[int, _Part]] = []

    def numbers(self) -> list[int | None]:
        """For each kept value, the number of its residual; None for a witness."""
        out: list[int | None] = list(self.kept)
        for number, part in self.parts:
            out += [number] * part.count + [None] * part.lossy
        return out

    def plain(self, values: Sequence[Any]) -> list[Any]:
        """The residuals that are kept as they are; None for the others."""
        out: list[Any] = [None] * self.total
        for number, value in zip(self.kept, values, strict=False):
            out[number] = value
        return out

    def packed(self, values: Sequence[Any], packer: Packer) -> dict[int, Packed]:
        """Those that are packed, by number."""
        out: dict[int, Packed] = {}
        start = len(self.kept)
        for number, part in self.parts:
            stop = start + part.count + part.lossy
            out[number] = Packed(self.owner, packer, part, values[start:stop])
            start = stop
        return out


def opened(saved: Sequence[Any]) -> tuple[Any, ...]:
    """Saved tensors for the user, unpacked."""
    return tuple([v.unpack() if type(v) is Packed else v for v in saved])


def pack(
    owner: str,
    packer: Packer,
    values: Sequence[Any],
    saved: Sequence[int],
    needed: set[int],
    names: dict[int, list[str]],
) -> tuple[Packing, list[Any]]:
    """Pack the saved tensors among residuals.

    Args:
        owner: the class, for messages.
        packer: the hooks.
        values: the residuals.
        saved: the numbers of those that are saved tensors, in order.
        needed: the numbers of those that are needed as they are, too.
        names: the names that checkpoint policies know some of them by.

    Returns:
        The packing, and the arrays to keep.
    """
    packing = Packing(owner, len(values))
    packing.kept = [i for i in range(len(values)) if i in needed or i not in saved]
    arrays = [_named(values[i], names.get(i, ())) for i in packing.kept]
    for number in dict.fromkeys(saved):
        value = as_array(values[number])  # JAX may hold a Python scalar there
        leaves, treedef = jax.tree.flatten(packer.pack(value))
        _check(owner, packer, leaves)
        found = [as_array(leaf) for leaf in leaves if is_array(leaf)]
        found = [_named(leaf, names.get(number, ())) for leaf in found]
        marks = [_HOLE if is_array(leaf) else leaf for leaf in leaves]
        # What is packed into integers, even in part, has no derivative to speak of.
        lossy = is_differentiable(value) and not all(map(is_differentiable, found))
        lossy = lossy or (is_differentiable(value) and not found)
        packing.parts.append((number, _Part(marks, treedef, lossy)))
        arrays += found
        if lossy:
            arrays.append(_poison.witness(value, _poison_of(owner, packer)))
    return packing, arrays


def _check(owner: str, packer: Packer, leaves: Sequence[Any]) -> None:
    """Refuse a packed value that hides a traced array in something else."""
    for leaf in leaves:
        if not is_array(leaf) and _closures.find([("packed", leaf)]) is not None:
            raise HookError(
                f"{owner}: the pack hook {packer!r} returned a "
                f"{type(leaf).__name__} that holds a traced array.\n"
                "  Expected a pytree of arrays and static values; got an array inside "
                "something that JAX can't look into.\n"
                "  Return arrays in tuples, lists, dicts or registered dataclasses."
            )


def named(values: Sequence[Any], names: dict[int, list[str]]) -> list[Any]:
    """Residuals under the names that checkpoint policies know them by."""
    return [_named(value, names.get(i, ())) for i, value in enumerate(values)]


def _named(value: Any, names: Sequence[str]) -> Any:
    for name in names:
        value = checkpoint_name(value, name)
    return value


def _poison_of(owner: str, packer: Packer) -> _poison.Poison:
    return _poison.Poison(
        HookError,
        f"{owner}: a saved tensor that the pack hook {packer!r} turned into values "
        "without a derivative is being differentiated.\n"
        "  Expected a packed value whose every array is floating point, for a second "
        "derivative; got integers or none.\n"
        "  Use a differentiable packer, such as jaxgrad.packers.bfloat16, where a "
        "derivative of a gradient is needed.",
    )
