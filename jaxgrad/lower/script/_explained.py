"""Errors of Python and JAX about traced values, in words of the script.

JAX names its tracers, and its own functions around the script; what the user needs is
the variable, its type, and what to pass otherwise.

- `explained`: the error to raise in place of one that a node met.
- `without_advice`: takes from an error what JAX notes about its own frames.
"""

from __future__ import annotations

import linecache
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import jax

from jaxgrad.graph import Node, Value
from jaxgrad.lower.script._values import TracedLength, is_integer, is_traced, short

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Frame, Session

_TRACER = re.compile(r"(?:[A-Z]\w*)?Tracer(?:\((?:[^()\[\]]|\[[^\]]*\])*\))?")
_MADE_OF = frozenset(
    {"py::builtins.slice", "prim::TupleConstruct", "prim::ListConstruct"}
)
_REPEATS = frozenset({"py::operator.mul", "py::operator.imul"})
_FIXED = "use an array of a fixed size, and jnp.where for the part that counts"


def explained(session: Session, frame: Frame, node: Node, error: Exception) -> Any:
    """The error to raise where a node met one.

    Args:
        session: the session.
        frame: the call that the node is part of.
        node: the node.
        error: what was raised.

    Returns:
        A ScriptError where a traced value was taken for a Python one; else the error,
        which names the types of traced values, and no tracers.
    """
    if isinstance(error, SyntaxError):
        return error
    if isinstance(error, TracedLength):
        return session.error(
            "the number of items is not known while the script is compiled",
            "loop over them with `for`, or give the range a Python int",
        )
    found = {v: frame.env[v] for each in node._inputs for v in _traced(frame, each)}
    if not found:
        return error
    if isinstance(error, jax.errors.TracerArrayConversionError):
        return _not_numpy(session, found)
    if isinstance(error, jax.errors.NonConcreteBooleanIndexError):
        masks = [v for v in found.values() if v.dtype == bool] or [*found.values()]
        return session.error(
            f"a traced mask, {short(masks[0])}, selects a number of elements that is "
            "not known while the script is compiled",
            "use jnp.where(mask, x, other), or jnp.nonzero(mask, size=...)",
        )
    if _wants_int(frame, node, error) and any(map(_is_int, found.values())):
        return _not_static(session, frame, node, found)
    if isinstance(error, jax.errors.ConcretizationTypeError):
        value, array = next(iter(found.items()))
        return session.error(
            f"the value of {_name(value)}, {short(array)}, is not known while the "
            "script is compiled",
            "use the array itself: a script is compiled once for all its values",
        )
    if isinstance(error, TypeError) and "unhashable type" in str(error):
        value, array = next(iter(found.items()))
        return session.error(
            f"{_name(value)} is {short(array)}, which is traced, and can't be a key or "
            "an element of a set",
            "use a Python value, or an array that is indexed by it",
        )
    _rename(error, list(found.values()))
    return error


def _traced(frame: Frame, value: Value) -> Iterator[Value]:
    """The traced values that an input of a node is, or is made of."""
    held = frame.env.get(value)
    if is_traced(held):
        yield value
    elif value.node()._kind in _MADE_OF:
        for part in value.node()._inputs:
            yield from _traced(frame, part)


def _wants_int(frame: Frame, node: Node, error: Exception) -> bool:
    if isinstance(error, jax.errors.ConcretizationTypeError):
        return not isinstance(error, jax.errors.TracerBoolConversionError)
    if isinstance(error, jax.errors.TracerIntegerConversionError):
        return True
    if not isinstance(error, TypeError | IndexError | ValueError):
        return False
    if node._kind in _REPEATS:
        held = [frame.env.get(v) for v in node._inputs]
        return any(isinstance(v, list | tuple | str) for v in held)
    return bool(re.search("concrete|static|sequence of integers", str(error)))


def _not_static(session: Session, frame: Frame, node: Node, found: Any) -> Exception:
    """A traced int where a shape, a size or an axis is needed."""
    value = next(v for v, array in found.items() if _is_int(array))
    given = list(dict.fromkeys(_parameters(frame, value)))
    sliced = any(v.node()._kind == "py::builtins.slice" for v in node._inputs)
    remedies = []
    if given:
        names = " and ".join(map(repr, given))
        many = "a Python int, which is" if len(given) == 1 else "Python ints, which are"
        remedies.append(f"pass {names} to {frame.program.name} as {many} static")
    if sliced:
        remedies.append("use jax.lax.dynamic_slice for a part of a fixed length")
    return session.error(
        f"{_name(value)} is {short(found[value])}, which is traced, where a Python int "
        "is needed",
        ", or ".join(remedies) or _FIXED,
    )


def _is_int(value: Any) -> bool:
    """Whether a traced value stands for a Python int."""
    return is_integer(value) and not value.ndim


def _parameters(frame: Frame, value: Value) -> Iterator[str]:
    """The parameters without dimensions that a value is computed from."""
    block = frame.program.graph.block()
    todo, seen = [value], set()
    names = [*frame.program.captures, *(p.name for p in frame.program.parameters)]
    while todo:
        each = todo.pop()
        if each in seen:
            continue
        seen.add(each)
        node = each.node()
        if node is block._param:
            held = frame.env.get(each)
            if _is_int(held):
                yield names[block._param._outputs.index(each)]
        else:
            todo += node._inputs


def _not_numpy(session: Session, found: Any) -> Exception:
    value, array = next(iter(found.items()))
    return session.error(
        f"{_name(value)} is {short(array)}, which is traced, and can't become an array "
        "of NumPy",
        "use jax.numpy in place of numpy",
    )


def _name(value: Value) -> str:
    """A variable in quotes, or the piece of source that a value comes from."""
    if value.has_debug_name():
        return repr(value.debug_name().partition(".")[0])
    place = value.node()._source
    if place is None or place.column is None or place.end_line != place.line:
        return "a value"
    line = linecache.getline(place.filename, place.line)
    return repr(line[place.column : place.end_column])


def _rename(error: Exception, arrays: Sequence[Any]) -> None:
    """Put types into the place of the tracers that a message names."""
    if len(error.args) != 1 or not isinstance(error.args[0], str):
        return
    if "Tracer" not in error.args[0]:
        return
    text = error.args[0].partition("\nThe error occurred while tracing")[0]
    left = [short(a) for a in arrays]

    def named(match: re.Match[str]) -> str:
        return left.pop(0) if left else "a traced array"

    error.args = (_TRACER.sub(named, text),)


def without_advice(error: BaseException) -> None:
    """Remove JAX's note about the frames that it hides: it concerns no script."""
    notes = getattr(error, "__notes__", [])
    notes[:] = [note for note in notes if "JAX_TRACEBACK_FILTERING" not in note]
