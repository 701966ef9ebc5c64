"""`Block`: nodes with inputs and outputs; a graph is one, and nodes nest them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jaxgrad.errors import GraphError
from jaxgrad.graph import types
from jaxgrad.graph._node import Node
from jaxgrad.graph._value import Value

if TYPE_CHECKING:
    from jaxgrad.graph._graph import Graph


class Block:
    """Nodes in the order in which they run, between inputs and outputs.

    The values of the blocks around it can be used inside it.
    """

    __slots__ = ("_editable", "_end", "_graph", "_owner", "_param")

    def __init__(self, graph: Graph, owner: Node | None, editable: bool = True) -> None:
        self._graph = graph
        self._owner = owner
        self._editable = editable
        self._param = Node(graph, "prim::Param")
        self._end = Node(graph, "prim::Return")
        self._param._block = self._end._block = self
        self._end._prev = self._end._next = self._end

    def nodes(self) -> list[Node]:
        """Its nodes, in order."""
        found, node = [], self._end._next
        while node is not self._end:
            found.append(node)
            node = node._next
        return found

    def inputs(self) -> list[Value]:
        """What it is given."""
        return self._param.outputs()

    def outputs(self) -> list[Value]:
        """What it returns."""
        return self._end.inputs()

    def param_node(self) -> Node:
        """The node whose outputs are the block's inputs."""
        return self._param

    def return_node(self) -> Node:
        """The node whose inputs are the block's outputs."""
        return self._end

    def owning_node(self) -> Node | None:
        """The node that it is nested in; None for the block of a graph."""
        return self._owner

    def owning_graph(self) -> Graph:
        """The graph that it belongs to."""
        return self._graph

    def find_node(self, kind: str, recurse: bool = True) -> Node | None:
        """The first node of a kind, or None.

        Args:
            kind: a qualified kind, `lax::sin` say.
            recurse: whether to look into nested blocks too.

        Returns:
            The node.

        Raises:
            GraphError: the kind has no `::`.
        """
        check_kind(kind)
        for node in self.nodes():
            if node._kind == kind:
                return node
            found = node.find_node(kind) if recurse else None
            if found is not None:
                return found
        return None

    def find_all_nodes(self, kind: str, recurse: bool = True) -> list[Node]:
        """All nodes of a kind, in order.

        Args:
            kind: a qualified kind, `lax::sin` say.
            recurse: whether to look into nested blocks too.

        Returns:
            The nodes.

        Raises:
            GraphError: the kind has no `::`.
        """
        check_kind(kind)
        found = []
        for node in self.nodes():
            if node._kind == kind:
                found.append(node)
            if recurse:
                found += node.find_all_nodes(kind)
        return found

    def add_node(self, kind: str, inputs: Sequence[Value] = ()) -> Node:
        """Append a new node with one output of an unknown type.

        Returns:
            The new node.
        """
        node = self._graph.create(kind, inputs)
        node._link(self._end)
        return node

    def add_input_to_block(
        self, name: str | None = None, type_: types.Type | None = None
    ) -> Value:
        """Give it one more input.

        Returns:
            The new value.
        """
        self._graph._edited(self)
        value = self._param._append_output(type_ or types.TensorType.get())
        if name is not None:
            value.set_debug_name(name)
        return value

    def register_output(self, value: Value) -> int:
        """Return one more value.

        Returns:
            The number of this output.
        """
        self._end.add_input(value)
        return len(self._end._inputs) - 1

    def erase_input(self, i: int) -> None:
        """Take input number `i` away; GraphError if it is used."""
        self._param.erase_output(i)

    def erase_output(self, i: int) -> None:
        """No longer return output number `i`."""
        self._end.remove_input(i)

    def __repr__(self) -> str:
        from jaxgrad.graph._text import block_text

        return block_text(self)


def check_kind(kind: Any) -> None:
    """Raise if a kind isn't one."""
    if not isinstance(kind, str) or "::" not in kind:
        raise GraphError(
            f"A kind has a dialect and a name, like 'lax::sin'; got {kind!r}."
        )
