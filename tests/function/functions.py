"""Functions that several tests share, each with a rule that is not the true derivative.

A rule that deliberately differs shows whose derivative answered. `d1`, `d2` and `d3`
are the derivatives that the rules stand for, in closed form.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import Context, Function


class SaveInput(Function):
    """x**3, whose rule says 100 x**2."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (x,) = ctx.saved_tensors
        return 100 * x**2 * g

    d1 = staticmethod(lambda x: 100 * x**2)
    d2 = staticmethod(lambda x: 200 * x)
    d3 = staticmethod(lambda x: 200 * np.ones_like(x))


class SaveOutput(Function):
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

    d1 = staticmethod(lambda x: 10 * np.exp(x))
    d2 = staticmethod(lambda x: 100 * np.exp(x))
    d3 = staticmethod(lambda x: 1000 * np.exp(x))


class SaveIntermediate(Function):
    """sin(x), whose rule says 3 times a saved cos(x)."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(jnp.cos(x))
        return jnp.sin(x)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (c,) = ctx.saved_tensors
        return 3 * c * g

    d1 = staticmethod(lambda x: 3 * np.cos(x))
    d2 = staticmethod(lambda x: -3 * np.sin(x))
    d3 = staticmethod(lambda x: -3 * np.cos(x))


class AttributeInput(SaveInput):
    """As `SaveInput`, with the input in a container on an attribute."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.kept = {"x": x, "power": 2}
        return x**3

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        return 100 * ctx.kept["x"] ** ctx.kept["power"] * g


class AttributeOutput(SaveOutput):
    """As `SaveOutput`, with the output on an attribute."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.y = jnp.exp(x)
        return ctx.y

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        return 10 * ctx.y * g


class AttributeIntermediate(SaveIntermediate):
    """As `SaveIntermediate`, with the intermediate on an attribute."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.c = jnp.cos(x)
        return jnp.sin(x)

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        return 3 * ctx.c * g


class Callback(SaveInput):
    """As `SaveInput`, with a forward on the host that JAX can't differentiate."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)
        return on_host(lambda v: v**3, x)


class While(SaveInput):
    """As `SaveInput`, with a loop that JAX can't differentiate in reverse."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)
        start = (0, jnp.ones_like(x))
        return jax.lax.while_loop(
            lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x), start
        )[1]


KINDS = (
    SaveInput,
    SaveOutput,
    SaveIntermediate,
    AttributeInput,
    AttributeOutput,
    AttributeIntermediate,
    Callback,
    While,
)


def dual(cls: type[Function]) -> type[Function]:
    """The same Function, with its JVP derived from its backward."""
    return type(f"Dual{cls.__name__}", (cls,), {"generate_jvp_rule": True})


def on_host(f: Callable[[np.ndarray], Any], x: jax.Array) -> jax.Array:
    """Runs `f`, elementwise, as a host callback."""
    shape = jax.ShapeDtypeStruct(jnp.shape(x), x.dtype)
    host = lambda v: np.asarray(f(np.asarray(v)), x.dtype)  # noqa: E731
    return jax.pure_callback(host, shape, x, vmap_method="expand_dims")


def says(error: BaseException, *parts: str) -> None:
    """Asserts that a message holds every part, so that each stays in it."""
    text = str(error)
    missing = [part for part in parts if part not in text]
    assert not missing, f"{missing} not in: {text}"
