"""Prints the benchmark's tables: `python -m tests.bench [NAME ...]`.

Without names it measures every Function. The exit status is 1 if a ratio is above its
limit, and the last line says which.
"""

import dataclasses
import os
import sys
from collections.abc import Callable, Sequence

os.environ.setdefault("JAX_PLATFORMS", "cpu")

from jaxgrad._text import Progress, table
from tests.bench import counts, timings
from tests.bench.pairs import PAIRS, Pair

TRACE_LIMIT, DUAL_TRACE_LIMIT = 1.25, 1.4
CALL_LIMIT, STATIC_CALL_LIMIT = 1.25, 1.6
SPEEDUP_LIMIT = 10.0


class Limits:
    """Writes ratios for a table and remembers those that are above their limit."""

    def __init__(self) -> None:
        self.above: list[str] = []

    def ratio(self, pair: Pair, what: str, ratio: float, most: float) -> str:
        if ratio > most:
            self.above.append(f"{pair.name} {what} {ratio:.2f} (at most {most:.2f})")
        return f"{ratio:.2f}"

    def exactly(self, pair: Pair, what: str, ours: float, twin: float) -> str:
        ratio = ours / twin if twin else 1.0 + ours
        if ours != twin:
            self.above.append(f"{pair.name} {what} {ours:g} (by hand {twin:g})")
        return f"{ours:g}, {ratio:.2f}"


def count_row(pair: Pair, limits: Limits) -> list[str]:
    """One row of counts, each with its ratio to the hand-written."""
    ours, twin = (
        dataclasses.asdict(counts.measure(f, pair.arrays(32, 64), pair.argnums))
        for f in pair.sides()
    )
    return [limits.exactly(pair, what, ours[what], twin[what]) for what in ours]


def trace_row(pair: Pair, limits: Limits) -> list[str]:
    """One row of tracing times: with JAX's caches as they are, and emptied."""
    most = DUAL_TRACE_LIMIT if pair.dual else TRACE_LIMIT
    row = []
    for fresh, what in ((False, "tracing"), (True, "fresh tracing")):
        timing = timings.tracing(pair, fresh)
        ratio = limits.ratio(pair, what, timing.ratio, most)
        row += [f"{timing.ours_s * 1e3:.1f}", f"{timing.twin_s * 1e3:.1f}", ratio]
    return [*row, f"{most:.2f}"]


def call_row(pair: Pair, limits: Limits) -> list[str]:
    """One row of times of a single call."""
    most = CALL_LIMIT if pair.plain else STATIC_CALL_LIMIT
    timing, unjitted_s = timings.calling(pair)
    ratio = limits.ratio(pair, "call", timing.ratio, most)
    speedup = unjitted_s / timing.ours_s
    if speedup < SPEEDUP_LIMIT:
        limits.above.append(f"{pair.name} speedup {speedup:.1f} (at least 10)")
    times = [f"{s * 1e6:.2f}" for s in (timing.ours_s, timing.twin_s, unjitted_s)]
    return [*times, ratio, f"{most:.2f}", f"{speedup:.0f}"]


Rows = Callable[[Pair, Limits], list[str]]
PARTS: tuple[tuple[str, Sequence[str], Rows], ...] = (
    (
        "Compiled value and gradient on f32[32,64]: count, ratio to the hand-written",
        [field.name for field in dataclasses.fields(counts.Counts)],
        count_row,
    ),
    (
        "Tracing 100 chained calls and their gradient, ms; with fresh JAX caches",
        ["apply", "by hand", "ratio", "fresh apply", "by hand", "ratio", "at most"],
        trace_row,
    ),
    (
        "One call on 8 concrete elements, microseconds",
        ["apply", "jit by hand", "by hand", "ratio to jit", "at most", "times faster"],
        call_row,
    ),
)


def main(names: Sequence[str]) -> int:
    """Measures and prints.

    Args:
        names: The Functions to measure, or none for all of them.

    Returns:
        0, 1 if a ratio is above its limit, or 2 for a name that is not there.
    """
    pairs = [pair for pair in PAIRS if not names or pair.name in names]
    if unknown := set(names) - {pair.name for pair in pairs}:
        print(f"no such Function: {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    limits = Limits()
    with Progress("bench", len(PARTS) * len(pairs)) as progress:
        for title, headers, row_of in PARTS:
            rows = []
            for pair in pairs:
                rows.append([pair.name + " (dual)" * pair.dual, *row_of(pair, limits)])
                progress.step(pair.name)
            print(f"{title}\n\n{table(['Function', *headers], rows)}\n", flush=True)
    print(f"above their limit: {'; '.join(limits.above) or 'none'}")
    return 1 if limits.above else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
