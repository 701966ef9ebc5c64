"""Dirty arguments, and slices in the place of views, under their names in torch.

Arrays are immutable. A slice is a value of its own; what torch writes in place is a new
value that is returned; a `jax.Ref` is really written.
"""

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Context, Function
from jaxgrad.errors import ContextError, DirtyError
from tests.upstream.helpers import Array, same, scaled, ways

X = jnp.float32([0.5, -1.25, 2.0])


def test_autograd_simple_views_python() -> None:
    """A slice that a Function returns keeps its rule whatever becomes of it later."""

    class First(Function):
        pure = None

        @classmethod
        def forward(cls, ctx, x):
            if cls.pure is not None:
                ctx._is_pure_view = cls.pure
            ctx.shape = x.shape
            return x[:2]

        @staticmethod
        def backward(ctx, g):
            return jnp.zeros(ctx.shape, g.dtype).at[:2].set(10 * g)  # marked

    def loss(x: Array) -> Array:
        y = First.apply(x)
        y = y.at[0].multiply(3.0)  # torch: y[0] *= 3, an error or a replayed view
        return (y * x[1:]).sum()

    y = jnp.float32([3 * X[0], X[1]])
    want = jnp.float32([30 * X[1], 10 * X[2], 0]) + jnp.pad(y, (1, 0))
    for pure in (None, False, True):  # accepted, and without a meaning
        First.pure = pure
        same(First.apply(X), X[:2])
        for grad in ways(jax.grad(loss)):
            same(grad(X), want)
    First.pure = "yes"
    with pytest.raises(ContextError, match="_is_pure_view"):
        First.apply(X)
    z = (X + 1j).astype(jnp.complex64)
    First.pure = None
    got = jax.grad(lambda z: (First.apply(z) * (1 + 2j)).sum().real)(z)
    same(got, jnp.complex64([10 + 20j, 10 + 20j, 0]))


def test_autograd_multiple_views_python() -> None:
    class Halves(Function):
        @staticmethod
        def forward(ctx, x):
            return x[:1], x[1:]

        @staticmethod
        def backward(ctx, g0, g1):
            return jnp.concatenate([10 * g0, 100 * g1])

    def loss(x: Array) -> Array:
        a, b = Halves.apply(x)
        a, b = a.at[0].add(1.0), b.at[1].set(0.0)
        return (a**2).sum() + b.sum()

    for grad in ways(jax.grad(loss)):
        same(grad(X), jnp.float32([20 * (X[0] + 1), 100, 0]))


def test_inplace_not_requires_grad() -> None:
    """The dirty argument needs no derivative, and the other one keeps its own."""

    class AddInto(Function):
        @staticmethod
        def forward(ctx, base, x):
            ctx.mark_dirty(base)
            return base + x

        @staticmethod
        def backward(ctx, g):
            return g, 10 * g

    base = jnp.zeros(3)
    same(AddInto.apply(base, X), X)
    same(base, jnp.zeros(3))
    for grad in ways(jax.grad(lambda x: AddInto.apply(base, x).sum())):
        same(grad(X), jnp.full(3, 10.0))
    for grad in ways(jax.grad(lambda b: AddInto.apply(b, X).sum())):
        same(grad(base), jnp.ones(3))


class Double(Function):
    """2 x, into a dirty argument; the rule is marked."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.mark_dirty(x)
        return 2 * x

    @staticmethod
    def backward(ctx: Context, g: Array) -> Array:
        return 20 * g


def test_autograd_python_custom_function_inplace() -> None:
    for grad in ways(jax.grad(lambda x: Double.apply(x).sum())):
        same(grad(X), jnp.full(3, 20.0))
    for grad in ways(jax.grad(lambda x: Double.apply(Double.apply(x)).sum())):
        same(grad(X), jnp.full(3, 400.0))

    class Other(Double):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return x.sum()

    with pytest.raises(DirtyError, match="'x'"):
        Other.apply(X)

    class WithExtra(Double):
        @staticmethod
        def forward(ctx, x, y):
            ctx.mark_dirty(x, y)
            return x + y, y + 3

        @staticmethod
        def backward(ctx, g0, g1):
            return 10 * g0, 100 * g0 + 1000 * g1

    loss = lambda x, y: sum(v.sum() for v in WithExtra.apply(x, y))  # noqa: E731
    for grad in ways(jax.grad(loss, (0, 1))):
        same(grad(X, X), (jnp.full(3, 10.0), jnp.full(3, 1100.0)))

    class Written(Double):
        """The same in place for real."""

        @staticmethod
        def forward(ctx, x, ref):
            ctx.mark_dirty(ref)
            ref[...] = ref[...] + 2 * x
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return 20 * g, None

    def run(x: Array) -> tuple[Array, Array]:
        ref = jax.new_ref(jnp.ones(3))
        slope = jax.grad(lambda x: Written.apply(x, ref).sum())(x)
        Written.apply(x, ref)
        return slope, ref[...]

    for both in ways(run):
        same(both(X), (jnp.full(3, 20.0), 1 + 4 * X))


def test_custom_function_local_inplace() -> None:
    """What forward updates of its own is nobody's argument, and needs no mark."""

    class Local(Function):
        mark = False

        @classmethod
        def forward(cls, ctx, x):
            view = x.copy()[:2]
            new = view.at[0].multiply(2.0)
            if cls.mark:
                ctx.mark_dirty(view)
            return new

        @staticmethod
        def backward(ctx, g):
            return jnp.pad(10 * g, (0, 1))

    same(Local.apply(X), jnp.float32([1.0, -1.25]))
    for grad in ways(jax.grad(lambda x: Local.apply(x).sum())):
        same(grad(X), jnp.float32([10, 10, 0]))
    Local.mark = True
    with pytest.raises(DirtyError, match="not an argument"):
        Local.apply(X)


