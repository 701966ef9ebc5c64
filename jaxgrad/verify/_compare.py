"""Comparing an answer with what was expected of it.

- `difference(got, expected, eps)`: None, or one line that says what differs.
- `first_line(error)`: an error in one line.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.verify._slots import is_array

# Errors are measured in units in the last place of the least precise dtype of the call,
# relative to the largest number of the answer. Sums over a batch, fusion and the order
# of a compiled sum cost a few of them in the 8 bits of bfloat16, and tens in 24 bits,
# where cancellation shows.
_ULPS = {True: 8.0, False: 128.0}
_COARSE = 2.0**-12
_WIDTH = 100


def tolerance(eps: float) -> float:
    """The relative error allowed where the least precise dtype has this `eps`."""
    return _ULPS[eps > _COARSE] * eps


def difference(got: Any, expected: Any, eps: float) -> str | None:
    """Compares two trees: structure, shapes, dtypes and numbers.

    Args:
        got: The answer.
        expected: The expected answer.
        eps: The machine epsilon of the least precise dtype that took part.

    Returns:
        None if they agree, else one line about the first difference.
    """
    have, have_def = jax.tree.flatten(got)
    want, want_def = jax.tree.flatten(expected)
    if have_def != want_def:
        return f"expected the structure {want_def}, got {have_def}"
    pairs = list(zip(have, want, strict=True))
    for a, b in pairs:
        if not (is_array(a) and is_array(b)):
            if is_array(a) or is_array(b) or a != b:
                return _said(b, a)
        elif (a.shape, a.dtype) != (b.shape, b.dtype):
            return f"expected {b.dtype}{list(b.shape)}, got {a.dtype}{list(a.shape)}"
    numbers = [(_numbers(a), _numbers(b)) for a, b in pairs if is_array(a)]
    scale = max([float(np.max(np.abs(b), initial=0.0)) for _, b in numbers], default=0)
    for a, b in numbers:
        close = np.isclose(a, b, rtol=0, atol=tolerance(eps) * scale, equal_nan=True)
        if not close.all():
            return _said(b, a)
    return None


def _numbers(array: Any) -> np.ndarray[Any, Any]:
    """An array as NumPy's widest numbers."""
    if jnp.issubdtype(array.dtype, jax.dtypes.prng_key):
        array = jax.random.key_data(array)
    wide = np.complex128 if jnp.iscomplexobj(array) else np.float64
    return np.asarray(array).astype(wide)


def _said(expected: Any, got: Any) -> str:
    return f"expected {_short(expected)}, got {_short(got)}"


def _short(value: Any) -> str:
    if not is_array(value):
        return repr(value)[:_WIDTH]
    text = np.array2string(
        np.asarray(value).ravel(), precision=6, threshold=6, edgeitems=2, separator=", "
    )
    return " ".join(text.split())


def first_line(error: BaseException) -> str:
    """The class and the first line of an error, shortened to one line of a table."""
    lines = str(error).strip().splitlines() or [""]
    text = f"{type(error).__name__}: {lines[0]}"
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."
