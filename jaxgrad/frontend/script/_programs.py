"""The programs of live functions, and what their names stand for.

- `program_of`: a function's program; made once, and again if a name that it took for a
  library function stands for something else by now.
- `is_library`: whether a function is called as it is.
"""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import sys
import sysconfig
import threading
import types
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxgrad.frontend.emit import emit
from jaxgrad.frontend.source import check, file_of, range_of, source_of
from jaxgrad.graph._callables import resolve
from jaxgrad.lower.script import Program

_MISSING = object()
_HOME = str(Path(__file__).parents[2])
_PLACES = tuple(
    {
        str(Path(sysconfig.get_paths()[key]).resolve())
        for key in ("stdlib", "platstdlib", "purelib", "platlib")
    }
)
_lock = threading.RLock()
_programs: weakref.WeakKeyDictionary[Any, Any] = weakref.WeakKeyDictionary()
_by_code: dict[Any, tuple[Program, dict[str, Any]]] = {}


@functools.lru_cache(maxsize=4096)
def _is_library_file(filename: str) -> bool:
    if filename.startswith("<frozen"):
        return True
    path = filename if filename.startswith("<") else str(Path(filename).resolve())
    inside = "site-packages" in path or "dist-packages" in path
    return inside or path.startswith((*_PLACES, _HOME + "/"))


def is_library(function: Any) -> bool:
    """Whether a Python function belongs to a library, and is called as it is."""
    return _is_library_file(function.__code__.co_filename)


def find(function: Any, name: str) -> tuple[Any, Any]:
    """What a name of a function's scope stands for, and what holds it.

    Returns:
        The value, `_MISSING` if there is none; and the cell or the dict.
    """
    code = function.__code__
    if name in code.co_freevars:
        cell = function.__closure__[code.co_freevars.index(name)]
        try:
            return cell.cell_contents, cell
        except ValueError:
            return _MISSING, cell
    if name in function.__globals__:
        return function.__globals__[name], function.__globals__
    return vars(builtins).get(name, _MISSING), builtins


def is_missing(value: Any) -> bool:
    """Whether a name stands for nothing."""
    return value is _MISSING


def program_of(function: Any, owner: str = "") -> Program:
    """The program of a function.

    Returns:
        It; the same one as long as nothing changed.

    Raises:
        ScriptError: its source can't be found, or can't be compiled.
    """
    with _lock:
        cached = _by_code.get(function.__code__)
        if cached is not None:
            program, guards = cached
            if all(find(function, n)[0] is v for n, v in guards.items()):
                return program
        program, guards = _emitted(function, owner)
        _by_code[function.__code__] = program, guards
        return program


def fresh_program(function: Any) -> Program:
    """A program of a function that nobody else has, so that it may be edited."""
    return _emitted(function, "")[0]


def _emitted(function: Any, owner: str) -> tuple[Program, dict[str, Any]]:
    guards: dict[str, Any] = {}
    source = source_of(function, unwrap=False)
    check(source)
    if not owner:
        owner = _owner(function)
    filename, label = source.filename, source.name
    file = file_of(filename)
    program = emit(
        source,
        lambda node: range_of(filename, node, label, file),
        functools.partial(_known, function, guards),
        owner=owner,
    )
    return program, guards


def _owner(function: Any) -> str:
    """The class that a method is defined in, as Python mangles private names."""
    path = function.__qualname__.split(".")
    return path[-2] if len(path) > 1 and path[-2] != "<locals>" else ""


def _known(function: Any, guards: dict[str, Any], node: ast.expr) -> Any:
    """What library function, or Function, an expression names."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    root, _ = find(function, node.id)
    if root is _MISSING:
        return None
    found, owner = root, None
    for name in names:
        owner = found
        found = _static(found, name)
        if found is _MISSING:
            return None
    if _is_application(owner, names):
        guards[node.id] = root
        return "function", owner
    path = _path(root, names, found)
    if path is None:
        return None
    guards[node.id] = root
    return "library", path


def _is_application(owner: Any, names: list[str]) -> bool:
    from jaxgrad.function import Function

    return (
        isinstance(owner, type)
        and issubclass(owner, Function)
        and bool(names)
        and names[-1] == "apply"
    )


def _static(owner: Any, name: str) -> Any:
    if isinstance(owner, types.ModuleType):
        return vars(owner).get(name, _MISSING)
    if not isinstance(owner, type):
        return _MISSING
    found = inspect.getattr_static(owner, name, _MISSING)
    if isinstance(found, classmethod | staticmethod):
        return found.__get__(None, owner)
    return found


def _path(root: Any, names: list[str], found: Any) -> str | None:
    """The path under which a node can find a library function again."""
    if not callable(found) or not _is_librarys(found):
        return None
    if isinstance(root, types.ModuleType) and names:
        path = ".".join([root.__name__, *names])
    else:
        module = getattr(found, "__module__", None) or ""
        path = f"{module}.{getattr(found, '__qualname__', '')}"
    try:
        return path if resolve(f"py::{path}") is found else None
    except Exception:
        return None


def _is_librarys(found: Any) -> bool:
    if isinstance(found, types.FunctionType):
        return is_library(found) and not found.__module__.startswith("jaxgrad.")
    package = str(getattr(found, "__module__", None)).partition(".")[0]
    if isinstance(found, type):
        return package in sys.stdlib_module_names or package in _NUMERIC
    return package in sys.stdlib_module_names or package in _NUMERIC


_NUMERIC = frozenset({"jax", "jaxlib", "numpy", "ml_dtypes", "optax", "scipy"})
Resolver = Callable[[str], Any]
