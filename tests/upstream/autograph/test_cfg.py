"""Paths through programs, each test under its name in AutoGraph's cfg."""

# ruff: noqa: B007, B020, E731, SIM108
# (the programs say what they test)

from typing import Any

import jax

from tests.upstream.scripted import agrees, i32

ALL = [(i32(0),), (i32(1),), (i32(3),), (i32(5),)]
STATIC = [(5,), *ALL]


class TestGraphVisitor:
    def test_basic_coverage_forward(self) -> None:
        def fn(a: Any) -> Any:
            while a > 0:
                a = 1
                break
                return a
            b = 2
            return a, b

        agrees(fn, *ALL)

    def test_basic_coverage_reverse(self) -> None:
        """What can't be reached needs no type either."""

        def fn(a: Any) -> Any:
            while a > 0:
                a = 1
                break
                return "never"
            return a

        agrees(fn, *ALL)


class TestAstToCfg:
    def test_straightline(self) -> None:
        def fn(a: Any) -> None:
            a += 1
            a = 2
            a = 3
            return

        agrees(fn, (1,), (i32(1),))

    def test_straightline_no_return(self) -> None:
        def fn(a: Any, b: Any) -> None:
            a = b + 1
            a += max(a, b)

        agrees(fn, (1, i32(2)))

    def test_unreachable_code(self) -> None:
        def fn(a: Any) -> None:
            return
            a += 1

        agrees(fn, (i32(1),))

    def test_if_straightline(self) -> None:
        def fn(a: Any) -> Any:
            if a > 0:
                a = 1
            else:
                a += -1
            return a

        agrees(fn, *ALL)

    def test_branch_nested(self) -> None:
        def fn(a: Any) -> Any:
            if a > 0:
                if a > 1:
                    a = 1
                else:
                    a = 2
            else:
                if a > 2:
                    a = 3
                else:
                    a = 4
            return a

        agrees(fn, *ALL)

    def test_branch_straightline_unbalanced(self) -> None:
        def fn(a: Any) -> Any:
            if a > 0:
                a = 1
            return a

        agrees(fn, *ALL)

    def test_branch_return(self) -> None:
        def fn(a: Any) -> Any:
            if a > 0:
                return 7
            else:
                a = 1
            a = a + 2
            return a

        agrees(fn, *ALL)

    def test_branch_raise(self) -> None:
        def fn(a: Any) -> Any:
            if a > 0:
                raise ValueError("above")
            else:
                a = 1
            return a

        agrees(fn, *ALL)

    def test_branch_return_minimal(self) -> None:
        def fn(a: Any) -> None:
            if a > 0:
                return

        agrees(fn, *ALL)

    def test_while_straightline(self) -> None:
        def fn(a: Any) -> Any:
            while a > 0:
                a = a - 2
            return a + 2

        agrees(fn, *ALL)

    def test_while_else_straightline(self) -> None:
        def fn(a: Any) -> Any:
            while a > 0:
                a = a - 2
            else:
                a = 2
            return a + 3

        agrees(fn, *ALL)

    def test_while_else_continue(self) -> None:
        def fn(a: Any) -> Any:
            while a > 0:
                if a > 2:
                    a = a - 2
                    continue
                else:
                    a = 0
                a = a - 1
            else:
                a = a + 20
            return a

        agrees(fn, *ALL)

    def test_while_else_break(self) -> None:
        def fn(a: Any) -> Any:
            while a > 0:
                if a > 2:
                    break
                a = a - 1
            else:
                a = 20
            return a

        agrees(fn, *ALL)

    def test_while_else_return(self) -> None:
        def fn(a: Any) -> Any:
            while a > 0:
                if a > 2:
                    return -1
                a = a - 1
            else:
                a = 20
            return a

        agrees(fn, *ALL)

    def test_while_nested_straightline(self) -> None:
        def fn(a: Any) -> Any:
            while a > 0:
                while a > 2:
                    a = a - 2
                a = a - 1
            return a

        agrees(fn, *ALL)

    def test_while_nested_continue(self) -> None:
        def fn(a: Any) -> Any:
            b = 0
            while a > 0:
                while a > 1:
                    a = a - 1
                    if a > 3:
                        continue
                    b = b * 10 + a
                a = a - 1
            return a, b

        agrees(fn, *ALL)

    def test_while_nested_break(self) -> None:
        def fn(a: Any) -> Any:
            b = 0
            while a > 0:
                while a > 1:
                    if a > 2:
                        break
                    a = a - 1
                    b = b * 10 + a
                a = a - 1
            return a, b

        agrees(fn, *ALL)

    def test_for_straightline(self) -> None:
        def fn(a: Any) -> Any:
            b = 0
            for a in range(0, a):
                b = b + a
            return a + b

        agrees(fn, (3,), (i32(3),), (i32(0),))

    def test_for_else_straightline(self) -> None:
        def fn(a: Any) -> Any:
            for a in range(0, a):
                a = 1
            else:
                a = a + 2
            return a

        agrees(fn, *STATIC)

    def test_for_else_continue(self) -> None:
        def fn(a: Any) -> Any:
            b = 0
            for a in range(0, a):
                if a > 1:
                    continue
                else:
                    b = b + 1
                a = 1
            else:
                b = b + 20
            return a, b

        agrees(fn, *STATIC)

    def test_for_else_break(self) -> None:
        def fn(a: Any) -> Any:
            for a in range(0, a):
                if a > 1:
                    break
                a = 1
            else:
                a = 20
            return a

        agrees(fn, *STATIC)

    def test_for_else_return(self) -> None:
        def fn(a: Any) -> Any:
            for a in range(0, a):
                if a > 1:
                    return -1
                a = 1
            else:
                a = 20
            return a

        agrees(fn, *STATIC)

    def test_for_nested_straightline(self) -> None:
        def fn(a: Any) -> Any:
            c = 0
            for a in range(0, a):
                for b in range(1, a):
                    c += b
                a = 2
            return a, c

        agrees(fn, *STATIC)

    def test_for_nested_continue(self) -> None:
        def fn(a: Any) -> Any:
            c = 0
            for a in range(0, a):
                for b in range(1, a):
                    if a > 3:
                        continue
                    c += b
                a = 2
            return a, c

        agrees(fn, *STATIC)

    def test_for_nested_break(self) -> None:
        def fn(a: Any) -> Any:
            c = 0
            for a in range(0, a):
                for b in range(1, a):
                    if a > 2:
                        break
                    c += b
                a = 2
            return a, c

        agrees(fn, *STATIC)

    def test_complex(self) -> None:
        def fn(a: Any) -> Any:
            b, c = 0, 0
            while a > 0:
                for b in range(0, a):
                    if a > 7:
                        break
                    if a > 3:
                        if a > 4:
                            c += 1
                            continue
                        else:
                            c += 10
                            break
                    c += 100
                else:
                    return a + c
                a = a - 2
            for a in range(1, 3):
                return b
            return c

        agrees(fn, (2,), (i32(0),), (i32(4),), (i32(8),), (i32(6),))

    def test_with_straightline(self) -> None:
        def fn(a: Any) -> Any:
            with jax.named_scope("scope"):
                b = a
                a = 0
                return b, a

        agrees(fn, (i32(1),))

    def test_lambda_basic(self) -> None:
        def fn(a: Any) -> Any:
            f = lambda b: a + b
            return f(2)

        agrees(fn, (1,), (i32(1),))

    def test_lambda_in_return(self) -> None:
        def fn(a: Any) -> Any:
            return (lambda b: a + b)(3)

        agrees(fn, (1,), (i32(1),))

    def test_lambda_in_while_loop_test(self) -> None:
        def fn(a: Any) -> Any:
            while (lambda b: a + b)(1) > 0:
                a = a - 1
            return a

        agrees(fn, (3,), (i32(3),))

    def test_lambda_in_for_loop_test(self) -> None:
        def fn(a: Any) -> Any:
            s = 0
            for x in (lambda b: a + b)(1):
                s += x
            return s

        agrees(fn, (i32([1, 2, 3]),))

    def test_pass(self) -> None:
        def fn(a: Any) -> None:
            pass

        agrees(fn, (1,), (i32(1),))
