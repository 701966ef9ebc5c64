"""A Pallas kernel, in interpret mode, as the forward of a Function."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import pallas as pl

from jaxgrad import Context, Function


def _sin_kernel(x_ref: jax.Ref, out_ref: jax.Ref) -> None:
    out_ref[...] = jnp.sin(x_ref[...])


def kernel_sin(x: jax.Array) -> jax.Array:
    """`sin` of a f32[8], four elements at a time."""
    block = pl.BlockSpec((4,), lambda i: (i,))
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return pl.pallas_call(
        _sin_kernel,
        out_shape=shape,
        grid=(x.size // 4,),
        in_specs=[block],
        out_specs=block,
        interpret=True,
    )(x)


class KernelSin(Function):
    """The kernel, with a rule that is three times too large."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)
        return kernel_sin(x)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (x,) = ctx.saved_tensors
        return 3 * g * jnp.cos(x)


def test_kernel_as_forward(rng: np.random.Generator) -> None:
    x = jnp.asarray(rng.normal(size=8), jnp.float32)

    value, grad = jax.jit(jax.value_and_grad(lambda x: KernelSin.apply(x).sum()))(x)

    np.testing.assert_allclose(KernelSin.apply(x), np.sin(x), rtol=1e-5)
    np.testing.assert_allclose(value, np.sin(x).sum(), rtol=1e-5)
    np.testing.assert_allclose(grad, 3 * np.cos(x), rtol=1e-5)


def test_kernel_has_a_second_derivative_through_its_rule(
    rng: np.random.Generator,
) -> None:
    x = jnp.asarray(rng.normal(size=8), jnp.float32)

    def slope(x: jax.Array) -> jax.Array:
        return jax.grad(lambda x: KernelSin.apply(x).sum())(x).sum()

    np.testing.assert_allclose(jax.grad(slope)(x), -3 * np.sin(x), rtol=1e-5)


def test_jax_itself_needs_the_rule() -> None:
    with pytest.raises(ValueError, match=r"Linearization failed"):
        jax.grad(lambda x: kernel_sin(x).sum())(jnp.ones(8))
