"""Rows 2.25 to 2.34: how, when and how often forward runs."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import ClosureError, JaxgradWarning
from tests.function.functions import SaveInput, SaveOutput, on_host
from tests.function.rows.functions import TRACES, X, define, refuses


def test_row_2_25() -> None:
    """The rule of a Function inside forward is never asked, at any order."""

    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return SaveOutput.apply(x)

    f = define(
        forward=forward, backward=lambda ctx, g: 7 * ctx.saved_tensors[0] ** 2 * g
    )
    assert jax.grad(f.apply)(X) == 28.0
    assert jax.grad(jax.grad(f.apply))(X) == 28.0


def test_row_2_26() -> None:
    """A pullback taken in forward may be kept, and called in backward."""

    def forward(ctx: Any, x: Any) -> Any:
        y, ctx.pull = jax.vjp(jnp.sin, x)
        return y

    f = define(forward=forward, backward=lambda ctx, g: 3 * ctx.pull(g)[0])
    np.testing.assert_allclose(jax.grad(f.apply)(X), 3 * np.cos(2.0), rtol=1e-6)

    def backward(ctx: Any, g: Any) -> Any:
        return g * jax.grad(SaveInput.apply)(ctx.saved_tensors[0])

    def save(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x

    assert jax.grad(define(forward=save, backward=backward).apply)(X) == 400.0


def test_row_2_27() -> None:
    """What forward differentiates for itself is not part of the rule."""
    f = define(
        forward=lambda ctx, x: jax.grad(lambda v: v**3)(x), backward=lambda c, g: 7 * g
    )
    assert jax.value_and_grad(f.apply)(X) == (12.0, 7.0)


def test_row_2_28() -> None:
    """A closed-over array is returned as a value; a differentiated one is refused."""
    w = jnp.float32(5.0)
    f = define(forward=lambda ctx, x: w, backward=lambda ctx, g: 7 * g)
    assert jax.value_and_grad(f.apply)(X) == (5.0, 7.0)
    assert w == 5.0

    def of_leaf(leaf: Any) -> Any:
        return define(forward=lambda ctx, x: leaf, backward=lambda c, g: g).apply(X)

    refuses(ClosureError, lambda: jax.grad(of_leaf)(X), "F", "leaf", "argument")


def test_row_2_29() -> None:
    """There is no mode: flags follow what is differentiated."""
    flags = []

    def forward(ctx: Any, x: Any) -> Any:
        flags.append(ctx.needs_input_grad)
        return 2 * x

    f = define(forward=forward, backward=lambda ctx, g: 7 * g, jit=False)
    assert f.apply(X) == 4.0
    assert flags == [(False,)]
    assert jax.grad(lambda x: x * jax.lax.stop_gradient(f.apply(x)))(X) == 4.0
    assert jax.grad(f.apply)(X) == 7.0
    assert flags[-1] == (True,)


def test_row_2_30() -> None:
    """Every array can be saved, a constant one too."""

    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(jax.lax.stop_gradient(x))
        return 2 * x

    f = define(forward=forward, backward=lambda ctx, g: ctx.saved_tensors[0] * g)
    assert jax.grad(f.apply)(X) == 2.0


class Boom(Exception):
    """A user's own error."""


def test_row_2_31() -> None:
    f = define(
        forward=lambda x: 2 * x,
        setup_context=lambda ctx, inputs, output: "ignored",
        backward=lambda ctx, g: 7 * g,
    )
    assert jax.value_and_grad(f.apply)(X) == (4.0, 7.0)

    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        raise Boom("boom")

    bad = define(forward=lambda x: x, setup_context=setup_context)
    for call in (bad.apply, jax.grad(bad.apply)):
        error = refuses(Boom, lambda c=call: c(X), "boom")
        assert type(error) is Boom


def test_row_2_32() -> None:
    """Once a trace: a compiled call runs no Python, `jit = False` always does."""
    runs = []

    def forward(ctx: Any, x: Any) -> Any:
        runs.append(None)
        return 2 * x

    compiled = define(forward=forward, backward=lambda ctx, g: 7 * g)
    for _ in range(5):
        compiled.apply(X)
    assert 1 <= len(runs) <= 2
    runs.clear()
    jax.grad(compiled.apply)(X)
    assert len(runs) == TRACES
    runs.clear()
    eager = define(forward=forward, backward=lambda ctx, g: 7 * g, jit=False)
    for _ in range(5):
        eager.apply(X)
    assert len(runs) == 5


def test_row_2_33() -> None:
    """One forward: value and gradient can't come from two that disagree."""

    def forward(ctx: Any, x: Any) -> Any:
        ctx.factor = jnp.where(x > 0, 3.0, 5.0)
        return ctx.factor * x

    f = define(forward=forward, backward=lambda ctx, g: 10 * ctx.factor * g)
    for x, value, slope in ((X, 6.0, 30.0), (-X, -10.0, 50.0)):
        assert f.apply(x) == value
        assert jax.value_and_grad(f.apply)(x) == (value, slope)
        assert jax.jit(jax.value_and_grad(f.apply))(x) == (value, slope)


def test_row_2_34() -> None:
    """NumPy on concrete values works, and says so once; traced, it is a callback."""
    eager = define(
        forward=lambda ctx, x: jnp.asarray(np.sin(np.asarray(x))),
        backward=lambda ctx, g: 7 * g,
    )
    with pytest.warns(JaxgradWarning, match="F"):
        assert eager.apply(X) == np.sin(np.float32(2.0))
    assert eager.apply(X) == np.sin(np.float32(2.0))
    with pytest.raises(jax.errors.TracerArrayConversionError):
        jax.jit(eager.apply)(X)
    on = define(
        forward=lambda ctx, x: on_host(np.sin, x), backward=lambda ctx, g: 7 * g
    )
    value, slope = jax.jit(jax.value_and_grad(on.apply))(X)
    np.testing.assert_allclose(value, np.sin(2.0), rtol=1e-6)
    assert slope == 7.0
