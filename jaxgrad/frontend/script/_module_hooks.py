"""The part of `ScriptModule` that is about hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from jaxgrad.errors import ModuleError
from jaxgrad.lower.script._hooks import Hook, hooks_of, set_hooks


class RemovableHandle:
    """What registering a hook returns."""

    def __init__(self, obj: Any, hook: Hook) -> None:
        """Of a hook of an object."""
        self._obj, self._hook = obj, hook

    def remove(self) -> None:
        """Take the hook off; nothing if it is off already."""
        before, after = hooks_of(self._obj) or ((), ())
        kept = [[h for h in each if h is not self._hook] for each in (before, after)]
        set_hooks(self._obj, *kept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


class ModuleHooks:
    """Functions that run before and after a module's call."""

    _object: Any

    def register_forward_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Run a function before each call of the module; it is compiled too.

        Args:
            hook: a function of the object and the tuple of arguments by position. What
                it returns takes their place, a single value as the only one; None
                keeps them.

        Returns:
            What takes it off again.
        """
        return self._register(hook, 0)

    def register_forward_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Run a function after each call of the module; it is compiled too.

        Args:
            hook: a function of the object, the tuple of arguments and the output. What
                it returns takes the output's place; None keeps it.

        Returns:
            What takes it off again.
        """
        return self._register(hook, 1)

    def _register(self, function: Callable[..., Any], place: int) -> RemovableHandle:
        if not hasattr(self._object, "__dict__"):
            raise ModuleError(
                f"{type(self._object).__name__} can't have hooks: it has no __dict__.\n"
                "  Put the object in one that has, and hook that"
            )
        both = [list(each) for each in hooks_of(self._object) or ((), ())]
        hook = Hook(function)
        both[place].append(hook)
        set_hooks(self._object, *both)
        return RemovableHandle(self._object, hook)
