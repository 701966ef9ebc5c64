"""Functions that declare that their rule is not the derivative of their forward."""

import functools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Context, Function, gradcheck, gradgradcheck
from jaxgrad.errors import GradcheckError, GradcheckOptionError
from jaxgrad.tour import functions

X = np.array([0.4, -1.2, 2.6])


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


class Reversal(Function):
    """The identity, with a gradient that is `-strength` times what comes in."""

    @staticmethod
    def forward(ctx: Context, x: Any, strength: float) -> Any:
        ctx.strength = strength
        return x + 0

    @staticmethod
    def backward(ctx: Context, grad: Any) -> Any:
        return -ctx.strength * grad, None


class Hard(Function):
    """A step, with the slope of a sigmoid."""

    @staticmethod
    def forward(ctx: Context, x: Any) -> Any:
        ctx.save_for_backward(x)
        return (x > 0).astype(x.dtype)

    @staticmethod
    def backward(ctx: Context, grad: Any) -> Any:
        s = jax.nn.sigmoid(ctx.saved_tensors[0])
        return grad * s * (1 - s)


class DeclaredReversal(Reversal):
    @staticmethod
    def surrogate(x: Any, strength: float) -> Any:
        return -strength * x


class DeclaredHard(Hard):
    surrogate = jax.nn.sigmoid


class Believed(Hard):
    surrogate = True


OPTIONS = {"check_batched_grad": True, "check_grad_dtypes": True}
EXAMPLES = [
    (DeclaredReversal, (X, 0.5)),
    (DeclaredHard, (X,)),
    (Believed, (X,)),
]


def test_undeclared_rules_fail() -> None:
    for function, inputs in ((Reversal, (X, 0.5)), (Hard, (X,))):
        for fast in (False, True):
            with pytest.raises(GradcheckError, match="surrogate = reference_function"):
                gradcheck(function.apply, inputs, fast_mode=fast)


@pytest.mark.parametrize(("function", "inputs"), EXAMPLES)
@pytest.mark.parametrize("fast", [False, True], ids=["slow", "fast"])
def test_declared_rules_pass(function: Any, inputs: Any, fast: bool) -> None:
    assert gradcheck(function.apply, inputs, fast_mode=fast, **OPTIONS)
    assert gradcheck(function, inputs, fast_mode=fast)
    assert gradgradcheck(function.apply, inputs, fast_mode=fast)


def test_what_is_declared_is_compared() -> None:
    class Wrong(Reversal):
        @staticmethod
        def surrogate(x: Any, strength: float) -> Any:
            return -2 * strength * x

    for fast in (False, True):
        with pytest.raises(GradcheckError, match=r"expected -1 \(declared\); got -0.5"):
            gradcheck(Wrong.apply, (X, 0.5), fast_mode=fast)


def test_the_second_derivative_is_that_of_the_declaration() -> None:
    class Detached(DeclaredHard):
        @staticmethod
        def backward(ctx: Context, grad: Any) -> Any:
            s = jax.lax.stop_gradient(jax.nn.sigmoid(ctx.saved_tensors[0]))
            return grad * s * (1 - s)

    assert gradcheck(Detached.apply, X)
    with pytest.raises(GradcheckError, match="declared"):
        gradgradcheck(Detached.apply, X)


def test_a_declared_true_leaves_the_other_checks() -> None:
    class Constant(Believed):
        @staticmethod
        def backward(ctx: Context, grad: Any) -> Any:
            return jnp.ones_like(grad)

    with pytest.raises(GradcheckError, match="backward not multiplied by grad_output"):
        gradcheck(Constant.apply, X)


def test_a_declaration_may_be_a_function_with_its_own_rule() -> None:
    class Straight(Function):
        surrogate = DeclaredReversal
        forward = Reversal.forward
        backward = Reversal.backward

    assert gradcheck(Straight.apply, (X, 0.5))

    class Stopped(Hard):
        @staticmethod
        def surrogate(x: Any) -> Any:
            hard = (x > 0).astype(x.dtype)
            soft = jax.nn.sigmoid(x)
            return soft + jax.lax.stop_gradient(hard - soft)

    assert gradcheck(Stopped.apply, X)
    assert gradgradcheck(Stopped.apply, X)


def test_forward_mode_and_complex_numbers() -> None:
    class Turned(Function):
        """Twice conjugated forward, times 1j in both modes."""

        @staticmethod
        def forward(z: Any) -> Any:
            return z.conj()

        @staticmethod
        def setup_context(ctx: Context, inputs: Any, output: Any) -> None:
            pass

        @staticmethod
        def backward(ctx: Context, grad: Any) -> Any:
            return grad * np.conj(1j)

        @staticmethod
        def jvp(ctx: Context, tangent: Any) -> Any:
            return 1j * tangent

    z = X - 0.5j
    for mode in ({}, {"check_forward_ad": True, "check_backward_ad": False}):
        with pytest.raises(GradcheckError, match="complex"):
            gradcheck(Turned.apply, z, **mode)
    Turned.surrogate = staticmethod(lambda z: 1j * z)
    assert gradcheck(Turned.apply, z, check_forward_ad=True)
    Turned.surrogate = staticmethod(lambda z: -1j * z)
    for mode in ({}, {"check_forward_ad": True, "check_backward_ad": False}):
        with pytest.raises(GradcheckError, match="declared"):
            gradcheck(Turned.apply, z, **mode)


@pytest.mark.parametrize("fast", [False, True], ids=["slow", "fast"])
def test_the_functions_of_the_tour(fast: bool) -> None:
    x = jnp.asarray(X[None]) * 0.9
    options = {"fast_mode": fast, "check_grad_dtypes": True}
    assert gradcheck(functions.MemoryEfficientSiLU, x, **options)
    assert gradcheck(functions.Sparsemax, x, **options)
    assert gradcheck(functions.GradientReversal, (x, 0.5), **options)
    assert gradcheck(functions.LSQuantize, (x, jnp.array(0.3)), **options)


def test_through_partial() -> None:
    apply = functools.partial(DeclaredReversal.apply, strength=0.25)
    assert gradcheck(apply, X)
    with pytest.raises(GradcheckError):
        gradcheck(lambda x: DeclaredReversal.apply(x, 0.25), X)


def test_declarations_that_make_no_sense() -> None:
    class Shape(Hard):
        surrogate = jnp.sum

    with pytest.raises(GradcheckError, match=r"Expected f64\[3\]; got f64\[\]"):
        gradcheck(Shape.apply, X)

    class Text(Hard):
        surrogate = "sigmoid"

    with pytest.raises(GradcheckOptionError, match="Expected a function, True or None"):
        gradcheck(Text.apply, X)
