"""The four Functions against their hand-written twins and their plain bodies."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.tour import functions
from jaxgrad.tour.checks import Check, run_checks
from jaxgrad.tour.measure import residual_bytes
from jaxgrad.tour.subjects import Subject, subjects

SUBJECTS = pytest.mark.parametrize("subject", subjects(), ids=lambda s: s.name)


@SUBJECTS
@pytest.mark.parametrize("twin", ["handwritten", "plain"])
def test_values_and_gradients_equal_the_twins(subject: Subject, twin: str) -> None:
    arrays = subject.arrays(5, 7)
    weight = np.linspace(-1, 1, 35, dtype=np.float32).reshape(5, 7)
    answers = []
    for call in (subject.function.apply, getattr(subject, twin)):
        bound = subject.bind(call)
        answers.append(
            jax.jit(
                jax.value_and_grad(
                    lambda *xs, f=bound: jnp.sum(weight * f(*xs)),
                    tuple(range(len(arrays))),
                )
            )(*arrays)
        )
    ours, theirs = map(jax.tree.leaves, answers)
    for got, expected in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


@SUBJECTS
def test_as_many_residual_bytes_as_by_hand_and_no_more_than_plain(
    subject: Subject,
) -> None:
    arrays = subject.arrays(128, 64)
    ours, hand, plain = (
        residual_bytes(subject.bind(call), *arrays)
        for call in (subject.function.apply, subject.handwritten, subject.plain)
    )
    assert ours == hand
    assert ours < plain or (ours, plain) == (0, 0)


def test_residual_bytes_of_known_functions() -> None:
    x = jnp.ones((4, 8))
    assert residual_bytes(jnp.exp, x) == 128
    assert residual_bytes(lambda x: 2 * x, x) == 0
    # Its one array is in the closure twice.
    assert residual_bytes(lambda x: x * x, x) == 128


def test_each_check_passes_and_covers_each_function() -> None:
    checks = run_checks()
    assert [c for c in checks if not c.ok] == []
    assert {c.function for c in checks} == {s.name for s in subjects()}


def test_a_check_fails_on_errors_and_on_nan() -> None:
    assert Check("F", "x", "y", 1e-9, 1e-8).ok
    assert not Check("F", "x", "y", 1e-7, 1e-8).ok
    assert not Check("F", "x", "y", float("nan"), 1e-8).ok


def test_the_checks_notice_a_wrong_gradient(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(ctx: object, g: jax.Array) -> jax.Array:
        return g

    monkeypatch.setattr(functions.Sparsemax, "backward", staticmethod(wrong))
    failed = [c.function for c in run_checks() if not c.ok]
    assert failed == ["Sparsemax"]


def test_sparsemax_projects_onto_the_simplex() -> None:
    z = jnp.asarray([[3.0, 0.0, -1.0], [0.1, 0.0, 0.2], [0.0, 0.0, 0.0]])
    p = functions.Sparsemax.apply(z)
    np.testing.assert_allclose(p[0], [1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(p[1], [1 / 3, 7 / 30, 13 / 30], atol=1e-6)
    np.testing.assert_allclose(p[2], [1 / 3] * 3, atol=1e-6)


def test_the_quantizer_gives_multiples_of_the_step_in_range() -> None:
    x = jnp.linspace(-5, 5, 101)
    levels = np.asarray(functions.LSQuantize.apply(x, jnp.float32(0.25), 3)) / 0.25
    assert set(levels.tolist()) == set(range(-4, 4))


def test_the_strength_of_a_reversal_may_be_traced() -> None:
    gradient = jax.grad(lambda x, s: functions.GradientReversal.apply(x, s).sum())
    at = jax.jit(gradient)(jnp.ones(3), jnp.float32(0.5))
    np.testing.assert_array_equal(at, [-0.5] * 3)
