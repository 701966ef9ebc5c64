"""Bad classes, bad arguments, bad use of `ctx`: what the messages say."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Function
from jaxgrad.errors import (
    ArgumentError,
    ContextError,
    FunctionDefinitionError,
    InstanceCallError,
    JaxgradError,
    MissingForwardError,
)
from tests.function.functions import SaveInput, says

X = jnp.float32(2.0)


def define(**members: Any) -> type[Function]:
    """A class named `Bad`; functions become static methods."""
    plain = lambda v: staticmethod(v) if callable(v) else v  # noqa: E731
    return type("Bad", (Function,), {k: plain(v) for k, v in members.items()})


def test_forward_missing() -> None:
    bad = define(backward=lambda ctx, g: g)
    with pytest.raises(MissingForwardError) as caught:
        bad.apply(X)
    says(caught.value, "Bad", "forward", "staticmethod")
    assert isinstance(caught.value, NotImplementedError)


def test_forward_not_static() -> None:
    def use() -> None:
        class Bad(Function):
            def forward(self, x):
                return x

        Bad.apply(X)

    with pytest.raises(FunctionDefinitionError) as caught:
        use()
    says(caught.value, "Bad", "forward", "self", "staticmethod")


def test_forward_not_static_with_a_context() -> None:
    def use() -> None:
        class Bad(Function):
            def forward(self, ctx, x):
                return x

            def backward(self, ctx, g):
                return g

        Bad.apply(X)

    with pytest.raises(FunctionDefinitionError) as caught:
        use()
    says(caught.value, "Bad", "self", "staticmethod")


def test_both_backward_and_vjp() -> None:
    with pytest.raises(FunctionDefinitionError) as caught:
        define(
            forward=lambda ctx, x: x,
            backward=lambda ctx, g: g,
            vjp=lambda ctx, g: g,
        )
    says(caught.value, "Bad", "backward", "vjp", "one")


def test_both_where_one_is_inherited() -> None:
    with pytest.raises(FunctionDefinitionError) as caught:
        type("Bad", (SaveInput,), {"vjp": staticmethod(lambda ctx, g: g)})
    says(caught.value, "Bad", "backward", "vjp", "inherited")


def test_setup_context_together_with_a_ctx_forward() -> None:
    bad = define(
        forward=lambda ctx, x: x,
        setup_context=lambda ctx, inputs, output: None,
        backward=lambda ctx, g: g,
    )
    for call in (bad.apply, jax.grad(bad.apply)):
        with pytest.raises(FunctionDefinitionError) as caught:
            call(X)
        says(caught.value, "Bad", "forward", "ctx", "setup_context")


def test_a_forward_without_ctx_and_without_setup_context() -> None:
    bad = define(forward=lambda x: x, backward=lambda ctx, g: g)
    with pytest.raises(JaxgradError) as caught:
        bad.apply(X)
    assert isinstance(caught.value, TypeError)
    says(caught.value, "Bad.forward", "context")


def test_calling_an_instance() -> None:
    with pytest.warns(DeprecationWarning, match="SaveInput should not be"):
        instance = SaveInput()
    with pytest.raises(InstanceCallError) as caught:
        instance(X)
    says(caught.value, "SaveInput", "SaveInput.apply")
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize(
    ("args", "kwargs", "parts"),
    [
        ((), {}, ("missing", "'x'")),
        ((X, 1, 2), {}, ("2", "3")),
        ((X,), {"bad": 1}, ("'bad'", "n")),
        ((X,), {"x": X}, ("'x'",)),
    ],
    ids=["missing", "too-many", "unknown", "duplicate"],
)
def test_arguments(args: tuple, kwargs: dict, parts: tuple) -> None:
    bad = define(forward=lambda ctx, x, n=1: x)
    with pytest.raises(ArgumentError) as caught:
        bad.apply(*args, **kwargs)
    says(caught.value, "Bad", "x", *parts)


SAVES: dict[str, tuple[Callable, tuple[str, ...]]] = {
    "int": (lambda ctx, x: ctx.save_for_backward(3), ("save_for_backward", "int")),
    "second": (
        lambda ctx, x: ctx.save_for_backward(x, "s"),
        ("save_for_backward", "1", "str"),
    ),
    "list": (lambda ctx, x: ctx.save_for_backward([x]), ("save_for_backward", "list")),
    "forward": (
        lambda ctx, x: ctx.save_for_forward(2.0),
        ("save_for_forward", "float"),
    ),
}


@pytest.mark.parametrize("name", SAVES)
@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit, jax.grad])
def test_saving_what_is_no_array(name: str, wrap: Callable) -> None:
    save, parts = SAVES[name]

    def forward(ctx, x):
        save(ctx, x)
        return x

    bad = define(forward=forward, backward=lambda ctx, g: g)
    with pytest.raises(ContextError) as caught:
        wrap(bad.apply)(X)
    says(caught.value, "Bad", *parts, "attribute")
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit, jax.grad])
@pytest.mark.parametrize("save", [False, True])
def test_reading_saved_tensors_in_forward(save: bool, wrap: Callable) -> None:
    def forward(ctx, x):
        if save:
            ctx.save_for_backward(x)
        return ctx.saved_tensors[0]

    bad = define(forward=forward, backward=lambda ctx, g: g)
    with pytest.raises(ContextError) as caught:
        wrap(bad.apply)(X)
    says(caught.value, "Bad", "saved_tensors", "forward", "backward")
    assert isinstance(caught.value, RuntimeError)


def test_reading_in_jvp_what_was_saved_for_backward_alone() -> None:
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    bad = define(forward=forward, jvp=lambda ctx, t: 2 * ctx.saved_tensors[0] * t)
    with pytest.raises(ContextError) as caught:
        jax.jvp(bad.apply, (X,), (X,))
    says(caught.value, "Bad", "jvp", "saved_tensors", "save_for_forward")


@pytest.mark.parametrize("value", [3, "text", None])
def test_marking_what_is_no_array(value: Any) -> None:
    def forward(ctx, x):
        ctx.mark_non_differentiable(value)
        return x

    with pytest.raises(ContextError) as caught:
        define(forward=forward).apply(X)
    says(caught.value, "Bad", "mark_non_differentiable", type(value).__name__)


def test_set_materialize_grads_takes_a_bool() -> None:
    def forward(ctx, x):
        ctx.set_materialize_grads("no")
        return x

    with pytest.raises(ContextError) as caught:
        define(forward=forward).apply(X)
    says(caught.value, "Bad", "set_materialize_grads", "True", "False", "str")


def test_saved_tensors_can_not_be_set() -> None:
    def forward(ctx, x):
        ctx.saved_tensors = (x,)
        return x

    with pytest.raises((ContextError, AttributeError), match="save"):
        define(forward=forward).apply(X)
