"""What two paths leave, as one: the form that has room for both."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from jaxgrad.lower.script._closure import Closure
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
from jaxgrad.lower.script._heap import Attributed
from jaxgrad.lower.script._promotion import joined_type
from jaxgrad.lower.script._session import ErrorValues
from jaxgrad.lower.script._template import expanded, is_literal, opened, type_of
from jaxgrad.lower.script._values import Clash, is_array, is_number

Say = Callable[[str, str, str, str], Clash]


class Join:
    """Joins forms.

    Attributes:
        avals: the types of the arrays of the joined forms.
        fills: whether a path without a value may hand on what it has for another
            variable, if both are the same array on the path that has one.
    """

    def __init__(self, say: Say, whys: tuple[str, str] = ("", "")) -> None:
        """Join forms.

        Args:
            say: makes a `Clash` of how two values are described, a remedy, and which
                part of a container they are: `[1]`, say.
            whys: what to say where the first, or the second, has no value.
        """
        self.avals: list[Any] = []
        self._say, self._whys = say, whys
        self._path = ""
        # The forms of containers that are another object on each path.
        self.copies: set[int] = set()
        self.copied: frozenset[int] = frozenset()  # of the forms that are given
        self._mates: dict[tuple[int, int], set[int]] = {}
        # What the paths left in objects from outside, by identity.
        self.contents: tuple[Any, Any] = ({}, {})
        self._pairs: dict[Any, Form] = {}
        self.fills = True
        # What an array, or a container, of one side was joined into.
        self._of_side: dict[tuple[int, int], Leaf] = {}
        self._new_of_side: dict[tuple[int, int], New] = {}

    def of(self, a: Form, b: Form) -> Form:
        """The form with room for both."""
        if isinstance(a, Missing) or isinstance(b, Missing):
            return self._partial(a, b)
        if isinstance(a, Optional) or isinstance(b, Optional):
            first = next(f for f in (a, b) if isinstance(f, Optional))
            inner = [f.form if isinstance(f, Optional) else f for f in (a, b)]
            kinds = [f.exits for f in (a, b) if isinstance(f, Optional)]
            return Optional(self.of(*inner), first.name, first.why, min(kinds))
        if isinstance(a, Clashing):
            return a
        if isinstance(b, Clashing):
            return b
        if isinstance(a, Const) and isinstance(b, Const) and is_equal(a.value, b.value):
            return a
        if isinstance(a, Same) and isinstance(b, Same) and a.value is b.value:
            return a
        a, b = expanded(a), expanded(b)
        if isinstance(a, New) and isinstance(b, New):
            return self._containers(a, b)
        if _rebinds(a, b) or _rebinds(b, a):
            first, second = self.contents
            joined = self._containers(opened(a, first), opened(b, second))
            if isinstance(joined, New):
                self.copies.add(joined.uid)
            return joined
        types = [_aval(f) for f in (a, b)]
        if None not in types:
            return self._arrays(a, b, *types)
        return self._clash(a, b)

    def again(self, form: Form, side: int = 0) -> Form:
        """The form of one side alone, with the arrays of this join."""
        if isinstance(form, Leaf):
            twin = self._of_side.get((side, form.index))
            if self.fills and twin is not None and _is_type(twin.aval, form.aval):
                return twin
            key = ("alone", side, form.index)
            if key not in self._pairs:
                self._pairs[key] = self.leaf(form.aval)
            return self._pairs[key]
        if isinstance(form, Optional):
            inner = self.again(form.form, side)
            return dataclasses.replace(form, form=inner)
        if isinstance(form, Tail):
            both = [self.again(form.stack, side), self.again(form.count, side)]
            return Tail(*both, form.start)  # type: ignore[arg-type]
        if not isinstance(form, New):
            return form
        whole = self._new_of_side.get((side, form.uid))
        if self.fills and whole is not None:
            return whole  # two names of one object
        key = ("alone", side, "new", form.uid)
        if key not in self._pairs:
            found = self._pairs[key] = New(form.cls, form.static, (), hash(key))
            found.fill(self.again(part, side) for part in form.parts)
        return self._pairs[key]

    def open_list(self, a: New, b: New, start: int) -> Form:
        """A list of another length on each path; `start` elements are alike."""
        parts = [self.of(x, y) for x, y in zip(a.parts[:start], b.parts, strict=False)]
        tails = [a.parts[start:], b.parts[start:]]
        elements = [element_type(part) for tail in tails for part in tail]
        aval = functools.reduce(common_type, elements) if elements else None
        if aval is None:
            return self._clash(a, b)
        most = max(sum(map(capacity, tail)) for tail in tails)
        stack = self.leaf(aval.update(shape=(most, *aval.shape)))
        tail = Tail(stack, self.leaf(_COUNT), start)
        return New(list, start + 1, (*parts, tail), hash((a.uid, b.uid, start)))

    def leaf(self, aval: Any) -> Leaf:
        """One more array."""
        self.avals.append(aval)
        return Leaf(len(self.avals) - 1, aval)

    def _partial(self, a: Form, b: Form) -> Form:
        """One side has no value."""
        lacks_a = isinstance(a, Missing)
        lacking = a if lacks_a else b
        other = b if lacks_a else a
        assert isinstance(lacking, Missing)
        if isinstance(other, Missing):
            if lacking.value is None or other.value is None:
                return other if lacking.value is None else lacking
            return lacking if lacking.value.exits <= other.value.exits else other
        joined = self.again(other, 1 if lacks_a else 0)
        if isinstance(joined, Optional) and lacking.value is not None:
            exits = min(joined.exits, lacking.value.exits)
            return dataclasses.replace(joined, exits=exits)
        if lacking.value is None or isinstance(joined, Clashing):
            return joined
        why = self._whys[0 if lacks_a else 1] or lacking.value.why
        return Optional(joined, lacking.value.name, why, lacking.value.exits)

    def _arrays(self, a: Form, b: Form, x: Any, y: Any) -> Form:
        key = (_key(a), _key(b))
        if None not in key and key in self._pairs:
            return self._pairs[key]
        aval = joined_type(x, y)
        if aval is None:
            return self._clash(a, b)
        found = self._pairs[key] = self.leaf(aval)
        for side, form in enumerate((a, b)):
            if isinstance(form, Leaf):
                self._of_side.setdefault((side, form.index), found)
        return found

    def _containers(self, a: New, b: New) -> Form:
        key = ("new", a.uid, b.uid)
        if key in self._pairs:
            return self._pairs[key]
        keys = a.static == b.static
        if a.cls is dict and b.cls is dict and not keys and _is_permuted(a, b):
            order = [b.static.index(k) for k in a.static]
            b = New(b.cls, a.static, tuple(b.parts[i] for i in order), b.uid)
            keys = True
        if a.cls is b.cls is ErrorValues:
            a, b = _united(a, b)
            keys = True
        if a.cls is not b.cls or not keys or len(a.parts) != len(b.parts):
            return self._clash(a, b)
        found = self._pairs[key] = New(a.cls, a.static, (), hash(key))
        pairs = enumerate(zip(a.parts, b.parts, strict=True))
        found.fill(self._part(a, i, x, y) for i, (x, y) in pairs)
        self._note_copies(found.uid, a, b)
        self._new_of_side.setdefault((0, a.uid), found)
        self._new_of_side.setdefault((1, b.uid), found)
        return found

    def _note_copies(self, uid: int, a: New, b: New) -> None:
        """Keep in mind where one object on a path is several ones on the other."""
        if a.uid in self.copied:
            self.copies.add(uid)
        for side in enumerate((a.uid, b.uid)):
            mates = self._mates.setdefault(side, set())
            mates.add(uid)
            if len(mates) > 1:
                self.copies |= mates

    def _part(self, owner: New, i: int, a: Form, b: Form) -> Form:
        before = self._path
        self._path += _step(owner, i)
        try:
            return self.of(a, b)
        finally:
            self._path = before

    def _clash(self, a: Form, b: Form) -> Form:
        first, second = describe(a), describe(b)
        if first == second and first.startswith(("a ", "the ")):
            second = f"another {second.split(' ', 1)[1]}"
        return Clashing(self._say(first, second, remedy_for(a, b), self._path))


def remedy_for(a: Form, b: Form) -> str:
    """The way out where two values don't go together."""
    types = [_aval(f) for f in (a, b)]
    if any(isinstance(f, Const) and f.value is None for f in (a, b)):
        return "use an array (zeros, say) and a flag instead of None"
    if all(isinstance(f, Same) for f in (a, b)):
        return "copy the object on both paths, or choose between its arrays"
    if None not in types and types[0].shape == types[1].shape:
        return "give it the same dtype on both paths, with .astype(...) say"
    if None not in types:
        return "give it the same shape on both paths"
    if all(isinstance(f, Const) for f in (a, b)):
        return (
            "a traced condition chooses between arrays alone: use it in both branches, "
            "and choose between the results"
        )
    return "give it the same type and structure on both paths"


