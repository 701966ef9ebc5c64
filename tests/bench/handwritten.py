"""The same eight rules by hand, as `jax.custom_vjp`: what an expert would write.

Each computes the same formulas as its namesake in `functions.py` and hands the same
values from forward to backward.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp


@jax.custom_vjp
def silu(x: jax.Array) -> jax.Array:
    return x * jax.nn.sigmoid(x)


def _silu_fwd(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    return x * jax.nn.sigmoid(x), x


def _silu_bwd(x: jax.Array, g: jax.Array) -> tuple[jax.Array]:
    s = jax.nn.sigmoid(x)
    return (g * s * (1 + x * (1 - s)),)


silu.defvjp(_silu_fwd, _silu_bwd)


@jax.custom_vjp
def exp(x: jax.Array) -> jax.Array:
    return jnp.exp(x)


def _exp_fwd(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    y = jnp.exp(x)
    return y, y


def _exp_bwd(y: jax.Array, g: jax.Array) -> tuple[jax.Array]:
    return (g * y,)


exp.defvjp(_exp_fwd, _exp_bwd)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def lsq(x: jax.Array, step: jax.Array, bits: int) -> jax.Array:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return jnp.round(jnp.clip(x / step, low, high)) * step


def _lsq_fwd(
    x: jax.Array, step: jax.Array, bits: int
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return jnp.round(jnp.clip(x / step, low, high)) * step, (x, step)


def _lsq_bwd(
    bits: int, saved: tuple[jax.Array, jax.Array], g: jax.Array
) -> tuple[jax.Array, jax.Array]:
    x, step = saved
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    scaled = x / step
    inside = (scaled >= low) & (scaled <= high)
    slope = jnp.where(inside, jnp.round(scaled) - scaled, jnp.clip(scaled, low, high))
    return jnp.where(inside, g, 0), jnp.sum(g * slope)


lsq.defvjp(_lsq_fwd, _lsq_bwd)


@jax.custom_vjp
def layer_norm(x: jax.Array, weight: jax.Array, bias: jax.Array) -> jax.Array:
    return _layer_norm_fwd(x, weight, bias)[0]


def _layer_norm_fwd(
    x: jax.Array, weight: jax.Array, bias: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, ...]]:
    mean = jnp.mean(x, -1, keepdims=True)
    rstd = jax.lax.rsqrt(jnp.mean((x - mean) ** 2, -1, keepdims=True) + 1e-5)
    return (x - mean) * rstd * weight + bias, (x, weight, mean, rstd)


def _layer_norm_bwd(
    saved: tuple[jax.Array, ...], g: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    x, weight, mean, rstd = saved
    normal = (x - mean) * rstd
    gw = g * weight
    along = jnp.mean(gw * normal, -1, keepdims=True)
    grad_x = rstd * (gw - jnp.mean(gw, -1, keepdims=True) - normal * along)
    return grad_x, jnp.sum(g * normal, 0), jnp.sum(g, 0)


layer_norm.defvjp(_layer_norm_fwd, _layer_norm_bwd)


def _project(x: jax.Array) -> jax.Array:
    ordered = -jnp.sort(-x, axis=-1)
    count = jnp.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    total = jnp.cumsum(ordered, -1) - 1
    size = jnp.sum(count * ordered > total, -1, keepdims=True)
    threshold = jnp.take_along_axis(total, size - 1, -1) / size.astype(x.dtype)
    return jnp.maximum(x - threshold, 0)


sparsemax = jax.custom_vjp(_project)


def _sparsemax_fwd(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    y = _project(x)
    return y, y


def _sparsemax_bwd(y: jax.Array, g: jax.Array) -> tuple[jax.Array]:
    support = y > 0
    size = jnp.sum(support, -1, keepdims=True).astype(g.dtype)
    mean = jnp.sum(jnp.where(support, g, 0), -1, keepdims=True) / size
    return (jnp.where(support, g - mean, 0),)


sparsemax.defvjp(_sparsemax_fwd, _sparsemax_bwd)


@jax.custom_vjp
def linear(x: jax.Array, weight: jax.Array, bias: jax.Array) -> jax.Array:
    return x @ weight.T + bias


def _linear_fwd(
    x: jax.Array, weight: jax.Array, bias: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return x @ weight.T + bias, (x, weight)


def _linear_bwd(
    saved: tuple[jax.Array, jax.Array], g: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    x, weight = saved
    return g @ weight, g.T @ x, g.sum(0)


linear.defvjp(_linear_fwd, _linear_bwd)


@jax.custom_vjp
def gated(x: jax.Array, params: dict[str, Any]) -> jax.Array:
    return x * jax.nn.sigmoid(x * params["gate"] + params["shift"])


def _gated_fwd(
    x: jax.Array, params: dict[str, Any]
) -> tuple[jax.Array, tuple[jax.Array, dict[str, Any]]]:
    return x * jax.nn.sigmoid(x * params["gate"] + params["shift"]), (x, params)


def _gated_bwd(
    saved: tuple[jax.Array, dict[str, Any]], g: jax.Array
) -> tuple[jax.Array, dict[str, Any]]:
    x, params = saved
    s = jax.nn.sigmoid(x * params["gate"] + params["shift"])
    slope = g * x * s * (1 - s)
    grads = {"gate": jnp.sum(slope * x, 0), "shift": jnp.sum(slope, 0)}
    return g * s + slope * params["gate"], grads


gated.defvjp(_gated_fwd, _gated_bwd)


@jax.custom_vjp
def softmax_cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    return _softmax_cross_entropy_fwd(logits, labels)[0]


def _softmax_cross_entropy_fwd(
    logits: jax.Array, labels: jax.Array
) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    shifted = logits - jnp.max(logits, -1, keepdims=True)
    exps = jnp.exp(shifted)
    total = jnp.sum(exps, -1, keepdims=True)
    picked = jnp.take_along_axis(shifted, labels[:, None], -1)
    return (jnp.log(total) - picked)[:, 0], (exps / total, labels)


def _softmax_cross_entropy_bwd(
    saved: tuple[jax.Array, jax.Array], g: jax.Array
) -> tuple[jax.Array, None]:
    probs, labels = saved
    hot = jax.nn.one_hot(labels, probs.shape[-1], dtype=probs.dtype)
    return g[:, None] * (probs - hot), None


softmax_cross_entropy.defvjp(_softmax_cross_entropy_fwd, _softmax_cross_entropy_bwd)
