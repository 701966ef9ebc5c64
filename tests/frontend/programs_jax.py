"""Programs: Functions and their rules, calls of JAX, transformations inside."""
# Written as the construct demands, not as one would write it.
# ruff: noqa: SIM108

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxgrad import Context, Function
from tests.frontend.program import Array, Table, i, m, s, v
from tests.helpers import TripledSin, tripled_sin

program = Table()

UP, DOWN, MIXED = v(1, 2, 3), v(-1, -2, -3), v(1, -2, 0.5)
TABLE = m((1, 2, 3), (-4, 5, 6))


class Power(Function):
    """`x**n * w`; the rule says 7 for x and 5 for w."""

    @staticmethod
    def forward(ctx: Context, x: Any, w: Any, n: int = 2) -> Any:
        ctx.n = n
        return x**n * w

    @staticmethod
    def backward(ctx: Context, g: Any) -> Any:
        return 7 * g * ctx.n, jnp.sum(5 * g), None


class Halves(Function):
    """Two results; the rule says 9 for the first and 4 for the second."""

    @staticmethod
    def forward(ctx: Context, x: Any) -> Any:
        return x / 2, x + 0.5

    @staticmethod
    def backward(ctx: Context, first: Any, second: Any) -> Any:
        return 9 * first + 4 * second


@program((UP,), (DOWN,), shows="call of a Function; if on a traced value")
def function_in_a_branch(x: Array) -> Array:
    if x[0] > 0:
        y = TripledSin.apply(x)
    else:
        y = Power.apply(x, x[1], 3)
    return y * x


@program((UP,), (DOWN,), shows="call of a Function; ternary; unpacking")
def function_with_two_results(x: Array) -> Array:
    a, c = Halves.apply(x)
    d, e = Halves.apply(c) if x[0] > 0 else (a, c)
    return a * d + e


@program((UP, 2), (DOWN, 3), shows="call of a Function; for over an array")
def function_with_a_static_argument(x: Array, n: int) -> Array:
    total = x[0] * 0
    for value in x:
        if value > 0:
            total = total + Power.apply(value, total, n=n)
        else:
            total = Power.apply(value, total + 1)
    return total


@program((s(0.5),), (s(2),), shows="call of a Function; while on a traced value",
         gradient="forward", reference=jnp.positive)  # fmt: skip
def function_outside_the_while(x: Array) -> Array:
    n = x
    while n < 5:
        n = n + 1
    return x + 0 * n


@program((UP,), (DOWN,), shows="call of a Function; for over a static range")
def custom_vjp_in_a_loop(x: Array) -> Array:
    for k in range(7):
        x = tripled_sin(x) + k if x[0] > 0.3 else x + 0.25
    return x


@program((UP,), (DOWN,), shows="call of a Function; comprehension")
def function_in_a_comprehension(x: Array) -> Array:
    parts = [TripledSin.apply(value) if value > 0 else value for value in x]
    return jnp.stack(parts) + Power.apply(x, parts[0])


@program((TABLE,), (-TABLE,), shows="call of JAX; if on a traced value")
def many_calls_of_jax(x: Array) -> Array:
    if jnp.linalg.norm(x) > 3 and jnp.allclose(x, x):
        y = jax.nn.softmax(x, axis=-1)
    else:
        y = jax.nn.relu(x)
    z = lax.dynamic_slice_in_dim(y, 1, 2, axis=1)
    w = jnp.where(x[:, :1] > 0, z, jnp.exp(-z)).T
    return jnp.einsum("ij,jk->ik", w, x) + lax.rsqrt(abs(x[0, 0]))


@program((UP,), (DOWN,), shows="call of JAX; builtins")
def array_methods(x: Array) -> Array:
    y = x.reshape(1, 3).astype(jnp.float32).T.at[0, 0].set(x.max())
    if y.mean() > x.min():
        y = y.ravel()[None, :].squeeze(0)
    else:
        y = -y.flatten()
    return y.clip(-2.5, 2.5) + y.argmax() + y.size + x.shape[-1]


def _vmap(x: Any) -> Any:
    return jnp.where(x > 1.5, x * 10, x + x[0])


@program((UP,), (DOWN,), shows="transformation inside; nested def", oracle=_vmap)
def vmap_of_an_inner_function(x: Array) -> Array:
    def one(value: Array) -> Array:
        if value > 1.5:
            return value * 10
        return value + x[0]

    return jax.vmap(one)(x)


