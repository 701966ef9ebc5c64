"""Strategies for random Functions, and for calls of them.

- `cases(...)`: a class's plan, the types of its arrays and their contents, what is
  differentiated.
- `contents`, `arrays_of`: the arrays.

Shapes and dtypes are few, because every new combination is a program to compile; what
is computed is not.
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np

from tests.properties.functions import SIGNATURES, Plan
from tests.properties.ops import (
    AT_LEAVES,
    BINARY,
    COMPLEX,
    OPS,
    REAL,
    REDUCTIONS,
    TO_REAL,
)
from tests.properties.programs import Program, Step, reads

Shapes = tuple[tuple[int, ...], ...]
Draw = Callable[[st.SearchStrategy], Any]
Pair = namedtuple("Pair", ["first", "second"])

# Shapes that broadcast with each other, and with what reductions make of them.
SHAPES = (
    ((2, 3), (2, 3), (2, 3), (3,), (2, 1), ()),
    ((2, 3), (2, 3), (2, 3), (3,), (2, 1), ()),
    ((),),
    ((0,), (0,), (1,), ()),
)
FEW_SHAPES = (((3,), (3,), ()),)
# The axes of reductions, and keepdims.
AXES = {
    2: ((None, False), (0, False), (1, True)),
    1: ((None, False),),
    0: ((None, False),),
}
DTYPES = (
    *[("float32",)] * 6,
    ("float32", "bfloat16"),
    ("bfloat16",),
    ("float16",),
    ("float64",),
    ("float64", "float32"),
    ("complex64",),
    ("complex64", "float32"),
    ("complex128", "float64"),
)
SMOOTH_DTYPES = (("float32",), ("float32",), ("float64",), ("complex64", "float32"))
SIDES = ("int32", "bool")
LIMIT = 12.0  # what values may grow to


class Leaf(NamedTuple):
    """The type of one array of the arguments."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def floats(self) -> bool:
        return self.dtype not in SIDES


class Case(NamedTuple):
    """A class and a call.

    Attributes:
        plan: of the class.
        leaves: the types of the arrays.
        seed: of their contents, and of cotangents and tangents.
        wrt: the leaves that are differentiated.
        taken: the outputs that are, by position.
        bound: what a derivative, and a sum of its terms, can at most be.
    """

    plan: Plan
    leaves: tuple[Leaf, ...]
    seed: int
    wrt: tuple[int, ...]
    taken: tuple[int, ...]
    bound: float

    @property
    def x64(self) -> bool:
        return any(leaf.dtype in ("float64", "complex128") for leaf in self.leaves)


def contents(leaf: Leaf, rng: np.random.Generator) -> np.ndarray:
    """Multiples of 1/8 up to 1, which every dtype holds exactly; ties are likely."""
    eighths = lambda: rng.integers(-8, 9, leaf.shape) / 8  # noqa: E731
    if leaf.dtype == "bool":
        return np.asarray(rng.integers(0, 2, leaf.shape), bool)
    if leaf.dtype == "int32":
        return np.asarray(rng.integers(-3, 4, leaf.shape), np.int32)
    if leaf.dtype.startswith("complex"):
        return np.asarray((eighths() + 1j * eighths()) / 2, leaf.dtype)
    return np.asarray(eighths()).astype(jnp.dtype(leaf.dtype))


# --- arguments ------------------------------------------------------------------------


def _slot(draw: Draw, new: Callable[[], int], ways: int) -> Any:
    """A pytree of numbers of new leaves, for one argument; the first 4 are no leaf."""
    match draw(st.integers(0, ways - 1)):
        case 0:
            return {"w": new(), "b": new()}
        case 1:
            return [new(), (new(), "name"), None]
        case 2:
            return Pair(new(), {"x": new()})
        case 3:
            return (new(),)
        case _:
            return new()


def _slots(
    draw: Draw, leaf: Callable[[], Leaf], signatures: Sequence[str], ways: int
) -> tuple[str, dict[str, Any], dict[str, Any], list[Leaf]]:
    """A signature, the pytrees of its arrays, its static arguments, and the leaves."""
    leaves: list[Leaf] = []

    def new() -> int:
        leaves.append(leaf())
        return len(leaves) - 1

    signature = draw(st.sampled_from(signatures))
    arrays = {"a": _slot(draw, new, ways)}
    static: dict[str, Any] = {}
    if signature == "star":
        arrays["b"] = tuple(
            _slot(draw, new, ways) for _ in range(draw(st.integers(0, 2)))
        )
    elif "b" in SIGNATURES[signature].names:
        arrays["b"] = _slot(draw, new, ways)
    scale = st.sampled_from([0.5, 2.0, -1.0])
    if signature == "static" or (signature in ("default", "open") and draw(_BOOL)):
        static["scale"] = draw(scale)
    if signature in ("default", "open") and draw(_BOOL):
        static["flip"] = draw(_BOOL)
    if signature == "keyword" and draw(_BOOL):
        static["mode"] = draw(st.sampled_from(["sin", "half"]))
    return signature, arrays, static, leaves


