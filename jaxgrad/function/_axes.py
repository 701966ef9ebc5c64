"""Cotangents with the right varying axes and sharding, for `shard_map` and meshes.

A cotangent must vary over exactly the mesh axes that its primal varies on, and on a
mesh with explicit axes it must have the primal's sharding. A backward can't know
either: it is written once, for every mesh. So each gradient is brought to its primal's
type (`conform`), and the zeros that stand for absent cotangents are made in it
(`zeros`).
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat


def conform(
    cotangent: jax.Array, aval: Any, axes: frozenset[str] = frozenset()
) -> jax.Array:
    """`cotangent` with the varying axes and the sharding of the primal type `aval`.

    Args:
        cotangent: a gradient with the primal's shape.
        aval: the primal's type, as `jax.typeof` gives it.
        axes: the mesh axes over which the whole application varies. Every device ran
            the rule, so that even a constant gradient is one contribution for each of
            them.

    Returns:
        The cotangent, summed over the axes that the primal does not vary on.
    """
    if not _compat.outside_meshes():
        cotangent = _vary(cotangent, _compat.varying_axes(aval), axes)
    sharding = _compat.explicit_sharding(aval)
    if sharding is not None and jax.typeof(cotangent).sharding != sharding:
        cotangent = jax.reshard(cotangent, sharding.spec)
    return cotangent


def conform_all(
    cotangents: Sequence[Any], avals: Sequence[Any], axes: frozenset[str]
) -> list[Any]:
    """`conform` for each of `cotangents`; None stays None."""
    pairs = zip(cotangents, avals, strict=True)
    return [None if c is None else conform(c, aval, axes) for c, aval in pairs]


def any_explicit(avals: Sequence[Any]) -> bool:
    """Whether a value of one of the types lies on a mesh with an explicit axis."""
    return any(_compat.explicit_sharding(aval) is not None for aval in avals)


def _vary(
    cotangent: jax.Array, want: frozenset[str], axes: frozenset[str]
) -> jax.Array:
    have = _compat.varying_axes(jax.typeof(cotangent))
    if axes - have:
        cotangent = jax.lax.pcast(cotangent, tuple(sorted(axes - have)), to="varying")
        have = have | axes
    if have - want:
        cotangent = jax.lax.psum(cotangent, tuple(sorted(have - want)))
    if want - have:
        cotangent = jax.lax.pcast(cotangent, tuple(sorted(want - have)), to="varying")
    return cotangent


def missing(gradient: jax.Array, aval: Any, axes: frozenset[str]) -> frozenset[str]:
    """The axes of the application over which neither gradient nor primal varies."""
    have = _compat.varying_axes(jax.typeof(gradient))
    return axes - have - _compat.varying_axes(aval)


def zeros(aval: Any) -> jax.Array:
    """Zeros of the type `aval`."""
    return conform(jnp.zeros(aval.shape, aval.dtype), aval)


def varying(avals: Sequence[Any]) -> frozenset[str]:
    """The mesh axes over which any of the types varies."""
    return frozenset().union(*map(_compat.varying_axes, avals))


def share(cotangents: Sequence[Any], axes: frozenset[str]) -> list[Any]:
    """Cotangents that all vary over `axes`.

    Where outputs vary differently, an invariant cotangent is handed to every shard as
    an equal share: a backward that mixes them then sums to the right gradient.

    Returns:
        As many cotangents; None stays None.
    """
    if not axes:
        return list(cotangents)
    return [None if c is None else _spread(c, axes) for c in cotangents]


def _spread(cotangent: jax.Array, axes: frozenset[str]) -> jax.Array:
    missing = tuple(sorted(axes - _compat.varying_axes(jax.typeof(cotangent))))
    if not missing:
        return cotangent
    shares = cotangent / jax.lax.axis_size(missing)
    return jax.lax.pcast(shares.astype(cotangent.dtype), missing, to="varying")


def widen(outputs: Sequence[jax.Array], inputs: Sequence[jax.Array]) -> list[jax.Array]:
    """`outputs` as values that vary over every axis that an input varies on.

    JAX gives the result of a host callback an invariant type whatever its operands;
    each device calls the host by itself, so the result varies.

    Returns:
        As many values, unchanged but for their types.
    """
    axes = varying([jax.typeof(x) for x in inputs])
    out = []
    for value in outputs:
        missing = tuple(sorted(axes - _compat.varying_axes(jax.typeof(value))))
        out.append(jax.lax.pcast(value, missing, to="varying") if missing else value)
    return out
