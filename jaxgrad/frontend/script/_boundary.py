"""Arguments and results: apart into arrays and a form, and together again.

- `Incoming`: what a call is given; its key says which compiled program fits.
- `Outgoing`: what it returns, and what it changed in what it was given.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad.lower.script import _heap
from jaxgrad.lower.script._segment import Segment, has_segments, spread
from jaxgrad.lower.script._template import Const, Form, Leaf, New, Same, make
from jaxgrad.lower.script._values import is_array, is_number, is_traced


class Incoming:
    """Values apart: arrays, and a form.

    Attributes:
        leaves: the arrays.
        forms: the form of each value.
        objects: the mutable objects among them, in the order in which they were met.
        key: equal for values of the same types, structure and static parts.
    """

    def __init__(self, values: Sequence[Any]) -> None:
        self.leaves: list[Any] = []
        self.objects: list[Any] = []
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
        if issubclass(form.cls, list | dict | set) or _is_plain(form.cls):
            made = memo[form.uid] = empty(form.cls)
            objects.append(made)
            _heap.fill(made, form.static, [of(part) for part in form.parts])
            return made
        made = memo[form.uid] = make(form.cls, form.static, list(map(of, form.parts)))
        return made

    values = [of(form) for form in forms]
    return values, objects


def _is_plain(cls: type) -> bool:
    return not issubclass(cls, tuple | frozenset) and _heap.is_object_class(cls)


def empty(cls: type) -> Any:
    """A new object without content."""
    return (
        cls.__new__(cls) if issubclass(cls, list | dict | set) else object.__new__(cls)
    )


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
            if form.uid in memo:
                return memo[form.uid]
            parts = [of(part) for part in form.parts]
            made = make(form.cls, form.static, parts)
            if type(made) is list and has_segments(made):
                made = spread(made)
            memo[form.uid] = made
            return made

        filled = [(i, f.static, [of(p) for p in f.parts]) for i, f in self.contents]
        result = None if self.result is None else of(self.result)
        for number, static, parts in filled:
            if any(type(p) is Segment for p in parts):
                parts = spread(parts)
            _heap.fill(objects[number], static, parts)
        return result


def as_operand(value: Any) -> Any:
    """An array as a compiled program takes it."""
    return value if isinstance(value, jax.Array) else jnp.asarray(value)


__all__ = [
    "Incoming",
    "Outgoing",
    "as_operand",
    "build_inside",
    "is_number",
    "is_traced",
    "static_key",
]
