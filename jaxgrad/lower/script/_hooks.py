"""Modules: objects that are called through hooks, and wrappers that stand for objects.

- `Hook`: a function that runs before or after a module's call.
- `hooks_of`, `set_hooks`: those of an object, kept in its own `__dict__`, so that they
  go wherever it goes.
- `reached`, `behind`: the object that a wrapper stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

HOOKS = "__jaxgrad_hooks__"


class Hook:
    """A function that runs before or after a module's call.

    Attributes:
        function: it.
    """

    _walked = True

    def __init__(self, function: Any) -> None:
        self.function = function


Hooks = tuple[tuple[Hook, ...], tuple[Hook, ...]]


def hooks_of(obj: Any) -> Hooks | None:
    """The hooks of an object, those before and those after; None if there are none."""
    return getattr(obj, "__dict__", {}).get(HOOKS)


def set_hooks(obj: Any, before: Sequence[Hook], after: Sequence[Hook]) -> None:
    """Give an object these hooks, and no others."""
    if before or after:
        vars(obj)[HOOKS] = tuple(before), tuple(after)
    else:
        vars(obj).pop(HOOKS, None)


def reached(owner: Any, name: str) -> Any:
    """The object whose attribute `owner.name` is: a wrapper has few of its own."""
    behind_of = getattr(type(owner), "_behind", None)
    while behind_of is not None and (
        not hasattr(type(owner), name) or name in getattr(type(owner), "_magic", ())
    ):
        owner = behind_of(owner)
        behind_of = getattr(type(owner), "_behind", None)
    return owner


def behind(owner: Any) -> Any:
    """The object that a wrapper stands for; anything else is itself."""
    behind_of = getattr(type(owner), "_behind", None)
    while behind_of is not None:
        owner = behind_of(owner)
        behind_of = getattr(type(owner), "_behind", None)
    return owner
