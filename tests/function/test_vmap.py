"""A `vmap` staticmethod under every order of transformations.

The oracle is a Python loop over the examples, of the same class without the rule.
"""

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from tests.function.functions import dual

pytestmark = pytest.mark.sampled(3)

B = 3
SWITCHES = ("JAX_CUSTOM_VJP3", "JAX_CUSTOM_JVP3", "JAX_REMAT3")
DEFAULT_SWITCHES = not any(os.environ.get(name) for name in SWITCHES)


class Product(Function):
    """Two outputs, x * y and the sum of y; every gradient has a mark of its own."""

    @staticmethod
    def forward(x, y):
        return x * y, y.sum()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, g, h):
        x, y = ctx.saved_tensors
        return 10 * g * y, 100 * g * x + 7 * h


def ruled(cls: type[Function], calls: list[Any]) -> type[Function]:
    """`Product` with a rule that puts its batches at the end, or shares the output."""

    def vmap(info, in_dims, x, y):
        calls.append((info, in_dims))
        a, b = (
            v[..., None] if dim is None else jnp.moveaxis(v, dim, -1)
            for v, dim in zip((x, y), in_dims, strict=True)
        )
        assert info.batch_size in (a.shape[-1], b.shape[-1])
        shared = in_dims[1] is None
        return (a * b, y.sum() if shared else b.sum(-2)), (-1, None if shared else 0)

    return type(f"Ruled{cls.__name__}", (cls,), {"vmap": staticmethod(vmap)})


def values(size: int, axes: tuple) -> tuple[jax.Array, ...]:
    rng = np.random.default_rng(0)
    found = []
    for axis in axes:
        shape = [2]
        if axis is not None:
            shape.insert(axis % 2, size)
        found.append(jnp.asarray(rng.normal(size=shape), jnp.float32))
    return tuple(found)


def looped(f: Callable, axes: tuple, size: int) -> Callable:
    """`jax.vmap(f, axes)`, one example at a time."""

    def batch(x, y):
        outs = []
        for i in range(size):
            picked = [
                v if axis is None else jnp.take(v, i, axis)
                for v, axis in zip((x, y), axes, strict=True)
            ]
            outs.append(f(*picked))
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *outs)

    return batch


def same(got: Any, want: Any) -> None:
    assert jax.tree.structure(got) == jax.tree.structure(want)
    for a, b in zip(jax.tree.leaves(got), jax.tree.leaves(want), strict=True):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def total(f: Callable) -> Callable:
    """A scalar that depends on every output in its own way."""

    def scalar(x, y):
        z, s = f(x, y)
        return (z**2 * jnp.arange(1.0, 1 + z.size).reshape(z.shape)).sum() + (
            s * jnp.arange(3.0, 3 + s.size).reshape(s.shape)
        ).sum()

    return scalar


def in_scan(f: Callable) -> Callable:
    def looping(x, y):
        def step(carry, _):
            z, s = f(carry, y)
            return z / 4, s

        return jax.lax.scan(step, x, None, length=2)

    return looping


def grads(f: Callable) -> Callable:
    return jax.grad(total(f), (0, 1))


def second(f: Callable) -> Callable:
    return jax.grad(lambda x, y: total(lambda *a: grads(f)(*a))(x, y), (0, 1))


def pushed(f: Callable) -> Callable:
    return lambda x, y: jax.jvp(f, (x, y), (jnp.sin(x), jnp.cos(y)))


ANY: dict[str, Callable] = {
    "value": lambda f: f,
    "jit": jax.jit,
    "scan": in_scan,
    "grad": grads,
    "value-and-grad": lambda f: jax.value_and_grad(total(f), (0, 1)),
    "jit-grad": lambda f: jax.jit(grads(f)),
    "grad-jit": lambda f: grads(jax.jit(f)),
    "grad-x": lambda f: jax.grad(total(f)),
    "grad-y": lambda f: jax.grad(total(f), 1),
    "grad-scan": lambda f: grads(in_scan(f)),
    "checkpoint": lambda f: grads(jax.checkpoint(f)),
    "jacrev": lambda f: jax.jacrev(f, (0, 1)),
    "second": second,
    "jit-second": lambda f: jax.jit(second(f)),
}
FORWARD: dict[str, Callable] = {
    "jvp": pushed,
    "jit-jvp": lambda f: jax.jit(pushed(f)),
    "jvp-jit": lambda f: pushed(jax.jit(f)),
    "jvp-scan": lambda f: pushed(in_scan(f)),
    "jacfwd": lambda f: jax.jacfwd(f, (0, 1)),
    "jvp-grad": lambda f: pushed(grads(f)),
    "grad-jvp": lambda f: grads(lambda x, y: pushed(f)(x, y)[1]),
    "hessian": lambda f: jax.hessian(total(f), (0, 1)),
}
CASES = [
    *[pytest.param(Product, way, id=f"reverse-{key}") for key, way in ANY.items()],
    *[
        pytest.param(dual(Product), way, id=f"dual-{key}")
        for key, way in {**ANY, **FORWARD}.items()
    ],
]
AXES = [(0, None), (0, -1)]


