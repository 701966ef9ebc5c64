"""Loops with a bound: every strategy equals the unrolled Python loop."""

import functools
import sys
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, PartitionSpec

from jaxgrad.errors import ArgumentError, LoopGradientError, MissingExtraError
from jaxgrad.lower._bounded import sizes_of
from jaxgrad.lower._while import while_loop
from tests.lower.loops import STRATEGIES, W, X, expected, looped, unrolled

close = functools.partial(np.testing.assert_allclose, rtol=2e-5)
each = pytest.mark.parametrize("grad", STRATEGIES)
own = pytest.mark.parametrize("grad", ["bounded", "taped"])


@each
def test_values_and_gradients_are_those_of_the_unrolled_loop(grad: str) -> None:
    # Where scans are nested, they overshoot.
    loss = functools.partial(looped, grad=grad, max_steps=21)
    both = jax.jit(jax.value_and_grad(loss))
    for steps in (0, 1, 5):
        jax.tree.map(close, both(X, steps), expected(steps))


@own
def test_rules_are_kept_under_checkpoint_and_in_a_scan(grad: str) -> None:
    loss = functools.partial(looped, grad=grad)

    def scanned(x: jax.Array) -> jax.Array:
        step = jax.checkpoint(lambda total, steps: (total + loss(x, steps), None))
        return jax.lax.scan(step, jnp.float32(0), jnp.array([2, 5]))[0]

    close(jax.jit(jax.grad(scanned))(X), expected(2)[1] + expected(5)[1])


@each
def test_each_example_of_a_vmap_takes_its_own_steps(grad: str) -> None:
    loss = functools.partial(looped, grad=grad)
    steps = jnp.array([1, 5, 0])
    want = [expected(int(n)) for n in steps]

    @jax.jit
    def all_at_once(x: jax.Array) -> Any:
        each = jax.vmap(jax.value_and_grad(loss), (None, 0))(x, steps)
        shared = jax.grad(lambda x: jnp.sum(jax.vmap(loss, (None, 0))(x, steps)))(x)
        return each, shared

    (values, gradients), shared = all_at_once(X)
    close(values, jnp.stack([value for value, _ in want]))
    close(gradients, jnp.stack([gradient for _, gradient in want]))
    close(shared, sum(gradient for _, gradient in want))


@each
def test_forward_mode_and_second_derivatives(grad: str) -> None:
    loss = functools.partial(looped, steps=3, sin=jnp.sin, grad=grad, max_steps=3)
    plain = functools.partial(unrolled, steps=3, sin=jnp.sin)

    def pushed(f: Callable[..., Any]) -> Any:
        push = lambda f: lambda x: jax.jvp(f, (x,), (x,))[1]  # noqa: E731
        return jax.jit(lambda x: (push(f)(x), push(jax.grad(f))(x)))(X)

    jax.tree.map(close, pushed(loss), pushed(plain))

    def again(f: Callable[..., Any]) -> Any:
        return jax.jit(jax.grad(lambda x: jnp.sum(jax.grad(f)(x) ** 2)))

    if grad == "bounded":
        np.testing.assert_allclose(again(loss)(X), again(plain)(X), rtol=1e-3)
        return
    with pytest.raises(LoopGradientError, match=f"{grad} loop has no reverse"):
        again(loss)(X)
    if grad == "taped":
        value = lambda x: jax.value_and_grad(loss)(x)[0]  # noqa: E731
        close(jax.jit(jax.grad(value))(X), jax.grad(plain)(X))


def mixed(x: Any, z: Any, b: Any, key: Any, grad: str | None = None) -> jax.Array:
    """Carries of every kind; without `grad` by a Python loop."""
    nothing = np.zeros((2,), jax.dtypes.float0)
    init = {
        "none": None,
        "count": np.int32(0),
        "key": key,
        "x": x,
        "z": z,
        "b": b,
        "empty": jnp.zeros((0, 3)),
        "nothing": nothing,
        "flag": jnp.array(True),
        "fixed": x * 2,
    }

    def body(c: Any) -> Any:
        key, sub = jax.random.split(c["key"])
        x = jnp.sin(c["x"]) * jax.random.uniform(sub, x_shape) + c["fixed"]
        b = c["b"] * jnp.bfloat16(0.5) + c["x"].astype(jnp.bfloat16)
        z = c["z"] * c["z"] + 1j * c["x"][0]
        new = {"count": c["count"] + 1, "key": key, "x": x, "b": b, "z": z}
        return c | new | {"empty": c["empty"] + 1, "flag": ~c["flag"]}

    x_shape = x.shape
    if grad is None:
        final = init
        for _ in range(3):
            final = body(final)
    else:
        final, _ = while_loop(
            lambda c: c["count"] < 3, body, init, max_steps=4, grad=grad
        )
        assert final["nothing"] is nothing
        assert final["key"].dtype == key.dtype
    total = jnp.sum(final["x"]) + jnp.abs(final["z"]) + jnp.sum(final["empty"])
    return total + jnp.sum(final["b"].astype(jnp.float32)) + final["flag"]


MIXED = (X, jnp.complex64(0.2 + 0.1j), jnp.ones(2, jnp.bfloat16), jax.random.key(0))


@own
def test_carries_of_every_dtype(grad: str) -> None:
    loss = functools.partial(mixed, grad=grad)
    found = jax.jit(jax.value_and_grad(loss, (0, 1, 2)))(*MIXED)
    want = jax.jit(jax.value_and_grad(mixed, (0, 1, 2)))(*MIXED)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(want), strict=True):
        assert a.dtype == b.dtype
        wide = jnp.complex64 if jnp.iscomplexobj(a) else jnp.float32
        np.testing.assert_allclose(a.astype(wide), b.astype(wide), rtol=1e-2)


