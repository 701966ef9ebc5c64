"""`once_differentiable`: a second derivative is always an error that names it."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Context, Function, once_differentiable
from jaxgrad.errors import OnceDifferentiableError
from tests.function.functions import dual, says


class Once(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        return 100 * ctx.saved_tensors[0] ** 2 * g


class Constant(Once):
    """Its gradient does not depend on x at all: torch says nothing here."""

    @staticmethod
    @once_differentiable
    def backward(ctx, g):
        return 7 * g


X = jnp.float32(2.0)
SECOND = {
    "grad-grad": lambda f: jax.grad(jax.grad(f))(X),
    "jit": lambda f: jax.jit(jax.grad(jax.grad(f)))(X),
    "jit-inside": lambda f: jax.grad(jax.jit(jax.grad(f)))(X),
    "hessian": lambda f: jax.hessian(f)(X),
    "jacrev": lambda f: jax.jacrev(jax.grad(f))(X),
    "vmap-outside": lambda f: jax.vmap(jax.grad(jax.grad(f)))(X[None]),
    "vmap-inside": lambda f: jax.grad(lambda x: jax.vmap(jax.grad(f))(x).sum())(
        X[None]
    ),
    "cotangent": lambda f: jax.grad(lambda c: jax.vjp(f, X)[1](c)[0])(X),
    "checkpoint": lambda f: jax.grad(jax.grad(jax.checkpoint(f)))(X),
    "scan": lambda f: jax.grad(
        lambda x: jax.lax.scan(lambda c, _: (c + jax.grad(f)(x), 0), 0.0, length=1)[0]
    )(X),
    "composed": lambda f: jax.grad(jax.grad(lambda x: f(x) ** 2))(X),
    "pushforward": lambda f: jax.jvp(jax.grad(f), (X,), (X,)),
}


@pytest.mark.parametrize("lower", [lambda cls: cls, dual], ids=["reverse", "dual"])
@pytest.mark.parametrize("way", SECOND.values(), ids=SECOND)
def test_a_second_derivative_names_the_rule(way: Callable, lower: Callable) -> None:
    with pytest.raises(OnceDifferentiableError) as caught:
        way(lower(Once).apply)
    says(caught.value, "Once", "once_differentiable", "backward")
    assert isinstance(caught.value, RuntimeError)


def test_a_constant_rule_has_no_second_derivative_either() -> None:
    """It depends on x through the cotangent alone; torch gives silent zeros here."""
    with pytest.raises(OnceDifferentiableError) as caught:
        jax.grad(jax.grad(lambda x: Constant.apply(x) ** 2))(X)
    says(caught.value, "Constant", "once_differentiable")


FIRST = {
    "grad": lambda f: jax.grad(f)(X),
    "jit": lambda f: jax.jit(jax.grad(f))(X),
    "grad-jit": lambda f: jax.grad(jax.jit(f))(X),
    "vmap": lambda f: jax.vmap(jax.grad(f))(X[None])[0],
    "of-vmap": lambda f: jax.grad(lambda x: jax.vmap(f)(x).sum())(X[None])[0],
    "jacrev-of-vmap": lambda f: jax.jacrev(jax.vmap(f))(X[None])[0, 0],
    "checkpoint": lambda f: jax.grad(jax.checkpoint(f))(X),
    "inner-value": lambda f: jax.grad(lambda x: jax.value_and_grad(f)(x)[0])(X),
    "stopped": lambda f: jax.grad(lambda x: x * jax.lax.stop_gradient(jax.grad(f)(x)))(
        X
    ),
    "in-another": lambda f: jax.grad(lambda y: y * jax.grad(f)(X))(X),
    "has-aux": lambda f: jax.grad(lambda x: (f(x), jax.grad(f)(x)), has_aux=True)(X)[0],
}


@pytest.mark.parametrize("lower", [lambda cls: cls, dual], ids=["reverse", "dual"])
@pytest.mark.parametrize("way", FIRST.values(), ids=FIRST)
def test_a_first_derivative_is_given(way: Callable, lower: Callable) -> None:
    np.testing.assert_allclose(way(lower(Once).apply), 400.0)


def test_forward_mode_of_a_dual_rule_is_a_first_derivative_too() -> None:
    f = dual(Once).apply
    np.testing.assert_allclose(jax.jvp(f, (X,), (X,))[1], 800.0)
    np.testing.assert_allclose(jax.jacfwd(f)(X), 400.0)
    with pytest.raises(OnceDifferentiableError):
        jax.jacfwd(jax.jacfwd(f))(X)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
def test_a_rule_on_the_host_is_not_differentiated(wrap: Callable) -> None:
    """JAX can't differentiate a callback; the rule says so in its own words."""

    def host(x: Any) -> Any:
        return np.cos(np.asarray(x))

    class OnHost(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            ctx.save_for_backward(x)
            return jnp.sin(x)

        @staticmethod
        @once_differentiable
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            (x,) = ctx.saved_tensors
            kind = jax.ShapeDtypeStruct(x.shape, x.dtype)
            return g * jax.pure_callback(host, kind, x, vmap_method="expand_dims")

    x = jnp.array([0.5, -1.0])
    first = wrap(jax.grad(lambda x: OnHost.apply(x).sum()))
    np.testing.assert_allclose(first(x), np.cos(x), rtol=1e-6)
    with pytest.raises(OnceDifferentiableError, match="OnHost"):
        jax.grad(lambda x: first(x).sum())(x)
