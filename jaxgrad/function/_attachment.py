"""Outputs and saved values of a detached forward, attached to its live inputs.

- `run_attached`: one run of forward, everything that it returned or saved attached.
- `Attachment`: how attached values are differentiated, at whatever order somebody asks.
"""

import copy
from collections.abc import Sequence
from typing import Any

import jax

from jaxgrad import _compat
from jaxgrad.function import _closures, _refs
from jaxgrad.function._application import Application, Groups
from jaxgrad.function._forward_mode import push_outputs
from jaxgrad.function._intermediates import push_mids
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._primitives import attach, detach
from jaxgrad.function._run import run
from jaxgrad.function._spec import Spec
from jaxgrad.function._trees import as_array, is_differentiable


def run_attached(
    spec: Spec, inputs: Sequence[Any], flags: tuple[bool, ...]
) -> tuple[Application, Outputs, Groups]:
    """Run forward once, detached, and attach outputs and saved values to `inputs`.

    Args:
        spec: the static side of the call.
        inputs: the live arrays.
        flags: for each of them, whether its gradient is needed.

    Returns:
        The application, its live result, and the live values by origin.
    """
    app, outputs, groups = run(spec, inputs, flags)
    if groups.outs or groups.mids:
        if app.attachment is None:
            app.attachment = Attachment(app)
        outs, mids = attach(app.attachment, groups)
        groups = Groups(outs, mids, groups.aux, inputs)
        if len(outs) == len(outputs.arrays):
            return app, outputs.with_arrays(outs), groups
    rest = iter(groups.outs)
    pairs = zip(outputs.arrays, app.differentiable, strict=True)
    live = [next(rest) if differentiable else value for value, differentiable in pairs]
    return app, outputs.with_arrays(live), groups


