"""`emit`: the graph of a function's source.

Variables become values: each block knows which value a name stands for, and where two
blocks meet the node that holds them has an output for each name that is needed later.
Exits (`break`, `continue`, `return`) become a number, `$status`, and what follows them
is put into the other arm, or under a condition that it is 0. What a condition, an
iterable or a callee is, is known when the graph runs only: nothing is decided here.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from jaxgrad.frontend.emit._flow import EXITS, Ending, Liveness, endings
from jaxgrad.frontend.emit._names import Scope, body_of, free_names, parameters
from jaxgrad.graph import Block, Graph, Node, Value, types
from jaxgrad.graph._source import SourceRange
from jaxgrad.lower.script import Parameter, Program

STATUS, RETURNED = "$status", "$ret"
Known = Callable[[ast.expr], Any]  # what a callee is, where that is known; else None


class Emitter:
    """The state while one function becomes a graph.

    Attributes:
        graph: the graph that is built.
        env: which value each local name stands for, at the insert point.
        places: gives the place of a piece of the source.
        known: says what library function an expression names, if any.
    """

    def __init__(
        self,
        function: ast.FunctionDef | ast.Lambda,
        places: Callable[[ast.AST], SourceRange],
        known: Known,
        around: frozenset[str] = frozenset(),
        cells: frozenset[str] = frozenset(),
        owner: str = "",
    ) -> None:
        self.graph = Graph()
        self.env: dict[str, Value] = {}
        self.places, self.known, self.owner = places, known, owner
        self.function = function
        self.scope = Scope(function)
        self.around = around  # local names of the functions around this one
        # Names whose value is a cell: captured ones, and own ones.
        captured = free_names(function) & around
        self.cells = (captured & cells) | self.scope.cells
        statements = body_of(function)
        lines = [s for s in statements if isinstance(s, ast.stmt)]
        self.live = Liveness(lines)
        self.place: SourceRange | None = None
        self.renamed: dict[str, str] = {}  # the targets of comprehensions around here

    # --- making nodes -----------------------------------------------------------------

    def node(
        self,
        kind: str,
        inputs: Sequence[Value] = (),
        outputs: int = 1,
        **attributes: Any,
    ) -> Node:
        """A new node at the insert point, placed where the emitter stands."""
        node = self.graph.create(kind, inputs, outputs)
        node._attributes = attributes
        node._source = self.place
        for value in node._outputs:
            value._type = types.AnyType.get()
        return self.graph.insert_node(node)

    def value(self, kind: str, *inputs: Value, **attributes: Any) -> Value:
        """The output of a new node with one."""
        return self.node(kind, inputs, **attributes).output()

    def constant(self, value: Any) -> Value:
        """A constant, of any Python value."""
        found = self.value("prim::Constant", value=value)
        inferred = types.try_infer(value)
        found._type = inferred.type() if inferred.success() else types.AnyType.get()
        return found

    def at(self, node: ast.AST) -> None:
        """Stand at a piece of the source."""
        place = self.places(node)
        last = _last_of_header(node)
        if last is not None:  # of a compound statement the first line is shown
            end = self.places(last)
            place = dataclasses.replace(
                place, end_line=end.end_line, end_column=end.end_column
            )
        self.place = place

    def uninitialized(self, name: str, exits: bool = False) -> Value:
        """What stands for a name that has no value here; `exits`: as it is left."""
        how = {"exits": True} if exits else {}
        return self.value("prim::Uninitialized", name=name, **how)

    # --- names ------------------------------------------------------------------------

    def read(self, name: str) -> Value:
        """The value of a name."""
        name = self.renamed.get(name, name)
        if name in self.env:
            value = self.env[name]
            if name in self.cells:
                return self.named(name, self.value("prim::CellGet", value))
            return value
        if name in self.scope.locals:
            return self.uninitialized(name)
        return self.named(name, self.value("prim::Global", name=name))

    def write(self, name: str, value: Value) -> None:
        """Bind a name."""
        name = self.renamed.get(name, name)
        if name in self.cells:
            self.node("prim::CellSet", (self.env[name], value), 0)
            return
        self.env[name] = self.named(name, value)

    def callee(self, node: ast.expr) -> Any:
        """What is known of a callee: nothing where its first name is local."""
        root = node
        while isinstance(root, ast.Attribute):
            root = root.value
        if not isinstance(root, ast.Name) or root.id in self.renamed:
            return None
        local = root.id in self.scope.locals or root.id in self.around
        return None if local else self.known(node)

    def captured(self, name: str) -> Value:
        """What a nested function is given for a name: the cell, if it has one."""
        found = self.env.get(self.renamed.get(name, name))
        return found or self.uninitialized(name)

    def named(self, name: str, value: Value) -> Value:
        """The value, named after a variable unless it has a name."""
        if not value.has_debug_name() and value.node().kind() != "prim::Constant":
            self.graph._suggest(value, _text_name(name))
        return value

    # --- blocks -----------------------------------------------------------------------

    def arm(self, block: Block, run: Callable[[], Value | None]) -> tuple[Any, dict]:
        """Emit into a block; what `run` returned, and what names stand for after it."""
        before = self.env
        self.env = dict(before)
        with self.graph.insert_point_guard(block):
            result = run()
        after, self.env = self.env, before
        return result, after

    def choose(
        self,
        condition: Value,
        arms: Sequence[Callable[[], Value | None]],
        live: set[str] | None,
        leaves: Sequence[bool] = (False, False),
        **attributes: Any,
    ) -> Value | None:
        """A `prim::If`; names that its arms bind stand for its outputs after it.

        Args:
            condition: any value; the graph asks for its truth.
            arms: what emits each arm; both return a value, or neither.
            live: the names that are needed later; all if None.
            leaves: for each arm, whether it always leaves what is around.
            **attributes: of the node.

        Returns:
            The joined value of the arms, if they return one.
        """
        node = self.node("prim::If", (condition,), 0, **attributes)
        place = self.place
        blocks = [node.add_block(), node.add_block()]
        results, envs = zip(*map(self.arm, blocks, arms), strict=True)
        self.place = place
        changed = [
            name
            for name in dict.fromkeys([*envs[0], *envs[1]])
            if envs[0].get(name) is not envs[1].get(name)
            and (live is None or name in live or name.startswith("$"))
        ]
        joined = None
        if results[0] is not None:
            joined = self._output(node, blocks, results, None)
        for name in changed:
            values = [
                env.get(name) or self._missing(block, name, left)
                for env, block, left in zip(envs, blocks, leaves, strict=True)
            ]
            same = _known_status(name, values)
            self.env[name] = (
                self._output(node, blocks, values, name)
                if same is None
                else self.constant(same)
            )
        # What only one arm has, and nobody needs, is no name any more.
        for name in list(self.env):
            if name not in changed and envs[0].get(name) is not envs[1].get(name):
                del self.env[name]
        return joined

    def _missing(self, block: Block, name: str, exits: bool = False) -> Value:
        with self.graph.insert_point_guard(block):
            return self.uninitialized(name, exits)

    def reached(self, run: Callable[[], None]) -> None:
        """Emit where no exit was met: names that an exit left out have values here."""
        before = dict(self.env)
        for name, value in before.items():
            if value.node()._kind in ("prim::If", "prim::Loop", "prim::Reached"):
                self.env[name] = self.named(name, self.value("prim::Reached", value))
        fresh = dict(self.env)
        run()
        for name, value in before.items():
            if self.env.get(name) is fresh[name]:
                self.env[name] = value

    def _output(
        self, node: Node, blocks: Sequence[Block], values: Sequence[Any], name: Any
    ) -> Value:
        for block, value in zip(blocks, values, strict=True):
            block.register_output(value)
        output = node.add_output()
        output._type = types.AnyType.get()
        return self.named(name, output) if name else output

    # --- the whole --------------------------------------------------------------------

    def run(self) -> Program:
        """Emit the function.

        Returns:
            Its graph, and how it is called.
        """
        from jaxgrad.frontend.emit._expressions import expression
        from jaxgrad.frontend.emit._statements import block

        function = self.function
        self.at(function)
        captures = tuple(sorted(free_names(function) & self.around))
        for name in captures:
            self.env[name] = self._input(name)
        self.scope.locals |= set(captures)
        names = parameters(function)
        annotated = _annotations(function)
        for name in names:
            value = self._input(name)
            if name in annotated:
                value._type = annotated[name]
            self.env[name] = value
        for name in sorted(self.scope.cells):
            given = self.env.get(name) or self.uninitialized(name)
            self.env[name] = self.value("prim::CellCreate", given, name=name)
        if isinstance(function, ast.Lambda):
            result: Value | None = expression(self, function.body)
        else:
            self.env[STATUS] = self.constant(Ending.NEXT.value)
            result = None
            ends = endings(function.body)
            block(self, function.body)
            if Ending.NEXT in ends and not ends & EXITS:
                result = self.constant(None)
            elif Ending.NEXT in ends:
                self._return_none()
            result = result or self.env.get(RETURNED) or self.constant(None)
        assert result is not None
        self.graph.register_output(result)
        _tidy(self.graph.block())
        return Program(
            graph=self.graph,
            name=getattr(function, "name", "<lambda>"),
            parameters=tuple(_parameters(function)),
            captures=captures,
            place=self.places(function),
            owner=self.owner,
        )

    def _input(self, name: str) -> Value:
        value = self.graph.add_input()
        self.graph._suggest(value, _text_name(name))
        return value

    def _return_none(self) -> None:
        """What falls off the end returns None."""
        going = self.going()

        def nothing() -> None:
            self.env[RETURNED] = self.constant(None)

        self.choose(going, (nothing, lambda: None), set())

    def going(self) -> Value:
        """Whether no exit was met yet."""
        zero = self.constant(Ending.NEXT.value)
        return self.value("py::operator.eq", self.env[STATUS], zero)


def _known_status(name: str, values: Sequence[Value]) -> int | None:
    """What `$status` is after two arms that end alike; None if they don't."""
    if name != STATUS or any(v.node()._kind != "prim::Constant" for v in values):
        return None
    first, second = [v.node()._attributes["value"] for v in values]
    return first if first == second else None


