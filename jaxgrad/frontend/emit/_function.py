"""The graph of one function: its parameters, its cells, its body, what it returns."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from jaxgrad.frontend.emit._emitter import RETURNED, STATUS, Emitter
from jaxgrad.frontend.emit._expressions import expression
from jaxgrad.frontend.emit._flow import EXITS, Ending, endings
from jaxgrad.frontend.emit._names import free_names, parameters
from jaxgrad.frontend.emit._statements import block
from jaxgrad.frontend.emit._syntax import text_name
from jaxgrad.graph import Block, SourceRange, Value, types
from jaxgrad.lower.script import Parameter, Program
from jaxgrad.lower.script._program import Origins

# What nobody needs unless it has uses: it does nothing by itself.
_IDLE = frozenset({"prim::Constant", "prim::Uninitialized", "prim::Reached"})
_KNOWN_TYPES = {
    "bool": types.BoolType.get(),
    "complex": types.ComplexType.get(),
    "float": types.FloatType.get(),
    "int": types.IntType.get(),
    "str": types.StringType.get(),
}


class FunctionEmitter(Emitter):
    """An emitter that knows how every piece of a function is emitted."""

    def expression(self, node: ast.expr, truth: bool = False) -> Value:
        """Emit an expression, of which perhaps only the truth is asked for."""
        return expression(self, node, truth)

    def block(self, statements: Sequence[ast.stmt]) -> None:
        """Emit statements that run in order."""
        block(self, statements)

    def nested(self, function: ast.FunctionDef | ast.Lambda) -> Program:
        """The program of a function that is defined inside this one."""
        around = self.around | self.scope.locals | set(self.renamed)
        cells = self.cells - set(self.renamed)
        cells |= {n for n, own in self.renamed.items() if own in self.cells}
        given = frozenset(around), frozenset(cells), self.owner
        return FunctionEmitter(function, self.places, self.known, *given).run()

    def run(self) -> Program:
        """Emit the function.

        Returns:
            Its graph, and how it is called.
        """
        function = self.function
        self.at(function)
        captures = self._bind_inputs()
        if isinstance(function, ast.Lambda):
            result = self.expression(function.body)
        else:
            result = self._body(function.body)
        self.graph.register_output(result)
        _tidy(self.graph.block())
        return Program(
            graph=self.graph,
            name=getattr(function, "name", "<lambda>"),
            parameters=tuple(_parameters(function.args)),
            captures=captures,
            place=self.places(function),
            owner=self.owner,
            origins=self.origins,
        )

    def _bind_inputs(self) -> tuple[str, ...]:
        """Make the inputs, and the cells; the names of what is captured."""
        captures = tuple(sorted(free_names(self.function) & self.around))
        for name in captures:
            self.env[name] = self._input(name)
        self.scope.locals |= set(captures)
        annotated = _annotations(self.function.args)
        places = tuple(map(self._place_of, parameters(self.function)))
        self.origins[self.graph.block()._param] = Origins((places,))
        for name in parameters(self.function):
            self.env[name] = self._input(name)
            self.bound[name, self.env[name]] = self._place_of(name)
            if name in annotated:
                self.env[name]._type = annotated[name]
        for name in sorted(self.scope.cells):
            given = self.env.get(name) or self.uninitialized(name)
            self.env[name] = self.value("prim::CellCreate", given, name=name)
        return captures

    def _place_of(self, parameter: str) -> SourceRange:
        parts = ast.walk(self.function.args)
        found = (p for p in parts if isinstance(p, ast.arg) and p.arg == parameter)
        return self.places(next(found))

    def _input(self, name: str) -> Value:
        value = self.graph.add_input()
        self.graph._suggest(value, text_name(name))
        return value

    def _body(self, body: Sequence[ast.stmt]) -> Value:
        """Emit the statements of a `def`; what it returns."""
        self.env[STATUS] = self.constant(Ending.NEXT.value)
        ends = endings(body)
        self.block(body)
        if Ending.NEXT in ends and not ends & EXITS:
            return self.constant(None)
        if Ending.NEXT in ends:
            self._return_none()
        return self.env.get(RETURNED) or self.constant(None)

    def _return_none(self) -> None:
        """What falls off the end returns None."""

        def nothing() -> None:
            self.env[RETURNED] = self.constant(None)
            self.bound[RETURNED, self.env[RETURNED]] = None

        paths = ("a path without return", "a return")
        self.choose(self.going(), (nothing, lambda: None), set(), paths=paths)


def _tidy(block: Block) -> None:
    """Remove what nothing came to use."""
    for node in reversed(block.nodes()):
        for inner in node._blocks or ():
            _tidy(inner)
        if node._kind in _IDLE and not node.has_uses():
            node.destroy()


def _parameters(args: ast.arguments) -> list[Parameter]:
    found = [Parameter(a.arg, "positional only") for a in args.posonlyargs]
    found += [Parameter(a.arg, "positional") for a in args.args]
    found += [Parameter(args.vararg.arg, "*")] if args.vararg else []
    found += [Parameter(a.arg, "keyword") for a in args.kwonlyargs]
    return found + ([Parameter(args.kwarg.arg, "**")] if args.kwarg else [])


def _annotations(args: ast.arguments) -> dict[str, Any]:
    """The types of parameters whose annotation is a plain builtin's name."""
    return {
        a.arg: _KNOWN_TYPES[a.annotation.id]
        for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)
        if isinstance(a.annotation, ast.Name) and a.annotation.id in _KNOWN_TYPES
    }