class Attachment:
    """The derivative of what one application attached; a parameter of `attach`."""

    __slots__ = ("app", "sizes")

    detached = True

    def __init__(self, app: Application) -> None:
        """Of the application `app`."""
        self.app = app
        self.sizes = app.sizes

    def push(
        self, flags: tuple[bool, ...], groups: Any, tangents: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        """Tangents of outs and mids, from those of the inputs that `flags` names."""
        app, groups = self.app, Groups(*groups)
        refuse_captured(app.spec, flags)
        outs: list[Any] = []
        if groups.outs:
            wide, residuals = _widened(app, flags, groups)
            outs = push_outputs(wide, flags, residuals, tangents)
        return outs, push_mids(app, flags, groups, tangents) if groups.mids else []

    def stray(self) -> None:
        """An output has a tangent of its own, although its inputs were detached."""
        _closures.refuse(self.app.spec.owner, [])

    def __repr__(self) -> str:
        return self.app.spec.owner


class _Late(Attachment):
    """The same for outputs alone; saved intermediates are attached when asked for.

    Forward can't run again for their tangents when it wrote a Ref. So nobody asks for
    these tangents before a derivative of the tangents of the outputs needs them.
    """

    __slots__ = ()

    def __init__(self, app: Application) -> None:
        super().__init__(app)
        n_out, n_mid, n_aux = app.sizes
        self.sizes = (n_out, 0, n_mid + n_aux)

    def push(
        self, flags: tuple[bool, ...], groups: Any, tangents: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        refuse_captured(self.app.spec, flags)
        outs, _, kept, inputs = groups
        n_mid, n_aux = self.app.sizes[1:]
        mids, aux = kept[:n_mid], kept[n_mid:]
        if mids:
            early = Attachment(self.app)
            early.sizes = (0, n_mid, n_aux)
            mids = attach(early, Groups((), mids, aux, inputs))[1]
        live = Groups(outs, mids, aux, inputs)
        wide, residuals = _widened(self.app, flags, live)
        return push_outputs(wide, flags, residuals, tangents), []


def run_late(
    spec: Spec, inputs: Sequence[Any], refs: Sequence[Any], flags: tuple[bool, ...]
) -> Outputs:
    """`run_attached` for a call with Refs, where no custom rule of JAX's is around it.

    Saved values have no derivative before a second one is asked for.

    Returns:
        The result of forward, attached to `inputs`.
    """
    if _compat.switched_on():  # there a custom_vjp is never without its rule
        live, arrays = spec.split(spec.operands(inputs, refs))
        app, outputs, groups = run(live, arrays, flags)
    else:
        app, outputs, groups = _run_apart(spec, inputs, refs, flags)
    if not groups.outs:
        return outputs
    aux = (*groups.mids, *groups.aux)
    live_outs = iter(attach(_Late(app), Groups(groups.outs, (), aux, inputs))[0])
    pairs = zip(outputs.arrays, app.differentiable, strict=True)
    return outputs.with_arrays([next(live_outs) if d else v for v, d in pairs])


def _run_apart(
    spec: Spec, inputs: Sequence[Any], refs: Sequence[Any], flags: tuple[bool, ...]
) -> tuple[Application, Outputs, Groups]:
    """`run` where JAX doesn't differentiate forward, not even a Ref that it makes.

    JAX leaves a `custom_vjp` alone where nothing that it is given has a tangent.

    Returns:
        What `run` returns.
    """
    noted: list[tuple[Application, Outputs]] = []

    def once(*operands: Any) -> tuple[Any, ...]:
        live, arrays = spec.split(operands)
        app, outputs, groups = run(live, arrays, flags, detach=False)
        noted.append((app, outputs.with_arrays(())))
        return tuple(outputs.arrays), tuple(groups.mids), tuple(groups.aux)

    def forward(*primals: Any) -> tuple[Any, None]:
        held = primals[spec.count : spec.count + spec.refs]
        _refs.refuse_perturbed(spec, [p.perturbed for p in held])
        return once(*[p.value for p in primals]), None

    operands = spec.operands(detach(inputs), refs)
    function = jax.custom_vjp(once)
    function.defvjp(
        forward, lambda _, cts: (None,) * len(operands), symbolic_zeros=True
    )
    arrays, mids, aux = function(*operands)
    app, outputs = noted[-1]
    outs = [a for a, d in zip(arrays, app.differentiable, strict=True) if d]
    return app, outputs.with_arrays(arrays), Groups(outs, mids, aux, inputs)


class _Forbidden:
    """Closed-over values that must not be differentiated."""

    detached = False

    def __init__(self, owner: str, names: Sequence[str]) -> None:
        self.owner = owner
        self.names = names
        self.sizes = (len(names), 0, 0)

    def push(
        self, flags: tuple[bool, ...], groups: Any, tangents: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        pairs = zip(self.names, flags, strict=True)
        _closures.refuse(self.owner, [name for name, flag in pairs if flag])

    def stray(self) -> None:
        """Nothing: these values are attached to themselves."""

    def __repr__(self) -> str:
        return f"what {self.owner} closes over"


def forbid(spec: Spec, values: Sequence[Any]) -> Sequence[Any]:
    """Closed-over `values` whose differentiation raises by itself.

    For where JAX calls every operand of a custom rule differentiated, so that the rule
    can't tell.

    Returns:
        As many values, attached to themselves where they have a tangent.
    """
    if not any(map(is_differentiable, values)):
        return values
    moving = [v for v in values if is_differentiable(v)]
    assert spec.captured is not None
    pairs = zip(spec.captured.names, values, strict=True)
    names = [name for name, value in pairs if is_differentiable(value)]
    outs, _ = attach(_Forbidden(spec.owner, names), Groups(moving, (), (), moving))
    rest = iter(outs)
    return [next(rest) if is_differentiable(v) else v for v in values]


class _ForbiddenRefs(_Forbidden):
    """The content of Refs, which must not be differentiated either."""

    def __init__(self, spec: Spec, positions: Sequence[int]) -> None:
        self.spec = spec
        self.positions = positions
        self.sizes = (len(positions), 0, 0)

    def push(
        self, flags: tuple[bool, ...], groups: Any, tangents: Sequence[Any]
    ) -> tuple[list[Any], list[Any]]:
        moving = {p for p, flag in zip(self.positions, flags, strict=True) if flag}
        _refs.refuse_perturbed(self.spec, [i in moving for i in range(self.spec.refs)])
        raise AssertionError("one of them moves")

    def __repr__(self) -> str:
        return f"the Refs of {self.spec.owner}"


def forbid_refs(spec: Spec, refs: Sequence[Any]) -> None:
    """See to it that the differentiation of one of `refs` raises by itself.

    For where no `custom_vjp` tells whether it is perturbed. What is concrete is not.
    """
    traced = [
        i
        for i, ref in enumerate(refs)
        if isinstance(ref, _compat.Tracer) and is_differentiable(ref)
    ]
    if traced:
        values = [refs[i][...] for i in traced]
        attach(_ForbiddenRefs(spec, traced), Groups(values, (), (), values))


def refuse_captured(spec: Spec, flags: Sequence[bool]) -> None:
    """Raise if a value that the Function closes over is being differentiated."""
    captured = spec.captured
    if captured is None:
        return
    hidden = flags[spec.count :]
    moving = [n for n, flag in zip(captured.names, hidden, strict=True) if flag]
    if moving:
        _closures.refuse(spec.owner, moving)


def _widened(
    app: Application, flags: tuple[bool, ...], groups: Groups
) -> tuple[Application, list[Any]]:
    """The application as forward would have run it, had it known of `flags`.

    Forward may save by `needs_input_grad`. When an outer level differentiates an input
    that forward was not told of, it runs again with the outer flags; its outputs keep
    their values.

    Returns:
        The application, and its residuals.
    """
    if not any(f and not told for f, told in zip(flags, app.flags, strict=True)):
        return app.keep(groups)
    if app.flags_read:
        # Attached, so that what it saves anew keeps its derivative. (JAX may hold a
        # Python scalar there.)
        inputs = [as_array(x) for x in groups.inputs]
        again, _, fresh = run_attached(app.spec, inputs, flags)
        return again.keep(fresh._replace(outs=groups.outs))
    wide = copy.copy(app)
    wide.attachment = None
    wide.flags = tuple(f or told for f, told in zip(flags, app.flags, strict=True))
    return wide.keep(groups)
