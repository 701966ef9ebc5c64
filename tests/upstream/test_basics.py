"""The first rules of custom Functions, each test under its name in torch."""

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Context, Function, once_differentiable
from jaxgrad.errors import InstanceCallError, OnceDifferentiableError
from tests.upstream.helpers import Array, same, ways

X = jnp.float32([0.5, -1.25])
Y = jnp.float32([1.5, 0.75])


class Mixed(Function):
    """a + k b + a b, with a static argument in the middle; the rule is true."""

    @staticmethod
    def forward(ctx: Context, a: Array, k: float, b: Array) -> Array:
        ctx.k = k
        ctx.save_for_backward(a, b)
        return a + k * b + a * b

    @staticmethod
    def backward(ctx: Context, g: Array) -> tuple:
        a, b = ctx.saved_tensors
        assert isinstance(a, jax.Array)
        assert isinstance(g, jax.Array)
        return g + g * b, None, g * ctx.k + g * a


def test_function() -> None:
    loss = lambda a, b: Mixed.apply(a, 2, b).sum()  # noqa: E731
    for grad in ways(jax.grad(loss, (0, 1))):
        same(grad(X, Y), (Y + 1, X + 2))
    # The gradients can be differentiated, as with create_graph.
    cross = jax.grad(lambda a, b: jax.grad(loss)(a, b).sum(), 1)
    same(cross(X, Y), jnp.ones(2))


def test_once_differentiable() -> None:
    class Once(Mixed):
        backward = once_differentiable(Mixed.backward)

    loss = lambda a, b: Once.apply(a, 2, b).sum()  # noqa: E731
    same(jax.grad(loss, (0, 1))(X, Y), (Y + 1, X + 2))
    for again in ways(jax.grad(lambda b: jax.grad(loss)(X, b).sum())):
        with pytest.raises(OnceDifferentiableError, match="once_differentiable"):
            again(Y)


def test_function_returns_input() -> None:
    class Doubled(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return 2 * g

    for shape in ((1,), ()):
        for grad in ways(jax.grad(lambda x: Doubled.apply(x).sum())):
            same(grad(jnp.ones(shape)), jnp.full(shape, 2.0))
        copied = jax.grad(lambda x: Doubled.apply(jnp.copy(x)).sum())
        same(copied(jnp.ones(shape)), jnp.full(shape, 2.0))


def test_function_returns_undefined_tensor() -> None:
    """Without a gradient torch leaves None; JAX's gradients are zeros."""

    class Nothing(Function):
        @staticmethod
        def forward(ctx, x):
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return None

    for inner in (lambda x: x, lambda x: x**2):
        for grad in ways(jax.grad(lambda x, f=inner: Nothing.apply(f(x)).sum())):
            same(grad(X), jnp.zeros(2))


def _absent(materialize: bool) -> list:
    """What a backward receives for the one of two outputs that nobody uses."""
    seen = []

    class Pair(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(materialize)
            return x, 2 * x

        @staticmethod
        def backward(ctx, g0, g1):
            seen.append(g1)
            return g0 * 5

    for grad in ways(jax.grad(lambda x: Pair.apply(x)[0].sum())):
        same(grad(X), jnp.full(2, 5.0))
    return seen


def test_materialize_grads() -> None:
    seen = _absent(materialize=True)
    assert len(seen) == 2
    for g in seen:
        assert (g.shape, g.dtype) == ((2,), jnp.float32)


def test_dont_materialize_grads() -> None:
    assert _absent(materialize=False) == [None, None]


def test_set_materialize_non_diff_grads() -> None:
    seen = []

    class Func(Function):
        @staticmethod
        def forward(ctx, x):
            marked = jnp.copy(x)
            ctx.mark_non_differentiable(marked)
            ctx._materialize_non_diff_grads = False
            return jnp.copy(x), marked, 2 * x

        @staticmethod
        def backward(ctx, g0, g1, g2):
            seen.append((g1, g2))
            return g0

    for grad in ways(jax.grad(lambda x: Func.apply(x)[0].sum())):
        same(grad(X), jnp.ones(2))
    for marked, unused in seen:
        assert marked is None
        assert unused.shape == (2,)  # those that have a derivative are zeros still
    assert len(seen) == 2


def test_legacy_function_deprecation_exception() -> None:
    class Legacy(Function):
        def forward(self, x):
            return x

        def backward(self, g):
            return g

    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        legacy = Legacy()
    with pytest.raises(InstanceCallError, match=r"Legacy\.apply"):
        legacy(X)


def test_custom_function_exception() -> None:
    class Simulated(Exception):
        pass

    class Fails(Function):
        @staticmethod
        def forward(ctx, x):
            return jnp.copy(x)

        @staticmethod
        @once_differentiable
        def backward(ctx, g):
            raise Simulated("on the way back")

    for grad in ways(jax.grad(lambda x: Fails.apply((x + x) * x).sum())):
        with pytest.raises(Simulated, match="on the way back"):
            grad(X)


class SevenOutputs(Function):
    """Arrays and other values among the outputs and the arguments."""

    @staticmethod
    def forward(ctx: Context, t1: Array, t2: Array, scale: int, t3: Array) -> tuple:
        ctx.scale = scale
        ctx.save_for_backward(
            *(v if isinstance(v, jax.Array) else None for v in (t1, t2, t3))
        )
        return scale, (t1 + t2 * t3) * scale, None, True, t1 * t2 + t3, "bar", t1

    @staticmethod
    def backward(ctx: Context, *grads: Array | None) -> tuple:
        assert [g is None for g in grads] == [1, 0, 1, 1, 0, 1, 0]
        _, g1, _, _, g4, _, g6 = grads
        t1, t2, t3 = ctx.saved_tensors
        g1 = g1 * ctx.scale
        return g1 + g4 * t2 + g6, g1 * t3 + g4 * t1, None, g1 * t2 + g4


def test_custom_function_non_tensor_inputs_outputs() -> None:
    t3 = jnp.float32([0.25, 2.0])
    out = SevenOutputs.apply(X, Y, 3, t3)
    assert (out[0], out[2], out[3], out[5]) == (3, None, True, "bar")
    same((out[1], out[4], out[6]), ((X + Y * t3) * 3, X * Y + t3, X))

    def loss(t1: Array, t2: Array, t3: Array) -> Array:
        out = SevenOutputs.apply(t1, t2, 3, t3)
        return (out[1] + 10 * out[4] + 100 * out[6]).sum()

    def plain(t1: Array, t2: Array, t3: Array) -> Array:
        return ((t1 + t2 * t3) * 3 + 10 * (t1 * t2 + t3) + 100 * t1).sum()

    want = jax.grad(plain, (0, 1, 2))(X, Y, t3)
    for grad in ways(jax.grad(loss, (0, 1, 2))):
        same(grad(X, Y, t3), want)


def test_custom_function_no_tensors() -> None:
    out = SevenOutputs.apply(0.5, 0.25, 3, 2.0)
    assert out == (3, 3.0, None, True, 2.125, "bar", 0.5)
