"""What an application is in a jaxpr, and that it may leave as a `jax.custom_vjp`."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from tests.function.functions import (
    Callback,
    SaveInput,
    SaveIntermediate,
    SaveOutput,
    dual,
)

SWITCHES = ("JAX_CUSTOM_VJP3", "JAX_CUSTOM_JVP3", "JAX_REMAT3")
DEFAULT_SWITCHES = not any(os.environ.get(name) for name in SWITCHES)
# Under one of the switches `jax.custom_vjp(f)` is an instance of another class.
CUSTOM_VJP = type(jax.custom_vjp(lambda x: x))
X = jnp.float32(1.3)


class ForwardOnly(Function):
    """x**3 with a JVP of 50 x**2 alone."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_forward(x)
        return x**3

    @staticmethod
    def jvp(ctx, t):
        (x,) = ctx.saved_tensors
        return 50 * x**2 * t


class BothModes(Function):
    """x**3, whose two rules differ, so that one sees which answered."""

    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, g):
        return 100 * ctx.saved_tensors[0] ** 2 * g

    @staticmethod
    def jvp(ctx, t):
        return 50 * ctx.saved_tensors[0] ** 2 * t


class Options(Function):
    @staticmethod
    def forward(ctx, x, scale, y, *, mode="add"):
        assert isinstance(scale, float)
        ctx.save_for_backward(x, y)
        ctx.scale = scale
        return scale * x * y if mode == "times" else scale * (x + y)

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return 7 * g * ctx.scale * y, None, 8 * g * ctx.scale * x, None


def names(jaxpr: Any) -> Iterator[str]:
    """The primitives of a jaxpr, and of every jaxpr inside it."""
    for eqn in jaxpr.eqns:
        yield eqn.primitive.name
        for value in jax.tree.leaves(
            list(eqn.params.values()), is_leaf=lambda v: hasattr(v, "eqns")
        ):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                yield from names(inner)


def test_to_custom_vjp_hands_out_a_custom_vjp() -> None:
    for cls in (SaveInput, SaveOutput, SaveIntermediate, Callback):
        f = cls.to_custom_vjp()
        assert isinstance(f, CUSTOM_VJP)
        np.testing.assert_allclose(f(X), cls.apply(X))
        for grad in (jax.grad(f), jax.jit(jax.grad(f))):
            np.testing.assert_allclose(grad(X), cls.d1(1.3), rtol=1e-5)
        np.testing.assert_allclose(jax.grad(jax.grad(f))(X), cls.d2(1.3), rtol=1e-5)
        np.testing.assert_allclose(jax.vmap(jax.grad(f))(X[None]), [cls.d1(1.3)], 1e-5)


def test_to_custom_vjp_takes_static_arguments_by_name() -> None:
    f = Options.to_custom_vjp(scale=2.0, mode="times")
    assert isinstance(f, CUSTOM_VJP)
    y = jnp.float32(5.0)
    np.testing.assert_allclose(f(X, y), 2 * 1.3 * 5, rtol=1e-6)
    gx, gy = jax.grad(f, (0, 1))(X, y)
    np.testing.assert_allclose([gx, gy], [7 * 2 * 5, 8 * 2 * 1.3], rtol=1e-6)
    g = Options.to_custom_vjp(scale=3.0)
    np.testing.assert_allclose(g(X, y), 3 * 6.3, rtol=1e-6)
    np.testing.assert_allclose(f(X, y), 2 * 1.3 * 5, rtol=1e-6)


@pytest.mark.skipif(not DEFAULT_SWITCHES, reason="the switches change what JAX binds")
def test_an_undifferentiated_application_is_jaxs_own() -> None:
    expected = {
        SaveInput: "custom_vjp_call",
        SaveOutput: "custom_vjp_call",
        SaveIntermediate: "custom_vjp_call",
        dual(SaveIntermediate): "custom_jvp_call",
        ForwardOnly: "custom_jvp_call",
        BothModes: "custom_jvp_call",
    }
    known = {
        *expected.values(),
        "pjit",
        "jit",
        "mul",
        "integer_pow",
        "exp",
        "sin",
        "cos",
    }
    for cls, primitive in expected.items():
        for f in (cls.apply, jax.jit(cls.apply), jax.vmap(cls.apply)):
            found = [*names(jax.make_jaxpr(f)(X[None]).jaxpr)]
            assert found.count(primitive) == 1
            assert set(found) <= known


def test_the_differentiated_names_are_found_where_there_are_some() -> None:
    """So that the test above can fail."""
    found = {*names(jax.make_jaxpr(jax.grad(dual(SaveIntermediate).apply))(X).jaxpr)}
    assert found - {"custom_jvp_call", "mul", "sin", "cos", "pjit", "jit"}