# Equinox's loop has NaN there.
@own
def test_no_nan_comes_from_where_an_example_has_ended(grad: str) -> None:
    def loss(x: jax.Array) -> jax.Array:
        # At the end x is 0, where the square root has no derivative.
        def body(c: Any) -> Any:
            return c[0] - 1.0, c[1] + jnp.sqrt(c[0])

        init = (x, jnp.zeros_like(x))
        found, _ = while_loop(lambda c: c[0] > 0, body, init, max_steps=4, grad=grad)
        return found[1]

    x = jnp.array([1.0, 3.0])
    steps = [0.5, 0.5 + 0.5 / np.sqrt(2.0) + 0.5 / np.sqrt(3.0)]
    close(jax.jit(jax.vmap(jax.grad(loss)))(x), steps)


@each
def test_whether_the_loop_was_finished(grad: str) -> None:
    def unfinished(limit: Any, max_steps: int) -> Any:
        return while_loop(
            lambda c: c < limit, lambda c: c + 1, 0.0, max_steps=max_steps, grad=grad
        )

    for limit, max_steps, want in ((4, 4, (4, False)), (9, 4, (4, True))):
        assert unfinished(limit, max_steps) == want
    assert unfinished(1, 0) == (0, True)
    assert unfinished(0, 0) == (0, False)
    assert while_loop(lambda c: c < 9, lambda c: c + 1, 0)[1] is False


@own
def test_what_every_step_shares_is_kept_once(grad: str) -> None:
    n, steps = 16, 256

    def loss(x: jax.Array, w: jax.Array, fixed: jax.Array) -> jax.Array:
        (_, x, _), _ = while_loop(
            lambda c: c[0] < steps,
            lambda c: (c[0] + 1, jnp.sin(w @ c[1] + c[2] @ x), c[2]),
            (0, x, fixed),
            max_steps=steps,
            grad=grad,
        )
        return jnp.sum(x)

    x, w = jnp.zeros(n), jnp.zeros((n, n))
    kept = jax.eval_shape(lambda *xs: jax.vjp(loss, *xs)[1], x, w, w)
    sizes = [leaf.size for leaf in jax.tree.leaves(kept)]
    assert max(sizes) <= (steps * n if grad == "taped" else 16 * n)
    compiled = jax.jit(jax.grad(loss, (0, 1, 2))).lower(x, w, w).compile()
    memory = compiled.memory_analysis()
    assert memory is not None
    carries = 4 * n * (steps if grad == "taped" else 3 * 16)
    assert memory.temp_size_in_bytes <= carries + 24 * w.nbytes


@own
def test_a_loop_under_vmap_ends_with_the_last_example(grad: str) -> None:
    count = 0

    def tick(_: Any) -> None:
        nonlocal count
        count += 1

    def loss(steps: Any) -> Any:
        def body(c: Any) -> Any:
            jax.debug.callback(tick, c[0] * 0)
            return c[0] + 1, c[1] * 1.5

        init = (jnp.int32(0), jnp.float32(1))
        found, _ = while_loop(
            lambda c: c[0] < steps, body, init, max_steps=64, grad=grad
        )
        return found[1]

    jax.vmap(loss)(jnp.array([1, 3])).block_until_ready()
    jax.effects_barrier()
    lanes = 2
    assert count <= lanes * sizes_of(64)[-1]


def test_sizes_of_nested_scans() -> None:
    assert [sizes_of(n) for n in (1, 20, 21, 256, 4096)] == [
        [1],
        [20],
        [5, 5],
        [16, 16],
        [16, 16, 16],
    ]
    for steps in range(1, 500, 7):
        assert steps <= np.prod(sizes_of(steps)) < steps + 3 * steps**0.5


def test_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = functools.partial(while_loop, lambda c: c < 3, lambda c: c + 1, 0)
    with pytest.raises(ArgumentError, match="'tape'") as error:
        loop(max_steps=3, grad="tape")
    for name in ("'bounded'", "'taped'", "'checkpointed'"):
        assert name in str(error.value)
    monkeypatch.setitem(sys.modules, "equinox.internal", None)
    with pytest.raises(MissingExtraError, match="pip install equinox"):
        loop(max_steps=3, grad="checkpointed")


@own
def test_devices_that_take_different_numbers_of_steps(grad: str) -> None:
    mesh = jax.make_mesh((2,), ("d",), axis_types=(AxisType.Auto,))
    split = PartitionSpec("d")

    def local(x: jax.Array, w: jax.Array, vary: bool) -> jax.Array:
        if vary:
            w = jax.lax.pcast(w, "d", to="varying")
        body = lambda c: W @ c * w + 1.0  # noqa: E731
        return while_loop(lambda c: c[0] < 4, body, x, max_steps=8, grad=grad)[0]

    def loss(x: jax.Array, w: jax.Array, vary: bool) -> jax.Array:
        run = jax.shard_map(
            functools.partial(local, vary=vary),
            mesh=mesh,
            in_specs=(split, PartitionSpec()),
            out_specs=split,
        )
        return jnp.sum(run(x, w))

    def plain(x: jax.Array, w: jax.Array) -> jax.Array:
        return sum(jnp.sum(local(part, w, False)) for part in x.reshape(2, 2))

    x, w = jnp.array([0.0, 0.1, 3.9, 0.2]), jnp.float32(0.8)
    found = jax.jit(jax.grad(loss, (0, 1)), static_argnums=2)(x, w, True)
    jax.tree.map(close, found, jax.jit(jax.grad(plain, (0, 1)))(x, w))
    with pytest.raises(LoopGradientError, match=r"pcast\(value, \('d',\)"):
        jax.eval_shape(lambda x, w: jax.grad(loss, (0, 1))(x, w, False), x, w)
