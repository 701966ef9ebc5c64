"""`once_differentiable`: a backward whose result can't be differentiated again.

Everything that the backward is given (saved values and cotangents) passes an identity,
`once`, whose tangent is a poisoned linear equation: it raises when it is evaluated,
lowered or transposed. A second derivative that nobody uses therefore costs nothing and
raises nothing.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from jaxgrad import _compat
from jaxgrad.errors import OnceDifferentiableError

MARK = "_jaxgrad_once_differentiable"


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a `backward` whose result must not be differentiated again.

    A second derivative raises `OnceDifferentiableError`, under every transformation.
    (torch's decorator of this name gives silent zeros under `torch.func`.)

    Args:
        backward: the function to mark; below or above `@staticmethod`.

    Returns:
        The function, marked.

    Example:
        >>> import jax
        >>> from jaxgrad import Function, once_differentiable
        >>> class Square(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...     @staticmethod
        ...     @once_differentiable
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return 2.0 * x * grad
        >>> float(jax.grad(Square.apply)(3.0))
        6.0
    """
    if isinstance(backward, staticmethod | classmethod):
        return type(backward)(once_differentiable(backward.__func__))

    @functools.wraps(backward)
    def marked(*args: Any, **kwargs: Any) -> Any:
        return backward(*args, **kwargs)

    setattr(marked, MARK, True)
    return marked


def guard(values: Sequence[Any], owner: str) -> list[Any]:
    """`values` with a tangent that raises; None stays None."""
    return [v if v is None else once_p.bind(v, owner=owner)[0] for v in values]


def _refuse(*_: Any, owner: str, **__: Any) -> NoReturn:
    raise OnceDifferentiableError(
        f"{owner}.backward is marked once_differentiable, and its result is being "
        "differentiated again.\n"
        "  Expected first derivatives only; got a second one.\n"
        "  Drop @once_differentiable if the backward is differentiable, or put "
        "jax.lax.stop_gradient round what must not be differentiated twice."
    )


def _identity(value: Any, *, owner: str) -> list[Any]:
    return [value]


def _once_jvp(primals: Any, tangents: Any, *, owner: str) -> Any:
    out = once_p.bind(*primals, owner=owner)
    if type(tangents[0]) is _compat.Zero:
        return out, _compat.zero_tangents(out)
    return out, poison_p.bind(tangents[0], owner=owner)


def _once_transpose(cotangents: Any, value: Any, *, owner: str) -> list[Any]:
    # As a linear map it is the identity: deriving a JVP from a marked backward is a
    # first derivative. The other direction is marked again.
    if type(cotangents[0]) is _compat.Zero:
        return [None]
    return once_p.bind(cotangents[0], owner=owner)


def _poison_jvp(primals: Any, tangents: Any, *, owner: str) -> Any:
    tangent = _compat.instantiate(tangents[0])
    return poison_p.bind(*primals, owner=owner), poison_p.bind(tangent, owner=owner)


def _batch(name: str) -> Callable[..., Any]:
    def rule(axis: Any, args: Any, dims: Any, *, owner: str) -> Any:
        primitive = {"once": once_p, "poison": poison_p}[name]
        return primitive.bind(*args, owner=owner), list(dims)

    return rule


once_p = _compat.define(
    "function_once",
    _identity,
    _identity,
    jvp=_once_jvp,
    transpose=_once_transpose,
    batch=_batch("once"),
)
poison_p = _compat.define(
    "function_no_second_derivative",
    _refuse,
    _identity,
    jvp=_poison_jvp,
    transpose=lambda ct, value, *, owner: _refuse(owner=owner),
    batch=_batch("poison"),
)
