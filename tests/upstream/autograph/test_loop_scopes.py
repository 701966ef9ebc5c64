"""Variables round loops, each test under its name in AutoGraph's reference tests."""

# ruff: noqa: B007, B023, E731 (the programs say what they test)

from typing import Any

import jax.numpy as jnp

from tests.upstream.scripted import agrees, i32, refused

EMPTY = jnp.zeros(0, jnp.int32)
LISTS = [([1, 2],), (EMPTY,), (i32([1, 2]),)]


def creates(n: Any) -> Any:
    i = 0
    while i < n:
        v = jnp.zeros((1, 2))
        i += 1
    return v


def creates_nested(n: Any) -> Any:
    i = 0
    while i < n:
        v = {"a": jnp.zeros((1, 2)), "b": i}
        i += 1
    return v["a"], v["b"]


class TestLoopCreatedVariables:
    def test_while_creates_var_illegal_tf(self) -> None:
        refused(creates, i32(0), at="return v", says=("'v'",))
        refused(creates_nested, i32(0), at='return v["a"]', says=("'v'",))

    def test_while_creates_var_illegal_py(self) -> None:
        agrees(creates, (0,))
        agrees(creates_nested, (0,))

    def test_while_creates_var(self) -> None:
        agrees(creates, (1,), (2,))
        agrees(creates_nested, (1,), (2,))


def local(values: Any) -> Any:
    s = 0
    for i in values:
        x = i + 2
        s = s * 10 + x
    return s


def for_initializes(values: Any) -> Any:
    s = 0
    for i in values:
        if i == values[0]:
            x = 0
        else:
            x += 1
        s = s * 10 + x
    return s


def while_initializes(n: Any) -> Any:
    s = 0
    first = True
    while n > 0:
        if first:
            y = 0
            first = False
        else:
            y += 1
        s = s * 10 + y
        n -= 1
    return s


def for_defines(values: Any) -> Any:
    for i in values:
        x = i + 2
    return x


def while_defines(n: Any) -> Any:
    while n > 0:
        y = n + 2
        n -= 1
    return y


def defines_iterate(n: Any, fn: Any) -> Any:
    s = 0
    for i in fn(n):
        s = s * 10 + i
    return i, s


def reuses_iterate(values: Any) -> Any:
    i, s = 7, 0
    for i in values:
        s = s * 10 + i
    return i, s


def alters_iterate(values: Any) -> Any:
    i, s = 7, 0
    for i in values:
        i = 3 * i + 1
        s = s * 10 + i
    return i, s


def over_range(fn: Any) -> Any:
    def program(n: Any) -> Any:
        return fn(range(n))

    return program


class TestLoopScoping:
    def test_for_with_local_var(self) -> None:
        agrees(local, *LISTS)

    def test_for_with_local_var_range(self) -> None:
        agrees(over_range(local), (0,), (2,), (6,))

        def traced(n: Any) -> Any:
            s = 0
            for i in range(n):
                x = i + 2
                s = s * 10 + x
            return s

        agrees(traced, (i32(0),), (i32(3),))

    def test_while_with_local_var(self) -> None:
        def fn(x: Any) -> Any:
            s = 0
            while x > 0:
                y = x + 2
                s = s * 10 + y
                x -= 1
            return s

        agrees(fn, (0,), (2,), (i32(0),), (i32(2),))

    def test_for_initializes_local_var_legal_cases(self) -> None:
        agrees(for_initializes, ([],), ([1],), ([1, 2],))

    def test_for_initializes_local_var_illegal_cases(self) -> None:
        """`x` comes from an earlier iteration, if at all."""
        refused(for_initializes, i32([1, 2, 3, 4, 5, 6]), at="x += 1", says=("x",))

    def test_while_initializes_local_var_legal_cases(self) -> None:
        agrees(while_initializes, (0,), (1,), (2,))

    def test_while_initializes_local_var_illegal_cases(self) -> None:
        refused(while_initializes, i32(2), at="y += 1", says=("y",))

    def test_for_defines_var_legal_cases(self) -> None:
        agrees(for_defines, ([1],), ([1, 2],), (i32([1]),), (i32([1, 2]),))

    def test_for_defines_var_illegal_cases(self) -> None:
        agrees(for_defines, ([],), (EMPTY,))

    def test_while_defines_var_legal_cases(self) -> None:
        agrees(while_defines, (1,), (2,))

    def test_while_defines_var_illegal_cases(self) -> None:
        agrees(while_defines, (0,))
        refused(while_defines, i32(1), at="return y", says=("'y'",))

    def test_for_defines_iterate_legal_cases(self) -> None:
        agrees(defines_iterate, (1, range), (2, range), (2, jnp.arange))

    def test_for_defines_iterate_range(self) -> None:
        agrees(defines_iterate, (0, range))

    def test_for_defines_iterate_tf_range(self) -> None:
        agrees(defines_iterate, (0, jnp.arange))

        def traced(n: Any) -> Any:
            for i in range(n):
                pass
            return i

        refused(traced, i32(2), at="return i", says=("'i'",))

    def test_for_reuses_iterate(self) -> None:
        agrees(reuses_iterate, *LISTS)

    def test_for_reuses_iterate_range(self) -> None:
        agrees(over_range(reuses_iterate), (0,), (2,))

        def traced(n: Any) -> Any:
            i, s = 7, 0
            for i in range(n):
                s = s * 10 + i
            return i, s

        agrees(traced, (i32(0),), (i32(3),))

    def test_for_alters_iterate(self) -> None:
        agrees(alters_iterate, *LISTS)

    def test_for_alters_iterate_range(self) -> None:
        agrees(over_range(alters_iterate), (0,), (2,))

        def traced(n: Any) -> Any:
            i, s = 7, 0
            for i in range(n):
                i = 3 * i + 1
                s = s * 10 + i
            return i, s

        agrees(traced, (i32(0),), (i32(3),))

    def test_for_with_lambda_iter(self) -> None:
        """A lambda sees the variable as it is when it is called."""

        def fn(values: Any) -> Any:
            fns, results = [], []
            for i in values:
                fns.append(lambda: i)
            for f in fns:
                results.append(f())
            return results

        agrees(fn, ([],), ([1, 2],), ([(1, 2), (3, 4)],), ([i32(1), i32(2)],))

    def test_for_with_lambda_object(self) -> None:
        class Adds:
            def bar(self, n: Any) -> Any:
                return n + 1

        def fn(x: Any) -> Any:
            fns, results = [], []
            for i in range(3):
                foo = Adds()
                fns.append(lambda i=i: foo.bar(i + x))
            for f in fns:
                results.append(f())
            return results

        agrees(fn, (1,), (i32(1),))

    def test_for_with_lambda_iter_local_var(self) -> None:
        def fn(values: Any) -> Any:
            fns, results = [], []
            for i in values:
                fns.append(lambda i=i: i)
            for f in fns:
                results.append(f())
            return results

        agrees(fn, ([],), ([1, 2],), ([(1, 2), (3, 4)],), ([i32(1), i32(2)],))


