"""Values of a running transformation that a Function's methods close over.

`forward` and `backward` run at different times, under different transformations, so a
tracer that backward closes over may be dead when backward runs. Therefore such values
are found before the call (`find`), become hidden operands of the application, and the
functions are rebuilt over the values that they have where they run
(`Captured.rebuild`). If one is being differentiated, the rule can't say its gradient,
and `refuse` names it.
"""

import types
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import jax

from jaxgrad.errors import ClosureError
from jaxgrad.function._trees import contains_tracer

_DEPTH = 4  # functions closing over functions closing over functions


class Template:
    """A function without the tracers that it closes over.

    Args:
        function: the function to take apart.
        captured: collects what its cells hold.
        depth: how many functions deep to look for cells.
    """

    def __init__(self, function: Any, captured: "Captured", depth: int) -> None:
        self._bound_to = getattr(function, "__self__", None)
        function = getattr(function, "__func__", function)
        self._code = function.__code__
        self._globals = function.__globals__
        self._name = function.__name__
        self._defaults = function.__defaults__
        self._keyword_defaults = function.__kwdefaults__
        self._attributes = dict(function.__dict__)
        names = self._code.co_freevars
        self._cells = [
            captured.part(name, cell, depth)
            for name, cell in zip(names, function.__closure__ or (), strict=True)
        ]

    def build(self, values: Sequence[Any]) -> Any:
        """The function over `values`, one for each of the `captured.names`."""
        new = types.FunctionType(
            self._code,
            self._globals,
            self._name,
            self._defaults,
            tuple(part(values) for part in self._cells),
        )
        new.__kwdefaults__ = self._keyword_defaults
        new.__dict__.update(self._attributes)
        return new if self._bound_to is None else types.MethodType(new, self._bound_to)


class Captured:
    """The tracers that functions close over, as a flat list.

    Attributes:
        leaves: the arrays in the closure cells, in order.
        names: for each of them, the name of its variable.
        templates: the functions, by the identity of the original.
    """

    def __init__(self, functions: Sequence[Any]) -> None:
        """Take apart the closures of `functions`."""
        self.leaves: list[Any] = []
        self.names: list[str] = []
        self._parts: dict[int, Callable[[Sequence[Any]], Any]] = {}
        self.templates = {
            _identity(f): Template(f, self, _DEPTH) for f in functions if _closure(f)
        }

    def template(self, function: Any) -> Any:
        """The template of `function`; what was not taken apart, as it is."""
        return self.templates.get(_identity(function), function)

    def take(self) -> list[Any]:
        """The captured arrays, which are forgotten: they belong to the call."""
        leaves, self.leaves, self._parts = self.leaves, [], {}
        return leaves

    def part(self, name: str, cell: Any, depth: int) -> Callable[[Sequence[Any]], Any]:
        """How to make one cell again: a function of the captured values."""
        if id(cell) not in self._parts:
            self._parts[id(cell)] = self._part(name, cell, depth)
        return self._parts[id(cell)]

    def _part(self, name: str, cell: Any, depth: int) -> Callable[[Sequence[Any]], Any]:
        content = _content(cell)
        if isinstance(content, types.FunctionType):
            if depth == 1 or not _holds_tracers(content, depth - 1):
                return lambda values: cell
            inner = Template(content, self, depth - 1)
            return lambda values: types.CellType(inner.build(values))
        if callable(content) or not contains_tracer(content):
            return lambda values: cell
        leaves, treedef = jax.tree.flatten(content)
        start = len(self.leaves)
        statics = [_HOLE if isinstance(v, jax.Array) else v for v in leaves]
        found = [leaf for leaf in leaves if isinstance(leaf, jax.Array)]
        self.leaves += found
        self.names += [name] * len(found)

        def make(values: Sequence[Any]) -> Any:
            rest = iter(values[start:])
            filled = [next(rest) if s is _HOLE else s for s in statics]
            return types.CellType(jax.tree.unflatten(treedef, filled))

        return make


_HOLE = object()


def find(functions: Sequence[Any]) -> Captured | None:
    """The tracers that `functions` close over, or None if there are none."""
    if any(_holds_tracers(f, _DEPTH) for f in functions):
        return Captured(functions)
    return None


def _holds_tracers(function: Any, depth: int) -> bool:
    for cell in _closure(function):
        content = _content(cell)
        if isinstance(content, types.FunctionType):
            if depth > 1 and _holds_tracers(content, depth - 1):
                return True
        elif not callable(content) and contains_tracer(content):
            return True
    return False


def contents(functions: Sequence[Any]) -> list[Any]:
    """What `functions` close over, directly; a compiled forward has it baked in."""
    return [_content(cell) for f in functions for cell in _closure(f)]


def _closure(function: Any) -> tuple[Any, ...]:
    return getattr(getattr(function, "__func__", function), "__closure__", None) or ()


def _identity(function: Any) -> int:
    return id(getattr(function, "__func__", function))


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # an empty cell: the variable is not assigned yet
        return None


def refuse(owner: str, names: Sequence[str]) -> NoReturn:
    """Raise: the variables `names` are closed over and are being differentiated."""
    listed = ", ".join(repr(n) for n in dict.fromkeys(names)) or "a value"
    raise ClosureError(
        f"{owner} closes over {listed}, which is being differentiated.\n"
        "  Expected every differentiated value among the arguments of apply: the rule "
        "can't say the gradient of a value that it closes over.\n"
        f"  Pass it as an argument, e.g. {owner}.apply(x, {listed.strip(chr(39))}), "
        "and return its gradient from backward; or use jax.lax.stop_gradient on it."
    )


def holds_tracers(owner: str, names: Sequence[str]) -> ClosureError:
    """The error for global variables `names` that hold values of a transformation."""
    listed = ", ".join(map(repr, dict.fromkeys(names)))
    return ClosureError(
        f"{owner} reads the global variable {listed}, which holds a value of a JAX "
        "transformation.\n"
        "  Expected global variables to hold concrete values; got a tracer, which only "
        "its own transformation can use.\n"
        "  Pass it as an argument of apply, and return its gradient from backward."
    )


def global_tracers(functions: Sequence[Callable[..., Any]]) -> list[str]:
    """The global variables that `functions` read and that hold tracers."""
    found = []
    for function in functions:
        inner = getattr(function, "__func__", function)
        code = getattr(inner, "__code__", None)
        for name in code.co_names if code else ():
            value = inner.__globals__.get(name)
            if value is not None and not callable(value) and contains_tracer(value):
                found.append(name)
    return found
