"""Operands, results, places and ends of nodes: every member tried once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jaxgrad.errors import GraphError
from jaxgrad.graph import (
    Graph,
    SourceRange,
    Use,
    parse,
    types,
)
from tests.graph.structure import F32, TEXT, names, node_of
from tests.helpers import TripledSin


@pytest.fixture
def graph() -> Iterator[Graph]:
    made = parse(TEXT)
    yield made
    made.lint()  # whatever a test does to it


# --- Node: operands and results -------------------------------------------------------


def test_inputs_of_a_node(graph: Graph) -> None:
    x, y, _ = graph.inputs()
    g = node_of(graph, "g")
    assert names(g.inputs()) == ["a", "b"]
    assert g.inputs_at(1).debug_name() == "b"
    assert g.inputs_at(-1).debug_name() == "b"
    with pytest.raises(GraphError, match="has no input 2: it has 2"):
        g.inputs_at(2)
    with pytest.raises(GraphError, match="has 2 inputs, not one"):
        g.input()
    assert node_of(graph, "a").input() is x
    assert g.add_input(y) is y
    g.add_input(x)
    g.remove_input(-2)
    assert names(g.inputs()) == ["a", "b", "x"]
    assert Use(g, 2) in x.uses()
    assert y.uses() == [Use(node_of(graph, "f"), 0)]
    assert g.replace_input(-1, y) is x
    assert g.replace_input(0, y).debug_name() == "a"
    g.replace_input_with(y, x)
    assert names(g.inputs()) == ["x", "b", "x"]
    with pytest.raises(GraphError, match="another graph"):
        g.add_input(parse(TEXT).inputs()[0])
    with pytest.raises(GraphError, match="another graph"):
        g.replace_input(0, parse(TEXT).inputs()[0])
    g.remove_all_inputs()
    assert g.inputs() == []
    assert not node_of(graph, "b").has_uses()


def test_outputs_of_a_node(graph: Graph) -> None:
    a = node_of(graph, "a")
    assert a.output().debug_name() == "a"
    assert not a.has_multiple_outputs()
    more, last = a.add_output(), a.add_output(F32)
    assert (more.type(), last.type()) == (types.TensorType.get(), F32)
    assert a.has_multiple_outputs()
    with pytest.raises(GraphError, match="has 3 outputs, not one"):
        a.output()
    with pytest.raises(GraphError, match="has no output 3"):
        a.outputs_at(3)
    a.erase_output(-2)
    assert a.outputs() == [a.outputs_at(0), last]
    assert last.offset() == 1
    with pytest.raises(GraphError, match="destroyed"):
        more.type()
    with pytest.raises(GraphError, match="%a can't be erased: lax::cos uses it"):
        a.erase_output(0)
    a.erase_output(1)


def test_replace_all_uses_of_a_node(graph: Graph) -> None:
    a, f = node_of(graph, "a"), node_of(graph, "f")
    new = graph.create("lax::tan", graph.inputs()[:1]).insert_after(a)
    assert a.has_uses()
    a.replace_all_uses_with(new)
    assert not a.has_uses()
    assert names(node_of(graph, "g").inputs()) == [new.output().debug_name(), "b"]
    new.add_output()
    with pytest.raises(GraphError, match=r"has 1 outputs, and lax::tan, .* has 2"):
        f.replace_all_uses_with(new)


# --- Node: place and life -------------------------------------------------------------


def test_moving(graph: Graph) -> None:
    (x, *_) = graph.inputs()
    a, b = node_of(graph, "a"), node_of(graph, "b")
    one = graph.create("lax::one", [x]).insert_before(a)
    two = graph.create("lax::two", [x]).insert_after(a)
    assert graph.nodes()[:4] == [one, a, two, b]
    one.move_after(two)
    two.move_before(a)
    assert graph.nodes()[:4] == [two, a, one, b]
    one.move_before(one)
    one.move_after(one)
    assert graph.nodes()[:4] == [two, a, one, b]
    inner = b.blocks()[1]
    one.move_before(inner.return_node())
    assert one.owning_block() is inner
    two.move_after(inner.param_node())
    assert inner.nodes()[0] is two
    assert (a.prev(), a.next(), two.prev()) == (None, b, None)
    assert graph.return_node().next() is None
    assert graph.nodes()[-1].next() is graph.return_node()


def test_places_where_nothing_can_stand(graph: Graph) -> None:
    (x, *_) = graph.inputs()
    a, b = node_of(graph, "a"), node_of(graph, "b")
    new, text = graph.create("lax::f", [x]), str(graph)
    other = parse(TEXT)
    refused: list[tuple[str, Callable[[], Any]]] = [
        ("before the inputs", lambda: new.insert_before(graph.param_node())),
        ("after the outputs", lambda: new.insert_after(graph.return_node())),
        ("before the inputs", lambda: a.move_before(graph.param_node())),
        ("after the outputs", lambda: a.move_after(graph.return_node())),
        ("in no block yet", lambda: a.move_after(new)),
        ("in no block yet", lambda: new.move_after(a)),
        ("in no block yet", lambda: new.insert_after(graph.create("lax::g"))),
        ("in a block already", lambda: a.insert_after(b)),
        ("another graph", lambda: new.insert_before(other.nodes()[0])),
        ("another graph", lambda: a.move_before(other.nodes()[0])),
        ("one of its own blocks", lambda: b.move_before(node_of(graph, "d"))),
        ("can't be moved", lambda: graph.return_node().move_before(a)),
        ("can't be moved", lambda: graph.param_node().move_after(a)),
    ]
    for message, act in refused:
        with pytest.raises(GraphError, match=message):
            act()
        assert str(graph) == text
        graph.lint()


def test_blocks_that_are_not_editable(graph: Graph) -> None:
    first = node_of(graph, "b").blocks()[0]
    first._editable = False
    d, a, text = node_of(graph, "d"), node_of(graph, "a"), str(graph)
    refused: list[Callable[[], Any]] = [
        lambda: a.move_before(d),
        lambda: d.move_before(a),
        lambda: d.i_("n", 1),
        lambda: d.output().set_type(F32),
        lambda: d.replace_input(0, graph.inputs()[0]),
        lambda: first.add_node("lax::sin"),
        lambda: first.return_node().remove_input(0),
        lambda: first.add_input_to_block(),
    ]
    for act in refused:
        with pytest.raises(GraphError, match="blocks of prim::If can't be edited"):
            act()
        assert str(graph) == text


def test_before_and_after(graph: Graph) -> None:
    a, b, d, e, f, g = (node_of(graph, name) for name in "abdefg")
    assert a.is_before(b)
    assert b.is_after(a)
    assert not a.is_before(a)
    assert d.is_before(e)
    # In nested blocks their owner's place counts, and the order of its blocks.
    assert a.is_before(e)
    assert d.is_before(g)
    assert g.is_after(f)
    assert e.is_before(f)
    assert f.is_after(d)
    assert not b.is_before(d)
    assert not b.is_after(d)
    assert g.is_before(graph.return_node())
    assert graph.param_node().is_before(d)
    with pytest.raises(GraphError, match="different graphs"):
        a.is_before(parse(TEXT).nodes()[0])
    with pytest.raises(GraphError, match="in no block yet"):
        a.is_before(graph.create("lax::f"))


def test_destroy(graph: Graph) -> None:
    a, b, d, g = (node_of(graph, name) for name in "abdg")
    inner = b.blocks()[0]
    with pytest.raises(GraphError, match=r"prim::If can't be destroyed: lax::mul uses"):
        b.destroy()
    for own in (graph.return_node(), graph.param_node(), inner.return_node()):
        if not own.has_uses():
            with pytest.raises(GraphError, match="its block needs it"):
                own.destroy()
    value = b.output()
    g.replace_input(1, graph.inputs()[0])
    b.destroy()
    assert names([use.user.output() for use in a.output().uses()]) == ["g"]
    assert "d" not in graph._named
    for gone in (b, d, value):
        with pytest.raises(GraphError, match="was destroyed, and is used"):
            gone.has_uses()


def test_destroyed_things_raise(graph: Graph) -> None:
    g = node_of(graph, "g")
    graph.erase_output(0)
    value, block = g.output(), node_of(graph, "b").blocks()[0]
    nested, inner = node_of(graph, "d"), node_of(graph, "d").output()
    op = graph.append_node(graph.create_python_op(TripledSin.apply, "d"))
    op.add_input(graph.inputs()[0])
    op.destroy()
    g.destroy()
    node_of(graph, "b").destroy()
    uses: list[Callable[[], Any]] = [
        lambda: g.kind(),
        lambda: g.inputs(),
        lambda: g.attr,
        lambda: op.pyobj,  # type: ignore[attr-defined]
        lambda: value.type(),
        lambda: value.debug_name(),
        lambda: nested.kind(),
        lambda: inner.uses(),
        lambda: block.nodes(),
        lambda: graph.register_output(value),
        lambda: graph.append_node(g),
        lambda: node_of(graph, "a").is_before(g),
        lambda: graph.set_insert_point(g),
    ]
    for use in uses:
        with pytest.raises(GraphError, match="was destroyed, and is used"):
            use()
    assert repr(g) == "<destroyed node>"
    assert repr(value) == "<destroyed value>"
    assert {g, value}  # they can still be told apart


# --- Node: what it is -----------------------------------------------------------------


def test_source_and_scope(graph: Graph) -> None:
    a = node_of(graph, "a")
    assert a.source_range() is None
    source = SourceRange("/home/ada/model.py", 3)
    assert a.set_source_range(source) is a
    a._scope = "model/layer"
    assert a.module_hierarchy() == "model.layer"
    g = node_of(graph, "g").copy_metadata(a)
    assert (g.source_range(), g.scope_name()) == (source, "model/layer")


def test_what_a_node_is(graph: Graph) -> None:
    none = graph.insert_constant(None).node()
    assert none.must_be_none()
    assert not graph.insert_constant(0).node().must_be_none()
    assert not graph.create("prim::Constant").must_be_none()
    assert not node_of(graph, "a").is_nondeterministic()
    assert not node_of(graph, "b").has_side_effects()
    node_of(graph, "b").blocks()[0].add_node("prim::Print").erase_output(0)
    assert node_of(graph, "b").has_side_effects()
    assert node_of(graph, "b").find_node("lax::cos") is node_of(graph, "d")
    assert node_of(graph, "b").find_all_nodes("lax::sin") == [node_of(graph, "f")]
    assert node_of(graph, "a").find_node("lax::sin") is None
