"""Rows 3.24 to 3.37: what backward is given, and when it runs."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from tests.function.functions import SaveInput
from tests.function.rows.functions import ALL_ASKED, V, X, define, pair, refuses


def outputs(**members: Any) -> tuple[Any, list]:
    """2 x, 3 x, an integer and a boolean; and the list of what backward was given."""
    seen: list = []
    flag = members.pop("materialize", True)
    only = members.pop("non_diff", True)

    def forward(ctx: Any, x: Any) -> Any:
        ctx.set_materialize_grads(flag)
        if not only:
            ctx._materialize_non_diff_grads = False
        return 2 * x, 3 * x, jnp.int32(4), x > 0

    def backward(ctx: Any, a: Any, b: Any, i: Any, p: Any) -> Any:
        seen.append((a, b, i, p))
        zero = jnp.zeros(())
        return 10 * (zero if a is None else a) + 100 * (zero if b is None else b)

    return define(forward=forward, backward=backward, **members).apply, seen


def test_row_3_24() -> None:
    f, seen = outputs()
    assert jax.grad(lambda x: f(x)[0])(X) == 10.0
    (grads,) = seen
    assert (grads[0], grads[1]) == (1.0, 0.0)
    assert (grads[1].shape, grads[1].dtype) == ((), jnp.float32)


def test_row_3_25() -> None:
    for slot, slope in ((0, 10.0), (1, 100.0)):
        f, seen = outputs(materialize=False)
        assert jax.grad(lambda x, f=f, s=slot: f(x)[s])(X) == slope
        ((a, b, i, p),) = seen
        assert [a is None, b is None] == [slot == 1, slot == 0]
        assert i is p is None


def test_row_3_26() -> None:
    """Backward runs on zeros, also where a later rule gave None; not off the path."""
    runs = []

    def backward(ctx: Any, g: Any) -> Any:
        runs.append(g)
        return 7 * g + 1  # tells a call with zeros from none

    inner = define(forward=lambda ctx, x: 2 * x, backward=backward).apply
    none = define(forward=lambda ctx, x: 3 * x, backward=lambda ctx, g: None).apply
    zeros = define(forward=lambda ctx, x: 3 * x, backward=lambda ctx, g: 0 * g).apply
    assert jax.grad(lambda x: zeros(inner(x)))(X) == 1.0
    assert runs == [0.0]
    runs.clear()
    assert jax.grad(lambda x: none(inner(x)))(X) == 1.0
    assert runs == [0.0]
    runs.clear()
    assert jax.grad(lambda x: x + jax.lax.stop_gradient(inner(x)))(X) == 1.0
    assert jax.grad(lambda x: x * inner(X))(X) == 4.0
    assert runs == []


def test_row_3_27() -> None:
    f, seen = outputs()
    assert jax.grad(lambda x: f(x)[0])(X) == 10.0
    _, _, i, p = seen[0]
    assert (i, i.dtype) == (0, jnp.int32)
    assert (p, p.dtype) == (False, jnp.bool_)
    assert i + 1 == 1  # ordinary arithmetic


def test_row_3_28() -> None:
    f, seen = outputs(non_diff=False)
    assert jax.grad(lambda x: f(x)[0])(X) == 10.0
    ((a, b, i, p),) = seen
    assert (a, b) == (1.0, 0.0)
    assert i is p is None


def test_row_3_29() -> None:
    seen = []

    def backward(ctx: Any, *grads: Any) -> Any:
        seen.append(grads[1:])
        return 7 * grads[0]

    f = define(forward=lambda ctx, x: (2 * x, "s", None, 3), backward=backward)
    assert jax.grad(lambda x: f.apply(x)[0])(X) == 7.0
    assert seen == [(None, None, None)]


def test_row_3_30() -> None:
    seen = []

    def backward(ctx: Any, g: Any, h: Any) -> Any:
        seen.append((h, h.dtype))
        return 7 * g

    f = define(forward=lambda ctx, x: (2 * x, 1j * x), backward=backward)
    assert jax.grad(lambda x: f.apply(x)[0])(X) == 7.0
    assert seen == [(0.0, jnp.complex64)]


def test_row_3_31() -> None:
    """A cotangent can't be changed in place, so no caller's can."""

    def backward(ctx: Any, g: Any) -> Any:
        g[0] = 9.0
        return g

    f = define(forward=lambda ctx, x: 2 * x, backward=backward)
    _, pull = jax.vjp(f.apply, V)
    refuses(TypeError, lambda: pull(V), "immutable")
    np.testing.assert_array_equal(V, [1, 2, 3])


def test_row_3_32() -> None:
    """Backward is always differentiable; there is no flag to set."""
    assert jax.grad(SaveInput.apply)(X) == 400.0
    assert jax.grad(jax.grad(SaveInput.apply))(X) == 400.0


class Mine(Exception):
    """A user's own error."""


def test_row_3_33() -> None:
    for raised in (Mine("user err"), KeyError("k")):

        def backward(ctx: Any, g: Any, e: Exception = raised) -> Any:
            raise e

        f = define(forward=lambda ctx, x: x, backward=backward)
        with pytest.raises(type(raised)) as caught:
            jax.grad(f.apply)(X)
        assert type(caught.value) is type(raised)
        assert caught.value.args == raised.args
        assert any(entry.name == "backward" for entry in caught.traceback)


def test_row_3_34() -> None:
    f = pair(lambda g: (7 * g, g / 0.0 * 0.0)).apply
    assert jnp.isnan(jax.grad(f, 1)(X, X))  # silent without the context manager
    with jaxgrad.detect_anomaly():
        refuses(jaxgrad.errors.AnomalyError, lambda: jax.grad(f, 1)(X, X), "F", "'b'")
        if not ALL_ASKED:
            assert jax.grad(f, 0)(X, X) == 7.0


def test_row_3_35() -> None:
    """A pullback can be called again, whatever was saved."""
    _, pull = jax.vjp(SaveInput.apply, X)
    assert pull(X) == pull(X) == (800.0,)


def changed_after(f: Any) -> Any:
    """The pullback of `f` at a NumPy array that is changed before backward."""
    host = np.array([1.0, 2.0, 3.0], np.float32)
    value, pull = jax.vjp(f, host)
    jax.block_until_ready((value, pull))  # JAX copies from NumPy in the background
    host[:] = 0.0
    np.testing.assert_array_equal(value, [1, 8, 27])
    return pull(jnp.ones(3))[0]


def test_row_3_36() -> None:
    """What was saved can't change: arrays are immutable, and NumPy's are copied."""
    f = define(
        forward=SaveInput.forward, backward=lambda c, g: c.saved_tensors[0] * g
    ).apply
    np.testing.assert_array_equal(changed_after(f), [1, 2, 3])


def test_row_3_37() -> None:
    """The same on attributes of the context."""

    def forward(ctx: Any, x: Any) -> Any:
        ctx.x = x
        return x**3

    f = define(forward=forward, backward=lambda ctx, g: ctx.x * g)
    np.testing.assert_array_equal(changed_after(f.apply), [1, 2, 3])
