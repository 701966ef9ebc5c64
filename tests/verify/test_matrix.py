"""Every Function of the table under every transformation, against its own rules."""

from typing import Any

import jax
import numpy as np
import pytest

from jaxgrad.verify import Report, cell_names, check_function
from jaxgrad.verify._cells import CELLS
from jaxgrad.verify._hand import Hand
from jaxgrad.verify._oracle import Oracle
from jaxgrad.verify._problem import Problem
from jaxgrad.verify._slots import fill, take_arrays
from tests.cases import CASES, Case

pytestmark = pytest.mark.sampled(3)

FORWARD = {
    "jvp",
    "jacfwd",
    "linearize",
    "forward over forward",
    "reverse over forward",
    "while_loop, jvp",
}
SECOND = {
    "grad(value_and_grad), both",
    "grad(grad)",
    "jit(grad(grad))",
    "third order",
    "hessian",
    "vmap(hessian)",
    "grad(grad(checkpoint))",
    "hessian(checkpoint)",
    "export, second order",
    "forward over forward",
    "reverse over forward",
}
CALLBACKS = {"callback", "derived_jvp_callback"}
BEYOND_CALLBACKS = {
    "export, first order",
    "export, second order",
    "vmap on an explicit mesh",
}
# What JAX's coming switches take from every custom_vjp with symbolic zeros (JAX 0.10).
SWITCHES = ("jax_custom_vjp3", "jax_custom_jvp3", "jax_remat3")
BEYOND_SWITCHES = {"linearize", "while_loop, jvp", "hessian(checkpoint)"}
WITHOUT_FIXED = set(cell_names()) - {"grad(vmap), only integers batched"}
FIXED = {"integers", "typed_key", "raw_key"}


def names(report: Report, status: str) -> set[str]:
    return {cell.name for cell in report.cells if cell.status == status}


def expected_refusals(case: Case) -> set[str]:
    """What the class has no rule for: nothing that has one may be refused."""
    refused = set()
    derived = getattr(case.function, "generate_jvp_rule", False)
    if not derived and "jvp" not in vars(case.function):
        refused |= FORWARD
    if case.name == "once_differentiable":
        refused |= SECOND
    return refused


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_rule_answers_under_every_transformation(case: Case) -> None:
    report = check_function(case.function, *case.args(), **case.kwargs)
    report.raise_if_failed()
    ran = {cell.name for cell in report.cells}
    assert ran == (set(cell_names()) if case.name in FIXED else WITHOUT_FIXED)
    limits = names(report, "limit")
    if any(getattr(jax.config, name, False) for name in SWITCHES):
        by_switch = limits & BEYOND_SWITCHES
    else:
        by_switch = set()
    assert names(report, "refused") == expected_refusals(case) - by_switch
    expected_limits = BEYOND_CALLBACKS if case.name in CALLBACKS else set()
    assert limits - by_switch == expected_limits


def test_the_matrix_is_as_large_as_it_says() -> None:
    assert len(cell_names()) == len(set(cell_names())) >= 40
    assert {spec.name for spec in CELLS if spec.forward} == FORWARD
    assert {spec.name for spec in CELLS if spec.order > 1} == SECOND


def numbers(tree: Any) -> list[Any]:
    leaves = jax.tree.leaves(tree)
    wide = [np.complex128 if np.iscomplexobj(a) else np.float64 for a in leaves]
    return [np.asarray(a).astype(w) for a, w in zip(leaves, wide, strict=True)]


def assert_close(got: Any, expected: Any, case: Case) -> None:
    rtol = 2.0**-6 if case.name == "bfloat16" else 1e-5
    for a, b in zip(numbers(got), numbers(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol, rtol)


def call(case: Case, slots: Any) -> Any:
    """The Function on arrays alone, as a flat list of output arrays."""

    def function(*arrays: jax.Array) -> list[Any]:
        args, kwargs = fill(slots, arrays)
        return take_arrays(case.function.apply(*args, **kwargs))[1]

    return function


@pytest.mark.parametrize("case", CASES, ids=str)
def test_oracle_and_function_agree_with_formulas(case: Case) -> None:
    args, kwargs = case.args(), dict(case.kwargs)
    oracle = Oracle(Hand(case.function, args, kwargs))
    of_oracle = oracle.problem
    problem = Problem(
        call(case, take_arrays((args, kwargs))[0]),
        of_oracle.arrays,
        oracle.run(oracle.base).arrays,
        lambda: None,
    )
    cotangents = [None if c is None else numbers(c)[0] for c in problem.cotangents[0]]
    expected = case.gradient(cotangents)
    assert_close(oracle.gradient(), expected, case)
    assert_close(problem.grad(problem.loss)(*problem.xs), expected, case)
    if case.second is not None:
        again = [case.second(cotangents) * numbers(problem.directions[0])[0]]
        assert_close(oracle.second, again, case)
        twice = problem.grad(problem.grad_along(problem.loss, 0))
        assert_close(twice(*problem.xs), again, case)
