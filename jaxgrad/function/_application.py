"""What it takes to run the rule of one application.

`Application` is the static side of one run of forward (`_run.run`): it rebuilds the
context from residuals and calls the user's rule. It never holds an array, so that it
can be part of residual pytrees and of primitives' parameters.
"""

import copy
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax

from jaxgrad import _compat
from jaxgrad.errors import CollectiveError, MissingBackwardError
from jaxgrad.function import (
    _axes,
    _cotangents,
    _hooks,
    _mutation,
    _node,
    _once,
    _packing,
)
from jaxgrad.function._context import Context
from jaxgrad.function._gradients import adapt
from jaxgrad.function._hooks import Packer
from jaxgrad.function._opaque import Template
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._packing import Packing
from jaxgrad.function._snapshot import Snapshot
from jaxgrad.function._spec import Spec
from jaxgrad.function._trees import is_array, is_differentiable


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
        "cotangent_dtypes",
        "differentiable",
        "explicit",
        "flags",
        "flags_read",
        "hooks",
        "materialize",
        "materialize_non_diff",
        "out_avals",
        "packing",
        "prehooks",
        "result",
        "sizes",
        "snapshot",
        "spec",
    )

    def __init__(self, spec: Spec, flags: tuple[bool, ...], inputs: Any) -> None:
        self.spec = spec.bare or spec  # which holds no Ref
        self.flags = flags
        self.avals = tuple([jax.typeof(x) for x in inputs])
        self.differentiable: tuple[bool, ...] = ()
        self.out_avals: tuple[Any, ...] = ()
        self.result: Any = None  # an Outputs without arrays
        self.snapshot: Snapshot
        self.sizes = (0, 0, 0)
        self.materialize = True
        self.materialize_non_diff = True
        self.prehooks = 0  # how many of the hooks on ctx run before backward
        self.cotangent_dtypes: list[Any] = []  # where set_output_grad_dtype chose
        self.flags_read = False
        self.axes: frozenset[str] = frozenset()
        self.explicit = _axes.any_explicit(self.avals)
        self.before: list[Any] = []
        self.attachment: Any = None  # made once; see `_attachment`
        self.hooks: Packer | None = None
        self.packing: Packing | None = None  # how `keep` packed the residuals

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
            or self.spec.hooks is not None
            or _hooks.current() is not None
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
            and self.hooks is None
            and not self.snapshot.hooks
            and not self.cotangent_dtypes
            and self.materialize_non_diff
            and not self.snapshot.tags
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
        self.materialize_non_diff = state.materialize_non_diff
        self.prehooks = 0 if state.hooks is None else len(state.hooks[0])
        self.differentiable = tuple([is_differentiable(a) for a in outputs.arrays])
        if state.non_differentiable:
            marked = {id(value) for value in state.non_differentiable}
            pairs = zip(raw.arrays, self.differentiable, strict=True)
            self.differentiable = tuple([d and id(a) not in marked for a, d in pairs])
        self.out_avals = tuple([jax.typeof(a) for a in outputs.arrays])
        if not _compat.outside_meshes():
            self.axes = _axes.varying(self.out_avals)
        self.result = outputs.static.empty
        if state.output_dtypes is not None:
            self.cotangent_dtypes = _cotangents.chosen_dtypes(
                self, outputs, state.output_dtypes
            )

    def residuals(self, groups: Groups) -> list[Any]:
        """The values that the rule needs, each once."""
        return [getattr(groups, kind)[i] for kind, i in self.snapshot.sources]

    def keep(self, groups: Groups) -> tuple["Application", list[Any]]:
        """The values to keep for the rule: the residuals, packed where hooks say so.

        Returns:
            The application that can use them, and the values.
        """
        values, tags = self.residuals(groups), self.snapshot.tags
        if self.hooks is None:
            return self, _packing.named(values, tags) if tags else values
        snapshot, new = self.snapshot, copy.copy(self)
        new.attachment = None
        numbers = snapshot.saved_numbers(), snapshot.other_numbers()
        packer = self._packer(groups.inputs)
        new.packing, kept = _packing.pack(
            self.spec.owner, packer, values, *numbers, tags
        )
        return new, kept

    def _packer(self, inputs: Sequence[Any]) -> Packer:
        """The hooks, over the hidden operands at the end of `inputs`."""
        assert self.hooks is not None
        hidden = inputs[self.spec.count :]
        pack, unpack, name = self.hooks
        if isinstance(pack, Template):
            pack = pack.build(hidden)
        if isinstance(unpack, Template):
            unpack = unpack.build(hidden)
        return Packer(pack, unpack, name)

    def plain(self, kept: Sequence[Any]) -> Sequence[Any]:
        """The residuals that are kept as they are; None for those that are packed."""
        return kept if self.packing is None else self.packing.plain(kept)

    def context(self, kept: Sequence[Any], phase: str) -> Context:
        """A fresh context with what forward put on its own."""
        ctx = Context(self.spec.owner, phase, self.spec.slot_flags(self.flags))
        plain, packed = kept, {}
        if self.packing is not None:
            plain = self.packing.plain(kept)
            packed = self.packing.packed(kept, self._packer(self.hidden(kept)))
            ctx._state.packed = True
        saved, saved_for_forward, attributes = self.snapshot.restore(plain, packed)
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

    def hidden(self, kept: Sequence[Any]) -> Sequence[Any]:
        """The input arrays that are residuals, else None; for functions' closures."""
        if self.spec.captured is None:
            return ()
        found: list[Any] = [None] * len(self.avals)
        sources = zip(self.snapshot.sources, self.plain(kept), strict=True)
        for (kind, i), value in sources:
            if kind == "inputs":
                found[i] = value
        return found

    def backward(
        self,
        residuals: Sequence[Any],
        cotangents: Sequence[Any],
        *,
        derived: bool = False,
        noted: bool = False,
    ) -> list[Any]:
        """The user's rule.

        Args:
            residuals: as `keep` gives them.
            cotangents: one for each differentiable output; None where it is absent.
            derived: whether it is traced for its transpose, and so watched by nobody.
            noted: whether whoever watches knows of this run.

        Returns:
            One gradient for each input array; None where it is zero or not asked for.

        Raises:
            CollectiveError: backward summed a gradient over devices itself.
            MissingBackwardError: the class has no reverse rule.
        """
        watch = None if derived else self.spec.watch
        if watch is not None and not noted:
            with watch.noting(self.spec.owner):
                return self.backward(residuals, cotangents, noted=True)
        # From here on few frames: JAX notes the stack with each equation.
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
        cotangents = _cotangents.prepared(self, cotangents)
        sealed = None
        if hasattr(method, _once.MARK):
            values = [*residuals, *cotangents]
            if derived:  # JAX transposes it, and must see through
                values = _once.guard(values, spec.owner)
            else:
                values, sealed = _once.seal(values, spec.owner)
            residuals, cotangents = values[: len(residuals)], values[len(residuals) :]
        ctx = self.context(residuals, "backward")
        hooks = self._hooks(residuals) if self.snapshot.hooks else None
        slots = self.result.slots(cotangents)
        if hooks:
            slots = _node.run_prehooks(spec.owner, hooks[0], slots)
        if spec.style.one_read or spec.style.boxed:
            returned = self._call(method, ctx, slots)
        else:
            returned = method(ctx, *slots)
        if self.before:  # what backward itself changes is no mistake either
            self.before = _mutation.settled(self.before, spec.watched, spec.restless)
        gradients = adapt(spec, self.flags, self.avals, returned)
        if watch is not None:
            gradients = watch.check(self, residuals, cotangents, gradients)
        if hooks:
            gradients = _node.run_hooks(spec.owner, hooks[1], gradients, slots)
        if sealed is not None:
            gradients = [sealed(gradient) for gradient in gradients]
        if self.axes:
            self._check_reduced(gradients, method, (residuals, cotangents))
        if not self.explicit and _compat.outside_meshes():
            return gradients
        return _axes.conform_all(gradients, self.avals, self.axes)

    def _hooks(self, kept: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """The hooks on ctx that run before and after backward."""
        hooks = self.snapshot.restore_hooks(self.plain(kept))
        return hooks[: self.prehooks], hooks[self.prehooks :]

    def _call(self, method: Any, ctx: Context, slots: Sequence[Any]) -> Any:
        """Backward as the class wants to be called."""
        style = self.spec.style
        if style.one_read:
            ctx._state.reads_left = 1
        return method(ctx, list(slots)) if style.boxed else method(ctx, *slots)

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
                leaves = jax.tree.leaves(self._call(method, ctx, slots))
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

    def out_tangent_avals(self) -> list[Any]:
        """The types of the tangents of the differentiable outputs."""
        pairs = zip(self.out_avals, self.differentiable, strict=True)
        return [_compat.tangent_aval(a) for a, d in pairs if d]

    def __repr__(self) -> str:
        """The class's name, as jaxprs show it."""
        return self.spec.owner
