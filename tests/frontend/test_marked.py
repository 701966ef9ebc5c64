"""Marked Functions keep their rule wherever a recorded graph goes.

Each route takes a recorded function somewhere else and back to a callable; the gradient
there has to be the one of the rules, said in plain NumPy.
"""

import io
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Context, Function, lower
from jaxgrad.frontend import TracedFunction, trace
from jaxgrad.graph import Graph, canonicalize, constant_fold, cse, dce, inline
from tests.frontend.traced_program import Program, X, Y
from tests.frontend.traced_programs_marked import Scaled, program
from tests.helpers import TripledSin

pytestmark = pytest.mark.sampled(2)

PASSES = (dce, cse, inline, constant_fold, canonicalize)
C = np.array([0.25, -1.5, 2.0], np.float32)  # the cotangent
MARKED = [p for p in program.programs if p.differentiable]
# A program for several devices can't be called on one; its rule is the same.
EXPORTED = [p for p in MARKED if p.name != "marked_mesh"]


class Cubed(Function):
    """x**3 with a forward mode too, whose rules say 4."""

    @staticmethod
    def forward(ctx: Context, x: Any) -> Any:
        return x**3

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        return 4 * g

    @staticmethod
    def jvp(ctx: Context, t: Any) -> Any:
        return 4 * t


def model(x: Any, y: Any) -> Any:
    """One Function of each lowering, one with statics, and something between them."""
    return TripledSin.apply(x) * 2 + Scaled.apply(Cubed.apply(y), x, 2, factor=0.5)


NAMES = ["TripledSin", "Cubed", "Scaled"]


def expected(c: Any) -> tuple[Any, Any]:
    return (6 * np.cos(X) + 2.5) * c, 3.5 * 4 * c


def traced() -> TracedFunction:
    return trace(model, X, Y)


def names(graph: Graph) -> list[str]:
    return [node.name() for node in graph.find_all_nodes("prim::PythonOp")]


def gradient(call: Callable[..., Any]) -> Any:
    return jax.grad(lambda x, y: jnp.vdot(C, call(x, y)), (0, 1))(X, Y)


def assert_marked(call: Callable[..., Any], factor: float = 1) -> None:
    for got, want in zip(gradient(call), expected(factor * C), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5)


def with_graph(change: Callable[[Graph], Graph]) -> TracedFunction:
    found = traced()
    found.graph = change(found.graph)
    assert sorted(names(found.graph)) == sorted(NAMES)
    return found


def every_pass(graph: Graph) -> Graph:
    for graph_pass in PASSES:
        graph = graph_pass(graph)
    return graph


def saved(function: TracedFunction, **options: Any) -> Any:
    file: Any = io.BytesIO()
    function.save(file, **options)
    file.seek(0)
    return lower.load(file)


def through_bytes(function: TracedFunction, order: int = 1) -> Callable[..., Any]:
    exported = function.export(vjp_order=order)
    assert exported.platforms == ("cpu", "cuda", "tpu")
    return jax.export.deserialize(exported.serialize()).call


ROUTES: dict[str, Callable[[], Callable[..., Any]]] = {
    "trace": traced,
    "copy": lambda: with_graph(Graph.copy),
    **{f.__name__: lambda f=f: with_graph(f) for f in PASSES},
    "every pass": lambda: with_graph(every_pass),
    "every pass twice": lambda: with_graph(lambda g: every_pass(every_pass(g))),
    "jit": lambda: jax.jit(traced()),
    "checkpoint": lambda: jax.checkpoint(traced()),
    "vmap": lambda: lambda x, y: jax.vmap(trace(model, X[0], Y[0]))(x, y),
    "trace of it": lambda: trace(traced(), X, Y),
    "trace of a trace of it": lambda: trace(trace(traced(), X, Y), X, Y),
    "trace of its vmap": lambda: trace(jax.vmap(trace(model, X[0], Y[0])), X, Y),
    "trace inside jit": lambda: jax.jit(lambda x, y: trace(model, x, y)(x, y)),
    "graph run by hand": lambda: lambda x, y: lower.run(traced().graph, x, y)[0],
    "export": lambda: through_bytes(traced()),
    "export after every pass": lambda: through_bytes(with_graph(every_pass)),
    "export of a nested trace": lambda: through_bytes(trace(traced(), X, Y)),
    "save": lambda: saved(traced()),
    "save after every pass": lambda: saved(with_graph(every_pass)),
    "save of a nested trace": lambda: saved(trace(traced(), X, Y)),
}


@pytest.mark.parametrize("route", ROUTES)
def test_the_rules_arrive(route: str) -> None:
    assert_marked(ROUTES[route]())


