"""Errors about source, which Python draws with the line and carets under it.

- `script_error`: a ScriptError at a place.
"""

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source._files import line_of
from jaxgrad.graph import SourceRange


def script_error(
    place: SourceRange,
    message: str,
    remedy: str = "",
    *,
    kind: type[ScriptError] = ScriptError,
) -> ScriptError:
    """An error at a place in the user's source.

    Args:
        place: the place.
        message: one sentence that says what is wrong.
        remedy: the way out; it makes a line of its own.
        kind: the class of the error.

    Returns:
        The error, for the caller to raise, with the attributes of a SyntaxError. Their
        columns are counted from 1.

    Example:
        >>> from jaxgrad.graph import SourceRange
        >>> place = SourceRange("model.py", 12, 4, 12, 9)
        >>> error = script_error(place, "'y' is no array")
        >>> error.lineno, error.offset, error.end_offset
        (12, 5, 10)
    """
    text = line_of(place.filename, place.line) or None
    column, end = place.column, place.end_column
    details = (
        place.filename,
        place.line,
        None if column is None else column + 1,
        text,
        place.line if place.end_line is None else place.end_line,
        None if end is None else end + 1,
    )
    return kind(f"{message}\n  {remedy}" if remedy else message, details)
