"""`canonicalize`: a graph whose text depends on the program alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxgrad.graph._names import _NUMBERED
from jaxgrad.graph._position import _rank
from jaxgrad.graph._walk import (
    is_if,
    is_loop,
    open_blocks,
    own_blocks,
    put_inputs,
    put_outputs,
)

if TYPE_CHECKING:
    from jaxgrad.graph._block import Block
    from jaxgrad.graph._graph import Graph
    from jaxgrad.graph._node import Node
    from jaxgrad.graph._value import Use, Value


def canonicalize(graph: Graph) -> Graph:
    """A graph whose text depends on the program alone, not on how it was built.

    Values without names are numbered in order, from 1. Names with a number behind them
    (`x.3`) lose it, or get the next free one; other names stay. The results of
    `prim::If` and `prim::Loop` stand in the order in which they are used first. So it
    is in the graphs of the functions that are defined inside.

    Args:
        graph: it stays as it is.

    Returns:
        A new graph.

    Example:
        >>> from jaxgrad.graph import Graph, canonicalize, types
        >>> graph = Graph()
        >>> x = graph.add_input("x.7", types.parse("f32[3]"))
        >>> graph.insert("lax::sin", x).node().destroy()
        >>> graph.register_output(graph.insert("lax::cos", x))
        0
        >>> new = canonicalize(graph)
        >>> [v.debug_name() for v in (*new.inputs(), *new.outputs())]
        ['x', '1']
    """
    new = graph.copy()
    _order_results(new.block())
    values = _all_values(new.block())
    _renumber(new, values)
    _rename(new, values)
    for node in new.find_all_nodes("prim::Closure"):
        if "graph" in node._attributes:
            node.g_("graph", canonicalize(node._attributes["graph"]))
    return new


# --- names ----------------------------------------------------------------------------


def _all_values(block: Block) -> list[Value]:
    """The values of a block and of those nested in it, in order."""
    values = list(block._param._outputs)
    for node in block.nodes():
        values += node._outputs
        for nested in node.blocks():  # those that show a recorded jaxpr too
            values += _all_values(nested)
    return values


def _renumber(graph: Graph, values: list[Value]) -> None:
    # Numbers of named values are not seen, so that they come last.
    ordered = [v for v in values if v._name is None]
    ordered += [v for v in values if v._name is not None]
    for number, value in enumerate(ordered, 1):
        value._unique = number
    graph._count = len(ordered)


def _rename(graph: Graph, values: list[Value]) -> None:
    numbered = [v for v in values if v._name and _NUMBERED.match(v._name)]
    names = [_base(value._name or "") for value in numbered]
    for value in numbered:
        graph._forget(value)
    graph._last.clear()
    for value, name in zip(numbered, names, strict=True):
        graph._suggest(value, name)


def _base(name: str) -> str:
    """A name without the numbers behind it."""
    while match := _NUMBERED.match(name):
        name = match[1]
    return name


# --- the results of control flow ------------------------------------------------------


def _order_results(block: Block) -> None:
    # Backwards and from the outside, so that the uses that decide are in order already.
    for node in reversed(block.nodes()):
        if is_if(node) or is_loop(node):
            order = _by_first_use(node)
            if order != sorted(order):
                _permute(node, order)
        for nested in open_blocks(node):
            _order_results(nested)


def _by_first_use(node: Node) -> list[int]:
    """The numbers of the outputs, those that are used first in front."""
    last = (float("inf"), float("inf"))
    firsts = [
        min(map(_place, value._uses.values()), default=last) for value in node._outputs
    ]
    return sorted(range(len(firsts)), key=firsts.__getitem__)


def _place(use: Use) -> tuple[float, ...]:
    """Where a use stands in the graph: comparable with that of any other."""
    node: Any = use.user
    # A node uses its inputs before its blocks run.
    place = (_rank(node), -1.0, use.offset)
    while (owner := node._block._owner) is not None:
        place = (_rank(owner), owner._blocks.index(node._block), *place)
        node = owner
    return place


def _permute(node: Node, order: list[int]) -> None:
    skip = 1 if node._kind == "prim::Loop" else 0
    for block in own_blocks(node):
        _put(block._end, order, skip)
        if skip:
            _reorder_outputs(block._param, order, skip)
    if skip:
        _put(node, order, 2)
    _reorder_outputs(node, order, 0)


def _put(node: Node, order: list[int], skip: int) -> None:
    values = node._inputs
    put_inputs(node, [*values[:skip], *(values[skip + i] for i in order)])


def _reorder_outputs(node: Node, order: list[int], skip: int) -> None:
    values = node._outputs
    put_outputs(node, [*values[:skip], *(values[skip + i] for i in order)])
