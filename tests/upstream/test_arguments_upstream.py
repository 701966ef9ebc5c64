"""Keyword arguments and missing rules, under their names in torch."""

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Function
from jaxgrad.errors import (
    ArgumentError,
    FunctionDefinitionError,
    MissingBackwardError,
    MissingForwardError,
)
from tests.upstream.helpers import same, ways

X = jnp.float32([0.8, -0.3])


def test_custom_function_apply_kwargs() -> None:
    class MySin(Function):
        @staticmethod
        def forward(ctx, x, factor=1):
            ctx.save_for_backward(x)
            ctx.factor = factor
            return factor * jnp.sin(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 10 * g * ctx.factor * jnp.cos(x), None  # marked

    calls = {
        6: [lambda x: MySin.apply(x, 6), lambda x: MySin.apply(x, factor=6)],
        1: [MySin.apply, lambda x: MySin.apply(x=x, factor=1)],
    }
    for factor, functions in calls.items():
        for f in functions:
            same(f(X), factor * jnp.sin(X))
            for grad in ways(jax.grad(lambda x, f=f: f(x).sum())):
                same(grad(X), 10 * factor * jnp.cos(X))


class Weighted(Function):
    """s x y; the rule is marked: 10 for x, 100 for y."""

    @staticmethod
    def forward(ctx, x, y, scale=1.0):
        ctx.save_for_backward(x, y)
        ctx.scale = scale
        return scale * x * y

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return 10 * g * ctx.scale * y, 100 * g * ctx.scale * x, None


def test_custom_function_apply_kwargs_required() -> None:
    x, y = jnp.float32(2), jnp.float32(3)
    for f in (
        lambda x, y: Weighted.apply(x=x, y=y),
        lambda x, y: Weighted.apply(y=y, x=x),
    ):
        same(f(x, y), 6.0)
        for grad in ways(jax.grad(f, (0, 1))):
            same(grad(x, y), (30.0, 200.0))


def test_custom_function_apply_kwargs_tensor() -> None:
    x, y = jnp.float32(2), jnp.float32(3)
    f = lambda x, y: Weighted.apply(x, scale=5.0, y=y)  # noqa: E731
    same(f(x, y), 30.0)
    for grad in ways(jax.grad(f, (0, 1))):
        same(grad(x, y), (150.0, 1000.0))


class MyScale(Function):
    """factor x, with everything kept in setup_context; the rule is marked."""

    @staticmethod
    def forward(x, factor=1):
        return factor * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, ctx.factor = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx, g):
        return 10 * g * ctx.factor, None


def test_custom_function_apply_kwargs_setup_context() -> None:
    for grad in ways(jax.grad(lambda x: MyScale.apply(x, factor=3))):
        same(grad(jnp.float32(2)), 30.0)


def test_custom_function_apply_kwargs_errors() -> None:
    class Add(Function):
        @staticmethod
        def forward(ctx, x, y, z):
            return x + y + z

        @staticmethod
        def backward(ctx, g):
            return g, g, g

    for error in (TypeError, ArgumentError):
        with pytest.raises(error, match="unexpected keyword argument 'bad'"):
            Add.apply(X, X, X, bad=X)
        with pytest.raises(error, match="multiple values for argument 'y'"):
            Add.apply(X, X, y=X)
        with pytest.raises(error, match="multiple values for argument 'z'"):
            Add.apply(X, X, X, z=X)
        with pytest.raises(error, match="missing the argument 'z'"):
            Add.apply(X, X)


def test_custom_function_error() -> None:
    """A missing rule is missed where it is needed; two names for one are too many."""

    class NoForward(Function):
        @staticmethod
        def backward(ctx, g):
            return g

    class NoBackward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    class NoJvp(NoBackward):
        @staticmethod
        def backward(ctx, g):
            return 2 * g

    with pytest.raises(MissingForwardError, match="NoForward"):
        NoForward.apply(X)
    same(NoBackward.apply(X), 2 * X)
    for grad in ways(jax.grad(lambda x: NoBackward.apply(x).sum())):
        with pytest.raises(MissingBackwardError, match="NoBackward"):
            grad(X)
    with pytest.raises(TypeError, match="jvp"):
        jax.jvp(NoJvp.apply, (X,), (X,))
    with pytest.raises(FunctionDefinitionError, match="`backward` and `vjp`"):
        type("Both", (NoJvp,), {"vjp": staticmethod(lambda ctx, g: g)})


def test_custom_function_vmap_defaults() -> None:
    assert MyScale.generate_vmap_rule is False
    assert hasattr(MyScale, "vmap")
    same(jax.vmap(MyScale.apply)(X), X)  # without a rule JAX batches
