"""Outputs and saved values of a detached forward, attached to its live inputs.

- `run_attached`: one run of forward, everything that it returned or saved attached.
- `Attachment`: how attached values are differentiated, at whatever order somebody asks.
"""

import copy
from collections.abc import Sequence
from typing import Any

from jaxgrad.function import _closures
from jaxgrad.function._application import Application, Groups, run
from jaxgrad.function._forward_mode import push_outputs
from jaxgrad.function._intermediates import push_mids
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._primitives import attach
from jaxgrad.function._spec import Spec
from jaxgrad.function._trees import is_differentiable


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
        return app, app.residuals(groups)
    if app.flags_read:
        # Attached, so that what it saves anew keeps its derivative.
        again, _, fresh = run_attached(app.spec, groups.inputs, flags)
        return again, again.residuals(fresh._replace(outs=groups.outs))
    wide = copy.copy(app)
    wide.attachment = None
    wide.flags = tuple(f or told for f, told in zip(flags, app.flags, strict=True))
    return wide, app.residuals(groups)
