"""An object apart into its arrays and all else.

- `Structure`: tells whether two objects differ in their arrays only; builds another
  object of the same structure, or puts other arrays into the very object.
- `named`: the arrays of an object, with their names.
- `is_module`, `submodules`: the callable objects in an object.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import jax

from jaxgrad.frontend.script._boundary import Incoming, build_inside
from jaxgrad.frontend.script._nnx import is_state, is_variable
from jaxgrad.lower.script import _heap
from jaxgrad.lower.script._hooks import HOOKS, behind
from jaxgrad.lower.script._template import Const, Form, Leaf, New, make
from jaxgrad.lower.script._values import is_array


class Structure(Incoming):
    """An object without its arrays.

    Two are equal if everything but the arrays is: classes, names, static values.

    Attributes:
        leaves: the arrays.
    """

    def __init__(self, obj: Any) -> None:
        self._kept: dict[int, Any] = {}
        super().__init__([obj])

    def _leaf(self, value: Any, key: list[Any]) -> Leaf:
        key.append("array")
        self.leaves.append(value)
        return Leaf(len(self.leaves) - 1, None)

    def _of(self, value: Any, key: list[Any]) -> Form:
        form = super()._of(value, key)
        # Frozen ones too: `write` is what changes them for the user.
        own = isinstance(value, list | dict | set) or _heap.is_object(value)
        if isinstance(form, New) and own and not hasattr(value, "_captured"):
            self._kept[form.uid] = value
        return form

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Structure) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def forget(self) -> None:
        """Keep no array and no part of the object alive; `write` is over then."""
        self.leaves, self.objects = [], []
        self._kept.clear()

    def build(self, leaves: Sequence[Any]) -> Any:
        """Another object of this structure, which shares no mutable part with it."""
        (made,), _ = build_inside(self.forms, leaves)
        return made

    def write(self, leaves: Sequence[Any]) -> None:
        """Put other arrays into the object itself."""
        memo: dict[int, Any] = {}

        def of(form: Form) -> Any:
            if isinstance(form, Leaf):
                return leaves[form.index]
            if isinstance(form, Const):
                return form.value
            assert isinstance(form, New)
            if form.uid not in memo:
                kept = self._kept.get(form.uid)
                if kept is not None:
                    memo[form.uid] = kept
                    _heap.fill(kept, form.static, [of(p) for p in form.parts])
                else:
                    parts = [of(part) for part in form.parts]
                    memo[form.uid] = make(form.cls, form.static, parts)
            return memo[form.uid]

        of(self.forms[0])


@dataclasses.dataclass(frozen=True, eq=False)
class Named:
    """An array of an object.

    Attributes:
        name: the path of attributes, keys and indices that leads to it.
        value: it.
        is_buffer: whether it is a buffer; else it is a parameter.
    """

    name: str
    value: Any
    is_buffer: bool


def named(obj: Any) -> list[Named]:
    """The arrays of an object, in the order of `Structure.leaves`.

    Arrays of real or complex numbers are parameters, others are buffers; so is what an
    object lists by name at `_buffers`, and each variable of Flax NNX but a `Param`.

    Args:
        obj: the object.

    Returns:
        One for each array.
    """
    found: list[Named] = []
    seen: set[int] = set()
    keep: list[Any] = []

    def walk(value: Any, path: tuple[str, ...], buffer: bool) -> None:
        if is_array(value) or isinstance(value, jax.ShapeDtypeStruct):
            exact = not jax.numpy.issubdtype(value.dtype, jax.numpy.inexact)
            found.append(Named(".".join(path), value, buffer or exact))
            return
        if _heap.is_leaf(value) or id(value) in seen:
            return
        parts = _heap.parts_of(value)
        if parts is None:
            return
        seen.add(id(value))
        keep.append(value)
        buffer = buffer or is_state(value)
        for label, part in _labelled(value, *parts):
            if label in buffers_of(value):
                walk(part, (*path, label), True)
            else:
                walk(part, (*path, label) if label else path, buffer)

    walk(obj, (), False)
    return found


def buffers_of(obj: Any) -> tuple[str, ...]:
    """The names of attributes that an object says are buffers."""
    if isinstance(obj, list | tuple | dict | set | frozenset):
        return ()
    names = getattr(obj, "_buffers", ())
    kinds = list | tuple | set | frozenset | dict
    return ("_buffers", *names) if isinstance(names, kinds) else ()


def _labelled(
    value: Any, static: Any, parts: Sequence[Any]
) -> Iterator[tuple[str, Any]]:
    """The parts of a container with their names; none where they add nothing."""
    cls = type(value)
    if isinstance(static, _heap.Attributed):
        count = len(parts) - len(static.names)
        yield from _labelled(value, static.static, parts[:count])
        yield from zip(static.names, parts[count:], strict=True)
        return
    hidden = getattr(cls, "_walked", False) or is_variable(value)
    if hidden:
        labels: Sequence[Any] = [""] * len(parts)
    elif isinstance(value, tuple) and hasattr(cls, "_fields"):
        labels = cls._fields
    elif isinstance(value, list | tuple) or not isinstance(static, tuple):
        labels = range(len(parts))
    else:
        labels = static
    for label, part in zip(labels, parts, strict=True):
        yield str(label), part


def is_module(value: Any) -> bool:
    """Whether a value is an object that can be called, and whose state is looked at."""
    if not _heap.is_object(value) or is_variable(value):
        return False
    cls = type(value)
    if getattr(cls, "_walked", False):
        return hasattr(cls, "_is_module")
    return hasattr(cls, "forward") or callable(value)


def submodules(obj: Any) -> list[tuple[str, Any]]:
    """The modules in an object, but not those in these.

    They are attributes, or in lists, tuples, dictionaries and objects that can't be
    called.

    Args:
        obj: the object.

    Returns:
        Pairs of a name and a module.
    """
    found: list[tuple[str, Any]] = []
    seen: set[int] = set()

    def walk(value: Any, path: tuple[str, ...]) -> None:
        if path and is_module(value):
            found.append((".".join(path), value))
            return
        parts = None if _heap.is_leaf(value) else _heap.parts_of(value)
        if parts is None or id(value) in seen:
            return
        seen.add(id(value))
        for label, part in _labelled(value, *parts):
            if label != HOOKS:
                walk(part, (*path, label) if label else path)

    walk(behind(obj), ())
    return found
