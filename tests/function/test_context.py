"""What `ctx` carries from forward to backward, each application its own."""

import threading
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from tests.function.functions import dual

X = jnp.float32(3.0)

# Each gives the gradient of a scalar function at X, by another way.
WAYS: dict[str, Callable[[Callable], Any]] = {
    "grad": lambda f: jax.grad(f)(X),
    "jit-grad": lambda f: jax.jit(jax.grad(f))(X),
    "grad-jit": lambda f: jax.grad(jax.jit(f))(X),
    "vmap-grad": lambda f: jax.vmap(jax.grad(f))(X[None])[0],
    "grad-vmap": lambda f: jax.grad(lambda x: jax.vmap(f)(x[None])[0])(X),
    "scan": lambda f: jax.grad(
        lambda x: jax.lax.scan(lambda c, _: (c + f(x), None), 0.0, None, length=1)[0]
    )(X),
    "cond": lambda f: jax.grad(lambda x: jax.lax.cond(x > 0, f, lambda x: x, x))(X),
    "checkpoint": lambda f: jax.grad(jax.checkpoint(f))(X),
}
ways = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


class Saves(Function):
    @staticmethod
    def forward(ctx, x, scale):
        y = jnp.exp(x)
        ctx.save_for_backward(x, None, y, jnp.cos(x), jnp.arange(2))
        return y * scale

    @staticmethod
    def backward(ctx, g, *rest):
        x, none, y, c, i = ctx.saved_tensors
        assert type(ctx.saved_tensors) is tuple
        assert none is None
        assert i.dtype == jnp.arange(2).dtype
        return g * (x + y + c) * i[1].astype(x.dtype), None


@ways
def test_saved_tensors_come_back_in_order_with_none_entries(way: Callable) -> None:
    want = 3 + np.exp(3.0) + np.cos(3.0)
    np.testing.assert_allclose(way(lambda x: Saves.apply(x, 2)), want, rtol=1e-5)


def test_the_last_save_wins() -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, x)
            ctx.save_for_backward(2 * x)
            return x

        @staticmethod
        def backward(ctx, g):
            (doubled,) = ctx.saved_tensors
            return doubled * g

    assert jax.grad(F.apply)(X) == 6.0


def test_saving_nothing_gives_an_empty_tuple() -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            assert ctx.saved_tensors == ()
            return 7 * g

    assert jax.grad(F.apply)(X) == 7.0


class Attributes(Function):
    """Arrays, containers of them, and static values, on attributes."""

    @staticmethod
    def forward(ctx, x, mode):
        ctx.cos = jnp.cos(x)
        ctx.params = {"x": x, "n": 3, "deep": [jnp.exp(x), (None, "s")]}
        ctx.mode = mode
        ctx.f = lambda v: 2 * v
        ctx.shape = x.shape
        ctx.count = 1
        ctx.count += 1
        return jnp.exp(x)

    @staticmethod
    def backward(ctx, g):
        assert ctx.params["n"] == 3
        assert ctx.params["deep"][1] == (None, "s")
        assert (ctx.mode, ctx.count, ctx.shape) == ("m", 2, ())
        assert not hasattr(ctx, "never_set")
        return g * (ctx.cos + ctx.f(ctx.params["x"]) + ctx.params["deep"][0]), None


@ways
def test_attributes_carry_arrays_containers_and_static_values(way: Callable) -> None:
    want = np.cos(3.0) + 6 + np.exp(3.0)
    grad = way(lambda x: Attributes.apply(x, "m"))
    np.testing.assert_allclose(grad, want, rtol=1e-5)


