"""Rows 1.19 to 1.28 and 1.40 to 1.46: what torch's node of the graph offers."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import Context
from jaxgrad.errors import ContextError, FunctionDefinitionError, TapeError
from tests.function.rows.functions import V, X, define, refuses, returning


def reading(name: str, phase: str = "forward") -> Any:
    """A call whose forward or backward reads `ctx.<name>`."""

    def forward(ctx: Any, x: Any) -> Any:
        if phase == "forward":
            getattr(ctx, name)
        return 2 * x

    def backward(ctx: Any, g: Any) -> Any:
        if phase == "backward":
            getattr(ctx, name)
        return 7 * g

    f = define(forward=forward, backward=backward)
    return lambda: jax.grad(f.apply)(X)


def explains(name: str, *parts: str) -> None:
    """Reading `ctx.<name>` is an AttributeError that says why, and what else to do."""
    for phase in ("forward", "backward"):
        error = refuses(AttributeError, reading(name, phase), name, *parts)
        assert isinstance(error, ContextError)


def test_row_1_19() -> None:
    """One list, whose entries can be let go; also under jit."""
    seen = []

    def backward(ctx: Any, grads: Any) -> Any:
        seen.append((type(grads), len(grads)))
        a = grads.pop(0)
        return 7 * a + 100 * grads.pop(0)

    f = define(
        forward=lambda ctx, x: (2 * x, 3 * x), backward=backward, boxed_grads_call=True
    ).apply
    assert jax.grad(lambda x: sum(f(x)))(X) == 107.0
    assert jax.jit(jax.grad(lambda x: f(x)[1]))(X) == 100.0
    assert set(seen) == {(list, 2)}
    refuses(
        FunctionDefinitionError,
        lambda: define(boxed_grads_call=1),
        "F",
        "boxed_grads_call",
        "True or False",
        "int",
    )


def test_row_1_20() -> None:
    explains("next_functions", "jaxgrad.record")
    f = define(forward=lambda ctx, x: 2 * x, backward=lambda ctx, g: 7 * g).apply
    leaf, first, second = jaxgrad.record(lambda x: f(f(x)), X).nodes
    assert first.next_functions == ((leaf, 0),)
    assert second.next_functions == ((first, 0),)


def test_row_1_21() -> None:
    seen = []

    def forward(ctx: Any, x: Any) -> Any:
        seen.append(dict(ctx.metadata))
        ctx.metadata["note"] = 3
        seen.append(dict(ctx.metadata))
        return 2 * x

    f = define(forward=forward, backward=lambda ctx, g: 7 * g)
    assert jax.grad(f.apply)(X) == 7.0
    assert seen[:2] == [{}, {"note": 3}]
    explains("requires_grad", "needs_input_grad")


def test_row_1_22() -> None:
    explains("_input_metadata", "jaxgrad.record")
    f = define(forward=lambda ctx, x: (x > 0, 2 * x), backward=lambda ctx, *g: g[1])
    (node,) = jaxgrad.record(f.apply, V).nodes[1:]
    flags, out = node.input_metadata
    assert (out.shape, out.dtype) == ((3,), jnp.float32)
    assert (flags.shape, flags.dtype) == ((3,), jax.dtypes.float0)


def test_row_1_23() -> None:
    explains("_sequence_nr", "jaxgrad.record")
    explains("_set_sequence_nr")
    f = define(forward=lambda ctx, x: 2 * x, backward=lambda ctx, g: 7 * g).apply
    nodes = jaxgrad.record(lambda x: f(f(x)), X).nodes
    assert [node.sequence_nr for node in nodes] == [0, 1, 2]


def test_row_1_24() -> None:
    """Hooks round backward, registered in forward; each has a handle."""
    calls: list = []

    def forward(ctx: Any, x: Any) -> Any:
        ctx.register_prehook(lambda grads: calls.append(("pre", grads)))
        ctx.register_hook(lambda ins, outs: calls.append(("post", ins, outs)))
        ctx.register_hook(lambda ins, outs: calls.append("gone")).remove()
        return 2 * x

    f = define(forward=forward, backward=lambda ctx, g: 7 * g)
    assert jax.grad(f.apply)(X) == 7.0
    assert calls == [("pre", (1.0,)), ("post", (7.0,), (1.0,))]


def test_row_1_25() -> None:
    def backward(ctx: Any, g: Any) -> Any:
        (x,) = ctx.saved_tensors
        assert ctx.maybe_clear_saved_tensors() is None
        assert ctx.saved_tensors[0] is x
        return 10 * x * g

    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return 2 * x

    _, pull = jax.vjp(define(forward=forward, backward=backward).apply, X)
    assert pull(X) == pull(X) == (40.0,)


PLUMBING = (
    "_compiled_autograd_key",
    "_get_compiled_autograd_symints",
    "_compiled_autograd_backward_state",
    "_autograd_function_id",
    "_forward_cls",
    "_get_user_fn",
    "apply",
    "apply_boxed",
    "apply_jvp",
)
INTERNAL = (
    "is_variable_input",
    "input_info",
    "output_info",
    "has_freed_buffers",
    "saved_tensors_accessed_and_cleared",
    "pure_view",
    "materialize_non_diff_grads",
    "is_traceable",
    "is_aot_backward",
    "compiled_args",
    "apply_with_saved",
    "release_variables",
    "shared_pairs",
)


def missing(names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `names` that a context has not."""
    absent: list[str] = []

    def forward(ctx: Any, x: Any) -> Any:
        absent.extend(name for name in names if not hasattr(ctx, name))
        return x

    define(forward=forward, jit=False).apply(X)
    return tuple(absent)


