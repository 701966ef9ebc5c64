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
# They have no gradient, or are cheap where it is not asked for; and none makes NaN of
# finite numbers, which would be felt by `checkify`.
_OTHERS = frozenset(
    {
        *("lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not", "xor", "is_finite"),
        *("mul", "max", "min", "abs", "sign", "floor", "ceil", "round", "clamp"),
        *("reduce_max", "reduce_min", "reduce_and", "reduce_or", "argmax", "argmin"),
        *("square", "exp", "iota"),
        *("shift_left", "shift_right_logical", "shift_right_arithmetic"),
    }
)
_ALL = _LINEAR | _OTHERS


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
    octaves, room = 0.0, math.inf  # by which a gradient is scaled, and may be
    for equation in reversed(plain.eqns):
        if not _is_small(equation):
            return False
        name = equation.primitive.name
        felt = any(v in moving for v in equation.outvars)
        if name not in _LINEAR and (felt or name not in _ALL):
            scale = _scale(equation) if name in _SCALED else None
            if scale is None:
                return False
            octaves += abs(math.log2(scale))
            # XLA multiplies numbers with each other, and takes small ones for zero.
            room = min(room, jnp.finfo(equation.outvars[0].aval.dtype).maxexp / 2)
        if felt and name != "stop_gradient":
            moving |= {v for v in equation.invars if _is_moving(v)}
    return octaves <= room


def _scale(equation: Any) -> float | None:
    """The size of the number by which an equation scales; None if it is not known."""
    first, second = equation.invars
    known = second if isinstance(second, _compat.Literal) else first
    if not isinstance(known, _compat.Literal) or np.ndim(known.val):
        return None
    if known is first and equation.primitive.name == "div":
        return None
    size = float(abs(known.val))
    return size if size and math.isfinite(size) else None


def _is_moving(variable: Any) -> bool:
    if isinstance(variable, _compat.Literal):
        return False
    return jnp.issubdtype(variable.aval.dtype, jnp.inexact)


def _is_small(equation: Any) -> bool:
    shapes = [v.aval.shape for v in (*equation.invars, *equation.outvars)]
    known = all(isinstance(n, int) for shape in shapes for n in shape)
    return (
        not equation.effects
        and known
        and all(math.prod(shape) <= _ELEMENTS for shape in shapes)
    )
