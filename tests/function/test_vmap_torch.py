"""The same `vmap` staticmethods in torch and in jaxgrad, where torch is installed."""

from collections.abc import Callable
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function

torch = pytest.importorskip("torch")

# A rule of one's own (5.3 to 5.11), one that shares an output, and a generated one.
SOURCE = """
class Product(Function):
    @staticmethod
    def forward(x, y):
        return x * y

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        return 10 * g * y, 100 * g * x

    @staticmethod
    def vmap(info, in_dims, x, y):
        x, y = [
            v.reshape((1,) + tuple(v.shape)) if d is None else moveaxis(v, d, 0)
            for v, d in zip((x, y), in_dims)
        ]
        return Product.apply(x, y), 0


class Marked(Product):
    @staticmethod
    def vmap(info, in_dims, x, y):
        x = x if in_dims[0] is None else moveaxis(x, in_dims[0], 0)
        y = y if in_dims[1] is None else moveaxis(y, in_dims[1], 0)
        out = x * y + info.batch_size
        return moveaxis(out, 0, 1), -1


class Generated(Function):
    generate_vmap_rule = True
    forward = Product.forward
    setup_context = Product.setup_context
    backward = Product.backward


class Shares(Product):
    @staticmethod
    def forward(x, y):
        return x * y, y.sum()

    @staticmethod
    def backward(ctx, g, h):
        x, y = ctx.saved_tensors
        return 10 * g * y, 100 * g * x + 7 * h

    @staticmethod
    def vmap(info, in_dims, x, y):
        x = x if in_dims[0] is None else moveaxis(x, in_dims[0], 0)
        if in_dims[1] is None:
            return (x * y, y.sum()), (0, None)
        y = moveaxis(y, in_dims[1], 0)
        return (x * y, y.sum(1)), (0, 0)
"""
DIMS = [(0, 0), (1, 0), (-1, None), (None, 0), (None, -1)]


def define(base: type, moveaxis: Callable) -> dict[str, Any]:
    scope: dict[str, Any] = {"Function": base, "moveaxis": moveaxis}
    exec(SOURCE, scope)
    return scope


THEIRS = define(torch.autograd.Function, torch.movedim)
OURS = define(Function, jnp.moveaxis)


def arrays(dims: tuple) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [
        rng.normal(size=(2,) if d is None else ((3, 2) if d == 0 else (2, 3)))
        for d in dims
    ]


def both(name: str, dims: tuple, ways: Callable) -> None:
    """Compares what `ways(module, transformations, apply)` answers in the two."""
    values = arrays(dims)
    tensors = [torch.from_numpy(v) for v in values]
    want = ways(torch.func, torch.vmap, THEIRS[name].apply)(*tensors)
    with jax.enable_x64(True):
        got = ways(jax, jax.vmap, OURS[name].apply)(*map(jnp.asarray, values))
    leaves = jax.tree.leaves(got)
    expected = jax.tree.leaves(want)
    assert len(leaves) == len(expected) > 0
    for a, b in zip(leaves, expected, strict=True):
        np.testing.assert_allclose(a, b.detach().numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dims", DIMS, ids=str)
@pytest.mark.parametrize("name", ["Product", "Marked", "Generated", "Shares"])
def test_values(name: str, dims: tuple) -> None:
    both(name, dims, lambda func, vmap, f: vmap(f, dims))


@pytest.mark.parametrize("dims", DIMS, ids=str)
@pytest.mark.parametrize("name", ["Product", "Generated"])
def test_gradients_of_the_batch(name: str, dims: tuple) -> None:
    def ways(func: ModuleType, vmap: Callable, f: Callable) -> Callable:
        def loss(x, y):
            out = vmap(f, dims)(x, y)
            out = out if isinstance(out, tuple) else (out,)
            return sum((o**2).sum() for o in out)

        return func.grad(loss, (0, 1))

    both(name, dims, ways)


@pytest.mark.parametrize("dims", DIMS, ids=str)
@pytest.mark.parametrize("name", ["Product", "Generated", "Shares"])
def test_gradients_of_each_example(name: str, dims: tuple) -> None:
    def ways(func: ModuleType, vmap: Callable, f: Callable) -> Callable:
        def loss(x, y):
            out = f(x, y)
            out = out if isinstance(out, tuple) else (out,)
            return sum((o**2).sum() for o in out)

        return vmap(func.grad(loss, (0, 1)), dims)

    both(name, dims, ways)


def test_the_rule_of_the_class_is_never_dropped() -> None:
    """torch differentiates through a `vmap` that does not apply the class again.

    There the gradient of a batch is then not that of its examples: backward is dropped.
    Here backward is the derivative in both orders.
    """
    x, y = arrays((0, None))
    cotangents = np.arange(1.0, 4.0)

    def loss(w: Any, f: Callable, vmap: Callable) -> Callable:
        return lambda x, y: (w * vmap(f, (0, None))(x, y)[1]).sum()

    theirs = torch.func.grad(
        loss(torch.from_numpy(cotangents), THEIRS["Shares"].apply, torch.vmap), 1
    )(*map(torch.from_numpy, (x, y)))
    np.testing.assert_allclose(theirs, np.full(2, cotangents.sum()))
    with jax.enable_x64(True):
        w, args = jnp.asarray(cotangents), tuple(map(jnp.asarray, (x, y)))
        of_batch = jax.grad(loss(w, OURS["Shares"].apply, jax.vmap), 1)(*args)
        one = jax.grad(lambda x, y, w: w * OURS["Shares"].apply(x, y)[1], 1)
        of_examples = jax.vmap(one, (0, None, 0))(*args, w).sum(0)
    np.testing.assert_allclose(of_batch, np.full(2, 7 * cotangents.sum()))
    np.testing.assert_allclose(of_batch, of_examples)


@pytest.mark.parametrize("name", ["Product", "Generated", "Shares"])
def test_jacobians(name: str) -> None:
    """Which batch over backward alone."""
    both(name, (None, None), lambda func, vmap, f: func.jacrev(f, (0, 1)))


@pytest.mark.parametrize("dims", [(0, 0), (None, -1)], ids=str)
@pytest.mark.parametrize("name", ["Product", "Generated"])
def test_second_derivatives(name: str, dims: tuple) -> None:
    def ways(func: ModuleType, vmap: Callable, f: Callable) -> Callable:
        def inner(x, y):
            g = func.grad(lambda *a: (f(*a) ** 2).sum(), (0, 1))(x, y)
            return sum((v**2).sum() for v in g)

        return vmap(func.grad(inner, (0, 1)), dims)

    both(name, dims, ways)


@pytest.mark.parametrize("name", ["Product", "Marked", "Generated"])
def test_nested(name: str) -> None:
    def ways(func: ModuleType, vmap: Callable, f: Callable) -> Callable:
        inner = vmap(f, (None, 0))
        return lambda x, y: vmap(inner, (0, None))(x, y)

    both(name, (0, 0), ways)
