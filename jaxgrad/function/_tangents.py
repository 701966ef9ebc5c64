"""The tangents that the user's `jvp` is given, and those that it returned.

The contract is torch's: one tangent for each argument, None for what has none; one for
each output, of exactly its shape. Unlike in torch, None is a zero tangent and the dtype
is checked.
"""

from typing import TYPE_CHECKING, Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import _compat
from jaxgrad.errors import TangentError
from jaxgrad.function import _audit, _axes
from jaxgrad.function._spec import ARRAY
from jaxgrad.function._trees import is_inexact, short_type

if TYPE_CHECKING:
    from jaxgrad.function._application import Application


def tangent_slots(app: "Application", given: dict[int, Any]) -> list[Any]:
    """One tangent for each argument of the call, in the argument's structure."""
    spec = app.spec
    rest = iter(range(spec.count))
    leaves = [
        _tangent(app, next(rest), given) if leaf is ARRAY else None
        for leaf in spec.leaves
    ]
    return list(jax.tree.unflatten(spec.treedef, leaves))


def _tangent(app: "Application", position: int, given: dict[int, Any]) -> Any:
    if position in given:
        return given[position]
    aval = app.avals[position]
    if is_inexact(aval.dtype) and app.materialize:
        return _axes.zeros(aval)
    return None


def check_tangents(app: "Application", returned: Any) -> list[Any]:
    """One tangent for each differentiable output, checked.

    Returns:
        Arrays of the outputs' types; zeros for None.

    Raises:
        TangentError: the wrong count, structure, shape or dtype, or a tangent for an
            output that has none.
    """
    marks = app.result.slot_marks()
    single = app.result.static.single and not isinstance(returned, tuple)
    slots = list(returned) if isinstance(returned, tuple) and not single else [returned]
    if len(slots) != len(marks):
        raise TangentError(
            f"{app.spec.owner}.jvp returned an incorrect number of tangents.\n"
            f"  Expected {len(marks)}, one for each output; got {len(slots)}.\n"
            "  Return None for an output that has no tangent."
        )
    positions = iter(range(len(app.differentiable)))
    out = []
    for number, (slot, mark) in enumerate(zip(slots, marks, strict=True)):
        expected, structure = jax.tree.flatten(mark, is_leaf=_none)
        leaves = [None] * len(expected)
        if slot is not None:
            leaves, got = jax.tree.flatten(slot, is_leaf=_none)
            if got != structure:
                have = f"{type(slot).__name__}, {got}"
                _fail(app, number, str(structure), have, "the output's structure")
        for leaf, is_array_leaf in zip(leaves, expected, strict=True):
            if is_array_leaf is not True:
                continue  # as in torch, a tangent for what is not an array is ignored
            position = next(positions)
            if app.differentiable[position]:
                out.append(_check(app, number, position, leaf))
            elif leaf is not None:
                _fail(app, number, "None", short_type(leaf), "None: it has no tangent")
    return out


def _none(value: Any) -> bool:
    return value is None


def _check(app: "Application", number: int, position: int, tangent: Any) -> Any:
    aval = app.out_avals[position]
    if tangent is None:
        return _axes.zeros(_compat.tangent_aval(aval))
    if not hasattr(tangent, "aval") and not isinstance(
        tangent, np.ndarray | np.generic | int | float | complex
    ):
        _fail(app, number, short_type(aval), short_type(tangent), "an array or None")
    tangent = jnp.asarray(tangent)
    complex_for_real = jnp.issubdtype(
        tangent.dtype, np.complexfloating
    ) and not jnp.issubdtype(aval.dtype, np.complexfloating)
    if tangent.shape != aval.shape or complex_for_real:
        _fail(app, number, short_type(aval), short_type(tangent), "the output's type")
    if tangent.dtype != aval.dtype:
        where = f"{app.spec.owner}.jvp, output {number}"
        _audit.cast(where, tangent, aval.dtype)
    return _axes.conform(tangent.astype(aval.dtype), aval)


def _fail(
    app: "Application", number: int, expected: str, got: str, way_out: str
) -> NoReturn:
    raise TangentError(
        f"{app.spec.owner}.jvp returned an invalid tangent for output {number}.\n"
        f"  Expected {expected}; got {got}.\n"
        f"  Return {way_out} there."
    )
