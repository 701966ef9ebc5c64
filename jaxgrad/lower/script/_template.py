"""Python values with arrays in them, apart: their form (`_forms`), and the arrays.

A region is traced on its own, so that what leaves it is described first (`Capture`),
joined with what another region leaves (`_join`), and built again outside (`build`).

- `Capture`: takes values apart.
- `build`: puts a form together; `extract`: the arrays for a joined form.
"""

from __future__ import annotations

import collections
import functools
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import _compat
from jaxgrad.lower.script import _heap
from jaxgrad.lower.script._forms import (
    Buffer,
    Clashing,
    Const,
    Form,
    Leaf,
    Missing,
    New,
    Optional,
    Same,
    Tail,
)
from jaxgrad.lower.script._values import Clash, Maybe, Undefined, is_number, is_traced

INSIDE: Any = object()  # for an array that is computed in a region, to those outside


def type_of(value: Any) -> Any:
    """The abstract value of an array or a number."""
    return jax.typeof(value)


class Capture:
    """Takes values apart.

    Attributes:
        leaves: the arrays, each once.
    """

    def __init__(self, outside: Mapping[int, Any], apart: bool = False) -> None:
        """Take values apart.

        Args:
            outside: the mutable objects that stay the same, by identity.
            apart: whether every array gets a number of its own, and so do numbers: for
                what a loop carries.
        """
        self.leaves: list[Any] = []
        self._outside, self._apart = outside, apart
        self._index: dict[int, Leaf] = {}
        self._news: dict[int, New] = {}
        self._keep: list[Any] = []

    def of(self, value: Any) -> Form:
        """The form of a value."""
        if is_traced(value) or (self._apart and is_number(value)):
            return self._leaf(value)
        if isinstance(value, Undefined):
            return Missing(value)
        if isinstance(value, Maybe):
            form = self.of(value.value)
            return Optional(form, value.name, value.why, value.exits)
        if isinstance(value, Clash):
            return Clashing(value)
        if id(value) in self._outside:
            return Same(value)
        if _heap.is_leaf(value):
            return Const(value)
        return self._container(value)

    def content(self, value: Any) -> New:
        """The form of what a container holds, whether it is from outside or not."""
        found = _heap.parts_of(value)
        assert found is not None
        static, parts = found
        forms = tuple([self.of(part) for part in parts])
        return New(type(value), static, forms, id(value))

    def _leaf(self, value: Any) -> Leaf:
        found = None if self._apart else self._index.get(id(value))
        if found is None:
            found = Leaf(len(self.leaves), type_of(value))
            self.leaves.append(value)
            self._index[id(value)] = found
        return found

    def _container(self, value: Any) -> Form:
        known = self._news.get(id(value))
        if known is not None:
            return known
        found = _heap.parts_of(value)
        if found is None:
            return Const(value)
        static, parts = found
        self._keep.append(value)
        # Known before its parts are looked at: they may lead back to it.
        form = self._news[id(value)] = New(type(value), static, (), id(value))
        form.fill([self.of(part) for part in parts])
        mutable = _heap.is_mutable(value)
        if not mutable and all(isinstance(f, Const) for f in form.parts):
            del self._news[id(value)]
            return Const(value)
        return form


def build(form: Form, leaves: Sequence[Any], memo: dict[int, Any]) -> Any:
    """The value of a form.

    Args:
        form: the form.
        leaves: its arrays.
        memo: what was built already, by `uid`, so that one object stays one.

    Returns:
        The value.
    """
    if isinstance(form, Leaf):
        return leaves[form.index]
    if isinstance(form, Const | Same | Clashing):
        return form.value
    if isinstance(form, Missing):
        return form.value or Undefined("", "")
    if isinstance(form, Optional):
        inner = build(form.form, leaves, memo)
        return Maybe(inner, form.name, form.why, form.exits)
    if isinstance(form, Tail):
        return Buffer(leaves[form.stack.index], leaves[form.count.index])
    return put_together(form, lambda part: build(part, leaves, memo), memo)


