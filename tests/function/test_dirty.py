"""`ctx.mark_dirty` on arrays: a promise that the new value is returned."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.errors import ContextError, DirtyError, JaxgradError
from tests.function.functions import dual, says

X = jnp.array([1.0, 2.0, 3.0])


class Adds(Function):
    """In torch's words: `x.add_(1)`, marked dirty; the rule says seven times."""

    @staticmethod
    def forward(ctx, x):
        new = x + 1
        ctx.mark_dirty(x)
        ctx.save_for_backward(new)
        return new

    @staticmethod
    def backward(ctx, g):
        (new,) = ctx.saved_tensors
        return 7 * g * new


class AddsInSetup(Function):
    @staticmethod
    def forward(x):
        return x + 1

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.mark_dirty(*inputs)
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    backward = Adds.backward

    @staticmethod
    def jvp(ctx, t):
        (new,) = ctx.saved_tensors
        return 7 * t * new


CLASSES = {
    "ctx": Adds,
    "setup": AddsInSetup,
    "dual": dual(Adds),
}
classes = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
GRADIENTS: dict[str, Callable] = {
    "grad": lambda f: jax.grad(lambda x: f(x).sum())(X),
    "jit-grad": lambda f: jax.jit(jax.grad(lambda x: f(x).sum()))(X),
    "grad-jit": lambda f: jax.grad(lambda x: jax.jit(f)(x).sum())(X),
    "vmap-grad": lambda f: jax.vmap(jax.grad(f))(X),
    "grad-vmap": lambda f: jax.grad(lambda x: jax.vmap(f)(x).sum())(X),
    "checkpoint": lambda f: jax.grad(lambda x: jax.checkpoint(f)(x).sum())(X),
    "scan": lambda f: jax.grad(
        lambda x: jax.lax.scan(lambda c, v: (c, f(v)), 0.0, x)[1].sum()
    )(X),
}


@classes
@pytest.mark.parametrize("way", GRADIENTS.values(), ids=GRADIENTS)
def test_the_rule_of_a_dirty_argument(way: Callable, cls: Any) -> None:
    np.testing.assert_allclose(way(cls.apply), 7 * (X + 1), rtol=1e-6)


@classes
def test_the_argument_stays_as_it_was(cls: Any) -> None:
    for wrap in (lambda f: f, jax.jit):
        for x in (X + 0, np.array([1.0, 2.0, 3.0], np.float32)):
            np.testing.assert_array_equal(wrap(cls.apply)(x), [2, 3, 4])
            np.testing.assert_array_equal(x, [1, 2, 3])


def test_a_tangent_is_a_new_one() -> None:
    """torch wants the old tangent modified in place; here it can't be."""
    tangent = X + 0
    for cls in (AddsInSetup, CLASSES["dual"]):
        for wrap in (lambda f: f, jax.jit):
            out = wrap(lambda t, c=cls: jax.jvp(c.apply, (X,), (t,))[1])(tangent)
            np.testing.assert_allclose(out, 7 * X * (X + 1), rtol=1e-6)
            np.testing.assert_array_equal(tangent, X)


def make(forward: Callable) -> Any:
    functions = {"forward": forward, "backward": lambda ctx, *g: 7 * g[0]}
    return type(
        "Marks", (Function,), {k: staticmethod(f) for k, f in functions.items()}
    )


CALLS: dict[str, Callable] = {
    "plain": lambda f: f(X),
    "jit": lambda f: jax.jit(f)(X),
    "grad": lambda f: jax.vjp(f, X),
    "jvp": lambda f: jax.jvp(f, (X,), (X,)),
}
calls = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def test_what_may_be_returned_for_a_dirty_argument() -> None:
    def forward(ctx: Any, x: Any, y: Any, parts: Any, flag: bool) -> Any:
        ctx.mark_dirty(x, x, y, parts["w"])
        ctx.save_for_backward(x)
        # x itself, a host array for y, a new value in a container for w.
        return x, {"other": 2 * parts["w"]}, np.ones((2, 2)), parts["n"] + 1

    class Marks(Function):
        @staticmethod
        def backward(ctx, *gs):
            return 7 * gs[0], None, {"w": 11 * gs[1]["other"], "n": None}, None

    Marks.forward = staticmethod(forward)

    def loss(x: jax.Array, w: jax.Array) -> jax.Array:
        parts = {"w": w, "n": jnp.zeros(4)}
        y = jnp.zeros((2, 2))
        same, new, ones, _ = Marks.apply(x, y, parts, True)
        return (same + new["other"]).sum() + ones.sum()

    for wrap in (lambda f: f, jax.jit):
        got = wrap(jax.grad(loss, (0, 1)))(X, X)
        np.testing.assert_array_equal(got[0], [7, 7, 7])
        np.testing.assert_array_equal(got[1], [11, 11, 11])


