"""The four Functions of the tour, each with its twins and with arguments to try it on.

- `Subject`: a Function, the hand-written `custom_vjp`, and the plain body.
- `subjects()`: the four of them.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.function import Function
from jaxgrad.tour import functions, handwritten


class Subject(NamedTuple):
    """One Function with what it is compared to; all take the same arguments.

    Attributes:
        function: The Function.
        handwritten: The same rule as a `jax.custom_vjp`.
        plain: The same body and gradient under JAX's own differentiation.
        extra: The array arguments after the first, as floats.
        static: The arguments after those, which are no arrays.
    """

    function: type[Function]
    handwritten: Callable[..., jax.Array]
    plain: Callable[..., jax.Array]
    extra: tuple[float, ...] = ()
    static: tuple[Any, ...] = ()

    @property
    def name(self) -> str:
        """The name of the class."""
        return self.function.__name__

    def arrays(self, *shape: int) -> tuple[jax.Array, ...]:
        """Makes the array arguments, always with the same random values.

        Args:
            *shape: Of the first of them.

        Returns:
            The arrays, in the floating dtype that is the default now.
        """
        first = jnp.asarray(np.random.default_rng(0).normal(size=shape))
        return (first, *(jnp.asarray(value, first.dtype) for value in self.extra))

    def bind(self, call: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
        """Fixes the static arguments.

        Args:
            call: One of the three functions above, or `function.apply`.

        Returns:
            A function of the arrays alone.
        """
        return lambda *arrays: call(*arrays, *self.static)


def subjects() -> tuple[Subject, ...]:
    """Lists the four Functions.

    Returns:
        SiLU, the quantizer, gradient reversal and sparsemax.

    Example:
        >>> [subject.name for subject in subjects()]
        ['MemoryEfficientSiLU', 'LSQuantize', 'GradientReversal', 'Sparsemax']
    """
    return (
        Subject(
            functions.MemoryEfficientSiLU, handwritten.silu, handwritten.plain_silu
        ),
        Subject(
            functions.LSQuantize,
            handwritten.lsq,
            handwritten.plain_lsq,
            extra=(0.3,),
            static=(4,),
        ),
        Subject(
            functions.GradientReversal,
            handwritten.reversal,
            handwritten.plain_reversal,
            static=(0.3,),
        ),
        Subject(
            functions.Sparsemax, handwritten.sparsemax, handwritten.plain_sparsemax
        ),
    )
