"""`detect_anomaly` and devices, under the names that the tests have in torch."""

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Context, Function, detect_anomaly
from jaxgrad.errors import AnomalyError
from tests.upstream.helpers import Array, same, ways

X = jnp.float32([0.5, -1.25, 2.0])


class GivesNan(Function):
    """10 x; the gradient of the second argument is NaN, if it is told so."""

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array, fails: bool) -> Array:
        ctx.fails = fails
        return 10 * x + y

    @staticmethod
    def backward(ctx: Context, g: Array) -> tuple:
        bad = jnp.nan if ctx.fails else 1.0
        return 10 * g, (g * bad).at[0].set(5.0), None


def loss(x: Array, fails: bool = True) -> Array:
    return (GivesNan.apply(x, x * 2, fails) ** 2).sum()


def test_anomaly_detect_nan() -> None:
    for grad in ways(jax.grad(loss)):
        assert jnp.isnan(grad(X)[1])  # silent without it
    for grad in ways(jax.grad(loss)):
        # Compiled programs raise JAX's own error; the block turns it into this one.
        with pytest.raises(AnomalyError, match="GivesNan") as raised, detect_anomaly():
            grad(X)
        message = str(raised.value)
        assert "gradient of 'y'" in message
        assert "'x'" not in message
        assert __file__ in message  # the line that applied it
    with detect_anomaly():
        for grad in ways(jax.grad(lambda x: loss(x, fails=False))):
            got = grad(X)
            assert jnp.isfinite(got).all()
            slope = 2 * (12 * X)  # of the square
            same(got[1:], (slope * (10 + 2))[1:])


def test_nested_anomaly_detect_nan() -> None:
    """A NaN that only the second derivative has."""

    class Second(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return First.apply(x) * g

    class First(Function):
        fails = True

        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @classmethod
        def backward(cls, ctx, g):
            return 2 * g * (jnp.nan if cls.fails else 1.0)

    x = jnp.float32(1.5)
    second = jax.grad(jax.grad(Second.apply))
    with detect_anomaly():
        same(jax.grad(Second.apply)(x), 3.0)  # the first one is in order
    for run in ways(second):
        with pytest.raises(AnomalyError, match="First"), detect_anomaly():
            run(x)
    First.fails = False
    with detect_anomaly():
        for run in ways(jax.grad(jax.grad(Second.apply))):
            same(run(x), 2.0)


def test_anomaly_mode_no_check_nan() -> None:
    """Without the check a NaN passes; a rule that raises still says where."""

    class Raises(GivesNan):
        @staticmethod
        def backward(ctx, g):
            raise ZeroDivisionError("in the rule")

    with detect_anomaly(check_nan=False):
        for grad in ways(jax.grad(loss)):
            assert jnp.isnan(grad(X)[1])
        for grad in ways(jax.grad(lambda x: Raises.apply(x, x, True).sum())):
            with pytest.raises(ZeroDivisionError, match="in the rule") as raised:
                grad(X)
            assert any(__file__ in note for note in raised.value.__notes__)


def test_backward_device() -> None:
    """Backward computes where its values are."""
    device = jax.devices()[-1]

    class Square(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 20 * g * x

    x = jax.device_put(X, device)
    for grad in ways(jax.grad(lambda x: Square.apply(x).sum())):
        got = grad(x)
        assert got.devices() == {device}
        same(got, 20 * X)
