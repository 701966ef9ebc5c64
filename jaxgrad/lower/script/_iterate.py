"""What a `for` goes over: how many items, and which is number `i`.

- `iterator_of`: the iterator of a value.
- `Range`, `Zipped`, `Enumerated`, `Reversed`: what the builtins make of traced values.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator as PythonIterator
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad.lower.script._segment import has_segments, spread
from jaxgrad.lower.script._values import TracedLength, is_array, is_traced


class Iterator:
    """The items of an iterable.

    Attributes:
        length: how many: an int, a symbolic dimension, or a traced int.
        uniform: whether item `i` can be had for a traced `i`.
    """

    length: Any
    uniform = True

    def arrays(self) -> list[Any]:
        """The arrays whose leading axis the items run along."""
        return []

    def item(self, i: Any, slices: Sequence[Any]) -> Any:
        """Item number `i`, given the parts of the arrays that are for it."""
        raise NotImplementedError

    def at(self, i: int) -> Any:
        """Item number `i`, a Python int."""
        return self.item(i, [a[i] for a in self.arrays()])

    def __iter__(self) -> PythonIterator[Any]:
        """All items, where their number is known."""
        if is_traced(self.length):
            raise TracedLength("the number of items is traced")
        return (self.at(i) for i in range(self.length))

    def __len__(self) -> int:
        return self.length


@dataclasses.dataclass(eq=False)
class Range(Iterator):
    """A `range` of which a bound is traced or symbolic."""

    start: Any
    stop: Any
    step: Any

    @property
    def length(self) -> Any:  # type: ignore[override]
        """How many numbers."""
        start, stop, step = self.start, self.stop, self.step
        if not is_traced(step) and step == 1 and not any(map(is_traced, (start, stop))):
            return stop if isinstance(start, int) and start == 0 else stop - start
        span = jnp.where(jnp.asarray(step) > 0, stop - start, start - stop)
        size = jnp.abs(jnp.asarray(step))
        return jnp.maximum((span + size - 1) // size, 0)

    def item(self, i: Any, slices: Sequence[Any]) -> Any:
        """`start + i * step`."""
        return _affine(self.start, i, self.step)


def _affine(start: Any, i: Any, step: Any) -> Any:
    scaled = i if not is_traced(step) and step == 1 else i * step
    return scaled if not is_traced(start) and start == 0 else start + scaled


@dataclasses.dataclass(eq=False)
class _PythonRange(Iterator):
    values: range

    def __post_init__(self) -> None:
        self.length = len(self.values)

    def item(self, i: Any, slices: Sequence[Any]) -> Any:
        if isinstance(i, int):
            return self.values[i]
        return _affine(self.values.start, i, self.values.step)


@dataclasses.dataclass(eq=False)
class _Array(Iterator):
    array: Any

    def __post_init__(self) -> None:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        self.length = self.array.shape[0]

    def arrays(self) -> list[Any]:
        return [self.array]

    def item(self, i: Any, slices: Sequence[Any]) -> Any:
        return slices[0]


@dataclasses.dataclass(eq=False)
class Zipped(Iterator):
    """What `zip` makes; it has as many items as the shortest part."""

    parts: list[Iterator]
    strict: bool = False

    def __post_init__(self) -> None:
        lengths = [part.length for part in self.parts]
        self.uniform = all(part.uniform for part in self.parts)
        known = [n for n in lengths if isinstance(n, int)]
        others = [n for n in lengths if not isinstance(n, int)]
        if self.strict and len(set(known)) > 1:
            raise ValueError("zip() arguments have different lengths")
        self.length = min(known) if known else (others[0] if others else 0)
        for other in others:
            traced = any(map(is_traced, (other, self.length)))
            if other is not self.length and traced:
                self.length = jnp.minimum(other, self.length)

    def arrays(self) -> list[Any]:
        length = self.length
        arrays = [a for part in self.parts for a in part.arrays()]
        if not isinstance(length, int):
            return arrays
        return [a if a.shape[0] == length else a[:length] for a in arrays]

    def item(self, i: Any, slices: Sequence[Any]) -> Any:
        rest = list(slices)
        found = []
        for part in self.parts:
            count = len(part.arrays())
            mine, rest = rest[:count], rest[count:]
            found.append(part.item(i, mine))
        return tuple(found)


@dataclasses.dataclass(eq=False)
class Enumerated(Iterator):
    """What `enumerate` makes."""

    part: Iterator
    start: Any = 0

    def __post_init__(self) -> None:
        self.length, self.uniform = self.part.length, self.part.uniform

    def arrays(self) -> list[Any]:
        return self.part.arrays()

    def item(self, i: Any, slices: Sequence[Any]) -> Any:
        return _affine(self.start, i, 1), self.part.item(i, slices)


@dataclasses.dataclass(eq=False)
class Reversed(Iterator):
    """What `reversed` makes."""

    part: Iterator

    def __post_init__(self) -> None:
        self.length, self.uniform = self.part.length, self.part.uniform

    def arrays(self) -> list[Any]:
        return [jnp.flip(a, 0) for a in self.part.arrays()]

    def item(self, i: Any, slices: Sequence[Any]) -> Any:
        last = self.length - 1
        return self.part.item(last - i, slices)


@dataclasses.dataclass(eq=False)
class _Items(Iterator):
    """Items of any types: there is none for a traced number."""

    values: list[Any]
    uniform = False

    @property
    def length(self) -> int:  # type: ignore[override]
        """How many there are by now: Python's loops see a list grow."""
        return len(self.values)

    def item(self, i: Any, slices: Sequence[Any]) -> Any:
        return self.values[i]


@dataclasses.dataclass(eq=False)
class Counted(Iterator):
    """The first `length` elements of an array."""

    array: Any
    length: Any

    def arrays(self) -> list[Any]:
        """The array."""
        return [self.array]

    def item(self, i: Any, slices: Sequence[Any]) -> Any:
        """Its element."""
        return slices[0]


def iterator_of(value: Any) -> Iterator:
    """The iterator of a value.

    Returns:
        The value, if it is one.

    Raises:
        TypeError: it can't be iterated over.
    """
    if isinstance(value, Iterator):
        return value
    if isinstance(value, range):
        return _PythonRange(value)
    if is_array(value):
        return _Array(jnp.asarray(value) if not isinstance(value, jax.Array) else value)
    if has_segments(value):
        return _Items(spread(value))
    return _Items(value if type(value) is list else list(value))
