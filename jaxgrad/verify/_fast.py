"""Fast mode: Jacobians between two random unit vectors, one number for each block.

Where such a number is not what is expected, the block is computed element by element
for the report.
"""

from collections.abc import Callable
from typing import Any, NoReturn

import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import GradcheckError
from jaxgrad.verify import _jacobians as jacobians
from jaxgrad.verify import _mismatch as mismatch
from jaxgrad.verify._derivatives import HINT, Derivatives, Options
from jaxgrad.verify._jacobians import Matrix
from jaxgrad.verify._mismatch import Tolerance
from jaxgrad.verify._subject import Subject


class FastDerivatives(Derivatives):
    """Compares real derivatives along random directions only.

    Args:
        subject: A function without complex inputs or outputs.
        options: Those of the check.
    """

    def __init__(self, subject: Subject, options: Options) -> None:
        super().__init__(subject, options)
        self.rng = np.random.default_rng(0)

    def _pulled(self, k: int, pull: Callable[[Any], Any], imaginary: bool) -> None:
        """One cotangent, and one direction for each input."""
        subject, output = self.subject, self.subject.outputs[k]
        v = self._unit_vector(output)
        given = (jnp.asarray(v.astype(output.dtype)),)
        found, again = ([jacobians.wide(g) for g in pull(given)] for _ in range(2))
        self.reentrant(found, again, k)
        # An output without elements says nothing of a rule but that it gives zeros.
        for i, gradient in enumerate(found if self.known and output.size else ()):
            u = self._unit_vector(subject.xs[i])
            got, expected = np.sum(gradient * u), np.sum(self._along(i, u)[k] * v)
            if not self._loose(u, v).close(got, expected):
                slow = jacobians.reverse_by(pull, subject.xs, output, False)[i]
                self._report(i, k, (got, expected), slow, forward=False)

    def _pushed(self, i: int, imaginary: bool) -> None:
        """One tangent, and one direction for each output."""
        subject, x = self.subject, self.subject.xs[i]
        u = self._unit_vector(x)
        live = subject.only(*subject.live)
        tangents = jacobians.push(live, subject.xs, i, jnp.asarray(u.astype(x.dtype)))
        along = self._along(i, u) if self.known else []
        for position, k in enumerate(subject.live if self.known else ()):
            output = subject.outputs[k]
            v = self._unit_vector(output)
            got = np.sum(jacobians.wide(tangents[position]) * v)
            expected = np.sum(along[k] * v)
            if not self._loose(u, v).close(got, expected):
                rows = jacobians.forward(subject.only(k), subject.xs, i, False)
                slow = jacobians.stacked([r[0] for r in rows], output)
                self._report(i, k, (got, expected), slow, forward=True)

    def _unit_vector(self, like: Any) -> Matrix:
        """Positive random numbers of norm one."""
        vector = self.rng.uniform(size=like.shape)
        norm = np.sqrt(np.sum(vector**2))
        return vector / norm if norm else vector

    def _loose(self, u: Matrix, v: Matrix) -> Tolerance:
        """What `atol` for each element amounts to between two vectors."""
        return Tolerance(self.options.atol * np.sum(u) * np.sum(v), self.options.rtol)

    def _along(self, i: int, u: Matrix) -> list[Matrix]:
        """The expected derivative of every output along `u`."""
        subject, x = self.subject, self.subject.xs[i]
        if self.source == "declared":
            pairs = zip(self.slopes.table[i][0], subject.outputs, strict=True)
            return [(u.ravel() @ m).reshape(a.shape) for m, a in pairs]
        step = u.astype(x.dtype)
        return jacobians.difference(subject.call, subject.xs, i, step, self.options.eps)

    def _report(
        self, i: int, k: int, numbers: tuple[Any, Any], slow: Matrix, *, forward: bool
    ) -> NoReturn:
        """Raises the error, with the whole block."""
        place, tolerance = self.place(i, k, forward), self.options.tolerance
        wanted = self.slopes.along(i, False, k)
        close = tolerance.close(slow, wanted).all()
        parts = [
            place.headline(),
            mismatch.scalars(*numbers, self.source),
            mismatch.describe(slow, wanted, tolerance, place),
            mismatch.FAST_BUT_CLOSE if close else HINT,
        ]
        raise GradcheckError("\n".join(parts))
