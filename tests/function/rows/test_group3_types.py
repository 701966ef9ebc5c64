"""Rows 3.17 to 3.23: dtypes, devices and layouts of gradients."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import sparse

from jaxgrad.errors import BackwardError, GradientTypeError
from tests.function.rows.functions import V, X, refuses, returning

C = jnp.ones(3, "complex64")


def gradient(given: Any, at: Any) -> Any:
    return jax.grad(returning(lambda g: given).apply)(at)


@pytest.mark.parametrize(
    ("given", "dtype"), [("float64", "float32"), ("float32", "float64")]
)
def test_row_3_17(given: str, dtype: str) -> None:
    with jax.enable_x64(True):
        grad = gradient(jnp.full(3, 7, given), jnp.ones(3, dtype))
        assert grad.dtype == dtype
        np.testing.assert_array_equal(grad, [7, 7, 7])


@pytest.mark.parametrize("given", ["int32", "bool"])
def test_row_3_18(given: str) -> None:
    grad = gradient(jnp.ones(3, given), V)
    assert grad.dtype == jnp.float32
    np.testing.assert_array_equal(grad, [1, 1, 1])


def test_row_3_19() -> None:
    error = refuses(
        GradientTypeError,
        lambda: gradient(C, V),
        "F",
        "'a'",
        "f32[3]",
        "c64[3]",
        ".real",
    )
    assert isinstance(error, RuntimeError)


def test_row_3_20() -> None:
    grad = gradient(V, C)
    assert grad.dtype == jnp.complex64
    np.testing.assert_array_equal(grad, V)


@pytest.mark.parametrize("given", ["int32", "bool"])
def test_row_3_21(given: str) -> None:
    """An integer gradient of a complex argument is cast, as that of a real one is."""
    grad = gradient(jnp.ones(3, given), C)
    assert grad.dtype == jnp.complex64
    np.testing.assert_array_equal(grad, np.ones(3))


def test_row_3_22() -> None:
    """A gradient made on the host is put where it is used."""
    second = jax.devices()[1]
    x = jax.device_put(V, second)
    grad = gradient(np.full(3, 7.0, np.float32), x)
    np.testing.assert_array_equal(grad + x, 7 + np.asarray(V))
    grad = jax.grad(returning(lambda g: 7 * g * x).apply)(x)
    assert grad.devices() == {second}


def test_row_3_23() -> None:
    """Arrays are dense: a sparse container is not the structure of an array."""
    given = sparse.BCOO((V, jnp.arange(3)[:, None]), shape=(3,))
    refuses(BackwardError, lambda: gradient(given, V), "F", "'a'", "BCOO", "f32[3]")
    np.testing.assert_array_equal(gradient(given.data, V), V)


def test_a_cast_gradient_can_be_added_to_its_argument() -> None:
    """What the casts are for: a step of plain descent keeps the dtype."""
    x = jnp.ones((), jnp.bfloat16)
    assert (x - gradient(X, x)).dtype == jnp.bfloat16
