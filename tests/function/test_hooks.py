"""Saved-tensor hooks: which tensors, in which order, whose hooks, at which orders."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import Context, Function, packers, saved_tensors_hooks
from jaxgrad.errors import ClosureError, HookError

X = jnp.array([0.5, -1.0, 2.0])


class MarkedSquare(Function):
    """`x * x` with the rule `5 x g`; saves its input."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (x,) = ctx.saved_tensors
        return 5 * x * g


class MarkedExp(Function):
    """`exp` with the rule `3 y g`; saves its output, and answers forward mode."""

    generate_jvp_rule = True

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        y = jnp.exp(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (y,) = ctx.saved_tensors
        return 3 * y * g


class Three(Function):
    """Saves input, None, output and an intermediate; keeps an attribute."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        c = jnp.cos(x)
        y = jnp.sin(x)
        ctx.save_for_backward(x, None, y, c)
        ctx.twice = 2 * x
        return y

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        x, nothing, y, c = ctx.saved_tensors
        assert nothing is None
        return g * (x + 10 * y + 100 * c + 1000 * ctx.twice)


def times(factor: float) -> saved_tensors_hooks:
    return saved_tensors_hooks(lambda x: factor * x, lambda x: x)


def grad(cls: Any, x: jax.Array = X) -> jax.Array:
    return jax.grad(lambda x: cls.apply(x).sum())(x)


class Log:
    """Hooks that note what they are given."""

    def __init__(self, name: str = "") -> None:
        self.events: list[str] = []
        self.name = name

    def pack(self, x: Any) -> Any:
        self.events.append(f"pack{self.name} {float(x.ravel()[0]):.2f}")
        return x

    def unpack(self, x: Any) -> Any:
        self.events.append(f"unpack{self.name} {float(x.ravel()[0]):.2f}")
        return x


def test_every_saved_tensor_is_packed_once_and_in_order() -> None:
    log = Log()
    with saved_tensors_hooks(log.pack, log.unpack):
        _, back = jax.vjp(Three.apply, jnp.array([0.5]))
        packed = ["pack 0.50", "pack 0.48", "pack 0.88"]
        assert log.events == packed
    back(jnp.ones(1))  # outside: the hooks were captured
    assert log.events == [*packed, "unpack 0.50", "unpack 0.48", "unpack 0.88"]


def test_attributes_are_not_packed() -> None:
    with times(0.0):
        np.testing.assert_allclose(grad(Three), 2000 * X, rtol=1e-6)


def test_nothing_is_packed_where_nothing_is_differentiated() -> None:
    log = Log()
    with saved_tensors_hooks(log.pack, log.unpack):
        Three.apply(X)
        jax.jit(Three.apply)(X)
    assert log.events == []


def test_unpack_runs_at_every_read() -> None:
    class Reads(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            ctx.save_for_backward(x)
            return x * 1.0

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return g * (ctx.saved_tensors[0] + ctx.saved_tensors[0])

    class Blind(Reads):
        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return 7 * g

    log = Log()
    with saved_tensors_hooks(log.pack, log.unpack):
        np.testing.assert_allclose(grad(Reads), 2 * X)
        assert log.events == ["pack 0.50", "unpack 0.50", "unpack 0.50"]
        np.testing.assert_allclose(grad(Blind), [7.0, 7.0, 7.0])
    assert log.events[3:] == ["pack 0.50"]


def test_the_innermost_hooks_count() -> None:
    outer, inner = Log(" outer"), Log(" inner")
    with saved_tensors_hooks(outer.pack, outer.unpack):
        with saved_tensors_hooks(inner.pack, inner.unpack):
            _, back = jax.vjp(MarkedSquare.apply, X)
        back(X)
        assert (outer.events, len(inner.events)) == ([], 2)
        jax.vjp(MarkedSquare.apply, X)
    jax.vjp(MarkedSquare.apply, X)
    assert outer.events == ["pack outer 0.50"]


def test_regions_end_in_the_reverse_order_also_after_errors() -> None:
    with times(10.0):
        with contextlib.suppress(ZeroDivisionError), times(100.0):
            raise ZeroDivisionError
        np.testing.assert_allclose(grad(MarkedSquare), 50 * X)
    np.testing.assert_allclose(grad(MarkedSquare), 5 * X)


def test_one_region_can_be_entered_again_and_decorate() -> None:
    region = times(10.0)
    with region, region:
        np.testing.assert_allclose(grad(MarkedSquare), 50 * X)
    np.testing.assert_allclose(grad(MarkedSquare), 5 * X)
    np.testing.assert_allclose(region(grad)(MarkedSquare), 50 * X)


WRAP: dict[str, Callable[..., Any]] = {
    "eager": lambda f: f,
    "jit": jax.jit,
    "checkpoint": jax.checkpoint,
    "vmap": lambda f: lambda x: jax.vmap(f)(x[None])[0],
    "jit of vmap": lambda f: jax.jit(lambda x: jax.vmap(f)(x[None])[0]),
    "scan": lambda f: lambda x: jax.lax.scan(lambda c, _: (c, f(c)), x, None, 1)[1][0],
}


@pytest.mark.parametrize("outer", WRAP)
@pytest.mark.parametrize("inner", WRAP)
def test_hooks_hold_at_every_order(inner: str, outer: str) -> None:
    """With saved values ten times too large, the rules are marked twice."""
    y = np.exp(X)

    def first(cls: Any) -> Any:
        apply = WRAP[inner](lambda x: cls.apply(x))
        return jax.grad(lambda x: apply(x).sum())

    def second(cls: Any) -> Any:
        g = WRAP[outer](first(cls))
        return jax.grad(lambda x: g(x).sum())

    with times(10.0):
        np.testing.assert_allclose(first(MarkedSquare)(X), 50 * X, rtol=1e-6)
        np.testing.assert_allclose(second(MarkedSquare)(X), np.full(3, 50.0))
        np.testing.assert_allclose(first(MarkedExp)(X), 30 * y, rtol=1e-5)
        np.testing.assert_allclose(second(MarkedExp)(X), 900 * y, rtol=1e-5)


def test_a_function_that_was_jitted_before_is_traced_again() -> None:
    jitted = jax.jit(jax.grad(lambda x: MarkedSquare.apply(x).sum()))
    region = times(10.0)
    np.testing.assert_allclose(jitted(X), 5 * X)
    with region:
        np.testing.assert_allclose(jitted(X), 50 * X)
    np.testing.assert_allclose(jitted(X), 5 * X)


def test_forward_mode_of_a_derived_rule_uses_them_too() -> None:
    with times(10.0):
        _, tangent = jax.jvp(MarkedExp.apply, (X,), (jnp.ones(3),))
    np.testing.assert_allclose(tangent, 30 * np.exp(X), rtol=1e-5)


def test_threads_have_hooks_of_their_own() -> None:
    seen: dict[str, Any] = {}

    def run() -> None:
        seen["none"] = grad(MarkedSquare)
        with times(2.0):
            seen["own"] = grad(MarkedSquare)

    with times(10.0):
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        np.testing.assert_allclose(grad(MarkedSquare), 50 * X)
    np.testing.assert_allclose(seen["none"], 5 * X)
    np.testing.assert_allclose(seen["own"], 10 * X)


def test_packed_values_may_be_any_pytree() -> None:
    def pack(x: Any) -> Any:
        return {"parts": (x[:1], x[1:]), "note": "two parts", "none": None}

    def unpack(packed: Any) -> Any:
        assert packed["note"] == "two parts"
        assert packed["none"] is None
        return jnp.concatenate(packed["parts"])

    with saved_tensors_hooks(pack, unpack):
        np.testing.assert_allclose(grad(MarkedSquare), 5 * X)
        np.testing.assert_allclose(jax.jit(grad, static_argnums=0)(MarkedSquare), 5 * X)
        second = jax.grad(lambda x: grad(MarkedSquare, x).sum())(X)
    np.testing.assert_allclose(second, np.full(3, 5.0))


def test_once_differentiable_and_hooks() -> None:
    class Once(MarkedSquare):
        @staticmethod
        @jaxgrad.once_differentiable
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            (x,) = ctx.saved_tensors
            return 5 * x * g

    with saved_tensors_hooks(packers.int8):
        np.testing.assert_allclose(grad(Once), 5 * X, rtol=0.01)
        with pytest.raises((HookError, jaxgrad.errors.OnceDifferentiableError)):
            jax.grad(lambda x: grad(Once, x).sum())(X)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit, jax.checkpoint])
def test_a_packer_that_loses_the_derivative_is_an_error_at_second_order(
    wrap: Callable,
) -> None:
    with saved_tensors_hooks(packers.int8):
        first = wrap(lambda x: grad(MarkedSquare, x))
        np.testing.assert_allclose(first(X), 5 * X, rtol=0.01)
        # The value of an inner gradient is a first derivative.
        both = jax.value_and_grad(lambda x: MarkedSquare.apply(x).sum())
        np.testing.assert_allclose(jax.grad(lambda x: both(x)[0])(X), 5 * X, rtol=0.01)
        with pytest.raises(HookError, match=r"MarkedSquare.*int8.*derivative"):
            jax.grad(lambda x: first(x).sum())(X)
        with pytest.raises(HookError, match="int8"):
            jax.vmap(jax.grad(jax.grad(MarkedSquare.apply)))(X)


@pytest.mark.parametrize("value", [3, None, "text", [1.0]])
def test_unpack_must_give_an_array(value: Any) -> None:
    with (
        saved_tensors_hooks(lambda x: x, lambda x: value),
        pytest.raises(HookError, match=r"MarkedSquare.*unpack hook.*\n.*got"),
    ):
        grad(MarkedSquare)


def test_exceptions_of_hooks_pass_through() -> None:
    def fail(x: Any) -> Any:
        raise ZeroDivisionError("in the hook")

    with (
        saved_tensors_hooks(fail, lambda x: x),
        pytest.raises(ZeroDivisionError, match="in the hook"),
    ):
        jax.vjp(MarkedSquare.apply, X)
    with saved_tensors_hooks(lambda x: x, fail):
        _, back = jax.vjp(MarkedSquare.apply, X)
    with pytest.raises(ZeroDivisionError, match="in the hook"):
        back(X)


@pytest.mark.parametrize("args", [(3, 4), (lambda x: x,), (lambda x: x, None)])
def test_hooks_are_two_functions(args: Any) -> None:
    with pytest.raises(HookError, match="pack and unpack"):
        saved_tensors_hooks(*args)


def test_disabled_hooks_raise_on_entering() -> None:
    disable = jaxgrad.disable_saved_tensors_hooks
    with disable("no hooks here"), disable("nor here"):
        with pytest.raises(HookError, match="nor here"), times(2.0):
            pass
        np.testing.assert_allclose(grad(MarkedSquare), 5 * X)
    with times(2.0), pytest.raises(HookError, match="too late"), disable("too late"):
        pass
    with times(2.0):
        np.testing.assert_allclose(grad(MarkedSquare), 10 * X)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
def test_saving_on_the_host_changes_nothing_else(wrap: Callable) -> None:
    with jaxgrad.save_on_host():
        first = wrap(lambda x: grad(MarkedExp, x))
        second = wrap(jax.grad(lambda x: grad(MarkedExp, x).sum()))
        np.testing.assert_allclose(first(X), 3 * np.exp(X), rtol=1e-5)
        np.testing.assert_allclose(second(X), 9 * np.exp(X), rtol=1e-5)
        integers = jax.vjp(Take.apply, X, jnp.array([2, 0]))[1](jnp.ones(2))[0]
    np.testing.assert_allclose(integers, [1.0, 0.0, 1.0])


class Take(Function):
    """Saves integers."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array, at: jax.Array) -> jax.Array:
        ctx.save_for_backward(x, at)
        return x[at]

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, None]:
        x, at = ctx.saved_tensors
        return jnp.zeros_like(x).at[at].add(g), None


