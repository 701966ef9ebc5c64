"""Conditions, each test under its name in AutoGraph's reference tests."""

# ruff: noqa: SIM102, SIM108 (the programs say what they test)

from typing import Any

import jax.numpy as jnp
import pytest

import jaxgrad
from tests.upstream.scripted import agrees, bit, i32, refused

BOTH = [(True,), (bit(True),), (bit(False),)]
NUMBERS = [(1,), (i32(0),), (i32(1),)]


def if_creates(c: Any) -> Any:
    if c:
        i = 1
    return i


def else_creates(c: Any) -> Any:
    if c:
        pass
    else:
        i = 2
    return i


def if_destroys(c: Any) -> Any:
    i = 1
    if c:
        del i
    return i


def else_destroys(c: Any) -> Any:
    i = 2
    if c:
        pass
    else:
        del i
    return i


def both_create(c: Any) -> Any:
    if c:
        i = 1
    else:
        i = 2
    return i


def both_destroy(c: Any) -> Any:
    i = 1
    if c:
        del i
    else:
        del i
    return i


def if_none(c: Any) -> Any:
    i, j = 0, 1
    if c:
        i = None
        j = 2
    return i, j


def both_none(c: Any) -> Any:
    if c:
        i, j = None, 1
    else:
        i, j = None, 2
    return i, j


def sometimes_one(c1: Any, c2: Any) -> Any:
    if c1:
        if c2:
            return 1
    return 2


class TestCondBasic:
    def test_no_vars(self) -> None:
        """A condition whose branches only change an object."""

        def fn(c: Any, v: list[Any]) -> Any:
            v[0] = 0
            if c:
                v[0] += 1
            return v[0]

        def with_else(c: Any, v: list[Any]) -> Any:
            v[0] = 0
            if c:
                v[0] += 1
            else:
                v[0] += 2
            return v[0]

        for program in (fn, with_else):
            agrees(program, *[(c, [i32(7)]) for (c,) in BOTH])

    def test_several_vars(self) -> None:
        def one(n: Any) -> Any:
            i = 0
            if i < n:
                i += 1
            return i

        def two(n: Any) -> Any:
            i, j = 0, 1
            if i < n:
                i += 1
                j *= 10
            else:
                i += 2
                j *= 20
            return i, j

        agrees(one, *NUMBERS)
        agrees(two, *NUMBERS)

    def test_var_lifetime_imbalanced_legal(self) -> None:
        agrees(if_creates, (True,))
        agrees(else_creates, (False,))
        agrees(if_destroys, (False,))
        agrees(else_destroys, (True,))

    def test_if_else_var_lifetime(self) -> None:
        agrees(both_create, *BOTH)
        agrees(both_destroy, (True,), (False,))
        refused(both_destroy, bit(True), at="return i", says=("i",))

    def test_creates_var_imbalanced_illegal(self) -> None:
        agrees(if_creates, (False,))
        agrees(else_creates, (True,))
        for c in (bit(True), bit(False)):
            refused(if_creates, c, at="return i", says=("'i'",))
            refused(else_creates, c, at="return i", says=("'i'",))

    def test_returns_none_legal(self) -> None:
        agrees(if_none, (True,), (False,))
        agrees(both_none, (True,), (False,), (bit(True),), (bit(False),))

    def test_returns_none_illegal(self) -> None:
        error = refused(if_none, bit(True), at="i = None", says=("'i'", "None"))
        assert error.lineno is not None

    def test_local_vars(self) -> None:
        def local(c: Any) -> Any:
            i, j = 0, 2
            if c:
                j = j + 1
                k = 1
                i = j + k
            return i

        def in_both(c: Any) -> Any:
            i = 0
            if c:
                j = 1
            else:
                j = 2
                i = j + 1
            return i

        agrees(local, *BOTH)
        agrees(in_both, *BOTH)

    def test_nested_if_temporarily_undefined_return_legal(self) -> None:
        agrees(sometimes_one, (True, True), (True, False), (False, False))

    def test_nested_if_temporarily_undefined_return_illegal(self) -> None:
        """AutoGraph refuses it; here the return is joined."""
        agrees(
            sometimes_one,
            (bit(True), bit(True)),
            (bit(True), bit(False)),
            (bit(False), True),
        )

    def test_composition(self) -> None:
        def successive(n1: Any, n2: Any) -> Any:
            s, i = 0, 0
            if i < n1:
                s = s * 10 + i
                i += 1
            else:
                s = s * 11 + i
                i += 2
            if i < n2:
                s = s * 10 + i
            return s

        def nested(n1: Any, n2: Any) -> Any:
            i, total = 0, 0
            if i < n1:
                j, s = 0, 3
                if j < n2:
                    s = s * 10 + j
                    j += 1
                else:
                    s = s * 11
                total = total * 1000 + s + j
                i += 1
            return total

        calls = [(a, b) for (a,) in NUMBERS[1:] for (b,) in NUMBERS[1:]]
        agrees(successive, *calls)
        agrees(nested, *calls)


