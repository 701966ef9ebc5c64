"""Prints how gradients of loops do: `python -m tests.bench.loops`.

Each strategy of `while_loop` against a hand-written loop that needs as much memory:

- bounded: nested scans of `cond` under `jax.checkpoint`, 16 steps each;
- taped: a `jax.custom_vjp` that writes down the carries and replays the steps;
- checkpointed: Equinox's loop itself;
- a `for` that ends early, `counted`: a scan of `cond`, or where JAX keeps closed-over
  arrays of a `cond` once for each step, the same under `jax.checkpoint`.

The columns are milliseconds of one gradient, megabytes of temporaries of the compiled
program, and ratios of both. The exit status is 1 if a ratio is above its limit.
"""

import functools
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import equinox.internal as eqxi
import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad._text import table
from jaxgrad.lower._bounded import counted
from jaxgrad.lower._while import while_loop
from tests.helpers import TripledSin, tripled_sin

TIME_LIMIT, MEMORY_LIMIT = 1.2, 1.2
MAX_STEPS, STEPS = 4096, 1000
SIZES = (16, 256)
ROUNDS = 15

Array = jax.Array
Loss = Callable[[Array, Array, Any], Array]


# --- the body, with a Function and with its hand-written twin -------------------------


def advance(x: Array, w: Array, sin: Callable[[Array], Array]) -> Array:
    """One step: a matrix that every step shares, and a custom rule."""
    return 0.3 * sin(w @ x) + 0.5 * x


# --- hand-written ---------------------------------------------------------------------


def hand_nested(x: Array, w: Array, steps: Any) -> Array:
    """Scans of 16 in scans of 16, each block under a checkpoint.

    Returns:
        The sum of the last carry.
    """

    def step(state: Any, _: None) -> tuple[Any, None]:
        def run(state: Any) -> Any:
            count, x = state
            return count + 1, advance(x, w, tripled_sin)

        return jax.lax.cond(state[0] < steps, run, lambda state: state, state), None

    def nested(levels: int) -> Callable[[Any, None], tuple[Any, None]]:
        if not levels:
            return jax.checkpoint(step, prevent_cse=False)
        inner = nested(levels - 1)

        def block(state: Any, _: None) -> tuple[Any, None]:
            def run(state: Any) -> Any:
                return jax.lax.scan(inner, state, None, length=16)[0]

            return jax.lax.cond(state[0] < steps, run, lambda state: state, state), None

        return jax.checkpoint(block, prevent_cse=False)

    (_, x), _ = jax.lax.scan(nested(2), (jnp.int32(0), x), None, length=16)
    return jnp.sum(x)


@jax.custom_vjp
def hand_loop(x: Array, w: Array, steps: Any) -> Array:
    """A `while`, with the rule of a loop that keeps a tape."""
    return _hand_forward(x, w, steps)[0]


def _hand_forward(x: Array, w: Array, steps: Any) -> tuple[Array, Any]:
    def run(state: Any) -> Any:
        count, x, tape = state
        tape = jax.lax.dynamic_update_index_in_dim(tape, x, count, 0)
        return count + 1, advance(x, w, tripled_sin), tape

    tape = jnp.zeros((MAX_STEPS, *x.shape), x.dtype)
    state = (jnp.int32(0), x, tape)
    test = lambda s: (s[0] < steps) & (s[0] < MAX_STEPS)  # noqa: E731
    count, x, tape = jax.lax.while_loop(test, run, state)
    return x, (count, tape, w)


def _hand_backward(kept: Any, g: Array) -> tuple[Array, Array, None]:
    count, tape, w = kept

    def run(state: Any) -> Any:
        index, g, total = state
        _, pull = jax.vjp(lambda x, w: advance(x, w, tripled_sin), tape[index - 1], w)
        g, more = pull(g)
        return index - 1, g, total + more

    state = (count, g, jnp.zeros_like(w))
    _, g, total = jax.lax.while_loop(lambda s: s[0] > 0, run, state)
    return g, total, None


hand_loop.defvjp(_hand_forward, _hand_backward)


def hand_taped(x: Array, w: Array, steps: Any) -> Array:
    """The same, summed."""
    return jnp.sum(hand_loop(x, w, steps))


def hand_checkpointed(x: Array, w: Array, steps: Any) -> Array:
    """Equinox's loop.

    Returns:
        The sum of the last carry.
    """
    _, x = eqxi.while_loop(
        lambda state: state[0] < steps,
        lambda state: (state[0] + 1, advance(state[1], w, tripled_sin)),
        (jnp.int32(0), x),
        max_steps=MAX_STEPS,
        kind="checkpointed",
    )
    return jnp.sum(x)


def hand_scan(x: Array, w: Array, steps: Any, save: bool) -> Array:
    """A scan of `cond` over all steps; with `save`, under a checkpoint that keeps all.

    Returns:
        The sum of the last carry and of what the steps gave.
    """

    def step(state: Any, scale: Array) -> tuple[Any, Array]:
        def run(state: Any) -> Any:
            count, x = state
            x = advance(x, w, tripled_sin) * scale
            return (count + 1, x), jnp.sum(x)

        skip = lambda state: (state, jnp.float32(0))  # noqa: E731
        return jax.lax.cond(state[0] < steps, run, skip, state)

    if save:
        policy = jax.checkpoint_policies.everything_saveable
        step = jax.checkpoint(step, prevent_cse=False, policy=policy)
    (_, x), ys = jax.lax.scan(step, (jnp.int32(0), x), scales())
    return jnp.sum(x) + jnp.sum(ys)


