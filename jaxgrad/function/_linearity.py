"""Whether a backward is linear in its cotangents, read off its jaxpr.

A JVP that is derived by transposing backward is right only if backward is linear. JAX's
`linear_transpose` notices an operation that it can't transpose, but takes an affine
function for its linear part and a constant one for zero. So every value is classified,
equation by equation: `ZERO`, `CONSTANT` (does not depend on the cotangents) or
`LINEAR`; what is neither is an error that says where it came from.
"""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import numpy as np

from jaxgrad import _compat
from jaxgrad.errors import NonLinearBackwardError


class _Kind(Enum):
    ZERO = 0
    CONSTANT = 1
    LINEAR = 2


ZERO, CONSTANT, LINEAR = _Kind.ZERO, _Kind.CONSTANT, _Kind.LINEAR

# Linear in every operand together: f(a, b) = f(a, 0) + f(0, b).
_ADDITIVE = frozenset(
    [
        "add",
        "sub",
        "add_any",
        "neg",
        "concatenate",
        "reshape",
        "broadcast_in_dim",
        "transpose",
        "reduce_sum",
        "cumsum",
        "squeeze",
        "expand_dims",
        "slice",
        "rev",
        "real",
        "imag",
        "conj",
        "complex",
        "copy",
        "copy_p",
        "pad",
        "convert_element_type",
        "psum",
        "psum2",
        "psum_invariant",
        "all_gather",
        "all_to_all",
        "ppermute",
        "pbroadcast",
        "pcast",
        "pvary",
        "reshard",
        "reduce_scatter",
        "psum_scatter",
        "device_put",
        "sharding_constraint",
        "reduce_precision",
        "optimization_barrier",
        "reduce_window_sum",
        "fft",
        "split",
        "tie_in",
        "function_guard",
        "stop_gradient",
        "mesh_cast",
        "layout_constraint",
        "all_gather_invariant",
    ]
)
# Linear in each operand alone.
_BILINEAR = frozenset(["mul", "dot_general", "conv_general_dilated"])
# Linear in the operands at these positions together; no cotangent may reach others.
_IN_SOME: dict[str, Sequence[int]] = {
    "div": (0,),
    "select_n": (),  # all but the first
    "gather": (0,),
    "dynamic_slice": (0,),
    "dynamic_update_slice": (0, 1),
    "scatter": (0, 2),
    "scatter-add": (0, 2),
    "scatter_add": (0, 2),
    "scatter-sub": (0, 2),
    "triangular_solve": (1,),
    "select_and_gather_add": (0,),
    "select_and_scatter_add": (0,),
}
_CALLS = frozenset(
    [
        "jit",
        "pjit",
        "closed_call",
        "core_call",
        "remat",
        "remat2",
        "checkpoint",
        "custom_jvp_call",
        "custom_vjp_call",
        "custom_lin",
        "custom_vjp_call_jaxpr",
        "custom_vmap_call",
    ]
)


class _NotLinear(Exception):
    """An equation that is not linear in what depends on the cotangents."""


def check(owner: str, jaxpr: Any) -> None:
    """Refuse a backward that is not linear.

    Args:
        owner: the class's name.
        jaxpr: backward, as a function of its cotangents only.

    Raises:
        NonLinearBackwardError: it is non-linear, affine or a constant other than zero.
    """
    try:
        kinds = _closed(jaxpr, [LINEAR] * len(jaxpr.in_avals))
    except _NotLinear as error:
        raise NonLinearBackwardError(message(owner, str(error))) from None
    if CONSTANT in kinds:
        raise NonLinearBackwardError(
            message(
                owner,
                f"result {kinds.index(CONSTANT)} is a constant that does not depend on "
                "the cotangents and is not zero",
            )
        )


def message(owner: str, why: str) -> str:
    """The text of the error, with the reason `why`."""
    return (
        f"{owner}.backward is not linear in the cotangents, and its JVP is derived by "
        "transposing it.\n"
        f"  Expected a linear map of the cotangents; got one where {why}.\n"
        f"  Define a `jvp` staticmethod on {owner}, or leave out generate_jvp_rule and "
        "use reverse mode only."
    )


def _closed(closed: Any, kinds: Sequence[_Kind]) -> list[_Kind]:
    jaxpr = closed.jaxpr
    consts = [_constant(value) for value in closed.consts]
    return _walk(jaxpr, consts, kinds)


def _constant(value: Any) -> _Kind:
    if isinstance(value, np.ndarray | np.generic | int | float | complex | bool):
        return CONSTANT if np.any(value) else ZERO
    return CONSTANT


