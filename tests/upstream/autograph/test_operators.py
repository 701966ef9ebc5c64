"""What loops and conditions carry, under the names of AutoGraph's operators."""

# ruff: noqa: B007, F841, SIM108 (the programs say what they test)

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from tests.upstream.scripted import agrees, bit, f32, i32, refused


class Held(NamedTuple):
    var: Any


class State:
    def __init__(self, first: Any, second: Any) -> None:
        self.first = first
        self.second = second


def digits(values: Any) -> Any:
    s = 0
    for i in values:
        s = s * 10 + i
    return s


def ranged(start: Any, stop: Any, step: Any) -> Any:
    s = 0
    for i in range(start, stop, step):
        s = s * 100 + i
    return s


def primitives(scripted: Any, *args: Any) -> set[str]:
    """The names of all primitives that a call becomes."""
    text = str(jax.make_jaxpr(scripted)(*args))
    return {name for name in ("while", "scan", "cond") if f"{name}[" in text}


class TestForLoopOperator:
    def test_tensor(self) -> None:
        scripted = agrees(digits, (i32([1, 2, 3, 4, 5]),))
        assert primitives(scripted, i32([1, 2, 3, 4, 5])) == {"scan"}

    def test_range_tensor(self) -> None:
        def fn(n: Any) -> Any:
            s = 0
            for i in range(n):
                s = s * 10 + i
            return s

        scripted = agrees(fn, (i32(5),))
        assert primitives(scripted, i32(5)) == {"while"}

    def test_range_tensor_explicit_limit_delta(self) -> None:
        agrees(ranged, (-17, -3, 5), (i32(-17), i32(-3), 5))

    def test_range_tensor_explicit_limit_negative_delta(self) -> None:
        agrees(ranged, (17, 3, -5), (17, i32(3), -5))

    def test_range_tensor_random_delta(self) -> None:
        agrees(ranged, (0, 5, i32(1)), (i32(0), i32(5), i32(2)))

    def test_range_tensor_random_negative_delta(self) -> None:
        agrees(ranged, (17, 3, i32(-5)), (i32(5), 5, i32(-1)))

    def test_tensor_with_extra_test_object_vars(self) -> None:
        def fn(values: Any, state: Any) -> Any:
            for i in values:
                if state.first >= 6:
                    break
                state.first += i
                state.second *= i
            return state

        agrees(fn, (i32([1, 2, 3, 4, 5, 6]), State(0, 1)))
        agrees(fn, (i32([1, 2, 3, 4, 5, 6]), State(i32(0), i32(1))))

    def test_python(self) -> None:
        scripted = agrees(digits, ([0, 1, 2],), (range(3),))
        assert primitives(scripted, [0, 1, 2]) == set()

    def _loop(self, s: Any, after: Any, *says: str) -> None:
        def fn(n: Any, s: Any) -> Any:
            for i in range(n):
                s = after
            return s

        refused(fn, i32(5), s, at="s = after", says=says)

    def test_tensor_illegal_input(self) -> None:
        self._loop(None, i32(1), "'s'", "None")

        def undefined(values: Any) -> Any:
            for i in values:
                s = s + i  # noqa: F821
            return s

        refused(undefined, jnp.arange(9), at="s = s + i", says=("'s'",))

    def test_tensor_none_output(self) -> None:
        self._loop(i32(0), None, "'s'", "None")

    def test_tensor_dtype_change(self) -> None:
        self._loop(i32(0), f32(1), "'s'", "i32", "f32")

    def test_tensor_shape_change(self) -> None:
        self._loop(i32(0), i32([1]), "'s'", "i32[1]")


