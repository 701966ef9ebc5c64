"""`inline`: a graph without calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxgrad.errors import GraphError
from jaxgrad.graph._python_op import PythonOp
from jaxgrad.graph._walk import open_blocks, own_blocks, splice, stand_in

if TYPE_CHECKING:
    from jaxgrad.graph._block import Block
    from jaxgrad.graph._graph import Graph
    from jaxgrad.graph._node import Node
    from jaxgrad.graph._value import Value

_CALL = "prim::CallFunction"


def inline(graph: Graph) -> Graph:
    """A graph with the bodies of plain calls in the place of the calls.

    These are calls of jitted functions, at any depth, and `prim::CallFunction` of a
    graph. What has a rule of its own is never opened: no Function, no `custom_jvp` or
    `custom_vjp`, no `jax.checkpoint`. A graph that calls itself is still called.

    Args:
        graph: it stays as it is.

    Returns:
        A new graph.

    Raises:
        GraphError: A call has other numbers of inputs or outputs than what it calls.

    Example:
        >>> from jaxgrad.graph import Graph, inline, types
        >>> inner, outer = Graph(), Graph()
        >>> x = inner.add_input("x", types.parse("f32[3]"))
        >>> inner.register_output(inner.insert("lax::sin", x))
        0
        >>> call = outer.create("prim::CallFunction", [outer.add_input("y")])
        >>> outer.register_output(outer.append_node(call.g_("graph", inner)).output())
        0
        >>> [node.kind() for node in inline(outer).nodes()]
        ['lax::sin']
    """
    new = graph.copy()
    recursive: dict[int, bool] = {}
    todo = [new.block()]
    while todo:
        block = todo.pop()
        node: Any = block._end
        while node._next is not block._end:
            before, node = node, node._next
            if _open(node, recursive):
                node = before
            else:
                todo += open_blocks(node)
    return new


def _open(node: Node, recursive: dict[int, bool]) -> bool:
    """Put the body of a call in its place; False if it is none."""
    if node._kind == _CALL:
        return _open_graph(node, recursive)
    operator = node._operator
    if operator is None or isinstance(node, PythonOp) or not operator.opens():
        return False
    blocks = node.blocks()
    if len(blocks) != 1 or not _fits(node, blocks[0]):
        return False
    # The block shows what was recorded; taking its nodes over is no edit of it.
    with node._graph._importing():
        _take_over(node, blocks[0])
    return True


def _fits(node: Node, block: Block) -> bool:
    return len(block._param._outputs) == len(node._inputs) and (
        len(block._end._inputs) == len(node._outputs)
    )


def _take_over(call: Node, block: Block) -> None:
    for inner, given in zip(block._param._outputs, call._inputs, strict=True):
        inner.replace_all_uses_with(given)
    scope = call.scope_name()
    moved = splice(block, call)
    for node in moved if scope else ():
        node._scope = f"{scope}/{node.scope_name()}".rstrip("/")
    made = {value for node in moved for value in node._outputs}
    stand_in(call, block.outputs(), made)


def _open_graph(call: Node, recursive: dict[int, bool]) -> bool:
    called = call._attributes.get("graph")
    if not isinstance(called, type(call._graph)) or _calls_itself(called, recursive):
        return False
    if len(called.outputs()) != len(call._outputs):
        raise GraphError(
            f"{_CALL} has {len(call._outputs)} outputs, and the graph that it calls "
            f"returns {len(called.outputs())}."
        )
    graph, before = call._graph, call._prev
    with graph.insert_point_guard(call):
        results = graph.insert_graph(called, call._inputs)
    made: set[Value] = set()
    node = before._next  # type: ignore[union-attr]
    while node is not call:
        made.update(node._outputs)
        node = node._next
    stand_in(call, results, made)
    return True


def _calls_itself(graph: Graph, recursive: dict[int, bool]) -> bool:
    """Whether a graph calls itself, through others perhaps."""
    if id(graph) not in recursive:
        seen: set[int] = set()
        todo = _callees(graph)
        while todo:
            called = todo.pop()
            if id(called) not in seen:
                seen.add(id(called))
                todo += _callees(called)
        recursive[id(graph)] = id(graph) in seen
    return recursive[id(graph)]


def _callees(graph: Graph) -> list[Graph]:
    found, todo = [], [graph.block()]
    while todo:
        for node in todo.pop().nodes():
            todo += own_blocks(node)
            called = node._attributes.get("graph") if node._kind == _CALL else None
            if isinstance(called, type(graph)):
                found.append(called)
    return found
