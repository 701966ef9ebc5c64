"""What is still needed, each test under its name in AutoGraph's pyct.

What nobody reads later needs no common type, and no definition on every path.
"""

# ruff: noqa: C416, C419, E731, F841, SIM105, SIM108
# (the programs say what they test)

from typing import Any

import jax.numpy as jnp

from tests.upstream.scripted import agrees, bit, f32, i32, refused

held = 7
BOTH = [(1, bit(True)), (1, bit(False))]


class Has:
    def __init__(self, y: Any) -> None:
        self.y = y


class TestLivenessAnalyzer:
    def test_live_out_try_block(self) -> None:
        def fn(x: Any, a: Any) -> Any:
            if a > 0:
                try:
                    pass
                except ValueError:
                    pass
            return x

        refused(fn, 1, i32(1), at="try:", says=("try",))

    def test_live_out_if_inside_except(self) -> None:
        def fn(x: Any, b: Any) -> Any:
            try:
                pass
            except ValueError:
                if b > 0:
                    x = b
            return x

        refused(fn, 1, i32(1), at="try:", says=("try",))

    def test_live_out_stacked_if(self) -> None:
        def fn(x: Any, a: Any) -> Any:
            if a > 0:
                x = 0
            if a > 1:
                x = 1
            return x

        agrees(fn, (5, i32(0)), (i32(5), i32(1)), (5, i32(2)))

    def test_live_out_stacked_if_else(self) -> None:
        def fn(x: Any, a: Any) -> Any:
            if a > 0:
                x = "dead"
            if a > 1:
                x = 1
            else:
                x = 2
            return x

        agrees(fn, (5, i32(0)), (i32(5), i32(1)), (5, i32(2)))

    def test_live_out_for_basic(self) -> None:
        def fn(x: Any, a: Any) -> Any:
            for i in range(a):
                dead = i * 2
                x += i
            return x

        agrees(fn, (1, 3), (1, i32(3)), (i32(1), 9))

    def test_live_out_for_iterate(self) -> None:
        def fn(x: Any, a: Any) -> Any:
            for i in range(a):
                x += i
            return x, i

        agrees(fn, (1, 3), (i32(1), 9))
        refused(fn, 1, i32(3), at="return x, i", says=("'i'",))

    def test_live_out_attributes(self) -> None:
        def fn(x: Any, a: Any) -> Any:
            if a > 0:
                x.y = 0
            return x.y

        agrees(fn, (Has(1), i32(1)), (Has(i32(1)), i32(0)))

    def test_live_out_nested_functions(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            if b:
                a = 2

            def foo() -> Any:
                return a

            return foo()

        agrees(fn, *BOTH)

    def test_live_out_nested_functions_defined_ahead(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            def foo() -> Any:
                return a

            if b:
                a = 2
            return foo()

        agrees(fn, *BOTH)

    def test_live_out_nested_functions_defined_after(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            if b:
                a = 2

            def foo() -> Any:
                return a

            a = a + 10
            return foo()

        agrees(fn, *BOTH)

    def test_live_out_lambda(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            if b:
                a = 2
            foo = lambda: a
            if b:
                pass
            return foo()

        agrees(fn, *BOTH)

    def test_live_out_nested_functions_hidden_by_argument(self) -> None:
        def fn(x: Any, b: Any) -> Any:
            def foo(a: Any) -> Any:
                return a

            if b:
                a = "dead"
            return foo(x)

        agrees(fn, *BOTH)

    def test_live_out_nested_functions_isolation(self) -> None:
        def fn(x: Any, b: Any) -> Any:
            if b:
                a = "dead"

            def child() -> Any:
                a = x
                return a

            return child()

        agrees(fn, *BOTH)

    def test_live_out_deletion(self) -> None:
        def fn(x: Any, c: Any) -> Any:
            y = 1
            for _ in range(3):
                if c:
                    y = 0
                else:
                    y = 2
            del y
            return x

        agrees(fn, *BOTH)

    def test_live_in_pass(self) -> None:
        def fn(x: Any, a: Any) -> Any:
            if a:
                pass
            return x

        agrees(fn, *BOTH)

    def test_live_in_raise(self) -> None:
        def fn(x: Any, a: Any, b: Any) -> Any:
            if a > 0:
                b = b + 1
                raise ValueError("raised")
            return x

        agrees(fn, (1, i32(1), i32(2)), (1, i32(0), i32(2)))

    def test_live_out_except_variable(self) -> None:
        def fn(x: Any) -> Any:
            try:
                pass
            except ValueError as b:
                raise b
            return x

        refused(fn, i32(1), at="try:", says=("try",))

    def test_live_in_return_statement(self) -> None:
        def fn(x: Any, a: Any) -> Any:
            if a:
                return x
            return x

        agrees(fn, *BOTH)

    def test_live_in_try_block(self) -> None:
        def fn(x: Any) -> Any:
            try:
                x = x + 1
            except ValueError:
                pass
            return x

        refused(fn, 1, at="try:", says=("try",))

    def test_live_in_try_orelse(self) -> None:
        def fn(x: Any, b: Any) -> Any:
            try:
                pass
            except ValueError:
                pass
            else:
                x = b
            return x

        refused(fn, 1, 2, at="try:", says=("try",))

    def test_live_in_if_inside_except(self) -> None:
        def fn(x: Any, b: Any) -> Any:
            if x > 5:
                try:
                    pass
                except ValueError:
                    if b > 0:
                        x = b
            return x

        refused(fn, 1, i32(1), at="try:", says=("try",))

    def test_live_in_stacked_if(self) -> None:
        def fn(x: Any, a: Any, b: Any, c: Any) -> Any:
            if a > 0:
                x = b
            if c > 1:
                x = 0
            return x

        agrees(fn, (1, i32(1), 2, i32(0)), (1, i32(0), i32(2), i32(2)))

    def test_live_in_stacked_if_else(self) -> None:
        def fn(x: Any, a: Any, b: Any, c: Any) -> Any:
            if a > 1:
                x = b
            else:
                x = c
            if b > 0:
                x = 0
            return x

        agrees(fn, (None, i32(1), 2, i32(0)), (f32(1), i32(2), i32(-2), 2))

    def test_live_in_for_basic(self) -> None:
        def fn(x: Any, y: Any, a: Any) -> Any:
            z = 0
            for i in a:
                x = i
                y += x
                z = 1
            return y, z

        agrees(fn, ("dead", 1, [1, 2]), (None, 1, i32([1, 2])))
        agrees(fn, (None, 1, jnp.arange(9)))

    def test_live_in_for_nested(self) -> None:
        def fn(y: Any, a: Any) -> Any:
            z = 0
            for i in a:
                for j in i:
                    x = i
                    y += jnp.sum(x)
                    z = j
            return y, z

        agrees(fn, (1, i32([[1, 2], [3, 4]])))

    def test_live_in_deletion(self) -> None:
        def fn(x: Any, y: Any, a: Any) -> Any:
            for _ in a:
                if x:
                    y = 0
                del y
                y = 3
            return x

        agrees(fn, (True, 1, [1, 2]), (bit(True), 1, [1, 2]))

    def test_live_in_generator_comprehension(self) -> None:
        def fn(y: Any) -> Any:
            if all(x > 0 for x in y):
                return 1
            return 2

        agrees(fn, ([1, 2],), ([i32(1), i32(0)],), (i32([1, 2]),))

    def test_live_in_list_comprehension(self) -> None:
        def fn(y: Any) -> Any:
            if [x for x in y]:
                return 1
            return 2

        agrees(fn, ([],), ([i32(0)],))

    def test_live_in_list_comprehension_expression(self) -> None:
        def fn(y: Any, s: Any) -> Any:
            s += sum([x * 2 for x in y])
            return s

        agrees(fn, ([1, i32(2)], 1), (i32([1, 2]), i32(1)))

    def test_live_in_set_comprehension(self) -> None:
        def fn(y: Any) -> Any:
            return len({x % 2 for x in y})

        agrees(fn, ([1, 2, 3],))

    def test_live_in_dict_comprehension(self) -> None:
        def fn(y: Any) -> Any:
            return {k: v + 1 for k, v in y}

        agrees(fn, ([("a", 1), ("b", i32(2))],))

    def test_global_symbol(self) -> None:
        def fn(c: Any) -> Any:
            if held:
                c = c + held
            return c

        def writes(c: Any) -> Any:
            global held
            held = c
            return held

        agrees(fn, (i32(1),))
        refused(writes, i32(1), at="held", says=("held",))

    def test_nonlocal_symbol(self) -> None:
        a, b = 3, i32(13)

        def fn(c: Any) -> Any:
            if c > a:
                c = b
            return c

        agrees(fn, (i32(1),), (i32(5),))
