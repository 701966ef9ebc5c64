"""Random traced programs: a random Function, and what JAX's programs are made of.

- `programs()`: a strategy of `Traced`.
- `recorded`: its graph, in every form, against the program run eagerly.

What is nested is made once, here, so that it is compiled once for all examples. What a
compiler could fuse computes with numbers for which that changes no bit.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import io_callback

from jaxgrad.frontend import trace
from jaxgrad.graph import parse
from jaxgrad.lower import run
from tests.properties import graph_checks
from tests.properties.checks import Pair
from tests.properties.functions import slots
from tests.properties.graph_ops import FUNCTIONS, LOG, Bent, Both, Loud, Mixed, Scaled
from tests.properties.strategies import FEW_SHAPES, SMOOTH_DTYPES, Case, Draw, cases

# Blocks, abbreviations, enums and nested arguments can't be read back.
_NO_LITERAL = re.compile(r"\.\.\.|block0|<|call=|(?<!\^)\b[A-Z]\w+[.(]")


class Traced(NamedTuple):
    """A program.

    Attributes:
        case: of a random Function, with which it begins.
        parts: keys of `PARTS`, in order.
        passes: the seed of a sequence of passes.
    """

    case: Case
    parts: tuple[str, ...]
    passes: int


def _noted(x: Any) -> None:
    LOG.append(("callback", np.asarray(x).tobytes()))


def _callback(x: Any, y: Any) -> Any:
    io_callback(_noted, None, jax.lax.stop_gradient(x), ordered=True)
    return y, x


def _step(carry: Any, x: Any) -> Any:
    return Scaled.apply(carry, 0.5), jnp.maximum(carry, x)


def _scan(x: Any, y: Any) -> Any:
    carry, made = jax.lax.scan(_step, x, jnp.stack([x, y]))
    return carry, made[1]


def _bent(x: Any) -> Any:
    return Bent.apply(x)


def _negated(x: Any) -> Any:
    return -x


@jax.jit
def _halved(x: Any) -> Any:
    return Scaled.apply(jnp.abs(x), 0.5)


def _trip(i: Any, x: Any) -> Any:
    return jnp.where(i % 2 == 0, -x, Scaled.apply(x, 0.5))


@jax.checkpoint
def _saved(x: Any) -> Any:
    return Scaled.apply(jnp.maximum(x, 0), 2.0)


def _dead(x: Any, y: Any) -> Any:
    jnp.cos(x)
    Bent.apply(y)
    return x, y


def _unused_effect(x: Any, y: Any) -> Any:
    Loud.apply(x, "unused")
    return x, y


PARTS: dict[str, Callable[[Any, Any], Any]] = {
    "scan": _scan,
    "cond": lambda x, y: (jax.lax.cond(x[0] > y[0], _bent, _negated, x), y),
    "fori": lambda x, y: (jax.lax.fori_loop(0, 3, _trip, x), y),
    "jit": lambda x, y: (_halved(x), _halved(y)),
    "checkpoint": lambda x, y: (_saved(y), x),
    "callback": _callback,
    "twice": lambda x, y: (jnp.sin(x) * jnp.sin(x), y),
    "mixed": lambda x, y: (Mixed.apply(x, 0.5, y, "sub"), x),
    "both": lambda x, y: Both.apply(jnp.tanh(x)),
    "loud": lambda x, y: (Loud.apply(x, "a"), y),
    "unused effect": _unused_effect,
    "dead": _dead,
    "constants": lambda x, y: (x * (jnp.float32(2) * jnp.float32(0.25)), y),
    "index": lambda x, y: (x[::-1].at[0].set(y[1]), x),
    "relu": lambda x, y: (jax.nn.relu(x), y),
}


@st.composite
def programs(draw: Draw) -> Traced:
    """A random Function, then up to four parts."""
    rules = ("reverse", "derived", "both")
    case = draw(cases(rules, SMOOTH_DTYPES[:1], steps=3, shapes=FEW_SHAPES))
    parts = draw(st.lists(st.sampled_from(list(PARTS)), max_size=4))
    return Traced(case, tuple(parts), draw(st.integers(0, 99)))


def program(traced: Traced, pair: Pair) -> Callable[..., Any]:
    """The program as a function of the differentiated arrays."""

    def function(*xs: Any) -> Any:
        made = pair.inexact(pair.function)(*xs)
        x = jnp.tanh(made[0] + jnp.zeros(3))
        y = jnp.sin(made[-1] - jnp.ones(3))
        for part in traced.parts:
            x, y = PARTS[part](x, y)
        return made, x, y

    return function


def recorded(traced: Traced) -> None:
    """A traced graph in every form does what the program does, Functions included."""
    pair = Pair(traced.case)
    function, given = program(traced, pair), pair.at
    want = graph_checks.observed(function, *given)
    found = trace(function, *given)
    graph, captured = found.graph, list(found.captured.values())
    graph.lint()
    text = str(graph)
    forms = [("", graph), ("copy", graph.copy())]
    assert str(forms[1][1]) == text
    changes = (*graph_checks.PASSES, graph_checks.sequence(traced.passes))
    for change in changes:
        forms.append((change.__name__, graph_checks.passed(change, graph)))
        assert str(graph) == text, change
    if not _NO_LITERAL.search(text):
        functions = {**FUNCTIONS, pair.cls.__name__: pair.cls}
        again = parse(text, functions)
        again.lint()
        assert str(again) == text
        if _is_flat(traced.case):
            forms.append(("parsed", again))
    for name, form in forms:
        lowered = lambda *xs, form=form: run(form, *xs, *captured)  # noqa: E731
        try:
            graph_checks.same(graph_checks.observed(lowered, *given), want)
        except Exception as error:
            error.add_note(f"after {name}:\n{form}")
            raise
    if traced.passes % 4 == 3:
        rules(traced, function, forms, given, captured)


def _is_flat(case: Case) -> bool:
    """Whether a text says all about the arguments of the random Function."""
    plan = case.plan
    named = plan.by_name or plan.signature in ("keyword", "open")
    return not named and all(isinstance(slot, int | str) for slot in slots(plan))


def rules(
    traced: Traced,
    function: Callable[..., Any],
    forms: Sequence[Any],
    given: Sequence[Any],
    captured: Sequence[Any],
) -> None:
    """The gradients are those of the rules, which no derivative gives."""
    want = graph_checks.gradients(function, given)
    allowed = 1e-5 * 100 * 8 * traced.case.bound
    for name, form in forms:
        lowered = lambda *xs, form=form: run(form, *xs, *captured)  # noqa: E731
        try:
            graph_checks.close(graph_checks.gradients(lowered, given), want, allowed)
        except Exception as error:
            error.add_note(f"gradients after {name}:\n{form}")
            raise
