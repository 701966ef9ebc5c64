"""`boxed_grads_call`: the cotangents in one list, under the names of torch's tests."""

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Context, Function
from jaxgrad.errors import FunctionDefinitionError
from tests.upstream.helpers import Array, same, ways

X = jnp.float32([0.5, -1.25])


class Boxed(Function):
    """x**2; the rule is marked, 20 x, and empties its list."""

    boxed_grads_call = True

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx: Context, grads: list) -> Array:
        assert type(grads) is list
        g = grads.pop()
        assert not grads
        (x,) = ctx.saved_tensors
        return 20 * g * x


def total(x: Array) -> Array:
    return Boxed.apply(x).sum()


def test_custom_function_boxed_grads() -> None:
    assert Function.boxed_grads_call is False
    for grad in ways(jax.grad(total)):
        same(grad(X), 20 * X)
    same(jax.grad(lambda x: jax.grad(total)(x).sum())(X), jnp.full(2, 20.0))
    with pytest.raises(FunctionDefinitionError, match="boxed_grads_call"):
        type("Wrong", (Boxed,), {"boxed_grads_call": 1})


SEEN: list[list] = []


class BoxedPair(Function):
    """2 x and x**2, of which one may be left out."""

    boxed_grads_call = True
    materialize = True

    @classmethod
    def forward(cls, ctx: Context, x: Array) -> tuple:
        ctx.set_materialize_grads(cls.materialize)
        ctx.save_for_backward(x)
        return 2 * x, "text", x**2

    @classmethod
    def backward(cls, ctx: Context, grads: list) -> Array:
        SEEN.append([*grads])
        double, text, square = grads
        assert text is None
        (x,) = ctx.saved_tensors
        parts = [10 * double if double is not None else 0 * x]
        parts += [100 * square * x] if square is not None else []
        return sum(parts)


def test_custom_function_boxed_grads_multi_output() -> None:
    def both(x: Array) -> Array:
        double, _, square = BoxedPair.apply(x)
        return (double + 3 * square).sum()

    for grad in ways(jax.grad(both)):
        same(grad(X), 10 + 300 * X)


def test_custom_function_boxed_grads_materialize_grads() -> None:
    SEEN.clear()
    for grad in ways(jax.grad(lambda x: BoxedPair.apply(x)[0].sum())):
        same(grad(X), jnp.full(2, 10.0))
    for _, _, square in SEEN:
        assert (square.shape, square.dtype) == ((2,), jnp.float32)
    assert len(SEEN) == 2


def test_custom_function_boxed_grads_none_grads() -> None:
    cls = type("Absent", (BoxedPair,), {"materialize": False})
    SEEN.clear()
    for grad in ways(jax.grad(lambda x: cls.apply(x)[2].sum())):
        same(grad(X), 100 * X)
    assert [double for double, _, _ in SEEN] == [None, None]


def test_custom_function_boxed_grads_cleanup_on_error() -> None:
    """After an error the next call gets a full list again."""
    boxes = []

    class Fails(Boxed):
        fails = True

        @classmethod
        def backward(cls, ctx, grads):
            boxes.append(len(grads))
            g = grads.pop()
            if cls.fails:
                raise ValueError("the first time")
            return 7 * g

    pull = jax.vjp(Fails.apply, X)[1]
    with pytest.raises(ValueError, match="the first time"):
        pull(jnp.ones(2))
    Fails.fails = False
    same(jax.grad(lambda x: Fails.apply(x).sum())(X), jnp.full(2, 7.0))
    assert set(boxes) == {1}


def test_custom_function_boxed_grads_chain() -> None:
    class Plain(Function):
        @staticmethod
        def forward(ctx, x):
            return 3 * x

        @staticmethod
        def backward(ctx, g):
            return 30 * g

    chain = lambda x: Boxed.apply(Plain.apply(Boxed.apply(x))).sum()  # noqa: E731
    for grad in ways(jax.grad(chain)):
        same(grad(X), 20 * (3 * X**2) * 30 * 20 * X)


def test_custom_function_boxed_grads_direct_apply() -> None:
    """A node can't be applied; the rule is a static method, and can be called."""
    met = []

    class Looks(Boxed):
        @staticmethod
        def backward(ctx, grads):
            for name in ("apply", "apply_boxed"):
                with pytest.raises(AttributeError, match=name):
                    getattr(ctx, name)
            met.append([*grads])
            return Boxed.backward(ctx, grads)

    same(jax.grad(lambda x: Looks.apply(x).sum())(X), 20 * X)
    assert len(met[0]) == 1


def test_custom_function_boxed_grads_single_list_arg() -> None:
    """A list output has one cotangent, a list, inside the list of all of them."""

    class Lists(Function):
        boxed_grads_call = True

        @staticmethod
        def forward(ctx, x):
            return [2 * x, 3 * x]

        @staticmethod
        def backward(ctx, grads):
            ((double, triple),) = grads
            return 10 * double + 100 * triple

    for grad in ways(jax.grad(lambda x: sum(v.sum() for v in Lists.apply(x)))):
        same(grad(X), jnp.full(2, 110.0))
