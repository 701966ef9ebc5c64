"""Functions with a forward that JAX can't differentiate, or with a forward mode."""

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import Context, Function
from tests.verify.saving import SavedInput


class Callback(SavedInput):
    """x**2 on the host, whose rule says 100 x."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)
        like = jax.ShapeDtypeStruct(x.shape, x.dtype)
        square = lambda v: np.asarray(v) ** 2  # noqa: E731
        return jax.pure_callback(square, like, x, vmap_method="expand_dims")


class While(SavedInput):
    """x**2 by a loop of unknown length, whose rule says 100 x."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        ctx.save_for_backward(x)

        def body(state: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
            return state[0] + 1, state[1] * x

        start = jnp.zeros((), jnp.int32), jnp.ones_like(x)
        return jax.lax.while_loop(lambda state: state[0] < 2, body, start)[1]


class Scan(Function):
    """1 + x + x**2 by a scan, whose rule says 10 times the output."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        horner = lambda y, _: (y * x + 1, None)  # noqa: E731
        y, _ = jax.lax.scan(horner, jnp.ones_like(x), None, length=2)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (y,) = ctx.saved_tensors
        return 10 * y * g


class Derived(SavedInput):
    """x**2 with the rule 100 x, from which the library derives the forward mode."""

    generate_jvp_rule = True


class DerivedCallback(Callback):
    """The same with a forward that JAX can't differentiate."""

    generate_jvp_rule = True


class DerivedOutput(Function):
    """(a b, exp(a)) with marked rules, and the forward mode derived from them."""

    generate_jvp_rule = True

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


class Both(Function):
    """exp(x), where backward and jvp both say 10 times the output."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array) -> jax.Array:
        y = jnp.exp(x)
        ctx.save_for_backward(y)
        ctx.save_for_forward(y)
        return y

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> jax.Array:
        (y,) = ctx.saved_tensors
        return 10 * y * g

    @staticmethod
    def jvp(ctx: Context, t: jax.Array) -> jax.Array:
        (y,) = ctx.saved_tensors
        return 10 * y * t


class OnlyForward(Function):
    """exp(x) y, where jvp says 10 times the output along x and 3 exp(x) along y."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array, y: jax.Array) -> jax.Array:
        exponential = jnp.exp(x)
        out = exponential * y
        ctx.save_for_forward(exponential, out)
        return out

    @staticmethod
    def jvp(ctx: Context, tx: jax.Array, ty: jax.Array) -> jax.Array:
        exponential, out = ctx.saved_tensors
        return 10 * out * tx + 3 * exponential * ty
