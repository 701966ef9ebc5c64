"""The `vmap` staticmethod, under the names that its tests have in torch."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Context, Function
from jaxgrad.errors import FunctionDefinitionError, VmapError
from tests.upstream.helpers import Array, same, ways

BATCH = jnp.float32([[1, 2], [3, 4], [5, 6]])


class Base(Function):
    """2 x, marked: the rules say 10 backward, and a thousand more in a batch."""

    @staticmethod
    def forward(x: Array) -> Array:
        return 2 * x

    @staticmethod
    def setup_context(ctx: Context, inputs: tuple, output: Array) -> None:
        pass

    @staticmethod
    def backward(ctx: Context, g: Array) -> Array:
        return 10 * g


def with_rule(rule: Any, base: type[Function] = Base) -> type[Function]:
    return type("Ruled", (base,), {"vmap": staticmethod(rule)})


def test_no_vmap_staticmethod_and_no_generate_vmap_rule() -> None:
    """torch raises; here JAX batches, whatever generate_vmap_rule says."""
    for generate in (False, True):
        cls = type("Plain", (Base,), {"generate_vmap_rule": generate})
        for run in ways(jax.vmap(cls.apply)):
            same(run(BATCH), 2 * BATCH)
        for grad in ways(jax.vmap(jax.grad(lambda x, c=cls: c.apply(x).sum()))):
            same(grad(BATCH), jnp.full((3, 2), 10.0))


def test_has_vmap_staticmethod_and_has_generate_vmap_rule() -> None:
    rule = staticmethod(lambda info, in_dims, x: (2 * x, 0))
    with pytest.raises(FunctionDefinitionError, match="generate_vmap_rule"):
        type("Both", (Base,), {"vmap": rule, "generate_vmap_rule": True})


def test_info_object() -> None:
    seen = []

    def rule(info: Any, in_dims: tuple, x: Array) -> tuple:
        seen.append((info.batch_size, info.randomness, *info))
        return 2 * x + 1000, in_dims[0]

    cls = with_rule(rule)
    for run in ways(jax.vmap(cls.apply)):
        same(run(BATCH), 2 * BATCH + 1000)
    assert seen
    assert set(seen) == {(3, "error", 3, "error")}


def test_in_dims_single_input() -> None:
    seen = []

    def rule(info: Any, in_dims: tuple, x: Array) -> tuple:
        seen.append((in_dims, x.shape))
        return 2 * x, in_dims[0]

    for dim in (0, 1, -1):  # the axis is brought to the front, where torch leaves it
        run = jax.vmap(with_rule(rule).apply, in_axes=dim, out_axes=dim)
        same(run(BATCH), 2 * BATCH)
        assert seen.pop() == ((0,), (3, 2) if dim == 0 else (2, 3))


def test_in_dims_multiple_inputs() -> None:
    seen = []

    class Several(Base):
        @staticmethod
        def forward(x, n, pair, y):
            return x * n + pair[0] * y + pair[1]["b"]

        @staticmethod
        def backward(ctx, g):
            return g, None, None, g

        @staticmethod
        def vmap(info, in_dims, x, n, pair, y):
            seen.append(in_dims)
            x_dim, n_dim, (a_dim, rest), y_dim = in_dims
            assert n_dim is None
            shaped = [
                v if dim == 0 else v[None]
                for v, dim in (
                    (x, x_dim),
                    (pair[0], a_dim),
                    (pair[1]["b"], rest["b"]),
                    (y, y_dim),
                )
            ]
            x, a, b, y = shaped
            return x * n + a * y + b, 0

    b = BATCH[0]
    f = lambda x, a, b, y: Several.apply(x, 3, [a, {"b": b}], y)  # noqa: E731
    for dims in ((0, None, None, None), (None, 0, None, 0), (0, 0, None, 0)):
        args = [BATCH if dim == 0 else b for dim in dims]
        want = args[0] * 3 + args[1] * args[3] + args[2]
        same(jax.vmap(f, dims)(*args), want)
        x_dim, a_dim, b_dim, y_dim = dims
        assert seen.pop() == (x_dim, None, [a_dim, {"b": b_dim}], y_dim)


def jax_skips_empty_layers(outer: Any) -> bool:
    """Whether JAX can do for its own rule what is asked of ours.

    JAX 0.10 can't with JAX_CUSTOM_VJP3.
    """
    by_hand = jax.custom_vjp(lambda x: 2 * x)
    by_hand.defvjp(lambda x: (2 * x, None), lambda _, g: (2 * g,))
    try:
        outer(by_hand)(jnp.arange(5.0))
    except ValueError:
        return False
    return True


def test_skips_empty_layer() -> None:
    """A level that batches no argument has no call of the rule."""
    sizes = []

    def rule(info: Any, in_dims: tuple, x: Array) -> tuple:
        sizes.append(info.batch_size)
        return 2 * x, 0

    cls = with_rule(rule)
    outer = lambda f: jax.vmap(lambda y: jax.vmap(f)(BATCH) + y)  # noqa: E731
    if jax_skips_empty_layers(outer):
        got = outer(cls.apply)(jnp.arange(5.0))
        same(got, 2 * BATCH + jnp.arange(5.0)[:, None, None])
        assert set(sizes) == {3}
    alone = jax.vmap(lambda y: cls.apply(BATCH[0]) + y)
    sizes.clear()
    same(alone(jnp.arange(5.0)), 2 * BATCH[0] + jnp.arange(5.0)[:, None])
    assert sizes == []


def test_none_returns() -> None:
    """An out_dim None is an output that all examples share; so is no output."""

    class Shared(Base):
        @staticmethod
        def forward(x):
            return 2 * x, jnp.ones(2), None

        @staticmethod
        def backward(ctx, g, _ones, _none):
            return 10 * g

        @staticmethod
        def vmap(info, in_dims, x):
            return (2 * x, 7 * jnp.ones(2), None), (0, None, None)

    for run in ways(lambda x: jax.vmap(lambda v: Shared.apply(v)[:2])(x)):
        same(run(BATCH), (2 * BATCH, jnp.full((3, 2), 7.0)))
    for grad in ways(jax.vmap(jax.grad(lambda x: Shared.apply(x)[0].sum()))):
        same(grad(BATCH), jnp.full((3, 2), 10.0))


@pytest.mark.parametrize(
    "returned",
    [
        lambda x: x,
        lambda x: (x, 0, 0),
        lambda x: [x, 0],
        lambda x: (x,),
        lambda x: None,
    ],
    ids=["array", "three", "list", "one", "none"],
)
def test_should_have_two_returns(returned: Any) -> None:
    cls = with_rule(lambda info, in_dims, x: returned(x))
    for run in ways(jax.vmap(cls.apply)):
        with pytest.raises(VmapError, match=r"Ruled\.vmap"):
            run(BATCH)
        with pytest.raises(RuntimeError, match="out_dims"):  # as torch's error
            run(BATCH)


MISFITS = {
    "too deep": (lambda x: (x, (0,)), "out_dims"),
    "two dims": (lambda x: (x, (0, 0)), "out_dims"),
    "another container": (lambda x: (x, {"a": 0}), "out_dims"),
    "not an int": (lambda x: (x, "text"), "out_dims"),
    "out of range": (lambda x: (x, 5), "5"),
    "another output": (lambda x: ((x, x), 0), "structure"),
    "another batch": (lambda x: (x[:2], 0), "3"),  # torch returns it, silently
}


@pytest.mark.parametrize("name", MISFITS)
def test_incompatible_out_dims_error_msg(name: str) -> None:
    returned, message = MISFITS[name]
    cls = with_rule(lambda info, in_dims, x: returned(x))
    for run in ways(jax.vmap(cls.apply)):
        with pytest.raises(VmapError, match=message) as raised:
            run(BATCH)
        assert "Ruled.vmap" in str(raised.value)


def test_kwarg_only_tensors() -> None:
    """Keyword-only arguments are arguments: torch refuses them."""

    class Keywords(Base):
        @staticmethod
        def forward(x, *, y, power=1):
            return x * y**power

        @staticmethod
        def backward(ctx, g):
            return 10 * g, 100 * g, None

        @staticmethod
        def vmap(info, in_dims, x, y, power):
            assert in_dims == (0, None, None)
            return x * y**power, 0

    class Unruled(Keywords):
        vmap = Function.vmap

    y = jnp.float32([2, 3])
    run = jax.vmap(lambda x: Keywords.apply(x, y=y, power=2))
    same(run(BATCH), BATCH * y**2)
    for grad in ways(jax.grad(lambda x, y: Keywords.apply(x, y=y).sum(), (0, 1))):
        same(grad(y, y), (jnp.full(2, 10.0), jnp.full(2, 100.0)))
    same(jax.vmap(lambda x: Unruled.apply(x, y=y))(BATCH), BATCH * y)
