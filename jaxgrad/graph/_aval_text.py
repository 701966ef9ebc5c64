"""Dtypes, shapes and the text of abstract values, without the types round them.

- `short_dtype`, `dtype_of`: `f32` for float32, and back.
- `aval_text`, `incomplete_text`: `f32[3, 4]`, `f32[...]`.
- `as_dtype`, `as_shape`: what a user gave, checked.
- `placed`: an abstract value on the axes of a mesh.
- `split`: the parts between commas.
"""

import re
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxgrad.errors import GraphError

_LONG = {"f": "float", "bf": "bfloat", "i": "int", "u": "uint", "c": "complex"}
_SHORT = {long: short for short, long in _LONG.items()}
_NAME = re.compile(r"([a-z]+)(\d.*)")


def is_key_dtype(dtype: Any) -> bool:
    """Whether a dtype is that of random keys."""
    return jax.dtypes.issubdtype(dtype, jax.dtypes.prng_key)


def short_dtype(dtype: Any) -> str:
    """`f32` for float32, `bf16`, `i4`, `c64`, `bool`, `float0`, `key<fry>`."""
    name = dtype_name(dtype)
    match = _NAME.fullmatch(name)
    if match is None or name == "float0":
        return name
    return _SHORT.get(match[1], match[1]) + match[2]


def dtype_of(short: str) -> Any:
    """The dtype that `short_dtype` writes so, None if there is none."""
    if short == "float0":
        return jax.dtypes.float0
    match = _NAME.fullmatch(short)
    name = short if match is None else _LONG.get(match[1], "?") + match[2]
    # numpy knows more dtypes than JAX does, and JAX's module has functions too.
    scalar = getattr(jax.numpy, name, None) if name == "bool" or match else None
    try:
        dtype = None if scalar is None else np.dtype(getattr(scalar, "dtype", scalar))
    except TypeError:
        return None
    return dtype if dtype is not None and short_dtype(dtype) == short else None


def dtype_name(dtype: Any) -> str:
    """The full name of a dtype, `float32` say."""
    return "float0" if dtype == jax.dtypes.float0 else dtype.name


def name_of(aval: Any) -> str:
    """JAX's own short text of any abstract value."""
    short = getattr(aval, "str_short", None)
    return str(aval) if short is None else short()


def aval_text(aval: Any) -> str:
    """JAX's own short text, with spaces after commas and weak types marked."""
    text = aval.str_short(short_dtypes=True)
    start, end = text.index("["), text.rindex("]")
    dims = ", ".join(split(text[start + 1 : end]))
    marks = text[end + 1 :].strip("{}")
    if aval.weak_type:
        marks = f"weak, {marks}" if marks else "weak"
    return f"{text[:start]}[{dims}]" + (f"{{{marks}}}" if marks else "")


def incomplete_text(dtype: Any, shape: tuple[Any, ...] | None) -> str:
    """The text of an array type whose dtype or shape is not known."""
    head = "Tensor" if dtype is None else short_dtype(dtype)
    if shape is None:
        return head if dtype is None else f"{head}[...]"
    return f"{head}[{', '.join('?' if d is None else str(d) for d in shape)}]"


def split(text: str) -> list[str]:
    """The parts of `text` between the commas that stand in no parentheses."""
    if not text.strip():
        return []
    if "(" not in text:
        return [part.strip() for part in text.split(",")]
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def as_dtype(dtype: Any) -> Any:
    """A dtype of numpy's or of JAX's.

    Returns:
        The dtype.

    Raises:
        GraphError: If it is none.
    """
    if hasattr(dtype, "name") and not isinstance(dtype, np.dtype):
        return dtype  # a key's, or another extended one
    try:
        return np.dtype(dtype)
    except TypeError as error:
        raise GraphError(f"{dtype!r} is not a dtype: {error}") from error


def as_shape(sizes: Sequence[Any]) -> tuple[Any, ...]:
    """A shape, with None for what is unknown.

    Returns:
        The shape.

    Raises:
        GraphError: If a size is no dimension.
    """
    shape = tuple(sizes)
    for size in shape:
        if size is None or jax.export.is_symbolic_dim(size):
            continue
        if isinstance(size, bool) or not hasattr(size, "__index__") or int(size) < 0:
            raise GraphError(
                f"{size!r} in the shape {list(shape)} is not a dimension: expected a "
                f"number from 0, a symbolic dimension, or None for unknown"
            )
    return shape


def placed(
    aval: Any,
    spec: Sequence[Any],
    manual: dict[str, Sequence[str]],
    space: str | None,
) -> Any:
    """`aval` in a memory space, sharded and varying over axes of the mesh in use.

    Args:
        aval: the abstract value of an array.
        spec: for each dimension its mesh axes, or None.
        manual: the axes over which it is "varying", "unreduced" or "reduced".
        space: the name of a memory space in lower case, None for the device's.

    Returns:
        The new abstract value.

    Raises:
        ValueError: If there is no such memory space, no mesh in use, or it has no such
            axes.
    """
    if space is not None:
        spaces = {s.name.lower(): s for s in jax.memory.Space}
        if space not in spaces:
            raise ValueError(f"JAX has the memory spaces {', '.join(spaces)}")
        aval = aval.update(memory_space=spaces[space])
    if not manual and not any(spec):
        return aval
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.empty:
        raise ValueError("no mesh is in use")
    axes = {name: frozenset(names) for name, names in manual.items()}
    varying = axes.pop("varying", frozenset())
    if not all(names <= set(mesh.axis_names) for names in (varying, *axes.values())):
        raise ValueError(f"the mesh has the axes {', '.join(mesh.axis_names)}")
    parts = jax.sharding.PartitionSpec(*spec, **axes)
    return aval.update(
        sharding=jax.sharding.NamedSharding(mesh, parts),
        manual_axis_type=type(aval.manual_axis_type)(varying=varying),
    )
