"""Functions in a trace, gradients, and files, each test under its name in torch."""

import copy
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import Context, Function
from jaxgrad.frontend import TracedFunction, trace
from jaxgrad.graph import PythonOp
from tests.helpers import TripledSin
from tests.upstream.helpers import Array, same
from tests.upstream.jit.helpers import agree, checked, kinds, line, slopes

X = np.float32([0.5, -1.25, 2.0])
Y = jnp.float32([1.5, 0.75, -0.5])


class Negated(Function):
    """-x; the rule is marked."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> Array:
        return -x

    @staticmethod
    def backward(ctx: Context, g: Array) -> Array:
        return -50 * g


class Swapped(Function):
    """(y, x); the rule is marked, differently for both."""

    @staticmethod
    def forward(ctx: Context, x: Array, y: Array) -> tuple[Array, Array]:
        return y, x

    @staticmethod
    def backward(ctx: Context, du: Array, dv: Array) -> tuple[Array, Array]:
        return 10 * dv, 20 * du


class Around(Function):
    """(x + 1, x - 1); the rule is marked."""

    @staticmethod
    def forward(ctx: Context, x: Array) -> tuple[Array, Array]:
        return x + 1, x - 1

    @staticmethod
    def backward(ctx: Context, up: Array, down: Array) -> Array:
        return 7 * up + 70 * down


def test_python_function() -> None:
    def fn(x: Array) -> Array:
        return Negated.apply(x + 2) + 3

    traced = checked(fn, X)
    (op,) = traced.graph.find_all_nodes("prim::PythonOp")
    assert op.autograd_function() is Negated
    assert line(op) == "return Negated.apply(x + 2) + 3"
    same(slopes(traced, X), (np.full(3, -50.0),))
    # Another shape is another graph, with the same Function.
    wide = traced.graph_for(jnp.ones((2, 2)))
    assert wide.find_node("prim::PythonOp").autograd_function() is Negated


def test_python_function_tup() -> None:
    def fn(x: Array) -> Array:
        a, b = Around.apply(x + 2)
        return a + b * b + 3

    traced = checked(fn, X)
    (op,) = traced.graph.find_all_nodes("prim::PythonOp")
    assert [v.debug_name() for v in op.outputs()] == ["a", "b"]
    same(slopes(traced, X), (7 + 140 * (X + 1),))


def test_trace_autograd_function() -> None:
    """Deep inside other callables; torch's test asks only that nothing is raised."""

    class Inner:
        def __call__(self, x: Array) -> Array:
            return jax.nn.relu(Negated.apply(x))

    class Wrapper:
        def __init__(self) -> None:
            self.inner = Inner()

        def __call__(self, x: Array) -> Array:
            return self.inner(x)

    traced = checked(Wrapper(), X)
    (op,) = traced.graph.find_all_nodes("prim::PythonOp")
    assert (op.name(), op.cconv, op.scalar_args) == ("Negated", "d", [])
    assert op.pyobj == Negated.apply
    same(slopes(traced, X), (np.where(X < 0, -50.0, 0),))


def test_trace_multi_output_function() -> None:
    def fn(x: Array, y: Array) -> tuple[Array, Array]:
        return Swapped.apply(jnp.abs(x), jnp.abs(y))

    x, y = jnp.ones((3, 2)), -jnp.ones((1, 2))
    traced = checked(fn, x, y)
    op = traced.graph.find_node("prim::PythonOp")
    assert isinstance(op, PythonOp)
    # Shapes are those of the outputs, which are the inputs' the other way round.
    assert op.schema() == "^Swapped(f32[3, 2] x, f32[1, 2] y) -> (f32[1, 2], f32[3, 2])"
    first, second = (v.debug_name() for v in op.outputs())
    shown = f"%{first} : f32[1, 2], %{second} : f32[3, 2] = ^Swapped()("
    assert shown in str(traced.graph)
    u, v = traced(x, y)
    same((u, v), (-y, x))
    same(slopes(traced, x, y), (np.full((3, 2), 10.0), np.full((1, 2), -20.0)))


CASES: dict[str, tuple[Callable[..., Any], int]] = {
    "chain": (lambda a, b: TripledSin.apply(a) * b + b, 2),
    "identity": (lambda a, b: (b, a), 2),
    "two results": (lambda a: (TripledSin.apply(a) ** 2, 4 * a * a), 1),
    "unused": (lambda a, b: TripledSin.apply(a), 2),
    "quotient": (lambda a, b: a * b / (a - 2 * b) + b, 2),
}


def test_ge_unoptimized() -> None:
    """One operation at a time, without a compiler."""
    with jax.disable_jit():
        for fn, count in CASES.values():
            agree(trace(fn, *(X, Y)[:count]), fn, *(X, Y)[:count])


def test_ge_optimized() -> None:
    """Compiled, and so are the gradients: to the last bit what the callables are."""
    for fn, count in CASES.values():
        args = (X, Y)[:count]
        first, second = slopes(trace(fn, *args), *args), slopes(fn, *args)
        for got, want in zip(first, second, strict=True):
            assert got.tolist() == want.tolist()


def test_ge_cuda() -> None:
    """Lowered for CUDA, wherever it is: what is in the program, rule and all."""
    fn, _ = CASES["chain"]
    traced = trace(fn, X, Y)
    text = traced.lower(platforms=("cuda",)).as_text()
    assert "stablehlo.sine" in text
    both = jax.jit(jax.value_and_grad(lambda a, b: traced(a, b).sum()))
    text = both.trace(X, Y).lower(lowering_platforms=("cuda",)).as_text()
    assert "stablehlo.cosine" in text
    assert "3.000000e+00" in text


