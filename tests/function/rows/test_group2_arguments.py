"""Rows 2.1 to 2.14: how arguments reach forward."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.errors import ArgumentError, BackwardError, ClosureError
from tests.function.rows.functions import V, X, define, refuses


def test_row_2_1() -> None:
    """Forward sees detached arrays: nothing it does is part of the derivative."""
    seen = []

    def forward(ctx: Any, x: Any) -> Any:
        seen.append(x)
        return jnp.sin(x)

    f = define(forward=forward, backward=lambda ctx, g: 7 * g, jit=False)
    assert f.apply(X) == jnp.sin(X)
    assert isinstance(seen[0], jax.Array)
    assert seen[0] == X
    assert jax.grad(f.apply)(X) == 7.0


def test_row_2_2() -> None:
    """Defaults are bound; a default at the end may go without a gradient, or with."""
    flags = []

    def forward(ctx: Any, x: Any, scale: Any = 3.0) -> Any:
        flags.append(ctx.needs_input_grad)
        return x * scale

    for gradient in (lambda g: 7 * g, lambda g: (7 * g,), lambda g: (7 * g, None)):
        f = define(forward=forward, backward=lambda ctx, g, r=gradient: r(g))
        assert jax.value_and_grad(f.apply)(X) == (6.0, 7.0)
    assert {len(entry) for entry in flags} == {2}
    assert flags[-1][0]
    assert jax.grad(f.apply)(X, 5.0) == 7.0


def test_row_2_3() -> None:
    seen = []

    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        seen.append((type(inputs), len(inputs), inputs[1]))

    f = define(
        forward=lambda x, scale=3.0: x * scale,
        setup_context=setup_context,
        backward=lambda ctx, g: (7 * g, None),
    )
    assert jax.value_and_grad(f.apply)(X) == (6.0, 7.0)
    assert set(seen) == {(tuple, 2, 3.0)}


def test_row_2_4() -> None:
    """An argument by name has its gradient in its position."""
    f = define(
        forward=lambda ctx, x, factor: x * factor,
        backward=lambda ctx, g: (5 * g, 11 * g),
    )
    assert f.apply(V, factor=5)[1] == 10.0
    assert jax.grad(lambda v: f.apply(X, factor=v))(X) == 11.0
    assert jax.grad(lambda v: f.apply(factor=X, x=v))(X) == 5.0


def test_row_2_5() -> None:
    combined = define(forward=lambda ctx, x: x)
    setup = define(forward=lambda x: x, setup_context=lambda ctx, i, o: None)
    for f in (combined, setup):
        refuses(TypeError, lambda f=f: f.apply(X, bad=1), "F.apply", "'bad'", "(x)")


def test_row_2_6() -> None:
    f = define(
        forward=lambda ctx, x, factor=2.0, shift=0.0: x * factor + shift,
        backward=lambda ctx, g: 7 * g,
    )
    assert f.apply(X, shift=1.0) == 5.0  # skips over a parameter with a default
    cases: list[tuple[tuple, dict, tuple[str, ...]]] = [
        ((X, 1.0), {"factor": 2.0}, ("multiple values", "'factor'")),
        ((), {"factor": 2.0}, ("missing", "'x'")),
        ((X, 1.0, 2.0, 3.0), {}, ("takes 3", "4 were given")),
    ]
    for args, kwargs, parts in cases:
        error = refuses(ArgumentError, lambda a=args, k=kwargs: f.apply(*a, **k), "F")
        assert all(part in str(error) for part in parts)
        assert isinstance(error, TypeError)


class KeywordOnly(Function):
    """x * k, whose rule says 7 and 11."""

    @staticmethod
    def forward(ctx: Any, x: Any, *, k: Any = 3.0, **more: Any) -> Any:
        return x * k + sum(more.values())

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return (7 * g, 11 * g, *([None] * (len(ctx.needs_input_grad) - 2)))[
            : len(ctx.needs_input_grad)
        ]


class KeywordSetup(Function):
    @staticmethod
    def forward(x: Any, *, k: Any = 3.0) -> Any:
        return x * k

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        assert len(inputs) == 2

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 7 * g, 11 * g if ctx.needs_input_grad[1] else None


def test_row_2_7() -> None:
    assert KeywordOnly.apply(X) == 6.0
    assert KeywordOnly.apply(X, k=5.0, shift=1.0) == 11.0
    assert jax.grad(lambda k: KeywordOnly.apply(X, k=k))(X) == 11.0
    assert jax.grad(KeywordSetup.apply)(X) == 7.0


def test_row_2_8() -> None:
    f = lambda k: KeywordSetup.apply(X, k=k)  # noqa: E731
    np.testing.assert_array_equal(jax.vmap(f)(V), 2 * V)
    np.testing.assert_array_equal(jax.vmap(jax.grad(f))(V), [11, 11, 11])


def test_row_2_9() -> None:
    marker = object()
    seen = []

    def forward(ctx: Any, x: Any, *rest: Any) -> Any:
        seen.append(rest)
        return 2 * x

    f = define(forward=forward, backward=lambda ctx, g: (7 * g, None, None, None))
    rest = ("text", marker, jnp.sin)
    assert jax.grad(f.apply)(X, *rest) == 7.0
    assert seen[0] == rest
    bad = define(forward=forward, backward=lambda ctx, g: (7 * g, None, g, None))
    refuses(BackwardError, lambda: jax.grad(bad.apply)(X, *rest), "F", "rest[1]")


def test_row_2_10() -> None:
    """Python numbers are static; NumPy arrays and scalars are arrays."""
    kinds = []

    def forward(ctx: Any, x: Any, n: Any) -> Any:
        kinds.append(type(n))
        return (x * n).sum()

    f = define(forward=forward, backward=lambda ctx, g: (7 * g, None))
    assert jax.grad(f.apply)(X, 3) == 7.0
    assert set(kinds) == {int}
    bad = define(forward=forward, backward=lambda ctx, g: (7 * g, 8 * g))
    refuses(BackwardError, lambda: jax.grad(bad.apply)(X, 3.0), "'n'", "static")
    got = jax.grad(bad.apply, 1)(X, np.float32(3.0))
    assert (got, got.dtype) == (8.0, jnp.float32)
    assert issubclass(kinds[-1], jax.Array)


def test_row_2_11() -> None:
    seen = []

    def forward(ctx: Any, x: Any, bias: Any) -> Any:
        seen.append(bias)
        return 2 * x

    f = define(forward=forward, backward=lambda ctx, g: (7 * g, None))
    assert jax.grad(f.apply)(X, None) == 7.0
    assert set(seen) == {None}


def test_row_2_12() -> None:
    f = define(
        forward=lambda ctx, p: p["w"] * p["b"][0],
        backward=lambda ctx, g: ({"w": 7 * g, "b": [11 * g]},),
    )
    assert jax.grad(f.apply)({"w": X, "b": [X]}) == {"w": 7.0, "b": [11.0]}


def closing(w: Any, gradient: Any = 7.0) -> type[Function]:
    class Closes(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * w

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return gradient * g

    return Closes


def test_row_2_13() -> None:
    refuses(
        ClosureError,
        lambda: jax.grad(lambda w: closing(w).apply(X))(X),
        "Closes",
        "'w'",
    )
    assert jax.grad(closing(X).apply)(X) == 7.0


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
def test_row_2_14(wrap: Any) -> None:
    f = define(forward=lambda ctx, a, b: a + b)
    assert wrap(lambda: f.apply(1, 2))() == 3
    assert type(f.apply(1, 2)) is int
