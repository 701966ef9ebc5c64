"""Forward and backward closing over values of an outer jit, vmap, scan or grad."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.errors import ClosureError
from tests.function.functions import dual, says


def times(w: Any, plain: bool = True) -> Callable:
    """x**2 * w, whose rule says 10 x w and reads `w` from outside."""

    class Times(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2 * w

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 10 * x * g * w

    return (Times if plain else dual(Times)).apply


def over_jit(f: Callable, w: jax.Array) -> jax.Array:
    return jax.jit(f)(w)


def over_vmap(f: Callable, w: jax.Array) -> jax.Array:
    return jax.vmap(f)(jnp.stack([w, w]))[1]


def over_scan(f: Callable, w: jax.Array) -> jax.Array:
    return jax.lax.scan(lambda c, w: (c, f(w)), 0, w[None])[1][0]


def over_fori(f: Callable, w: jax.Array) -> jax.Array:
    return jax.lax.fori_loop(0, 1, lambda i, c: f(w * (i + 1)), jnp.float32(0))


def over_cond(f: Callable, w: jax.Array) -> jax.Array:
    return jax.lax.cond(w > 0, f, lambda w: w, w)


def over_both(f: Callable, w: jax.Array) -> jax.Array:
    return jax.jit(jax.vmap(jax.jit(f)))(w[None])[0]


OUTER = (over_jit, over_vmap, over_scan, over_fori, over_cond, over_both)
X, W = jnp.float32(3.0), jnp.float32(2.0)
INNER: dict[str, tuple[Callable, float]] = {
    "value": (lambda f: f(X), 18.0),
    "grad": (lambda f: jax.grad(f)(X), 60.0),
    "jit-grad": (lambda f: jax.jit(jax.grad(f))(X), 60.0),
    "grad-grad": (lambda f: jax.grad(jax.grad(f))(X), 20.0),
    "vmap-grad": (lambda f: jax.vmap(jax.grad(f))(X[None])[0], 60.0),
    "grad-vmap": (lambda f: jax.grad(lambda x: jax.vmap(f)(x).sum())(X[None])[0], 60.0),
    "checkpoint": (lambda f: jax.grad(jax.checkpoint(f))(X), 60.0),
    "scan": (
        lambda f: jax.grad(
            lambda x: jax.lax.scan(lambda c, _: (f(c), None), x, None, length=1)[0]
        )(X),
        60.0,
    ),
    "inner-value": (lambda f: jax.grad(lambda x: jax.value_and_grad(f)(x)[0])(X), 60.0),
    "hessian": (lambda f: jax.hessian(f)(X), 20.0),
}


@pytest.mark.parametrize("name", INNER)
@pytest.mark.parametrize("outer", OUTER)
def test_closed_over_values_of_an_outer_transformation(
    outer: Callable, name: str
) -> None:
    inner, want = INNER[name]
    np.testing.assert_allclose(outer(lambda w: inner(times(w)), W), want)


@pytest.mark.parametrize("name", INNER)
@pytest.mark.parametrize("outer", [over_vmap, over_scan, over_both])
def test_closed_over_values_in_a_dual_rule(outer: Callable, name: str) -> None:
    inner, want = INNER[name]
    np.testing.assert_allclose(outer(lambda w: inner(times(w, False)), W), want)


@pytest.mark.parametrize("outer", OUTER)
def test_an_outer_gradient_in_the_argument(outer: Callable) -> None:
    """The closed-over value belongs to a level inside the differentiation."""
    f = lambda x: outer(lambda w: times(w)(x), W)  # noqa: E731
    np.testing.assert_allclose(jax.grad(f)(X), 60.0)
    np.testing.assert_allclose(jax.jit(jax.grad(f))(X), 60.0)


@pytest.mark.parametrize("outer", [over_jit, over_vmap, over_scan, over_cond])
def test_a_constant_closure_while_something_else_is_differentiated(
    outer: Callable,
) -> None:
    f = lambda x: outer(lambda w: w * times(W)(x), W)  # noqa: E731
    np.testing.assert_allclose(jax.grad(f)(X), 120.0)


BOTH = {
    "forward": (lambda x, w: x * w, lambda g, w: g),
    "backward": (lambda x, w: x, lambda g, w: g * w),
    "both": (lambda x, w: x * w, lambda g, w: g * w),
}
DIFFERENTIATED: dict[str, Callable] = {
    "grad": lambda f: jax.grad(f)(W),
    "jit-grad": lambda f: jax.jit(jax.grad(f))(W),
    "grad-jit": lambda f: jax.grad(jax.jit(f))(W),
    "grad-vmap": lambda f: jax.grad(lambda w: jax.vmap(f)(w[None]).sum())(W),
    "vmap-grad": lambda f: jax.vmap(jax.grad(f))(W[None]),
}


@pytest.mark.parametrize("way", DIFFERENTIATED.values(), ids=DIFFERENTIATED)
@pytest.mark.parametrize("where", BOTH)
@pytest.mark.parametrize(
    "inner", [lambda f: f(X), lambda f: jax.grad(f)(X)], ids=["value", "gradient"]
)
def test_a_differentiated_closure_is_an_error(
    where: str, way: Callable, inner: Callable
) -> None:
    forward, backward = BOTH[where]

    def loss(weight):
        class Closes(Function):
            @staticmethod
            def forward(ctx, x):
                return forward(x, weight) if where != "backward" else x

            @staticmethod
            def backward(ctx, g):
                return backward(g, weight) if where != "forward" else g

        return inner(Closes.apply)

    with pytest.raises(ClosureError) as caught:
        way(loss)
    says(caught.value, "Closes", "'weight'", "argument")


def test_a_closed_over_container_is_named() -> None:
    def loss(params):
        class Closes(Function):
            @staticmethod
            def forward(ctx, x):
                return x * params["w"][0]

            @staticmethod
            def backward(ctx, g):
                return g

        return Closes.apply(X)

    with pytest.raises(ClosureError) as caught:
        jax.grad(loss)({"w": [W]})
    says(caught.value, "Closes", "'params'", "argument")


def test_passing_it_as_an_argument_is_the_way_out() -> None:
    class Passes(Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x * w

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            return g * w, 7 * g * x

    assert jax.grad(lambda w: Passes.apply(X, w))(W) == 21.0


def test_a_stopped_closure_is_no_error() -> None:
    loss = lambda w: w * times(jax.lax.stop_gradient(w))(X)  # noqa: E731
    assert jax.grad(loss)(W) == 18.0


@pytest.mark.parametrize("outer", [over_jit, over_vmap, over_scan, over_cond])
def test_no_tracer_leaks(outer: Callable) -> None:
    with jax.checking_leaks():
        # The value alone is what JAX calls a leak for any custom_vjp that closes over a
        # tracer: the equation holds the rule, and the rule holds the closure.
        np.testing.assert_allclose(outer(lambda w: jax.grad(times(w))(X), W), 60.0)
        np.testing.assert_allclose(outer(lambda w: times(W)(w), W), 8.0)


def test_no_tracer_leaks_from_state_of_an_application() -> None:
    class Keeps(Function):
        @staticmethod
        def forward(ctx, x, n):
            ctx.save_for_backward(x)
            ctx.kept = {"cos": jnp.cos(x), "n": n}
            return jnp.sin(x)

        @staticmethod
        def backward(ctx, g):
            return g * ctx.kept["cos"] * ctx.kept["n"] + 0 * ctx.saved_tensors[0], None

    f = lambda x: Keeps.apply(x, 2)  # noqa: E731
    with jax.checking_leaks():
        for run in (jax.grad(f), jax.jit(jax.grad(f)), jax.grad(jax.checkpoint(f))):
            np.testing.assert_allclose(run(X), 2 * np.cos(3.0), rtol=1e-6)
        jax.jit(Keeps.apply, static_argnums=1)(X, 2)
    # What a traced call left behind does not answer for a concrete one.
    np.testing.assert_allclose(f(X), np.sin(3.0), rtol=1e-6)


def test_a_program_is_not_cached_under_a_live_trace() -> None:
    state = {"w": W}

    class Reads(Function):
        @staticmethod
        def forward(ctx, x):
            return x * state["w"]

        @staticmethod
        def backward(ctx, g):
            return g * state["w"]

    for _ in range(3):
        jax.jit(lambda w: (state.update(w=w), Reads.apply(X))[1])(W + 3)
    state["w"] = W + 1
    for _ in range(3):
        assert Reads.apply(X) == 9.0


HELD: jax.Array | None = None


class ReadsGlobal(Function):
    @staticmethod
    def forward(ctx, x):
        return x * HELD

    @staticmethod
    def backward(ctx, g):
        return g * HELD


def test_a_tracer_in_a_global_is_named() -> None:
    def loss(w: jax.Array) -> jax.Array:
        global HELD
        HELD = w * 1.0
        return ReadsGlobal.apply(X)

    with pytest.raises(ClosureError) as caught:
        jax.grad(loss)(W)
    for part in ("ReadsGlobal", "'HELD'", "Expected", "got", "argument of apply"):
        assert part in str(caught.value)
