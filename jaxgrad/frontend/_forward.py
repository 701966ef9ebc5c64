"""One run of a recorded graph on concrete arrays, which leaves nodes of a tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.errors import TapeError
from jaxgrad.frontend._edges import GradientEdge, metadata
from jaxgrad.frontend._pullback import differentiate
from jaxgrad.frontend._tape_node import AccumulateGrad, Next, TapeNode
from jaxgrad.function._recording import RECORDING
from jaxgrad.function._trees import as_array, is_inexact, short_type
from jaxgrad.graph import Graph, Node, Value


class Forward:
    """Runs a graph once, node by node.

    Attributes:
        nodes: those through which gradients flow, in the order in which they ran.
        edges: for each value with a gradient, where it arrives.
    """

    def __init__(self, graph: Graph, name: str) -> None:
        """Of the graph of a callable."""
        self.graph = graph
        self.name = name
        self.nodes: list[TapeNode] = []
        self.edges: dict[Value, GradientEdge] = {}
        self.values: dict[Value, Any] = {}
        self.uses: dict[Value, int] = {}

    def start(
        self, names: Sequence[str], arrays: Sequence[Any], captured: Sequence[Any]
    ) -> list[AccumulateGrad | None]:
        """Take the inputs of the graph.

        Args:
            names: the names of the arguments.
            arrays: the arguments.
            captured: the arrays that the callable closes over.

        Returns:
            For each argument its leaf, or None if it has no gradient.

        Raises:
            TapeError: a captured array is traced.
        """
        inputs, leaves = self.graph.inputs(), []
        for value, array in zip(inputs, (*arrays, *captured), strict=True):
            if isinstance(array, _compat.Tracer):
                what = f"%{value.debug_name()}, which it closes over,"
                raise TapeError(_traced(self.name, what))
            self._keep(value, array)
        for value, name, array in zip(inputs, names, arrays, strict=False):
            leaf = None
            if is_inexact(array.dtype):
                param = self.graph.param_node()
                leaf = AccumulateGrad(param, array, name, metadata(array))
                self._append(leaf)
                self.edges[value] = GradientEdge(leaf, 0)
            leaves.append(leaf)
        return leaves

    def run(self) -> list[Any]:
        """Run every node, with applications as themselves.

        Returns:
            The outputs of the graph.
        """
        ends = self.graph.outputs()
        self.uses |= dict.fromkeys(ends, -1)  # never dropped
        # Whatever runs around: here is nothing to be recorded again.
        with RECORDING(None):
            for node in self.graph.nodes():
                try:
                    self._node(node)
                except Exception as error:
                    place = node.source_range()
                    where = "" if place is None else f", {place.text()}"
                    error.add_note(f"In {node.kind()} of {self.name}{where}")
                    raise
        return [as_array(self.values[value]) for value in ends]

    def _node(self, node: Node) -> None:
        given = node.inputs()
        inputs = [self.values[value] for value in given]
        edges = [self.edges.get(value) for value in given]
        ran = differentiate(node, inputs, [edge is not None for edge in edges])
        made = node.outputs()
        for value, array in zip(made, ran.outputs, strict=True):
            if isinstance(array, _compat.Tracer):
                raise TapeError(_traced(self.name, f"what {node.kind()} makes"))
            self._keep(value, array)
        if ran.pullback is not None:
            following: list[Next] = [(None, 0) if e is None else e for e in edges]
            tape_node = TapeNode(
                node,
                following,
                [metadata(x) for x in inputs],
                [metadata(x) for x in ran.outputs],
                ran.pullback,
            )
            self._append(tape_node)
            for i, flows in enumerate(ran.differentiable):
                if flows:
                    self.edges[made[i]] = GradientEdge(tape_node, i)
        for value in given:
            self.uses[value] -= 1
            if not self.uses[value]:
                del self.values[value]

    def _keep(self, value: Value, array: Any) -> None:
        self.values[value] = array
        self.uses.setdefault(value, len(value.uses()))

    def _append(self, node: TapeNode) -> None:
        node.sequence_nr = len(self.nodes)
        self.nodes.append(node)


def apart(
    known: Sequence[tuple[Any, Value]], outputs: Sequence[tuple[Any, Value]]
) -> list[Any]:
    """The outputs, each another object than arrays that stand for other values.

    Operations may return what they were given; identity tells results apart.

    Args:
        known: the arguments, and what they are in the graph.
        outputs: the outputs, likewise.

    Returns:
        The arrays of the outputs.
    """
    owner = {id(array): value for array, value in known}
    found = []
    for array, value in outputs:
        if owner.setdefault(id(array), value) is not value:
            array = jnp.array(array, copy=True)
            owner[id(array)] = value
        found.append(array)
    return found


def concrete(name: str, paths: Sequence[str], arrays: Sequence[Any]) -> list[Any]:
    """Arguments as JAX arrays.

    Args:
        name: the callable.
        paths: the names of the arguments.
        arrays: the arguments.

    Returns:
        As many JAX arrays.

    Raises:
        TapeError: one of them has no value, or is a Ref.
    """
    found = []
    for path, array in zip(paths, arrays, strict=True):
        if isinstance(array, _compat.Tracer):
            raise TapeError(_traced(name, path))
        is_ref = _compat.is_ref(array)
        if isinstance(array, jax.ShapeDtypeStruct) or is_ref:
            what = "a Ref" if is_ref else f"only a type, {short_type(array)}"
            raise TapeError(
                f"record runs {name} on values, and {path} is {what}.\n"
                "  Expected arrays; for a graph without values use jaxgrad.trace."
            )
        found.append(array if isinstance(array, jax.Array) else jnp.asarray(array))
    return found


def _traced(name: str, what: str) -> str:
    return (
        f"record needs concrete values, and {what} is traced by a JAX transformation "
        f"such as jax.jit.\n  Expected a call of record({name}, ...) outside of it.\n"
        "  Record where the values are known, or use jaxgrad.trace, which needs none."
    )
