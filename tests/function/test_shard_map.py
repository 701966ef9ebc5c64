"""One backward is right inside `shard_map` and on explicit meshes."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

from jaxgrad import Function
from jaxgrad.errors import CollectiveError
from tests.function.functions import dual

pytestmark = pytest.mark.sampled(2)

DEVICES = 4
BATCH = np.linspace(-1, 1, 24, dtype=np.float32).reshape(8, 3)
WEIGHT = np.array([[0.5, -1.0], [2.0, 0.25], [1.5, -0.5]], np.float32)


def outer(x: jax.Array, g: jax.Array) -> jax.Array:
    """x.T @ g; a contraction over the sharded axis that needs no sharding named."""
    return (x[:, :, None] * g[:, None, :]).sum(0)


class Dense(Function):
    """x @ w, with a rule of 7 and 3 times the truth."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return 7 * g @ w.T, 3 * outer(x, g)


class DenseSaving(Dense):
    """As `Dense`, from a saved intermediate and the output."""

    @staticmethod
    def forward(ctx, x, w):
        y = x @ w
        ctx.save_for_backward(x, w, 2 * x, y)
        return y

    @staticmethod
    def backward(ctx, g):
        x, w, doubled, y = ctx.saved_tensors
        return 7 * g @ w.T, 1.5 * outer(doubled, g) + 0 * outer(x, y)


class Fresh(Dense):
    """A backward that returns fresh constants, of its own making."""

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return jnp.ones(x.shape), jnp.full(w.shape, 0.5)


class Zero(Dense):
    @staticmethod
    def backward(ctx, g):
        return None, None


def mesh(kind: AxisType) -> Any:
    assert jax.device_count() >= DEVICES, "tests/conftest.py asks for four devices"
    return jax.make_mesh(
        (DEVICES,), ("d",), axis_types=(kind,), devices=jax.devices()[:DEVICES]
    )


def sharded_loss(f: Callable, check_vma: bool) -> Callable:
    """The sum over the batch, computed shard by shard and added up at the end."""

    def shard(x: jax.Array, w: jax.Array) -> jax.Array:
        return f(x, w)

    mapped = jax.shard_map(
        shard,
        mesh=mesh(AxisType.Auto),
        in_specs=(P("d", None), P()),
        out_specs=P("d", None),
        check_vma=check_vma,
    )
    return lambda x, w: jnp.sin(mapped(x, w)).sum()


def collective_loss(f: Callable, check_vma: bool) -> Callable:
    """The same, with the sum inside as a collective."""
    mapped = jax.shard_map(
        lambda x, w: jax.lax.psum(jnp.sin(f(x, w)).sum(), "d"),
        mesh=mesh(AxisType.Auto),
        in_specs=(P("d", None), P()),
        out_specs=P(),
        check_vma=check_vma,
    )
    return mapped


def plain_loss(f: Callable) -> Callable:
    return lambda x, w: jnp.sin(f(x, w)).sum()


def expected(cls: type[Function]) -> tuple[np.ndarray, np.ndarray]:
    """The gradients that the rules stand for, of the loss over the whole batch."""
    g = np.cos(BATCH @ WEIGHT)
    if issubclass(cls, Zero):
        return np.zeros_like(BATCH), np.zeros_like(WEIGHT)
    return 7 * g @ WEIGHT.T, 3 * BATCH.T @ g


CLASSES = (Dense, DenseSaving, Zero)
classes = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
lowerings = pytest.mark.parametrize(
    "lower", [lambda cls: cls, dual], ids=["reverse", "dual"]
)
vma = pytest.mark.parametrize("check_vma", [True, False], ids=["check", "no-check"])


