"""What jaxgrad answers for the entries of the database, under every transformation.

`answers(entry, dims)` runs all of them in one compiled program; `torch_answers.py`
gives the same names and the same arrays from torch.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.upstream.entries import Dims, Entry, weights

Answers = dict[str, list[np.ndarray]]


def outputs_of(entry: Entry) -> Callable[..., tuple[jax.Array, ...]]:
    """The entry as a function of its array arguments alone, with a tuple of outputs."""

    def f(*arrays: jax.Array) -> tuple[jax.Array, ...]:
        out = entry.function.apply(*arrays, *entry.static())
        return (out if isinstance(out, tuple) else (out,))[: entry.n_outputs]

    return f


def smooth_of(outs: tuple[jax.Array, ...]) -> list[jax.Array]:
    """Those outputs that have a derivative."""
    return [v for v in outs if jnp.issubdtype(v.dtype, jnp.inexact)]


def loss_of(values: Any, start: int = 0) -> jax.Array:
    """The weighted sum and half of the squares."""
    total = jnp.zeros(())
    for slot, value in enumerate(values, start):
        total += (value * weights(value.shape, slot)).sum() + 0.5 * (value**2).sum()
    return total


def pushforward(entry: Entry, f: Callable) -> Callable:
    """From arrays and tangents to the tangents of the smooth outputs."""

    def push(arrays: list[jax.Array], tangents: list[jax.Array]) -> Any:
        def smooth(*given: jax.Array) -> list[jax.Array]:
            live = [*arrays]
            for i, value in zip(entry.smooth(), given, strict=True):
                live[i] = value
            return smooth_of(f(*live))

        primals = [arrays[i] for i in entry.smooth()]
        return jax.jvp(smooth, primals, tangents)[1]

    return push


def plain(entry: Entry) -> Answers:
    """Values, first and second gradients, and tangents, without batching."""
    f = outputs_of(entry)
    arrays = [*map(jnp.asarray, entry.arrays())]
    first = jax.grad(lambda *a: loss_of(smooth_of(f(*a))), entry.smooth())
    second = jax.grad(lambda *a: loss_of(first(*a), 10), entry.smooth())
    tangents = [*map(jnp.asarray, entry.tangents(entry.arrays()))]

    @jax.jit
    def run(*arrays: jax.Array) -> dict[str, Any]:
        got = {"values": f(*arrays), "first": first(*arrays)}
        if entry.complete:
            got["second"] = second(*arrays)
            got["jvp"] = pushforward(entry, f)([*arrays], tangents)
        return got

    return {key: [*map(np.asarray, values)] for key, values in run(*arrays).items()}


def batched(entry: Entry, dims: Dims) -> Answers:
    """All of it under `jax.vmap`, in both orders."""
    f = outputs_of(entry)
    arrays = [*map(jnp.asarray, entry.batched(dims))]
    vf = jax.vmap(f, dims)
    loss = lambda g: lambda *a: loss_of(smooth_of(g(*a)))  # noqa: E731
    tangents = [*map(jnp.asarray, entry.tangents(entry.batched(dims)))]
    tangent_dims = [dims[i] for i in entry.smooth()]

    @jax.jit
    def run(*arrays: jax.Array) -> dict[str, Any]:
        got = {
            "vmap": vf(*arrays),
            "grad of vmap": jax.grad(loss(vf), entry.smooth())(*arrays),
            "vmap of grad": jax.vmap(jax.grad(loss(f), entry.smooth()), dims)(*arrays),
        }
        if entry.complete:
            push = pushforward(entry, f)
            got["jvp of vmap"] = pushforward(entry, vf)([*arrays], tangents)
            got["vmap of jvp"] = jax.vmap(push, ([*dims], tangent_dims))(
                [*arrays], tangents
            )
        return got

    return {key: [*map(np.asarray, values)] for key, values in run(*arrays).items()}
