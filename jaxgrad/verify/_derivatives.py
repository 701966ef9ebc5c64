"""The Jacobians of a rule against those that are expected of it.

- `Derivatives`: in either mode, element by element. Reverse mode also runs every rule
  twice, and looks at the dtypes of what it returns.
- `check_constant`: a function without a differentiable output must not move.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import GradcheckError
from jaxgrad.function._audit import Cast, listening
from jaxgrad.verify import _jacobians as jacobians
from jaxgrad.verify import _mismatch as mismatch
from jaxgrad.verify._jacobians import Slopes
from jaxgrad.verify._mismatch import Place, Tolerance
from jaxgrad.verify._subject import Subject

HINT = (
    "  Correct the rule. If it is meant to be another derivative, say so on the "
    "Function: surrogate = reference_function, or surrogate = True."
)


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of `gradcheck`, under its names."""

    eps: float
    atol: float
    rtol: float
    nondet_tol: float
    check_undefined_grad: bool
    check_grad_dtypes: bool
    check_batched_grad: bool
    check_batched_forward_grad: bool
    check_forward_ad: bool
    check_backward_ad: bool
    fast_mode: bool
    masked: bool | None

    @property
    def tolerance(self) -> Tolerance:
        """That of the elements of Jacobians."""
        return Tolerance(self.atol, self.rtol)


class Derivatives:
    """Compares the derivatives of a subject with the expected ones.

    Args:
        subject: The function, whose `live` is known.
        options: Those of the check.
    """

    def __init__(self, subject: Subject, options: Options) -> None:
        self.subject = subject
        self.options = options
        self.known = subject.reference is not True
        self.source = "declared" if callable(subject.reference) else "numerical"
        self._slopes: Slopes | None = None

    @property
    def slopes(self) -> Slopes:
        """What is expected, element by element; computed once."""
        if self._slopes is None:
            if self.source == "declared":
                self._slopes = jacobians.declared(self.subject)
            else:
                self._slopes = jacobians.differences(self.subject, self.options.eps)
        return self._slopes

    def place(self, i: int, k: int, forward: bool, part: str = "") -> Place:
        """Input `i` and output `k`, for messages."""
        s = self.subject
        shapes = (s.xs[i].shape, s.outputs[k].shape)
        return Place(
            s.output(k), s.input(i), s.paths[i], shapes, forward, part, self.source
        )

    # --- reverse mode -----------------------------------------------------------------

    def check_reverse(self) -> None:
        """Every live output, the imaginary parts first.

        Raises:
            GradcheckError: If a rule is not what is expected, or not reentrant, or of
                another dtype.
        """
        outputs = self.subject.outputs
        some_complex = any(map(jnp.iscomplexobj, outputs))
        for imaginary in (True, False) if some_complex else (False,):
            for k in self.subject.live:
                if not imaginary or jnp.iscomplexobj(outputs[k]):
                    self._reverse_of(k, imaginary)

    def _reverse_of(self, k: int, imaginary: bool) -> None:
        subject, output = self.subject, self.subject.outputs[k]
        alone = len(subject.live) > 1
        with said(f"only {subject.output(k)} had a cotangent" if alone else ""):
            pull = jax.vjp(subject.only(k), *subject.xs)[1]
            if self.options.check_grad_dtypes:
                self._dtypes(k, output)
            self._pulled(k, pull, imaginary)

    def _pulled(self, k: int, pull: Callable[[Any], Any], imaginary: bool) -> None:
        subject, output = self.subject, self.subject.outputs[k]
        found, again = (
            jacobians.reverse_by(pull, subject.xs, output, imaginary) for _ in range(2)
        )
        self.reentrant(found, again, k)
        part = ("imaginary" if imaginary else "real") * jnp.iscomplexobj(output)
        for i, got in enumerate(found if self.known else ()):
            expected = self.slopes.gradient(i, k, imaginary)
            place = self.place(i, k, False, part)
            mismatch.compare(got, expected, self.options.tolerance, place, HINT)

    def reentrant(self, found: Sequence[Any], again: Sequence[Any], k: int) -> None:
        for i, (first, second) in enumerate(zip(found, again, strict=True)):
            distance = np.max(np.abs(first - second), initial=0.0)
            if distance > self.options.nondet_tol:
                raise GradcheckError(
                    "Backward is not reentrant: run twice with the same input and "
                    "grad_output, it gave different values for "
                    f"{self.subject.output(k)} with respect to {self.subject.input(i)}."
                    f"\n  The tolerance for nondeterminism was "
                    f"{self.options.nondet_tol}; the values differ by {distance:.3g}.\n"
                    "  Take randomness from a key that is saved, or pass nondet_tol if "
                    "this is meant."
                )

    def _dtypes(self, k: int, output: Any) -> None:
        """What rules return, before it is cast, and what JAX makes of it."""
        with listening() as ear:
            # Differentiated again, so that compiled functions are traced with ears.
            pull = jax.vjp(self.subject.only(k), *self.subject.xs)[1]
            gradients = pull((jnp.ones(output.shape, output.dtype),))
            refuse_casts(ear.casts, "Gradient")
        for i, (gradient, x) in enumerate(zip(gradients, self.subject.xs, strict=True)):
            if gradient.dtype != x.dtype:
                raise GradcheckError(
                    f"Gradient has dtype mismatch for {self.subject.output(k)} with "
                    f"respect to {self.subject.input(i)}.\n"
                    f"  Expected {x.dtype}; got {gradient.dtype}.\n"
                    "  Compute the gradient in the argument's dtype."
                )

    # --- forward mode -----------------------------------------------------------------

    def check_forward(self) -> None:
        """Every input, its imaginary direction first.

        Raises:
            GradcheckError: If a tangent is not what is expected, or of another dtype.
        """
        xs = self.subject.xs
        some_complex = any(map(jnp.iscomplexobj, xs))
        for imaginary in (True, False) if some_complex else (False,):
            for i, x in enumerate(xs):
                if not imaginary or jnp.iscomplexobj(x):
                    self._forward_of(i, imaginary)

    def _forward_of(self, i: int, imaginary: bool) -> None:
        subject, x = self.subject, self.subject.xs[i]
        if self.options.check_grad_dtypes:
            with listening() as ear:
                jacobians.push(subject.call, subject.xs, i, jnp.ones_like(x))
                refuse_casts(ear.casts, "Forward AD gradient")
        self._pushed(i, imaginary)

    def _pushed(self, i: int, imaginary: bool) -> None:
        subject, x = self.subject, self.subject.xs[i]
        live = subject.only(*subject.live)
        rows = jacobians.forward(live, subject.xs, i, imaginary)
        part = ("imaginary" if imaginary else "real") * jnp.iscomplexobj(x)
        for position, k in enumerate(subject.live if self.known else ()):
            output = subject.outputs[k]
            columns = [row[position] for row in rows]
            got = jacobians.stacked(columns, output)
            expected = self.slopes.along(i, imaginary, k)
            place = self.place(i, k, True, part)
            mismatch.compare(got, expected, self.options.tolerance, place, HINT)


