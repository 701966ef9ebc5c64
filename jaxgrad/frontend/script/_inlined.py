"""Graphs with those of the functions that they call in their place."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from jaxgrad.frontend.script import _marks
from jaxgrad.frontend.script._host import defaults_of
from jaxgrad.frontend.script._programs import find, is_library, is_missing, program_of
from jaxgrad.graph import Block, Graph, Node, Value
from jaxgrad.lower.script import Program, bind
from jaxgrad.lower.script._calls import arrange

if TYPE_CHECKING:
    from jaxgrad.frontend.script._function import ScriptFunction


def inlined(script: ScriptFunction) -> Graph:
    """A copy of a script's graph, in which no call can be resolved any more."""
    return _inlined(script.program, script.function, (script.function,))


def _inlined(program: Program, function: Any, around: tuple[Any, ...]) -> Graph:
    graph = program.graph.copy()
    for node in list(_calls(graph.block())):
        found = _callee(node, function)
        if found is None or found[1] in around:
            continue
        called, callee = found
        inner = _inlined(called, callee, (*around, callee))
        _rename_globals(inner, callee, function)
        _splice(graph, node, called, callee, inner)
    return graph


def _calls(block: Block) -> Iterator[Node]:
    for node in block.nodes():
        for inner in node.blocks():
            yield from _calls(inner)
        if node.kind() == "prim::CallFunction":
            yield node


def _callee(node: Node, function: Any) -> tuple[Program, Any] | None:
    """The program, and the live function, that a node calls; None if not known."""
    owner = node.inputs()[0].node()
    if owner.kind() != "prim::Global":
        return None
    value, _ = find(function, owner._attributes["name"])
    if is_missing(value):
        return None
    script = value if hasattr(value, "_own_program") else None
    callee = value.function if script is not None else value
    if not isinstance(callee, types.FunctionType) or _marks.outside_of(callee):
        return None
    if callee.__code__.co_flags & 0x20 or (is_library(callee) and script is None):
        return None
    program = script.program if script is not None else program_of(callee)
    return program, callee


def _splice(
    graph: Graph, node: Node, program: Program, callee: Any, inner: Graph
) -> None:
    """Put the nodes of `inner` in the place of the call `node`."""
    layout = node._attributes.get("layout")
    if layout and {"*", "**"} & set(layout):
        return
    args, kwargs = arrange(node.inputs()[1:], layout)
    values = bind(program, args, kwargs, defaults_of(program, callee))
    with graph.insert_point_guard(node):
        operands = [_operand(graph, value) for value in values]
        (result,) = graph.insert_graph(inner, operands)
    owner = node.inputs()[0].node()
    node.output().replace_all_uses_with(result)
    node.destroy()
    if not owner.has_uses():
        owner.destroy()


def _operand(graph: Graph, value: Any) -> Value:
    """A value of the graph for a parameter: what was passed, or a default."""
    if isinstance(value, Value):
        return value
    if isinstance(value, tuple) and any(isinstance(v, Value) for v in value):
        node = graph.create("prim::TupleConstruct", value)
    elif isinstance(value, dict) and any(isinstance(v, Value) for v in value.values()):
        parts = [_operand(graph, part) for item in value.items() for part in item]
        node = graph.create("prim::DictConstruct", parts)
    else:
        node = graph.create("prim::Constant")
        node._attributes = {"value": value}
    return graph.insert_node(node).output()


def _rename_globals(inner: Graph, callee: Any, function: Any) -> None:
    """Make names that stand for something else around `function` constants."""
    for node in inner.find_all_nodes("prim::Global"):
        name = node._attributes["name"]
        value, holder = find(callee, name)
        if is_missing(value) or find(function, name)[1] is holder:
            continue
        constant = inner.create("prim::Constant")
        constant._attributes = {"value": value}
        constant._source = node._source
        constant.insert_before(node)
        node.output().replace_all_uses_with(constant.output())
        node.destroy()
