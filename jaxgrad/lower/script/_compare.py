"""Whether forms are alike, and forms with other numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from jaxgrad.lower.script._forms import Const, Form, Leaf, New, Optional
from jaxgrad.lower.script._join import is_equal
from jaxgrad.lower.script._template import leaves_of


def alike(a: Form, b: Form, seen: set[tuple[int, int]] | None = None) -> bool:
    """Whether two forms have the same numbers, and arrays of the same types there.

    Args:
        a: one form.
        b: the other.
        seen: the pairs of containers around, to which they may lead back.

    Returns:
        Whether they do.
    """
    seen = set() if seen is None else seen
    if isinstance(a, Leaf) and isinstance(b, Leaf):
        types = [(f.aval.shape, f.aval.dtype, f.aval.weak_type) for f in (a, b)]
        return a.index == b.index and types[0] == types[1]
    if isinstance(a, Optional) and isinstance(b, Optional):
        return alike(a.form, b.form, seen)
    if isinstance(a, New) and isinstance(b, New):
        if (id(a), id(b)) in seen:
            return True
        seen.add((id(a), id(b)))
        same = a.cls is b.cls and a.static == b.static and len(a.parts) == len(b.parts)
        pairs = zip(a.parts, b.parts, strict=False)
        return same and all(alike(x, y, seen) for x, y in pairs)
    if isinstance(a, Const) and isinstance(b, Const):
        return is_equal(a.value, b.value)
    return type(a) is type(b) and not isinstance(a, Leaf)


def leaves_in(forms: Sequence[Form]) -> list[Leaf]:
    """The leaves of forms, in the order of their numbers, each once."""
    found = {leaf.index: leaf for form in forms for leaf in leaves_of(form)}
    return [found[i] for i in sorted(found)]


def renumbered(forms: Sequence[Form]) -> list[Form]:
    """Forms whose leaves are numbered 0, 1, 2, ... in the order of `leaves_in`."""
    order = {leaf.index: k for k, leaf in enumerate(leaves_in(forms))}
    made: dict[int, New] = {}

    def again(form: Form) -> Form:
        if isinstance(form, Leaf):
            return Leaf(order[form.index], form.aval)
        if isinstance(form, New):
            if id(form) not in made:
                new = made[id(form)] = New(form.cls, form.static, (), form.uid)
                new.fill(map(again, form.parts))
            return made[id(form)]
        if isinstance(form, Optional):
            return dataclasses.replace(form, form=again(form.form))
        return form

    return [again(form) for form in forms]
