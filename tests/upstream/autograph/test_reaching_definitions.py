"""Which definition is read, each test under its name in AutoGraph's pyct."""

# ruff: noqa: E731, F821, SIM105, SIM108
# (the programs say what they test)

from typing import Any

import jax
import jax.numpy as jnp

from tests.upstream.scripted import agrees, bit, i32, refused

held = 7


class TestReachingDefinitions:
    def test_conditional(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            a = [1]
            if b:
                a = [2]
            return a

        agrees(fn, (0, True), (0, bit(True)), (0, bit(False)))

    def test_try_in_conditional(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            if b:
                try:
                    pass
                except ValueError:
                    pass
            return a

        refused(fn, 1, bit(True), at="try:", says=("try",))

    def test_conditional_in_try_in_conditional(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            if b:
                try:
                    if b:
                        a = 2
                except ValueError:
                    pass
            return a

        refused(fn, 1, True, at="try:", says=("try",))

    def test_conditional_in_except_in_conditional(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            if b:
                try:
                    pass
                except ValueError:
                    if b:
                        a = 2
            return a

        refused(fn, 1, bit(False), at="try:", says=("try",))

    def test_while(self) -> None:
        def fn(a: Any) -> Any:
            while a < 10:
                a = a * 2
                b = a
                a = b + 1
            return a

        agrees(fn, (1,), (i32(1),), (i32(11),))

    def test_while_else(self) -> None:
        def fn(x: Any, i: Any) -> Any:
            y = 0
            while x < 10:
                x += i
                if i > 3:
                    break
            else:
                y = 1
            return x, y

        agrees(fn, (1, 2), (i32(1), 2), (i32(1), i32(4)), (i32(11), i32(4)))

    def test_for_else(self) -> None:
        def fn(values: Any, limit: Any) -> Any:
            x, y = 0, 0
            for i in values:
                x += i
                if i > limit:
                    break
                else:
                    continue
            else:
                y = 1
            return x, y

        agrees(fn, ([1, 2], 5), (i32([1, 2]), 1), (jnp.arange(9), i32(9)))

    def test_nested_functions(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            a = 1
            if b:
                a = 2

                def foo() -> Any:
                    return a

                a = 3
                a = a + foo()
            return a

        agrees(fn, (0, True), (0, bit(True)), (0, bit(False)))

    def test_nested_functions_isolation(self) -> None:
        def fn(a: Any) -> Any:
            b = a

            def child() -> Any:
                b = 1
                return b

            c = child()
            return b, c

        agrees(fn, (0,), (i32(5),))

    def test_function_call_in_with(self) -> None:
        def fn(a: Any) -> Any:
            with jax.named_scope("scope"):
                return a

        agrees(fn, (i32(1),))

    def test_mutation_subscript(self) -> None:
        def fn(a: Any) -> Any:
            values = [0]
            values[0] = a
            return values

        agrees(fn, (1,), (i32(1),))

    def test_deletion_partial(self) -> None:
        def fn(a: Any) -> Any:
            b = 0
            if a:
                del b
            else:
                b = 1
            return b

        agrees(fn, (False,), (True,))
        refused(fn, bit(False), at="return b", says=("'b'",))

    def test_deletion_total(self) -> None:
        def fn(a: Any) -> Any:
            if a:
                a = 0
            else:
                a = 1
            del a
            return a

        agrees(fn, (True,), (bit(True),))

    def test_replacement(self) -> None:
        def foo(a: Any) -> Any:
            return a + 1

        def fn(a: Any) -> Any:
            a = foo(a)
            return a

        agrees(fn, (1,), (i32(1),))

    def test_comprehension_leaking(self) -> None:
        def fn(a: Any) -> Any:
            _ = [x for x in a]  # noqa: C416
            return x

        agrees(fn, ([1, 2],), (i32([1, 2]),))

    def test_function_definition(self) -> None:
        def fn(c: Any) -> Any:
            def a() -> Any:
                return 1

            if c:
                a = lambda: 2
            return a()

        agrees(fn, (True,), (False,))

    def test_definitions_in_except_block(self) -> None:
        def fn() -> Any:
            try:
                pass
            except ValueError:
                a = None
            return a

        refused(fn, at="try:", says=("try",))

    def test_definitions_in_except_block_of_raising_try(self) -> None:
        def fn() -> Any:
            try:
                raise ValueError
            except ValueError:
                a = None
            return a

        refused(fn, at="try:", says=("try",))

    def test_global(self) -> None:
        def reads(x: Any) -> Any:
            return held + x

        def writes(x: Any) -> Any:
            global held
            if x:
                held = x
            return held

        agrees(reads, (1,), (i32(1),))
        refused(writes, bit(True), at="held", says=("held",))

    def test_nonlocal(self) -> None:
        a, b = 3, 13

        def fn(x: Any) -> Any:
            nonlocal b
            if x:
                b = a
            return b

        refused(fn, bit(True), at="b", says=("b",))

    def test_nonlocal_in_nested_function(self) -> None:
        def fn(x: Any) -> Any:
            b = 13

            def local() -> None:
                nonlocal b
                b = x

            local()
            return b

        refused(fn, i32(1), at="b = x", says=("b",))
