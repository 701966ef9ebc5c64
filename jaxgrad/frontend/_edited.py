"""Equations whose blocks were edited: run with other jaxprs, or anew.

Where a block uses its own inputs alone, the equation gets a jaxpr of the same type. One
that also uses values from outside has no place for them in an equation: JAX's public
function is called again, with the blocks as its functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from jaxgrad import _compat
from jaxgrad.errors import LoweringError
from jaxgrad.graph import Block, Node

Evaluate = Callable[[Block, Sequence[Any]], list[Any]]

# Those whose jaxprs may be replaced by others of the same type. Where a rule belongs to
# the jaxpr (custom_jvp, custom_vjp), or it is compiled apart, the blocks only show it.
EDITABLE = frozenset(
    {"jit", "pjit", "closed_call", "core_call", "scan", "while", "cond"}
    | {"checkpoint", "remat2", "remat"}
)


class _UsesOutside(Exception):
    """A block uses a value that is made outside it."""


def run_edited(
    equation: Any, node: Node, inputs: Sequence[Any], evaluate: Evaluate
) -> list[Any]:
    """What the equation of a node makes of `inputs`, with the node's blocks.

    Args:
        equation: what was recorded.
        node: its node.
        inputs: one value for each operand.
        evaluate: runs a block on values.

    Returns:
        Its results.

    Raises:
        LoweringError: an edited block returns other types than the equation needs.
    """
    with _compat.at(equation):
        try:
            params = _rebuilt(equation, node, evaluate)
        except _UsesOutside:
            again = _AGAIN[equation.primitive.name]
            return list(again(equation.params, node.blocks(), inputs, evaluate))
        return _compat.bind(equation, params, inputs)


def _rebuilt(equation: Any, node: Node, evaluate: Evaluate) -> dict[str, Any]:
    """The parameters with the jaxprs of the node's blocks."""
    params, blocks = dict(node._attributes), iter(node.blocks())
    for name, old in equation.params.items():
        jaxprs = _compat.nested_jaxprs(old)
        if jaxprs:
            new = [_jaxpr(jaxpr, next(blocks), evaluate) for jaxpr in jaxprs]
            params[name] = type(old)(new) if isinstance(old, tuple | list) else new[0]
    return params


def _jaxpr(old: Any, block: Block, evaluate: Evaluate) -> Any:
    """The jaxpr of an edited block, of the same type as the one that it shows."""
    inner, _ = _compat.plain_jaxpr(old)
    avals = [v.aval for v in inner.invars]
    expected = [v.aval for v in inner.outvars]
    new = jax.make_jaxpr(lambda *xs: evaluate(block, xs))(*avals)
    owner = block.owning_node()
    assert owner is not None
    if list(new.out_avals) != expected:
        raise LoweringError(
            f"An edited block of {owner.kind()} returns other types.\n"
            f"  Expected {', '.join(map(str, expected))}; got "
            f"{', '.join(map(str, new.out_avals))}."
        )
    consts = _compat.plain_jaxpr(new)[1]
    if any(isinstance(c, _compat.Tracer) for c in consts):
        raise _UsesOutside
    if consts and not _compat.holds_constants(old):
        raise _UsesOutside
    return _compat.like_jaxpr(old, new)


# --- the public functions, with blocks as their functions -----------------------------


def _scan(
    params: Any, blocks: Sequence[Block], inputs: Sequence[Any], evaluate: Evaluate
) -> Any:
    n_consts, n_carry = _compat.scan_sizes(params)
    consts, rest = inputs[:n_consts], inputs[n_consts:]

    def body(carry: Any, xs: Any) -> tuple[list[Any], list[Any]]:
        out = evaluate(blocks[0], [*consts, *carry, *xs])
        return out[:n_carry], out[n_carry:]

    carry, ys = jax.lax.scan(
        body,
        list(rest[:n_carry]),
        list(rest[n_carry:]),
        length=params["length"],
        reverse=params["reverse"],
        unroll=params["unroll"],
    )
    return [*carry, *ys]


def _while(
    params: Any, blocks: Sequence[Block], inputs: Sequence[Any], evaluate: Evaluate
) -> Any:
    first, second = params["cond_nconsts"], params["body_nconsts"]
    of_cond, of_body = inputs[:first], inputs[first : first + second]
    return jax.lax.while_loop(
        lambda state: evaluate(blocks[0], [*of_cond, *state])[0],
        lambda state: evaluate(blocks[1], [*of_body, *state]),
        list(inputs[first + second :]),
    )


def _cond(
    params: Any, blocks: Sequence[Block], inputs: Sequence[Any], evaluate: Evaluate
) -> Any:
    index, *operands = inputs
    branches = [lambda *xs, b=block: evaluate(b, xs) for block in blocks]
    return jax.lax.switch(index, branches, *operands)


def _jit(
    params: Any, blocks: Sequence[Block], inputs: Sequence[Any], evaluate: Evaluate
) -> Any:
    return evaluate(blocks[0], inputs)


def _checkpoint(
    params: Any, blocks: Sequence[Block], inputs: Sequence[Any], evaluate: Evaluate
) -> Any:
    function = jax.checkpoint(
        lambda *xs: evaluate(blocks[0], xs),
        prevent_cse=params["prevent_cse"],
        policy=params["policy"],
    )
    return function(*inputs)


_AGAIN: dict[str, Callable[..., Any]] = {
    "scan": _scan,
    "while": _while,
    "cond": _cond,
    **dict.fromkeys(("jit", "pjit", "closed_call", "core_call"), _jit),
    **dict.fromkeys(("checkpoint", "remat2", "remat"), _checkpoint),
}
