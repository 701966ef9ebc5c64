"""Every member of `Graph` and `Block`, tried once."""

import copy
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import GraphError
from jaxgrad.graph import (
    Block,
    Graph,
    parse,
    types,
)
from tests.graph.structure import F32, TEXT, kinds, lines, names, node_of
from tests.graph.test_text import chain


@pytest.fixture
def graph() -> Iterator[Graph]:
    made = parse(TEXT)
    yield made
    made.lint()  # whatever a test does to it


# --- Graph ----------------------------------------------------------------------------


def test_graph_members_for_reading(graph: Graph) -> None:
    assert names(graph.inputs()) == ["x", "y", "c"]
    assert names(graph.outputs()) == ["g"]
    assert kinds(graph.nodes()) == ["lax::sin", "prim::If", "lax::mul"]
    assert isinstance(graph.block(), Block)
    assert graph.param_node().outputs() == graph.inputs()
    assert graph.return_node().inputs() == graph.outputs()


def test_lists_are_the_caller_s_own(graph: Graph) -> None:
    choice = node_of(graph, "b")
    for read in (graph.inputs, graph.outputs, graph.nodes, choice.blocks,
                 choice.inputs, choice.outputs, choice.attribute_names,
                 graph.inputs()[0].uses):  # fmt: skip
        before = len(read())
        read().clear()
        assert len(read()) == before


def test_find_node(graph: Graph) -> None:
    sine = graph.find_node("lax::sin")
    assert sine is node_of(graph, "a")
    assert graph.find_node("lax::cos") is node_of(graph, "d")
    assert graph.find_node("lax::cos", recurse=False) is None
    found = graph.find_all_nodes("lax::sin")
    assert found == [node_of(graph, "a"), node_of(graph, "f")]
    assert graph.find_all_nodes("lax::sin", recurse=False) == [sine]
    assert graph.find_all_nodes("lax::mul") == [
        node_of(graph, "e"), node_of(graph, "g")]  # fmt: skip
    with pytest.raises(GraphError, match="a dialect and a name"):
        graph.find_node("sin")


def test_graph_inputs_and_outputs(graph: Graph) -> None:
    new = graph.add_input("new")
    assert graph.inputs()[3] is new
    assert new.offset() == 3
    graph.erase_input(-1)
    with pytest.raises(GraphError, match="%x can't be erased: lax::sin uses it"):
        graph.erase_input(0)
    assert graph.register_output(graph.inputs()[0]) == 1
    graph.erase_output(0)
    assert names(graph.outputs()) == ["x"]
    graph.erase_output(-1)
    assert graph.outputs() == []
    with pytest.raises(GraphError, match="has no input 0"):
        graph.erase_output(0)


def test_permute_inputs(graph: Graph) -> None:
    graph.permute_inputs([2, 0, 1])
    assert names(graph.inputs()) == ["c", "x", "y"]
    assert [v.offset() for v in graph.inputs()] == [0, 1, 2]
    for order in ([0, 1], [0, 0, 1], [0, 1, 3]):
        with pytest.raises(GraphError, match="expected a permutation of 3"):
            graph.permute_inputs(order)


def test_create_and_insert_nodes(graph: Graph) -> None:
    (x, *_) = graph.inputs()
    node = graph.create("py::app.f", [x, x], 2)
    assert node.owning_block() is None
    assert node.owning_graph() is graph
    assert (node.inputs_size(), node.outputs_size()) == (2, 2)
    assert graph.append_node(node) is node
    assert graph.nodes()[-1] is node
    first = graph.prepend_node(graph.create("lax::cos", [x]))
    assert graph.nodes()[0] is first
    graph.set_insert_point(node)
    assert graph.insert_node(graph.create("lax::tan", [x])).next() is node
    with pytest.raises(GraphError, match="in a block already"):
        graph.append_node(node)
    with pytest.raises(GraphError, match="a dialect and a name"):
        graph.create("sin")
    with pytest.raises(GraphError, match="expected a Value as input; got NoneType"):
        graph.create("lax::sin", [None])  # type: ignore[list-item]
    with pytest.raises(GraphError, match="%x belongs to another graph"):
        graph.create("lax::sin", parse(TEXT).inputs()[:1])


