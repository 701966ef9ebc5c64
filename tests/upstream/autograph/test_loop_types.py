"""Types and containers in loops, each test under its name in AutoGraph's tests."""

from typing import Any, NamedTuple

import jax.numpy as jnp

from tests.upstream.scripted import agrees, bit, i32, refused


class Held(NamedTuple):
    var: Any


def grows(n: Any) -> Any:
    v = jnp.int32([0, 0])
    i = 0
    while i < n:
        v = jnp.concatenate([v, jnp.int32([i])])
        i += 1
    return v


def grows_over(values: Any) -> Any:
    v = jnp.int32([0, 0])
    for i in values:
        v = jnp.concatenate([v, jnp.int32([1]) + i])
    return v


class TestLoopWithVariableType:
    """A shape that grows: right where the rounds are known, else refused."""

    def test_while_with_variable_shape_growing_vector(self) -> None:
        agrees(grows, (0,), (2,))
        refused(
            grows, i32(2), at="v = jnp.concatenate([v, jnp.", says=("'v'", "[2]", "[3]")
        )

    def test_for_with_variable_shape_growing_vector(self) -> None:
        agrees(grows_over, (range(2),), ([1, 2],), (range(0),))
        agrees(grows_over, (jnp.arange(6),))

    def test_while_with_variable_shape_growing_matrix_rows(self) -> None:
        def fn(n: Any) -> Any:
            m = jnp.int32([[0]])
            i = 0
            while i < n:
                m = jnp.concatenate([m, jnp.full((1, 1), i)], 0)
                i += 1
            return m

        agrees(fn, (0,), (2,))
        refused(
            fn,
            i32(2),
            at="m = jnp.concatenate([m, jnp.",
            says=("'m'", "[1,1]", "[2,1]"),
        )

    def test_for_with_variable_shape_growing_matrix_rows(self) -> None:
        def fn(values: Any) -> Any:
            m = jnp.int32([[0]])
            for i in values:
                m = jnp.concatenate([m, jnp.full((1, 1), i)], 0)
            return m

        agrees(fn, ([3, 4],))
        agrees(fn, (jnp.arange(6),))

    def test_while_with_variable_shape_growing_matrix_cols(self) -> None:
        def fn(n: Any) -> Any:
            m = jnp.int32([[0, 0]])
            i = 0
            while i < n:
                m = jnp.concatenate([m, jnp.full((1, 1), i)], 1)
                i += 1
            return m

        agrees(fn, (2,))
        refused(
            fn,
            i32(2),
            at="m = jnp.concatenate([m, jnp.",
            says=("'m'", "[1,2]", "[1,3]"),
        )

    def test_for_with_variable_shape_growing_matrix_cols(self) -> None:
        def fn(values: Any) -> Any:
            m = jnp.int32([[0, 0]])
            for i in values:
                m = jnp.concatenate([m, jnp.full((1, 1), i)], 1)
            return m

        agrees(fn, ([3, 4],))
        agrees(fn, (jnp.arange(6),))

    def test_while_with_variable_shape_growing_matrix(self) -> None:
        def fn(n: Any) -> Any:
            m = jnp.int32([[1, 2]])
            i = 0
            while i < n:
                m = jnp.pad(m, 1)
                i += 1
            return m

        agrees(fn, (2,))
        refused(fn, i32(2), at="m = jnp.pad(m, 1)", says=("'m'", "[1,2]", "[3,4]"))

    def test_for_with_variable_shape_growing_matrix(self) -> None:
        def fn(values: Any) -> Any:
            m = jnp.int32([[1, 2]])
            for _ in values:
                m = jnp.pad(m, 1)
            return m

        agrees(fn, ([3, 4],))
        agrees(fn, (jnp.arange(6),))

    def test_while_with_variable_shape_inside_if(self) -> None:
        def fn(n: Any) -> Any:
            v = jnp.int32([0, 0])
            if n > 1:
                i = 0
                while i < n:
                    v = jnp.concatenate([v, jnp.int32([i])])
                    i += 1
            else:
                v = jnp.int32([1, 2, 3])
            return v

        agrees(fn, (0,), (2,))
        refused(fn, i32(2), at="v = jnp.concatenate([v, jnp.", says=("'v'",))

    def test_for_with_variable_shape_inside_if(self) -> None:
        def fn(n: Any, c: Any) -> Any:
            v = jnp.int32([0, 0])
            if c:
                for i in range(n):
                    v = jnp.concatenate([v, jnp.int32([i])])
            else:
                v = jnp.int32([1, 2, 3])
            return v

        # One step makes three elements, as the other branch has.
        agrees(fn, (2, True), (2, False), (1, bit(True)), (1, bit(False)))
        refused(fn, 2, bit(True), at="for i in range(n):", says=("'v'", "[4]", "[3]"))

    def test_for_with_nested_variable_shape_inside_if(self) -> None:
        def fn(n: Any, c: Any) -> Any:
            t = Held(jnp.int32([0]))
            v = jnp.int32([0, 0])
            if c:
                for i in range(n):
                    v = jnp.concatenate([v, jnp.int32([i])])
                    t = Held(var=t.var + 1)
            else:
                v = jnp.int32([1, 2, 3])
                t = Held(var=jnp.int32([3]))
            return v, t

        agrees(fn, (2, True), (1, bit(True)), (1, bit(False)))

    def test_while_with_variable_shape_and_break(self) -> None:
        def fn(n: Any) -> Any:
            v = jnp.int32([0, 0])
            i = 0
            while i < n:
                v = jnp.concatenate([v, jnp.int32([i])])
                i += 1
                if i > 1:
                    break
            return v

        agrees(fn, (0,), (1,), (5,))
        refused(
            fn, i32(2), at="v = jnp.concatenate([v, jnp.", says=("'v'", "[2]", "[3]")
        )

    def test_for_with_variable_shape_and_break(self) -> None:
        def fn(n: Any) -> Any:
            v = jnp.int32([0, 0])
            for i in range(n):
                v = jnp.concatenate([v, jnp.int32([i])])
                if i > 0:
                    break
            return v

        agrees(fn, (0,), (1,), (3,))
        refused(
            fn, i32(3), at="v = jnp.concatenate([v, jnp.", says=("'v'", "[2]", "[3]")
        )


