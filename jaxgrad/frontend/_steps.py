"""A backward pass over a tape, one node at a time."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple

import jax

from jaxgrad.frontend._edges import GradientEdge
from jaxgrad.frontend._tape_node import TapeNode
from jaxgrad.graph import PythonOp

Found = dict[GradientEdge, Any]

# JAX transposes one equation of several operands for these, and adds up what the
# operands get in their order. Of any other primitive it transposes one equation for
# each operand, the last one first. So sums come out the same to the last bit, but for
# values that JAX takes for one (x and x + 1 have one tangent) where three are added.
_WHOLE = frozenset(
    {"jit", "pjit", "scan", "cond", "while", "custom_vjp_call", "checkpoint", "remat2"}
)


class Step(NamedTuple):
    """One node of a backward pass.

    Attributes:
        node: the node that ran.
        grad_outputs: what it was given, after its prehooks; None where absent.
        grad_inputs: what it made, after its hooks; `()` for an argument.
    """

    node: TapeNode
    grad_outputs: tuple[Any, ...]
    grad_inputs: tuple[Any, ...]


def steps(
    nodes: Sequence[TapeNode],
    seeds: Sequence[tuple[GradientEdge, Any]],
    targets: Sequence[GradientEdge] | None,
) -> Generator[Step, None, Found]:
    """Run backward, the last node first; nodes that no gradient reaches don't run.

    Args:
        nodes: the nodes, in the order in which they ran.
        seeds: where backward starts, and the cotangents there.
        targets: where it ends; None for the arguments. Only nodes between run.

    Yields:
        Each node that has run.

    Returns:
        The gradients of the targets that one reached, else of the arguments.
    """
    pending: Found = {}
    for edge, cotangent in seeds:
        _add(pending, edge, cotangent)
    found: Found = {}
    wanted = set(targets or ())
    needed = None if targets is None else _between(nodes, wanted)
    for node in reversed(nodes):
        edges = [GradientEdge(node, i) for i in range(len(node.input_metadata))]
        cotangents = [pending.pop(edge, None) for edge in edges]
        given = zip(edges, cotangents, strict=True)
        found |= {e: c for e, c in given if e in wanted and c is not None}
        if all(c is None for c in cotangents):
            continue
        if needed is not None and id(node) not in needed:
            continue
        received, gradients = node._run(cotangents)
        if node.is_leaf:
            found[edges[0]] = received[0]
        for i in _order(node):
            target, number = node.next_functions[i]
            if target is not None:
                _add(pending, GradientEdge(target, number), gradients[i])
        yield Step(node, received, gradients)
    return found


def _add(pending: Found, edge: GradientEdge, gradient: Any) -> None:
    if gradient is not None:
        before = pending.get(edge)
        pending[edge] = gradient if before is None else jax.lax.add(before, gradient)


def _order(node: TapeNode) -> Sequence[int]:
    """The order in which JAX adds up the gradients of the inputs."""
    places = range(len(node.next_functions))
    kind = node.graph_node.kind().rpartition("::")[2]
    whole = isinstance(node.graph_node, PythonOp) or kind in _WHOLE
    return places if whole else places[::-1]


def _between(nodes: Sequence[TapeNode], targets: set[GradientEdge]) -> set[int]:
    """The nodes, by id, whose backward sends something to one of `targets`."""
    needed: set[int] = set()
    for node in nodes:
        for target, number in node.next_functions:
            if target is None:
                continue
            if id(target) in needed or GradientEdge(target, number) in targets:
                needed.add(id(node))
                break
    return needed
