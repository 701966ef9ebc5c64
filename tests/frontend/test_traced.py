"""`TracedFunction`: one test for each member, what makes it stale, and its errors."""

import pickle
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.errors import GraphError, LoweringError, TraceError
from jaxgrad.frontend import TracedFunction, trace
from jaxgrad.graph import Graph

WEIGHT = jnp.arange(3.0)


class Marked(jaxgrad.Function):
    """x to the n; its backward is deliberately 50 times the derivative."""

    @staticmethod
    def forward(ctx: Any, x: jax.Array, n: int = 2) -> jax.Array:
        ctx.save_for_backward(x)
        ctx.n = n
        return x**n

    @staticmethod
    def backward(ctx: Any, grad: jax.Array) -> Any:
        (x,) = ctx.saved_tensors
        return 50 * grad * ctx.n * x ** (ctx.n - 1), None


def model(x: jax.Array, params: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """A bit of everything: a Function, a scan with one inside, a closed-over array."""
    hidden = Marked.apply(x, 3) * WEIGHT

    def body(carry: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
        carry = jnp.sin(Marked.apply(carry))
        return carry, carry

    last, every = jax.lax.scan(body, hidden, None, length=2)
    return {"last": last + params["bias"], "every": every}


X = jnp.array([0.5, -1.0, 2.0])
PARAMS = {"bias": jnp.array(0.25)}


@pytest.fixture
def traced() -> TracedFunction:
    return trace(model, X, PARAMS)


def equal(a: Any, b: Any) -> bool:
    same = jax.tree.map(lambda x, y: bool((x == y).all()), a, b)
    return jax.tree.structure(a) == jax.tree.structure(b) and jax.tree.all(same)


def kinds(graph: Graph) -> list[str]:
    return [node.kind() for node in graph.nodes() if node.kind() != "prim::Constant"]


def test_a_call_gives_what_the_callable_gives_to_the_last_bit(traced: Any) -> None:
    assert equal(traced(X, PARAMS), jax.jit(model)(X, PARAMS))
    assert equal(traced(X, params=PARAMS), jax.jit(model)(X, PARAMS))


def test_gradients_are_those_of_the_rule(traced: Any) -> None:
    def loss(f: Callable[..., Any]) -> Callable[..., Any]:
        return lambda x: f(x, PARAMS)["last"].sum()

    ours, theirs = (jax.jit(jax.grad(loss(f)))(X) for f in (traced, model))
    assert equal(ours, theirs)
    plain = jax.grad(lambda x: (jnp.sin(x**3 * WEIGHT) ** 2).sum())(X)
    assert not np.allclose(ours, plain)


def test_graph_names_values_as_the_code_does(traced: Any) -> None:
    names = {v.debug_name() for n in traced.graph.nodes() for v in n.outputs()}
    assert {"hidden", "last", "every"} <= names
    inputs = [value.debug_name() for value in traced.graph.inputs()]
    assert inputs == ["x", "params_bias", "WEIGHT"]
    source = traced.graph.find_node("lax::scan").source_range()
    assert source.filename == __file__
    assert "jax.lax.scan" in source.highlight()


def test_every_application_is_a_node_that_knows_its_function(traced: Any) -> None:
    first, inner = traced.graph.find_all_nodes("prim::PythonOp")
    assert (first.name(), first.cconv, first.scalar_args) == ("Marked", "dc", [3])
    assert first.autograd_function() is Marked
    assert inner.autograd_function() is Marked
    assert inner.owning_block().owning_node().kind() == "lax::scan"


class Nested(jaxgrad.Function):
    """Containers and keywords; its backward is deliberately 50 times the derivative."""

    @staticmethod
    def forward(ctx: Any, p: dict[str, Any], x: jax.Array, *, n: int = 2) -> jax.Array:
        ctx.save_for_backward(p["w"], x)
        return p["w"] * x + p["b"] + n

    @staticmethod
    def backward(ctx: Any, grad: jax.Array) -> Any:
        w, x = ctx.saved_tensors
        return {"w": 50 * grad * x, "b": None}, 50 * grad * w, None


def test_an_application_with_containers_and_keywords_can_be_edited() -> None:
    fn = trace(lambda w, x: Nested.apply({"w": w, "b": 3}, x, n=4), X, X)
    (node,) = fn.graph.nodes()
    assert (node.cconv, node.scalar_args) == ("cddc", [3, 4])
    assert "^Nested[cconv='cddc', call=({'b': *, 'w': *}, *, n=*)](3, 4)" in str(node)
    with pytest.raises(jaxgrad.errors.ParseError):
        jaxgrad.graph.parse(str(fn.graph), {"Nested": Nested})
    node.attr["scalar_args"] = [1, 10]
    np.testing.assert_allclose(fn(X, X), X * X + 11)
    np.testing.assert_allclose(jax.grad(lambda w: fn(w, X).sum())(X), 50 * X)


def test_captured_arrays_are_inputs(traced: Any) -> None:
    assert list(traced.captured) == ["WEIGHT"]
    assert traced.captured["WEIGHT"] is WEIGHT


def test_an_edit_changes_the_next_call() -> None:
    fn = trace(lambda x: jnp.sin(x) * 2, X)
    assert equal(fn(X), jax.jit(lambda x: jnp.sin(x) * 2)(X))
    graph = fn.graph
    sine = graph.find_node("lax::sin")
    with graph.insert_point_guard(sine):
        cosine = graph.insert("lax::cos", sine.input())
    sine.output().replace_all_uses_with(cosine)
    sine.destroy()
    assert equal(fn(X), jax.jit(lambda x: jnp.cos(x) * 2)(X))


def test_an_edit_inside_a_scan_changes_the_next_call(traced: Any) -> None:
    graph = traced.graph
    (body,) = graph.find_node("lax::scan").blocks()
    sine = body.find_node("lax::sin")
    with graph.insert_point_guard(sine):
        cosine = graph.insert("lax::cos", sine.input())
    sine.output().replace_all_uses_with(cosine)
    sine.destroy()

    def edited(x: jax.Array) -> jax.Array:
        x = Marked.apply(x, 3) * WEIGHT
        for _ in range(2):
            x = jnp.cos(Marked.apply(x))
        return x + 0.25

    np.testing.assert_allclose(traced(X, PARAMS)["last"], edited(X), rtol=1e-6)
    ours = jax.grad(lambda x: traced(x, PARAMS)["last"].sum())(X)
    np.testing.assert_allclose(
        ours, jax.grad(lambda x: edited(x).sum())(X), rtol=1e-5, atol=1e-4
    )


def test_an_edit_that_changes_a_body_type_is_refused(traced: Any) -> None:
    graph = traced.graph
    (body,) = graph.find_node("lax::scan").blocks()
    sine = body.find_node("lax::sin")
    with graph.insert_point_guard(sine):
        total = graph.insert("lax::is_finite", sine.input())
    sine.output().replace_all_uses_with(total)
    with pytest.raises(LoweringError, match=r"block of lax::scan returns other types"):
        traced(X, PARAMS)


def test_blocks_that_show_a_rule_cannot_be_edited() -> None:
    fn = trace(lambda x: jax.nn.relu(x), X)
    (node,) = [n for n in fn.graph.nodes() if n.blocks()]
    while not node.blocks()[0].nodes()[0].kind().startswith("lax::custom_"):
        if node.kind().startswith("lax::custom_"):
            break
        node = node.blocks()[0].nodes()[0]
    if not node.kind().startswith("lax::custom_"):
        node = node.blocks()[0].nodes()[0]
    with pytest.raises(GraphError, match="can't be edited"):
        node.blocks()[0].add_node("prim::Constant")


def test_another_graph_can_be_assigned() -> None:
    fn = trace(lambda x: jnp.sin(x), X)
    before = fn(X)
    fn.graph = trace(lambda x: jnp.cos(x), X).graph
    assert equal(fn(X), jax.jit(jnp.cos)(X))
    assert not equal(fn(X), before)


def test_only_a_fitting_graph_can_be_assigned(traced: Any) -> None:
    with pytest.raises(GraphError, match=r"needs 3 inputs.*has 1"):
        traced.graph = trace(lambda x: x, X).graph
    with pytest.raises(GraphError, match="Expected a Graph"):
        traced.graph = "graph"


def test_graph_for_other_types_is_a_new_graph() -> None:
    fn = trace(lambda x: jnp.mean(x), X)
    assert fn.graph_for() is fn.graph
    assert fn.graph_for(X + 1) is fn.graph
    wide = fn.graph_for(jnp.ones((2, 5), jnp.bfloat16))
    assert str(wide.inputs()[0].type()) == "bf16[2, 5]"
    assert wide is not fn.graph


def test_graph_for_other_types_of_an_edited_graph_is_an_error() -> None:
    fn = trace(lambda x: jnp.sin(x), X)
    fn.graph.inputs()[0].set_debug_name("renamed")
    assert fn.graph_for(X) is fn.graph
    with pytest.raises(TraceError, match=r"float32\[3\].*got.*float32\[4\]"):
        fn.graph_for(jnp.ones(4))


def test_jaxpr_shows_each_function_by_name(traced: Any) -> None:
    text = str(traced.jaxpr())
    assert "python_op[op=^Marked(3)]" in text
    assert text.count("python_op") == 2
    assert "custom_vjp" not in text
    text = str(jax.make_jaxpr(traced)(X, PARAMS))
    assert "python_op[op=^Marked(3)]" not in text


def test_a_recorded_trace_of_a_traced_function_keeps_the_nodes(traced: Any) -> None:
    outer = trace(lambda x: traced(x, PARAMS)["last"] * 2, X)
    assert len(outer.graph.find_all_nodes("prim::PythonOp")) == 2
    ours = jax.grad(lambda x: outer(x).sum())(X)
    theirs = jax.grad(lambda x: (model(x, PARAMS)["last"] * 2).sum())(X)
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_lower_is_for_any_platform(traced: Any) -> None:
    here = traced.lower(X, PARAMS).as_text()
    assert "stablehlo.sine" in here
    there = traced.lower(X, PARAMS, platforms=("cuda", "tpu")).as_text()
    assert "stablehlo.sine" in there


def test_compile_tells_costs(traced: Any) -> None:
    compiled = traced.compile(X, PARAMS)
    assert equal(compiled(X, PARAMS), traced(X, PARAMS))
    assert compiled.cost_analysis()["flops"] > 0
    assert compiled.memory_analysis().argument_size_in_bytes > 0
    assert equal(traced.compile()(X, PARAMS), traced(X, PARAMS))


def test_a_traced_function_compiles_to_what_the_callable_does(traced: Any) -> None:
    def instructions(f: Any) -> int:
        text = f.lower(X, PARAMS).compile().as_text()
        return sum(" = " in line for line in text.splitlines())

    def loss(f: Any) -> Any:
        return jax.jit(jax.value_and_grad(lambda x, p: f(x, p)["last"].sum()))

    assert instructions(jax.jit(traced)) == instructions(jax.jit(model))
    assert instructions(loss(traced)) == instructions(loss(model))


def test_export_is_for_three_platforms(traced: Any) -> None:
    exported = traced.export(X, PARAMS)
    assert exported.platforms == ("cpu", "cuda", "tpu")
    assert equal(exported.call(X, PARAMS), traced(X, PARAMS))


def test_symbolic_shapes() -> None:
    fn = trace(lambda x: jnp.mean(Marked.apply(x)), X)
    (size,) = jax.export.symbolic_shape("n")
    example = jax.ShapeDtypeStruct((size,), jnp.float32)
    assert str(fn.graph_for(example).inputs()[0].type()) == "f32[n]"
    exported = fn.export(example, platforms=("cpu",), vjp_order=1)
    assert float(exported.call(jnp.ones(5))) == 1.0
    assert float(exported.call(2 * jnp.ones(2))) == 4.0


def test_arguments_of_another_type_are_refused(traced: Any) -> None:
    with pytest.raises(TraceError, match=r"x of type float32\[3\]; got float32\[4\]"):
        traced(jnp.ones(4), PARAMS)
    with pytest.raises(TraceError, match=r"params\['bias'\] of type float32\[\]"):
        traced(X, {"bias": jnp.zeros((), jnp.int32)})
    with pytest.raises(TraceError, match="another structure"):
        traced(X, {"scale": 1.0})
    with pytest.raises(jaxgrad.errors.ArgumentError, match="params"):
        traced(X, weights=PARAMS)


def test_python_numbers_are_taken_where_an_array_of_their_kind_was(traced: Any) -> None:
    assert equal(traced(X, {"bias": 0.25}), traced(X, PARAMS))
    weak = trace(lambda x, s: x * s, X, 2.0)
    assert weak(X, 3.0).dtype == jnp.float32
    assert equal(weak(X, jnp.float32(3.0)), weak(X, 3.0))
    half = trace(lambda x, s: x * s, X.astype(jnp.bfloat16), 2.0)
    assert half(X.astype(jnp.bfloat16), 3.0).dtype == jnp.bfloat16


def test_static_leaves_are_part_of_the_graph() -> None:
    def fn(x: jax.Array, mode: str, f: Any) -> jax.Array:
        return f(x) if mode == "on" else x

    traced = trace(fn, X, "on", jnp.sin)
    assert equal(traced(X, "on", jnp.sin), jax.jit(jnp.sin)(X))
    with pytest.raises(TraceError, match=r"mode = 'on'; got 'off'"):
        traced(X, "off", jnp.sin)


class Pair(NamedTuple):
    a: Any
    b: Any


VALUES = {
    "scalar": jnp.float32(2.0),
    "empty": jnp.zeros((0, 3)),
    "zero-size axis": jnp.ones((2, 0)),
    "bool": jnp.array([True, False]),
    "int": jnp.arange(3),
    "bfloat16": jnp.ones(2, jnp.bfloat16),
    "complex": jnp.ones(2, jnp.complex64),
    "uint8": jnp.ones(2, jnp.uint8),
    "numpy": np.ones(2, np.float32),
    "dict": {"a": jnp.ones(2), "b": (jnp.ones(()), None)},
    "namedtuple": Pair(jnp.ones(1), [jnp.ones(2), 3]),
    "nothing": (),
    "None": None,
    "key": jax.random.key(0),
}


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_any_pytree_of_arrays_goes_in_and_out(value: Any) -> None:
    traced = trace(lambda v: v, value)
    out = traced(value)
    assert jax.tree.structure(out) == jax.tree.structure(value)
    for got, given in zip(jax.tree.leaves(out), jax.tree.leaves(value), strict=True):
        assert got.dtype == jnp.asarray(given).dtype
        assert bool(jnp.all(got == given))


def test_an_error_in_an_edited_graph_shows_the_users_line() -> None:
    fn = trace(lambda a, b: a @ b, jnp.ones((2, 3)), jnp.ones((3, 2)))
    dot = fn.graph.find_node("lax::dot_general")
    dot.replace_input(1, dot.inputs_at(0))
    with pytest.raises(LoweringError) as caught:
        fn(jnp.ones((2, 3)), jnp.ones((3, 2)))
    message = str(caught.value)
    assert "test_traced.py:" in message
    assert "a @ b" in message
    assert "^^^" in message
    assert "f32[2, 3]" in message


def test_a_users_own_error_keeps_its_type_and_gets_a_note() -> None:
    class Fails(jaxgrad.Function):
        broken = False

        @staticmethod
        def forward(ctx: Any, x: jax.Array) -> jax.Array:
            if Fails.broken:
                raise ZeroDivisionError("mine")
            return x

    fn = trace(lambda x: Fails.apply(x), X)
    type.__setattr__(Fails, "broken", True)
    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        fn(X)
    assert any("test_traced.py" in note for note in caught.value.__notes__)


def test_under_transformations_it_is_a_jax_function(traced: Any) -> None:
    xs = jnp.stack([X, 2 * X])
    np.testing.assert_allclose(
        jax.vmap(lambda x: traced(x, PARAMS)["last"])(xs),
        jax.vmap(lambda x: model(x, PARAMS)["last"])(xs),
        rtol=1e-6,
    )
    hessians = [
        jax.hessian(lambda x, f=f: f(x, PARAMS)["last"].sum())
        for f in (trace(lambda x, p: {"last": jnp.sin(x) * p["bias"]}, X, PARAMS),)
    ]
    assert hessians[0](X).shape == (3, 3)


def test_closed_over_tracers_are_captured() -> None:
    def loss(w: jax.Array) -> jax.Array:
        inner = trace(lambda x: Marked.apply(x) * w, X)
        return inner(X).sum()

    np.testing.assert_allclose(jax.grad(loss)(WEIGHT), X**2, rtol=1e-6)


def test_effects_happen_once_a_call(capsys: Any) -> None:
    def fn(x: jax.Array) -> jax.Array:
        jax.debug.print("seen {}", x.sum())
        return x

    traced = trace(fn, X)
    jax.effects_barrier()
    capsys.readouterr()
    traced(X)
    jax.effects_barrier()
    assert capsys.readouterr().out.count("seen") == 1
    (node,) = [n for n in traced.graph.nodes() if n.has_side_effects()]
    assert "callback" in node.kind() or "print" in node.kind()


def test_trace_wants_a_callable() -> None:
    with pytest.raises(TraceError, match="expected a callable; got int"):
        trace(3)  # type: ignore[arg-type]


def test_its_name_and_repr(traced: Any) -> None:
    assert traced.__name__ == "model"
    assert repr(traced) == "<jaxgrad.TracedFunction model(float32[3], float32[])>"
    assert "jit(model)" in str(traced.lower(X, PARAMS).as_text(debug_info=True))


def test_it_is_no_pickle(traced: Any) -> None:
    with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
        pickle.dumps(traced)
