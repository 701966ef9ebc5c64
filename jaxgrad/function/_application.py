"""One run of `forward`, and what it takes to run the rule afterwards.

`run` executes forward once, detached from its inputs, and sorts every value that the
context keeps by where it comes from. `Application` is the static side of that: it
rebuilds the context from residuals and calls the user's rule. It never holds an array,
so that it can be part of residual pytrees and of primitives' parameters.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.errors import CollectiveError, MissingBackwardError
from jaxgrad.function import _axes, _mutation, _once, _primitives
from jaxgrad.function._context import Context
from jaxgrad.function._gradients import adapt
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._snapshot import Snapshot, take
from jaxgrad.function._spec import Spec
from jaxgrad.function._trees import as_array, is_array, is_differentiable


class Groups(NamedTuple):
    """The values of one run, by origin: what `attach` binds."""

    outs: Sequence[Any]  # differentiable outputs
    mids: Sequence[Any]  # differentiable saved values that are neither input nor output
    aux: Sequence[Any]  # saved values without a tangent
    inputs: Sequence[Any]


class Application:
    """The static side of one run of forward.

    Attributes:
        spec: the static side of the call.
        flags: for each input array, whether forward was told that its gradient is
            needed.
        avals: for each input array, its type.
        differentiable: for each output array, whether it has a tangent.
        out_avals: for each output array, its type.
    """

    # Many of these are made while tracing; without a __dict__ they are cheaper.
    __slots__ = (
        "attachment",
        "avals",
        "axes",
        "before",
        "differentiable",
        "explicit",
        "flags",
        "flags_read",
        "materialize",
        "out_avals",
        "result",
        "sizes",
        "snapshot",
        "spec",
    )

    def __init__(self, spec: Spec, flags: tuple[bool, ...], inputs: Any) -> None:
        self.spec = spec
        self.flags = flags
        self.avals = tuple([jax.typeof(x) for x in inputs])
        self.differentiable: tuple[bool, ...] = ()
        self.out_avals: tuple[Any, ...] = ()
        self.result: Any = None  # an Outputs without arrays
        self.snapshot: Snapshot
        self.sizes = (0, 0, 0)
        self.materialize = True
        self.flags_read = False
        self.axes: frozenset[str] = frozenset()
        self.explicit = _axes.any_explicit(self.avals)
        self.before: list[Any] = []
        self.attachment: Any = None  # made once; see `_attachment`

    def fits(
        self,
        flags: tuple[bool, ...],
        inputs: Sequence[Any],
        detached: Sequence[Any],
        ctx: Context,
        result: Any,
    ) -> bool:
        """Whether a run of the same Spec ended as the run that this one describes.

        Returns:
            True if one application, which `is_common`, can stand for both runs.
        """
        state = ctx._state
        if (
            not isinstance(result, _compat.Tracer)
            or jax.typeof(result) != self.out_avals[0]
            or flags != self.flags
            or state.flags_read != self.flags_read
            or state.materialize != self.materialize
            or not state.saves_only()
            or len(state.saved) != len(self.snapshot.leaves)
            or ctx.__dict__
            or not _compat.outside_meshes()
        ):
            return False
        for value, leaf in zip(state.saved, self.snapshot.leaves, strict=True):
            kind, i = self.snapshot.sources[leaf.index]
            if value is not (result if kind == "outs" else detached[i]):
                return False
        for value, aval in zip(inputs, self.avals, strict=True):
            if jax.typeof(value) != aval:
                return False
        return True

    def is_common(self, outputs: Outputs) -> bool:
        """Whether it is of the common kind, whose next run likely ends the same way.

        Returns:
            True for arrays alone as arguments, one traced array with a tangent as
            result, and nothing on the context but saved inputs and the output.
        """
        return (
            self.spec.plain
            and self.spec.captured is None
            and not self.spec.watched
            and self.sizes == (1, 0, 0)
            and self.snapshot.treedef is None
            and outputs.is_one_tracer()
            and not self.axes
            and _compat.outside_meshes()
        )

    def observe(self, ctx: Context, raw: Outputs, outputs: Outputs) -> None:
        """Note what forward said and returned: `raw`, and as JAX arrays `outputs`."""
        state = ctx._state
        self.flags_read = state.flags_read
        self.materialize = state.materialize
        self.differentiable = tuple([is_differentiable(a) for a in outputs.arrays])
        if state.non_differentiable:
            marked = {id(value) for value in state.non_differentiable}
            pairs = zip(raw.arrays, self.differentiable, strict=True)
            self.differentiable = tuple([d and id(a) not in marked for a, d in pairs])
        self.out_avals = tuple([jax.typeof(a) for a in outputs.arrays])
        if not _compat.outside_meshes():
            self.axes = _axes.varying(self.out_avals)
        self.result = outputs.static.empty

    def residuals(self, groups: Groups) -> list[Any]:
        """The values that the rule needs, each once."""
        return [getattr(groups, kind)[i] for kind, i in self.snapshot.sources]

    def context(self, residuals: Sequence[Any], phase: str) -> Context:
        """A fresh context with what forward put on its own."""
        ctx = Context(self.spec.owner, phase, self.spec.slot_flags(self.flags))
        saved, saved_for_forward, attributes = self.snapshot.restore(residuals)
        state = ctx._state
        state.materialize = self.materialize
        if phase == "jvp":
            state.saved = saved_for_forward or ()
            state.unsaved_hint = bool(saved) and saved_for_forward is None
        else:
            state.saved = saved
        if attributes:
            ctx.__dict__.update(attributes)
        return ctx

    def hidden(self, residuals: Sequence[Any]) -> Sequence[Any]:
        """The input arrays that are residuals, else None; for functions' closures."""
        if self.spec.captured is None:
            return ()
        found: list[Any] = [None] * len(self.avals)
        for (kind, i), value in zip(self.snapshot.sources, residuals, strict=True):
            if kind == "inputs":
                found[i] = value
        return found

    def backward(
        self, residuals: Sequence[Any], cotangents: Sequence[Any]
    ) -> list[Any]:
        """The user's rule.

        Args:
            residuals: as `residuals` gives them.
            cotangents: one for each differentiable output; None where it is absent.

        Returns:
            One gradient for each input array; None where it is zero or not asked for.

        Raises:
            CollectiveError: backward summed a gradient over devices itself.
            MissingBackwardError: the class has no reverse rule.
        """
        spec = self.spec
        method = spec.methods(self.hidden(residuals)).backward
        if method is None:
            raise MissingBackwardError(
                f"{spec.owner} defines neither `backward` nor `vjp`, and reverse mode "
                "reached it.\n"
                "  Expected a staticmethod backward(ctx, *grads); got none.\n"
                "  Define it, or use jax.lax.stop_gradient on the result of apply."
            )
        if self.before:
            _mutation.compare(spec.owner, spec.watched, self.before, spec.restless)
        cotangents = self._cotangents(cotangents)
        if hasattr(method, _once.MARK):
            cotangents = _once.guard(cotangents, spec.owner)
            residuals = [
                _once.guard([r], spec.owner)[0] if is_differentiable(r) else r
                for r in residuals
            ]

        ctx = self.context(residuals, "backward")
        returned = method(ctx, *self.result.slots(cotangents))
        if self.before:  # what backward itself changes is no mistake either
            self.before = _mutation.settled(self.before, spec.watched, spec.restless)
        gradients = adapt(spec, self.flags, self.avals, returned)
        if self.axes:
            self._check_reduced(gradients, method, (residuals, cotangents))
        if not self.explicit and _compat.outside_meshes():
            return gradients
        return _axes.conform_all(gradients, self.avals, self.axes)

    def _check_reduced(self, gradients: list[Any], method: Any, args: Any) -> None:
        """Refuse a gradient that backward has summed over devices by itself.

        Every device ran the rule, so that a gradient that doesn't vary is one
        contribution of each; the sum over devices would count it again.

        Raises:
            CollectiveError: naming the argument.
        """
        for position, gradient in enumerate(gradients):
            if gradient is None or not _axes.missing(
                gradient, self.avals[position], self.axes
            ):
                continue

            def arrays(residuals: Any, cotangents: Any) -> list[Any]:
                ctx = self.context(residuals, "backward")
                slots = self.result.slots(cotangents)
                leaves = jax.tree.leaves(method(ctx, *slots))
                return [leaf for leaf in leaves if is_array(leaf)]

            if _compat.has_reduction(jax.make_jaxpr(arrays)(*args)):
                raise CollectiveError(
                    f"{self.spec.owner}.backward sums the gradient of "
                    f"{self.spec.array_path(position)!r} over devices by hand.\n"
                    "  Expected the contribution of one device, as outside shard_map; "
                    "got a psum.\n"
                    "  Leave the psum out: it is added where the argument is "
                    "replicated, with check_vma on and off."
                )

    def _cotangents(self, given: Sequence[Any]) -> list[Any]:
        """A cotangent for each output array, as the user's rule expects it."""
        if not self.axes and self._are_ready(given):
            return list(given)
        rest = iter(given)
        out = []
        for aval, differentiable in zip(
            self.out_avals, self.differentiable, strict=True
        ):
            cotangent = next(rest) if differentiable else None
            if cotangent is None and self.materialize:
                is_key = jnp.issubdtype(aval.dtype, jax.dtypes.extended)
                cotangent = None if is_key else _axes.zeros(aval)
            elif cotangent is not None:
                cotangent = as_array(cotangent)  # a Python scalar, say
                if cotangent.dtype != aval.dtype:
                    cotangent = cotangent.astype(aval.dtype)
            out.append(cotangent)
        out = _axes.share(out, self.axes)
        if not self.spec.conjugate:
            return out
        return [
            jnp.conj(c) if c is not None and c.dtype.kind == "c" else c for c in out
        ]

    def _are_ready(self, given: Sequence[Any]) -> bool:
        """Whether cotangents need no work: all there, traced, real, of their dtypes."""
        if len(given) != len(self.out_avals):
            return False
        for cotangent, aval in zip(given, self.out_avals, strict=True):
            if not isinstance(cotangent, _compat.Tracer):
                return False
            if cotangent.dtype != aval.dtype or aval.dtype.kind == "c":
                return False
        return True

    def out_tangent_avals(self) -> list[Any]:
        """The types of the tangents of the differentiable outputs."""
        pairs = zip(self.out_avals, self.differentiable, strict=True)
        return [_compat.tangent_aval(a) for a, d in pairs if d]

    def __repr__(self) -> str:
        """The class's name, as jaxprs show it."""
        return self.spec.owner


