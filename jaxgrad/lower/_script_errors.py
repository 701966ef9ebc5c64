"""The errors that a saved script can report, as JSON and as exceptions."""

from __future__ import annotations

import builtins
import os
from collections.abc import Sequence
from typing import Any

from jaxgrad.lower._script_values import imported
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
        pairs = [
            p if isinstance(p, str) else [_part(p[0]), *p[1:]] for p in value.parts
        ]
        return {"text": pairs}
    if type(value) in (tuple, list):
        return {type(value).__name__: [_part(v) for v in value]}
    if type(value) is dict:
        return {"dict": [[_part(k), _part(v)] for k, v in value.items()]}
    plain = value is None or type(value) in (bool, int, float, str)
    return value if plain else {"shown": repr(value)}


class Reported:
    """An error that a loaded script can report."""

    def __init__(self, held: Any) -> None:
        """Of what `written` gave."""
        self._held = held
        self._class = exception_class(held["module"], held["class"], held["bases"])

    def __call__(self, values: Any) -> BaseException:
        """The error with the values in its message."""
        args = [filled(_unpart(arg), list(values)) for arg in self._held["args"]]
        # Not by the class: what its `__init__` takes may be something else.
        made = self._class.__new__(self._class, *args)
        made.args = tuple(args)
        if self._held["note"]:
            made.add_note(self._held["note"])
        return made


def _unpart(held: Any) -> Any:
    if not isinstance(held, dict):
        return held
    if "hole" in held:
        return Hole(held["hole"])
    if "text" in held:
        pairs = [p if type(p) is str else (_unpart(p[0]), *p[1:]) for p in held["text"]]
        return Text(tuple(pairs))
    if "dict" in held:
        return {_unpart(k): _unpart(v) for k, v in held["dict"]}
    if "tuple" in held or "list" in held:
        ((kind, items),) = held.items()
        return (tuple if kind == "tuple" else list)(map(_unpart, items))
    return held["shown"]


def exception_class(
    module: str, name: str, bases: Sequence[str]
) -> type[BaseException]:
    """The class of a saved error.

    Args:
        module: where it was defined.
        name: its name.
        bases: its bases that Python has.

    Returns:
        The class itself, if its module is imported already (Python's own are). Else a
        RuntimeError of its name, which is also what the class was of Python's own.
    """
    found = imported(f"{module}:{name}")
    if isinstance(found, type) and issubclass(found, BaseException):
        return found
    space, own = {"__module__": module, "__qualname__": name}, name.rpartition(".")[2]
    parents: tuple[type, ...] = (RuntimeError,)
    for base in bases:
        kind = getattr(builtins, base, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            if issubclass(kind, RuntimeError):
                parents = (kind,)
            elif kind is not Exception:
                parents = (RuntimeError, kind)
            break
    try:
        return type(own, parents, space)
    except TypeError:  # their instances are laid out differently
        return type(own, (RuntimeError,), space)
