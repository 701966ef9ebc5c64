"""`Emitter`: the state while one function becomes a graph.

Variables become values: each block knows which value a name stands for, and where two
blocks meet the node that holds them has an output for each name that is needed later.
Exits (`break`, `continue`, `return`) become a number, `$status`, and what follows them
is put into the other arm, or under a condition that it is 0. What a condition, an
iterable or a callee is, is known when the graph runs only: nothing is decided here.
"""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxgrad.frontend.emit._flow import Ending, Liveness
from jaxgrad.frontend.emit._names import Scope, body_of, free_names
from jaxgrad.frontend.emit._syntax import last_of_header, text_name
from jaxgrad.graph import Block, Graph, Node, SourceRange, Value, types
from jaxgrad.lower.script import Program
from jaxgrad.lower.script._program import Origins

# No names of Python's: how the statements so far ended, and what they returned.
STATUS, RETURNED = "$status", "$ret"
Known = Callable[[ast.expr], Any]  # what a callee is, where that is known; else None


class Emitter:
    """The state while one function becomes a graph.

    Attributes:
        function: the source.
        graph: the graph that is built.
        env: which value each local name stands for, at the insert point; for the names
            in `cells` it is their cell.
        places: gives the place of a piece of the source.
        known: says what library function an expression names, if any.
        owner: the class that it is a method of, for private names.
        scope: its names.
        around: the local names of the functions around this one.
        cells: the names that live in cells, its own and captured ones.
        live: which of its names are needed where.
        place: the piece of source that is emitted now.
        renamed: the targets of the comprehensions around the insert point, under the
            names that keep them apart from the function's own.
        bound: where names were bound to values; "" stands for no name.
        origins: for nodes with blocks, where what they leave comes from.
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
        self.function = function
        self.graph = Graph()
        self.env: dict[str, Value] = {}
        self.places, self.known, self.owner = places, known, owner
        self.scope = Scope(function)
        self.around = around
        self.cells = (free_names(function) & around & cells) | self.scope.cells
        statements = [s for s in body_of(function) if isinstance(s, ast.stmt)]
        self.live = Liveness(statements)
        self.place: SourceRange | None = None
        self.renamed: dict[str, str] = {}
        self.bound: dict[tuple[str, Value], SourceRange | None] = {}
        self.origins: dict[Node, Origins] = {}

    # --- what the pieces of a function are --------------------------------------------
    # Said by the subclass: its rules need this class.

    def expression(self, node: ast.expr, truth: bool = False) -> Value:
        """Emit an expression, of which perhaps only the truth is asked for."""
        raise NotImplementedError

    def block(self, statements: Sequence[ast.stmt]) -> None:
        """Emit statements that run in order."""
        raise NotImplementedError

    def nested(self, function: ast.FunctionDef | ast.Lambda) -> Program:
        """The program of a function that is defined inside this one."""
        raise NotImplementedError

    # --- making nodes -----------------------------------------------------------------

    def node(
        self,
        kind: str,
        inputs: Sequence[Value] = (),
        outputs: int = 1,
        /,
        **attributes: Any,
    ) -> Node:
        """A new node at the insert point, placed where the emitter stands."""
        node = self.graph.create(kind, inputs, outputs)
        node._attributes = attributes
        node._source = self.place
        for value in node._outputs:
            value._type = types.AnyType.get()
        return self.graph.insert_node(node)

    def value(self, kind: str, /, *inputs: Value, **attributes: Any) -> Value:
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
        last = last_of_header(node)
        if last is not None:  # of a compound statement the first line is shown
            end = self.places(last)
            place = dataclasses.replace(
                place, end_line=end.end_line, end_column=end.end_column
            )
        self.place = place

    def uninitialized(self, name: str, exits: int = 0) -> Value:
        """What stands for a name that has no value here; `exits`: as it is left."""
        how = {"exits": exits} if exits else {}
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
        self.bound[name, value] = self.place

    def binds(self, name: str, value: Value, node: ast.AST) -> None:
        """Note which piece of the source a name was bound to."""
        self.bound[self.renamed.get(name, name), value] = self.places(node)

    def origin(self, name: str, value: Value) -> SourceRange | None:
        """Where a value comes from that a name stands for."""
        node = value.node()
        own = None if node._kind == "prim::Uninitialized" else node._source
        return self.bound.get((name, value), own)

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
            self.graph._suggest(value, text_name(name))
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

    def condition(self, value: Value) -> Value:
        """A value as what `prim::If` and `prim::Loop` ask for its truth."""
        # They take a bool, or what may be one: not what is known to be an int, say.
        known = isinstance(value.type(), types.AnyType | types.BoolType)
        known = known or isinstance(value.type(), types.TensorType)
        return value if known else self.value("prim::Use", value)

    def choose(
        self,
        condition: Value,
        arms: Sequence[Callable[[], Value | None]],
        live: set[str] | None,
        leaves: Sequence[int] = (0, 0),
        paths: tuple[str, ...] = (),
        **attributes: Any,
    ) -> Value | None:
        """A `prim::If`; names that its arms bind stand for its outputs after it.

        Args:
            condition: any value; the graph asks for its truth.
            arms: what emits each arm; both return a value, or neither.
            live: the names that are needed later; all if None.
            leaves: for each arm, how far it always leaves what is around.
            paths: what the arms are called in messages.
            **attributes: of the node.

        Returns:
            The joined value of the arms, if they return one.
        """
        asked = self.condition(condition)
        node = self.node("prim::If", (asked,), 0, **attributes)
        place = self.place
        blocks = [node.add_block(), node.add_block()]
        results, envs = zip(*map(self.arm, blocks, arms), strict=True)
        self.place = place
        joined, origins = None, []
        if results[0] is not None:
            joined = self._output(node, blocks, results, None)
            origins.append([self.origin("", value) for value in results])
        envs = self._past(envs, leaves)
        changed = _changed(envs[0], envs[1], live)
        for name in changed:
            values = [
                env.get(name) or self.missing(block, name, left)
                for env, block, left in zip(envs, blocks, leaves, strict=True)
            ]
            same = _known_status(name, values)
            if same is not None:
                self.env[name] = self.constant(same)
                continue
            output = self.env[name] = self._output(node, blocks, values, name)
            origins.append([self.origin(name, value) for value in values])
            if name == RETURNED:
                self.bound[name, output] = origins[-1][0] or origins[-1][1]
        places = tuple(zip(*origins, strict=True))
        self.origins[node] = Origins(places or ((), ()), paths)
        self._forget_unneeded(envs, changed)
        return joined

    def _past(
        self, envs: Sequence[dict[str, Value]], leaves: Sequence[int]
    ) -> Sequence[dict[str, Value]]:
        """The names after two arms; an arm that leaves the call needs none of them."""
        if sorted(leaves) != [0, 2]:
            return envs
        gone = leaves.index(2)
        other = envs[1 - gone]
        same = {n: v for n, v in other.items() if self.env.get(n) is v or n[0] == "$"}
        own = {n: v for n, v in envs[gone].items() if n[0] == "$"}
        found = list(envs)
        found[gone] = {**same, **own}
        return found

    def _forget_unneeded(
        self, envs: Sequence[Mapping[str, Value]], joined: Sequence[str]
    ) -> None:
        """After two arms: what both bind to the same stays, the rest is no name."""
        for name in dict.fromkeys([*self.env, *envs[0]]):
            if name in joined:
                continue
            value = envs[0].get(name)
            if value is not None and value is envs[1].get(name):
                self.env[name] = value
            else:
                self.env.pop(name, None)

    def missing(self, block: Block, name: str, exits: int = 0) -> Value:
        """What stands at the end of a block for a name that it gives no value."""
        with self.graph.insert_point_guard(block):
            return self.uninitialized(name, exits)

    def reached(self, run: Callable[[], Any]) -> Any:
        """Emit where no exit was met: names that an exit left out have values here."""
        before = dict(self.env)
        for name, value in before.items():
            if value.node()._kind in _PARTIAL:
                origin = self.origin(name, value)
                self.env[name] = self.named(name, self.value("prim::Reached", value))
                self.bound[name, self.env[name]] = origin
        fresh = dict(self.env)
        found = run()
        for name, value in before.items():
            if self.env.get(name) is fresh[name]:
                self.env[name] = value
        return found

    def _output(
        self, node: Node, blocks: Sequence[Block], values: Sequence[Any], name: Any
    ) -> Value:
        for block, value in zip(blocks, values, strict=True):
            block.register_output(value)
        output = node.add_output()
        output._type = types.AnyType.get()
        return self.named(name, output) if name else output

    def going(self) -> Value:
        """Whether no exit was met yet."""
        zero = self.constant(Ending.NEXT.value)
        return self.value("py::operator.eq", self.env[STATUS], zero)


# What may lack a value on some path.
_PARTIAL = frozenset({"prim::If", "prim::Loop", "prim::Reached", "prim::With"})


def _changed(
    a: Mapping[str, Value], b: Mapping[str, Value], live: set[str] | None
) -> list[str]:
    """The names that two arms leave with different values, if somebody needs them."""
    return [
        name
        for name in dict.fromkeys([*a, *b])
        if a.get(name) is not b.get(name)
        and (live is None or name in live or name.startswith("$"))
    ]


def _known_status(name: str, values: Sequence[Value]) -> int | None:
    """What `$status` is after two arms that end alike; None if they don't."""
    if name != STATUS or any(v.node()._kind != "prim::Constant" for v in values):
        return None
    first, second = [v.node()._attributes["value"] for v in values]
    return first if first == second else None
