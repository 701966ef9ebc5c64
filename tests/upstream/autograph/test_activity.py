"""What is read and changed, each test under its name in AutoGraph's pyct."""

# ruff: noqa: F841, SIM108
# (the programs say what they test)

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from tests.upstream.scripted import agrees, i32, refused

held = 7


class Has:
    def __init__(self, b: Any, c: Any) -> None:
        self.b = b
        self.c = c


class TestActivityAnalyzer:
    def test_import(self) -> None:
        def fn(x: Any) -> Any:
            import math

            return x + math.pi

        refused(fn, i32(1), at="import math", says=("import",))

    def test_import_from(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                from math import pi as y

                x = y
            return x

        refused(fn, 1, at="from math import", says=("import",))

    def test_print_statement(self, capfd: pytest.CaptureFixture[str]) -> None:
        def fn(a: Any) -> Any:
            b, c = 0, 1
            if a > 0:
                b = a
            print(a, b)
            return c

        assert jaxgrad.script(fn)(i32(3)) == 1
        jax.effects_barrier()
        assert capfd.readouterr().out == "3 3\n"

    def test_call_args(self) -> None:
        def both(a: Any, b: Any) -> Any:
            return a * 10 + b

        def fn(a: Any) -> Any:
            b, c = 0, 1
            if a > 0:
                b, c = 2, both(a, b)
            return both(b, c)

        agrees(fn, (i32(3),), (i32(-3),))

    def test_call_args_attributes(self) -> None:
        def both(a: Any, b: Any) -> Any:
            return a * 10 + b

        def fn(a: Any) -> Any:
            if a.b > 0:
                a.c = both(a.b, a.c)
            return a.c

        agrees(fn, (Has(i32(2), 1),), (Has(i32(-2), i32(1)),))

    def test_call_args_subscripts(self) -> None:
        def both(a: Any, b: Any) -> Any:
            return a * 10 + b

        def fn(a: Any) -> Any:
            b, c = 1, 0
            if a[0] > 0:
                c = both(a[0], a[b])
            return c

        agrees(fn, ([i32(2), 3],), (i32([-2, 3]),))

    def test_while(self) -> None:
        def fn(a: Any) -> Any:
            b, c = a, 0
            while b > 0:
                c = b
                b -= 1
            return b, c

        agrees(fn, (3,), (i32(3),), (i32(-3),))

    def test_for(self) -> None:
        def fn(a: Any) -> Any:
            b, c = 5, 0
            for _ in a:
                c = b
                b -= 1
            return b, c

        agrees(fn, ([1, 2],), (jnp.arange(7),))

    def test_if(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                x = -x
                y = 2 * x
                z = -y
            else:
                x = 2 * x
                y = -x
                u = -y
            return x, y

        agrees(fn, (3,), (i32(3),), (i32(-3),))

    def test_if_attributes(self) -> None:
        def fn(a: Any, x: Any) -> Any:
            if x > 0:
                a.b = -a.c
                d = 2 * a.b
            else:
                a.b = a.c
                d = 1
            return d

        agrees(fn, (Has(1, 2), i32(1)), (Has(i32(1), 2), i32(-1)))

    def test_if_subscripts(self) -> None:
        def fn(a: Any, b: Any, c: Any, e: Any) -> Any:
            if e > 0:
                a[b] = -a[c]
                d = 2 * e
            else:
                a[0] = e
                d = 1
            return d, a

        agrees(fn, ([1, 2, 3], 1, 2, i32(1)), ([1, 2, 3], 1, 2, i32(-1)))

    def test_nested_if(self) -> None:
        def fn(b: Any) -> Any:
            a = 0
            if b > 0:
                if b < 5:
                    a = b
                else:
                    a = b * b
            return a

        agrees(fn, (i32(-1),), (i32(3),), (i32(6),))

    def test_nested_function(self) -> None:
        def fn(a: Any) -> Any:
            def f(x: Any) -> Any:
                y = x * x
                return y

            y = 1
            return f(a), y

        agrees(fn, (2,), (i32(2),))

    def test_nested_lambda(self) -> None:
        def fn(a: Any) -> Any:
            return (lambda x: x * a)(a + 1)

        agrees(fn, (2,), (i32(2),))

    def test_nested_function_arg_defaults(self) -> None:
        def fn(a: Any) -> Any:
            def f(x: Any = a) -> Any:
                y = x * x
                return y

            a = a + 1
            return f(), f(a)

        agrees(fn, (2,), (i32(2),))

    def test_constructor_attributes(self) -> None:
        class Made:
            def __init__(self, a: Any) -> None:
                self.b = a
                self.b.c = 1

        def fn(a: Any) -> Any:
            made = Made(a)
            return made.b.c, made.b.b

        agrees(fn, (Has(2, 3),), (Has(i32(2), i32(3)),))

    def test_aug_assign_subscripts(self) -> None:
        def fn(a: Any) -> Any:
            if a[0] > 0:
                a[0] += 1
            return a

        agrees(fn, ([i32(1), 2],), ([i32(0), 2],))
        assert jaxgrad.script(fn)(i32([1, 2])).tolist() == [2, 2]
        assert jaxgrad.script(fn)(i32([0, 2])).tolist() == [0, 2]

    def test_return_vars_are_read(self) -> None:
        def fn(a: Any, b: Any, c: Any) -> Any:
            return c

        agrees(fn, (1, None, i32(3)))

    def test_raise_names_are_read(self) -> None:
        error = ValueError("kept")

        def fn(a: Any, b: Any) -> Any:
            if a > 0:
                raise b
            return a

        agrees(fn, (1, error), (i32(1), error), (i32(0), error))

    def test_except_exposes_names(self) -> None:
        def fn(b: Any, c: Any) -> Any:
            try:
                pass
            except ValueError:
                b = c
            return b

        refused(fn, 1, 2, at="try:", says=("try",))

    def test_except_hides_exception_var_name(self) -> None:
        def fn(b: Any) -> Any:
            try:
                pass
            except ValueError as e:
                b = e
            return b

        refused(fn, i32(1), at="try:", says=("try",))

    def test_aug_assign(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            if b > 0:
                a += b
            return a

        agrees(fn, (1, i32(2)), (i32(1), i32(-2)))

    def test_aug_assign_rvalues(self) -> None:
        def fn(x: Any, a: Any) -> Any:
            def foo() -> Any:
                return a

            if x > 0:
                foo()["bar"] += x
            return a

        agrees(fn, (i32(1), {"bar": 3}), (i32(-1), {"bar": 3}))
