"""`Host`: what the interpreter asks about the world outside the script.

Which functions it follows into the source, and what their globals and closures stand
for. Everything that was asked is a guard: where the answer is another one at the next
call, the program is compiled anew.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from jaxgrad.frontend.script import _marks
from jaxgrad.frontend.script._programs import find, is_library, is_missing, program_of
from jaxgrad.lower.script import Program, _heap
from jaxgrad.lower.script._places import error_at
from jaxgrad.lower.script._values import is_array


class NewRoot(BaseException):
    """A global with arrays in it was met, which has to be an input."""


class Host:
    """The world around one tracing.

    Attributes:
        mode: what is done with errors: "raise", "return" or "ignore".
        guards: what was read: the holder, the name and the value.
        roots: the values of the globals that are inputs, by holder and name.
        strips: whether what calls the host, `print` say, is left out.
    """

    def __init__(
        self,
        mode: str,
        roots: dict[Any, Any],
        wanted: list[Any],
        strips: bool = False,
    ) -> None:
        self.mode, self.roots, self.strips = mode, roots, strips
        self.guards: dict[Any, tuple[Any, str, Any]] = {}
        self.stripped: dict[str, None] = {}  # what was left out, and where
        self._wanted = wanted
        self._kinds: dict[str, Any] = {}

    def strip(self, what: str, place: Any) -> bool:
        """Whether something that calls the host is left out."""
        if self.strips:
            self.stripped[what if place is None else f"{what} at {place.text()}"] = None
        return self.strips

    def resolved(self, kind: str, resolve: Callable[[str], Any]) -> Any:
        """The callable of a kind."""
        found = self._kinds.get(kind)
        if found is None:
            found = self._kinds[kind] = resolve(kind)
        return found

    def lookup(self, session: Any, frame: Any, name: str) -> Any:
        """What a free name of a program stands for."""
        function = frame.function
        value, holder = find(function, name)
        if is_missing(value):
            raise session.error(
                f"the name {name!r} is not defined",
                "define it before the script is called, or import it",
            )
        key = (id(holder), name)
        if key in self.roots:
            return self.roots[key]
        if needs_input(value):
            self._wanted.append((holder, name))
            raise NewRoot
        self.guards[key] = (holder, name, value)
        return value

    def callee(self, session: Any, fn: Any) -> Any:
        """How a function is followed: program, function, defaults, more arguments.

        Returns:
            None if it is called as it is.
        """
        extra: list[Any] = []
        inner = getattr(fn, "_scripted", None)
        if inner is not None and not isinstance(fn, type):
            if "_own_program" in getattr(fn, "__dict__", ()):  # its graph can be edited
                graph = GraphOf(fn)
                self.guards[id(fn), "graph"] = (graph, "graph", graph.now())
                if fn._own_program is not None:
                    own = fn.program
                    return own, fn.function, defaults_of(own, fn.function), extra
            fn, extra = inner()
        outside = _marks.outside_of(fn)
        if outside is not None:
            return outside
        if not isinstance(fn, types.FunctionType):
            return None
        if is_library(fn) and inner is None:
            return None
        if fn.__code__.co_filename == "<string>" and fn.__name__.startswith("__"):
            return None  # what `dataclasses` made
        program = self.program(fn)
        return program, fn, defaults_of(program, fn), extra

    def program(self, fn: Any) -> Program:
        """The program of a function that is followed."""
        return program_of(fn)


class GraphOf:
    """What a guard reads of a script whose graph can be edited."""

    def __init__(self, script: Any) -> None:
        self.script = script

    def now(self) -> Any:
        """Its graph, and how often that was edited; None if nobody asked for it."""
        if self.script._own_program is None:
            return None
        graph = self.script.program.graph
        return graph, graph.version


def defaults_of(program: Program, fn: Any) -> dict[str, Any]:
    """The values of the parameters that may be left out.

    Returns:
        The values, by name.

    Raises:
        error_at: a ScriptError: one is a list, a dict or a set, which every call would
            share.
    """
    if not fn.__defaults__ and not fn.__kwdefaults__:
        return {}
    names = [p.name for p in program.parameters if p.kind.startswith("positional")]
    values = fn.__defaults__ or ()
    found = dict(zip(names[len(names) - len(values) :], values, strict=True))
    found |= fn.__kwdefaults__ or {}
    for name, value in found.items():
        if isinstance(value, list | dict | set):
            origins = program.origins.get(program.graph.block()._param)
            order = [p.name for p in program.parameters]
            raise error_at(
                None if origins is None else origins.places[0][order.index(name)],
                f"the default of {name!r} is a {type(value).__name__}, which all calls "
                "would share",
                "make the default None, and the value inside the function",
            )
    return found


def needs_input(value: Any) -> bool:
    """Whether a global holds arrays, or can be changed, so that it is an input."""
    if is_array(value):
        return True
    if _heap.is_leaf(value) or isinstance(value, _heap.OPAQUE):
        return False
    if getattr(value, "_scripted", None) is not None:
        return False
    return _heap.parts_of(value) is not None and not callable_library(value)


def callable_library(value: Any) -> bool:
    """Whether a value is a callable object of a library, a jitted function say."""
    return callable(value) and hasattr(value, "__wrapped__")


def read(holder: Any, name: str) -> Any:
    """What a guard reads: a cell's content, or a name of a namespace."""
    if isinstance(holder, GraphOf):
        return holder.now()
    if isinstance(holder, types.CellType):
        return holder.cell_contents
    if isinstance(holder, dict):
        return holder.get(name)
    return vars(holder).get(name)