def _step(owner: New, i: int) -> str:
    """How a part of a container is read."""
    if issubclass(owner.cls, tuple) and hasattr(owner.cls, "_fields"):
        return f".{owner.cls._fields[i]}"
    static = owner.static
    if isinstance(static, Attributed):
        i, static = i - len(owner.parts) + len(static.names), static.static
        if i >= 0:
            return f".{owner.static.names[i]}"
        i += len(owner.parts) - len(owner.static.names)
    ordered = issubclass(owner.cls, list | tuple | collections.deque)
    if ordered or not isinstance(static, tuple):
        return f"[{i}]"
    key = static[i]
    return f"[{key!r}]" if issubclass(owner.cls, dict) else f".{key}"


def _rebinds(a: Form, b: Form) -> bool:
    """Whether one path made a container, where the other has one from outside."""
    return isinstance(a, New) and isinstance(b, Same) and type(b.value) is a.cls


_COUNT = type_of(np.int32(0))


def element_type(part: Form) -> Any:
    """The type of an element of a list, or of a buffer's; None if it is no array."""
    if isinstance(part, Tail):
        return part.stack.aval.update(shape=part.stack.aval.shape[1:])
    if isinstance(part, New) and part.cls is Buffer:
        stack = _aval(part.parts[part.static.index("stack")])
        return stack.update(shape=stack.shape[1:])
    return _aval(part)