def test_create_clone_across_graphs(graph: Graph) -> None:
    other = chain(0)
    (x,) = other.inputs()
    clone = other.create_clone(node_of(graph, "b"), lambda value: x)
    other.append_node(clone)
    x.set_type(types.TensorType.get())  # it is the condition too
    other.lint()
    assert clone.owning_graph() is other
    assert lines(other).splitlines()[1:7] == [
        "  %b : f32[3] = prim::If(%x)",
        "    block0():",
        "      %d : f32[3] = lax::cos(%x)",
        "      %e : f32[3] = lax::mul(%d, %x)",
        "      -> (%e)",
        "    block1():",
    ]
    for wrong in (lambda value: value, lambda value: None):
        with pytest.raises(GraphError, match=r"another graph|expected a Value"):
            other.create_clone(node_of(graph, "a"), wrong)


def test_clones_share_no_attributes(graph: Graph) -> None:
    plain = node_of(graph, "a")
    with_one = graph.create("lax::f", (), 0).i_("n", 1)
    for node in (plain, with_one):
        clone = graph.create_clone(node, lambda value: value)
        again = graph.create_clone(node, lambda value: value)
        clone.i_("n", 2)
        node.i_("m", 3)
        assert clone.attr == {"n": 2}
        assert again.attr == ({"n": 1} if node is with_one else {})
    assert plain.attr == {"m": 3}


def test_insert_constant(graph: Graph) -> None:
    graph.set_insert_point(node_of(graph, "b"))
    two = graph.insert_constant(2.5)
    assert (two.to_ival(), str(two.type())) == (2.5, "float")
    assert two.node().next() is node_of(graph, "b")
    assert str(graph.insert_constant(np.ones(2, np.float32)).type()) == "f32[2]"
    assert str(graph.insert_constant(jnp.float32(1)).type()) == "f32[]"
    with pytest.raises(GraphError, match="No constant can hold that"):
        graph.insert_constant(object())


def test_insert_graph(graph: Graph) -> None:
    inner = parse(
        "graph(%x : f32[3], %n : int):\n  %z : f32[3] = lax::cos(%x)\n"
        "  return (%z, %x, %n)"
    )
    x, y, _ = graph.inputs()
    graph.set_insert_point(node_of(graph, "g"))
    result = graph.insert_graph(inner, [x, y])
    assert names(result) == ["z", "x", "y"]
    assert result[0].node().next() is node_of(graph, "g")
    assert names(graph.insert_graph(inner, [x, y])) == ["z.1", "x", "y"]
    with pytest.raises(GraphError, match="expected 2 inputs; got 1"):
        graph.insert_graph(inner, [x])
    with pytest.raises(GraphError, match="another graph"):
        graph.insert_graph(inner, inner.inputs())


def test_insert_points_nest(graph: Graph) -> None:
    end = graph.insert_point()
    assert end is graph.return_node()
    (x, *_) = graph.inputs()
    branch = node_of(graph, "b").blocks()[1]
    with graph.insert_point_guard(node_of(graph, "a")):
        graph.insert_node(graph.create("lax::one", [x]))
        with graph.insert_point_guard(branch):
            graph.insert_node(graph.create("lax::two", [x]))
        graph.insert_node(graph.create("lax::three", [x]))
    graph.insert_node(graph.create("lax::four", [x]))
    assert graph.insert_point() is end
    assert kinds(graph.nodes()) == [
        "lax::one", "lax::three", "lax::sin", "prim::If", "lax::mul", "lax::four",
    ]  # fmt: skip
    assert kinds(branch.nodes()) == ["lax::sin", "lax::two"]
    for place in (graph.create("lax::f"), parse(TEXT).block()):
        with pytest.raises(GraphError, match="in a block of this graph"):
            graph.set_insert_point(place)


def test_an_insert_point_outlives_its_node(graph: Graph) -> None:
    (x, *_) = graph.inputs()
    gone = graph.prepend_node(graph.create("prim::Print", [x], 0))
    graph.set_insert_point(gone)
    gone.destroy()
    assert graph.insert_point() is node_of(graph, "a")
    # Also where it is in a block of what is destroyed, or outside a guard.
    for place in (0, 1):
        loop = graph.append_node(graph.create("prim::If", [x], 0))
        inside = loop.add_block().add_node("lax::sin", [x])
        graph.set_insert_point([inside, loop.blocks()[0]][place])
        with graph.insert_point_guard(graph.block()):
            loop.destroy()
        assert graph.insert_point() is graph.return_node()


