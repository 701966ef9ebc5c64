"""An identity whose tangent raises when somebody uses it.

`guard` marks values that must not be differentiated. Their tangent is a poisoned linear
equation: it raises when it is evaluated, lowered or transposed. A derivative that
nobody uses therefore costs nothing and raises nothing.

- `Poison`: what is raised.
- `guard`: the identity.
- `seal`: the same for a computation that JAX may not be able to differentiate.
- `witness` and `tie`: the same for a value that is packed into something without a
  tangent, and unpacked again.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, NoReturn

import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.function._primitives import detach
from jaxgrad.function._trees import as_array, is_inexact


class Poison(NamedTuple):
    """The error that a poisoned tangent raises."""

    error: type[Exception]
    message: str

    def refuse(self) -> NoReturn:
        """Raise it."""
        raise self.error(self.message)


def guard(values: Sequence[Any], poison: Poison) -> list[Any]:
    """`values` with tangents that raise; what has none stays as it is."""
    return [
        v if v is None or not is_inexact(v.dtype) else guard_p.bind(v, poison=poison)[0]
        for v in values
    ]


def witness(value: Any, poison: Poison) -> Any:
    """An empty array that is differentiated where `value` is; its tangent raises."""
    return witness_p.bind(value, poison=poison)[0]


def seal(
    values: Sequence[Any], poison: Poison
) -> tuple[list[Any], Callable[[Any], Any]]:
    """`values` without their tangents; and what marks results computed from them.

    What is computed from them in between is not differentiated at all, so that it need
    not be differentiable; a derivative of a marked result raises when it is used.

    Returns:
        The values, None staying None; and a function of one result.
    """
    moving = [i for i, v in enumerate(values) if v is not None and _moves(v)]
    if not moving:
        return list(values), lambda result: result
    marks = [witness(values[i], poison) for i in moving]
    out = list(values)
    for i, value in zip(moving, detach([values[i] for i in moving]), strict=True):
        out[i] = value

    def sealed(result: Any) -> Any:
        inexact = result is not None and is_inexact(result.dtype)
        return tie(result, *marks) if inexact else result

    return out, sealed


def _moves(value: Any) -> bool:
    return isinstance(value, _compat.Tracer) and is_inexact(value.dtype)


def tie(value: Any, *witnesses: Any) -> Any:
    """`value`, differentiated where one of `witnesses` is."""
    return tie_p.bind(as_array(value), *witnesses)[0]


def _identity(value: Any, *, poison: Poison) -> list[Any]:
    return [value]


def _refuse(*_: Any, poison: Poison) -> NoReturn:
    poison.refuse()


def _guard_jvp(primals: Any, tangents: Any, *, poison: Poison) -> Any:
    out = guard_p.bind(*primals, poison=poison)
    if type(tangents[0]) is _compat.Zero:
        return out, _compat.zero_tangents(out)
    return out, poison_p.bind(tangents[0], poison=poison)


def _guard_transpose(cotangents: Any, value: Any, *, poison: Poison) -> list[Any]:
    # As a linear map it is the identity: deriving a JVP from a marked backward is a
    # first derivative. The other direction is marked again.
    if type(cotangents[0]) is _compat.Zero:
        return [None]
    return guard_p.bind(cotangents[0], poison=poison)


def _poison_jvp(primals: Any, tangents: Any, *, poison: Poison) -> Any:
    tangent = _compat.instantiate(tangents[0])
    return poison_p.bind(*primals, poison=poison), poison_p.bind(tangent, poison=poison)


def _batch(name: str) -> Callable[..., Any]:
    def rule(axis: Any, args: Any, dims: Any, *, poison: Poison) -> Any:
        primitive = {"guard": guard_p, "poison": poison_p}[name]
        return primitive.bind(*args, poison=poison), list(dims)

    return rule


guard_p = _compat.define(
    "function_guard",
    _identity,
    _identity,
    jvp=_guard_jvp,
    transpose=_guard_transpose,
    batch=_batch("guard"),
)
poison_p = _compat.define(
    "function_no_second_derivative",
    _refuse,
    _identity,
    jvp=_poison_jvp,
    transpose=lambda ct, value, *, poison: poison.refuse(),
    batch=_batch("poison"),
)


# --- witness: value -> an empty array; lost: its tangent ------------------------------


def _nothing(value: Any, *, poison: Poison) -> list[Any]:
    return [jnp.zeros(_EMPTY.shape, _EMPTY.dtype)]


def _nothing_avals(value: Any, *, poison: Poison) -> list[Any]:
    return [_EMPTY]


def _witness_jvp(primals: Any, tangents: Any, *, poison: Poison) -> Any:
    out = witness_p.bind(*primals, poison=poison)
    if type(tangents[0]) is _compat.Zero:
        return out, _compat.zero_tangents(out)
    return out, lost_p.bind(tangents[0], poison=poison)


def _lost_jvp(primals: Any, tangents: Any, *, poison: Poison) -> Any:
    tangent = _compat.instantiate(tangents[0])
    return lost_p.bind(*primals, poison=poison), lost_p.bind(tangent, poison=poison)


def _shared(name: str) -> Callable[..., Any]:
    def rule(axis: Any, args: Any, dims: Any, *, poison: Poison) -> Any:
        # Empty with a batch axis or without.
        primitive = {"witness": witness_p, "lost": lost_p}[name]
        return primitive.bind(*args, poison=poison), [None]

    return rule


_EMPTY = _compat.ShapedArray((0,), jnp.dtype("float32"))
witness_p = _compat.define(
    "function_witness",
    _nothing,
    _nothing_avals,
    jvp=_witness_jvp,
    batch=_shared("witness"),
)
lost_p = _compat.define(
    "function_lost",
    _refuse,
    _nothing_avals,
    jvp=_lost_jvp,
    transpose=lambda ct, value, *, poison: poison.refuse(),
    batch=_shared("lost"),
)


# --- tie: (value, *witnesses) -> value ------------------------------------------------


def _first(value: Any, *_: Any) -> list[Any]:
    return [value]


def _tie_jvp(primals: Any, tangents: Any) -> Any:
    out = tie_p.bind(*primals)
    own, poisoned = tangents[0], [t for t in tangents[1:] if type(t) is not _ZERO]
    if not poisoned:
        return out, [own]
    # Sums over nothing: they depend on the poison, so that using one raises.
    spread = jnp.zeros_like(out[0])
    for tangent in poisoned:
        spread = spread + jnp.sum(tangent).astype(spread.dtype)
    return out, [spread if type(own) is _ZERO else own + spread]


def _tie_batch(axis: Any, args: Any, dims: Any) -> Any:
    return tie_p.bind(*args), [dims[0]]


_ZERO = _compat.Zero
tie_p = _compat.define("function_tie", _first, _first, jvp=_tie_jvp, batch=_tie_batch)
