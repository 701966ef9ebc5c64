"""Control flow, each test under its name in AutoGraph's tests of its converter."""

# ruff: noqa: E731, F841, SIM102, SIM108
# (the programs say what they test)

from typing import Any, NamedTuple

import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad.errors import ScriptError
from tests.upstream.scripted import agrees, bit, i32, refused


class X:
    def __init__(self, x: Any) -> None:
        self.x = x


class Empty:
    pass


class Two:
    def __init__(self) -> None:
        self.b = 2
        self.c = 3


def absent(name: str, fn: Any, *args: Any) -> None:
    """Assert that script misses a part that only a traced loop makes."""
    with pytest.raises((ScriptError, AttributeError, KeyError), match=name):
        jaxgrad.script(fn)(*args)


class TestWhileStatement:
    def test_basic(self) -> None:
        def fn(n: Any) -> Any:
            i, s = 0, 0
            while i < n:
                s += i
                i += 1
            return s, i, n

        agrees(fn, (5,), (i32(5),))

    def test_single_output(self) -> None:
        def fn(n: Any) -> Any:
            while n > 0:
                n -= 1
            return n

        agrees(fn, (5,), (i32(5),))

    def test_composite_state_attr(self) -> None:
        def fn(n: Any, x: Any) -> Any:
            tc = X(x)
            while n > 0:
                tc.x += 1
                n -= 1
            return n, tc.x

        agrees(fn, (i32(5), 3), (i32(5), i32(3)))

    def test_composite_state_slice(self) -> None:
        def fn(n: Any) -> Any:
            d = {"a": n}
            k = "a"
            while n > 0:
                d[k] += 1
                n -= 1
            return d[k], n

        agrees(fn, (5,), (i32(5),))

    def test_composite_state_literal_slice(self) -> None:
        def fn(n: Any) -> Any:
            d = {"a": n}
            while n > 0:
                d["a"] += 1
                n -= 1
            return d["a"], n

        agrees(fn, (i32(5),))

    def test_composite_state_attr_initialized_in_loop(self) -> None:
        def fn(n: Any, x: Any) -> Any:
            tc = Empty()
            while n < 5:
                if n == 0:
                    tc.part = x
                else:
                    tc.part = tc.part + 1
                n += 1
            return tc.part

        agrees(fn, (0, i32(10)))
        absent("part", fn, i32(0), 0)

    def test_composite_state_slice_initialized_in_loop(self) -> None:
        def fn(n: Any, x: Any) -> Any:
            d = {}
            k = "key"
            while n < 5:
                if n == 0:
                    d[k] = x
                else:
                    d[k] = d[k] + 1
                n += 1
            return d

        agrees(fn, (0, i32(10)))
        absent("key", fn, i32(0), 0)

    def test_composite_state_literal_slice_initialized_in_loop(self) -> None:
        def fn(n: Any, x: Any) -> Any:
            d = {}
            while n < 5:
                if n == 0:
                    d["key"] = x
                else:
                    d["key"] = d["key"] + 1
                n += 1
            return d

        agrees(fn, (0, i32(10)))
        absent("key", fn, i32(0), 0)

    def test_composite_state_slice_aliased_to_local(self) -> None:
        def fn(n: Any, x: Any) -> Any:
            d = {}
            while n < 5:
                k = "key"
                d[k] = x + 1
                n += 1
            return d

        agrees(fn, (0, i32(10)))
        refused(fn, i32(0), 0, at="while n < 5:", says=("key",))

    def test_local_composite_attr(self) -> None:
        def fn(n: Any) -> Any:
            while n > 0:
                tc = X(3)
                tc.x = tc.x + n
                n -= tc.x
            return n

        agrees(fn, (5,), (i32(5),))

    def test_local_composite_slice(self) -> None:
        def fn(n: Any) -> Any:
            while n > 0:
                d = {"x": n}
                k = "x"
                d[k] = d[k] - 1
                n = d[k]
            return n

        agrees(fn, (5,), (i32(5),))

    def test_local_composite_literal_slice(self) -> None:
        def fn(n: Any) -> Any:
            while n > 0:
                d = {"x": n}
                d["x"] = d["x"] - 2
                n = d["x"]
            return n

        agrees(fn, (5,), (i32(5),))

    def test_non_tensor_state(self) -> None:
        class Held(NamedTuple):
            x: Any

        def fn(n: Any) -> Any:
            tc = Held([jnp.int32(0)])
            while n > 0:
                tc = Held([jnp.int32(3)])
                tc.x[0] = tc.x[0] + 1
                n -= 1
            return tc.x[0]

        agrees(fn, (5,), (i32(5),), (i32(0),))

    def test_non_tensor_state_illegal_type(self) -> None:
        """An object that a loop makes may not exist after it."""

        def fn(n: Any) -> Any:
            while n > 0:
                tc = X([jnp.int32(3)])
                tc.x[0] = tc.x[0] + 1
                n -= 1
            return tc.x[0]

        agrees(fn, (5,))
        refused(fn, i32(5), at="return tc.x[0]", says=("'tc'",))

    def test_dispatches_by_cond_only(self) -> None:
        class Odd:
            def __init__(self, value: Any) -> None:
                self.value = value

            def __add__(self, other: Any) -> Any:
                return Odd(self.value + other)

        def fn(n: Any, s: Any) -> Any:
            while n > 0:
                n -= 1
                s += n
            return s

        agrees(fn, (5, i32(0)), (i32(5), 0), (5, Odd(0)))