class TestBasicIfexp:
    def test_basic(self) -> None:
        def consecutive(x: Any) -> Any:
            if x > 0:
                x = -x if x < 5 else x
            else:
                x = -2 * x if x < 5 else 1
            return (3 * x) if x < 5 else x

        def several(x: Any) -> Any:
            y = 2 * x if x > 1 else x
            z = -y if y < 5 else y
            return x, y, z

        calls = [(-1,), (5,), (i32(-1),), (i32(1),), (i32(5),)]
        agrees(consecutive, *calls)
        agrees(several, *calls)


class TestLogicalExpression:
    def test_basic(self) -> None:
        def ors(x: Any, y: Any, z: Any) -> Any:
            return x or y or z

        def ands(x: Any, y: Any, z: Any) -> Any:
            return x and y and z

        def called(x: Any, y: Any, z: Any) -> Any:
            last = lambda: z  # noqa: E731
            return x or y or last()

        def mixed(x: Any, y: Any, z: Any) -> Any:
            return x or y or (z and y and z)

        calls = [(False, True, False), (False, False, True), (True, True, True)]
        for fn in (ors, ands, called, mixed):
            agrees(fn, *calls)

    def test_basic_tensor(self) -> None:
        def logic(x: Any, y: Any, z: Any) -> Any:
            return x or y or z, x and y and z, x or (z and not y)

        def comparison(x: Any, y: Any, z: Any) -> Any:
            return x < y and y < z, x < y < z

        agrees(
            logic,
            (bit(False), bit(True), bit(False)),
            (bit(True), bit(True), bit(True)),
            (bit(False), bit(False), bit(True)),
        )
        agrees(comparison, (i32(1), i32(2), i32(3)), (i32(2), i32(1), i32(3)))

    def test_equality(self) -> None:
        def fn(x: Any, y: Any, z: Any) -> Any:
            return x == y, x != y, x == y == z

        agrees(fn, (1, 1, 1), (1, 1, 2), (1, 2, 2))

    def test_equality_tensor(self) -> None:
        def fn(x: Any, y: Any, z: Any) -> Any:
            return x == y, x != y, x == y == z

        agrees(fn, (i32(1), i32(1), i32(1)), (i32(1), i32(1), i32(2)))


class TestLogicalOperators:
    def test_and_python(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            return x and y

        agrees(fn, (True, [1]), ([], True), (False, "never"), (0, 1), (3, 4))

    def test_and_tf(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            return x and y

        agrees(fn, (bit(True), bit(True)), (bit(False), bit(True)), (True, bit(False)))

    def test_or_python(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            return x or y

        agrees(fn, (False, [1]), ([], False), (True, "never"), (0, 1), (3, 4))

    def test_or_tf(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            return x or y

        agrees(fn, (bit(True), bit(False)), (bit(False), bit(False)))
        agrees(fn, (False, bit(True)))

    def test_not_python(self) -> None:
        def fn(x: Any) -> Any:
            return not x

        agrees(fn, (True,), ([1],), ([],), ("",), (None,))

    def test_not_tf(self) -> None:
        def fn(x: Any) -> Any:
            if not x:
                return 1
            return 2

        agrees(fn, (bit(True),), (bit(False),))


class TestConditionalExpressions:
    def test_tensor(self) -> None:
        def fn(c: Any) -> Any:
            return jnp.int32(1) if c else jnp.int32(2)

        agrees(fn, (bit(True),), (bit(False),))

    def test_tensor_mismatched_type(self) -> None:
        def fn(c: Any, x: Any, y: Any) -> Any:
            return x if c else y

        refused(fn, bit(True), i32(1), jnp.float32(2), at="return x if c else y")
        refused(fn, bit(True), i32([1]), i32([1, 2]), at="return x if c else y")

    def test_python(self) -> None:
        def fn(c: Any) -> Any:
            return 1 if c else "two"

        agrees(fn, (True,), (False,))


class TestAssertion:
    def test_basic(self) -> None:
        def simple(x: Any) -> Any:
            assert x > 0
            return x

        agrees(simple, (1,), (0,), (i32(1),), (i32(0),))
        assert jaxgrad.script(simple, errors="ignore")(i32(-1)) == -1
        error, _ = jaxgrad.script(simple, errors="return")(i32(-2))
        assert bool(error)
        with pytest.raises(AssertionError):
            error.throw()
