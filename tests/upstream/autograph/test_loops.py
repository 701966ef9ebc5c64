"""Loops, each test under its name in AutoGraph's reference tests."""

# ruff: noqa: B007 (the programs say what they test)

from typing import Any

import jax.numpy as jnp

from tests.upstream.scripted import agrees, i32, refused

LENGTHS = [(2,), (i32(0),), (i32(2),)]
LISTS = [([1, 2],), (i32([1, 2]),)]
EMPTY = jnp.zeros(0, jnp.int32)


def while_creates(n: Any) -> Any:
    i = 0
    while i < n:
        i = n + 1
        j = i + 1
    return i, j


def for_creates(values: Any) -> Any:
    for i in values:
        pass
    return i


def count(values: Any) -> Any:
    s = 0
    for i in values:
        s = s * 10 + i
    return s


class TestLoopBasic:
    def test_while_no_vars(self) -> None:
        """A loop that only changes an object."""

        def fn(n: Any, v: list[Any]) -> Any:
            v[0] = 0
            while v[0] < n:
                v[0] += 1
            return v[0]

        agrees(fn, *[(n, [i32(5)]) for (n,) in LENGTHS])

    def test_for_no_vars(self) -> None:
        def fn(values: Any, v: list[Any]) -> Any:
            v[0] = 0
            for _ in values:
                v[0] += 1
            return v[0]

        agrees(fn, *[(x, [i32(5)]) for (x,) in LISTS])

    def test_while_one_var(self) -> None:
        def fn(n: Any) -> Any:
            i = 0
            while i < n:
                i = i * 10 + 1
            return i

        agrees(fn, *LENGTHS)

    def test_for_one_var(self) -> None:
        def fn(values: Any) -> Any:
            i = 0
            for i in values:
                pass
            return i

        agrees(fn, *LISTS)

    def test_while_two_vars(self) -> None:
        def fn(n: Any) -> Any:
            s, i = 0, 0
            while i < n:
                s = s * 10 + i
                i += 1
            return s

        agrees(fn, *LENGTHS)

    def test_for_two_vars(self) -> None:
        agrees(count, *LISTS)

    def test_for_else(self) -> None:
        """AutoGraph refuses `else`."""

        def fn(one: Any, other: Any) -> Any:
            s = 0
            for c in one:
                if c == other:
                    break
                s = s * 10 + c
            else:
                s = -1000
            return s

        agrees(fn, ([1, 2], 2), (i32([1, 2]), i32(2)), (i32([1, 2]), i32(3)))

    def test_while_else(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            s = 0
            while x > 0:
                x -= 1
                if x > y:
                    break
                s += x
            else:
                s = -100
            return s

        agrees(fn, (2, 0), (i32(2), i32(0)), (i32(2), i32(2)), (i32(0), i32(0)))

    def test_while_creates_var_legal(self) -> None:
        """What a loop that may not run creates is used by no one after it."""
        agrees(while_creates, (1,), (2,))

        def fn(n: Any) -> Any:
            i = 0
            while i < n:
                j = i + 1
                i = j + 1
            return i

        agrees(fn, (i32(0),), (i32(3),))

    def test_while_creates_var_illegal(self) -> None:
        agrees(while_creates, (0,))
        for n in (0, 2):
            refused(while_creates, i32(n), at="return i, j", says=("'j'",))

    def test_for_creates_var_legal(self) -> None:
        agrees(for_creates, ([1],), ([1, 2],), (i32([1]),), (i32([1, 2]),))

    def test_for_creates_var_illegal(self) -> None:
        agrees(for_creates, ([],), (EMPTY,))

    def test_successive_while_loops(self) -> None:
        def fn(n1: Any, n2: Any) -> Any:
            s, i = 0, 0
            while i < n1:
                s = s * 10 + i
                i += 1
            i = 0
            while i < n2:
                s = s * 10 + i
                i += 1
            return s

        agrees(fn, (2, 1), (1, i32(2)), (i32(0), i32(2)))

    def test_successive_for_loops(self) -> None:
        def fn(one: Any, other: Any) -> Any:
            s = 0
            for i in one:
                s = s * 10 + i
            for i in other:
                s = s * 10 + i
            return s

        agrees(fn, ([], [1]), (i32([1, 2]), [3]), (i32([1]), i32([1, 2])))

    def test_nested_while_loops(self) -> None:
        def fn(n1: Any, n2: Any) -> Any:
            i, total = 0, 0
            while i < n1:
                j, s = 0, 0
                while j < n2:
                    s = s * 10 + i * j
                    j += 1
                total = total * 100 + s
                i += 1
            return total

        agrees(fn, (2, 2), (3, i32(2)), (i32(3), i32(3)))

    def test_nested_for_loops_dense(self) -> None:
        def fn(m: Any) -> Any:
            rows = []
            for row in m:
                s = 0
                for j in row:
                    s = s * 10 + j
                rows.append(s)
            return rows

        agrees(fn, ([[1, 2], [3, 4]],))
        scripted = agrees(fn, (i32([[1]]),))
        assert [int(x) for x in scripted(i32([[1, 2], [3, 4]]))] == [12, 34]

    def test_nested_for_loops_mixed_list(self) -> None:
        def fn(m: Any) -> Any:
            total = 0
            for row in m:
                total = total * 100
                for j in row:
                    total = total * 10 + j
            return total

        agrees(fn, ([[], EMPTY, [1], i32([1]), [1, 2]],))


class TestLoopControlFlow:
    def test_single_for(self) -> None:
        def skips(values: Any) -> Any:
            s = 0
            for c in values:
                if c % 2 > 0:
                    continue
                s += c
            return s

        def breaks(values: Any) -> Any:
            s = 0
            for c in values:
                if c % 2 > 0:
                    break
                s += c
            return s

        def returns(values: Any) -> Any:
            s = 0
            for c in values:
                s += c
                if c % 2 > 0:
                    return s
                else:
                    return -s
            return s

        calls = [([2, 1],), (i32([1, 2, 4]),), (i32([2, 4, 3]),)]
        for fn in (skips, breaks, returns):
            agrees(fn, *calls)

    def test_single_while(self) -> None:
        def skips(x: Any) -> Any:
            s = 0
            while x > 0:
                x -= 1
                if x % 2 > 0:
                    continue
                s += x
            return s

        def breaks(n: Any) -> Any:
            s, i = 1, 0
            while i < n:
                i += 1
                if i > 10 * n:
                    break
                if i == n:
                    break
                s = s * 10 + i
            return i, s

        def returns(x: Any) -> Any:
            s = 0
            while x > 0:
                x -= 1
                s += x
                if x % 2 > 0:
                    return s
                else:
                    return -s
            return s

        for fn in (skips, breaks, returns):
            agrees(fn, (3,), (i32(0),), (i32(3),), (i32(4),))

    def test_single_loop_illegal_return(self) -> None:
        """AutoGraph refuses a return in a loop that never runs."""

        def fn(x: Any) -> Any:
            s = 0
            while x > 0:
                x -= 1
                s += x
                return s
            return s

        agrees(fn, (i32(0),), (i32(3),))

    def test_nested_for(self) -> None:
        def skips(m: Any) -> Any:
            s = 0
            for row in m:
                for c in row:
                    if c % 2 > 0:
                        continue
                    s += c
            return s

        def breaks(m: Any) -> Any:
            s = 0
            for row in m:
                for c in row:
                    if c % 2 > 0:
                        break
                    s += c
                s = s * 10
            return s

        calls = [([[2, 1], [4, 2]],), (i32([[2, 1], [4, 6]]),)]
        agrees(skips, *calls)
        agrees(breaks, *calls)
        agrees(breaks, ([i32([2, 1]), i32([4, 2])],))

    def test_nested_while(self) -> None:
        def skips(x: Any, y: Any) -> Any:
            s = 0
            while x > 0:
                x -= 1
                while y > 0:
                    y -= 1
                    if (x + y) % 2 > 0:
                        continue
                    s += x + y
            return s

        def breaks(x: Any, y: Any) -> Any:
            s = 0
            while x > 0:
                x -= 1
                while y > 0:
                    y -= 1
                    if ((x + y) % 2) == 0:
                        break
                    s += x + y
            return s, y

        calls = [(4, 3), (3, i32(4)), (i32(3), i32(4)), (i32(0), i32(2))]
        agrees(skips, *calls)
        agrees(breaks, *calls)


class TestLoopControlFlowIllegalCases:
    """Exits on traced conditions, which AutoGraph refuses in Python loops."""

    def test_tf_control_flow_in_py_for(self) -> None:
        def breaks(values: Any, limit: Any) -> Any:
            s = 0
            for c in values:
                if c > limit:
                    break
                s += c
            return s

        def returns(values: Any, limit: Any) -> Any:
            s = 0
            for c in values:
                if c > limit:
                    return s
                s += c
            return -s

        for fn in (breaks, returns):
            agrees(fn, ([1, 2], i32(1)), ([1, 2], i32(2)))

    def test_tf_control_flow_in_py_while(self) -> None:
        def breaks(x: Any, limit: Any) -> Any:
            s = 0
            while x > 0:
                x -= 1
                if x < limit:
                    break
                s += x
            return s

        def returns(x: Any, limit: Any) -> Any:
            s = 0
            while x > 0:
                x -= 1
                if x < limit:
                    return s
                s += x
            return -s

        for fn in (breaks, returns):
            agrees(fn, (2, i32(1)), (2, i32(0)))
