"""A random graph while it is drawn, with the steps that it stands for.

- `Builder`: makes single nodes; `tests.properties.graphs` chooses them.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import hypothesis.strategies as st
import jax
import numpy as np

from jaxgrad.graph import Graph, Value, types
from tests.properties import graph_ops
from tests.properties.graph_ops import CALLS, Applied, Rule
from tests.properties.graph_steps import (
    LIMIT,
    STEEPEST,
    Environment,
    Known,
    Step,
    Steps,
)
from tests.properties.strategies import Draw

NAMES = ("x", "y", "x.1", "y.2", "a.b", "x.1.2", "loop", "_", "θ", "x.", "a..b")
_NUMBERS = [st.integers(0, n) for n in range(100)]


class Builder:
    """A graph while it is drawn."""

    def __init__(self, draw: Draw, counter: Iterator[int] | None = None) -> None:
        self.draw = draw
        self.graph = Graph()
        self.counter = itertools.count() if counter is None else counter
        self.values: dict[int, Value] = {}
        self.visible: list[Known] = []
        self.steps = self.whole = Steps()
        self.callees: list[tuple[Graph, Steps, list[Known], float]] = []
        self.repeatable: list[Callable[[], Any]] = []
        self.depth = 0

    def below(self, n: int) -> int:
        return self.draw(_NUMBERS[n - 1])

    def pick(self, choices: Sequence[Any]) -> Any:
        return choices[self.below(len(choices))]

    def chance(self, one_in: int) -> bool:
        return self.below(one_in) == one_in - 1

    def some(self, accepts: Callable[[Known], bool]) -> Known | None:
        """A visible value, more likely a late one."""
        found = [k for k in self.visible if accepts(k)]
        if not found:
            return None
        return found[-1 - min(self.below(len(found)), self.below(len(found)))]

    def new(self, value: Value, bound: float, slope: float, name: bool = True) -> Known:
        """A value becomes known."""
        known = Known(next(self.counter), str(value.type()), bound, slope)
        self.values[known.number] = value
        if name and self.chance(4):
            value.set_debug_name(self.pick(NAMES))
        self.visible.append(known)
        return known

    def input(self, text: str) -> Known:
        value = self.graph.add_input(None, types.parse(text))
        known = self.new(value, 3.0 if text.startswith("i32") else 1.0, 1.0)
        self.whole.inputs.append(known.number)
        return known

    def step(
        self, do: Callable[..., Any], operands: Sequence[Known], made: Sequence[Known]
    ) -> Step:
        numbers = [k.number for k in operands]
        step = Step(do, numbers, [k.number for k in made])
        self.steps.steps.append(step)
        return step

    # --- nodes of one kind each ---------------------------------------------------

    def call(
        self,
        kind: str,
        operands: Sequence[Known],
        attributes: dict[str, Any],
        bound: float,
        slope: float,
    ) -> Known:
        """A `lax::` or `py::` node."""
        values = [self.values[k.number] for k in operands]
        value = self.graph.insert(kind, *values, **attributes)
        function = CALLS[kind]
        known = self.new(value, bound, slope)
        self.step(lambda _, xs, env: [function(*xs, **attributes)], operands, [known])
        return self.shrunk(known)

    def rule(self, kind: str, rule: Rule, operands: Sequence[Known]) -> Known:
        bounds = [k.bound for k in operands]
        slope = sum(rule.steep(i, *bounds) * k.slope for i, k in enumerate(operands))
        if rule.steep is graph_ops._one and len(operands) == 1:
            slope = operands[0].slope * (3 if "sum" in kind else 1)
        bound = rule.bound(*bounds)
        return self.call(kind, operands, rule.attributes, bound, slope)

    def shrunk(self, known: Known) -> Known:
        """The value, made smaller until it and its slope are no longer too large."""
        while known.dtype in "f32 bf16 c64" and (
            known.bound > LIMIT or known.slope > STEEPEST
        ):
            small = self.constant(0.0625)
            known = self.call(
                "py::jax.numpy.multiply",
                [known, small],
                {},
                known.bound / 16,
                known.slope / 16,
            )
        return known

    def constant(self, value: Any) -> Known:
        made = self.graph.insert_constant(value)
        size = float(np.max(np.abs(np.asarray(value, np.float32))))
        known = self.new(made, size, 0.0, False)
        self.step(lambda _, xs, env: [value], [], [known])
        return known

    def apply(self, applied: Applied, operands: Sequence[Known]) -> list[Known]:
        """An application of a Function."""
        statics = list(self.pick(applied.statics))
        cls = applied.cls
        node = self.graph.create_python_op(cls.apply, applied.cconv, statics)
        for known in operands:
            node.add_input(self.values[known.number])
        for _ in range(applied.outputs - 1):
            node.add_output()
        for value in node.outputs():
            value.set_type(types.parse(operands[0].type))
        self.graph.insert_node(node)
        bounds = [k.bound for k in operands]
        slope = applied.steep(*bounds) * sum(k.slope for k in operands)
        made = [self.new(v, applied.bound(*bounds), slope) for v in node.outputs()]

        def do(_: Step, xs: list[Any], env: Environment) -> list[Any]:
            arrays, rest = iter(xs), iter(statics)
            args = [next(arrays if c == "d" else rest) for c in applied.cconv]
            return jax.tree.leaves(cls.apply(*args))

        self.step(do, operands, made)
        return [self.shrunk(known) for known in made]
