"""`parse`: a graph from its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jaxgrad.errors import GraphError, ParseError
from jaxgrad.graph import _literals, types
from jaxgrad.graph._scanner import Scanner, read_literal
from jaxgrad.graph._source import SourceRange
from jaxgrad.graph._text import default_cconv

if TYPE_CHECKING:
    from jaxgrad.graph._block import Block
    from jaxgrad.graph._graph import Graph
    from jaxgrad.graph._node import Node
    from jaxgrad.graph._value import Value

_KIND = re.compile(r"[^\s\[\](),=%:#]+::[^\s\[\](),=%#]+")
_FUNCTION = re.compile(r"\^([^\s\[\](),=%#]+)")
_ATTRIBUTE = re.compile(r"[^\W\d]\w*")
_BLOCK = re.compile(r"block\d+(?=\()")
_OWN = frozenset({"prim::Param", "prim::Return"})


def parse(
    text: str, functions: Mapping[str, Callable[..., Any] | type] | None = None
) -> Graph:
    """Read the text of a graph, as `str` writes it.

    Nothing of the text is evaluated: attributes are literals, or it is an error.

    Args:
        text: the text.
        functions: the Functions, or other callables, that `^Name(...)` stands for. A
            name that is missing gives a node that prints, and that is an error when it
            is run.

    Returns:
        The graph, which prints the same text. It is not checked: see `Graph.lint`.

    Raises:
        ParseError: the text is no graph, or abbreviates an attribute; the message shows
            line, column and caret.

    Example:
        >>> graph = parse('''graph(%x : f32[3]):
        ...   %two : f32[] = prim::Constant[value=2.0]()
        ...   %y : f32[3] = lax::mul(%x, %two)  # model.py:12
        ...   return (%y)''')
        >>> graph.find_node("lax::mul").source_range().line
        12
    """
    if not isinstance(text, str):
        raise ParseError(f"parse expected a text; got {type(text).__name__}.")
    known = functions or {}
    scanner = Scanner(text, lambda scanner: _GraphReader(scanner, known).graph())
    try:
        graph = _GraphReader(scanner, known).graph()
    except RecursionError:
        raise ParseError("The text is nested too deeply to be a graph.") from None
    scanner.skip()
    if scanner.at < len(text):
        scanner.fail(f"expected the end of the text, got {scanner.found()}")
    return graph


class UnresolvedFunction:
    """Stands for a Function that a text names and `parse` was not given.

    Raises:
        GraphError: when it is called.
    """

    def __init__(self, name: str) -> None:
        self.__name__ = name

    def __call__(self, *args: Any) -> Any:
        """Raise, with the name."""
        name = self.__name__
        raise GraphError(
            f"^{name} was read from text, which holds no code.\n"
            f"  Give the Function when it is read: parse(text, {{{name!r}: ...}})."
        )

    def __eq__(self, other: object) -> bool:
        mine = isinstance(other, UnresolvedFunction)
        return mine and other.__name__ == self.__name__

    def __hash__(self) -> int:
        return hash((UnresolvedFunction, self.__name__))

    def __repr__(self) -> str:
        return f"<unresolved {self.__name__}>"


class _GraphReader:
    """Reads one graph."""

    def __init__(self, scanner: Scanner, functions: Mapping[str, Any]) -> None:
        from jaxgrad.graph._graph import Graph

        self.scanner = scanner
        self.functions = functions
        self.result = Graph()
        self.visible: dict[str, Value] = {}
        self.scopes: list[list[str]] = [[]]  # what each block round here has made
        self.made: dict[str, Value] = {}

    def graph(self) -> Graph:
        """The graph that comes next."""
        block = self.result.block()
        with self.result._importing():
            self.scanner.expect("graph")
            self.inputs(block)
            self.nodes(block, "return")
            self.scanner.expect("return")
            self.outputs(block)
        self.number()
        return self.result

    def inputs(self, block: Block) -> None:
        """`(%x : f32[3], ...):`."""
        scanner = self.scanner
        scanner.expect("(")
        for name, type_, at in self.typed(")"):
            self.new(block.param_node(), name, type_, at)
        scanner.expect(")")
        scanner.expect(":")

    def nodes(self, block: Block, end: str) -> None:
        """The nodes up to the line that ends the block."""
        while not self.scanner.sees(end):
            if self.scanner.at >= len(self.scanner.text):
                self.scanner.fail(f"expected {end!r}, got the end of the text")
            self.node(block)

    def outputs(self, block: Block) -> None:
        """`(%a, %b)` behind `return` or `->`."""
        for value in self.values():
            block.return_node()._append_input(value)

    def typed(self, end: str) -> list[tuple[str, types.Type, int]]:
        """`%a : f32[3], %b : int`, before `end`."""
        scanner, found = self.scanner, []
        while not scanner.sees(end):
            if found:
                scanner.expect(",")
                scanner.skip()
            at = scanner.at
            name = scanner.value()
            said = scanner.takes(":")
            type_ = scanner.type() if said else types.TensorType.get()
            found.append((name, type_, at))
        return found

    def values(self) -> list[Value]:
        """`(%a, %b)`."""
        scanner, found = self.scanner, []
        scanner.expect("(")
        while not scanner.takes(")"):
            if found:
                scanner.expect(",")
                scanner.skip()
            at = scanner.at
            name = scanner.value()
            if name not in self.visible:
                where = "in another block" if name in self.made else "nowhere before it"
                scanner.fail(f"%{name} is used here, and made {where}", at)
            found.append(self.visible[name])
        return found

    def node(self, block: Block) -> None:
        """A node, with its blocks."""
        scanner = self.scanner
        outputs = self.typed("=")
        scanner.expect("=")
        scanner.skip()
        at = scanner.at
        node = self.operation([type_ for _, type_, _ in outputs])
        for value in self.values():
            node._append_input(value)
        for name, type_, place in outputs:
            self.new(node, name, type_, place)
        place = scanner.source()
        node._source = None if place is None else SourceRange(*place)
        if node._kind == "prim::PythonOp":
            self.finish(node, at)
        node._link(block._end)
        self.blocks(node, [name for name, _, _ in outputs])
        if node._kind == "prim::Closure" and scanner.sees("graph("):
            inner = _GraphReader(scanner, self.functions).graph()
            node._attributes["graph"] = inner

    def operation(self, outputs: list[types.Type]) -> Node:
        """The kind and the attributes of a node."""
        scanner = self.scanner
        if scanner.sees("^"):
            return self.python_op(scanner.match(_FUNCTION, "the name of a Function"))
        at = scanner.at
        kind = scanner.match(_KIND, "a kind, such as lax::sin")
        if kind in _OWN:
            scanner.fail(f"{kind} stands in no line of its own", at)
        node = self.result.create(kind, (), 0)
        node._attributes = self.attributes(kind)
        if kind == "prim::Constant" and "value" in node._attributes and outputs:
            value = node._attributes["value"]
            node._attributes["value"] = _literals.constant_value(value, outputs[0])
        return node

    def python_op(self, name: str) -> Node:
        """`Name[attributes](scalars)`, behind the `^`."""
        scanner = self.scanner
        attributes = self.attributes(f"^{name}")
        scanner.owner = f"an argument of ^{name}"
        scanner.expect("(")
        scalars = []
        while not scanner.takes(")"):
            if scalars:
                scanner.expect(",")
            scalars.append(read_literal(scanner))
        found = self.functions.get(name)
        pyobj = UnresolvedFunction(name) if found is None else found
        if isinstance(pyobj, type):
            pyobj = getattr(pyobj, "apply", pyobj)
        node = self.result.create("prim::PythonOp", (), 0)
        own = {"pyobj": pyobj, "cconv": None, "scalar_args": scalars}
        node._attributes = {**own, **attributes}
        return node

    def finish(self, node: Node, at: int) -> None:
        """Give a PythonOp its calling convention, when its inputs are known."""
        attributes = node._attributes
        if "scalar_args" in attributes and attributes.get("cconv", ...) is None:
            attributes["cconv"] = default_cconv(
                len(node._inputs), len(attributes["scalar_args"])
            )
        if "pyobj" not in attributes:
            self.scanner.fail("a PythonOp is written as ^Name(scalars)(inputs)", at)

    def attributes(self, owner: str) -> dict[str, Any]:
        """`[name=literal, ...]`, or nothing."""
        scanner, found = self.scanner, {}
        if not scanner.takes("["):
            return found
        while not scanner.takes("]"):
            if found:
                scanner.expect(",")
            if scanner.sees("..."):
                scanner.fail(f"the attributes of {owner} are abbreviated")
            at = scanner.at
            quoted = scanner.text[at : at + 1] in ("'", '"')
            name = read_literal(scanner) if quoted else None
            name = name or scanner.match(_ATTRIBUTE, "the name of an attribute")
            if name in found:
                scanner.fail(f"{owner} has the attribute {name!r} already", at)
            scanner.expect("=")
            scanner.owner = f"attribute {name!r} of {owner}"
            found[name] = read_literal(scanner)
        return found

    def blocks(self, node: Node, outputs: list[str]) -> None:
        """The nested blocks of a node, which don't see its outputs."""
        scanner = self.scanner
        scanner.skip()
        if not _BLOCK.match(scanner.text, scanner.at):
            return
        if node._kind.partition("::")[0] in ("lax", "py"):
            scanner.fail(f"the blocks of {node._kind} can't be made from text")
        hidden = {name: self.visible.pop(name) for name in outputs}
        while _BLOCK.match(scanner.text, scanner.at):
            scanner.match(_BLOCK, "a block")
            self.block(node._append_block(editable=True))
            scanner.skip()
        self.visible |= hidden

    def block(self, block: Block) -> None:
        """A nested block, behind its label."""
        self.scopes.append([])
        self.inputs(block)
        self.nodes(block, "->")
        self.scanner.expect("->")
        self.outputs(block)
        for name in self.scopes.pop():
            del self.visible[name]

    def new(self, node: Node, name: str, type_: types.Type, at: int) -> None:
        """One more output of `node`."""
        if name in self.made:
            self.scanner.fail(f"%{name} is made twice", at)
        value = node._append_output(type_)
        self.made[name] = self.visible[name] = value
        self.scopes[-1].append(name)
        if not name[0].isdecimal():
            self.result._suggest(value, name)

    def number(self) -> None:
        """Give values without a name the number that the text shows."""
        numbers = {int(name): v for name, v in self.made.items() if name[0].isdecimal()}
        free = max(numbers, default=0)
        for value in self.made.values():
            if value._name is not None:
                free += 1
                value._unique = free
        for number, value in numbers.items():
            value._unique = number
        self.result._count = free
