"""Whether a callable does the same on other inputs as its graph says.

A trace holds what Python did once. What Python decided by a shape, by a global variable
or by what it kept from an earlier call is baked in; tracing again shows it.

- `check`: trace again, and raise for what differs.
- `compare`: the first place where two graphs differ, as a `Difference`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from jaxgrad import _compat
from jaxgrad.errors import TraceError
from jaxgrad.frontend._explained import equal_arrays
from jaxgrad.frontend._signature import is_dynamic
from jaxgrad.frontend._walk import Difference as Difference
from jaxgrad.frontend._walk import Walk, both_texts, shown_name, source_of
from jaxgrad.graph import Graph, SourceRange


def compare(
    first: Graph,
    second: Graph,
    *,
    arguments: int | None = None,
    captured: tuple[Sequence[Any], Sequence[Any]] | None = None,
    results: tuple[Any, Any] | None = None,
    same_inputs: bool = False,
) -> Difference | None:
    """The first difference between two traces that their arguments don't explain.

    Args:
        first: the graph that is used.
        second: that of the same callable, traced on other arguments.
        arguments: how many inputs are arguments; those after them are captured. All of
            them by default.
        captured: the values of the captured inputs of both, if they are known.
        results: what the callable returned for the other arguments, and what the first
            graph did, if they were run.
        same_inputs: whether both were traced on the same arguments.

    Returns:
        The difference; None if there is none.
    """
    count = len(first.inputs()) if arguments is None else arguments
    found = Walk(first, second, count).compare(captured)
    if found is None and results is not None:
        found = _compare_results(first, *results)
    if found is None or not same_inputs:
        return found
    what = f"{found.what} ({found.kind})" if found.what else found.kind
    return dataclasses.replace(found, kind="state", what=what)


def check(
    trace_again: Callable[[tuple[Any, ...]], Any],
    graph: Graph,
    example_args: Sequence[Any],
    check_inputs: Sequence[Any],
    *,
    captured: Sequence[Any] | None = None,
) -> None:
    """Trace a callable again, on its examples and on other inputs.

    Args:
        trace_again: traces the callable on a tuple of arguments. It returns the graph,
            or an object with the graph and the values that it captured, `graph` and
            `captured`.
        graph: the graph that is used.
        example_args: the arguments that it was traced on.
        check_inputs: other arguments, a tuple (or one value) each.
        captured: the captured values of `graph`, if they are known.

    Raises:
        TraceError: a trace differs; the message says where, once for each difference.
        Exception: what the callable raises, with a note that says on which inputs.
    """
    sets = [("the same inputs", tuple(example_args))]
    for i, args in enumerate(check_inputs):
        sets.append(
            (f"check_inputs[{i}]", args if isinstance(args, tuple) else (args,))
        )
    found: dict[Any, str] = {}
    for label, args in sets:
        try:
            again = trace_again(args)
        except jax.errors.UnexpectedTracerError as error:
            # Other inputs would meet the same value.
            texts = [*found.values(), _leak("a value", None).paragraph(label)]
            raise TraceError(_message(texts)) from error
        except Exception as error:
            error.add_note(
                f"The callable was traced again, on {label}, because of check_inputs."
            )
            raise
        one = _compare_traces(graph, again, args, captured, label == sets[0][0])
        # What changes from call to call differs for other inputs as well.
        if one is not None:
            found.setdefault((one.name, one.source), one.paragraph(label))
    if found:
        raise TraceError(_message(list(found.values())))


def _compare_traces(
    graph: Graph,
    again: Any,
    args: tuple[Any, ...],
    captured: Sequence[Any] | None,
    same_inputs: bool,
) -> Difference | None:
    """`compare` with what is known of the second trace, which was of `args`."""
    second = again if isinstance(again, Graph) else again.graph
    values = getattr(again, "captured", None)
    known = None if captured is None or values is None else (captured, values)
    count = sum(map(is_dynamic, jax.tree.leaves(args)))
    for value, kept in zip(second.inputs()[count:], values or (), strict=False):
        # Those of a transformation around both traces are the same in both.
        mine = any(kept is other for other in captured or ())
        if isinstance(kept, _compat.Tracer) and not mine:
            uses = [use.user.source_range() for use in value.uses()]
            return _leak(shown_name(value), next(filter(None, uses), None))
    return compare(
        graph, second, arguments=count, captured=known, same_inputs=same_inputs
    )


def _message(paragraphs: Sequence[str]) -> str:
    head = "The graph doesn't hold for all inputs: tracing again gave another graph."
    return "\n\n".join([head, *paragraphs])


def _leak(name: str, source: SourceRange | None) -> Difference:
    first, second = "a value that each call computes", "a value of an earlier trace"
    return Difference("state", name, source, first, second, "a kept value")


def _compare_results(graph: Graph, expected: Any, got: Any) -> Difference | None:
    """The first output that differs by more than rounding."""
    leaves = jax.tree.leaves(expected), jax.tree.leaves(got)
    outputs = graph.outputs()
    if len(leaves[0]) != len(leaves[1]):
        texts = tuple(f"{len(found)} results" for found in leaves)
        return Difference("number of outputs", "return", None, texts[1], texts[0])
    for i, (a, b) in enumerate(zip(*leaves, strict=True)):
        if not _close(a, b):
            name = shown_name(outputs[i]) if i < len(outputs) else f"result {i}"
            source = source_of(outputs[i].node()) if i < len(outputs) else None
            return Difference("result", name, source, *both_texts(b, a))
    return None


def _close(a: Any, b: Any) -> bool:
    if np.shape(a) != np.shape(b) or jax.typeof(a).dtype != jax.typeof(b).dtype:
        return False
    dtype = jax.typeof(a).dtype
    if not jax.numpy.issubdtype(dtype, jax.numpy.inexact):
        return equal_arrays(jax.numpy.asarray(a), jax.numpy.asarray(b))
    near = float(jax.numpy.finfo(dtype).eps) ** 0.625  # 5e-5 for float32
    pair = jax.numpy.issubdtype(dtype, jax.numpy.complexfloating)
    wide = np.complex128 if pair else np.float64  # numpy can't compare bfloat16
    a, b = (np.asarray(x).astype(wide) for x in (a, b))
    return np.allclose(a, b, rtol=near, atol=near, equal_nan=True)