def test_copy_is_independent(graph: Graph) -> None:
    node_of(graph, "a").is_("axes", [1, 2])
    for other in (graph.copy(), copy.copy(graph), copy.deepcopy(graph)):
        other.lint()
        assert str(other) == str(graph)
        assert other.version == 0
        before = str(graph)
        node_of(other, "a").is_("axes", [3])
        node_of(other, "b").blocks()[0].add_node("lax::sin", other.inputs()[:1])
        other.inputs()[0].set_debug_name("renamed").set_type(types.AnyType.get())
        other.erase_output(0)
        assert str(graph) == before
        version = other.version
        graph.add_input()
        graph.erase_input(-1)
        assert other.version == version


def test_make_multi_output_into_tuple(graph: Graph) -> None:
    graph.make_multi_output_into_tuple()
    assert names(graph.outputs()) == ["g"]
    graph.register_output(graph.inputs()[2])
    graph.make_multi_output_into_tuple()
    (whole,) = graph.outputs()
    assert str(whole.type()) == "Tuple[f32[3], bool]"
    assert whole.node().kind() == "prim::TupleConstruct"
    assert names(whole.node().inputs()) == ["g", "c"]


def edits(graph: Graph) -> list[Callable[[], Any]]:
    x, y, _ = graph.inputs()
    a, b, g = (node_of(graph, n) for n in "abg")
    return [
        lambda: graph.add_input("more"),
        lambda: graph.erase_input(3),
        lambda: graph.permute_inputs([0, 1, 2]),
        lambda: graph.register_output(x),
        lambda: graph.erase_output(1),
        lambda: graph.insert_constant(1),
        lambda: graph.append_node(graph.create("lax::sin", [x])),
        lambda: graph.nodes()[-1].destroy(),
        lambda: a.i_("n", 1),
        lambda: a.attr.update(m=2),
        lambda: a.remove_attribute("n"),
        lambda: a.replace_input(0, y),
        lambda: a.replace_input_with(y, x),
        lambda: g.add_input(x),
        lambda: g.remove_input(2),
        lambda: a.move_before(a.prev() or g),
        lambda: a.move_before(b),
        lambda: a.output().set_type(F32),
        lambda: a.output().set_debug_name("renamed"),
        lambda: a.set_source_range(None),
        lambda: b.blocks()[0].add_node("lax::sin", [x]),
        lambda: x.replace_all_uses_with(y),
    ]


def test_every_edit_counts() -> None:
    graph = parse(TEXT)
    assert graph.version == 0
    for edit in edits(graph):
        before = graph.version
        edit()
        assert graph.version > before
    before = graph.version
    graph.lint()
    graph.copy()
    str(graph)
    graph.find_all_nodes("lax::sin")
    assert graph.version == before


def test_inserting_at_one_place_is_linear() -> None:
    graph = chain(1)
    start = time.process_time()
    for _ in range(10_000):
        graph.prepend_node(graph.create("lax::f", (), 0))
        graph.return_node().prev()
    middle = graph.nodes()[5_000]
    for _ in range(5_000):
        graph.create("lax::g", (), 0).insert_before(middle)
    assert time.process_time() - start < 2
    graph.lint()


def test_a_node_keeps_its_graph_alive() -> None:
    node = parse(TEXT).nodes()[0]
    assert node.owning_graph().outputs()[0].debug_name() == "g"


# --- Block ----------------------------------------------------------------------------


def test_block_members(graph: Graph) -> None:
    choice = node_of(graph, "b")
    first, second = choice.blocks()
    assert names([n.output() for n in first.nodes()]) == ["d", "e"]
    assert (first.inputs(), names(first.outputs())) == ([], ["e"])
    assert first.param_node().kind() == "prim::Param"
    assert first.return_node().kind() == "prim::Return"
    assert first.owning_node() is choice
    assert first.owning_graph() is graph
    assert graph.block().owning_node() is None
    assert second.find_node("lax::sin") is node_of(graph, "f")
    assert second.find_node("lax::cos") is None
    assert first.find_all_nodes("lax::cos") == [node_of(graph, "d")]


def test_edits_of_a_block() -> None:
    graph = parse(TEXT)
    first = node_of(graph, "b").blocks()[0]
    new = first.add_node("lax::tan", graph.inputs()[:1])
    assert first.nodes()[-1] is new
    assert first.register_output(new.output()) == 1
    value = first.add_input_to_block("i")
    assert first.inputs() == [value]
    assert value.node() is first.param_node()
    first.erase_output(0)
    first.erase_input(0)
    assert (first.inputs(), first.outputs()) == ([], [new.output()])
