"""The source of classes.

- `find_class`: the file and the definition of a class.

Before Python 3.13 a class doesn't say where it was defined: its own methods do, and its
qualified name where it has none.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator
from types import FunctionType
from typing import Any

from jaxgrad.frontend.source._errors import script_error
from jaxgrad.frontend.source._files import File, file_of, first_line
from jaxgrad.graph import SourceRange


def find_class(cls: type) -> tuple[File, ast.ClassDef] | None:
    """The file and the definition of a class.

    Args:
        cls: the class.

    Returns:
        Both; None where there is no source.

    Raises:
        ScriptError: several definitions fit.
    """
    for filename, namespace, known in _filenames(cls):
        for fresh in (False, True):
            file = file_of(filename, namespace, fresh=fresh)
            nodes = [] if file is None else _definitions(cls, file)
            if not known:
                nodes = [node for node in nodes if _is_alike(cls, node)]
            if file is not None and nodes:
                return file, _only(cls, file, nodes)
    return None


def _methods(cls: type) -> Iterator[FunctionType]:
    """The functions that were defined in the body of the class."""
    for value in vars(cls).values():
        parts = (value, getattr(value, "__func__", None), getattr(value, "fget", None))
        for part in parts:
            part = getattr(part, "__wrapped__", part)
            if isinstance(part, FunctionType):
                qualname = part.__code__.co_qualname
                if qualname == f"{cls.__qualname__}.{part.__code__.co_name}":
                    yield part


def _filenames(cls: type) -> Iterator[tuple[str, dict[str, Any] | None, bool]]:
    """Where a class may stand: a file, its globals, and whether it is its own file."""
    module = sys.modules.get(cls.__module__)
    namespace = None if module is None else vars(module)
    seen: set[str] = set()
    for method in _methods(cls):
        filename = method.__code__.co_filename
        if filename not in seen:
            seen.add(filename)
            yield filename, method.__globals__, True
    own = getattr(module, "__file__", None)
    if seen:
        return
    if own:
        yield own, namespace, True
    # Text that is in no file, the latest first: cells of a notebook, given strings.
    for filename, entry in reversed(linecache.cache.copy().items()):
        if len(entry) == 4 and entry[1] is None:
            yield filename, namespace, False


def _definitions(cls: type, file: File) -> list[ast.ClassDef]:
    nodes = [
        node
        for node in _named(file.tree, cls.__qualname__.split("."))
        if _fits(cls, node)
    ]
    line = vars(cls).get("__firstlineno__")
    if line is not None and any(first_line(node) == line for node in nodes):
        return [node for node in nodes if first_line(node) == line]
    lines = {
        m.__code__.co_firstlineno
        for m in _methods(cls)
        if m.__code__.co_filename == file.filename
    }
    around = [
        node
        for node in nodes
        if lines and all(node.lineno <= n <= (node.end_lineno or n) for n in lines)
    ]
    return around or ([] if lines else nodes)


def _named(scope: ast.AST | None, path: list[str]) -> Iterator[ast.ClassDef]:
    """The classes of a qualified name, in the order of the file."""
    if scope is None or not path:
        return
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name != path[0]:
                continue
            if isinstance(node, ast.ClassDef):
                if len(path) == 1:
                    yield node
                yield from _named(node, path[1:])
            elif path[1:2] == ["<locals>"]:
                yield from _named(node, path[2:])
        elif isinstance(node, ast.stmt | ast.excepthandler | ast.match_case):
            yield from _named(node, path)


def _fits(cls: type, node: ast.ClassDef) -> bool:
    """Whether a class has the methods of a definition."""
    for part in node.body:
        if not isinstance(part, ast.FunctionDef) or part.decorator_list:
            continue
        if _mangled(part.name, cls) not in vars(cls):
            return False
    return True


def _is_alike(cls: type, node: ast.ClassDef) -> bool:
    """Whether a class has just the names of a definition that may be another's."""
    names, annotated = set(), set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            names.add(part.id)
        elif isinstance(part, ast.FunctionDef | ast.ClassDef):
            names.add(part.name)
    for part in node.body:
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name):
            annotated.add(part.target.id)
    own = {name for name in vars(cls) if not name.startswith("_")}
    names = {name for name in names if not name.startswith("_")}
    try:
        same = set(cls.__annotations__) == annotated
    except (AttributeError, NameError):  # a name in one isn't defined yet
        same = True
    same = same and vars(cls).get("__firstlineno__", first_line(node)) == first_line(
        node
    )
    return same and own <= names <= own | annotated | {node.name}


def _mangled(name: str, cls: type) -> str:
    private = name.startswith("__") and not name.endswith("__")
    return f"_{cls.__name__.lstrip('_')}{name}" if private else name


def _only(cls: type, file: File, nodes: list[ast.ClassDef]) -> ast.ClassDef:
    if len(nodes) == 1:
        return nodes[0]
    names = [{*_assigned(node)} for node in nodes]
    best = [n for n, own in zip(nodes, names, strict=True) if own <= set(vars(cls))]
    if len(best) == 1:
        return best[0]
    place = SourceRange(file.filename, first_line(nodes[-1]))
    lines = ", ".join(str(first_line(node)) for node in nodes)
    message = f"the class {cls.__qualname__} may be any of those on lines {lines}"
    raise script_error(place, message, "give them different names")


def _assigned(node: ast.ClassDef) -> Iterator[str]:
    for part in node.body:
        if isinstance(part, ast.Assign):
            yield from (t.id for t in part.targets if isinstance(t, ast.Name))
        elif isinstance(part, ast.AnnAssign) and part.value is not None:
            yield from (t.id for t in [part.target] if isinstance(t, ast.Name))
