"""Prints how graphs do against JAX itself: `python -m tests.bench.graphs`.

- recording a program and lowering its graph back to a jaxpr, against one
  `jax.make_jaxpr` of the program;
- one cached call of the traced function, against `jax.jit` of the program;
- `lint`, `dce` and `cse`: microseconds a node at several sizes, which stay the same
  where they are linear.

The exit status is 1 if a ratio is above its limit, and the last line says which.
"""

import contextlib
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np

import jaxgrad
from jaxgrad._text import table
from jaxgrad.frontend import TracedFunction, trace
from jaxgrad.graph import Graph, cse, dce

SIZES = (2_000, 5_000, 20_000)
RECORD_LIMIT, CALL_LIMIT = 3.5, 1.1
# Linear: a node of the largest graph costs at most this much more than of the smallest.
GROWTH_LIMIT = 2.0
ROUNDS, CALLS = 5, 300


class Scale(jaxgrad.Function):
    """Twice its argument; its backward is deliberately not the derivative."""

    @staticmethod
    def forward(ctx: jaxgrad.Context, x: jax.Array) -> jax.Array:
        return 2.0 * x

    @staticmethod
    def backward(ctx: jaxgrad.Context, grad: jax.Array) -> jax.Array:
        return 100.0 * grad


def program(nodes: int, functions: bool) -> Callable[[jax.Array], jax.Array]:
    """A function of so many equations, one in ten an application of `Scale` if asked.

    JAX traces an application's rule and forward apart, so that a program without any is
    the harder case.
    """

    def run(x: jax.Array) -> jax.Array:
        for _ in range(nodes // 10):
            y = jnp.sin(x) * 0.5
            z = jnp.cos(y) + x
            x = Scale.apply(z - y) if functions else (z - y) * 2.0
            x = jnp.tanh(x) * jnp.exp(z) + jnp.maximum(x, y)
        return x

    return run


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the garbage collector, which strikes either side by chance."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def seconds(run: Callable[[], object]) -> float:
    """Processor time of one call."""
    with quiet():
        begin = time.thread_time()
        run()
        return time.thread_time() - begin


def record_row(nodes: int, functions: bool, above: list[str]) -> list[str]:
    """Recording and lowering against `jax.make_jaxpr`."""
    fn, x = program(nodes, functions), np.ones(3, np.float32)
    traced = trace(fn, x)
    parts: list[list[float]] = [[], [], []]
    for _ in range(ROUNDS):
        # JAX knows what it has traced already: each side gets a function of its own.
        parts[0].append(seconds(lambda: jax.make_jaxpr(lambda x: fn(x))(x)))
        parts[1].append(seconds(lambda: trace(lambda x: fn(x), x)))
        parts[2].append(seconds(traced.jaxpr))
    plain, record, lowered = map(statistics.median, parts)
    ratios = [(r + back) / p for p, r, back in zip(*parts, strict=True)]
    ratio = statistics.median(ratios)
    if ratio > RECORD_LIMIT:
        above.append(f"record and lower {nodes} nodes {ratio:.2f}")
    times = [f"{s * 1e3:.1f}" for s in (plain, record, lowered)]
    with_them = "one in ten" if functions else "none"
    return [f"{nodes}", with_them, *times, f"{ratio:.2f}", f"{RECORD_LIMIT:.2f}"]


def call_row(nodes: int, above: list[str]) -> list[str]:
    """A cached call against `jax.jit` of the program."""
    fn, x = program(nodes, functions=True), jnp.ones(8)
    jitted, traced = jax.jit(fn), trace(fn, x)

    def calls(run: Callable[[jax.Array], jax.Array]) -> float:
        def loop() -> None:
            for _ in range(CALLS):
                run(x)

        return seconds(loop)

    for run in (jitted, traced):
        jax.block_until_ready(run(x))
    pairs = [(calls(jitted), calls(traced)) for _ in range(20 * ROUNDS)]
    ratio = statistics.median([ours / theirs for theirs, ours in pairs])
    if ratio > CALL_LIMIT:
        above.append(f"call of {nodes} nodes {ratio:.2f}")
    times = [statistics.median(side) / CALLS for side in zip(*pairs, strict=True)]
    return [
        f"{nodes}",
        *[f"{s * 1e6:.1f}" for s in times],
        f"{ratio:.2f}",
        f"{CALL_LIMIT:.2f}",
    ]


def per_node(run: Callable[[Graph], object], traced: TracedFunction) -> float:
    """Microseconds a node."""
    graph = traced.graph
    count = len(graph.nodes())
    return min(seconds(lambda: run(graph)) for _ in range(ROUNDS)) / count * 1e6


def linear_rows(above: list[str]) -> list[list[str]]:
    """What a node costs `lint`, `dce` and `cse`, at each size."""
    traced = [trace(program(n, functions=True), np.ones(3, np.float32)) for n in SIZES]
    rows = []
    passes: Sequence[tuple[str, Callable[[Graph], object]]] = (
        ("lint", Graph.lint),
        ("dce", dce),
        ("cse", cse),
        ("copy", Graph.copy),
        ("print", str),
    )
    for name, run in passes:
        costs = [per_node(run, t) for t in traced]
        growth = costs[-1] / costs[0]
        if growth > GROWTH_LIMIT:
            above.append(f"{name} grows {growth:.2f}")
        times = [f"{cost:.1f}" for cost in costs]
        rows.append([name, *times, f"{growth:.2f}", f"{GROWTH_LIMIT:.2f}"])
    return rows


def main() -> int:
    """Measures and prints.

    Returns:
        0, or 1 if a ratio is above its limit.
    """
    above: list[str] = []
    print("Recording and lowering back to a jaxpr, ms\n")
    headers = ["nodes", "Functions", "make_jaxpr", "trace", "lower", "ratio", "at most"]
    rows = [record_row(n, f, above) for f in (False, True) for n in SIZES]
    print(table(headers, rows), flush=True)
    print("\nOne cached call on 8 elements, microseconds\n")
    headers = ["nodes", "jit", "traced", "ratio", "at most"]
    print(table(headers, [call_row(n, above) for n in SIZES[:1]]), flush=True)
    print("\nMicroseconds a node, and the largest graph's over the smallest's\n")
    headers = ["pass", *[f"{n} nodes" for n in SIZES], "growth", "at most"]
    print(table(headers, linear_rows(above)), flush=True)
    print(f"\nabove their limit: {'; '.join(above) or 'none'}")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
