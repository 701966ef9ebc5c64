"""The tables that the tour prints, one function for each section."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import jax

from jaxgrad._text import table
from jaxgrad.tour.checks import Check
from jaxgrad.tour.measure import APPLICATIONS, LARGE, Times, residual_bytes
from jaxgrad.tour.subjects import Subject
from jaxgrad.tour.training import Plan, Score
from jaxgrad.verify import Report, cell_names

# A network that learned less than this says that a gradient is wrong.
_LEAST_ACCURACY = 0.9


class Section(NamedTuple):
    """One section of the tour's output.

    Attributes:
        text: What is printed.
        failures: One line for each thing in it that is not as it should be.
    """

    text: str
    failures: tuple[str, ...] = ()


def _section(title: str, *parts: str, failures: Iterable[str] = ()) -> Section:
    text = "\n".join([title, "=" * len(title), *parts])
    return Section(text, tuple(failures))


def introduction(four: Sequence[Subject]) -> Section:
    """What the four Functions are."""
    rows = [(s.name, (s.function.__doc__ or "").splitlines()[0]) for s in four]
    return _section(
        "Four Functions",
        table(["Function", "what it is"], rows),
        f"Source: jaxgrad/tour/functions.py. JAX {jax.__version__} on "
        f"{jax.default_backend()}.",
    )


def checks(found: Sequence[Check]) -> Section:
    """Whether the gradients are right."""
    rows = [
        (c.function, c.of, c.against, f"{c.error:.1e}", f"{c.within:.0e}", _mark(c.ok))
        for c in found
    ]
    headers = ["Function", "gradient by", "against", "error", "allowed", "status"]
    failures = (
        f"gradient of {c.function} by {c.of}: off by {c.error:.1e}, "
        f"allowed are {c.within:.0e}"
        for c in found
        if not c.ok
    )
    return _section(
        "Gradients, in float64", table(headers, rows, "lllrrl"), failures=failures
    )


def _mark(ok: bool) -> str:
    return "ok" if ok else "FAILED"


def training(plans: Sequence[Plan], scores: Sequence[Score]) -> Section:
    """How well the networks learned."""
    rows = [
        (plan.name, *(f"{value:.3f}" for value in score[:4]), f"{score.experts:.1f}")
        for plan, score in zip(plans, scores, strict=True)
    ]
    headers = [
        "network",
        "digits",
        "veiled digits",
        "veil head",
        "veil probe",
        "experts",
    ]
    failures = (
        f"{plan.name}: accuracy on {what} is {value:.3f}, below {_LEAST_ACCURACY}"
        for plan, score in zip(plans, scores, strict=True)
        for what, value in (("digits", score.digits), ("veiled", score.veiled_digits))
        if not value >= _LEAST_ACCURACY
    )
    lowest = min(score.digits for score in scores)
    return _section(
        "Accuracy on held-out digits",
        table(headers, rows),
        "1,200 digits to train on, 597 held out (UCI Optical Recognition of",
        "Handwritten Digits, E. Alpaydin and C. Kaynak, CC BY 4.0); mean of 3 seeds.",
        "veiled digits: the same under a faint grey veil. veil head: tells veiled from",
        "plain, behind the gradient reversal. veil probe: a new linear classifier that",
        "tries it on the finished features. For both, 0.5 is chance: nothing is left.",
        "experts: how many of 4 sparsemax gives weight to.",
        f"test accuracy: {lowest:.4f} (lowest of the networks)",
        failures=failures,
    )


def memory(four: Sequence[Subject]) -> Section:
    """What each Function keeps for backward, next to plain differentiation."""
    rows = []
    for subject in four:
        ours, hand, plain = (
            residual_bytes(subject.bind(call), *subject.arrays(*LARGE))
            for call in (subject.function.apply, subject.handwritten, subject.plain)
        )
        saved = f"{plain / ours:.2f}" if ours else "-"
        rows.append((subject.name, f"{ours:,}", f"{hand:,}", f"{plain:,}", saved))
    headers = ["Function", "jaxgrad", "custom_vjp", "plain autodiff", "plain / jaxgrad"]
    return _section(
        "Residual bytes, f32[128,64]",
        table(headers, rows),
        "What jax.vjp keeps from forward for backward, each array once; inputs and",
        "outputs count too. Plain autodiff runs the same body; rounding and reversal",
        "get the same gradient there through stop_gradient.",
    )


def times(four: Sequence[Subject], measured: Sequence[Times]) -> Section:
    """How long each Function takes, next to its hand-written twin."""
    rows = [
        (
            subject.name,
            f"{t.apply / t.hand_jitted:.2f}",
            f"{t.apply / t.hand_eager:.2f}",
            f"{t.compiled / t.hand_compiled:.2f}",
            f"{t.traced / t.hand_traced:.2f}",
            f"{t.apply * 1e6:.0f}",
            f"{t.compiled * 1e6:.0f}",
            f"{t.traced * 1e3:.1f}",
        )
        for subject, t in zip(four, measured, strict=True)
    ]
    ratios = ["eager / jit", "eager / eager", "compiled", "traced"]
    return _section(
        "Time, as a ratio to a hand-written custom_vjp",
        table(["Function", *ratios, "eager us", "compiled us", "traced ms"], rows),
        "eager: apply on 8 elements, against jax.jit of the hand-written function and",
        "against that function as it is. compiled: value and gradient under jax.jit,",
        f"f32[128,64]. traced: the gradient of {APPLICATIONS} applications in a row.",
        "Below 1 is faster than by hand. The last columns are jaxgrad's own times. All",
        "are the shortest of many rounds in this one run; a busy machine blurs them.",
    )


def transforms(reports: Sequence[Report]) -> Section:
    """The transform matrix, one column for each Function."""
    found = {r.function: {cell.name: cell.status for cell in r.cells} for r in reports}
    names = [n for n in cell_names() if any(n in cells for cells in found.values())]
    rows = [[n, *(cells.get(n, "-") for cells in found.values())] for n in names]
    failures = (
        f"{report.function} under {cell.name}: {cell.detail}"
        for report in reports
        for cell in report.failed
    )
    limits = {
        f"limit, {cell.name}: {cell.detail}": None
        for report in reports
        for cell in report.cells
        if cell.status == "limit"
    }
    return _section(
        f"Transforms, {len(names)} of {len(cell_names())}",
        table(["transform", *found], rows, align="l" * (1 + len(found))),
        "ok: the Function's own backward answered, with the right value. refused: the",
        "class has no forward-mode rule, and the error says how to get one.",
        *limits,
        "All of them, on your Function: python -m jaxgrad check FILE.py:Class SPEC...",
        failures=failures,
    )


def summary(failures: Sequence[str], seconds: float) -> str:
    """The last line, or what failed."""
    if not failures:
        return f"Everything is as it should be ({seconds:.0f} s)."
    lines = [f"  {failure}" for failure in failures]
    return "\n".join([f"{len(failures)} failed ({seconds:.0f} s):", *lines])
