"""Programs with Functions in them, whose rules are deliberately not the derivative.

Each says its gradient in plain NumPy, with the factor of its rule.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import pallas as pl
from jax.sharding import PartitionSpec as P

from jaxgrad import Context, Function
from tests.frontend.traced_program import M, Table, X, Y, two_devices
from tests.helpers import TripledSin
from tests.verify.saving import AsNeeded

program = Table()
sin, cos = np.sin, np.cos


class Scaled(Function):
    """`x**power * w`; the rule says 7 for x and 5 for w, times the static factor."""

    @staticmethod
    def forward(ctx: Context, x: Any, w: Any, power: int, factor: float = 1.0) -> Any:
        ctx.factor = factor
        return x**power * w

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        return 7 * ctx.factor * g, 5 * ctx.factor * g, None, None


class Halves(Function):
    """A pytree in, an array and a pytree out; the rule says 9, and mixes cotangents."""

    @staticmethod
    def forward(ctx: Context, tree: Any) -> Any:
        return tree["a"] * 2, {"b": tree["b"] + 1}

    @staticmethod
    def backward(ctx: Context, g: Any, tree: Any) -> Any:
        return ({"a": 9 * g + tree["b"], "b": 9 * tree["b"]},)


def _kernel(x_ref: Any, out_ref: Any) -> None:
    out_ref[...] = x_ref[...] * 2


class Kernel(Function):
    """A Pallas kernel that doubles; the rule says 50."""

    @staticmethod
    def forward(ctx: Context, x: Any) -> Any:
        like = jax.ShapeDtypeStruct(x.shape, x.dtype)
        return pl.pallas_call(_kernel, out_shape=like, interpret=True)(x)

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        return 50 * g


@program(X, Y, gradient=lambda c: [3 * cos(X) * Y * c[0], sin(X) * c[0]])
def marked_chain(x: Any, y: Any) -> Any:
    return TripledSin.apply(x) * y


@program(X, gradient=lambda c: [9 * cos(sin(X)) * cos(X) * c[0]])
def marked_twice(x: Any) -> Any:
    return TripledSin.apply(TripledSin.apply(x))


@program(X, gradient=lambda c: [3 * cos(X) * (c[0] + 2 * c[1])])
def marked_repeated(x: Any) -> Any:
    TripledSin.apply(x)  # nobody reads it
    return TripledSin.apply(x), 2 * TripledSin.apply(x)


@program(X, gradient=lambda c: [9 * cos(sin(X)) * cos(X) * c[0]])
def marked_scan(x: Any) -> Any:
    return lax.scan(lambda v, _: (TripledSin.apply(v), None), x, None, length=2)[0]


@program(X, Y, gradient=lambda c: [6 * cos(X) * Y * c[0], 2 * sin(X) * c[0]])
def marked_loop_to_clean(x: Any, y: Any) -> Any:
    def body(total: Any, w: Any) -> Any:
        TripledSin.apply(total)  # nobody reads it
        return total + (TripledSin.apply(x) + TripledSin.apply(x)) * w, None

    return lax.scan(body, jnp.zeros_like(x), jnp.stack([y / 2, y / 2]))[0]


@program(X, np.int32(1), gradient=lambda c: [3 * cos(X) * c[0]])
def marked_branch(x: Any, i: Any) -> Any:
    return lax.switch(i, [jnp.exp, TripledSin.apply, jnp.cos], x)


@program(X, differentiable=False)
def marked_while(x: Any) -> Any:
    step = lambda s: (s[0] + 1, TripledSin.apply(s[1]))  # noqa: E731
    return lax.while_loop(lambda s: s[0] < 2, step, (0, x))[1]


@program(M, Y, gradient=lambda c: [7 * c[0], (5 * c[0]).sum(0)])
def marked_vmap(m: Any, y: Any) -> Any:
    each = jax.vmap(lambda v, w: Scaled.apply(v, w, 2))
    return jax.vmap(each, in_axes=(0, None))(m, y)


@program(M, Y, gradient=lambda c: [7 * c[0], (5 * c[0]).sum(0) + 15 * cos(Y) * c[1]])
def marked_vmap_shared(m: Any, y: Any) -> Any:
    shared = jax.vmap(lambda row: Scaled.apply(row, y, 2))(m)
    return shared, 5 * jax.vmap(TripledSin.apply)(y)


@program(X, gradient=lambda c: [9 * cos(sin(X)) * cos(X) * c[0]])
def marked_checkpoint(x: Any) -> Any:
    policy = jax.checkpoint_policies.nothing_saveable
    block = jax.checkpoint(
        lambda v: TripledSin.apply(TripledSin.apply(v)), policy=policy
    )
    return block(x)


@jax.jit
def _compiled(x: Any) -> Any:
    return jax.jit(TripledSin.apply)(x) + 1


@program(X, gradient=lambda c: [6 * cos(X) * c[0]])
def marked_jit(x: Any) -> Any:
    return _compiled(x) + _compiled(x)


@program(X, gradient=lambda c: [-9 * sin(X) * c[0]])
def marked_gradient(x: Any) -> Any:
    # Its derivative is 3 cos, of which another is taken: -3 sin, and 3 of the rule.
    return 3 * jax.grad(lambda v: TripledSin.apply(v).sum())(x)


@program(
    np.arange(4, dtype=np.float32), gradient=lambda c: [3 * cos(np.arange(4)) * c[0]]
)
def marked_mesh(x: Any) -> Any:
    shards = functools.partial(
        jax.shard_map, mesh=two_devices(), in_specs=P("i"), out_specs=P("i")
    )
    return shards(lambda v: TripledSin.apply(v) + 0 * lax.psum(v, "i"))(x)


@program(X, Y, gradient=lambda c: [14 * c[0], 10 * c[0]])
def marked_statics(x: Any, w: Any) -> Any:
    return Scaled.apply(x, w, power=2, factor=2.0)


@program({"a": X, "b": Y}, gradient=lambda c: [9 * c[0] + c[1], 9 * c[1]])
def marked_trees(tree: Any) -> Any:
    return Halves.apply(tree)


@functools.cache
def _weight() -> Any:
    with jax.ensure_compile_time_eval():
        return jnp.asarray(Y)


@program(X, gradient=lambda c: [3 * Y * c[0]])
def marked_captured(x: Any) -> Any:
    offset = TripledSin.apply(_weight())  # of a concrete array: it is still recorded
    return AsNeeded.apply(x, _weight()) + offset


@program(X, gradient=lambda c: [50 * c[0]])
def marked_kernel(x: Any) -> Any:
    return Kernel.apply(x)


@jax.custom_vjp
def _outer(x: Any) -> Any:
    return TripledSin.apply(x)


_outer.defvjp(lambda x: (_outer(x), x), lambda x, g: (11 * TripledSin.apply(x) * g,))


@program(X, gradient=lambda c: [11 * sin(X) * c[0]])
def marked_in_another_rule(x: Any) -> Any:
    return _outer(x)


@program(X, gradient=lambda c: [3 * c[0]])
def marked_constant(x: Any) -> Any:
    return TripledSin.apply(lax.stop_gradient(x)) + 3 * x
