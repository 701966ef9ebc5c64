"""Branches and mutation, each test under its name in torch."""

# ruff: noqa: SIM108 (the programs say what they test)

from typing import Any

import jax.numpy as jnp

import jaxgrad
from tests.upstream.scripted import agrees, compare, f32, i32

X = f32([1, 2])


class TestIfHoisting:
    """Branches with one and the same value."""

    def test_if_hoist_basic(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            if x:
                z = y + 3
            else:
                z = y + 3
            return z

        agrees(fn, (True, 1), (i32(1), i32(2)), (i32(0), 2))

    def test_if_hoist_transposed_expr(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            if x:
                a = y + 3
                b = y * 2
            else:
                b = y * 2
                a = y + 3
            return a, b

        agrees(fn, (i32(1), i32(2)), (i32(0), 2))

    def test_if_hoist_swapped_expr(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            if x:
                a = y + 3
                b = y * 2
            else:
                a = y * 2
                b = y + 3
            return a, b

        agrees(fn, (i32(1), i32(2)), (i32(0), 2))

    def test_if_hoist_reused_var(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            b = 6
            if x:
                a = y + 3
                a = y * 2
            else:
                a = y * 2
                b = y + 3
            return a, b

        agrees(fn, (i32(1), i32(2)), (i32(0), 2))

    def test_no_hoist(self) -> None:
        def fn(x: Any, y: Any, z: Any) -> Any:
            if x:
                a = y + 3
            else:
                a = z + 3
            return a

        scripted = agrees(fn, (i32(1), 1, 3), (i32(0), 5, 10))
        assert len(scripted.graph.find_all_nodes("prim::If")) == 1

    def test_multiple_hoists(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            if x:
                a = y + 3
                b = a + y
            else:
                a = y + 3
                b = a + y
            return b * 2

        agrees(fn, (i32(1), X), (i32(0), X))


class TestRemoveMutation:
    """Lists and stores are no operation of the program that runs."""

    @staticmethod
    def gone(fn: Any, *args: Any) -> None:
        scripted = agrees(fn, args)
        assert "prim::" not in str(scripted.graph_for(*args)).replace("prim::Const", "")

    def test_aten_inplace(self) -> None:
        def view(x: Any) -> Any:
            y = x[0]
            y += 2
            return y, x

        def moved(x: Any) -> Any:
            y = x * 2
            z = y + 2
            y += 2
            return y, z

        self.gone(view, X)
        self.gone(moved, X)

    def test_if_output(self) -> None:
        def fn(x: Any, c: Any) -> Any:
            y = x + 5 if c else x + 2
            y += 4
            return y

        self.gone(fn, X, True)
        agrees(fn, (X, i32(0)))

    def test_if_output_fail(self) -> None:
        def fn(c: Any, x: Any) -> Any:
            values = []
            if c:
                values.append(x)
                y = x
            else:
                y = x * 2
                values.append(y)
            y += 2
            return y, values

        agrees(fn, (True, X), (i32(1), X), (i32(0), X))

    def test_special_mapped_op(self) -> None:
        def fn(x: Any) -> Any:
            y = jnp.zeros_like(x)
            y[:] = 3
            return y

        compare(jaxgrad.script(fn)(X), f32([3, 3]))

    def test_lists_append(self) -> None:
        def fn(x: Any) -> Any:
            a = [x, 2]
            n = len(a)
            a.append(x + n)
            return [y + 1 for y in a]

        self.gone(fn, X)

    def test_lists_insert(self) -> None:
        def fn(x: Any) -> Any:
            a: list[Any] = []
            a.insert(0, x)
            a.insert(0, 2)
            a.insert(-10, 3)
            a.insert(-9, x * 4)
            a.insert(10, 5)
            return a

        self.gone(fn, X)

    def test_list_indexing_removal(self) -> None:
        def fn(x: Any) -> Any:
            a = [1, x, 3]
            a[0] = 4
            a[-1] = x + 1
            return a

        def outside(x: Any) -> Any:
            a = [x]
            a[4] = 3
            return a

        self.gone(fn, X)
        agrees(outside, (X,))

    def test_common_pytorch_list_ops(self) -> None:
        def fn(x: Any) -> Any:
            x += 3
            y = [x, x]
            return jnp.concatenate(y) + 3, jnp.stack(y), jnp.vstack(y), jnp.hstack(y)

        self.gone(fn, X)