_BOOL = st.booleans()
_LATE = st.sampled_from([0, 0, 0, 1, 1, 2, 3])


def _chance(draw: Draw, one_in: int) -> bool:
    return draw(st.integers(0, one_in - 1)) == one_in - 1


# --- bodies ---------------------------------------------------------------------------


class _Body:
    """A program while it is drawn: what is known of each value."""

    def __init__(self, draw: Draw, leaves: Sequence[Leaf], static: set[str]) -> None:
        self.draw = draw
        self.leaves = leaves
        self.static = sorted(static)
        self.steps: list[Step] = []
        self.shapes = [leaf.shape for leaf in leaves]
        self.complex = [leaf.dtype.startswith("complex") for leaf in leaves]
        self.bounds = [3.0 if leaf.dtype == "int32" else 1.0 for leaf in leaves]
        self.floats = [i for i, leaf in enumerate(leaves) if leaf.floats]
        self.sides = [i for i, leaf in enumerate(leaves) if not leaf.floats]

    def _some(self, *others: int) -> int:
        """A value that broadcasts with others, more likely a late one."""
        found = [i for i in self.floats if self._fit(i, *others)]
        return found[-1 - self.draw(_LATE) % len(found)]

    def _fit(self, *values: int) -> bool:
        columns = zip_longest(*[reversed(self.shapes[i]) for i in values], fillvalue=1)
        return all(len(set(column) - {1}) <= 1 for column in columns)

    def step(self) -> None:
        x = self._some()
        kinds = ["unary", "unary", "binary", "binary", "reduce"]
        sides = [i for i in self.sides if self._fit(i, x)]
        kinds += ["static"] * bool(self.static) + ["side", "where"] * bool(sides)
        kinds += ["leaf"] * (x < len(self.leaves) and not self.complex[x])
        data = None
        match self.draw(st.sampled_from(kinds)):
            case "unary":
                names = COMPLEX if self.complex[x] else REAL
                op, operands = self.draw(st.sampled_from(names)), (x,)
            case "binary":
                op, operands = self.draw(st.sampled_from(BINARY)), (x, self._some(x))
            case "static":
                op, operands = self.draw(st.sampled_from(self.static)), (x,)
            case "side":
                op, operands = "times", (self.draw(st.sampled_from(sides)), x)
            case "where":
                mask = self.draw(st.sampled_from(sides))
                op, operands = "where", (mask, x, self._some(mask, x))
            case "reduce":
                op, operands = self.draw(st.sampled_from(REDUCTIONS[:2])), (x,)
            case _:
                op, operands = self.draw(st.sampled_from(AT_LEAVES)), (x,)
        if op in REDUCTIONS:
            op, data = self._reduction(op, x)
        self._add(Step(op, operands, data))

    def _reduction(self, op: str, x: int) -> tuple[str, Any]:
        shape = self.shapes[x]
        axes = self.draw(st.sampled_from(AXES[len(shape)]))
        if op != "sum" and 0 in shape:
            op = "sum"  # nothing has neither a mean nor a maximum
        return op, axes

    def _add(self, step: Step) -> None:
        bounds = [self.bounds[i] for i in step.operands]
        steep = step.op in ("sin", "exp", "mode") and max(bounds) > 1
        if steep or OPS[step.op].bound(*bounds) > LIMIT:
            x = step.operands[-1]
            step, bounds = Step("shrink", (x,)), [self.bounds[x]]
        shapes = [self.shapes[i] for i in step.operands]
        shape = np.broadcast_shapes(*shapes)
        if step.data is not None:
            axis, keepdims = step.data
            like = np.broadcast_to(np.int8(0), shape)
            shape = np.sum(like, axis=axis, keepdims=keepdims).shape
        self.shapes.append(shape)
        complex_operand = any(self.complex[i] for i in step.operands)
        self.complex.append(complex_operand and step.op not in TO_REAL)
        self.bounds.append(OPS[step.op].bound(*bounds))
        self.floats.append(len(self.shapes) - 1)
        self.steps.append(step)

    def outputs(self) -> Any:
        """One to three values, in a container or alone; the last one is among them."""
        last = len(self.shapes) - 1
        any_value = st.integers(0, last)
        match self.draw(st.integers(0, 7)):
            case 0:
                return (last, self.draw(any_value))
            case 1:
                return (self.draw(any_value), last, self.draw(any_value))
            case 2:
                return {"y": last, "more": [self.draw(any_value)]}
            case 3:
                return [last, self.draw(any_value)]
            case 4:
                return (last,)
            case _:
                return last

    def steepness(self) -> float:
        """The largest derivative of the sum of the outputs by a leaf, terms added."""
        slopes = [1.0] * len(self.shapes)
        for i, step in reversed(list(enumerate(self.steps, len(self.leaves)))):
            bounds = [self.bounds[j] for j in step.operands]
            for k, j in enumerate(step.operands):
                slopes[j] += slopes[i] * OPS[step.op].steep(k, *bounds)
        return max(slopes[i] for i in range(len(self.leaves)))


