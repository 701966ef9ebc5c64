"""`RecursiveScriptClass`: a script object in the hands of Python."""

from __future__ import annotations

import copy
import types
import weakref
from typing import Any

from jaxgrad.frontend.script._magic import NAMES, forwards
from jaxgrad.frontend.script._method import ScriptMethod
from jaxgrad.frontend.script._module_call import in_class
from jaxgrad.frontend.script._module_tree import register
from jaxgrad.frontend.script._script_object import ScriptObject
from jaxgrad.lower.script._hooks import behind


@forwards
class RecursiveScriptClass:
    """An instance of a scripted class in the hands of Python; made by its constructor.

    Attributes and special methods are those of the `ScriptObject` inside: methods are
    compiled, and attributes keep their types. It is a pytree of its arrays.

    Example:
        >>> import jax.numpy as jnp
        >>> import jaxgrad
        >>> @jaxgrad.script
        ... class Total:
        ...     def __init__(self, start):
        ...         self.value = start
        ...     def add(self, x):
        ...         if x > 0:
        ...             self.value = self.value + x
        ...         return self.value
        >>> total = Total(jnp.float32(1))
        >>> total.add(jnp.float32(2)).item(), total.add(jnp.float32(-2)).item()
        (3.0, 3.0)
        >>> try:
        ...     total.value = "three"
        ... except jaxgrad.errors.AttributeWriteError as error:
        ...     print(str(error).splitlines()[0])
        the attribute 'value' is of type Tensor; it can't be set to str.
    """

    _walked = True
    _magic = NAMES
    _c: ScriptObject

    def __init__(self, c: ScriptObject) -> None:
        """Round a script object."""
        self.__dict__["_c"] = c
        c.__dict__["_face"] = weakref.ref(self)

    def _behind(self) -> Any:
        return self._c._object

    @property
    def _object(self) -> Any:
        return self._c._object

    @property
    def _static(self) -> tuple[Any, ...]:
        return self._c._static

    @property
    def _leaves(self) -> Any:
        return self._c._leaves

    def _fill(self, *leaves: Any) -> None:
        self._c.__dict__["_leaves"] = leaves

    @classmethod
    def _made(cls, obj: Any, static: tuple[Any, ...]) -> RecursiveScriptClass:
        return cls(ScriptObject(obj, *static))

    @property
    def original_name(self) -> str:
        """The name of the class."""
        return self._c.original_name

    def _special(self, name: str) -> Any:
        """A special method, compiled; None if the class has none."""
        found = in_class(type(self._object), name)[1]
        if not isinstance(found, types.FunctionType):
            return None
        if found.__code__.co_flags & 0x20:  # a generator runs as Python does it
            return types.MethodType(found, self._object)
        if found.__code__.co_filename == "<string>":  # what `dataclasses` made
            bound = types.MethodType(found, self._object)
            return lambda *args: bound(*map(behind, args))
        return ScriptMethod(self._c, name, found)

    def _checks(self, name: str, value: Any) -> Any:
        """What a script does that sets an attribute, before it does so."""
        found = in_class(type(self._object), name)[1]
        return value if isinstance(found, property) else self._c._checked(name, value)

    def _call_inside(self, session: Any, args: Any, kwargs: Any) -> Any:
        """What a script does that calls it."""
        from jaxgrad.lower.script._calls import call

        return call(session, self._object, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name == "_c":
            raise AttributeError(name)
        return self._c.getattr(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._c.setattr(name, value)

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *dir(self._object)})

    def __bool__(self) -> bool:
        for name in ("__bool__", "__len__"):
            found = self._special(name)
            if found is not None:
                return bool(found())
        return True

    def __eq__(self, other: object) -> Any:
        found = self._special("__eq__")
        if found is not None:
            return found(other)
        mine = isinstance(other, RecursiveScriptClass)
        return self._object is other._object if mine else NotImplemented

    def __ne__(self, other: object) -> Any:
        found = self._special("__ne__")
        return not self == other if found is None else found(other)

    def __hash__(self) -> int:
        return hash(self._object) if type(self._object).__hash__ else hash(None)

    def __copy__(self) -> RecursiveScriptClass:
        return RecursiveScriptClass(copy.copy(self._c))

    def __deepcopy__(self, memo: dict[int, Any]) -> RecursiveScriptClass:
        return RecursiveScriptClass(copy.deepcopy(self._c, memo))

    def __reduce__(self) -> Any:
        return RecursiveScriptClass, (self._c,)

    def __str__(self) -> str:
        own = in_class(type(self._object), "__str__")[0]
        named = own < len(type(self._object).__mro__) - 1
        return str(self._object) if named else repr(self)

    def __repr__(self) -> str:
        own = in_class(type(self._object), "__repr__")[0]
        if own < len(type(self._object).__mro__) - 1:
            return repr(self._object)
        return f"<jaxgrad.RecursiveScriptClass {self._c._type()}>"


register(RecursiveScriptClass)
