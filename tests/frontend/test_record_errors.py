"""What a recording refuses, and what it says then."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Context, Function
from jaxgrad.errors import ClosureError, HookError, JaxgradError, TapeError
from jaxgrad.frontend._tape import GradientEdge, Recording, record
from tests.helpers import TripledSin

X = jnp.array([0.5, -1.25, 2.0])


def tripled(x: Any) -> Any:
    y = TripledSin.apply(x)
    return {"y": y, "n": jnp.argmax(x)}


@pytest.fixture(scope="module")
def recording() -> Recording:
    return record(tripled, X)


def refused(action: Callable[[], Any], *parts: str) -> None:
    with pytest.raises(TapeError) as caught:
        action()
    assert isinstance(caught.value, JaxgradError)
    assert isinstance(caught.value, RuntimeError)
    for part in parts:
        assert part in str(caught.value)


# --- record ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "program",
    [
        lambda x: record(tripled, x).result["y"],
        lambda x: record(lambda y: x * y, X).result,
    ],
    ids=["argument", "closed over"],
)
@pytest.mark.parametrize("transform", [jax.jit, jax.vmap])
def test_traced_values(program: Callable, transform: Any) -> None:
    refused(lambda: transform(program)(X), "traced", "jaxgrad.trace", "concrete")


def test_a_jit_round_concrete_values() -> None:
    refused(lambda: jax.jit(lambda: record(tripled, X).result)(), "traced", "jax.jit")


def test_what_has_no_value() -> None:
    spec = jax.ShapeDtypeStruct((3,), jnp.float32)
    refused(lambda: record(tripled, spec), "x is only a type, f32[3]", "jaxgrad.trace")
    refused(lambda: record(lambda r: r[...], jax.new_ref(X)), "r is a Ref")
    refused(lambda: record(3), "callable", "int")  # type: ignore[arg-type]


def test_a_gradient_through_a_ref() -> None:
    def fn(x: Any) -> Any:
        ref = jax.new_ref(x)
        ref[...] = ref[...] * 2
        return ref[...]

    refused(lambda: record(fn, X), "Ref", "one jax.jit")
    same = record(jax.jit(fn), X).backward(X)[0]
    assert same.tolist() == (2 * X).tolist()


def test_a_value_that_a_function_closes_over() -> None:
    def fn(x: Any) -> Any:
        class Closed(Function):
            @staticmethod
            def forward(ctx: Context, y: jax.Array) -> jax.Array:
                return x * y

            @staticmethod
            def backward(ctx: Context, g: jax.Array) -> jax.Array:
                return x * g

        return Closed.apply(jnp.ones(3))

    with pytest.raises(ClosureError, match="Closed"):
        record(fn, X)


def test_an_error_of_the_user_passes_with_its_place() -> None:
    class Failing(TripledSin):
        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            raise ZeroDivisionError("mine")

    tape = record(Failing.apply, X)
    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        tape.backward(X)
    assert any("FailingBackward" in note for note in caught.value.__notes__)


# --- cotangents -----------------------------------------------------------------------


def test_cotangents_of_another_kind(recording: Recording) -> None:
    back = recording.backward
    refused(back, "tripled needs cotangents", "f32[3]", "backward(cotangents)")
    refused(lambda: back(X), "another structure", "'y'")
    refused(lambda: back({"y": X[:2], "n": None}), "result['y']", "f32[3]; got f32[2]")
    refused(lambda: back({"y": jnp.arange(3), "n": None}), "f32[3]; got i32[3]")
    refused(lambda: back({"y": "no", "n": None}), "result['y']", "got str")
    refused(lambda: back({"y": 1.0, "n": None}), "f32[3]; got f32[]")
    refused(lambda: back({"y": X, "n": 1}), "result['n']", "give None")


def test_scalars_that_need_a_cotangent() -> None:
    complex_one = record(lambda x: jnp.sum(x) * 1j, X)
    refused(complex_one.backward, "one real scalar", "c64[]")
    assert complex_one.backward(1j)[0].tolist() == [-1.0] * 3
    refused(record(lambda x: (), X).backward, "got nothing")


def test_cotangents_of_one_node(recording: Recording) -> None:
    node = recording.nodes[1]
    refused(node.apply, "expected 1 cotangents", "TripledSinBackward")
    refused(lambda: node.apply(X, X), "got 2")
    refused(lambda: node.apply(X[:1]), "Cotangent 0 of TripledSinBackward", "f32[1]")


# --- edges ----------------------------------------------------------------------------


def test_edges_of_nothing(recording: Recording) -> None:
    refused(lambda: recording.edge("nope"), "'nope'", "x, y")
    refused(lambda: recording.edge(jnp.ones(2)), "f32[2]", "identity", 'edge("z")')
    refused(lambda: recording.edge(object()), "object")
    refused(lambda: recording.edge(recording.result["n"]), "no gradient edge")
    back = recording.backward
    refused(lambda: back({"y": X, "n": None}, inputs=["nope"]), "'nope'")


def test_edges_of_others(recording: Recording) -> None:
    other = record(tripled, X)
    refused(lambda: recording.edge(other.edge("y")), "another recording")
    refused(lambda: recording.backward({other.edge("y"): X}), "another recording")
    refused(lambda: recording.edge(other.graph.outputs()[0]), "another graph")
    far = GradientEdge(recording.nodes[1], 7)
    refused(lambda: recording.edge(far), "has 1 outputs", "output_nr 7")


def test_an_array_that_was_given_twice() -> None:
    tape = record(lambda x, y: x * y, X, X)
    refused(lambda: tape.edge(X), "several arguments", "%x, %y")
    assert tape.edge("x") != tape.edge("y")


def test_a_cotangent_at_an_edge(recording: Recording) -> None:
    edge = recording.edge("y")
    refused(lambda: recording.backward({edge: X[:1]}), "TripledSinBackward", "f32[1]")


# --- hooks and freed values -----------------------------------------------------------


@pytest.mark.parametrize(
    ("hook", "part"),
    [
        (lambda made, given: made[0], "expected to return a tuple or None"),
        (lambda made, given: (), "incorrect number of values"),
        (lambda made, given: (made[0][:1],), "changed a gradient's type"),
        (lambda made, given: ("no",), "changed a gradient's type"),
    ],
    ids=["no tuple", "count", "shape", "no array"],
)
def test_hooks_that_return_something_else(
    hook: Any, part: str, recording: Recording
) -> None:
    node = recording.nodes[1]
    handle = node.register_hook(hook)
    with pytest.raises(HookError, match=part) as caught:
        node.apply(X)
    assert "'<lambda>'" in str(caught.value)
    handle.remove()
    handle = node.register_prehook(lambda given: hook(given, given))
    with pytest.raises(HookError, match=part):
        node.apply(X)
    handle.remove()
    assert node.apply(X)[0] is not None


def test_a_hook_that_can_not_be_called(recording: Recording) -> None:
    with pytest.raises(HookError, match="callable; got int"):
        recording.nodes[1].register_hook(3)  # type: ignore[arg-type]


def test_freed_values() -> None:
    tape = record(lambda x: TripledSin.apply(x).sum(), X)
    node = tape.nodes[1]
    node.release_variables()
    for use in (tape.backward, lambda: node.apply(X), lambda: node.saved_tensors):
        refused(use, "freed", "TripledSinBackward test_record_errors.py:", "Record ag")
    assert node.saved_bytes == 0
    assert tape.nodes[2].apply(1.0)[0].shape == (3,)


def test_a_backward_that_does_not_retain() -> None:
    tape = record(lambda x: TripledSin.apply(x).sum(), X)
    (gradient,) = tape.backward()
    assert tape.backward(retain=False)[0].tolist() == gradient.tolist()
    refused(tape.backward, "freed", "retain=True")
    tape.release_variables()
    refused(tape.backward, "freed")
