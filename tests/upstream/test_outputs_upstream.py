"""Marked, repeated and unused outputs, under the names that the tests have in torch."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import Function, gradcheck, gradgradcheck
from tests.upstream.helpers import same, scaled, ways

X = jnp.float32([0.5, -1.25])


def test_mark_non_differentiable() -> None:
    class Positive(Function):
        @staticmethod
        def forward(ctx, x):
            output = x > 0
            ctx.mark_non_differentiable(output)
            return output

        @staticmethod
        def backward(ctx, g):
            assert g.dtype == bool
            return g * 0

    assert Positive.apply(X).dtype == bool
    loss = lambda x: jnp.where(Positive.apply(x), 3 * x, x).sum()  # noqa: E731
    for grad in ways(jax.grad(loss)):
        same(grad(X), jnp.float32([3, 1]))


def _mixed(*, both: bool) -> type[Function]:
    class Mixed(Function):
        @staticmethod
        def forward(ctx, x):
            a, b = x + 1, x + 2
            ctx.mark_non_differentiable(*((a, b) if both else (a,)))
            return a, b

        @staticmethod
        def backward(ctx, ga, gb):
            np.testing.assert_array_equal(ga, np.zeros(2))
            return 10 * gb

    return Mixed


def test_mark_non_differentiable_mixed() -> None:
    with jax.disable_jit():  # so that backward can look at values
        for slot, want in ((0, 0.0), (1, 10.0)):
            loss = lambda x, i=slot: _mixed(both=False).apply(x)[i].sum()  # noqa: E731
            same(jax.grad(loss)(X), jnp.full(2, want))
        loss = lambda x: sum(v.sum() for v in _mixed(both=True).apply(x))  # noqa: E731
        same(jax.grad(loss)(X), jnp.zeros(2))


def test_mark_non_differentiable_none() -> None:
    """The rule of an earlier Function may get nothing from a later one."""

    class NoGradient(Function):
        @staticmethod
        def forward(ctx, x):
            y = 2 * x
            ctx.mark_non_differentiable(y)
            return y

        @staticmethod
        def backward(ctx, g):
            return None

    loss = lambda x: NoGradient.apply(scaled(3.0).apply(x) * x).sum()  # noqa: E731
    for grad in ways(jax.grad(loss)):
        same(grad(X), jnp.zeros(2))


class Duplicate(Function):
    """2 x twice: one array in two slots, each with its own cotangent."""

    @staticmethod
    def forward(ctx, x):
        y = 2 * x
        return y, y

    @staticmethod
    def backward(ctx, g0, g1):
        return 2 * (g0 + g1)


def test_return_duplicate() -> None:
    """torch gives all of the gradient to the last slot; here each slot has its own."""
    with jax.enable_x64(True):
        x = jnp.float64([0.5, -1.25])
        assert gradcheck(Duplicate.apply, (x,))
        assert gradgradcheck(Duplicate.apply, (x,))
    seen = []

    class Looks(Duplicate):
        @staticmethod
        def backward(ctx, g0, g1):
            seen.append((g0, g1))
            return 10 * g0 + 100 * g1

    loss = lambda x: (Looks.apply(x)[0] + 3 * Looks.apply(x)[1]).sum()  # noqa: E731
    for grad in ways(jax.grad(loss)):
        same(grad(X), jnp.full(2, 310.0))
    assert seen


def test_return_duplicate_inplace() -> None:
    class Dirty(Duplicate):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            y = 2 * x  # the new value of x
            return y, y

    with jax.enable_x64(True):
        x = jnp.float64([0.5, -1.25])
        assert gradcheck(Dirty.apply, (x,))
        assert gradgradcheck(Dirty.apply, (x,))
        same(Dirty.apply(x), (2 * x, 2 * x))
        same(x, jnp.float64([0.5, -1.25]))  # nothing was written


def test_return_leaf() -> None:
    """An argument that is returned has, as an output, a gradient of its own."""

    class Returns(Function):
        @staticmethod
        def forward(ctx, a, b):
            return a, a + b

        @staticmethod
        def backward(ctx, g_leaf, g_sum):
            return 10 * g_leaf + 100 * g_sum, 1000 * g_sum

    def loss(a, b, tap):
        leaf, total = Returns.apply(a, b)
        return ((leaf + tap) * 2 + total).sum()

    for grad in ways(jax.grad(loss, (0, 1, 2))):
        want = jnp.full(2, 120.0), jnp.full(2, 1000.0), jnp.full(2, 2.0)
        same(grad(X, X, jnp.zeros(2)), want)


def test_return_leaf_inplace() -> None:
    class Returns(Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.mark_dirty(a)
            return a + b, b + 3

        @staticmethod
        def backward(ctx, ga, gb):
            return 10 * ga, 100 * ga + 1000 * gb

    new, shifted = Returns.apply(X, X)
    same((new, shifted), (2 * X, X + 3))
    loss = lambda a, b: sum(v.sum() for v in Returns.apply(a, b))  # noqa: E731
    for grad in ways(jax.grad(loss, (0, 1))):
        same(grad(X, X), (jnp.full(2, 10.0), jnp.full(2, 1100.0)))


def test_dep_nograd() -> None:
    """An output without a derivative may be the argument of another Function."""

    class Indices(Function):
        @staticmethod
        def forward(ctx, x):
            values = jnp.copy(x)
            order = jnp.argsort(x)
            ctx.mark_non_differentiable(order)
            return values, order

        @staticmethod
        def backward(ctx, g, _):
            return 10 * g

    class Picks(Function):
        @staticmethod
        def forward(ctx, x, order):
            ctx.save_for_backward(order)
            return x[order]

        @staticmethod
        def backward(ctx, g):
            (order,) = ctx.saved_tensors
            return jnp.zeros_like(g).at[order].set(g), None

    def loss(x):
        return (Picks.apply(*Indices.apply(x)) * jnp.float32([1, 2])).sum()

    for grad in ways(jax.grad(loss)):
        same(grad(X), 10 * jnp.float32([2, 1]))


def test_save_output_nr() -> None:
    """A saved output keeps its place: its derivative is that of its own slot."""

    class Three(Function):
        @staticmethod
        def forward(ctx, x):
            outs = x, x**2, x**3
            ctx.save_for_backward(outs[1])
            return outs

        @staticmethod
        def backward(ctx, g0, g1, g2):
            (square,) = ctx.saved_tensors
            return g0 + 10 * g1 + g2 * square

    x = jnp.float32(0.7)
    second = jax.grad(jax.grad(lambda x: Three.apply(x)[2]))
    for run in ways(second):
        same(run(x), 10.0)  # the derivative of the square is 10, as the rule says


def test_hook_none() -> None:
    """A gradient that a rule leaves out is None for its hooks, and zeros outside."""
    seen = []

    class Half(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.register_hook(lambda grads, outs: seen.append(grads))
            return x + y

        @staticmethod
        def backward(ctx, g):
            return 5 * g, None

    loss = lambda x, y: Half.apply(x, y).sum()  # noqa: E731
    for grad in ways(jax.grad(loss, (0, 1))):
        same(grad(X, X), (jnp.full(2, 5.0), jnp.zeros(2)))
    assert len(seen) == 2
    for gx, gy in seen:
        assert gx.shape == (2,)
        assert gy is None


def test_unused_output_device() -> None:
    """The zeros of an output that nobody uses lie where the output lies."""
    device = jax.devices()[-1]
    seen = []

    class Pair(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g0, g1):
            seen.append((g1.shape, g1.dtype))
            (x,) = ctx.saved_tensors
            return g0 * x + g1

    x = jax.device_put(X, device)
    for grad in ways(jax.grad(lambda x: Pair.apply(x)[0].sum())):
        got = grad(x)
        same(got, X)
        assert got.devices() == {device}
    assert seen == [((2,), jnp.float32)] * 2