def capacity(part: Form) -> int:
    """How many elements of a list a part is at most."""
    if isinstance(part, Tail):
        return part.stack.aval.shape[0]
    if isinstance(part, New) and part.cls is Buffer:
        return _aval(part.parts[part.static.index("stack")]).shape[0]
    return 1


def common_type(x: Any, y: Any) -> Any:
    """The type of values of two types; None if there is none."""
    return None if x is None or y is None else joined_type(x, y)


def _is_permuted(a: New, b: New) -> bool:
    return len(a.static) == len(b.static) and set(a.static) == set(b.static)


def _united(a: New, b: New) -> tuple[New, New]:
    """Two dicts with the keys of both."""
    keys = tuple(dict.fromkeys([*a.static, *b.static]))
    found = []
    for form in (a, b):
        mine = dict(zip(form.static, form.parts, strict=True))
        parts = tuple([mine.get(k, Missing(None)) for k in keys])
        found.append(New(form.cls, keys, parts, form.uid))
    return found[0], found[1]


def _is_type(x: Any, y: Any) -> bool:
    """Whether two types are the same, as far as a loop's carry is concerned."""
    return (x.shape, x.dtype, x.weak_type) == (y.shape, y.dtype, y.weak_type)


def _key(form: Form) -> Any:
    if isinstance(form, Leaf):
        return form.index
    return ("const", id(form.value)) if isinstance(form, Const) else None


def is_equal(a: Any, b: Any) -> bool:
    """Whether two known values are as good as the same."""
    if a is b:
        return True
    if isinstance(a, np.ndarray | np.generic) and isinstance(
        b, np.ndarray | np.generic
    ):
        alike = a.shape == b.shape and a.dtype == b.dtype
        return alike and bool(np.array_equal(a, b))
    if isinstance(a, tuple) and type(a) is type(b) and len(a) == len(b):
        return all(map(is_equal, a, b))
    literal = is_literal(a) or isinstance(a, enum.Enum)
    if not (literal and type(a) is type(b)):
        return False
    # 0.0 and -0.0 are told apart, and NaN is itself.
    return repr(a) == repr(b) if isinstance(a, float | complex) else bool(a == b)


def _aval(form: Form) -> Any:
    """The type of what is, or can become, an array; None for anything else."""
    if isinstance(form, Leaf):
        return form.aval
    if isinstance(form, Const) and (is_number(form.value) or is_array(form.value)):
        return type_of(form.value)
    return None


def describe(form: Form) -> str:
    """A form, in words."""
    if isinstance(form, Leaf):
        return form.aval.str_short(short_dtypes=True)
    if isinstance(form, Optional):
        return describe(form.form)
    if isinstance(form, Const | Same):
        value = form.value
        if is_array(value):
            return type_of(value).str_short(short_dtypes=True)
        if isinstance(value, enum.Enum):
            return str(value)
        if is_literal(value):
            return repr(value)
        if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType):
            kind = "class" if isinstance(value, type) else "function"
            return f"the {kind} {value.__name__}"
        if isinstance(value, Closure):
            return f"the function {value.__name__}"
        return f"a {type(value).__name__}"
    if isinstance(form, New):
        if isinstance(form.static, Attributed):
            names = ", ".join(sorted(form.static.names))
            return f"a {form.cls.__name__} with the attributes {names}"
        if issubclass(form.cls, list | tuple):
            return f"a {form.cls.__name__} of {len(form.parts)}"
        if issubclass(form.cls, dict):
            return f"a dict with the keys {list(form.static)}"
        if issubclass(form.cls, Closure):
            return f"the function {form.static[0].name}"
        if isinstance(form.static, tuple) and form.static:
            names = ", ".join(sorted(map(str, form.static)))
            return f"a {form.cls.__name__} with the attributes {names}"
        return f"a {form.cls.__name__}"
    return "nothing"
