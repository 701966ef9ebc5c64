"""The transform matrix on the recorded graph of every Function of the table.

A sample of the cells runs by default. All of them run where `JAXGRAD_WHOLE_MATRIX` is
set:

    JAXGRAD_WHOLE_MATRIX=1 python -m pytest tests/frontend/test_traced_matrix.py
"""

import os

import jax
import pytest

from jaxgrad.verify import cell_names
from tests.cases import CASES, Case
from tests.frontend.traced_class import check_graph
from tests.verify.test_matrix import (
    BEYOND_CALLBACKS,
    BEYOND_SWITCHES,
    CALLBACKS,
    FIXED,
    SWITCHES,
    WITHOUT_FIXED,
    expected_refusals,
    names,
)

SAMPLE = {
    "grad(grad)",
    "jvp",
    "vmap(grad)",
    "grad(scan)",
    "grad(checkpoint)",
    "shard_map, check_vma=True",
    "export, second order",
}
WHOLE = bool(os.environ.get("JAXGRAD_WHOLE_MATRIX"))
CELLS = set(cell_names()) if WHOLE else SAMPLE


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_recorded_graph_answers_under_every_transformation(case: Case) -> None:
    report = check_graph(case, CELLS)
    report.raise_if_failed()
    ran = {cell.name for cell in report.cells}
    expected = set(cell_names()) if case.name in FIXED else WITHOUT_FIXED
    assert ran == expected & CELLS
    limits = names(report, "limit")
    if any(getattr(jax.config, name, False) for name in SWITCHES):
        by_switch = limits & BEYOND_SWITCHES
    else:
        by_switch = set()
    assert names(report, "refused") == expected_refusals(case) & CELLS - by_switch
    expected_limits = BEYOND_CALLBACKS if case.name in CALLBACKS else set()
    assert limits - by_switch == expected_limits & CELLS


def test_the_sample_is_of_the_matrix() -> None:
    assert set(cell_names()) > SAMPLE
