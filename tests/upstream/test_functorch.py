"""Transformations of custom Functions, under the names of torch's functorch tests."""

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Context, Function, once_differentiable
from jaxgrad.errors import OnceDifferentiableError
from tests.upstream.helpers import ALL_ASKED, Array, same, ways

X = jnp.float32([0.5, -1.25])
T = jnp.float32([2.0, 3.0])


class NumpyLike(Function):
    """x y, with setup_context; the rules are marked, 10 and 100."""

    @staticmethod
    def forward(x: Array, y: Array) -> Array:
        return x * y

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: Array) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Context, g: Array) -> tuple:
        x, y = ctx.saved_tensors
        return 10 * g * y, 100 * g * x


def test_set_materialize_grads() -> None:
    """None for an unused output, at the first level and at the second."""
    seen = []

    class Pair(Function):
        @staticmethod
        def forward(x, y):
            return x, y

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.set_materialize_grads(False)

        @staticmethod
        def backward(ctx, gx, gy):
            seen.append((gx is None, gy is None))
            return gx, gy

    def f(x: Array, y: Array) -> Array:
        a, _ = Pair.apply(x, y)
        return a**2

    x, y = jnp.float32(1.5), jnp.float32(2.0)
    for grad in ways(jax.grad(f, (0, 1))):
        same(grad(x, y), (3.0, 0.0))
    assert seen == [(False, True)] * 2
    seen.clear()
    for again in ways(jax.grad(lambda x: jax.grad(f)(x, y) ** 2)):
        same(again(x), 8 * x)
    assert seen
    assert {unused for _, unused in seen} == {True}


SAVES = ["input", "output", "neither"]


@pytest.mark.parametrize("dirty", [False, True])
@pytest.mark.parametrize("saves", SAVES)
@pytest.mark.parametrize("saves_for", ["jvp", "vjp"])
def test_function_returns_input(dirty: bool, saves: str, saves_for: str) -> None:
    """As torch, but for an input that is returned and saved, which is right here."""

    class AsIs(Function):
        @staticmethod
        def forward(x):
            return x

        @staticmethod
        def setup_context(ctx, inputs, output):
            if dirty:
                ctx.mark_dirty(inputs[0])
            kept = {"input": inputs[0], "output": output}.get(saves)
            save = {"jvp": ctx.save_for_forward, "vjp": ctx.save_for_backward}
            save[saves_for](*() if kept is None else (kept,))

        @staticmethod
        def backward(ctx, g):
            for kept in ctx.saved_tensors:
                assert kept.shape == g.shape
            return 10 * g

        @staticmethod
        def jvp(ctx, t):
            return 100 * t

    f = AsIs.apply
    same(f(X), X)
    for grad in ways(jax.grad(lambda x: f(x * 1.0).sum())):
        same(grad(X), jnp.full(2, 10.0))
    for push in ways(lambda x, t: jax.jvp(f, (x,), (t,))[1]):
        same(push(X, T), 100 * T)
    twice = jax.grad(lambda x: (jax.grad(lambda v: (f(v) ** 2).sum())(x)).sum())
    same(twice(X), jnp.full(2, 200.0))  # 20 f(x), and then the rule's 10


def test_needs_input_grads() -> None:
    """The flags are those of what is differentiated, level by level."""
    flags = []

    class Multiplies(NumpyLike):
        @staticmethod
        def backward(ctx, g):
            flags.append(ctx.needs_input_grad)
            return NumpyLike.backward(ctx, g)

    x, y = jnp.float32(1.5), jnp.float32(2.0)
    combinations = {0: (True, False), 1: (False, True), (0, 1): (True, True)}
    for argnums, want in combinations.items():
        jax.grad(Multiplies.apply, argnums)(x, y)
        assert flags == [(True, True) if ALL_ASKED else want]
        flags.clear()
    both = jax.grad(lambda x: jax.grad(Multiplies.apply)(x, y) + x)
    same(both(x), 1.0)
    assert (True, ALL_ASKED) in flags


class Once(Function):
    """x**2, to be differentiated once; the rule is marked, 20 x."""

    @staticmethod
    def forward(x: Array) -> Array:
        return x**2

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: Array) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, g: Array) -> Array:
        (x,) = ctx.saved_tensors
        return 20 * g * x


def test_once_differentiable_autograd_vjp() -> None:
    y, pull = jax.vjp(Once.apply, X)
    same(y, X**2)
    same(pull(jnp.ones(2)), (20 * X,))

    def through(x: Array) -> Array:
        return jax.vjp(Once.apply, x)[1](jnp.ones(2))[0].sum()

    for again in ways(jax.grad(through)):
        with pytest.raises(OnceDifferentiableError, match="Once"):
            again(X)


