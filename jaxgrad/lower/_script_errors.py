"""The errors that a saved script can report, as JSON and as exceptions."""

from __future__ import annotations

import builtins
import functools
import os
from typing import Any

from jaxgrad import errors as _errors
from jaxgrad.lower.script._raising import Hole, Raiser, Text, filled


def written(raiser: Any) -> Any:
    """An error as JSON."""
    assert isinstance(raiser, Raiser)
    cls, place = type(raiser.error), raiser.place
    note = ""
    if place is not None:
        file = os.path.basename(place.filename)
        note = f"In {file}:{place.line}\n{place.highlight()}"
    bases = [b.__name__ for b in cls.__mro__ if b.__module__ == "builtins"]
    return {
        "class": cls.__qualname__,
        "module": cls.__module__,
        "bases": bases,
        "args": [_part(arg) for arg in raiser.error.args],
        "note": note,
    }


def _part(value: Any) -> Any:
    if isinstance(value, Hole):
        return {"hole": value.index}
    if isinstance(value, Text):
        parts = [p if isinstance(p, str) else [_part(p[0]), *p[1:]] for p in value.parts]
        return {"text": parts}
    plain = value is None or type(value) in (bool, int, float, str)
    return value if plain else {"shown": repr(value)}


class Reported:
    """An error that a loaded script can report."""

    def __init__(self, held: Any) -> None:
        """Of what `written` gave."""
        self._held = held
        self._class = exception_class(
            held["module"], held["class"], tuple(held["bases"])
        )

    def __call__(self, values: Any) -> BaseException:
        """The error with the values in its message."""
        args = [filled(_unpart(arg), list(values)) for arg in self._held["args"]]
        made = self._class(*args)
        if self._held["note"]:
            made.add_note(self._held["note"])
        return made


def _unpart(held: Any) -> Any:
    if not isinstance(held, dict):
        return held
    if "hole" in held:
        return Hole(held["hole"])
    if "text" in held:
        parts = [p if isinstance(p, str) else (_unpart(p[0]), *p[1:]) for p in held["text"]]
        return Text(tuple(parts))
    return held["shown"]


@functools.lru_cache(maxsize=1024)
def exception_class(
    module: str, name: str, bases: tuple[str, ...]
) -> type[BaseException]:
    """The class of a saved error.

    Args:
        module: where it was defined.
        name: its name.
        bases: its bases that Python has.

    Returns:
        A builtin, or an error of this library, itself; for others a RuntimeError of the
        name, which is also what the other was of Python's own.
    """
    home = builtins if module == "builtins" else _errors
    if module in ("builtins", _errors.__name__):
        found = getattr(home, name, None)
        if isinstance(found, type) and issubclass(found, BaseException):
            return found
    space = {"__module__": module, "__qualname__": name}
    own = name.rpartition(".")[2]
    for base in bases:
        found = getattr(builtins, base, None)
        if isinstance(found, type) and issubclass(found, Exception):
            parents = (found,) if issubclass(found, RuntimeError) else (RuntimeError, found)
            if found is Exception:
                parents = (RuntimeError,)
            try:
                return type(own, parents, space)
            except TypeError:  # their instances are laid out differently
                break
    return type(own, (RuntimeError,), space)
