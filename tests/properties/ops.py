"""The operations of random bodies, each with its local derivative written by hand.

- `OPS`: the table; an entry computes, pulls a cotangent back to one operand and pushes
  a tangent on from one operand.
- `At`: what an entry sees: operands, result, and how complex numbers are conjugated.
- `COMPLEX`, `REAL`, `AT_LEAVES`: which entries may be drawn where.

Bounds on values and slopes go along, so that a body can be kept from growing and the
rounding error of its gradient is known beforehand.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp


class At(NamedTuple):
    """One step of a body, as an operation sees it.

    Attributes:
        xs: the operands, where `Op.reads` has "x".
        y: the result, where `Op.reads` has "y".
        shape: of the first operand.
        data: the axis and keepdims of a reduction.
        static: the static arguments of the Function.
        c: `jnp.conj` if the rule is written in torch's convention, else nothing.
    """

    xs: tuple[Any, ...]
    y: Any
    shape: tuple[int, ...]
    data: Any
    static: dict[str, Any]
    c: Callable[[Any], Any]


Pull = Callable[[Any, int, At], Any]


class Op(NamedTuple):
    """An operation.

    Attributes:
        value: the result.
        pull: from the result's cotangent, that of operand k (not summed to its shape).
        push: from the tangent of operand k, its part of the result's.
        reads: what pull and push look at, operands ("x") and result ("y").
        bound: from the largest magnitudes of the operands, that of the result.
        steep: the largest magnitude of the derivative by operand k.
    """

    value: Callable[[At], Any]
    pull: Pull
    push: Pull
    reads: str
    bound: Callable[..., float]
    steep: Callable[..., float]


def _scaling(
    value: Callable[[At], Any],
    slope: Callable[[int, At], Any],
    bound: Callable[..., float],
    steep: Callable[..., float],
    reads: str = "x",
) -> Op:
    """An elementwise operation whose derivative is a product with a slope."""
    return Op(
        value,
        lambda g, k, at: g * at.c(slope(k, at)),
        lambda t, k, at: t * slope(k, at),
        reads,
        bound,
        steep,
    )


def _ratio_slope(x: Any) -> Any:
    return (1 - x * x) / ((1 + x * x) * (1 + x * x))


def _relu_slope(x: Any) -> Any:
    # JAX halves the derivative where both operands of `maximum` are the same.
    one = jnp.ones_like(x)
    return jnp.where(x > 0, one, jnp.where(x == 0, one / 2, 0 * one))


def _mode(at: At) -> Any:
    return jnp.sin(at.xs[0]) if at.static["mode"] == "sin" else at.xs[0] / 2


def _mode_slope(at: At) -> Any:
    return jnp.cos(at.xs[0]) if at.static["mode"] == "sin" else 0.5


def _expand(at: At, reduced: Any) -> Any:
    """A reduced array with its operand's number of axes."""
    axis, keepdims = at.data
    if keepdims:
        return reduced
    return jnp.expand_dims(reduced, range(len(at.shape)) if axis is None else axis)


def _count(at: At) -> int:
    axis = at.data[0]
    sizes = at.shape if axis is None else (at.shape[axis],)
    count = 1
    for size in sizes:
        count *= size
    return count


def _reduction(name: str, weight: Callable[[At], Any], **rest: Any) -> Op:
    """A reduction that is linear in its operand, with weights."""

    def value(at: At) -> Any:
        axis, keepdims = at.data
        return getattr(jnp, name)(at.xs[0], axis=axis, keepdims=keepdims)

    def pull(g: Any, k: int, at: At) -> Any:
        return jnp.broadcast_to(_expand(at, g), at.shape) * weight(at)

    def push(t: Any, k: int, at: At) -> Any:
        axis, keepdims = at.data
        return jnp.sum(t * weight(at), axis=axis, keepdims=keepdims)

    return Op(value, pull, push, **rest)


def _largest(at: At) -> Any:
    """Ones where the largest elements are, shared among equals as JAX does."""
    ties = (at.xs[0] == _expand(at, at.y)).astype(at.xs[0].dtype)
    return ties / jnp.sum(ties, axis=at.data[0], keepdims=True)


def _chosen(at: At, k: int, value: Any) -> Any:
    nothing = jnp.zeros_like(value)
    pair = (value, nothing) if k == 1 else (nothing, value)
    return jnp.where(at.xs[0], *pair)


def _one(*_: Any) -> float:
    return 1.0


def _same(*bounds: float) -> float:
    return bounds[-1]