def test_once_differentiable_grad_vjp() -> None:
    """torch gives silent zeros here, and expects its own test to fail."""
    x = jnp.float32(1.5)
    for order in (
        lambda f: jax.grad(jax.grad(f)),
        lambda f: jax.jacrev(jax.grad(f)),
        lambda f: lambda x: jax.vjp(jax.grad(f), x)[1](x),
        lambda f: lambda x: jax.vmap(jax.grad(jax.grad(f)))(x[None]),
    ):
        for run in ways(order(Once.apply)):
            with pytest.raises(OnceDifferentiableError, match="once_differentiable"):
                run(x)


def test_grad_fn_name() -> None:
    """The name is the same under every transformation."""
    names = []

    class MyFn(NumpyLike):
        @staticmethod
        def backward(ctx, g):
            names.append(ctx.name())
            return NumpyLike.backward(ctx, g)

    grad = jax.grad(lambda x: MyFn.apply(x, x).sum())
    grad(X)
    jax.jit(grad)(X)
    jax.vmap(grad)(X[:, None])
    jax.grad(lambda x: grad(x).sum())(X)
    assert set(names) == {"MyFnBackward"}


def test_autograd_function_disables_fwd_grad() -> None:
    """Inside forward nothing is being differentiated."""

    class Square(Function):
        @staticmethod
        def forward(x):
            # A derivative by the x outside would count x * x twice here.
            slope = jax.jvp(lambda v: v * v, (x,), (jnp.ones_like(x),))[1]
            return slope * x / 2

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_forward(*inputs)

        @staticmethod
        def jvp(ctx, t):
            (x,) = ctx.saved_tensors
            return 20 * x * t

    for push in ways(lambda x, t: jax.jvp(Square.apply, (x,), (t,))):
        same(push(X, T), (X * X, 20 * X * T))


def test_jvp_inside_autograd_function() -> None:
    """A derivative inside forward is a value, whose own derivative is the rule's."""

    class DoubleJvp(Function):
        @staticmethod
        def forward(ctx, x):
            t = jnp.ones_like(x)
            _, first = jax.jvp(lambda v: jax.jvp(jnp.sin, (v,), (t,))[1], (x,), (t,))
            ctx.save_for_backward(x)
            return first  # -sin

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return -10 * g * jnp.cos(x)  # marked

    for run in ways(DoubleJvp.apply):
        same(run(X), -jnp.sin(X))
    for grad in ways(jax.grad(lambda x: DoubleJvp.apply(x).sum())):
        same(grad(X), -10 * jnp.cos(X))


def test_reductify_leaf() -> None:
    """The gradient of an argument that has no batch is summed over the batch."""
    batch = jnp.float32([[1, 2], [3, 4], [5, 6]])
    f = jax.vmap(NumpyLike.apply, (0, None))
    for grad in ways(jax.grad(lambda x, y: f(x, y).sum(), (0, 1))):
        same(grad(batch, X), (jnp.broadcast_to(10 * X, (3, 2)), 100 * batch.sum(0)))

    class TooLarge(NumpyLike):
        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return jnp.stack([g * y] * 4), 100 * g * x

    f2 = jax.vmap(TooLarge.apply, (0, None))
    for grad in ways(jax.grad(lambda x, y: f2(x, y).sum(), (0, 1))):
        same(grad(batch, X), (jnp.broadcast_to(4 * X, (3, 2)), 100 * batch.sum(0)))


TRANSFORMS = {
    "grad": lambda f: jax.grad(lambda x: f(x).sum()),
    "vjp": lambda f: lambda x: jax.vjp(f, x)[1](T)[0],
    "jacrev": lambda f: lambda x: jnp.diagonal(jax.jacrev(f)(x)),
    "vmap": lambda f: jax.vmap(jax.grad(f)),
    "grad of vmap": lambda f: jax.grad(lambda x: jax.vmap(f)(x).sum()),
    "grad of jit": lambda f: jax.grad(lambda x: jax.jit(f)(x).sum()),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_autograd_function_no_setup_context(name: str) -> None:
    """forward with ctx works under all of them; torch wants setup_context."""

    class Combined(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 100 * g * x**2

    want = 100 * X**2 * (T if name == "vjp" else 1)
    for run in ways(TRANSFORMS[name](Combined.apply)):
        same(run(X), want)
