"""Arrays inside values that JAX can't look into: functions, objects, partials.

JAX sees the arrays in pytrees. A function that closes over an array, a bound method of
an object that holds one, a `functools.partial`: to JAX these are constants, and the
arrays in them would lose their derivative, or outlive the transformation that they
belong to.

- `Parts(values, wanted)`: takes such values apart; its `leaves` are the arrays found,
  and its templates make each value again over other arrays.
"""

import collections
import copy
import functools
import types
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

_DEPTH = 5  # objects in objects, functions over functions
_HOLE = object()

Build = Callable[[Sequence[Any]], Any]
# Never taken apart: they hold no arrays of a call, or would take the world with them.
_WHOLE = (type, types.ModuleType, types.BuiltinFunctionType, np.ndarray, np.generic)
_SIMPLE = frozenset({int, float, complex, bool, str, bytes, type(None)})


class Template:
    """A value without the arrays that were found in it."""

    __slots__ = ("build",)

    def __init__(self, build: Build) -> None:
        """`build` makes the value again over arrays, one for each of `Parts.names`."""
        self.build = build


class Parts:
    """What was found in some values.

    Attributes:
        leaves: the arrays, in order.
        names: for each of them, where it was: `w`, or `f.__self__.w`.
        templates: the values in which something was found, by `identity`.
    """

    def __init__(
        self, values: Sequence[tuple[str, Any]], wanted: Callable[[Any], bool]
    ) -> None:
        """Take apart `values`, given with names; keep the leaves that are `wanted`."""
        self.leaves: list[Any] = []
        self.names: list[str] = []
        self._wanted = wanted
        self._open: set[int] = set()
        self.templates: dict[int, Template] = {}
        for name, value in values:
            build = self._value(name, value, _DEPTH)
            if build is not None:
                self.templates[identity(value)] = Template(build)
        del self._open

    def template(self, value: Any) -> Any:
        """The template of `value`; a value in which nothing was found, as it is."""
        return self.templates.get(identity(value), value)

    def take(self) -> list[Any]:
        """The arrays, which are forgotten here: they belong to the call."""
        leaves, self.leaves = self.leaves, []
        return leaves

    def _value(self, name: str, value: Any, depth: int) -> Build | None:
        """How to make a value that is no pytree again; None if nothing is in it."""
        if type(value) in _SIMPLE or isinstance(value, _WHOLE) or not depth:
            return None
        if id(value) in self._open:  # it holds itself
            return None
        self._open.add(id(value))
        try:
            return self._taken(name, value, depth - 1)
        finally:
            self._open.discard(id(value))

    def _taken(self, name: str, value: Any, depth: int) -> Build | None:
        if isinstance(value, types.FunctionType):
            return self._function(name, value, depth)
        if isinstance(value, types.MethodType):
            parts = (value.__func__, value.__self__)
            return self._rebuilt(
                (f"{name}.__func__", f"{name}.__self__"), parts, types.MethodType, depth
            )
        if isinstance(value, functools.partial):
            parts = (value.func, value.args, value.keywords)
            names = tuple(f"{name}.{part}" for part in ("func", "args", "keywords"))
            return self._rebuilt(
                names, parts, lambda f, a, k: functools.partial(f, *a, **k), depth
            )
        if isinstance(value, collections.deque):
            size = value.maxlen
            return self._rebuilt(
                (name,), (list(value),), lambda v: collections.deque(v, size), depth
            )
        wrapped = getattr(value, "__wrapped__", None)
        if callable(wrapped):  # under jax.jit, which is left out where it is rebuilt
            return self._value(name, wrapped, depth)
        return self._object(name, value, depth)

    def _object(self, name: str, value: Any, depth: int) -> Build | None:
        attributes = getattr(value, "__dict__", None)
        if not isinstance(attributes, dict) or not attributes:
            return None
        build = self._rebuilt(
            tuple(f"{name}.{key}" for key in attributes),
            tuple(attributes.values()),
            lambda *parts: parts,
            depth,
        )
        if build is None:
            return None
        keys, empty = tuple(attributes), copy.copy(value)
        empty.__dict__.clear()

        def filled(arrays: Sequence[Any]) -> Any:
            new = copy.copy(empty)
            new.__dict__.update(zip(keys, build(arrays), strict=True))
            return new

        return filled

    def _function(self, name: str, function: Any, depth: int) -> Build | None:
        cells = function.__closure__ or ()
        free = function.__code__.co_freevars
        builds = [
            self._tree(variable, _content(cell), depth)
            for variable, cell in zip(free, cells, strict=True)
        ]
        defaults = (function.__defaults__, function.__kwdefaults__)
        defaults_build = self._tree(f"{name}.__defaults__", defaults, depth)
        if defaults_build is None and all(build is None for build in builds):
            return None
        code, scope = function.__code__, function.__globals__
        short, attributes = function.__name__, dict(function.__dict__)
        # A cell in which nothing was found stays the same cell.
        kept = [
            cell if build is None else None
            for cell, build in zip(cells, builds, strict=True)
        ]
        if defaults_build is not None:
            defaults = (None, None)

        def made(arrays: Sequence[Any]) -> Any:
            closure: tuple[Any, ...] = tuple(
                types.CellType(build(arrays)) if build is not None else cell
                for cell, build in zip(kept, builds, strict=True)
            )
            plain, keyword = defaults_build(arrays) if defaults_build else defaults
            new = types.FunctionType(code, scope, short, plain, closure)
            new.__kwdefaults__ = keyword
            new.__dict__.update(attributes)
            return new

        return made

    def _rebuilt(
        self,
        names: tuple[str, ...],
        parts: tuple[Any, ...],
        make: Callable[..., Any],
        depth: int,
    ) -> Build | None:
        """`make` over `parts`, if something is in one of them."""
        builds = [
            self._tree(name, part, depth)
            for name, part in zip(names, parts, strict=True)
        ]
        if all(build is None for build in builds):
            return None
        whole = [
            part if build is None else _HOLE
            for build, part in zip(builds, parts, strict=True)
        ]

        def made(arrays: Sequence[Any]) -> Any:
            return make(
                *(
                    part if build is None else build(arrays)
                    for build, part in zip(builds, whole, strict=True)
                )
            )

        return made

    def _tree(self, name: str, tree: Any, depth: int) -> Build | None:
        """The same for a pytree, whose leaves may be values of any kind."""
        if type(tree) in _SIMPLE:
            return None
        try:
            leaves, treedef = jax.tree.flatten(tree)
        except (TypeError, ValueError):  # a dict whose keys can't be sorted
            return None
        builds: list[Build | None] = []
        for leaf in leaves:
            if self._wanted(leaf):
                builds.append(self._array(name, leaf))
            else:
                builds.append(self._value(name, leaf, depth))
        if all(build is None for build in builds):
            return None
        whole = [
            leaf if build is None else _HOLE
            for build, leaf in zip(builds, leaves, strict=True)
        ]

        def made(arrays: Sequence[Any]) -> Any:
            filled = [
                leaf if build is None else build(arrays)
                for build, leaf in zip(builds, whole, strict=True)
            ]
            return jax.tree.unflatten(treedef, filled)

        return made

    def _array(self, name: str, array: Any) -> Build:
        position = len(self.leaves)
        self.leaves.append(array)
        self.names.append(name)
        return lambda arrays: arrays[position]


