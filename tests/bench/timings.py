"""How long tracing and calling take, against the hand-written rule.

- `tracing(pair, fresh)`: 100 chained calls with their gradient, traced.
- `calling(pair)`: one call on eight concrete elements.
- `Timing`: seconds of both sides, and their ratio.

Times are processor time of this thread. The two sides run in turn, and the ratio is the
median over the rounds of what was measured side by side: another process that slows the
machine down for a while slows both.
"""

import contextlib
import gc
import statistics
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tests.bench.pairs import Pair

CALLS = 100
TRACE_ROUNDS, CALL_ROUNDS = 9, 60

Run = Callable[[], object]


class Timing(NamedTuple):
    """Median seconds of the Function and of the hand-written rule, and their ratio."""

    ours_s: float
    twin_s: float
    ratio: float


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Keeps the garbage collector from running in the middle of a timing."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _timed(run: Run, number: int) -> float:
    start_s = time.thread_time()
    for _ in range(number):
        run()
    return (time.thread_time() - start_s) / number


def _alternate(ours: Run, twin: Run, number: int, rounds: int) -> Timing:
    """Times `number` runs of each side in each round: the twin, ours, the twin."""
    times: list[tuple[float, float]] = []
    with _no_collector():
        for _ in range(rounds):
            before_s = _timed(twin, number)
            ours_s = _timed(ours, number)
            times.append((ours_s, (before_s + _timed(twin, number)) / 2))
    ours_all, twin_all = zip(*times, strict=True)
    ratios = [ours_s / twin_s for ours_s, twin_s in times]
    medians = map(statistics.median, (ours_all, twin_all, ratios))
    return Timing(*medians)


def tracing(pair: Pair, fresh: bool, rounds: int = TRACE_ROUNDS) -> Timing:
    """Times the tracing of 100 chained calls and their gradient.

    Args:
        pair: What to compare.
        fresh: Whether JAX's caches are emptied before each run. They hold the traces of
            `jnp` functions and never the chain, which is a new function in each run.
        rounds: How often both sides are timed.

    Returns:
        The times of the whole chain.
    """
    arrays = pair.arrays(2, 4)

    def trace(side: int) -> None:
        f = pair.sides()[side]

        def chain(x: jax.Array, *rest: jax.Array) -> jax.Array:
            for _ in range(CALLS):
                x = pair.step(f, x, *rest)
            return jnp.sum(x)

        if fresh:
            jax.clear_caches()
        jax.make_jaxpr(jax.grad(chain, pair.argnums))(*arrays)

    for side in range(2):
        trace(side)
    return _alternate(lambda: trace(0), lambda: trace(1), 1, rounds)


def calling(pair: Pair, rounds: int = CALL_ROUNDS) -> tuple[Timing, float]:
    """Times one call on eight concrete elements, outside any transformation.

    Args:
        pair: What to compare.
        rounds: How often each way is timed.

    Returns:
        The times of `apply` and of the `jax.jit` of the hand-written rule, and seconds
        of that rule without jit.
    """
    apply, twin, static = pair.cls.apply, pair.twin, pair.static
    arrays = pair.arrays(2, 4)
    by_position = tuple(static.values())
    # A jit of its own, with static arguments by name as `apply` gets them.
    jitted = jax.jit(twin, static_argnames=tuple(static))
    runs: tuple[Run, ...] = (
        lambda: apply(*arrays, **static),
        lambda: jitted(*arrays, **static),
        lambda: twin(*arrays, *by_position),
    )
    for run in runs:
        for _ in range(3):  # a static value is compiled at its second use
            jax.block_until_ready(run())
    timing = _alternate(runs[0], runs[1], 200, rounds)
    with _no_collector():
        unjitted_s = statistics.median(_timed(runs[2], 5) for _ in range(20))
    return timing, unjitted_s