def test_a_compiled_application_holds_no_trace_of_the_library() -> None:
    compiled = jax.jit(jax.grad(SaveIntermediate.apply)).lower(X).compile()
    assert "custom-call" not in compiled.as_text()


def test_a_class_with_a_jvp_alone() -> None:
    f = ForwardOnly.apply
    slope = 50 * 1.3**2
    assert not isinstance(f, CUSTOM_VJP)
    for got in (
        jax.jvp(f, (X,), (jnp.float32(1.0),))[1],
        jax.grad(f)(X),
        jax.jit(jax.grad(f))(X),
        jax.jacfwd(f)(X),
        jax.linearize(f, X)[1](jnp.float32(1.0)),
        jax.vmap(jax.grad(f))(X[None])[0],
    ):
        np.testing.assert_allclose(got, slope, rtol=1e-5)
    np.testing.assert_allclose(jax.grad(jax.grad(f))(X), 100 * 1.3, rtol=1e-5)
    np.testing.assert_allclose(jax.hessian(f)(X), 100 * 1.3, rtol=1e-5)


def test_a_class_with_both_rules_answers_each_mode_with_its_own() -> None:
    f = BothModes.apply
    one = jnp.float32(1.0)
    np.testing.assert_allclose(jax.jvp(f, (X,), (one,))[1], 50 * 1.3**2, rtol=1e-5)
    np.testing.assert_allclose(jax.jacfwd(f)(X), 50 * 1.3**2, rtol=1e-5)
    for grad in (jax.grad(f), jax.jit(jax.grad(f)), jax.grad(jax.jit(f))):
        np.testing.assert_allclose(grad(X), 100 * 1.3**2, rtol=1e-5)
    np.testing.assert_allclose(jax.vjp(f, X)[1](one)[0], 100 * 1.3**2, rtol=1e-5)
    np.testing.assert_allclose(jax.grad(jax.grad(f))(X), 200 * 1.3, rtol=1e-5)
    np.testing.assert_allclose(jax.jacfwd(jax.grad(f))(X), 200 * 1.3, rtol=1e-5)


@pytest.mark.parametrize(
    ("cls", "slope"),
    [(dual(SaveOutput), SaveOutput.d1(1.3)), (dual(Callback), Callback.d1(1.3))],
)
def test_a_generated_jvp_is_the_transposed_backward(
    cls: type[Function], slope: float
) -> None:
    f = cls.apply
    two = jnp.float32(2.0)
    np.testing.assert_allclose(jax.jvp(f, (X,), (two,))[1], 2 * slope, rtol=1e-5)
    np.testing.assert_allclose(jax.jacfwd(f)(X), slope, rtol=1e-5)
    np.testing.assert_allclose(jax.jit(jax.grad(f))(X), slope, rtol=1e-5)
    np.testing.assert_allclose(jax.linearize(f, X)[1](two), 2 * slope, rtol=1e-5)
    batched = jax.vmap(lambda t: jax.jvp(f, (X,), (t,))[1])(jnp.stack([two, two]))
    np.testing.assert_allclose(batched, [2 * slope] * 2, rtol=1e-5)


class Jvp(Function):
    """Notes in jvp which tangents arrive as what."""

    seen: list
    materialize = True

    @classmethod
    def forward(cls, ctx, x, y, i, mode):
        ctx.set_materialize_grads(cls.materialize)
        return x * y, i + 1

    @classmethod
    def jvp(cls, ctx, tx, ty, ti, tmode):
        cls.seen.append([tx is None, ty is None, ti is None, tmode is None])
        total = sum(5 * t for t in (tx, ty) if t is not None)
        return total, None


@pytest.mark.parametrize("materialize", [True, False])
def test_tangents_of_absent_integer_and_static_arguments(materialize: bool) -> None:
    cls = type("F", (Jvp,), {"seen": [], "materialize": materialize})
    f = lambda x: cls.apply(x, jnp.float32(2.0), jnp.int32(3), "mode")  # noqa: E731
    (y, i), (ty, ti) = jax.jvp(f, (X,), (jnp.float32(1.0),))
    assert (i, ty) == (4, 5.0)
    assert ti.dtype == jax.dtypes.float0
    np.testing.assert_allclose(y, 2.6, rtol=1e-6)
    assert cls.seen == [[False, not materialize, True, True]]


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_none_is_a_zero_tangent(wrap: Callable) -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x, 3 * x

        @staticmethod
        def jvp(ctx, t):
            return None, 7 * t

    tangents = wrap(lambda x: jax.jvp(F.apply, (x,), (jnp.float32(1.0),))[1])(X)
    assert tangents == (0.0, 7.0)
    assert wrap(jax.grad(lambda x: sum(F.apply(x))))(X) == 7.0
