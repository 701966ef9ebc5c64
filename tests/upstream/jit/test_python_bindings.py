"""Lifetimes and names of graphs, each test under its name in torch."""

import gc

import jax
import numpy as np
import pytest

from jaxgrad.errors import GraphError
from jaxgrad.frontend import trace
from jaxgrad.graph import Graph, canonicalize, dce, parse
from jaxgrad.lower import to_backend
from tests.helpers import TripledSin
from tests.upstream.helpers import same
from tests.upstream.jit.helpers import kinds

X = np.float32([0.5, -1.25, 2.0])


def test_cu_create_function() -> None:
    """A graph becomes a function; several of them, with names, a set of methods."""
    graph = trace(lambda x: 2 * TripledSin.apply(x), X).graph
    fn = to_backend("interpret", graph, (X,))
    same(fn(X), 2 * np.sin(X))
    same(jax.grad(lambda x: fn(x).sum())(X), 6 * np.cos(X))

    class Unit:
        doubled = staticmethod(trace(lambda x: 2 * x, X))

    unit = to_backend("interpret", Unit(), {"doubled": (X,)})
    same(unit.doubled(X), 2 * X)
    assert getattr(unit, "doesnt_exist", None) is None
    with pytest.raises(AttributeError, match="'doesnt_exist' is no method"):
        unit.doesnt_exist(X)


def test_invalidation() -> None:
    graph = trace(lambda x: 2 * x, X).graph.copy()
    node = graph.insert_node(graph.create("prim::profile"))
    value = node.output()
    assert "prim::profile" in str(node)
    assert value in node.outputs()
    # A pass makes a new graph, so that nothing of the old one is lost to it ...
    assert graph.find_node("prim::profile") is node
    assert dce(graph).find_node("prim::profile") is None
    assert "prim::profile" in str(node)
    # ... and what was destroyed says so, whatever it is asked.
    node.destroy()
    for gone, name in ((node, "kind"), (node, "output"), (value, "type")):
        with pytest.raises(GraphError, match="destroyed"):
            getattr(gone, name)()
    with pytest.raises(GraphError, match="destroyed"):
        graph.register_output(value)
    assert "destroyed" in str(node)
    assert "destroyed" in str(value)


def test_graph_iterator_keepalive() -> None:
    """What was asked of a graph that nobody holds keeps it."""
    traced = trace(lambda x: 2 * TripledSin.apply(x), X)
    nodes = traced.graph.copy().nodes()
    inputs = iter(traced.graph.copy().inputs())
    outputs = iter(traced.graph.copy().outputs())
    gc.collect()
    assert [n.kind() for n in nodes if n.kind() != "prim::Constant"] == kinds(
        traced.graph
    )
    (x,), (out,) = inputs, outputs
    assert x.debug_name() == "x"
    assert out.node().owning_graph().outputs() == [out]
    assert nodes[-1].owning_graph().nodes() == nodes


def test_graph_create() -> None:
    graph = Graph()
    before = graph.version
    for wrong in (None, 3, Graph().add_input("x")):
        with pytest.raises(GraphError, match=r"prim::Constant|another graph"):
            graph.create("prim::Constant", [wrong])  # type: ignore[list-item]
    assert graph.version == before
    assert graph.nodes() == []


def test_add_input() -> None:
    graph = Graph()
    value = graph.add_input("foo")
    assert value in graph.inputs()
    assert value.node() is graph.param_node()
    assert value.debug_name() == "foo"


def test_canonicalize() -> None:
    """Names that someone gave stay, numbers are dealt anew."""
    graph = parse("""
graph(%p207 : Tensor,
      %1 : Tensor,
      %p407 : i32[]):
  %11 : Tensor = my::view_expand(%1)
  %12 : Tensor = my::pointwise(%11, %p207, %p407)
  %13 : Tensor = my::view_expand(%12)
  %14 : Tensor = my::pointwise(%13)
  return (%14)
""")
    text = str(canonicalize(graph))
    assert text == str(canonicalize(graph.copy()))
    assert text == str(canonicalize(canonicalize(graph)))
    assert "%p207" in text
    assert "%p407" in text
    assert "%14" not in text
    assert [v.debug_name() for n in parse(text).nodes() for v in n.outputs()] == [
        "2", "3", "4", "5"
    ]  # fmt: skip
    assert "%14" in str(graph)  # the graph itself is left alone
