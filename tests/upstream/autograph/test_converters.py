"""Statements, each test under its name in AutoGraph's tests of its converters."""

# ruff: noqa: B007, F821, F841
# (the programs say what they test)

from typing import Any

import jax

from tests.upstream.scripted import agrees, i32, refused


class TestBreakStatements:
    def test_while_loop(self) -> None:
        def fn(x: Any) -> Any:
            v = []
            while x > 0:
                x -= 1
                if x % 2 == 0:
                    break
                v.append(x)
            return v

        def total(x: Any) -> Any:
            v = 0
            while x > 0:
                x -= 1
                if x % 2 == 0:
                    break
                v = v * 10 + x
            return v

        agrees(fn, (4,))
        agrees(total, (i32(0),), (i32(1),), (i32(4),))

    def test_for_loop(self) -> None:
        def fn(a: Any) -> Any:
            v = 0
            for x in a:
                x -= 1
                if x % 2 == 0:
                    break
                v = v * 10 + x
            return v

        agrees(fn, ([5, 4],), ([4, 5],), (i32([4, 4, 5, 4, 2, 2]),))

    def test_nested(self) -> None:
        def fn(x: Any) -> Any:
            u, v, w = 0, 0, 0
            while x > 0:
                x -= 1
                if x % 2 == 0:
                    if x % 3 != 0:
                        u = u * 10 + x
                    else:
                        w = w * 10 + x
                        break
                v = v * 10 + x
            return u, v, w

        agrees(fn, (i32(3),), (i32(11),))

    def test_nested_loops(self) -> None:
        def fn(x: Any) -> Any:
            u, v = 0, 0
            while x > 0:
                x -= 1
                y = x
                while y > 0:
                    y -= 1
                    if y % 2 == 0:
                        break
                    u = u * 10 + y
                if x == 0:
                    break
                v = v * 10 + x
            return u, v

        agrees(fn, (i32(2),), (i32(5),))

    def test_loop_orelse(self) -> None:
        def fn(x: Any) -> Any:
            u, v = 0, 0
            while x > 0:
                x -= 1
                y = x
                while y > 1:
                    break
                else:
                    u = u * 10 + y
                    break
                v = v * 10 + x
            return u, v

        agrees(fn, (3,), (i32(2),), (i32(3),))

    def test_multiple_correlated_breaks_with_side_effects(self) -> None:
        def fn(c: Any) -> Any:
            values = []
            while True:
                if c:
                    values.append(1)
                else:
                    break
                if values[-1] > 0:
                    break
            return values

        agrees(fn, (True,), (False,))


def even(x: Any) -> Any:
    return x % 2 == 0


class TestContinueStatements:
    def test_basic(self) -> None:
        def fn(x: Any) -> Any:
            v = 0
            while x > 0:
                x -= 1
                if even(x):
                    continue
                v = v * 10 + x
            return v

        agrees(fn, (4,), (i32(1),), (i32(4),))

    def test_multiple_continues(self) -> None:
        def fn(x: Any) -> Any:
            v = 0
            while x > 0:
                x -= 1
                if x > 3:
                    continue
                if x > 2:
                    continue
                v = v * 10 + x
            return v

        agrees(fn, (i32(0),), (i32(5),))

    def test_multiple_continues_in_nested_scope(self) -> None:
        def fn(a: Any) -> Any:
            for x in a:
                try:
                    continue
                except ValueError:
                    continue
            return a

        refused(fn, i32([1, 2]), at="try:", says=("try",))

    def test_for_loop(self) -> None:
        def fn(a: Any) -> Any:
            v = 0
            for x in a:
                x -= 1
                if even(x):
                    continue
                v = v * 10 + x
            return v

        agrees(fn, ([1, 2, 3, 4],), (i32([1, 2, 4, 3, 6]),))

    def test_nested_with(self) -> None:
        def fn(x: Any) -> Any:
            v = 0
            while x > 0:
                x -= 1
                with jax.named_scope("scope"):
                    if even(x):
                        continue
                v = v * 10 + x
            return v

        agrees(fn, (4,), (i32(4),))

    def test_nested_multiple_withs(self) -> None:
        def fn(x: Any) -> Any:
            v = 0
            while x > 0:
                x -= 1
                with jax.named_scope("one"):
                    if even(x):
                        continue
                with jax.named_scope("two"):
                    v = v * 10 + x
                v = v * 10 + x
            return v

        agrees(fn, (4,), (i32(4),))

    def test_nested_multiple_withs_and_statements(self) -> None:
        def fn(x: Any) -> Any:
            v = 0
            while x > 0:
                x -= 1
                with jax.named_scope("one"):
                    if even(x):
                        continue
                    v = v * 10 + x
                v = v + 1
                with jax.named_scope("two"):
                    v = v * 10 + x
            return v

        agrees(fn, (i32(4),))

    def test_nested_multiple_withs_and_nested_withs(self) -> None:
        def fn(x: Any) -> Any:
            v = 0
            while x > 0:
                x -= 1
                with jax.named_scope("one"):
                    if even(x):
                        continue
                    with jax.named_scope("inner"):
                        v = v * 10 + x
                v = v + 1
            return v

        agrees(fn, (i32(4),))

    def test_nested(self) -> None:
        def fn(x: Any) -> Any:
            u, v, w = 0, 0, 0
            while x > 0:
                x -= 1
                if even(x):
                    if x % 3 != 0:
                        u = u * 10 + x
                    else:
                        w = w * 10 + x
                        continue
                v = v * 10 + x
            return u, v, w

        agrees(fn, (i32(0),), (i32(7),))

    def test_multiple_guarded_continues_with_side_effects(self) -> None:
        def fn(x: Any, seen: list[Any]) -> Any:
            def track(x: Any) -> Any:
                seen[0] = seen[0] * 10 + x
                return x

            v = 0
            while x > 0:
                x -= 1
                if track(x) > 1:
                    continue
                if track(x) > 2:
                    continue
                v = v * 10 + x
            return v

        agrees(fn, (3, [0]), (i32(3), [i32(0)]))


