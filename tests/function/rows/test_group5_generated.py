"""Rows 5.12 to 5.21: `generate_vmap_rule`, and what else happens under vmap."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.function.rows.functions import ALL_ASKED, V, X, define

SEVENS = np.full(3, 7.0)
M = jnp.arange(6.0, dtype=jnp.float32).reshape(2, 3)


def generated(**members: Any) -> Any:
    own = {
        "forward": lambda x: 2 * x,
        "setup_context": lambda ctx, inputs, output: None,
        "backward": lambda ctx, g: 7 * g,
        "generate_vmap_rule": True,
    }
    return define(**{**own, **members}).apply


def test_row_5_12() -> None:
    """A rule may return an argument as it is: outputs are values, not objects."""
    f = generated(generate_vmap_rule=False, vmap=lambda info, dims, x: (x, 0))
    np.testing.assert_array_equal(jax.vmap(f)(V), V)
    np.testing.assert_array_equal(jax.vmap(jax.grad(f))(V), SEVENS)


def test_row_5_13() -> None:
    """Every method sees the shapes of one example."""
    shapes = {}

    def forward(x: Any, y: Any) -> Any:
        shapes["forward"] = x.shape
        return (x * y).sum()

    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        shapes["setup_context"] = inputs[0].shape
        ctx.save_for_backward(*inputs)

    def backward(ctx: Any, g: Any) -> Any:
        x, y = ctx.saved_tensors
        shapes["backward"] = (x.shape, g.shape)
        shapes["flags"] = ctx.needs_input_grad
        return 10 * g * y, None

    f = generated(forward=forward, setup_context=setup_context, backward=backward)
    got = jax.vmap(jax.grad(f), (0, None))(M, V)
    np.testing.assert_array_equal(got, np.stack([10 * V, 10 * V]))
    assert shapes.pop("backward") == ((3,), ())
    assert shapes == {
        "forward": (3,),
        "setup_context": (3,),
        "flags": (True, ALL_ASKED),
    }


def test_row_5_14() -> None:
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        ctx.kept, ctx.n = {"x": 3 * inputs[0]}, 2

    f = generated(
        setup_context=setup_context, backward=lambda ctx, g: ctx.n * ctx.kept["x"] * g
    )
    np.testing.assert_array_equal(jax.vmap(jax.grad(f))(V), 6 * V)


def product(**members: Any) -> Any:
    """a b, whose rule is ten times the true one."""

    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        ctx.save_for_backward(*inputs)

    def backward(ctx: Any, g: Any) -> Any:
        a, b = ctx.saved_tensors
        return 10 * g * b, 10 * g * a

    own = {"forward": lambda a, b: a * b, "backward": backward}
    return generated(**{**own, "setup_context": setup_context, **members})


def test_row_5_15() -> None:
    """The gradient of an unbatched argument is a sum; too large ones are reduced."""
    f = product()
    loss = lambda b: jax.vmap(f, (0, None))(M, b).sum()  # noqa: E731
    np.testing.assert_array_equal(jax.grad(loss)(V), 10 * M.sum(0))
    rows = jax.vmap(lambda a: jax.grad(lambda b: f(a, b).sum())(X))(M)
    np.testing.assert_array_equal(rows, 10 * M.sum(1))


def test_row_5_16() -> None:
    """A jvp with nothing saved for it is batched too."""
    f = generated(jvp=lambda ctx, t: 11 * t)
    got = jax.vmap(lambda x: jax.jvp(f, (x,), (x,))[1])(V)
    np.testing.assert_array_equal(got, 11 * V)
    np.testing.assert_array_equal(jax.jacfwd(f)(V), np.diag(np.full(3, 11.0)))


def test_row_5_17() -> None:
    """Static outputs and lists pass through."""
    f = generated(forward=lambda x: (2 * x, "text"), backward=lambda ctx, g, _: 7 * g)

    def first(x: Any) -> Any:
        y, text = f(x)
        assert text == "text"
        return y

    np.testing.assert_array_equal(jax.vmap(first)(V), 2 * V)
    np.testing.assert_array_equal(jax.vmap(jax.grad(first))(V), SEVENS)
    listed = generated(forward=lambda x: [2 * x], backward=lambda ctx, g: 7 * g[0])
    np.testing.assert_array_equal(jax.vmap(listed)(V)[0], 2 * V)


def test_row_5_18() -> None:
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        ctx.mark_dirty(inputs[0])

    f = generated(setup_context=setup_context)
    np.testing.assert_array_equal(jax.vmap(f)(V), 2 * V)
    np.testing.assert_array_equal(jax.vmap(jax.grad(f))(V), SEVENS)


def test_row_5_19() -> None:
    """Randomness is a key, an argument: the same one, or one for each example."""
    f = generated(
        forward=lambda x, key: x + jax.random.uniform(key),
        backward=lambda ctx, g: (7 * g, None),
    )
    key = jax.random.key(0)
    same = jax.vmap(f, (0, None))(jnp.zeros(3), key)
    assert len(set(same.tolist())) == 1
    different = jax.vmap(f)(jnp.zeros(3), jax.random.split(key, 3))
    assert len(set(different.tolist())) == 3


def test_row_5_20() -> None:
    """Nothing is to be functionalized: an application is a pure function."""
    f = generated()
    assert jax.make_jaxpr(f)(X).effects == frozenset()
    assert jax.jit(f)(X) == f(X) == 4.0


def test_row_5_21() -> None:
    def backward(ctx: Any, g: Any) -> Any:
        assert g.shape == (3,)
        return 7 * g

    f = generated(backward=backward)
    np.testing.assert_array_equal(jax.jacrev(f)(V), np.diag(SEVENS))
    _, pull = jax.vjp(f, V)
    np.testing.assert_array_equal(jax.vmap(pull)(M)[0], 7 * M)
