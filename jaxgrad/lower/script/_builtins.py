"""What Python's builtins do with traced values.

- `HANDLERS`: what is done in place of each where traced values are about.
"""

from __future__ import annotations

import builtins
import operator
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from jaxgrad import _compat
from jaxgrad.lower.script import _output
from jaxgrad.lower.script._calls import call, iterable
from jaxgrad.lower.script._items import get_item
from jaxgrad.lower.script._iterate import (
    Enumerated,
    Iterator,
    Range,
    Reversed,
    Zipped,
    iterator_of,
)
from jaxgrad.lower.script._native import HANDLERS, Handler
from jaxgrad.lower.script._numbers import NUMBERS
from jaxgrad.lower.script._segment import (
    has_segments,
    is_open,
    length_of,
)
from jaxgrad.lower.script._values import (
    PASS,
    NeedsPython,
    Text,
    holds_traced,
    is_array,
    is_traced,
    short,
    truth,
)

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Session


def _contains(session: Session, owner: Any, value: Any) -> Any:
    if is_array(owner) and owner.ndim and (is_traced(owner) or is_traced(value)):
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
    return PASS


def _mod(session: Session, left: Any, right: Any) -> Any:
    """`"..." % values`, with traced values among them."""
    if isinstance(left, str) and holds_traced(right):
        return Text(((right, "%", left),))
    return PASS


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
    return PASS


# --- iteration ------------------------------------------------------------------------


def _range(session: Session, *args: Any) -> Any:
    if all(isinstance(a, int | np.integer) for a in args):
        return PASS
    if not all(is_traced(a) or _is_symbolic(a) or isinstance(a, int) for a in args):
        return PASS
    weak = [a for a in args if is_traced(a) and a.weak_type]
    if weak and session.could_unroll():
        raise NeedsPython("the range of an inner loop depends on the round")
    for each in args:
        if is_traced(each) and not jnp.issubdtype(each.dtype, jnp.integer):
            raise TypeError(f"range expected integers; got {short(each)}")
    start, stop, step = (0, *args, 1) if len(args) == 1 else (*args, 1)[:3]
    return Range(start, stop, step)


def _is_symbolic(value: Any) -> bool:
    return _compat.is_symbolic(value)


def _zip(session: Session, *args: Any, strict: bool = False) -> Any:
    return Zipped([iterator_of(iterable(session, a)) for a in args], strict)


def _enumerate(session: Session, values: Any, start: Any = 0) -> Any:
    return Enumerated(iterator_of(iterable(session, values)), start)


def _reversed(session: Session, values: Any) -> Any:
    return Reversed(iterator_of(values))


def _map(session: Session, function: Any, *args: Any) -> Any:
    rows = zip(*[list(iterator_of(a)) for a in args], strict=False)
    return [call(session, function, row, {}) for row in rows]


def _filter(session: Session, function: Any, values: Any) -> Any:
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
    return value.shape[0] if is_array(value) and value.ndim else PASS


def _refused(name: str) -> Handler:
    def handler(session: Session, *args: Any, **kwargs: Any) -> Any:
        if name in ("input", "breakpoint"):
            raise session.error(
                f"{name}() would run once, when the script is compiled",
                "call it outside of the script, and pass what it gives as an argument",
            )
        raise session.error(
            f"{name}() can't be compiled: a script has no such frame",
            "pass the values themselves",
        )

    return handler


def _text(session: Session, value: Any = "", *rest: Any) -> Any:
    if isinstance(value, Text):
        return value
    return Text(((value, "s", ""),)) if holds_traced(value) else PASS


def _repr(session: Session, value: Any) -> Any:
    if holds_traced(value):
        return Text(((value, "r", ""),))
    return PASS


def _sorted(session: Session, values: Any, **kwargs: Any) -> Any:
    items = list(iterator_of(values))
    if not any(map(is_traced, items)):
        return sorted(items, **kwargs)
    if kwargs.get("key") is not None or not all(jnp.ndim(i) == 0 for i in items):
        raise session.error(
            "sorted by a key, or of arrays with dimensions, needs known values",
            "use jnp.argsort on an array of the keys",
        )
    found = jnp.sort(jnp.stack([jnp.asarray(i) for i in items]))
    return list(jnp.flip(found, 0) if kwargs.get("reverse") else found)


HANDLERS |= {
    **NUMBERS,
    builtins.enumerate: _enumerate,
    builtins.filter: _filter,
    builtins.isinstance: _is_instance,
    builtins.len: _len,
    builtins.map: _map,
    builtins.print: _output.show,
    builtins.range: _range,
    builtins.reversed: _reversed,
    builtins.sorted: _sorted,
    builtins.str: _text,
    builtins.repr: _repr,
    builtins.zip: _zip,
    operator.contains: _contains,
    operator.getitem: get_item,
    operator.mod: _mod,
    operator.not_: _not,
}
for _name in ("eval", "exec", "globals", "locals", "vars", "input", "breakpoint"):
    HANDLERS[getattr(builtins, _name)] = _refused(_name)
