"""Names for what goes into a trace: arguments, and arrays that a callable captured.

- `argument_names`: a name for each leaf of the arguments.
- `captured_name`, `captured_names`: where a callable holds an array.
- `identifier`: any text as the name of a value.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import jax
import numpy as np

# How far a captured array is looked for, and how many objects are looked at.
_DEEPEST = 8
_MOST = 50_000
_FOREIGN = frozenset({"jax", "jaxlib", "numpy", "jaxgrad"}) | sys.stdlib_module_names
_PLAIN = (int, float, complex, str, bytes, type(None), np.generic, np.dtype)


def identifier(text: str) -> str:
    """`text` as the name of a value: letters, digits and underscores.

    Returns:
        The name; it doesn't begin with a digit.

    Example:
        >>> identifier("params['w']"), identifier("0")
        ('params_w', '_0')
    """
    found = re.sub(r"\W+", "_", text).rstrip("_") or "_"
    return found if re.match(r"[A-Za-z_]", found) else f"_{found}"


def argument_names(
    fn: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> list[str]:
    """A name for each leaf of the arguments of a call `fn(*args, **kwargs)`.

    Args:
        fn: the callable.
        args: its positional arguments, pytrees.
        kwargs: its keyword arguments, pytrees.

    Returns:
        The names, in the order of `jax.tree.leaves((args, kwargs))`.

    Example:
        >>> def layer(x, params, *more):
        ...     return x
        >>> argument_names(layer, (1, {"w": 2, "b": [3, 4]}, 5), {})
        ['x', 'params_b_0', 'params_b_1', 'params_w', 'more_0']
    """
    names = _positional_names(fn, len(args))
    leaves, _ = jax.tree_util.tree_flatten_with_path((tuple(args), dict(kwargs)))
    found = []
    for (place, first, *path), _ in leaves:
        key = _key(first)
        head = names[int(key)] if _key(place) == "0" else key
        found.append(_joined(head, path))
    return found


def _positional_names(fn: Callable[..., Any], count: int) -> list[str]:
    """The names of the parameters that `count` positional arguments are bound to."""
    try:
        parameters = list(inspect.signature(fn).parameters.values())
    except (TypeError, ValueError):  # builtins have none
        parameters = []
    names: list[str] = []
    for parameter in parameters:
        if parameter.kind is parameter.VAR_POSITIONAL:
            rest = max(count - len(names), 0)
            names += [f"{parameter.name}_{i}" for i in range(rest)]
        elif parameter.kind not in (parameter.KEYWORD_ONLY, parameter.VAR_KEYWORD):
            names.append(parameter.name)
    return names[:count] + [f"arg{i}" for i in range(len(names), count)]


def captured_name(fn: Callable[..., Any], array: Any) -> str | None:
    """The name under which a callable holds an array that is no argument of it.

    Looked at are its closure, the globals and module attributes that it reads, its
    defaults, the arguments of partials, the attributes of its object, and the same of
    the functions and objects found there.

    Args:
        fn: the callable.
        array: the array, found by identity.

    Returns:
        The name, `params_w` for an array in a container; None if it was not found.

    Example:
        >>> weights = {"w": jax.numpy.ones(3)}
        >>> captured_name(lambda x: x * weights["w"], weights["w"])
        'weights_w'
    """
    return captured_names(fn, [array]).get(id(array))


def captured_names(fn: Callable[..., Any], arrays: Iterable[Any]) -> dict[int, str]:
    """`captured_name` for several arrays at once, by the `id` of each."""
    wanted = {id(array) for array in arrays}
    found: dict[int, str] = {}
    seen: set[int] = set()
    # What is nearest comes first: (name, object, how far away).
    queue = deque((name, value, 0) for name, value in _contents("", fn, root=True))
    while queue and len(found) < len(wanted) and len(seen) < _MOST:
        name, value, depth = queue.popleft()
        if id(value) in wanted:
            found.setdefault(id(value), identifier(name))
        if id(value) in seen or isinstance(value, _PLAIN):
            continue
        seen.add(id(value))
        if depth < _DEEPEST:
            queue.extend((n, v, depth + 1) for n, v in _contents(name, value))
    return found


def _contents(name: str, value: Any, root: bool = False) -> list[tuple[str, Any]]:
    """What an object holds, named; nothing if it can't be looked into."""
    # Anybody's objects are looked at, whose attributes may raise anything.
    try:
        if root or not _foreign(value):
            return list(_inside(name, value))
    except Exception:
        pass
    return []


