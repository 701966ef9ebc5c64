"""The network of the tour, with all four Functions in it.

- `init(key)`: the weights, and the step sizes of the quantizer.
- `features(params, images, quantized)`: what both heads see.
- `veil_logits(params, shared, strength)`: the head behind the gradient reversal.

Sparsemax gates a mixture of experts, the weights are quantized with learned steps, and
SiLU stands between the layers.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.tour.functions import (
    GradientReversal,
    LSQuantize,
    MemoryEfficientSiLU,
    Sparsemax,
)

Params = dict[str, jax.Array]

EXPERTS = 4
WIDTH = 64
BITS = 4


def init(key: jax.Array) -> Params:
    """Draws the weights.

    Args:
        key: A PRNG key.

    Returns:
        The parameters by name. The steps start where the LSQ paper starts them, at
        `2 * mean(abs(w)) / sqrt(high)`.
    """
    shapes = {
        "gate": (64, EXPERTS),
        "expert": (64, EXPERTS * WIDTH),
        "hidden": (WIDTH, WIDTH),
        "digit": (WIDTH, 10),
        "veil_hidden": (WIDTH, WIDTH),
        "veil": (WIDTH, 2),
    }
    # One draw for all of them compiles much faster than one for each.
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    drawn = jnp.split(jax.random.normal(key, (int(ends[-1]),)), ends[:-1].tolist())
    params = {
        name: values.reshape(shape) / np.sqrt(shape[0])
        for values, (name, shape) in zip(drawn, shapes.items(), strict=True)
    }
    high = 2 ** (BITS - 1) - 1
    for name in ("expert", "hidden"):
        params[f"{name}_step"] = 2 * jnp.mean(jnp.abs(params[name])) / np.sqrt(high)
    return params


def features(
    params: Params, images: jax.Array, quantized: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The part of the network that both heads share.

    Args:
        params: From `init`.
        images: f32[batch, 64].
        quantized: bool[], whether the weights are quantized.

    Returns:
        The features, f32[batch, WIDTH], and the gate, f32[batch, EXPERTS].
    """

    def weight(name: str) -> jax.Array:
        coarse = LSQuantize.apply(params[name], params[f"{name}_step"], BITS)
        return jnp.where(quantized, coarse, params[name])

    gate = Sparsemax.apply(images @ params["gate"])
    experts = (images @ weight("expert")).reshape(-1, EXPERTS, WIDTH)
    hidden = MemoryEfficientSiLU.apply(jnp.einsum("be,bew->bw", gate, experts))
    out = MemoryEfficientSiLU.apply(hidden @ weight("hidden"))
    # Of one length, or features under reversal would grow without bound.
    length = jnp.sqrt(jnp.mean(out * out, axis=-1, keepdims=True) + 1e-6)
    return out / length, gate


def veil_logits(
    params: Params, shared: jax.Array, strength: float | jax.Array
) -> jax.Array:
    """The head that tells veiled images from plain ones.

    Args:
        params: From `init`.
        shared: f32[batch, WIDTH], from `features`.
        strength: What the gradient is multiplied by, after its sign is turned.

    Returns:
        f32[batch, 2]: plain, veiled.
    """
    hidden = GradientReversal.apply(shared, strength) @ params["veil_hidden"]
    return jnp.tanh(hidden) @ params["veil"]
