"""What a check hears of the rules that run while it listens.

- casts: gradients and tangents are cast to the dtype that they should have. That is
  right and silent, as in torch; a check of dtypes still wants to know.
- constant outputs: JAX takes every output of a `jax.custom_vjp` for differentiable.
  While somebody listens, those that forward marked as not differentiable are not.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import jax

from jaxgrad.function._trees import is_differentiable

if TYPE_CHECKING:
    from jaxgrad.function._outputs import Outputs
    from jaxgrad.function._spec import Spec


class Cast(NamedTuple):
    """One cast.

    Attributes:
        where: what was cast, in words.
        got: the dtype that the rule returned.
        expected: the dtype of the argument or output.
    """

    where: str
    got: Any
    expected: Any


class Ear:
    """What was heard in one region.

    Attributes:
        casts: in the order in which they were made.
        constant: by the token of a call's Spec, which of its outputs are constant.
    """

    def __init__(self) -> None:
        self.casts: list[Cast] = []
        self.constant: dict[Any, list[bool]] = {}


# A user context, so that functions that are jitted already are traced again.
EAR: Any = jax.make_user_context(None)


@contextlib.contextmanager
def listening() -> Iterator[Ear]:
    """A region of this thread in which somebody listens.

    Yields:
        What is heard; it is empty again afterwards.
    """
    ear = Ear()
    with EAR(ear):
        yield ear
    # JAX's caches may hold the ear.
    ear.casts, ear.constant = [], {}


def cast(where: str, got: Any, expected: Any) -> None:
    """Note a cast, if somebody listens.

    Python scalars, and what comes of them alone, have no dtype of their own: they are
    not noted.

    Args:
        where: what is cast, in words.
        got: the array.
        expected: the dtype that it is cast to.
    """
    ear = EAR.value
    if ear is not None and not getattr(got, "weak_type", False):
        ear.casts.append(Cast(where, got.dtype, expected))


def constant(spec: "Spec", arrays: Sequence[Any], marked: Sequence[Any]) -> None:
    """Note which of the arrays that forward returned it marked, if somebody listens."""
    if EAR.value is not None:
        ids = {id(value) for value in marked}
        EAR.value.constant[spec.token] = [id(a) in ids for a in arrays]


def stopped(spec: "Spec", outputs: "Outputs") -> "Outputs":
    """The result of a call, its constant outputs being constant for JAX too."""
    marks = EAR.value.constant.get(spec.token)
    if marks is None:
        return outputs
    return outputs.with_arrays(
        [
            jax.lax.stop_gradient(a) if mark and is_differentiable(a) else a
            for a, mark in zip(outputs.arrays, marks, strict=True)
        ]
    )