def collected(value: Any, depth: int = _DEPTH) -> set[int]:
    """The ids of the arrays that a function or object holds in lists."""
    # A hook may collect what it sees in a list, which must stay the same list.
    if not depth or type(value) in _SIMPLE or isinstance(value, _WHOLE):
        return set()
    if isinstance(value, list | collections.deque):
        leaves = jax.tree.leaves(list(value))
        return {id(leaf) for leaf in leaves if isinstance(leaf, jax.Array)}
    parts: list[Any] = []
    if isinstance(value, types.FunctionType):
        parts += [_content(cell) for cell in value.__closure__ or ()]
        parts += [value.__defaults__, value.__kwdefaults__]
    elif isinstance(value, types.MethodType):
        parts += [value.__func__, value.__self__]
    elif isinstance(value, functools.partial):
        parts += [value.func, value.args, value.keywords]
    elif isinstance(value, tuple):
        parts += value
    elif isinstance(value, dict):
        parts += value.values()
    elif not isinstance(value, jax.Array):
        parts += getattr(value, "__dict__", {}).values()
    return set().union(*(collected(part, depth - 1) for part in parts))


def identity(value: Any) -> int:
    """What tells values apart; a class method is made anew each time it is read."""
    if isinstance(value, types.MethodType) and isinstance(value.__self__, type):
        return id(value.__func__)
    return id(value)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # an empty cell: the variable is not assigned yet
        return None