def scales() -> Array:
    """What the `for` loops go over."""
    return jnp.linspace(0.9, 1.0, MAX_STEPS, dtype=jnp.float32)


# --- ours -----------------------------------------------------------------------------


def ours_while(x: Array, w: Array, steps: Any, grad: str) -> Array:
    """The loop by a strategy.

    Returns:
        The sum of the last carry.
    """
    (_, x), _ = while_loop(
        lambda state: state[0] < steps,
        lambda state: (state[0] + 1, advance(state[1], w, TripledSin.apply)),
        (jnp.int32(0), x),
        max_steps=MAX_STEPS,
        grad=grad,
    )
    return jnp.sum(x)


def ours_counted(x: Array, w: Array, steps: Any) -> Array:
    """The `for` that ends early.

    Returns:
        The sum of the last carry and of what the steps gave.
    """

    def body(state: Any, scale: Array) -> Any:
        count, x = state
        x = advance(x, w, TripledSin.apply) * scale
        return (count + 1, x), jnp.sum(x)

    (_, x), ys = counted(
        body, (jnp.int32(0), x), scales(), MAX_STEPS, lambda state: state[0] < steps
    )
    return jnp.sum(x) + jnp.sum(ys)


# --- measuring ------------------------------------------------------------------------


class Side(NamedTuple):
    """A compiled gradient."""

    run: Callable[[], Any]
    megabytes: float


def compiled(loss: Loss, size: int) -> Side:
    """The gradient of `loss` in the carry and the matrix, for `size` floats."""
    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.standard_normal(size), jnp.float32)
    w = jnp.asarray(rng.standard_normal((size, size)) / size, jnp.float32)
    steps = jnp.int32(STEPS)
    program = jax.jit(jax.grad(loss, (0, 1))).lower(x, w, steps).compile()
    memory = program.memory_analysis()
    assert memory is not None
    run = lambda: jax.block_until_ready(program(x, w, steps))  # noqa: E731
    return Side(run, memory.temp_size_in_bytes / 1e6)


def seconds(run: Callable[[], Any]) -> float:
    """Wall time of one call."""
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


def times(sides: Sequence[Side]) -> list[list[float]]:
    """Seconds of each side, in each of the rounds, run in turn."""
    return [[seconds(side.run) for side in sides] for _ in range(ROUNDS)]


CASES: dict[str, tuple[Loss, tuple[Loss, ...]]] = {
    "bounded": (functools.partial(ours_while, grad="bounded"), (hand_nested,)),
    "taped": (functools.partial(ours_while, grad="taped"), (hand_taped,)),
    "checkpointed": (
        functools.partial(ours_while, grad="checkpointed"),
        (hand_checkpointed,),
    ),
    "for": (
        ours_counted,
        (
            functools.partial(hand_scan, save=False),
            functools.partial(hand_scan, save=True),
        ),
    ),
}


def row(name: str, size: int, above: list[str]) -> list[str]:
    """One strategy against the fastest twin that needs no more memory.

    Where every twin needs less than ours, it is against the one that needs least.

    Returns:
        The cells.
    """
    loss, twins = CASES[name]
    ours, rivals = compiled(loss, size), [compiled(twin, size) for twin in twins]
    fair = [r for r in rivals if r.megabytes <= MEMORY_LIMIT * ours.megabytes]
    rivals = fair or [min(rivals, key=lambda r: r.megabytes)]
    got = compared(ours, rivals)
    memory = ours.megabytes / rivals[0].megabytes
    for what, ratio, limit in (
        ("time", got[2], TIME_LIMIT),
        ("memory", memory, MEMORY_LIMIT),
    ):
        if ratio > limit:
            above.append(f"{what} of {name} with {size} floats {ratio:.2f}")
    return [
        name,
        f"{size}",
        f"{got[0] * 1e3:.1f}",
        f"{got[1] * 1e3:.1f}",
        f"{got[2]:.2f}",
        f"{ours.megabytes:.2f}",
        f"{rivals[0].megabytes:.2f}",
        f"{memory:.2f}",
    ]


def compared(ours: Side, rivals: Sequence[Side]) -> tuple[float, float, float]:
    """Median seconds of ours and of the fastest rival, and their ratio."""
    rounds = times([ours, *rivals])
    sides = [statistics.median(side) for side in zip(*rounds, strict=True)]
    best = min(range(len(rivals)), key=lambda i: sides[1 + i])
    ratio = statistics.median(r[0] / r[1 + best] for r in rounds)
    return sides[0], sides[1 + best], ratio


def main() -> int:
    """Measures and prints.

    Returns:
        0, or 1 if a ratio is above its limit.
    """
    above: list[str] = []
    print(f"Gradients of {STEPS} of at most {MAX_STEPS} steps\n")
    headers = ["loop", "floats", "ours, ms", "by hand, ms", "ratio"]
    headers += ["ours, MB", "by hand, MB", "ratio"]
    print(table(headers, [row(name, n, above) for name in CASES for n in SIZES]))
    # Here is the place for loops that `script` made, against the same twins.
    print(f"\nAt most {TIME_LIMIT} and {MEMORY_LIMIT}.")
    print(f"Too much: {', '.join(above)}." if above else "All are within their limits.")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
