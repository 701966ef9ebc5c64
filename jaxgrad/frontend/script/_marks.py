"""What is said about a script in its source.

- `ignore`, `unused`, `export`: marks on functions.
- `Final`, `is_scripting`, `loop`: said inside.
"""

from __future__ import annotations

from typing import Any, TypeVar

from jaxgrad.errors import ArgumentError
from jaxgrad.lower.script import LoopOptions
from jaxgrad.lower.script._session import GRADS, UNROLL

MARK = "__jaxgrad_script__"
F = TypeVar("F")


def mark_of(fn: Any) -> str | None:
    """The mark of a function, if it has one."""
    return getattr(fn, MARK, None)


def loop(
    max_steps: int | None = None, grad: str | None = None, unroll: int = UNROLL
) -> LoopOptions:
    """Say how the loops inside a `with` are compiled; plain Python takes no notice.

    Args:
        max_steps: the most rounds of a `while`, which gives it a reverse-mode gradient;
            one that isn't done by then raises a MaxStepsError.
        grad: how that gradient is computed: "bounded" (every derivative, of any order;
            the default), "taped" (the fastest; memory for each step's variables) or
            "checkpointed" (the least memory; needs Equinox).
        unroll: loops of at most so many rounds are unrolled.

    Returns:
        A context manager.

    Raises:
        ArgumentError: what is said makes no sense.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> import jaxgrad
        >>> @jaxgrad.script
        ... def halve(x):
        ...     with jaxgrad.loop(max_steps=20):
        ...         while x > 1:
        ...             x = x / 2
        ...     return x
        >>> float(jax.grad(halve)(12.0))
        0.0625
    """
    if max_steps is not None and (not isinstance(max_steps, int) or max_steps < 0):
        raise ArgumentError(
            f"loop got max_steps={max_steps!r}; expected a whole number, or None."
        )
    if grad is not None and grad not in GRADS:
        raise ArgumentError(
            f"loop got grad={grad!r}; expected one of {', '.join(GRADS)}."
        )
    return LoopOptions(max_steps, grad, unroll)