def check_constant(subject: Subject, options: Options) -> None:
    """A function with no differentiable output must have none by differences either.

    Raises:
        GradcheckError: If an output moves with an input.
    """
    slopes = jacobians.differences(subject, options.eps)
    for i, parts in enumerate(slopes.table):
        for columns in parts:
            for k, matrix in enumerate(columns):
                if not np.all(matrix == 0):
                    raise GradcheckError(
                        "Numerical gradient for function expected to be zero: no "
                        "output is differentiable, yet "
                        f"{subject.output(k)} moves with {subject.input(i)}.\n"
                        f"  The largest derivative is {np.max(np.abs(matrix)):.6g}.\n"
                        "  Don't mark that output as non-differentiable, or don't "
                        "check this function."
                    )


def refuse_casts(casts: Sequence[Cast], what: str) -> None:
    """Makes an error of a gradient or tangent that had to be cast.

    Raises:
        GradcheckError: If there is one.
    """
    for cast in casts:
        raise GradcheckError(
            f"{what} has dtype mismatch: {cast.where}.\n"
            f"  Expected {cast.expected}; got {cast.got}, which was cast.\n"
            "  Compute in the dtype that is expected, or pass "
            "check_grad_dtypes=False if the cast is meant."
        )


@contextlib.contextmanager
def said(when: str) -> Iterator[None]:
    """Adds to an exception of the user's own code what gradcheck was doing, if any."""
    try:
        yield
    except GradcheckError:
        raise
    except Exception as error:
        if when:
            error.add_note(f"gradcheck: raised while {when}.")
        raise
