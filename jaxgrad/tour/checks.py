"""Whether the gradients of the four Functions are what they should be.

- `run_checks()`: all of them, in float64, as `Check` rows.

SiLU and sparsemax have true derivatives: central differences decide. The quantizer and
gradient reversal differ from theirs on purpose: the formula in the paper decides,
written out here once more in NumPy.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

from jaxgrad.tour.functions import (
    GradientReversal,
    LSQuantize,
    MemoryEfficientSiLU,
    Sparsemax,
)

_STEP = 1e-5
# Central differences in float64 lose about 1e-16 / _STEP to rounding and _STEP ** 2 to
# curvature; 1e-8 leaves room for both.
_DIFFERENCES_WITHIN = 1e-8
_FORMULA_WITHIN = 1e-12

Array = np.ndarray


class Check(NamedTuple):
    """One comparison.

    Attributes:
        function: The name of the Function.
        of: Which gradient.
        against: What it is compared to.
        error: The largest absolute difference.
        within: The largest that passes.
    """

    function: str
    of: str
    against: str
    error: float
    within: float

    @property
    def ok(self) -> bool:
        """Whether the error is small enough; a NaN is not."""
        return self.error <= self.within


def run_checks() -> list[Check]:
    """Checks the gradients of the four Functions in float64.

    Returns:
        One row for each gradient.

    Example:
        >>> all(check.ok for check in run_checks())
        True
    """
    draw = np.random.default_rng(0)
    x, weight = draw.normal(size=(2, 4, 6))
    with jax.enable_x64(True):
        return [
            _by_differences(
                MemoryEfficientSiLU.apply, "MemoryEfficientSiLU", x, weight
            ),
            *_quantizer(x, weight),
            _reversal(x, weight),
            _by_differences(Sparsemax.apply, "Sparsemax", x, weight),
        ]


def _gradient(
    function: Callable[..., Any], weight: Array, *xs: Any, argnums: Any = 0
) -> Any:
    """The gradient of a weighted sum of the outputs."""
    return jax.grad(lambda *xs: (weight * function(*xs)).sum(), argnums)(*xs)


def _by_differences(
    function: Callable[..., Any], name: str, x: Array, weight: Array
) -> Check:
    differences = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        step = np.zeros_like(x)
        step[index] = _STEP
        rise = np.asarray(function(x + step)) - np.asarray(function(x - step))
        differences[index] = (weight * rise).sum() / (2 * _STEP)
    error = np.max(np.abs(_gradient(function, weight, x) - differences))
    return Check(name, "x", "central differences", float(error), _DIFFERENCES_WITHIN)


def _quantizer(x: Array, weight: Array) -> list[Check]:
    """Equation 3 of the LSQ paper and its gradient scale, one element at a time."""
    step, low, high = 0.3, -8, 7
    by_x, by_step = _gradient(
        lambda x, s: LSQuantize.apply(x, s, 4),
        weight,
        x,
        np.asarray(step),
        argnums=(0, 1),
    )
    expected_x, expected_step = np.zeros_like(x), 0.0
    for index, value in np.ndenumerate(x):
        scaled = value / step
        if low < scaled < high:
            expected_x[index] = weight[index]
            slope = -scaled + round(scaled)
        else:
            slope = low if scaled <= low else high
        expected_step += weight[index] * slope
    expected_step /= math.sqrt(x.size * high)
    errors = np.max(np.abs(by_x - expected_x)), abs(float(by_step) - expected_step)
    names = ("x", "straight through"), ("step", "the paper's formula")
    return [
        Check("LSQuantize", of, against, float(error), _FORMULA_WITHIN)
        for (of, against), error in zip(names, errors, strict=True)
    ]


def _reversal(x: Array, weight: Array) -> Check:
    strength = 0.3
    found = _gradient(lambda x: GradientReversal.apply(x, strength), weight, x)
    error = np.max(np.abs(found + strength * weight))
    return Check(
        "GradientReversal", "x", "-strength * g", float(error), _FORMULA_WITHIN
    )
