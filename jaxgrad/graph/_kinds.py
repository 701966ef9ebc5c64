"""The kinds of a node's attributes, in torch's letters.

`i` int, `f` float, `c` complex, `s` str, `t` array, `z` array without dimensions, `g`
Graph, `ty` Type, each with an `s` for a list (`tys`); `ival` for anything else.

- `kind_of`: the kind of a value.
- `check`: a value as a typed setter stores it.
"""

from typing import Any

import jax
import numpy as np

from jaxgrad import _compat
from jaxgrad.errors import AttributeKindError
from jaxgrad.graph._type_base import Type

_MEANING = {
    "i": "an int",
    "f": "a float",
    "c": "a complex",
    "s": "a str",
    "t": "an array",
    "z": "an array without dimensions",
    "g": "a Graph",
    "ty": "a Type",
}
SCALARS = frozenset(_MEANING)
LISTS = frozenset(f"{kind}s" for kind in _MEANING)
KINDS = SCALARS | LISTS | {"ival"}
# A list of these is of the widest kind in it.
_WIDENS = ("i", "f", "c")


def kind_of(value: Any) -> str:
    """The kind of an attribute's value.

    Args:
        value: any value. A bool is an int, and numpy's scalars are arrays.

    Returns:
        A letter, as the module says; `"is"` for an empty list or tuple.

    Example:
        >>> [kind_of(x) for x in (1, [1.0], "mul", np.zeros(2), None)]
        ['i', 'fs', 's', 't', 'ival']
    """
    if isinstance(value, list | tuple):
        return _kind_of_list(value)
    return _kind_of_one(value)


def _kind_of_one(value: Any) -> str:
    # numpy's float64 is a float too, so that arrays are asked for first.
    if isinstance(value, np.generic):
        return "z"
    for kind, types in (("i", int), ("f", float), ("c", complex), ("s", str)):
        if isinstance(value, types):
            return kind
    if isinstance(value, Type):
        return "ty"
    if isinstance(value, jax.Array | np.ndarray):
        return "t" if value.ndim else "z"
    return "g" if _is_graph(value) else "ival"


def _kind_of_list(values: Any) -> str:
    # A named tuple has more to say than its elements.
    if type(values) is not list and type(values) is not tuple:
        return "ival"
    kinds = {_kind_of_one(value) for value in values}
    if not kinds:
        return "is"
    if kinds <= {"t", "z"}:
        return "zs" if kinds == {"z"} else "ts"
    if len(kinds) == 1 and "ival" not in kinds:
        return f"{kinds.pop()}s"
    if kinds <= set(_WIDENS) and all(type(v) is not bool for v in values):
        return max(kinds, key=_WIDENS.index) + "s"
    return "ival"


def check(kind: str, name: str, value: Any) -> Any:
    """The value that the setter of a kind stores.

    Numbers widen (an int is a float for `f`), numpy's scalars and arrays without
    dimensions give their number, and a list is stored as a new list.

    Args:
        kind: one of `KINDS`.
        name: the attribute, for the message.
        value: what the user gave.

    Returns:
        The value.

    Raises:
        AttributeKindError: If the value is not of that kind, or there is no such kind.

    Example:
        >>> check("fs", "scales", (1, 2.5))
        [1.0, 2.5]
    """
    if kind not in KINDS:
        raise AttributeKindError(
            f"attribute {name!r}: there is no kind {kind!r}; the kinds are "
            f"{', '.join(sorted(KINDS))}"
        )
    if kind == "ival":
        return value
    if kind in SCALARS:
        return _convert(kind, name, value, "")
    if not isinstance(value, list | tuple):
        error = _wrong(kind[:-1], name, value, " list", "give a list")
        raise error
    kind = kind[:-1]
    return [_convert(kind, name, v, f"[{i}]") for i, v in enumerate(value)]


def _convert(kind: str, name: str, value: Any, place: str) -> Any:
    if kind in "ifc":
        return _number(kind, name, value, place)
    found = _kind_of_one(value)
    if kind == found or (kind == "t" and found == "z"):
        return value
    if kind in "tz" and isinstance(value, int | float | complex):
        # As a 0-d array of JAX's own dtype for such a number.
        return jax.numpy.asarray(value)
    raise _wrong(kind, name, value, place, "use `ival_` for any other value")


def _number(kind: str, name: str, value: Any, place: str) -> Any:
    number = value
    is_array = isinstance(value, np.generic | np.ndarray | jax.Array)
    if is_array and not isinstance(value, _compat.Tracer) and value.ndim == 0:
        number = value.item()
    found = _kind_of_one(number)
    if found not in _WIDENS or _WIDENS.index(found) > _WIDENS.index(kind):
        raise _wrong(kind, name, value, place, "use `ival_` for any other value")
    if kind == "i":
        return number
    try:
        return float(number) if kind == "f" else complex(number)
    except OverflowError as error:
        raise _wrong(kind, name, value, place, "it is too large") from error


def _wrong(
    kind: str, name: str, value: Any, place: str, way_out: str
) -> AttributeKindError:
    expected = f"a list, each {_MEANING[kind]}" if place == " list" else _MEANING[kind]
    return AttributeKindError(
        f"attribute {name!r}{place.removesuffix(' list')}: expected {expected}, got "
        f"{value!r:.80} ({type(value).__name__}); {way_out}"
    )


def _is_graph(value: Any) -> bool:
    # By name, because the graph's module builds on this one.
    cls = type(value)
    return any(
        c.__name__ == "Graph" and c.__module__.startswith("jaxgrad.graph")
        for c in cls.__mro__
    )
