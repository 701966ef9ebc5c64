"""Arrays inside what JAX can't look into: functions, objects, partials, on ctx and off.

Every rule is marked, so that a value taken as a constant shows.
"""

import collections
import dataclasses
import functools
import types
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.errors import ClosureError

X = jnp.float32(1.3)
W = jnp.float32(0.7)


class Holder:
    def __init__(self, w: Any) -> None:
        self.w = w

    def times(self, a: Any) -> Any:
        return a * self.w


@dataclasses.dataclass
class Config:
    w: Any


def times(w: Any, a: Any) -> Any:
    return a * w


# From an array to a value that holds it, and from the value back to the array.
WRAPPED: dict[str, tuple[Callable, Callable]] = {
    "closure": (lambda x: lambda: x, lambda f: f()),
    "default": (lambda x: lambda x=x: x, lambda f: f()),
    "over an object": (lambda x: (lambda h: lambda: h.w)(Holder(x)), lambda f: f()),
    "object": (Holder, lambda h: h.w),
    "dataclass": (Config, lambda h: h.w),
    "namespace": (lambda x: types.SimpleNamespace(w=x), lambda h: h.w),
    "partial": (lambda x: functools.partial(times, x), lambda f: f(1.0)),
    "method": (lambda x: Holder(x).times, lambda f: f(1.0)),
    "deque": (lambda x: collections.deque([x]), lambda q: q[0]),
    "jitted": (lambda x: jax.jit(lambda: x), lambda f: f()),
    "list of objects": (lambda x: [Holder({"w": x})], lambda hs: hs[0].w["w"]),
}


@pytest.mark.parametrize("kept", ["input", "output", "intermediate"])
@pytest.mark.parametrize("kind", WRAPPED)
def test_what_ctx_holds_keeps_its_derivative(kind: str, kept: str) -> None:
    wrap, unwrap = WRAPPED[kind]

    class Keeps(Function):
        @staticmethod
        def forward(ctx, x):
            y = jnp.exp(x)
            ctx.value = wrap({"input": x, "output": y, "intermediate": x * x}[kept])
            return y

        @staticmethod
        def backward(ctx, g):
            return 10 * g * unwrap(ctx.value)

    first = {"input": X, "output": jnp.exp(X), "intermediate": X * X}[kept]
    second = {"input": 1.0, "output": 10 * jnp.exp(X), "intermediate": 2 * X}[kept]
    grad = jax.grad(Keeps.apply)
    for got in (grad(X), jax.jit(grad)(X), jax.grad(jax.jit(Keeps.apply))(X)):
        np.testing.assert_allclose(got, 10 * first, rtol=1e-5)
    for got in (jax.grad(grad)(X), jax.jit(jax.grad(grad))(X)):
        np.testing.assert_allclose(got, 10 * second, rtol=1e-5)
    scanned = jax.grad(
        lambda x: jax.lax.scan(lambda c, _: (Keeps.apply(c), None), x, None, 1)[0]
    )
    np.testing.assert_allclose(scanned(X), 10 * first, rtol=1e-5)


class Calls(Function):
    """f(x), with a rule of 100 times what linear f would have."""

    @staticmethod
    def forward(ctx, x, f):
        ctx.f = f
        return f(x)

    @staticmethod
    def backward(ctx, g):
        return 100 * g * ctx.f(1.0), None


CALLABLES: dict[str, Callable] = {
    "closure": lambda w: lambda a: a * w,
    "default": lambda w: lambda a, w=w: a * w,
    "method": lambda w: Holder(w).times,
    "partial": lambda w: functools.partial(times, w),
    "over an object": lambda w: (lambda h: lambda a: h.times(a))(Holder(w)),
    "jitted": lambda w: jax.jit(lambda a: a * w),
}


@pytest.mark.parametrize("kind", CALLABLES)
def test_a_static_argument_may_hold_values_of_an_outer_transformation(
    kind: str,
) -> None:
    make = CALLABLES[kind]
    inner = lambda w: jax.grad(lambda x: Calls.apply(x, make(w)))(X)  # noqa: E731
    np.testing.assert_allclose(jax.jit(inner)(W), 70.0, rtol=1e-5)
    np.testing.assert_allclose(jax.vmap(inner)(jnp.stack([W, W])), 70.0, rtol=1e-5)
    outside = jax.grad(lambda x: jax.jit(lambda w: Calls.apply(x, make(w)))(W))
    np.testing.assert_allclose(outside(X), 70.0, rtol=1e-5)
    scanned = jax.grad(
        lambda x: jax.lax.scan(
            lambda c, w: (Calls.apply(c, make(w)), None), x, W[None]
        )[0]
    )
    np.testing.assert_allclose(scanned(X), 70.0, rtol=1e-5)


@pytest.mark.parametrize("kind", CALLABLES)
def test_one_that_is_differentiated_is_an_error(kind: str) -> None:
    make = CALLABLES[kind]
    value = lambda w: Calls.apply(X, make(w))  # noqa: E731
    inner = lambda w: jax.value_and_grad(lambda x: Calls.apply(x, make(w)))(X)[0]  # noqa: E731
    for function in (value, inner, jax.jit(value), jax.jit(inner)):
        with pytest.raises(ClosureError, match="Calls") as caught:
            jax.grad(function)(W)
        assert "argument" in str(caught.value)


def test_a_class_attribute_that_is_differentiated_is_an_error() -> None:
    class Scale(Function):
        w: Any = 2.0

        @classmethod
        def forward(cls, ctx, x):
            return x * cls.w

        @staticmethod
        def backward(ctx, g):
            return 3 * g

    def loss(w: jax.Array) -> jax.Array:
        Scale.w = w
        return jax.value_and_grad(Scale.apply)(X)[0]

    with pytest.raises(ClosureError, match="Scale"):
        jax.grad(loss)(W)


def test_no_tracer_stays_in_the_cache_of_a_class() -> None:
    with jax.checking_leaks():
        inner = lambda w: jax.grad(lambda x: Calls.apply(x, lambda a: a * w))(X)  # noqa: E731
        np.testing.assert_allclose(jax.jit(inner)(W), 70.0, rtol=1e-5)


def test_what_is_saved_by_the_flags_keeps_its_derivative() -> None:
    class ByFlags(Function):
        """sin(x * y) * y; an intermediate is saved only where it is needed."""

        @staticmethod
        def forward(ctx, x, y):
            ctx.needs = ctx.needs_input_grad
            if ctx.needs[1]:
                ctx.sine = jnp.sin(x * y)
            ctx.save_for_backward(x, y)
            return jnp.sin(x * y) * y

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            cosine = jnp.cos(x * y)
            gx = g * y * y * cosine if ctx.needs[0] else None
            gy = g * (ctx.sine + y * x * cosine) if ctx.needs[1] else None
            return gx, gy

    def inner_value(f: Callable) -> Callable:
        return lambda y: jax.value_and_grad(lambda x: f(x, y))(X)[0]

    plain = inner_value(lambda x, y: jnp.sin(x * y) * y)
    ours = inner_value(ByFlags.apply)
    for transform in (lambda f: jax.grad(jax.grad(f)), lambda f: jax.grad(f)):
        np.testing.assert_allclose(transform(ours)(W), transform(plain)(W), rtol=1e-5)
        compiled = jax.jit(transform(ours))(W)
        np.testing.assert_allclose(compiled, transform(plain)(W), rtol=1e-5)