class Has:
    def __init__(self) -> None:
        self.a = 1
        self.b = 2


class TestVariables:
    def test_read(self) -> None:
        def fn(x: Any) -> Any:
            return x

        agrees(fn, (1,), (i32(1),))

    def test_aug_assign(self) -> None:
        def fn(x: Any) -> Any:
            x *= 10
            return x

        agrees(fn, (2,), (i32(2),))

    def test_del(self) -> None:
        def fn(x: Any) -> Any:
            del x
            return x

        agrees(fn, (1,), (i32(1),))

    def test_del_getitem_ignored_basic_slice(self) -> None:
        def fn(x: Any) -> Any:
            del x[0]
            return x

        agrees(fn, ([1, 2],), ([i32(1), i32(2)],))

    def test_del_getitem_ignored_range_slice(self) -> None:
        def fn(x: Any) -> Any:
            del x[0:2]
            return x

        agrees(fn, ([1, 2],), ([i32(1), 2, 3],))

    def test_del_getattr_ignored(self) -> None:
        def fn(x: Any) -> Any:
            del x.a
            return hasattr(x, "a"), x.b

        agrees(fn, (Has(),))

    def test_del_packing_ignored_list(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            del [a, b]
            return a

        agrees(fn, (1, 2))

    def test_del_packing_ignored_nested(self) -> None:
        def fn(a: Any, b: Any, c: Any) -> Any:
            del [a, (b, c)]
            return c

        agrees(fn, (1, 2, 3))

    def test_del_item_multiple_mixed_used_after(self) -> None:
        def fn(a: Any, b: Any, c: Any) -> Any:
            del a, b, c[0]
            a = 1
            return a, b, c

        agrees(fn, (1, 2, [1, 2]))

    def test_del_item_multiple_mixed_unused_after(self) -> None:
        def fn(a: Any, b: Any, c: Any) -> Any:
            del a, b, c[0]
            a, b = 1, 2
            return c, a

        agrees(fn, (i32(1), 2, [1, i32(2)]))

    def test_attribute(self) -> None:
        def fn(x: Any) -> Any:
            return x.a

        agrees(fn, (Has(),))

    def test_subscript(self) -> None:
        class Indexed:
            def __getitem__(self, i: Any) -> Any:
                return i + 1

        def fn(x: Any, i: Any) -> Any:
            return x[i]

        agrees(fn, (Indexed(), 1), (Indexed(), i32(1)))

    def test_call(self) -> None:
        class Called:
            def __call__(self, x: Any) -> Any:
                return x if x > 0 else -x

        def fn(f: Any, x: Any) -> Any:
            return f(x)

        agrees(fn, (Called(), -1), (Called(), i32(-1)), (abs, i32(-1)))
