"""Operators, subscripts and builtins, each test under its name in torch."""

# ruff: noqa: F821 (the programs say what they test)

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from tests.upstream.scripted import agrees, bit, by_numpy, compare, f32, i32, refused

X = f32([1, 2])
CUBE = jnp.arange(24.0).reshape(2, 3, 4)


def indexed(array: Any, *texts: str) -> None:
    """Assert that one program with all these subscripts gives what Python gives."""
    every = ", ".join(f"x[{text}]" for text in texts)
    scripted = jaxgrad.script(f"def fn(x, i, j, k):\n    return ({every},)\n")
    i, j, k = i32([0, 1]), i32([[1], [0]]), i32(1)
    names = {"x": np.asarray(array), "i": np.array(i), "j": np.array(j), "k": 1}
    want = tuple(jnp.asarray(eval(f"x[{text}]", names)) for text in texts)
    compare(scripted(array, i, j, k), want)


class TestPythonBuiltinOP:
    def test_add(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            c = a + b
            c += a
            return c

        agrees(fn, (X, X), (1, 2), ([1], [2]), ("a", "b"))
        compare(jax.grad(jaxgrad.script(fn))(f32(1), f32(2)), f32(2))

    def test_mul(self) -> None:
        agrees(lambda a, b: a * b, (X, X), (X, 2), ("a", 3))

    def test_matmul_py3(self) -> None:
        agrees(lambda a, b: a @ b, (jnp.ones((4, 3)), jnp.ones((3, 2))))

    def test_pow(self) -> None:
        def fn(a: Any, b: Any, c: Any) -> Any:
            return c + a**b**c, 2**-2

        agrees(fn, (X, 2, 1), (f32(2), f32(0.5), f32(2)), (4, -0.5, 1))

    def test_triple(self) -> None:
        agrees(lambda x: 3.0 * x, (X,), (i32(2),))

    def test_slice(self) -> None:
        indexed(jnp.arange(10.0), ":5", "5:", ":8:2", "1::4", "::-1", "-3:-1")

    def test_gather(self) -> None:
        indexed(jnp.arange(10.0), "0", "-1", "k", "i", "j")

    def test_random(self) -> None:
        def fn(key: Any, mean: Any) -> Any:
            return mean + jax.random.normal(key, (2,))

        agrees(fn, (jax.random.PRNGKey(0), X))

    def test_stepped_tuple_slicing(self) -> None:
        def fn(x: Any) -> Any:
            return x[-3:3:2], x[::55], x[:4:4], x[::-1], x[7:5:2], x[5:7:-2], x[3::-2]

        agrees(fn, ((0, 1, 2, 3, X, 5, 6),), ((0,),))

    def test_index(self) -> None:
        indexed(CUBE, "0", "-1", "0:2", "1:", "0, 1", "1, 0, 2", "1, -1", "0, 1:2")
        indexed(CUBE, "0, :1", "-1, 1:, 0", "0:0", "0:0, 1", "1 - 1", "0:(0 + 1)")
        indexed(CUBE, "None, 0", "1, None", "None, None, 1", "-1, None, 2:, None, 1:2")

        def dynamic(x: Any, i: Any, j: Any) -> Any:
            return x[i + j], x[j, i], x[i][j]

        agrees(dynamic, (CUBE, 0, 1), (CUBE, i32(0), i32(1)))

    def test_advancedindex(self) -> None:
        indexed(CUBE, "i", "i, i", "i, j", "j, i, i", "i, 1, i", ":, :, i", ":, i, 2:4")
        indexed(
            CUBE, "i, :, :", ":, i, i", ":, i, j", "0, i, :", "i, 2, :", "j, i, 0:2"
        )
        indexed(CUBE, "..., i", "k, i", "k")

    def test_adv_indexing_list(self) -> None:
        def fn(x: Any) -> Any:
            chosen = [0]
            chosen.append(1)
            return x[np.array(chosen)], x[np.array([0, 1]), np.array([0, 1])]

        agrees(fn, (jnp.eye(3),), want=by_numpy(fn))

    def test_index_ellipses(self) -> None:
        texts = [
            ", ".join(text)
            for text in itertools.product((":", "None"), ("...",), (":", "1"))
        ]
        indexed(CUBE, *texts)

    def test_inf(self) -> None:
        def fn(a: Any, c: Any) -> Any:
            low = float("-inf")
            if c:
                low = 5.0
            return a < float("inf"), a > low

        agrees(fn, (f32(1), True), (f32(1), bit(True)), (f32(1), bit(False)))

    def test_str_to_float(self) -> None:
        def fn(text: Any) -> Any:
            return float(text) == 0.5

        agrees(fn, ("0.5",), ("0",), ("0.5 hello",))


class TestBuiltins:
    def test_has_attr(self) -> None:
        class A:
            def __init__(self) -> None:
                self.a = 0

        class B:
            def __init__(self) -> None:
                self.b = X

        def fn(values: Any) -> Any:
            found = []
            for value in values:
                found.append(hasattr(value, "a"))
                if hasattr(value, "b"):
                    found.append(value.b)
            return found

        agrees(fn, ([A(), B()],))

    def test_has_attr_invalid_args(self) -> None:
        def fn(x: Any, name: Any) -> Any:
            return hasattr(x, name)

        agrees(fn, (X, "shape"), (X, "missing"))
        with pytest.raises(TypeError):
            jaxgrad.script(fn)(X, i32(1))

    def test_del(self) -> None:
        def fn(x: Any) -> Any:
            a = x * 2
            del a
            return x

        def used(x: Any) -> Any:
            a = x**2
            del a
            return a

        def sometimes(x: Any) -> Any:
            a = x**2
            if a > 0:
                del a
            return a

        def unknown(x: Any) -> Any:
            del b
            return x

        agrees(fn, (X,), ([1, 2],))
        agrees(used, (X,))
        agrees(unknown, (X,))
        refused(sometimes, f32(1), at="return a", says=("'a'",))

    def test_del_multiple_operands(self) -> None:
        def names(x: Any) -> Any:
            a, b, c = x[0], x[1], x[2]
            del a, b, c
            return x

        def items(x: Any) -> Any:
            del x[0], x[1]
            return x

        def keys(x: Any) -> Any:
            del x["hi"], x["there"]
            return x

        agrees(names, ([1, X, 3],))
        agrees(items, ([0, X, 2],))
        agrees(keys, ({"hi": X, "there": 6, "you": 7},))

    def test_torch_check(self) -> None:
        def fn(x: Any) -> Any:
            assert x.sum() > -1000, "the sum must be reasonable"
            for s in x:
                assert s > -100, f"element {1 + 1}"
            return x

        agrees(fn, (X,), (X * -2000,), (X * -100,))


class TestTensorBuiltins:
    def test_tensor_properties(self) -> None:
        names = ("dtype", "ndim", "shape", "size", "T", "nbytes", "itemsize", "mT")
        unit = jaxgrad.CompilationUnit()
        for name in names:
            unit.define(f"def get_{name}(x):\n    return x.{name}\n")
        x = jnp.ones((2, 3))
        for name in names:
            compare(getattr(unit, f"get_{name}")(x), getattr(x, name))

    def test_tensor_subscript_assign(self) -> None:
        def fn(x: Any, i: Any) -> Any:
            a = jnp.zeros_like(x)
            a[i] = 2
            a[-1] += jnp.uint8(5)
            return a

        scripted = jaxgrad.script(fn)
        x = jnp.zeros(3, jnp.uint8)
        for i in (0, i32(0), jnp.uint8(0)):
            compare(scripted(x, i), jnp.uint8([2, 0, 5]))
        compare(scripted(jnp.ones(2), i32(0)), f32([2, 5]))

    def test_tensor_subscript_assign_device(self) -> None:
        def fn(x: Any) -> Any:
            a = jax.device_put(jnp.zeros_like(x))
            a[0] = 2
            return a

        compare(jaxgrad.script(fn)(X), f32([2, 0]))

    def test_tensor_item(self) -> None:
        """A number of a traced array is a scalar array of that kind."""

        def fn(x: Any) -> Any:
            y = x.item() if hasattr(x, "missing") else x
            return int(y), float(y), bool(y)

        agrees(fn, (f32(1.5),), (i32(1),))

    def test_method_on_number(self) -> None:
        def fn() -> Any:
            c = 1
            return c.add(1)

        agrees(fn, ())

    def test_scalar_to_num_conversions(self) -> None:
        """A traced value is no axis; the error says where."""

        def fn(x: Any, axis: Any) -> Any:
            return jnp.expand_dims(x, axis)

        agrees(fn, (X, 0))
        says = ("'axis'", "Python int")
        refused(fn, X, i32(0), at="jnp.expand_dims(x, axis)", says=says)
