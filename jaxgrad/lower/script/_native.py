"""Calls of functions that are not interpreted, from where the script stands.

- `native`: such a call; operators of the user's own classes are interpreted.
"""

from __future__ import annotations

import builtins
import operator
import random
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from jaxgrad.lower.script._hooks import behind
from jaxgrad.lower.script._places import call_at
from jaxgrad.lower.script._segment import (
    has_segments,
    is_open,
    only_stack,
    spread,
    unknown_length,
)
from jaxgrad.lower.script._values import PASS, is_array, short

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Session

Handler = Callable[..., Any]
# What is done in place of a function where traced values are about; it may answer
# `PASS`. `_builtins` fills it, and whoever has functions of that kind.
HANDLERS: dict[Any, Handler] = {}
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
        if callee is operator.delitem and is_array(args[0]):
            raise TypeError(f"{short(args[0])!r} object doesn't support item deletion")
    if any(map(has_segments, args)):
        args = [_unsegmented(callee, a) for a in args]
    if handler is not None:
        found = handler(session, *_contents(callee, args), **kwargs)
        if found is not PASS:
            return found
    if _is_random(callee):
        raise _once(session, callee)
    dunder = _dunder(session, callee, args)
    if dunder is not PASS:
        return dunder
    return call_at(session.place, callee, args, kwargs)


_MOMENTS = frozenset({time.time, time.perf_counter, time.monotonic, time.time_ns})


def _once(session: Session, callee: Any) -> Exception:
    """The error for a function whose calls return something else each time."""
    name = getattr(callee, "__name__", str(callee))
    if name in {moment.__name__ for moment in _MOMENTS}:
        return session.error(
            f"{name!r} reads the time, and would read it once, when the script is "
            "compiled",
            "read it outside of the script, and pass it as an argument",
        )
    return session.error(
        f"{name!r} has a hidden state, and would run once, when the script is compiled",
        "use jax.random with an explicit key, or pass the value as an argument",
    )


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
    # Calls of the user's functions end in calls of others, and those here.
    from jaxgrad.lower.script._calls import call, user_method

    try:
        names = _METHODS.get(callee)
    except TypeError:
        return PASS
    if names is None or not args:
        return PASS
    args = [behind(a) for a in args]
    for i, name in enumerate(names[: len(args)]):
        method = user_method(args[i], name) if name else None
        if method is None or session.host.callee(session, method) is None:
            continue
        operands = [args[i], *args[:i], *args[i + 1 :]]
        found = call(session, method, operands, {})
        if found is not NotImplemented:
            return found
    return PASS
