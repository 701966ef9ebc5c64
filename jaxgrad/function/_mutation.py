"""Static arguments that change between forward and backward.

Forward has seen one value, backward would see another, and a compiled backward a third. So what
can change is written down when forward runs (`fingerprints`), and compared when backward does.
"""

from collections.abc import Sequence
from typing import Any

import jax

from jaxgrad.errors import StaticMutationError
from jaxgrad.function._trees import is_array

_PLAIN = (int, float, complex, str, bytes, bool, type(None), type)
_DEPTH = 3


def is_plain(value: Any) -> bool:
    """Whether a static value can't change: a number, a string, a class, a function."""
    return isinstance(value, _PLAIN) or callable(value)


def fingerprint(value: Any, depth: int = _DEPTH) -> Any:
    """What can be compared later to tell whether `value` was changed."""
    if is_plain(value) or depth == 0:
        return value if isinstance(value, _PLAIN) else id(value)
    if is_array(value):
        return id(value)
    if isinstance(value, set | frozenset):
        return type(value), frozenset(fingerprint(v, depth - 1) for v in value)
    if isinstance(value, bytearray):
        return type(value), bytes(value)
    if isinstance(value, dict):
        items = ((repr(k), fingerprint(v, depth - 1)) for k, v in value.items())
        return type(value), tuple(items)
    if isinstance(value, list | tuple):
        return type(value), tuple(fingerprint(v, depth - 1) for v in value)
    attributes = getattr(value, "__dict__", None)
    if attributes is not None:
        return id(value), fingerprint(dict(attributes), depth - 1)
    return id(value)


def is_static_container(value: Any) -> bool:
    """Whether an argument is a mutable container of static values only."""
    if not isinstance(value, dict | list):
        return False
    leaves = jax.tree.leaves(value)
    return bool(leaves) and not any(is_array(leaf) for leaf in leaves)


def compare(
    owner: str, watched: Sequence[tuple[str, Any]], before: Sequence[Any]
) -> None:
    """Raise if one of the `watched` (path, value) pairs changed since `before`.

    Raises:
        StaticMutationError: naming the class, the argument, and both values.
    """
    for (path, value), old in zip(watched, before, strict=True):
        new = fingerprint(value)
        if new != old:
            raise StaticMutationError(
                f"{owner}: the static argument {path!r} was changed between forward and "
                "backward.\n"
                f"  Expected {old!r}, as forward saw it;\n"
                f"  got      {new!r}.\n"
                "  Don't change a static argument before backward has run: pass a copy, or "
                "pass what changes as an array."
            )
