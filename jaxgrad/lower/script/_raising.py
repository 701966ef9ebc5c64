"""`raise` and `assert`: the error code, and the exceptions that it stands for.

Compiled code can't raise. It keeps the number of the first error that it met, and the
values in that error's message; the call raises the user's exception on the host.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.lower.script._stage import Raised
from jaxgrad.lower.script._values import Text, is_traced

if TYPE_CHECKING:
    from jaxgrad.graph import SourceRange
    from jaxgrad.lower.script._session import Session


def raise_exception(session: Session, error: Any) -> None:
    """What `raise error` does: at the host's trace time, or in the compiled program.

    Raises:
        Raised: inside a region, or where the error has traced values.
        TypeError: it is no exception.
    """
    if isinstance(error, type) and issubclass(error, BaseException):
        error = error()
    if not isinstance(error, BaseException):
        raise TypeError("exceptions must derive from BaseException")
    parts: list[Any] = []
    template = _without_arrays(error, parts)
    certain = not session.in_region() and isinstance(session.errors.code, int)
    # A program for a file reports its errors when it runs, this one too.
    certain = certain and not session.host.strips
    if certain and not parts and session.errors.code == 0:
        _note(template, session.place)
        raise template
    _record(session, True, template, parts)
    raise Raised


def check(session: Session, condition: Any, message: Callable[[], Any]) -> None:
    """What `assert condition, message` does; the condition is a bool, traced or not."""
    if not is_traced(condition):
        if condition:
            return
        text = message()
        raise_exception(
            session, AssertionError() if text is None else AssertionError(text)
        )
        return
    parts: list[Any] = []
    text = message()
    error = AssertionError() if text is None else AssertionError(text)
    template = _without_arrays(error, parts)
    _record(session, jnp.logical_not(condition), template, parts)


def record(session: Session, failed: Any, error: BaseException) -> None:
    """Raise `error` on the host if `failed`, a traced bool, is true."""
    _record(session, failed, error, [])


def _record(session: Session, failed: Any, error: BaseException, parts: Any) -> None:
    place = session.place
    # The same check, traced again, has the same number.
    key = (place, tuple(session.calls), type(error), repr(error.args))
    number = session.raiser(key, Raiser(error, place))
    before = session.errors.code
    if isinstance(before, int) and before:
        return  # an earlier error is certain
    fresh = failed if isinstance(before, int) else jnp.logical_and(before == 0, failed)
    if fresh is True:
        session.errors.code = number
    else:
        old = jnp.asarray(before, jnp.int32)
        session.errors.code = jnp.where(fresh, jnp.int32(number), old)
    session.errors.values[number] = tuple(parts)


@dataclasses.dataclass(frozen=True, eq=False)
class Raiser:
    """An error that a program can report.

    Attributes:
        error: it, with holes for the values that are known when the program has run.
        place: where it is raised.
    """

    error: BaseException
    place: SourceRange | None

    def __call__(self, values: Any) -> BaseException:
        """The error with its values."""
        made = _with_arrays(self.error, list(values))
        _note(made, self.place)
        return made


def _note(error: BaseException, place: SourceRange | None) -> None:
    if place is not None and not getattr(error, "_placed", False):
        error.add_note(f"In {place.text()}\n{place.highlight()}")
        error._placed = True  # type: ignore[attr-defined]


class Hole:
    """The place of a value that is known when the program has run."""

    def __init__(self, index: int) -> None:
        self.index = index

    def __repr__(self) -> str:
        return f"<value {self.index}>"


def _without_arrays(error: BaseException, parts: list[Any]) -> BaseException:
    """The exception with holes for the traced values in its arguments."""
    args = tuple([_emptied(arg, parts) for arg in error.args])
    if not parts:
        return error
    return _copied(error, args)


def _emptied(value: Any, parts: list[Any]) -> Any:
    if isinstance(value, Text):
        return Text(
            tuple(
                [
                    p if isinstance(p, str) else (_emptied(p[0], parts), *p[1:])
                    for p in value.parts
                ]
            )
        )
    if is_traced(value):
        parts.append(value)
        return Hole(len(parts) - 1)
    return _mapped(lambda part: _emptied(part, parts), value)


def _copied(error: BaseException, args: tuple[Any, ...]) -> BaseException:
    """An exception like `error`; its class may have a constructor of its own."""
    made = type(error).__new__(type(error))
    made.__dict__.update(error.__dict__)
    if hasattr(error, "__notes__"):
        made.__notes__ = list(error.__notes__)
    made.args = args
    made.__cause__ = error.__cause__
    return made


def _mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """A plain container with a function applied to its elements."""
    if type(value) is dict:
        return {key: function(part) for key, part in value.items()}
    return type(value)(map(function, value)) if type(value) in (list, tuple) else value


def _with_arrays(error: BaseException, values: list[Any]) -> BaseException:
    return _copied(error, tuple([filled(arg, values) for arg in error.args]))


def filled(value: Any, values: list[Any]) -> Any:
    """A value with the holes filled."""
    if isinstance(value, Hole):
        return values[value.index]
    if isinstance(value, Text):
        return formatted(value.parts, values)
    return _mapped(lambda part: filled(part, values), value)


def formatted(parts: Any, values: list[Any]) -> str:
    """The string of an f-string's parts."""
    found = []
    for part in parts:
        if isinstance(part, str):
            found.append(part)
            continue
        value, conversion, spec = part
        value = _scalar(filled(value, values))
        if conversion == "%":
            found.append(spec % value)
            continue
        if conversion == "format":
            found.append(spec.format(*value[0], **value[1]))
            continue
        convert = {"r": repr, "s": str, "a": ascii}.get(conversion, lambda x: x)
        found.append(format(convert(value), spec))
    return "".join(found)


def _scalar(value: Any) -> Any:
    """A number that a Python number was traced as, as one again."""
    if type(value) in (list, tuple, dict):
        return _mapped(_scalar, value)
    if isinstance(value, jax.Array) and value.weak_type and value.ndim == 0:
        return value.item()
    if isinstance(value, jax.Array):
        return np.asarray(value) if value.ndim else jnp.asarray(value)
    return value


def take_apart(value: Any, parts: list[Any]) -> Any:
    """A printed value with holes for what is traced."""
    return _emptied(value, parts)
