"""One node of a program run forward, with what its backward keeps: `differentiate`.

A Function runs as its own machinery runs it: what is kept are its residuals, and
backward is the user's rule. Any other node runs under `jax.vjp`. Both keep what is
absent absent: a cotangent that nobody sends is None and never zeros, as inside a
`jax.vjp` of the whole program, so that no rule runs that JAX wouldn't run.
"""

from __future__ import annotations

import contextvars
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import jax

from jaxgrad import _compat
from jaxgrad.errors import TapeError
from jaxgrad.frontend._application_node import ApplicationOperator
from jaxgrad.function._attachment import refuse_captured
from jaxgrad.function._primitives import LinearRule, attach, linear
from jaxgrad.function._recording import Operation
from jaxgrad.function._run import run
from jaxgrad.function._trees import as_array, is_array, is_inexact
from jaxgrad.graph import Node

# Which gradients reached the inputs of the node whose `jax.vjp` is running.
_REACHED: contextvars.ContextVar[list[bool]] = contextvars.ContextVar("reached")


class Pullback(Protocol):
    """What one node keeps for its backward, and the backward itself."""

    def __call__(self, cotangents: Sequence[Any]) -> list[Any]:
        """One gradient for each input of the node, from one cotangent per output."""
        ...

    def saved_tensors(self) -> tuple[Any, ...]:
        """What backward reads."""
        ...

    def kept(self) -> list[tuple[str, Any]]:
        """The arrays that stay alive for backward, each once, with a name."""
        ...


class Ran(NamedTuple):
    """One node that has run.

    Attributes:
        outputs: what it made.
        differentiable: for each output, whether gradients flow through it.
        pullback: its backward; None where none of them does.
    """

    outputs: list[Any]
    differentiable: Sequence[bool]
    pullback: Pullback | None


def differentiate(node: Node, inputs: Sequence[Any], moving: Sequence[bool]) -> Ran:
    """Run a node forward, once, and keep what its backward needs.

    Args:
        node: a recorded node.
        inputs: its operands, concrete.
        moving: for each of them, whether gradients flow into it.

    Returns:
        The outputs and the backward.
    """
    operator: Any = node._operator
    if not any(moving) or not _has_inexact(operator):
        outputs = operator.run(node, list(inputs))
        return Ran(outputs, [False] * len(outputs), None)
    _refuse_refs(node)
    if isinstance(operator, ApplicationOperator):
        op = operator.equation.params["op"]
        style = op.spec.style
        # Where there is a jvp alone, JAX transposes it.
        if type(op) is Operation and (style.backward or not style.jvp):
            return _of_function(op, inputs, moving)
    return _of_equation(node, inputs, moving)


def _has_inexact(operator: Any) -> bool:
    avals = [v.aval for v in operator.equation.outvars]
    return any(is_inexact(a.dtype) for a in avals if hasattr(a, "dtype"))


def _refuse_refs(node: Node) -> None:
    """Refuse a gradient through a Ref, whose content is no value of the graph."""
    operator: Any = node._operator
    avals = [v.aval for v in operator.equation.outvars]
    if any(not isinstance(aval, _compat.ShapedArray) for aval in avals):
        raise TapeError(
            f"A gradient flows through a Ref, at {node.kind()}; a tape has edges "
            "between arrays alone.\n"
            "  Expected Refs that hold constants, for a gradient.\n"
            "  Put what makes and uses the Ref under one jax.jit, which is one node."
        )


# --- Functions ------------------------------------------------------------------------


class FunctionPullback:
    """The residuals of one application, and the user's rule."""

    def __init__(self, app: Any, residuals: Sequence[Any]) -> None:
        """As `Application.keep` gives them."""
        self.app = app
        self.residuals = residuals

    def __call__(self, cotangents: Sequence[Any]) -> list[Any]:
        """The gradients that the user's backward returns."""
        pairs = zip(cotangents, self.app.differentiable, strict=True)
        given = [c for c, differentiable in pairs if differentiable]
        if all(c is None for c in given):
            return [None] * len(self.app.avals)
        return self.app.backward(self.residuals, given)

    def saved_tensors(self) -> tuple[Any, ...]:
        """What `ctx.saved_tensors` is in backward; packed ones are unpacked."""
        return self.app.context(self.residuals, "backward").saved_tensors

    def kept(self) -> list[tuple[str, Any]]:
        """The residuals, under the names that the context has for them."""
        names, packing = self.app.snapshot.names(), self.app.packing
        numbers = packing.numbers() if packing else range(len(self.residuals))
        pairs = zip(numbers, self.residuals, strict=True)
        return [(names[n], value) for n, value in pairs if n is not None]