class TestWhileLoopOperator:
    def test_tensor(self) -> None:
        def fn(n: Any) -> Any:
            i, s = 0, 0
            while i < n:
                s = s * 10 + i
                i += 1
            return i, s

        scripted = agrees(fn, (i32(5),))
        assert primitives(scripted, i32(5)) == {"while"}

    def test_tensor_creating_variable(self) -> None:
        def fn(s: Any) -> Any:
            while s == 0:
                i = jnp.int32(2)
                s = i**5
            return s

        agrees(fn, (i32(0),), (i32(3),))

    def test_tensor_creating_complex_variable(self) -> None:
        def fn(s: Any) -> Any:
            while s == 0:
                i = {"a": jnp.int32(2), "b": {"c": jnp.int32(1)}}
                s = i["a"] ** 5 + i["b"]["c"]
            return s

        agrees(fn, (i32(0),), (i32(3),))

    def test_tensor_with_side_effecting_condition(self) -> None:
        def fn(n: Any, seen: list[Any]) -> Any:
            def below(i: Any) -> Any:
                seen[0] = seen[0] * 10 + i
                return i < n

            i = 0
            while below(i):
                i += 1
            return i

        agrees(fn, (3, [0]), (i32(5), [i32(0)]))

    def test_tensor_failing_to_stage_loop_body(self) -> None:
        """A raise in the body is the user's, and happens when the body runs."""

        def fn(s: Any) -> Any:
            while s == 0:
                s = s + 1
                raise ValueError("testing")
            return s

        agrees(fn, (i32(3),), (i32(0),))

    def test_tensor_with_python_state(self) -> None:
        def fn(n: Any, state: Any) -> Any:
            i = 0
            while i < n:
                state.first = state.first * 10 + i
                i += 1
            return i

        agrees(fn, (i32(5), State(i32(0), None)), (3, State(0, "kept")))

    def test_python(self) -> None:
        def fn(n: Any) -> Any:
            i, s = 0, 0
            while i < n:
                s = s * 10 + i
                i += 1
            return s

        scripted = agrees(fn, (5,))
        assert primitives(lambda: scripted(5)) == set()

    def test_python_with_tensor_state(self) -> None:
        def fn(n: Any, s: Any) -> Any:
            i = 0
            while i < n:
                s = s * 10 + i
                i += 1
            return i, s

        scripted = agrees(fn, (5, i32(0)))
        assert primitives(lambda s: scripted(5, s), i32(0)) == set()

    def _loop(self, s: Any, after: Any, *says: str) -> None:
        def fn(n: Any, s: Any) -> Any:
            i = 0
            while i < n:
                s = after
                i += 1
            return s

        refused(fn, i32(5), s, at="s = after", says=says)

    def test_tensor_illegal_input(self) -> None:
        self._loop(None, i32(1), "'s'", "None")

    def test_tensor_none_output(self) -> None:
        self._loop(i32(0), None, "'s'", "None")

    def test_tensor_dtype_change(self) -> None:
        self._loop(i32(0), f32(1), "'s'", "i32", "f32")

    def test_tensor_shape_change(self) -> None:
        self._loop(i32(0), i32([1]), "'s'", "i32[1]")

    def test_tensor_legal_cond_scalar(self) -> None:
        def fn(s: Any, c: Any) -> Any:
            while c and s < 2:
                s += 1
            return s

        agrees(fn, (i32(0), bit(False)), (i32(0), bit(True)))

    def test_tensor_legal_cond_single_element_nd(self) -> None:
        def fn(s: Any) -> Any:
            while s[:1] < 2:
                s = s + 1
            return s

        agrees(fn, (i32([0, 5]),))

    def test_tensor_illegal_cond_not_bool(self) -> None:
        """AutoGraph refuses it; here what is not zero is true, as in Python."""

        def fn(s: Any) -> Any:
            n = 0
            while s:
                s = s - 1
                n += 2
            return n

        agrees(fn, (i32(3),), (f32(2),), (i32(0),))

    def test_tensor_illegal_cond_not_single_element(self) -> None:
        def fn(s: Any) -> Any:
            while s > 0:
                s = s - 1
            return s

        agrees(fn, (i32([2]),))
        with pytest.raises(ValueError, match="ambiguous"):
            jaxgrad.script(fn)(i32([1, 2]))


def chosen(c: Any, one: Any, two: Any) -> Any:
    if c:
        x = one
    else:
        x = two
    return x


class TestIfStmtOperator:
    def test_tensor(self) -> None:
        agrees(chosen, (bit(True), i32(1), i32(-1)), (bit(False), 1, i32(-1)))

    def test_tensor_no_outputs(self) -> None:
        """What nobody uses later needs no common type."""

        def fn(c: Any, x: Any) -> Any:
            if c:
                i = jnp.int32(1)
            else:
                i = "other"
            return x

        agrees(fn, (bit(True), 1), (bit(False), i32(1)))

    def test_tensor_multiple_returns(self) -> None:
        def fn(c: Any) -> Any:
            if c:
                i, j = jnp.int32(1), {"a": 2.0}
            else:
                i, j = jnp.int32(-1), {"a": -2.0}
            return i, j

        agrees(fn, (bit(True),), (bit(False),))

    def test_python(self) -> None:
        agrees(chosen, (True, 1, "x"), (False, 1, "x"))

    def test_python_multiple_returns(self) -> None:
        def fn(c: Any) -> Any:
            if c:
                i, j = 1, "a"
            else:
                i, j = None, [2]
            return i, j

        agrees(fn, (True,), (False,))

    def test_tensor_none_output(self) -> None:
        refused(chosen, bit(True), None, i32(1), at="x = one", says=("'x'", "None"))
        refused(chosen, bit(True), i32(1), None, at="x = one", says=("'x'", "None"))

    def test_tensor_undefined_output(self) -> None:
        def fn(c: Any) -> Any:
            if c:
                x = 1
            return x

        refused(fn, bit(True), at="return x", says=("'x'",))

    def test_tensor_dtype_change(self) -> None:
        refused(
            chosen, bit(True), i32(1), f32(1), at="x = one", says=("'x'", "i32", "f32")
        )
        # Numbers of Python take the type of the array.
        assert jaxgrad.script(chosen)(bit(True), 1, f32(2)).dtype == jnp.float32

    def test_tensor_legal_cond_scalar(self) -> None:
        agrees(chosen, (bit(True), 1, 2), (bit(False), 1, 2))

    def test_tensor_legal_cond_single_element_nd(self) -> None:
        agrees(chosen, (jnp.array([[True]]), 1, 2), (jnp.array([[False]]), 1, 2))

    def test_tensor_illegal_cond_not_bool(self) -> None:
        agrees(chosen, (i32(1), 1, 2), (f32(0), 1, 2), (i32([3]), 1, 2))

    def test_tensor_illegal_cond_not_single_element(self) -> None:
        with pytest.raises(ValueError, match="ambiguous"):
            jaxgrad.script(chosen)(jnp.array([True, False]), 1, 2)
