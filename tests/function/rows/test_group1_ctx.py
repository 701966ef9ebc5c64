"""Rows 1.1 to 1.9: what the context is, and what it says of saved tensors."""

from typing import Any

import jax
import pytest

from jaxgrad import Context, Function
from jaxgrad.errors import ContextError
from tests.function.functions import SaveInput
from tests.function.rows.functions import (
    ALL_ASKED,
    TRACES,
    V,
    X,
    define,
    in_forward,
    refuses,
    twice_saved,
)


def contexts(cls: type[Function]) -> list:
    """The contexts that forward and backward of a subclass of `cls` are given."""
    seen: list = []

    class Sees(cls):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            seen.append(ctx)
            return 2 * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            seen.append(ctx)
            return 7 * g

    jax.grad(Sees.apply)(X)
    return seen


def test_row_1_1() -> None:
    """No class of nodes is made for a Function: its context is a Context."""
    for ctx in contexts(Function):
        assert type(ctx) is Context
    for name in ("_backward_cls", "_autograd_function_id"):
        assert not hasattr(SaveInput, name)


def test_row_1_2() -> None:
    names = []
    named = lambda ctx, *_: names.append(ctx.name())  # noqa: E731

    def backward(ctx: Any, g: Any) -> Any:
        named(ctx)
        return 7 * g

    f = in_forward(named, backward=backward).apply
    for way in (jax.grad(f), jax.grad(jax.jit(f)), lambda x: jax.vmap(jax.grad(f))(V)):
        way(X)
    assert set(names) == {"FBackward"}
    assert len(names) >= 6


def test_row_1_3() -> None:
    """One for each argument, and true for what is differentiated; not to be set."""
    flags = []

    def forward(ctx: Any, x: Any, y: Any, n: Any) -> Any:
        flags.append(ctx.needs_input_grad)
        return x * y * n

    f = define(forward=forward, backward=lambda ctx, g: (7 * g, 11 * g, None))
    assert jax.grad(f.apply)(X, X, 3) == 7.0
    assert jax.grad(f.apply, 1)(X, X, 3) == 11.0
    first, second = flags[0], flags[-1]
    assert first == (True, ALL_ASKED, False)
    assert second == (ALL_ASKED, True, False)

    def sets(ctx: Any, x: Any) -> None:
        ctx.needs_input_grad = (True,)

    refuses(AttributeError, lambda: in_forward(sets).apply(X), "needs_input_grad")


def test_row_1_4() -> None:
    assert jax.grad(twice_saved(lambda x: (x, None)).apply)(X) == 20.0
    bad = in_forward(lambda ctx, x: ctx.save_for_backward(x, 3))
    for call in (bad.apply, jax.grad(bad.apply)):  # checked where nothing needs it too
        error = refuses(
            ContextError, lambda c=call: c(X), "F", "save_for_backward", "1", "int 3"
        )
        assert isinstance(error, TypeError)


def test_row_1_5() -> None:
    """Read in backward; in forward only what save_for_forward kept."""
    reads: list = []

    def say(ctx: Any, x: Any) -> None:
        ctx.save_for_forward(x)
        reads.append(ctx.saved_tensors)
        ctx.save_for_backward(x, x)

    def backward(ctx: Any, g: Any) -> Any:
        reads.append(ctx.saved_tensors)
        assert ctx.saved_tensors[0] is ctx.saved_tensors[1]
        return 7 * g

    jax.grad(in_forward(say, backward=backward).apply)(X)
    assert {type(read) for read in reads} == {tuple}
    assert [len(read) for read in reads] == [1] * TRACES + [2]
    early = in_forward(lambda ctx, x: ctx.saved_tensors)
    refuses(
        ContextError, lambda: early.apply(X), "F.forward", "saved_tensors", "backward"
    )

    def sets(ctx: Any, x: Any) -> None:
        ctx.saved_tensors = (x,)

    refuses(AttributeError, lambda: in_forward(sets).apply(X), "saved_tensors")


def test_row_1_6() -> None:
    """Nothing is freed while the pullback lives."""
    _, pull = jax.vjp(SaveInput.apply, X)
    assert [pull(X)[0] for _ in range(3)] == [800.0] * 3


def test_row_1_7() -> None:
    def backward(ctx: Any, g: Any) -> Any:
        with pytest.warns(DeprecationWarning, match="saved_tensors"):
            (x,) = ctx.saved_variables
        return 100 * x**2 * g

    f = define(forward=SaveInput.forward, backward=backward)
    assert jax.grad(f.apply)(X) == 400.0


def test_row_1_8() -> None:
    """Hooks are set for a region of code, not on one saved tensor."""

    def backward(ctx: Any, g: Any) -> Any:
        return ctx._raw_saved_tensors[0]

    f = define(forward=SaveInput.forward, backward=backward)
    error = refuses(
        AttributeError,
        lambda: jax.grad(f.apply)(X),
        "_raw_saved_tensors",
        "saved_tensors_hooks",
    )
    assert isinstance(error, ContextError)


def test_row_1_9() -> None:
    reads = []

    def say(ctx: Any, x: Any) -> None:
        reads.append(ctx.to_save)
        ctx.save_for_backward(x, None)
        reads.append(ctx.to_save)

    jax.grad(in_forward(say).apply)(X)
    assert reads[0] is None
    assert type(reads[1]) is tuple
    assert reads[1][1] is None
    assert len(reads[1]) == 2

    def sets(ctx: Any, x: Any) -> None:
        ctx.to_save = (3 * x,)

    f = in_forward(sets, backward=lambda ctx, g: ctx.saved_tensors[0] * g)
    assert jax.grad(f.apply)(X) == 6.0
    bad = in_forward(lambda ctx, x: setattr(ctx, "to_save", [x]))
    refuses(ContextError, lambda: bad.apply(X), "F", "to_save", "tuple", "list")
