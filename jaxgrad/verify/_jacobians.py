"""Jacobians for `gradcheck`: by differences, by the surrogate, by either mode.

Complex numbers are pairs of real ones here. A `Slopes` holds, for each input, the
derivatives along the real and (of complex inputs) along the imaginary direction of
every element. From these come the two views that a rule is compared with:

- forward mode gives them themselves, `Slopes.along`;
- reverse mode gives, for the real or the imaginary part of one output, what `jax.grad`
  would: the derivative by the real part minus `1j` times that by the imaginary part of
  the input, `Slopes.gradient`.

Rows are elements of the input, columns elements of the output.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.verify._subject import Arrays, Subject

Matrix = np.ndarray[Any, Any]


class Slopes:
    """The derivatives of every output element by every input element.

    Args:
        table: For each input, for each direction (1, and 1j if it is complex), for each
            output the matrix; complex for a complex output.
    """

    def __init__(self, table: list[list[list[Matrix]]]) -> None:
        self.table = table

    def along(self, i: int, imaginary: bool, k: int) -> Matrix:
        """Of output `k` along the real or imaginary direction of input `i`."""
        return self.table[i][imaginary][k]

    def gradient(self, i: int, k: int, imaginary: bool) -> Matrix:
        """Of the real or imaginary part of output `k`, in JAX's convention."""
        parts = [columns[k] for columns in self.table[i]]
        parts = [part.imag if imaginary else part.real for part in parts]
        return parts[0] if len(parts) == 1 else parts[0] - 1j * parts[1]


def wide(array: Any) -> Matrix:
    """An array as NumPy's widest numbers; a key as its data."""
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        array = jax.random.key_data(array)
    kind = np.complex128 if jnp.iscomplexobj(array) else np.float64
    return np.asarray(array).astype(kind)


def directions(x: Any) -> list[complex]:
    """The directions in which one element can move."""
    return [1, 1j] if jnp.iscomplexobj(x) else [1]


def units(x: Any, direction: complex) -> Iterator[Matrix]:
    """For each element, the array that is `direction` there and zero elsewhere."""
    for index in np.ndindex(x.shape):
        unit = np.zeros(x.shape, x.dtype)
        unit[index] = direction
        yield unit


def stacked(rows: list[Matrix], like: Any) -> Matrix:
    """Flat rows as a matrix; without rows, an empty one of the width of `like`."""
    if rows:
        return np.stack([row.ravel() for row in rows])
    return wide(like).reshape(1, -1)[:0]


def difference(
    function: Callable[..., Arrays], xs: Arrays, i: int, step: Matrix, eps: float
) -> list[Matrix]:
    """The central difference of every output, with input `i` moved by `eps * step`."""

    def moved(distance: float) -> list[Matrix]:
        there = list(xs)
        there[i] = xs[i] + (distance * step).astype(step.dtype)
        return [wide(a) for a in function(*there)]

    pairs = zip(moved(eps), moved(-eps), strict=True)
    return [(above - below) / (2 * eps) for above, below in pairs]


def differences(subject: Subject, eps: float) -> Slopes:
    """The slopes of a function, by moving every element a little."""
    table: list[list[list[Matrix]]] = []
    for i, x in enumerate(subject.xs):
        table.append([])
        for direction in directions(x):
            found = [
                difference(subject.call, subject.xs, i, unit, eps)
                for unit in units(x, direction)
            ]
            table[-1].append(
                [
                    stacked([row[k] for row in found], a)
                    for k, a in enumerate(subject.outputs)
                ]
            )
    return Slopes(table)


def declared(subject: Subject) -> Slopes:
    """The slopes of the subject's reference, by JAX's own reverse mode."""
    table = [[[] for _ in directions(x)] for x in subject.xs]
    for k, a in enumerate(subject.outputs):
        rows = [
            reverse(_only(subject.declared, k), subject.xs, a, imaginary)
            if k in subject.live
            else [np.zeros((x.size, a.size)) for x in subject.xs]
            for imaginary in (False, True)[: len(directions(a))]
        ]
        for i, columns in enumerate(table):
            real, *rest = (part[i] for part in rows)
            imaginary = rest[0] if rest else None
            for d, column in enumerate(columns):
                parts = [
                    -part.imag if d else part.real
                    for part in (real, imaginary)
                    if part is not None
                ]
                column.append(
                    parts[0] if imaginary is None else parts[0] + 1j * parts[1]
                )
    return Slopes(table)


def _only(function: Callable[..., Arrays], k: int) -> Callable[..., Any]:
    return lambda *xs: (function(*xs)[k],)


def reverse(
    function: Callable[..., Arrays], xs: Arrays, output: Any, imaginary: bool
) -> list[Matrix]:
    """One matrix for each input, by reverse mode of a function with one output."""
    pull = jax.vjp(function, *xs)[1]
    return reverse_by(pull, xs, output, imaginary)


def reverse_by(
    pull: Callable[[Any], Arrays], xs: Arrays, output: Any, imaginary: bool
) -> list[Matrix]:
    """One matrix for each input, with one call of `pull` for each output element."""
    # In JAX's convention a cotangent of -1j asks for the imaginary part.
    rows = [
        [wide(g) for g in pull((jnp.asarray(unit),))]
        for unit in units(output, -1j if imaginary else 1)
    ]
    return [stacked([row[i] for row in rows], x).T for i, x in enumerate(xs)]


def push(
    function: Callable[..., Arrays], xs: Arrays, i: int, tangent: Any
) -> Sequence[Any]:
    """The tangents of every output, with one input moving; the others are fixed."""

    def moving(x: Any) -> Arrays:
        return function(*(x if j == i else other for j, other in enumerate(xs)))

    return jax.jvp(moving, (xs[i],), (tangent,))[1]


def forward(
    function: Callable[..., Arrays], xs: Arrays, i: int, imaginary: bool
) -> list[list[Matrix]]:
    """For each element of input `i`, the tangents of every output, by forward mode."""
    return [
        [wide(t) for t in push(function, xs, i, jnp.asarray(unit))]
        for unit in units(xs[i], 1j if imaginary else 1)
    ]
