"""Control flow of script, each test under its name in torch's TestScript."""

# ruff: noqa: B007, F821, F841, SIM108 (the programs say what they test)

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from tests.upstream.scripted import agrees, bit, by_numpy, f32, i32, refused


class TestScript:
    def test_if(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            d = 3
            if bool(a > 10):
                a = 3 + d
            else:
                b = 3 + d
                d = 4
            c = a + b
            return c, d

        agrees(fn, (i32(1), i32(2)), (i32(11), i32(2)), (f32(1), f32(2)))

    def test_if_noelse(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            if a > 10:
                a = 3 + b
            return a + b

        agrees(fn, (i32(-1), i32(2)), (i32(11), i32(2)))

    def test_if_for_in_range(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            d = 3
            for _ in range(20):
                if a > 10:
                    a = 3 + d
                else:
                    b = 3 + d
                    d = 4
                c = a + b
            return d, c

        agrees(fn, (i32(1), i32(-1)), (i32(11), i32(2)))

    def test_if_is_none_dispatch(self) -> None:
        """A condition on None emits the branch that is taken, and no cond."""

        def fn(x: Any, y: Any = None) -> Any:
            if y is None:
                return x + 1
            return x * y

        scripted = agrees(fn, (f32(2),), (f32(2), f32(3)), (f32(2), 0.0))
        for args in ((f32(2),), (f32(2), f32(3))):
            assert "cond" not in str(jax.make_jaxpr(scripted)(*args))

    def test_while(self) -> None:
        def fn(a: Any, b: Any, n: Any) -> Any:
            while a < n:
                a = a + 1
                b = b + a
            return a + b

        agrees(fn, (i32(0), i32(1), i32(9)), (i32(9), i32(1), 3), (0, 1, 3))

    def test_fibb(self) -> None:
        def fn(n: Any) -> Any:
            first, second, i = 1, 1, 4
            s = 0
            while i < n:
                s = first + second
                first = second
                second = s
                i = i + 1
                dead = i  # the variable does not exist before the loop
            return s

        agrees(fn, (i32(0),), (i32(10),), (8,))

    def test_fibb_totally_better(self) -> None:
        def fn(n: Any) -> Any:
            prev, s, i = 1, 1, 0
            for i in range(n):
                s, prev = s + prev, s
                if s > 20:
                    break
            return s, i

        agrees(fn, (3,), (i32(3),), (i32(9),), (9,))

    def test_conditional_casting(self) -> None:
        """What is not zero is true; more than one element is an error."""

        def fn(x: Any) -> Any:
            if x:
                y = 1
            else:
                y = 0
            return y

        agrees(fn, (i32(3),), (i32(0),), (f32(0.5),), (f32(0),), (bit(True),))
        agrees(fn, (i32([1]),), (f32([[0]]),), (f32([-0.5]),))
        for many in (i32([1, 0]), jnp.zeros((2, 2))):
            with pytest.raises(ValueError, match="ambiguous"):
                jaxgrad.script(fn)(many)

    def test_while_nonexistent_value(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            while a < 10:
                a = a + x
                b = b + 1
            return a + b

        error = refused(fn, i32(1), i32(2), at="a = a + x", says=("x",))
        assert error.offset is not None
        assert error.text is not None
        assert error.text[error.offset - 1] == "x"

    def test_while_nonexistent_cond_value(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            while a < missing:
                a = a + 1
            return a + b

        refused(fn, i32(1), i32(2), at="while a < missing", says=("missing",))

    def test_literal(self) -> None:
        def pairs(a: Any, b: Any) -> Any:
            c = a, b
            d, e = c
            return d + e

        def lists(a: Any, b: Any) -> Any:
            c = [a, (a, b)]
            d, (e, f) = c
            return d + e + f, [1, 1.5, "x"]

        def pair_of(a: Any, b: Any) -> Any:
            return [(a, b), (b,)], ()

        for fn in (pairs, lists, pair_of):
            agrees(fn, (f32([1]), f32([2])))

    def test_index(self) -> None:
        def values(x: Any) -> Any:
            return x[0], x[-1], x[1:], x[:, 0], x[..., 1], x[::-1], x[1:0:-1]

        def chosen(x: Any, i: Any) -> Any:
            return x[i], x[i + 1, i], x[:, i]

        def python(x: Any) -> Any:
            return x[0], x[-2:], x[::2], x[::-1], x[5:0:-2]

        agrees(values, (i32([[1, 2], [3, 4], [5, 6]]),), want=by_numpy(values))
        square = i32([[1, 2], [3, 4]])
        agrees(chosen, (square, i32(0)), want=by_numpy(chosen))
        agrees(python, ([1, 2, 3, 4, 5, 6, 7],), ("string",), ((1, i32(2), 3),))

    def test_tuple_indexing(self) -> None:
        def fn(a: Any) -> Any:
            if a > 0:
                b = (3, a)
            else:
                b = (1, 7)
            return b[0], b[-2], b[1] + b[-1], b[1 - 1 :]

        agrees(fn, (i32(2),), (i32(-2),), (2,))

        def out_of_range(a: Any) -> Any:
            return (a, a)[2]

        agrees(out_of_range, (1,), (i32(1),))

        def traced_index(a: Any) -> Any:
            return (1, "x")[a]

        refused(traced_index, i32(0), at='(1, "x")[a]', says=())

    def test_unwrap_optional_builtin(self) -> None:
        def fn(x: Any) -> Any:
            assert x is not None, "unwrapping None"
            y = x if x is not None else 0
            return y + 1

        agrees(fn, (i32(1),), (3,), (None,))

    def test_number_augassign(self) -> None:
        def fn(n: Any) -> Any:
            z = n
            z += 7
            z -= 2
            z *= 3
            z //= 2
            return z

        agrees(fn, (1,), (i32(1),))

    def test_number_augassign_bitwise_and(self) -> None:
        def fn(n: Any, m: Any) -> Any:
            n &= m
            return n

        agrees(fn, (5, 6), (i32(5), i32(6)), (bit(True), bit(False)))

    def test_number_augassign_bitwise_or(self) -> None:
        def fn(n: Any, m: Any) -> Any:
            n |= m
            return n

        agrees(fn, (5, 6), (i32(5), 6))

    def test_number_augassign_bitwise_xor(self) -> None:
        def fn(n: Any, m: Any) -> Any:
            n ^= m
            return n

        agrees(fn, (5, 6), (5, i32(6)))

    def test_number_augassign_bitwise_lshift(self) -> None:
        def fn(n: Any, m: Any) -> Any:
            n <<= m
            return n

        agrees(fn, (8, 2), (i32(8), 2))

    def test_number_augassign_bitwise_rshift(self) -> None:
        def fn(n: Any, m: Any) -> Any:
            n >>= m
            return n

        agrees(fn, (8, 2), (i32(-8), i32(2)))

    def test_number_augassign_bitwise_pow(self) -> None:
        def fn(n: Any, m: Any) -> Any:
            n **= m
            return n

        agrees(fn, (2, 3), (i32(2), 3), (f32(2), 0.5))

    def test_number_augassign_bitwise_mod(self) -> None:
        def fn(n: Any, m: Any) -> Any:
            n %= m
            return n

        agrees(fn, (-7, 3), (i32(-7), 3), (f32(7.5), f32(2)))

    def test_nested_select_assign(self) -> None:
        class Inner:
            def __init__(self) -> None:
                self.attr = 2

        class Outer:
            def __init__(self) -> None:
                self.inner = Inner()

        def fn(held: Any, x: Any) -> Any:
            held.inner.attr = x
            if x > 0:
                held.inner.attr += 1
            return held.inner.attr

        agrees(fn, (Outer(), 3), (Outer(), i32(3)), (Outer(), i32(-3)))

    def test_string_print(self, capfd: pytest.CaptureFixture[str]) -> None:
        def fn(a: Any) -> Any:
            print(a, "a" 'b' '''c''', 2, 1.5)  # fmt: skip
            return a

        assert jaxgrad.script(fn)(i32(3)) == 3
        jax.effects_barrier()
        assert capfd.readouterr().out == "3 abc 2 1.5\n"

    def test_torch_ignore_conversion_to_none(self) -> None:
        """An ignored function that returns nothing is called, and gives None."""
        seen = []

        @jaxgrad.ignore
        def ignored(x: Any) -> None:
            seen.append(int(x))

        def fn(x: Any) -> Any:
            y = ignored(x)
            return x + 1 if y is None else x

        assert jaxgrad.script(fn)(i32(3)) == 4
        jax.effects_barrier()
        assert seen == [3]