def execute(
    spec: Spec, inputs: Sequence[Any], flags: Sequence[bool]
) -> tuple[Context, Any]:
    """Call forward, and setup_context where the class has one.

    Returns:
        The context, and what forward returned.
    """
    methods = spec.methods(inputs)
    values = spec.values(inputs)
    ctx = Context(spec.owner, "forward", spec.slot_flags(flags))
    if methods.setup_context is None:
        if not spec.keywords:
            return ctx, methods.forward(ctx, *values)
        return ctx, spec.call(methods.forward, ctx, values=values)
    result = spec.call(methods.forward, values=values)
    ctx._state.phase = "setup_context"
    methods.setup_context(ctx, tuple(values), result)
    return ctx, result


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
    ctx, result = execute(spec, detached, flags)
    familiar = spec.familiar
    if familiar is not None and familiar.fits(flags, inputs, detached, ctx, result):
        outputs = Outputs.of(result)
        return familiar, outputs, Groups(outputs.arrays, (), (), inputs)
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
    app.snapshot, mids, aux = take(context, detached, returned, marked, needed)
    outs = outputs.arrays if every else _kept(outputs.arrays, app.differentiable)
    app.sizes = (len(outs), len(mids), len(aux))
    if app.is_common(outputs):
        spec.familiar = app
    return app, outputs, Groups(outs, mids, aux, inputs)


def _kept(values: Sequence[Any], keep: Sequence[bool]) -> list[Any]:
    return [value for value, wanted in zip(values, keep, strict=True) if wanted]
