"""What passes ask of a node: its blocks, its effects, whether it is a plain If or Loop.

A recorded node that nobody edited has blocks that merely show what is inside; it is run
whole, and passes leave it whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jaxgrad.graph._operator import acts
from jaxgrad.graph._python_op import PythonOp
from jaxgrad.graph._value import bury

if TYPE_CHECKING:
    from jaxgrad.graph._block import Block
    from jaxgrad.graph._graph import Graph
    from jaxgrad.graph._node import Node
    from jaxgrad.graph._value import Value


def own_blocks(node: Node) -> Sequence[Block]:
    """The blocks that are run, not just shown."""
    if node._blocks is None or (node._operator is not None and not node._changed):
        return ()
    return node._blocks


def open_blocks(node: Node) -> Sequence[Block]:
    """Those that a pass may change."""
    if isinstance(node, PythonOp):
        return ()
    blocks = own_blocks(node)
    return blocks if all(block._editable for block in blocks) else ()


def is_if(node: Node) -> bool:
    """Whether it is a `prim::If` of the usual form."""
    if node._kind != "prim::If" or len(node._inputs) != 1:
        return False
    blocks, size = open_blocks(node), len(node._outputs)
    return len(blocks) == 2 and all(
        not b._param._outputs and len(b._end._inputs) == size for b in blocks
    )


def is_loop(node: Node) -> bool:
    """Whether it is a `prim::Loop` of the usual form."""
    # In: the number of trips, the first condition, what is carried. The block gets a
    # counter and what is carried, and returns the next condition and what is carried.
    blocks, size = open_blocks(node), len(node._outputs)
    if node._kind != "prim::Loop" or len(blocks) != 1:
        return False
    return (
        len(node._inputs) == size + 2
        and len(blocks[0]._param._outputs) == size + 1
        and len(blocks[0]._end._inputs) == size + 1
    )


def defined_graphs(graph: Graph) -> list[Graph]:
    """The graphs of the functions that are defined in a graph itself."""
    if graph._defined is None or graph._defined[0] != graph._version:
        found: list[Graph] = []
        todo = [graph._block]
        while todo:
            for node in todo.pop().nodes():
                todo += node._blocks or ()
                inner = node._attributes.get("graph")
                if node._kind == "prim::Closure" and isinstance(inner, type(graph)):
                    found.append(inner)
        graph._defined = graph._version, found
    return graph._defined[1]


def effectful_nodes(graph: Graph) -> set[Node]:
    """The nodes with effects, at any depth, with those round them."""
    found: set[Node] = set()
    todo = [graph.block()]
    while todo:
        for node in todo.pop().nodes():
            blocks = () if isinstance(node, PythonOp) else own_blocks(node)
            todo += blocks
            # What is nested is asked for itself, so that each node is asked once.
            if acts(node) if blocks else node.has_side_effects():
                _add_with_owners(node, found)
    return found


def _add_with_owners(node: Node, found: set[Node]) -> None:
    around: Node | None = node
    while around is not None and around not in found:
        found.add(around)
        around = around._block._owner if around._block is not None else None


def keep_inputs(node: Node, keep: Sequence[bool]) -> None:
    """Take away the inputs for which `keep` is False."""
    kept = [v for v, stays in zip(node._inputs, keep, strict=True) if stays]
    put_inputs(node, kept)


def put_inputs(node: Node, values: Sequence[Value]) -> None:
    """Give a node other inputs."""
    node.remove_all_inputs()
    for value in values:
        node.add_input(value)


def keep_outputs(node: Node, keep: Sequence[bool]) -> None:
    """Take away the outputs for which `keep` is False; nobody uses them."""
    node._edit()
    kept = []
    for value, stays in zip(node._outputs, keep, strict=True):
        if stays:
            kept.append(value)
        else:
            assert not value._uses
            node._graph._forget(value)
            bury(value)
    put_outputs(node, kept)


def put_outputs(node: Node, values: Sequence[Value]) -> None:
    """Put a node's outputs in another order."""
    node._outputs[:] = values
    for offset, value in enumerate(node._outputs):
        value._offset = offset


def splice(block: Block, before: Node) -> list[Node]:
    """Move the nodes of a block to right before `before`.

    Returns:
        The nodes, in order.
    """
    nodes = block.nodes()
    for node in nodes:
        node._unlink()
        node._link(before)
    return nodes


def stand_in(node: Node, values: Sequence[Value], made: set[Value]) -> None:
    """Destroy `node`, for whose outputs `values` stand from now on.

    Args:
        node: the node.
        values: one for each of its outputs.
        made: those made for that purpose, which take over the names of the outputs.
    """
    graph = node._graph
    for old, value in zip(node._outputs, values, strict=True):
        old.replace_all_uses_with(value)
        name = old._name
        if name is not None and value in made:
            made.discard(value)
            graph._forget(old)
            graph._forget(value)
            graph._suggest(value, name)
    node.destroy()
