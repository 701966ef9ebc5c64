"""The first place where two traces of a callable differ, found node by node.

- `Difference`: what differs, where, and the way out.
- `Walk`: goes through two graphs together.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxgrad.errors import GraphError
from jaxgrad.frontend._explained import Shapes
from jaxgrad.graph import Block, Graph, Node, PythonOp, SourceRange, Value

# Attributes of primitives that are sizes, or follow sizes.
_SIZES = ("shape", "size", "indices", "padding", "dimension", "strides", "length")
_LONGEST = 300

REMEDIES = {
    "control flow": "Python decided what to do while it was traced: use jnp.where or "
    "jax.lax.cond (for loops jax.lax.fori_loop or jax.lax.scan), or pass what decides "
    "as an argument.",
    "constant": "A value that is no argument was baked in: pass it as an argument.",
    "shape": "A size was baked in that the shapes of the arguments don't explain: take "
    "it from them (x.shape[0]), or trace with symbolic shapes "
    "(jax.export.symbolic_shape).",
    "attribute": "A Python value was baked in: pass it as an argument.",
    "number of inputs": "Give check_inputs the structure of the examples.",
    "number of outputs": "Return the same structure for all inputs.",
    "captured value": "An array from outside was baked in: pass it as an argument.",
    "result": "The graph doesn't do what the callable does: trace it again.",
    "state": "Two traces on the same inputs should be equal, so the callable keeps "
    "something between calls, or draws random numbers on the host: pass the state as "
    "an argument and return it; use jax.random with a key.",
}


@dataclasses.dataclass(frozen=True)
class Difference:
    """The first place where two traces of a callable differ.

    Attributes:
        kind: "control flow", "constant", "shape", "attribute", "captured value",
            "number of inputs", "number of outputs", "result"; or "state" where the
            inputs were the same.
        name: the value concerned, `%z`.
        source: where the user's code says it, if that is known.
        first: what the first trace has there.
        second: what the second trace has there.
        what: what differs, a few words.
    """

    kind: str
    name: str
    source: SourceRange | None
    first: str
    second: str
    what: str = ""

    def paragraph(self, traced_on: str = "the other inputs") -> str:
        """What differs, where, both texts, and the way out."""
        place = f" ({self.source})" if self.source else ""
        lines = [f"{self.kind}: {self.what or 'it differs'} at {self.name}{place}."]
        code = self.source.highlight() if self.source else ""
        lines += [f"      {line}" for line in code.splitlines()]
        lines += [
            f"  Expected, as first traced: {self.first}",
            f"  Got, traced on {traced_on}: {self.second}",
            f"  {REMEDIES[self.kind]}",
        ]
        return "\n".join(lines)

    __str__ = paragraph


class Walk:
    """Compares two graphs, node by node."""

    def __init__(self, first: Graph, second: Graph, arguments: int) -> None:
        self.graphs = first, second
        self.arguments = arguments
        self.shapes = Shapes()
        self.values: dict[Value, Value] = {}

    def compare(
        self, captured: tuple[Sequence[Any], Sequence[Any]] | None
    ) -> Difference | None:
        first, second = self.graphs
        mine, theirs = first.inputs(), second.inputs()
        n = self.arguments
        if min(len(mine), len(theirs)) < n:
            texts = (f"{len(mine)} inputs", f"{len(theirs)} inputs")
            return Difference("number of inputs", "the arguments", None, *texts)
        types = [[v.type() for v in values[:n]] for values in (mine, theirs)]
        self.shapes.learn_arguments(*types)
        return (
            self.captured_types(mine[n:], theirs[n:])
            or self.blocks(first.block(), second.block())
            or self.captured_values(mine[n:], theirs[n:], captured)
        )

    # --- what goes in -----------------------------------------------------------------

    def captured_types(
        self, mine: Sequence[Value], theirs: Sequence[Value]
    ) -> Difference | None:
        for a, b in zip(mine, theirs, strict=False):
            # By position alone they may be two others, of two branches.
            same_name = a.debug_name() == b.debug_name()
            if same_name and not self.shapes.fits(a.type(), b.type()):
                return _of_input(a, str(a.type()), str(b.type()))
        return None

    def captured_values(
        self,
        mine: Sequence[Value],
        theirs: Sequence[Value],
        captured: tuple[Sequence[Any], Sequence[Any]] | None,
    ) -> Difference | None:
        if len(mine) != len(theirs):
            more = max(mine, theirs, key=len)[min(len(mine), len(theirs))]
            texts = [", ".join(map(shown_name, vs)) or "none" for vs in (mine, theirs)]
            return _of_input(more, *texts)
        for a, b in zip(mine, theirs, strict=True):
            if a.debug_name() != b.debug_name():
                return _of_input(a, shown_name(a), shown_name(b))
            if not self.shapes.fits(a.type(), b.type()):
                return _of_input(a, str(a.type()), str(b.type()))
        for value, a, b in zip(mine, *(captured or ((), ())), strict=False):
            if not self.shapes.same(a, b):
                return _of_input(value, *both_texts(a, b))
        return None

    # --- nodes ------------------------------------------------------------------------

    def blocks(self, first: Block, second: Block) -> Difference | None:
        self.values.update(zip(first.inputs(), second.inputs(), strict=False))
        # Equal constants may share a node or not: they are compared where they're used.
        mine, theirs = _computing(first), _computing(second)
        for a, b in itertools.zip_longest(mine, theirs):
            found = self.pair(a, b)
            if found is not None:
                return found
        ends = first.return_node(), second.return_node()
        outputs, others = first.outputs(), second.outputs()
        if len(outputs) != len(others):
            texts = f"{len(outputs)} outputs", f"{len(others)} outputs"
            return Difference("number of outputs", "return", None, *texts)
        return self.operands(*ends)

    def pair(self, a: Node | None, b: Node | None) -> Difference | None:
        if a is None or b is None or _kind(a) != _kind(b):
            return _between("control flow", a, b, "another operation")
        if a.inputs_size() != b.inputs_size() or a.outputs_size() != b.outputs_size():
            return _between("control flow", a, b, "another number of operands")
        return (
            self.operands(a, b)
            or self.attributes(a, b)
            or self.nested(a, b)
            or self.results(a, b)
        )

    def operands(self, a: Node, b: Node) -> Difference | None:
        for mine, theirs in zip(a.inputs(), b.inputs(), strict=True):
            constants = [v.node().kind() == "prim::Constant" for v in (mine, theirs)]
            if all(constants):
                if not self.same_constants(mine, theirs):
                    texts = both_texts(mine.to_ival(), theirs.to_ival())
                    return _between("constant", a, b, "another constant", texts)
            elif any(constants):
                what = "a constant in one, computed in the other,"
                return _between("constant", a, b, what)
            elif self.values.get(mine) is not theirs:
                kind = "captured value" if self.both_captured(mine, theirs) else None
                return _between(kind or "control flow", a, b, "another operand")
        return None

    def same_constants(self, mine: Value, theirs: Value) -> bool:
        a, b = mine.to_ival(), theirs.to_ival()
        return self.shapes.fits(mine.type(), theirs.type()) and self.shapes.same(a, b)

    def both_captured(self, mine: Value, theirs: Value) -> bool:
        pairs = zip((mine, theirs), self.graphs, strict=True)
        return all(
            value.node() is graph.param_node() and value.offset() >= self.arguments
            for value, graph in pairs
        )

    def attributes(self, a: Node, b: Node) -> Difference | None:
        mine, theirs = dict(a.attr), dict(b.attr)
        for name in dict.fromkeys([*mine, *theirs]):
            if name == "pyobj":  # the kind says which Function it is
                continue
            old, new = mine.get(name), theirs.get(name)
            if name in mine and name in theirs and self.shapes.same(old, new):
                continue
            if name == "padding" and self.follow_shapes(a, b):
                continue
            sizes = _whole_numbers(old) and _whole_numbers(new)
            like_shape = sizes and any(part in name for part in _SIZES)
            texts = tuple(f"{name}={text}" for text in both_texts(old, new))
            kind = "shape" if like_shape else "attribute"
            return _between(kind, a, b, f"another {name}", texts)
        return None

    def follow_shapes(self, a: Node, b: Node) -> bool:
        """Whether a border that keeps the size, "SAME" say, belongs to other sizes."""
        types = [[v.type() for v in (*n.inputs(), *n.outputs())] for n in (a, b)]
        return types[0] != types[1] and all(map(self.shapes.fits, *types))

    def nested(self, a: Node, b: Node) -> Difference | None:
        mine, theirs = a.blocks(), b.blocks()
        if len(mine) != len(theirs):
            return _between("control flow", a, b, "another number of blocks")
        for first, second in zip(mine, theirs, strict=True):
            found = self.blocks(first, second)
            if found is not None:
                # What is nested may have no place of its own.
                return dataclasses.replace(found, source=found.source or source_of(a))
        return None

    def results(self, a: Node, b: Node) -> Difference | None:
        """What nodes make: that of primitives follows from what they are given."""
        follows = a.kind().startswith("lax::")
        for mine, theirs in zip(a.outputs(), b.outputs(), strict=True):
            self.values[mine] = theirs
            types = mine.type(), theirs.type()
            if not follows and not self.shapes.fits(*types):
                texts = tuple(map(str, types))
                return _between("shape", a, b, "a result of another type", texts)
            self.shapes.learn(*types)
        return None


def _computing(block: Block) -> list[Node]:
    return [node for node in block.nodes() if node.kind() != "prim::Constant"]


def _kind(node: Node) -> str:
    return f"^{node.name()}" if isinstance(node, PythonOp) else node.kind()


def _between(
    kind: str,
    a: Node | None,
    b: Node | None,
    what: str,
    texts: Sequence[str] | None = None,
) -> Difference:
    """The difference between two nodes, of which one may be missing."""
    shown = [_text(node) for node in (a, b)] if texts is None else texts
    node = a or b
    assert node is not None
    outputs = node.outputs()
    name = ", ".join(map(shown_name, outputs)) if outputs else "return"
    source = source_of(a) or source_of(b)
    return Difference(kind, name, source, shown[0], shown[1], what)


def _of_input(value: Value, first: str, second: str) -> Difference:
    uses = [source_of(use.user) for use in value.uses()]
    source = next(filter(None, uses), None)
    what = "another array from outside"
    return Difference("captured value", shown_name(value), source, first, second, what)


def source_of(node: Node | None) -> SourceRange | None:
    """Where a node comes from, if there is one."""
    return None if node is None else node.source_range()


def shown_name(value: Value) -> str:
    """A value as the text of a graph shows it."""
    return f"%{value.debug_name()}"


def _text(node: Node | None) -> str:
    if node is None:
        return "nothing: the program ends here"
    try:
        lines = repr(node).splitlines()
    except GraphError:  # an attribute without a text
        lines = []
    return _short(lines[0].strip() if lines else _kind(node))


def both_texts(first: Any, second: Any) -> tuple[str, str]:
    """Two values as text; where that is the same, their types say more."""
    a, b = map(_value_text, (first, second))
    if a == b:
        a, b = (f"{text} ({type(v).__name__})" for text, v in ((a, first), (b, second)))
    return _short(a), _short(b)


def _value_text(value: Any) -> str:
    number = value.item() if isinstance(value, np.number | np.bool_) else value
    return " ".join(repr(number).split())


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _whole_numbers(value: Any) -> bool:
    if isinstance(value, tuple | list):
        return all(map(_whole_numbers, value))
    return isinstance(value, int) or hasattr(value, "shape")
