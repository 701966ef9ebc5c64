"""`lint`: whether a graph keeps the rules of its form, in one walk over it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from jaxgrad.errors import GraphError
from jaxgrad.graph._forms import problem
from jaxgrad.graph._value import DestroyedValue, Use, Value

if TYPE_CHECKING:
    from jaxgrad.graph._block import Block
    from jaxgrad.graph._graph import Graph
    from jaxgrad.graph._node import Node


def lint(graph: Graph) -> None:
    """Raise if a graph breaks a rule of its form.

    The rules: values are used after they are made, in their block or one nested in it;
    uses and inputs name each other; links, places, owners, numbers and names agree; and
    every node has the form of its kind (`_forms.FORMS`). Blocks that nobody has asked
    for yet are not made for it.

    Args:
        graph: the graph.

    Raises:
        GraphError: the message names the rule, the node, and where it comes from.
    """
    _Linter(graph).graph()


def _fail(rule: str, node: Node) -> NoReturn:
    from jaxgrad.graph._text import node_line

    line = " ".join(node_line(node).split("\n"))
    source = node.source_range()
    place = "" if source is None else f"\n  at {source}"
    raise GraphError(f"{rule}.\n  In {line}{place}")


class _Linter:
    """One walk over a graph."""

    def __init__(self, target: Graph) -> None:
        self.target = target
        # Values are told apart by identity: a destroyed one can't be asked.
        self.visible: set[Value] = set()
        self.names: set[str] = set()
        self.numbers: set[int] = set()
        self.nodes: set[Node] = set()

    def graph(self) -> None:
        """Check all of it."""
        self.block(self.target.block(), None)
        self.attached(self.target.insert_point())

    def attached(self, node: Node) -> None:
        """Check that new nodes have a place."""
        if node._block is None:
            _fail("New nodes are inserted before a node that is in no block", node)

    def block(self, block: Block, owner: Node | None) -> None:
        """Check a block; what it makes is visible in it alone."""
        param, end = block._param, block._end
        for node in (param, end):
            if node._block is not block or node._graph is not self.target:
                _fail("A block's own node says that it belongs elsewhere", node)
        if block._owner is not owner or block._graph is not self.target:
            _fail("A block says that it belongs to another node or graph", end)
        made = list(param._outputs)
        self.outputs(param)
        self.form(param)
        self.visible.update(made)
        before, position, node = end, -1, end._next
        while node is not end:
            if node is None or before is None:
                _fail("The links between nodes don't agree", end)
            self.links(node, before, position, block)
            self.node(node)
            made += node._outputs
            before, position, node = node, node._position, node._next
        if end._prev is not before:
            _fail("The links between nodes don't agree", end)
        self.inputs(end)
        self.form(end)
        self.visible.difference_update(made)

    def links(self, node: Node, before: Node, position: int, block: Block) -> None:
        """Check the place of a node."""
        if node in self.nodes:
            _fail("A node stands in two places", node)
        self.nodes.add(node)
        if node._prev is not before:
            _fail("The links between nodes don't agree", node)
        if node._position <= position:
            _fail("A node's position is not after that of the node before it", node)
        if node._block is not block or node._graph is not self.target:
            _fail("A node says that it belongs to another block or graph", node)

    def node(self, node: Node) -> None:
        """Check a node, and what is nested in it."""
        self.inputs(node)
        self.outputs(node)
        for block in node._blocks or ():
            self.block(block, node)
        self.form(node)
        self.visible.update(node._outputs)

    def form(self, node: Node) -> None:
        """Check a node against the table."""
        found = problem(node)
        if found is not None:
            _fail(found[0].upper() + found[1:].rstrip("."), node)

    def inputs(self, node: Node) -> None:
        """Check what a node uses."""
        for i, value in enumerate(node._inputs):
            if not isinstance(value, Value) or isinstance(value, DestroyedValue):
                _fail(f"Input {i} is no value, or a destroyed one", node)
            if value not in self.visible:
                _fail(self.invisible(value), node)
            if value._uses.get((id(node), i)) != Use(node, i):
                _fail(f"%{value.debug_name()} doesn't know of its use here", node)

    def invisible(self, value: Value) -> str:
        """Why a value can't be used."""
        name, maker = value.debug_name(), value._node
        if maker._graph is not self.target:
            return f"%{name} is used, and belongs to another graph"
        if maker._block is None:
            return f"%{name} is used, and its node {maker._kind} is in no block"
        return f"%{name} is used before it is made, or outside the block that makes it"

    def outputs(self, node: Node) -> None:
        """Check what a node makes."""
        for i, value in enumerate(node._outputs):
            if isinstance(value, DestroyedValue):
                _fail(f"Output {i} is destroyed", node)
            if value._node is not node or value._offset != i:
                _fail(f"%{value.debug_name()} says that it is another output", node)
            self.label(value, node)
            for (key, offset), use in value._uses.items():
                self.use(value, key, offset, use)

    def label(self, value: Value, node: Node) -> None:
        """Check the name, the number and the type of a value."""
        name, number = value.debug_name(), value._unique
        if name in self.names:
            _fail(f"Two values have the name %{name}", node)
        if number in self.numbers or not 0 < number <= self.target._count:
            _fail(f"%{name} has the number {number}, which is not its own", node)
        self.names.add(name)
        self.numbers.add(number)
        if value._name is not None and self.target._named.get(name) is not value:
            _fail(f"The graph doesn't know the name %{name}", node)
        if value._type is None or isinstance(value._type, str):
            _fail(f"%{name} has no type", node)

    def use(self, value: Value, key: int, offset: int, use: Use) -> None:
        """Check that a user has the value where the value says."""
        user = use.user
        name = value.debug_name()
        if id(user) != key or use.offset != offset or user._graph is not self.target:
            _fail(f"A use of %{name} says that it is another one", value._node)
        if offset >= len(user._inputs) or user._inputs[offset] is not value:
            _fail(f"%{name} says that {user._kind} uses it, which doesn't", value._node)
