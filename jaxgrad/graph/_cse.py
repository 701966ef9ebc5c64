"""`cse`: a graph that makes no value twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxgrad.graph import types
from jaxgrad.graph._by_value import by_value
from jaxgrad.graph._walk import effectful_nodes, open_blocks, own_blocks

if TYPE_CHECKING:
    from jaxgrad.graph._block import Block
    from jaxgrad.graph._graph import Graph
    from jaxgrad.graph._node import Node
    from jaxgrad.graph._value import Value

# Nodes that are kept apart on purpose, though nothing else tells them apart.
_DISTINCT = frozenset({"lax::optimization_barrier", "prim::Uninitialized"})
# What nobody can change in place, so that two equal ones are as good as one.
_FROZEN = (
    types.TensorType,
    types.NumberType,
    types.IntType,
    types.FloatType,
    types.ComplexType,
    types.BoolType,
    types.StringType,
    types.NoneType,
    types.DimType,
    types.EnumType,
)
_FROZEN_PARTS = (types.TupleType, types.OptionalType, types.UnionType)


def cse(graph: Graph) -> Graph:
    """A graph that makes no value twice.

    Of nodes with the same kind, attributes, inputs and types the first one stays;
    constants are pooled. Nodes in nested blocks may use what blocks round them made.
    Nodes with effects, what reads a Ref, and containers that can be changed are left
    alone. Applications of a Function are merged if their static arguments are equal and
    of the same type, unless the Function says `pure = False`.

    Args:
        graph: it stays as it is.

    Returns:
        A new graph.

    Example:
        >>> from jaxgrad.graph import Graph, cse, types
        >>> graph = Graph()
        >>> x = graph.add_input("x", types.parse("f32[3]"))
        >>> a, b = graph.insert("lax::sin", x), graph.insert("lax::sin", x)
        >>> graph.register_output(graph.insert("lax::mul", a, b))
        0
        >>> [node.kind() for node in cse(graph).nodes()]
        ['lax::sin', 'lax::mul']
    """
    new = graph.copy()
    _Merger(effectful_nodes(new)).block(new.block(), {})
    return new


class _Merger:
    def __init__(self, effectful: set[Node]) -> None:
        self._effectful = effectful

    def block(self, block: Block, known: dict[Any, Node]) -> None:
        """Merge the nodes of a block; `known` is afterwards as it was before."""
        added = []
        for node in block.nodes():
            key = self._key(node)
            if key is None:
                self._nested(node, known)
            elif key in known:
                _merge(node, known[key])
            else:
                known[key] = node
                added.append(key)
        for key in added:
            del known[key]

    def _nested(self, node: Node, known: dict[Any, Node]) -> None:
        for block in open_blocks(node):
            # The blocks of recorded nodes are given all that they use.
            self.block(block, known if node._operator is None else {})

    def _key(self, node: Node) -> Any:
        """What is equal for nodes that make the same; None for one of its own."""
        if node in self._effectful or node._kind in _DISTINCT or own_blocks(node):
            return None
        if node.is_nondeterministic():
            return None
        operator = _identity(node)
        made = tuple(value.type() for value in node._outputs)
        used = [value.type() for value in node._inputs]
        if operator is None or not all(map(_is_frozen, [*made, *used])):
            return None
        return node._kind, tuple(map(id, node._inputs)), made, operator


def _identity(node: Node) -> Any:
    """Attributes and operator as a key; None if they are equal to no others."""
    operator = node._operator
    if node._kind == "prim::Constant":
        if operator is None:
            return by_value(node._attributes["value"])
        return by_value(operator.run(node, [])[0])
    attributes = tuple(
        [(name, by_value(v)) for name, v in sorted(node._attributes.items())]
    )
    if operator is None:
        return attributes
    key = getattr(operator, "key", None)
    key = id(operator) if key is None else key()
    return None if key is None else (key, attributes)


def _is_frozen(type_: types.Type) -> bool:
    if isinstance(type_, _FROZEN_PARTS):
        return all(map(_is_frozen, type_.contained_types()))
    return isinstance(type_, _FROZEN)


def _merge(node: Node, first: Node) -> None:
    for old, value in zip(node._outputs, first._outputs, strict=True):
        old.replace_all_uses_with(value)
        _keep_name(old, value)
    node.destroy()


def _keep_name(old: Value, value: Value) -> None:
    name = old._name
    if value._name is None and name is not None:
        old._node._graph._forget(old)
        value._node._graph._suggest(value, name)
