"""The verdicts of `gradcheck`, on rules of which torch's verdict is recorded."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function, gradcheck, gradgradcheck
from jaxgrad.errors import GradcheckError
from tests.verify.gradcheck_cases import CASES, PASS, WRONG, Verdict


def check(name: str, **more: object) -> bool:
    case = CASES[name]
    function = case.make(Function, jnp)
    with jax.enable_x64(True):
        inputs = tuple(map(jnp.asarray, case.inputs))
        run = gradgradcheck if case.second else gradcheck
        return run(function.apply, inputs, **case.options, **more)


def expected(name: str) -> Verdict:
    case = CASES[name]
    return case.torch if case.ours is None else case.ours


@pytest.mark.parametrize("name", CASES)
def test_verdict(name: str) -> None:
    want = expected(name)
    if want == PASS:
        assert check(name) is True
        return
    error = GradcheckError if want.error == WRONG else want.error
    with pytest.raises(error) as caught:
        check(name)
    assert want.says in str(caught.value)
    assert isinstance(caught.value, GradcheckError) == (want.error == WRONG)


@pytest.mark.parametrize("name", ["right", "noisy", "missing_conj", "fast_wrong"])
def test_verdict_without_exception(name: str) -> None:
    assert check(name, raise_exception=False) is (expected(name) == PASS)


@pytest.mark.parametrize("name", ["absent_type_error", "wrong_shape", "no_gradient"])
def test_other_exceptions_propagate(name: str) -> None:
    with pytest.raises(expected(name).error):
        check(name, raise_exception=False)


def test_options_are_keywords() -> None:
    with pytest.raises(TypeError, match="positional"):
        gradcheck(jnp.sin, np.ones(2), 1e-6)  # type: ignore[misc]
