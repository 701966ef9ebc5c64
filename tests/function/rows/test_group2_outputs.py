"""Rows 2.15 to 2.24: what forward may return."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tests.function.rows.functions import V, X, define


class Pair(NamedTuple):
    a: Any
    b: Any


def test_row_2_15() -> None:
    seen = []

    def f(make: Any) -> Any:
        return define(
            forward=lambda x: make(2 * x),
            setup_context=lambda ctx, inputs, output: seen.append(type(output)),
            backward=lambda ctx, *g: 7 * sum(g),
        ).apply

    assert isinstance(f(lambda y: y)(X), jax.Array)
    assert f(lambda y: (y,))(X) == (4.0,)
    assert f(lambda y: ())(X) == ()
    pair = f(lambda y: Pair(y, y))(X)
    assert type(pair) is Pair
    assert {tuple, Pair} < set(seen)
    assert jax.grad(lambda x: f(lambda y: Pair(y, 1 * y))(x).b)(X) == 7.0


def test_row_2_16() -> None:
    """A list or dict is one output, and differentiable."""
    grads = []

    def backward(ctx: Any, g: Any) -> Any:
        grads.append(type(g))
        return 7 * sum(jax.tree.leaves(g))

    for make in (lambda y: [y, y + 1], lambda y: {"a": y, "b": y + 1}):
        f = define(forward=lambda ctx, x, m=make: m(2 * x), backward=backward)
        loss = lambda x, f=f: sum(jax.tree.leaves(f.apply(x)))  # noqa: E731
        assert f.apply(X) == make(4.0)
        assert jax.grad(loss)(X) == 14.0
    assert grads == [list, dict]


def test_row_2_17() -> None:
    marker = object()
    seen: list = []

    def backward(ctx: Any, *grads: Any) -> Any:
        seen.append([g is None for g in grads])
        return 7 * grads[1]

    f = define(
        forward=lambda ctx, x: (None, 2 * x, "text", 3, marker), backward=backward
    )
    none, y, text, three, same = f.apply(X)
    assert (none, text, three) == (None, "text", 3)
    assert same is marker
    assert y == 4.0
    assert jax.grad(lambda x: f.apply(x)[1])(X) == 7.0
    assert seen == [[True, False, True, True, True]]


def test_row_2_18() -> None:
    kinds = []

    def backward(ctx: Any, g: Any, i: Any, b: Any) -> Any:
        kinds.append((i.dtype, b.dtype))
        return 7 * g

    f = define(
        forward=lambda ctx, x: (2 * x, x.astype(jnp.int32), x > 0), backward=backward
    )
    assert jax.grad(lambda x: f.apply(x)[0] + f.apply(x)[1])(X) == 7.0
    assert kinds[0] == (jnp.int32, jnp.bool_)
    only = define(forward=lambda ctx, x: x.astype(jnp.int32), backward=backward)
    assert jax.grad(lambda x: x * only.apply(x))(X) == 2.0


def test_row_2_18_marked() -> None:
    """Where every output is marked there is no gradient, whatever the rule says."""

    def forward(ctx: Any, x: Any) -> Any:
        y = 2 * x
        ctx.mark_non_differentiable(y)
        return y

    f = define(forward=forward, backward=lambda ctx, g: 7 * g + 1).apply
    assert jax.grad(lambda x: x * f(x))(X) == 4.0


def test_row_2_19() -> None:
    """The rule answers for an input that is returned as it is."""
    f = define(
        forward=lambda ctx, x, y: (x, 2 * y), backward=lambda c, g, h: (7 * g, h)
    )
    assert f.apply(X, X) == (2.0, 4.0)
    assert jax.grad(lambda x: f.apply(x, X)[0])(X) == 7.0
    assert jax.grad(lambda y: f.apply(X, y)[0])(X) == 0.0


def test_row_2_20() -> None:
    """Returned as it is and saved by setup_context: it was saved as the input."""

    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        ctx.save_for_backward(*inputs)

    f = define(
        forward=lambda x: x,
        setup_context=setup_context,
        backward=lambda ctx, g: 10 * ctx.saved_tensors[0] * g,
    )
    assert jax.grad(f.apply)(X) == 20.0
    assert jax.grad(jax.grad(f.apply))(X) == 10.0


def twice(ctx: Any, x: Any) -> Any:
    y = 2 * x
    return y, y


def test_row_2_21() -> None:
    """Each slot has its own cotangent; torch gives the last one the sum."""
    f = define(forward=twice, backward=lambda ctx, g, h: g + 100 * h)
    assert jax.grad(lambda x: 10 * f.apply(x)[0] + f.apply(x)[1])(X) == 110.0
    _, pull = jax.vjp(f.apply, X)
    assert pull((X, jnp.float32(3.0))) == (302.0,)


def test_row_2_22() -> None:
    f = define(forward=lambda ctx, x: (x, x), backward=lambda ctx, a, b: a + 100 * b)
    _, pull = jax.vjp(f.apply, X)
    assert pull((X, jnp.float32(1.0))) == (102.0,)


def test_row_2_23() -> None:
    f = define(forward=lambda ctx, a, b: a * b, backward=lambda ctx, g: (g, 10 * g))
    assert jax.grad(lambda x: f.apply(x, x))(X) == 11.0
    np.testing.assert_array_equal(
        jax.grad(lambda x: f.apply(x, x).sum())(V), [11, 11, 11]
    )


def test_row_2_24() -> None:
    """Marked once, both slots of one array are constants."""

    def forward(ctx: Any, x: Any) -> Any:
        y = 2 * x
        ctx.mark_non_differentiable(y)
        return y, y, x * 3

    f = define(forward=forward, backward=lambda ctx, a, b, c: 7 * c + 100 * (a + b))
    assert jax.grad(lambda x: sum(f.apply(x)))(X) == 7.0