@pytest.mark.parametrize("route", ["trace", "every pass", "trace of it", "vmap"])
def test_the_second_derivative_is_that_of_the_rules(route: str) -> None:
    call = ROUTES[route]()
    first = lambda x: jax.grad(lambda x: call(x, Y).sum())(x).sum()  # noqa: E731
    np.testing.assert_allclose(jax.grad(first)(X), -6 * np.sin(X), rtol=1e-5)


def test_a_second_derivative_is_exported_and_saved() -> None:
    for call in (through_bytes(traced(), 2), saved(traced(), vjp_order=2)):
        first = lambda x: jax.grad(lambda x: call(x, Y).sum())(x).sum()  # noqa: E731, B023
        np.testing.assert_allclose(jax.grad(first)(X), -6 * np.sin(X), rtol=1e-5)


def test_a_forward_mode_rule_arrives() -> None:
    found = trace(Cubed.apply, X)
    found.graph = every_pass(found.graph)
    for call in (found, trace(found, X)):
        np.testing.assert_array_equal(jax.jvp(call, (X,), (C,))[1], 4 * C)


def test_an_edited_graph_keeps_the_rules_in_the_next_call() -> None:
    function = traced()
    assert_marked(function)
    graph = function.graph
    (out,) = graph.outputs()
    with graph.insert_point_guard(graph.return_node()):
        doubled = graph.insert("lax::mul", out, graph.insert_constant(np.float32(2)))
    graph.return_node().replace_input_with(out, doubled)
    assert_marked(function, 2)
    assert_marked(jax.jit(function), 2)
    assert_marked(trace(function, X, Y), 2)


def test_an_application_can_be_replaced_by_another() -> None:
    function = trace(lambda x: TripledSin.apply(x), X)
    node = function.graph.find_node("prim::PythonOp")
    with function.graph.insert_point_guard(node):
        other = function.graph.create_python_op(Cubed.apply, "d", [])
        function.graph.insert_node(other)
    other.add_input(node.input())
    other.output().set_type_as(node.output())
    node.output().replace_all_uses_with(other.output())
    node.destroy()
    found = jax.grad(lambda x: jnp.vdot(C, function(x)))(X)
    np.testing.assert_array_equal(found, 4 * C)
    assert names(function.graph) == ["Cubed"]


def test_an_edited_body_of_a_loop_keeps_the_rules() -> None:
    step = lambda v, _: (TripledSin.apply(v), None)  # noqa: E731
    function = trace(lambda x: jax.lax.scan(step, x, None, length=2)[0], X)
    (scan,) = function.graph.find_all_nodes("lax::scan")
    (body,) = scan.blocks()
    (application,) = body.find_all_nodes("prim::PythonOp")
    with function.graph.insert_point_guard(body.return_node()):
        negated = function.graph.insert("lax::neg", application.output())
    body.return_node().replace_input_with(application.output(), negated)
    found = jax.grad(lambda x: jnp.vdot(C, function(x)))(X)
    want = 9 * np.cos(-np.sin(X)) * np.cos(X) * C
    np.testing.assert_allclose(found, want, rtol=1e-5)
    nested = trace(function, X)
    again = jax.grad(lambda x: jnp.vdot(C, nested(x)))(X)
    np.testing.assert_array_equal(again, found)


def test_nested_traces_show_every_application() -> None:
    outer = trace(lambda x, y: traced()(x, y) + TripledSin.apply(x), X, Y)
    assert sorted(names(outer.graph)) == sorted([*NAMES, "TripledSin"])
    flat = inline(outer.graph)
    assert len([n for n in flat.nodes() if n.kind() == "prim::PythonOp"]) == 4


def test_an_unused_application_goes_and_equal_ones_merge() -> None:
    def repeated(x: Any) -> Any:
        TripledSin.apply(x)
        return TripledSin.apply(x) + TripledSin.apply(x)

    function = trace(repeated, X)
    assert names(function.graph) == ["TripledSin"] * 3
    function.graph = cse(dce(function.graph))
    assert names(function.graph) == ["TripledSin"]
    found = jax.grad(lambda x: function(x).sum())(X)
    np.testing.assert_allclose(found, 6 * np.cos(X), rtol=1e-6)


@pytest.mark.parametrize("subject", EXPORTED, ids=str)
def test_every_marked_program_is_exported_and_saved_with_its_rules(
    subject: Program,
) -> None:
    function = trace(subject.fn, *subject.args())
    args = subject.args()
    for call in (through_bytes(function), saved(function)):
        out, pull = jax.vjp(lambda *xs: jax.tree.leaves(call(*xs)), *args)  # noqa: B023
        given = [
            np.asarray((np.arange(o.size) % 5 - 1.5).reshape(o.shape)) for o in out
        ]
        given = [c.astype(o.dtype) for c, o in zip(given, out, strict=True)]
        found = [
            g for g in jax.tree.leaves(pull(given)) if g.dtype != jax.dtypes.float0
        ]
        assert subject.gradient is not None
        for a, b in zip(found, subject.gradient(given), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
