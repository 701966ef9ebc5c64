"""Hooks on applications and on saved tensors, under their names in torch."""

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Function, saved_tensors_hooks
from jaxgrad.errors import HookError
from tests.upstream.helpers import same, ways

X = jnp.float32([0.5, -1.25])


def test_grad_fn_prehooks_multiple_outputs() -> None:
    """A prehook sees one cotangent for each output, and may replace them."""

    class Pair(Function):
        prehooks: tuple = ()
        removed: tuple = ()

        @classmethod
        def forward(cls, ctx, x):
            handles = [ctx.register_prehook(hook) for hook in cls.prehooks]
            for i in cls.removed:
                handles[i].remove()
            return 2 * x, 3 * x

        @staticmethod
        def backward(ctx, g0, g1):
            return 2 * g0 + 300 * g1

    doubles = lambda grads: tuple(2 * g for g in grads)  # noqa: E731
    swaps = lambda grads: (grads[1], grads[0])  # noqa: E731
    loss = lambda x: (Pair.apply(x)[0] + 10 * Pair.apply(x)[1]).sum()  # noqa: E731
    cases = [
        ((), (), 3002),
        ((doubles,), (), 6004),
        ((swaps,), (), 20 + 300),
        ((doubles, swaps), (), 40 + 600),  # in their order
        ((doubles, swaps), (1,), 6004),
        ((doubles, lambda grads: None), (), 6004),  # None keeps them
    ]
    for Pair.prehooks, Pair.removed, want in cases:
        for grad in ways(jax.grad(loss)):
            same(grad(X), jnp.full(2, float(want)))
    for bad in (lambda grads: grads[0], lambda grads: (*grads, *grads)):
        Pair.prehooks, Pair.removed = (bad,), ()
        with pytest.raises(HookError):
            jax.grad(loss)(X)


def test_saved_tensor_hooks_custom_function_intermediates() -> None:
    """Inputs, outputs and intermediates go through the hooks, in order, not by name."""
    packed = []

    class Keeps(Function):
        @staticmethod
        def forward(ctx, x):
            middle = jnp.exp(x)
            out = 2 * middle
            ctx.save_for_backward(x, middle, None, out)
            ctx.attribute = x  # not packed
            return out

        @staticmethod
        def backward(ctx, g):
            x, middle, nothing, out = ctx.saved_tensors
            assert nothing is None
            return g * (x + 10 * middle + 100 * out + 1000 * ctx.attribute)

    def pack(value):
        packed.append(value)
        return {"half": value / 2}

    loss = lambda x: Keeps.apply(x).sum()  # noqa: E731
    slope = X + 10 * jnp.exp(X) + 100 * 2 * jnp.exp(X) + 1000 * X
    with saved_tensors_hooks(pack, lambda kept: 2 * kept["half"]):
        for grad in ways(jax.grad(loss)):
            same(grad(X), slope, 1e-5)
        pull = jax.vjp(loss, X)[1]
    assert len(packed) == 9
    same(packed[:3], (X, jnp.exp(X), 2 * jnp.exp(X)))
    same(pull(1.0), (slope,), 1e-5)  # unpacked outside the region
    halves = lambda kept: kept["half"]  # noqa: E731 (what unpack gives is the value)
    with saved_tensors_hooks(pack, halves):
        same(jax.grad(loss)(X), slope / 2 + 500 * X, 1e-5)
    same(jax.grad(loss)(X), slope, 1e-5)
