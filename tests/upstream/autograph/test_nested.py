"""Nested control flow and parts of containers, under AutoGraph's names."""

# ruff: noqa: SIM102, SIM105, SIM108 (the programs say what they test)

from typing import Any

import jax
import pytest

import jaxgrad
from tests.upstream.scripted import agrees, i32, refused

ALL = [(3,), (i32(-1),), (i32(3),)]


class TestNestedControlFlow:
    def test_independent_ifs(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            z = 0
            if x > 0:
                if y > 0:
                    z = x + y
            return z

        agrees(fn, (1, 1), (i32(1), 1), (1, i32(-1)), (i32(1), i32(2)))

    def test_dependent_inner_if(self) -> None:
        def fn(x: Any) -> Any:
            y = 0
            if x > 0:
                y = -2 * x
                if y > 0:
                    x = -3 * x
            else:
                y = 4 * x
            return x, y

        agrees(fn, *ALL)

    def test_dependent_imbalanced_inner_if(self) -> None:
        def fn(x: Any) -> Any:
            y = 0
            if x > 0:
                if x < 3:
                    y = -2 * x
                    x = -3 * x
            return x, y

        agrees(fn, *ALL)

    def test_if_with_local_modification_masked_by_exception(self) -> None:
        def fn(x: Any) -> Any:
            y = 0
            if x > 0:
                try:
                    y = 1
                except ValueError:
                    pass
            return y

        refused(fn, 1, at="try:", says=("try",))

    def test_if_nested_with_modification_of_global(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                global _count
                _count = 1
            return x

        refused(fn, 1, at="_count = 1", says=("_count",))

    def test_independent_inner_for(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            p = 0
            for _ in range(a):
                tmp = b
                for j in range(tmp):
                    p += j + 1
            return p

        agrees(fn, (2, 2), (2, i32(2)), (i32(2), i32(3)))

    def test_independent_inner_while(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            p = 0
            while a > 0:
                tmp = b
                while tmp > 0:
                    p += 1
                    tmp -= 1
                a -= 1
            return p

        agrees(fn, (2, 2), (2, i32(2)), (i32(2), i32(3)))

    def test_dependent_inner_for(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            r, s = 1, 0
            for _ in range(a):
                r += s
                for j in range(b):
                    s += j
            return r

        agrees(fn, (2, 3), (2, i32(3)), (i32(3), i32(3)))

    def test_dependent_inner_while(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            r = 1
            while a > 0:
                r += 1
                tmp = b
                while tmp > 0:
                    a -= 1
                    tmp -= 1
                a -= 1
            return r

        agrees(fn, (4, 1), (i32(4), i32(1)))

    def test_if_in_for(self) -> None:
        def fn(a: Any) -> Any:
            k = 0
            for i in a:
                if i % 2 > 0:
                    j = i // 2
                    k += j
            return k

        agrees(fn, (range(2),), (range(7),), (i32([1, 2, 5]),), (i32([]),))

    def test_while_continue_in_context_manager(self) -> None:
        def fn(x: Any) -> Any:
            z = 0
            while x > 0:
                with jax.named_scope("scope"):
                    x = x - 1
                    if x < 5:
                        continue
                    z = z + 1
            return z

        agrees(fn, (0,), (7,), (i32(4),), (i32(7),))

    def test_while_continue_in_try(self) -> None:
        def fn(x: Any) -> Any:
            while x > 0:
                x = x - 1
                try:
                    continue
                finally:
                    x = x - 1
            return x

        refused(fn, i32(4), at="try:", says=("try",))

    def test_while_break_in_context_manager(self) -> None:
        def fn(x: Any) -> Any:
            z = 0
            while x > 0:
                with jax.named_scope("scope"):
                    x = x - 1
                    if x < 5:
                        break
                    z = z + 1
            return z

        agrees(fn, (0,), (7,), (i32(4),), (i32(7),))

    def test_while_break_in_try(self) -> None:
        def fn(x: Any) -> Any:
            while x > 0:
                try:
                    break
                finally:
                    x = x - 1
            return x

        refused(fn, i32(4), at="try:", says=("try",))

    def test_loop_initializing_invariant_variable_legal(self) -> None:
        agrees(invariant, (1,), (2,))

    def test_loop_initializing_invariant_variable_illegal(self) -> None:
        agrees(invariant, (0,))
        refused(invariant, i32(2), at="return a", says=("'a'",))

    def test_loop_initializing_variant_variable_legal(self) -> None:
        agrees(variant, (1,), (3,))

    def test_loop_initializing_variant_variable_illegal(self) -> None:
        refused(variant, i32(2), at="a = a + 1", says=("'a'",))


def invariant(n: Any) -> Any:
    for i in range(n):
        if i == 0:
            a = 1
        else:
            a = 2
    return a


def variant(n: Any) -> Any:
    for i in range(n):
        if i == 0:
            a = 1
        else:
            a = a + 1
    return a


def sets_key(a: Any) -> Any:
    x = {"a": a}
    if x["a"] > 0:
        x["b"] = 1
    return x


def sets_key_in_else(a: Any) -> Any:
    x = {"a": {"a": a}}
    if x["a"]["a"] > 0:
        pass
    else:
        x["a"]["b"] = 1
    return x


def imbalanced(b: Any) -> Any:
    y = {"b": b}
    while y["b"] <= 10:
        y["a"] = y["b"] + 1
        y["b"] *= 2
    return y


class TestCompositeNamesInControlFlow:
    def test_if_basic(self) -> None:
        def in_dict(a: Any) -> Any:
            x = {"a": a}
            if x["a"] > 0:
                x["b"] = 1
            else:
                x["b"] = -1
            return x

        def in_list(a: Any) -> Any:
            x = [a, 0]
            if x[0] > 0:
                x[1] = 1
            else:
                x[1] = -1
            return x

        for fn in (in_dict, in_list):
            agrees(fn, (1,), (i32(0),), (i32(1),))

    def test_if_imbalanced_legal(self) -> None:
        agrees(sets_key, (0,), (1,))
        agrees(sets_key_in_else, (0,), (1,))

    def test_if_imbalanced_illegal(self) -> None:
        for fn in (sets_key, sets_key_in_else):
            refused(fn, i32(1), at='if x["a"]', says=("'b'",))

        def missing(a: Any) -> Any:
            x = {"a": a}
            if x["a"] > 0:
                x["b"]["a"] = 1
            return x

        with pytest.raises(KeyError, match="b"):
            jaxgrad.script(missing)(i32(1))
        agrees(missing, (1,), (0,))

    def test_while_basic(self) -> None:
        def in_dict(x: Any, a: Any, b: Any) -> Any:
            y = {"a": a, "b": b}
            while x > 0:
                x -= 1
                y["a"] += 1
            return y

        def in_list(x: Any, a: Any, b: Any) -> Any:
            y = [a, b]
            while x > 0:
                x -= 1
                y[0] += 1
            return y

        for fn in (in_dict, in_list):
            agrees(fn, (2, 3, 0), (i32(0), 3, 0), (i32(2), i32(7), 0))

    def test_while_state_only(self) -> None:
        def in_dict(a: Any, b: Any) -> Any:
            y = {"a": a, "b": b}
            while y["b"] <= 10:
                y["a"] += 1
                y["b"] *= 2
            return y

        def in_list(a: Any, b: Any) -> Any:
            y = [a, b]
            while y[1] <= 10:
                y[0] += 1
                y[1] *= 2
            return y

        for fn in (in_dict, in_list):
            agrees(fn, (0, 3), (0, i32(3)), (i32(0), i32(11)))

    def test_while_imbalanced_legal(self) -> None:
        agrees(imbalanced, (5,), (11,))

    def test_while_imbalanced_illegal(self) -> None:
        refused(imbalanced, i32(11), at='while y["b"] <= 10:', says=("'a'",))

    def test_for_basic(self) -> None:
        def in_dict(n: Any, a: Any, b: Any) -> Any:
            y = {"a": a, "b": b}
            for i in range(n):
                b -= 1
                y["a"] += i
            return y, b

        def in_list(n: Any, a: Any, b: Any) -> Any:
            y = [a, b]
            for i in range(n):
                b -= 1
                y[0] += i
            return y, b

        for fn in (in_dict, in_list):
            agrees(fn, (0, 1, 1), (2, 1, 1), (i32(2), 1, i32(1)))

    def test_for_state_only(self) -> None:
        def fn(n: Any, a: Any, b: Any) -> Any:
            x, y = {"a": a, "b": b}, [a, b]
            for _ in range(n):
                x["a"] += 1
                y[0] += 1
            return x, y

        agrees(fn, (2, 1, 1), (i32(0), 1, 1), (i32(2), i32(1), 1))

    def test_for_imbalanced_legal(self) -> None:
        def fn(n: Any, x: Any) -> Any:
            y = {}
            for i in range(n):
                x -= i
                y["a"] = x
            return y

        agrees(fn, (0, 0), (2, 0), (2, i32(0)))

    def test_for_imbalanced_illegal(self) -> None:
        def fn(n: Any, x: Any) -> Any:
            y = {}
            for i in range(n):
                y["a"] = x + i
            return y

        refused(fn, i32(0), 0, at="for i in range(n):", says=("'a'",))
