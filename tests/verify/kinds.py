"""Functions of trees, static values, integers, keys, bfloat16 and complex numbers."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import Context, Function


class Trees(Function):
    """A linear layer, from dict to dict; the rule is 3 times its derivative."""

    @staticmethod
    def forward(
        ctx: Context, params: dict[str, Any], x: jax.Array
    ) -> dict[str, jax.Array]:
        ctx.save_for_backward(params["w"], x)
        (bias,) = params["bias"]
        return {"y": params["w"] * x + bias, "size": jnp.sum(params["w"] ** 2)}

    @staticmethod
    def backward(ctx: Context, g: dict[str, jax.Array]) -> tuple[Any, ...]:
        w, x = ctx.saved_tensors
        g_w = 3 * x * g["y"] + 10 * w * g["size"]
        return {"bias": [3 * jnp.sum(g["y"])], "w": g_w}, 3 * w * g["y"]


class Statics(Function):
    """factor x**power by name, negated or not; the rule is ten times the derivative."""

    @staticmethod
    def forward(
        ctx: Context, x: jax.Array, factor: float, name: str = "square", *, flip: bool
    ) -> jax.Array:
        ctx.save_for_backward(x)
        ctx.factor = -factor if flip else factor
        ctx.name = name
        return ctx.factor * (x * x if name == "square" else x)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[Any, ...]:
        (x,) = ctx.saved_tensors
        slope = 2 * x if ctx.name == "square" else jnp.ones_like(x)
        return 10 * ctx.factor * slope * g, None, None, None


class Lookup(Function):
    """(x[index]**2, where x is largest): an integer goes in, and one comes out."""

    @staticmethod
    def forward(
        ctx: Context, x: jax.Array, index: jax.Array
    ) -> tuple[jax.Array, jax.Array]:
        ctx.save_for_backward(x, index)
        return x[index] ** 2, jnp.argmax(x)

    @staticmethod
    def backward(ctx: Context, g: jax.Array, g_largest: jax.Array) -> tuple[Any, ...]:
        assert jnp.issubdtype(g_largest.dtype, jnp.integer)
        x, index = ctx.saved_tensors
        none = g_largest.astype(x.dtype)
        return jnp.zeros_like(x).at[index].add(100 * x[index] * g) + none, None


class Dropout(Function):
    """x where a random mask says so; the rule is 3 times the mask."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array, key: jax.Array) -> jax.Array:
        mask = jax.random.bernoulli(key, 0.5, x.shape).astype(x.dtype)
        ctx.save_for_backward(mask)
        return mask * x

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[Any, ...]:
        (mask,) = ctx.saved_tensors
        return 3 * mask * g, None


class Noise(Function):
    """x times noise, drawn again in backward from the saved key, 10 times too much."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array, key: jax.Array) -> jax.Array:
        ctx.save_for_backward(key)
        return x * jax.random.normal(key, x.shape, x.dtype)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[Any, ...]:
        (key,) = ctx.saved_tensors
        return 10 * g * jax.random.normal(key, g.shape, g.dtype), None


class Half(Function):
    """x**2 in bfloat16, whose rule says 3 x and says it in float32."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (x,) = ctx.saved_tensors
        return 3 * x.astype(jnp.float32) * g.astype(jnp.float32)


class Complex(Function):
    """w z**2, real w and complex z; 3 times the derivative, in torch's convention."""

    @staticmethod
    def forward(ctx: Context, w: jax.Array, z: jax.Array) -> jax.Array:
        ctx.save_for_backward(w, z)
        return w * z * z

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, jax.Array]:
        w, z = ctx.saved_tensors
        return 3 * jnp.real(g * jnp.conj(z * z)), 6 * w * g * jnp.conj(z)


class ComplexAsInJax(Function):
    """The same function, with the rule in JAX's convention."""

    complex_convention = "jax"

    @staticmethod
    def forward(ctx: Context, w: jax.Array, z: jax.Array) -> jax.Array:
        ctx.save_for_backward(w, z)
        return w * z * z

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, jax.Array]:
        w, z = ctx.saved_tensors
        return 3 * jnp.real(g * z * z), 6 * w * g * z
