"""`once_differentiable`: a backward whose result can't be differentiated again.

Everything that the backward is given (saved values and cotangents) passes an identity
whose tangent raises when it is used (`_poison.guard`).
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from jaxgrad.errors import OnceDifferentiableError
from jaxgrad.function import _poison

MARK = "_jaxgrad_once_differentiable"


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a `backward` whose result must not be differentiated again.

    A second derivative raises `OnceDifferentiableError`, under every transformation,
    where it is used (in eager forward mode, where it is computed).
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
    """`values` with tangents that raise; what has none stays as it is."""
    return _poison.guard(values, _poison_of(owner))


def seal(values: Sequence[Any], owner: str) -> tuple[list[Any], Callable[[Any], Any]]:
    """`values` without tangents; and what marks the gradients computed from them."""
    return _poison.seal(values, _poison_of(owner))


@functools.lru_cache(maxsize=256)
def _poison_of(owner: str) -> _poison.Poison:
    return _poison.Poison(
        OnceDifferentiableError,
        f"{owner}.backward is marked once_differentiable, and its result is being "
        "differentiated again.\n"
        "  Expected first derivatives only; got a second one.\n"
        "  Drop @once_differentiable if the backward is differentiable, or put "
        "jax.lax.stop_gradient round what must not be differentiated twice.",
    )