def _walk(jaxpr: Any, consts: Sequence[_Kind], kinds: Sequence[_Kind]) -> list[_Kind]:
    env: dict[Any, _Kind] = {}
    env.update(zip(jaxpr.constvars, consts, strict=True))
    env.update(zip(jaxpr.invars, kinds, strict=True))

    def read(atom: Any) -> _Kind:
        if isinstance(atom, _compat.Literal):
            return _constant(atom.val)
        return env[atom]

    for equation in jaxpr.eqns:
        given = [read(atom) for atom in equation.invars]
        env.update(zip(equation.outvars, _equation(equation, given), strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _equation(equation: Any, given: list[_Kind]) -> list[_Kind]:
    name = equation.primitive.name
    count = len(equation.outvars)
    if LINEAR not in given:
        # Of constants alone nothing is said inside loops and branches but "constant".
        if ZERO in given and name in _CALLS:
            return _STRUCTURED[name](equation, given)
        zero = given and name in _KEEPS_ZERO and _zero_out(name, given)
        return [ZERO if zero else CONSTANT] * count
    if name in _ADDITIVE:
        return [_sum(name, equation, given)] * count
    if name in _BILINEAR:
        return [_product(name, given)] * count
    if name in _IN_SOME:
        return [_some(name, given)] * count
    handler = _STRUCTURED.get(name)
    if handler is not None:
        return handler(equation, given)
    if name == "function_linear":
        return [_some_after(name, given, equation.params["count"])] * count
    raise _NotLinear(f"{name} is applied to a cotangent{_where(equation)}")


_KEEPS_ZERO = _ADDITIVE | _BILINEAR | frozenset(_IN_SOME)


def _zero_out(name: str, given: list[_Kind]) -> bool:
    if name in _BILINEAR:
        return ZERO in given
    if name in _ADDITIVE:
        return all(kind is ZERO for kind in given)
    return all(given[i] is ZERO for i in _positions(name, given))


def _positions(name: str, given: list[_Kind]) -> Sequence[int]:
    return _IN_SOME[name] or range(1, len(given))


def _sum(name: str, equation: Any, given: list[_Kind]) -> _Kind:
    if name == "convert_element_type" and not np.issubdtype(
        _float_like(equation.params["new_dtype"]), np.inexact
    ):
        raise _NotLinear(f"a cotangent is converted to an integer{_where(equation)}")
    if CONSTANT in given:
        raise _NotLinear(
            f"{name} joins a cotangent and a constant other than zero{_where(equation)}"
        )
    return LINEAR


def _float_like(dtype: Any) -> Any:
    # ml_dtypes' floats are not NumPy's.
    dtype = np.dtype(dtype)
    return np.float32 if "float" in dtype.name else dtype


def _product(name: str, given: list[_Kind]) -> _Kind:
    if ZERO in given:
        return ZERO
    if given.count(LINEAR) > 1:
        raise _NotLinear(f"{name} multiplies cotangents with each other")
    return LINEAR


def _some(name: str, given: list[_Kind]) -> _Kind:
    positions = _positions(name, given)
    if any(k is LINEAR for i, k in enumerate(given) if i not in positions):
        raise _NotLinear(f"{name} depends on a cotangent in an operand that selects")
    if any(given[i] is CONSTANT for i in positions):
        raise _NotLinear(f"{name} joins a cotangent and a constant other than zero")
    return LINEAR


def _some_after(name: str, given: list[_Kind], count: int) -> _Kind:
    if LINEAR in given[:count] or CONSTANT in given[count:]:
        raise _NotLinear(f"{name} depends on a cotangent in a residual")
    return LINEAR


def _where(equation: Any) -> str:
    """`, at FILE:LINE` of the user's code, where JAX knows it."""
    frame = _compat.user_frame(equation)
    return f", at {frame}" if frame else ""


# --- equations that hold jaxprs -------------------------------------------------------


def _call(equation: Any, given: list[_Kind]) -> list[_Kind]:
    for key in ("jaxpr", "call_jaxpr", "fun_jaxpr", "call"):
        if key in equation.params:
            return _inner(equation.params[key], given)
    raise _NotLinear(f"{equation.primitive.name} is applied to a cotangent")


def _inner(jaxpr: Any, given: Sequence[_Kind]) -> list[_Kind]:
    if hasattr(jaxpr, "consts"):
        return _closed(jaxpr, given)
    return _walk(jaxpr, [], given)


def _cond(equation: Any, given: list[_Kind]) -> list[_Kind]:
    if given[0] is LINEAR:
        raise _NotLinear("a condition depends on a cotangent")
    branches = [_closed(b, given[1:]) for b in equation.params["branches"]]
    return [_join(kinds) for kinds in zip(*branches, strict=True)]


def _join(kinds: Sequence[_Kind]) -> _Kind:
    present = set(kinds)
    if CONSTANT in present and LINEAR in present:
        raise _NotLinear("one branch is linear in the cotangents, another is constant")
    return max(present, key=lambda kind: kind.value)


def _scan(equation: Any, given: list[_Kind]) -> list[_Kind]:
    n_consts, n_carry = _compat.scan_sizes(equation.params)
    consts, carry = given[:n_consts], given[n_consts:][:n_carry]
    xs = given[n_consts + n_carry :]
    # The carry's kinds only grow, so this ends.
    while True:
        out = _inner(equation.params["jaxpr"], [*consts, *carry, *xs])
        grown = [_join(pair) for pair in zip(carry, out[: len(carry)], strict=True)]
        if grown == carry:
            return [*carry, *out[len(carry) :]]
        carry = grown


_Handler = Callable[[Any, list[_Kind]], list[_Kind]]
_STRUCTURED: dict[str, _Handler] = {
    **dict.fromkeys(_CALLS, _call),
    "cond": _cond,
    "scan": _scan,
    "shard_map": _call,
}
