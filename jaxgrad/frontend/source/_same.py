"""Whether compiled code is what a piece of source compiles to.

- `same_code`: strictly, or with what import hooks may add.
- `places`: the positions that code has in its file.
"""

from importlib.machinery import SourceFileLoader
from types import CodeType
from typing import Any


def same_code(code: CodeType, other: CodeType) -> bool:
    """Whether two pieces of code do the same; where they stand doesn't matter."""
    if code.co_code != other.co_code or code.co_names != other.co_names:
        return False
    if code.co_varnames != other.co_varnames or code.co_freevars != other.co_freevars:
        return False
    if len(code.co_consts) != len(other.co_consts):
        return False
    pairs = zip(code.co_consts, other.co_consts, strict=True)
    return all(_same_constant(one, two) for one, two in pairs)


def _same_constant(one: Any, two: Any) -> bool:
    if isinstance(one, CodeType) and isinstance(two, CodeType):
        return same_code(one, two)
    # By their text: NaN equals nothing, and 1 equals True and 1.0.
    return type(one) is type(two) and (one == two or repr(one) == repr(two))


def is_rewritten(namespace: dict[str, Any]) -> bool:
    """Whether an import hook may have changed a module before it was compiled."""
    loader = getattr(namespace.get("__spec__"), "loader", None)
    loader = loader or namespace.get("__loader__")
    return loader is not None and type(loader) is not SourceFileLoader


def contains_code(code: CodeType, other: CodeType) -> bool:
    """Whether code has what other code has, and perhaps what a hook added to it."""
    # Hooks rewrite asserts, as that of pytest does, and add checks of types. Constants
    # that plain compilation folds (-1, 2 * 3) may be in parts there.
    count = other.co_argcount + other.co_kwonlyargcount
    return (
        code.co_varnames[:count] == other.co_varnames[:count]
        and set(other.co_names) - {"AssertionError"} <= set(code.co_names)
        and set(other.co_varnames) <= set(code.co_varnames)
        and set(_texts(other)) <= set(_texts(code))
    )


def _texts(code: CodeType) -> list[str]:
    return [c for c in code.co_consts if isinstance(c, str)]


def places(code: CodeType) -> set[tuple[int, int, int, int]]:
    """The positions of the instructions of code that have one, columns in bytes."""
    found: set[tuple[int, int, int, int]] = set()
    for line, end_line, column, end_column in code.co_positions():
        if None in (line, end_line, column, end_column):
            continue
        place = (line, column, end_line, end_column)
        if place[:2] != place[2:]:  # what belongs to no text, as entering the function
            found.add(place)  # type: ignore[arg-type]
    return found
