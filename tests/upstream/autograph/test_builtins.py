"""Builtins, each test under its name in AutoGraph's py_builtins."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from tests.upstream.scripted import agrees, bit, f32, i32


class Base:
    def method(self, x: Any) -> Any:
        return x + 20 if x > 0 else x


class Derived(Base):
    def method(self, x: Any) -> Any:
        raise AssertionError("never called")

    def explicit(self, x: Any) -> Any:
        return super(Derived, self).method(x)  # noqa: UP008

    def implicit(self, x: Any) -> Any:
        return super().method(x)

    def with_locals(self, x: Any) -> Any:
        y, z = 7, 6
        return super().method(x + y - z)

    def in_function(self, x: Any) -> Any:
        parent = super()

        def inner() -> Any:
            return parent.method(x)

        return inner()

    def in_lambda(self, x: Any) -> Any:
        parent = super()
        return (lambda: parent.method(x))()

    def in_loop(self, x: Any) -> Any:
        while x < 50:
            x = super().method(abs(x))
        return x


def method(name: str) -> None:
    bound = getattr(Derived(), name)
    scripted = jaxgrad.script(bound)
    assert scripted(1) == bound(1)
    assert scripted(i32(1)) == bound(1)
    assert scripted(i32(-9)) == bound(-9)


class TestPyBuiltins:
    def test_abs(self) -> None:
        def fn(x: Any) -> Any:
            return abs(x)

        agrees(fn, (-1,), (i32(-1),), (i32([-1, 2, -3]),))

    def test_float(self) -> None:
        def fn(x: Any) -> Any:
            return float(x)

        agrees(fn, (10,), ("10.0",), (i32(1),))

    def test_int(self) -> None:
        def fn(x: Any, *base: Any) -> Any:
            return int(x, *base)

        agrees(fn, (10.0,), ("11", 2), (f32(1.5),))

    def test_int_unsupported_base(self) -> None:
        def fn(x: Any) -> Any:
            return int(x, 2)

        with pytest.raises(TypeError):
            jaxgrad.script(fn)(f32(1))

    def test_len(self) -> None:
        def fn(x: Any) -> Any:
            return len(x)

        agrees(fn, ([1, 2, 3],), (i32([[1], [2], [3]]),), ({"a": i32(1)},))

    def test_len_scalar(self) -> None:
        def fn(x: Any) -> Any:
            return len(x)

        with pytest.raises(TypeError):
            jaxgrad.script(fn)(i32(1))

    def test_print_tensors(self, capfd: pytest.CaptureFixture[str]) -> None:
        def fn(x: Any) -> None:
            print("test message", x)

        jaxgrad.script(fn)(i32(1))
        jax.effects_barrier()
        assert capfd.readouterr().out == "test message 1\n"

    def test_print_complex(self, capfd: pytest.CaptureFixture[str]) -> None:
        def fn(x: Any) -> None:
            print("test message", [1, 2], x, sep="; ")

        jaxgrad.script(fn)(i32(3))
        jax.effects_barrier()
        assert capfd.readouterr().out == "test message; [1, 2]; 3\n"

    def test_max(self) -> None:
        def fn(*values: Any) -> Any:
            return max(*values), min(*values)

        agrees(fn, ([1, 3, 2],), (0, 2, 1))

    def test_max_tensor(self) -> None:
        def fn(*values: Any) -> Any:
            return max(*values)

        agrees(fn, (i32([1, 3, 2]),), (i32(6), i32(4), i32(8)), (i32(6), 7))
        with pytest.raises(ValueError, match="ambiguous"):
            jaxgrad.script(fn)(i32([6, 2]), i32([4, 1]))

    def test_min(self) -> None:
        def fn(values: Any) -> Any:
            return min(values), min(values, key=lambda x: -x)

        agrees(fn, ([2, 1, 3],))

    def test_min_tensor(self) -> None:
        def fn(*values: Any) -> Any:
            return min(*values)

        agrees(fn, (i32([1, 3, 2]),), (i32(6), i32(4), i32(8)), (i32(6), 7))

    def test_range(self) -> None:
        def fn(*values: Any) -> Any:
            return list(range(*values))

        agrees(fn, (3,), (1, 3), (2, 0, -1))

    def test_range_tensor(self) -> None:
        def fn(*values: Any) -> Any:
            s = 0
            for i in range(*values):
                s = s * 10 + i
            return s

        agrees(fn, (i32(3),), (1, i32(3)), (2, 0, i32(-1)))

    def test_range_tensor_empty_range(self) -> None:
        def fn(*values: Any) -> Any:
            s = 7
            for i in range(*values):
                s = s * 10 + i
            return s

        agrees(fn, (i32(-3),), (5, i32(2)))

    def test_enumerate(self) -> None:
        def fn(values: Any, start: Any) -> Any:
            s = 0
            for i, x in enumerate(values, start):
                s = s * 10 + i * x
            return s

        agrees(fn, ([3, 2, 1], 5), ([-8], -3), (i32([3, 2, 1, 4, 5, 6]), 2))

    def test_zip(self) -> None:
        def fn(one: Any, other: Any) -> Any:
            s = 0
            for x, y in zip(one, other, strict=False):
                s = s * 10 + x * y
            return s

        agrees(fn, ([3, 2], [1, 2]), ([4, 5, 6], [-1, -2]))
        agrees(fn, (jnp.arange(7), jnp.arange(1, 7)), (i32([1, 2]), [3, 4]))

    def test_map(self) -> None:
        def fn(values: Any, others: Any) -> Any:
            added = map(lambda x, y: x + y, values, others)
            return list(added), [*map(abs, values)]

        agrees(fn, ([3, 2, 1], [-1, -2, -3]), ([i32(-3)], [i32(1)]))

    def test_next_normal(self) -> None:
        def fn(values: Any) -> Any:
            iterator = iter(values)
            return next(iterator), next(iterator), next(iterator, 4)

        agrees(fn, ([1, 2],), ([i32(1), 2, 3],))

    def test_super_in_original_context_unary_call(self) -> None:
        method("in_loop")

    def test_super_in_original_context_binary_call(self) -> None:
        method("explicit")

    def test_super_in_original_context_niladic_call(self) -> None:
        method("implicit")

    def test_super_in_original_context_caller_with_locals(self) -> None:
        method("with_locals")

    def test_super_in_original_context_inner_function(self) -> None:
        method("in_function")

    def test_super_in_original_context_inner_lambda(self) -> None:
        method("in_lambda")

    def test_filter(self) -> None:
        def fn(values: Any, limit: Any) -> Any:
            return list(filter(lambda x: x != limit, values))

        agrees(fn, (["a", "b", "c"], "b"), ([3, 2, 1], 3))

    def test_any(self) -> None:
        def fn(values: Any) -> Any:
            return any(values)

        agrees(fn, ([False, True],), ([False, False],), ([bit(False), bit(True)],))

    def test_all(self) -> None:
        def fn(values: Any) -> Any:
            return all(values)

        agrees(fn, ([False, True],), ([True, True],), ([bit(True), bit(True)],))

    def test_sorted(self) -> None:
        def fn(values: Any) -> Any:
            return (
                sorted(values),
                sorted(values, reverse=True),
                sorted(values, key=lambda x: -x),
            )

        agrees(fn, ([2, 3, 1],), ([],))

    def test_sorted_tensor(self) -> None:
        def fn(values: Any) -> Any:
            return sorted(values), sorted(values, reverse=True)

        agrees(fn, ([i32(2), i32(1)],), (i32([2, 3, 1]),))
