"""Arrays of every dtype and shape: integers, keys, half precision, weak types, x64."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function


class Triple(Function):
    """3 * x, whose rule says 5."""

    @staticmethod
    def forward(ctx, x):
        return x + x + x

    @staticmethod
    def backward(ctx, g):
        return g + g + g + g + g


FLOATS = ("bfloat16", "float16", "float32", "complex64")


@pytest.mark.parametrize("shape", [(), (1,), (3,), (0,), (2, 0, 3)], ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_value_and_gradient_keep_dtype_and_shape(dtype: str, shape: tuple) -> None:
    x = jnp.ones(shape, dtype)
    for f in (Triple.apply, Triple.apply, Triple.apply, jax.jit(Triple.apply)):
        y = f(x)
        assert (y.dtype, y.shape) == (x.dtype, shape)
        np.testing.assert_array_equal(np.asarray(y, "complex64"), np.full(shape, 3))
    loss = lambda x: Triple.apply(x).sum().real  # noqa: E731
    for grad in (jax.grad(loss), jax.jit(jax.grad(loss))):
        g = grad(x)
        assert (g.dtype, g.shape) == (x.dtype, shape)
        np.testing.assert_array_equal(np.asarray(g, "complex64"), np.full(shape, 5))


class Gather(Function):
    """x[i] where m, with an integer and a boolean input."""

    @staticmethod
    def forward(ctx, x, i, m):
        ctx.save_for_backward(i, m)
        ctx.like = x
        return jnp.where(m, x[i], 0)

    @staticmethod
    def backward(ctx, g):
        i, m = ctx.saved_tensors
        return jnp.zeros_like(ctx.like).at[i].add(7 * jnp.where(m, g, 0)), None, None


def test_integer_and_boolean_inputs() -> None:
    x = jnp.arange(4.0)
    i = jnp.array([2, 2, 0])
    m = jnp.array([True, True, False])
    loss = lambda x, i, m: Gather.apply(x, i, m).sum()  # noqa: E731
    want = [0.0, 0.0, 14.0, 0.0]
    np.testing.assert_array_equal(Gather.apply(x, i, m), [2.0, 2.0, 0.0])
    np.testing.assert_array_equal(jax.grad(loss)(x, i, m), want)
    np.testing.assert_array_equal(jax.jit(jax.grad(loss))(x, i, m), want)
    batched = jax.vmap(jax.grad(loss), (None, 0, None))(x, jnp.stack([i, i + 1]), m)
    np.testing.assert_array_equal(batched, [want, np.roll(want, 1)])
    of_integers = jax.grad(loss, 1, allow_int=True)(x, i, m)
    assert of_integers.dtype == jax.dtypes.float0


def test_a_gradient_for_an_integer_array_is_dropped() -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, x, i):
            return x * i.astype(x.dtype)

        @staticmethod
        def backward(ctx, g):
            return 7 * g, jnp.ones(9)  # torch drops it unchecked too

    assert jax.grad(F.apply)(jnp.float32(2.0), jnp.int32(3)) == 7.0


class Dropout(Function):
    """Keeps what a key says, and hands the next key out."""

    @staticmethod
    def forward(ctx, x, key):
        now, following = jax.random.split(key)
        keep = jax.random.bernoulli(now, 0.5, x.shape)
        ctx.save_for_backward(keep)
        ctx.key = key
        return jnp.where(keep, x, 0), following

    @staticmethod
    def backward(ctx, g, g_key):
        (keep,) = ctx.saved_tensors
        again = jax.random.bernoulli(jax.random.split(ctx.key)[0], 0.5, g.shape)
        return jnp.where(keep & again, 7 * g, 0), None


@pytest.mark.parametrize("make", [jax.random.key, jax.random.PRNGKey])
def test_prng_keys_are_arrays_without_a_gradient(make: Callable) -> None:
    key = make(3)
    x = jnp.ones(16)
    keep = jax.random.bernoulli(jax.random.split(key)[0], 0.5, x.shape)
    for f in (Dropout.apply, Dropout.apply, jax.jit(Dropout.apply)):
        y, following = f(x, key)
        np.testing.assert_array_equal(y, np.where(keep, 1, 0))
        assert following.dtype == key.dtype
        assert following.shape == key.shape
        assert jax.random.split(following).shape == (2, *key.shape)
    loss = lambda x, key: Dropout.apply(x, key)[0].sum()  # noqa: E731
    want = np.where(keep, 7, 0)
    np.testing.assert_array_equal(jax.grad(loss)(x, key), want)
    np.testing.assert_array_equal(jax.jit(jax.grad(loss))(x, key), want)
    keys = jnp.stack([key, key])
    batched = jax.vmap(jax.grad(loss), (None, 0))(x, keys)
    np.testing.assert_array_equal(batched, [want, want])
    stepped = jax.lax.scan(lambda k, _: Dropout.apply(x, k)[::-1], key, None, length=2)
    assert stepped[0].dtype == key.dtype
    np.testing.assert_array_equal(stepped[1][0], np.where(keep, 1, 0))


def test_a_second_derivative_with_a_key() -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, x, key):
            ctx.save_for_backward(x, key)
            return x**2

        @staticmethod
        def backward(ctx, g):
            x, key = ctx.saved_tensors
            return 10 * x * g * jax.random.randint(key, (), 1, 2).astype(x.dtype), None

    key = jax.random.key(0)
    assert jax.grad(jax.grad(F.apply))(jnp.float32(3.0), key) == 10.0


@pytest.mark.parametrize("with_static", [False, True])
def test_weak_types_are_kept(with_static: bool) -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, x, n=1):
            return x * n

        @staticmethod
        def backward(ctx, g):
            return g

    args = (2,) if with_static else ()
    for x in (jnp.asarray(2.0), jnp.asarray(2), jnp.float32(2.0)):
        apply = lambda x: F.apply(x, *args)  # noqa: E731
        jitted = jax.jit(apply)(x)
        assert jitted.weak_type == x.weak_type
        for _ in range(3):
            eager = apply(x)
            assert eager.weak_type == jitted.weak_type
            assert eager.dtype == jitted.dtype
    half = jnp.ones((), jnp.bfloat16)
    for f in (F.apply, F.apply, F.apply, jax.jit(F.apply), jax.grad(F.apply)):
        assert (f(jnp.asarray(2.0)) * half).dtype == jnp.bfloat16


def test_a_weak_argument_after_a_strong_one() -> None:
    """Programs cached for one don't answer for the other."""
    for _ in range(3):
        assert not Triple.apply(jnp.float32(2.0)).weak_type
        assert Triple.apply(jnp.asarray(2.0)).weak_type


@pytest.mark.parametrize("first", [False, True])
def test_x64_goes_through(first: bool) -> None:
    def check(x64: bool) -> None:
        with jax.enable_x64(x64):
            want = jnp.float64 if x64 else jnp.float32
            x = jnp.asarray(np.arange(3, dtype=np.float64))
            assert x.dtype == want
            for _ in range(3):
                assert Triple.apply(x).dtype == want
                assert Triple.apply(np.arange(3, dtype=np.float64)).dtype == want
            assert jax.grad(lambda x: Triple.apply(x).sum())(x).dtype == want

    check(first)
    check(not first)
    check(first)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "bool"])
def test_a_function_of_integers_alone(dtype: str) -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, x):
            return x & x

        @staticmethod
        def backward(ctx, g):
            raise AssertionError("an integer input has no gradient")

    x = jnp.ones(3, dtype)
    for f in (F.apply, F.apply, F.apply, jax.jit(F.apply)):
        assert f(x).dtype == x.dtype
    g: Any = jax.grad(lambda w: (w * F.apply(x).astype(w.dtype)).sum())(jnp.ones(3))
    np.testing.assert_array_equal(g, np.ones(3))
