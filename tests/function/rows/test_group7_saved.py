"""Rows 7.1 to 7.13: hooks on saved tensors."""

import threading
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import errors
from jaxgrad.errors import ContextError
from tests.function.functions import SaveInput
from tests.function.rows.functions import V, X, define, refuses

calls: list = []


def note(name: str) -> Any:
    def hook(value: Any) -> Any:
        calls.append(name)
        return value

    return hook


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    calls.clear()


def saves(ctx: Any, x: Any) -> Any:
    ctx.save_for_backward(x, None, 3 * x)
    ctx.attribute = 5 * x
    return 2 * x


def reads(ctx: Any, g: Any) -> Any:
    x, none, tripled = ctx.saved_tensors
    assert none is None
    return 10 * x * g + 0 * tripled + 0 * ctx.attribute


Saves = define(forward=saves, backward=reads)


def pulled(pack: Any, unpack: Any, cls: Any = Saves, at: Any = X) -> Any:
    """The gradient; only forward is inside the hooks."""
    with jaxgrad.saved_tensors_hooks(pack, unpack):
        value, pull = jax.vjp(cls.apply, at)
    return pull(jnp.ones_like(value))[0]


def test_row_7_1() -> None:
    """Pack after forward, in order, not for None; unpack at each reading."""
    order: list = []

    def pack(value: Any) -> Any:
        order.append(float(value))
        return value

    def twice(ctx: Any, g: Any) -> Any:
        assert len(ctx.saved_tensors) == 3
        return reads(ctx, g)

    def unpack(value: Any) -> Any:
        order.append("unpack")
        return value

    cls = define(forward=saves, backward=twice)
    assert pulled(pack, unpack, cls) == 20.0
    assert order == [2.0, 6.0] + ["unpack"] * 4
    silent = define(forward=saves, backward=lambda ctx, g: 7 * g)
    order.clear()
    assert pulled(pack, unpack, silent) == 7.0
    assert order == [2.0, 6.0]


def test_row_7_2() -> None:
    """What is packed is a pytree of arrays and static values."""
    pack = lambda v: {"half": (v / 2, "note"), "shape": v.shape}  # noqa: E731
    seen = []

    def unpack(packed: Any) -> Any:
        seen.append((packed["half"][1], packed["shape"]))
        return 2 * packed["half"][0]

    assert pulled(pack, unpack) == 20.0
    assert set(seen) == {("note", ())}
    with jaxgrad.saved_tensors_hooks(pack, unpack):
        assert jax.jit(jax.grad(Saves.apply))(X) == 20.0


def test_row_7_3() -> None:
    got = pulled(lambda v: v, lambda v: 10 * v, SaveInput, V)
    np.testing.assert_array_equal(got, 100 * (10 * V) ** 2)


@pytest.mark.parametrize("value", [3, None, "text"])
def test_row_7_4(value: Any) -> None:
    error = refuses(
        errors.HookError,
        lambda: pulled(lambda v: v, lambda v: value),
        "unpack",
        type(value).__name__,
    )
    assert isinstance(error, TypeError)


def test_row_7_5() -> None:
    def pack(value: Any) -> Any:
        value[0] = 9.0
        return value

    refuses(TypeError, lambda: pulled(pack, lambda v: v, SaveInput, V), "immutable")


def fails(value: Any) -> Any:
    raise ZeroDivisionError("mine")


def test_row_7_6() -> None:
    same = lambda v: v  # noqa: E731
    with jaxgrad.saved_tensors_hooks(fails, same):
        refuses(ZeroDivisionError, lambda: jax.vjp(Saves.apply, X), "mine")
    with jaxgrad.saved_tensors_hooks(same, fails):
        _, pull = jax.vjp(Saves.apply, X)  # forward is fine
    refuses(ZeroDivisionError, lambda: pull(X), "mine")


def test_row_7_7() -> None:
    with (
        jaxgrad.saved_tensors_hooks(note("outer"), note("outer")),
        jaxgrad.saved_tensors_hooks(note("inner"), note("inner")),
    ):
        jax.grad(Saves.apply)(X)
    assert set(calls) == {"inner"}


def test_row_7_8() -> None:
    def enter(inside: bool) -> None:
        hooks = jaxgrad.saved_tensors_hooks(note("a"), note("b"))
        off = jaxgrad.disable_saved_tensors_hooks("nope!")
        first, second = (off, hooks) if inside else (hooks, off)
        with first, second:
            pass

    for inside in (True, False):
        refuses(errors.HookError, lambda i=inside: enter(i), "nope!")
    pulled(note("pack"), note("unpack"))  # allowed again
    assert calls == ["pack", "pack", "unpack", "unpack"]


def test_row_7_9() -> None:
    def backward(ctx: Any, g: Any) -> Any:
        return ctx._raw_saved_tensors[0].register_hooks(note("a"), note("b"))

    f = define(forward=saves, backward=backward)
    error = refuses(
        ContextError, lambda: jax.grad(f.apply)(X), "F", "saved_tensors_hooks"
    )
    assert isinstance(error, AttributeError)


def test_row_7_10() -> None:
    """Nothing is packed where nothing is differentiated, nor are attributes."""
    with jaxgrad.saved_tensors_hooks(note("pack"), note("unpack")):
        assert Saves.apply(X) == 4.0
        assert calls == []
        assert jax.grad(Saves.apply)(X) == 20.0
    assert calls.count("pack") == 2


def test_row_7_11() -> None:
    with jaxgrad.save_on_host():
        assert jax.grad(Saves.apply)(X) == 20.0
        assert jax.jit(jax.grad(SaveInput.apply))(X) == 400.0


def test_row_7_12() -> None:
    """Hooks work under every transformation."""
    with jaxgrad.saved_tensors_hooks(lambda v: v, lambda v: 10 * v):
        np.testing.assert_array_equal(jax.vmap(jax.grad(Saves.apply))(V), 100 * V)
        np.testing.assert_array_equal(jax.jacrev(Saves.apply)(X), 200.0)
        assert jax.grad(jax.grad(Saves.apply))(X) == 100.0


def test_row_7_13() -> None:
    """There is no mutation to allow."""
    assert not hasattr(jaxgrad, "allow_mutation_on_saved_tensors")
    refuses(TypeError, lambda: V.__setitem__(0, 1.0), "immutable")


def test_hooks_are_those_of_the_thread() -> None:
    with jaxgrad.saved_tensors_hooks(note("pack"), note("unpack")):
        thread = threading.Thread(target=lambda: jax.grad(Saves.apply)(X))
        thread.start()
        thread.join()
    assert calls == []
