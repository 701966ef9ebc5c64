"""Rows 9.1 to 9.14: what gradcheck compares, and how it says what is wrong."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Function, gradcheck
from jaxgrad.errors import GradcheckError, GradientShapeError
from tests.function.functions import on_host
from tests.function.rows.functions import (
    ALL_ASKED,
    define,
    refuses,
    right,
    square,
    squares,
    x64,
)


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def test_row_9_1() -> None:
    """The message names the argument and the worst element, with both values."""

    def wrong(ctx: Any, g: Any) -> Any:
        return 2 * ctx.saved_tensors[0] * g * jnp.array([1.0, 1.5])

    assert gradcheck(square().apply, x64(0.5, 1.5))
    refuses(
        GradcheckError,
        lambda: gradcheck(square(wrong).apply, x64(0.5, 2.0)),
        "Jacobian mismatch for output 0 with respect to input 0",
        "'x'",
        "x[1]",
        "expected 4",
        "got 6",
    )


def test_row_9_2() -> None:
    f = square(jvp=lambda ctx, t: 3 * ctx.saved_tensors[0] * t)
    assert gradcheck(f.apply, x64(1.5))  # forward mode is not asked for
    refuses(
        GradcheckError,
        lambda: gradcheck(f.apply, x64(1.5), check_forward_ad=True),
        "forward mode",
        "output 0",
        "input 0",
    )


def test_row_9_3() -> None:
    """Which part of a complex number a difference is in."""
    z = x64(1.3 - 0.7j)
    f = define(forward=squares, jvp=lambda ctx, t: 2 * ctx.saved_tensors[0].conj() * t)
    refuses(
        GradcheckError,
        lambda: gradcheck(square().apply, z),
        "part of complex outputs only",
    )
    refuses(
        GradcheckError,
        lambda: gradcheck(f.apply, z, check_forward_ad=True, check_backward_ad=False),
        "part of complex inputs only",
    )


def test_row_9_4() -> None:
    def wrong(ctx: Any, g: Any) -> Any:
        return 3 * ctx.saved_tensors[0] * g

    assert gradcheck(square().apply, x64(0.5, 1.5), fast_mode=True)
    refuses(
        GradcheckError,
        lambda: gradcheck(square(wrong).apply, x64(0.5, 1.5), fast_mode=True),
        "fast mode",
        "lement by element",
        "'x'",
    )


def test_row_9_5() -> None:
    """Backward is run twice, and has to give the same; `nondet_tol` allows less."""
    runs = [0]

    def host(g: Any) -> Any:
        runs[0] += 1
        return g * 3.0 + 1e-7 * (runs[0] % 2)

    f = define(
        forward=lambda ctx, x: 3 * x,
        backward=lambda ctx, g: jnp.where(g == 0, 0, on_host(host, g)),
    )
    refuses(GradcheckError, lambda: gradcheck(f.apply, x64(1.5)), "reentrant", "0.0")
    assert gradcheck(f.apply, x64(1.5), nondet_tol=1e-5)


def test_row_9_6() -> None:
    """Looked at before the cast, so that a wrong dtype is found."""

    def narrow(ctx: Any, g: Any) -> Any:
        return right(ctx, g).astype(jnp.float32)

    f = square(narrow).apply
    x = x64(0.5, 1.5)  # exact in float32
    assert gradcheck(f, x)
    refuses(
        GradcheckError,
        lambda: gradcheck(f, x, check_grad_dtypes=True),
        "dtype mismatch",
        "float32",
        "float64",
    )
    assert gradcheck(square().apply, x, check_grad_dtypes=True)


def test_row_9_7() -> None:
    """A wrong shape is the library's own error, also without exceptions."""
    f = square(lambda ctx, g: jnp.ones(5)).apply
    for raise_exception in (True, False):
        refuses(
            GradientShapeError,
            lambda r=raise_exception: gradcheck(f, x64(0.5, 1.5), raise_exception=r),
            "F.backward",
            "f64[2]",
            "f64[5]",
        )


