"""How attributes are written: literals that the parser reads back, names for the rest.

- `text(value)`: the text of any value; never runs a user's `repr`.
- `is_literal(value)`: whether the parser can read that text.
- `constant_text`, `constant_value`: numbers of constants, whose dtype the type says.

Python's numbers, strings, None and containers are written as Python does; arrays by
their type and elements, `f32[3]{1.0, 2.0, 3.0}`; dtypes as `f32`; types of the graph as
`type(f32[3])`. What is no literal stands as `<Name>`, or as `Name(...)`.
"""

from __future__ import annotations

import dataclasses
import enum
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import _compat
from jaxgrad.graph import _kinds, types
from jaxgrad.graph._aval_text import dtype_of, short_dtype

# Larger arrays are abbreviated, and so are named tuples whose text is longer.
MOST_ELEMENTS = 8
_MOST_CHARACTERS = 80


def text(value: Any) -> str:
    """The text of an attribute.

    Args:
        value: anything.

    Returns:
        A literal, or a short name for what has none.

    Example:
        >>> text((1, 2.5, None, "a")), text(np.float32(0.1)), text(max)
        ("(1, 2.5, None, 'a')", 'f32[]{0.1}', '<function max>')
    """
    write = _WRITERS.get(type(value))
    return _other(value) if write is None else write(value)


def is_literal(value: Any) -> bool:
    """Whether the parser can read the text of a value."""
    kind = type(value)
    if kind in (tuple, list):
        return all(map(is_literal, value))
    if kind is dict:
        return all(is_literal(k) and is_literal(v) for k, v in value.items())
    if kind in _WRITERS or isinstance(value, types.Type) or _dtype(value) is not None:
        return True
    if _is_array(value):
        return _elements(value) is not None
    return _kinds.kind_of(value) == "g"


def _tuple(value: tuple[Any, ...]) -> str:
    inner = ", ".join(map(text, value))
    return f"({inner},)" if len(value) == 1 else f"({inner})"


def _list(value: list[Any]) -> str:
    return f"[{', '.join(map(text, value))}]"


def _dict(value: dict[Any, Any]) -> str:
    return f"{{{', '.join(f'{text(k)}: {text(v)}' for k, v in value.items())}}}"


def _slice(value: slice) -> str:
    return f"slice({text(value.start)}, {text(value.stop)}, {text(value.step)})"


_WRITERS: dict[type, Any] = {
    **dict.fromkeys((type(None), bool, int, float, complex, str, bytes), repr),
    type(...): lambda value: "...",
    tuple: _tuple,
    list: _list,
    dict: _dict,
    slice: _slice,
}


def _other(value: Any) -> str:
    if isinstance(value, types.Type):
        return f"type({value})"
    if _is_array(value):
        return _array(value)
    dtype = _dtype(value)
    if dtype is not None:
        return short_dtype(dtype)
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if _kinds.kind_of(value) == "g":
        return _graph(value)
    fields = _fields(value)
    if fields is not None:
        short = f"{type(value).__name__}({', '.join(map(text, fields))})"
        if len(short) <= _MOST_CHARACTERS:
            return short
    name = getattr(value, "__name__", None)
    if callable(value) and isinstance(name, str):
        return f"<{'class' if isinstance(value, type) else 'function'} {name}>"
    return f"<{type(value).__name__}>"


def _graph(graph: Any) -> str:
    """A graph that another one calls, in one line."""
    return " ".join(line.strip() for line in graph.str(False).splitlines())


def _fields(value: Any) -> list[Any] | None:
    """The fields of a named tuple or of a dataclass."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return list(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, f.name, None) for f in dataclasses.fields(value)]
    return None


def _dtype(value: Any) -> Any:
    """The dtype that a value is or names as numpy's and JAX's scalar types do."""
    if isinstance(value, type) and issubclass(value, np.generic):
        value = np.dtype(value)
    elif callable(value):
        value = getattr(value, "dtype", None)
    if not isinstance(value, np.dtype):
        return None
    return value if dtype_of(short_dtype(value)) == value else None


# --- arrays ---------------------------------------------------------------------------


def _is_array(value: Any) -> bool:
    return isinstance(value, jax.Array | np.ndarray | np.generic)


def _array(value: Any) -> str:
    dims = ", ".join(map(str, value.shape))
    elements = _elements(value)
    inner = "..." if elements is None else ", ".join(elements)
    return f"{short_dtype(value.dtype)}[{dims}]{{{inner}}}"


def _elements(value: Any) -> list[str] | None:
    """The texts of the elements; None where they are too many, or can't be written."""
    dtype = value.dtype
    if isinstance(value, _compat.Tracer) or value.size > MOST_ELEMENTS:
        return None
    if not isinstance(dtype, np.dtype) or dtype_of(short_dtype(dtype)) != dtype:
        return None
    if dtype == jax.dtypes.float0:
        return None
    try:
        flat = np.asarray(value).reshape(-1)
    except RuntimeError:  # deleted, or on other machines
        return None
    return [number_text(x) for x in flat]


def number_text(x: Any) -> str:
    """The shortest text of a numpy scalar that gives the same number again."""
    dtype = x.dtype
    if dtype == np.bool_:
        return str(bool(x))
    if jnp.issubdtype(dtype, jnp.integer):
        return str(int(x))
    as_python = complex if jnp.issubdtype(dtype, jnp.complexfloating) else float
    short, exact = as_python(str(x)), as_python(x)
    same = _bits(np.asarray(short, dtype)) == _bits(np.asarray(x))
    return repr(short if same else exact)


def _bits(x: np.ndarray[Any, Any]) -> bytes:
    return x.tobytes()


# --- constants ------------------------------------------------------------------------


def constant_text(value: Any, type_: types.Type) -> str:
    """The text of a constant, whose type stands beside it: a number needs no dtype."""
    dtype = _scalar_dtype(type_)
    if dtype is None:
        return text(value)
    if _is_array(value) and value.shape == () and value.dtype == dtype:
        elements = _elements(value)
        return text(value) if elements is None else elements[0]
    if not type_.weak_type():  # type: ignore[attr-defined]
        number = _converted(value, dtype)
        if number is not None:
            return number_text(number)
    return text(value)


def constant_value(value: Any, type_: types.Type) -> Any:
    """The constant of which `constant_text` wrote the number `value`.

    Returns:
        A numpy scalar for a strong type, else the number itself.
    """
    dtype = _scalar_dtype(type_)
    if dtype is None or type_.weak_type():  # type: ignore[attr-defined]
        return value
    number = _converted(value, dtype)
    return value if number is None else number


def _scalar_dtype(type_: types.Type) -> Any:
    """The dtype of a scalar array's type, if it is one of numpy's."""
    if type(type_) is not types.TensorType or type_.sizes() != []:
        return None
    dtype = type_.dtype()
    plain = isinstance(dtype, np.dtype) and dtype != jax.dtypes.float0
    return dtype if plain else None


def _converted(value: Any, dtype: Any) -> Any:
    """A Python number as a numpy scalar, None if that would be another number."""
    if type(value) not in (bool, int, float, complex):
        return None
    wider = {
        bool: jnp.bool_,
        int: jnp.number,
        float: jnp.inexact,
        complex: jnp.complexfloating,
    }
    if not jnp.issubdtype(dtype, wider[type(value)]):
        return None
    try:
        number = np.asarray(value, dtype)[()]
    except OverflowError:
        return None
    if type(value) is int and not math.isfinite(abs(complex(number))):
        return None
    return number
