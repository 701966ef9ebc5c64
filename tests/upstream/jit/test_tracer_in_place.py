"""What is written in place, each test under its name in torch.

Arrays are immutable: what a tensor is written to in torch is a Ref here, whose writes
are nodes with effects, or `x.at[i].set(...)`, which makes a new array.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Context, Function
from jaxgrad.frontend import trace
from jaxgrad.graph import PythonOp, dce
from tests.helpers import TripledSin
from tests.upstream.helpers import Array, same
from tests.upstream.jit.helpers import checked, kinds, line, slopes

X = np.float32([0.5, -1.25, 2.0])
M = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_trace_out_operator_with_two_output() -> None:
    """Results written to what was given for them: to Refs, of which none are made."""

    def run_cummax(x: Array, out_1: jax.Ref, out_2: jax.Ref) -> None:
        out_1[...] = jax.lax.cummax(x, 0)
        out_2[...] = jax.lax.cummax(x, 0, reverse=True)

    out_1, out_2 = (jax.new_ref(jnp.zeros(3)) for _ in range(2))
    traced = trace(run_cummax, X, out_1, out_2)
    same(
        jnp.stack([out_1[...], out_2[...]]), jnp.zeros((2, 3))
    )  # tracing writes nothing
    assert traced(X, out_1, out_2) is None
    same(out_1[...], np.float32([0.5, 0.5, 2]))
    same(out_2[...], np.float32([2, 2, 2]))
    assert "lax::new_ref" not in str(traced.graph)
    assert str(traced.graph.inputs()[1].type()) == "Ref{f32[3]}"


def test_inplace_transplant() -> None:
    def fn(x: Array) -> Array:
        y = jax.new_ref(x)
        y[...] += 2
        y[...] += 3
        return y[...]

    traced = trace(fn, X)
    same(traced(X), X + 5)
    # Writes are kept, and stay in order, however little their results are used.
    graph = dce(traced.graph)
    assert kinds(graph).count("lax::new_ref") == 1
    first, second = graph.find_all_nodes("lax::swap")
    assert first.is_before(second)
    assert first.has_side_effects()
    assert not first.has_uses()
    assert [line(first), line(second)] == ["y[...] += 2", "y[...] += 3"]


class Regular(Function):
    """x + 1; its rule is marked."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        return x + 1

    @staticmethod
    def backward(ctx: Context, g: Array) -> Array:
        return 10 * g


class InPlace(Regular):
    """x + 1, instead of x."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        ctx.mark_dirty(x)
        return x + 1


def test_inplace_flags() -> None:
    """A dirty argument is replaced, not written: its node is as pure as any."""

    def fn(x: Array) -> Array:
        for op in (Regular, InPlace, InPlace, Regular):
            x = op.apply(x)
        return x

    traced = checked(fn, X)
    nodes = dce(traced.graph).nodes()
    assert all(isinstance(node, PythonOp) for node in nodes)
    assert [node.name() for node in nodes] == [
        "Regular", "InPlace", "InPlace", "Regular"
    ]  # fmt: skip
    assert not any(node.has_side_effects() for node in nodes)
    same(slopes(traced, X), (np.full(3, 1e4),))


def test_inplace_check() -> None:
    """A Function that writes its argument runs from a graph, which torch refuses."""

    class Written(Function):
        @staticmethod
        def forward(ctx: Context, ref: jax.Ref) -> Array:
            ctx.mark_dirty(ref)
            ref[...] += 1
            return ref[...]

    def fn(x: Array) -> Array:
        ref = jax.new_ref(x)
        return Written.apply(ref) * ref[...]

    traced = trace(fn, X)
    same(traced(X), (X + 1) ** 2)
    # A dirty array, too: what is given stays, what is returned is new.
    same(trace(InPlace.apply, X)(X), X + 1)
    same(X, np.float32([0.5, -1.25, 2.0]))


def test_force_outplace_check_fill() -> None:
    traced = checked(lambda x: jnp.empty(x.shape).at[...].set(7), X)
    same(traced(X), np.full(3, 7.0))


def test_force_outplace_check_zero() -> None:
    def fn(x: Array) -> Array:
        out = jax.new_ref(jnp.empty(x.shape))
        out[...] = jnp.zeros(x.shape)
        return out[...]

    same(trace(fn, X)(X), np.zeros(3))


def test_trace_indexed_assignment() -> None:
    def fn(x: Array, y: Array) -> Array:
        return x.at[0].set(TripledSin.apply(y))

    traced = checked(fn, M, X)
    dx, dy = slopes(traced, M, X)
    same(dx, jnp.ones((2, 3)).at[0].set(0))
    same(dy, 3 * np.cos(X))


def test_nested_inplace() -> None:
    """A Ref that another, compiled, function writes."""

    @jax.jit
    def threshold(ref: jax.Ref) -> None:
        ref[...] = jnp.maximum(ref[...], 0)

    def fn(x: Array) -> Array:
        ref = jax.new_ref(x)
        threshold(ref)
        return ref[...]

    traced = trace(fn, X)
    same(traced(X), np.maximum(X, 0))
    call = traced.graph.find_node("lax::jit")
    assert call.s("name") == "threshold"
    assert call.has_side_effects()
    assert "lax::swap" in kinds(call.blocks()[0])


def test_inplace_copy() -> None:
    def fn(x: Array) -> Array:
        out = jax.new_ref(jnp.zeros(x.shape))
        out[...] = TripledSin.apply(x)
        return out[...]

    traced = trace(fn, X)
    assert "lax::swap" in kinds(dce(traced.graph))
    same(traced(X), np.sin(X))
    same(slopes(traced, X), (3 * np.cos(X),))


def test_inplace_copy_force_outplace() -> None:
    """The same with arrays only; a shorter one is broadcast into its place."""

    def fn(x: Array) -> Array:
        return jnp.zeros((2, 3)).at[...].set(TripledSin.apply(x))

    traced = checked(fn, X)
    assert not any(node.has_side_effects() for node in traced.graph.nodes())
    assert "lax::broadcast_in_dim" in kinds(traced.graph)
    same(slopes(traced, X), (6 * np.cos(X),))


def test_trace_checker_slice_lhs() -> None:
    def fn(x: Array) -> Array:
        for i in range(2):
            x = x.at[i, :].set(jnp.zeros(3))
        return x

    same(checked(fn, M)(M), np.zeros((2, 3)))


def test_lhs_index_fails() -> None:
    """Where torch warns of a wrong graph, nothing is traced."""

    def fn(x: Array) -> Array:
        x[0, 1] = 4
        return x

    with pytest.raises(TypeError, match=r"x = x\.at\[idx\]\.set\(y\)"):
        trace(fn, M)


def test_lhs_index_trivial() -> None:
    traced = checked(lambda y, x: y.at[...].set(x), M, X)
    same(traced(M, X), jnp.stack([X, X]))
