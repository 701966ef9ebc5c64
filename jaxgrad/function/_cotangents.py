"""Cotangents as the user's rule expects them: zeros or None, dtypes, conjugates.

- `prepared`: one for each output array.
- `chosen_dtypes`: the dtypes that `ctx.set_output_grad_dtype` asked for.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.errors import ContextError
from jaxgrad.function import _axes
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._trees import as_array

if TYPE_CHECKING:
    from jaxgrad.function._application import Application


def prepared(app: "Application", given: Sequence[Any]) -> list[Any]:
    """A cotangent for each output array, as the user's rule expects it."""
    if not app.axes and _are_ready(app, given):
        return list(given)
    rest = iter(given)
    out = []
    dtypes = app.cotangent_dtypes or [aval.dtype for aval in app.out_avals]
    for aval, dtype, differentiable in zip(
        app.out_avals, dtypes, app.differentiable, strict=True
    ):
        cotangent = next(rest) if differentiable else None
        zeros = app.materialize and (differentiable or app.materialize_non_diff)
        if cotangent is None and zeros:
            is_key = jnp.issubdtype(aval.dtype, jax.dtypes.extended)
            cotangent = None if is_key else _axes.zeros(aval)
        if cotangent is not None:
            cotangent = as_array(cotangent)  # a Python scalar, say
            if cotangent.dtype != dtype:
                cotangent = cotangent.astype(dtype)
        out.append(cotangent)
    out = _axes.share(out, app.axes)
    if not app.spec.conjugate:
        return out
    return [jnp.conj(c) if c is not None and c.dtype.kind == "c" else c for c in out]


def _are_ready(app: "Application", given: Sequence[Any]) -> bool:
    """Whether cotangents need no work: all there, traced, real, of their dtypes."""
    if len(given) != len(app.out_avals) or app.cotangent_dtypes:
        return False
    for cotangent, aval in zip(given, app.out_avals, strict=True):
        if not isinstance(cotangent, _compat.Tracer):
            return False
        if cotangent.dtype != aval.dtype or aval.dtype.kind == "c":
            return False
    return True


def chosen_dtypes(app: "Application", outputs: Outputs, wanted: Any) -> list[Any]:
    """For each output array, the dtype of its cotangent, as the user chose it.

    Returns:
        As many dtypes as there are output arrays.

    Raises:
        ContextError: there is one for what has no derivative.
    """
    owner, dtypes = app.spec.owner, [a.dtype for a in app.out_avals]
    slots = outputs.slots([_Place(i) for i in range(len(dtypes))])
    for position, (slot, dtype) in enumerate(zip(slots, wanted, strict=True)):
        places = [p.index for p in jax.tree.leaves(slot) if isinstance(p, _Place)]
        if dtype is not None and not any(app.differentiable[i] for i in places):
            raise ContextError(
                f"{owner}: ctx.set_output_grad_dtype was given {dtype!r} for output "
                f"{position}, which is not a differentiable array.\n  Expected None."
            )
        for i in places:
            is_complex = app.out_avals[i].dtype.kind == "c"
            if dtype is not None and is_complex and jnp.dtype(dtype).kind != "c":
                raise ContextError(
                    f"{owner}: ctx.set_output_grad_dtype was given the real {dtype!r} "
                    f"for output {position}, which is complex.\n  Expected a complex "
                    "dtype or None."
                )
            if dtype is not None and app.differentiable[i]:
                dtypes[i] = jnp.dtype(dtype)
    return dtypes


class _Place:
    """Stands for output array number `index`."""

    def __init__(self, index: int) -> None:
        self.index = index