def put_together(form: New, of: Callable[[Any], Any], memo: dict[int, Any]) -> Any:
    """The container of a form, whose elements may lead back to it.

    Args:
        form: the form.
        of: makes the elements.
        memo: what was made already, by `uid`.

    Returns:
        The container.
    """
    if form.uid in memo:
        return memo[form.uid]
    made = _empty(form.cls, form.static)
    if made is not None:
        memo[form.uid] = made
        _heap.fill(made, form.static, [of(part) for part in form.parts])
        return made
    parts = [of(part) for part in form.parts]
    if form.uid not in memo:  # what it holds may have made it
        memo[form.uid] = make(form.cls, form.static, parts)
    return memo[form.uid]


def make(cls: Any, static: Any, parts: Sequence[Any]) -> Any:
    """A new container of a class."""
    made = _empty(cls, static)
    if made is not None:
        _heap.fill(made, static, parts)
        return made
    if issubclass(cls, frozenset):
        return cls(static)
    if issubclass(cls, tuple):
        new: Any = cls.__new__
        return cls._make(parts) if hasattr(cls, "_make") else new(cls, parts)
    if cls is types.MethodType:
        return types.MethodType(static, parts[0])
    if issubclass(cls, functools.partial):
        return cls(parts[0], *parts[1], **parts[2])
    return cls(static, parts)  # a function that a script defined


def _empty(cls: Any, static: Any) -> Any:
    """A new container without content; None if its class takes it at once."""
    new: Any = cls.__new__
    made: Any = new(cls) if issubclass(cls, _FILLED) else None
    if issubclass(cls, collections.deque):
        collections.deque.__init__(made, (), _heap.bare(static).maxlen)
    whole = (frozenset, tuple, types.MethodType, functools.partial)
    if made is not None or issubclass(cls, whole) or hasattr(cls, "_captured"):
        return made
    return object.__new__(cls)


_FILLED = (list, dict, set, collections.deque)


def cast(value: Any, aval: Any) -> Any:
    """An array or number as another type, whose shape it has."""
    given = type_of(value)
    if (given.shape, given.dtype, given.weak_type) == (
        aval.shape,
        aval.dtype,
        aval.weak_type,
    ):
        return value if is_traced(value) else jnp.asarray(value)
    return _compat.as_aval(value, aval)


def zeros(aval: Any) -> Any:
    """An array of a type, for a path that has none."""
    if jax.dtypes.issubdtype(aval.dtype, jax.dtypes.prng_key):
        key = jax.random.key(0, impl=aval.dtype._impl.name)
        return jnp.broadcast_to(key, aval.shape)
    return cast(jnp.zeros(aval.shape, aval.dtype), aval)


def leaves_of(form: Form) -> list[Leaf]:
    """The leaves of a form, in the order of their numbers, each once."""
    found = {f.index: f for f in forms_in([form]) if isinstance(f, Leaf)}
    return [found[i] for i in sorted(found)]


def forms_in(forms: Iterable[Form]) -> Iterator[Form]:
    """Forms with all those in them, of which some may lead back to others."""
    seen: set[int] = set()
    todo = list(forms)
    while todo:
        each = todo.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, New):
            todo += each.parts
        elif isinstance(each, Optional):
            todo.append(each.form)
        elif isinstance(each, Tail):
            todo += [each.stack, each.count]


def extract(
    form: Form,
    given: Form | None,
    leaves: Sequence[Any],
    into: list[Any],
    contents: Mapping[int, tuple[Any, New]] = types.MappingProxyType({}),
    seen: set[Any] | None = None,
) -> None:
    """Put the arrays of `given`, a form that was joined into `form`, where it has them.

    Where it has none any array will do, also that of another variable.

    Args:
        form: the joined form.
        given: one of those that were joined; None for a path without a value.
        leaves: the arrays of `given`; `INSIDE` for those that are not at hand.
        into: gets them, at the indices of `form`.
        contents: what objects from outside hold on that path, where it changed them.
        seen: the containers around, which `form` may lead back to.
    """
    if isinstance(given, Optional) and not isinstance(form, Optional):
        given = given.form
    seen = set() if seen is None else seen
    if isinstance(form, New):
        of = getattr(given, "uid", id(getattr(given, "value", None)))
        if (id(form), of) in seen:
            return
        seen.add((id(form), of))
    if isinstance(form, New) and isinstance(given, Same):
        given = opened(given, contents)
    if isinstance(form, Leaf):
        if _has_array(given):
            into[form.index] = _array(form, given, leaves)
    elif isinstance(form, Optional):
        inner = given.form if isinstance(given, Optional) else given
        extract(form.form, inner, leaves, into, contents, seen)
    elif isinstance(form, New) and form.parts and isinstance(form.parts[-1], Tail):
        _extract_open(form, expanded(given), leaves, into)
    elif isinstance(form, New):
        for part, mine in zip(form.parts, _parts_like(form, given), strict=True):
            extract(part, mine, leaves, into, contents, seen)


