"""Where gradients flow between the nodes of a tape, and what may flow there.

- `GradientEdge`: the place where the gradient of one value arrives.
- `Finder`: from a value, however it is named, to its edge.
- `fitting`: a cotangent as the array that its place needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import _compat
from jaxgrad.errors import TapeError
from jaxgrad.function._trees import is_array, is_inexact, short_type
from jaxgrad.graph import Graph, Value

if TYPE_CHECKING:
    from jaxgrad.frontend._tape_node import TapeNode


class GradientEdge(NamedTuple):
    """The place on a tape where the gradient of one value arrives.

    Attributes:
        node: the node that made the value; for an argument its AccumulateGrad.
        output_nr: which of the node's outputs the value is.
    """

    node: TapeNode
    output_nr: int


class Finder:
    """Knows the edge of every value that gradients flow through."""

    def __init__(
        self,
        graph: Graph,
        edges: Mapping[Value, GradientEdge],
        arrays: Iterable[tuple[Any, Value]],
    ) -> None:
        """Of a graph.

        Args:
            graph: what was recorded.
            edges: the edge of each value with a gradient.
            arrays: the arrays that can be looked up, and what they are in the graph.
        """
        self.graph = graph
        self.edges = dict(edges)
        self.nodes = {id(edge.node) for edge in edges.values()}
        self.arrays = list(arrays)

    def find(self, value: Any) -> GradientEdge:
        """The edge of a value.

        Args:
            value: an edge, a graph Value, a name, or a result or argument itself.

        Returns:
            Its edge.

        Raises:
            TapeError: it is not of this recording, or has no gradient.
        """
        if isinstance(value, GradientEdge):
            return self._own(value)
        found = self._value(value)
        edge = self.edges.get(found)
        if edge is None:
            raise TapeError(
                f"%{found.debug_name()} : {found.type()} has no gradient edge: it does "
                "not depend on an argument of floating-point or complex type in a way "
                "that has a derivative.\n"
                "  Expected a value through which gradients flow; they are the outputs "
                "of recording.nodes."
            )
        return edge

    def _own(self, edge: GradientEdge) -> GradientEdge:
        if id(edge.node) not in self.nodes:
            raise TapeError(
                f"The edge of {edge.node!r} belongs to another recording.\n"
                "  Expected an edge that this recording's edge(value) gave."
            )
        count = len(edge.node.input_metadata)
        if not 0 <= edge.output_nr < count:
            raise TapeError(
                f"{edge.node!r} has {count} outputs; got an edge with output_nr "
                f"{edge.output_nr}."
            )
        return edge

    def _value(self, value: Any) -> Value:
        if isinstance(value, Value):
            if value.node().owning_graph() is not self.graph:
                raise TapeError(
                    f"%{value.debug_name()} belongs to another graph than "
                    "recording.graph."
                )
            return value
        if isinstance(value, str):
            return self._named(value)
        if not is_array(value):
            raise TapeError(
                f"edge expected a result, an argument, a graph Value or a name; got "
                f"{type(value).__name__}."
            )
        found = {known for array, known in self.arrays if array is value}
        if len(found) == 1:
            return found.pop()
        if found:
            names = ", ".join(sorted(f"%{v.debug_name()}" for v in found))
            raise TapeError(
                f"The array {short_type(value)} was given as several arguments: "
                f"{names}.\n  Expected one that was given once; say which by its name."
            )
        raise TapeError(
            f"The array {short_type(value)} is no result and no argument of this "
            "recording; it is looked up by identity.\n"
            "  Expected a leaf of recording.result, or an argument itself; name other "
            'values as recording.graph shows them, edge("z").'
        )

    def _named(self, name: str) -> Value:
        name = name.removeprefix("%")
        block = self.graph.block()
        values = [*block.inputs(), *(v for n in block.nodes() for v in n.outputs())]
        for value in values:
            if value.debug_name() == name:
                return value
        known = ", ".join(v.debug_name() for v in values if v in self.edges)
        raise TapeError(
            f"There is no value named {name!r} in recording.graph.\n"
            f"  Those with a gradient are: {known}."
        )


def metadata(value: Any) -> jax.ShapeDtypeStruct:
    """The shape and dtype of a gradient of `value`."""
    aval = jax.typeof(value)
    dtype = aval.dtype if is_inexact(aval.dtype) else jax.dtypes.float0
    sharding = _compat.explicit_sharding(aval)
    return jax.ShapeDtypeStruct(aval.shape, dtype, sharding=sharding)


def zeros(expected: jax.ShapeDtypeStruct) -> Any:
    """Zeros; for what has no derivative those of dtype float0, as from `jax.vjp`."""
    if expected.dtype == jax.dtypes.float0:
        return np.zeros(expected.shape, expected.dtype)
    plain = jnp.zeros(expected.shape, expected.dtype)
    if expected.sharding is None:
        return plain
    return jax.reshard(plain, expected.sharding.spec)


def fitting(where: str, value: Any, expected: jax.ShapeDtypeStruct) -> Any:
    """A cotangent as the array that is needed.

    Args:
        where: what it is, for messages.
        value: an array, a number, or None.
        expected: its shape and dtype.

    Returns:
        The array; None where it is absent, or has no meaning (float0).

    Raises:
        TapeError: another shape or dtype, or no array.
    """
    if value is None:
        return None
    number = isinstance(value, bool | int | float | complex)
    if not is_array(value) and not number and getattr(value, "dtype", 0) != _FLOAT0:
        raise TapeError(
            f"{where} expected an array {short_type(expected)}, or None; got "
            f"{type(value).__name__}."
        )
    if number and expected.dtype != _FLOAT0 and not isinstance(value, bool):
        real = not isinstance(value, complex)
        if expected.shape == () and (real or expected.dtype.kind == "c"):
            return jnp.asarray(value, expected.dtype)
    got = jnp.asarray(value) if number else value
    if got.shape != expected.shape or got.dtype != expected.dtype:
        hint = ""
        if expected.dtype == _FLOAT0:
            hint = "\n  It has no derivative: give None."
        raise TapeError(
            f"{where} has the wrong type.\n"
            f"  Expected {short_type(expected)}; got {short_type(got)}.{hint}"
        )
    return None if expected.dtype == _FLOAT0 else jnp.asarray(got)


_FLOAT0 = jax.dtypes.float0
