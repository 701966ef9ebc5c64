"""Random graphs, built by hand, each with the steps that it stands for.

- `graphs()`: a strategy of `Case`s: a graph, its inputs, and plain steps beside it.

Shapes and dtypes are few, because every new combination is an operation to compile;
what the graphs compute is not.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import hypothesis.strategies as st
import numpy as np

from jaxgrad.graph import Graph, Node, types
from tests.properties.graph_builder import Builder
from tests.properties.graph_edits import edit
from tests.properties.graph_ops import (
    APPLIED,
    BINARY,
    CONVERSIONS,
    CONVERT,
    MIXED,
    NOTE,
    SELECT,
    SHAPING,
    UNARY,
)
from tests.properties.graph_steps import (
    ARRAYS,
    LIMIT,
    Case,
    Known,
    Step,
    Steps,
    branch,
    evaluate,
    repeat,
)
from tests.properties.strategies import Draw

INPUTS = (
    *["f32[3]"] * 4,
    *("f32[]", "f32[0]", "f32[1, 3]", "f32[]{weak}", "bf16[3]", "i32[3]"),
    *("i32[]", "bool[3]", "bool[]", "c64[3]"),
)
CONSTANTS: tuple[Any, ...] = (
    *(0.5, 2.0, -1.0, 0.0, -0.0, 1, 2, True),
    *(np.float32(0.5), np.float32(1.5), np.int32(2)),
    np.asarray([0.5, -1.0, 0.25], np.float32),
    np.asarray([1, 0, -2], np.int32),
)


class Writer(Builder):
    """Chooses what is added to a graph."""

    def instruction(self) -> None:
        """One more node, or some."""
        names = [
            *["unary"] * 4,
            *["binary"] * 4,
            *["function"] * 4,
            *["again"] * 3,
            *["mixed", "shaping", "constant", "fold"] * 2,
            *("convert", "select", "pack", "unpack", "note", "called"),
            *["branches", "loop"] * (2 - self.depth),
        ]
        getattr(self, f"draw_{self.pick(names)}")()

    def draw_unary(self) -> None:
        kind = self.pick(list(UNARY))
        known = self.some(lambda k: k.fits(UNARY[kind]))
        if known is not None:
            self.again(lambda: self.rule(kind, UNARY[kind], [known]), [known])

    def draw_shaping(self) -> None:
        kind = self.pick(list(SHAPING))
        known = self.some(lambda k: k.fits(SHAPING[kind]))
        if known is not None:
            self.again(lambda: self.rule(kind, SHAPING[kind], [known]), [known])

    def draw_binary(self) -> None:
        kind = self.pick(list(BINARY))
        a = self.some(lambda k: k.fits(BINARY[kind]))
        if a is not None:
            b = self.some(lambda k: k.type == a.type)
            self.again(lambda: self.rule(kind, BINARY[kind], [a, b]), [a, b])

    def draw_mixed(self) -> None:
        a, b = self.some(lambda k: k.mixes), self.some(lambda k: k.mixes)
        if a is None or b is None or {a.dtype, b.dtype} <= {"(int)", "(float)"}:
            return
        if "[0]" in a.type + b.type or {a.dtype, b.dtype} <= {"bool", "(bool)"}:
            return
        kind = self.pick(list(MIXED))
        rule = MIXED[kind]
        self.again(lambda: self.rule(kind, rule, [a, b]), [a, b])

    def draw_convert(self) -> None:
        known = self.some(
            lambda k: (
                k.dtype in CONVERSIONS and k.bound <= LIMIT and "weak" not in k.type
            )
        )
        if known is not None:
            dtype = self.pick(CONVERSIONS[known.dtype])
            self.call(CONVERT, [known], {"new_dtype": dtype}, known.bound, known.slope)

    def draw_select(self) -> None:
        mask = self.some(lambda k: k.dtype == "bool")
        a = mask and self.some(lambda k: k.dtype in ARRAYS and k.shape == mask.shape)
        if mask is not None and a is not None:
            b = self.some(lambda k: k.type == a.type)
            bounds = max(a.bound, b.bound), a.slope + b.slope
            self.call(SELECT, [mask, a, b], {}, *bounds)

    def draw_constant(self) -> None:
        self.constant(self.pick(CONSTANTS))

    def draw_fold(self) -> None:
        """Something that is known beforehand."""
        first, kind = self.pick(CONSTANTS), self.pick(["add", "mul"])
        a, b = self.constant(first), self.constant(first)
        if a.dtype in ARRAYS:
            self.rule(f"lax::{kind}", BINARY[f"lax::{kind}"], [a, b])
        else:
            bound = a.bound + b.bound + a.bound * b.bound
            self.call(f"py::operator.{kind}", [a, b], {}, bound, 0.0)

    def draw_function(self) -> None:
        applied = self.pick(APPLIED)
        x = self.some(lambda k: k.dtype == "f32" and "weak" not in k.type)
        if x is not None:
            count = applied.cconv.count("d")
            rest = [self.some(lambda k: k.type == x.type) for _ in range(count - 1)]
            operands = [x, *rest]
            self.again(lambda: self.apply(applied, operands), operands)

    def draw_note(self) -> None:
        known = self.some(lambda k: k.dtype == "f32" and "weak" not in k.type)
        if known is not None:
            tag = self.pick(["n", "m"])
            self.call(NOTE, [known], {"tag": tag}, known.bound, known.slope)

    def draw_again(self) -> None:
        """The same as before once more, if it can be seen from here."""
        if self.repeatable:
            self.pick(self.repeatable[-6:])()

    def again(self, draw: Callable[[], Any], operands: Sequence[Known]) -> None:
        def repeat() -> None:
            if all(k in self.visible for k in operands):
                draw()

        self.repeatable.append(repeat)
        draw()

    def draw_pack(self) -> None:
        parts = [self.some(lambda k: not k.parts) for _ in range(1 + self.below(3))]
        parts = [k for k in parts if k is not None]
        node = self.graph.create(
            "prim::TupleConstruct", [self.values[k.number] for k in parts]
        )
        kinds = [self.values[k.number].type() for k in parts]
        value = self.graph.insert_node(node).output().set_type(types.TupleType(kinds))
        known = self.new(value, 0.0, sum(k.slope for k in parts))
        self.visible[-1] = known._replace(parts=tuple(parts))
        self.step(lambda _, xs, env: [tuple(xs)], parts, [known])

    def draw_unpack(self) -> None:
        whole = self.some(lambda k: bool(k.parts))
        if whole is None:
            return
        node = self.graph.create(
            "prim::TupleUnpack", [self.values[whole.number]], len(whole.parts)
        )
        self.graph.insert_node(node)
        made = []
        for value, part in zip(node.outputs(), whole.parts, strict=True):
            value.set_type(types.parse(part.type))
            made.append(self.new(value, part.bound, part.slope))
        self.step(lambda _, xs, env: list(xs[0]), [whole], made)

    # --- nesting ------------------------------------------------------------------

    @contextlib.contextmanager
    def inside(self, node: Node, step: Step) -> Iterator[tuple[Any, Steps]]:
        """In a new block of `node`."""
        block, around, seen = node.add_block(), self.steps, len(self.visible)
        self.steps = Steps()
        step.nested.append(self.steps)
        self.depth += 1
        with self.graph.insert_point_guard(block):
            yield block, self.steps
        self.depth -= 1
        self.steps = around
        del self.visible[seen:]

    def returned(self, block: Any, steps: Steps, known: Known) -> None:
        block.register_output(self.values[known.number])
        steps.outputs.append(known.number)

    def draw_branches(self) -> None:
        condition = self.some(lambda k: k.type in ("bool[]", "bool"))
        if condition is None:
            condition = self.constant(self.pick([True, False, np.bool_(True)]))
        like = [self.some(lambda k: k.dtype in ARRAYS) for _ in range(self.below(3))]
        like = [k for k in like if k is not None]
        node = self.graph.create("prim::If", [self.values[condition.number]], 0)
        self.graph.insert_node(node)
        step = self.step(branch, [condition], [])
        bounds = [(k.bound, 0.0) for k in like]
        for _ in range(2):
            with self.inside(node, step) as (block, steps):
                for _ in range(self.below(4)):
                    self.instruction()
                for i, wanted in enumerate(like):
                    found = self.some(lambda k, wanted=wanted: k.type == wanted.type)
                    self.returned(block, steps, found)
                    bound, slope = bounds[i]
                    bounds[i] = max(bound, found.bound), slope + found.slope
        for k, (bound, slope) in zip(like, bounds, strict=True):
            value = node.add_output(types.parse(k.type))
            step.results.append(self.new(value, bound, slope).number)

    def draw_loop(self) -> None:
        strong = lambda k: k.dtype in ("f32", "i32") and "weak" not in k.type  # noqa: E731
        carried = [self.some(strong) for _ in range(1 + self.below(3))]
        carried = [k for k in carried if k is not None]
        trips = self.constant(self.below(4))
        first = self.constant(self.pick([True, True, False]))
        operands = [trips, first, *carried]
        node = self.graph.create(
            "prim::Loop", [self.values[k.number] for k in operands], 0
        )
        self.graph.insert_node(node)
        step = self.step(repeat, operands, [])
        before = max([k.slope for k in self.visible] + [1.0])
        with self.inside(node, step) as (block, steps):
            outer, self.visible = self.visible, []
            # Slopes inside are relative to the steepest value outside.
            self.visible = [k._replace(slope=min(k.slope, 1.0)) for k in outer]
            i = block.add_input_to_block(None, types.parse("i32[]"))
            given = [self.new(i, 3.0, 0.0)]
            for k in carried:
                value = block.add_input_to_block(None, types.parse(k.type))
                given.append(self.new(value, LIMIT, 1.0))
            steps.inputs += [k.number for k in given]
            for _ in range(self.below(4)):
                self.instruction()
            go_on = self.chance(4) and self.some(lambda k: k.type == "bool[]")
            self.returned(block, steps, go_on or self.constant(True))
            factor = 1.0
            for k in carried:
                found = self.some(lambda v, k=k: v.type == k.type)
                if k.dtype == "f32":  # it may not grow from trip to trip
                    found = self.rule("lax::sin", UNARY["lax::sin"], [found])
                factor = max(factor, found.slope)
                self.returned(block, steps, found)
            self.visible = [*outer, *self.visible[len(outer) :]]
        for k in carried:
            value = node.add_output(types.parse(k.type))
            bound = max(1.0, k.bound) if k.dtype == "f32" else 1e9
            step.results.append(self.new(value, bound, before * factor**3).number)

    def draw_called(self) -> None:
        """A call of another graph, perhaps of one that was called before."""
        if self.depth > 1:
            return
        if not self.callees or self.chance(2):
            self.callees.append(_callee(self.draw, self.counter))
        graph, steps, made, slope = self.pick(self.callees)
        operand = self.some(lambda k: k.type == "f32[3]")
        if operand is None:
            return
        node = self.graph.create(
            "prim::CallFunction", [self.values[operand.number]], len(made)
        )
        self.graph.insert_node(node.g_("graph", graph))
        known = []
        for value, like in zip(node.outputs(), made, strict=True):
            value.set_type(types.parse(like.type))
            known.append(self.new(value, like.bound, slope * operand.slope))
        self.step(lambda _, xs, env: evaluate(steps, xs, {}), [operand], known)


def _callee(
    draw: Draw, counter: Iterator[int]
) -> tuple[Graph, Steps, list[Known], float]:
    """A graph to be called with an f32[3] of any size up to the limit."""
    inner = Writer(draw, counter)
    inner.depth = 2
    known = inner.input("f32[3]")
    inner.visible[0] = known._replace(bound=LIMIT)
    for _ in range(1 + inner.below(3)):
        inner.instruction()
    made = []
    for _ in range(1 + inner.below(2)):
        k = inner.some(lambda k: k.dtype in ARRAYS)
        assert k is not None
        inner.graph.register_output(inner.values[k.number])
        inner.whole.outputs.append(k.number)
        made.append(k)
    return inner.graph, inner.whole, made, max(1.0, *[k.slope for k in made], 1.0)


@st.composite
def graphs(draw: Draw, size: int = 9, edits: int = 4) -> Case:
    """A random legal graph.

    Args:
        draw: given by Hypothesis.
        size: how many instructions there are at most; some are several nodes.
        edits: how many edits follow at most.

    Returns:
        A case; nothing that was drawn is thrown away.
    """
    builder = Writer(draw)
    builder.input("f32[3]")
    for _ in range(builder.below(4)):
        builder.input(builder.pick(INPUTS))
    for _ in range(1 + builder.below(size)):
        builder.instruction()
    slope = 0.0
    for _ in range(builder.below(6)):
        known = builder.pick(builder.visible[-8:] + builder.visible[:2])
        builder.graph.register_output(builder.values[known.number])
        builder.whole.outputs.append(known.number)
        slope += known.slope
    case = Case(builder.graph, builder.whole, builder.below(50), slope)
    for _ in range(builder.below(edits + 1)):
        edit(builder, case)
    return case
