"""Calls of library functions, and what Python's builtins do with traced values.

- `native`: the call of a function that is not interpreted.
- `HANDLERS`: what is done in place of a builtin where traced values are about.
"""

from __future__ import annotations

import builtins
import math
import operator
import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.lower.script import _output
from jaxgrad.lower.script._hooks import behind
from jaxgrad.lower.script._items import get_item
from jaxgrad.lower.script._iterate import (
    Enumerated,
    Iterator,
    Range,
    Reversed,
    Zipped,
    iterator_of,
)
from jaxgrad.lower.script._places import call_at
from jaxgrad.lower.script._segment import (
    has_segments,
    is_open,
    length_of,
    only_stack,
    spread,
    unknown_length,
)
from jaxgrad.lower.script._values import Text, holds_traced, is_array, is_traced, truth

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Session

Handler = Callable[..., Any]
_PASS = object()  # a handler's answer: let the function itself do it
_STACKING = frozenset({jnp.stack, jnp.array, jnp.asarray, jnp.concatenate})


def native(
    session: Session, callee: Any, args: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    """Call a function that is not interpreted, from where the script stands."""
    try:
        handler = HANDLERS.get(callee)
    except TypeError:  # a callable without a hash
        handler = None
    if any(map(is_open, args)) and callee not in _TAKES_OPEN:
        raise unknown_length(session, getattr(callee, "__name__", "this"))
    if callee is operator.delitem or callee is operator.iadd:
        session.check_changed(args[0])
    if any(map(has_segments, args)):
        args = [_unsegmented(callee, a) for a in args]
    if handler is not None:
        found = handler(session, *_contents(callee, args), **kwargs)
        if found is not _PASS:
            return found
    if _is_random(callee):
        raise session.error(
            f"{getattr(callee, '__name__', callee)} has a hidden state, and would run "
            "once, when the script is compiled",
            "use jax.random with an explicit key, or pass the value as an argument",
        )
    dunder = _dunder(session, callee, args)
    if dunder is not _PASS:
        return dunder
    return call_at(session.place, callee, args, kwargs)


_MOMENTS = frozenset({time.time, time.perf_counter, time.monotonic, time.time_ns})


def _is_random(callee: Any) -> bool:
    """Whether what a function returns depends on a hidden state, or on the time."""
    owner = getattr(callee, "__self__", None)
    module = getattr(callee, "__module__", None) or type(owner).__module__
    if not isinstance(callee, type) and str(module).startswith(_RANDOM):
        return True
    if isinstance(owner, random.Random):
        return True
    try:
        return callee in _MOMENTS
    except TypeError:
        return False


_RANDOM = ("numpy.random", "random", "secrets")


def _contents(callee: Any, args: Sequence[Any]) -> Sequence[Any]:
    """What builtins are given: of our own containers, the list or the dictionary."""
    if callee in (builtins.isinstance, operator.getitem):
        return args
    return [a._content if getattr(type(a), "_contains", False) else a for a in args]


_TAKES_OPEN = (builtins.len, builtins.isinstance, operator.getitem, builtins.bool)
_TAKES_OPEN += (operator.not_, operator.is_, operator.is_not, builtins.type)


def _unsegmented(callee: Any, value: Any) -> Any:
    """A list with its elements, or as the array that they are stacked in."""
    if not (type(value) is list and has_segments(value)) or callee in (builtins.len,):
        return value
    if callee in _STACKING:
        stack = only_stack(value)
        if stack is not None:
            return stack
    value[:] = spread(value)
    return value


# --- operators ------------------------------------------------------------------------

_METHODS: dict[Any, tuple[str, str]] = {
    getattr(operator, name): (f"__{name.strip('_')}__", f"__r{name.strip('_')}__")
    for name in (
        *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"),
        *("and_", "or_", "xor", "lshift", "rshift"),
    )
}
_METHODS |= {
    operator.lt: ("__lt__", "__gt__"),
    operator.le: ("__le__", "__ge__"),
    operator.gt: ("__gt__", "__lt__"),
    operator.ge: ("__ge__", "__le__"),
    operator.eq: ("__eq__", "__eq__"),
    operator.ne: ("__ne__", "__ne__"),
    operator.neg: ("__neg__", ""),
    operator.pos: ("__pos__", ""),
    operator.invert: ("__invert__", ""),
    operator.getitem: ("__getitem__", ""),
    operator.contains: ("__contains__", ""),
    operator.delitem: ("__delitem__", ""),
    builtins.len: ("__len__", ""),
    builtins.abs: ("__abs__", ""),
    builtins.str: ("__str__", ""),
    builtins.repr: ("__repr__", ""),
    builtins.hash: ("__hash__", ""),
}


def _dunder(session: Session, callee: Any, args: Sequence[Any]) -> Any:
    """An operator that a class of the user's own defines is interpreted too."""
    from jaxgrad.lower.script._calls import call, user_method

    try:
        names = _METHODS.get(callee)
    except TypeError:
        return _PASS
    if names is None or not args:
        return _PASS
    args = [behind(a) for a in args]
    for i, name in enumerate(names[: len(args)]):
        method = user_method(args[i], name) if name else None
        if method is None or session.host.callee(session, method) is None:
            continue
        operands = [args[i], *args[:i], *args[i + 1 :]]
        found = call(session, method, operands, {})
        if found is not NotImplemented:
            return found
    return _PASS


def _contains(session: Session, owner: Any, value: Any) -> Any:
    if is_array(owner) and (is_traced(owner) or is_traced(value)):
        return jnp.any(jnp.asarray(owner) == value)
    if isinstance(owner, range) and is_traced(value):
        inside = (value >= owner.start) & (value < owner.stop)
        return inside & ((value - owner.start) % owner.step == 0)
    if isinstance(owner, list | tuple | set | frozenset | dict):
        items = list(owner)
        if is_traced(value) or any(map(is_traced, items)):
            found: Any = False
            for item in items:
                found = jnp.logical_or(found, truth(item == value))
            return found
    return _PASS


def _mod(session: Session, left: Any, right: Any) -> Any:
    """`"..." % values`, with traced values among them."""
    if isinstance(left, str) and holds_traced(right):
        return Text(((right, "%", left),))
    return _PASS


def _not(session: Session, value: Any) -> Any:
    found = length_of(value) != 0 if is_open(value) else truth(value)
    return jnp.logical_not(found) if is_traced(found) else not found


def _is_instance(session: Session, value: Any, kinds: Any) -> Any:
    """A traced number that stands for a Python number is one."""
    if is_traced(value) and value.weak_type and value.ndim == 0:
        plain = {"i": int, "f": float, "c": complex, "b": bool}.get(value.dtype.kind)
        flat = kinds if isinstance(kinds, tuple) else (kinds,)
        if plain is not None and any(k is plain for k in flat):
            return True
    return _PASS


# --- numbers --------------------------------------------------------------------------


def _convert(kind: type, family: Any) -> Handler:
    def handler(session: Session, value: Any = 0, *rest: Any) -> Any:
        if not is_traced(value):
            return _PASS
        if rest and kind is int:
            raise TypeError("int() can't convert non-string with explicit base")
        if value.size != 1:
            raise TypeError(f"only arrays of one element can become a {kind.__name__}")
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
    from jaxgrad import _compat

    return _compat.as_aval(value, jax.typeof(like))


def _any_traced(values: Sequence[Any]) -> bool:
    return any(is_traced(v) for v in values)


def _extreme(pick: Any, reduce: Any) -> Handler:
    def handler(session: Session, *args: Any, **kwargs: Any) -> Any:
        if kwargs:
            return _PASS
        values = list(iterator_of(args[0])) if len(args) == 1 else list(args)
        if len(args) == 1 and is_array(args[0]) and args[0].ndim == 1 and len(values):
            return reduce(args[0]) if is_traced(args[0]) else _PASS
        if not _any_traced(values):
            return pick(values) if len(args) == 1 else _PASS
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
        return _PASS
    if digits is None:
        return _compat_weak(jnp.round(value.reshape(())), 0)
    return jnp.round(value, digits)


def _pow(session: Session, base: Any, exponent: Any, modulus: Any = None) -> Any:
    if modulus is not None and _any_traced([base, exponent, modulus]):
        raise session.error("pow with a modulus can't be compiled", "use % in a loop")
    return _PASS


def _divmod(session: Session, a: Any, b: Any) -> Any:
    return (a // b, a % b) if _any_traced([a, b]) else _PASS


def _math(name: str, like: Any) -> Handler:
    def handler(session: Session, *args: Any) -> Any:
        if not _any_traced(args):
            return _PASS
        found = call_at(session.place, like, [_floating(a) for a in args])
        whole = name in ("floor", "ceil", "trunc")
        return _compat_weak(found, 0) if whole else found

    return handler


def _floating(value: Any) -> Any:
    whole = is_traced(value) and jnp.issubdtype(value.dtype, jnp.integer)
    return _compat_weak(value, 0.0) if whole else value


# --- iteration ------------------------------------------------------------------------


def _range(session: Session, *args: Any) -> Any:
    if all(isinstance(a, int | np.integer) for a in args):
        return _PASS
    if not all(is_traced(a) or _is_symbolic(a) or isinstance(a, int) for a in args):
        return _PASS
    weak = [a for a in args if is_traced(a) and a.weak_type]
    if weak and session.could_unroll():
        from jaxgrad.lower.script._values import NeedsPython

        raise NeedsPython("the range of an inner loop depends on the round")
    for each in args:
        if is_traced(each) and not jnp.issubdtype(each.dtype, jnp.integer):
            raise TypeError(f"range expected integers; got {each.dtype}")
    start, stop, step = (0, *args, 1) if len(args) == 1 else (*args, 1)[:3]
    return Range(start, stop, step)


def _is_symbolic(value: Any) -> bool:
    from jaxgrad import _compat

    return _compat.is_symbolic(value)


def _zip(session: Session, *args: Any, strict: bool = False) -> Any:
    from jaxgrad.lower.script._calls import iterable

    return Zipped([iterator_of(iterable(session, a)) for a in args], strict)


def _enumerate(session: Session, values: Any, start: Any = 0) -> Any:
    from jaxgrad.lower.script._calls import iterable

    return Enumerated(iterator_of(iterable(session, values)), start)


def _reversed(session: Session, values: Any) -> Any:
    return Reversed(iterator_of(values))


def _map(session: Session, function: Any, *args: Any) -> Any:
    from jaxgrad.lower.script._calls import call

    rows = zip(*[list(iterator_of(a)) for a in args], strict=False)
    return [call(session, function, row, {}) for row in rows]


def _filter(session: Session, function: Any, values: Any) -> Any:
    from jaxgrad.lower.script._calls import call

    found = []
    for value in iterator_of(values):
        keep = truth(
            value if function is None else call(session, function, [value], {})
        )
        if is_traced(keep):
            raise session.error(
                "filter by a traced condition has a result of unknown length",
                "keep all, and use where",
            )
        if keep:
            found.append(value)
    return found


def _len(session: Session, value: Any) -> Any:
    if has_segments(value) or is_open(value):
        return length_of(value)
    if isinstance(value, Iterator):
        raise TypeError(f"object of type {type(value).__name__!r} has no len()")
    return value.shape[0] if is_array(value) and value.ndim else _PASS


def _refused(name: str) -> Handler:
    def handler(session: Session, *args: Any, **kwargs: Any) -> Any:
        raise session.error(
            f"{name}() can't be compiled: a script has no such frame",
            "pass the values themselves",
        )

    return handler


def _text(session: Session, value: Any = "", *rest: Any) -> Any:
    if is_traced(value):
        return Text(((value, "s", ""),))
    return value if isinstance(value, Text) else _PASS


def _sorted(session: Session, values: Any, **kwargs: Any) -> Any:
    if is_array(values) and is_traced(values) and not kwargs:
        return list(jnp.sort(values))
    items = list(iterator_of(values))
    if _any_traced(items) and not kwargs:
        return list(jnp.sort(jnp.stack([jnp.asarray(i) for i in items])))
    return sorted(items, **kwargs)


HANDLERS: dict[Any, Handler] = {
    builtins.all: _quantifier(jnp.logical_and, True),
    builtins.any: _quantifier(jnp.logical_or, False),
    builtins.bool: _convert(bool, jnp.bool_),
    builtins.complex: _convert(complex, jnp.complexfloating),
    builtins.divmod: _divmod,
    builtins.enumerate: _enumerate,
    builtins.filter: _filter,
    builtins.float: _convert(float, jnp.floating),
    builtins.int: _convert(int, jnp.integer),
    builtins.isinstance: _is_instance,
    builtins.len: _len,
    builtins.map: _map,
    builtins.max: _extreme(max, jnp.max),
    builtins.min: _extreme(min, jnp.min),
    builtins.pow: _pow,
    builtins.print: _output.show,
    builtins.range: _range,
    builtins.reversed: _reversed,
    builtins.round: _round,
    builtins.sorted: _sorted,
    builtins.str: _text,
    builtins.repr: _text,
    builtins.sum: _sum,
    builtins.zip: _zip,
    operator.contains: _contains,
    operator.getitem: get_item,
    operator.mod: _mod,
    operator.not_: _not,
}
for _name in ("eval", "exec", "globals", "locals", "vars", "input", "breakpoint"):
    HANDLERS[getattr(builtins, _name)] = _refused(_name)
for _name in (
    *("sqrt", "exp", "log", "log2", "log10", "log1p", "expm1", "sin", "cos", "tan"),
    *("sinh", "cosh", "tanh", "floor", "ceil", "trunc", "hypot", "fabs", "isnan"),
    *("isinf", "isfinite", "degrees", "radians", "copysign"),
):
    HANDLERS[getattr(math, _name)] = _math(_name, getattr(jnp, _name))
for _name, _like in (("asin", "arcsin"), ("acos", "arccos"), ("atan", "arctan")):
    HANDLERS[getattr(math, _name)] = _math(_name, getattr(jnp, _like))
HANDLERS[math.atan2] = _math("atan2", jnp.arctan2)
HANDLERS[math.pow] = _math("pow", jnp.power)
HANDLERS[math.fmod] = _math("fmod", jnp.fmod)
HANDLERS[math.erf] = _math("erf", jax.scipy.special.erf)
HANDLERS[math.gcd] = _math("gcd", jnp.gcd)
