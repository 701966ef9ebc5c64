"""`ScriptObject`: an instance of a scripted class, with the types of its attributes.

What reads, writes and calls goes through it; `RecursiveScriptClass` shows it to Python.
"""

from __future__ import annotations

import copy
import pickle
import types
from typing import Any, NamedTuple

from jaxgrad.errors import AttributeWriteError, ModuleError
from jaxgrad.frontend.script import _attributes
from jaxgrad.frontend.script._method import Options, ScriptMethod, scripted
from jaxgrad.frontend.script._module_call import _NONE, in_class
from jaxgrad.frontend.script._running import Running
from jaxgrad.graph.types import ClassType
from jaxgrad.lower.script import _heap


def _none() -> None:
    """A reference to nothing."""


class ScriptObjectProperty(NamedTuple):
    """A property of a script object.

    Attributes:
        name: its name.
        getter: what reads it.
        setter: what writes it; None if nothing does.
    """

    name: str
    getter: ScriptMethod
    setter: ScriptMethod | None


class ScriptObject(Running):
    """An instance of a scripted class, with the types of its attributes.

    Its methods are compiled. An attribute keeps the type that the class's annotation
    gives it, or that of its first value (None says nothing); `Final` ones can't be
    set after `__init__`, and new ones not be added.
    """

    _fresh = Running._fresh | {"_face": lambda: _none}
    _options: Options
    _types: tuple[tuple[str, Any], ...]
    _face: Any

    def __init__(self, obj: Any, options: Options = (), known: Any = None) -> None:
        """Of an object.

        Args:
            obj: an instance of a plain class.
            options: those of `script`.
            known: the types of attributes, where they are known already.
        """
        own = self.__dict__
        own["_object"], own["_options"] = obj, options
        own.update({name: make() for name, make in self._fresh.items()})
        own["_types"] = self._typed(obj) if known is None else known

    @staticmethod
    def _typed(obj: Any) -> tuple[tuple[str, Any], ...]:
        said, _ = _attributes.declared(type(obj))
        values = _heap.attributes_of(obj)
        found = dict(said)
        for name, value in values.items():
            if name in said:
                value = _attributes.stored(value, said[name], name)
                if value is not values[name]:
                    object.__setattr__(obj, name, value)
            else:
                found[name] = _attributes.inferred(value)
        return tuple((n, t) for n, t in found.items() if n in values or n in said)

    # --- what it has ------------------------------------------------------------------

    def _type(self) -> ClassType:
        """The type of the object, as graphs have it."""
        cls = type(self._object)
        name = f"{cls.__module__}.{cls.__qualname__}"
        return ClassType(name, dict(self._types), cls)

    def _has_method(self, name: str) -> bool:
        """Whether there is a method of a name."""
        found = in_class(type(self._object), name)[1]
        return isinstance(found, types.FunctionType)

    def _get_method(self, name: str) -> ScriptMethod:
        """The method of a name.

        Args:
            name: the name.

        Returns:
            The method.

        Raises:
            ModuleError: there is none.
        """
        if not self._has_method(name):
            raise ModuleError(
                f"{self.original_name} has no method {name!r}.\n"
                f"  It has {', '.join(self._method_names())}"
            )
        return ScriptMethod(self, name, in_class(type(self._object), name)[1])

    def _method_names(self) -> list[str]:
        """The names of the methods that the class or a base of it defines."""
        bases = type(self._object).__mro__[:-1]
        names = dict.fromkeys(name for base in bases for name in vars(base))
        return [name for name in names if self._has_method(name)]

    def _properties(self) -> list[ScriptObjectProperty]:
        """The properties of the class, compiled."""
        found = []
        for base in type(self._object).__mro__[:-1]:
            for name, value in vars(base).items():
                if isinstance(value, property) and name not in {p.name for p in found}:
                    getter = ScriptMethod(self, name, value.fget)
                    setter = None
                    if value.fset is not None:
                        setter = ScriptMethod(self, name, value.fset)
                    found.append(ScriptObjectProperty(name, getter, setter))
        return found

    def hasattr(self, name: str) -> bool:
        """Whether there is an attribute of a name."""
        return hasattr(self._object, name)

    def getattr(self, name: str) -> Any:
        """An attribute: a value, a compiled method, or what a property gives.

        Args:
            name: its name.

        Returns:
            The attribute.

        Raises:
            AttributeError: there is none.
        """
        kept = _heap.attributes_of(self._object)
        if name in kept:
            return kept[name]
        found = in_class(type(self._object), name)[1]
        if isinstance(found, property) and found.fget is not None:
            return ScriptMethod(self, name, found.fget)()
        if isinstance(found, types.FunctionType):
            return ScriptMethod(self, name, found)
        if isinstance(found, staticmethod):
            return scripted(found.__func__, self._options)
        if isinstance(found, classmethod):
            from jaxgrad.frontend.script._script_class import ScriptClass

            cls = ScriptClass(type(self._object), self._options)
            return ScriptMethod(self, name, found.__func__, cls)
        return getattr(self._object, name)

    def setattr(self, name: str, value: Any) -> None:
        """Set an attribute, or call the setter of a property.

        Args:
            name: its name.
            value: the value, of the type of the attribute.

        Raises:
            AttributeWriteError: there is no such attribute, it is a constant, or the
                value is of another type.
            AttributeError: the property has no setter.
        """
        found = in_class(type(self._object), name)[1]
        if isinstance(found, property):
            if found.fset is None:
                raise AttributeError(
                    f"property {name!r} of {self.original_name!r} object has no setter"
                )
            ScriptMethod(self, name, found.fset)(value)
            return
        object.__setattr__(self._object, name, self._checked(name, value))

    def _checked(self, name: str, value: Any) -> Any:
        known, cls = dict(self._types), type(self._object)
        if name in _attributes.declared(cls)[1]:
            raise AttributeWriteError(
                f"{self.original_name}.{name} is a constant, and can't be set.\n"
                "  Annotate it with its type in place of Final"
            )
        if name not in known:
            raise AttributeWriteError(
                f"{self.original_name} does not have an attribute with name {name!r}.\n"
                f"  It has {', '.join(known) or 'none'}; set it in __init__, or "
                "annotate it in the class"
            )
        return _attributes.stored(value, known[name], name)

    def _outside(self, result: Any) -> Any:
        face = self._face()
        return face if result is self._object and face is not None else result

    def _run(self, function: Any, first: Any, args: Any, kwargs: Any) -> Any:
        """Call a script; what it wrote is checked, and put back if it isn't right."""
        obj = self._object
        before = _heap.attributes_of(obj)
        result = super()._run(function, first, args, kwargs)
        for name, value in _heap.attributes_of(obj).items():
            if before.get(name, _NONE) is not value:
                try:
                    self._checked(name, value)
                except AttributeWriteError:
                    _heap.set_attributes(obj, before)
                    raise
        return result

    # --- copies -----------------------------------------------------------------------

    @property
    def _static(self) -> tuple[Any, ...]:
        return self._options, self._types

    @classmethod
    def _made(cls, obj: Any, static: tuple[Any, ...]) -> Any:
        return cls(obj, *static)

    def __copy__(self) -> ScriptObject:
        return ScriptObject(copy.copy(self._object), *self._static)

    def __deepcopy__(self, memo: dict[int, Any]) -> ScriptObject:
        made = object.__new__(ScriptObject)
        memo[id(self)] = made
        ScriptObject.__init__(made, copy.deepcopy(self._object, memo), *self._static)
        return made

    def __reduce__(self) -> Any:
        cls = type(self._object)
        if in_class(cls, "__getstate__")[0] >= len(cls.__mro__) - 1:
            raise pickle.PicklingError(
                f"{self.original_name} can't be pickled: it has no __getstate__.\n"
                "  Define __getstate__ and __setstate__, or save what it is used in"
            )
        return _restored, (cls, self._object.__getstate__(), self._static)

    def __repr__(self) -> str:
        return f"ScriptObject <{self._type()}>"


def _restored(cls: type, state: Any, static: tuple[Any, ...]) -> ScriptObject:
    """What pickle makes of a script object again."""
    obj = object.__new__(cls)
    obj.__setstate__(state)
    return ScriptObject(obj, *static)
