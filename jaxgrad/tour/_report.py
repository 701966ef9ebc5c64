"""The run of the tour."""

import sys
import time
from collections.abc import Callable, Iterable
from typing import TextIO

from jaxgrad._text import Progress
from jaxgrad.tour import _tables
from jaxgrad.tour.checks import run_checks
from jaxgrad.tour.data import split
from jaxgrad.tour.measure import Times, times
from jaxgrad.tour.subjects import Subject, subjects
from jaxgrad.tour.training import PLANS, Score, mean, train
from jaxgrad.verify import Report, check_function

SEEDS = (0, 1, 2)

# The part of the matrix that fits into the time of the tour: one cell for each kind of
# transformation, without those that take seconds to compile.
QUICK_CELLS = (
    "value",
    "jit(value)",
    "grad",
    "jit(grad)",
    "grad(jit)",
    "value_and_grad",
    "grad(value_and_grad), the value",
    "inner value, in another argument",
    "grad(value_and_grad), both",
    "grad(grad)",
    "jit(grad(grad))",
    "hessian",
    "jvp",
    "vmap(value)",
    "vmap(grad)",
    "grad(vmap)",
    "grad(vmap), shared operands",
    "grad(scan)",
    "while_loop, value",
    "grad(cond)",
    "grad(checkpoint)",
    "grad(grad(checkpoint))",
    "shard_map, check_vma=True",
    "shard_map, check_vma=False",
    "shard_map, explicit mesh",
    "jit on several devices",
    "export, first order",
)
_MATRIX_SHAPE = (3, 4)


def run(stream: TextIO | None = None) -> int:
    """Checks, trains and measures the four Functions, and prints a table of each.

    Args:
        stream: Where the tables go, `sys.stdout` by default. Progress goes to stderr,
            if that is a terminal.

    Returns:
        0 if each check passed and the networks learned the digits, else 1.
    """
    out = sys.stdout if stream is None else stream
    start_s = time.perf_counter()
    failures: list[str] = []

    def show(section: _tables.Section) -> None:
        failures.extend(section.failures)
        print(section.text, end="\n\n", file=out, flush=True)

    four = subjects()
    show(_tables.introduction(four))
    show(_tables.checks(run_checks()))
    show(_tables.training(PLANS, _train()))
    show(_tables.memory(four))
    show(_tables.times(four, _time(four)))
    show(_tables.transforms(_transform(four)))
    print(_tables.summary(failures, time.perf_counter() - start_s), file=out)
    return 1 if failures else 0


def _train() -> list[Score]:
    data, test = split()
    scores = []
    with Progress("training", total=len(PLANS) * len(SEEDS)) as progress:
        for plan in PLANS:
            runs = []
            for seed in SEEDS:
                progress.step(plan.name, count=0)
                runs.append(train(data, test, plan, seed))
                progress.step(plan.name)
            scores.append(mean(runs))
    return scores


def _time(four: Iterable[Subject]) -> list[Times]:
    measured = []
    with Progress("timing", total=len(tuple(four))) as progress:
        for subject in four:
            progress.step(subject.name, count=0)
            measured.append(times(subject))
            progress.step(subject.name)
    return measured


def _transform(four: Iterable[Subject]) -> list[Report]:
    total = len(tuple(four)) * len(QUICK_CELLS)
    with Progress("transforms", total=total) as progress:
        return [_transform_one(subject, progress.step) for subject in four]


def _transform_one(subject: Subject, step: Callable[[str], None]) -> Report:
    return check_function(
        subject.function,
        *subject.arrays(*_MATRIX_SHAPE),
        *subject.static,
        cells=QUICK_CELLS,
        progress=lambda cell: step(f"{subject.name}, {cell}"),
    )
