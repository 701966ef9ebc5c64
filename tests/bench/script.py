"""Prints how scripted functions do against `lax`: `python -m tests.bench.script`.

- compiling functions of several lengths: the time for a line stays the same where it is
  linear;
- a `while`, compiled, against a `lax.while_loop`;
- gradients through loops, against the hand-written loops of the same strategy;
- first calls (trace, compile and run) against the hand-written `lax` programs;
- what a later call costs around the compiled program, against `jax.jit`.

Times are processor time of all threads. The two sides run in turn, and a ratio is the
median over the rounds. The exit status is 1 if a ratio is above its limit, and the last
line says which.
"""

import contextlib
import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp

import jaxgrad
from jaxgrad._text import table
from tests.bench.generated import function
from tests.bench.script_pairs import CALLS, FIRST_CALLS, GRADIENTS, WHILES, Pair

LINES = (250, 500, 1_000, 2_000)
GROWTH_LIMIT = 1.3
WHILE_LIMIT, GRADIENT_LIMIT, FIRST_LIMIT, CALL_LIMIT = 1.1, 1.2, 1.5, 2.5
COMPILE_ROUNDS, RUN_ROUNDS, FIRST_ROUNDS = 5, 20, 7
PROGRAMS = 5  # of each side: where their buffers lie makes a third, by chance
RUN_S = 0.01  # the shortest time that is measured


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the garbage collector, which strikes either side by chance."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def seconds(run: Callable[[], object], number: int = 1) -> float:
    """Processor time of one of `number` runs."""
    begin = time.process_time()
    for _ in range(number):
        run()
    return (time.process_time() - begin) / number


def alternate(
    ours: Callable[[], object], twin: Callable[[], object], number: int, rounds: int
) -> tuple[float, float, float]:
    """Median seconds of both sides, and of their ratio: the twin, ours, the twin."""
    times: list[tuple[float, float]] = []
    with quiet():
        for _ in range(rounds):
            before = seconds(twin, number)
            mine = seconds(ours, number)
            times.append((mine, (before + seconds(twin, number)) / 2))
    ours_s, twin_s = (statistics.median(side) for side in zip(*times, strict=True))
    return ours_s, twin_s, statistics.median(a / b for a, b in times)


def noted(above: list[str], what: str, ratio: float, most: float) -> list[str]:
    """The last two cells of a row; a ratio above its limit is remembered."""
    if ratio > most:
        above.append(f"{what} {ratio:.2f} (at most {most:.2f})")
    return [f"{ratio:.2f}", f"{most:.2f}"]


def compile_rows(above: list[str]) -> list[list[str]]:
    """Microseconds a line to make the source's graph, and to trace it."""
    x = jnp.ones(8)
    jaxgrad.script(function(LINES[0])).jaxpr(x)  # JAX knows its own functions now
    emitting, tracing = [], []
    for lines in LINES:
        emit_s, trace_s = [], []
        for _ in range(COMPILE_ROUNDS):
            scripted = jaxgrad.script(function(lines))
            with quiet():
                emit_s.append(seconds(lambda: scripted.graph))  # noqa: B023
                trace_s.append(seconds(lambda: scripted.jaxpr(x)))  # noqa: B023
        emitting.append(min(emit_s) / lines * 1e6)
        tracing.append(min(trace_s) / lines * 1e6)
    both = [sum(pair) for pair in zip(emitting, tracing, strict=True)]
    rows = []
    for name, costs in (("emit", emitting), ("trace", tracing), ("both", both)):
        last = noted(above, f"{name} grows", costs[-1] / costs[0], GROWTH_LIMIT)
        rows.append([name, *[f"{cost:.0f}" for cost in costs], *last])
    return rows


def run_row(pair: Pair, most: float, above: list[str]) -> list[str]:
    """Runs of the compiled programs, and their sizes."""
    measured = []
    for _ in range(PROGRAMS):
        arrays = pair.arrays()
        compiled = [jax.jit(side).lower(*arrays).compile() for side in pair.sides()]
        runs = [
            lambda program=program, arrays=arrays: jax.block_until_ready(
                program(*arrays)
            )
            for program in compiled
        ]
        number = max(1, round(RUN_S / max(seconds(runs[1], 3), 1e-6)))
        measured.append(alternate(runs[0], runs[1], number, RUN_ROUNDS))
    ours_s, twin_s, ratio = map(statistics.median, zip(*measured, strict=True))
    counts = [
        sum(" = " in line for line in program.as_text().splitlines())
        for program in compiled
    ]
    temp = [program.memory_analysis().temp_size_in_bytes for program in compiled]
    last = noted(above, f"{pair.name} ({pair.what}) runs", ratio, most)
    return [
        pair.name,
        pair.what,
        *[f"{s * 1e6:.0f}" for s in (ours_s, twin_s)],
        *[f"{n}" for n in counts],
        *[f"{n:,}" for n in temp],
        *last,
    ]


def first_row(pair: Pair, above: list[str]) -> list[str]:
    """The first call, as in a new process: nothing is in JAX's caches."""
    arrays = pair.arrays()

    def first(which: int) -> None:
        jax.clear_caches()
        jax.block_until_ready(pair.callables()[which](*arrays))

    first(0)
    first(1)
    ours_s, twin_s, ratio = alternate(
        lambda: first(0), lambda: first(1), 1, FIRST_ROUNDS
    )
    last = noted(above, f"{pair.name} ({pair.what}) first call", ratio, FIRST_LIMIT)
    return [pair.name, pair.what, f"{ours_s * 1e3:.0f}", f"{twin_s * 1e3:.0f}", *last]


def call_row(pair: Pair, above: list[str]) -> list[str]:
    """A call of what is compiled, as users make it."""
    arrays = pair.arrays()
    runs = [lambda f=f: jax.block_until_ready(f(*arrays)) for f in pair.callables()]
    number = max(1, round(RUN_S / max(seconds(runs[1], 100), 1e-6)))
    seconds(runs[0], number)
    ours_s, twin_s, ratio = alternate(runs[0], runs[1], number, RUN_ROUNDS)
    last = noted(above, f"{pair.name} ({pair.what}) call", ratio, CALL_LIMIT)
    return [pair.name, pair.what, *[f"{s * 1e6:.1f}" for s in (ours_s, twin_s)], *last]


def main() -> int:
    """Measures and prints.

    Returns:
        0, or 1 if a ratio is above its limit.
    """
    above: list[str] = []
    print("Compiling a function of so many lines, microseconds a line\n")
    headers = ["step", *[f"{n} lines" for n in LINES], "growth", "at most"]
    print(table(headers, compile_rows(above)), flush=True)
    sizes = ["us", "by hand", "HLO", "by hand", "temp bytes", "by hand"]
    headers = ["program", "", *sizes, "ratio", "at most"]
    print("\nA while, compiled\n")
    rows = [run_row(pair, WHILE_LIMIT, above) for pair in WHILES]
    print(table(headers, rows), flush=True)
    print("\nValue and gradient of a loop, compiled\n")
    rows = [run_row(pair, GRADIENT_LIMIT, above) for pair in GRADIENTS]
    print(table(headers, rows), flush=True)
    print("\nThe first call: trace, compile and run, ms\n")
    headers = ["program", "", "script", "by hand", "ratio", "at most"]
    print(table(headers, [first_row(p, above) for p in FIRST_CALLS]), flush=True)
    print("\nA later call, microseconds\n")
    print(table(headers, [call_row(p, above) for p in CALLS]), flush=True)
    print(f"\nabove their limit: {'; '.join(above) or 'none'}")
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