# --- cases ----------------------------------------------------------------------------


@st.composite
def cases(
    draw: Draw,
    rules: Sequence[str] = ("reverse",),
    dtypes: Sequence[tuple[str, ...]] = DTYPES,
    marked: bool = True,
    steps: int = 5,
    jit: bool = False,
    shapes: Sequence[Shapes] = (),
    signatures: Sequence[str] = tuple(SIGNATURES),
    containers: bool = False,
) -> Case:
    """A random class and a call of it.

    Args:
        draw: given by Hypothesis.
        rules: the values of `Plan.rule` to draw from.
        dtypes: the sets of dtypes to draw from.
        marked: whether the rule may be a multiple of the derivative.
        steps: how long the body may be; it has half of that at least.
        jit: whether forward on concrete arrays is compiled.
        shapes: the sets of shapes to draw from, if not the usual ones.
        signatures: the signatures to draw from.
        containers: whether every argument of arrays is a container.

    Returns:
        A case; nothing that was drawn is thrown away.
    """
    kinds = draw(st.sampled_from(dtypes))
    usual = SHAPES if kinds == ("float32",) else FEW_SHAPES
    of_leaves = draw(st.sampled_from(shapes or usual))

    def leaf() -> Leaf:
        side = bool(count) and _chance(draw, 5)
        dtype = draw(st.sampled_from(SIDES if side else kinds))
        count.append(1)
        return Leaf(draw(st.sampled_from(of_leaves)), dtype)

    count: list[int] = []  # the first leaf is never an integer
    signature, arrays, static, leaves = _slots(
        draw, leaf, signatures, 4 if containers else 10
    )
    names = {*static, *SIGNATURES[signature].defaults}
    body = _Body(draw, leaves, names)
    for _ in range(draw(st.integers((steps + 1) // 2, steps))):
        body.step()
    program = Program(len(leaves), tuple(body.steps), body.outputs())
    plan = Plan(program, signature, arrays, static, jit=jit)
    plan = _rule(draw, plan, rules, marked)
    floats = [i for i, leaf in enumerate(leaves) if leaf.floats]
    wrt = draw(st.lists(st.sampled_from(floats), unique=True)) or floats
    outputs = program.returned()
    inexact = [n for n, i in enumerate(outputs) if i in body.floats]
    taken = range(len(outputs))
    if len(inexact) > 1 and draw(_BOOL):
        taken = [draw(st.sampled_from(inexact))]
    return Case(
        plan,
        tuple(leaves),
        draw(st.integers(0, 999)),
        tuple(sorted(wrt)),
        tuple(taken),
        max(body.steepness(), 1.0),
    )


def _rule(draw: Draw, plan: Plan, rules: Sequence[str], marked: bool) -> Plan:
    """How the class saves, and how its rules are written."""
    program = plan.program
    total = program.leaves + len(program.steps)
    outputs = program.returned()
    setup = _chance(draw, 3)
    wanted = {i for i in reads(program) if i >= program.leaves}
    wanted = sorted(wanted & set(outputs) if setup else wanted)
    saved = [i for i in wanted if draw(st.integers(0, 3)) > 0]
    own = [i for i in outputs if i >= program.leaves]
    constant = own[0] if len(outputs) > 1 and own and _chance(draw, 5) else -1
    mark = st.sampled_from([1, 2, 8] if marked else [1])
    positional = SIGNATURES[plan.signature]
    named = 0 if plan.signature in ("star", "open") else positional.positional - 1
    return plan._replace(
        by_name=draw(st.integers(0, named)),
        setup=setup,
        rule=draw(st.sampled_from(rules)),
        chain=draw(st.integers(0, 2)) > 0,
        saved=tuple(i for i in saved if i != constant),
        attributes=tuple(draw(st.lists(st.integers(0, total - 1), max_size=2))),
        marks=(draw(mark), draw(mark)),
        large=draw(_BOOL),
        upcast=_chance(draw, 3),
        flags=draw(_BOOL),
        materialize=not _chance(draw, 3),
        constant=constant,
        convention="torch" if draw(_BOOL) else "jax",
    )


def arrays_of(case: Case) -> list[jax.Array]:
    """The contents of the leaves, as JAX arrays."""
    rng = np.random.default_rng(case.seed)
    return [jnp.asarray(contents(leaf, rng)) for leaf in case.leaves]
