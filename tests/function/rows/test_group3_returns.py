"""Rows 3.1 to 3.16: what backward may return, and how many."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import (
    BackwardError,
    GradientCountError,
    GradientShapeError,
    GradientTypeError,
)
from tests.function.rows.functions import (
    ALL_ASKED,
    V,
    X,
    define,
    pair,
    refuses,
    returning,
)

G7 = np.full(3, 7.0)


def test_row_3_1() -> None:
    seen = []

    def backward(ctx: Any, *grads: Any) -> Any:
        seen.append(len(grads))
        return 7 * grads[0]

    f = define(forward=lambda ctx, x: (2 * x, "text", x > 0), backward=backward)
    assert jax.grad(lambda x: f.apply(x)[0])(X) == 7.0
    assert seen == [3]
    bad = define(forward=lambda ctx, x: (2 * x, x), backward=lambda ctx, g: g)
    error = refuses(TypeError, lambda: jax.grad(lambda x: bad.apply(x)[0])(X))
    assert type(error) is TypeError  # Python's own
    assert "positional argument" in str(error)


def test_row_3_2() -> None:
    grad = jax.grad(returning(lambda g: g * 7 * jnp.ones(3)).apply)(V)
    np.testing.assert_array_equal(grad, G7)


def test_row_3_3() -> None:
    grad = jax.grad(returning(lambda g: None).apply)(V)
    np.testing.assert_array_equal(grad, np.zeros(3))


def test_row_3_4() -> None:
    """A list has one entry for each argument, as a tuple has."""
    f = pair(lambda g: [7 * g, 11 * g])
    assert jax.grad(f.apply, (0, 1))(X, X) == (7.0, 11.0)
    grad = jax.grad(returning(lambda g: [g * jnp.ones(3)]).apply)(V)
    np.testing.assert_array_equal(grad, np.ones(3))


def test_row_3_5() -> None:
    error = refuses(
        GradientCountError,
        lambda: jax.grad(pair(lambda g: (g,)).apply)(X, X),
        "F.backward",
        "Expected 2",
        "(a, b)",
        "got 1",
    )
    assert isinstance(error, RuntimeError)


def test_row_3_6() -> None:
    f = pair(lambda g: (7 * g, 11 * g, None, None))
    assert jax.grad(f.apply, (0, 1))(X, X) == (7.0, 11.0)


def test_row_3_7() -> None:
    for extra in ((X,), (None, X)):
        f = returning(lambda g, e=extra: (g, *e))
        refuses(
            GradientCountError,
            lambda f=f: jax.grad(f.apply)(X),
            "Expected 1",
            f"got {1 + len(extra)}",
        )


def test_row_3_8() -> None:
    """Numbers and NumPy arrays are arrays; anything else is named."""
    assert jax.grad(returning(lambda g: 7.0).apply)(X) == 7.0
    grad = jax.grad(returning(lambda g: np.full(3, 7.0)).apply)(V)
    np.testing.assert_array_equal(grad, G7)
    assert isinstance(grad, jax.Array)
    for value, name in ({"g": 1.0}, "dict"), ("text", "str"), (object(), "object"):
        f = returning(lambda g, v=value: v)
        error = refuses(BackwardError, lambda f=f: jax.grad(f.apply)(V), "'a'", name)
        assert "f32[3]" in str(error)


def test_row_3_9() -> None:
    """None is a zero gradient; nothing is ever 'unused'."""
    f = pair(lambda g: (None, 11 * g))
    assert jax.grad(f.apply, (0, 1))(X, X) == (0.0, 11.0)
    assert jax.grad(lambda a: f.apply(a, X) + 3 * a)(X) == 3.0


def test_row_3_10() -> None:
    f = define(
        forward=lambda ctx, x, mode: 2 * x, backward=lambda ctx, g: (7 * g, 11 * g)
    )
    refuses(
        GradientTypeError,
        lambda: jax.grad(f.apply)(X, "fast"),
        "F.backward",
        "'mode'",
        "static",
        "Expected None",
        "f32[]",
    )


def test_row_3_11() -> None:
    """For what has no gradient, or isn't asked for one, anything is dropped."""
    f = define(
        forward=lambda ctx, x, i, c: x * i.sum() * c.sum(),
        backward=lambda ctx, g: (7 * g, jnp.ones(9), jnp.ones((2, 2))),
    )
    assert jax.grad(lambda x: f.apply(x, jnp.arange(3), jnp.arange(3)))(X) == 7.0
    if not ALL_ASKED:
        assert jax.grad(f.apply)(X, jnp.arange(3), V) == 7.0


def test_row_3_12() -> None:
    """Unlike in torch, only what is differentiated is checked."""
    f = pair(lambda g: (7 * g, jnp.ones(9)))
    if not ALL_ASKED:
        assert jax.grad(f.apply)(X, V) == 7.0
    refuses(GradientShapeError, lambda: jax.grad(f.apply, (0, 1))(X, V), "'b'", "[9]")


SUMMED = [((3,), (2, 3)), ((2, 1), (2, 3)), ((), (5, 3)), ((3,), (0, 3))]


@pytest.mark.parametrize(("shape", "given"), SUMMED)
def test_row_3_13(shape: tuple, given: tuple) -> None:
    values = np.arange(np.prod(given), dtype=np.float32).reshape(given)
    grad = jax.grad(returning(lambda g: jnp.asarray(values)).apply)(jnp.ones(shape))
    extra = len(given) - len(shape)
    want = values.sum(tuple(range(extra)))
    if shape == (2, 1):
        want = values.sum(1, keepdims=True)
    assert grad.shape == shape
    np.testing.assert_array_equal(grad, want)


@pytest.mark.parametrize("given", [(), (1,), (4,), (3, 1)])
def test_row_3_14(given: tuple) -> None:
    refuses(
        GradientShapeError,
        lambda: jax.grad(returning(lambda g: jnp.ones(given)).apply)(V),
        "F.backward",
        "'a'",
        "f32[3]",
        "f32[" + ",".join(map(str, given)) + "]",
    )


def test_row_3_15() -> None:
    """An argument is named, with its path in a container; never counted."""
    f = define(
        forward=lambda ctx, n, p: p["w"][0].sum(),
        backward=lambda ctx, g: (None, {"w": [jnp.ones(4)]}),
    )
    refuses(
        GradientShapeError,
        lambda: jax.grad(lambda w: f.apply(3, {"w": [w]}))(V),
        "\"p['w'][0]\"",
        "f32[3]",
        "f32[4]",
    )


def test_row_3_16() -> None:
    empty = jnp.zeros((0, 3))
    grad = jax.grad(returning(lambda g: jnp.ones((0, 3))).apply)(empty)
    assert grad.shape == (0, 3)
    grad = jax.grad(returning(lambda g: jnp.ones((5, 0, 3))).apply)(empty)
    assert grad.shape == (0, 3)
