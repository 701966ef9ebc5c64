"""`Running`: what calls scripts for an object, and takes care of what they change."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from jaxgrad import _compat
from jaxgrad.errors import JaxgradWarning
from jaxgrad.lower.script import _heap


class Running:
    """The part of modules and script objects that calls scripts."""

    _walked = True
    # Not part of what a script sees: the trace in which it was made, and whether the
    # user was told that something was not stored.
    _fresh: dict[str, Callable[[], Any]] = {  # noqa: RUF012 (never changed)
        "_state": _compat.trace_state,
        "_told": list,
        "_leaves": lambda: None,
    }
    _remedy = "pass it to the transformed function as an argument, and return it"
    _object: Any
    _state: Any
    _told: list[bool]
    _leaves: Any

    def _behind(self) -> Any:
        return self._object

    @property
    def original_name(self) -> str:
        """The name of the object's class."""
        obj = self._object
        if hasattr(type(obj), "_is_frozen"):
            return obj._frozen.original_name
        return type(obj).__name__

    def _outside(self, result: Any) -> Any:
        """What a method returns, as Python shows it: the object as its wrapper."""
        return self if result is self._object else result

    def _run(
        self, function: Any, first: Sequence[Any], args: Sequence[Any], kwargs: Any
    ) -> Any:
        """Call a script; what it writes inside of another trace is taken back."""
        if _compat.trace_state() == self._state:
            return function(*first, *args, **kwargs)
        snapshot = _heap.Snapshot([self._object])
        result = function(*first, *args, **kwargs)
        written = traced_writes(snapshot)
        if written:
            snapshot.restore()
            self._warn(written)
        return result

    def _warn(self, written: Sequence[str]) -> None:
        if self._told:
            return
        self._told.append(True)
        warnings.warn(
            f"{self.original_name} was called inside a transformation and writes "
            f"{', '.join(written)}; the traced values are not stored.\n"
            f"  To keep them, {self._remedy}",
            JaxgradWarning,
            stacklevel=4,
        )


def traced_writes(snapshot: _heap.Snapshot) -> list[str]:
    """The names of the attributes that have got traced values since."""
    from jaxgrad.frontend.script._structure import Structure
    from jaxgrad.lower.script._values import is_traced

    found = []
    for obj in snapshot.changed():
        before = snapshot.before(obj)[1]
        static, parts = _heap.parts_of(obj) or ((), [])
        labels = static if isinstance(static, tuple) else range(len(parts))
        for label, part in zip(labels, parts, strict=True):
            if any(part is each for each in before):
                continue
            if any(map(is_traced, Structure(part).leaves)):
                found.append(f"{type(obj).__name__}.{label}")
    return found
