"""Higher orders, nested gradients and checkpoints, under their names in torch."""

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Context, Function
from tests.upstream.helpers import Array, same, scaled, ways

X = jnp.float32(1.3)


class DoubleSaved(Function):
    """x**2, whose rule says 2 x + 1 and keeps a tenth of the output."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        y = x**2
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Context, g: Array) -> Array:
        x, y = ctx.saved_tensors
        return g * (2 * x + y / 10)


def test_custom_autograd_repeated_grad_grad() -> None:
    """The saved output is differentiated by this rule again, at every order."""
    x = X
    d1 = 2 * x + x**2 / 10
    d2 = 2 + d1 / 10
    d3 = d2 / 10
    f = DoubleSaved.apply
    for want in (d1, d2, d3):
        f = jax.grad(f)
        for run in ways(f):
            same(run(x), want)


def test_custom_autograd_no_early_free() -> None:
    """A pullback may be called, and differentiated, again and again."""
    y, pull = jax.vjp(DoubleSaved.apply, X)
    same(y, X**2)
    slope = 2 * X + X**2 / 10
    for weight in (1.0, 2.0, 3.0):
        same(pull(jnp.float32(weight)), (weight * slope,))
    same(jax.grad(lambda w: pull(w)[0])(X), slope)
    del y
    same(pull(jnp.float32(1)), (slope,))


def test_custom_autograd_ac_early_stop() -> None:
    """A checkpoint recomputes what the rule has saved, and its rule answers."""

    class Stops(DoubleSaved):
        pass

    def block(x: Array) -> Array:
        return jnp.sin(Stops.apply(jnp.exp(x)))  # sin needs what comes after exp

    for policy in (None, jax.checkpoint_policies.nothing_saveable):
        kept = jax.checkpoint(block, policy=policy) if policy else jax.checkpoint(block)
        for order in (jax.grad, lambda f: jax.grad(jax.grad(f))):
            for run in ways(order(kept)):
                same(run(X), order(block)(X), 1e-5)


def test_checkpointing_without_reentrant_custom_function_works() -> None:
    class Product(Function):
        @staticmethod
        def forward(ctx, x, y, z):
            w = x * y * z
            out = w + w
            ctx.save_for_backward(x, y, z, w, out)
            return x, out

        @staticmethod
        def backward(ctx, g_x, g_out):
            x, _, _, w, out = ctx.saved_tensors
            same_value = w + w - out  # saved values belong together
            return 10 * g_x + same_value, g_out * out, 100 * g_out * x * w

    def block(x: Array, y: Array, z: Array) -> Array:
        kept, out = Product.apply(jnp.sin(x), y, z)
        return (kept + jnp.cos(out)).sum()

    args = jnp.float32([0.3]), jnp.float32([0.7]), jnp.float32([1.1])
    want = jax.grad(block, (0, 1, 2))(*args)
    for grad in ways(jax.grad(jax.checkpoint(block), (0, 1, 2))):
        same(grad(*args), want, 1e-5)


def test_simple_reentrant() -> None:
    """A gradient inside a rule: the cotangents of x -> x**2 are found by JAX."""

    class Inner(Function):
        @staticmethod
        def forward(ctx, x):
            y, ctx.pull = jax.vjp(lambda v: v * v, x)
            return y

        @staticmethod
        def backward(ctx, g):
            (gx,) = ctx.pull(g)
            return 10 * gx  # marked

    for grad in ways(jax.grad(Inner.apply)):
        same(grad(X), 20 * X)
    for second in ways(jax.grad(jax.grad(Inner.apply))):
        same(second(X), 20.0)


def test_reentrant_child_error() -> None:
    class Child(Exception):
        pass

    class Fails(Function):
        @staticmethod
        def forward(ctx, x):
            return jnp.copy(x)

        @staticmethod
        def backward(ctx, g):
            raise Child("in the inner rule")

    class Parent(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return jnp.copy(x)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * jax.grad(Fails.apply)(x)

    for grad in ways(jax.grad(Parent.apply)):
        with pytest.raises(Child, match="in the inner rule"):
            grad(X)


def test_deep_reentrant() -> None:
    """Every backward runs the next one."""

    class Deep(Function):
        @staticmethod
        def forward(ctx, x, depth):
            ctx.save_for_backward(x)
            ctx.depth = depth
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            if ctx.depth == 0:
                return g, None
            inner = jax.grad(lambda v: Deep.apply(v, ctx.depth - 1))(x)
            return g * (inner + 1), None

    for grad in ways(jax.grad(lambda x: Deep.apply(x, 12))):
        same(grad(X), 13.0)


def test_grad_unreachable_discovery() -> None:
    """What doesn't lead to the argument that is asked for doesn't run."""

    class Never(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            raise AssertionError("nothing asked for this gradient")

    for grad in ways(jax.grad(lambda x, y: Never.apply(2 * x) + 3 * y, 1)):
        same(grad(X, X), 3.0)


def test_free_deep_graph_pyfunction() -> None:
    """Chains of many applications, unrolled and rolled, need no deep stack."""
    cls, step = scaled(1.01), scaled(1.0001)

    def chain(x: Array) -> Array:
        for _ in range(150):
            x = cls.apply(x)
        return x

    same(jax.grad(chain)(X), 1.01**150, 1e-4)

    def rolled(x: Array) -> Array:
        return jax.lax.scan(lambda c, _: (step.apply(c), None), x, length=10_000)[0]

    same(jax.jit(jax.grad(rolled))(X), 1.0001**10_000, 1e-2)
