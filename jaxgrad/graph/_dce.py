"""`dce`: a graph without the nodes that nothing needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jaxgrad.graph._walk import (
    effectful_nodes,
    is_if,
    is_loop,
    keep_inputs,
    keep_outputs,
    open_blocks,
    own_blocks,
)

if TYPE_CHECKING:
    from jaxgrad.graph._block import Block
    from jaxgrad.graph._graph import Graph
    from jaxgrad.graph._node import Node
    from jaxgrad.graph._value import Value


def dce(graph: Graph) -> Graph:
    """A graph without the nodes that nothing needs.

    Nodes with effects stay. Inside `prim::If` and `prim::Loop` the same holds, and
    results of them that nobody uses go. Inputs of the graph stay. A Function is removed
    like any other node, unless it says `pure = False`.

    Args:
        graph: it stays as it is.

    Returns:
        A new graph.

    Example:
        >>> from jaxgrad.graph import Graph, dce, types
        >>> graph = Graph()
        >>> x = graph.add_input("x", types.parse("f32[3]"))
        >>> unused = graph.insert("lax::sin", x)
        >>> graph.register_output(graph.insert("lax::cos", x))
        0
        >>> [node.kind() for node in dce(graph).nodes()]
        ['lax::cos']
    """
    new = graph.copy()
    _sweep(new.block(), _Needed(new))
    return new


class _Needed:
    """Which nodes have to run, and which values somebody uses."""

    def __init__(self, graph: Graph) -> None:
        self.nodes: set[Node] = set()
        self.values: set[Value] = set()
        self._todo: list[Value] = []
        for value in graph.return_node()._inputs:
            self._use(value)
        for node in effectful_nodes(graph):
            self._run(node)
        while self._todo:
            self._follow(self._todo.pop())

    def _use(self, value: Value) -> None:
        if value not in self.values:
            self.values.add(value)
            self._todo.append(value)

    def _follow(self, value: Value) -> None:
        """What is needed for a value."""
        node, offset = value._node, value._offset
        if node._kind == "prim::Param":
            assert node._block is not None
            owner = node._block._owner
            if owner is not None:
                self._run(owner)
                if offset and is_loop(owner):
                    self._carry(owner, offset - 1)
            return
        self._run(node)
        if is_if(node):
            for block in own_blocks(node):
                self._use(block._end._inputs[offset])
        elif is_loop(node):
            self._carry(node, offset)

    def _carry(self, loop: Node, offset: int) -> None:
        # What the body needs is carried, also where nobody needs it in the end.
        self._use(loop._outputs[offset])
        self._use(loop._inputs[2 + offset])
        self._use(own_blocks(loop)[0]._end._inputs[1 + offset])

    def _run(self, node: Node | None) -> None:
        while node is not None and node not in self.nodes:
            self.nodes.add(node)
            self._use_operands(node)
            node = node._block._owner if node._block is not None else None

    def _use_operands(self, node: Node) -> None:
        blocks = own_blocks(node)
        used = list(node._inputs)
        if is_if(node):
            blocks = ()
        elif is_loop(node):
            used = [*used[:2], blocks[0]._end._inputs[0]]
            blocks = ()
        for block in blocks:
            used += block._end._inputs
            if not open_blocks(node):
                for inner in block.nodes():
                    self._run(inner)
        for value in used:
            self._use(value)


def _sweep(block: Block, needed: _Needed) -> None:
    # Backwards, so that whoever used a value is gone before the value is.
    for node in reversed(block.nodes()):
        if node not in needed.nodes:
            node.destroy()
            continue
        keep = [value in needed.values for value in node._outputs]
        shrinks = not all(keep) and (is_if(node) or is_loop(node))
        blocks = open_blocks(node)
        extra = [True] * (node._kind == "prim::Loop")
        for nested in blocks:
            if shrinks:
                keep_inputs(nested._end, extra + keep)
            _sweep(nested, needed)
        if shrinks:
            keep_outputs(node, keep)
            if extra:
                keep_inputs(node, [True, True, *keep])
                keep_outputs(blocks[0]._param, extra + keep)
