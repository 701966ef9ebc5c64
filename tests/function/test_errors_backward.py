"""Bad gradients: what the messages say, under every way of reaching them."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Function
from jaxgrad.errors import (
    BackwardError,
    GradientCountError,
    GradientShapeError,
    GradientStructureError,
    GradientTypeError,
    JaxgradError,
    TangentError,
)
from tests.function.functions import says

WAYS = {
    "eager": lambda f: jax.grad(f),
    "jit-grad": lambda f: jax.jit(jax.grad(f)),
    "grad-jit": lambda f: jax.grad(jax.jit(f)),
    "vjp": lambda f: lambda x: jax.vjp(f, x)[1](jnp.float32(1.0)),
    "scan": lambda f: jax.grad(
        lambda x: jax.lax.scan(lambda c, _: (c + f(x), None), 0.0, None, length=2)[0]
    ),
}


class Params(Function):
    """The sum of everything in `params`; its gradient is whatever `returns` gives."""

    returns: Callable

    @staticmethod
    def forward(ctx, params, mode):
        return sum(v.sum().real.astype(jnp.float32) for v in jax.tree.leaves(params))

    @classmethod
    def backward(cls, ctx, g):
        return cls.returns(g)


def returning(returns: Callable, **attributes: Any) -> Callable:
    members = {"returns": staticmethod(returns), **attributes}
    cls = type("Params", (Params,), members)
    return lambda params: cls.apply(params, "sum")


ONES = jnp.ones(3)
TREE = {"w": jnp.ones((2, 3)), "b": [jnp.ones(3)]}
W, B = TREE["w"], TREE["b"]

# What is differentiated, what backward returns, the error, what the message says.
BAD: dict[str, tuple[Any, Callable, type[Exception], tuple[str, ...]]] = {
    "too-few": (ONES, lambda g: (g,), GradientCountError, ("2", "1", "params", "mode")),
    "none-at-all": (ONES, lambda g: (), GradientCountError, ("2", "0", "None")),
    "too-many": (
        ONES,
        lambda g: (g * ONES, None, g),
        GradientCountError,
        ("2", "3", "params", "mode"),
    ),
    "too-many-list": (
        ONES,
        lambda g: [g * ONES, None, None, g],
        GradientCountError,
        ("2", "4"),
    ),
    "static": (
        ONES,
        lambda g: (g * ONES, g),
        BackwardError,
        ("mode", "static", "f32[]", "None"),
    ),
    "shape": (
        ONES,
        lambda g: (jnp.ones(4), None),
        GradientShapeError,
        ("params", "f32[3]", "f32[4]"),
    ),
    "smaller": (
        ONES,
        lambda g: (jnp.ones(()), None),
        GradientShapeError,
        ("params", "f32[3]", "f32[]", "broadcast"),
    ),
    "smaller-axis": (
        ONES,
        lambda g: (jnp.ones(1), None),
        GradientShapeError,
        ("params", "f32[3]", "f32[1]"),
    ),
    "column": (
        ONES,
        lambda g: (jnp.ones((3, 1)), None),
        GradientShapeError,
        ("params", "f32[3]", "f32[3,1]"),
    ),
    "shape-in-tree": (
        TREE,
        lambda g: ({"w": jnp.ones((3, 2)), "b": B}, None),
        GradientShapeError,
        ("params['w']", "f32[2,3]", "f32[3,2]"),
    ),
    "complex": (
        ONES,
        lambda g: (jnp.ones(3, "complex64"), None),
        GradientTypeError,
        ("params", "f32[3]", "c64[3]", "real"),
    ),
    "complex-in-tree": (
        TREE,
        lambda g: ({"w": W, "b": [1j * B[0]]}, None),
        GradientTypeError,
        ("params['b'][0]", "f32[3]", "c64[3]", "real"),
    ),
    "string": (
        ONES,
        lambda g: ("text", None),
        GradientTypeError,
        ("params", "str", "f32[3]", "None"),
    ),
    "object": (
        ONES,
        lambda g: (object(), None),
        GradientTypeError,
        ("params", "object", "f32[3]"),
    ),
    "object-in-tree": (
        TREE,
        lambda g: ({"w": W, "b": ["text"]}, None),
        GradientTypeError,
        ("params['b'][0]", "str", "f32[3]"),
    ),
    "container-for-array": (
        ONES,
        lambda g: ({"w": ONES}, None),
        JaxgradError,
        ("params", "dict", "f32[3]"),
    ),
    "array-for-container": (
        TREE,
        lambda g: (g * ONES, None),
        GradientStructureError,
        ("params", "{'b': [*], 'w': *}", "got"),
    ),
    "missing-key": (
        TREE,
        lambda g: ({"w": W}, None),
        GradientStructureError,
        ("params", "'b'"),
    ),
    "unknown-key": (
        TREE,
        lambda g: ({"w": W, "b": B, "c": W}, None),
        GradientStructureError,
        ("params", "'c'"),
    ),
    "longer-list": (
        TREE,
        lambda g: ({"w": W, "b": B * 2}, None),
        GradientStructureError,
        ("params['b']", "[*]", "[*, *]"),
    ),
    "tuple-for-list": (
        TREE,
        lambda g: ({"w": W, "b": (B[0],)}, None),
        GradientStructureError,
        ("params['b']", "[*]", "(*,)"),
    ),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("name", BAD)
def test_a_bad_gradient_is_named(name: str, way: Callable) -> None:
    params, returns, error, parts = BAD[name]
    with pytest.raises(error) as caught:
        way(returning(returns))(params)
    says(caught.value, "Params", "backward", *parts)
    assert isinstance(caught.value, BackwardError)


@pytest.mark.parametrize("name", ["too-few", "shape", "complex", "missing-key"])
def test_a_bad_gradient_of_a_dual_rule_is_named(name: str) -> None:
    params, returns, error, parts = BAD[name]
    f = returning(returns, generate_jvp_rule=True)
    for run in (jax.grad(f), jax.jit(jax.grad(f))):
        with pytest.raises(error) as caught:
            run(params)
        says(caught.value, "Params", *parts)
    with pytest.raises(error):
        jax.jvp(f, (params,), (params,))


def test_builtin_types_are_caught_too() -> None:
    for name, builtin in (("too-few", TypeError), ("shape", ValueError)):
        params, returns, _, _ = BAD[name]
        for kind in (builtin, RuntimeError):
            with pytest.raises(kind, match="Params"):
                jax.grad(returning(returns))(params)


def test_a_list_argument_needs_a_1_tuple() -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, xs):
            return xs[0] + xs[1]

        @staticmethod
        def backward(ctx, g):
            return [g, g]

    with pytest.raises(GradientCountError) as caught:
        jax.grad(F.apply)([1.0, 2.0])
    says(caught.value, "F", "xs", "1", "2", "tuple")


@pytest.mark.parametrize(
    ("tangent", "parts"),
    [
        (lambda t: (t, t), ("1", "2")),
        (lambda t: jnp.ones(4), ("f32[3]", "f32[4]")),
        (lambda t: 1j * t, ("f32[3]", "c64[3]")),
        (lambda t: "text", ("str",)),
        (lambda t: {"y": t}, ("dict",)),
    ],
    ids=["count", "shape", "complex", "string", "structure"],
)
def test_a_bad_tangent_is_named(tangent: Callable, parts: tuple) -> None:
    class Forward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def jvp(ctx, t):
            return tangent(t)

    for run in (jax.jvp, jax.jit(jax.jvp, static_argnums=0)):
        with pytest.raises(TangentError) as caught:
            run(Forward.apply, (ONES,), (ONES,))
        says(caught.value, "Forward", "jvp", *parts)
