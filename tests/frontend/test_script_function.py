"""`ScriptFunction`: its graphs, its text, its programs, its caches."""

import copy
import gc
import pickle
import threading
import warnings
import weakref
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.errors import GraphError, JaxgradWarning, LoweringError, ScriptError
from jaxgrad.graph import Graph

X = jnp.array([1.0, 2.0, 3.0])
SCALE = jnp.array([1.0, 10.0, 100.0])
RAN: list[str] = []


class Marked(jaxgrad.Function):
    """Squares, with a rule that is not the derivative."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 100 * grad * x


def scaled(x: Any, by: float = 2.0) -> Any:
    return x * SCALE * by


def program(x: jax.Array, n: int = 2) -> jax.Array:
    for _ in range(n):
        x = Marked.apply(x)
    y = x
    if x.sum() > 0:  # a comment
        y = scaled(x)
    return y


@jaxgrad.script
def on_module(x: Any) -> Any:
    return -x if x < 0 else x


def kinds(graph: Graph) -> set[str]:
    todo, found = list(graph.nodes()), set()
    while todo:
        node = todo.pop()
        found.add(node.kind())
        todo += [inner for block in node.blocks() for inner in block.nodes()]
    return found


def test_its_text() -> None:
    script = jaxgrad.script(program)
    assert script.schema == "program(Tensor x, int n=2) -> Tensor"
    assert script.name == "program"
    assert script.qualified_name == f"{__name__}.program"
    assert "# a comment" not in script.code
    space: dict[str, Any] = {"jax": jax, "Marked": Marked, "scaled": scaled}
    exec(script.code, space)
    np.testing.assert_array_equal(space["program"](X), script(X))
    code, constants = script.code_with_constants
    assert code == script.code
    assert constants["scaled"] is scaled
    assert constants["Marked"] is Marked
    assert jaxgrad.script(lambda x: x + 1).code == "lambda x: x + 1"
    assert repr(script) == "<jaxgrad.ScriptFunction program>"


def test_the_graph_for_arguments_has_names_lines_and_functions() -> None:
    graph = jaxgrad.script(program).graph_for(X)
    assert [v.debug_name() for v in graph.inputs()] == ["x", "SCALE"]
    (first, second) = graph.find_all_nodes("prim::PythonOp")
    assert first.autograd_function() is Marked
    place = second.source_range()
    assert place is not None
    assert place.filename == __file__
    assert place.line == program.__code__.co_firstlineno + 2
    lines = [n.source_range() for n in graph.find_all_nodes("lax::mul")]
    inner = scaled.__code__.co_firstlineno + 1
    assert inner in [place.line for place in lines if place is not None]
    assert [node.name() for node in (first, second)] == ["Marked"] * 2


def test_the_jaxpr_names_each_function() -> None:
    closed = jaxgrad.script(program).jaxpr(X, n=1)
    assert str(closed).count("python_op") == 1
    assert len(closed.in_avals) == 2


def test_static_arguments_of_a_graph_are_baked_in() -> None:
    script = jaxgrad.script(lambda xs, n: [x * n for x in xs["a"]])
    struct = jax.ShapeDtypeStruct((2,), jnp.float32)
    graph = script.graph_for({"a": [struct, struct]}, 3)
    assert [v.debug_name() for v in graph.inputs()] == ["xs_a_0", "xs_a_1"]
    assert len(graph.outputs()) == 2


def test_an_edited_graph_is_what_runs() -> None:
    script, other = jaxgrad.script(scaled), jaxgrad.script(scaled)
    calls = jaxgrad.script(lambda x: script(x))
    before, called = script(X), calls(X)
    constant = script.graph.copy()
    for node in script.graph.find_all_nodes("py::operator.mul"):
        node.output().replace_all_uses_with(node.inputs()[0])
        node.destroy()
    np.testing.assert_array_equal(script(X), X)
    np.testing.assert_array_equal(calls(X), X)
    np.testing.assert_array_equal(other(X), before)
    np.testing.assert_array_equal(called, before)
    duplicate = copy.deepcopy(script)
    np.testing.assert_array_equal(duplicate(X), X)
    script.graph = constant
    np.testing.assert_array_equal(script(X), before)
    np.testing.assert_array_equal(duplicate(X), X)


def test_a_graph_that_does_not_fit_is_refused() -> None:
    script = jaxgrad.script(scaled)
    with pytest.raises(GraphError, match="Expected a Graph"):
        script.graph = "graph()"
    with pytest.raises(GraphError, match="needs 2 inputs"):
        script.graph = jaxgrad.script(on_module.function).graph.copy()


def test_the_inlined_graph_calls_no_function_and_runs() -> None:
    def twice(x: Any, *, times: int = 2) -> Any:
        return helper(x) * times

    def helper(x: Any) -> Any:
        if x.sum() > 0:
            return x
        return scaled(-x)

    def outer(x: Any) -> Any:
        return twice(x, times=3) + helper(-x)

    script = jaxgrad.script(outer)
    expected = script(X)
    assert "prim::CallFunction" in kinds(script.graph)
    graph = script.inlined_graph
    assert "prim::CallFunction" not in kinds(graph)
    graph.lint()
    script.graph = graph
    np.testing.assert_array_equal(script(X), expected)


def test_what_a_recursion_calls_stays_a_call() -> None:
    def factorial(n: int) -> int:
        return 1 if n < 2 else n * factorial(n - 1)

    script = jaxgrad.script(factorial)
    assert "prim::CallFunction" in kinds(script.inlined_graph)
    assert script(5) == 120


def test_lowered_and_compiled_programs_take_the_arrays() -> None:
    script = jaxgrad.script(program)
    expected = script(X, 1)
    compiled = script.compile(X, 1)
    np.testing.assert_array_equal(compiled(X), expected)
    assert compiled.cost_analysis()
    lowered = script.lower(X, n=1, platforms=("cuda", "tpu"))
    assert "stablehlo" in lowered.as_text()


def test_an_exported_program_has_the_error_and_what_changed() -> None:
    def fn(x: Any, seen: Any) -> Any:
        assert x.sum() > 0, "not positive"
        seen["last"] = x
        return x * 2

    exported = jaxgrad.script(fn).export(X, {"last": X})
    assert exported.platforms == ("cpu", "cuda", "tpu")
    good, bad = (exported.call(x, {"last": X}) for x in (X, -X))
    np.testing.assert_array_equal(good["result"], 2 * X)
    np.testing.assert_array_equal(bad["changed"]["seen"]["last"], -X)
    assert int(good["error"]) == 0
    assert int(bad["error"]) != 0


def test_what_can_not_be_exported_says_why() -> None:
    counts = {"n": jnp.int32(0)}

    def counting(x: Any) -> Any:
        counts["n"] = counts["n"] + 1
        return x

    with pytest.raises(LoweringError, match="counting changes counts"):
        jaxgrad.script(counting).export(X)
    with pytest.raises(LoweringError, match=r"returns a str at result\['a'\]"):
        jaxgrad.script(lambda x: {"a": "text"}).export(X)


def test_the_exported_program_prints_nothing_and_says_so() -> None:
    def fn(x: Any) -> Any:
        print("x", x)
        jax.debug.print("again {}", x)
        return x

    with pytest.warns(JaxgradWarning, match="print at .*a debug callback at") as told:
        exported = jaxgrad.script(fn).export(X, vjp_order=0)
    assert len(told) == 1
    np.testing.assert_array_equal(exported.call(X), X)


def test_each_signature_has_a_state() -> None:
    script = jaxgrad.script(lambda x, n: x * n)
    for n in (2, 3):
        script(X, n)
    script(X[:2], 2)
    signatures = [state.signature for state in script.get_debug_state()]
    assert sorted(signatures) == ["(f32[2])", "(f32[3])", "(f32[3])"]
    state = script.debug_state[0]
    assert state.cost_analysis()["flops"] >= 3
    assert state.memory_analysis() is not None
    assert "mul" in str(state.jaxpr)
    assert "stablehlo" in state.lowered.as_text()
    script.clear_cache()
    assert script.get_debug_state() == []


def test_copies_and_pickles() -> None:
    twin = copy.copy(on_module)
    assert twin is not on_module
    assert twin(jnp.float32(-2)) == 2
    assert pickle.loads(pickle.dumps(on_module)) is on_module


def test_nothing_runs_before_the_first_call() -> None:
    def fn(x: Any) -> Any:
        RAN.append("ran")
        try:
            return x
        finally:
            pass

    script = jaxgrad.script(fn)
    assert script.name == "fn"
    with pytest.raises(ScriptError, match="try"):
        script(X)
    assert RAN == []


def test_many_static_values_are_told_once() -> None:
    script = jaxgrad.script(lambda x, power: power)
    x = jnp.float32(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for power in range(16):
            script(x, power)
    with pytest.warns(JaxgradWarning, match="17 values of 'power'"):
        script(x, 16)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        script(x, 17)


def test_calls_from_several_threads() -> None:
    def fn(x: Any, n: int) -> Any:
        while x.sum() < n:
            x = x * 2
        return x

    script, found = jaxgrad.script(fn), {}

    def run(n: int) -> None:
        found[n] = script(X, n)

    threads = [threading.Thread(target=run, args=(n,)) for n in (7, 20, 7, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: float(y[0]) for n, y in found.items()} == {7: 2.0, 20: 4.0, 40: 8.0}


def test_what_was_compiled_keeps_no_arguments_alive() -> None:
    class Holder:
        def __init__(self, x: Any) -> None:
            self.x = x

    script = jaxgrad.script(lambda holder: holder.x * 2)
    holder = Holder(jnp.ones(3))
    gone = [weakref.ref(holder), weakref.ref(holder.x)]
    script(holder)
    with jax.checking_leaks():
        jax.jit(lambda x: script(Holder(x)))(holder.x)
    del holder
    gc.collect()
    assert [reference() for reference in gone] == [None, None]
