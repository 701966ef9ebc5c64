"""Arguments and results: apart into arrays and a form, and together again.

- `Incoming`: what a call is given; its key says which compiled program fits.
- `Outgoing`: what it returns, and what it changed in what it was given.
"""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad.lower.script import _heap
from jaxgrad.lower.script._raising import formatted
from jaxgrad.lower.script._segment import closed, has_segments, is_open
from jaxgrad.lower.script._template import (
    Capture,
    Const,
    Form,
    Leaf,
    New,
    Same,
    make,
    put_together,
)
from jaxgrad.lower.script._values import Text, is_array, is_number, is_traced


class Incoming:
    """Values apart: arrays, and a form.

    Attributes:
        leaves: the arrays.
        forms: the form of each value.
        objects: the mutable objects among them, in the order in which they were met.
        made: their forms.
        key: equal for values of the same types, structure and static parts.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self.leaves: list[Any] = []
        self.objects: list[Any] = []
        self.made: list[Form] = []
        self._seen: dict[int, Any] = {}
        key: list[Any] = []
        self.forms = [self._of(value, key) for value in values]
        self.key = tuple(key)

    def _of(self, value: Any, key: list[Any]) -> Form:
        if is_array(value) or isinstance(value, jax.ShapeDtypeStruct):
            return self._leaf(value, key)
        if _heap.is_leaf(value):
            key.append(static_key(value))
            return Const(value)
        known = self._seen.get(id(value))
        if known is not None:
            key.append(("again", known.uid))
            return known
        found = _heap.parts_of(value)
        if found is None:
            key.append(static_key(value))
            return Const(value)
        static, parts = found
        uid = len(self._seen)
        key.append((type(value), static_key(static), len(parts), uid))
        form = New(type(value), static, (), uid)
        self._seen[id(value)] = form
        if _heap.is_mutable(value):
            self.objects.append(value)
            self.made.append(form)
        object.__setattr__(form, "parts", tuple([self._of(p, key) for p in parts]))
        return form

    def _leaf(self, value: Any, key: list[Any]) -> Leaf:
        if isinstance(value, jax.ShapeDtypeStruct):
            weak = bool(getattr(value, "weak_type", False))
            aval = (value.shape, value.dtype, weak)
        else:
            typed = jax.typeof(value)
            aval = (typed.shape, typed.dtype, typed.weak_type)
        key.append(aval)
        self.leaves.append(value)
        return Leaf(len(self.leaves) - 1, aval)


def static_key(value: Any) -> Any:
    """What tells a static value from others in a cache's key."""
    if value is None or isinstance(value, str | bool | int):
        return type(value), value
    if isinstance(value, float | complex):
        return type(value), repr(value)  # 0.0 and -0.0 differ, NaN is itself
    if isinstance(value, tuple | frozenset) and not value:
        return type(value)
    try:
        hash(value)
    except TypeError:
        return "identity", id(value)
    return type(value), value


def build_inside(
    forms: Sequence[Form], leaves: Sequence[Any]
) -> tuple[list[Any], list[Any]]:
    """The values of forms, with new mutable objects.

    Returns:
        The values; and the objects, in the order of `Incoming.objects`.
    """
    memo: dict[int, Any] = {}
    objects: list[Any] = []

    def of(form: Form) -> Any:
        if isinstance(form, Leaf):
            return leaves[form.index]
        if isinstance(form, Const):
            return form.value
        assert isinstance(form, New)
        if form.uid in memo:
            return memo[form.uid]
        if issubclass(form.cls, _BUILTIN) or _is_plain(form.cls):
            made = memo[form.uid] = empty(form.cls, form.static)
            objects.append(made)
            _heap.fill(made, form.static, [of(part) for part in form.parts])
            return made
        made = memo[form.uid] = make(form.cls, form.static, list(map(of, form.parts)))
        return made

    values = [of(form) for form in forms]
    return values, objects


_BUILTIN = (list, dict, set, collections.deque)


def _is_plain(cls: type) -> bool:
    if issubclass(cls, tuple | frozenset) or _heap.is_frozen(cls):
        return False
    return _heap.is_object_class(cls)


def empty(cls: type, static: Any) -> Any:
    """A new object without content."""
    if issubclass(cls, collections.deque):
        return cls(maxlen=_heap.bare(static).maxlen)
    maker: Any = cls if issubclass(cls, _BUILTIN) else object
    return maker.__new__(cls)


@dataclasses.dataclass(frozen=True, eq=False)
class Kept:
    """A part that is where it was: the caller's own stays there.

    Attributes:
        label: the name, key or index.
    """

    label: Any


def content_of(capture: Capture, obj: Any, before: tuple[Any, list[Any]]) -> New:
    """The form of what an object holds that was changed, but for unchanged parts."""
    found, old = _heap.parts_of(obj), _by_label(before)
    assert found is not None
    parts: list[Any] = [
        Kept(label) if old.get(label, old) is part else capture.of(part)
        for label, part in _by_label(found).items()
    ]
    return New(type(obj), found[0], tuple(parts), id(obj))


def _by_label(parts: tuple[Any, list[Any]] | None) -> dict[Any, Any]:
    static, values = parts or ((), [])
    labels = static if isinstance(static, tuple) else range(len(values))
    return dict(zip(labels, values, strict=True))


@dataclasses.dataclass(frozen=True, eq=False)
class Outgoing:
    """What a call leaves, apart.

    Attributes:
        result: the form of what it returns; None if it raises for sure.
        contents: for each object that it changed, its number and what it holds.
        inside: the number of each object that it was given, by identity inside.
    """

    result: Form | None
    contents: list[tuple[int, New]]
    inside: Mapping[int, int]
    keep: Any

    def finish(self, leaves: Sequence[Any], objects: Sequence[Any]) -> Any:
        """Change the objects, and give the result.

        Args:
            leaves: the arrays of the forms.
            objects: the caller's objects.

        Returns:
            The result.
        """
        memo: dict[int, Any] = {}

        def of(form: Form) -> Any:
            if isinstance(form, Leaf):
                return leaves[form.index]
            if isinstance(form, Same):
                number = self.inside.get(id(form.value))
                return form.value if number is None else objects[number]
            if isinstance(form, Const):
                return form.value
            assert isinstance(form, New)
            known = form.uid in memo
            made = put_together(form, of, memo)
            if known:
                return made
            if type(made) is Text and not _any_traced(made.parts):
                made = memo[form.uid] = formatted(made.parts, [])
            if has_segments(made) or is_open(made):
                made[:] = closed(made)
            return made

        def refilled(number: int, form: New) -> tuple[int, Any, list[Any]]:
            now = _by_label(_heap.parts_of(objects[number]))
            parts = [now[p.label] if type(p) is Kept else of(p) for p in form.parts]
            return number, form.static, parts

        filled = [refilled(number, form) for number, form in self.contents]
        result = None if self.result is None else of(self.result)
        for number, static, parts in filled:
            if has_segments(parts) or is_open(parts):
                parts = closed(parts)
            _heap.fill(objects[number], static, parts)
        return result


def _any_traced(values: Any) -> bool:
    return any(map(is_traced, jax.tree.leaves(values)))


def as_operand(value: Any) -> Any:
    """An array, or what stands for one, as a compiled program takes it."""
    ready = isinstance(value, jax.Array | jax.ShapeDtypeStruct)
    return value if ready else jnp.asarray(value)


__all__ = [
    "Incoming",
    "Outgoing",
    "as_operand",
    "build_inside",
    "is_number",
    "is_traced",
    "static_key",
]
