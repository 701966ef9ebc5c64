"""Rows 3.38 to 3.50: derivatives of backward."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import Function, once_differentiable
from jaxgrad.errors import (
    BackwardError,
    GradientCountError,
    GradientShapeError,
    GradientStructureError,
    OnceDifferentiableError,
)
from tests.function.functions import (
    AttributeInput,
    AttributeIntermediate,
    AttributeOutput,
    Callback,
    SaveInput,
    SaveIntermediate,
    SaveOutput,
)
from tests.function.rows.functions import V, X, pair, refuses, returning

AT = 2.0


def second(cls: type[Function]) -> Any:
    return jax.grad(jax.grad(cls.apply))(X)


def test_row_3_38() -> None:
    np.testing.assert_allclose(second(SaveInput), SaveInput.d2(AT), rtol=1e-6)


def test_row_3_39() -> None:
    np.testing.assert_allclose(second(SaveOutput), SaveOutput.d2(AT), rtol=1e-6)


def test_row_3_40() -> None:
    """A saved intermediate has its true derivative; torch takes it for a constant."""
    np.testing.assert_allclose(second(SaveIntermediate), SaveIntermediate.d2(AT), 1e-5)


def test_row_3_41() -> None:
    np.testing.assert_allclose(second(AttributeInput), SaveInput.d2(AT), rtol=1e-6)
    np.testing.assert_allclose(second(AttributeOutput), SaveOutput.d2(AT), rtol=1e-6)


def test_row_3_42() -> None:
    got = second(AttributeIntermediate)
    np.testing.assert_allclose(got, SaveIntermediate.d2(AT), rtol=1e-5)


def test_row_3_43() -> None:
    """Forward over reverse needs neither a jvp nor a vmap rule."""
    for cls in (SaveInput, SaveOutput, SaveIntermediate):
        np.testing.assert_allclose(
            jax.jvp(jax.grad(cls.apply), (X,), (X,))[1], AT * cls.d2(AT), rtol=1e-5
        )
        hessian = jax.hessian(lambda v, c=cls: c.apply(v).sum())(V)
        np.testing.assert_allclose(hessian, np.diag(cls.d2(np.asarray(V))), rtol=1e-5)


class Once(SaveInput):
    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Any) -> Any:
        return 100 * ctx.saved_tensors[0] ** 2 * g


class OnceConstant(Once):
    """Its gradient doesn't depend on x, so that torch finds no path."""

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Any) -> Any:
        return 7 * g


def test_row_3_44() -> None:
    assert jax.grad(Once.apply)(X) == 400.0
    stopped = lambda x: x * jax.lax.stop_gradient(jax.grad(Once.apply)(x))  # noqa: E731
    assert jax.grad(stopped)(X) == 400.0  # nobody differentiates the rule: no error
    error = refuses(
        OnceDifferentiableError, lambda: second(Once), "Once", "once_differentiable"
    )
    assert isinstance(error, RuntimeError)


def test_row_3_45() -> None:
    refuses(
        OnceDifferentiableError,
        lambda: jax.grad(jax.grad(lambda x: OnceConstant.apply(x) ** 2))(X),
        "OnceConstant",
    )


def test_row_3_46() -> None:
    """Nested gradients raise; torch.func gives zeros."""
    for way in (
        lambda: jax.grad(lambda x: jax.vjp(Once.apply, x)[1](X)[0])(X),
        lambda: jax.jit(jax.grad(jax.grad(Once.apply)))(X),
        lambda: jax.jacfwd(jax.grad(Once.apply))(X),
    ):
        refuses(OnceDifferentiableError, way, "Once", "once_differentiable")


def test_row_3_47() -> None:
    with jax.enable_x64(True):
        x = jnp.asarray(np.array([0.5, 1.5]))
        refuses(
            OnceDifferentiableError,
            lambda: jaxgrad.gradgradcheck(Once.apply, x),
            "Once",
        )


def test_row_3_48() -> None:
    """Forward is on the host, and never differentiated."""
    np.testing.assert_allclose(second(Callback), Callback.d2(AT), rtol=1e-6)


def test_row_3_49() -> None:
    for cls in (SaveInput, SaveOutput, SaveIntermediate):
        third = jax.grad(jax.grad(jax.grad(cls.apply)))(X)
        np.testing.assert_allclose(third, cls.d3(AT), rtol=1e-5)


@pytest.fixture
def coming_switch() -> Iterator[None]:
    """JAX's announced replacement of custom_vjp, on, where this JAX has the switch."""
    name = "jax_custom_vjp3"
    before = getattr(jax.config, name, None)
    if before is not None:
        jax.config.update(name, True)
    yield
    if before is not None:
        jax.config.update(name, before)


@pytest.mark.usefixtures("coming_switch")
def test_row_3_50() -> None:
    """The checks are this library's own, whatever JAX's are."""
    cases: list[tuple[Any, Any, type[BackwardError]]] = [
        (pair(lambda g: ()), (X, X), GradientCountError),
        (pair(lambda g: g), (X, X), GradientCountError),
        (returning(lambda g: jnp.ones(4)), (V,), GradientShapeError),
    ]
    for cls, args, error in cases:
        refuses(error, lambda c=cls, a=args: jax.grad(c.apply)(*a), "F.backward")
    grad = jax.grad(returning(lambda g: jnp.ones(3, "int32")).apply)(V)
    assert grad.dtype == V.dtype
    assert issubclass(GradientStructureError, BackwardError)
