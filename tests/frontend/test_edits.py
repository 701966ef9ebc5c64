"""Edits that a graph must carry out, or refuse, and never do half."""

import threading
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental.xla_metadata import set_xla_metadata

import jaxgrad
from jaxgrad import Function, trace
from jaxgrad.errors import AnomalyError, LoweringError, ParseError, TraceError
from jaxgrad.graph import Graph, cse, inline, parse

X = jnp.arange(6.0).reshape(2, 3)
V = jnp.array([0.1, 0.2, 0.3])
W = jnp.array([1.0, 2.0, 3.0])


class Total(Function):
    """k times the sum; its backward is deliberately 50 times the derivative."""

    @staticmethod
    def forward(ctx: Any, x: jax.Array, k: int) -> jax.Array:
        ctx.k, ctx.shape = k, x.shape
        return x.sum() * k

    @staticmethod
    def backward(ctx: Any, grad: jax.Array) -> Any:
        return 50 * grad * ctx.k * jnp.ones(ctx.shape), None


def totals() -> Any:
    traced = trace(jax.vmap(lambda x: Total.apply(x, 2)), X)
    return traced, traced.graph.find_node("prim::PythonOp")


def test_a_batched_application_stays_batched_when_it_is_edited() -> None:
    traced, node = totals()
    node.attr["scalar_args"] = [3]
    np.testing.assert_allclose(traced(X), 3 * X.sum(1))
    found = jax.grad(lambda x: traced(x).sum())(X)
    np.testing.assert_allclose(found, 150 * jnp.ones_like(X))


def test_a_clone_of_a_batched_application_is_batched() -> None:
    traced, node = totals()
    graph = traced.graph
    clone = graph.create("prim::PythonOp", node.inputs())
    clone.clone_from(node).insert_after(node)
    node.output().replace_all_uses_with(clone.output())
    node.destroy()
    np.testing.assert_allclose(traced(X), 2 * X.sum(1))


def test_the_text_of_a_batched_application_is_refused_by_parse() -> None:
    traced, _ = totals()
    assert "^Total[vmap=vmap(^Total(2))](2)(%x)" in str(traced.graph)
    with pytest.raises(ParseError, match="not a literal"):
        parse(str(traced.graph), {"Total": Total})


def test_the_list_of_scalars_is_a_copy() -> None:
    _, node = totals()
    node.attr["scalar_args"][0] = 3
    assert node.scalar_args == [2]
    assert node.attr["scalar_args"] == [2]


