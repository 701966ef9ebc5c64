"""Static arguments that change between forward and backward.

Forward has seen one value, backward would see another, and a compiled backward a third.
So what can change is written down when forward runs (`fingerprints`), and compared when
backward does.
"""

from collections.abc import Sequence
from typing import Any

import jax

from jaxgrad.errors import StaticMutationError
from jaxgrad.function._trees import is_array

_PLAIN = (int, float, complex, str, bytes, bool, type(None), type)
_DEPTH = 3

Watched = Sequence[tuple[str, Any]]


def is_plain(value: Any) -> bool:
    """Whether a static value can't change: a number, a string, a class, a function."""
    return isinstance(value, _PLAIN) or callable(value)


def fingerprint(value: Any, depth: int = _DEPTH) -> Any:
    """What can be compared later to tell whether `value` was changed."""
    if isinstance(value, _PLAIN):
        return value
    if is_plain(value) or depth == 0 or is_array(value):
        return id(value)
    if isinstance(value, set | frozenset):
        return frozenset(fingerprint(v, depth - 1) for v in value)
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, dict):
        return {f"[{k!r}]": fingerprint(v, depth - 1) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return {f"[{i}]": fingerprint(v, depth - 1) for i, v in enumerate(value)}
    attributes = getattr(value, "__dict__", None)
    if attributes is not None:
        return {f".{k}": fingerprint(v, depth - 1) for k, v in attributes.items()}
    return id(value)


def is_static_container(value: Any) -> bool:
    """Whether an argument is a mutable container of static values only."""
    if not isinstance(value, dict | list):
        return False
    leaves = jax.tree.leaves(value)
    return bool(leaves) and not any(is_array(leaf) for leaf in leaves)


def fingerprints(watched: Watched) -> list[Any]:
    """A fingerprint for each of the `watched` (path, value) pairs."""
    return [fingerprint(value) for _, value in watched]


def settled(before: list[Any], watched: Watched, restless: set[int]) -> list[Any]:
    """The fingerprints after forward; what forward itself changed is `restless`.

    A counter or a log that forward writes to is not a mistake, and no later application
    of the same Function makes it one.

    Returns:
        One fingerprint for each of the `watched`, as `fingerprints` gives them.
    """
    after = fingerprints(watched)
    for i, (old, new) in enumerate(zip(before, after, strict=True)):
        if old != new:
            restless.add(i)
    return after


def compare(
    owner: str, watched: Watched, before: Sequence[Any], restless: set[int]
) -> None:
    """Raise if one of the `watched` (path, value) pairs changed since `before`.

    Raises:
        StaticMutationError: naming the class, the argument, and both values.
    """
    for i, ((path, value), old) in enumerate(zip(watched, before, strict=True)):
        new = fingerprint(value)
        if new == old or i in restless:
            continue
        where, was, now = _difference(path, old, new)
        raise StaticMutationError(
            f"{owner}: the static argument {path!r} was changed between forward and "
            "backward.\n"
            f"  Expected {where} = {was}, as forward saw it; got {where} = {now}.\n"
            "  Don't change a static argument before backward has run: pass a copy, or "
            "pass what changes as an array."
        )


def _difference(path: str, old: Any, new: Any) -> tuple[str, str, str]:
    """The first place where two fingerprints differ, and both values there."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *new]:
            if key not in old or key not in new:
                was, now = old.get(key, "(absent)"), new.get(key, "(absent)")
                return path + key, str(was), str(now)
            if old[key] != new[key]:
                return _difference(path + key, old[key], new[key])
    return path, repr(old), repr(new)
