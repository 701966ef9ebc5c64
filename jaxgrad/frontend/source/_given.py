"""Source that comes as a string.

- `parse_text`: its tree, and a name under which errors and `inspect` find its lines.
"""

import ast
import itertools
import linecache
import os

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source._files import split_lines

_numbers = itertools.count(1)
_names: dict[str, str] = {}


def parse_text(text: str, filename: str | None = None) -> tuple[ast.Module, str]:
    r"""Parse source that comes as a string.

    The indentation of its first line is taken from all lines. The lines are registered,
    so that errors, tracebacks and `inspect` show them.

    Args:
        text: the source.
        filename: the name to register it under. By default a new one for each new text.

    Returns:
        The tree, and the filename.

    Raises:
        ScriptError: the text isn't Python.

    Example:
        >>> module, filename = parse_text("    def f(x):\n        return x\n")
        >>> module.body[0].name, module.body[0].col_offset
        ('f', 0)
    """
    if not isinstance(text, str):
        got = type(text).__name__
        raise ScriptError(f"source is a string, but this is of type {got}")
    text = _dedent(text)
    if filename is None:
        filename = _names.get(text) or f"<jaxgrad script {next(_numbers)}>"
        filename = _names.setdefault(text, filename)
    if not os.path.exists(filename):
        lines = [line + "\n" for line in text.removesuffix("\n").split("\n")]
        linecache.cache[filename] = len(text), None, lines, filename
    try:
        return ast.parse(text, filename), filename
    except SyntaxError as error:
        message = f"the source isn't Python: {error.msg}"
        start, end = (error.lineno, error.offset), (error.end_lineno, error.end_offset)
        place = (*start, error.text, *end)
        raise ScriptError(message, (filename, *place)) from None
    except ValueError as error:  # null bytes
        raise ScriptError(f"the source isn't Python: {error}") from None


def _dedent(text: str) -> str:
    """Take the indentation of the first statement from the lines that have it."""
    lines = split_lines(text)
    code = (line for line in lines if line.strip() and line.lstrip()[0] != "#")
    first = next(code, "")
    margin = first[: len(first) - len(first.lstrip())]
    return "\n".join(line.removeprefix(margin) for line in lines)
