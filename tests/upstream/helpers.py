"""What several of these tests need.

- `ways`: a function as it is, and compiled.
- `same`: equal up to rounding.
- `scaled`: a small Function made on the spot.
- `ALL_ASKED`: whether JAX says of every input that it is being differentiated.
"""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from jaxgrad import Context, Function

Array = jax.Array
ALL_ASKED = bool(getattr(jax.config, "jax_remat3", False))  # JAX's coming checkpoint


def ways(f: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """`f`, and `f` compiled."""
    yield f
    yield jax.jit(f)


def same(got: Any, want: Any, rtol: float = 1e-6) -> None:
    """Assert that two pytrees of arrays are equal up to rounding."""
    got, want = jax.tree.leaves(got), jax.tree.leaves(want)
    assert len(got) == len(want)
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol)


def scaled(rule: float) -> type[Function]:
    """The identity, whose rule says `rule` times the cotangent."""

    class Scaled(Function):
        @staticmethod
        def forward(ctx: Context, x: Array) -> Array:
            return x

        @staticmethod
        def backward(ctx: Context, g: Array) -> Array:
            return g * rule

    return Scaled
