"""Cells about several devices: shard_map in its modes, and jit with shardings.

They take whatever `jax.devices()` has; a mesh of one device tests the same code.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from jaxgrad.verify._oracle import Oracle
from jaxgrad.verify._problem import Problem, shares, splits

_AXIS = "devices"


def _mesh(kind: AxisType) -> jax.sharding.Mesh:
    return jax.make_mesh((jax.device_count(),), (_AXIS,), axis_types=(kind,))


def _specs(p: Problem, split: frozenset[int]) -> tuple[PartitionSpec, ...]:
    return tuple(
        PartitionSpec(_AXIS) if i in split else PartitionSpec() for i in p.argnums
    )


def _put(p: Problem, mesh: jax.sharding.Mesh, split: frozenset[int]) -> tuple[Any, ...]:
    """The examples on the mesh: a batch spread over it, or one copy everywhere."""
    xs = [p.batch(i, mesh.size) if i in split else x for i, x in enumerate(p.xs)]
    return tuple(
        jax.device_put(x, NamedSharding(mesh, spec))
        for x, spec in zip(xs, _specs(p, split), strict=True)
    )


def _sharded_loss(
    p: Problem, mesh: jax.sharding.Mesh, split: frozenset[int], check_vma: bool
) -> Callable[..., Any]:
    def local(share: Any, *xs: Any) -> Any:
        members = [x[0] if i in split else x for i, x in enumerate(xs)]
        return share * p.loss(*members)

    spread = PartitionSpec(_AXIS)
    mapped = jax.shard_map(
        local,
        mesh=mesh,
        in_specs=(spread, *_specs(p, split)),
        out_specs=spread,
        check_vma=check_vma,
    )
    share = jax.device_put(
        jnp.asarray(shares(mesh.size), p.real), NamedSharding(mesh, spread)
    )
    return lambda *xs: jnp.sum(mapped(share, *xs))


def shard_map(
    p: Problem, check_vma: bool = True, kind: AxisType = AxisType.Auto
) -> Any:
    """Gradients of a loss over shards: of what is spread, and of what is everywhere."""
    mesh = _mesh(kind)
    cases = splits(len(p.xs))

    def gradients(*points: Any) -> Any:
        return [
            p.grad(_sharded_loss(p, mesh, split, check_vma))(*xs)
            for split, xs in zip(cases, points, strict=True)
        ]

    explicit = kind is AxisType.Explicit
    with jax.set_mesh(mesh) if explicit else contextlib.nullcontext():
        return jax.jit(gradients)(*(_put(p, mesh, split) for split in cases))


def expect_shard_map(o: Oracle) -> Any:
    """What is everywhere has the sum of all shards' gradients."""
    return [o.batched(jax.device_count(), s) for s in splits(len(o.problem.xs))]


def _batch_gradient(p: Problem, mesh: jax.sharding.Mesh) -> Any:
    everything = frozenset(p.argnums)
    share = jnp.asarray(shares(mesh.size), p.real)
    share = jax.device_put(share, NamedSharding(mesh, PartitionSpec(_AXIS)))

    def loss(share: Any, *xs: Any) -> Any:
        return jnp.sum(share * jax.vmap(p.loss)(*xs))

    gradient = jax.jit(jax.grad(loss, tuple(i + 1 for i in p.argnums)))
    return gradient(share, *_put(p, mesh, everything))


def jit_on_mesh(p: Problem) -> Any:
    """A batch spread over all devices, compiled as one program."""
    return _batch_gradient(p, _mesh(AxisType.Auto))


def vmap_on_explicit_mesh(p: Problem) -> Any:
    """The same where shardings are part of the types."""
    mesh = _mesh(AxisType.Explicit)
    with jax.set_mesh(mesh):
        return _batch_gradient(p, mesh)


def expect_batch_gradient(o: Oracle) -> Any:
    """One gradient for each member."""
    return o.batched(jax.device_count(), frozenset(o.problem.argnums))
