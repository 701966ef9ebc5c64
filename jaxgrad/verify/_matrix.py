"""`check_function`: the transform matrix on one Function."""

from collections.abc import Callable, Iterable
from typing import Any

import jax

from jaxgrad.errors import (
    ForwardModeError,
    IntermediateDerivativeError,
    JaxgradError,
    MissingBackwardError,
    OnceDifferentiableError,
)
from jaxgrad.function import Function
from jaxgrad.function._once import MARK
from jaxgrad.verify import _limits
from jaxgrad.verify._cells import CELLS, Spec
from jaxgrad.verify._compare import difference, first_line
from jaxgrad.verify._hand import Hand
from jaxgrad.verify._oracle import Oracle
from jaxgrad.verify._problem import Problem
from jaxgrad.verify._report import Cell, Report
from jaxgrad.verify._slots import fill, take_arrays


def check_function(
    cls: type[Function],
    *examples: Any,
    cells: Iterable[str] | None = None,
    progress: Callable[[str], object] | None = None,
    **kwargs: Any,
) -> Report:
    """Runs a Function under every transformation, and compares each with its own rules.

    What is expected are the class's `backward` and `jvp` themselves, called by hand: a
    cell fails where a transformation doesn't ask them, or asks them wrongly. Whether
    they are the derivative of `forward` is another question, and not asked here. Second
    and third derivatives are compared with a hand-written `jax.custom_vjp` of the same
    rules.

    Arrays of floating and complex dtypes are differentiated; integers, PRNG keys and
    Python values are held fixed. Gradients are those of a real number, to which the
    outputs are reduced by fixed weights. Batches hold the examples and a copy of them
    shrunk by an eighth. Cells with several devices use all of `jax.devices()`.

    Args:
        cls: The Function.
        *examples: The positional arguments of `cls.apply`.
        cells: The names of the cells to run, all by default; see `cell_names`.
        progress: Is called with the name of each cell before it runs.
        **kwargs: The keyword arguments of `cls.apply`.

    Returns:
        The report, with one cell for each transformation. Without arrays to
        differentiate it has only the cells about values.

    Raises:
        ValueError: If `cells` holds an unknown name.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxgrad import Function
        >>> class Square(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return 2 * x * grad
        >>> print(check_function(Square, jnp.float32(3), cells=["grad", "jit(grad)"]))
        Square: 2 ok, 0 refused, 0 limit, 0 failed
        <BLANKLINE>
        cell       status  detail
        ---------  ------  ------
        grad       ok
        jit(grad)  ok
    """
    wanted = _wanted(cells)
    if unknown := [name for name in wanted if name not in cell_names()]:
        known = ", ".join(map(repr, cell_names()))
        raise ValueError(f"no cells named {unknown}; the matrix has {known}")
    # What is wrong with the class or its arguments is an error here, not in each cell.
    cls.apply(*examples, **kwargs)
    oracle = Oracle(Hand(cls, examples, kwargs))
    problem = _problem(cls, examples, kwargs, oracle)
    check = _Check(cls, oracle, problem)
    found = []
    for spec in CELLS:
        if spec.name not in wanted or not check.applies(spec):
            continue
        if progress is not None:
            progress(spec.name)
        found.append(check.cell(spec))
    return Report(cls.__name__, tuple(found))


def cell_names() -> tuple[str, ...]:
    """The names of all cells of the matrix, in order.

    Returns:
        For example `("value", "jit(value)", "grad", ...)`.
    """
    return tuple(spec.name for spec in CELLS)


def _wanted(cells: Iterable[str] | None) -> tuple[str, ...]:
    if cells is None:
        return cell_names()
    return (cells,) if isinstance(cells, str) else tuple(cells)


def _problem(
    cls: type[Function],
    examples: tuple[Any, ...],
    kwargs: dict[str, Any],
    oracle: Oracle,
) -> Problem:
    slots = take_arrays((examples, kwargs))[0]

    def function(*arrays: Any) -> list[Any]:
        args, named = fill(slots, arrays)
        return take_arrays(cls.apply(*args, **named))[1]

    return Problem(
        function,
        oracle.hand.arrays,
        oracle.run(oracle.base).arrays,
        lambda: cls.apply(*examples, **kwargs),
    )


class _Check:
    """Runs cells on one call of one class."""

    def __init__(self, cls: type[Function], oracle: Oracle, problem: Problem) -> None:
        self.oracle = oracle
        self.problem = problem
        derived = getattr(cls, "generate_jvp_rule", False)
        self.forward = oracle.forward or derived or not oracle.reverse
        rule = getattr(cls, "backward", None), getattr(cls, "vjp", None)
        self.once = any(getattr(r, MARK, False) for r in rule)

    def applies(self, spec: Spec) -> bool:
        """Whether the cell makes sense for these arguments."""
        fixed = len(self.problem.arrays) > len(self.problem.xs)
        if spec.order and not self.problem.xs:
            return False
        return fixed or not spec.fixed

    def cell(self, spec: Spec) -> Cell:
        """Runs one cell, and says how it went."""
        expected, missing = _attempt(spec.expect, self.oracle)
        got, error = _attempt(spec.run, self.problem)
        if error is not None:
            return self._judge(spec, error, missing)
        if missing is not None:
            return Cell(
                spec.name, "failed", f"nothing to compare: {first_line(missing)}"
            )
        if self.once and spec.order > 1:
            return Cell(spec.name, "failed", "expected OnceDifferentiableError")
        differs = difference(got, expected, self.problem.eps)
        return Cell(spec.name, "failed" if differs else "ok", differs or "")

    def _judge(self, spec: Spec, error: Exception, missing: Exception | None) -> Cell:
        _, twin_error = _attempt(spec.run, self.oracle.plain)
        if self._documented(spec, error, missing, twin_error):
            return Cell(spec.name, "refused", first_line(error))
        limit = _limits.find(spec.name, error, twin_error)
        if limit:
            return Cell(spec.name, "limit", limit)
        return Cell(spec.name, "failed", first_line(error))

    def _documented(
        self,
        spec: Spec,
        error: Exception,
        missing: Exception | None,
        twin_error: Exception | None,
    ) -> bool:
        """Whether a cell that can't work for this class raised what it should."""
        if spec.forward and not self.forward:
            # Outside the application, in jit for example, JAX's own TypeError is heard.
            own = isinstance(error, TypeError) and str(error) == str(twin_error)
            return isinstance(error, ForwardModeError) or own
        if spec.order > 1 and self.once:
            return isinstance(error, OnceDifferentiableError)
        kinds: dict[type[JaxgradError], bool] = {
            MissingBackwardError: isinstance(missing, MissingBackwardError),
            IntermediateDerivativeError: missing is not None and spec.order > 1,
        }
        return any(isinstance(error, kind) and kinds[kind] for kind in kinds)


def _attempt(function: Callable[[Any], Any], argument: Any) -> tuple[Any, Any]:
    """The finished result of a call, and what it raised instead."""
    try:
        return jax.block_until_ready(function(argument)), None
    except Exception as error:
        return None, error
