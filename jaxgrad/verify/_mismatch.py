"""Comparing Jacobians, and saying how they differ.

- `Tolerance`: how far apart two numbers may be.
- `compare`: two matrices; raises with the worst element, both values, and the errors.
"""

from typing import Any, NamedTuple

import numpy as np

from jaxgrad.errors import GradcheckError

Matrix = np.ndarray[Any, Any]

FAST_BUT_CLOSE = (
    "Fast gradcheck failed but element-wise differences are small: slow mode may well "
    "pass. Use fast_mode=False."
)
_CONVENTION = (
    "  Entries for a complex input are in JAX's convention: the derivative by the real "
    "part minus 1j times that by the imaginary part."
)


class Tolerance(NamedTuple):
    """`got` may differ from `expected` by `atol + rtol * abs(expected)`."""

    atol: float
    rtol: float

    def close(self, got: Any, expected: Any) -> Any:
        """Elementwise; a NaN is close to nothing."""
        return np.isclose(got, expected, rtol=self.rtol, atol=self.atol)


class Place(NamedTuple):
    """Which block of which Jacobian is compared.

    Attributes:
        output: The output, in words.
        input: The input, in words.
        path: The input, as an expression.
        shapes: The shapes of the input and of the output.
        forward: Whether forward mode gave it.
        part: "real" or "imaginary" where only that part is compared, or empty.
        source: What gave the expected values: "numerical", or "declared".
    """

    output: str
    input: str
    path: str
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    forward: bool
    part: str
    source: str

    def headline(self) -> str:
        """The first line of the error."""
        what = "inputs" if self.forward else "outputs"
        prefix = (
            f"While considering the {self.part} part of complex {what} only, "
            if self.part
            else ""
        )
        mode = " computed with forward mode" if self.forward else ""
        return (
            f"{prefix}Jacobian{mode} mismatch for {self.output} with respect to "
            f"{self.input}:"
        )


def compare(
    got: Matrix, expected: Matrix, tolerance: Tolerance, place: Place, hint: str
) -> None:
    """Compares one block elementwise.

    Raises:
        GradcheckError: If an element is not close.
    """
    close = tolerance.close(got, expected)
    if not close.all():
        text = describe(got, expected, tolerance, place)
        raise GradcheckError(f"{place.headline()}\n{text}\n{hint}")


def describe(got: Matrix, expected: Matrix, tolerance: Tolerance, place: Place) -> str:
    """Both matrices, the worst element and the size of the errors."""
    close = tolerance.close(got, expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        errors = np.abs(got - expected)
        relative = np.where(errors > 0, errors / np.abs(expected), 0 * errors)
    # A NaN is the worst of all.
    ranked = np.where(np.isnan(errors), np.inf, errors)
    row, column = np.unravel_index(np.argmax(ranked), errors.shape)
    by, of = (
        _index(number, shape)
        for number, shape in zip((row, column), place.shapes, strict=True)
    )
    source = place.source
    lines = [
        f"{source}:\n{_matrix(expected)}",
        f"analytical:\n{_matrix(got)}",
        f"  (rows: elements of the input, {list(place.shapes[0])}; columns: elements "
        f"of the output, {list(place.shapes[1])})",
        f"  Worst element: output{of} with respect to {place.path}{by}: expected "
        f"{_number(expected[row, column])} ({source}); got "
        f"{_number(got[row, column])} (analytical).",
        f"  Largest absolute error {_number(np.max(errors))}, largest relative error "
        f"{_number(np.max(relative))}; {np.sum(~close)} of {close.size} elements are "
        f"not within {tolerance.atol:.3g} + {tolerance.rtol:.3g} * abs({source}).",
    ]
    if np.iscomplexobj(got) and not place.forward:
        lines.append(_CONVENTION)
    return "\n".join(lines)


def scalars(got: Any, expected: Any, source: str) -> str:
    """Two numbers that fast mode compared."""
    return (
        f"{source}: {_number(expected)}\nanalytical: {_number(got)}\n"
        "The above are the Jacobians between two random unit vectors (fast mode). "
        "Element by element:"
    )


def _index(number: Any, shape: tuple[int, ...]) -> str:
    index = np.unravel_index(int(number), shape)
    return f"[{', '.join(str(int(i)) for i in index)}]" if shape else ""


def _number(value: Any) -> str:
    return f"{value:.6g}"


def _matrix(matrix: Matrix) -> str:
    return np.array2string(matrix, precision=6, threshold=200, edgeitems=3)
