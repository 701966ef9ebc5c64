"""What is known while it is compiled, each test under its name in TestPeephole."""

from typing import Any

import jax.numpy as jnp

import jaxgrad
from jaxgrad.graph import constant_fold, dce
from tests.upstream.scripted import agrees, f32, i32

X = f32([1, 2])


class TestPeephole:
    def test_peephole_with_writes(self) -> None:
        def fn(x: Any) -> Any:
            s = 0
            s += x
            s += x
            return s

        agrees(fn, (X,))

    def test_peephole_with_non_output_writes(self) -> None:
        def fn(x: Any) -> Any:
            z = x * 1
            y = z + 0
            z += 1
            return y + y, z

        agrees(fn, (X,))

    def test_peephole_no_output_aliasing(self) -> None:
        def fn(x: Any) -> Any:
            y = x + 0
            return x, y

        agrees(fn, (X,))

    def test_peephole_dynamic(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            return x.astype(y.dtype)

        scripted = agrees(fn, (X, i32(1)), (i32(1), X))
        text = str(scripted.graph)
        assert str(constant_fold(scripted.graph)) == text

    def test_peephole(self) -> None:
        """A conversion to the type that an array has is no operation."""

        def fn(x: Any, y: Any) -> Any:
            return x.astype(y.dtype)

        scripted = jaxgrad.script(fn)
        assert "convert" not in str(scripted.graph_for(X, X))
        assert "convert" in str(scripted.graph_for(X, i32(1)))

    def test_peephole_list_ops(self) -> None:
        def length(x: Any, y: Any) -> Any:
            return len([x, y, 3])

        def item(x: Any, y: Any) -> Any:
            values = [x, y, 3]
            values.append(x)
            return values[1], values[-2]

        def outside(x: Any) -> Any:
            return [x][-7]

        assert agrees(length, (X, 1))(X, 1) == 3
        agrees(item, (X, 1))
        agrees(outside, (X,))

    def test_peephole_type_refinements(self) -> None:
        def refine(x: Any) -> Any:
            return x if x is not None else jnp.int32(3)

        def fn(y: Any) -> Any:
            return refine(y) + refine(None)

        scripted = agrees(fn, (i32(4),))
        assert "cond" not in str(scripted.graph_for(i32(4)))

    def test_short_circuit_optimization(self) -> None:
        def constant(x: Any) -> Any:
            return x == 1 and False, x == 1 or True

        def redundant(x: Any) -> Any:
            return x == 1 and True, x == 1 or False

        agrees(constant, (1,), (i32(1),))
        agrees(redundant, (1,), (0,), (i32(1),), (i32(0),))

    def test_conv_dim_folding(self) -> None:
        """How many dimensions there are is known without what makes them."""

        def fn(x: Any) -> Any:
            y = jnp.convolve(x, x)
            return y.ndim, y.shape[0] * 2

        scripted = agrees(fn, (X,))
        assert "conv" not in str(dce(scripted.graph_for(X)))

    def test_normalized_is_op(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            return x is True, False is x, x is y

        agrees(fn, (True, False), (None, None))

    def test_normalized_isnot_op(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            return x is not True, False is not x, x is not y

        agrees(fn, (True, False), (None, None))

    def test_peephole_list_len(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            if len(x) != 4 or len(y) != 5:
                raise ValueError("lengths")
            return len(x) + len(y)

        assert agrees(fn, ([0] * 4, [1] * 5), ([0], [1]))([X] * 4, [X] * 5) == 9

    def test_integer_refinement(self) -> None:
        def fn(x: Any, y: Any) -> Any:
            if x == 4 and y == 5:
                pass
            else:
                raise ValueError("hi")
            return x + y

        agrees(fn, (4, 5), (2, 4), (i32(4), i32(5)), (i32(4), i32(4)))

    def test_optimize_out_comparison_same_value(self) -> None:
        def fn(x: Any) -> Any:
            return x == x, x != x

        agrees(fn, (1,), ([2, 3],), (i32(2),))

    def test_refine_integer_values(self) -> None:
        def fn(x: Any) -> Any:
            y = 1
            if x == 1:
                return y
            else:
                return x

        agrees(fn, (2,), (1,), (i32(2),), (i32(1),))

    def test_peephole_len_list(self) -> None:
        def fn(x: Any) -> Any:
            sizes = list(x.shape)
            sizes.append(4)
            return len(x.shape), len(sizes)

        assert agrees(fn, (jnp.ones((3, 1)),))(X) == (1, 2)

    def test_peephole_int(self) -> None:
        agrees(lambda x: int(x), (3,), (i32(3),))

    def test_peephole_arith(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            return [1 + (a + 2 - 3) // 1, int((1 * (b + 2 - 3) // 1 + 1) / 1)]

        agrees(fn, (1, 3))
        folded = jaxgrad.script(lambda x: x + (1 + 2 * 3) // 2).graph_for(X)
        assert str(folded).count("lax::") == 1