def _inside(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, jax.Array | np.ndarray | types.ModuleType):
        return
    if isinstance(value, functools.partial):
        yield from _of_partial(value)
    elif isinstance(value, types.MethodType):
        yield "", value.__self__
        yield name, value.__func__
    elif isinstance(value, types.FunctionType):
        yield from _of_function(value)
    elif isinstance(value, staticmethod | classmethod):
        yield name, value.__func__
    elif isinstance(value, property):
        yield name, value.fget
    elif isinstance(value, type):
        yield from ((_joined(name, [key]), v) for key, v in vars(value).items())
    else:
        yield from _of_object(name, value)


def _of_partial(value: functools.partial[Any]) -> Iterator[tuple[str, Any]]:
    names = _positional_names(value.func, len(value.args))
    yield from zip(names, value.args, strict=True)
    yield from value.keywords.items()
    yield "", value.func


def _of_function(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    code = function.__code__
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield "" if name == "self" else name, cell.cell_contents
        except ValueError:  # the variable is not assigned yet
            continue
    positional = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    yield from zip(positional[len(positional) - len(defaults) :], defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()
    names = _read_names(code)
    for name in names:
        if name not in function.__globals__:
            continue
        value = function.__globals__[name]
        if not isinstance(value, types.ModuleType):
            yield name, value
        elif not _foreign(value):
            members = vars(value)
            yield from ((f"{name}_{n}", members[n]) for n in names if n in members)
    if hasattr(function, "__wrapped__"):
        yield "", function.__wrapped__


def _read_names(code: types.CodeType) -> dict[str, None]:
    """The globals and attributes that code reads, that of its inner functions too."""
    names = dict.fromkeys(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            names |= _read_names(constant)
    return names


def _of_object(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    leaves, _ = jax.tree_util.tree_flatten_with_path(value)
    if len(leaves) != 1 or leaves[0][1] is not value:
        yield from ((_joined(name, path), leaf) for path, leaf in leaves)
    # Static fields hold functions, and objects that are no pytrees hold anything.
    members = getattr(value, "__dict__", None)
    if isinstance(members, dict):
        for key, member in members.items():
            # A wrapper of a function, as `jax.jit` makes it, has no name in the source.
            yield "" if key == "__wrapped__" else _joined(name, [key]), member
    if hasattr(value, "__wrapped__"):
        yield "", value.__wrapped__
    elif callable(value):
        yield "", type(value).__call__


def _foreign(value: Any) -> bool:
    """Whether a function, class or module is of a library without users' arrays."""
    if isinstance(value, types.ModuleType):
        module = value.__name__
    elif isinstance(value, type | types.FunctionType) or hasattr(value, "__wrapped__"):
        module = getattr(value, "__module__", None)
    else:  # an object: a partial, a container, a model, whatever its class is
        return False
    return str(module).partition(".")[0] in _FOREIGN


def _joined(head: str, path: Iterable[Any]) -> str:
    parts = [head, *map(_key, path)]
    return identifier("_".join(part.strip("_") or part for part in parts if part))


def _key(entry: Any) -> str:
    """One step of a path as text: a key, an index or an attribute's name."""
    for attribute in ("key", "idx", "name"):
        found = getattr(entry, attribute, None)
        if found is not None:
            return str(found)
    return str(entry)
