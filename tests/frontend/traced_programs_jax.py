"""Programs of control flow, transformations, callbacks, kernels and meshes."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.ad_checkpoint import checkpoint_name
from jax.experimental import io_callback
from jax.experimental import pallas as pl
from jax.sharding import PartitionSpec as P

from tests.frontend.traced_program import M, Table, X, Y, two_devices

program = Table()
OFFSETS = np.array([1.0, 2.0, 3.0], np.float32)
LOG: list[Any] = []


def note(value: Any, tag: str = "") -> None:
    LOG.append((tag, np.asarray(value).tolist()))


def note_and_double(value: Any) -> Any:
    note(value, "io")
    return np.asarray(value) * 2


# --- control flow ---------------------------------------------------------------------


@program(X)
def cond(x: Any) -> Any:
    return lax.cond(x[0] > 0, jnp.sin, lambda v: v * v, x)


@program(X, np.int32(1))
def switch(x: Any, i: Any) -> Any:
    return lax.switch(i, [jnp.sin, jnp.cos, lambda v: 3 * v], x)


@program(X, differentiable=False)
def while_loop(x: Any) -> Any:
    return lax.while_loop(lambda s: s[0] < 3, lambda s: (s[0] + 1, s[1] * x), (0, x))


@program(X, Y, M)
def scan(x: Any, y: Any, xs: Any) -> Any:
    def body(carry: Any, row: Any) -> Any:
        total, count = carry
        return (total * y + jnp.sin(row), count + 1), (total, row.sum())

    return lax.scan(body, (x, 0), xs, reverse=True, unroll=2)


@program(X)
def fori_loop(x: Any) -> Any:
    return lax.fori_loop(0, 3, lambda i, v: v * x + i, x)


@program(M)
def mapped(rows: Any) -> Any:
    return lax.map(lambda row: jnp.tanh(row).sum(), rows)


@program(X)
def associative_scan(x: Any) -> Any:
    return lax.associative_scan(lambda a, b: a * b + a, x)


@program(M, Y)
def nested_loops(rows: Any, y: Any) -> Any:
    def body(carry: Any, row: Any) -> Any:
        inner = lambda c, v: (c + v * y, jnp.cos(c))  # noqa: E731
        chosen = lax.cond(carry.sum() > 0, lambda: row, lambda: -row)
        carry, seen = lax.scan(inner, carry, chosen)
        return carry, lax.fori_loop(0, 2, lambda i, s: s * 0.5, seen)

    return lax.scan(body, y, rows)


# --- transformations ------------------------------------------------------------------


@jax.custom_vjp
def tenfold(x: Any) -> Any:
    """A square whose rule says 10 g."""
    return x * x


tenfold.defvjp(lambda x: (x * x, None), lambda _, g: (10 * g,))


@jax.custom_jvp
def halved(x: Any) -> Any:
    """A square whose rule says t/2."""
    return x * x


halved.defjvp(lambda xs, ts: (halved(xs[0]), ts[0] / 2))


@program(X, Y, gradient=lambda c: [10 * np.cos(X * X) * c[0], 0.5 * c[1]])
def custom_rules(x: Any, y: Any) -> Any:
    return jnp.sin(tenfold(x)), halved(y)


@program(X)
def activations(x: Any) -> Any:
    n = jax.nn
    return (
        n.relu(x),
        n.gelu(x),
        n.softmax(x),
        n.silu(x),
        n.logsumexp(x),
        n.log_softmax(x),
    )


@program(X, Y)
def checkpointed(x: Any, y: Any) -> Any:
    policy = jax.checkpoint_policies.save_only_these_names("kept")

    @functools.partial(jax.checkpoint, policy=policy)
    def block(v: Any) -> Any:
        return jnp.sin(checkpoint_name(jnp.exp(v), "kept")) * y

    return jax.checkpoint(jnp.cos)(block(x))


@program(X, Y)
def nested_jit(x: Any, y: Any) -> Any:
    @functools.partial(jax.jit, static_argnums=1)
    def inner(v: Any, times: int) -> Any:
        return jax.jit(jnp.sin, inline=True)(v) * times

    return inner(x, 2) + inner(y, 2) * inner(x, 3)


@program(X, M)
def vmap_inside(x: Any, rows: Any) -> Any:
    return jax.vmap(lambda row, v: jnp.dot(row, v), in_axes=(1, None))(rows, x)


@program(X)
def grad_inside(x: Any) -> Any:
    return jax.grad(lambda v: jnp.sum(jnp.sin(v) ** 3))(x), jax.jacrev(jnp.tanh)(x)


@program(X, Y)
def jvp_inside(x: Any, t: Any) -> Any:
    return jax.jvp(jnp.sin, (x,), (t,)), jax.hessian(lambda v: jnp.prod(v))(x)


@program(X)
def stop_gradient(x: Any) -> Any:
    return x * lax.stop_gradient(jnp.exp(x)) + lax.optimization_barrier(x)


@program(X)
def integer_gradient(x: Any) -> Any:
    value, pull = jax.vjp(lambda v, i: v * i, x, jnp.arange(3))
    gradient, zero = pull(value)
    return gradient, jnp.zeros(zero.shape)


@program(X, differentiable=False)
def custom_vmapped(x: Any) -> Any:
    @jax.custom_batching.custom_vmap
    def double(v: Any) -> Any:
        return 2 * v

    @double.def_vmap
    def _(size: int, batched: Any, v: Any) -> Any:
        return 3 * v, batched[0]

    return jax.vmap(double)(x) + double(x)


@program(X, M)
def linear_solve(b: Any, m: Any) -> Any:
    spd = m @ m.T
    solve = lambda matvec, v: jax.scipy.linalg.solve(spd, v)  # noqa: E731
    return lax.custom_linear_solve(lambda v: spd @ v, b, solve, symmetric=True)


@program(X)
def named_scope(x: Any) -> Any:
    with jax.named_scope("outer"), jax.named_scope("inner"):
        y = jnp.sin(x)
    return jax.named_call(jnp.cos, name="called")(y)


@program(M, M)
def vectorized(a: Any, b: Any) -> Any:
    return jnp.vectorize(jnp.dot, signature="(n),(n)->()")(a, b)


# --- effects, kernels, meshes ---------------------------------------------------------


@program(X)
def pure_callback(x: Any) -> Any:
    like = jax.ShapeDtypeStruct(x.shape, x.dtype)
    square = lambda v: np.asarray(v) ** 2  # noqa: E731
    return jax.pure_callback(square, like, lax.stop_gradient(x)) * x


@program(X, log=LOG)
def host_effects(x: Any) -> Any:
    like = jax.ShapeDtypeStruct(x.shape, x.dtype)
    still = lax.stop_gradient(x)
    first = io_callback(note_and_double, like, still, ordered=True)
    jax.debug.callback(functools.partial(note, tag="debug"), still[0], ordered=True)
    io_callback(note_and_double, like, first, ordered=True)  # nobody reads its result
    return first * x


@program(X, log=LOG)
def effects_in_a_loop(x: Any) -> Any:
    def body(carry: Any, v: Any) -> Any:
        jax.debug.callback(functools.partial(note, tag="step"), v, ordered=True)
        return carry + v, carry * v

    return lax.scan(body, x[0], x)


def _scaled(x_ref: Any, y_ref: Any, out_ref: Any) -> None:
    out_ref[...] = x_ref[...] * y_ref[...] + 1


@program(X, Y, differentiable=False)
def pallas(x: Any, y: Any) -> Any:
    like = jax.ShapeDtypeStruct(x.shape, x.dtype)
    return pl.pallas_call(_scaled, out_shape=like, interpret=True)(x, y)


@program(np.arange(8, dtype=np.float32))
def collectives(x: Any) -> Any:
    mesh = two_devices()

    @functools.partial(jax.shard_map, mesh=mesh, in_specs=P("i"), out_specs=P("i"))
    def exchange(v: Any) -> Any:
        total = lax.psum(v, "i")
        swapped = lax.ppermute(jnp.sin(v), "i", [(0, 1), (1, 0)])
        everything = lax.all_gather(v, "i", tiled=True).sum()
        return total * swapped + everything * lax.axis_index("i")

    return exchange(x)


# --- arguments ------------------------------------------------------------------------


class Pair(NamedTuple):
    """A pytree of arguments and of outputs."""

    left: Any
    right: Any


@program({"w": X, "b": [Y, None]}, Pair(X, {"deep": (M,)}))
def trees(params: Any, pair: Any) -> Any:
    out = params["w"] * pair.left + params["b"][0] @ pair.right["deep"][0]
    return {"out": Pair(out, None), "same": params["w"], "none": ()}


@functools.cache
def weights() -> Any:
    with jax.ensure_compile_time_eval():
        return {"w": jnp.asarray(M), "b": jnp.asarray(Y)}


@program(X)
def closures(x: Any) -> Any:
    held = weights()
    return jnp.sin(x @ held["w"] + held["b"]) * OFFSETS + np.float32(0.25)


@program(X, 2.0, 3)
def weak_types(x: Any, scale: Any, times: Any) -> Any:
    half = x.astype(jnp.bfloat16)
    return half * scale, x * scale + times, scale * times, times + 1


@program(np.zeros((0, 3), np.float32), np.float32(2))
def empty(rows: Any, s: Any) -> Any:
    total = rows.sum(0) + s
    return total, rows * s, jnp.concatenate([rows, total[None]]), jnp.zeros((2, 0))


@program(X)
def references(x: Any) -> Any:
    ref = jax.new_ref(jnp.zeros_like(x))
    ref[...] = jnp.sin(x)
    ref[0] += 1.0
    return ref[...] * x


@program(X, X)
def constants_and_repeats(x: Any, unused: Any) -> Any:
    return x, x, 1.5, jnp.float32(2), np.arange(3), x + 1