class TestIfStatement:
    def test_basic(self) -> None:
        def fn(n: Any) -> Any:
            a, b = 0, 0
            if n > 0:
                a = -n
            else:
                b = 2 * n
            return a, b

        agrees(fn, (1,), (i32(1),), (i32(-1),))

    def test_complex_outputs(self) -> None:
        def fn(n: Any, obj: Any) -> Any:
            obj.b = 0
            obj.c = 0
            if n > 0:
                obj.b = -n
            else:
                obj.c = 2 * n
            return obj

        agrees(fn, (1, Two()), (i32(1), Two()), (i32(-1), Two()))

    def test_single_output(self) -> None:
        def fn(n: Any) -> Any:
            if n > 0:
                n = -n
            return n

        agrees(fn, (i32(1),), (i32(-1),))

    def test_unbalanced(self) -> None:
        def fn(n: Any) -> Any:
            if n > 0:
                n = 3
            return n

        agrees(fn, (2,), (i32(2),), (i32(-3),))

    def test_unbalanced_raising(self) -> None:
        def fn(n: Any) -> Any:
            if n > 0:
                n = n + 1
                raise ValueError("too large")
            return n

        agrees(fn, (-3,), (1,), (i32(-3),), (i32(1),))

    def test_local_var(self) -> None:
        def fn(n: Any) -> Any:
            if n > 0:
                b = 4
                n = b + 1
            return n

        agrees(fn, (1,), (i32(1),), (i32(-1),))

    def test_local_remains_local(self) -> None:
        def fn(n: Any) -> Any:
            b = 7
            inner = lambda b: b + 1
            if n > 0:
                n = inner(n)
            return n, b

        agrees(fn, (i32(1),), (i32(-1),))

    def test_global_local(self) -> None:
        def fn(n: Any) -> Any:
            if n > 0:
                global held
                held = 1
            return n

        refused(fn, 1, at="held =", says=("held",))

    def test_no_outputs(self) -> None:
        def fn(n: Any) -> Any:
            if n > 0:
                b = 4
            return n

        agrees(fn, (1,), (i32(1),), (i32(-1),))

    def test_created_outputs(self) -> None:
        def fn(i: Any) -> Any:
            if i == 0:
                result = i - 1
            else:
                result = i + 1
            return result

        agrees(fn, (0,), (i32(0),), (i32(1),))

    def test_created_loop_local_outputs(self) -> None:
        def fn(n: Any, x: Any) -> Any:
            for i in n:
                if i == 0:
                    result = i - 1
                else:
                    result = i + 1
                if result > 0:
                    x += 1
            return x

        agrees(fn, (range(5), 10), (i32([0, 3, 0, 2, 0]), 10))

    def test_created_loop_variable(self) -> None:
        """What an earlier iteration made, where Python runs the loop."""

        def fn(n: Any, x: Any) -> Any:
            for i in n:
                if i == 0:
                    result = i - 1
                if i > 0:
                    if result < 0:
                        x += 1
            return x

        agrees(fn, ([0, 1, 2], 10), ([0, 1, 2], i32(10)))

    def test_unaffected_global(self) -> None:
        def fn(i: Any) -> Any:
            global held
            if i == 0:
                held = i - 1
            return held

        refused(fn, i32(1), at="held =", says=("held",))

    def test_unaffected_nonlocal(self) -> None:
        def fn(i: Any) -> Any:
            n = 3

            def inner() -> None:
                nonlocal n
                if i == 0:
                    n = i - 1

            inner()
            return n

        refused(fn, i32(1), at="n = i - 1", says=("n",))

    def test_output_defined_in_prior_except(self) -> None:
        def fn(i: Any) -> Any:
            try:
                raise ValueError
            except ValueError:
                x = 1
            return x

        refused(fn, 0, at="try:", says=("try",))

    def test_unbalanced_multiple_composites(self) -> None:
        def fn(x: Any, c: Any) -> Any:
            z = 5
            if c:
                x.b = 7
                x.c = 11
                z = 13
            return x.b, x.c, z

        agrees(fn, (Two(), True), (Two(), bit(True)), (Two(), bit(False)))

    def test_unbalanced_composite(self) -> None:
        def fn(x: Any, c: Any) -> Any:
            if c:
                x.b = 7
            return x.b

        agrees(fn, (Two(), bit(True)), (Two(), bit(False)))
