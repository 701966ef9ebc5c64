"""The mutable objects that a program can reach, and what a part of it changed in them.

Python's containers and objects keep their identity while a program is traced. A region
that runs under a traced condition runs on the same objects: what it changed is found by
comparing them with a snapshot, whichever way it was changed, and put back.
"""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import sys
import types
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import numpy as np

from jaxgrad.lower.script._values import Maybe

_LEAVES = (
    jax.Array,
    np.ndarray,
    np.generic,
    np.dtype,
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type(None),
    type,
    type(Ellipsis),
    slice,
    types.ModuleType,
    types.BuiltinFunctionType,
    types.CodeType,
    jax.ShapeDtypeStruct,
    jax.sharding.Sharding,
)
# Objects of these packages hold nothing that a script may look into or change; of our
# own, classes that say so (`_walked`).
_LIBRARIES = frozenset({"jax", "jaxlib", "numpy", "jaxgrad", "ml_dtypes", "inspect"})


def is_leaf(value: Any) -> bool:
    """Whether a value holds no other values that could be traced or changed."""
    return _is_leaf_class(type(value))


@functools.lru_cache(maxsize=4096)
def _is_leaf_class(cls: type) -> bool:
    return issubclass(cls, _LEAVES) or _is_closed(cls)


@functools.lru_cache(maxsize=4096)
def _is_closed(cls: type) -> bool:
    if getattr(cls, "_walked", False) or issubclass(cls, _CONTAINERS):
        return False
    if issubclass(cls, functools.partial | enum.Enum):
        return issubclass(cls, enum.Enum)
    package, _, rest = cls.__module__.partition(".")
    if package == "jaxgrad" and not _is_ours(cls):
        return False
    return package in _LIBRARIES and not rest.startswith("experimental")


def _is_ours(cls: type) -> bool:
    """Whether a class is where it says; one of an example in a docstring is not."""
    found: Any = sys.modules.get(cls.__module__)
    for name in cls.__qualname__.split("."):
        if name == "<locals>":
            return True
        found = getattr(found, name, None)
    return found is cls


def slots_of(cls: type) -> list[str]:
    """The names of a class's slots, its bases' too."""
    return _slots(cls)


@functools.lru_cache(maxsize=4096)
def _slots(cls: type) -> list[str]:
    found: list[str] = []
    for base in cls.__mro__:
        own = base.__dict__.get("__slots__", ())
        found += [own] if isinstance(own, str) else own
    return [n for n in found if n not in ("__weakref__", "__dict__")]


def is_object(value: Any) -> bool:
    """Whether a value is an object whose attributes are looked at."""
    return _has_attributes(type(value))


@functools.lru_cache(maxsize=4096)
def _has_attributes(cls: type) -> bool:
    if _is_leaf_class(cls) or issubclass(cls, (*_CONTAINERS, *OPAQUE)):
        return False
    return bool(cls.__dictoffset__) or bool(slots_of(cls))


def is_object_class(cls: type) -> bool:
    """Whether instances of a class are objects whose attributes are looked at."""
    return not _is_closed(cls) and not issubclass(
        cls, (*_CONTAINERS, *_LEAVES, *OPAQUE)
    )


_CONTAINERS = (list, tuple, dict, set, frozenset, collections.deque)
OPAQUE = (
    types.FunctionType,
    types.MethodType,
    types.GetSetDescriptorType,
    types.MappingProxyType,
    property,
    classmethod,
    staticmethod,
    BaseException,
)


def attributes_of(obj: Any) -> dict[str, Any]:
    """The attributes of an object: its dict and its slots."""
    found = dict(vars(obj)) if hasattr(obj, "__dict__") else {}
    for name in slots_of(type(obj)):
        try:
            found[name] = object.__getattribute__(obj, name)
        except AttributeError:
            continue
    for name in fresh_of(type(obj)):
        found.pop(name, None)
    return found


def set_attributes(obj: Any, attributes: dict[str, Any]) -> None:
    """Give an object these attributes, and no others."""
    own, fresh = slots_of(type(obj)), fresh_of(type(obj))
    if hasattr(obj, "__dict__"):
        plain = {k: v for k, v in attributes.items() if k not in own}
        kept = {k: obj.__dict__[k] for k in fresh if k in obj.__dict__}
        obj.__dict__.clear()
        obj.__dict__.update(kept)
        obj.__dict__.update(plain)
    for name in own:
        if name in attributes:
            object.__setattr__(obj, name, attributes[name])
        elif name not in fresh and hasattr(obj, name):
            object.__delattr__(obj, name)
    for name, make in fresh.items():
        try:
            object.__getattribute__(obj, name)
        except AttributeError:
            object.__setattr__(obj, name, make())


# For a class, the attributes that are no part of its state, and how they are made for a
# new object; classes of our own say so at `_fresh`.
ADAPTERS: list[Callable[[type], dict[str, Callable[[], Any]] | None]] = []


@functools.lru_cache(maxsize=4096)
def fresh_of(cls: type) -> dict[str, Callable[[], Any]]:
    """The attributes that aren't looked at, and how a new object gets them."""
    if getattr(cls, "_walked", False):
        return getattr(cls, "_fresh", {})
    return next((found for a in ADAPTERS if (found := a(cls))), {})


class Keys(tuple[Any, ...]):
    """The keys of a defaultdict, which know what it makes."""

    factory: Any

    def __new__(cls, keys: Iterable[Any], factory: Any) -> Keys:
        made = super().__new__(cls, keys)
        made.factory = factory
        return made