@pytest.mark.parametrize("axes", AXES, ids=str)
@pytest.mark.parametrize(("cls", "way"), CASES)
def test_the_transformation_inside(cls: type, way: Callable, axes: tuple) -> None:
    calls: list[Any] = []
    args = values(B, axes)
    got = jax.vmap(way(ruled(cls, calls).apply), axes)(*args)
    same(got, looped(way(cls.apply), axes, B)(*args))
    assert calls


@pytest.mark.parametrize("axes", AXES, ids=str)
@pytest.mark.parametrize(("cls", "way"), CASES)
def test_the_transformation_outside(cls: type, way: Callable, axes: tuple) -> None:
    calls: list[Any] = []
    args = values(B, axes)
    got = way(jax.vmap(ruled(cls, calls).apply, axes))(*args)
    same(got, way(looped(cls.apply, axes, B))(*args))
    assert calls


@pytest.mark.parametrize("axes", [(0, 0), (None, 0), (1, -1), (-1, None)], ids=str)
@pytest.mark.parametrize("way", ["value", "grad"])
def test_every_kind_of_in_axes(way: str, axes: tuple) -> None:
    args = values(B, axes)
    f = ruled(Product, []).apply
    got = jax.vmap(ANY[way](f), axes)(*args)
    same(got, looped(ANY[way](Product.apply), axes, B)(*args))
    got = ANY[way](jax.vmap(f, axes))(*args)
    same(got, ANY[way](jax.vmap(Product.apply, axes))(*args))
    same(got, ANY[way](looped(Product.apply, axes, B))(*args))


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize("way", ["value", "grad", "jit-grad", "jacrev", "second"])
def test_batches_of_one_and_of_none(way: str, size: int) -> None:
    args, calls = values(size, (0, None)), []
    got = jax.vmap(ANY[way](ruled(Product, calls).apply), (0, None))(*args)
    same(got, jax.vmap(ANY[way](Product.apply), (0, None))(*args))
    assert {info.batch_size for info, _ in calls} == {size}


class Exp(Function):
    """exp(x), whose rule says 10 times the output; batched, it is another function.

    The mark on the batched output shows in every derivative that is computed from it.
    """

    @staticmethod
    def forward(x):
        return jnp.exp(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, g):
        return 10 * g * ctx.saved_tensors[0]

    @staticmethod
    def vmap(info, in_dims, x):
        return jnp.exp(x) + 1000, 0


def scalars(f: Callable) -> dict[str, tuple[Callable, float]]:
    """What to compute of the batched f, and the power of ten that its rule says."""
    one = jax.grad(f)
    return {
        "vmap": (jax.vmap(f), 1),
        "jit": (jax.jit(jax.vmap(f)), 1),
        "vmap-jit": (jax.vmap(jax.jit(f)), 1),
        "checkpoint": (jax.vmap(jax.checkpoint(f)), 1),
        "vmap-grad": (jax.vmap(one), 10),
        "vmap-jit-grad": (jax.vmap(jax.jit(one)), 10),
        "grad-vmap": (jax.grad(lambda x: jax.vmap(f)(x).sum()), 10),
        "grad-jit-vmap": (jax.grad(lambda x: jax.jit(jax.vmap(f))(x).sum()), 10),
        "vmap-grad-grad": (jax.vmap(jax.grad(one)), 100),
        "grad-vmap-grad": (jax.grad(lambda x: jax.vmap(one)(x).sum()), 100),
        "vmap-checkpoint": (jax.vmap(jax.grad(jax.checkpoint(f))), 10),
    }


