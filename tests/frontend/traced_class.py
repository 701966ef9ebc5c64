"""The transform matrix on the recorded graph of a Function.

What is expected are the class's own rules; what is run, under every transformation, is
the graph of one application of it.

- `check_graph(case)`: the report.
"""

from collections.abc import Iterable
from typing import Any

import jax

from jaxgrad.frontend import trace
from jaxgrad.verify import Report
from jaxgrad.verify._cells import CELLS, Spec
from jaxgrad.verify._hand import Hand
from jaxgrad.verify._matrix import _attempt, _Check
from jaxgrad.verify._oracle import Oracle
from jaxgrad.verify._problem import Problem
from jaxgrad.verify._slots import fill, take_arrays
from tests.cases import Case


class GraphCheck(_Check):
    """Runs cells on a function that is compiled, as a recorded graph is."""

    def __init__(
        self, case: Case, oracle: Oracle, graph: Problem, own: Problem
    ) -> None:
        """`own` runs `apply` itself under jit."""
        super().__init__(case.function, oracle, graph)
        self.own = own

    def _documented(
        self,
        spec: Spec,
        error: Exception,
        missing: Exception | None,
        twin_error: Exception | None,
    ) -> bool:
        if super()._documented(spec, error, missing, twin_error):
            return True
        if not spec.forward or self.forward:
            return False
        # Forward mode of what is compiled is JAX's to refuse, in words of its own.
        _, own_error = _attempt(spec.run, self.own)
        return type(error) is type(own_error) and str(error) == str(own_error)


def arrays_and_function(case: Case) -> tuple[list[Any], Any]:
    """The arrays of a case's call, and `apply` as a function of them to arrays."""
    slots, arrays = take_arrays((case.args(), dict(case.kwargs)))

    def function(*arrays: Any) -> list[Any]:
        args, kwargs = fill(slots, arrays)
        return take_arrays(case.function.apply(*args, **kwargs))[1]

    function.__name__ = case.name
    return arrays, function


def check_graph(case: Case, cells: Iterable[str] | None = None) -> Report:
    """The matrix on the graph of a case's call.

    Args:
        case: The Function and its arguments.
        cells: The names of the cells to run; all by default.

    Returns:
        One cell for each transformation.
    """
    arrays, function = arrays_and_function(case)
    traced = trace(function, *arrays)
    oracle = Oracle(Hand(case.function, case.args(), dict(case.kwargs)))
    oracle.plain.function = jax.jit(oracle.plain.function)
    structure = take_arrays(case.function.apply(*case.args(), **case.kwargs))[0]
    graph, own = (
        Problem(run, oracle.hand.arrays, oracle.run(oracle.base).arrays, whole)
        for run, whole in (
            (traced, lambda: fill(structure, traced(*arrays))),
            (jax.jit(function), lambda: None),
        )
    )
    check = GraphCheck(case, oracle, graph, own)
    wanted = None if cells is None else set(cells)
    specs = [s for s in CELLS if wanted is None or s.name in wanted]
    found = tuple(check.cell(spec) for spec in specs if check.applies(spec))
    return Report(case.function.__name__, found)
