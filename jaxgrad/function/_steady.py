"""Whether two traces of one function are the same program."""

import re
from typing import Any

import jax
import numpy as np

from jaxgrad import _compat

# Where an object lives says nothing about the program.
_ADDRESS = re.compile(r"0x[0-9a-f]+")


def same_program(a: Any, b: Any) -> bool:
    """Whether two jaxprs compute the same, constants included."""
    texts = [_ADDRESS.sub("", str(_compat.plain_jaxpr(j)[0])) for j in (a, b)]
    left, right = [_compat.plain_jaxpr(j)[1] for j in (a, b)]
    if texts[0] != texts[1] or len(left) != len(right):
        return False
    return all(x is y or _equal(x, y) for x, y in zip(left, right, strict=True))


def _equal(x: Any, y: Any) -> bool:
    if isinstance(x, _compat.Tracer) or isinstance(y, _compat.Tracer):
        return False
    if jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
        x, y = jax.random.key_data(x), jax.random.key_data(y)
    return np.asarray(x).tobytes() == np.asarray(y).tobytes()
