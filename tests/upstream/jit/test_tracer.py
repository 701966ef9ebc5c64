"""Programs traced and run, each test under its name in torch."""

import collections
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import TraceError
from jaxgrad.frontend import TracedFunction, trace
from jaxgrad.graph import dce
from tests.helpers import TripledSin
from tests.upstream.helpers import Array, same
from tests.upstream.jit.helpers import agree, checked, in_order, kinds, line, slopes

X = np.float32([0.5, -1.25, 2.0])
Y = np.float32([1.5, 0.75, -0.5])
M = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_large_nbr_kernel_args() -> None:
    """Many arguments of one operation: torch's generated kernels had too many."""

    def recurrence(steps: list[Array]) -> Array:
        return jax.lax.concatenate(steps, 0) * 2

    steps = list(np.arange(130, dtype=np.float32).reshape(130, 1))
    traced = trace(recurrence, steps)
    assert len(traced.graph.find_node("lax::concatenate").inputs()) == 130
    assert traced.graph.inputs()[-1].debug_name() == "steps_129"
    same(traced(steps), 2 * np.arange(130))


def test_trace_legacy_ctor() -> None:
    """An array of NumPy is a result like any other, whatever constructor made it."""
    traced = checked(lambda x: (x + 1, np.array([0], np.float32)), X)
    same(traced(X), (X + 1, np.zeros(1)))


def test_simple() -> None:
    def f(x: Array, y: Array) -> Array:
        return jax.nn.sigmoid(jnp.tanh(x * (x + y)))

    traced = checked(f, X, Y)
    same(slopes(traced, X, Y), slopes(f, X, Y))
    add, mul, tanh, sigmoid = kinds(traced.graph)[:4]
    assert (add, mul, tanh) == ("lax::add", "lax::mul", "lax::tanh")
    assert sigmoid in ("lax::logistic", "lax::jit")
    assert line(traced.graph.find_node("lax::add")) == (
        "return jax.nn.sigmoid(jnp.tanh(x * (x + y)))"
    )


def test_trace_single_tuple() -> None:
    traced = checked(lambda x: (x,), jnp.float32(2))
    assert isinstance(traced(jnp.float32(2)), tuple)


def test_trace_namedtuple() -> None:
    Point = collections.namedtuple("Point", ["x", "y"])

    def f(p: Point) -> Array:
        assert isinstance(p, Point)  # torch gives it as a plain tuple
        return p.x + p.y

    traced = checked(f, Point(X, Y))
    assert [v.debug_name() for v in traced.graph.inputs()] == ["p_x", "p_y"]
    back = checked(lambda p: Point(p.y, p.x), Point(X, Y))
    assert type(back(Point(X, Y))) is Point


def test_trace_topk() -> None:
    """How many is a part of a shape, so that it is Python's and not the trace's."""

    def top(x: Array, k: int) -> Array:
        return jax.lax.top_k(x, k)[1]

    with pytest.raises(TypeError, match="traced array"):
        trace(top, M, jnp.int32(2))
    traced = checked(functools.partial(top, k=2), M)
    assert traced(-M).tolist() == [[0, 1], [0, 1]]
    assert len(traced.graph.find_node("lax::top_k").outputs()) == 2


def test_typeas_trace_check() -> None:
    traced = checked(lambda x, y: x.astype(y.dtype), X, jnp.int32([1]))
    assert traced(X, jnp.int32([2])).tolist() == [0, -1, 2]
    assert kinds(checked(lambda x, y: x.astype(y.dtype), X, Y).graph) == []


def test_canonicalize_tensor_iterator() -> None:
    """Numbers beside arrays are constants of the arrays' type, one each."""

    def f(x: Array) -> Array:
        x = x + 2
        x = x - 4
        x = x * 6
        return x / 8

    graph = checked(f, X).graph_for(X)
    assert kinds(graph) == [f"lax::{name}" for name in ("add", "sub", "mul", "div")]
    constants = graph.find_all_nodes("prim::Constant")
    assert [node.output().to_ival() for node in constants] == [2, 4, 6, 8]
    assert {str(node.output().type()) for node in constants} == {"f32[]"}


