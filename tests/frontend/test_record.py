"""The members of a recording and of its nodes."""

import linecache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Context, Function, packers
from jaxgrad.frontend._tape import Recording, record
from jaxgrad.frontend._tape_node import AccumulateGrad
from jaxgrad.function import residuals, saved_tensors_hooks
from tests.cases import by_name
from tests.helpers import TripledSin

X = jnp.array([0.5, -1.25, 2.0])
W = jnp.array([1.5, 0.75, -0.5])


def loss(x: Any, w: Any) -> Any:
    z = jnp.sin(x) * w
    y = TripledSin.apply(z)
    return (y * y).sum()


def names(recording: Recording) -> list[str]:
    return [node.name() for node in recording.nodes]


def same(got: Any, expected: Any) -> None:
    np.testing.assert_array_equal(np.asarray(got), np.asarray(expected))


# --- nodes ----------------------------------------------------------------------------


def test_nodes_have_torchs_names_in_the_order_in_which_they_ran() -> None:
    recording = record(loss, X, W)
    assert names(recording) == [
        "AccumulateGrad",
        "AccumulateGrad",
        "SinBackward",
        "MulBackward",
        "TripledSinBackward",
        "MulBackward",
        "ReduceSumBackward",
    ]
    assert [node.sequence_nr for node in recording.nodes] == list(range(7))
    assert [node.is_leaf for node in recording.nodes] == [True] * 2 + [False] * 5


def test_a_jitted_function_gives_its_name() -> None:
    @jax.jit
    def my_layer(x: Any) -> Any:
        return TripledSin.apply(x) * x

    assert names(record(my_layer, X))[1:] == ["MyLayerBackward"]
    assert names(record(jax.jit(lambda x: x * x), X))[1:] == ["JitBackward"]


def test_next_functions_are_one_for_each_input() -> None:
    def fn(x: Any, n: Any) -> Any:
        values, _ = by_name("several").function.apply(x * 2, x)
        return values * n

    recording = record(fn, X, 3)
    leaf, double, several, cast, last = (*recording.nodes, None)[:5]
    assert double.next_functions == ((leaf, 0), (None, 0))
    assert several.next_functions == ((double, 0), (leaf, 0))
    assert cast.next_functions == ((several, 0), (None, 0))
    assert last is None
    assert leaf.next_functions == ()


def test_a_node_knows_which_output_it_uses() -> None:
    def fn(x: Any) -> Any:
        return by_name("several").function.apply(x, x)[1] * 2

    assert record(fn, X).nodes[-1].next_functions[0][1] == 1


def test_source_and_graph_node() -> None:
    recording = record(loss, X, W)
    leaf, *_, node, _, _ = recording.nodes
    assert isinstance(leaf, AccumulateGrad)
    assert node.source_range is not None
    assert node.source_range.filename == __file__
    assert linecache.getline(__file__, node.source_range.line).split()[0] == "y"
    assert node.graph_node is recording.graph.find_node("prim::PythonOp")
    assert leaf.source_range is None
    assert leaf.graph_node is recording.graph.param_node()
    assert leaf.variable is X
    assert leaf.path == "x"


def test_metadata_is_for_notes() -> None:
    node = record(loss, X, W).nodes[-1]
    node.metadata["note"] = 1
    assert node.metadata == {"note": 1}


def test_input_metadata_is_what_the_node_receives() -> None:
    def fn(x: Any) -> Any:
        return jax.lax.top_k(x, 2)

    values, indices = record(fn, X).nodes[-1].input_metadata
    assert (values.shape, values.dtype) == ((2,), jnp.float32)
    assert (indices.shape, indices.dtype) == ((2,), jax.dtypes.float0)


def test_what_has_no_derivative_has_no_node() -> None:
    def fn(x: Any, n: Any) -> Any:
        return jax.lax.stop_gradient(x) * 2 + jnp.floor(n / 2), x > 0, jnp.argmax(x)

    assert names(record(fn, X, 3)) == ["AccumulateGrad"]


