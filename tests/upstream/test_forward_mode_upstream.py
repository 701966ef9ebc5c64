"""The `jvp` staticmethod, under the names that its tests have in torch."""

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Function, gradcheck
from jaxgrad.errors import ContextError, GradcheckError, TangentError
from tests.upstream.helpers import same, ways

X = jnp.float32([0.5, -1.25])
T = jnp.float32([2.0, 3.0])


def test_custom_function_forward_mode_view_checks() -> None:
    """torch wants a view of the tangent; an array may be returned as it is."""

    class AsIs(Function):
        @staticmethod
        def forward(ctx, x):
            return x, x[:1]

        @staticmethod
        def backward(ctx, g0, g1):
            return g0

        @staticmethod
        def jvp(ctx, t):
            return t, 10 * t[:1]

    for push in ways(lambda x, t: jax.jvp(AsIs.apply, (x,), (t,))):
        same(push(X, T), ((X, X[:1]), (T, 10 * T[:1])))


def test_custom_function_forward_mode_inplace_checks() -> None:
    """torch wants the tangent to be changed in place; here a new one is returned."""

    class Doubles(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            return 2 * g

        @staticmethod
        def jvp(ctx, t):
            return 20 * t  # marked

    for push in ways(lambda x, t: jax.jvp(Doubles.apply, (x,), (t,))):
        same(push(X, T), (2 * X, 20 * T))


def test_custom_function_forward_mode_wrong_formula() -> None:
    class UserFn(Function):
        wrong = True

        @staticmethod
        def forward(ctx, foo):
            return foo * 2

        @staticmethod
        def backward(ctx, g):
            return 2 * g

        @classmethod
        def jvp(cls, ctx, t):
            return t * (1.5 if cls.wrong else 2)

    with jax.enable_x64(True):
        x = jnp.float64([0.5, -1.25])
        with pytest.raises(GradcheckError, match="forward"):
            gradcheck(UserFn.apply, (x,), check_forward_ad=True)
        assert gradcheck(UserFn.apply, (x,))  # reverse mode alone is right
        UserFn.wrong = False
        assert gradcheck(UserFn.apply, (x,), check_forward_ad=True)

    class WrongShape(UserFn):
        @classmethod
        def jvp(cls, ctx, t):
            return t[:1]

    with pytest.raises(TangentError, match=r"f32\[1\]"):
        jax.jvp(WrongShape.apply, (X,), (T,))


def test_custom_function_forward_mode_non_tensor_before_tensor_args() -> None:
    class Power(Function):
        @staticmethod
        def forward(ctx, label, x, n, y):
            ctx.n = n
            ctx.save_for_forward(x)
            return x**n + y

        @staticmethod
        def jvp(ctx, label_t, x_t, n_t, y_t):
            assert label_t is None
            assert n_t is None
            (x,) = ctx.saved_tensors
            return 10 * ctx.n * x ** (ctx.n - 1) * x_t + 100 * y_t

    def push(x, y, t):
        return jax.jvp(lambda x, y: Power.apply("label", x, 3, y), (x, y), (t, 2 * t))

    for run in ways(push):
        same(run(X, X, T), (X**3 + X, 30 * X**2 * T + 200 * T))
    only_y = lambda t: jax.jvp(lambda y: Power.apply("l", X, 3, y), (X,), (t,))[1]  # noqa: E731
    same(only_y(T), 100 * T)


def test_custom_function_forward_mode_forward_is_no_op() -> None:
    """forward may do nothing at all; the rules are the class's all the same."""
    steps = {
        "as is": lambda x: x,
        "reshaped": lambda x: x.reshape(x.shape),
        "sliced": lambda x: x[:],
        "copied": jnp.copy,
    }
    for name, step in steps.items():

        class Nothing(Function):
            forward = staticmethod(lambda ctx, x, step=step: step(x))
            backward = staticmethod(lambda ctx, g: (10 * g, None))
            jvp = staticmethod(lambda ctx, t, _: 100 * t)

        f = Nothing.apply
        for push in ways(lambda x, t, f=f: jax.jvp(f, (x,), (t,))[1]):
            same(push(X, T), 100 * T)
        for grad in ways(jax.grad(lambda x, f=f: f(x).sum())):
            same(grad(X), jnp.full(2, 10.0))
        assert name


def test_custom_function_forward_mode_non_differentiable() -> None:
    class Flags(Function):
        @staticmethod
        def forward(ctx, x, k):
            positive = x > 0
            rounded = jnp.round(x)
            ctx.mark_non_differentiable(positive, rounded)
            return x * k, positive, rounded

        @staticmethod
        def jvp(ctx, x_t, k_t):
            assert k_t is None  # an array of integers has no tangent
            return 10 * x_t, None, None

    k = jnp.int32([2, 3])
    out, tangents = jax.jvp(lambda x: Flags.apply(x, k), (X,), (T,))
    same(out[0], X * k)
    same((tangents[0], tangents[2]), (10 * T, jnp.zeros(2)))
    assert tangents[1].dtype == jax.dtypes.float0

    class Says(Flags):
        @staticmethod
        def jvp(ctx, x_t, k_t):
            return 10 * x_t, None, x_t

    with pytest.raises(TangentError, match="2"):
        jax.jvp(lambda x: Says.apply(x, k), (X,), (T,))


def test_custom_function_save_for_forward() -> None:
    class Product(Function):
        @staticmethod
        def forward(ctx, x, y, k):
            ctx.save_for_backward(x, y)
            ctx.save_for_forward(x, y, x + y)
            ctx.k = k
            return x * y * k

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return 10 * g * y * ctx.k, 10 * g * x * ctx.k, None

        @staticmethod
        def jvp(ctx, x_t, y_t, _):
            x, y, total = ctx.saved_tensors
            return 100 * ctx.k * (x_t * y + y_t * x) + 0 * total

    f = lambda x, y: Product.apply(x, y, 2.0)  # noqa: E731
    for push in ways(lambda x, y, t: jax.jvp(f, (x, y), (t, t))):
        same(push(X, T, T), (2 * X * T, 200 * (T * T + T * X)))
    for grad in ways(jax.grad(lambda x, y: f(x, y).sum(), (0, 1))):
        same(grad(X, T), (20 * T, 20 * X))

    class Forgets(Product):
        @staticmethod
        def forward(ctx, x, y, k):
            ctx.save_for_backward(x, y)
            return x * y

    with pytest.raises(ContextError, match="save_for_forward"):
        jax.jvp(lambda x: Forgets.apply(x, X, 2.0), (X,), (T,))


def test_custom_function_mark_dirty_not_differentiable() -> None:
    """A dirty argument without a derivative: its new value has none either."""

    class Counts(Function):
        @staticmethod
        def forward(ctx, x, count):
            new = count + 1
            ctx.mark_dirty(count)
            ctx.mark_non_differentiable(new)
            return x * 2, new

        @staticmethod
        def backward(ctx, g, _):
            return 20 * g, None

        @staticmethod
        def jvp(ctx, x_t, _):
            return 200 * x_t, None

    for count in (jnp.int32(4), jnp.float32(4)):
        f = lambda x, c=count: Counts.apply(x, c)  # noqa: E731
        same(f(X)[1], 5)
        for grad in ways(jax.grad(lambda x, f=f: f(x)[0].sum())):
            same(grad(X), jnp.full(2, 20.0))
        for push in ways(lambda x, t, f=f: jax.jvp(lambda x: f(x)[0], (x,), (t,))[1]):
            same(push(X, T), 200 * T)