def _of_function(op: Operation, inputs: Sequence[Any], moving: Sequence[bool]) -> Ran:
    arrays = [as_array(x) for x in inputs]
    flags = tuple(moving)
    refuse_captured(op.spec, flags)
    app, outputs, groups = run(op.spec, arrays, flags)
    pullback = FunctionPullback(*app.keep(groups))
    return Ran(list(outputs.arrays), app.differentiable, pullback)


# --- everything else ------------------------------------------------------------------


class _Tap:
    """Stands between values and themselves, and notes what is differentiated there."""

    detached = False

    def __init__(self) -> None:
        self.sizes = (0, 0, 0)
        self.moving: list[bool] = []

    def __call__(self, values: Sequence[Any]) -> Sequence[Any]:
        """The values, tapped."""
        self.sizes = (len(values), 0, 0)
        self.moving = [False] * len(values)
        return attach(self, (values, (), (), values))[0] if values else values

    def push(
        self, flags: tuple[bool, ...], groups: Any, tangents: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """The same tangents."""
        self.moving = list(flags)
        found = iter(self.tangents(tangents))
        zeros = _compat.zero_tangents(groups[0])
        pairs = zip(zeros, flags, strict=True)
        return [next(found) if flag else zero for zero, flag in pairs], []

    def tangents(self, tangents: Sequence[Any]) -> Sequence[Any]:
        """Those of the values that move."""
        return tangents

    def stray(self) -> None:
        """Nothing: the operands are the live values."""

    def __repr__(self) -> str:
        return "tape"


class _InputTap(_Tap):
    """The same for inputs; backward notes which of them a gradient reaches."""

    def tangents(self, tangents: Sequence[Any]) -> Sequence[Any]:
        rule = LinearRule("tape", lambda _, vector: list(vector), _note)
        avals = [jax.typeof(t) for t in tangents]
        return linear(rule, (), tangents, avals)


def _note(_: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
    reached = _REACHED.get(None)
    if reached is not None:
        reached[:] = [c is not None for c in cotangents]
    return list(cotangents)


class EquationPullback:
    """What `jax.vjp` of one node keeps."""

    def __init__(
        self, pull: Any, places: Sequence[int], count: int, avals: Sequence[Any]
    ) -> None:
        """Of `count` inputs, of which `places` move.

        Args:
            pull: the function that `jax.vjp` made.
            places: the inputs that gradients flow into.
            count: how many inputs there are.
            avals: for each output its type; None for those without a derivative.
        """
        self.pull = pull
        self.places = places
        self.count = count
        self.avals = avals

    def __call__(self, cotangents: Sequence[Any]) -> list[Any]:
        """The transpose of the node's derivative."""
        pairs = zip(cotangents, self.avals, strict=True)
        given = [
            _compat.Zero(_compat.tangent_aval(aval)) if c is None else c
            for c, aval in pairs
            if aval is not None
        ]
        reached = [False] * len(self.places)
        token = _REACHED.set(reached)
        try:
            found = self.pull(given)
        finally:
            _REACHED.reset(token)
        gradients: list[Any] = [None] * self.count
        triples = zip(self.places, found, reached, strict=True)
        for place, gradient, there in triples:
            gradients[place] = gradient if there else None
        return gradients

    def saved_tensors(self) -> tuple[Any, ...]:
        """The arrays in the closure."""
        return tuple(value for _, value in self.kept())

    def kept(self) -> list[tuple[str, Any]]:
        """The arrays in the closure."""
        arrays = [leaf for leaf in jax.tree.leaves(self.pull) if is_array(leaf)]
        distinct = {id(array): array for array in arrays}.values()
        return [(f"saved[{i}]", array) for i, array in enumerate(distinct)]


def _of_equation(node: Node, inputs: Sequence[Any], moving: Sequence[bool]) -> Ran:
    operator: Any = node._operator
    places = [i for i, moves in enumerate(moving) if moves]
    enter, leave = _InputTap(), _Tap()

    def forward(*primals: Any) -> tuple[list[Any], list[Any]]:
        filled = list(inputs)
        for place, value in zip(places, enter(primals), strict=True):
            filled[place] = value
        outputs = [as_array(value) for value in operator.run(node, filled)]
        smooth = [value for value in outputs if is_inexact(value.dtype)]
        rest = [value for value in outputs if not is_inexact(value.dtype)]
        return list(leave(smooth)), rest

    made, pull, others = jax.vjp(forward, *[inputs[i] for i in places], has_aux=True)
    smooth, rest, moved = iter(made), iter(others), iter(leave.moving)
    kinds = [is_inexact(v.aval.dtype) for v in operator.equation.outvars]
    outputs = [next(smooth) if kind else next(rest) for kind in kinds]
    flags = [next(moved) if kind else False for kind in kinds]
    if not any(flags):
        return Ran(outputs, flags, None)
    pairs = zip(outputs, kinds, strict=True)
    avals = [jax.typeof(value) if kind else None for value, kind in pairs]
    return Ran(outputs, flags, EquationPullback(pull, places, len(inputs), avals))