def test_custom_function_return_view_in_nograd() -> None:
    """A part, or all, of an argument may be returned outside differentiation."""

    class Alias(Function):
        @staticmethod
        def forward(ctx, x):
            return x[:]

        @staticmethod
        def backward(ctx, g):
            return 10 * g

    stopped = jax.lax.stop_gradient
    for f in (Alias.apply, scaled(10.0).apply):
        for run in ways(f):
            same(run(X), X)
        loss = lambda x, f=f: (stopped(f(x)) * f(x)).sum()  # noqa: E731
        for grad in ways(jax.grad(loss)):
            same(grad(X), 10 * X)


def test_custom_function_mark_output_view_of_intermediate() -> None:
    """What forward makes itself can't be dirty, whole or in part; all else may be."""

    class Marks(Function):
        kind = ""

        @classmethod
        def forward(cls, ctx, x):
            inner = 2 * x
            part = inner[:2]
            if cls.kind == "dirty":
                ctx.mark_dirty(part)
            if cls.kind == "non-differentiable":
                ctx.mark_non_differentiable(part)
            return part, inner

        @staticmethod
        def backward(ctx, g_part, g_inner):
            return jnp.pad(10 * g_part, (0, 1)) + 100 * g_inner

    loss = lambda x: sum(v.sum() for v in Marks.apply(x))  # noqa: E731
    for grad in ways(jax.grad(loss)):
        same(grad(X), jnp.float32([110, 110, 100]))
    Marks.kind = "non-differentiable"
    for grad in ways(jax.grad(loss)):
        same(grad(X), jnp.float32([100, 100, 100]))
    Marks.kind = "dirty"
    for run in (Marks.apply, jax.jit(Marks.apply), jax.grad(loss)):
        with pytest.raises(DirtyError, match="not an argument"):
            run(X)


def test_inplace_on_view_python() -> None:
    """A Function on a part, written back into the whole."""

    def into(x: Array, index: object) -> Array:
        return x.at[index].set(Double.apply(x[index]))

    for index, slopes in ((0, [20, 1, 1]), (slice(1, 3), [1, 20, 20])):
        for run in ways(lambda x, i=index: into(x, i)):
            same(run(X), X * jnp.where(jnp.float32(slopes) > 1, 2, 1))
        for grad in ways(jax.grad(lambda x, i=index: into(x, i).sum())):
            same(grad(X), jnp.float32(slopes))
    twice = lambda x: into(into(x, 0), slice(0, 2)).sum()  # noqa: E731
    for grad in ways(jax.grad(twice)):
        same(grad(X), jnp.float32([400, 20, 1]))


def test_inplace_on_view_undefined_grad_output() -> None:
    """Where a part is overwritten, its cotangent is zeros, or None if not wanted."""
    seen = []

    class Pair(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            ctx.mark_dirty(x)
            return 2 * x, 3 * x

        @staticmethod
        def backward(ctx, g0, g1):
            seen.append((g0 is None, g1 is None))
            return 10 * g0 if g0 is not None else None

    def loss(x: Array) -> Array:
        double, triple = Pair.apply(x[1:])
        whole = x.at[1:].set(double)
        return whole.sum() + jax.lax.stop_gradient(triple).sum()

    for grad in ways(jax.grad(loss)):
        same(grad(X), jnp.float32([1, 10, 10]))
    assert seen == [(False, True)] * 2
    dropped = lambda x: x.at[1:].set(Pair.apply(x[1:])[1]).sum()  # noqa: E731
    for grad in ways(jax.grad(dropped)):
        same(grad(X), jnp.float32([1, 0, 0]))
    assert seen[2:] == [(True, False)] * 2