def _extract_open(
    form: New, given: Form | None, leaves: Sequence[Any], into: list[Any]
) -> None:
    """The arrays of a list with a `Tail`."""
    tail = form.parts[-1]
    parts = list(given.parts) if isinstance(given, New) else [None] * tail.start
    for part, mine in zip(form.parts[:-1], parts, strict=False):
        extract(part, mine, leaves, into)
    stack, count = INSIDE, INSIDE
    if all(leaf is not INSIDE for leaf in leaves):
        stack, length = stacked(parts[tail.start :], leaves, tail.stack.aval)
        count = cast(length, tail.count.aval)
    into[tail.stack.index], into[tail.count.index] = stack, count


def stacked(parts: Sequence[Any], leaves: Sequence[Any], aval: Any) -> tuple[Any, Any]:
    """Elements, the last of them perhaps a buffer, as one array of a type; how many."""
    element = aval.update(shape=aval.shape[1:])
    rows, count = [], 0
    for part in parts:
        if isinstance(part, Tail) or (isinstance(part, New) and part.cls is Buffer):
            buffer = build(part, leaves, {})
            rows.append(cast(buffer.stack, aval.update(shape=buffer.stack.shape)))
            count = count + buffer.count
        else:
            rows.append(_array(Leaf(0, element), part, leaves)[None])
            count = count + 1
    missing = aval.shape[0] - sum(row.shape[0] for row in rows)
    if missing or not rows:
        rows.append(zeros(aval.update(shape=(missing, *aval.shape[1:]))))
    return (jnp.concatenate(rows) if len(rows) > 1 else rows[0]), count


def _parts_like(form: New, given: Form | None) -> list[Any]:
    """The parts of `given` in the order of those of `form`; None where it has none."""
    given = expanded(given)
    if not isinstance(given, New):
        return [None] * len(form.parts)
    if issubclass(form.cls, dict) and form.static != given.static:
        mine = dict(zip(given.static, given.parts, strict=True))
        return [mine.get(key) for key in form.static]
    return list(given.parts)


def opened(form: Form, contents: Mapping[int, tuple[Any, New]]) -> New:
    """A container from outside as the form of what it holds on a path.

    Args:
        form: a `Same`; a `New` is handed back.
        contents: what the path left in objects that it changed.

    Returns:
        The form.
    """
    if not isinstance(form, Same):
        assert isinstance(form, New)
        return form
    if id(form.value) in contents:
        return contents[id(form.value)][1]
    found = _heap.parts_of(form.value)
    assert found is not None
    static, parts = found
    forms = tuple([_from_outside(part) for part in parts])
    return New(type(form.value), static, forms, id(form.value))


def _from_outside(value: Any) -> Form:
    closed = _heap.is_leaf(value) or is_traced(value)
    if closed or _heap.parts_of(value) is None:
        return Const(value)
    if _heap.is_mutable(value):
        return Same(value)
    return opened(Same(value), {})


def expanded(form: Any) -> Any:
    """A known container as the form of a container."""
    if isinstance(form, Const) and isinstance(form.value, tuple):
        found = _heap.parts_of(form.value)
        assert found is not None
        parts = tuple([Const(part) for part in found[1]])
        return New(type(form.value), found[0], parts, id(form.value))
    return form


def _has_array(given: Form | None) -> bool:
    if isinstance(given, Optional):
        given = given.form
    return isinstance(given, Leaf | Const)


def _array(form: Leaf, given: Form | None, leaves: Sequence[Any]) -> Any:
    if isinstance(given, Optional):
        given = given.form
    if isinstance(given, Leaf):
        value = leaves[given.index]
        return value if value is INSIDE else cast(value, form.aval)
    if isinstance(given, Const):
        return cast(given.value, form.aval)
    return zeros(form.aval)


def is_literal(value: Any) -> bool:
    """Whether two equal values of this type are as good as the same."""
    plain = bool | int | float | complex | str | bytes | type(None) | slice | range
    return isinstance(value, plain | np.dtype | type(Ellipsis))
