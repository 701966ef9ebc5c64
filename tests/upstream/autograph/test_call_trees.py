"""Arguments of calls, each test under its name in AutoGraph's call_trees."""

# ruff: noqa: E731 (the programs say what they test)

from typing import Any

import jaxgrad
from tests.upstream.scripted import agrees, i32


def gives(value: Any) -> Any:
    return lambda *args, **kwargs: value


class TestCallTrees:
    def test_function_no_args(self) -> None:
        def fn(f: Any) -> Any:
            return f() + 20

        agrees(fn, (lambda: 1,), (gives(i32(1)),))

    def test_function_with_expression_in_argument(self) -> None:
        def fn(f: Any, g: Any) -> Any:
            return f(g() + 20) + 4000

        agrees(fn, (lambda x: x + 300, gives(i32(1))))

    def test_function_with_call_in_argument(self) -> None:
        def fn(f: Any, g: Any) -> Any:
            return f(g()) + 300

        agrees(fn, (lambda x: x + 20, gives(i32(1))))

    def test_function_chaining(self) -> None:
        def fn() -> Any:
            return gives(1)().__add__(20)

        agrees(fn, ())

    def test_function_with_single_arg(self) -> None:
        def fn(f: Any, a: Any) -> Any:
            return f(a) + 20

        agrees(fn, (lambda a: a, 1), (lambda a: a, i32(1)))

    def test_function_with_args_only(self) -> None:
        def fn(f: Any, a: Any, b: Any) -> Any:
            return f(a, b) + 300

        agrees(fn, (lambda a, b: a + b, 1, i32(20)))

    def test_function_with_kwarg(self) -> None:
        def fn(f: Any, a: Any, b: Any) -> Any:
            return f(a, c=b) + 300

        agrees(fn, (lambda a, c: a + c, 1, i32(20)))

    def test_function_with_kwargs_starargs(self) -> None:
        def fn(f: Any, a: Any, *args: Any, **kwargs: Any) -> Any:
            return f(a, *args, **kwargs) + 5

        def total(*args: Any, **kwargs: Any) -> Any:
            return sum(args) + sum(kwargs.values())

        scripted = agrees(fn, (total, 1, i32(2), 3))
        assert scripted(total, 1, i32(2), b=4, c=i32(5)) == fn(total, 1, 2, b=4, c=5)

    def test_function_with_starargs_only(self) -> None:
        def total(*args: Any) -> Any:
            return sum(args)

        def fn(x: Any) -> Any:
            args = [1, 20, x]
            return total(*args) + 4000

        agrees(fn, (300,), (i32(300),))

    def test_function_with_starargs_mixed(self) -> None:
        def digits(a: Any, b: Any, c: Any, d: Any) -> Any:
            return a * 1000 + b * 100 + c * 10 + d

        def fn(x: Any) -> Any:
            before, between = (1,), [x]
            return digits(*before, 2, *between, 4)

        agrees(fn, (3,), (i32(3),))

    def test_function_with_kwargs_keywords(self) -> None:
        def fn(f: Any, a: Any, b: Any, **kwargs: Any) -> Any:
            return f(a, b=b, **kwargs) + 5

        scripted = jaxgrad.script(fn)
        assert scripted(lambda a, b, c: a + b + c, 1, i32(2), c=3) == 11

    def test_function_with_multiple_kwargs(self) -> None:
        def fn(f: Any, a: Any, one: Any, two: Any) -> Any:
            return f(a, **one, c=3, **two) + 5

        f = lambda a, b, c, d: a + b + c + d
        agrees(fn, (f, 1, {"b": i32(4)}, {"d": 5}))

    def test_function_with_call_in_lambda_argument(self) -> None:
        def applied(f: Any, a: Any) -> Any:
            return f(a) + 4000

        def total(a: Any, *args: Any) -> Any:
            return a + sum(args)

        def fn(a: Any, *args: Any) -> Any:
            return applied(lambda x: total(x, *args), a)

        agrees(fn, (1, 20, i32(300)))

    def test_class_method(self) -> None:
        class Calls:
            def other(self, x: Any) -> Any:
                return x + 20

            def method(self, a: Any) -> Any:
                return self.other(a) + 300

        assert jaxgrad.script(Calls.method)(Calls(), i32(1)) == 321

    def test_object_method(self) -> None:
        class Calls:
            def other(self, x: Any) -> Any:
                return x + 20 if x > 0 else x

            def method(self, a: Any) -> Any:
                return self.other(a) + 300

        assert jaxgrad.script(Calls().method)(i32(1)) == 321
