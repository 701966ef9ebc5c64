"""Rows 1.29 to 1.39: how a class is written."""

from typing import Any

import jax
import pytest

from jaxgrad import Function
from jaxgrad.errors import (
    FunctionDefinitionError,
    InstanceCallError,
    JaxgradError,
    MissingBackwardError,
    MissingForwardError,
)
from tests.function.functions import SaveInput
from tests.function.rows.functions import Double, V, X, define, refuses


def test_row_1_29() -> None:
    """An instance has no use, and making one is deprecated, as in torch."""
    with pytest.warns(DeprecationWarning, match=r"SaveInput.*instan"):
        SaveInput()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_row_1_30() -> None:
    error = refuses(
        InstanceCallError, lambda: SaveInput()(X), "SaveInput", "SaveInput.apply"
    )
    assert isinstance(error, RuntimeError)


def test_row_1_31() -> None:
    error = refuses(
        MissingForwardError, lambda: define().apply(X), "F", "forward", "staticmethod"
    )
    assert isinstance(error, NotImplementedError)


def test_row_1_32() -> None:
    f = define(forward=lambda ctx, x: 2 * x)
    assert f.apply(X) == 4.0
    value, pull = jax.vjp(f.apply, X)
    assert value == 4.0  # forward is fine under differentiation too
    error = refuses(MissingBackwardError, lambda: pull(X), "F", "backward", "vjp")
    assert isinstance(error, NotImplementedError)


def rule(ctx: Any, g: Any) -> Any:
    return 7 * g


def test_row_1_33() -> None:
    """Refused when the class is made, inherited ones included."""
    f = define(forward=lambda ctx, x: 2 * x, vjp=rule)
    assert jax.grad(f.apply)(X) == 7.0
    parts = ("backward", "vjp", "one of them")
    refuses(
        FunctionDefinitionError, lambda: define(backward=rule, vjp=rule), "F", *parts
    )
    refuses(
        FunctionDefinitionError,
        lambda: type("Child", (SaveInput,), {"vjp": staticmethod(rule)}),
        "Child",
        *parts,
    )


def test_row_1_34() -> None:
    f = define(forward=lambda ctx, x: 2 * x, vjp=rule).apply
    assert jax.jit(jax.grad(f))(X) == 7.0
    assert jax.vmap(jax.grad(f))(V)[0] == 7.0
    assert jax.jacrev(f)(X) == 7.0


def test_row_1_35() -> None:
    f = define(forward=lambda ctx, x, y: x * y, backward=lambda c, g: (7 * g, None))
    parts = ("F", "jvp", "generate_jvp_rule = True")
    refuses(TypeError, lambda: jax.jvp(lambda x: f.apply(x, X), (X,), (X,)), *parts)
    constant = lambda x: x * f.apply(X, X)  # noqa: E731
    assert jax.jvp(constant, (X,), (X,)) == (8.0, 8.0)  # no tangent reaches it


def test_row_1_36() -> None:
    class Plain(Function):
        def forward(ctx, x):
            return 2 * x

        def backward(ctx, g):
            return 7 * g

    class OfClass(Function):
        factor = 7

        @classmethod
        def forward(cls, x: Any) -> Any:
            return 2 * x

        @classmethod
        def setup_context(cls, ctx: Any, inputs: tuple, output: Any) -> None:
            ctx.factor = cls.factor

        @classmethod
        def backward(cls, ctx: Any, g: Any) -> Any:
            return ctx.factor * g

    for f in (Plain, OfClass):
        assert jax.value_and_grad(f.apply)(X) == (4.0, 7.0)

    class Bad(Function):
        def forward(self, x):
            return x

    refuses(
        FunctionDefinitionError,
        lambda: Bad.apply(X),
        "Bad.forward",
        "self",
        "staticmethod",
    )


def test_row_1_37() -> None:
    """An inherited setup_context counts, and so does one that is a classmethod."""

    class Child(Double):
        @staticmethod
        def forward(x: Any) -> Any:
            return 3 * x

    class OfClass(Child):
        @classmethod
        def setup_context(cls, ctx: Any, inputs: tuple, output: Any) -> None:
            ctx.inputs = inputs

    for f in (Child, OfClass):
        assert jax.value_and_grad(f.apply)(X) == (6.0, 7.0)


def test_row_1_38() -> None:
    both = define(
        forward=lambda ctx, x: x, setup_context=lambda ctx, inputs, output: None
    )
    refuses(FunctionDefinitionError, lambda: both.apply(X), "F", "ctx", "setup_context")
    neither = define(forward=lambda x: x)
    error = refuses(JaxgradError, lambda: neither.apply(X), "F.forward", "context")
    assert isinstance(error, TypeError)


def test_row_1_39() -> None:
    reaches = []

    class Base(Function):
        factor = 7

        @classmethod
        def forward(cls, ctx: Any, x: Any) -> Any:
            reaches.append(hasattr(ctx, "factor"))
            return 2 * x

        @classmethod
        def backward(cls, ctx: Any, g: Any) -> Any:
            return cls.factor * g

    class Child(Base):
        factor = 11

    assert jax.grad(Base.apply)(X) == 7.0
    assert jax.grad(Child.apply)(X) == 11.0
    assert reaches
    assert not any(reaches)
