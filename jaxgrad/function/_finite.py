"""Whether gradients are finite, asked without disturbing any transformation.

- `badness`: 0 for a finite array, 1 with an Inf, 2 with a NaN.
- `watch`: an identity on gradients that asks a `Question` where they are computed.

Eagerly the question raises from the call itself. In compiled code it is asked by a host
callback, whose answer the gradients wait for: what is computed from them is asked
later, so that the first question that raises is about the first gradient that went bad.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import io_callback

from jaxgrad import _compat
from jaxgrad.function._trees import is_differentiable

INF, NAN = 1, 2

Codes = Callable[[Sequence[Any], Sequence[Any]], jax.Array]


class Question(NamedTuple):
    """What is asked about gradients.

    Attributes:
        owner: the name of the Function, for jaxprs.
        codes: from values and gradients, `i8[n]`, zero where nothing is wrong. Those of
            a batch are the largest of its examples.
        answer: given the codes on the host, whether they come from compiled code, and
            whether that runs on one device; raises if something is wrong. (Where one of
            several devices fails, the others would wait for it.)
    """

    owner: str
    codes: Codes
    answer: Callable[[np.ndarray, bool, bool], None]

    def __repr__(self) -> str:
        """The name of the Function."""
        return self.owner


def badness(value: Any) -> jax.Array:
    """0, `INF` or `NAN`, as an `i8[]`; 0 for what can't be either."""
    if _compat.is_ref(value) or not is_differentiable(value):
        return jnp.zeros((), np.int8)
    if value.dtype.itemsize == 1:
        value = value.astype(np.float32)  # not every small float knows of NaN and Inf
    infinite = jnp.isinf(value).any().astype(np.int8)
    return jnp.where(jnp.isnan(value).any(), np.int8(NAN), infinite)


def _run(*args: Any, question: Question, count: int, alone: bool = True) -> list[Any]:
    gradients = list(args[count:])
    codes = question.codes(args[:count], gradients)
    if not isinstance(codes, _compat.Tracer):
        question.answer(np.asarray(codes), False, True)
        return gradients

    def ask(codes: Any) -> np.ndarray:
        question.answer(np.asarray(codes), True, alone)
        return np.ones((), np.bool_)

    # Not a pure callback: XLA would drop the question with gradients that nobody uses,
    # in a second derivative say.
    fine = io_callback(ask, jax.ShapeDtypeStruct((), np.bool_), codes)
    return [jnp.where(fine, g, jnp.zeros_like(g)) for g in gradients]


def _avals(*args: Any, question: Question, count: int) -> list[Any]:
    return list(args[count:])


def _jvp(
    primals: Sequence[Any], tangents: Sequence[Any], *, question: Question, count: int
) -> tuple[Any, Any]:
    out = watch_p.bind(*primals, question=question, count=count)
    return out, list(tangents[count:])


def _transpose(
    cotangents: Sequence[Any], *args: Any, question: Question, count: int
) -> list[Any]:
    # Where gradients are linear in something, the question is not part of the map.
    pairs = zip(cotangents, args[count:], strict=True)
    given = [c if _compat.is_undefined(g) else None for c, g in pairs]
    return [None] * count + given


def _batch(
    axis: _compat.BatchAxis,
    args: Sequence[Any],
    dims: Sequence[Any],
    *,
    question: Question,
    count: int,
) -> tuple[Any, Any]:
    if any(d is not None for d in dims):
        one = question.codes

        def codes(values: Sequence[Any], gradients: Sequence[Any]) -> jax.Array:
            mapped = axis.vmap(
                lambda *xs: one(xs[:count], xs[count:]), in_axes=tuple(dims)
            )
            return mapped(*values, *gradients).max(axis=0, initial=0)

        question = question._replace(codes=codes)
    out = watch_p.bind(*args, question=question, count=count)
    return out, list(dims[count:])


watch_p = _compat.define(
    "function_watch",
    _run,
    _avals,
    jvp=_jvp,
    batch=_batch,
    transpose=_transpose,
    effectful=True,
)


def watch(
    question: Question, values: Sequence[Any], gradients: Sequence[Any]
) -> list[Any]:
    """`gradients`, which are not there before `question` has been answered.

    Args:
        question: what is asked of values and gradients.
        values: other arrays that the answer depends on.
        gradients: floating or complex arrays.

    Returns:
        The gradients, unchanged.
    """
    return watch_p.bind(*values, *gradients, question=question, count=len(values))
