"""Rows 7.14 to 7.20: hooks round backward, and on values."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad import Function, errors
from tests.function.rows.functions import V, X, define, refuses


class Tap(Function):
    """The identity, whose gradient passes hooks in order: a hook on a value."""

    @staticmethod
    def forward(ctx: Any, x: Any, *hooks: Any) -> Any:
        ctx.hooks = hooks
        return x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        for hook in ctx.hooks:
            replaced = hook(g)
            g = g if replaced is None else replaced
        return g, *[None] * len(ctx.hooks)


def test_row_7_14() -> None:
    """Arrays have no hooks; a Function that is the identity is one."""
    assert not hasattr(V, "register_hook")
    hooks = (lambda g: 2 * g, lambda g: None, lambda g: 10 * g)
    grad = jax.grad(lambda v: (2 * Tap.apply(v, *hooks) * V).sum())(V)
    np.testing.assert_array_equal(grad, 40 * V)


def test_row_7_15() -> None:
    """Its errors are those of a gradient."""
    for hook, part in (
        (lambda g: jnp.ones(4), "f32[4]"),
        (lambda g: "text", "str"),
        (lambda g: 1j * g, "c64[3]"),
    ):
        grad = jax.grad(lambda v, h=hook: Tap.apply(v, h).sum())
        refuses(errors.BackwardError, lambda g=grad: g(V), "Tap", "'x'", "f32[3]", part)


def hooked(*, pre: Any = None, post: Any = None, backward: Any = None) -> Any:
    """a + b, whose rule says (7, 11), with hooks round it."""

    def forward(ctx: Any, a: Any, b: Any) -> Any:
        if pre is not None:
            ctx.register_prehook(pre)
        if post is not None:
            ctx.register_hook(post)
        return a + b

    rule = backward or (lambda ctx, g: (7 * g, 11 * g))
    return define(forward=forward, backward=rule).apply


def test_row_7_16() -> None:
    """A prehook replaces cotangents, a hook gradients; None keeps them."""
    f = hooked(pre=lambda grads: (10 * grads[0],))
    assert jax.grad(f, (0, 1))(X, X) == (70.0, 110.0)
    f = hooked(post=lambda ins, outs: (ins[0] + outs[0], None))
    assert jax.grad(f)(X, X) == 8.0
    f = hooked(pre=lambda grads: None, post=lambda ins, outs: None)
    assert jax.jit(jax.grad(f, (0, 1)))(X, X) == (7.0, 11.0)
    bad = {
        "2": hooked(pre=lambda grads: (grads[0], grads[0])),
        "tuple": hooked(pre=lambda grads: grads[0]),
        "f32[4]": hooked(pre=lambda grads: (jnp.ones(4),)),
        "1": hooked(post=lambda ins, outs: (ins[0],)),
    }
    for part, f in bad.items():
        refuses(errors.HookError, lambda f=f: jax.grad(f, (0, 1))(X, X), "F", part)


def test_row_7_17() -> None:
    order: list = []

    def backward(ctx: Any, g: Any) -> Any:
        order.append("backward")
        return 7 * g, 11 * g

    f = hooked(
        pre=lambda grads: order.append("pre"),
        post=lambda ins, outs: order.append("post"),
        backward=backward,
    )
    said = lambda word: lambda g: order.append(word)  # noqa: E731

    def loss(x: Any) -> Any:
        return Tap.apply(f(Tap.apply(x, said("in")), X), said("out"))

    assert jax.grad(loss)(X) == 7.0
    assert order == ["out", "pre", "backward", "post", "in"]


def test_row_7_18() -> None:
    """One Function of several values sees all their gradients at once."""
    assert not hasattr(jaxgrad, "register_multi_grad_hook")
    seen = []

    def backward(ctx: Any, *grads: Any) -> Any:
        seen.append(grads)
        return grads

    both = define(forward=lambda ctx, a, b: (a, b), backward=backward).apply

    def loss(a: Any, b: Any) -> Any:
        a, b = both(a, b)
        return 3 * a + 5 * b

    assert jax.grad(loss, (0, 1))(X, X) == (3.0, 5.0)
    assert seen == [(3.0, 5.0)]


def test_row_7_19() -> None:
    """The gradient of an output is asked for: recorded, or that of an added zero."""
    assert not hasattr(V, "retain_grad")
    f = define(forward=lambda ctx, x: 2 * x, backward=lambda ctx, g: 7 * g).apply
    grads = jax.grad(lambda x, zero: (f(x) + zero) ** 2, (0, 1))(X, jnp.float32(0))
    assert grads == (56.0, 8.0)
    recording = jaxgrad.record(lambda x: f(x) ** 2, X)
    (node,) = [node for node in recording.nodes if node.name() == "FBackward"]
    edge = jaxgrad.GradientEdge(node, 0)
    assert recording.backward(inputs=[edge]) == (8.0,)


@pytest.mark.parametrize("kind", ["register_prehook", "register_hook"])
def test_row_7_20(kind: str) -> None:
    calls: list = []

    def forward(ctx: Any, x: Any) -> Any:
        register = getattr(ctx, kind)
        first = register(lambda *_: calls.append("first"))
        register(lambda *_: calls.append("second"))
        first.remove()
        first.remove()  # as often as one likes
        return 2 * x

    f = define(forward=forward, backward=lambda ctx, g: 7 * g).apply
    assert jax.grad(f)(X) == 7.0
    assert calls == ["second"]
