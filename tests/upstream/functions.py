"""The Functions of torch's `autograd_function_db` whose forwards are NumPy code.

NumPy runs on the host, as a callback of the compiled program. No callback says how JAX
may batch it (`NumpyCubeNotComposable`, which has no rule, excepted), so that a batching
rule that is not asked shows as an error.

- `NumpyCube`, `NumpyExp_`, `NumpyMul`, `NumpyCubeNotComposable`, `NumpySort`,
  `NumpyTake`: the classes, with the names and the mathematics that they have in torch,
  on purpose also where those are not the derivative.
- `on_host`: what runs their NumPy code.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import Context, Function, once_differentiable

Array = jax.Array


def like(array: Array, dtype: Any = None) -> jax.ShapeDtypeStruct:
    """The shape of an array, with its dtype or another one."""
    return jax.ShapeDtypeStruct(array.shape, dtype or array.dtype)


def on_host(compute: Callable, specs: Any, *arrays: Array, batched: Any = None) -> Any:
    """What `compute` makes of NumPy arrays, as outputs of the shapes in `specs`."""

    def callback(*values: Any) -> Any:
        results = compute(*(np.array(v) for v in values))
        return jax.tree.map(lambda s, v: np.asarray(v, s.dtype), specs, results)

    return jax.pure_callback(callback, specs, *arrays, vmap_method=batched)


def to_front(array: Array, dim: int | None, size: int) -> Array:
    """With the batch dimension in front, also where there was none."""
    if dim is None:
        return jnp.broadcast_to(array, (size, *array.shape))
    return jnp.moveaxis(array, dim, 0)


class NumpyCube(Function):
    """x**3 and its derivative, both differentiable."""

    @staticmethod
    def forward(x: Array) -> tuple[Array, Array]:
        return on_host(lambda v: (v**3, 3 * v**2), (like(x), like(x)), x)

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: tuple) -> None:
        kept = inputs[0], output[1]
        ctx.save_for_backward(*kept)
        ctx.save_for_forward(*kept)

    @staticmethod
    def backward(ctx: Context, g_cube: Array, g_slope: Array) -> Array:
        x, slope = ctx.saved_tensors
        return NumpyMul.apply(g_cube, slope) + 6 * NumpyMul.apply(g_slope, x)

    @staticmethod
    def vmap(info: Any, in_dims: tuple, x: Array) -> tuple:
        return NumpyCube.apply(x), (in_dims[0], in_dims[0])

    @staticmethod
    def jvp(ctx: Context, tangent: Array) -> tuple[Array, Array]:
        x, slope = ctx.saved_tensors
        return NumpyMul.apply(tangent, slope), 6 * NumpyMul.apply(tangent, x)


class NumpyExp_(Function):
    """exp(x) in place of x: the argument is marked dirty, its new value returned."""

    @staticmethod
    def forward(x: Array) -> Array:
        return on_host(lambda v: np.exp(v, out=v), like(x), x)

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: Array) -> None:
        ctx.mark_dirty(inputs[0])
        ctx.save_for_backward(output)
        ctx.save_for_forward(output)

    @staticmethod
    def backward(ctx: Context, g: Array) -> Array:
        (y,) = ctx.saved_tensors
        return NumpyMul.apply(g, y)

    @staticmethod
    def vmap(info: Any, in_dims: tuple, x: Array) -> tuple:
        return NumpyExp_.apply(x), in_dims[0]

    @staticmethod
    def jvp(ctx: Context, tangent: Array) -> Array:
        (y,) = ctx.saved_tensors
        return tangent * y


class NumpyMul(Function):
    """x * y; the gradients have the shape of the product and are summed for it."""

    @staticmethod
    def forward(x: Array, y: Array) -> Array:
        shape = jnp.broadcast_shapes(x.shape, y.shape)
        spec = jax.ShapeDtypeStruct(shape, jnp.result_type(x, y))
        return on_host(np.multiply, spec, x, y)

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: Array) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Context, g: Array) -> tuple:
        x, y = ctx.saved_tensors
        x_asked, y_asked = ctx.needs_input_grad
        return (
            NumpyMul.apply(g, y) if x_asked else None,
            NumpyMul.apply(g, x) if y_asked else None,
        )

    @staticmethod
    def vmap(info: Any, in_dims: tuple, x: Array, y: Array) -> tuple:
        # The batch goes last, so that the others broadcast as without it.
        x, y = (
            v[..., None] if dim is None else jnp.moveaxis(v, dim, -1)
            for v, dim in zip((x, y), in_dims, strict=True)
        )
        return jnp.moveaxis(NumpyMul.apply(x, y), -1, 0), 0

    @staticmethod
    def jvp(ctx: Context, x_tangent: Array, y_tangent: Array) -> Array:
        x, y = ctx.saved_tensors
        return x_tangent * y + y_tangent * x


class NumpyCubeNotComposable(Function):
    """x**3 and x itself; backward leaves the cotangents out, and runs once only."""

    @staticmethod
    def forward(x: Array) -> tuple[Array, Array]:
        specs = like(x), like(x)
        return on_host(lambda v: (v**3, v), specs, x, batched="sequential")

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: tuple) -> None:
        ctx.kept = output[1]

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, g_cube: Array, g_kept: Array) -> Array:
        spec = like(ctx.kept)
        return on_host(lambda v: 3 * v**2, spec, ctx.kept, batched="sequential")


class NumpySort(Function):
    """x, unsorted as in torch, with the order that would sort it, and its inverse."""

    @staticmethod
    def forward(x: Array, dim: int) -> tuple[Array, Array, Array]:
        def compute(values: np.ndarray) -> tuple:
            order = np.argsort(values, axis=dim)
            return values, order, np.argsort(order, axis=dim)

        positions = like(x, jnp.int_)
        return on_host(compute, (like(x), positions, positions), x)

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
        return NumpyTake.apply(g, inverse, order, ctx.dim), None

    @staticmethod
    def vmap(info: Any, in_dims: tuple, x: Array, dim: int) -> tuple:
        x = jnp.moveaxis(x, in_dims[0], 0)
        along = dim + 1 if dim >= 0 else dim + x.ndim
        return NumpySort.apply(x, along), (0, 0, 0)

    @staticmethod
    def jvp(ctx: Context, tangent: Array, _dim: None) -> tuple:
        order, inverse = ctx.saved_tensors
        return NumpyTake.apply(tangent, order, inverse, ctx.dim), None, None


class NumpyTake(Function):
    """The elements of x at the places in `order`, along one dimension."""

    @staticmethod
    def forward(x: Array, order: Array, inverse: Array, dim: int) -> Array:
        take = lambda v, where: np.take_along_axis(v, where, dim)  # noqa: E731
        return on_host(take, like(order, x.dtype), x, order)

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: Array) -> None:
        _, order, inverse, ctx.dim = inputs
        ctx.save_for_backward(order, inverse)
        ctx.save_for_forward(order, inverse)

    @staticmethod
    def backward(ctx: Context, g: Array) -> tuple:
        order, inverse = ctx.saved_tensors
        return NumpyTake.apply(g, inverse, order, ctx.dim), None, None, None

    @staticmethod
    def vmap(info: Any, in_dims: tuple, *args: Any) -> tuple:
        *arrays, dim = args
        batched = [
            to_front(v, where, info.batch_size)
            for v, where in zip(arrays, in_dims[:-1], strict=True)
        ]
        along = dim + 1 if dim >= 0 else dim + batched[0].ndim
        return NumpyTake.apply(*batched, along), 0

    @staticmethod
    def jvp(ctx: Context, tangent: Array, *others: None) -> Array:
        assert others == (None, None, None)
        order, inverse = ctx.saved_tensors
        return NumpyTake.apply(tangent, order, inverse, ctx.dim)
