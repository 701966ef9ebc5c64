"""What of two traces may differ because their arguments have other shapes.

- `Shapes`: the sizes and dtypes that the arguments explain; `same` compares two
  attributes, constants or arrays under them.

Two numbers are explained by a dimension, another one in each trace, if the same rule
leads from it to both: itself, a sum, a product, a multiple, a fraction; for floats also
the reciprocal and the square root of such a number.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import re
import types
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

import jax
import numpy as np

# A slice leaves out, or a border adds, this much at most.
_OFFSET = 8
_DIVISOR = 16
# More dimensions that change are not combined with each other.
_COMBINED = 12

# What differs between two traces of one program, and what also follows shapes.
_ADDRESSES = re.compile(r"0x[0-9a-f]+")
_NUMERALS = re.compile(r"0x[0-9a-f]+|\d+")
_NUMBERS = (int, float, complex, np.number, np.bool_)
_FUNCTIONS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType)


class Shapes:
    """The pairs of sizes, of the first and the second trace, that are known."""

    def __init__(self) -> None:
        self._pairs: set[tuple[int, int]] = set()
        self._dtypes: set[tuple[Any, Any]] = set()
        self._explained: set[tuple[int, int]] = set()

    def learn_arguments(self, first: Sequence[Any], second: Sequence[Any]) -> None:
        """Take the types of two lists of arguments as given."""
        pairs: set[tuple[int, int]] = set()
        for a, b in zip(first, second, strict=False):
            self.learn(a, b)
            for size in range(1, len(_dims(a)) + 1):
                both = zip(_dims(a), _dims(b), strict=False)
                for some in itertools.combinations(both, size):
                    pairs.add(_product(some))
        moving = sorted(p for p in pairs if p[0] != p[1])[:_COMBINED]
        for one, other in itertools.combinations_with_replacement(moving, 2):
            pairs |= {_product((one, other)), (one[0] + other[0], one[1] + other[1])}
        self._pairs |= {p for p in pairs if p[0] != p[1]}

    def learn(self, first: Any, second: Any) -> None:
        """Take two types as given: those of arguments, or of what was made of them."""
        mine, theirs = _dims(first), _dims(second)
        if len(mine) == len(theirs):
            pairs = zip(mine, theirs, strict=True)
            self._pairs |= {(a, b) for a, b in pairs if a != b}
        dtypes = _dtype(first), _dtype(second)
        if dtypes[0] != dtypes[1]:
            self._dtypes.add(dtypes)

    def fits(self, first: Any, second: Any) -> bool:
        """Whether two types are equal, or explained."""
        if first == second:
            return True
        mine, theirs = _dims(first), _dims(second)
        if type(first) is not type(second) or len(mine) != len(theirs):
            return False
        return self._dtype_fits(_dtype(first), _dtype(second)) and all(
            self._size_fits(a, b) for a, b in zip(mine, theirs, strict=True)
        )

    def _dtype_fits(self, first: Any, second: Any) -> bool:
        return first == second or (first, second) in self._dtypes

    def _size_fits(self, first: Any, second: Any) -> bool:
        if first == second:
            return True
        if not isinstance(first, int) or not isinstance(second, int):
            return (first, second) in self._pairs
        pair = first, second
        if pair in self._pairs or pair in self._explained:
            return True
        if any(_follows(first, second, p, q) for p, q in self._pairs):
            self._explained.add(pair)
            return True
        return False

    def _number_fits(self, first: Any, second: Any) -> bool:
        a, b = (x.item() if isinstance(x, np.generic) else x for x in (first, second))
        if isinstance(a, bool) or isinstance(b, bool) or type(a) is not type(b):
            return type(a) is type(b) and a == b
        if a == b or (a != a and b != b):
            return True
        if isinstance(a, int):
            return self._size_fits(a, b)
        if isinstance(a, complex) or not (math.isfinite(a) and math.isfinite(b)):
            return False
        if a * b <= 0:
            return False
        rules = (lambda x: x, lambda x: 1 / x, lambda x: x * x, lambda x: 1 / (x * x))
        for rule in rules:
            sizes = _whole(rule(abs(a))), _whole(rule(abs(b)))
            if None not in sizes and self._size_fits(*sizes):
                return True
        return False

    def same(self, first: Any, second: Any) -> bool:
        """Whether two values are equal, or differ as the arguments' shapes explain."""
        if first is second:
            return True
        if isinstance(first, _NUMBERS) and isinstance(second, _NUMBERS):
            return self._number_fits(first, second)
        if isinstance(first, np.dtype) and isinstance(second, np.dtype):
            return self._dtype_fits(first, second)
        if type(first) is not type(second) and not _both_arrays(first, second):
            return False
        if isinstance(first, jax.Array | np.ndarray):
            return self._arrays_fit(first, second)
        if isinstance(first, tuple | list):
            return len(first) == len(second) and all(map(self.same, first, second))
        if isinstance(first, Mapping):
            same_keys = first.keys() == second.keys()
            return same_keys and all(self.same(v, second[k]) for k, v in first.items())
        if isinstance(first, str | bytes | type | Set):
            return first == second
        return self._objects_fit(first, second)

    def _arrays_fit(self, first: Any, second: Any) -> bool:
        if first.ndim != second.ndim or not self._dtype_fits(first.dtype, second.dtype):
            return False
        if first.shape != second.shape:  # what it holds follows its shape
            return all(map(self._size_fits, first.shape, second.shape))
        if first.ndim == 0 and isinstance(first.dtype, np.dtype):
            return self._number_fits(np.asarray(first)[()], np.asarray(second)[()])
        return equal_arrays(first, second)

    def _objects_fit(self, first: Any, second: Any) -> bool:
        if hasattr(first, "shape") and hasattr(first, "dtype"):
            return self.same(tuple(first.shape), tuple(second.shape)) and (
                self._dtype_fits(first.dtype, second.dtype)
            )
        if isinstance(first, functools.partial):
            mine = first.func, first.args, first.keywords
            return self.same(mine, (second.func, second.args, second.keywords))
        if isinstance(first, _FUNCTIONS):
            return getattr(first, "__code__", first) == getattr(
                second, "__code__", second
            )
        if hasattr(first, "call_wrapped"):  # a function, JAX's transformations round it
            return self.same(first.f, second.f)
        if hasattr(first, "in_avals_flat"):  # a custom rule as JAX will have them
            alike = list(first.in_avals_flat) == list(second.in_avals_flat)
            forms = [
                (_ADDRESSES if alike else _NUMERALS).sub("", str(x))
                for x in (first, second)
            ]
            return forms[0] == forms[1]
        if dataclasses.is_dataclass(first):
            names = [field.name for field in dataclasses.fields(first)]
            return all(self.same(getattr(first, n), getattr(second, n)) for n in names)
        # An object that has no equality of its own is made anew by each trace.
        return type(first).__eq__ is object.__eq__ or bool(first == second)


