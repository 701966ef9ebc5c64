"""Running the backward of a recording: edges, steps, hooks, and freed values."""

import functools
import gc
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Context, Function, once_differentiable
from jaxgrad.frontend._tape import GradientEdge, record
from tests.helpers import TripledSin

X = jnp.array([0.5, -1.25, 2.0])
W = jnp.array([1.5, 0.75, -0.5])


def loss(x: Any, w: Any) -> Any:
    z = jnp.sin(x) * w
    y = TripledSin.apply(z)
    return (y * y).sum()


def note(calls: list[str], name: str, *_: Any) -> None:
    calls.append(name)


def same(got: Any, expected: Any) -> None:
    np.testing.assert_array_equal(np.asarray(got), np.asarray(expected))


# --- running backward -----------------------------------------------------------------


def test_apply_runs_one_node() -> None:
    recording = record(loss, X, W)
    product = recording.nodes[3]
    of_sine, of_w = product.apply(X)
    same(of_sine, X * W)
    same(of_w, X * jnp.sin(X))
    same(product(X)[0], of_sine)
    assert product.apply(None) == (None, None)
    assert recording.nodes[0].apply(X) == ()


def test_absent_cotangents_arrive_as_none() -> None:
    seen: list[Any] = []

    class Pair(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> tuple[jax.Array, jax.Array]:
            ctx.set_materialize_grads(False)
            return 2 * x, 3 * x

        @staticmethod
        def backward(ctx: Context, a: Any, b: Any) -> Any:
            seen.append((a is None, b is None))
            return sum(g for g in (a, b) if g is not None)

    recording = record(lambda x: Pair.apply(x)[1] * 2, X)
    recording.backward(X)
    recording.nodes[1].apply(X, None)
    assert seen == [(True, False), (False, True)]


def test_rules_that_nothing_reaches_do_not_run() -> None:
    calls: list[str] = []

    class Loud(TripledSin):
        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            calls.append("ran")
            return TripledSin.backward(ctx, g)

    first = jax.jit(lambda x, y: (x * 2, y * 3))
    recording = record(lambda x: first(Loud.apply(x), x)[1], X)
    same(recording.backward(W)[0], 3 * W)
    assert calls == []


def test_a_second_derivative_of_a_once_differentiable_rule_is_refused() -> None:
    class Once(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once_differentiable
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return 100 * g * ctx.saved_tensors[0]

    recording = record(Once.apply, X)
    same(recording.backward(W)[0], 100 * W * X)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        jax.grad(lambda g: recording.backward(g)[0].sum())(W)


def test_fn_runs_once_and_its_results_are_kept(capsys: Any) -> None:
    def fn(x: Any) -> Any:
        print("running")
        return {"a": TripledSin.apply(x), "b": [x]}

    recording = record(fn, X)
    recording.backward({"a": X, "b": [None]})
    assert capsys.readouterr().out == "running\n"
    assert set(recording.result) == {"a", "b"}
    assert recording.outputs == jax.tree.leaves(recording.result)
    assert recording.graph.find_node("prim::PythonOp") is not None


def test_refs_that_hold_constants_are_written_once() -> None:
    class Counted(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array, count: Any) -> jax.Array:
            count[...] += 1
            return 2 * x

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, None]:
            return 20 * g, None

    count = jax.new_ref(jnp.int32(0))
    recording = record(lambda x: Counted.apply(x, count) + count[...], X)
    assert int(count[...]) == 1
    same(recording.result, 2 * X + 1)
    same(recording.backward(W)[0], 20 * W)


# --- edges ----------------------------------------------------------------------------


def test_an_edge_is_found_by_value_name_and_array() -> None:
    recording = record(lambda x: (TripledSin.apply(x), x), X)
    node = recording.nodes[1]
    edge = recording.edge(recording.result[0])
    assert edge == (node, 0) == GradientEdge(node, 0)
    value = node.graph_node.output()
    assert recording.edge(value) == recording.edge(value.debug_name()) == edge
    assert recording.edge("%x") == recording.edge(X) == (recording.nodes[0], 0)
    assert recording.edge(edge) is edge


def test_results_that_a_function_hands_on_have_their_own_edges() -> None:
    class Same(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            return x

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return 10 * g

    recording = record(lambda x: (Same.apply(x), x), X)
    new, old = recording.result
    assert recording.edge(new).node.name() == "SameBackward"
    assert recording.edge(old) == recording.edge(X)
    same(recording.backward((W, W))[0], 11 * W)


def test_a_partial_backward_runs_only_the_nodes_between() -> None:
    recording = record(loss, X, W)
    ran: list[str] = []
    for node in recording.nodes:
        node.register_hook(functools.partial(note, ran, node.name()))
    at_z, at_x = recording.backward(inputs=[recording.edge("z"), X])
    assert ran == [
        "ReduceSumBackward",
        "MulBackward",
        "TripledSinBackward",
        "MulBackward",
        "SinBackward",
    ]
    ran.clear()
    (again,) = recording.backward(inputs=recording.edge("z"))
    assert ran == ["ReduceSumBackward", "MulBackward", "TripledSinBackward"]
    z = jnp.sin(X) * W
    same(again, at_z)
    np.testing.assert_allclose(at_z, 6 * jnp.sin(z) * jnp.cos(z), 1e-6)
    same(at_x, recording.backward()[0])


def test_backward_can_start_from_inside() -> None:
    recording = record(loss, X, W)
    ran: list[str] = []
    recording.nodes[4].register_hook(lambda *_: ran.append("TripledSin"))
    of_x, of_w = recording.backward({recording.edge("z"): X})
    same(of_w, X * jnp.sin(X))
    same(of_x, X * W * jnp.cos(X))
    assert ran == []
    assert recording.backward({recording.edge("z"): X}, inputs=["y"])[0].sum() == 0


def test_step_runs_one_node_at_a_time() -> None:
    recording = record(loss, X, W)
    ran: list[str] = []
    recording.nodes[4].register_hook(lambda *_: ran.append("TripledSin"))
    walk = recording.step(jnp.float32(2))
    first = next(walk)
    assert first.node is recording.nodes[-1]
    same(first.grad_outputs[0], 2)
    same(first.grad_inputs[0], jnp.full(3, 2.0))
    assert ran == []
    rest = list(walk)
    assert ran == ["TripledSin"]
    assert [s.node.sequence_nr for s in rest] == [5, 4, 3, 2, 1, 0]
    same(rest[-1].grad_outputs[0], recording.backward(jnp.float32(2))[0])
    assert rest[-1].grad_inputs == ()


# --- hooks ----------------------------------------------------------------------------


def test_hooks_run_in_order_and_replace_gradients() -> None:
    recording = record(lambda x: TripledSin.apply(x) * 2, X)
    leaf, node, _ = recording.nodes
    calls: list[str] = []

    def note(name: str, factor: Any = None) -> Any:
        def hook(*args: Any) -> Any:
            calls.append(name)
            return None if factor is None else (factor * args[0][0],)

        return hook

    node.register_prehook(note("pre 1", 2))
    pre = node.register_prehook(note("pre 2"))
    node.register_hook(note("post 1", 5))
    post = node.register_hook(note("post 2"))
    leaf.register_prehook(note("leaf", 7))
    plain = 2 * 3 * jnp.cos(X)
    np.testing.assert_allclose(recording.backward(jnp.ones(3))[0], 70 * plain, 1e-6)
    assert calls == ["pre 1", "pre 2", "post 1", "post 2", "leaf"]
    calls.clear()
    pre.remove()
    post.remove()
    np.testing.assert_allclose(node.apply(jnp.ones(3))[0], 5 * plain, 1e-6)
    assert calls == ["pre 1", "post 1"]


def test_a_hook_sees_gradients_of_inputs_and_outputs() -> None:
    recording = record(lambda x: x * W, X)
    seen: list[Any] = []
    recording.nodes[-1].register_hook(lambda *args: seen.append(args))
    recording.backward(X)
    ((grad_inputs, grad_outputs),) = seen
    same(grad_inputs[0], X * W)
    assert grad_inputs[1] is None
    same(grad_outputs[0], X)


# --- freeing --------------------------------------------------------------------------


def test_release_frees_the_memory() -> None:
    recording = record(loss, X, W)
    kept = [weakref.ref(a) for node in recording.nodes for a in node.saved_tensors]
    alive = [ref for ref in kept if ref() is not None and ref() is not W]
    assert len(alive) >= 3
    recording.release_variables()
    gc.collect()
    assert [ref() for ref in alive if ref() is not None] == []
    assert recording.saved_bytes == 0
    assert "(freed)" in str(recording)


def test_values_that_no_backward_needs_are_not_kept() -> None:
    seen: list[Any] = []
    alive: list[Any] = []

    class Noting(TripledSin):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            alive.append([ref() is not None for ref in seen])
            seen.append(weakref.ref(x))
            return jnp.sin(x)

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return 3 * g

    def fn(x: Any) -> Any:
        return Noting.apply(Noting.apply(x + 1) + 1)

    gc.disable()
    try:
        recording = record(fn, X)
    finally:
        gc.enable()
    # First forward was traced; the last two runs were given arrays.
    assert alive[-1][-1] is False
    assert [ref() for ref in seen[-2:]] == [None, None]
    same(recording.backward(W)[0], 9 * W)