@pytest.mark.parametrize("lower", [lambda cls: cls, dual], ids=["reverse", "dual"])
@pytest.mark.parametrize("way", scalars(jnp.exp))
def test_the_rule_answers_and_no_other(way: str, lower: Callable) -> None:
    x = jnp.array([0.5, -0.25], jnp.float32)
    f, factor = scalars(lower(Exp).apply)[way]
    np.testing.assert_allclose(f(x), factor * (np.exp(x) + 1000), rtol=1e-5)


def test_one_example_does_not_ask_the_rule() -> None:
    x = jnp.float32(0.5)
    np.testing.assert_allclose(Exp.apply(x), np.exp(x), rtol=1e-6)
    np.testing.assert_allclose(jax.jit(Exp.apply)(x), np.exp(x), rtol=1e-6)
    np.testing.assert_allclose(jax.grad(Exp.apply)(x), 10 * np.exp(x), rtol=1e-6)


@pytest.mark.parametrize("way", ["value", "grad", "jit-grad"])
def test_nested(way: str) -> None:
    x, y = jnp.ones((2, B, 2)) * 3, jnp.arange(4.0).reshape(2, 2)
    axes = ((0, 0), (0, None))
    ours, plain = (
        jax.vmap(jax.vmap(ANY[way](c.apply), axes[1]), axes[0])
        for c in (ruled(Product, []), Product)
    )
    same(ours(x, y), plain(x, y))


@pytest.mark.parametrize("options", [{"axis_name": "i"}, {"spmd_axis_name": "i"}])
def test_named_and_spmd_axes(options: dict) -> None:
    mesh = jax.make_mesh((2,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
    args, calls = values(2, (0, None)), []
    with jax.set_mesh(mesh):
        f = jax.vmap(grads(ruled(Product, calls).apply), (0, None), **options)
        got = jax.jit(f)(*args)
    same(got, looped(grads(Product.apply), (0, None), 2)(*args))
    assert calls


def test_a_shared_output_stays_shared_where_nobody_can_differentiate_it() -> None:
    x, y = values(B, (0, None))
    for cls in (ruled(Product, []), Product):
        f = jax.vmap(cls.apply, (0, None), out_axes=(0, None))
        later = [jax.jit(f), jax.checkpoint(f), lambda *a, f=f: jax.vjp(f, *a)[0]]
        if DEFAULT_SWITCHES:
            same(f(x, y), (x * y, y.sum()))
        else:
            later.append(f)
        for g in later:  # each example may get a cotangent of its own
            with pytest.raises(ValueError, match=r"out_axes\[1\]"):
                g(x, y)


@pytest.mark.parametrize("cls", [Product, dual(Product)], ids=["reverse", "dual"])
@pytest.mark.parametrize("way", ["grad-jit", "checkpoint", "second", "grad-scan"])
def test_shared_outputs_of_a_class_without_a_rule(way: str, cls: type) -> None:
    args = values(B, (0, None))
    got = ANY[way](jax.vmap(cls.apply, (0, None)))(*args)
    same(got, ANY[way](looped(cls.apply, (0, None), B))(*args))


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit, jax.checkpoint])
def test_a_constant_output_is_differentiated_by_its_rule(wrap: Callable) -> None:
    class Constant(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return jnp.zeros_like(x)

        @staticmethod
        def backward(ctx, g):
            return 10 * g * ctx.saved_tensors[0]

    x, w = jnp.arange(6.0).reshape(3, 2), jnp.arange(5.0, 11.0).reshape(3, 2)
    f = wrap(jax.vmap(Constant.apply))
    same(jax.grad(lambda x: (w * f(x)).sum())(x), 10 * w * x)
    nested = jax.vmap(wrap(jax.vmap(Constant.apply)))
    same(jax.grad(lambda x: (w * nested(x)).sum())(x), 10 * w * x)


def test_a_class_whose_rule_is_jaxs_own() -> None:
    """`generate_vmap_rule` as in torch: every function sees one example."""
    shapes: list[tuple] = []

    class Generated(Function):
        generate_vmap_rule = True

        @staticmethod
        def forward(x, y):
            shapes.append(x.shape)
            return x * y, y.sum()

        @staticmethod
        def setup_context(ctx, inputs, output):
            shapes.append(output[0].shape)
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g, h):
            shapes.append(g.shape)
            return Product.backward(ctx, g, h)

    args = values(B, (0, None))
    got = jax.vmap(grads(Generated.apply), (0, None))(*args)
    same(got, looped(grads(Product.apply), (0, None), B)(*args))
    assert set(shapes) == {(2,)}
    assert len(shapes) >= 3
