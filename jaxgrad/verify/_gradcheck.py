"""`gradcheck` and `gradgradcheck`: rules against differences, with torch's options.

- `gradcheck`: the derivatives of a function.
- `gradgradcheck`: those of its gradients.
"""

import warnings
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import GradcheckError, GradcheckOptionError, JaxgradWarning
from jaxgrad.verify._calls import arguments_of, subject_of
from jaxgrad.verify._checks import Checks
from jaxgrad.verify._derivatives import Derivatives, Options, check_constant
from jaxgrad.verify._fast import FastDerivatives
from jaxgrad.verify._second import gradients_of
from jaxgrad.verify._subject import Subject


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Checks the derivatives of a function against central differences.

    Every element of every output is compared with every element of every input. What is
    more: backward is run twice and must repeat itself, a `grad_output` of zeros must
    give gradients of zeros, and an absent one must count as zeros.

    Differences need double precision: turn it on, with `jax.enable_x64(True)` for
    example, and pass float64 or complex128. Complex gradients are in JAX's convention.

    A Function may declare that its rule is not the derivative of its forward: with
    `surrogate = reference_function` on the class the rule is compared with JAX's own
    derivative of that function of the same arguments, and with `surrogate = True` with
    nothing; all other checks are made. Pass the class or its `apply` itself then.

    Args:
        func: A function of arrays and pytrees of them, a Function or its `apply`.
        inputs: Its arguments: a tuple or list of them, or the only one. Floating and
            complex arrays, of any shape, are differentiated; all else is held fixed.
        eps: How far inputs are moved for the differences.
        atol: The absolute error allowed in each element of a Jacobian.
        rtol: The relative one; elements pass within `atol + rtol * abs(numerical)`.
        raise_exception: False to return False instead of raising a GradcheckError.
        nondet_tol: By how much two runs of backward may differ.
        check_undefined_grad: Whether to leave out cotangents, one output at a time, and
            in forward mode tangents, one input at a time.
        check_grad_dtypes: Whether a rule must return the dtypes of its arguments; a
            Function's gradients are looked at before they are cast.
        check_batched_grad: Whether `jax.vmap` of backward must do what a loop does.
        check_batched_forward_grad: The same for forward mode.
        check_forward_ad: Whether to check forward mode.
        check_backward_ad: Whether to check reverse mode.
        fast_mode: Whether to compare along random directions only, which is cheaper;
            where a number is complex, all elements are compared all the same.
        masked: True if gradients that should be zero may be almost zero.

    Returns:
        True; False only if `raise_exception` is.

    Raises:
        GradcheckError: A check failed. The message names the argument and the output,
            the worst element with both values, and the largest errors.
        GradcheckOptionError: Options that contradict each other, or no input with a
            derivative; with `raise_exception=False` too.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from jaxgrad import Function, gradcheck
        >>> class Cube(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x**3
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return 3 * x**2 * grad
        >>> with jax.enable_x64(True):
        ...     gradcheck(Cube.apply, jnp.array([1.0, 2.0]))
        True
    """
    _require(
        check_forward_ad or check_backward_ad,
        "Expected at least one of check_forward_ad or check_backward_ad to be True",
    )
    _require(
        check_backward_ad or not check_batched_grad,
        "Setting check_batched_grad=True requires check_backward_ad to be True",
    )
    _require(
        check_forward_ad or not check_batched_forward_grad,
        "Setting check_batched_forward_grad=True requires check_forward_ad to be True",
    )
    options = Options(
        eps=eps,
        atol=atol,
        rtol=rtol,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_batched_forward_grad=check_batched_forward_grad,
        check_forward_ad=check_forward_ad,
        check_backward_ad=check_backward_ad,
        fast_mode=fast_mode,
        masked=masked,
    )

    def check() -> None:
        subject = subject_of(func, inputs)
        _warn_of_precision(subject)
        _check(subject, options)

    return _verdict(check, raise_exception)


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Checks the derivatives of a function's gradients against central differences.

    The gradients are a function of the inputs and of `grad_outputs`, and `gradcheck` is
    applied to that. The rule itself is taken as it is: whether it is the derivative of
    the function, `gradcheck` tells.

    Args:
        func: As in `gradcheck`.
        inputs: As in `gradcheck`.
        grad_outputs: The cotangents: an array for each output that has a derivative, in
            any containers; random numbers between -1 and 1 by default.
        eps: As in `gradcheck`.
        atol: As in `gradcheck`.
        rtol: As in `gradcheck`.
        gen_non_contig_grad_outputs: Accepted; JAX arrays have no strides.
        raise_exception: As in `gradcheck`.
        nondet_tol: As in `gradcheck`.
        check_undefined_grad: As in `gradcheck`.
        check_grad_dtypes: As in `gradcheck`.
        check_batched_grad: As in `gradcheck`.
        check_fwd_over_rev: Whether to check forward mode of the gradients.
        check_rev_over_rev: Whether to check reverse mode of the gradients.
        fast_mode: As in `gradcheck`.
        masked: As in `gradcheck`.

    Returns:
        True; False only if `raise_exception` is.

    Raises:
        GradcheckError: A check failed.
        GradcheckOptionError: Options that contradict each other, `grad_outputs` that
            don't fit the outputs, or no input with a derivative.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from jaxgrad import gradgradcheck
        >>> with jax.enable_x64(True):
        ...     gradgradcheck(jnp.sin, jnp.array([1.0, 2.0]))
        True
    """
    _require(
        check_fwd_over_rev or check_rev_over_rev,
        "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True",
    )
    _require(
        check_rev_over_rev or not check_undefined_grad,
        "Setting check_undefined_grad=True requires check_rev_over_rev to be True",
    )
    _require(
        check_rev_over_rev or not check_batched_grad,
        "Setting check_batched_grad=True requires check_rev_over_rev to be True",
    )
    options = Options(
        eps=eps,
        atol=atol,
        rtol=rtol,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_batched_grad=check_batched_grad,
        check_batched_forward_grad=False,
        check_forward_ad=check_fwd_over_rev,
        check_backward_ad=check_rev_over_rev,
        fast_mode=fast_mode,
        masked=masked,
    )

    def check() -> None:
        subject = subject_of(func, inputs)
        subject.find_live(forward=False)
        second = gradients_of(subject, arguments_of(inputs), grad_outputs)
        _warn_of_precision(second)
        _check(second, options)

    return _verdict(check, raise_exception)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise GradcheckOptionError(f"{message}.")


def _verdict(check: Callable[[], None], raise_exception: bool) -> bool:
    """Whether a check passes; what it raises, unless only the verdict is wanted."""
    try:
        check()
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def _check(subject: Subject, options: Options) -> None:
    """All checks that are asked for."""
    subject.find_live(forward=not options.check_backward_ad)
    if not subject.live:
        if subject.reference is None:
            check_constant(subject, options)
        return
    arrays = (*subject.xs, *subject.outputs)
    fast = options.fast_mode and not any(map(jnp.iscomplexobj, arrays))
    derivatives = (FastDerivatives if fast else Derivatives)(subject, options)
    checks = Checks(subject, options.nondet_tol, bool(options.masked))
    if options.check_backward_ad:
        derivatives.check_reverse()
    if options.check_forward_ad:
        derivatives.check_forward()
        if options.check_undefined_grad:
            checks.check_undefined_forward()
    if options.check_batched_forward_grad:
        checks.check_batched_forward()
    if options.check_backward_ad:
        if options.check_batched_grad:
            checks.check_batched()
        checks.check_zeros()
        if subject.reference is not True:
            checks.check_linear(options.tolerance)
        if options.check_undefined_grad:
            checks.check_undefined()


def _warn_of_precision(subject: Subject) -> None:
    """Says which inputs are too coarse for differences."""
    for i, (given, x) in enumerate(zip(subject.given, subject.xs, strict=True)):
        if x.dtype in (np.float64, np.complex128):
            continue
        lost = f" (given as {given.dtype})" if given.dtype != x.dtype else ""
        wide = jnp.zeros(()).dtype == np.float64
        x64 = "" if wide else " with jax.enable_x64(True)"
        warnings.warn(
            f"Input #{i}, '{subject.paths[i]}', requires gradient and is not a double "
            f"precision floating point or complex: it is {x.dtype}{lost}. This check "
            f"will likely fail. Pass float64 or complex128{x64}.",
            JaxgradWarning,
            stacklevel=5,
        )