def test_control_flow_is_one_node() -> None:
    def fn(x: Any) -> Any:
        total, _ = jax.lax.scan(lambda c, y: (c * y, TripledSin.apply(c)), x[0], x)
        return jax.lax.cond(total > 0, jnp.sin, jnp.cos, total)

    assert {"ScanBackward", "CondBackward"} < set(names(record(fn, X)))


def test_a_while_loop_says_in_backward_that_it_has_none() -> None:
    def fn(x: Any) -> Any:
        done = jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, 2 * c[1]),
                                  (0, x))  # fmt: skip
        return done[1]

    recording = record(fn, X)
    assert "WhileBackward" in names(recording)
    with pytest.raises(ValueError, match="while_loop") as caught:
        recording.backward(X)
    assert any(
        "WhileBackward test_record.py:" in note for note in caught.value.__notes__
    )


# --- what is saved --------------------------------------------------------------------


def test_a_function_keeps_its_saved_tensors() -> None:
    class Two(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            y = jnp.exp(x)
            ctx.save_for_backward(y, None, x)
            ctx.scale = jnp.cos(x)
            return y

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            y, _, x = ctx.saved_tensors
            return 10 * g * y * ctx.scale + 0 * x

    recording = record(Two.apply, X)
    node = recording.nodes[-1]
    y, none, x = node.saved_tensors
    same(y, recording.result)
    assert none is None
    assert x is X
    table = residuals(Two, X)
    assert node.saved_bytes == sum(r.nbytes for r in table) == 36
    assert all(r.name in str(recording) for r in table)


@pytest.mark.parametrize("name", ["several", "trees", "attributes", "typed_key"])
def test_the_bytes_are_those_of_the_functions_own_table(name: str) -> None:
    case = by_name(name)
    args = case.args()
    node = record(case.function.apply, *args).nodes[-1]
    assert node.saved_bytes == sum(r.nbytes for r in residuals(case.function, *args))


def test_other_nodes_keep_what_their_vjp_keeps() -> None:
    recording = record(lambda x, w: jnp.sin(x) * w, X, W)
    sine, product = recording.nodes[-2:]
    same(sine.saved_tensors[0], jnp.cos(X))
    assert sine.saved_bytes == 12
    assert len(product.saved_tensors) == 2
    assert product.saved_bytes == 24
    assert record(lambda x: x + 1, X).nodes[-1].saved_tensors == ()


def test_the_bytes_of_all_nodes_count_what_is_shared_once() -> None:
    recording = record(lambda x: TripledSin.apply(x) + TripledSin.apply(x), X)
    assert [node.saved_bytes for node in recording.nodes] == [0, 12, 12, 0]
    assert recording.saved_bytes == 12


def test_saved_tensors_hooks_pack_and_unpack() -> None:
    with saved_tensors_hooks(packers.bfloat16.pack, packers.bfloat16.unpack):
        recording = record(loss, X, W)
    node = recording.nodes[4]
    assert node.saved_bytes == 6
    (z,) = node.saved_tensors
    expected = (jnp.sin(X) * W).astype(jnp.bfloat16).astype(jnp.float32)
    same(z, expected)
    same(node.apply(X)[0], 3 * X * jnp.cos(expected))


def test_printing_shows_nodes_lines_types_and_bytes() -> None:
    text = str(record(loss, X, W)).splitlines()
    assert text[0].split()[:5] == ["node", "value", "source", "output", "saved"]
    (row,) = [line for line in text if line.startswith("TripledSinBackward")]
    assert row.split()[1] == "%y"
    assert "test_record.py:" in row
    assert row.split()[3:] == ["f32[3]", "saved_tensors[0]:", "f32[3]", "12"]
    assert text[-1].split() == ["total", "each", "once", "60"]
    assert repr(record(loss, X, W)) == "<jaxgrad.Recording of loss: 7 nodes>"