def doubled(x: Any) -> Any:
    return x * 2


class Methods:
    def method(self, x: Any) -> Any:
        return x * 4


FNS = [lambda x: x * 1, Methods().method, abs]
CALLS = [([1, 2],), (i32([1, 2]),)]


class TestLoopWithFunctionCall:
    def test_while_with_call_in_cond(self) -> None:
        def fn(n: Any, called: Any) -> Any:
            i, s = 0, 0
            while i < called(n):
                s = s * 10 + i
                i += 1
            return s

        agrees(fn, (1, doubled), *[(i32(2), called) for called in FNS])

    def test_for_with_call_in_target(self) -> None:
        def fn(values: Any, called: Any) -> Any:
            s = 0
            for i in called(values):
                s = s * 10 + i
            return s

        agrees(fn, ([1, 2], doubled), *[(i32([1, 2]), called) for called in FNS])

    def test_for_with_range_call_in_target(self) -> None:
        def fn(n: Any, called: Any) -> Any:
            s = 0
            for i in called(n):
                s = s * 10 + i
            return s

        agrees(fn, (2, range), (2, jnp.arange), (i32(2), range), (i32(0), range))

    def test_while_with_call(self) -> None:
        def fn(n: Any, called: Any) -> Any:
            i, s = 0, 0
            while i < n:
                s = s * 10 + called(i)
                i += 1
            return s

        agrees(fn, (2, doubled), *[(i32(2), called) for called in FNS])

    def test_for_with_call(self) -> None:
        def fn(values: Any, called: Any) -> Any:
            s = 0
            for i in values:
                s = s * 10 + called(i)
            return s

        agrees(fn, ([1, 2], abs), *[(i32([1, 2]), called) for called in FNS])

    def test_while_with_local_call(self) -> None:
        def fn(n: Any) -> Any:
            def tripled(x: Any) -> Any:
                return x * 3

            i, s = 0, 0
            while i < tripled(n):
                s = s * 10 + tripled(i)
                i += 1
            return s

        agrees(fn, (1,), (i32(1),))

    def test_for_with_local_call(self) -> None:
        def fn(values: Any) -> Any:
            def tripled(x: Any) -> Any:
                return x * 3

            s = 0
            for i in values:
                s = s * 10 + tripled(i)
            return s

        agrees(fn, *CALLS)

    def test_while_with_closure_call(self) -> None:
        def fn(n: Any) -> Any:
            i = 0

            def through() -> Any:
                return i + 2

            i, s = 0, 0
            while i < n:
                s = s * 10 + through()
                i += 1
            return s

        agrees(fn, (2,), (i32(2),))

    def test_for_with_closure_call(self) -> None:
        def fn(values: Any) -> Any:
            i = 0

            def through() -> Any:
                return i + 2

            s = 0
            for i in values:
                s = s * 10 + through()
            return s, i

        agrees(fn, *CALLS)

    def test_while_with_lambda_closure_call(self) -> None:
        def fn(n: Any) -> Any:
            i, s = 0, 0
            through = lambda: i + 2
            while i < n:
                s = s * 10 + through()
                i += 1
            return s

        agrees(fn, (2,), (i32(2),))

    def test_for_with_lambda_closure_call(self) -> None:
        def fn(values: Any) -> Any:
            i, s = 0, 0
            through = lambda: i + 2
            for i in values:
                s = s * 10 + through()
            return s, i

        agrees(fn, *CALLS)
