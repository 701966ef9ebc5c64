"""Functions that keep inputs, outputs, intermediates or attributes on the context."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import Context, Function, once_differentiable


class SavedInput(Function):
    """x**2, whose rule says 100 x."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (x,) = ctx.saved_tensors
        return 100 * x * g


class SavedOutput(Function):
    """exp(x), whose rule says 10 times the output."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        y = jnp.exp(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (y,) = ctx.saved_tensors
        return 10 * y * g


class SavedIntermediate(Function):
    """sin(x), whose rule says 3 cos(x) and finds the cosine saved."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(jnp.cos(x))
        return jnp.sin(x)

    @staticmethod
    def vjp(ctx: Context, g: jax.Array) -> jax.Array:
        (cosine,) = ctx.saved_tensors
        return 3 * cosine * g


class Attributes(Function):
    """x sin(x), whose rule says 3 x cos(x), from plain attributes."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.cosine = jnp.cos(x)
        ctx.kept = {"x": x, "factor": 3, "shape": x.shape}
        return x * jnp.sin(x)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        assert g.shape == ctx.kept["shape"]
        return ctx.kept["factor"] * ctx.kept["x"] * ctx.cosine * g


class Several(Function):
    """(a b, exp(a)): the second output doesn't depend on b, and is saved."""

    @staticmethod
    def forward(
        ctx: Context, a: jax.Array, b: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        y = jnp.exp(a)
        ctx.save_for_backward(a, b, y)
        return a * b, y

    @staticmethod
    def backward(
        ctx: Context, g: jax.Array, gy: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        a, b, y = ctx.saved_tensors
        return 100 * b * g + 10 * y * gy, 3 * a * g


class SetUp(Function):
    """scale x with a scalar scale, in the style with setup_context.

    The rule says 10 times too much, and leaves the sum to the scalar's shape to the
    library.
    """

    @staticmethod
    def forward(x: jax.Array, scale: jax.Array) -> jax.Array:
        return scale * x

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple[Any, ...], output: jax.Array) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, jax.Array]:
        x, scale = ctx.saved_tensors
        return 10 * scale * g, 10 * x * g


class AsNeeded(Function):
    """a b, whose rule computes (3 times) only what needs_input_grad asks for."""

    @staticmethod
    def forward(ctx: Context, a: jax.Array, b: jax.Array) -> jax.Array:
        first, second = ctx.needs_input_grad
        ctx.save_for_backward(a if second else None, b if first else None)
        return a * b

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[Any, Any]:
        a, b = ctx.saved_tensors
        first, second = ctx.needs_input_grad
        return 3 * b * g if first else None, 3 * a * g if second else None


class Reversal(Function):
    """The input as it is, with its gradient turned round and three times as long."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        return x

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        return -3 * g


class StraightThrough(Function):
    """Rounding that lets the gradient through."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        return jnp.round(x)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        return g


class Once(SavedInput):
    """x**2 with the rule 100 x, which may not be differentiated again."""

    @staticmethod
    @once_differentiable
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (x,) = ctx.saved_tensors
        return 100 * x * g


class Marked(Function):
    """(x**2, floor(x)), the second without a gradient; the rule says 100 x."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        floor = jnp.floor(x)
        ctx.mark_non_differentiable(floor)
        ctx.save_for_backward(x)
        return x * x, floor

    @staticmethod
    def backward(ctx: Context, g: jax.Array, g_floor: jax.Array) -> jax.Array:
        (x,) = ctx.saved_tensors
        return 100 * x * g + 1000 * g_floor


class Unmaterialized(Function):
    """(x**2, its rounded sum as an integer): the integer's cotangent is None."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x)
        return x * x, jnp.sum(x).astype(jnp.int32)

    @staticmethod
    def backward(ctx: Context, g: jax.Array | None, g_sum: None) -> jax.Array | None:
        assert g_sum is None
        (x,) = ctx.saved_tensors
        return None if g is None else 100 * x * g
