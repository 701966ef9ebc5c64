"""The legal forms of nodes: one row for each kind of the `prim` dialect.

- `FORMS`: the table.
- `problem(node)`: what breaks the form of its kind, in words; None if nothing does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import jax.numpy as jnp

from jaxgrad.errors import GraphError
from jaxgrad.graph import types

if TYPE_CHECKING:
    from jaxgrad.graph._node import Node
    from jaxgrad.graph._value import Value

# How many: exactly, or from-to, where None is any number.
_Count = int | tuple[int, int | None]
_ANY = (0, None)


class Form(NamedTuple):
    """What the nodes of a kind look like.

    Attributes:
        inputs: how many inputs.
        outputs: how many outputs.
        blocks: how many blocks.
        attributes: the attributes that it needs.
        check: what else holds; it returns what doesn't, in words, or None.
    """

    inputs: _Count
    outputs: _Count
    blocks: _Count = 0
    attributes: tuple[str, ...] = ()
    check: Callable[[Node], str | None] | None = None


def problem(node: Node) -> str | None:
    """What breaks the form of a node's kind, in words; None if nothing does."""
    dialect, _, name = node._kind.partition("::")
    if dialect in ("lax", "py") and node._blocks and node._operator is None:
        return f"{node._kind} has blocks, which are recorded, never added"
    if dialect != "prim":
        return None if dialect and name else f"{node._kind!r} is no kind"
    form = FORMS.get(node._kind)
    if form is None:
        return f"there is no kind {node._kind}; the table has {', '.join(FORMS)}"
    counts = (
        ("inputs", form.inputs, len(node._inputs)),
        ("outputs", form.outputs, len(node._outputs)),
        ("blocks", form.blocks, len(node._blocks or ())),
    )
    for what, expected, got in counts:
        if not _counts(expected, got):
            return f"{node._kind} takes {_words(expected)} {what}, and has {got}"
    for attribute in form.attributes:
        if attribute not in node._attributes:
            return f"{node._kind} needs the attribute {attribute!r}"
    return None if form.check is None else form.check(node)


def _counts(expected: _Count, got: int) -> bool:
    if isinstance(expected, int):
        return got == expected
    least, most = expected
    return got >= least and (most is None or got <= most)


def _words(expected: _Count) -> str:
    if isinstance(expected, int):
        return str(expected)
    least, most = expected
    return f"at least {least}" if most is None else f"{least} to {most}"


# --- signatures -----------------------------------------------------------------------


def _param(node: Node) -> str | None:
    if node._block is None or node is not node._block._param:
        return "prim::Param stands among the nodes of a block"
    return None


def _return(node: Node) -> str | None:
    if node._block is None or node is not node._block._end:
        return "prim::Return stands among the nodes of a block"
    return None


def _if(node: Node) -> str | None:
    if not _is_bool(node._inputs[0]):
        return f"the condition of prim::If is no bool: {node._inputs[0]!r}"
    for i, block in enumerate(node.blocks()):
        if block.inputs():
            return f"block{i} of prim::If has inputs"
        found = _same(f"block{i} of prim::If returns", block.outputs(), node._outputs)
        if found:
            return found
    return None


def _loop(node: Node) -> str | None:
    """`(max_trip, condition, *carried)`, `block(i, *carried) -> (again, *carried)`."""
    trips, condition, *carried = node._inputs
    (block,) = node.blocks()
    if not _is_int(trips):
        return f"the trip count of prim::Loop is no int: {trips!r}"
    if not _is_bool(condition):
        return f"the condition of prim::Loop is no bool: {condition!r}"
    inputs, outputs = block.inputs(), block.outputs()
    if not inputs or not _is_int(inputs[0]):
        return "the block of prim::Loop does not begin with an int, the iteration"
    if not outputs or not _is_bool(outputs[0]):
        return "the block of prim::Loop does not return a bool first, whether to go on"
    return (
        _same("prim::Loop makes", node._outputs, carried, "as many as it carries")
        or _same("the block of prim::Loop takes", inputs[1:], carried)
        or _same("the block of prim::Loop returns", outputs[1:], node._outputs)
    )


def _same(
    what: str, got: Sequence[Value], expected: Sequence[Value], why: str = ""
) -> str | None:
    """What differs between two lists of values, in words."""
    if len(got) != len(expected):
        more = f", {why}" if why else ""
        return f"{what} {len(got)} values; expected {len(expected)}{more}"
    for i, (mine, theirs) in enumerate(zip(got, expected, strict=True)):
        if not _compatible(mine.type(), theirs.type()):
            return f"{what} {mine!r} as number {i}; expected {theirs.type()}"
    return None