class Twice(Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.scale = scale
        ctx.x = x
        return x * scale

    @staticmethod
    def backward(ctx, g):
        return 10 * ctx.scale * ctx.x * g, None


@ways
def test_each_application_has_its_own_context(way: Callable) -> None:
    sums = lambda x: Twice.apply(x, 2) + Twice.apply(x + 1, 5)  # noqa: E731
    assert way(sums) == 20 * 3 + 50 * 4
    nested = lambda x: Twice.apply(Twice.apply(x, 2), 5)  # noqa: E731
    assert way(nested) == (50 * 6) * (20 * 3)


def test_threads_do_not_share_a_context() -> None:
    results: dict[int, float] = {}

    def work(scale: int) -> None:
        for _ in range(5):
            results[scale] = float(jax.grad(Twice.apply)(X, scale))

    threads = [threading.Thread(target=work, args=(i,)) for i in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {i: 30.0 * i for i in range(1, 9)}


def test_a_vjp_can_be_called_again() -> None:
    _, pull = jax.vjp(lambda x: Attributes.apply(x, "m"), X)
    assert pull(X) == pull(X)


class TwoOutputs(Function):
    """Notes in backward which cotangents are None."""

    materialize: bool
    seen: list

    @classmethod
    def forward(cls, ctx, x):
        ctx.set_materialize_grads(cls.materialize)
        return 2 * x, 3 * x, jnp.argmin(x)

    @classmethod
    def backward(cls, ctx, a, b, i):
        cls.seen.append((a is None, b is None, i is None))
        zero = lambda g, t: 0 if g is None else t * g  # noqa: E731
        return zero(a, 10) + zero(b, 100)


def two_outputs(materialize: bool, lower: str) -> type[TwoOutputs]:
    cls = type("F", (TwoOutputs,), {"materialize": materialize, "seen": []})
    return dual(cls) if lower == "dual" else cls


@pytest.mark.parametrize("lower", ["reverse", "dual"])
@ways
def test_absent_cotangents_are_none_when_not_materialized(
    way: Callable, lower: str
) -> None:
    cls = two_outputs(False, lower)
    assert way(lambda x: cls.apply(x)[0]) == 10.0
    # The linearity check of a dual rule may ask with every cotangent in place.
    assert (False, True, True) in cls.seen
    if lower == "reverse":
        assert set(cls.seen) == {(False, True, True)}
    assert way(lambda x: sum(cls.apply(x)[:2])) == 110.0


@pytest.mark.parametrize("lower", ["reverse", "dual"])
@ways
def test_absent_cotangents_are_zeros_by_default(way: Callable, lower: str) -> None:
    cls = two_outputs(True, lower)
    assert way(lambda x: cls.apply(x)[1]) == 100.0
    assert set(cls.seen) == {(False, False, False)}


class Marks(Function):
    """Marks outputs as not differentiable; the rule notes what arrives for them."""

    seen: list
    mark: Callable = staticmethod(lambda ctx, x, y, z: ctx.mark_non_differentiable(z))

    @classmethod
    def forward(cls, ctx, x):
        y, z = 2 * x, x.astype(jnp.bfloat16)
        cls.mark(ctx, x, y, z)
        return y, z, x.astype(jnp.int32)

    @classmethod
    def backward(cls, ctx, *grads):
        cls.seen.append([(g.shape, g.dtype.name) for g in grads])
        g, h, i = (g.astype(jnp.float32) for g in grads)
        return 7 * g + 100 * h + i


def marks(**attributes: Any) -> type[Marks]:
    return type("F", (Marks,), {"seen": [], **attributes})


@ways
def test_a_marked_output_has_no_gradient(way: Callable) -> None:
    cls = marks()

    def f(x):
        y, z, i = cls.apply(x)
        return y + 3 * z.astype(x.dtype) + i.astype(x.dtype)

    assert way(f) == 7.0
    shapes = {dtype: shape for shape, dtype in cls.seen[0]}
    assert list(shapes) == ["float32", "bfloat16", "int32"]
    assert all(entry == cls.seen[0] for entry in cls.seen)


def test_marking_twice_keeps_the_last() -> None:
    def mark(ctx, x, y, z):
        ctx.mark_non_differentiable(y)
        ctx.mark_non_differentiable(z)

    grad = jax.grad(lambda x: marks(mark=staticmethod(mark)).apply(x)[0])
    assert grad(X) == 7.0


def test_marking_an_input_does_nothing() -> None:
    mark = staticmethod(lambda ctx, x, y, z: ctx.mark_non_differentiable(x))
    grad = jax.grad(lambda x: sum(v.astype(x.dtype) for v in marks(mark=mark).apply(x)))
    assert grad(X) == 107.0


def test_marking_the_only_output() -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, x):
            y = 2 * x
            ctx.mark_non_differentiable(y)
            return y

        @staticmethod
        def backward(ctx, g):
            return 7 * g

    assert F.apply(X) == 6.0
    assert jax.grad(lambda x: x * F.apply(x))(X) == 6.0
    assert jax.grad(jax.grad(lambda x: x * x * F.apply(x)))(X) == 12.0
