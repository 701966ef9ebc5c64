"""The two lowerings of a call to JAX: `reverse` and `dual`, behind one seam (`lower`).

- reverse: a `jax.custom_vjp`; for a class that defines `backward` only.
- dual: a `jax.custom_jvp` whose tangents are one linear equation with the user's
  backward as its transpose; for a class that has a forward-mode rule too, or only that.

Both are functions of flat arrays that return `Outputs`. In both, forward runs once,
detached, when it is differentiated, and what it returned and saved is attached to the
live inputs, so that every order sees the user's rule. Not differentiated, only forward
is there.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax

from jaxgrad import _compat
from jaxgrad.function import _audit, _axes, _patterns, _refs
from jaxgrad.function._application import Application
from jaxgrad.function._attachment import refuse_captured, run_attached, run_late
from jaxgrad.function._batching import guard
from jaxgrad.function._forward_mode import push_outputs
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._run import execute, finished
from jaxgrad.function._spec import Spec
from jaxgrad.function._together import together
from jaxgrad.function._trees import as_array, is_inexact

SymbolicZero = jax.custom_derivatives.SymbolicZero


def lower(spec: Spec) -> Callable[..., Outputs]:
    """The JAX function of a call's arrays, with the user's rule."""
    if spec.lowered is None:
        # JAX's caches hold weakly the function, and strongly what its traces hold:
        # these must not reach the function, or neither is ever collected.
        own, style = spec.unlowered(), spec.style
        if not style.jvp and not style.derives_jvp:
            spec.lowered = reverse(own)
        else:
            spec.lowered = dual_over_refs(own) if own.refs else dual(own)
    return spec.lowered


def plain(spec: Spec, inputs: Sequence[Any]) -> Outputs:
    """Forward alone, for an application that nobody differentiates."""
    spec, inputs = spec.split(inputs)
    inputs = [as_array(x) for x in inputs]
    if _compat.switched_on():
        # JAX's coming rules differentiate this body where it must keep the rule.
        return run_attached(spec, inputs, _flags(inputs, [_compat.over_reports()]))[1]
    if spec.style.vmap and not spec.style.setup:
        inputs = guard(spec, inputs)
    ctx, result = execute(spec, inputs, [False] * len(inputs), ruled=True)
    raw = Outputs.of(result)
    if ctx._state.non_differentiable:
        _audit.constant(spec, raw.arrays, ctx._state.non_differentiable)
    outputs = finished(spec, raw, inputs)
    return together(raw, outputs, inputs, ctx._state.non_differentiable)


def _flags(inputs: Sequence[Any], perturbed: Sequence[bool]) -> tuple[bool, ...]:
    """Which inputs are differentiated; `perturbed` may be one answer for them all."""
    if len(perturbed) != len(inputs):
        perturbed = [*perturbed] * len(inputs)
    pairs = zip(inputs, perturbed, strict=True)
    return tuple([p and is_inexact(x.dtype) for x, p in pairs])


class Residuals:
    """What reverse mode keeps of one application: arrays, and how to use them."""

    __slots__ = ("app", "values")

    def __init__(self, app: Application, values: Sequence[Any]) -> None:
        self.app = app
        self.values = values


jax.tree_util.register_pytree_node(
    Residuals,
    lambda residuals: (tuple(residuals.values), residuals.app),
    lambda app, values: Residuals(app, values),
)


class ReverseRule(NamedTuple):
    """The three functions that make a `jax.custom_vjp` with symbolic zeros."""

    primal: Callable[..., Outputs]
    forward: Callable[..., tuple[Outputs, Residuals]]
    backward: Callable[[Residuals, Outputs], tuple[Any, ...]]


def reverse_rule(spec: Spec) -> ReverseRule:
    """The rule of a call, over its flat arrays."""

    def primal(*inputs: Any) -> Outputs:
        return plain(spec, inputs)

    def forward(*primals: Any) -> tuple[Outputs, Residuals]:
        every = _compat.over_reports()
        live, given = _without_refs(spec, primals, every)
        inputs = [as_array(p.value) for p in given]
        flags = _flags(inputs, [every or p.perturbed for p in given])
        if not every:
            refuse_captured(spec, flags)
        app, outputs, groups = run_attached(live, inputs, flags)
        app, kept = app.keep(groups)
        if len(inputs) == 1 or every or not _patterns.several(inputs):
            return outputs, Residuals(app, kept)
        told = _patterns.told(spec, app, kept, inputs)
        if told is None:
            app, outputs, groups = run_attached(live, inputs, _flags(inputs, [True]))
            app, kept = app.keep(groups)
            told = _patterns.told(spec, app, kept, inputs)
            assert told is not None
        return outputs, Residuals(app, told)

    def backward(residuals: Residuals, cotangents: Outputs) -> tuple[Any, ...]:
        app, kept = residuals.app, residuals.values
        # One input is differentiated or not; several can be in many ways.
        several = len(app.avals) > 1 and _patterns.several(app.avals)
        if several and not _compat.over_reports():
            app, kept = _patterns.heard(spec, app, kept)
        pairs = zip(cotangents.arrays, app.differentiable, strict=True)
        given = [None if isinstance(c, SymbolicZero) else c for c, d in pairs if d]
        if all(c is None for c in given):
            used = [not isinstance(c, SymbolicZero) for c in cotangents.arrays]
            if any(used) or not given:
                # Only outputs without a derivative were used: the rule is not asked.
                return (None,) * (len(app.flags) + spec.refs)
        gradients = app.backward(kept, given)
        if spec.refs:
            gradients = list(gradients)
            gradients[spec.count : spec.count] = [None] * spec.refs
        return tuple(gradients)

    return ReverseRule(primal, forward, backward)


def _without_refs(
    spec: Spec, primals: Sequence[Any], every: bool
) -> tuple[Spec, Sequence[Any]]:
    """The primals of a `custom_vjp` without the Refs among them.

    Returns:
        A Spec that holds the Refs, and the other primals.

    Raises:
        RefError: a Ref is differentiated, and not `every` operand is said to be.
    """
    if not spec.refs:
        return spec, primals
    start, stop = spec.count, spec.count + spec.refs
    refs = primals[start:stop]
    if not every:
        moving = [p.perturbed and is_inexact(p.value.dtype) for p in refs]
        _refs.refuse_perturbed(spec, moving)
    return spec.split([*primals[:start], *[p.value for p in refs], *primals[stop:]])


def reverse(spec: Spec) -> Callable[..., Outputs]:
    """A `jax.custom_vjp` of the call's arrays."""
    rule = reverse_rule(spec)
    function = jax.custom_vjp(_as(spec, rule.primal))
    function.defvjp(rule.forward, rule.backward, symbolic_zeros=True)
    return function


