"""Rows 5.1 to 5.11: the vmap staticmethod. Its rules compute what forward doesn't."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import errors
from jaxgrad.errors import FunctionDefinitionError
from tests.function.rows.functions import Double, V, X, define, refuses

SEVENS = np.full(3, 7.0)
M = jnp.arange(6.0).reshape(2, 3)


def with_rule(vmap: Any, **members: Any) -> Any:
    """2 x, whose backward says 7; batched, it is what `vmap` says."""
    own = {
        "forward": Double.forward,
        "setup_context": Double.setup_context,
        "backward": Double.backward,
        "vmap": vmap,
    }
    return define(**{**own, **members}).apply


def tripled(info: Any, in_dims: Any, x: Any) -> Any:
    return 3 * x, in_dims[0]


def test_row_5_1() -> None:
    """With neither a rule nor the flag, JAX batches forward and backward itself."""
    np.testing.assert_array_equal(jax.vmap(Double.apply)(V), 2 * V)
    np.testing.assert_array_equal(jax.vmap(jax.grad(Double.apply))(V), SEVENS)


def test_row_5_2() -> None:
    """Refused when the class is made."""
    refuses(
        FunctionDefinitionError,
        lambda: with_rule(tripled, generate_vmap_rule=True),
        "F",
        "vmap",
        "generate_vmap_rule",
    )


def noting() -> tuple[Any, list]:
    seen: list = []

    def vmap(info: Any, in_dims: Any, *args: Any) -> Any:
        seen.append((info, in_dims, args))
        x = next(v for v in args if v is not None)
        x = x[0] if isinstance(x, list) else x
        return 3 * x, 0

    return vmap, seen


def test_row_5_3() -> None:
    vmap, seen = noting()
    np.testing.assert_array_equal(jax.vmap(with_rule(vmap))(V), 3 * V)
    info = seen[0][0]
    assert isinstance(info, tuple)
    assert info._fields == ("batch_size", "randomness")
    assert (info.batch_size, info.randomness) == (3, "error")


def test_row_5_4() -> None:
    """Batched arrays have their batch in front; containers are mirrored."""
    vmap, seen = noting()

    f = with_rule(
        vmap,
        forward=lambda x, p, mode: 2 * x,
        setup_context=lambda ctx, inputs, output: None,
        backward=lambda ctx, g: (7 * g, None, None),
    )
    in_axes = (1, [None, 0], None)
    got = jax.vmap(lambda x, p: f(x, p, "mode"), in_axes[:2])(M, [X, V])
    np.testing.assert_array_equal(got, 3 * M.T)
    _, in_dims, args = seen[0]
    assert in_dims == (0, [None, 0], None)
    assert args[0].shape == (3, 2)
    assert args[2] == "mode"


def test_row_5_5() -> None:
    """A level of vmap that batches no argument doesn't ask the rule."""
    vmap, seen = noting()
    f = with_rule(vmap)
    np.testing.assert_array_equal(jax.vmap(lambda v: v * f(X))(V), 4 * V)
    assert seen == []


@pytest.mark.parametrize(
    ("returned", "got"),
    [
        (lambda x: x, "f32[3]"),
        (lambda x: (x, 0, 0), "3"),
        (lambda x: [x, 0], "list"),
    ],
)
def test_row_5_6(returned: Any, got: str) -> None:
    f = with_rule(lambda info, in_dims, x: returned(x))
    parts = ("F.vmap", "two", "(output, out_dims)", got)
    refuses(errors.VmapError, lambda: jax.vmap(f)(V), *parts)


def two(**members: Any) -> Any:
    own = {
        "forward": lambda x: (2 * x, 3 * x),
        "backward": lambda ctx, a, b: 7 * a + 100 * b,
    }
    return with_rule(**{**own, **members})


def test_row_5_7() -> None:
    """One out_dim stands for every output below it."""
    f = two(vmap=lambda info, in_dims, x: ((20 * x, 30 * x), 0))
    a, b = jax.vmap(f)(V)
    np.testing.assert_array_equal(a, 20 * V)
    np.testing.assert_array_equal(b, 30 * V)
    np.testing.assert_array_equal(
        jax.vmap(jax.grad(lambda x: sum(f(x))))(V), np.full(3, 107.0)
    )


def test_row_5_8() -> None:
    f = with_rule(lambda info, in_dims, x: (3 * x, (0,)))
    refuses(errors.VmapError, lambda: jax.vmap(f)(V), "F.vmap", "out_dims", "(0,)")


def test_row_5_9() -> None:
    f = two(vmap=lambda info, in_dims, x: ((x.T, 5 * V), (-1, None)))
    a, b = jax.vmap(f)(M)
    np.testing.assert_array_equal(a, M)
    np.testing.assert_array_equal(b, [5 * V, 5 * V])
    for bad in (5, "0", 1.5):
        f = with_rule(lambda info, in_dims, x, d=bad: (3 * x, d))
        refuses(errors.VmapError, lambda f=f: jax.vmap(f)(V), "F.vmap", repr(bad))


def test_row_5_10() -> None:
    f = with_rule(lambda info, in_dims, x: (x[:2], 0))
    refuses(errors.VmapError, lambda: jax.vmap(f)(V), "F.vmap", "3", "2")


def test_row_5_11() -> None:
    """The rule batches forward; the gradient is the class's own, batched by JAX."""
    f = with_rule(tripled)
    np.testing.assert_array_equal(jax.vmap(f)(V), 3 * V)
    np.testing.assert_array_equal(jax.vmap(jax.grad(f))(V), SEVENS)
    of_vmap = jax.grad(lambda v: jax.vmap(f)(v).sum())
    np.testing.assert_array_equal(of_vmap(V), SEVENS)
    np.testing.assert_array_equal(jax.jit(of_vmap)(V), SEVENS)
    value, _ = jax.vmap(jax.value_and_grad(f))(V)
    np.testing.assert_array_equal(value, 3 * V)