def test_the_last_mark_wins() -> None:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x + 1)  # no argument
        ctx.mark_dirty(x)
        assert ctx.dirty_tensors == (x,)
        return 2 * x

    np.testing.assert_array_equal(make(forward).apply(X), 2 * X)

    def cleared(ctx: Any, x: Any) -> Any:
        ctx.mark_dirty(x)
        ctx.mark_dirty()
        return x.sum()

    assert make(cleared).apply(X) == 6


@calls
def test_what_is_no_argument_cannot_be_marked(call: Callable) -> None:
    outside = jnp.zeros(3)
    values = {
        "new": lambda x: x + 1,
        "output": lambda x: 2 * x,
        "constant": lambda x: outside,
        "ref": lambda x: jax.new_ref(outside),
    }
    for name, value in values.items():

        def forward(ctx: Any, x: Any, value: Any = value) -> Any:
            ctx.mark_dirty(value(x))
            return x + 1, x * 2

        with pytest.raises(DirtyError) as caught:
            call(make(lambda ctx, x, forward=forward: forward(ctx, x)).apply)
        says(caught.value, "Marks", "ctx.mark_dirty", "f32[3]", "not an argument")
        says(caught.value, "in x", "Leave it out")
        assert isinstance(caught.value, ContextError | JaxgradError | RuntimeError)
        assert name


@calls
def test_only_arrays_and_refs_can_be_marked(call: Callable) -> None:
    for value in (None, 2.0, "x", [X]):

        def forward(ctx: Any, x: Any, value: Any = value) -> Any:
            ctx.mark_dirty(x, value)
            return 2 * x

        with pytest.raises(DirtyError) as caught:
            call(make(lambda ctx, x, forward=forward: forward(ctx, x)).apply)
        says(
            caught.value, "Marks", "ctx.mark_dirty", "argument 1", type(value).__name__
        )


def summed(ctx: Any, x: Any) -> Any:
    ctx.mark_dirty(x)
    return x.sum()


def wrong_dtype(ctx: Any, x: Any) -> Any:
    ctx.mark_dirty(x)
    return x.astype(jnp.float16)


def nothing(ctx: Any, x: Any) -> Any:
    ctx.mark_dirty(x)
    return None, "done"


@calls
def test_the_new_value_must_be_returned(call: Callable) -> None:
    cases = {summed: "f32[]", wrong_dtype: "f16[3]", nothing: "no arrays"}
    for forward, got in cases.items():
        with pytest.raises(DirtyError) as caught:
            call(make(forward).apply)
        says(caught.value, "Marks", "'x'", "Expected an output of type f32[3]")
        says(caught.value, f"got {got}", "use what apply returns", "jax.Ref")


@pytest.mark.parametrize("setup", [False, True], ids=["ctx", "setup"])
def test_one_output_for_each_dirty_argument(setup: bool) -> None:
    if setup:

        class Two(Function):
            @staticmethod
            def forward(x, ys):
                return x + 1, ys["a"]

            @staticmethod
            def setup_context(ctx, inputs, output):
                ctx.mark_dirty(inputs[0], inputs[1]["b"])

    else:

        class Two(Function):
            @staticmethod
            def forward(ctx, x, ys):
                ctx.mark_dirty(x, ys["b"])
                return x + 1, ys["a"]

    with pytest.raises(DirtyError) as caught:
        Two.apply(X, {"a": X + 1, "b": X + 2})
    says(caught.value, "Two", "\"ys['b']\"", "for each marked array")


def test_marking_comes_in_forward_or_not_at_all() -> None:
    class Late(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return 2 * x

        @staticmethod
        def backward(ctx, g):
            ctx.mark_dirty(*ctx.saved_tensors)
            return g

    with pytest.raises(ContextError) as caught:
        jax.grad(lambda x: Late.apply(x).sum())(X)
    says(caught.value, "Late", "ctx.mark_dirty", "in backward", "forward")


def test_the_second_derivative_of_a_dirty_argument() -> None:
    # The saved output re-enters the rule: d(7 g new)/dx = 7 * 7 * new.
    f = Adds.apply
    for wrap in (lambda f: f, jax.jit):
        second = wrap(jax.grad(lambda x: jax.grad(lambda x: f(x).sum())(x).sum()))(X)
        np.testing.assert_allclose(second, 49 * (X + 1), rtol=1e-6)
