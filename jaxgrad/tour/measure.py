"""What the four Functions cost: memory between forward and backward, and time.

- `residual_bytes(function, *arrays)`: what is kept for backward.
- `times(subject)`: eager, compiled and tracing times of the Function and of its twins.

Times that are compared are taken in turns, so that a slower moment of the machine meets
each of them, and the shortest counts: noise only ever adds.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxgrad._compat import Literal
from jaxgrad.tour.subjects import Subject

SMALL = (1, 8)
LARGE = (128, 64)
APPLICATIONS = 20


def residual_bytes(function: Callable[..., jax.Array], *arrays: jax.Array) -> int:
    """Counts what `jax.vjp` keeps for the backward pass.

    Every array in the closure that `jax.vjp` returns counts once, inputs and outputs
    too, also where the closure refers to it twice.

    Args:
        function: A differentiable function of the arrays.
        *arrays: Its arguments; only their shapes and dtypes matter.

    Returns:
        The number of bytes.

    Example:
        >>> residual_bytes(jax.numpy.exp, jax.numpy.ones(4))
        16
    """
    closure = jax.make_jaxpr(lambda *xs: jax.vjp(function, *xs)[1])(*arrays)
    kept = {id(var): var for var in closure.jaxpr.outvars}
    return sum(
        var.aval.size * var.aval.dtype.itemsize
        for var in kept.values()
        if not isinstance(var, Literal)
    )


class Times(NamedTuple):
    """The shortest times, in seconds.

    Attributes:
        apply: Forward on concrete arrays with 8 elements, through `apply`.
        hand_jitted: The same, the hand-written function under `jax.jit`.
        hand_eager: The same, the hand-written function without `jax.jit`.
        compiled: Value and gradient under `jax.jit`, f32[128,64].
        hand_compiled: The same, hand-written.
        traced: Tracing the gradient of 20 applications in a row.
        hand_traced: The same, hand-written.
    """

    apply: float
    hand_jitted: float
    hand_eager: float
    compiled: float
    hand_compiled: float
    traced: float
    hand_traced: float


def times(subject: Subject) -> Times:
    """Times one Function and its hand-written twin.

    Args:
        subject: The Function with its twins.

    Returns:
        The times of both.
    """
    small, large = subject.arrays(*SMALL), subject.arrays(*LARGE)
    ours, hand = subject.bind(subject.function.apply), subject.bind(subject.handwritten)
    static = range(len(small), len(small) + len(subject.static))
    jitted = subject.bind(jax.jit(subject.handwritten, static_argnums=tuple(static)))
    eager = _shortest([ours, jitted, hand], small, rounds=40, calls=10)
    programs = [_value_and_gradient(call, large) for call in (ours, hand)]
    compiled = _shortest(programs, large, rounds=30, calls=5)
    tracers = [_tracer(call) for call in (ours, hand)]
    traced = _shortest(tracers, small, rounds=10, calls=1)
    return Times(*eager, *compiled, *traced)


def _shortest(
    calls_of: Sequence[Callable[..., Any]],
    arrays: tuple[jax.Array, ...],
    rounds: int,
    calls: int,
) -> list[float]:
    """Seconds per call: the shortest of `rounds`, in turns, each of `calls` calls."""
    for call in calls_of:
        jax.block_until_ready(call(*arrays))
    best = [float("inf")] * len(calls_of)
    for _ in range(rounds):
        for place, call in enumerate(calls_of):
            out = None
            start = time.perf_counter()
            for _ in range(calls):
                out = call(*arrays)
            jax.block_until_ready(out)
            best[place] = min(best[place], (time.perf_counter() - start) / calls)
    return best


def _value_and_gradient(
    call: Callable[..., jax.Array], arrays: tuple[jax.Array, ...]
) -> Callable[..., Any]:
    weight = np.random.default_rng(1).normal(size=arrays[0].shape).astype(np.float32)

    def loss(*arrays: jax.Array) -> jax.Array:
        return (call(*arrays) * weight).sum()

    return jax.jit(jax.value_and_grad(loss, tuple(range(len(arrays)))))


def _tracer(call: Callable[..., jax.Array]) -> Callable[..., None]:
    def trace(*arrays: jax.Array) -> None:
        def loss(first: jax.Array, *rest: jax.Array) -> jax.Array:
            for _ in range(APPLICATIONS):
                first = call(first, *rest)
            return first.sum()

        # `loss` is new each time, so that no cache of JAX's answers.
        jax.make_jaxpr(jax.grad(loss))(*arrays)

    return trace
