"""Values of scripts as JSON, with the arrays in them apart: what a saved script keeps.

- `Writer`: values to JSON. `plain`: one that holds no arrays.
- `Reader`: arguments that fit such JSON, and what was written of results.
"""

from __future__ import annotations

import collections
import enum
import json
import sys
import types
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import LoweringError, SavedFileError
from jaxgrad.lower.script import _heap
from jaxgrad.lower.script._forms import New
from jaxgrad.lower.script._raising import formatted
from jaxgrad.lower.script._template import put_together
from jaxgrad.lower.script._values import Text, is_array, is_traced

_BUILTIN: dict[str, type] = {
    cls.__name__: cls for cls in (list, dict, tuple, set, frozenset)
}
_NUMBERS = (bool, int, float, complex)


class Writer:
    """Values to JSON.

    Attributes:
        leaves: the arrays, in the order in which they were met.
        objects: the number of each mutable object, by identity.
    """

    def __init__(self, objects: Mapping[int, int] | None = None) -> None:
        """Write values.

        Args:
            objects: those that the reader has already, by identity.
        """
        self.leaves: list[Any] = []
        self.objects: dict[int, int] = {}
        self._outside = dict(objects or {})
        self._keep: list[Any] = []

    def of(self, value: Any, where: str) -> Any:
        """A value as JSON; `where` is what an error calls it."""
        if is_array(value) or isinstance(value, jax.ShapeDtypeStruct):
            self.leaves.append(value)
            return {"leaf": len(self.leaves) - 1}
        if id(value) in self._outside:
            return {"same": self._outside[id(value)]}
        if id(value) in self.objects:
            return {"again": self.objects[id(value)]}
        found = None if _heap.is_leaf(value) else _heap.parts_of(value)
        if found is None or isinstance(value, types.MethodType):
            return {"value": plain(value, where)}
        return self._container(value, found, where)

    def content(self, value: Any, before: Any, where: str) -> Any:
        """What a container that the reader has holds now; arrays that stayed are not.

        Args:
            value: the container.
            before: what `parts_of` said of it before.
            where: what an error calls it.

        Returns:
            JSON.
        """
        found = _heap.parts_of(value)
        assert found is not None
        old, stayed = dict(zip(keys_of(value, before), before[1], strict=True)), []
        for i, (key, part) in enumerate(
            zip(keys_of(value, found), found[1], strict=True)
        ):
            if is_array(part) and old.get(key) is part:
                stayed.append(i)
        return self._container(value, found, where, stayed)

    def _container(
        self, value: Any, found: Any, where: str, stayed: Sequence[int] = ()
    ) -> Any:
        static, parts = found
        if isinstance(static, _heap.Attributed):
            raise LoweringError(
                f"{where} is a {type(value).__name__} with attributes of its own, "
                f"{', '.join(static.names)}, which no file can hold.\n"
                f"  Expected a plain {type(value).__mro__[1].__name__}, or an object.\n"
                "  Pass the content and the attributes as arguments of their own."
            )
        number = self.objects[id(value)] = len(self.objects)
        self._keep.append(value)
        fields = getattr(type(value), "_fields", None)
        keys = keys_of(value, found)
        if isinstance(static, frozenset):
            static = sorted(static, key=repr)
        elif isinstance(static, _heap.Bounds):
            static = (static.length, static.maxlen)
        return {
            "new": class_name(type(value)),
            "id": number,
            "fields": list(fields) if fields else None,
            "static": plain(static, where),
            "parts": [
                {"stays": key} if i in stayed else self.of(part, f"{where}[{key!r}]")
                for i, (key, part) in enumerate(zip(keys, parts, strict=True))
            ],
        }


def keys_of(value: Any, found: tuple[Any, Sequence[Any]]) -> Sequence[Any]:
    """What the parts of a container are called: keys, names or indices."""
    static, parts = found
    fields = getattr(type(value), "_fields", None)
    return fields or (static if isinstance(static, tuple) else range(len(parts)))


def class_name(cls: type) -> str:
    """What a file calls a class."""
    if _BUILTIN.get(cls.__name__) is cls:
        return cls.__name__
    return f"{cls.__module__}:{cls.__qualname__}"


def plain(value: Any, where: str) -> Any:
    """A value that holds no arrays as JSON.

    Returns:
        What `unplain` reads.

    Raises:
        LoweringError: no file can hold it.
    """
    kind = type(value)
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is complex:
        return {"complex": [value.real, value.imag]}
    if kind is bytes:
        return {"bytes": value.hex()}
    if kind in (tuple, list):
        return {kind.__name__: [plain(v, where) for v in value]}
    if kind in (slice, range):
        parts = [value.start, value.stop, value.step]
        return {kind.__name__: [plain(v, where) for v in parts]}
    if isinstance(value, enum.Enum):
        return {"enum": class_name(kind), "name": value.name}
    if isinstance(value, np.dtype):
        return {"dtype": value.name}
    if value is Ellipsis:
        return {"ellipsis": None}
    name = getattr(value, "__qualname__", None)
    if name is not None and (callable(value) or isinstance(value, type)):
        return {"named": f"{value.__module__}:{name}"}
    raise LoweringError(
        f"{where} is a {kind.__name__}, which no file can hold.\n"
        "  Expected arrays, numbers, strings, enums, dtypes, functions by name, and "
        f"containers and objects of these; got {value!r:.80}.\n"
        "  Pass what it holds instead, or let a global hold it."
    )


