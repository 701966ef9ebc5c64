"""Attributes, applications, values and their uses: every member tried once."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import AttributeKindError, GraphError
from jaxgrad.graph import (
    Graph,
    PythonOp,
    get_python_name,
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


# --- Node: attributes -----------------------------------------------------------------

ARRAY, NUMBER = np.arange(3.0), np.float32(2)
TYPED: dict[str, tuple[Any, Any]] = {
    "i": (3, "3"),
    "is": ([1, 2], [1.5]),
    "f": (0.5, "x"),
    "fs": ([0.5, 1.0], [1j]),
    "c": (1 + 2j, "x"),
    "s": ("text", 1),
    "ss": (["a", "b"], [1]),
    "t": (ARRAY, "x"),
    "ts": ([ARRAY, ARRAY], ARRAY),
    "z": (NUMBER, ARRAY),
    "zs": ([NUMBER], [ARRAY]),
    "g": (Graph(), "x"),
    "gs": ([Graph()], [1]),
    "ty": (F32, int),
    "tys": ([F32, types.IntType.get()], [int]),
    "ival": ({"any": object}, None),
}


@pytest.mark.parametrize("letter", TYPED)
def test_typed_attributes(graph: Graph, letter: str) -> None:
    node = graph.create("lax::f")
    value, wrong = TYPED[letter]
    assert getattr(node, f"{letter}_")("name", value) is node
    found = getattr(node, letter)("name")
    assert found is value or found == value
    assert node.kind_of("name") == letter
    if isinstance(found, list):
        found.clear()
        assert len(getattr(node, letter)("name")) == len(value)
    if letter != "ival":
        with pytest.raises(AttributeKindError, match="attribute 'name'"):
            getattr(node, f"{letter}_")("name", wrong)
        node.ival_("name", wrong)
        with pytest.raises(AttributeKindError, match="attribute 'name'"):
            getattr(node, letter)("name")
    with pytest.raises(GraphError, match="no attribute 'other'"):
        getattr(node, letter)("other")


def test_attributes_as_a_mapping(graph: Graph) -> None:
    a, g = node_of(graph, "a"), node_of(graph, "g")
    assert not a.has_attributes()
    a.attr["n"] = 1
    a.f_("scale", 0.5)
    assert a.has_attributes()
    assert a.has_attribute("n")
    assert not a.has_attribute("m")
    assert a.attribute_names() == ["n", "scale"]
    assert dict(a.attr) == {"n": 1, "scale": 0.5}
    assert g.copy_attributes(a) is g
    assert a.remove_attribute("n") is a
    assert (a.attribute_names(), g.attribute_names()) == (["scale"], ["n", "scale"])
    del g.attr["scale"]
    assert g.attr.get("scale", 7) == 7
    with pytest.raises(GraphError, match=r"no attribute 'm'.\n  It has: scale"):
        a.remove_attribute("m")
    with pytest.raises(KeyError):
        a.attr["m"]


# --- PythonOp -------------------------------------------------------------------------


def test_python_op_members(graph: Graph) -> None:
    op = graph.create_python_op(TripledSin.apply, "dc", [2])
    assert isinstance(op, PythonOp)
    assert op.kind() == "prim::PythonOp"
    assert op.pyobj == TripledSin.apply
    assert (op.cconv, op.scalar_args) == ("dc", [2])
    assert op.autograd_function() is TripledSin
    assert (op.name(), op.pyname()) == ("TripledSin", "TripledSin")
    assert op.attribute_names() == ["pyobj", "cconv", "scalar_args"]
    op.scalar_args.clear()
    assert op.scalar_args == [2]
    with pytest.raises(GraphError, match=r"1 dynamic arguments .* and 0 inputs"):
        op.lint_python()
    op.add_input(graph.inputs()[0])
    op.lint_python()
    assert not op.has_side_effects()
    new = graph.create("prim::PythonOp")
    assert isinstance(new, PythonOp)
    assert new.clone_from(op) is new
    assert (new.name(), new.cconv, new.scalar_args) == ("TripledSin", "dc", [2])
    with pytest.raises(GraphError, match="expected a PythonOp; got lax::sin"):
        new.clone_from(node_of(graph, "a"))


def test_python_op_of_another_callable(graph: Graph) -> None:
    op = graph.create_python_op(max, "dd")
    assert op.autograd_function() is None
    assert op.name() == "max"
    assert get_python_name(3) == "<python_value>"
    with pytest.raises(GraphError, match="no attribute 'pyobj'"):
        graph.create("prim::PythonOp").pyobj  # type: ignore[attr-defined]  # noqa: B018


def test_an_impure_function_has_side_effects(graph: Graph) -> None:
    class Writes(TripledSin):
        """Says that it does more than it returns."""

        pure = False

    assert graph.create_python_op(Writes.apply, "d").has_side_effects()


# --- Value and Use --------------------------------------------------------------------


def test_names_of_values(graph: Graph) -> None:
    x, y, _ = graph.inputs()
    assert x.set_debug_name("w") is x
    assert x.has_debug_name()
    y.set_debug_name("w")
    assert names([x, y]) == ["w.1", "w"]
    x.set_debug_name("w")
    assert names([x, y]) == ["w", "w.2"]
    x.set_debug_name("w")
    assert names([x, y]) == ["w", "w.2"]
    new = graph.add_input()
    assert not new.has_debug_name()
    assert new.debug_name() == str(new.unique())
    for wrong in ("", "1", "a b", "a%", None):
        with pytest.raises(GraphError, match="can't be the name of a value"):
            x.set_debug_name(wrong)  # type: ignore[arg-type]


def test_types_of_values(graph: Graph) -> None:
    x, y, c = graph.inputs()
    assert (x.node(), x.offset()) == (graph.param_node(), 0)
    assert y.offset() == 1
    assert x.is_complete_tensor()
    assert x.requires_grad()
    assert not c.is_complete_tensor()
    assert not c.requires_grad()
    assert x.set_type(types.parse("i32[...]")) is x
    assert not x.is_complete_tensor()
    assert not x.requires_grad()
    assert x.set_type_as(y).type() == F32
    assert str(x.infer_type_from(jnp.zeros((2, 2))).type()) == "f32[2, 2]"
    x.set_type(F32)
    assert repr(x) == "%x : f32[3]"
    with pytest.raises(
        GraphError, match=r"expected a jaxgrad\.graph\.types\.Type; got str"
    ):
        x.set_type("f32[3]")  # type: ignore[arg-type]
    with pytest.raises(GraphError, match="%x can't have the type of the example"):
        x.infer_type_from(object())


def test_constants_as_values(graph: Graph) -> None:
    assert graph.insert_constant("text").to_ival() == "text"
    assert graph.inputs()[0].to_ival() is None


def test_metadata_of_values(graph: Graph) -> None:
    a = node_of(graph, "a").output()
    new = graph.append_node(graph.create("lax::f")).output()
    assert new.copy_metadata(a) is new
    assert (str(new.type()), new.debug_name()) == ("f32[3]", "a.1")


def test_uses(graph: Graph) -> None:
    x, y, _ = graph.inputs()
    assert [(u.user, u.offset) for u in x.uses()] == [
        (node_of(graph, "a"), 0), (node_of(graph, "e"), 1)]  # fmt: skip
    assert x.has_uses()
    x.replace_all_uses_with(y)
    assert not x.has_uses()
    assert len(y.uses()) == 3
    y.replace_all_uses_with(y)
    assert len(y.uses()) == 3
    with pytest.raises(GraphError, match="belongs to another graph"):
        x.replace_all_uses_with(parse(TEXT).inputs()[0])


def test_replace_uses_after_a_node(graph: Graph) -> None:
    x, y, _ = graph.inputs()
    loose = graph.create("lax::loose", [x])  # comes neither before nor after
    x.replace_all_uses_after_node_with(node_of(graph, "a"), y)
    assert node_of(graph, "a").input() is x
    assert names(node_of(graph, "e").inputs()) == ["d", "y"]
    assert loose.input() is x
    graph.register_output(x)
    x.replace_all_uses_after_node_with(node_of(graph, "b"), y)
    assert names(graph.outputs()) == ["g", "y"]


def test_order_of_uses(graph: Graph) -> None:
    a = node_of(graph, "a").output()
    in_block, at_end = a.uses()
    assert at_end.is_after(in_block)
    assert not in_block.is_after(at_end)
    g = node_of(graph, "g")
    g.add_input(a)
    first, second = (u for u in a.uses() if u.user is g)
    assert second.is_after(first)
    assert not first.is_after(second)
    assert not first.is_after(first)
    # The uses inside the blocks of a node come before the node's own.
    b = node_of(graph, "b")
    b.replace_input(0, a)
    own = next(u for u in a.uses() if u.user is b)
    assert own.is_after(in_block)
    assert not in_block.is_after(own)
    b.replace_input(0, graph.inputs()[2])
    g.remove_input(2)
    with pytest.raises(GraphError, match="different graphs"):
        first.is_after(parse(TEXT).inputs()[0].uses()[0])


def test_jax_types_are_made_when_they_are_asked_for() -> None:
    graph = Graph()
    value = graph.block()._param._append_output(jax.typeof(jnp.zeros((2, 3))))
    assert str(value.type()) == "f32[2, 3]"
    assert value.type() is value.type()
