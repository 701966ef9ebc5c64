"""Second and third order: what was saved is differentiated as what it is."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from tests.function.functions import (
    KINDS,
    Callback,
    SaveInput,
    SaveIntermediate,
    SaveOutput,
    dual,
)

pytestmark = pytest.mark.sampled(3)

POINT = 1.3
X = jnp.float32(POINT)
ONE = jnp.float32(1.0)

kinds = pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
lowerings = pytest.mark.parametrize(
    "lower", [lambda cls: cls, dual], ids=["reverse", "dual"]
)


def gradient(f: Callable) -> Callable:
    return jax.grad(f)


def through_vjp(f: Callable) -> Callable:
    return lambda x: jax.vjp(f, x)[1](ONE)[0]


def through_jit(f: Callable) -> Callable:
    return jax.jit(jax.grad(jax.jit(f)))


def through_vmap(f: Callable) -> Callable:
    return lambda x: jax.vmap(jax.grad(f))(jnp.stack([x, x]))[1]


def of_vmap(f: Callable) -> Callable:
    return lambda x: jax.grad(lambda v: jax.vmap(f)(v).sum())(jnp.stack([x, x]))[0]


def through_scan(f: Callable) -> Callable:
    total = lambda x: jax.lax.scan(  # noqa: E731
        lambda c, _: (c + f(x), None), 0.0, None, length=1
    )[0]
    return jax.grad(total)


def through_checkpoint(f: Callable) -> Callable:
    return jax.grad(jax.checkpoint(f))


def forward_mode(f: Callable) -> Callable:
    return jax.jacfwd(f)


REVERSE = (
    gradient,
    through_vjp,
    through_jit,
    through_vmap,
    of_vmap,
    through_scan,
    through_checkpoint,
)
# Every inner and every outer way once, and both in every order for one kind alone.
NESTINGS = [
    *((inner, gradient) for inner in REVERSE),
    *((gradient, outer) for outer in (*REVERSE[1:], forward_mode)),
    *((through_jit, through_vmap), (through_vmap, of_vmap), (of_vmap, through_scan)),
    *((through_checkpoint, through_scan), (through_scan, forward_mode)),
]


@kinds
@pytest.mark.parametrize(("inner", "outer"), NESTINGS)
def test_second_derivative(cls: Any, inner: Callable, outer: Callable) -> None:
    got = outer(inner(cls.apply))(X)
    np.testing.assert_allclose(got, cls.d2(POINT), rtol=1e-5)


@pytest.mark.parametrize("cls", [SaveOutput, SaveIntermediate, Callback])
@pytest.mark.parametrize(("inner", "outer"), NESTINGS)
def test_second_derivative_of_a_dual_rule(
    cls: Any, inner: Callable, outer: Callable
) -> None:
    got = outer(inner(dual(cls).apply))(X)
    np.testing.assert_allclose(got, cls.d2(POINT), rtol=1e-5)


@pytest.mark.parametrize("inner", REVERSE)
@pytest.mark.parametrize("outer", [*REVERSE, forward_mode])
def test_second_derivative_in_every_nesting(inner: Callable, outer: Callable) -> None:
    got = outer(inner(SaveOutput.apply))(X)
    np.testing.assert_allclose(got, SaveOutput.d2(POINT), rtol=1e-5)


@kinds
@lowerings
@pytest.mark.parametrize(
    ("inner", "outer"),
    [(gradient, gradient), (through_jit, through_vmap), (gradient, forward_mode)],
)
def test_third_derivative(
    cls: Any, lower: Callable, inner: Callable, outer: Callable
) -> None:
    got = outer(gradient(inner(lower(cls).apply)))(X)
    np.testing.assert_allclose(got, cls.d3(POINT), rtol=1e-5)


@kinds
@lowerings
def test_hessian_and_the_derivatives_inside_it(cls: Any, lower: Callable) -> None:
    f = lambda x: lower(cls).apply(x).sum()  # noqa: E731
    x = jnp.array([0.5, 1.3])
    want = np.diag(cls.d2(np.asarray(x)))
    for hessian in (jax.hessian(f), jax.jit(jax.hessian(f)), jax.jacrev(jax.jacrev(f))):
        np.testing.assert_allclose(hessian(x), want, rtol=1e-5)
    batched = jax.vmap(jax.hessian(f))(jnp.stack([x, x]))
    np.testing.assert_allclose(batched, [want, want], rtol=1e-5)


INNER_VALUES = {
    "value_and_grad": lambda f, x: jax.value_and_grad(f)(x)[0],
    "vjp": lambda f, x: jax.vjp(f, x)[0],
    "jit": lambda f, x: jax.jit(jax.value_and_grad(f))(x)[0],
    "vmap": lambda f, x: jax.vmap(jax.value_and_grad(f))(x[None])[0][0],
    "twice": lambda f, x: jax.value_and_grad(lambda x: jax.value_and_grad(f)(x)[0])(x)[
        0
    ],
    "checkpoint": lambda f, x: jax.value_and_grad(jax.checkpoint(f))(x)[0],
    "in-checkpoint": lambda f, x: jax.checkpoint(lambda x: jax.value_and_grad(f)(x)[0])(
        x
    ),
    "has_aux": lambda f, x: jax.grad(lambda x: (f(x), f(x)), has_aux=True)(x)[1],
}


@kinds
@lowerings
@pytest.mark.parametrize("name", INNER_VALUES)
def test_the_rule_of_an_inner_value(cls: Any, lower: Callable, name: str) -> None:
    value = lambda x: INNER_VALUES[name](lower(cls).apply, x)  # noqa: E731
    np.testing.assert_allclose(jax.grad(value)(X), cls.d1(POINT), rtol=1e-5)
    np.testing.assert_allclose(jax.grad(jax.grad(value))(X), cls.d2(POINT), rtol=1e-5)


@kinds
@pytest.mark.parametrize(
    "policy",
    [None, jax.checkpoint_policies.everything_saveable],
    ids=["nothing", "everything"],
)
def test_checkpoint_in_every_place(cls: Any, policy: Any) -> None:
    f = cls.apply
    kept = lambda f: jax.checkpoint(f, policy=policy)  # noqa: E731
    np.testing.assert_allclose(jax.grad(kept(f))(X), cls.d1(POINT), rtol=1e-5)
    for second in (
        jax.grad(jax.grad(kept(f))),
        jax.grad(kept(jax.grad(f))),
        jax.grad(kept(jax.grad(kept(f)))),
        jax.jit(jax.grad(jax.grad(kept(f)))),
    ):
        np.testing.assert_allclose(second(X), cls.d2(POINT), rtol=1e-5)


class Mixed(Function):
    """x**2 y, saving inputs, output and an intermediate; the rule mixes all."""

    @staticmethod
    def forward(ctx, x, y):
        square = x**2
        out = square * y
        ctx.save_for_backward(x, y, out, square)
        return out

    @staticmethod
    def backward(ctx, g):
        x, y, out, square = ctx.saved_tensors
        return g * (out + x), g * (square + y)


def test_mixed_second_derivatives_in_closed_form() -> None:
    """Each saved value adds the derivative of what it is."""
    x, y = jnp.float32(1.5), jnp.float32(2.0)
    f = Mixed.apply
    out, square = 4.5, 2.25
    d_out = (out + 1.5, square + 2.0)  # a saved output has this Function's own rule
    want = {
        (0, 0): d_out[0] + 1,
        (0, 1): d_out[1],
        (1, 0): 2 * 1.5,  # an intermediate has its true derivative
        (1, 1): 1.0,
    }
    for (i, j), value in want.items():
        for second in (
            jax.grad(jax.grad(f, i), j),
            jax.jit(jax.grad(jax.grad(f, i), j)),
            jax.jacfwd(jax.grad(f, i), j),
        ):
            np.testing.assert_allclose(second(x, y), value, rtol=1e-6)
    hessian = jax.hessian(f, (0, 1))(x, y)
    for (i, j), value in want.items():
        np.testing.assert_allclose(hessian[i][j], value, rtol=1e-6)


def test_the_derivative_in_the_cotangent() -> None:
    f = lambda x, c: jax.vjp(SaveOutput.apply, x)[1](c)[0]  # noqa: E731
    np.testing.assert_allclose(jax.grad(f, 1)(X, ONE), 10 * np.exp(POINT), rtol=1e-5)
    np.testing.assert_allclose(
        jax.grad(lambda x: jax.grad(lambda x: SaveInput.apply(x) ** 2)(x))(X),
        2 * (SaveInput.d1(POINT) ** 2 + POINT**3 * SaveInput.d2(POINT)),
        rtol=1e-5,
    )


@lowerings
def test_composition_and_sharing(lower: Callable) -> None:
    f = lambda x: lower(SaveOutput).apply(lower(SaveInput).apply(x))  # noqa: E731
    inner, d1, d2 = POINT**3, SaveInput.d1(POINT), SaveInput.d2(POINT)
    e = np.exp(inner)
    np.testing.assert_allclose(jax.grad(f)(X), 10 * e * d1, rtol=1e-5)
    np.testing.assert_allclose(
        jax.grad(jax.grad(f))(X), 100 * e * d1**2 + 10 * e * d2, rtol=1e-5
    )
    shared = lambda w: jax.vmap(lambda v: f(w) * v)(jnp.arange(3.0)).sum()  # noqa: E731
    np.testing.assert_allclose(jax.grad(shared)(X), 3 * 10 * e * d1, rtol=1e-5)


def test_a_function_inside_the_forward_and_the_backward_of_another() -> None:
    class Outer(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return SaveInput.apply(x)

        @staticmethod
        def backward(ctx, g):
            return 7 * g * SaveOutput.apply(ctx.saved_tensors[0])

    np.testing.assert_allclose(jax.grad(Outer.apply)(X), 7 * np.exp(POINT), rtol=1e-5)
    np.testing.assert_allclose(
        jax.grad(jax.grad(Outer.apply))(X), 70 * np.exp(POINT), rtol=1e-5
    )
