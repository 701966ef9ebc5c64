"""Four published custom functions, written the way one writes them in PyTorch.

- `MemoryEfficientSiLU`: keeps its input alone and recomputes the sigmoid in `backward`.
- `LSQuantize`: a quantizer that learns its step size, straight through the rounding.
- `GradientReversal`: the identity forward, a negated and scaled gradient backward.
- `Sparsemax`: a softmax with exact zeros, whose gradient lives on the support.

The classes differ from PyTorch originals in the base class and in the array library.
"""

import math

import jax
import jax.numpy as jnp

from jaxgrad import Context, Function


class MemoryEfficientSiLU(Function):
    """The sigmoid-weighted unit, `x * sigmoid(x)`, which saves only its input.

    S. Elfwing, E. Uchibe, K. Doya, "Sigmoid-weighted linear units for neural network
    function approximation in reinforcement learning", Neural Networks 107, 2018
    (arXiv:1702.03118). Saving the input alone, and computing the sigmoid twice, is how
    PyTorch implementations of EfficientNet made room for larger batches.
    """

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        """Computes `x * sigmoid(x)`, elementwise."""
        ctx.save_for_backward(x)
        return x * jax.nn.sigmoid(x)

    @staticmethod
    def backward(ctx: Context, grad_output: jax.Array) -> jax.Array:
        """Recomputes the sigmoid; the derivative is `s * (1 + x * (1 - s))`."""
        (x,) = ctx.saved_tensors
        s = jax.nn.sigmoid(x)
        return grad_output * s * (1 + x * (1 - s))


class LSQuantize(Function):
    """Signed quantization to `bits` bits with a learned step size (LSQ).

    S. K. Esser, J. L. McKinstry, D. Bablani, R. Appuswamy, D. S. Modha, "Learned step
    size quantization", ICLR 2020 (arXiv:1902.08153), section 2. Rounding has derivative
    zero almost everywhere, so the gradient is the one that the paper declares: straight
    through inside the clipping range.
    """

    surrogate = True  # not the derivative of anything: `gradcheck` takes it as it is

    @staticmethod
    def forward(
        ctx: Context, x: jax.Array, step: jax.Array, bits: int = 4
    ) -> jax.Array:
        """Rounds `x / step` to one of `2 ** bits` integers, and scales it back."""
        ctx.save_for_backward(x, step)
        ctx.low, ctx.high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        return jnp.round(jnp.clip(x / step, ctx.low, ctx.high)) * step

    @staticmethod
    def backward(
        ctx: Context, grad_output: jax.Array
    ) -> tuple[jax.Array, jax.Array, None]:
        """Straight through for `x`; for `step` scaled by `1 / sqrt(n * high)`."""
        x, step = ctx.saved_tensors
        scaled = x / step
        inside = (scaled > ctx.low) & (scaled < ctx.high)
        by_step = jnp.where(
            inside, jnp.round(scaled) - scaled, jnp.clip(scaled, ctx.low, ctx.high)
        )
        scale = 1 / math.sqrt(x.size * ctx.high)
        grad_step = jnp.sum(grad_output * by_step) * scale
        return grad_output * inside, grad_step.reshape(step.shape), None


class GradientReversal(Function):
    """The identity, whose gradient is multiplied by `-strength`.

    Y. Ganin, V. Lempitsky, "Unsupervised domain adaptation by backpropagation", ICML
    2015 (arXiv:1409.7495). A head behind it learns its own task while the features in
    front of it unlearn what that task needs.
    """

    @staticmethod
    def forward(ctx: Context, x: jax.Array, strength: float | jax.Array) -> jax.Array:
        """Returns `x`; `strength` may be annealed from step to step."""
        ctx.strength = strength
        return x

    @staticmethod
    def backward(ctx: Context, grad_output: jax.Array) -> tuple[jax.Array, None]:
        """Returns the gradient with its sign turned round."""
        return -ctx.strength * grad_output, None

    @staticmethod
    def surrogate(x: jax.Array, strength: float | jax.Array) -> jax.Array:
        """The function whose derivative the rule is; `gradcheck` compares with it."""
        return -strength * x


class Sparsemax(Function):
    """The projection of each row onto the probability simplex.

    A. F. T. Martins, R. F. Astudillo, "From softmax to sparsemax: a sparse model of
    attention and multi-label classification", ICML 2016 (arXiv:1602.02068).
    """

    @staticmethod
    def forward(ctx: Context, z: jax.Array) -> jax.Array:
        """Sorts the last axis, finds the threshold, and clips below it."""
        ordered = jnp.flip(jnp.sort(z, axis=-1), axis=-1)
        sums = jnp.cumsum(ordered, axis=-1)
        ranks = jnp.arange(1, z.shape[-1] + 1, dtype=z.dtype)
        in_support = 1 + ranks * ordered > sums
        size = jnp.sum(in_support, axis=-1, keepdims=True)
        total = jnp.take_along_axis(sums, size - 1, axis=-1)
        output = jnp.maximum(z - (total - 1) / size.astype(z.dtype), 0)
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Context, grad_output: jax.Array) -> jax.Array:
        """On the support, subtracts the mean gradient there; elsewhere, zero."""
        (output,) = ctx.saved_tensors
        support = output > 0
        size = jnp.sum(support, axis=-1, keepdims=True)
        kept = jnp.where(support, grad_output, 0)
        mean = jnp.sum(kept, axis=-1, keepdims=True) / size.astype(output.dtype)
        return jnp.where(support, kept - mean, 0)
