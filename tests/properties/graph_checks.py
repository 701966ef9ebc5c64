"""A random graph against the plain steps that it stands for, form by form.

- `built`: a hand-built graph: its text, its copy, every pass, a sequence of passes.
- `observed`, `same`, `gradients`, `close`, `passed`: the parts of such checks.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.graph import (
    Graph,
    canonicalize,
    constant_fold,
    cse,
    dce,
    inline,
    parse,
)
from jaxgrad.lower import run
from tests.properties.graph_ops import FUNCTIONS, LOG
from tests.properties.graph_steps import Case, evaluate

Change = Callable[[Graph], Graph]
PASSES: tuple[Change, ...] = (dce, cse, inline, constant_fold, canonicalize)
# These leave every term of a derivative where it was; the others merge some.
SAME_TERMS = (dce, inline, canonicalize)
Result = tuple[list[Any], list[Any]]


def observed(program: Callable[..., Any], *given: Any) -> Result:
    """The arrays that a program makes, and its effects in order."""
    LOG.clear()
    out = program(*given)
    jax.effects_barrier()
    return jax.tree.leaves(out), list(LOG)


def same(got: Result, want: Result) -> None:
    """Assert equality to the last bit, of effects too."""
    assert got[1] == want[1], (got[1], want[1])
    assert len(got[0]) == len(want[0])
    for a, b in zip(got[0], want[0], strict=True):
        x, y = jnp.asarray(a), jnp.asarray(b)
        assert (x.shape, x.dtype) == (y.shape, y.dtype), (a, b)
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes(), (a, b)


def gradients(program: Callable[..., Any], given: Sequence[Any]) -> list[Any]:
    """The derivative of the sum of the float32 outputs by the float32 inputs."""
    chosen = [i for i, x in enumerate(given) if x.dtype == np.float32]

    def total(xs: Sequence[Any]) -> Any:
        full = list(given)
        for i, x in zip(chosen, xs, strict=True):
            full[i] = x
        out = [jnp.asarray(y) for y in jax.tree.leaves(program(*full))]
        floats = [y.sum() for y in out if y.dtype == np.float32]
        return sum(floats, jnp.float32(0))

    return jax.grad(total)([given[i] for i in chosen])


def close(got: Sequence[Any], want: Sequence[Any], allowed: float) -> None:
    """Assert equality up to the rounding of sums in another order."""
    for a, b in zip(got, want, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=allowed)


def built(case: Case) -> None:
    """A hand-built graph in every form computes what its steps compute."""
    graph, given = case.graph, case.arrays()
    graph.lint()
    want = observed(lambda *xs: evaluate(case.steps, xs, {}), *given)
    same(observed(lambda *xs: run(graph, *xs), *given), want)
    text = str(graph)
    forms: list[tuple[str, Graph, bool]] = [("copy", graph.copy(), True)]
    forms.append(("parsed", reparsed(graph), True))
    seen = {text}
    for change in (*PASSES, sequence(case.seed)):
        new = passed(change, graph)
        assert str(graph) == text, change
        if str(new) not in seen:  # what is the same need not be run again
            forms.append((change.__name__, new, change in SAME_TERMS))
        seen.add(str(new))
    for name, form, _ in forms:
        try:
            same(observed(lambda *xs, form=form: run(form, *xs), *given), want)
        except Exception as error:
            error.add_note(f"after {name}:\n{form}")
            raise
    if case.slope is not None and case.seed % 10 == 3 and graph.inputs():
        rules(case, forms, given)
    independent(graph)


def rules(case: Case, forms: Sequence[tuple[str, Graph, bool]], given: Any) -> None:
    """The gradients are those of the rules, which no derivative gives."""
    want = gradients(lambda *xs: evaluate(case.steps, xs, {}), given)
    assert case.slope is not None
    half = "bf16" in str(case.graph)
    allowed = 64 * case.slope * float(jnp.finfo("bfloat16" if half else "float32").eps)
    for name, form, exact in [("", case.graph, True), *forms]:
        got = gradients(lambda *xs, form=form: run(form, *xs), given)
        try:
            close(got, want, 0 if exact else allowed)
        except AssertionError as error:
            error.add_note(f"gradients after {name}:\n{form}")
            raise


def reparsed(graph: Graph) -> Graph:
    """The graph of a graph's text, which prints the same."""
    new = parse(str(graph), FUNCTIONS)
    new.lint()
    assert str(new) == str(graph)
    return new


def passed(change: Change, graph: Graph) -> Graph:
    """A changed graph, which the same change leaves alone."""
    new = change(graph)
    new.lint()
    again = change(new)
    assert str(canonicalize(again)) == str(canonicalize(new)), change.__name__
    return new


def sequence(seed: int) -> Change:
    """A random sequence of passes, until it changes nothing."""
    rng = np.random.default_rng(seed)
    chosen = [PASSES[i] for i in rng.integers(0, len(PASSES), rng.integers(2, 6))]

    def random(graph: Graph) -> Graph:
        before = ""
        while before != (before := str(graph)):
            for change in chosen:
                graph = change(graph)
            graph = canonicalize(graph)
        return graph

    random.__name__ = " ".join(change.__name__ for change in chosen)
    return random


def independent(graph: Graph) -> None:
    """A copy prints the same, and edits of it don't reach the graph."""
    copy, text, version = graph.copy(), str(graph), graph.version
    assert str(canonicalize(copy)) == str(canonicalize(graph))
    assert str(copy) == text
    for value in copy.inputs():
        value.set_debug_name("changed")
    for node in copy.nodes()[::-1]:
        if not node.has_uses():
            node.destroy()
    while copy.outputs():
        copy.erase_output(0)
    assert str(graph) == text
    assert graph.version == version
    graph.lint()
    copy.lint()
