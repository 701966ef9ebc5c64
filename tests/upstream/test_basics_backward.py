"""What backward may return and read, and when it runs, under the names in torch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.errors import GradientCountError, GradientShapeError
from tests.upstream.helpers import ALL_ASKED, same, ways

X = jnp.float32([0.5, -1.25])
Y = jnp.float32([1.5, 0.75])


def test_invalid_gradients() -> None:
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return jnp.ones(10)

    for grad in ways(jax.grad(lambda x: Wrong.apply(x).sum())):
        with pytest.raises(GradientShapeError, match=r"f32\[10\]") as raised:
            grad(jnp.ones((5, 5)))
        assert "f32[5,5]" in str(raised.value)


def test_too_many_grads() -> None:
    class Padded(Function):
        extra: object = None

        @staticmethod
        def forward(ctx, x):
            return x

        @classmethod
        def backward(cls, ctx, g):
            return 3 * g, None, cls.extra

    for grad in ways(jax.grad(lambda x: Padded.apply(x).sum())):
        same(grad(X), jnp.full(2, 3.0))
    Padded.extra = np.ones(2)
    with pytest.raises(GradientCountError, match="3"):
        jax.grad(lambda x: Padded.apply(x).sum())(X)


def test_save_none_for_backward() -> None:
    class KeepsNone(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(None, x, None)
            return x * x

        @staticmethod
        def backward(ctx, g):
            first, x, last = ctx.saved_tensors
            assert first is None
            assert last is None
            return 2 * x * g

    for grad in ways(jax.grad(lambda x: KeepsNone.apply(x).sum())):
        same(grad(X), 2 * X)


def test_saved_variables_deprecated() -> None:
    class Old(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_variables
            return 2 * x * g

    with pytest.warns(DeprecationWarning, match="saved_tensors"):
        same(jax.grad(lambda x: Old.apply(x).sum())(X), 2 * X)


def test_no_grad_python_function() -> None:
    """JAX has no grad mode; what isn't differentiated runs forward only."""

    class Never(Function):
        @staticmethod
        def forward(ctx, x):
            assert ctx.needs_input_grad in ((False,), (ALL_ASKED,))
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise AssertionError("nothing asked for a gradient")

    for apply in ways(Never.apply):
        same(apply(X), 2 * X)
    stopped = lambda x: Never.apply(jax.lax.stop_gradient(x)).sum()  # noqa: E731
    same(jax.grad(stopped)(X), jnp.zeros(2))


def test_no_grad_input() -> None:
    """An argument that nobody differentiates has no say in the gradient of another."""
    flags = []

    class First(Function):
        @staticmethod
        def forward(ctx, x, y):
            flags.append(ctx.needs_input_grad)
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            # Dropped, whatever it is.
            return 7 * g, jnp.full(2 if ALL_ASKED else 5, jnp.nan)

    for grad in ways(jax.grad(lambda x: First.apply(x, Y).sum())):
        same(grad(X), jnp.full(2, 7.0))
    assert set(flags) == {(True, ALL_ASKED)}
