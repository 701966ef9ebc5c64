"""Trees of arguments and results, each test under its name in torch."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import ArgumentError, TraceError
from jaxgrad.frontend import trace
from tests.helpers import TripledSin
from tests.upstream.helpers import Array, same
from tests.upstream.jit.helpers import agree, checked, in_order, kinds, names, slopes

X = np.float32([0.5, -1.25, 2.0])
Y = np.float32([1.5, 0.75, -0.5])
ONE, TWO, THREE, FOUR = jnp.arange(1.0, 5.0)


def test_output_unflatten() -> None:
    """Results keep their nesting, which torch's don't yet."""
    checked(lambda x: (x * 2, (x**2, x + 4, (x + 2,)), x * 4), X)


def test_input_flatten() -> None:
    def fn(x: Array, t: tuple[Array, Array]) -> Array:
        y, z = t
        return x * y * z

    traced = checked(fn, X, (Y, X))
    assert names(traced) == ["x", "t_0", "t_1"]
    same(slopes(traced, X, (Y, X)), (X * Y, (X * X, X * Y)))


def test_input_dict_empty() -> None:
    """Nothing to trace is no error here."""
    traced = checked(lambda d: None, {})
    assert traced({}) is None
    assert traced.graph.inputs() == traced.graph.outputs() == []


def test_input_dict_remembers_keys() -> None:
    traced = checked(lambda d: d["x"], {"x": ONE})
    same(traced({"x": TWO}), TWO)
    # Keys are a part of the structure; torch takes more of them than it traced.
    for other in ({"y": THREE}, {"x": FOUR, "y": THREE}):
        with pytest.raises(TraceError, match="another structure") as caught:
            traced(other)
        assert "{'x': *}" in str(caught.value)
        assert "'y': *" in str(caught.value)


def test_input_dict_insertion_order() -> None:
    traced = checked(lambda d: (d["x"], d["y"]), {"x": ONE, "y": TWO})
    same(traced({"y": FOUR, "x": THREE}), (THREE, FOUR))


def test_input_dict_recursive() -> None:
    traced = checked(lambda d: d["x"][1], {"x": {1: ONE}})
    same(traced({"x": {1: TWO}}), TWO)
    assert names(traced) == ["d_x_1"]


def test_input_dict_checkTrace_mut() -> None:
    """A dict that is changed is the callable's own: that of the caller stays."""

    def fn(d: dict[str, Array]) -> dict[str, Array]:
        d["x"] = TripledSin.apply(d["x"])
        del d["y"]
        return d

    given = {"x": X, "y": Y}
    traced = trace(fn, given, check_inputs=[(given,)])
    assert list(given) == ["x", "y"]
    same(traced(given), {"x": np.sin(X)})
    assert given["x"] is X
    assert list(given) == ["x", "y"]


def test_input_dict_unify() -> None:
    """Values of several types in one dict, which torch has to make one type of."""
    given = {"float": X, "int": jnp.int32([1, 2])}
    traced = checked(lambda d: (d["int"], d["float"]), given)
    assert [str(v.type()) for v in traced.graph.outputs()] == ["i32[2]", "f32[3]"]


def test_input_tuple_of_dicts() -> None:
    given = {"x": {"y": X}}
    traced = checked(lambda t: t[0]["x"]["y"] * 2, (given, given))
    # The same array twice is two inputs, of which one is not used.
    assert [bool(v.uses()) for v in traced.graph.inputs()] == [True, False]
    same(slopes(traced, (given, given))[0][1]["x"]["y"], np.zeros(3))


def test_input_dict_of_dicts() -> None:
    given = {"other": {"y": jnp.ones((3, 2))}, "x": {"y": X}}
    traced = checked(lambda d: d["x"]["y"], given)
    assert names(traced) == ["d_other_y", "d_x_y"]


def test_input_dict_of_lists() -> None:
    checked(lambda d: d["x"][0], {"x": [X]})


def test_input_list_toplevel_flatten() -> None:
    """Examples are arguments, one by one; a list of them is spread with a star."""
    inputs = [X, Y]
    traced = checked(lambda t1, t2: t1 + t2, *inputs)
    assert names(traced) == ["t1", "t2"]
    assert names(checked(lambda t: t[0] + t[1], inputs)) == ["t_0", "t_1"]


def test_input_list_toplevel_flatten_direct() -> None:
    class Sum:
        def __call__(self, t1: Array, t2: Array) -> Array:
            return t1 + t2

    assert names(checked(Sum(), *[X, Y])) == ["t1", "t2"]
    with pytest.raises(TypeError, match="t2"):
        trace(Sum(), [X, Y])


def test_input_list_of_tuples() -> None:
    assert names(checked(lambda ts: ts[0][0], [(X,)])) == ["ts_0_0"]


def test_input_dict_empty_list() -> None:
    traced = checked(lambda d: d[1], {1: []})
    assert traced({1: []}) == []
    with pytest.raises(TraceError, match="another structure"):
        traced({1: [X]})


def test_input_list_mixed_type() -> None:
    """A list may hold whatever a tuple may."""
    checked(lambda d: d[1][0] * d[0], [X, (Y, jnp.int32(1))])