def _compatible(a: types.Type, b: types.Type) -> bool:
    """Whether a value may have both types, as far as they are known."""
    if a is b or a == b or a.is_subtype_of(b) or b.is_subtype_of(a):
        return True
    if not isinstance(a, types.TensorType) or not isinstance(b, types.TensorType):
        return False
    # Weak types and shardings may differ.
    known = a.is_complete() and b.is_complete()
    return known and (a.dtype(), a.symbolic_sizes()) == (b.dtype(), b.symbolic_sizes())


def _is_bool(value: Value) -> bool:
    return _is_scalar(value, (types.BoolType,), jnp.bool_)


def _is_int(value: Value) -> bool:
    return _is_scalar(value, (types.IntType, types.DimType), jnp.integer)


def _is_scalar(value: Value, python: tuple[type, ...], dtype: type) -> bool:
    """Whether a value may be such a Python scalar, or an array of one."""
    type_ = value.type()
    if not isinstance(type_, types.TensorType):
        return isinstance(type_, (types.AnyType, *python))
    known = type_.dtype()
    fits = known is None or jnp.issubdtype(known, dtype)
    return fits and type_.dim() in (None, 0)


def _unpack(node: Node) -> str | None:
    whole = node._inputs[0].type()
    if not isinstance(whole, types.TupleType):
        return None
    count = len(whole.elements())
    if count != len(node._outputs):
        return f"prim::TupleUnpack makes {len(node._outputs)} values of {count}"
    return None


def _construct(node: Node) -> str | None:
    whole = node._outputs[0].type()
    if not isinstance(whole, types.TupleType):
        return None
    count = len(whole.elements())
    if count != len(node._inputs):
        return f"prim::TupleConstruct makes a {whole} of {len(node._inputs)} values"
    return None


def _dict(node: Node) -> str | None:
    if len(node._inputs) % 2:
        return "prim::DictConstruct has a key without a value"
    return None


def _call(node: Node) -> str | None:
    if "graph" in node._attributes or (node._inputs and "name" in node._attributes):
        return None
    return "prim::CallFunction needs the attribute 'graph', or a callee and 'name'"


def _python_op(node: Node) -> str | None:
    try:
        node.lint_python()  # type: ignore[attr-defined]
    except GraphError as error:
        return str(error)
    return None


FORMS: dict[str, Form] = {
    "prim::Constant": Form(0, 1, attributes=("value",)),
    "prim::If": Form(1, _ANY, blocks=2, check=_if),
    "prim::Loop": Form((2, None), _ANY, blocks=1, check=_loop),
    "prim::Return": Form(_ANY, 0, check=_return),
    "prim::Param": Form(0, _ANY, check=_param),
    "prim::PythonOp": Form(_ANY, _ANY, check=_python_op),
    "prim::CallFunction": Form(_ANY, _ANY, check=_call),
    "prim::CallMethod": Form((1, None), _ANY, attributes=("name",)),
    "prim::GetAttr": Form(1, 1, attributes=("name",)),
    "prim::SetAttr": Form((2, 3), 0, attributes=("name",)),
    "prim::TupleConstruct": Form(_ANY, 1, check=_construct),
    "prim::TupleUnpack": Form(1, _ANY, check=_unpack),
    "prim::TupleIndex": Form(2, 1),
    "prim::ListConstruct": Form(_ANY, 1),
    "prim::ListUnpack": Form(1, _ANY),
    "prim::DictConstruct": Form(_ANY, 1, check=_dict),
    "prim::Print": Form(_ANY, 0),
    "prim::Assert": Form((1, None), 0, blocks=(0, 1)),
    "prim::RaiseException": Form(_ANY, 0),
    "prim::Uninitialized": Form(0, 1),
    # What Python source is made of.
    "prim::CellCreate": Form(1, 1, attributes=("name",)),
    "prim::CellGet": Form(1, 1),
    "prim::CellSet": Form(2, 0),
    "prim::Closure": Form(_ANY, 1, attributes=("graph",)),
    "prim::Format": Form(_ANY, 1, attributes=("layout",)),
    "prim::Global": Form(0, 1, attributes=("name",)),
    "prim::Item": Form(2, 1),
    "prim::Iterate": Form(1, 2),
    "prim::Reached": Form(1, 1),
    "prim::SetConstruct": Form(_ANY, 1),
    "prim::SetItem": Form((3, 4), 1),
    "prim::Super": Form(1, 1),
    "prim::Unchanged": Form(2, 0, attributes=("name",)),
    "prim::Use": Form(1, 1),
    "prim::With": Form(1, _ANY, blocks=1),
}
