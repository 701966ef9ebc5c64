"""for and else of loops, each test under its name in AutoGraph's control_flow."""

# ruff: noqa: C416 (the programs say what they test)

from typing import Any

import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad.errors import ScriptError
from tests.upstream.scripted import agrees, bit, f32, i32, refused

EMPTY = jnp.zeros(0, jnp.int32)


class Empty:
    pass


class X:
    def __init__(self, x: Any) -> None:
        self.x = x


class TestNestedControlFlowConverted:
    def test_basic(self) -> None:
        def fn(n: Any) -> Any:
            i, j, s = 0, 0, 0
            while i < n:
                while j < i:
                    j += 3
                u = i + j
                s += u
                i += 1
                j = 0
            return s, i, j, n

        agrees(fn, (5,), (i32(5),))

    def test_mixed_globals_nonglobals(self) -> None:
        def fn(n: Any) -> Any:
            global total
            total = 0
            while n > 0:
                total += n
                n -= 1
            return n

        refused(fn, i32(5), at="total = 0", says=("total",))

    def test_composite_state_complex(self) -> None:
        def fn(n: Any) -> Any:
            tc = X(X({"z": X(n)}))
            if n > 0:
                while n > 0:
                    if n < 2:
                        tc.x.x["z"].x += 1
                    n -= 1
            return n, tc

        agrees(fn, (5,), (i32(5),), (i32(0),))


class TestForStatement:
    def test_basic(self) -> None:
        def fn(values: Any) -> Any:
            one, two = 0, 0
            for e in values:
                one += e
                two += e * e
            return one, two

        agrees(fn, ([1, 3],), (i32([1, 3]),), (EMPTY,))

    def test_single_output(self) -> None:
        def fn(values: Any) -> Any:
            s = 0
            for e in values:
                s += e
            return s

        agrees(fn, (i32([1, 3, 5, 7, 9]),), (EMPTY,), (f32([0.5, 1]),))

    def test_iterated_expression(self) -> None:
        """What is iterated is evaluated once."""

        def fn(n: Any, seen: list[Any]) -> Any:
            def counted(x: Any) -> Any:
                seen[0] += 1
                return x

            s = 0
            for e in counted(range(n)):
                s += e
            return s

        agrees(fn, (3, [0]), (i32(5), [i32(0)]))

    def test_composite_state_initialized_in_loop(self) -> None:
        def fn(n: Any, x: Any) -> Any:
            tc = Empty()
            for i in n:
                if i == 0:
                    tc.x = x
                else:
                    tc.x = tc.x + i
            return tc.x

        agrees(fn, (range(3), i32(10)))
        with pytest.raises((ScriptError, AttributeError), match="x"):
            jaxgrad.script(fn)(jnp.arange(9), 0)

    def test_tuple_unpacking(self) -> None:
        def fn(values: Any) -> Any:
            z = jnp.int32(0)
            for i, x in enumerate(values):
                z = z + x * i
            return z

        agrees(fn, ([3, 3],), (i32([3, 4, 5, 6, 7]),))

    def test_with_comprehension_in_body(self) -> None:
        def fn(values: Any, n: Any) -> Any:
            s = jnp.int32([x for x in range(n)])
            for _ in values:
                s += jnp.int32([a for a in range(n)])
            return s

        agrees(fn, (i32([1, 2, 3]), 5), (jnp.arange(9), 2))


class TestAdvancedControlFlow:
    def test_while_with_else(self) -> None:
        def fn(x: Any) -> Any:
            while x > 2:
                x = x / 2
            else:
                x = x + 1
            return x

        agrees(fn, (4.0,), (f32(8),), (f32(2),))

    def test_while_with_else_and_break(self) -> None:
        def fn(x: Any, c: Any) -> Any:
            while x > 2:
                x = x / 2
                if c:
                    break
            else:
                x = x + 1
            return x

        agrees(fn, (8.0, True), (f32(8), False), (f32(8), bit(True)))
        agrees(fn, (f32(8), bit(False)))

    def test_for_with_else(self) -> None:
        def fn(values: Any) -> Any:
            s = 0
            for x in values:
                s += x
            else:
                s += 1
            return s

        agrees(fn, ([],), ([1, 2],), (i32([1, 2, 3, 4, 5]),), (EMPTY,))

    def test_for_with_else_and_break(self) -> None:
        def fn(values: Any, c: Any) -> Any:
            s = 0
            for x in values:
                s += x
                if c:
                    break
            else:
                s += 1
            return s

        agrees(fn, ([1, 2], True), ([1, 2], bit(False)), (i32([3, 4]), bit(True)))
        agrees(fn, (jnp.arange(9), bit(False)), (jnp.arange(1, 9), bit(True)))
