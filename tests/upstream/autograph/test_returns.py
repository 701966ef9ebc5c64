"""Early returns, each test under its name in AutoGraph's tests."""

# ruff: noqa: B012, SIM102, SIM107
# (the programs say what they test)

from typing import Any

import jax
import jax.numpy as jnp

from tests.upstream.scripted import agrees, bit, i32, refused

SIGNS = [(3,), (i32(-1),), (i32(3),), (i32(6),)]


def undefined(x: Any) -> Any:
    if x > 0:
        if x < 5:
            return x
    else:
        return x * x * x


def nested(x: Any) -> Any:
    if x > 0:
        if x < 5:
            return x
        else:
            return x * x
    else:
        return x * x * x


class TestEarlyReturn:
    def test_return_with_default(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                return x
            return x * x

        agrees(fn, *SIGNS)

    def test_return_dependent_on_local(self) -> None:
        def fn(c: Any) -> Any:
            t = jnp.int32(1)
            if c:
                return t
            t = jnp.stack([t, t])
            return jnp.sum(t)

        agrees(fn, (True,), (False,), (bit(True),), (bit(False),))

    def test_return_possibly_undefined_legal(self) -> None:
        agrees(undefined, (0,), (3,), (5,))

    def test_return_possibly_undefined_illegal(self) -> None:
        for n in (0, 5):
            refused(undefined, i32(n), at="return x", says=("return",))

    def test_nested_ifs(self) -> None:
        agrees(nested, *SIGNS)

    def test_possible_return_before_loop(self) -> None:
        def fn(c1: Any, c2: Any, n: Any) -> Any:
            if c1:
                if c2:
                    return 1
            for _ in range(n):
                pass
            return 2

        agrees(fn, (True, True, 1), (True, False, 2), (bit(True), bit(False), i32(2)))

    def test_nested_ifs_and_context_managers(self) -> None:
        def fn(x: Any) -> Any:
            with jax.named_scope("outer"):
                if x > 0:
                    if x < 5:
                        with jax.named_scope("inner"):
                            return x
                    else:
                        return x * x
                else:
                    return x * x * x

        agrees(fn, (3,), (i32(-1),), (i32(3),), (i32(6),))

    def test_unreachable_return(self) -> None:
        def fn(x: Any) -> Any:
            with jax.named_scope("outer"):
                if x > 0:
                    return x
                else:
                    return x * x * x
            return x * x * x * x

        agrees(fn, (3,), (i32(-2),), (i32(3),))

    def test_return_with_default_in_contexmanager(self) -> None:
        def fn(x: Any) -> Any:
            with jax.named_scope("outer"):
                if x > 0:
                    return 1
                return 0

        agrees(fn, (1,), (i32(0),), (i32(1),))

    # try is refused, with its place, on static and on traced values.

    def test_return_in_try_finally(self) -> None:
        def fn(x: Any) -> Any:
            try:
                if x > 0:
                    return 1
                else:
                    return 0
            finally:
                x = x + 1

        refused(fn, i32(1), at="try:", says=("try",))

    def test_return_with_default_try_finally(self) -> None:
        def fn(x: Any) -> Any:
            try:
                if x > 0:
                    return 1
                return 0
            finally:
                x = x + 1

        refused(fn, 1, at="try:", says=("try",))

    def test_return_in_finally(self) -> None:
        def fn(x: Any) -> Any:
            try:
                return 2
            finally:
                return 1

        refused(fn, i32(1), at="try:", says=("try",))

    def test_return_with_default_in_finally(self) -> None:
        def fn(x: Any) -> Any:
            y = x
            try:
                return 2
            finally:
                if y > 0:
                    return 1
                return 0

        refused(fn, i32(1), at="try:", says=("try",))

    def test_return_in_finally_default_in_try(self) -> None:
        def fn(x: Any) -> Any:
            if x > 3:
                try:
                    if x > 0:
                        return 0
                finally:
                    return 1

        refused(fn, i32(1), at="try:", says=("try",))

    def test_raise_during_return_caught(self) -> None:
        def raising() -> Any:
            raise ValueError

        def fn() -> Any:
            try:
                return raising()
            except ValueError:
                pass
            return 1

        refused(fn, at="try:", says=("try",))

    def test_raise_during_return_caught_in_tail_branch(self) -> None:
        def fn(c: Any) -> Any:
            if c:
                return 2
            try:
                return int("one")
            except ValueError:
                pass
            return 1

        refused(fn, bit(True), at="try:", says=("try",))


class TestReturnStatements:
    def test_straightline(self) -> None:
        def fn(x: Any) -> Any:
            return x * x

        agrees(fn, (2,), (i32(2),))

    def test_superfluous_returns(self) -> None:
        def fn() -> Any:
            value = 1
            return value
            value = 2
            return value

        agrees(fn, ())

    def test_superfluous_returns_adjacent(self) -> None:
        def fn() -> Any:
            return 1
            return 2

        agrees(fn, ())

    def test_conditional(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                return x
            else:
                return x * x

        agrees(fn, (2,), (i32(2),), (i32(-2),))

    def test_conditional_missing_else(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                return x

        agrees(fn, (2,), (-2,))
        refused(fn, i32(2), at="return x", says=("return",))

    def test_conditional_missing_else_then_default(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                return x
            return x * x

        agrees(fn, (2,), (i32(2),), (i32(-2),))

    def test_conditional_else_only_then_default(self) -> None:
        def fn(x: Any) -> Any:
            if x < 0:
                x *= x
            else:
                return x
            return x

        agrees(fn, (2,), (i32(2),), (i32(-2),))

    def test_conditional_nested(self) -> None:
        agrees(nested, (i32(2),), (i32(-2),), (i32(5),))

    def test_context_manager(self) -> None:
        def fn(x: Any) -> Any:
            with jax.named_scope("scope"):
                return x * x

        agrees(fn, (2,), (i32(-2),))

    def test_context_manager_in_conditional(self) -> None:
        def fn(x: Any) -> Any:
            if x > 0:
                with jax.named_scope("scope"):
                    return x * x
            else:
                return x

        agrees(fn, (2,), (i32(2),), (i32(-2),))

    def test_conditional_in_context_manager(self) -> None:
        def fn(x: Any) -> Any:
            with jax.named_scope("scope"):
                if x > 0:
                    return x * x
                else:
                    return x

        agrees(fn, (-2,), (i32(2),), (i32(-2),))

    def test_no_return(self) -> None:
        def fn(x: Any) -> None:
            x *= x

        agrees(fn, (2,), (i32(2),))

    def test_nested_function(self) -> None:
        def fn(x: Any) -> Any:
            def inner(y: Any) -> Any:
                if y > 0:
                    return y * y
                else:
                    return y

            return inner(x)

        agrees(fn, (2,), (i32(2),), (i32(-2),))

    def test_nested_function_in_control_flow(self) -> None:
        def fn(x: Any) -> Any:
            if x:

                def inner(y: Any) -> Any:
                    return y

                inner(x)

        agrees(fn, (2,), (0,), (i32(2),))

    def test_for_loop(self) -> None:
        def fn(n: Any) -> Any:
            for _ in range(n):
                return 1
            return 0

        agrees(fn, (2,), (i32(2),), (i32(0),))

    def test_while_loop(self) -> None:
        def fn(n: Any) -> Any:
            i, s = 0, 0
            while i < n:
                i += 1
                s += i
                if s > 4:
                    return s
            return -1

        agrees(fn, (4,), (i32(0),), (i32(2),), (i32(4),))

    def test_null_return(self) -> None:
        def fn(n: Any) -> None:
            if n > 4:
                return
            return

        agrees(fn, (i32(4),), (i32(5),))

    def test_nested_multiple_withs(self) -> None:
        def fn(x: Any) -> Any:
            v = []
            while x > 0:
                x -= 1
                with jax.named_scope("one"):
                    if x % 2 == 0:
                        return v
                with jax.named_scope("two"):
                    v.append(x)
                v.append(x)
            return v

        agrees(fn, (1,), (4,))

    def test_multiple_returns_in_nested_scope(self) -> None:
        """AutoGraph's has a try; here the inner scope is a condition."""

        def fn(a: Any) -> Any:
            s = 0
            for x in a:
                x = x - 1
                if x > 100:
                    return s
                if x == 2:
                    if s > 0:
                        return -s
                s += x
            return s

        agrees(fn, ([],), ([1, 2, 3],), (i32([2, 3, 4]),), (i32([5, 200, 4]),))
