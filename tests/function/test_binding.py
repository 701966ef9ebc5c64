"""How arguments bind: by position, keyword and default, by forward's signature."""

import re
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Function
from jaxgrad.errors import ArgumentError, JaxgradError


class Affine(Function):
    """x * scale + offset, with every kind of parameter but `*args`."""

    @staticmethod
    def forward(ctx, x, scale=2.0, *, offset=0.0, **options):
        ctx.save_for_backward(x, scale if isinstance(scale, jax.Array) else None)
        ctx.scale = scale
        ctx.sign = -1.0 if options.get("negate") else 1.0
        return ctx.sign * (x * scale + offset)

    @staticmethod
    def backward(ctx, g):
        x, scale = ctx.saved_tensors
        gx = ctx.sign * g * ctx.scale
        gscale = None if scale is None else ctx.sign * g * x
        goffset = ctx.sign * g if ctx.needs_input_grad[2] else None
        return gx, gscale, goffset, None


X = jnp.float32(3.0)


@pytest.mark.parametrize(
    ("args", "kwargs", "value", "slope"),
    [
        ((X,), {}, 6.0, 2.0),
        ((X, 4.0), {}, 12.0, 4.0),
        ((X,), {"scale": 4.0}, 12.0, 4.0),
        ((), {"x": X}, 6.0, 2.0),
        ((), {"scale": 4.0, "x": X}, 12.0, 4.0),
        ((X,), {"offset": 1.0}, 7.0, 2.0),
        ((X,), {"offset": 1.0, "scale": 4.0}, 13.0, 4.0),
        ((X,), {"negate": True}, -6.0, -2.0),
        ((X, jnp.float32(4.0)), {"offset": jnp.float32(1.0)}, 13.0, 4.0),
    ],
)
def test_arguments_bind_by_signature(
    args: tuple, kwargs: dict[str, Any], value: float, slope: float
) -> None:
    for _ in range(3):
        assert Affine.apply(*args, **kwargs) == value

    def f(x):
        swap = lambda v: x if v is X else v  # noqa: E731
        kept = {k: swap(v) for k, v in kwargs.items()}
        return Affine.apply(*map(swap, args), **kept)

    assert f(X) == value
    assert jax.grad(f)(X) == slope
    assert jax.jit(jax.value_and_grad(f))(X) == (value, slope)


def test_keyword_only_array_gets_its_gradient() -> None:
    f = lambda s, o: Affine.apply(X, s, offset=o)  # noqa: E731
    assert jax.grad(f, (0, 1))(jnp.float32(4.0), jnp.float32(1.0)) == (3.0, 1.0)


def test_keyword_array_gets_the_gradient_of_its_position() -> None:
    f = lambda s: Affine.apply(scale=s, x=X)  # noqa: E731
    assert jax.grad(f)(jnp.float32(4.0)) == 3.0


def test_setup_context_sees_every_bound_argument_in_signature_order() -> None:
    seen = []

    class F(Function):
        @staticmethod
        def forward(x, y, a=1, *, k="d"):
            return x * y * a

        @staticmethod
        def setup_context(ctx, inputs, output):
            seen.append([v if isinstance(v, int | str) else v.shape for v in inputs])
            ctx.save_for_backward(*inputs[:2])

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return g * y, g * x, None, None

    grad = jax.grad(lambda x: F.apply(y=jnp.float32(2.0), x=x, k="k"))
    assert grad(jnp.float32(5.0)) == 2.0
    assert seen[-1] == [(), (), 1, "k"]


def test_variadic_positional_arguments_are_one_each() -> None:
    class Sum(Function):
        @staticmethod
        def forward(ctx, *xs):
            ctx.n = len(xs)
            return sum(xs)

        @staticmethod
        def backward(ctx, g):
            assert len(ctx.needs_input_grad) == ctx.n
            return tuple(g * (i + 1) for i in range(ctx.n))

    grads = jax.grad(lambda *xs: Sum.apply(*xs), (0, 1, 2))(X, X, X)
    assert grads == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("args", "kwargs", "parts"),
    [
        ((), {}, ["x", "missing"]),
        ((), {"scale": 2.0}, ["x", "missing"]),
        ((X, 2.0, 3.0), {}, ["3", "2", "positional"]),
        ((X,), {"x": X}, ["x"]),
        ((X, 1.0), {"scale": 2.0}, ["scale"]),
    ],
    ids=["none", "gap", "too-many", "twice", "default-twice"],
)
def test_arguments_that_do_not_fit(
    args: tuple, kwargs: dict[str, Any], parts: list[str]
) -> None:
    for f in (Affine.apply, jax.jit(Affine.apply)):
        with pytest.raises(ArgumentError, match=re.escape("Affine")) as caught:
            f(*args, **kwargs)
        assert isinstance(caught.value, TypeError)
        assert isinstance(caught.value, JaxgradError)
        for part in parts:
            assert part in str(caught.value)


class Named(Function):
    @staticmethod
    def forward(ctx, x):
        return x


def test_an_unknown_keyword_is_named() -> None:
    with pytest.raises(ArgumentError, match="Named") as caught:
        Named.apply(X, bad=1)
    assert "bad" in str(caught.value)
    assert "x" in str(caught.value)
