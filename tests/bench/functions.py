"""The eight Functions of the benchmark, as a torch user writes them.

- Saved input: `SiLU`, `Gated` (a pytree argument), `Linear` (asks `needs_input_grad`).
- Saved output: `Exp`, and `Sparsemax`, which is dual: it also answers forward mode.
- Saved intermediates: `LayerNorm`, `SoftmaxCrossEntropy` (integer labels).
- A static argument, `setup_context` style: `LSQ`.
"""

from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import Context, Function


class SiLU(Function):
    """`x * sigmoid(x)` that saves `x` alone; the sigmoid is computed again."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)
        return x * jax.nn.sigmoid(x)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (x,) = ctx.saved_tensors
        s = jax.nn.sigmoid(x)
        return g * s * (1 + x * (1 - s))


class Exp(Function):
    """`exp` that saves its output."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        y = jnp.exp(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (y,) = ctx.saved_tensors
        return g * y


class LSQ(Function):
    """A learned-step-size quantizer to `bits` bits; gradients pass the rounding."""

    @staticmethod
    def forward(x: jax.Array, step: jax.Array, bits: int) -> jax.Array:
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        return jnp.round(jnp.clip(x / step, low, high)) * step

    @staticmethod
    def setup_context(
        ctx: Context, inputs: tuple[jax.Array, jax.Array, int], output: jax.Array
    ) -> None:
        x, step, ctx.bits = inputs
        ctx.save_for_backward(x, step)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, jax.Array, None]:
        x, step = ctx.saved_tensors
        low, high = -(2 ** (ctx.bits - 1)), 2 ** (ctx.bits - 1) - 1
        scaled = x / step
        inside = (scaled >= low) & (scaled <= high)
        slope = jnp.where(
            inside, jnp.round(scaled) - scaled, jnp.clip(scaled, low, high)
        )
        return jnp.where(inside, g, 0), jnp.sum(g * slope), None


class LayerNorm(Function):
    """Layer normalization over the last axis that saves `mean` and `rstd`."""

    @staticmethod
    def forward(
        ctx: Context, x: jax.Array, weight: jax.Array, bias: jax.Array
    ) -> jax.Array:
        mean = jnp.mean(x, -1, keepdims=True)
        rstd = jax.lax.rsqrt(jnp.mean((x - mean) ** 2, -1, keepdims=True) + 1e-5)
        ctx.save_for_backward(x, weight, mean, rstd)
        return (x - mean) * rstd * weight + bias

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        x, weight, mean, rstd = ctx.saved_tensors
        normal = (x - mean) * rstd
        gw = g * weight
        along = jnp.mean(gw * normal, -1, keepdims=True)
        grad_x = rstd * (gw - jnp.mean(gw, -1, keepdims=True) - normal * along)
        return grad_x, jnp.sum(g * normal, 0), jnp.sum(g, 0)


class Sparsemax(Function):
    """The Euclidean projection of each row onto the simplex; saves its output.

    Its JVP is derived from `backward`. (JAX linearizes the rule of a `custom_jvp` at
    each call. For a Function of two operations such as `Exp` that alone makes tracing
    1.6 times as long as with a `custom_vjp`, in hand-written code too.)
    """

    generate_jvp_rule = True

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ordered = -jnp.sort(-x, axis=-1)
        count = jnp.arange(1, x.shape[-1] + 1, dtype=x.dtype)
        total = jnp.cumsum(ordered, -1) - 1
        size = jnp.sum(count * ordered > total, -1, keepdims=True)
        threshold = jnp.take_along_axis(total, size - 1, -1) / size.astype(x.dtype)
        y = jnp.maximum(x - threshold, 0)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (y,) = ctx.saved_tensors
        support = y > 0
        size = jnp.sum(support, -1, keepdims=True).astype(g.dtype)
        mean = jnp.sum(jnp.where(support, g, 0), -1, keepdims=True) / size
        return jnp.where(support, g - mean, 0)


class Linear(Function):
    """`x @ weight.T + bias`, with each gradient computed only where it is needed."""

    @staticmethod
    def forward(
        ctx: Context, x: jax.Array, weight: jax.Array, bias: jax.Array
    ) -> jax.Array:
        ctx.save_for_backward(x, weight)
        return x @ weight.T + bias

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array | None, ...]:
        x, weight = ctx.saved_tensors
        grad_x = g @ weight if ctx.needs_input_grad[0] else None
        grad_weight = g.T @ x if ctx.needs_input_grad[1] else None
        grad_bias = g.sum(0) if ctx.needs_input_grad[2] else None
        return grad_x, grad_weight, grad_bias


class Gated(Function):
    """`x * sigmoid(x * gate + shift)` with its parameters in a dict."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array, params: dict[str, Any]) -> jax.Array:
        ctx.save_for_backward(x, params["gate"], params["shift"])
        return x * jax.nn.sigmoid(x * params["gate"] + params["shift"])

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, dict[str, jax.Array]]:
        x, gate, shift = ctx.saved_tensors
        s = jax.nn.sigmoid(x * gate + shift)
        slope = g * x * s * (1 - s)
        grads = {"gate": jnp.sum(slope * x, 0), "shift": jnp.sum(slope, 0)}
        return g * s + slope * gate, grads


class SoftmaxCrossEntropy(Function):
    """The loss of each row of logits for integer labels; saves the probabilities."""

    @staticmethod
    def forward(ctx: Context, logits: jax.Array, labels: jax.Array) -> jax.Array:
        shifted = logits - jnp.max(logits, -1, keepdims=True)
        exps = jnp.exp(shifted)
        total = jnp.sum(exps, -1, keepdims=True)
        ctx.save_for_backward(exps / total, labels)
        picked = jnp.take_along_axis(shifted, labels[:, None], -1)
        return (jnp.log(total) - picked)[:, 0]

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, None]:
        probs, labels = ctx.saved_tensors
        hot = jax.nn.one_hot(labels, probs.shape[-1], dtype=probs.dtype)
        return g[:, None] * (probs - hot), None