@dataclasses.dataclass(frozen=True)
class Bounds:
    """What of a deque is static; no tuple, which would be the names of its elements.

    Attributes:
        length: how many elements it has.
        maxlen: how many it may have; None if there is no bound.
    """

    length: int
    maxlen: int | None


@dataclasses.dataclass(frozen=True)
class Attributed:
    """What is static of a list, dict, set or deque with attributes of its own.

    Attributes:
        static: what is static of its content.
        names: the attributes, whose values stand behind the elements.
    """

    static: Any
    names: tuple[str, ...]


def bare(static: Any) -> Any:
    """What is static of a container, without its attributes."""
    return static.static if isinstance(static, Attributed) else static


_FILLED = (list, dict, set, collections.deque)


@functools.lru_cache(maxsize=4096)
def _is_extended(cls: type) -> bool:
    """Whether a list, say, of this class can have attributes."""
    own = bool(cls.__dictoffset__) or bool(slots_of(cls))
    return issubclass(cls, _FILLED) and own


def parts_of(value: Any) -> tuple[Any, list[Any]] | None:
    """What a container holds: what of it is static, and its elements; None if none."""
    found = _content_of(value)
    if found is None or not _is_extended(type(value)):
        return found
    attributes = attributes_of(value)
    if not attributes:
        return found
    static = Attributed(found[0], tuple(attributes))
    return static, [*found[1], *attributes.values()]


def _content_of(value: Any) -> tuple[Any, list[Any]] | None:
    if isinstance(value, list):
        return len(value), list(value)
    if isinstance(value, collections.defaultdict):
        return Keys(value, value.default_factory), list(value.values())
    if isinstance(value, dict):
        return tuple(value), list(value.values())
    if isinstance(value, tuple):
        return len(value), list(value)
    if isinstance(value, collections.deque):
        return Bounds(len(value), value.maxlen), list(value)
    if isinstance(value, set | frozenset):
        return frozenset(value), []
    if isinstance(value, types.MethodType):
        return value.__func__, [value.__self__]
    if getattr(value, "_captured", None) is not None and hasattr(value, "program"):
        return value.program, list(value._captured)  # a function that a script defined
    if isinstance(value, functools.partial):
        return None, [value.func, value.args, value.keywords]
    if is_object(value):
        found = attributes_of(value)
        return tuple(found), list(found.values())
    return None


def is_mutable(value: Any) -> bool:
    """Whether a container can be changed in place."""
    if isinstance(value, list | dict | set | collections.deque):
        return True
    if hasattr(value, "_captured") or is_frozen(type(value)):
        return False
    return is_object(value)


def is_frozen(cls: type) -> bool:
    """Whether instances are values without an identity: of a frozen dataclass."""
    params = getattr(cls, "__dataclass_params__", None)
    return params is not None and params.frozen


def fill(value: Any, static: Any, parts: Sequence[Any]) -> None:
    """Change what a container holds."""
    if _is_extended(type(value)):
        names = static.names if isinstance(static, Attributed) else ()
        static, count = bare(static), len(parts) - len(names)
        set_attributes(value, dict(zip(names, parts[count:], strict=True)))
        parts = parts[:count]
    if isinstance(value, list):
        value[:] = parts
    elif isinstance(value, dict):
        # A subclass may mean something else by `update`: a Counter counts.
        ordered = isinstance(value, collections.OrderedDict)
        base: Any = collections.OrderedDict if ordered else dict
        base.clear(value)
        base.update(value, zip(static, parts, strict=True))
        if isinstance(static, Keys):
            vars_of: Any = value
            vars_of.default_factory = static.factory
    elif isinstance(value, set):
        value.clear()
        value.update(static)
    elif isinstance(value, collections.deque):
        value.clear()
        value.extend(parts)
    else:
        set_attributes(value, dict(zip(static, parts, strict=True)))


def reachable(roots: Iterable[Any]) -> dict[int, Any]:
    """All mutable containers that roots lead to, by identity."""
    found: dict[int, Any] = {}
    seen: set[int] = set()
    keep: list[Any] = []  # so that no identity is used twice
    todo = list(roots)
    while todo:
        value = todo.pop()
        if isinstance(value, Maybe):  # a path that goes on may change it
            value = value.value
        if is_leaf(value) or id(value) in seen:
            continue
        seen.add(id(value))
        keep.append(value)
        parts = parts_of(value)
        if parts is None:
            continue
        if is_mutable(value):
            found[id(value)] = value
        todo += parts[1]
    return found


class Snapshot:
    """What the reachable objects hold at one moment.

    Attributes:
        objects: the objects, by identity.
    """

    def __init__(self, roots: Iterable[Any]) -> None:
        self.objects = reachable(roots)
        self._before: dict[int, Any] = {i: parts_of(o) for i, o in self.objects.items()}

    def add(self, roots: Iterable[Any]) -> None:
        """Objects that came into sight later, as they are now."""
        for i, obj in reachable(roots).items():
            if i not in self.objects:
                self.objects[i] = obj
                self._before[i] = parts_of(obj)

    def before(self, obj: Any) -> tuple[Any, list[Any]]:
        """What an object held then."""
        return self._before[id(obj)]

    def changed(self) -> list[Any]:
        """The objects that hold something else now."""
        return [o for i, o in self.objects.items() if not _same(self._before[i], o)]

    def restore(self) -> None:
        """Put everything back."""
        for obj in self.changed():
            fill(obj, *self._before[id(obj)])


def _same(before: tuple[Any, list[Any]], obj: Any) -> bool:
    now = parts_of(obj)
    assert now is not None
    static, parts = before
    if len(parts) != len(now[1]) or static != now[0]:
        return False
    return all(a is b for a, b in zip(parts, now[1], strict=True))