class TestLoopWithVariableTypeIllegalCases:
    def test_while_with_variable_py_type(self) -> None:
        """AutoGraph refuses a condition that becomes traced; here it is a loop."""

        def fn(x: Any) -> Any:
            c, s = True, 0
            while c:
                s = s + 2
                c = x > s
            return s

        agrees(fn, (5,), (i32(5),), (i32(0),))

    def test_while_with_variable_dtype(self) -> None:
        def fn(c: Any) -> Any:
            n = jnp.int32(0)
            while c:
                n = jnp.float32(0)
            return n

        refused(fn, bit(False), at="n = jnp.float32(0)", says=("'n'", "i32", "f32"))

    def test_while_with_variable_dtype_and_early_stopping(self) -> None:
        def fn(c: Any) -> Any:
            n = jnp.int32(0)
            while c:
                n = jnp.float32(0)
                break
            return n

        refused(fn, bit(True), at="n = jnp.float32(0)", says=("'n'", "i32", "f32"))

    def test_for_with_variable_dtype(self) -> None:
        def fn(rounds: Any) -> Any:
            n = jnp.int32(0)
            for _ in range(rounds):
                n = jnp.float32(0)
            return n

        agrees(fn, (2,))
        refused(fn, i32(2), at="n = jnp.float32(0)", says=("'n'", "i32", "f32"))

    def test_for_with_variable_dtype_and_early_stopping(self) -> None:
        def fn(rounds: Any) -> Any:
            n = jnp.int32(0)
            for x in range(rounds):
                n = jnp.float32(0)
                if x > 2:
                    break
            return n

        agrees(fn, (2,))
        refused(fn, i32(2), at="n = jnp.float32(0)", says=("'n'", "i32", "f32"))

    def test_while_with_variable_shape(self) -> None:
        def fn(c: Any) -> Any:
            t = jnp.int32([1])
            while c:
                t = jnp.int32([1, 1])
            return t

        refused(fn, bit(False), at="t = jnp.int32([1, 1])", says=("'t'", "[1]", "[2]"))

    def test_for_with_variable_shape(self) -> None:
        def fn(rounds: Any) -> Any:
            t = jnp.int32([1])
            for _ in range(rounds):
                t = jnp.int32([1, 1])
            return t

        agrees(fn, (2,))
        refused(fn, i32(2), at="t = jnp.int32([1, 1])", says=("'t'", "[1]", "[2]"))

    def test_while_with_variable_structure(self) -> None:
        def fn(c: Any) -> Any:
            s = {"a": jnp.int32(0)}
            while c:
                s = jnp.float32(7)
            return s

        refused(fn, bit(False), at="s = jnp.float32(7)", says=("'s'",))

    def test_for_with_variable_structure(self) -> None:
        def fn(rounds: Any) -> Any:
            s = [jnp.int32(0)]
            for _ in range(rounds):
                s = [*s, jnp.int32(0)]
            return s

        agrees(fn, (2,))
        refused(fn, i32(2), at="s = [*s, jnp.int32(0)]", says=("'s'",))
