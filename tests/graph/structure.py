"""The graph that tests of structure edit, and short ways to look at it."""

from jaxgrad.graph import Graph, Node, Value, types

F32 = types.parse("f32[3]")
TEXT = """\
graph(%x : f32[3], %y : f32[3], %c : bool):
  %a : f32[3] = lax::sin(%x)
  %b : f32[3] = prim::If(%c)
    block0():
      %d : f32[3] = lax::cos(%a)
      %e : f32[3] = lax::mul(%d, %x)
      -> (%e)
    block1():
      %f : f32[3] = lax::sin(%y)
      -> (%f)
  %g : f32[3] = lax::mul(%a, %b)
  return (%g)"""


def node_of(graph: Graph, name: str) -> Node:
    """The node that makes the value of a name."""
    return graph._named[name].node()


def kinds(nodes: list[Node]) -> list[str]:
    return [node.kind() for node in nodes]


def names(values: list[Value]) -> list[str]:
    return [value.debug_name() for value in values]


def lines(graph: Graph) -> str:
    return graph.str(print_source_ranges=False)