def test_trace_dict_input() -> None:
    def inner(d: dict[str, Array]) -> dict[str, Array]:
        return {"a": d["a"] * TripledSin.apply(d["b"])}

    traced = checked(lambda a, b: inner({"a": a, "b": b})["a"], X, Y)
    same(slopes(traced, X, Y), (np.sin(Y), 3 * X * np.cos(Y)))


def test_trace_dict_output() -> None:
    """A dict is a result like any other; its keys are no arrays."""
    checked(lambda a, b: {"a": a, "b": b}, X, Y)
    with pytest.raises(TypeError, match="unhashable"):
        trace(lambda a, b: {a: b}, X, Y)


def test_trace_with_tensor_list_output() -> None:
    assert isinstance(checked(lambda: [jnp.zeros(1), jnp.zeros(5)])(), list)


def test_trace_with_number_list_output() -> None:
    """Numbers become arrays, as from every compiled function of JAX; text doesn't."""
    one, half = checked(lambda: [1, 0.5])()
    assert (one.dtype, half.dtype) == (jnp.int32, jnp.float32)
    with pytest.raises(TypeError, match="not a valid JAX type"):
        trace(lambda: ["text"])


def test_trace_with_nested_tensor_list_output() -> None:
    checked(lambda: [[jnp.zeros(1)], [jnp.zeros(5)]])


def test_trace_returning_dict_with_tensor_tuples() -> None:
    traced = checked(lambda k, v: {"key": (2 * k, 3 * v)}, X, Y)
    same(traced(Y, X), {"key": (2 * Y, 3 * X)})
    mixed = checked(lambda k, v: {"key": (2 * k, 1)}, X, Y)
    assert mixed(X, Y)["key"][1].weak_type


def test_trace_optional() -> None:
    """None is a structure: a graph is of one branch, and refuses the other."""

    def fn(x: Array | None) -> Array:
        return jnp.zeros(1) if x is None else TripledSin.apply(x)

    nothing, something = checked(fn, None), checked(fn, X)
    assert kinds(nothing.graph) == ["lax::broadcast_in_dim"]
    assert kinds(something.graph) == ["prim::PythonOp"]
    with pytest.raises(TraceError, match="another structure"):
        something(None)
    with pytest.raises(TraceError, match="another structure"):
        nothing(X)


def test_trace_nested_datatypes() -> None:
    def foo(x: Array) -> list[list[Array]]:
        return [[x + 1, x - 1], [x + 2, x - 2]]

    def bar(x: Array) -> tuple[Array, Array]:
        lists = foo(x)
        return lists[0][0], lists[1][1]

    traced = checked(bar, X)
    agree(traced, bar, Y)


def test_non_tensor_tracing() -> None:
    """A number is an array of weak type; what is no array is a part of the graph."""
    traced = checked(lambda x, y: x + y, 1, X)
    assert [str(v.type()) for v in traced.graph.inputs()] == ["i32[]{weak}", "f32[3]"]
    same(traced(2, X), X + 2)
    text = trace(lambda x, how: x if how == "same" else -x, X, "other")
    assert kinds(text.graph) == ["lax::neg"]
    with pytest.raises(TraceError, match="how = 'other'; got 'same'"):
        text(X, "same")


def test_trace_func_argument_names_captured() -> None:
    def fn(first_arg: Array, second_arg: Array) -> Array:
        return first_arg + second_arg

    lines = str(trace(fn, X, Y).graph).splitlines()
    assert "%first_arg : f32[3]" in lines[0]
    assert "%second_arg : f32[3]" in lines[1]


def test_trace_partial_func_argument_names_captured() -> None:
    def fn(first_arg: Array, second_arg: Any = 1) -> Array:
        return first_arg + second_arg

    text = str(trace(fn, X).graph)
    assert "%first_arg" in text
    assert "second_arg" not in text


def test_trace_module_argument_names_captured() -> None:
    class Module:
        def __init__(self) -> None:
            self.weight = jnp.asarray(Y)

        def forward(self, first_arg: Array, second_arg: Array) -> Array:
            return self.weight * first_arg + second_arg

        __call__ = forward

    module = Module()
    for fn in (module.forward, module):
        traced = checked(fn, X, Y)
        assert names(traced) == ["first_arg", "second_arg", "weight"]
        assert in_order(str(traced.graph), "%first_arg", "%second_arg", "%weight")


def test_trace_checking_with_deprecated_name() -> None:
    """Arguments by name are the parameters of these names, and no others."""

    def fn(x: Array, y: Array, **deprecated: Any) -> Array:
        if deprecated:
            raise RuntimeError(f"unexpected: {deprecated}")
        return x + y

    traced = trace(fn, X, Y, check_inputs=[(Y, X)])
    same(traced(x=X, y=Y), X + Y)
    with pytest.raises(ArgumentError, match="'z' can only be given by name"):
        traced(x=X, y=Y, z=X)


def test_trace_with_tuple_tensor() -> None:
    def fn(x: Array, y: tuple[Array, Array]) -> Array:
        return x + y[0] * y[1]

    traced = checked(fn, X, (X, Y))
    given = {"y": (Y, Y), "x": X}
    same(traced(**given), fn(**given))


def test_trace_checking_with_global_name() -> None:
    """Arguments that are globals too are arguments, not captured."""
    traced = checked(lambda xs: jnp.concatenate(xs), (X, Y))
    assert names(traced) == ["xs_0", "xs_1"]
    assert traced.captured == {}
    same(traced((Y, X)), np.concatenate((Y, X)))
