"""Sizes and indices, each test under its name in torch.

A graph of torch's computes with sizes; here they are a part of the types. What another
shape needs is another graph, which the callable gives when it is traced for it: a call
with another shape is refused, `graph_for`, `compile` and `export` take any.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import TraceError
from jaxgrad.frontend import TracedFunction, trace
from jaxgrad.lower import run
from tests.helpers import TripledSin
from tests.upstream.helpers import Array, same
from tests.upstream.jit.helpers import agree, checked, kinds, line, slopes

X = np.arange(40, dtype=np.float32).reshape(5, 2, 4) / 40
WIDE = np.arange(48, dtype=np.float32).reshape(3, 4, 4) / 48


def for_both(fn: Callable[..., Any], x: Array, wide: Array) -> TracedFunction:
    """A function traced on `x` alone, and asserted to be right for both shapes."""
    traced = checked(fn, x)
    with pytest.raises(TraceError, match="x of type"):
        traced(wide)
    got = traced.compile(wide)(wide)
    same(got, fn(wide))
    assert [v.type().sizes() for v in traced.graph_for(wide).outputs()] == [
        list(np.shape(a)) for a in jax.tree.leaves(got)
    ]
    return traced


def resized(x: Array) -> Array:
    return x.reshape(x.shape[1] * 2, x.shape[0], 2)


def test_trace_size() -> None:
    traced = for_both(resized, X, WIDE)
    # Or for all of them at once: sizes of a program may be symbols.
    spec = jax.ShapeDtypeStruct(jax.export.symbolic_shape("a, b, 4"), jnp.float32)
    graph = traced.graph_for(spec)
    assert [str(v.type()) for v in graph.outputs()] == ["f32[2*b, a, 2]"]
    exported = traced.export(spec, platforms=("cpu",), vjp_order=0)
    same(exported.call(WIDE), resized(WIDE))


def test_trace_size_with_grad() -> None:
    def fn(x: Array) -> Array:
        return TripledSin.apply(resized(x))

    traced = trace(fn, X)
    same(slopes(traced, X), (3 * np.cos(X),))
    graph = traced.graph_for(WIDE)
    same(slopes(lambda x: run(graph, x), WIDE), (3 * np.cos(WIDE),))


def test_trace_numel() -> None:
    """A size is a number of Python, and an array as a result."""
    traced = for_both(lambda x: x.size, X, WIDE)
    assert int(traced(X)) == 40
    assert kinds(traced.graph) == []


def test_trace_arange() -> None:
    for_both(lambda x: jnp.arange(x.shape[0]), X, WIDE)
    for_both(lambda x: jnp.arange(12), X, WIDE)
    for_both(lambda x: jnp.arange(x.shape[0], x.shape[0] + 5), X, WIDE)


def test_trace_arange_with_grad() -> None:
    def fn(x: Array) -> Array:
        return TripledSin.apply(x) * jnp.arange(x.shape[0]).reshape(-1, 1, 1)

    number = jnp.arange(5.0).reshape(-1, 1, 1)
    same(slopes(trace(fn, X), X), (3 * number * np.cos(X),))


def test_trace_full_dynamic_shape() -> None:
    traced = for_both(lambda x: jnp.full(x.shape, 2.0), X, WIDE)
    assert kinds(traced.graph) == ["lax::broadcast_in_dim"]


def test_trace_slice_setitem_dynamic_shape() -> None:
    def fn(x: Array, y: Array) -> Array:
        return x.at[:, 2].set(y + 1)

    x, wide = jnp.zeros((3, 4)), jnp.zeros((6, 5))
    traced = checked(fn, x, x[:, 0])
    graph = traced.graph_for(wide, wide[:, 0])
    same(run(graph, wide, wide[:, 0]), [fn(wide, wide[:, 0])])


def cut(x: Array) -> tuple[Array, ...]:
    return tuple(x[: x.shape[0] - i, i : x.shape[2], i:3] for i in range(2))


def picked(x: Array) -> tuple[Array, ...]:
    return tuple(x[:, i:, x.shape[2] - 3] for i in range(2))


def test_trace_slice() -> None:
    for_both(cut, X, WIDE)
    for_both(picked, X, WIDE)


def test_trace_slice_with_grad() -> None:
    times = np.zeros((5, 2, 4))  # how often each element is in a result
    for i in range(2):
        times[: 5 - i, i:, i:3] += 1
    traced = trace(lambda x: cut(TripledSin.apply(x)), X)
    same(slopes(traced, X), (3 * np.cos(X) * times,))


def test_trace_slice_full_dim() -> None:
    """A slice to the example's end ends there for a longer argument too."""
    for_both(lambda x: x[0:5, 0] + 1.0, jnp.zeros((5, 4)), jnp.zeros((6, 3)))