_IDLE = frozenset({"prim::Constant", "prim::Uninitialized", "prim::Reached"})


def _tidy(block: Block) -> None:
    """Remove constants that nothing came to use."""
    for node in reversed(block.nodes()):
        for inner in node._blocks or ():
            _tidy(inner)
        idle = node._kind in _IDLE
        if idle and not node.has_uses():
            node.destroy()


def _last_of_header(node: ast.AST) -> ast.AST | None:
    """The last expression before the colon of a compound statement."""
    if isinstance(node, ast.If | ast.While):
        return node.test
    if isinstance(node, ast.For):
        return node.iter
    if isinstance(node, ast.With):
        last = node.items[-1]
        return last.optional_vars or last.context_expr
    return None


def _text_name(name: str) -> str:
    """The name of a variable as the text of a graph can show it."""
    name = name.replace("$", "_").partition("@")[0]
    return name if name.isascii() else "".join(c if c.isascii() else "_" for c in name)


def _parameters(function: ast.FunctionDef | ast.Lambda) -> list[Parameter]:
    args = function.args
    found = [Parameter(a.arg, "positional only") for a in args.posonlyargs]
    found += [Parameter(a.arg, "positional") for a in args.args]
    found += [Parameter(args.vararg.arg, "*")] if args.vararg else []
    found += [Parameter(a.arg, "keyword") for a in args.kwonlyargs]
    return found + ([Parameter(args.kwarg.arg, "**")] if args.kwarg else [])


def _annotations(function: ast.FunctionDef | ast.Lambda) -> dict[str, types.Type]:
    """The types of parameters whose annotation is a plain builtin's name."""
    known = {
        "int": types.IntType.get(),
        "float": types.FloatType.get(),
        "bool": types.BoolType.get(),
        "complex": types.ComplexType.get(),
        "str": types.StringType.get(),
    }
    args = function.args
    found = [*args.posonlyargs, *args.args, *args.kwonlyargs]
    return {
        a.arg: known[a.annotation.id]
        for a in found
        if isinstance(a.annotation, ast.Name) and a.annotation.id in known
    }
