"""One run of `python -m jaxgrad tour`, and what its tables say when something fails."""

import re
import subprocess

import pytest

from jaxgrad.tour import _report, _tables
from jaxgrad.tour.checks import Check
from jaxgrad.tour.subjects import subjects
from jaxgrad.tour.training import PLANS, Score, mean
from jaxgrad.verify import Cell, Report, cell_names

Run = subprocess.CompletedProcess[str]


def section(run: Run, title: str) -> list[str]:
    """The lines of one section of the output."""
    return (
        run.stdout.partition(f"{title}\n{'=' * len(title)}\n")[2]
        .split("\n\n")[0]
        .splitlines()
    )


def test_it_ends_well(tour_run: Run) -> None:
    assert tour_run.returncode == 0, tour_run.stdout + tour_run.stderr
    assert re.search(r"Everything is as it should be \(\d+ s\)\.\n\Z", tour_run.stdout)


def test_nothing_is_on_stderr_where_that_is_no_terminal(tour_run: Run) -> None:
    assert tour_run.stderr == ""
    assert "\r" not in tour_run.stdout
    assert "\033" not in tour_run.stdout


def test_the_networks_learn_the_digits(tour_run: Run) -> None:
    found = re.search(r"test accuracy: (\d\.\d+)", tour_run.stdout)
    assert found is not None
    assert float(found[1]) >= 0.93
    lines = section(tour_run, "Accuracy on held-out digits")
    for plan in PLANS:
        row = next(line for line in lines if re.match(rf"{plan.name}  ", line))
        plain, veiled = map(float, row.removeprefix(plan.name).split()[:2])
        assert min(plain, veiled) >= 0.93


def test_gradient_reversal_hides_the_veil(tour_run: Run) -> None:
    lines = section(tour_run, "Accuracy on held-out digits")
    rows = {
        plan.name: line.removeprefix(plan.name).split()
        for plan in PLANS
        for line in lines
        if re.match(rf"{plan.name}  ", line)
    }
    without, with_reversal = rows["4-bit weights"], rows["4-bit weights, reversal"]
    assert float(with_reversal[2]) < 0.65 < 0.8 < float(without[2])
    assert float(with_reversal[3]) < float(without[3])


def test_each_section_has_each_function(tour_run: Run) -> None:
    titles = [
        "Four Functions",
        "Gradients, in float64",
        "Residual bytes, f32[128,64]",
        "Time, as a ratio to a hand-written custom_vjp",
    ]
    for title in titles:
        first = {line.split()[0] for line in section(tour_run, title)}
        assert {s.name for s in subjects()} <= first, title


def test_residual_bytes_equal_those_by_hand(tour_run: Run) -> None:
    lines = section(tour_run, "Residual bytes, f32[128,64]")
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    for subject in subjects():
        assert rows[subject.name][0] == rows[subject.name][1]
    assert rows["MemoryEfficientSiLU"][0] == "32,768"


def test_the_transform_matrix(tour_run: Run) -> None:
    lines = section(
        tour_run, f"Transforms, {len(_report.QUICK_CELLS)} of {len(cell_names())}"
    )
    for cell in _report.QUICK_CELLS:
        row = next(line for line in lines if line.startswith(f"{cell}  "))
        statuses = set(row.removeprefix(cell).split())
        assert statuses == ({"refused"} if cell == "jvp" else {"ok"}), row


def test_lines_fit_a_terminal(tour_run: Run) -> None:
    assert max(map(len, tour_run.stdout.splitlines())) <= 100


def test_the_quick_cells_exist() -> None:
    assert set(_report.QUICK_CELLS) <= set(cell_names())
    assert len(set(_report.QUICK_CELLS)) == len(_report.QUICK_CELLS)


def test_a_wrong_gradient_is_a_failure() -> None:
    checks = [
        Check("Good", "x", "central differences", 1e-10, 1e-8),
        Check("Bad", "x", "central differences", 0.5, 1e-8),
    ]
    found = _tables.checks(checks)
    assert "FAILED" in found.text
    assert found.failures == (
        "gradient of Bad by x: off by 5.0e-01, allowed are 1e-08",
    )


@pytest.mark.parametrize("value", [0.85, float("nan")])
def test_a_low_accuracy_is_a_failure(value: float) -> None:
    good, low = Score(0.95, 0.95, 0.5, 0.5, 2.0), Score(0.95, value, 0.5, 0.5, 2.0)
    found = _tables.training(PLANS, [good, low, good])
    assert len(found.failures) == 1
    assert found.failures[0].startswith("4-bit weights: accuracy on veiled")
    assert _tables.training(PLANS, [good] * 3).failures == ()


def test_a_failed_cell_is_a_failure() -> None:
    report = Report("Bad", (Cell("value", "ok"), Cell("grad", "failed", "off by 1")))
    found = _tables.transforms([report])
    assert found.failures == ("Bad under grad: off by 1",)


def test_a_limit_is_explained_and_no_failure() -> None:
    report = Report("Fine", (Cell("export, first order", "limit", "needs a package"),))
    found = _tables.transforms([report])
    assert found.failures == ()
    assert "limit, export, first order: needs a package" in found.text


def test_the_summary_lists_failures() -> None:
    text = _tables.summary(["this", "that"], 12.3)
    assert text.splitlines() == ["2 failed (12 s):", "  this", "  that"]


def test_a_failure_is_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    score = Score(0.5, 0.95, 0.5, 0.5, 2.0)
    monkeypatch.setattr(_report, "run_checks", list)
    monkeypatch.setattr(_report, "train", lambda *_: score)
    monkeypatch.setattr(_report, "_time", lambda _: [])
    monkeypatch.setattr(_report, "_transform", lambda _: [])
    monkeypatch.setattr(_report, "subjects", lambda: ())
    assert _report.run() == 1
    out = capsys.readouterr().out
    assert "3 failed" in out
    assert "accuracy on digits is 0.500, below 0.9" in out


def test_the_mean_of_scores() -> None:
    scores = [Score(0.0, 1.0, 0.2, 0.3, 2.0), Score(1.0, 1.0, 0.4, 0.5, 3.0)]
    assert mean(scores) == pytest.approx(Score(0.5, 1.0, 0.3, 0.4, 2.5))
