"""Paths that are as well computed when the other one is taken: `jnp.where`, not `cond`.

A choice between numbers that are near at hand costs less than a jump, and compiles in a
fraction of the time. What is not taken must not be felt: neither by the values, which
a select drops, nor by a gradient, in which zero times infinity would be NaN.

- `is_cheap`: whether a path is one of these.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad import _compat

_EQUATIONS, _ELEMENTS = 32, 128  # at most: of a path, of each array in it

# Their derivatives are constants.
_LINEAR = frozenset(
    {
        *("add", "sub", "neg", "add_any", "reduce_sum", "stop_gradient"),
        *("convert_element_type", "copy", "copy_p", "select_n"),
        *("broadcast_in_dim", "reshape", "squeeze", "expand_dims", "transpose", "rev"),
        *("slice", "concatenate", "stack", "unstack"),
    }
)
_SCALED = frozenset({"mul", "div"})  # linear, if the other operand is known
# They have no gradient, or are cheap where it is not asked for.
_OTHERS = frozenset(
    {
        *("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "xor", "is_finite"),
        *("max", "min", "abs", "sign", "floor", "ceil", "round", "clamp", "square"),
        *("reduce_max", "reduce_min", "reduce_and", "reduce_or", "argmax", "argmin"),
        *("integer_pow", "sqrt", "rsqrt", "exp", "log", "iota"),
        *("shift_left", "shift_right_logical", "shift_right_arithmetic"),
    }
)
_ALL = _LINEAR | _SCALED | _OTHERS


def is_cheap(jaxpr: Any) -> bool:
    """Whether a path may as well be computed where the other one is taken.

    Args:
        jaxpr: the path, closed.

    Returns:
        Whether it is a few equations of small arrays, whose gradient is finite
        whatever they are computed from.
    """
    plain, _ = _compat.plain_jaxpr(jaxpr)
    if len(plain.eqns) > _EQUATIONS:
        return False
    # The variables through which a gradient would flow.
    moving = {v for v in plain.outvars if _is_moving(v)}
    for equation in reversed(plain.eqns):
        if not _is_small(equation):
            return False
        name = equation.primitive.name
        felt = any(v in moving for v in equation.outvars)
        if felt and not _is_linear(equation):
            return False
        if name not in _ALL:
            return False
        if felt and name != "stop_gradient":
            moving |= {v for v in equation.invars if _is_moving(v)}
    return True


def _is_linear(equation: Any) -> bool:
    name = equation.primitive.name
    if name in _SCALED:
        return _is_finite(equation.invars[1]) or (
            name == "mul" and _is_finite(equation.invars[0])
        )
    return name in _LINEAR


def _is_finite(operand: Any) -> bool:
    """Whether an operand is a number that is known, and neither 0 nor infinite."""
    if not isinstance(operand, _compat.Literal):
        return False
    value = np.asarray(operand.val)
    return value.ndim == 0 and bool(np.isfinite(value)) and bool(value != 0)


def _is_moving(variable: Any) -> bool:
    if isinstance(variable, _compat.Literal):
        return False
    return jnp.issubdtype(variable.aval.dtype, jnp.inexact)


def _is_small(equation: Any) -> bool:
    shapes = [v.aval.shape for v in equation.outvars]
    known = all(isinstance(n, int) for shape in shapes for n in shape)
    return (
        not equation.effects
        and known
        and all(math.prod(shape) <= _ELEMENTS for shape in shapes)
    )
