"""What a random graph stands for: plain steps, and bounds on what they compute.

- `Steps`, `Step`, `evaluate`: a program that knows nothing of graphs.
- `Known`: a value while a graph is drawn; `Case`: a graph with its steps.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.graph import Graph, types
from tests.properties.graph_ops import Rule

LIMIT, STEEPEST = 8.0, 1e4  # what values and slopes may grow to
ARRAYS = "f32 bf16 i32 bool c64"
Environment = dict[int, Any]


class Steps:
    """Steps, between inputs and outputs; values are numbers."""

    def __init__(self) -> None:
        self.inputs: list[int] = []
        self.steps: list[Step] = []
        self.outputs: list[int] = []


class Step:
    """One step: `results = do(operands, everything around)`."""

    def __init__(
        self, do: Callable[..., Any], operands: list[int], results: list[int]
    ) -> None:
        self.do = do
        self.operands = operands
        self.results = results
        self.nested: list[Steps] = []


def evaluate(block: Steps, given: Sequence[Any], around: Environment) -> list[Any]:
    """What steps compute."""
    env = {**around, **dict(zip(block.inputs, given, strict=True))}
    for step in block.steps:
        made = step.do(step, [env[i] for i in step.operands], env)
        env.update(zip(step.results, made, strict=True))
    return [env[i] for i in block.outputs]


def branch(step: Step, values: list[Any], env: Environment) -> list[Any]:
    return evaluate(step.nested[not bool(values[0])], [], env)


def repeat(step: Step, values: list[Any], env: Environment) -> list[Any]:
    trips, again, *state = values
    for i in range(trips):
        if not again:
            break
        again, *state = evaluate(step.nested[0], [jnp.int32(i), *state], env)
    return state


def substitute(block: Steps, old: int, new: int) -> None:
    """Use `new` wherever `old` is used."""
    block.outputs[:] = [new if i == old else i for i in block.outputs]
    for step in block.steps:
        step.operands[:] = [new if i == old else i for i in step.operands]
        for nested in step.nested:
            substitute(nested, old, new)


# --- what is known while a graph is drawn ---------------------------------------------


class Known(NamedTuple):
    """A value: its number, its type, and bounds on it.

    Attributes:
        number: of the value in the steps.
        type: the text of its type.
        bound: the largest magnitude.
        slope: the sum of the magnitudes of the terms of its derivative.
        parts: those of a tuple.
    """

    number: int
    type: str
    bound: float
    slope: float
    parts: tuple["Known", ...] = ()

    @property
    def dtype(self) -> str:
        """The dtype of an array; no text in `ARRAYS` for what is none."""
        return self.type.partition("[")[0] if "[" in self.type else f"({self.type})"

    @property
    def shape(self) -> str:
        return self.type.removeprefix(self.dtype)

    def fits(self, rule: Rule) -> bool:
        return self.dtype in rule.dtypes.split() and rule.shapes in ("", self.shape)

    @property
    def mixes(self) -> bool:
        """Whether it may be promoted: an array, or a number, that is not too large."""
        return (
            not self.parts
            and self.bound <= LIMIT
            and self.type
            not in (
                "None",
                "str",
            )
        )


class Case:
    """A graph, and what it stands for.

    Attributes:
        graph: the graph.
        types: of its inputs.
        steps: the same program as plain steps.
        seed: of the contents of the inputs.
        slope: a bound on the terms of the derivative of the outputs; None if unknown.
    """

    def __init__(
        self, graph: Graph, steps: Steps, seed: int, slope: float | None
    ) -> None:
        self.graph = graph
        self.steps = steps
        self.seed = seed
        self.slope = slope

    @property
    def types(self) -> list[str]:
        return [str(v.type()) for v in self.graph.inputs()]

    def arrays(self) -> list[jax.Array]:
        """The contents of the inputs."""
        rng = np.random.default_rng(self.seed)
        return [_contents(text, rng) for text in self.types]

    def __repr__(self) -> str:
        return f"seed {self.seed}, slope {self.slope}\n{self.graph}"


def _contents(text: str, rng: np.random.Generator) -> jax.Array:
    if text.endswith("{weak}"):
        return jnp.asarray(float(rng.integers(-8, 9)) / 8)
    aval = types.parse(text).aval  # type: ignore[attr-defined]
    if aval.dtype == bool:
        return jnp.asarray(rng.integers(0, 2, aval.shape), bool)
    if aval.dtype == np.int32:
        return jnp.asarray(rng.integers(-3, 4, aval.shape), np.int32)
    eighths = rng.integers(-8, 9, aval.shape) / 8
    if aval.dtype == np.complex64:
        eighths = eighths * (0.5 + 0.5j)
    return jnp.asarray(np.asarray(eighths).astype(aval.dtype))