def test_constant() -> None:
    scale = np.diag([2.0, 3.0, 4.0]).astype(np.float32)
    traced = checked(lambda x: x @ jnp.asarray(scale), M)
    same(slopes(traced, M), (np.float32([[2, 3, 4], [2, 3, 4]]),))


def test_wrapped_number() -> None:
    """A Python number takes the dtype of what it meets, in the graph as well."""

    def f() -> tuple[Array, ...]:
        x = -10000.0
        return tuple(x * jnp.ones(1, t) for t in (jnp.float32, jnp.bfloat16, jnp.int32))

    traced = checked(f)
    assert [v.type().scalar_type() for v in traced.graph.outputs()] == [
        "float32", "bfloat16", "float32"
    ]  # fmt: skip


def test_trace_casts() -> None:
    for dtype in (jnp.uint8, jnp.int32, jnp.bfloat16, jnp.complex64):
        traced = trace(lambda x, dtype=dtype: x.astype(dtype), Y)
        assert kinds(traced.graph) == ["lax::convert_element_type"]
        assert traced(jnp.ones(3)).dtype == dtype
    # To the same type nothing is done, and to the same place nothing is recorded.
    assert kinds(trace(lambda x: x.astype(jnp.float32), Y).graph) == []
    placed = trace(lambda x: jax.device_put(x, jax.devices()[0]), Y)
    assert kinds(placed.graph) == ["lax::device_put"]
    same(placed(Y), Y)


def test_trace_tuple() -> None:
    """Results are flat in the graph, and nested again in what a call returns."""
    traced = checked(lambda x, y: (x, (x * y[1], x * y[0])), X, (Y, X))
    assert "prim::TupleConstruct" not in str(traced.graph)
    assert len(traced.graph.outputs()) == 3
    graph = traced.graph.copy()
    graph.make_multi_output_into_tuple()
    (pack,) = graph.find_all_nodes("prim::TupleConstruct")
    assert pack.next() is graph.return_node()
    assert str(pack.output().type()) == "Tuple[f32[3], f32[3], f32[3]]"


def test_trace_random() -> None:
    """Random numbers come from a key, an argument: the same key, the same numbers."""

    def f(key: Array, mean: Array, std: Array) -> Array:
        return mean + std * jax.random.normal(key, mean.shape)

    traced = checked(f, jax.random.key(0), X, Y)
    agree(traced, f, jax.random.key(7), Y, X)
    assert not jnp.array_equal(
        traced(jax.random.key(0), X, Y), traced(jax.random.key(1), X, Y)
    )
    assert str(traced.graph.inputs()[0].type()) == "key<fry>[]"


def test_trace_tensor_factory() -> None:
    for dtype in (jnp.float32, jnp.int32):
        traced = checked(lambda x, d=dtype: x + jnp.ones((2, 3), d), M.astype(dtype))
        # It is made anew: the graph holds one number, no array of them.
        assert kinds(traced.graph) == ["lax::broadcast_in_dim", "lax::add"]
        assert traced.captured == {}


def test_conv() -> None:
    x = jnp.arange(32, dtype=jnp.float32).reshape(1, 2, 4, 4)
    weight = jnp.ones((1, 2, 3, 3))

    def conv(x: Array, weight: Array) -> Array:
        return jax.lax.conv(x, weight, (1, 1), "VALID")

    traced = checked(conv, x, weight)
    assert kinds(traced.graph) == ["lax::conv_general_dilated"]
    same(slopes(traced, x, weight), slopes(conv, x, weight))


def test_max_pool() -> None:
    def pool(x: Array) -> Array:
        window = (1, 2)
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, window, window, "VALID")

    x = M[:, :2]
    traced = checked(lambda x: pool(x) + 2, x)
    assert "lax::reduce_window_max" in str(traced.graph_for(x))
    same(traced(x), np.float32([[3], [6]]))


def test_repeated_input() -> None:
    """The same array twice is two inputs: another call may give two."""
    traced = checked(lambda a, b: a + b, X, X)
    assert len(set(traced.graph.inputs())) == 2
    same(traced(X, Y), X + Y)


