"""The Functions of torch's `autograd_function_db` that are written in array code.

- `Select`, `ForwardHasDefaultArgs`: with a batching rule of their own.
- `CubeGenVmap`, `MulGenVmap`, `SortGenVmap`, `TakeGenVmap`, `SelectGenVmap`,
  `ScaleGradGenVmap`, `ZeroGradientsGenVmap`: with `generate_vmap_rule`.

Names and mathematics are torch's, on purpose also where those are not the derivative.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import Context, Function
from tests.upstream.functions import NumpyMul

Array = jax.Array


class CubeGenVmap(Function):
    """x**3 and its derivative; backward forgets one factor."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Array) -> tuple[Array, Array]:
        return x**3, 3 * x**2

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: tuple) -> None:
        kept = inputs[0], output[1]
        ctx.save_for_backward(*kept)
        ctx.save_for_forward(*kept)

    @staticmethod
    def backward(ctx: Context, g_cube: Array, g_slope: Array) -> Array:
        _, slope = ctx.saved_tensors
        return g_cube * slope + 6 * slope  # torch forgets g_slope too

    @staticmethod
    def jvp(ctx: Context, tangent: Array) -> tuple[Array, Array]:
        x, slope = ctx.saved_tensors
        return MulGenVmap.apply(tangent, slope), 6 * NumpyMul.apply(tangent, x)


class MulGenVmap(Function):
    """x * y; the gradients have the shape of the product and are summed for it."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Array, y: Array) -> Array:
        return x * y

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: Array) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Context, g: Array) -> tuple:
        x, y = ctx.saved_tensors
        x_asked, y_asked = ctx.needs_input_grad
        return (
            MulGenVmap.apply(g, y) if x_asked else None,
            MulGenVmap.apply(g, x) if y_asked else None,
        )

    @staticmethod
    def jvp(ctx: Context, x_tangent: Array, y_tangent: Array) -> Array:
        x, y = ctx.saved_tensors
        return x_tangent * y + y_tangent * x


class SortGenVmap(Function):
    """x sorted, with the order that sorts it and the inverse of that order."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Array, dim: int) -> tuple[Array, Array, Array]:
        order = jnp.argsort(x, axis=dim)
        inverse = jnp.argsort(order, axis=dim)
        return jnp.take_along_axis(x, order, axis=dim), order, inverse

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: tuple) -> None:
        _, *positions = output
        ctx.mark_non_differentiable(*positions)
        ctx.save_for_backward(*positions)
        ctx.save_for_forward(*positions)
        ctx.dim = inputs[1]

    @staticmethod
    def backward(ctx: Context, g: Array, _order: Array, _inverse: Array) -> tuple:
        order, inverse = ctx.saved_tensors
        return TakeGenVmap.apply(g, inverse, order, ctx.dim), None

    @staticmethod
    def jvp(ctx: Context, tangent: Array, _dim: None) -> tuple:
        order, inverse = ctx.saved_tensors
        return TakeGenVmap.apply(tangent, order, inverse, ctx.dim), None, None


class TakeGenVmap(Function):
    """The elements of x at the places in `order`, along one dimension."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Array, order: Array, inverse: Array, dim: int) -> Array:
        return jnp.take_along_axis(x, order, dim)

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: Array) -> None:
        _, order, inverse, ctx.dim = inputs
        ctx.save_for_backward(order, inverse)
        ctx.save_for_forward(order, inverse)

    @staticmethod
    def backward(ctx: Context, g: Array) -> tuple:
        order, inverse = ctx.saved_tensors
        return TakeGenVmap.apply(g, inverse, order, ctx.dim), None, None, None

    @staticmethod
    def jvp(ctx: Context, tangent: Array, *others: None) -> Array:
        order, inverse = ctx.saved_tensors
        return TakeGenVmap.apply(tangent, order, inverse, ctx.dim)


class _Selects(Function):
    """What the three Functions that pick x[idx] have in common."""

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: Array) -> None:
        x, ctx.idx = inputs
        ctx.x_shape = x.shape

    @staticmethod
    def backward(ctx: Context, g: Array) -> tuple:
        return jnp.zeros(ctx.x_shape, g.dtype).at[ctx.idx].set(g), None


class Select(_Selects):
    """One row of x."""

    @staticmethod
    def forward(x: Array, idx: int) -> Array:
        return x[idx]

    @staticmethod
    def vmap(info: Any, in_dims: tuple, x: Array, idx: int) -> tuple:
        return Select.apply(jnp.moveaxis(x, in_dims[0], 1), idx), 0

    @staticmethod
    def jvp(ctx: Context, tangent: Array, _idx: None) -> Array:
        return Select.apply(tangent, ctx.idx)


class SelectGenVmap(_Selects):
    """One row of x, with the batching rule that JAX finds."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Array, idx: int) -> Array:
        return x[idx]

    @staticmethod
    def jvp(ctx: Context, tangent: Array, _idx: None) -> Array:
        return SelectGenVmap.apply(tangent, ctx.idx)


class ForwardHasDefaultArgs(_Selects):
    """One row of x; which one has a default."""

    @staticmethod
    def forward(x: Array, idx: tuple = (2,)) -> Array:
        return x[idx]

    @staticmethod
    def vmap(info: Any, in_dims: tuple, x: Array, idx: tuple) -> tuple:
        return ForwardHasDefaultArgs.apply(jnp.moveaxis(x, in_dims[0], 1), idx), 0

    @staticmethod
    def jvp(ctx: Context, tangent: Array, _idx: None) -> Array:
        return ForwardHasDefaultArgs.apply(tangent, ctx.idx)


class ScaleGradGenVmap(Function):
    """x, whose derivative is deliberately said to be 3.14."""

    generate_vmap_rule = True
    scale = 3.14

    @staticmethod
    def forward(x: Array) -> Array:
        return jnp.copy(x)

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: Array) -> None:
        pass

    @staticmethod
    def backward(ctx: Context, g: Array) -> Array:
        return g * ScaleGradGenVmap.scale

    @staticmethod
    def jvp(ctx: Context, tangent: Array) -> Array:
        return tangent * ScaleGradGenVmap.scale


class ZeroGradientsGenVmap(Function):
    """x and y, whose derivatives are said to be zero; one gradient is too large."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Array, y: Array) -> tuple[Array, Array]:
        return jnp.copy(x), jnp.copy(y)

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: tuple) -> None:
        pass

    @staticmethod
    def backward(ctx: Context, gx: Array, gy: Array) -> tuple[Array, Array]:
        return jnp.zeros((3, 4, *gx.shape), gx.dtype), jnp.zeros(gy.shape, gy.dtype)

    @staticmethod
    def jvp(ctx: Context, tx: Array, ty: Array) -> tuple[Array, Array]:
        return jnp.zeros(tx.shape, tx.dtype), jnp.zeros(ty.shape, ty.dtype)
