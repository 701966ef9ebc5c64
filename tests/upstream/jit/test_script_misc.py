"""Various programs, each test under its name in torch's TestMisc."""

import functools
from math import inf
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import jaxgrad
from jaxgrad.graph import Graph, parse
from tests.upstream.scripted import agrees, bit, compare, f32, i32, refused


def constant(text: str) -> Any:
    """What a graph returns that has one constant."""
    graph = parse(f"graph():\n  %3 : {text}\n  return (%3)\n")
    (value,) = graph.outputs()
    assert isinstance(graph, Graph)
    return value.to_ival()


def nothing(f: Any) -> Any:
    return f


class TestMisc:
    def test_joined_str(self, capfd: pytest.CaptureFixture[str]) -> None:
        def fn(x: Any) -> Any:
            hello, test = "Hello", "test"
            print(f"{hello + ' ' + test}, I'm a {test}")
            print("format blank")
            print(f"stuff before {x}")
            print(f"{hello!r:>9} {2.5:.2f} stuff after")
            return f"{hello:>7}", x + 1

        want = fn(3)
        expected = capfd.readouterr().out
        compare(jaxgrad.script(fn)(3), want)
        jax.effects_barrier()
        assert capfd.readouterr().out == expected
        compare(jaxgrad.script(fn)(i32(3)), want)
        jax.effects_barrier()
        lines = capfd.readouterr().out.splitlines()
        assert sorted(lines) == sorted(expected.splitlines())

    def test_kwarg_support(self) -> None:
        class Mod:
            def forward(self, *, tokens: Any, name: Any = 2) -> Any:
                return tokens, name

        scripted = jaxgrad.script(Mod())
        compare(scripted(tokens=i32(3), name="hello"), (i32(3), "hello"))
        compare(scripted(tokens=3), (3, 2))
        with pytest.raises(TypeError, match="tokens"):
            scripted()
        with pytest.raises(TypeError, match=r"forward\(\)"):
            scripted(3, "hello")

    def test_tuple_subscripted_assign(self) -> None:
        def stores(a: Any) -> None:
            a[0] = a[1]

        def adds(a: Any) -> None:
            a[0] += a[1]

        agrees(stores, ((1, 2),), ((i32(1), 2),))
        agrees(adds, ((1, 2),), ((i32(1), 2),))

    def test_str_refine_any(self) -> None:
        def fn(x: Any) -> str:
            if isinstance(x, str):
                return x
            return "foo"

        agrees(fn, (1,), ("bar",), (i32(1),))

    def test_if_returning_any(self) -> None:
        def fn(x: Any) -> Any:
            if x.shape[0] == 1:
                return x * x
            else:
                return "str"

        agrees(fn, (f32([3]),), (f32([1, 2]),))

    def test_math_inf(self) -> None:
        def fn(x: Any) -> Any:
            return inf, x < inf

        agrees(fn, (f32(1),))

    def test_list_literal_infer(self) -> None:
        def appends(x: list[int]) -> Any:
            x.append(3)
            return x

        def fn() -> Any:
            return appends([])

        agrees(fn, ())

    def test_broadcasting_list(self) -> None:
        def fn(x: Any) -> Any:
            return x[0] + x[1]

        agrees(fn, ([4, 5],), ((4.5, f32(2)),), (4,))

    def test_parse_ir_annotate(self) -> None:
        assert constant("List[int] = prim::Constant[value=[]]()") == []

    def test_parse_ir_single_inf(self) -> None:
        assert constant("float = prim::Constant[value=inf]()") == inf

    def test_parse_ir_single_minus_inf(self) -> None:
        assert constant("float = prim::Constant[value=-inf]()") == -inf

    def test_parse_ir_bool_true(self) -> None:
        assert constant("bool = prim::Constant[value=True]()") is True

    def test_parse_ir_bool_false(self) -> None:
        assert constant("bool = prim::Constant[value=False]()") is False

    def test_script_many_decorators(self) -> None:
        def counted(f: Any) -> Any:
            @functools.wraps(f)
            def wrapper(*args: Any) -> Any:
                return f(*args)

            return wrapper

        @nothing
        @nothing
        @nothing
        def fn(x: Any, axis: Any) -> Any:
            return jnp.expand_dims(x, axis) if axis == 0 else x

        @counted
        @counted
        def wrapped(x: Any, axis: Any) -> Any:
            if x[0] > 0:
                x = -x
            return jnp.expand_dims(x, axis)

        agrees(fn, (f32([1]), 0))
        agrees(wrapped, (f32([1]), 0), (f32([-1]), 0))

    def test_pow_multiple_dtype(self) -> None:
        def fn(p: Any, gamma: float = 2.0) -> Any:
            p = jax.nn.sigmoid(p)
            return p**gamma

        agrees(fn, (jnp.ones(2, jnp.float16),), (f32([1, 2]), 3.0))

    def test_legacy_tensor_constructor(self) -> None:
        def fn() -> Any:
            return jnp.bool_([2]), jnp.int8([4]), jnp.float16([1]), jnp.uint8(7)

        agrees(fn, ())

    def test_export_opnames_interface(self) -> None:
        """The operations that a program becomes, by name."""

        def fn(x: Any) -> Any:
            if x > 0:
                return jnp.sin(x) * x
            return jnp.cos(x)

        graph = jaxgrad.script(fn).graph_for(f32(1))
        text = str(graph)
        assert "lax::cond" in text or "cond" in text
        assert "sin" in text
        assert "cos" in text
        refused(lambda x: x if x else None, bit(True), at="x if x else None")
