"""`Node`: one operation of a graph, with its inputs, outputs, attributes and blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

from jaxgrad.errors import GraphError
from jaxgrad.graph import _schema
from jaxgrad.graph._attributes import Attributes, TypedAccess
from jaxgrad.graph._operands import Operands
from jaxgrad.graph._operator import Operator, acts
from jaxgrad.graph._source import SourceRange
from jaxgrad.graph._value import Value, bury, used_after_destroy

if TYPE_CHECKING:
    from jaxgrad.graph._block import Block
    from jaxgrad.graph._graph import Graph


class Node(Operands, TypedAccess):
    """One operation: `outputs = kind[attributes](inputs)`, perhaps with nested blocks.

    Nodes are made by `Graph.create` and belong to their graph for good. Typed
    attributes are read and written as in torch (`node.i("axis")`, `node.i_("axis", 0)`,
    which returns the node), or through the mapping `attr`.

    Example:
        >>> from jaxgrad.graph import Graph, types
        >>> graph = Graph()
        >>> x = graph.add_input("x").set_type(types.parse("f32[3]"))
        >>> sine = graph.insert("lax::sin", x)
        >>> sine.node().kind(), str(sine.type())
        ('lax::sin', 'f32[3]')
    """

    __slots__ = (
        "_attributes",
        "_blocks",
        "_changed",
        "_kind",
        "_operator",
        "_scope",
        "_shared",
        "_source",
    )

    def __init__(self, graph: Graph, kind: str) -> None:
        self._graph = graph
        self._kind = kind
        self._block: Block | None = None
        self._prev = self._next = None
        self._position = 0
        self._inputs: list[Value] = []
        self._outputs: list[Value] = []
        self._attributes: dict[str, Any] = {}
        self._shared = False  # whether somebody else holds the attributes' dict
        self._blocks: list[Block] | None = None
        self._changed = False  # whether a nested block was edited after it was imported
        self._operator: Operator | None = None
        self._source: SourceRange | None = None
        self._scope = ""

    # --- what it is -------------------------------------------------------------------

    def kind(self) -> str:
        """Its qualified kind, `lax::sin` say."""
        return self._kind

    def schema(self) -> str:
        """Its kind with the types of what goes in and comes out."""
        return _schema.of(self)

    def matches(self, schema: str) -> bool:
        """Whether it has the kind, and types at least as narrow, as `schema` says.

        Args:
            schema: like `lax::mul(Tensor a, f32[3] b) -> Tensor`.

        Returns:
            True if it matches.
        """
        return _schema.matches(self, schema)

    def source_range(self) -> SourceRange | None:
        """Where the user's code says what it does, if that is known."""
        if self._source is None and self._operator is not None:
            self._source = self._operator.source_range()
        return self._source

    def set_source_range(self, source: SourceRange | None) -> Node:
        """Say where it comes from.

        Returns:
            The node itself.
        """
        self._edit()
        self._source = source
        return self

    def scope_name(self) -> str:
        """The name scopes (`jax.named_scope`) that it was recorded in, with slashes."""
        if not self._scope and self._operator is not None:
            self._scope = self._operator.scope()
        return self._scope

    def module_hierarchy(self) -> str:
        """The same with dots, as torch spells the path of a module."""
        return self.scope_name().replace("/", ".")

    def must_be_none(self) -> bool:
        """Whether it is the constant None."""
        constant = self._kind == "prim::Constant"
        return constant and self._attributes.get("value", ...) is None

    def is_nondeterministic(self) -> bool:
        """Whether it makes something else each time, as only `lax.rng_uniform` does."""
        return self._kind == "lax::rng_uniform"

    def has_side_effects(self) -> bool:
        """Whether running it does more than making its outputs.

        Returns:
            True for callbacks, prints, writes to Refs, assertions, and Functions that
            declare `pure = False`; also where a nested block holds such a node.
        """
        if self._operator is not None and not self._changed:
            return self._operator.has_effects()
        if acts(self):
            return True
        nodes = [node for block in self.blocks() for node in block.nodes()]
        return any(node.has_side_effects() for node in nodes)

    # --- attributes -------------------------------------------------------------------

    @property
    def attr(self) -> Attributes:
        """The attributes as a mapping; changes change the node."""
        return Attributes(self)

    def has_attribute(self, name: str) -> bool:
        """Whether it has the attribute `name`."""
        return name in self.attr

    def has_attributes(self) -> bool:
        """Whether it has any attribute."""
        return bool(self.attr)

    def attribute_names(self) -> list[str]:
        """The names of its attributes."""
        return list(self.attr)

    def kind_of(self, name: str) -> str:
        """The letter of torch's kind of the attribute `name`: i, fs, t, ival, ..."""
        from jaxgrad.graph import _kinds

        return _kinds.kind_of(self.attr[name])

    def remove_attribute(self, name: str) -> Node:
        """Take the attribute `name` away.

        Returns:
            The node itself.
        """
        del self.attr[name]
        return self

    def copy_attributes(self, other: Node) -> Node:
        """Take over the attributes of `other`.

        Returns:
            The node itself.
        """
        for name, value in other.attr.items():
            self.attr[name] = value
        return self

    def copy_metadata(self, other: Node) -> Node:
        """Take over the source range and the scope of `other`.

        Returns:
            The node itself.
        """
        self._edit()
        self._source, self._scope = other.source_range(), other.scope_name()
        return self

    def _hidden(self) -> Iterable[str]:
        """The names of parameters that are shown as blocks, not as attributes."""
        return self._operator.regions() if self._operator is not None else ()

    def _own_attributes(self) -> dict[str, Any]:
        """The attributes, to be changed."""
        self._edit()
        if self._shared:
            self._attributes, self._shared = dict(self._attributes), False
        return self._attributes

    # --- blocks -----------------------------------------------------------------------

    def blocks(self) -> list[Block]:
        """Its nested blocks; those of imported equations are made when asked for."""
        if self._blocks is None:
            self._blocks = []
            if self._operator is not None:
                with self._graph._importing():
                    self._operator.expand(self)
        return list(self._blocks)

    def add_block(self) -> Block:
        """Give it one more nested block.

        Returns:
            The new block.
        """
        self._edit()
        self.blocks()
        self._changed = True
        return self._append_block(editable=True)

    def _append_block(self, editable: bool) -> Block:
        block = self._graph._new_block(self, editable)
        if self._blocks is None:
            self._blocks = []
        self._blocks.append(block)
        return block

    def find_node(self, kind: str, recurse: bool = True) -> Node | None:
        """The first node of a kind in its blocks, or None."""
        for block in self.blocks():
            found = block.find_node(kind, recurse)
            if found is not None:
                return found
        return None

    def find_all_nodes(self, kind: str, recurse: bool = True) -> list[Node]:
        """All nodes of a kind in its blocks, in order."""
        blocks = self.blocks()
        return [n for block in blocks for n in block.find_all_nodes(kind, recurse)]

    # --- life -------------------------------------------------------------------------

    def owning_block(self) -> Block | None:
        """The block that it is in; None before it is inserted."""
        return self._block

    def owning_graph(self) -> Graph:
        """The graph that it belongs to."""
        return self._graph

    def destroy(self) -> None:
        """Remove it from its graph; every later use of it is an error.

        Raises:
            GraphError: an output is still used, or it is a block's own node.
        """
        for value in self._outputs:
            if value._uses:
                user = next(iter(value._uses.values())).user
                raise GraphError(
                    f"{self._kind} can't be destroyed: {user._kind} uses its output "
                    f"%{value.debug_name()}.\n"
                    "  Replace its uses first, with replace_all_uses_with."
                )
        if self._block is not None and self in (self._block._param, self._block._end):
            raise GraphError(f"{self._kind} can't be destroyed: its block needs it.")
        self._edit()
        self._bury()

    def _bury(self) -> None:
        """Unlink it with all that is nested in it; nothing outside uses it."""
        for block in self._blocks or ():
            block._end._drop_inputs(0)
            for node in reversed(block.nodes()):
                node._bury()
            if self._graph._insert_point is block._end:
                self._graph._insert_point = self
            for value in block._param._outputs:
                self._graph._forget(value)
                bury(value)
            for node in (block._param, block._end):
                node.__class__ = cast(Any, DestroyedNode)
        self._drop_inputs(0)
        if self._graph._insert_point is self:
            self._graph._insert_point = self._next or self._graph._block._end
        if self._block is not None:
            self._unlink()
        for value in self._outputs:
            self._graph._forget(value)
            bury(value)
        self.__class__ = cast(Any, DestroyedNode)

    def _edit(self) -> None:
        """Tell the graph that it is about to change; GraphError if it must not."""
        self._graph._edited(self._block)

    def _clone_into(self, graph: Graph, map_value: Callable[[Value], Value]) -> Node:
        """A copy without inputs or blocks, not inserted anywhere."""
        new = type(self)(graph, self._kind)
        if self._attributes:
            new._attributes = self._attributes
            self._shared = new._shared = True
        inner = self._attributes.get("graph") if self._kind == "prim::Closure" else None
        if inner is not None:
            new._attributes = {**self._attributes, "graph": inner.copy()}
        new._operator = self._operator
        new._source, new._scope = self._source, self._scope
        new._changed = self._changed
        for value in self._inputs:
            new._append_input(map_value(value))
        for value in self._outputs:
            new._append_output(value._type)
        return new

    def __repr__(self) -> str:
        from jaxgrad.graph._text import node_line

        return node_line(self)


class DestroyedNode(Node):
    """What a node becomes when it is destroyed, so that a use is an error."""

    __slots__ = ()

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("__"):
            return object.__getattribute__(self, name)
        raise used_after_destroy("node")

    def __repr__(self) -> str:
        return "<destroyed node>"