def equal_arrays(first: Any, second: Any) -> bool:
    """Whether two arrays of one shape hold the same, NaN as well."""
    if not isinstance(first.dtype, np.dtype):
        first, second = map(jax.random.key_data, (first, second))
    a, b = np.asarray(first), np.asarray(second)
    return bool(np.all((a == b) | ((a != a) & (b != b))))


def _both_arrays(first: Any, second: Any) -> bool:
    kinds = (jax.Array, np.ndarray)
    return isinstance(first, kinds) and isinstance(second, kinds)


def _follows(a: int, b: int, p: int, q: int) -> bool:
    """Whether one rule leads from the dimensions `p` and `q` to `a` and `b`."""
    if a - p == b - q and abs(a - p) <= _OFFSET:
        return True
    if p > 0 and a % p == 0 and a // p * q == b:
        return True
    divisors = range(2, _DIVISOR + 1)
    return any((a, b) in _fractions(p, q, k) for k in divisors)


def _fractions(p: int, q: int, k: int) -> Iterator[tuple[int, int]]:
    yield p // k, q // k
    yield -(-p // k), -(-q // k)


def _product(pairs: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return math.prod(p for p, _ in pairs), math.prod(q for _, q in pairs)


def _whole(number: float) -> int | None:
    """The whole number that a rounded one stands for."""
    if not 0.5 < number < 2**53:
        return None
    whole = round(number)
    return whole if abs(number - whole) <= 2e-6 * whole else None


def _dims(type_: Any) -> list[Any]:
    sizes = getattr(type_, "symbolic_sizes", None)
    try:
        return list(sizes() or ()) if sizes else []
    except Exception:  # a type without dimensions
        return []


def _dtype(type_: Any) -> Any:
    try:
        return type_.dtype()
    except Exception:  # a type without a dtype
        return None
