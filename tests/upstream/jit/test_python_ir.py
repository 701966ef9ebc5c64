"""A graph edited from Python, each test under its name in torch."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import GraphError
from jaxgrad.frontend import trace
from tests.helpers import TripledSin
from tests.upstream.helpers import Array, same
from tests.upstream.jit.helpers import in_order, kinds

X = np.float32([0.5, -1.25, 2.0])


def test_param_strides() -> None:
    """The type of an input is that of its example; arrays have no strides."""
    example = jnp.zeros((1, 3, 4, 2))
    graph = trace(lambda arg: arg, example).graph
    (value,) = graph.param_node().outputs()
    assert value.is_complete_tensor()
    assert value.type().sizes() == list(example.shape)
    assert value.type().dtype() == example.dtype
    assert not hasattr(value.type(), "strides")


def test_permute_inputs_binding() -> None:
    order = np.random.default_rng(0).permutation(4).tolist()
    assert order != sorted(order)
    graph = trace(lambda i, j, k, m: i - j * k, X, X, X, X).graph
    for number, value in enumerate(graph.inputs()):
        value.set_debug_name(f"inp{number}")
    graph.permute_inputs(order)
    for i, value in enumerate(graph.inputs()):
        assert value.debug_name() == f"inp{order[i]}"
        assert value.offset() == i
    graph.lint()
    for wrong in ([0, 1, 2], [0, 0, 1, 2], [1, 2, 3, 4]):
        with pytest.raises(GraphError, match="permutation of 4 numbers"):
            graph.permute_inputs(wrong)


def test_python_ir_utils() -> None:
    def foo(inp: Array) -> Array:
        x = inp + 1
        y = x / 2
        z = y * y
        return z

    graph = trace(foo, X).graph
    add, div, mul = (graph.find_node(f"lax::{n}") for n in ("add", "div", "mul"))
    with graph.insert_point_guard(add):
        with graph.insert_point_guard(div):
            graph.insert_constant("goodbye")
        graph.insert_constant("hello")
    with graph.insert_point_guard(mul):
        graph.insert_constant("hello")
    assert graph.insert_point() is graph.return_node()
    text = str(graph)
    assert in_order(text, "hello", "%x", "goodbye", "%y", "hello", "%z")
    assert (text.count("hello"), text.count("goodbye")) == (2, 1)

    assert add.matches(add.schema())
    assert not add.matches(div.schema())
    assert add.schema() == "lax::add(f32[3] x, f32[] y) -> f32[3]"


def test_python_ir_utils_graph() -> None:
    """A product becomes the graph of a loop, and what is round it stays."""

    def repeated(x: Array) -> Array:
        return jax.lax.fori_loop(0, 3, lambda _, out: out + x, x)

    def foo(x: Array) -> Array:
        return TripledSin.apply(x * 4.0)

    traced = trace(foo, X)
    graph = traced.graph
    scalar = "lax::mul(Tensor self, f32[] other) -> Tensor"
    (product,) = [n for n in graph.find_all_nodes("lax::mul") if n.matches(scalar)]
    assert product.inputs_at(1).to_ival() == 4.0
    with graph.insert_point_guard(product):
        made = graph.insert_graph(trace(repeated, X).graph, [product.inputs_at(0)])
    assert len(made) == len(product.outputs())
    for new, old in zip(made, product.outputs(), strict=True):
        old.replace_all_uses_with(new)
    product.destroy()
    graph.lint()

    assert kinds(graph) == ["lax::scan", "prim::PythonOp"]
    assert "lax::mul" not in str(graph)
    assert graph.find_node("lax::add").owning_block().owning_node() is not None
    same(traced(X), np.sin(4 * X))
    # The rule of the Function that was beside it is still asked.
    same(jax.grad(lambda x: traced(x).sum())(X), 3 * 4 * np.cos(4 * X))