@classes
@lowerings
@vma
@pytest.mark.parametrize("make", [sharded_loss, collective_loss])
def test_a_replicated_weight_and_a_sharded_batch(
    cls: type[Function], lower: Callable, check_vma: bool, make: Callable
) -> None:
    f = lower(cls).apply
    grad = jax.jit(jax.grad(make(f, check_vma), (0, 1)))
    for got, want in zip(grad(BATCH, WEIGHT), expected(cls), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)
    plain = jax.grad(plain_loss(f), (0, 1))(jnp.asarray(BATCH), jnp.asarray(WEIGHT))
    for got, want in zip(plain, expected(cls), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@vma
def test_fresh_constants_of_backward_are_summed_over_devices(check_vma: bool) -> None:
    """Each device runs backward once, and the weight belongs to all of them."""
    grad = jax.jit(jax.grad(sharded_loss(Fresh.apply, check_vma), (0, 1)))
    gx, gw = grad(BATCH, WEIGHT)
    np.testing.assert_allclose(gx, np.ones_like(BATCH))
    np.testing.assert_allclose(gw, np.full_like(WEIGHT, DEVICES * 0.5))


@classes
@lowerings
@vma
def test_a_gradient_taken_inside(
    cls: type[Function], lower: Callable, check_vma: bool
) -> None:
    """The gradient of a device's own shard, with the weight made its own first."""
    f = lower(cls).apply

    def shard(x: jax.Array, w: jax.Array) -> tuple:
        w = jax.lax.pcast(w, "d", to="varying") if check_vma else w
        gx, gw = jax.grad(plain_loss(f), (0, 1))(x, w)
        return gx, jax.lax.psum(gw, "d")

    mapped = jax.shard_map(
        shard,
        mesh=mesh(AxisType.Auto),
        in_specs=(P("d", None), P()),
        out_specs=(P("d", None), P()),
        check_vma=check_vma,
    )
    for got, want in zip(jax.jit(mapped)(BATCH, WEIGHT), expected(cls), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


@classes
@lowerings
def test_an_explicit_mesh(cls: type[Function], lower: Callable) -> None:
    f = lower(cls).apply
    explicit = mesh(AxisType.Explicit)
    with jax.set_mesh(explicit):
        x = jax.device_put(BATCH, NamedSharding(explicit, P("d", None)))
        w = jax.device_put(WEIGHT, NamedSharding(explicit, P()))
        gx, gw = jax.jit(jax.grad(plain_loss(f), (0, 1)))(x, w)
        assert jax.typeof(gx).sharding.spec == P("d", None)
        assert jax.typeof(gw).sharding.spec == P(None, None)
    for got, want in zip((gx, gw), expected(cls), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-5)


def test_fresh_constants_on_an_explicit_mesh() -> None:
    explicit = mesh(AxisType.Explicit)
    with jax.set_mesh(explicit):
        x = jax.device_put(BATCH, NamedSharding(explicit, P("d", None)))
        w = jax.device_put(WEIGHT, NamedSharding(explicit, P()))
        gx, gw = jax.jit(jax.grad(plain_loss(Fresh.apply), (0, 1)))(x, w)
    np.testing.assert_allclose(gx, np.ones_like(BATCH))
    np.testing.assert_allclose(gw, np.full_like(WEIGHT, 0.5))


@lowerings
@vma
def test_a_second_derivative_inside_shard_map(lower: Callable, check_vma: bool) -> None:
    def second(loss: Callable) -> Callable:
        inner = lambda x, w: (jax.grad(loss, 1)(x, w) ** 2).sum()  # noqa: E731
        return jax.jit(jax.grad(inner, (0, 1)))

    f = lower(DenseSaving).apply
    got = second(collective_loss(f, check_vma))(BATCH, WEIGHT)
    want = second(plain_loss(f))(BATCH, WEIGHT)
    for one, other in zip(got, want, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


class SumsByHand(Dense):
    """A backward that sums the weight's gradient over devices itself."""

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return 7 * g @ w.T, jax.lax.psum(3 * outer(x, g), "i")


class Centered(Function):
    """x minus its sum over all devices: both halves of the rule need a psum."""

    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return (x - jax.lax.psum(x.sum(0), "i")) * w

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        centered = x - jax.lax.psum(x.sum(0), "i")
        return g * w - jax.lax.psum((g * w).sum(0), "i"), (g * centered).sum(0)


class Total(Function):
    """The sum over all devices, with a rule of 5 times the truth."""

    @staticmethod
    def forward(ctx, x):
        return jax.lax.psum(x, "i")

    @staticmethod
    def backward(ctx, g):
        return 5 * g


def auto_mesh() -> jax.sharding.Mesh:
    return jax.make_mesh((DEVICES,), ("i",), axis_types=(AxisType.Auto,))


def test_a_gradient_that_is_summed_by_hand_is_refused() -> None:
    apply = jax.shard_map(
        SumsByHand.apply, mesh=auto_mesh(), in_specs=(P("i"), P()), out_specs=P("i")
    )
    with pytest.raises(CollectiveError) as caught:
        jax.grad(lambda w: apply(BATCH, w).sum())(WEIGHT)
    for part in ("SumsByHand", "'w'", "Expected", "got a psum", "Leave the psum out"):
        assert part in str(caught.value)


@pytest.mark.parametrize("check_vma", [True, False])
def test_sums_that_a_rule_computes_with_are_right(check_vma: bool) -> None:
    apply = jax.shard_map(
        Centered.apply,
        mesh=auto_mesh(),
        in_specs=(P("i"), P()),
        out_specs=P("i"),
        check_vma=check_vma,
    )
    weights = np.arange(24, dtype=np.float32).reshape(8, 3)
    w = WEIGHT[:, 0]
    got = jax.grad(lambda x, w: (apply(x, w) * weights).sum(), (0, 1))(BATCH, w)
    plain = lambda x, w: ((x - x.sum(0)) * w * weights).sum()  # noqa: E731
    for a, b in zip(got, jax.grad(plain, (0, 1))(BATCH, w), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_a_forward_that_sums_over_devices() -> None:
    apply = jax.shard_map(Total.apply, mesh=auto_mesh(), in_specs=P("i"), out_specs=P())
    x = np.arange(4, dtype=np.float32)
    np.testing.assert_allclose(jax.grad(lambda x: apply(x).sum())(x), 5.0)
