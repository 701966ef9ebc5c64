"""Scopes within functions, each test under its name in AutoGraph's activity."""

# ruff: noqa: C400, C416, E731, SIM108 (the programs say what they test)

from typing import Any

from tests.upstream.scripted import agrees, bit, i32, refused

held = 7


class Has:
    pass


class TestActivityAnalyzer:
    def test_lambda(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            f = lambda: a + b
            if b > 0:
                a = 10
            return f()

        agrees(fn, (1, i32(2)), (i32(1), i32(-2)))

    def test_lambda_params_args(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            return (lambda a: a + b)(10), a

        agrees(fn, (1, i32(2)))

    def test_lambda_params_arg_defaults(self) -> None:
        def fn(a: Any, b: Any, c: Any) -> Any:
            f = lambda b=c: a + b
            c = 100
            return f(), f(b)

        agrees(fn, (1, 2, i32(3)))

    def test_lambda_complex(self) -> None:
        def fn(a: Any, b: Any, d: Any, e: Any) -> Any:
            a = (lambda a, b, c=e: a + b + c)(d, 1, 2) + b
            return a

        agrees(fn, (1, 2, 3, 4), (1, i32(2), i32(3), 4))

    def test_lambda_nested(self) -> None:
        def fn(c: Any, d: Any, f: Any) -> Any:
            outer = lambda a, b: d(lambda b=f: a + b + c)
            return outer(1, 2)

        agrees(fn, (i32(1), lambda g: g() + g(10), i32(5)))

    def test_comprehension_targets_are_isolated(self) -> None:
        def fn(a: Any) -> Any:
            c = 0
            b = {c for c in a}
            return b, c

        agrees(fn, ([1, 2],))

    def test_comprehension_targets_are_isolated_list_function_w_generator(self) -> None:
        def fn(a: Any) -> Any:
            c = 0
            b = list(c * 2 for c in a)
            return b, c

        agrees(fn, ([1, i32(2)],))

    def test_list_comprehension_targets_are_sometimes_isolated(self) -> None:
        def fn(a: Any) -> Any:
            c = 0
            b = [c + 1 for c in a]
            return b, c

        agrees(fn, ([1, i32(2)],))

    def test_comprehension_targets_are_isolated_in_augassign(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            c = 0
            b += [c for c in a]
            return b, c

        agrees(fn, ([1, i32(2)], [0]))

    def test_comprehension_generator_order(self) -> None:
        def fn(c: Any) -> Any:
            return {d: (a, b) for (a, b) in c for d in b}

        agrees(fn, ([(1, (2, 3)), (i32(4), (5,))],))

    def test_global_symbol(self) -> None:
        def fn(c: Any) -> Any:
            global held
            held = held + c
            return held

        refused(fn, i32(1), at="held", says=("held",))

    def test_nonlocal_symbol(self) -> None:
        value = 3

        def fn(c: Any) -> Any:
            nonlocal value
            value = value + c
            return value

        refused(fn, i32(1), at="value", says=("value",))

    def test_annotated_assign(self) -> None:
        b = int

        def fn(c: Any) -> Any:
            a: b = c
            if c > 0:
                a: b = 2
            return a

        agrees(fn, (1,), (i32(1),), (i32(-1),))

    def test_pure_definition(self) -> None:
        b = int

        def fn(x: Any) -> Any:
            a: b
            if x > 0:
                a = 1
            else:
                a = 2
            return a

        agrees(fn, (1,), (i32(1),), (i32(-1),))

    def test_function_def_annotations(self) -> None:
        b, c = int, "not a type"

        def fn(a: b) -> c:
            return a

        agrees(fn, (1,), (i32(1),))

    def test_class_definition_basic(self) -> None:
        """AutoGraph follows classes in functions; script refuses them."""

        def fn(a: Any) -> Any:
            class C(a):
                d = 1

            return C

        refused(fn, Has, at="class C", says=("class",))

    def test_class_definition_isolates_method_writes(self) -> None:
        class C:
            d = 1

            def e(self, c: Any) -> Any:
                f = c + self.d
                return f

        def fn(c: Any) -> Any:
            f = 5
            if c:
                f = C().e(f)
            return f

        agrees(fn, (True,), (bit(True),), (bit(False),))
