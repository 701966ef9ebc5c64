"""torch's tests of backends that compile for themselves, each under its names.

The demonstration backend of torch knows two operations, and writes a list of them. This
one does it, too. Those of its tests that need no compiler of one's own are in
tests/lower/test_backends.py; `listed.py` says where.
"""

import io
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import BackendError
from jaxgrad.frontend import trace
from jaxgrad.lower import backends
from jaxgrad.lower.backends import LoweredFunction, to_backend, to_backend_selective
from tests.upstream.helpers import Array, same
from tests.upstream.jit.test_tracer_functions import Negated

X = np.float32([0.5, -1.25, 2.0])
H = np.float32([1.0, 3.0, -2.0])
BOTH = (X, H)
OPERATIONS: dict[str, Callable[..., Any]] = {
    "lax::add": lambda a, b: a + b,
    "lax::sub": lambda a, b: a - b,
}


class Demo:
    """A compiler of additions and subtractions."""

    @staticmethod
    def is_available() -> bool:
        return True

    @staticmethod
    def preprocess(fn: Callable[..., Any], spec: tuple[Any, ...]) -> Any:
        graph = trace(fn, *spec).graph
        for node in graph.nodes():
            if node.kind() not in OPERATIONS:
                raise BackendError(
                    f"{node.kind()} is not supported in this compiler.\n"
                    f"{node.source_range().highlight()}"
                )
        return graph

    @staticmethod
    def compile(graph: Any, spec: tuple[Any, ...]) -> list[Any]:
        def place(value: Any) -> int:
            return value.unique()

        return [
            [place(v) for v in graph.inputs()],
            [
                (n.kind(), *map(place, n.inputs()), place(n.output()))
                for n in graph.nodes()
            ],
            [place(v) for v in graph.outputs()],
        ]

    @staticmethod
    def execute(program: list[Any], inputs: tuple[Any, ...]) -> Any:
        given, lines, returned = program
        values = dict(zip(given, inputs, strict=True))
        for kind, a, b, made in lines:
            values[made] = OPERATIONS[kind](values[a], values[b])
        (result,) = (values[v] for v in returned)
        return result


@pytest.fixture(scope="module", autouse=True)
def demo() -> None:
    backends.register("demo compiler", Demo())


def add(x: Array, h: Array) -> Array:
    return x + h


def sub(x: Array, h: Array) -> Array:
    return x - h


class TestBasicModuleTestWithCompiler:
    def test_execution(self) -> None:
        lowered = to_backend("demo compiler", add, BOTH)
        ((_, lines, _),) = lowered.handles.values()
        assert [kind for kind, *_ in lines] == ["lax::add"]
        for fn in (add, trace(add, *BOTH), lowered):
            same(fn(X, H), X + H)


class TestErrorMessagesWithCompiler:
    def test_errors(self) -> None:
        def product(x: Array, h: Array) -> Array:
            return x * h

        with pytest.raises(BackendError, match="lax::mul is not supported") as caught:
            to_backend("demo compiler", product, BOTH)
        assert "return x * h" in str(caught.value)
        assert "^^^^^" in str(caught.value)


def composed(first: LoweredFunction, second: LoweredFunction) -> Callable[..., Any]:
    return lambda a, b, s: s * (first(a, b) * second(a, b))


class TestCompModuleTestWithCompiler:
    def test_execution(self) -> None:
        both = [to_backend("demo compiler", fn, BOTH) for fn in (add, sub)]
        fn = composed(*both)
        for way in (fn, jax.jit(fn), trace(fn, X, H, X)):
            same(way(X, H, X), X * (X + H) * (X - H))


class TestCompModuleTestSameNameWithCompiler:
    def test_execution(self) -> None:
        """Two of one name are two: neither is taken for the other."""

        def renamed(fn: Callable[..., Any]) -> Callable[..., Any]:
            def step(x: Array, h: Array) -> Array:
                return fn(x, h)

            return step

        both = [to_backend("demo compiler", renamed(fn), BOTH) for fn in (add, sub)]
        assert both[0].name == both[1].name
        fn = composed(*both)
        for way in (fn, jax.jit(fn), trace(fn, X, H, 3.0)):
            same(way(X, H, 3.0), 3 * (X + H) * (X - H))


class TestSelectiveLoweringTest:
    def test_selective_lowering_type_remap(self) -> None:
        """What was selected is another node now; the rest is what it was."""

        def outer(x: Array, h: Array) -> Array:
            a = Negated.apply(x + h)
            b = Negated.apply(x - h)
            c = jnp.sin(b)
            return a * c

        traced = trace(outer, *BOTH)
        before = str(traced.graph)
        mixed = to_backend_selective(traced, "stablehlo", ["a", "c"])
        assert str(traced.graph) == before
        kinds = [node.kind() for node in mixed.graph.nodes()]
        assert "lax::sin" not in kinds
        left = [n for n in mixed.graph.nodes() if n.outputs()[0].debug_name() == "b"]
        assert [n.autograd_function() for n in left] == [Negated]
        same(mixed(X, H), outer(X, H))
        # The rules of both are asked: the lowered one's and the one that is left.
        slope = jax.grad(lambda x: mixed(x, H).sum())(X)
        a, b = np.asarray(X + H), np.asarray(H - X)
        same(slope, -50 * (np.sin(b) - a * np.cos(b)))


class TestAddedAttributesTest:
    def test_attribute(self) -> None:
        """What is added to a lowered function does no harm, and isn't in a file."""
        lowered = to_backend("stablehlo", Negated.apply, (X,))
        before = lowered(X)
        lowered.bundled_inputs = [(X,)]  # type: ignore[attr-defined]
        same(lowered(*lowered.bundled_inputs[0]), before)  # type: ignore[attr-defined]
        file = io.BytesIO()
        lowered.save(file)
        file.seek(0)
        again = backends.load(file)
        same(again(*lowered.bundled_inputs[0]), before)  # type: ignore[attr-defined]
        assert not hasattr(again, "bundled_inputs")
