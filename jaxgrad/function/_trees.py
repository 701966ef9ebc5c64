"""Which values are arrays, and where a leaf sits in the arguments.

- `is_array`, `is_differentiable`: the two questions that the decision table asks.
- `contains_tracer`: whether a pytree holds a value of a running transformation.
- `short_type`: `f32[3,4]`, as jaxprs write it.
- `leaf_path`: `params['w']` for a leaf of the argument `params`.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import _compat

_SHORT = {
    "float": "f",
    "bfloat": "bf",
    "int": "i",
    "uint": "u",
    "complex": "c",
}
# Tracers first: `isinstance(tracer, jax.Array)` goes through a slow metaclass.
_ARRAYS = (_compat.Tracer, jax.Array)


def is_array(value: Any) -> bool:
    """Whether a leaf is an array: a JAX array or tracer, a NumPy array or scalar."""
    if isinstance(value, _ARRAYS):
        return True
    if isinstance(value, np.ndarray | np.generic):
        # Arrays of strings and of objects are Python values to JAX.
        return value.dtype.kind in "biufc" or is_inexact(value.dtype)
    return False


@functools.lru_cache(maxsize=256)
def is_inexact(dtype: Any) -> bool:
    """Whether a dtype is floating or complex, ml_dtypes' small floats included."""
    return jnp.issubdtype(dtype, np.inexact)


def is_differentiable(value: Any) -> bool:
    """Whether an array has a tangent: floating and complex, not keys nor integers."""
    return is_inexact(value.dtype)


def as_array(value: Any) -> jax.Array:
    """`value` as a JAX array; JAX arrays and tracers as they are."""
    return value if isinstance(value, _ARRAYS) else jnp.asarray(value)


def flatten(tree: Any, error: type[Exception], where: str) -> tuple[list[Any], Any]:
    """`jax.tree.flatten`, with an error that says where the tree was.

    Returns:
        The leaves and the structure.

    Raises:
        error: JAX can't flatten it: a dict with keys that can't be sorted, say.
    """
    try:
        return jax.tree.flatten(tree)
    except (TypeError, ValueError) as problem:
        raise error(
            f"{where} hold a container that JAX can't flatten.\n"
            "  Expected pytrees, whose dicts have keys that can be sorted; got: "
            f"{problem}\n"
            "  Give the dict keys of one kind, or put its values in a tuple."
        ) from problem


def contains_tracer(tree: Any) -> bool:
    """Whether a pytree holds a value of a running transformation."""
    return any(isinstance(leaf, _compat.Tracer) for leaf in jax.tree.leaves(tree))


def short_dtype(dtype: Any) -> str:
    """`f32` for float32, `bf16`, `i8`, `u16`, `c64`; other names as they are."""
    name = str(dtype)
    head = name.rstrip("0123456789")
    return _SHORT[head] + name[len(head) :] if head in _SHORT else name


def short_type(value: Any) -> str:
    """An array's type as jaxprs write it (`f32[3,4]`), or a Python value's class."""
    if not hasattr(value, "dtype") or not hasattr(value, "shape"):
        return f"{type(value).__name__} {value!r}"
    return f"{short_dtype(value.dtype)}[{','.join(map(str, value.shape))}]"


def leaf_path(name: str, tree: Any, position: int) -> str:
    """The path of leaf number `position` of the argument `name`, like `params['w']`."""
    paths = jax.tree_util.tree_flatten_with_path(tree)[0]
    return name + jax.tree_util.keystr(paths[position][0])
