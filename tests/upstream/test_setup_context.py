"""`setup_context` and defaults of forward, under the names that they have in torch."""

import gc
import weakref

import jax
import jax.numpy as jnp

from jaxgrad import Function, once_differentiable
from tests.upstream.helpers import same, ways

X = jnp.float32([0.8, -0.3])


def test_custom_function_setup_context_simple() -> None:
    class Square(Function):
        @staticmethod
        def forward(x):
            return x**2

        @staticmethod
        def setup_context(ctx, inputs, output):
            (x,) = inputs
            ctx.save_for_backward(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 20 * g * x  # marked

    for grad in ways(jax.grad(Square.apply)):
        same(grad(jnp.float32(1.5)), 30.0)
    for second in ways(jax.grad(jax.grad(Square.apply))):
        same(second(jnp.float32(1.5)), 20.0)


def test_custom_function_setup_context_multi_output() -> None:
    class Square(Function):
        @staticmethod
        def forward(x):
            return x**2, 2 * x, "doubled"

        @staticmethod
        def setup_context(ctx, inputs, output):
            _, ctx.double, ctx.word = output

        @staticmethod
        @once_differentiable
        def backward(ctx, g, _double, word):
            assert word is None
            assert ctx.word == "doubled"
            return 10 * g * ctx.double  # marked

    for grad in ways(jax.grad(lambda x: Square.apply(x)[0])):
        same(grad(jnp.float32(1.5)), 30.0)


def test_custom_function_setup_context_multi_input() -> None:
    class Reshape(Function):
        @staticmethod
        def forward(x, shape, forth, back):
            return x.reshape(shape) * forth

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, _, _, ctx.back = inputs
            ctx.shape = x.shape

        @staticmethod
        def backward(ctx, g):
            return g.reshape(ctx.shape) * ctx.back, None, None, None

    class Combined(Reshape):
        setup_context = Function.setup_context

        @staticmethod
        def forward(ctx, x, shape, forth, back):
            ctx.shape, ctx.back = x.shape, back
            return x.reshape(shape) * forth

    runs = [((24,), (3, 8), 7, 11), ((2, 3, 4), (6, 4), -1, 2)]
    for given, shape, forth, back in runs:
        x = jnp.arange(24.0).reshape(given)
        for cls in (Reshape, Combined):
            same(cls.apply(x, shape, forth, back), x.reshape(shape) * forth)
            loss = lambda x, c=cls: c.apply(x, shape, forth, back).sum()  # noqa: B023, E731
            for grad in ways(jax.grad(loss)):
                same(grad(x), jnp.full(given, float(back)))


def test_custom_function_setup_context_releases_return_value() -> None:
    class Sentinel:
        pass

    kept = []

    class Returns(Function):
        @staticmethod
        def forward(x):
            return jnp.copy(x)

        @staticmethod
        def setup_context(ctx, inputs, output):
            sentinel = Sentinel()
            kept.append(weakref.ref(sentinel))
            return sentinel

        @staticmethod
        def backward(ctx, g):
            return g

    Returns.apply(X)
    jax.grad(lambda x: Returns.apply(x).sum())(X)
    gc.collect()
    assert kept
    assert all(ref() is None for ref in kept)


def test_setup_context_when_forward_has_default_args() -> None:
    class Powers(Function):
        @staticmethod
        def forward(x, y, power=2, shift=0.0):
            return x**power + y + shift

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, _, ctx.power, _ = inputs
            ctx.save_for_backward(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 10 * g * ctx.power * x ** (ctx.power - 1), 100 * g, None, None

    class Methods(Powers):
        forward = classmethod(
            lambda cls, x, y, power=2, shift=0.0: x**power + y + shift
        )
        setup_context = classmethod(
            lambda cls, ctx, inputs, output: Powers.setup_context(ctx, inputs, output)
        )
        backward = classmethod(lambda cls, ctx, g: Powers.backward(ctx, g))

    x, y = jnp.float32(3), jnp.float32(1)
    for cls in (Powers, Methods):
        same(cls.apply(x, y), 10.0)
        for grad in ways(jax.grad(cls.apply, (0, 1))):
            same(grad(x, y), (60.0, 100.0))
        cubed = lambda x, y, c=cls: c.apply(x, y, 3, shift=0.5)  # noqa: E731
        same(cubed(x, y), 28.5)
        for grad in ways(jax.grad(cubed, (0, 1))):
            same(grad(x, y), (270.0, 100.0))
