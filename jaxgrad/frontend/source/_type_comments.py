"""Types that are written in comments, `# type: (int, Tensor) -> Tensor`.

- `signature_types`: those of a function; `comment_type`: that of an assignment.

Python's parser reads them where it is asked to, and refuses them where they can't be.
Here the text of each function is read once more, if it has such a comment.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from typing import Any, NoReturn

from jaxgrad.frontend.source._errors import script_error
from jaxgrad.frontend.source._files import File, file_of
from jaxgrad.graph import SourceRange

_COMMENT = re.compile(r"#\s*type:(?!\s*ignore\b)")
_SHOULD = "write `# type: (int, Tensor) -> Tensor` on the line after the parameters"


@dataclasses.dataclass(frozen=True)
class SignatureTypes:
    """What the comments of a function say.

    Attributes:
        parameters: a type for each of the parameters that are named.
        returns: the type of the result.
    """

    parameters: dict[str, ast.expr]
    returns: ast.expr | None


def signature_types(
    filename: str, node: ast.FunctionDef, *, method: bool = False
) -> SignatureTypes | None:
    """The types that the comments of a function give its parameters and its result.

    Args:
        filename: its file.
        node: the function.
        method: whether the first parameter is `self`, which may be left out.

    Returns:
        The types, None where there is no comment. A ScriptError if the comments can't
        be read, or don't fit the parameters.
    """
    found = _reread(filename, node)
    if found is None:
        return None
    arguments = found.args
    every = arguments.posonlyargs + arguments.args + arguments.kwonlyargs
    own = {a.arg: a.type_comment for a in every if a.type_comment}
    if not found.type_comment and not own:
        return None
    place = _place(filename, node)
    split = _parse(place, found.type_comment) if found.type_comment else None
    if split is not None and not own and not _is_dots(split.argtypes):
        types = _in_order(place, split, [a.arg for a in every], method)
    elif split is not None and _is_dots(split.argtypes):
        types = {name: _expression(place, text) for name, text in own.items()}
    else:
        _refuse_alone(place)
    types = {name: _at(type_, node) for name, type_ in types.items()}
    return SignatureTypes(types, _at(split.returns, node))


def _refuse_alone(place: SourceRange) -> NoReturn:
    message = "the return type line '# type: (...) -> ...' is missing beside the types"
    raise script_error(place, f"{message} of single parameters", _SHOULD)


def _in_order(
    place: SourceRange, split: ast.FunctionType, names: list[str], method: bool
) -> dict[str, ast.expr]:
    """The types of `# type: (int, Tensor) -> ...`, by the names of the parameters."""
    given = split.argtypes
    if method and len(given) == len(names) - 1:
        names = names[1:]
    if len(given) != len(names):
        message = (
            f"the type comment has {len(given)} types for {len(names)} parameters "
            f"({', '.join(names)})"
        )
        raise script_error(place, message, _SHOULD)
    return dict(zip(names, given, strict=True))


def comment_type(filename: str, node: ast.Assign) -> ast.expr | None:
    """The type in the comment after an assignment, None without one.

    Args:
        filename: its file.
        node: the assignment.

    Returns:
        The type.

    Raises:
        ScriptError: the comment can't be read.
    """
    file = file_of(filename)
    line = node.end_lineno or node.lineno
    if file is None or not 0 < line <= len(file.lines):
        return None
    rest = file.lines[line - 1].encode()[node.end_col_offset or 0 :].decode()
    match = re.match(r"\s*#\s*type:(?!\s*ignore\b)([^#]*)", rest)
    if match is None:
        return None
    return _at(_expression(_place(filename, node), match[1].strip()), node)


def _reread(filename: str, node: ast.FunctionDef) -> ast.FunctionDef | None:
    """A function with its comments, None if it has none."""
    file = file_of(filename)
    if file is None:
        return None
    last = node.end_lineno or node.lineno
    if not any(_COMMENT.search(line) for line in file.lines[node.lineno - 1 : last]):
        return None
    text = _text(file, node, last)
    try:
        module = ast.parse(text, type_comments=True)
    except SyntaxError as error:
        place = _place(filename, node)
        line = (error.lineno or 1) + node.lineno - 2
        shown = file.lines[line - 1].strip() if line <= len(file.lines) else ""
        # Where a comment stands in the wrong place, so does a comment on its own line.
        where = dataclasses.replace(place, line=line, end_line=line, column=None)
        where = dataclasses.replace(where, end_column=None)
        message = f"no type comment can stand here: {shown}"
        raise script_error(where, message, _SHOULD) from None
    return next(n for n in ast.walk(module) if isinstance(n, ast.FunctionDef))


def _text(file: File, node: ast.FunctionDef, last: int) -> str:
    """The lines of a function, from `def` on, as a program of its own."""
    lines = file.lines[node.lineno - 1 : last]
    head = lines[0].encode()[: node.col_offset].decode()
    if head.strip():  # something stands before it, as in `if a: def ...`
        lines[0] = lines[0][len(head) :]
        head = ""
    return "\n".join(["if 1:" if head else "", *lines]) + "\n"


def _parse(place: SourceRange, text: str) -> ast.FunctionType:
    try:
        parsed: Any = ast.parse(text, mode="func_type")
    except SyntaxError:
        message = f"the type comment {text!r} is no signature"
        raise script_error(place, message, _SHOULD) from None
    return parsed


def _expression(place: SourceRange, text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        message = f"the type comment {text!r} is no type"
        raise script_error(place, message, "write a type, as List[int]") from None


def _is_dots(types: list[ast.expr]) -> bool:
    return (
        len(types) == 1
        and isinstance(types[0], ast.Constant)
        and types[0].value is Ellipsis
    )


def _place(filename: str, node: ast.FunctionDef | ast.Assign) -> SourceRange:
    """The line of a definition, or of an assignment."""
    name = node.name if isinstance(node, ast.FunctionDef) else ""
    return SourceRange(filename, node.lineno, function=name)


def _at(type_: ast.expr, node: ast.stmt) -> ast.expr:
    """A type that stands, as all of its parts do, where its statement begins."""
    for part in ast.walk(type_):
        if isinstance(part, ast.expr):
            part.lineno = part.end_lineno = node.lineno
            part.col_offset = part.end_col_offset = node.col_offset
    return type_
