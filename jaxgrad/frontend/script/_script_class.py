"""`ScriptClass`: what makes instances of a scripted class."""

from __future__ import annotations

import functools
import types
from typing import Any

from jaxgrad.frontend.script._bound import BoundScript
from jaxgrad.frontend.script._method import Options, construct, scripted
from jaxgrad.frontend.script._module_call import in_class
from jaxgrad.frontend.script._script_instance import RecursiveScriptClass
from jaxgrad.frontend.script._script_object import ScriptObject
from jaxgrad.lower.script._hooks import behind


class ScriptClass:
    """A scripted class: calling it makes a `RecursiveScriptClass`.

    `__init__` is compiled, and so are the methods of what it makes. Static methods,
    class methods and class attributes are attributes of it. It can be a base of classes
    and the second argument of `isinstance`.
    """

    def __init__(self, cls: type, options: Options = ()) -> None:
        """Of a plain class or a dataclass."""
        self._cls, self._options = cls, options
        functools.update_wrapper(self, cls, updated=())
        del self.__dict__["__wrapped__"]  # it is no function of a library

    def __call__(self, *args: Any, **kwargs: Any) -> RecursiveScriptClass:
        """Make an instance.

        Returns:
            The instance.
        """
        obj = scripted(construct, self._options)(self._cls, *args, **kwargs)
        return RecursiveScriptClass(ScriptObject(obj, self._options))

    def _call_inside(self, session: Any, args: Any, kwargs: Any) -> Any:
        """What a script does that calls it."""
        from jaxgrad.lower.script._calls import call

        obj = call(session, self._cls, args, kwargs)
        return RecursiveScriptClass(ScriptObject(obj, self._options))

    def __getattr__(self, name: str) -> Any:
        if name in ("_cls", "_options") or name.startswith("__"):
            raise AttributeError(name)
        found = in_class(self._cls, name)[1]
        if isinstance(found, classmethod):
            return BoundScript(scripted(found.__func__, self._options), self)
        if isinstance(found, staticmethod):
            found = found.__func__
        if isinstance(found, types.FunctionType):
            return scripted(found, self._options)
        return getattr(self._cls, name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ScriptClass):
            return NotImplemented
        return (self._cls, self._options) == (other._cls, other._options)

    def __hash__(self) -> int:
        return hash((self._cls, self._options))

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(behind(instance), self._cls)

    def __subclasscheck__(self, cls: type) -> bool:
        return issubclass(getattr(cls, "_cls", cls), self._cls)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (self._cls,)

    def __reduce__(self) -> Any:
        return ScriptClass, (self._cls, self._options)

    def __repr__(self) -> str:
        return f"<jaxgrad.ScriptClass {self._cls.__module__}.{self._cls.__qualname__}>"
