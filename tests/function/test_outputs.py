"""What may be an output: tuples, containers, integers, values that pass through."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function


class Pair(NamedTuple):
    double: Any
    square: Any


cotangents: list = []


class Both(Function):
    """2 x and x**2 in the container that `make` says, with a rule that tells them."""

    make: Callable

    @classmethod
    def forward(cls, ctx, x):
        ctx.save_for_backward(x)
        return cls.make(2 * x, x**2)

    @staticmethod
    def backward(ctx, *grads):
        double, square = jax.tree.leaves(grads)
        (x,) = ctx.saved_tensors
        cotangents.append(grads)
        return 10 * double + 100 * x * square


X = jnp.float32(3.0)
TUPLES = {"tuple": lambda a, b: (a, b), "namedtuple": Pair}
SINGLES = {
    "list": lambda a, b: [a, b],
    "dict": lambda a, b: {"a": a, "b": b},
    "nested": lambda a, b: [{"a": a}, [b]],
}


@pytest.mark.parametrize("name", [*TUPLES, *SINGLES])
def test_containers_of_outputs(name: str) -> None:
    make = {**TUPLES, **SINGLES}[name]
    cls = type("F", (Both,), {"make": staticmethod(make)})
    structure = jax.tree.structure(make(1, 2))
    for f in (cls.apply, cls.apply, cls.apply, jax.jit(cls.apply)):
        out = f(X)
        assert jax.tree.structure(out) == structure
        assert jax.tree.leaves(out) == [6.0, 9.0]
    cotangents.clear()
    loss = lambda x: sum(jax.tree.leaves(cls.apply(x)))  # noqa: E731
    for grad in (jax.grad(loss), jax.jit(jax.grad(loss)), jax.grad(jax.jit(loss))):
        assert grad(X) == 310.0
    # A tuple is several outputs with one cotangent each; anything else is one output.
    assert cotangents
    for grads in cotangents:
        assert len(grads) == (2 if name in TUPLES else 1)
        if name in SINGLES:
            assert jax.tree.structure(grads[0]) == structure
    batched = jax.vmap(cls.apply)(jnp.stack([X, X]))
    assert jax.tree.structure(batched) == structure


def test_a_1_tuple_stays_a_1_tuple() -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, x):
            return (2 * x,)

        @staticmethod
        def backward(ctx, g):
            return 7 * g

    for f in (F.apply, F.apply, F.apply, jax.jit(F.apply)):
        out = f(X)
        assert type(out) is tuple
        assert out == (6.0,)
    assert jax.grad(lambda x: F.apply(x)[0])(X) == 7.0


def test_an_empty_tuple_stays_empty() -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, x):
            return ()

        @staticmethod
        def backward(ctx):
            return None

    for f in (F.apply, F.apply, F.apply, jax.jit(F.apply)):
        assert f(X) == ()
    assert jax.grad(lambda x: x * (1 + len(F.apply(x))))(X) == 1.0


class Mixed(Function):
    """An array between values that are none."""

    @staticmethod
    def forward(ctx, x):
        return None, 2 * x, "text", 3, x > 0, 2.5

    @staticmethod
    def backward(ctx, g_none, g, g_text, g_int, g_bool, g_float):
        assert g_none is g_text is g_int is g_float is None
        assert g_bool.dtype == jnp.bool_
        return 7 * g


def test_outputs_that_are_no_arrays_pass_through() -> None:
    for f in (Mixed.apply, Mixed.apply, Mixed.apply):
        none, double, text, number, positive, real = f(X)
        assert (none, text) == (None, "text")
        assert (type(number), type(real)) == (int, float)
        assert (number, real) == (3, 2.5)
        assert double == 6.0
        assert positive.dtype == jnp.bool_

    def loss(x):
        none, double, text, number, _, _ = Mixed.apply(x)
        assert none is None
        assert (text, number) == ("text", 3)
        return double * number

    assert jax.grad(loss)(X) == 21.0
    assert jax.jit(jax.grad(loss))(X) == 21.0
    assert jax.jit(loss)(X) == 18.0
    np.testing.assert_array_equal(jax.vmap(loss)(jnp.stack([X, X])), [18.0, 18.0])


class SameTwice(Function):
    @staticmethod
    def forward(ctx, x):
        y = 2 * x
        return y, y

    @staticmethod
    def backward(ctx, g, h):
        return g + 100 * h


def test_the_same_array_in_two_slots_has_two_cotangents() -> None:
    assert SameTwice.apply(X) == (6.0, 6.0)
    slots = lambda i: jax.grad(lambda x: SameTwice.apply(x)[i])  # noqa: E731
    assert slots(0)(X) == 1.0
    assert slots(1)(X) == 100.0
    assert jax.grad(lambda x: sum(SameTwice.apply(x)))(X) == 101.0
    assert jax.jit(slots(1))(X) == 100.0


class AsIs(Function):
    """Returns its inputs as they are, saves one, and answers with its own rule."""

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x)
        return x, y

    @staticmethod
    def backward(ctx, g, h):
        (x,) = ctx.saved_tensors
        return 10 * x * g, 7 * h


def test_an_input_may_be_returned_as_it_is() -> None:
    y = jnp.float32(4.0)
    for f in (AsIs.apply, AsIs.apply, AsIs.apply, jax.jit(AsIs.apply)):
        assert f(X, y) == (3.0, 4.0)
    loss = lambda x, y: sum(AsIs.apply(x, y))  # noqa: E731
    assert jax.grad(loss, (0, 1))(X, y) == (30.0, 7.0)
    assert jax.jit(jax.grad(loss, (0, 1)))(X, y) == (30.0, 7.0)
    assert jax.grad(lambda x: sum(AsIs.apply(x, x)))(X) == 37.0


def test_an_input_returned_as_it_is_and_saved_by_setup_context() -> None:
    class F(Function):
        @staticmethod
        def forward(x):
            return x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs, output)

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return 10 * x * y * g

    assert jax.grad(F.apply)(X) == 90.0


class WithInteger(Function):
    """Values and the positions that they came from, as sorting gives."""

    @staticmethod
    def forward(ctx, x):
        order = jnp.argsort(x)
        ctx.save_for_backward(order)
        return x[order], order

    @staticmethod
    def backward(ctx, g, g_order):
        (order,) = ctx.saved_tensors
        assert g_order.dtype == order.dtype
        return jnp.zeros_like(g).at[order].set(7 * g + g_order.astype(g.dtype))


def test_integer_outputs() -> None:
    x = jnp.array([3.0, 1.0, 2.0])
    w = jnp.array([1.0, 2.0, 3.0])
    for f in (WithInteger.apply, WithInteger.apply, jax.jit(WithInteger.apply)):
        values, order = f(x)
        np.testing.assert_array_equal(values, [1.0, 2.0, 3.0])
        np.testing.assert_array_equal(order, [1, 2, 0])
    loss = lambda x: (WithInteger.apply(x)[0] * w).sum()  # noqa: E731
    want = [21.0, 7.0, 14.0]
    for grad in (jax.grad(loss), jax.jit(jax.grad(loss)), jax.grad(jax.jit(loss))):
        np.testing.assert_array_equal(grad(x), want)
    np.testing.assert_array_equal(jax.vmap(jax.grad(loss))(x[None]), [want])
    by_position = lambda x: x[WithInteger.apply(x)[1]].sum()  # noqa: E731
    np.testing.assert_array_equal(jax.grad(by_position)(x), np.ones(3))


def test_only_integer_outputs_have_no_gradient() -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, x):
            return jnp.argmax(x)

        @staticmethod
        def backward(ctx, g):
            return None

    x = jnp.array([1.0, 3.0, 2.0])
    loss = lambda x: (x * F.apply(x)).sum()  # noqa: E731
    np.testing.assert_array_equal(jax.grad(loss)(x), np.ones(3))
    np.testing.assert_array_equal(jax.jit(jax.grad(loss))(x), np.ones(3))
