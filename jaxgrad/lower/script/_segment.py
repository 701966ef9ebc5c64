"""Lists that grew in a rolled loop: their new elements are one stacked array.

- `Segment`: such elements; it stands in the list in their place.
- `spread`: a list with the elements themselves.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from jaxgrad.lower.script._template import Form, build


@dataclasses.dataclass(eq=False)
class Segment:
    """Elements of a list, stacked.

    Attributes:
        forms: the forms of the elements that each round appended.
        arrays: their arrays, with a leading axis for the rounds.
        count: how many rounds.
    """

    _walked = True

    forms: tuple[Form, ...]
    arrays: list[Any]
    count: int

    def __len__(self) -> int:
        return self.count * len(self.forms)

    def item(self, j: int) -> Any:
        """Element number `j`."""
        i, k = divmod(j, len(self.forms))
        return build(self.forms[k], [a[i] for a in self.arrays], {})

    def stacked(self) -> Any:
        """All elements as one array; None if they are no arrays."""
        if len(self.forms) != 1 or len(self.arrays) != 1:
            return None
        form = self.forms[0]
        return self.arrays[form.index] if hasattr(form, "aval") else None


class Growing:
    """Stands for what a list held before, while a round of a loop appends to it."""

    def __repr__(self) -> str:
        return "<what the list held before this round>"


GROWING = Growing()


def has_segments(value: Any) -> bool:
    """Whether a value is a list with stacked elements."""
    return type(value) is list and any(type(e) is Segment for e in value)


def length_of(values: Sequence[Any]) -> int:
    """How many elements a list with segments has."""
    return sum(len(e) if type(e) is Segment else 1 for e in values)


def spread(values: Sequence[Any]) -> list[Any]:
    """The elements themselves."""
    found: list[Any] = []
    for each in values:
        if type(each) is Segment:
            found += [each.item(j) for j in range(len(each))]
        else:
            found.append(each)
    return found


def only_stack(values: Sequence[Any]) -> Any:
    """The stacked array of a list that is one segment; None if it isn't."""
    if len(values) == 1 and type(values[0]) is Segment:
        return values[0].stacked()
    return None