class Reader:
    """Arguments of a saved script, and what it left.

    Attributes:
        leaves: the arrays of the arguments that were taken.
    """

    def __init__(self, name: str) -> None:
        self.leaves: list[Any] = []
        self._name = name
        self._objects: dict[int, Any] = {}
        self._made: dict[int, Any] = {}

    def takes(self, form: Any, value: Any) -> bool:
        """Whether an argument fits; its arrays are kept if it does."""
        if "leaf" in form:
            fits = is_array(value) or isinstance(value, _NUMBERS)
            self.leaves.append(value)
            return fits
        if "again" in form:
            return self._objects.get(form["again"]) is value
        if "value" in form:
            return _same(value, form["value"])
        found = None if _heap.is_leaf(value) else _heap.parts_of(value)
        if found is None or class_name(type(value)) != form["new"]:
            return False
        static, parts = found
        if isinstance(static, _heap.Attributed):
            return False
        if isinstance(value, dict):
            if not _same(sorted(static, key=repr), _sorted(form["static"])):
                return False
            order = [unplain(k, self._name) for k in form["static"]["tuple"]]
            parts = [value[key] for key in order]
        elif isinstance(static, frozenset):
            static = sorted(static, key=repr)
        elif isinstance(static, _heap.Bounds):
            static = (static.length, static.maxlen)
        if not isinstance(value, dict) and not _same(static, form["static"]):
            return False
        self._objects[form["id"]] = value
        return all(map(self.takes, form["parts"], parts))

    def give(self, form: Any, leaves: Sequence[Any]) -> Any:
        """A value that was written, with arrays."""
        if "leaf" in form:
            return leaves[form["leaf"]]
        if "same" in form:
            return self._objects[form["same"]]
        if "again" in form:
            return self._made[form["again"]]
        if "value" in form:
            return unplain(form["value"], self._name)
        whole = New(self._class(form), self._static(form), form["parts"], form["id"])
        made = put_together(whole, lambda part: self.give(part, leaves), self._made)
        if type(made) is Text and not any(map(is_traced, jax.tree.leaves(made.parts))):
            made = self._made[form["id"]] = formatted(made.parts, [])
        return made

    def change(self, number: int, form: Any, leaves: Sequence[Any]) -> Any:
        """What one of the arguments' objects holds now, to be put there by `_heap`."""
        obj = self._objects[number]
        found = _heap.parts_of(obj)
        assert found is not None
        now = dict(zip(keys_of(obj, found), found[1], strict=True))
        parts = [
            now[part["stays"]] if "stays" in part else self.give(part, leaves)
            for part in form["parts"]
        ]
        return obj, self._static(form), parts

    def _static(self, form: Any) -> Any:
        static = unplain(form["static"], self._name)
        deque = issubclass(self._class(form), collections.deque)
        return _heap.Bounds(*static) if deque else static

    def _class(self, form: Any) -> type:
        name = form["new"]
        if name in _BUILTIN:
            return _BUILTIN[name]
        for value in self._objects.values():
            if class_name(type(value)) == name:
                return type(value)
        found = imported(name)
        if isinstance(found, type):
            return found
        if form["fields"]:
            own = name.rpartition(":")[2].rpartition(".")[2]
            return collections.namedtuple(own, form["fields"])
        raise _absent(self._name, name)


def _same(value: Any, form: Any) -> bool:
    try:
        return json.dumps(plain(value, "")) == json.dumps(form)
    except LoweringError:
        return False


def _sorted(form: Any) -> Any:
    return {"list": sorted(form["tuple"], key=lambda key: repr(unplain(key, "")))}


def unplain(form: Any, name: str) -> Any:
    """The value that `plain` wrote."""
    if not isinstance(form, dict):
        return form
    ((kind, held), *_) = form.items()
    if kind == "complex":
        return complex(*held)
    if kind == "bytes":
        return bytes.fromhex(held)
    if kind in ("tuple", "list"):
        return (tuple if kind == "tuple" else list)(unplain(v, name) for v in held)
    if kind in ("slice", "range"):
        parts = [unplain(v, name) for v in held]
        return slice(*parts) if kind == "slice" else range(*parts)
    if kind == "dtype":
        return jnp.dtype(held)
    if kind == "ellipsis":
        return Ellipsis
    if kind == "enum":
        cls = imported(held)
        if isinstance(cls, type) and issubclass(cls, enum.Enum):
            return cls[form["name"]]
    raise _absent(name, held)


def imported(name: str) -> Any:
    """What a name stands for in a module that is imported already; None if nothing."""
    module, _, path = name.partition(":")
    found: Any = sys.modules.get(module)
    for part in path.split("."):
        found = vars(found).get(part) if hasattr(found, "__dict__") else None
    return found


def _absent(name: str, what: str) -> SavedFileError:
    module, _, path = what.partition(":")
    return SavedFileError(
        f"{name} returns {path} of {module}, which is not here.\n"
        "  Expected its module to be imported: loading imports nothing.\n"
        f"  Import {module} first."
    )
