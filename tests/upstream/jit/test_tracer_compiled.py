"""Compiled functions in a trace and round it, each test under its name in torch.

What is compiled by `torch.jit.script` in torch's tests, and called from a trace, or
calls one, is compiled by `jax.jit` here. Its call is one node, with what it does in a
block.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.frontend import trace
from jaxgrad.graph import inline
from tests.helpers import TripledSin
from tests.upstream.helpers import Array, same
from tests.upstream.jit.helpers import (
    Product,
    agree,
    call,
    checked,
    in_order,
    kinds,
    names,
    slopes,
)

X = np.float32([0.5, -1.25, 2.0])
Y = jnp.float32([1.5, 0.75, -0.5])
NUMBERS = np.arange(9, dtype=np.float32).reshape(3, 3)
SQUARE = jnp.asarray(NUMBERS)


@jax.jit
def compiled_sin(x: Array) -> Array:
    return TripledSin.apply(x)


def test_trace_script() -> None:
    first = jax.jit(lambda pair: pair[0] + pair[1])
    traced = checked(first, (X, Y))
    assert names(traced) == ["pair_0", "pair_1"]
    checked(first, [X, Y])  # whatever holds them

    def turned(x: Array, how: str = "down", twice: bool = False) -> Array:
        x = x[::-1] if how == "down" else x[:, ::-1]
        return x * 2 if twice else x

    fn = jax.jit(turned, static_argnames=("how", "twice"))
    traced = checked(lambda x: fn(x) + fn(x, how="right", twice=True), SQUARE)
    assert len(traced.graph.find_all_nodes("lax::jit")) == 2
    with pytest.raises(TypeError, match="abstract array"):
        trace(lambda x: jax.jit(turned)(x, "right"), SQUARE)


def test_trace_mixed_by_script_with_dict_output() -> None:
    inner = jax.jit(lambda x: {"foo": TripledSin.apply(x) + 1})

    def fn(x: Array) -> Array:
        made = inner(x)
        return made["foo"] + made["foo"]

    traced = checked(fn, X)
    same(slopes(traced, X), (6 * np.cos(X),))


def test_trace_of_script() -> None:
    """Control flow inside a compiled function is not decided by the example."""

    @jax.jit
    def foo(a: Array, c: Array) -> Array:
        b = jax.lax.cond((a == 0).all(), lambda: 1.0, lambda: 0.0)
        return b + c

    one = jnp.ones(1)
    traced = trace(lambda b: foo(b - 1.0, one) + 1.0, jnp.zeros(1))
    assert all(n.output().is_complete_tensor() for n in traced.graph.nodes())
    assert len(call(traced.graph, "foo").find_node("lax::cond").blocks()) == 2
    assert float(traced(jnp.ones(1))[0]) == 3
    assert float(traced(jnp.zeros(1))[0]) == 2


def test_tracing_slicing() -> None:
    def foo(x: Array) -> Array:
        return x[-5:-3]

    a, b = jnp.arange(8), jnp.arange(20)
    traced, compiled = trace(foo, a), jax.jit(foo)
    agree(traced, compiled, a)
    agree(traced, foo, a)
    assert kinds(traced.graph_for(b)) == kinds(traced.graph)
    assert not jnp.array_equal(traced(a), traced.compile(b)(b))


def test_tracing_indexing() -> None:
    def foo(x: Array) -> Array:
        return x[-2]

    a, b = jnp.arange(8), jnp.arange(20)
    traced, compiled = trace(foo, a), jax.jit(foo)
    agree(traced, compiled, a)
    assert int(traced(a)) == 6
    assert int(traced.compile(b)(b)) == 18


def test_trace_parameter(tmp_path: Path) -> None:
    """A weight that nothing uses, several calls down, and the whole saved."""

    class Holder:
        bias = jnp.zeros((4, 4))

        def __call__(self, x: Array) -> Array:
            return x

    inner = trace(Holder(), SQUARE)
    outer = trace(jax.jit(lambda x: TripledSin.apply(inner(x))), SQUARE)
    assert outer.captured == {}
    outer.save(tmp_path / "outer.jaxgrad")
    loaded = jaxgrad.load(tmp_path / "outer.jaxgrad")
    same(slopes(loaded, NUMBERS), (3 * np.cos(NUMBERS),))


def test_call_script_fn_from_traced_module() -> None:
    traced = trace(Product(SQUARE, compiled_sin), X)
    assert in_order(str(traced.graph), "lax::dot_general", "name='compiled_sin'")
    assert kinds(call(traced.graph, "compiled_sin").blocks()[0]) == ["prim::PythonOp"]


def test_call_script_module_from_traced_module() -> None:
    inner = Product(2 * SQUARE)
    traced = checked(Product(SQUARE, lambda x: jax.jit(inner.__call__)(x) + 1.0), X)
    assert kinds(traced.graph) == ["lax::dot_general", "lax::jit", "lax::add"]
    assert kinds(call(traced.graph, "__call__").blocks()[0]) == ["lax::dot_general"]


def scripted(inner: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """A compiled function that calls another and adds 1."""
    return jax.jit(lambda x: inner(x) + 1)


def test_call_traced_fn_from_script_fn() -> None:
    fn = scripted(trace(TripledSin.apply, X))
    traced = trace(fn, X)
    assert kinds(inline(traced.graph)) == ["prim::PythonOp", "lax::add"]
    same(slopes(fn, X), (3 * np.cos(X),))


def test_call_traced_mod_from_script_fn() -> None:
    """Anything that is traced can be called; torch wants it to be a submodule."""
    fn = scripted(trace(Product(SQUARE), X))
    same(fn(X), X @ NUMBERS + 1)


def test_call_tracing_fn_from_script_module() -> None:
    inner = trace(TripledSin.apply, X)
    fn = jax.jit(Product(SQUARE, inner).__call__)
    graph = inline(trace(fn, X).graph)
    assert kinds(graph) == ["lax::dot_general", "prim::PythonOp"]
    same(slopes(fn, X), (3 * np.cos(X @ NUMBERS) @ NUMBERS.T,))


def test_call_tracing_mod_from_script_module() -> None:
    inner = trace(Product(2 * SQUARE), X)
    fn = jax.jit(Product(SQUARE, inner).__call__)
    assert kinds(inline(trace(fn, X).graph)) == ["lax::dot_general"] * 2
    same(fn(X), X @ NUMBERS @ (2 * NUMBERS))


def test_script_inline_trace_multiple_args() -> None:
    inner = trace(lambda a, b: a + TripledSin.apply(b), X, X)
    fn = jax.jit(lambda x: inner(x, x))
    same(fn(Y), Y + np.sin(Y))
    graph = inline(trace(fn, X).graph)
    (x,) = graph.inputs()
    assert {use.user.kind() for use in x.uses()} == {"lax::add", "prim::PythonOp"}


def test_trace_dict_mix_script() -> None:
    inner = jax.jit(lambda d: jnp.stack([jnp.sin(v[0]) for v in d.values()]))

    def fn(d: dict[str, list[Array]]) -> Array:
        return inner({key: [value[0]] for key, value in d.items()})

    traced = checked(fn, {"1": [X, Y], "3": [Y, X]})
    agree(traced, fn, {"1": [Y, Y], "3": [X, X]})


def test_trace_script_returning_complex_dict() -> None:
    """Empty arrays and arrays are of different types, and graphs."""

    @jax.jit
    def inner(d: dict[str, Any]) -> dict[str, Any]:
        a, keys, weights = d["1000"]
        return {"1000": (a, keys - 1500000, weights)}

    def fn(d: dict[str, Any]) -> Array:
        return inner(d)["1000"][1] + 1

    empty = {"1000": (jnp.zeros(1), jnp.zeros(0, jnp.int32), jnp.zeros(0))}
    full = {"1000": (jnp.zeros(1), jnp.int32([1500000, 1500004]), Y[:2])}
    traced = checked(fn, empty)
    assert traced(empty).shape == (0,)
    with pytest.raises(jaxgrad.errors.TraceError, match=r"d\['1000'\]\[1\]"):
        traced(full)
    assert traced.compile(full)(full).tolist() == [1, 5]


def test_trace_slice_expr_complete_type() -> None:
    inner = trace(lambda x: TripledSin.apply(x) + 1.0, SQUARE)
    sliced = jax.jit(lambda x: inner(x)[0:1])
    same(sliced(NUMBERS), np.sin(NUMBERS[0:1]) + 1)
    (out,) = trace(sliced, SQUARE).graph.outputs()
    assert out.is_complete_tensor()
    assert out.type().sizes() == [1, 3]


def test_jit_trace_callfunction_return_shapes() -> None:
    inner = jax.jit(lambda x: jnp.concatenate((x, x)))
    traced = trace(lambda x, y: jnp.abs(inner(x + y)), SQUARE, SQUARE)
    value = traced.graph.find_node("lax::jit").output()
    assert value.is_complete_tensor()
    assert str(value.type()) == "f32[6, 3]"