def test_row_9_8() -> None:
    f = define(
        forward=lambda ctx, x: 3 * x, backward=lambda ctx, g: jnp.full_like(g, 3.0)
    ).apply
    refuses(
        GradcheckError,
        lambda: gradcheck(f, x64(1.5)),
        "backward not multiplied by grad_output",
    )


def test_row_9_9() -> None:
    """There is one layout, and an input may be on any device."""
    x = jax.device_put(x64(0.5, 1.5), jax.devices()[1])
    assert gradcheck(square().apply, x)


def two(materialize: bool, backward: Any) -> Any:
    def forward(ctx: Any, x: Any) -> Any:
        ctx.set_materialize_grads(materialize)
        return 2 * x, 3 * x

    return define(forward=forward, backward=backward).apply


def test_row_9_10() -> None:
    """Absent cotangents, one at a time and all, count as zeros."""
    x = x64(1.5)
    assert gradcheck(two(True, lambda ctx, a, b: 2 * a + 3 * b), x)
    zero = lambda g, by: 0.0 if g is None else by * g  # noqa: E731
    assert gradcheck(two(False, lambda ctx, a, b: zero(a, 2) + zero(b, 3)), x)
    error = refuses(
        Exception,
        lambda: gradcheck(two(False, lambda ctx, a, b: 2 * a + 3 * b), x),
        "NoneType",
    )
    assert isinstance(error, TypeError | GradcheckError)
    ignores = two(
        False, lambda ctx, a, b: jnp.ones(1) if a is None else 2 * a + zero(b, 3)
    )
    refuses(GradcheckError, lambda: gradcheck(ignores, x), "output 1", "'x'")


def test_row_9_11() -> None:
    """A tangent that is absent counts as zeros."""

    def forward(ctx: Any, x: Any, y: Any) -> Any:
        ctx.set_materialize_grads(False)
        return 2 * x + 3 * y

    def jvp(ctx: Any, tx: Any, ty: Any) -> Any:
        if tx is None:
            return 3 * ty + 1
        return 2 * tx + (0 if ty is None else 3 * ty)

    f = define(forward=forward, jvp=jvp).apply
    check = lambda: gradcheck(  # noqa: E731
        f, (x64(1.0), x64(2.0)), check_forward_ad=True, check_backward_ad=False
    )
    if ALL_ASKED:  # then JAX leaves no tangent out
        assert check()
    else:
        refuses(GradcheckError, check, "output")


class Batches(Function):
    """3 x, whose backward has another value under vmap."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return 3 * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return odd(g)


@jax.custom_batching.custom_vmap
def odd(g: Any) -> Any:
    return 3 * g


@odd.def_vmap
def _odd_batched(axis_size: int, in_batched: Any, g: Any) -> Any:
    return 4 * g, True


def test_row_9_12() -> None:
    x = x64(0.5, 1.5)
    assert gradcheck(square().apply, x, check_batched_grad=True)
    assert gradcheck(Batches.apply, x)
    refuses(
        GradcheckError,
        lambda: gradcheck(Batches.apply, x, check_batched_grad=True),
        "batched",
    )


def test_row_9_13() -> None:
    x = x64(0.5, 1.5)
    flags = {"check_forward_ad": True, "check_batched_forward_grad": True}
    good = square(jvp=lambda ctx, t: 2 * ctx.saved_tensors[0] * t)
    assert gradcheck(good.apply, x, **flags)
    bad = define(forward=lambda ctx, x: 3 * x, jvp=lambda ctx, t: odd(t)).apply
    refuses(
        GradcheckError,
        lambda: gradcheck(bad, x, check_backward_ad=False, **flags),
        "batched",
    )


def test_row_9_14() -> None:
    """Where no output has a derivative, the differences have to be zero."""

    def marked(ctx: Any, x: Any) -> Any:
        y = 2 * x
        ctx.mark_non_differentiable(y)
        return y

    f = define(forward=marked, backward=lambda ctx, g: g).apply
    refuses(GradcheckError, lambda: gradcheck(f, x64(1.5)), "expected to be zero")
    step = define(forward=lambda ctx, x: jnp.floor(x).astype(jnp.int32))
    assert gradcheck(step.apply, x64(1.5))