def test_repeated_output() -> None:
    def fn(a: Array, b: Array) -> tuple[Array, Array]:
        z = a + b
        return z, z

    first, second = checked(fn, X, Y).graph.outputs()
    assert first is second
    assert first.debug_name() == "z"
    assert len(first.uses()) == 2


def test_trace_annotation() -> None:
    """A decorator is made of it in one line."""

    def on(*examples: Array) -> Callable[[Callable[..., Array]], TracedFunction]:
        return lambda fn: trace(fn, *examples)

    @on(X)
    def foo(a: Array) -> Array:
        return a + a + a

    assert isinstance(foo, TracedFunction)
    assert foo.__name__ == "foo"
    same(foo(Y), 3 * Y)


def test_trace_detach() -> None:
    def f(x: Array, w: Array) -> Array:
        return jax.lax.stop_gradient(x @ w) + TripledSin.apply(w[0])

    traced = checked(f, M, M.T)
    assert kinds(traced.graph)[0] == "lax::dot_general"
    assert in_order(str(traced.graph), "lax::dot_general", "stop_gradient", "^Tripled")
    dx, dw = slopes(traced, M, M.T)
    same(dx, np.zeros((2, 3)))
    same(dw, jnp.zeros((3, 2)).at[0].set(2 * 3 * jnp.cos(M.T[0])))


def test_trace_variable_instantiation() -> None:
    """Arrays made of arrays are no operation."""
    traced = checked(lambda x: jnp.asarray(jnp.asarray(x) + 1.0), X)
    assert kinds(traced.graph) == ["lax::add"]


def test_trace_optioanl_dtype() -> None:
    traced = checked(lambda: jnp.arange(5))
    assert traced().dtype == jnp.arange(5).dtype
    assert traced.graph.inputs() == []


def test_interpolate_trace() -> None:
    """Sizes are not kept from the example: another one is traced for itself."""
    weight = jnp.ones((1, 1, 3, 3))

    def f(x: Array) -> Array:
        y = jax.lax.conv(x, weight, (1, 1), "SAME")
        n, c, h, w = y.shape
        return jax.image.resize(y, (n, c, 3 * h, 3 * w), "bilinear")

    traced = trace(f, jnp.zeros((1, 1, 4, 4)))
    x = jnp.arange(4, dtype=jnp.float32).reshape(1, 1, 2, 2)
    with pytest.raises(TraceError, match=r"graph_for\(\*args\)"):
        traced(x)
    assert str(traced.graph_for(x).outputs()[0].type()) == "f32[1, 1, 6, 6]"
    same(traced.compile(x)(x), f(x))


def test_trace_inverse() -> None:
    x = jnp.uint8([0, 1, 255])
    traced = checked(lambda x: ~x, x)
    assert traced(x).tolist() == [255, 254, 0]
    assert kinds(traced.graph) == ["lax::not"]


def test_trace_records_names() -> None:
    def foo(bar: Array, baz: Array) -> Array:
        baz = bar + 3
        quick_brown_fox = -baz
        for _ in range(3):
            yeet = quick_brown_fox - 3.14
        return yeet

    graph = checked(foo, X, Y).graph
    assert in_order(str(graph), "%bar", "%baz", "%quick_brown_fox", "%yeet", "return")
    # The first two of three are not used, and the last one keeps the name.
    assert str(dce(graph)).count("%yeet") == 2


def test_trace_linear() -> None:
    def linear(x: Array, weight: Array, bias: Array) -> Array:
        return x @ weight.T + bias

    traced = checked(linear, M, M, X[:2])
    assert in_order(str(traced.graph), "lax::transpose", "lax::dot_general", "lax::add")
    same(slopes(traced, M, M, X[:2]), slopes(linear, M, M, X[:2]))


def test_type_same_device() -> None:
    """A cast keeps to the type: neither graph nor program names a device."""
    traced = trace(lambda x: x.astype(jnp.float16), X)
    text = str(traced.graph)
    assert "float16" in text or "f16" in text
    for device in ("cpu", "cuda", "device"):
        assert device not in text.lower()
    lowered = traced.lower(platforms=("cuda", "tpu")).as_text()
    assert "stablehlo.convert" in lowered
