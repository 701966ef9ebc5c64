"""Every Function and every program: recorded, printed, copied, passed, and lowered.

What the graph computes is compared with what JAX computes without it, to the last bit:
outputs, and gradients of their weighted sum, both under jit in one compiled program.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import _compat
from jaxgrad.frontend import TracedFunction, trace
from jaxgrad.function._recording import recording
from jaxgrad.graph import Graph, canonicalize, constant_fold, cse, dce, inline
from tests.cases import CASES
from tests.frontend.traced_class import arrays_and_function
from tests.frontend.traced_program import Program
from tests.frontend.traced_programs import PROGRAMS

pytestmark = pytest.mark.sampled(4)

PASSES = (dce, cse, inline, constant_fold, canonicalize)

# Where a value is used several times, its cotangents are added up in the order of the
# uses. cse has fewer uses, of a merged value; inline has all of them on one level,
# while JAX adds up those of a call before those round it. So gradients of some programs
# differ in the last bits there; outputs don't.
ADDED_UP_OTHERWISE = (cse, inline)


def _of_case(case: Any) -> Program:
    arrays, function = arrays_and_function(case)
    return Program(f"case_{case.name}", function, tuple(arrays))


def subjects() -> list[Any]:
    cases = [functools.partial(_of_case, case) for case in CASES]
    named = zip(cases, CASES, strict=True)
    return [
        *[pytest.param(make, id=f"case_{case.name}") for make, case in named],
        *[pytest.param(lambda p=p: p, id=p.name) for p in PROGRAMS],
    ]


def is_inexact(leaf: Any) -> bool:
    if not hasattr(leaf, "dtype"):
        return isinstance(leaf, float | complex)
    return jnp.issubdtype(leaf.dtype, jnp.inexact)


def cotangent(like: Any, seed: int) -> Any:
    """Fixed numbers, exact in every dtype."""
    real = ((7 * np.arange(like.size) + 3 * seed) % 11 - 5.5) / 4
    values = real + 1j * real[::-1] if jnp.iscomplexobj(like) else real
    return values.reshape(like.shape).astype(like.dtype)


def weighted(outputs: Any) -> Any:
    """One real number of all inexact outputs."""
    total = jnp.zeros(())
    for seed, value in enumerate(filter(is_inexact, jax.tree.leaves(outputs))):
        value = jnp.asarray(value)
        total += jnp.vdot(cotangent(value, seed), value).real.astype(jnp.float32)
    return total


def with_gradient(subject: Program, fn: Callable[..., Any]) -> Any:
    """The outputs of `fn`, and its gradients, as one lowered program."""
    args = subject.args()
    leaves, tree = jax.tree.flatten(args)
    moving = [i for i, leaf in enumerate(leaves) if is_inexact(leaf)]

    def loss(xs: list[Any], leaves: list[Any]) -> Any:
        for i, x in zip(moving, xs, strict=True):
            leaves[i] = x
        return weighted(fn(*jax.tree.unflatten(tree, leaves)))

    @jax.jit
    def both(leaves: list[Any]) -> Any:
        outputs = fn(*jax.tree.unflatten(tree, leaves))
        if not moving or not subject.differentiable:
            return outputs, []
        return outputs, jax.grad(loss)([leaves[i] for i in moving], list(leaves))

    return both.lower(leaves), leaves


def exactly(tree: Any) -> list[Any]:
    """Every leaf of `tree` as its dtype, shape, weakness and bytes."""
    found: list[Any] = [jax.tree.structure(tree)]
    for leaf in jax.tree.leaves(tree):
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        host = np.asarray(leaf)
        found.append((str(leaf.aval), leaf.weak_type, host.tobytes()))
    return found


class Runs:
    """Runs what callables compute; the same program text is compiled and run once."""

    def __init__(self, subject: Program) -> None:
        self.subject = subject
        self.known: dict[str, Any] = {}

    def __call__(self, fn: Callable[..., Any]) -> Any:
        """Outputs, gradients, and in order what each kind of callback told the host."""
        lowered, leaves = with_gradient(self.subject, fn)
        text, log = lowered.as_text(), self.subject.log
        if log is None and text in self.known:
            return self.known[text]
        if log is not None:
            log.clear()
        values = jax.block_until_ready(lowered.compile()(leaves))
        jax.effects_barrier()
        told = sorted(log, key=lambda entry: entry[0]) if log else []
        self.known[text] = (*values, told)
        return self.known[text]


def kinds(jaxpr: Any) -> list[Any]:
    """The names of the primitives of a jaxpr, and of those nested in it, in order."""
    inner = _compat.plain_jaxpr(jaxpr)[0]
    return [
        (
            equation.primitive.name,
            [
                kinds(j)
                for v in equation.params.values()
                for j in _compat.nested_jaxprs(v)
            ],
        )
        for equation in inner.eqns
    ]


def compiled(subject: Program) -> Callable[..., Any]:
    """The program itself under jit, as a recorded graph is."""
    return jax.jit(lambda *args: subject.fn(*args))


@pytest.mark.parametrize("make", subjects())
def test_a_graph_computes_what_was_recorded(make: Callable[[], Program]) -> None:
    subject = make()
    runs = Runs(subject)
    original = runs(compiled(subject))
    assert_marked(subject, original)
    traced = trace(subject.fn, *subject.args())
    assert_kinds(subject, traced)
    assert_same(original, runs(traced), "the recorded graph")
    recorded, text = traced.graph, str(traced.graph)
    copied = recorded.copy()
    copied.lint()
    assert str(copied) == text
    traced.graph = copied
    assert_same(original, runs(traced), "a copy")
    for graph_pass in PASSES:
        passed = graph_pass(recorded)
        passed.lint()
        assert applications(passed) <= applications(recorded)
        if str(passed) == text:  # it found nothing to do
            continue
        traced.graph = passed
        exact = graph_pass not in ADDED_UP_OTHERWISE
        assert_same(original, runs(traced), graph_pass.__name__, exact)
    assert str(recorded) == text  # no pass changes the graph that it is given


def assert_same(expected: Any, got: Any, what: str, exact: bool = True) -> None:
    assert exactly(expected[0]) == exactly(got[0]), what
    assert expected[2] == got[2], f"{what} told the host something else"
    if exact:
        assert exactly(expected[1]) == exactly(got[1]), f"gradients of {what}"
        return
    for a, b in zip(expected[1], got[1], strict=True):
        assert a.aval == b.aval
        largest = float(jnp.abs(a).max(initial=0))
        tolerance = 8 * float(jnp.finfo(a.dtype).eps)
        np.testing.assert_allclose(a, b, tolerance, tolerance * largest, err_msg=what)


def assert_kinds(subject: Program, traced: TracedFunction) -> None:
    with recording():
        expected = jax.make_jaxpr(subject.fn)(*subject.args())
    assert kinds(traced.jaxpr()) == kinds(expected)


def assert_marked(subject: Program, original: Any) -> None:
    if subject.gradient is None:
        return
    outputs = list(filter(is_inexact, jax.tree.leaves(original[0])))
    given = [cotangent(value, seed) for seed, value in enumerate(outputs)]
    for a, b in zip(original[1], subject.gradient(given), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def applications(graph: Graph) -> set[str]:
    return {node.name() for node in graph.find_all_nodes("prim::PythonOp")}


def test_the_table_is_as_large_as_it_says() -> None:
    names = [program.name for program in PROGRAMS]
    assert len(set(names)) == len(names) >= 60
    marked = [p for p in PROGRAMS if p.gradient and p.name.startswith("marked")]
    assert len(marked) >= 15
