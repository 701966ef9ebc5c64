"""The backward of a recording is `jax.vjp`, to the last bit."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P

from jaxgrad import Context, Function
from jaxgrad.frontend._tape import record
from jaxgrad.verify._slots import fill, is_inexact, take_arrays
from tests.cases import CASES, Case
from tests.helpers import TripledSin

X = jnp.array([0.5, -1.25, 2.0])
Y = jnp.array([1.5, 0.75, -0.5])
MANY = jnp.linspace(0.5, 2.0, 101)
M = jnp.array([[0.5, -1.0, 0.25], [1.0, 2.0, -0.5], [0.75, 0.5, 1.5]])


class Product(Function):
    """a b, whose rule says ten and three times the factors."""

    @staticmethod
    def forward(ctx: Context, a: jax.Array, b: jax.Array) -> jax.Array:
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> tuple[jax.Array, jax.Array]:
        a, b = ctx.saved_tensors
        return 10 * g * b, 3 * g * a


def cotangents_of(out: Any, rng: np.random.Generator) -> Any:
    def one(value: Any) -> Any:
        if not is_inexact(value):
            return np.zeros(value.shape, jax.dtypes.float0)
        drawn = rng.normal(size=value.shape)
        if value.dtype.kind == "c":
            drawn = drawn + 1j * rng.normal(size=value.shape)
        return jnp.asarray(drawn, value.dtype)

    return jax.tree.map(one, out)


def assert_same(got: Any, expected: Any) -> None:
    assert jax.tree.structure(got) == jax.tree.structure(expected)
    pairs = zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True)
    for mine, theirs in pairs:
        assert mine.dtype == theirs.dtype
        assert mine.shape == theirs.shape
        if jnp.issubdtype(mine.dtype, jax.dtypes.prng_key):
            mine, theirs = jax.random.key_data(mine), jax.random.key_data(theirs)
        if mine.dtype != jax.dtypes.float0:
            assert np.isfinite(np.asarray(mine, np.complex64)).all()
            np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs))


def assert_is_vjp(fn: Callable, args: Any) -> None:
    out, pull = jax.vjp(fn, *args)
    recording = record(fn, *args)
    assert_same(recording.result, out)
    cotangents = cotangents_of(out, np.random.default_rng(0))
    assert_same(recording.backward(cotangents), pull(cotangents))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_function_has_its_own_rule(case: Case) -> None:
    slots, arrays = take_arrays((case.args(), dict(case.kwargs)))

    def function(*arrays: Any) -> list[Any]:
        args, kwargs = fill(slots, arrays)
        return take_arrays(case.function.apply(*args, **kwargs))[1]

    assert_is_vjp(function, arrays)


def several_uses(x: Any, y: Any) -> Any:
    # Sums of three terms and more: their order shows in the last bit.
    inner = jax.jit(lambda a, b: a * jnp.sin(b))
    z = Product.apply(x, x) + inner(x, x) + x * x * y
    return z + x * jnp.dot(x, x), x / y + y


def trees(p: Any, x: Any, n: Any) -> Any:
    z = jnp.sin(x) * p["w"][0]
    stopped = jax.lax.stop_gradient(z) * x
    return {"z": (TripledSin.apply(z), z), "n": n + 1, "s": stopped, "none": None}


def scanned(x: Any) -> Any:
    def step(carry: Any, y: Any) -> Any:
        return carry * y + jnp.sin(carry), TripledSin.apply(carry)

    return jax.lax.scan(step, x[0], x)


def network(w: Any, x: Any) -> Any:
    hidden = jnp.tanh(x @ w)
    return jnp.sum(jnp.where(hidden > 0.3, hidden, 0.1 * hidden) @ w)


PROGRAMS: dict[str, tuple[Callable, tuple[Any, ...]]] = {
    "several uses": (several_uses, (MANY, MANY[::-1])),
    "a power": (lambda x, y: jax.lax.pow(x, x) + x * y, (MANY, MANY[::-1])),
    "trees and integers": (trees, ({"w": (Y, X)}, X, jnp.int32(3))),
    "network": (network, (M, X)),
    "scan": (scanned, (X,)),
    "fori": (lambda x: jax.lax.fori_loop(0, 3, lambda i, c: c * x, x), (X,)),
    "cond": (lambda x: jax.lax.cond(x[0] > 0, TripledSin.apply, jnp.sin, x), (X,)),
    "custom rules": (lambda x: jax.nn.relu(x) * jax.nn.logsumexp(x), (X,)),
    "indexing": (lambda x, i: x[i] * x.at[i].add(x[i])[:2], (X, jnp.array([0, 2]))),
    "complex": (lambda x: jnp.exp(1j * x) * jnp.conj(x + 2j), (X,)),
    "sort": (lambda x: jnp.sort(x) * jnp.cumsum(x), (X,)),
    "vmap": (lambda m: jax.vmap(TripledSin.apply)(m), (M,)),
    "checkpoint": (jax.checkpoint(lambda x: TripledSin.apply(x) * x), (X,)),
    "jit": (jax.jit(lambda x: TripledSin.apply(x) * x), (X,)),
    "gradient inside": (
        lambda x: jax.grad(lambda y: jnp.sum(TripledSin.apply(y)))(x),
        (X,),
    ),
    "numbers and NumPy": (lambda x, y: x * y, (np.asarray(X), 2.5)),
    "arguments as results": (lambda x, y: (x, x, y * x, y), (X, Y)),
    "a random key": (lambda x, k: x * jax.random.uniform(k), (X, jax.random.key(0))),
    # Zeros in the place of the vectors' absent cotangent would make this NaN.
    "eigenvalues alone": (lambda m: jnp.linalg.eigh(m)[0], (jnp.eye(3),)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    assert_is_vjp(*PROGRAMS[name])


def centred(x: Any) -> Any:
    return (x - x.mean()) * x


def shifted(x: Any) -> Any:
    return jnp.sin(x) * jnp.cos(x + 1) * jnp.exp(x)


def power(x: Any) -> Any:
    return jnp.abs(x) ** jnp.abs(x) + jnp.abs(x) * Y


@pytest.mark.parametrize("fn", [centred, shifted, power])
def test_what_may_differ_in_the_last_bit(fn: Callable) -> None:
    # Functions of jax.numpy are compiled calls under an eager jax.vjp, and in a graph
    # the operations that they are made of: so `mean` is a sum and a division by a
    # constant, and the two gradients of `power` are added up one by one. And JAX makes
    # one variable of the tangents of x and x + 1, so that it adds up three gradients in
    # another order.
    out, pull = jax.vjp(fn, X)
    recording = record(fn, X)
    one_ulp = float(jnp.finfo(X.dtype).eps)
    np.testing.assert_allclose(recording.result, out, one_ulp, one_ulp)
    (mine,), (theirs,) = recording.backward(Y), pull(Y)
    np.testing.assert_allclose(mine, theirs, one_ulp, one_ulp * np.abs(theirs).max())


def test_values_on_several_devices() -> None:
    explicit = (jax.sharding.AxisType.Explicit,)
    mesh = jax.make_mesh((2,), ("d",), axis_types=explicit, devices=jax.devices()[:2])
    with jax.set_mesh(mesh):
        x = jax.device_put(jnp.arange(4.0), jax.NamedSharding(mesh, P("d")))

        @jax.shard_map(in_specs=P("d"), out_specs=P("d"))
        def shard(x: Any) -> Any:
            return TripledSin.apply(x) * x

        def fn(x: Any, unused: Any) -> Any:
            return shard(2 * x)

        _, pull = jax.vjp(fn, x, x)
        found = record(fn, x, x).backward(x)
        assert_same(found, pull(x))
        assert [g.sharding for g in found] == [g.sharding for g in pull(x)]


def test_a_scalar_result_needs_no_cotangent() -> None:
    recording = record(lambda x: jnp.sum(TripledSin.apply(x)), X)
    (gradient,) = recording.backward()
    np.testing.assert_array_equal(gradient, 3 * jnp.cos(X))


def test_absent_cotangents_are_zeros() -> None:
    recording = record(lambda x, y: (x * y, TripledSin.apply(x), y * 1), X, Y)
    of_x, of_y = recording.backward((None, X, None))
    np.testing.assert_array_equal(of_x, 3 * X * jnp.cos(X))
    np.testing.assert_array_equal(of_y, jnp.zeros(3))


def test_static_arguments_have_no_gradient() -> None:
    recording = record(
        lambda x, mode: getattr(jnp, mode)(x), X, {"mode": "sin"}["mode"]
    )
    gradient, static = recording.backward(Y)
    np.testing.assert_array_equal(gradient, Y * jnp.cos(X))
    assert static is None


def test_captured_arrays_are_constants() -> None:
    recording = record(lambda x: x * Y, X)
    assert len(recording.graph.inputs()) == 2
    assert recording.nodes[-1].next_functions[1] == (None, 0)
    np.testing.assert_array_equal(recording.backward(X)[0], X * Y)


def test_backward_can_be_jitted_and_differentiated_by_its_cotangents() -> None:
    recording = record(lambda x: (TripledSin.apply(x) * x).sum(), X)
    (gradient,) = recording.backward()
    (jitted,) = jax.jit(recording.backward)(jnp.float32(2))
    np.testing.assert_allclose(jitted, 2 * gradient, 1e-6)
    slope = jax.grad(lambda c: recording.backward(c)[0].sum())(1.0)
    np.testing.assert_allclose(slope, gradient.sum(), 1e-6)
    node = recording.nodes[1]
    jacobian = jax.jacobian(lambda c: node.apply(c)[0])(Y)
    np.testing.assert_array_equal(jacobian, jnp.diag(3 * jnp.cos(X)))
