"""One run of `forward`, detached, and what it left sorted by where it comes from.

- `execute`: calls forward, and setup_context.
- `run`: the same on detached arrays, with the `Application` that describes it.
"""

from collections.abc import Sequence
from typing import Any

import jax

from jaxgrad import _compat
from jaxgrad.errors import ContextError
from jaxgrad.function import (
    _audit,
    _axes,
    _dirty,
    _hooks,
    _mutation,
    _primitives,
    _refs,
)
from jaxgrad.function._application import Application, Groups
from jaxgrad.function._batching import guard, under_rule
from jaxgrad.function._context import Context
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._snapshot import take
from jaxgrad.function._spec import Spec


def execute(
    spec: Spec,
    inputs: Sequence[Any],
    flags: Sequence[bool],
    *,
    ruled: bool = False,
    check: bool = True,
) -> tuple[Context, Any]:
    """Call forward, and setup_context where the class has one.

    Args:
        spec: the static side of the call.
        inputs: its arrays.
        flags: for each of them, whether its gradient is needed.
        ruled: whether the class's `vmap` batches forward; JAX can't differentiate it.
        check: False if the caller asks for `accept` itself.

    Returns:
        The context, and what forward returned.
    """
    methods = spec.methods(inputs)
    values = spec.values(inputs)
    ctx = Context(spec.owner, "forward", spec.slot_flags(flags))
    if methods.setup_context is None:
        if not spec.keywords:
            result = methods.forward(ctx, *values)
        else:
            result = spec.call(methods.forward, ctx, values=values)
        if check:
            accept(spec, ctx, inputs, result)
        return ctx, result
    if ruled and spec.style.vmap and any(map(_is_traced, inputs)):
        result = under_rule(spec, inputs)
    else:
        result = spec.call(methods.forward, values=values)
    ctx._state.phase = "setup_context"
    methods.setup_context(ctx, tuple(values), result)
    if check:
        accept(spec, ctx, inputs, result)
    return ctx, result


def accept(spec: Spec, ctx: Context, inputs: Sequence[Any], result: Any) -> None:
    """Refuse a forward that broke a promise, to its context or about Refs."""
    dtypes, dirty = ctx._state.output_dtypes, ctx._state.dirty
    if dtypes is not None:
        count = len(result) if isinstance(result, tuple) else 1
        if len(dtypes) != count:
            raise ContextError(
                f"{spec.owner}: ctx.set_output_grad_dtype expected the number of "
                f"declarations to match the outputs, {count}; got {len(dtypes)}."
            )
    if dirty:
        _dirty.verify(spec.owner, spec.names, spec.values(inputs), dirty, result)
    if spec.held or _refs.keeps_ref(ctx, result):
        _refs.check_kept(spec, ctx, result)


def _is_traced(value: Any) -> bool:
    return isinstance(value, _compat.Tracer)


def finished(spec: Spec, raw: Outputs, inputs: Sequence[Any]) -> Outputs:
    """The result of forward as JAX arrays of the right type."""
    if _compat.outside_meshes():
        return raw.converted()
    outputs = raw.converted()
    axes = _axes.varying([jax.typeof(x) for x in inputs])
    if not axes or axes == _axes.varying([jax.typeof(a) for a in outputs.arrays]):
        return outputs

    def again(*xs: Any) -> Sequence[Any]:
        return Outputs.of(execute(spec, xs, [False] * len(xs))[1]).converted().arrays

    if _compat.has_callback(jax.make_jaxpr(again)(*inputs)):
        return outputs.with_arrays(_axes.widen(outputs.arrays, inputs))
    return outputs


def run(
    spec: Spec, inputs: Sequence[Any], flags: tuple[bool, ...], *, detach: bool = True
) -> tuple[Application, Outputs, Groups]:
    """Run forward once, detached.

    Args:
        spec: the static side of the call.
        inputs: the live arrays, JAX arrays all of them.
        flags: for each of them, whether its gradient is needed.
        detach: False to differentiate through forward.

    Returns:
        The application, its result (detached), and the values to attach.
    """
    detached = _primitives.detach(inputs) if detach else inputs
    before = _mutation.fingerprints(spec.watched) if spec.watched else []
    if detach and spec.style.vmap and not spec.style.setup:
        detached = guard(spec, detached)
    methods = spec.methods(detached)
    if methods.setup_context is None and not spec.keywords:
        # As `execute` does; a frame less, which JAX notes with each equation.
        ctx = Context(spec.owner, "forward", spec.slot_flags(flags))
        result = methods.forward(ctx, *spec.values(detached))
    else:
        ctx, result = execute(spec, detached, flags, ruled=detach, check=False)
    familiar = spec.familiar
    if familiar is not None and familiar.fits(flags, inputs, detached, ctx, result):
        outputs = Outputs.of(result)
        return familiar, outputs, Groups(outputs.arrays, (), (), inputs)
    accept(spec, ctx, detached, result)
    app = Application(spec, flags, inputs)
    if before:
        app.before = _mutation.settled(before, spec.watched, spec.restless)
    raw = Outputs.of(result)
    outputs = finished(spec, raw, detached)
    app.observe(ctx, raw, outputs)
    state, every = ctx._state, False not in app.differentiable
    needed = () if spec.captured is None else range(spec.count, len(inputs))
    context = (state.saved, state.saved_for_forward, ctx.__dict__)
    returned = raw.arrays if every else _kept(raw.arrays, app.differentiable)
    marked = ctx._state.non_differentiable
    if marked:
        _audit.constant(spec, raw.arrays, marked)
    hooks = [h for kind in state.hooks or () for h in kind]
    app.snapshot, mids, aux = take(context, detached, returned, marked, needed, hooks)
    if state.names:
        app.snapshot.tag(state.saved, state.names)
    if spec.watch is not None:
        spec.watch.forward(app.snapshot, (*inputs, *outputs.arrays), mids, aux)
    app.hooks = spec.hooks or _hooks.unclosed(spec.owner)
    outs = outputs.arrays if every else _kept(outputs.arrays, app.differentiable)
    app.sizes = (len(outs), len(mids), len(aux))
    if app.is_common(outputs):
        spec.familiar = app
    return app, outputs, Groups(outs, mids, aux, inputs)


def _kept(values: Sequence[Any], keep: Sequence[bool]) -> list[Any]:
    return [value for value, wanted in zip(values, keep, strict=True) if wanted]