def sine_of(body: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda x, w: body(x)


BODIES: dict[str, Callable[[Any], Any]] = {
    "scan": lambda x: jax.lax.scan(lambda c, _: (jnp.sin(c), c), x, None, length=2)[0],
    "while": lambda x: jax.lax.while_loop(
        lambda c: c.sum() < 5.0, lambda c: jnp.sin(c) + 1.0, x
    ),
    "cond": lambda x: jax.lax.cond(x.sum() > 0, jnp.sin, jnp.cos, x),
    "jit": lambda x: jax.jit(lambda y: jnp.sin(y))(x),
    "checkpoint": lambda x: jax.checkpoint(lambda y: jnp.sin(y))(x),
}


def sin_times(w: Any, x: Any) -> Any:
    return jnp.sin(x * w)


EDITED: dict[str, Callable[..., Any]] = {
    "scan": lambda x, w: sin_times(w, sin_times(w, x)),
    "while": lambda x, w: jax.lax.while_loop(
        lambda c: c.sum() < 5.0, lambda c: sin_times(w, c) + 1.0, x
    ),
    "cond": lambda x, w: sin_times(w, x),
    "jit": lambda x, w: sin_times(w, x),
    "checkpoint": lambda x, w: sin_times(w, x),
}


@pytest.mark.parametrize("kind", BODIES)
def test_an_edited_body_may_use_values_from_outside(kind: str) -> None:
    traced = trace(sine_of(BODIES[kind]), V, W)
    graph = traced.graph
    (owner,) = [node for node in graph.nodes() if node.blocks()]
    for block in owner.blocks():
        sine = block.find_node("lax::sin")
        if sine is not None:
            with graph.insert_point_guard(sine):
                product = graph.insert("lax::mul", sine.input(), graph.inputs()[1])
            sine.replace_input(0, product)
    graph.lint()
    np.testing.assert_allclose(traced(V, W), EDITED[kind](V, W), rtol=1e-6)
    if kind != "while":
        ours, theirs = (
            jax.grad(lambda w, f=f: f(V, w).sum())(W) for f in (traced, EDITED[kind])
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("kind", ["scan", "jit"])
def test_a_body_given_other_types_is_refused(kind: str) -> None:
    traced = trace(lambda x, y: BODIES[kind](x) + y.sum(), V, X)
    (node,) = [n for n in traced.graph.nodes() if n.blocks()]
    node.replace_input(0, traced.graph.inputs()[1])
    with pytest.raises(LoweringError, match=r"other types.*\n.*float32\[3\]"):
        traced(V, X)


def changing(x: jax.Array) -> jax.Array:
    for k in range(1, 4):

        class Times(Function):
            @staticmethod
            def forward(ctx: Any, x: jax.Array) -> jax.Array:
                return x * k  # noqa: B023

            @staticmethod
            def backward(ctx: Any, grad: jax.Array) -> jax.Array:
                return grad * k  # noqa: B023

        x = Times.apply(x)
    return x


class Box:
    k = 2


class Boxed(Function):
    @staticmethod
    def forward(ctx: Any, x: jax.Array, box: Box) -> jax.Array:
        return x * box.k

    @staticmethod
    def backward(ctx: Any, grad: jax.Array) -> Any:
        return grad, None


def changed_argument(x: jax.Array) -> jax.Array:
    box = Box()
    x = Boxed.apply(x, box)
    box.k = 5
    return Boxed.apply(x, box)


def changing_batched(x: jax.Array) -> jax.Array:
    return jax.vmap(changing)(x[None])[0]


@pytest.mark.parametrize("fn", [changing, changed_argument, changing_batched])
def test_python_values_that_change_during_a_trace_are_refused(fn: Any) -> None:
    with pytest.raises(TraceError, match="reads Python values that changed since"):
        trace(fn, V)


def test_threads_share_a_traced_function() -> None:
    traced = trace(lambda x: jnp.sin(x) * 2, V)
    expected = jax.jit(lambda x: jnp.sin(x) * 2)(V)
    found: list[Any] = []

    def call() -> None:
        for _ in range(5):
            found.append(traced(V))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 40
    assert all(bool((value == expected).all()) for value in found)


class Counted(Function):
    pure = False

    @staticmethod
    def forward(ctx: Any, x: jax.Array) -> jax.Array:
        return x * 1.0

    @staticmethod
    def backward(ctx: Any, grad: jax.Array) -> jax.Array:
        return grad


def test_an_impure_function_inside_a_call_or_a_loop_is_kept() -> None:
    def fn(x: jax.Array) -> jax.Array:
        jax.jit(lambda x: Counted.apply(x))(x)
        jax.lax.scan(lambda c, _: (Counted.apply(c), None), x, None, length=2)
        return x * 2.0

    graph = trace(fn, V).graph
    assert len(jaxgrad.graph.dce(graph).find_all_nodes("prim::PythonOp")) == 2


def test_a_closed_over_ref_is_captured() -> None:
    ref = jax.new_ref(jnp.zeros(3))

    def fn(x: jax.Array) -> jax.Array:
        ref[...] = x
        return x * 2.0

    np.testing.assert_allclose(trace(fn, V)(V + 1), 2 * (V + 1))
    np.testing.assert_allclose(ref[...], V + 1)


def test_a_constant_that_does_not_fit_its_type_is_refused() -> None:
    traced = trace(lambda x: x * 2, jnp.arange(3))
    traced.graph.find_node("prim::Constant").attr["value"] = 2.5
    with pytest.raises(LoweringError, match=r"2\.5 doesn't fit its type i32"):
        traced(jnp.arange(3))


class Bad(Function):
    """A backward that makes NaN."""

    @staticmethod
    def forward(ctx: Any, x: jax.Array) -> jax.Array:
        return x * 1.0

    @staticmethod
    def backward(ctx: Any, grad: jax.Array) -> jax.Array:
        return grad * jnp.nan


def test_anomalies_are_found_in_traced_calls() -> None:
    traced = trace(lambda x: Bad.apply(x).sum(), V)
    with pytest.raises(AnomalyError, match="Bad"), jaxgrad.detect_anomaly():
        jax.block_until_ready(jax.grad(traced)(V))


class Dot(Function):
    @staticmethod
    def forward(ctx: Any, a: jax.Array, b: jax.Array) -> jax.Array:
        return a @ b

    @staticmethod
    def backward(ctx: Any, grad: jax.Array) -> Any:
        return grad, grad


def test_settings_are_those_of_the_trace() -> None:
    a = jnp.ones((2, 2))
    with jax.default_matmul_precision("highest"):
        traced = trace(lambda a: Dot.apply(a, a) + a @ a, a)
    assert traced.lower(a).as_text().count("HIGHEST") == 4


def test_metadata_round_an_application_is_kept() -> None:
    def fn(x: jax.Array) -> jax.Array:
        with set_xla_metadata(tag="here"):
            return Total.apply(x, 2)

    assert 'tag = "here"' in jax.jit(fn).lower(V).as_text()
    assert 'tag = "here"' in trace(fn, V).lower(V).as_text()


def test_equal_operations_in_other_contexts_are_not_merged() -> None:
    def fn(x: jax.Array) -> jax.Array:
        with set_xla_metadata(tag="here"):
            y = jnp.sin(x)
        return y + jnp.sin(x)

    graph = trace(fn, V).graph
    assert len(cse(graph).find_all_nodes("lax::sin")) == 2


def test_a_call_with_shardings_is_not_opened() -> None:
    mesh = jax.make_mesh((1,), ("a",))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("a"))
    inner = jax.jit(lambda x: x * 2, out_shardings=sharding)
    graph = trace(lambda x: jax.jit(jnp.sin)(inner(x)), V).graph
    kinds = [node.kind() for node in inline(graph).nodes()]
    assert kinds == ["lax::jit", "lax::sin"]


def test_permuted_inputs_take_arguments_in_the_new_order() -> None:
    traced = trace(lambda x, y: x.sum() - y.sum(), V, X)
    traced.graph.permute_inputs([1, 0])
    np.testing.assert_allclose(traced(X, V), V.sum() - X.sum(), rtol=1e-6)
    with pytest.raises(TraceError, match=r"x of type float32\[2,3\]"):
        traced(V, X)


def test_an_edited_constant_keeps_its_type() -> None:
    traced = trace(lambda x: x * 0.5, V)
    constant = traced.graph.find_node("prim::Constant")
    constant.attr["value"] = 0.25
    with jax.enable_x64(True):
        assert traced(V).dtype == jnp.float32
    np.testing.assert_allclose(traced(V), V * 0.25)


def test_a_copy_prints_the_same() -> None:
    graph = trace(sine_of(BODIES["scan"]), V, W).graph
    text = str(graph)
    assert isinstance(graph, Graph)
    assert str(graph.copy()) == text
