"""What Python's functions of numbers do with traced ones.

- `NUMBERS`: what is done in place of each where traced values are about.
"""

from __future__ import annotations

import builtins
import math
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.lower.script._iterate import iterator_of
from jaxgrad.lower.script._places import call_at
from jaxgrad.lower.script._values import PASS, is_array, is_traced, short, truth

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Session

Handler = Callable[..., Any]


def _convert(kind: type, family: Any) -> Handler:
    def handler(session: Session, value: Any = 0, *rest: Any) -> Any:
        if not is_traced(value):
            return PASS
        if rest and kind is int:
            raise TypeError("int() can't convert non-string with explicit base")
        if value.size != 1:
            raise TypeError(
                f"only arrays of one element can become a {kind.__name__}; got "
                f"{short(value)}"
            )
        if kind is bool:
            return truth(value)
        if jnp.issubdtype(value.dtype, jnp.complexfloating) and kind is not complex:
            raise TypeError(f"can't convert complex to {kind.__name__}")
        whole = value.reshape(())
        if kind is int and jnp.issubdtype(whole.dtype, jnp.floating):
            whole = jnp.trunc(whole)
        return _compat_weak(whole, kind(0))

    return handler


def _compat_weak(value: Any, like: Any) -> Any:
    return _compat.as_aval(value, jax.typeof(like))


def _any_traced(values: Sequence[Any]) -> bool:
    return any(is_traced(v) for v in values)


def _extreme(pick: Any, reduce: Any) -> Handler:
    def handler(session: Session, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            return PASS
        values = list(iterator_of(args[0])) if len(args) == 1 else list(args)
        if len(args) == 1 and is_array(args[0]) and args[0].ndim == 1 and len(values):
            return reduce(args[0]) if is_traced(args[0]) else PASS
        if not _any_traced(values):
            return pick(values) if len(args) == 1 else PASS
        for value in values:
            truth(value == value)  # arrays of several elements have no order
        found = values[0]
        join = jnp.minimum if pick is min else jnp.maximum
        for value in values[1:]:
            found = join(found, value)
        return found

    return handler


def _sum(session: Session, values: Any, start: Any = 0) -> Any:
    if is_array(values) and values.ndim and is_traced(values) and values.shape[0]:
        return jnp.sum(values, axis=0) + start
    found = start
    for value in iterator_of(values):
        found = call_at(session.place, operator.add, (found, value))
    return found


def _quantifier(join: Any, start: bool) -> Handler:
    def handler(session: Session, values: Any) -> Any:
        if is_array(values) and values.ndim == 1 and is_traced(values):
            return jnp.all(values != 0) if start else jnp.any(values != 0)
        found: Any = start
        for value in iterator_of(values):
            one = truth(value)
            if not is_traced(one):
                if one != start and not is_traced(found):
                    return not start
                if one == start:
                    continue
            found = join(found, one)
        return found

    return handler


def _round(session: Session, value: Any, digits: Any = None) -> Any:
    if not is_traced(value):
        return PASS
    if digits is None:
        return _compat_weak(jnp.round(value.reshape(())), 0)
    return jnp.round(value, digits)


def _pow(session: Session, base: Any, exponent: Any, modulus: Any = None) -> Any:
    if modulus is not None and _any_traced([base, exponent, modulus]):
        raise session.error("pow with a modulus can't be compiled", "use % in a loop")
    return PASS


def _divmod(session: Session, a: Any, b: Any) -> Any:
    return (a // b, a % b) if _any_traced([a, b]) else PASS


def _math(name: str, like: Any) -> Handler:
    def handler(session: Session, *args: Any) -> Any:
        if not _any_traced(args):
            return PASS
        found = call_at(session.place, like, [_floating(a) for a in args])
        whole = name in ("floor", "ceil", "trunc")
        return _compat_weak(found, 0) if whole else found

    return handler


def _floating(value: Any) -> Any:
    whole = is_traced(value) and jnp.issubdtype(value.dtype, jnp.integer)
    return _compat_weak(value, 0.0) if whole else value


NUMBERS: dict[Any, Handler] = {
    builtins.all: _quantifier(jnp.logical_and, True),
    builtins.any: _quantifier(jnp.logical_or, False),
    builtins.bool: _convert(bool, jnp.bool_),
    builtins.complex: _convert(complex, jnp.complexfloating),
    builtins.divmod: _divmod,
    builtins.float: _convert(float, jnp.floating),
    builtins.int: _convert(int, jnp.integer),
    builtins.max: _extreme(max, jnp.max),
    builtins.min: _extreme(min, jnp.min),
    builtins.pow: _pow,
    builtins.round: _round,
    builtins.sum: _sum,
}
for _name in (
    *("sqrt", "exp", "log", "log2", "log10", "log1p", "expm1", "sin", "cos", "tan"),
    *("sinh", "cosh", "tanh", "floor", "ceil", "trunc", "hypot", "fabs", "isnan"),
    *("isinf", "isfinite", "degrees", "radians", "copysign"),
):
    NUMBERS[getattr(math, _name)] = _math(_name, getattr(jnp, _name))
for _name, _like in (("asin", "arcsin"), ("acos", "arccos"), ("atan", "arctan")):
    NUMBERS[getattr(math, _name)] = _math(_name, getattr(jnp, _like))
NUMBERS[math.atan2] = _math("atan2", jnp.arctan2)
NUMBERS[math.pow] = _math("pow", jnp.power)
NUMBERS[math.fmod] = _math("fmod", jnp.fmod)
NUMBERS[math.erf] = _math("erf", jax.lax.erf)
NUMBERS[math.gcd] = _math("gcd", jnp.gcd)