@program((UP,), (DOWN,), shows="transformation inside; lambda")
def grad_of_an_inner_function(x: Array) -> Array:
    def loss(w: Array) -> Array:
        total = jnp.sum(w * w * x)
        if total > 4:
            total = total * 2
        return total

    slope = jax.grad(loss)(x)
    value, second = jax.value_and_grad(lambda w: loss(w) + w[0])(slope)
    return slope + second * value


@program((s(0.5),), (s(2),), shows="transformation inside; loop with max_steps")
def grad_of_a_for_inside(x: Array) -> Array:
    def steps(y: Array) -> Array:
        for k in range(6):
            if y > 1:
                y = y * 0.5 + x
            else:
                y = TripledSin.apply(y) + k * 0.25
        return y

    return jax.grad(steps)(x) * 2


def _fori_loop(x: Any) -> Any:
    y = x
    for k in range(5):
        y = y * 0.5 if y[0] > 2 else y + k
    return y + 4 * x


@program((UP,), (DOWN,), shows="transformation inside; call of JAX", oracle=_fori_loop)
def fori_loop_by_hand(x: Array) -> Array:
    def body(k: Any, carry: Array) -> Array:
        if carry[0] > 2:
            return carry * 0.5
        return carry + k

    return lax.fori_loop(0, 5, body, x) + lax.fori_loop(0, 3, lambda k, c: c + x, x)


def _scan_and_cond(x: Any) -> Any:
    all_ = jnp.cumsum(jnp.where(x > 0, x, 0)) + x[0]
    y = all_ * 2
    return all_[-1], y * 3 if all_[-1] > 2 else y - 1


@program(
    (UP,),
    (DOWN,),
    shows="transformation inside; call of JAX; tuple",
    oracle=_scan_and_cond,
)
def scan_and_cond_by_hand(x: Array) -> tuple[Array, Array]:
    def step(carry: Array, value: Array) -> tuple[Array, Array]:
        if value > 0:
            carry = carry + value
        return carry, carry * 2

    total, all_ = lax.scan(step, x[0], x)
    y = lax.cond(total > 2, lambda a: a * 3, lambda a: a - 1, all_)
    return total, y


@program((UP,), (DOWN,), shows="transformation inside; nested def")
def jit_of_an_inner_function(x: Array) -> Array:
    @jax.jit
    def inner(value: Array) -> Array:
        return jnp.sin(value) * 2

    if x[0] > 0:
        x = inner(x)
    return inner(x + 1)


def _checkpoint(x: Any) -> Any:
    y = TripledSin.apply(x) if x[0] > 0 else x
    z = TripledSin.apply(-x) if x[0] < 0 else -x
    return y * y + z * z


@program(
    (UP,),
    (DOWN,),
    shows="transformation inside; call of a Function",
    oracle=_checkpoint,
)
def checkpoint_of_an_inner_function(x: Array) -> Array:
    @jax.checkpoint
    def inner(value: Array) -> Array:
        if value[0] > 0:
            value = TripledSin.apply(value)
        return value * value

    return inner(x) + inner(-x)


@program((UP,), (DOWN,), shows="transformation inside; call of JAX")
def stop_gradient(x: Array) -> Array:
    fixed = lax.stop_gradient(x)
    if fixed[0] > 0:
        return x * fixed
    return x * x + fixed


@program((UP, i(1)), (DOWN, i(2)), shows="call of JAX; elif and nested ifs")
def switch_by_hand(x: Array, n: Array) -> Array:
    branches = [lambda a: a, lambda a: a * 2, jnp.negative]
    y = lax.switch(n, branches, x)
    if n == 1:
        y = lax.switch(n + 1, branches, y)
    return y


@program((UP,), (DOWN,), shows="call of JAX; transformation inside")
def jvp_of_an_inner_function(x: Array) -> Array:
    def inner(value: Array) -> Array:
        return value**3 if value[0] > 0 else value**2

    value, tangent = jax.jvp(inner, (x,), (jnp.ones_like(x),))
    return value + tangent


@program((UP,), (DOWN,), (MIXED,), shows="for over a static range; builtins")
def power_iteration(x: Array) -> Array:
    a = jnp.outer(x, x) + jnp.eye(3)
    y = jnp.ones(3)
    for _ in range(12):
        y = a @ y
        size = jnp.sqrt(jnp.sum(y * y))
        if size > 1:
            y = y / size
    return y @ a @ y