def test_ge() -> None:
    """Gradients of gradients, of both arguments."""

    def fn(a: Array, b: Array) -> Array:
        return TripledSin.apply(a) * b / (a - b) + b

    traced = trace(fn, X, Y)

    def second(f: Callable[..., Any]) -> Callable[..., Any]:
        def mixed(a: Array, b: Array) -> Array:
            da, db = jax.grad(lambda a, b: f(a, b).sum(), (0, 1))(a, b)
            return (da * db + db * db).sum()

        return jax.jit(jax.grad(mixed, (0, 1)))

    same(second(traced)(X, Y), second(fn)(X, Y), rtol=1e-5)
    # The rule is marked in both: with the true derivative it would be something else.
    plain = second(lambda a, b: jnp.sin(a) * b / (a - b) + b)(X, Y)
    assert not np.allclose(plain[0], second(traced)(X, Y)[0])


def through_a_file(traced: TracedFunction, path: Path) -> Any:
    traced.save(path / "traced.jaxgrad")
    return jaxgrad.load(path / "traced.jaxgrad")


def test_export_no_reorder(tmp_path: Path) -> None:
    """A file computes in the same order: to the last bit the same gradients."""

    def fn(a: Array, b: Array) -> Array:
        return a * TripledSin.apply(b) / (a - 2 * b) + b

    a, b = jnp.float32([0.556197881698]), jnp.float32([0.25947844982147])
    traced = trace(fn, a, b)
    loaded = through_a_file(traced, tmp_path)
    assert loaded(a, b).tolist() == traced(a, b).tolist()
    for got, want in zip(slopes(loaded, a, b), slopes(traced, a, b), strict=True):
        assert got.tolist() == want.tolist()


def test_trace_save(tmp_path: Path) -> None:
    """With its Functions, which torch can't save."""
    traced = trace(lambda x: Negated.apply(x) + 2, X)
    loaded = through_a_file(traced, tmp_path)
    same(loaded(Y), 2 - Y)
    same(slopes(loaded, Y), (np.full(3, -50.0),))
    assert "^Negated()(%x)" in loaded.graph
    assert loaded.source_map[0][1:3] == ("test_tracer_functions.py", _line_of_save())


def _line_of_save() -> int:
    return test_trace_save.__code__.co_firstlineno + 2


def test_trace_save_load_copy() -> None:
    """Copies of what was loaded are independent callables, and equal."""
    weight = jnp.ones((1, 1, 2, 2))
    x = jnp.arange(9, dtype=jnp.float32).reshape(1, 1, 3, 3)
    traced = trace(lambda x: jax.lax.conv(x, weight, (1, 1), "VALID"), x)
    file = io.BytesIO()
    traced.save(file)  # type: ignore[arg-type]
    file.seek(0)
    loaded = jaxgrad.load(file)
    for again in (copy.copy(loaded), copy.deepcopy(loaded)):
        assert again is not loaded
        same(again(x), traced(x))
        same(again.weights, loaded.weights)


def test_tracing_hooks() -> None:
    """Hooks of one's own, called round a callable: all they do is in the graph."""

    class Hooked:
        def __init__(self, *hooks: Callable[[Array], Array]) -> None:
            self.hooks = hooks

        def __call__(self, x: Array) -> Array:
            before, after = self.hooks
            return after(Negated.apply(before(x)))

    offset = Y * 2
    traced = checked(Hooked(lambda x: x - 4, lambda out: out * offset), X)
    assert kinds(traced.graph) == ["lax::sub", "prim::PythonOp", "lax::mul"]
    assert len(traced.captured) == 1
    same(slopes(traced, X), (-50 * offset,))


def test_tracing_backward_hook_error() -> None:
    """Hooks on gradients are traced with their Function, where torch refuses them."""

    class Clipped(Negated):
        @staticmethod
        def forward(ctx: Context, x: Array) -> Array:
            ctx.register_hook(lambda grads, _: (jnp.clip(grads[0], -1, 1),))
            return -x

    traced = checked(lambda x: Clipped.apply(x) * Y, X)
    assert kinds(traced.graph) == ["prim::PythonOp", "lax::mul"]
    same(slopes(traced, X), (-np.sign(Y),))


def test_tensor_with_grad_as_constant() -> None:
    """A closed-over array that is differentiated is an input; torch refuses it."""

    def loss(weight: Array) -> Array:
        traced = trace(lambda x: Negated.apply(x * weight), X)
        assert [v.debug_name() for v in traced.graph.inputs()] == ["x", "weight"]
        return traced(X).sum()

    same(jax.grad(loss)(Y), -50 * X)
    same(jax.jit(jax.grad(loss))(Y), -50 * X)


def test_tracing_multiple_methods() -> None:
    """Any method is traced, by itself; what they share is captured by each."""

    class Net:
        def __init__(self) -> None:
            self.weight = Y

        def forward(self, x: Array) -> Array:
            return TripledSin.apply(x) * self.weight

        def weighted(self, scale: Array) -> Array:
            return Negated.apply(scale * self.weight)

    net = Net()
    more = [X + 1, (X * 2,)]
    traced = {
        name: trace(getattr(net, name), X, check_inputs=more)
        for name in ("forward", "weighted")
    }
    for name, method in traced.items():
        assert method.__name__ == name
        assert method.captured["weight"] is net.weight
        agree(method, getattr(net, name), X)
    same(slopes(traced["weighted"], X), (-50 * Y,))
    with pytest.raises(AttributeError, match="missing"):
        trace(net.missing, X)  # type: ignore[attr-defined]
