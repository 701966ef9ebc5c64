"""Errors of compiled scripts: raised, returned as values, or left out."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad.errors import ArgumentError


class TooLarge(ValueError):
    """An error of the user's own."""


def root(x: Any) -> Any:
    assert x >= 0, f"no root of {x}"
    if x > 100:
        raise TooLarge("large", x)
    return jnp.sqrt(x)


CHECKED = jaxgrad.script(root, errors="return")


def test_errors_as_values() -> None:
    error, result = CHECKED(jnp.float32(4))
    assert (bool(error), error.get(), float(result)) == (False, None, 2.0)
    assert error.throw() is None
    error, _ = CHECKED(jnp.float32(-4))
    assert error
    assert error.get() == "no root of -4.0"
    assert repr(error) == "CheckedError(AssertionError('no root of -4.0'))"
    with pytest.raises(AssertionError, match=r"no root of -4\.0") as caught:
        error.throw()
    assert "test_script_checked.py" in caught.value.__notes__[0]
    error, _ = CHECKED(jnp.float32(121))
    assert type(error.error()) is TooLarge
    assert error.error().args == ("large", 121)


def test_errors_are_pytrees() -> None:
    xs = jnp.array([4.0, 121.0, -1.0])
    error, results = jax.jit(jax.vmap(CHECKED))(xs)
    assert results[0] == 2
    with pytest.raises(TooLarge):
        error.throw()
    error, _ = jax.jit(CHECKED)(-4.0)
    assert error.get() == "no root of -4.0"
    _, (errors, _) = jax.lax.scan(lambda c, x: (c, CHECKED(x)), 0, xs[::2])
    assert errors.get() == "no root of -1.0"


def test_errors_are_not_known_while_they_are_traced() -> None:
    def fn(x: Any) -> Any:
        error, y = CHECKED(x)
        return 0.0 if error else y

    with pytest.raises(ArgumentError, match="not known while it is traced"):
        jax.jit(fn)(1.0)


def test_scripts_without_checks_have_no_error() -> None:
    error, y = jaxgrad.script(lambda x: x + 1, errors="return")(jnp.float32(1))
    assert (bool(error), float(y)) == (False, 2.0)


def test_errors_that_are_left_out() -> None:
    script = jaxgrad.script(root, errors="ignore")
    assert script(jnp.float32(121)) == 11
    assert jnp.isnan(jax.jit(script)(-1.0))
    assert "logical_not" not in str(script.jaxpr(jnp.float32(1)))
    assert len(script.jaxpr(jnp.float32(1)).out_avals) == 1


def test_modes_are_known() -> None:
    with pytest.raises(ArgumentError, match="expected one of raise, return, ignore"):
        jaxgrad.script(root, errors="print")
