"""gradcheck through custom Functions, under the names that its tests have in torch."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function, gradcheck, gradgradcheck
from jaxgrad.errors import GradcheckError
from tests.upstream.helpers import Array


@pytest.fixture(autouse=True)
def double_precision():
    with jax.enable_x64(True):
        yield


def numbers() -> Array:
    return jnp.float64([0.5, -1.25])


@pytest.mark.parametrize("fast", [False, True])
def test_gradcheck_nondeterministic(fast: bool) -> None:
    """A backward that doesn't repeat itself is found, and may be tolerated."""
    count = itertools.count()

    class Jitters(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1.0

        @staticmethod
        def backward(ctx, g):
            def jitter(g):
                return np.asarray(g) * (1 + 1e-12 * next(count))

            return jax.pure_callback(jitter, g, g, vmap_method="sequential")

    with pytest.raises(GradcheckError, match="nondet_tol"):
        gradcheck(Jitters.apply, (numbers(),), fast_mode=fast, atol=1e-4)
    assert gradcheck(Jitters.apply, (numbers(),), fast_mode=fast, nondet_tol=1e-6)
    assert not gradcheck(
        Jitters.apply, (numbers(),), fast_mode=fast, raise_exception=False
    )


class Affine(Function):
    """x, whose rule gives more than the cotangent's share."""

    extra = 1e-3

    @staticmethod
    def forward(ctx, x):
        return x * 1.0

    @classmethod
    def backward(cls, ctx, g):
        return g + cls.extra


@pytest.mark.parametrize("fast", [False, True])
def test_gradcheck_backward_mul_by_grad_output(fast: bool) -> None:
    with pytest.raises(GradcheckError, match="grad_output"):
        # The Jacobian is right within these tolerances; the constant is not.
        gradcheck(Affine.apply, (numbers(),), atol=1e-1, fast_mode=fast)
    right = type("Right", (Affine,), {"extra": 0.0})
    assert gradcheck(right.apply, (numbers(),), atol=1e-1, fast_mode=fast)


class Both(Function):
    """x y, with a rule for either mode; each may be wrong."""

    reverse, forward_mode = 1.0, 1.0
    calls: tuple = ()

    @staticmethod
    def forward(ctx, x, y):
        ctx.save_for_backward(x, y)
        ctx.save_for_forward(x, y)
        return x * y

    @classmethod
    def backward(cls, ctx, g):
        x, y = ctx.saved_tensors
        return cls.reverse * g * y, cls.reverse * g * x

    @classmethod
    def jvp(cls, ctx, x_t, y_t):
        x, y = ctx.saved_tensors
        return cls.forward_mode * (x_t * y + x * y_t)


@pytest.mark.parametrize("fast", [False, True])
def test_gradcheck_check_forward_or_backward_only(fast: bool) -> None:
    args = numbers(), 2 * numbers()
    wrong_back = type("WrongBack", (Both,), {"reverse": 2.0})
    wrong_forth = type("WrongForth", (Both,), {"forward_mode": 2.0})

    def check(cls, back, forth):
        return gradcheck(
            cls.apply,
            args,
            check_backward_ad=back,
            check_forward_ad=forth,
            fast_mode=fast,
        )

    for back, forth in ((True, False), (False, True), (True, True)):
        assert check(Both, back, forth)
    assert check(wrong_back, False, True)
    assert check(wrong_forth, True, False)
    for cls, back, forth in [
        (wrong_back, True, False),
        (wrong_back, True, True),
        (wrong_forth, False, True),
        (wrong_forth, True, True),
    ]:
        with pytest.raises(GradcheckError, match="'x'"):
            check(cls, back, forth)
    with pytest.raises(AssertionError, match="at least one of"):
        check(Both, False, False)


def test_gradcheck_forward_ad_runs_with_no_requires_grad() -> None:
    """A class with nothing but a jvp can be checked in forward mode."""

    class OnlyJvp(Function):
        @staticmethod
        def forward(ctx, x, y):
            ctx.save_for_forward(x, y)
            return x * y

        @staticmethod
        def jvp(ctx, x_t, y_t):
            assert x_t is not None
            assert y_t is not None
            x, y = ctx.saved_tensors
            return x_t * y + x * y_t

    args = numbers(), 2 * numbers()
    assert gradcheck(
        OnlyJvp.apply, args, check_backward_ad=False, check_forward_ad=True
    )


def test_gradcheck_forward_ad_respects_requires_grad() -> None:
    """Arguments without a derivative get no tangent."""
    met = []

    class Scales(Function):
        @staticmethod
        def forward(ctx, x, k, n):
            ctx.save_for_forward(k)
            ctx.save_for_backward(k)
            return x * k

        @staticmethod
        def backward(ctx, g):
            (k,) = ctx.saved_tensors
            return g * k, None, None

        @staticmethod
        def jvp(ctx, x_t, k_t, n_t):
            met.append((k_t, n_t))
            (k,) = ctx.saved_tensors
            return x_t * k

    args = numbers(), jnp.int32([2, 3]), 7
    assert gradcheck(Scales.apply, args, check_forward_ad=True)
    assert met
    assert set(met) == {(None, None)}


@pytest.mark.parametrize("fast", [False, True])
def test_gradcheck_forward_ad_batched_grad(fast: bool) -> None:
    args = numbers(), 2 * numbers()
    options = {"check_forward_ad": True, "check_batched_forward_grad": True}
    assert gradcheck(Both.apply, args, fast_mode=fast, **options)
    assert gradgradcheck(Both.apply, args, check_fwd_over_rev=True)

    class NotBatched(Both):
        """A rule that sees how many of it run at once."""

        @staticmethod
        def jvp(ctx, x_t, y_t):
            x, y = ctx.saved_tensors
            answer = x_t * y + x * y_t
            host = lambda v: np.asarray(v) * (1 + (np.ndim(v) > 1))  # noqa: E731
            return jax.pure_callback(host, answer, answer, vmap_method="broadcast_all")

    assert gradcheck(
        NotBatched.apply, args, check_forward_ad=True, check_backward_ad=False
    )
    with pytest.raises(GradcheckError, match="batched"):
        gradcheck(
            NotBatched.apply, args, fast_mode=fast, check_backward_ad=False, **options
        )