def test_trace_index() -> None:
    traced = checked(lambda x, y: x[y], X, jnp.array([0]))
    agree(traced, lambda x, y: x[y], X, jnp.array([-1]))


def test_trace_index_constant() -> None:
    traced = checked(lambda x: TripledSin.apply(x)[0], X[0, 0])
    same(traced(X[0, 0]), np.sin(X[0, 0, 0]))
    same(slopes(traced, X[0, 0] + 1), (np.float32([3 * np.cos(1), 0, 0, 0]),))


def test_index_put() -> None:
    """How many places a mask has is no size: where it stands, one writes `where`."""
    mask = jnp.array([[True, True, True], [True, False, False], [True, True, False]])
    ones = jnp.ones(6)
    with pytest.raises(IndexError, match="must be concrete"):
        trace(lambda x, mask: x.at[mask].set(ones), jnp.zeros((3, 3)), mask)
    traced = checked(lambda x, mask: jnp.where(mask, 1, x), jnp.zeros((3, 3)), mask)
    same(traced(np.full((3, 3), 7.0), ~mask), np.where(mask, 7.0, 1.0))
    # A mask that is known is a constant, and the number of its places a size.
    known = checked(lambda x: x.at[mask].set(ones), jnp.zeros((3, 3)))
    same(known(np.full((3, 3), 7.0)), np.where(mask, 1.0, 7.0))


def put(target: Array, indices: Array, values: Array) -> Array:
    return target.at[indices].set(values)


def test_index_put_trace_with_view() -> None:
    """Values of too many dimensions are refused, and are reshaped by hand."""
    args = (jnp.zeros(10), jnp.array([1, 2, 3, 4]), jnp.arange(4.0).reshape(1, 1, 4))
    with pytest.raises(ValueError, match="fewer dimensions"):
        trace(put, *args)
    traced = checked(lambda t, i, v: put(t, i, v.reshape(4)), *args)
    assert kinds(traced.graph)[0] == "lax::reshape"
    same(traced(*args)[:6], np.float32([0, 0, 1, 2, 3, 0]))


def test_index_put_trace_without_view() -> None:
    args = (jnp.zeros(10), jnp.array([1, 2, 3, 4]), jnp.arange(4.0))
    traced = checked(put, *args)
    scatter = traced.graph.find_node("lax::scatter")
    assert "lax::reshape" not in kinds(traced.graph)
    assert line(scatter) == "return target.at[indices].set(values)"
    same(traced(*args)[:6], np.float32([0, 0, 1, 2, 3, 0]))


def test_trace_inline_shape() -> None:
    """A size inside a compiled function is known when it is traced."""

    @jax.jit
    def size(x: Array) -> Array:
        return jnp.array([x.shape[0]])

    traced = for_both(size, jnp.zeros(7), jnp.zeros(15))
    assert int(traced(jnp.ones(7))[0]) == 7
    assert int(run(traced.graph_for(jnp.zeros(15)), jnp.zeros(15))[0][0]) == 15


def test_trace_contiguous() -> None:
    traced = checked(lambda x: x[:, :, ::2].reshape(20), X)
    before = np.array(X)
    out = traced(X)
    assert out is not X
    same(out, before[:, :, ::2].reshape(20))
    same(X, before)  # whatever is done with the result
