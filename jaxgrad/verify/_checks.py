"""What `gradcheck` asks of a rule beside its values.

- `check_zeros`: a zero cotangent gives a zero gradient.
- `check_linear`: gradients are linear in the cotangents.
- `check_undefined`: an absent cotangent or tangent is the same as a zero one.
- `check_batched`, `check_batched_forward`: `jax.vmap` of the rule does what a loop
  does.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import GradcheckError
from jaxgrad.verify import _jacobians as jacobians
from jaxgrad.verify._derivatives import said
from jaxgrad.verify._jacobians import wide
from jaxgrad.verify._mismatch import Tolerance
from jaxgrad.verify._second import random_like
from jaxgrad.verify._subject import Subject

# What two ways of computing the same numbers may differ by, as in torch.allclose.
_SAME = Tolerance(1e-8, 1e-5)
_BATCH = 2


class Checks:
    """The checks of one subject.

    Args:
        subject: The function, whose `live` is known.
        nondet_tol: By how much a rule may differ from itself.
        masked: Whether almost zero is good enough where zero is expected.
    """

    def __init__(self, subject: Subject, nondet_tol: float, masked: bool) -> None:
        self.subject = subject
        self.masked = masked
        self.same = _SAME._replace(atol=_SAME.atol + nondet_tol)
        self.rng = np.random.default_rng(1)

    def _random(self, like: Any) -> jax.Array:
        return random_like(self.rng, like)

    def _cotangents(self, make: Callable[[Any], Any]) -> tuple[Any, ...]:
        return tuple(make(self.subject.outputs[k]) for k in self.subject.live)

    def _is_zero(self, gradient: Any) -> bool:
        values = wide(gradient)
        return bool(np.all(_SAME.close(values, 0) if self.masked else values == 0))

    # --- reverse mode -----------------------------------------------------------------

    def check_zeros(self) -> None:
        """Zeros in, zeros out.

        Raises:
            GradcheckError: If a gradient is something else.
        """
        subject = self.subject
        pull = jax.vjp(subject.only(*subject.live), *subject.xs)[1]
        for i, gradient in enumerate(pull(self._cotangents(jnp.zeros_like))):
            if not self._is_zero(gradient):
                raise GradcheckError(
                    "backward not multiplied by grad_output: for a grad_output of "
                    f"zeros the gradient of {subject.input(i)} is not zero.\n"
                    f"  Expected zeros; got {_largest(gradient)} at most.\n"
                    "  Multiply each gradient by grad_output."
                )

    def check_linear(self, tolerance: Tolerance) -> None:
        """Gradients are linear in the cotangents, taken together.

        The Jacobians are compared for one cotangent at a time, which a rule with
        `grad ** 3` in it passes too.

        Args:
            tolerance: How far from linear is good enough.

        Raises:
            GradcheckError: If the gradient of a sum is not the sum of gradients.
        """
        subject = self.subject
        pull = jax.vjp(subject.only(*subject.live), *subject.xs)[1]
        one, other = (self._cotangents(self._random) for _ in range(2))
        both = tuple(2 * a - b for a, b in zip(one, other, strict=True))
        alone = [
            pull(tuple(c if j == k else jnp.zeros_like(c) for j, c in enumerate(one)))
            for k in range(len(one))
        ]
        pairs = zip(zip(*alone, strict=True), pull(other), pull(both), strict=True)
        for i, (first, second, third) in enumerate(pairs):
            expected = 2 * np.sum([wide(g) for g in first], axis=0) - wide(second)
            if not np.all(tolerance.close(wide(third), expected)):
                worst = np.max(np.abs(wide(third) - expected))
                raise GradcheckError(
                    "backward is not linear in grad_output: the gradient of "
                    f"{subject.input(i)} for a combination of grad_outputs is not that "
                    "combination of gradients.\n"
                    f"  Expected a difference of 0; got {worst:.3g} at most.\n"
                    "  Use each grad_output as a factor, once; a rule that is meant to "
                    "be otherwise (clipping, say) sets surrogate = True."
                )

    def check_undefined(self) -> None:
        """Each output without a cotangent in turn, and each as the only one with one.

        Raises:
            GradcheckError: If that is not the same as a cotangent of zeros.
        """
        count = len(self.subject.live)
        alone = [{j for j in range(count) if j != i} for i in range(count)]
        missing = [{i} for i in range(count)] + (alone if count > 2 else [])
        for absent in missing if count > 1 else ():
            self._undefined(absent)

    def _undefined(self, absent: set[int]) -> None:
        subject = self.subject
        names = ", ".join(subject.output(subject.live[i]) for i in sorted(absent))
        given = self._cotangents(self._random)
        kept = [i for i in range(len(given)) if i not in absent]
        every = jax.vjp(subject.only(*subject.live), *subject.xs)[1]
        zeros = [
            jnp.zeros_like(ct) if i in absent else ct for i, ct in enumerate(given)
        ]
        try:
            with said(f"{names} had no cotangent"):
                some = jax.vjp(
                    subject.only(*(subject.live[i] for i in kept)), *subject.xs
                )[1]
                found = some(tuple(given[i] for i in kept))
                nothing = some(tuple(jnp.zeros_like(given[i]) for i in kept))
        except RuntimeError as error:
            raise GradcheckError(
                "Expected backward function to handle undefined output grads: it "
                f"raised while {names} had no cotangent.\n"
                f"  {type(error).__name__}: {error}\n"
                "  With set_materialize_grads(False), treat None as zeros."
            ) from error
        for i, gradient in enumerate(nothing):
            if not self._is_zero(gradient):
                raise GradcheckError(
                    "Expected all input grads to be undefined or zero when all output "
                    f"grads are undefined or zero: that of {subject.input(i)} is not, "
                    f"while {names} had no cotangent.\n"
                    f"  Expected zeros; got {_largest(gradient)} at most.\n"
                    "  Multiply each gradient by grad_output, and treat None as zeros."
                )
        for i, (got, want) in enumerate(zip(found, every(tuple(zeros)), strict=True)):
            if not self.same.close(wide(got), wide(want)).all():
                raise GradcheckError(
                    "Expected undefined output grads to be treated as zeros: for "
                    f"{subject.input(i)} they are not, while {names} had no cotangent."
                    f"\n  Expected {_text(want)}; got {_text(got)}.\n"
                    "  With set_materialize_grads(False), treat None as zeros."
                )

    def check_batched(self) -> None:
        """`jax.vmap` of each output's rule against one cotangent after another.

        Raises:
            GradcheckError: If it raises, or gives something else.
        """
        subject = self.subject
        for k in subject.live:
            pull = jax.vjp(subject.only(k), *subject.xs)[1]
            given = [self._random(subject.outputs[k]) for _ in range(_BATCH)]
            found, want = self._both_ways(lambda ct: pull((ct,)), given)  # noqa: B023
            for i, (got, expected) in enumerate(zip(found, want, strict=True)):
                place = f"For {subject.output(k)} and {subject.input(i)}"
                self._equal_batches(place, got, expected)

    # --- forward mode -----------------------------------------------------------------

    def check_batched_forward(self) -> None:
        """`jax.vmap` of each input's tangents against one tangent after another.

        Raises:
            GradcheckError: If it raises, or gives something else.
        """
        subject = self.subject
        live = subject.only(*subject.live)
        for i, x in enumerate(subject.xs):
            given = [self._random(x) for _ in range(_BATCH)]

            def tangents(t: Any, i: int = i) -> Any:
                return jacobians.push(live, subject.xs, i, t)

            found, want = self._both_ways(tangents, given)
            for k, got, expected in zip(subject.live, found, want, strict=True):
                place = f"In forward mode, for {subject.output(k)} and "
                self._equal_batches(place + subject.input(i), got, expected)

    def _both_ways(
        self, rule: Callable[[Any], Any], given: Sequence[Any]
    ) -> tuple[Any, Any]:
        """The rule on a batch by `jax.vmap`, and one after another."""
        one_by_one = [rule(value) for value in given]
        want = [jnp.stack(parts) for parts in zip(*one_by_one, strict=True)]
        try:
            return jax.vmap(rule)(jnp.stack(given)), want
        except Exception as error:
            raise GradcheckError(
                f"While computing batched gradients, got: {type(error).__name__}: "
                f"{error}\n"
                "  Expected a rule that jax.vmap can batch, as jacobians and hessians "
                "do; alone it works.\n"
                "  Use jax.numpy on arrays there, give host callbacks a vmap_method, "
                "or pass check_batched_grad=False."
            ) from error

    def _equal_batches(self, place: str, got: Any, expected: Any) -> None:
        if not self.same.close(wide(got), wide(expected)).all():
            raise GradcheckError(
                f"{place}, batched gradients are not what they are one by one.\n"
                f"  Got:\n{wide(got)}\n  Expected:\n{wide(expected)}\n"
                "  Reduce over named axes only: an axis of the batch comes first."
            )

    def check_undefined_forward(self) -> None:
        """Each input without a tangent in turn.

        Raises:
            GradcheckError: If that is not the same as a tangent of zeros.
        """
        subject = self.subject
        live = subject.only(*subject.live)
        given = [self._random(x) for x in subject.xs]
        for absent, x in enumerate(subject.xs if len(subject.xs) > 1 else ()):
            rest = [i for i in range(len(given)) if i != absent]

            def moving(*xs: Any, absent: int = absent, x: Any = x) -> Any:
                return live(*xs[:absent], x, *xs[absent:])

            with said(f"{subject.input(absent)} had no tangent"):
                found = jax.jvp(
                    moving,
                    tuple(subject.xs[i] for i in rest),
                    tuple(given[i] for i in rest),
                )[1]
            zeros = (*given[:absent], jnp.zeros_like(x), *given[absent + 1 :])
            want = jax.jvp(live, subject.xs, zeros)[1]
            for k, got, expected in zip(subject.live, found, want, strict=True):
                if not self.same.close(wide(got), wide(expected)).all():
                    raise GradcheckError(
                        f"Mismatch in tangent values for {subject.output(k)}, when "
                        f"{subject.input(absent)} has an undefined tangent.\n"
                        f"  Expected {_text(expected)}, as for zeros; got "
                        f"{_text(got)}.\n"
                        "  Treat a tangent of None as zeros."
                    )


def _largest(gradient: Any) -> str:
    return f"{np.max(np.abs(wide(gradient)), initial=0.0):.6g}"


def _text(array: Any) -> str:
    text = np.array2string(wide(array), precision=6, threshold=8, edgeitems=2)
    return " ".join(text.split())
