"""Copying nodes, with all that is nested in them, from one graph to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jaxgrad.graph._graph import Graph
    from jaxgrad.graph._node import Node
    from jaxgrad.graph._value import Value


def copy_nodes(
    nodes: Sequence[Node],
    graph: Graph,
    outside: Callable[[Value], Value],
    known: dict[Value, Value],
) -> list[Node]:
    """Copies of `nodes` for `graph`, in no block yet.

    Args:
        nodes: nodes of one block, in order.
        graph: where the copies belong.
        outside: gives the value of `graph` for a value made elsewhere.
        known: values that were copied already; those of `nodes` are added.

    Returns:
        The copies.
    """

    def mapped(value: Value) -> Value:
        found = known.get(value)
        return outside(value) if found is None else found

    copies = []
    for node in nodes:
        new = node._clone_into(graph, mapped)
        for old, value in zip(node._outputs, new._outputs, strict=True):
            known[old] = value
            graph._take_name(value, old)
        # Blocks that nobody has asked for yet are made when somebody does.
        if node._blocks:
            _copy_blocks(node, new, mapped, known)
        copies.append(new)
    return copies


def copy_graph(graph: Graph, new: Graph) -> None:
    """Fill `new`, which is empty, with copies of all that is in `graph`.

    Names and numbers are the same, so that both print the same text.
    """
    known: dict[Value, Value] = {}
    end = new._block._end
    with new._importing():
        for value in graph._block._param._outputs:
            known[value] = new._block._param._append_output(value._type)
            new._take_name(known[value], value)
        for node in copy_nodes(graph.nodes(), new, known.__getitem__, known):
            node._link(end)
    for value in graph._block._end._inputs:
        end._append_input(known[value])
    for value, copied in known.items():
        copied._unique = value._unique
    new._count = graph._count


def _copy_blocks(
    node: Node,
    new: Node,
    mapped: Callable[[Value], Value],
    known: dict[Value, Value],
) -> None:
    graph = new._graph
    for block in node._blocks or ():
        fresh = new._append_block(block._editable)
        for value in block._param._outputs:
            known[value] = fresh._param._append_output(value._type)
            graph._take_name(known[value], value)
        for copy in copy_nodes(block.nodes(), graph, mapped, known):
            with graph._importing():
                copy._link(fresh._end)
        for value in block._end._inputs:
            fresh._end._append_input(mapped(value))
