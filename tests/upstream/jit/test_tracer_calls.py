"""Callables that call others, each test under its name in torch.

What is a module in torch is any callable object here.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.frontend import trace
from tests.helpers import TripledSin
from tests.upstream.helpers import Array, same
from tests.upstream.jit.helpers import (
    Product,
    call,
    checked,
    in_order,
    kinds,
    names,
    slopes,
)

X = np.float32([0.5, -1.25, 2.0])
Y = jnp.float32([1.5, 0.75, -0.5])
NUMBERS = np.arange(9, dtype=np.float32).reshape(3, 3)
SQUARE = jnp.asarray(NUMBERS)


def test_trace_aliased_parameter() -> None:
    """An argument that is a weight too is both."""
    product = Product(jnp.asarray(X))
    traced = trace(lambda y: product.weight + y, product.weight)
    assert len(traced.graph.inputs()) == 2
    same(traced(Y), X + Y)


def test_shared_param() -> None:
    """One array under two names is one input."""

    class Module:
        def __init__(self) -> None:
            self.a = self.b = Y

        def __call__(self, x: Array) -> Array:
            return x * self.a + self.b

    traced = checked(Module(), X)
    assert len(traced.graph.inputs()) == 2
    assert len(traced.graph.inputs()[1].uses()) == 2
    assert in_order(str(traced.graph), "lax::mul", "lax::add")


def test_trace_nested_fn() -> None:
    """A decision inside, on the values: both branches are blocks of one node."""

    def fn(x: Array, flag: Array) -> Array:
        def decided(flag: Array, x: Array) -> Array:
            return jax.lax.cond(flag, TripledSin.apply, jnp.zeros_like, x)

        return decided(flag, -x)

    traced = checked(fn, X, jnp.array(True))
    node = traced.graph.find_node("lax::cond")
    assert [block.find_node("prim::PythonOp") is None for block in node.blocks()] == [
        True, False
    ]  # fmt: skip
    same(traced(X, jnp.array(False)), np.zeros(3))
    slope = jax.grad(lambda x: traced(x, jnp.array(True)).sum())
    same(slope(X), -3 * np.cos(X))


def test_trace_modulelist() -> None:
    modules = [Product(SQUARE, TripledSin.apply), Product(jnp.eye(3))]

    def fn(x: Array) -> Array:
        for module in modules:
            x = module(x)
        return x

    traced = checked(fn, X)
    assert kinds(traced.graph) == [
        "lax::dot_general", "prim::PythonOp", "lax::dot_general"
    ]  # fmt: skip
    assert list(map(id, traced.captured.values())) == [
        id(module.weight) for module in modules
    ]


def test_trace_invert_module_hierarchy() -> None:
    """A callable is an argument too: it is static, and no leaf of the graph's."""

    def functional(x: Array, module: Callable[[Array], Array]) -> Array:
        return module(x)

    product = Product(SQUARE)
    traced = trace(functional, X, product)
    assert names(traced)[0] == "x"
    (weight,) = traced.captured.values()
    assert weight is product.weight
    same(traced(Y, product), Y @ NUMBERS)
    with pytest.raises(jaxgrad.errors.TraceError, match="module = "):
        traced(X, Product(SQUARE))


def test_trace_skip_none_submodule() -> None:
    traced = checked(Product(SQUARE, None), X)
    assert kinds(traced.graph) == ["lax::dot_general"]
    assert not hasattr(traced, "then")


def test_trace_with_conditional_property() -> None:
    """A property that raises, and is not used, is not asked."""

    class Module:
        asked = 0

        @property
        def attr(self) -> Array:
            Module.asked += 1
            return self._attr  # type: ignore[attr-defined]

        def __call__(self, x: Array) -> Array:
            return x

    module = Module()
    same(checked(module, X)(X), X)
    with pytest.raises(AttributeError, match="_attr"):
        trace(lambda x: x + module.attr, X)


def test_call_traced_fn_from_traced_module() -> None:
    inner = trace(TripledSin.apply, X)
    traced = trace(Product(SQUARE, inner), X)
    assert kinds(traced.graph) == ["lax::dot_general", "lax::jit"]
    block = call(traced.graph, inner.__name__).blocks()[0]
    assert kinds(block) == ["prim::PythonOp"]
    same(slopes(traced, X), (3 * np.cos(X @ NUMBERS) @ NUMBERS.T,))


def test_call_traced_module_from_traced_module() -> None:
    inner = trace(Product(2 * SQUARE), X)
    traced = checked(Product(SQUARE, lambda x: inner(x) + 1.0), X)
    assert kinds(traced.graph) == ["lax::dot_general", "lax::jit", "lax::add"]
    same(traced(X), X @ NUMBERS @ (2 * NUMBERS) + 1)
    same(slopes(traced, X), (np.ones(3) @ (2 * NUMBERS).T @ NUMBERS.T,))


def test_trace_no_duplicated_lifted_input_output() -> None:
    """Results that are passed on are values, packed nowhere."""

    def normalized(x: Array, y: Array | None) -> Array:
        y = x if y is None else y / jnp.max(y)
        return y * 2

    def both(x: Array) -> tuple[Array, Array]:
        a = normalized(x, None)
        return a, TripledSin.apply(a)

    graph = checked(lambda x: normalized(*both(x)[::-1]), X).graph
    assert "prim::Tuple" not in str(graph)
    assert len(graph.inputs()) == len(graph.outputs()) == 1
