"""Rows 9.15 to 9.21: inputs and options of gradcheck and gradgradcheck."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.experimental import sparse

from jaxgrad import gradcheck, gradgradcheck, once_differentiable
from jaxgrad.errors import (
    GradcheckError,
    GradcheckOptionError,
    JaxgradWarning,
    OnceDifferentiableError,
)
from tests.function.rows.functions import define, refuses, square, x64


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


Square = square()
Wrong = square(lambda ctx, g: 3 * ctx.saved_tensors[0] * g)


def test_row_9_15() -> None:
    """No input with a derivative is an error; single precision is a warning."""
    error = refuses(
        GradcheckOptionError,
        lambda: gradcheck(Square.apply, jnp.arange(3)),
        "at least one",
    )
    assert isinstance(error, ValueError)
    with (
        pytest.warns(JaxgradWarning, match=r"double precision.*float32"),
        pytest.raises(GradcheckError),
    ):
        gradcheck(Square.apply, jnp.asarray([0.3, 1.7], jnp.float32))
    spread = np.broadcast_to(np.float64(1.5), (3,))  # stride 0: copied, so no error
    assert gradcheck(Square.apply, spread)


def test_row_9_16() -> None:
    """A sparse container is a pytree of dense arrays, and is checked as one."""
    f = define(
        forward=lambda ctx, x: sparse.BCOO((2 * x, jnp.zeros((2, 1), int)), shape=(3,)),
        backward=lambda ctx, g: 2 * g.data,
    )
    assert gradcheck(lambda x: f.apply(x).data, x64(0.5, 1.5))


@pytest.mark.parametrize(
    ("check", "options", "parts"),
    [
        (gradcheck, {"check_backward_ad": False}, ("check_forward_ad", "at least one")),
        (
            gradcheck,
            {
                "check_backward_ad": False,
                "check_forward_ad": True,
                "check_batched_grad": True,
            },
            ("check_batched_grad", "check_backward_ad"),
        ),
        (
            gradcheck,
            {"check_batched_forward_grad": True},
            ("check_batched_forward_grad", "check_forward_ad"),
        ),
        (
            gradgradcheck,
            {"check_rev_over_rev": False},
            ("check_fwd_over_rev", "at least one"),
        ),
        (
            gradgradcheck,
            {"check_rev_over_rev": False, "check_fwd_over_rev": True},
            ("check_undefined_grad", "check_rev_over_rev"),
        ),
        (
            gradgradcheck,
            {
                "check_rev_over_rev": False,
                "check_fwd_over_rev": True,
                "check_undefined_grad": False,
                "check_batched_grad": True,
            },
            ("check_batched_grad", "check_rev_over_rev"),
        ),
    ],
)
def test_row_9_17(check: Any, options: dict[str, bool], parts: tuple) -> None:
    for raise_exception in (True, False):
        error = refuses(
            GradcheckOptionError,
            lambda r=raise_exception: check(
                Square.apply, x64(1.5), raise_exception=r, **options
            ),
            *parts,
        )
        assert isinstance(error, AssertionError)


def test_row_9_18() -> None:
    assert gradcheck(Wrong.apply, x64(1.5), raise_exception=False) is False
    assert gradcheck(Square.apply, x64(1.5), raise_exception=False) is True

    def fails(ctx: Any, g: Any) -> Any:
        raise KeyError("mine")

    f = square(fails).apply
    refuses(KeyError, lambda: gradcheck(f, x64(1.5), raise_exception=False), "mine")


def test_row_9_19() -> None:
    """Second derivatives; intermediates are right, once-differentiable is named."""

    def halfway(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(jnp.cos(x))
        return jnp.sin(x)

    f = define(forward=halfway, backward=lambda ctx, g: ctx.saved_tensors[0] * g)
    assert gradgradcheck(f.apply, x64(0.5))
    assert gradgradcheck(Square.apply, x64(0.5), x64(-2.0))
    stopped = square(lambda ctx, g: 2 * jax.lax.stop_gradient(ctx.saved_tensors[0]) * g)
    refuses(GradcheckError, lambda: gradgradcheck(stopped.apply, x64(1.5)), "mismatch")
    once = square(once_differentiable(lambda ctx, g: 2 * ctx.saved_tensors[0] * g))
    refuses(
        OnceDifferentiableError,
        lambda: gradgradcheck(once.apply, x64(1.5)),
        "once_differentiable",
    )


def test_row_9_20() -> None:
    for inputs in (x64(1.5), [x64(1.5)], (x64(1.5),)):
        assert gradcheck(Square.apply, inputs)
    assert gradgradcheck(Square.apply, [x64(1.5)])
    refuses(TypeError, lambda: gradcheck(Square.apply, x64(1.5), 1e-6), "positional")


def test_row_9_21() -> None:
    """The input is never changed, not even a NumPy array."""
    host = np.array([0.5, 1.5])
    seen = []

    def notes(x: Any) -> Any:
        seen.append(np.asarray(host).copy())
        return Square.apply(x)

    assert gradcheck(notes, host)
    assert all((entry == [0.5, 1.5]).all() for entry in seen)
    np.testing.assert_array_equal(host, [0.5, 1.5])
