"""Rows 6.1, 6.7 to 6.10 and 6.17: mark_dirty on arrays and on Refs."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import errors
from tests.function.rows.functions import V, X, define, refuses


def dirty(forward: Any, **members: Any) -> Any:
    return define(forward=forward, backward=lambda ctx, g: 7 * g, **members).apply


def doubles(ctx: Any, x: Any) -> Any:
    ctx.mark_dirty(x)
    return 2 * x


def test_row_6_1() -> None:
    """The new value is what apply returns; the argument stays what it was."""
    f = dirty(doubles)
    x = V + 0
    np.testing.assert_array_equal(f(x), 2 * V)
    np.testing.assert_array_equal(x, V)
    grad = jax.grad(lambda v: f(v).sum())(x)
    np.testing.assert_array_equal(grad, [7, 7, 7])


def adds(ctx: Any, x: Any, ref: Any) -> Any:
    ctx.mark_dirty(ref)
    ref[...] = ref[...] + 3 * x
    return 2 * x


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit], ids=["eager", "jit"])
def test_row_6_1_ref(wrap: Any) -> None:
    """A `jax.Ref` is written for real, once for each run of forward."""
    f = define(forward=adds, backward=lambda ctx, g: (7 * g, None)).apply
    ref = jax.new_ref(jnp.float32(1.0))
    assert wrap(f)(X, ref) == 4.0
    assert ref[...] == 7.0
    assert wrap(jax.grad(f))(X, ref) == 7.0
    assert ref[...] == 13.0


def test_row_6_7() -> None:
    """The new value has to be among the outputs."""
    bad = dirty(lambda ctx, x: (ctx.mark_dirty(x), x.sum())[1])
    refuses(errors.DirtyError, lambda: bad(V), "F", "mark_dirty", "'x'", "f32[3]")

    def two(ctx: Any, x: Any, y: Any) -> Any:
        ctx.mark_dirty(x, y)
        return 2 * x

    refuses(errors.DirtyError, lambda: dirty(two)(V, V), "F", "mark_dirty")


def test_row_6_8() -> None:
    """What is no argument can't be marked, in either mode."""
    f = dirty(lambda ctx, x: (ctx.mark_dirty(x + 1), 2 * x)[1])
    for call in (f, jax.grad(f)):
        refuses(errors.DirtyError, lambda c=call: c(X), "F", "mark_dirty", "argument")


def test_row_6_9() -> None:
    """An array can't be changed without saying so: it can't be changed at all."""

    def forward(ctx: Any, x: Any) -> Any:
        x[0] = 9.0
        return x

    host = np.ones(3, np.float32)
    for argument in (V, host):
        refuses(TypeError, lambda a=argument: dirty(forward)(a), "immutable")
    np.testing.assert_array_equal(host, np.ones(3))


def test_row_6_10() -> None:
    """Dirty and not differentiable: a constant, while the argument keeps its own."""

    def forward(ctx: Any, x: Any) -> Any:
        y = 2 * x
        ctx.mark_dirty(x)
        ctx.mark_non_differentiable(y)
        return y

    f = dirty(forward)
    assert jax.grad(lambda x: f(x) * 3)(X) == 0.0
    assert jax.grad(lambda x: f(x) * x)(X) == 4.0


def test_row_6_17() -> None:
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        ctx.mark_dirty(inputs[0])
        ctx.save_for_backward(output)

    f = define(
        forward=lambda x: jnp.exp(x),
        setup_context=setup_context,
        backward=lambda ctx, g: 10 * ctx.saved_tensors[0] * g,
    ).apply
    e = np.exp(2.0)
    np.testing.assert_allclose(jax.grad(f)(X), 10 * e, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(jax.grad(f))(X), 100 * e, rtol=1e-6)
