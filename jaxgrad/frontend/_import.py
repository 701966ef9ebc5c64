"""From a jaxpr to a graph: equations become nodes, their jaxprs blocks.

Blocks are made when somebody asks for them. A node that nobody edits is replayed as the
equation that it was, whatever it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxgrad import _compat
from jaxgrad.frontend._application_node import ApplicationOperator
from jaxgrad.frontend._naming import Namer
from jaxgrad.frontend._operators import (
    ConstantOperator,
    EquationOperator,
    constant_key,
    says_nothing,
)
from jaxgrad.function._operation import BatchedOperation, python_op_p
from jaxgrad.graph import Block, Graph, Node, PythonOp, Value


def graph_of(
    closed: Any,
    argument_names: Sequence[str | None],
    captured_names: Sequence[str | None],
) -> tuple[Graph, list[Any]]:
    """The graph of a traced program.

    Args:
        closed: its closed jaxpr.
        argument_names: a name for each of its inputs, or None.
        captured_names: a name for each of its constants, or None.

    Returns:
        The graph, whose inputs are the arguments and then the JAX arrays among the
        constants; and these arrays.
    """
    graph = Graph()
    jaxpr, consts = _compat.plain_jaxpr(closed)
    block, values = graph.block(), {}
    with graph._importing():
        for var, name in zip(jaxpr.invars, argument_names, strict=True):
            values[var] = _input(block, var.aval, name)
        captured, fixed = [], []
        named = zip(jaxpr.constvars, consts, captured_names, strict=True)
        for var, const, name in named:
            if isinstance(const, jax.Array) or _compat.is_ref(const):
                values[var] = _input(block, var.aval, name or "captured")
                captured.append(const)
            else:
                fixed.append((var, const))
        _Importer(block, values).fill(jaxpr, fixed)
    return graph, captured


def _input(block: Block, aval: Any, name: str | None = None) -> Value:
    value = block._param._append_output(aval)
    if name is not None:
        block._graph._suggest(value, name)
    return value


class _Importer:
    """Fills one block from one jaxpr."""

    def __init__(self, block: Block, values: dict[Any, Value]) -> None:
        self.block = block
        self.graph = block._graph
        self.end = block._end
        self.values = values
        self.constants: dict[Any, Value] = {}

    def fill(self, jaxpr: Any, fixed: Sequence[tuple[Any, Any]]) -> None:
        """Make a node of every equation, and return what the jaxpr returns."""
        for var, const in fixed:
            self.values[var] = self.constant(const, var.aval)
        for equation in jaxpr.eqns:
            self.node(_unwrapped(equation))
        for atom in jaxpr.outvars:
            self.end._append_input(self.read(atom))
        _name_values(self.block)

    def read(self, atom: Any) -> Value:
        """The value of a variable, or of a literal."""
        if isinstance(atom, _compat.Literal):
            return self.constant(atom.val, atom.aval)
        return self.values[atom]

    def constant(self, raw: Any, aval: Any) -> Value:
        """The value of a constant; equal ones share a node."""
        key = constant_key(raw)
        found = self.constants.get(key) if key is not None else None
        if found is not None:
            return found
        attributes = {"value": _readable(raw)}
        node = self.append(Node(self.graph, "prim::Constant"))
        node._attributes, node._shared = attributes, True
        node._operator = ConstantOperator(raw, attributes)
        value = node._append_output(aval)
        if key is not None:
            self.constants[key] = value
        return value

    def node(self, equation: Any) -> None:
        """Append the node of one equation."""
        values = self.values
        operands = [self.read(atom) for atom in equation.invars]
        if equation.primitive is python_op_p:
            node = self.append(_python_op(self.graph, equation))
        else:
            node = self.append(Node(self.graph, f"lax::{equation.primitive.name}"))
            node._attributes, node._shared = equation.params, True
            node._operator = EquationOperator(equation, _expand)
        for value in operands:
            node._append_input(value)
        for var in equation.outvars:
            values[var] = node._append_output(var.aval)

    def append(self, node: Node) -> Node:
        """Put a node last."""
        node._link(self.end)
        return node


def _python_op(graph: Graph, equation: Any) -> PythonOp:
    node = PythonOp(graph, "prim::PythonOp")
    op = equation.params["op"]
    node._shared = True
    node._attributes = {
        "pyobj": op.function.apply,
        "cconv": op.cconv,
        "scalar_args": list(op.scalar_args),
    }
    if isinstance(op, BatchedOperation):
        node._attributes["vmap"] = op
    if op.nested is not None:  # what the letters alone don't say
        node._attributes["call"] = op.nested
    node._operator = ApplicationOperator(equation, node._attributes)
    return node


def _unwrapped(equation: Any) -> Any:
    """The application in the compiled call that `apply` makes of concrete arrays."""
    if equation.primitive.name not in ("jit", "pjit") or not says_nothing(equation):
        return equation
    inner, consts = _compat.plain_jaxpr(equation.params["jaxpr"])
    if len(inner.eqns) != 1 or inner.eqns[0].primitive is not python_op_p or consts:
        return equation
    (only,) = inner.eqns
    same = list(only.invars) == inner.invars and list(only.outvars) == inner.outvars
    if not same or equation.params["name"] != only.params["op"].function.__name__:
        return equation
    return only.replace(
        invars=equation.invars,
        outvars=equation.outvars,
        source_info=equation.source_info,
    )


def _readable(raw: Any) -> Any:
    """A constant as a reader wants it: Python scalars, NumPy arrays."""
    if isinstance(raw, bool | int | float | complex):
        kinds: tuple[Any, ...] = (bool, int, float, complex)
        return next(kind for kind in kinds if isinstance(raw, kind))(raw)
    if isinstance(raw, jax.Array):
        return raw
    array = np.asarray(raw)
    return array[()] if array.ndim == 0 else array


def _expand(node: Node, operator: EquationOperator) -> None:
    """Make the blocks of a node from the jaxprs of its equation."""
    for name in operator.regions():
        for jaxpr in _compat.nested_jaxprs(operator.equation.params[name]):
            inner, consts = _compat.plain_jaxpr(jaxpr)
            block = node._append_block(operator.editable())
            values = {var: _input(block, var.aval) for var in inner.invars}
            fixed = list(zip(inner.constvars, consts, strict=False))
            # Constants of an open jaxpr are the operands of whoever holds it.
            for var in inner.constvars[len(fixed) :]:
                values[var] = _input(block, var.aval)
            _Importer(block, values).fill(inner, fixed)


def _name_values(block: Block) -> None:
    """Name the outputs of nodes as the user's code names what they compute."""
    nodes, places = [], []
    for node in block.nodes():
        source = node.source_range() if node._operator is not None else None
        if source is not None and source.line is not None:
            nodes.append(node)
            ends = source.column, source.end_line, source.end_column
            places.append((source.filename, source.line, len(node._outputs), *ends))
    graph = block._graph
    for node, names in zip(nodes, Namer().assign(places), strict=True):
        for value, name in zip(node._outputs, names, strict=True):
            if name is not None and value._name is None:
                graph._suggest(value, name)