def test_what_is_saved_on_the_host_is_there() -> None:
    with jaxgrad.save_on_host():
        jaxpr = jax.make_jaxpr(lambda x: jax.vjp(MarkedSquare.apply, x)[1])(X)
    spaces = {str(v.aval.memory_space) for v in jaxpr.jaxpr.outvars}
    assert "MemorySpace.Host" in spaces


def test_a_platform_without_host_memory_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Device:
        def addressable_memories(self) -> list[Any]:
            return []

    monkeypatch.setattr(jax, "devices", lambda: [Device()])
    with pytest.raises(HookError, match="pinned_host"):
        jaxgrad.save_on_host()


@pytest.mark.parametrize("wrap", WRAP)
def test_a_region_inside_a_transformed_function_holds(wrap: str) -> None:
    """Forward may be traced for its gradient when the region is over."""

    def inside(x: jax.Array) -> jax.Array:
        with times(10.0):
            return MarkedSquare.apply(x)

    got = jax.grad(lambda x: WRAP[wrap](inside)(x).sum())(X)
    np.testing.assert_allclose(got, 50 * X)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
def test_hooks_may_close_over_values_of_an_outer_jit(wrap: Callable) -> None:
    def run(x: jax.Array, factor: jax.Array) -> jax.Array:
        with saved_tensors_hooks(lambda x: factor * x, lambda x: factor * x):
            return jax.grad(lambda x: wrap(MarkedSquare.apply)(x).sum())(x)

    np.testing.assert_allclose(jax.jit(run)(X, jnp.float32(3.0)), 45 * X)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit])
def test_hooks_must_not_close_over_what_is_differentiated(wrap: Callable) -> None:
    def run(factor: jax.Array) -> jax.Array:
        with saved_tensors_hooks(lambda x: x, lambda x: factor * x):
            return jax.grad(lambda x: wrap(MarkedSquare.apply)(x).sum())(X).sum()

    with pytest.raises(ClosureError, match=r"hooks .* MarkedSquare close over 'factor"):
        wrap(jax.grad(run))(jnp.float32(3.0))


def test_a_packed_value_must_not_hide_arrays() -> None:
    class Box:
        def __init__(self, value: Any) -> None:
            self.value = value

    with saved_tensors_hooks(Box, lambda box: box.value):
        np.testing.assert_allclose(grad(MarkedSquare), 5 * X)  # concrete
        with pytest.raises(HookError, match=r"MarkedSquare.*Box that holds a traced"):
            jax.jit(lambda x: grad(MarkedSquare, x))(X)