def test_row_1_26() -> None:
    assert missing(PLUMBING) == PLUMBING


def test_row_1_27() -> None:
    assert missing(INTERNAL) == INTERNAL


def test_row_1_28() -> None:
    """A rule alone is run by the pullback or a recorded node; ctx can't be called."""
    f = define(forward=lambda ctx, x: ctx(x))
    refuses(TypeError, lambda: f.apply(X), "not callable", "Context")
    f = define(forward=lambda c, x: x, backward=lambda c, g: 7 * g).apply
    _, pull = jax.vjp(f, X)
    assert pull(X) == (14.0,)
    (node,) = jaxgrad.record(f, X).nodes[1:]
    assert node.apply(X) == (14.0,)
    refuses(TapeError, lambda: node.apply(V), "FBackward", "f32[]", "f32[3]")


def test_row_1_40() -> None:
    """Of a recorded forward; else the gradient at a value is that of an added zero."""
    f = define(forward=lambda ctx, x: 2 * x, backward=lambda ctx, g: 7 * g).apply
    at_edge = lambda edge: f(3 * X + edge) ** 2  # noqa: E731
    assert jax.grad(at_edge)(jnp.float32(0.0)) == 7 * 2 * 12.0
    recording = jaxgrad.record(lambda x: f(3 * x) ** 2, X)
    (node,) = [node for node in recording.nodes if node.name() == "FBackward"]
    edge = recording.edge(node.graph_node.input())
    assert isinstance(edge, jaxgrad.GradientEdge)
    assert recording.backward(inputs=[edge]) == (7 * 2 * 12.0,)
    assert recording.backward({jaxgrad.GradientEdge(node, 0): X}) == (3 * 7 * X,)


def test_row_1_41() -> None:
    kinds = []

    def forward(ctx: Any, x: Any) -> Any:
        kinds.append(isinstance(ctx, Context))
        return x

    define(forward=forward, jit=False).apply(X)
    assert kinds == [True]
    assert not hasattr(jaxgrad, "Node")


def test_row_1_42() -> None:
    """One base class, which takes nested arguments; the others are not needed."""
    for name in ("InplaceFunction", "NestedIOFunction", "BackwardCFunction"):
        assert not hasattr(jaxgrad, name)
    f = define(
        forward=lambda ctx, nested: [nested["a"][0] * 2],
        backward=lambda ctx, g: ({"a": (7 * g[0],)},),
    ).apply
    assert jax.grad(lambda x: f({"a": (x,)})[0])(X) == 7.0


def test_row_1_43() -> None:
    """No name on the context is reserved for a batching rule."""
    names = [
        "_pt_reserved_attrs",
        "_pt_inner_ctx",
        "_pt_new_saved_tensors",
        "_pt_out_dims",
    ]

    def setup_context(ctx: Any, inputs: tuple, output: Any) -> None:
        for i, name in enumerate(names):
            setattr(ctx, name, (i + 1) * inputs[0])

    def backward(ctx: Any, g: Any) -> Any:
        return g * sum(getattr(ctx, name) for name in names)

    f = define(
        forward=lambda x: 2 * x,
        setup_context=setup_context,
        backward=backward,
        generate_vmap_rule=True,
    )
    np.testing.assert_array_equal(jax.vmap(jax.grad(f.apply))(V), 10 * V)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_row_1_44(dtype: str) -> None:
    """A gradient has the dtype of its argument; arrays have no setting for it."""
    x = jnp.ones(3, dtype)
    assert not hasattr(x, "grad_dtype")
    for given in ("float32", "bfloat16", "int32"):
        f = returning(lambda g, d=given: jnp.ones(3, d))
        assert jax.grad(f.apply)(x).dtype == x.dtype


def test_row_1_45() -> None:
    seen = []

    def forward(ctx: Any, x: Any, dtypes: Any) -> Any:
        ctx.set_output_grad_dtype(*dtypes)
        return 2 * x, 3 * x

    def backward(ctx: Any, a: Any, b: Any) -> Any:
        seen.append((a.dtype.name, b.dtype.name))
        return 7 * a + 100 * b, None

    f = define(forward=forward, backward=backward).apply
    grad = jax.grad(lambda x: sum(f(x, (jnp.bfloat16, None))))(X)
    assert (grad, grad.dtype) == (107.0, jnp.float32)
    assert seen == [("bfloat16", "float32")]
    refuses(
        ContextError, lambda: f(X, (jnp.bfloat16,)), "F", "set_output_grad_dtype", "2"
    )
    refuses(ContextError, lambda: f(X, ("text", None)), "set_output_grad_dtype", "text")

    def again(ctx: Any, x: Any) -> Any:
        ctx.set_output_grad_dtype(None)
        ctx.set_output_grad_dtype(None)
        return x

    refuses(ContextError, lambda: define(forward=again).apply(X), "F", "once")


def test_row_1_46() -> None:
    """There is no ambient precision: dtypes are those of the arguments."""
    assert not hasattr(jaxgrad, "custom_fwd")
    grads = []

    def backward(ctx: Any, g: Any) -> Any:
        grads.append(g.dtype)
        return 7 * g

    f = define(forward=lambda ctx, x: 2 * x, backward=backward).apply
    half = jnp.ones((), jnp.bfloat16)
    assert f(half).dtype == jnp.bfloat16
    assert jax.grad(f)(half).dtype == jnp.bfloat16
    assert grads == [jnp.bfloat16]