OPS: dict[str, Op] = {
    "sin": _scaling(
        lambda at: jnp.sin(at.xs[0]),
        lambda k, at: jnp.cos(at.xs[0]),
        lambda b: max(1.0, 1.2 * b),  # 1.2: of complex numbers up to one
        lambda k, b: 1.6,
    ),
    "exp": _scaling(
        lambda at: jnp.exp(at.xs[0]),
        lambda k, at: at.y,
        lambda b: 2.72**b,
        lambda k, b: 2.72**b,
        "y",
    ),
    "tanh": _scaling(
        lambda at: jnp.tanh(at.xs[0]),
        lambda k, at: 1 - at.y * at.y,
        _one,
        _one,
        "y",
    ),
    "cos": _scaling(
        lambda at: jnp.cos(at.xs[0]), lambda k, at: -jnp.sin(at.xs[0]), _one, _one
    ),
    "ratio": _scaling(
        lambda at: at.xs[0] / (1 + at.xs[0] * at.xs[0]),
        lambda k, at: _ratio_slope(at.xs[0]),
        _one,
        _one,
    ),
    "square": _scaling(
        lambda at: at.xs[0] * at.xs[0],
        lambda k, at: 2 * at.xs[0],
        lambda b: b * b,
        lambda k, b: 2 * b,
    ),
    "shrink": _scaling(
        lambda at: at.xs[0] / 16,
        lambda k, at: 1 / 16,
        lambda b: b / 16,
        lambda k, b: 1 / 16,
        "",
    ),
    "neg": _scaling(lambda at: -at.xs[0], lambda k, at: -1, _same, _one, ""),
    "add": _scaling(
        lambda at: at.xs[0] + at.xs[1], lambda k, at: 1, lambda a, b: a + b, _one, ""
    ),
    "sub": _scaling(
        lambda at: at.xs[0] - at.xs[1],
        lambda k, at: (1, -1)[k],
        lambda a, b: a + b,
        _one,
        "",
    ),
    "mul": _scaling(
        lambda at: at.xs[0] * at.xs[1],
        lambda k, at: at.xs[1 - k],
        lambda a, b: a * b,
        lambda k, *b: b[1 - k],
    ),
    # by static arguments
    "scale": _scaling(
        lambda at: at.xs[0] * at.static["scale"],
        lambda k, at: at.static["scale"],
        lambda b: 2 * b,
        lambda k, b: 2.0,
        "",
    ),
    "flip": _scaling(
        lambda at: -at.xs[0] if at.static["flip"] else at.xs[0],
        lambda k, at: -1 if at.static["flip"] else 1,
        _same,
        _one,
        "",
    ),
    "mode": _scaling(_mode, lambda k, at: _mode_slope(at), lambda b: max(1.0, b), _one),
    # by integers and booleans, the first operand
    "times": _scaling(
        lambda at: at.xs[0] * at.xs[1],
        lambda k, at: at.xs[0],
        lambda k, b: 3 * b,
        lambda k, *b: 3.0,
    ),
    "where": Op(
        lambda at: jnp.where(at.xs[0], at.xs[1], at.xs[2]),
        lambda g, k, at: _chosen(at, k, g),
        lambda t, k, at: _chosen(at, k, t),
        "x",
        lambda k, a, b: max(a, b),
        _one,
    ),
    # not smooth: on arguments alone, whose values are exact
    "abs": _scaling(
        lambda at: jnp.abs(at.xs[0]),
        # JAX takes the derivative from the right at zero.
        lambda k, at: jnp.where(at.xs[0] >= 0, 1, -1),
        _same,
        _one,
    ),
    "relu": _scaling(
        lambda at: jnp.maximum(at.xs[0], 0),
        lambda k, at: _relu_slope(at.xs[0]),
        _same,
        _one,
    ),
    "max": _reduction("max", _largest, reads="xy", bound=_same, steep=_one),
    # of complex numbers
    "conj": Op(
        lambda at: jnp.conj(at.xs[0]),
        lambda g, k, at: jnp.conj(g),
        lambda t, k, at: jnp.conj(t),
        "",
        _same,
        _one,
    ),
    "real": Op(
        lambda at: jnp.real(at.xs[0]),
        lambda g, k, at: g,
        lambda t, k, at: jnp.real(t),
        "",
        _same,
        _one,
    ),
    "imag": Op(
        lambda at: jnp.imag(at.xs[0]),
        lambda g, k, at: g * at.c(jnp.complex64(-1j)),
        lambda t, k, at: jnp.imag(t),
        "",
        _same,
        _one,
    ),
    "abs2": Op(
        lambda at: jnp.real(at.xs[0] * jnp.conj(at.xs[0])),
        lambda g, k, at: 2 * g * at.c(jnp.conj(at.xs[0])),
        lambda t, k, at: 2 * jnp.real(jnp.conj(at.xs[0]) * t),
        "x",
        lambda b: b * b,
        lambda k, b: 2 * b,
    ),
    "sum": _reduction("sum", _one, reads="", bound=lambda b: 6 * b, steep=_one),
    "mean": _reduction(
        "mean", lambda at: 1 / _count(at), reads="", bound=_same, steep=_one
    ),
}

BINARY = ("add", "sub", "mul")
REDUCTIONS = ("sum", "mean", "max")
REAL = ("sin", "cos", "exp", "tanh", "tanh", "ratio", "square", "neg")
COMPLEX = ("square", "neg", "conj", "real", "imag", "abs2", "sin", "exp")
AT_LEAVES = ("abs", "relu", "max")
TO_REAL = ("real", "imag", "abs2")