def _as(spec: Spec, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` under the class's name, which jaxprs and profiles show."""
    function.__name__ = function.__qualname__ = spec.owner
    return function


def dual(spec: Spec) -> Callable[..., Outputs]:
    """A `jax.custom_jvp` of the call's arrays, which the user's rule transposes."""

    def primal(*inputs: Any) -> Outputs:
        return plain(spec, inputs)

    function = jax.custom_jvp(_as(spec, primal))

    def rule(inputs: Any, tangents: Any) -> tuple[Outputs, Outputs]:
        inputs = [as_array(x) for x in inputs]
        every = _compat.over_reports()
        moving = [every or not isinstance(t, SymbolicZero) for t in tangents]
        flags = _flags(inputs, moving)
        if not every:
            refuse_captured(spec, flags)
        app, outputs, groups = _compat.in_primal_trace(
            tangents, run_attached, spec, inputs, flags
        )
        pairs = zip(inputs, tangents, flags, strict=True)
        given = [
            _axes.zeros(jax.typeof(x)) if isinstance(t, SymbolicZero) else t
            for x, t, flag in pairs
            if flag
        ]
        keeping, kept = app.keep(groups)
        rest = iter(push_outputs(keeping, flags, kept, given))
        live = zip(outputs.arrays, app.differentiable, strict=True)
        return outputs, outputs.with_arrays(
            [next(rest) if d else _no_tangent(value) for value, d in live]
        )

    function.defjvp(rule, symbolic_zeros=True)
    return function


def dual_over_refs(spec: Spec) -> Callable[..., Outputs]:
    """The same for a call with Refs, which a `jax.custom_jvp` can't take.

    Forward runs where it is called, detached; what it returns is attached to its
    inputs, whoever differentiates them.

    Returns:
        A function of the call's arrays and Refs.
    """

    def apply(*operands: Any) -> Outputs:
        live, arrays = spec.split(operands)
        inputs = [as_array(x) for x in arrays]
        return run_late(spec, inputs, live.held, _flags(inputs, [True]))

    return _as(spec, apply)


def _no_tangent(output: Any) -> Any:
    return jax.custom_derivatives.zero_from_primal(output, symbolic_zeros=True)
