"""What nodes without an operator do: one function for each kind of the `prim` dialect.

Each takes the node, its inputs, and a function that runs one of its blocks; it returns
the outputs. Kinds are those of TorchScript.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import LoweringError
from jaxgrad.graph import Block, Graph, Node, PythonOp, types
from jaxgrad.graph._callables import call

Nested = Callable[[Block, Sequence[Any]], list[Any]]
Rule = Callable[[Node, list[Any], Nested], list[Any]]


def call_python(node: PythonOp, values: Sequence[Any]) -> list[Any]:
    """Apply the callable of a PythonOp to its inputs and scalars."""
    node.lint_python()
    if "vmap" in node._attributes and node._operator is None:
        raise LoweringError(
            f"^{node.name()} was recorded under vmap, and its operator is gone."
        )
    arrays, scalars = iter(values), iter(node.scalar_args)
    leaves = [next(arrays if letter == "d" else scalars) for letter in node.cconv]
    nested = node._attributes.get("call")  # where the arguments are no leaves
    result = node.pyobj(*leaves) if nested is None else nested(node.pyobj, leaves)
    return jax.tree.leaves(result)


def call_resolved(node: Node, values: Sequence[Any]) -> list[Any]:
    """Call what a `lax::` or `py::` kind names."""
    if node.kind().partition("::")[0] not in ("lax", "py"):
        raise LoweringError(
            f"There is no way to run {node.kind()}.\n"
            f"  Expected lax::NAME, py::PATH, or one of {', '.join(sorted(KINDS))}."
        )
    return call(node, list(values))


def constant_of(node: Node) -> Any:
    """The value of a constant, as its type says."""
    value = node.attr["value"]
    kind = node.output().type()
    scalar = isinstance(value, bool | int | float | complex)
    if scalar and isinstance(kind, types.TensorType) and kind.is_complete():
        return _typed(value, kind)
    return value


def _constant(node: Node, values: list[Any], nested: Nested) -> list[Any]:
    return [constant_of(node)]


def _typed(value: Any, kind: types.TensorType) -> Any:
    aval = kind.aval
    if aval is not None and aval.weak_type:
        return value
    dtype = kind.dtype()
    array = np.asarray(value).astype(dtype)
    # Numbers are rounded to the type, but a part of a number is never dropped.
    real = np.issubdtype(dtype, np.complexfloating) or not isinstance(value, complex)
    whole = not isinstance(value, float) or not np.issubdtype(dtype, np.integer)
    if not (real and (whole or array == value)):
        raise LoweringError(
            f"The constant {value!r} doesn't fit its type {kind}.\n"
            "  Set the type of its value too, with set_type."
        )
    return array


def _if(node: Node, values: list[Any], nested: Nested) -> list[Any]:
    (condition,), (true, false) = values, node.blocks()
    if isinstance(condition, bool):
        return nested(true if condition else false, [])
    condition = jnp.asarray(condition)
    if condition.shape:
        raise LoweringError(
            f"The condition of prim::If has the shape {condition.shape}.\n"
            "  Expected a scalar: reduce it with all() or any()."
        )
    return jax.lax.cond(condition, lambda: nested(true, []), lambda: nested(false, []))


def _loop(node: Node, values: list[Any], nested: Nested) -> list[Any]:
    """`(trips, condition, *carried)`, and a block `(i, *carried) -> (go on, *carried)`.

    Counted alone it is a `fori_loop`, which has a reverse-mode derivative where the
    number of trips is known; else a `while_loop`.

    Returns:
        What is carried at the end.
    """
    trips, condition, *carried = values
    (body,) = node.blocks()
    carried = [jnp.asarray(v) for v in carried]
    go_on = body.outputs()[0].to_ival()

    def step(i: Any, state: Sequence[Any]) -> tuple[Any, list[Any]]:
        again, *new = nested(body, [i, *state])
        cast = [
            jax.lax.convert_element_type(n, old.dtype) if n.dtype != old.dtype else n
            for n, old in zip(map(jnp.asarray, new), state, strict=True)
        ]
        return again, cast

    known = isinstance(condition, bool | np.bool_)
    if known and not condition:
        return carried
    if known and go_on is not None and bool(go_on):
        return list(jax.lax.fori_loop(0, trips, lambda i, s: step(i, s)[1], carried))

    def more(state: Any) -> Any:
        i, again, _ = state
        return jnp.logical_and(i < trips, again)

    def advance(state: Any) -> Any:
        i, _, old = state
        again, new = step(i, old)
        return i + 1, jnp.asarray(again, bool), new

    start = (jnp.asarray(0), jnp.asarray(condition, bool), carried)
    return list(jax.lax.while_loop(more, advance, start)[2])


def _function(node: Node, values: list[Any], nested: Nested) -> list[Any]:
    graph = node.attr["graph"]
    assert isinstance(graph, Graph)
    return nested(graph.block(), values)


def _uninitialized(node: Node, values: list[Any], nested: Nested) -> list[Any]:
    kind = node.output().type()
    if isinstance(kind, types.TensorType) and kind.aval is not None:
        return [jnp.zeros(kind.aval.shape, kind.aval.dtype)]
    raise LoweringError(f"Nothing can stand for an uninitialized {kind}.")


def _print(node: Node, values: list[Any], nested: Nested) -> list[Any]:
    jax.debug.print(" ".join(["{}"] * len(values)), *values)
    return []


def _dict(node: Node, values: list[Any], nested: Nested) -> list[Any]:
    return [dict(zip(values[::2], values[1::2], strict=True))]


KINDS: dict[str, Rule] = {
    "prim::Constant": _constant,
    "prim::If": _if,
    "prim::Loop": _loop,
    "prim::CallFunction": _function,
    "prim::Print": _print,
    "prim::Uninitialized": _uninitialized,
    "prim::TupleConstruct": lambda node, values, nested: [tuple(values)],
    "prim::TupleUnpack": lambda node, values, nested: list(values[0]),
    "prim::TupleIndex": lambda node, values, nested: [values[0][values[1]]],
    "prim::ListConstruct": lambda node, values, nested: [list(values)],
    "prim::ListUnpack": lambda node, values, nested: list(values[0]),
    "prim::DictConstruct": _dict,
}
