"""Tangents of an application: the user's `jvp`, or the transpose of `backward`.

- `push_outputs`: tangents of the outputs, as a linear equation whose transpose is the
  user's backward.
- `push_or_refuse`: the same, refused where it is evaluated and there is no rule.
- `derived_jvp`: the transpose of backward, refused where backward is not linear.
- `user_jvp`: the class's own `jvp`, its tangents checked.
"""

from collections.abc import Sequence
from typing import Any

import jax

from jaxgrad import _compat
from jaxgrad.errors import ForwardModeError, NonLinearBackwardError
from jaxgrad.function import _axes, _linearity
from jaxgrad.function._application import Application
from jaxgrad.function._primitives import LinearRule, linear
from jaxgrad.function._tangents import check_tangents, tangent_slots


def push_outputs(
    app: Application,
    flags: tuple[bool, ...],
    residuals: Sequence[Any],
    tangents: Sequence[Any],
) -> list[Any]:
    """Tangents of the differentiable outputs, as one linear equation.

    Args:
        app: the application.
        flags: which input arrays have a tangent.
        residuals: as `Application.keep` gives them.
        tangents: those of the flagged inputs.

    Returns:
        One tangent for each differentiable output.
    """
    style = app.spec.style
    moving = [i for i, flag in enumerate(flags) if flag]

    def forward(residuals: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
        if style.jvp:
            return user_jvp(app, moving, residuals, tangents)
        return derived_jvp(app, moving, residuals, tangents)

    if not style.backward and style.jvp:
        # JAX transposes the user's own jvp: there is no other rule.
        return forward(residuals, tangents)

    def transpose(residuals: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        gradients = app.backward(residuals, cotangents)
        return [gradients[i] for i in moving]

    if style.derives_jvp:
        _check_linear(app, moving, residuals)
    rule = LinearRule(app.spec.owner, forward, transpose)
    return linear(rule, residuals, tangents, app.out_tangent_avals())


def derived_jvp(
    app: Application,
    moving: Sequence[int],
    residuals: Sequence[Any],
    tangents: Sequence[Any],
) -> list[Any]:
    """The transpose of the user's backward, applied to `tangents`."""
    _check_linear(app, moving, residuals)
    zeros = [_axes.zeros(aval) for aval in app.out_tangent_avals()]
    # Traced outside the `try`: what the user's own code raises passes through.
    back = _compat.traced(materialized(app, moving, residuals), zeros)
    try:
        return list(jax.linear_transpose(back, *zeros)(list(tangents)))
    except (AssertionError, NotImplementedError, TypeError, ValueError) as error:
        raise NonLinearBackwardError(
            _linearity.message(app.spec.owner, "JAX can't transpose it")
        ) from error


def materialized(
    app: Application, moving: Sequence[int], residuals: Sequence[Any]
) -> Any:
    """The user's backward: cotangents to gradients of `moving`, zeros included."""

    def back(*cotangents: Any) -> list[Any]:
        gradients = app.backward(residuals, cotangents, derived=True)
        return [
            _axes.zeros(app.avals[i]) if gradients[i] is None else gradients[i]
            for i in moving
        ]

    return back


def _check_linear(
    app: Application, moving: Sequence[int], residuals: Sequence[Any]
) -> None:
    """Refuse a backward that is not linear; once for each kind of call."""
    key = (tuple(moving), app.flags, app.avals, app.out_avals)
    if key not in app.spec.linear:
        zeros = [_axes.zeros(aval) for aval in app.out_tangent_avals()]
        back = materialized(app, moving, residuals)
        _linearity.check(app.spec.owner, jax.make_jaxpr(back)(*zeros))
        app.spec.linear[key] = True


def user_jvp(
    app: Application,
    moving: Sequence[int],
    residuals: Sequence[Any],
    tangents: Sequence[Any],
) -> list[Any]:
    """The class's own `jvp`; one tangent for each differentiable output."""
    method = app.spec.methods(app.hidden(residuals)).jvp
    assert method is not None
    ctx = app.context(residuals, "jvp")
    slots = tangent_slots(app, dict(zip(moving, tangents, strict=True)))
    return check_tangents(app, method(ctx, *slots))


def push_or_refuse(
    app: Application,
    flags: tuple[bool, ...],
    residuals: Sequence[Any],
    tangents: Sequence[Any],
) -> list[Any]:
    """The tangents of the outputs: an equation whose transpose is the user's backward.

    For a class without a forward-mode rule its evaluation is refused.

    Returns:
        One tangent for each differentiable output.
    """
    style, owner = app.spec.style, app.spec.owner
    if style.jvp or style.derives_jvp:
        return push_outputs(app, flags, residuals, tangents)
    moving = [i for i, flag in enumerate(flags) if flag]

    def refuse(residuals: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
        raise no_forward_mode(owner)

    def transpose(residuals: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        gradients = app.backward(residuals, cotangents)
        return [gradients[i] for i in moving]

    rule = LinearRule(owner, refuse, transpose)
    return linear(rule, residuals, tangents, app.out_tangent_avals())


def no_forward_mode(owner: str) -> ForwardModeError:
    """The error for a class without a forward-mode rule."""
    return ForwardModeError(
        f"{owner} has no forward-mode rule, and forward mode (jvp, jacfwd, linearize) "
        "reached it.\n"
        "  Expected a forward-mode rule; got only a reverse-mode one.\n"
        f"  Define a `jvp` staticmethod on {owner}, or set generate_jvp_rule = True if "
        "its backward is linear in the cotangents: the JVP is then its transpose."
    )
