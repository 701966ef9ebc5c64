"""The derivative of saved intermediates: that of forward itself, on demand.

torch treats a saved intermediate as a constant, which makes second derivatives silently
wrong. Here it has its true derivative, by JAX's differentiation of forward. That is a
linear equation of its own, evaluated only where it is used: forward may be something
that JAX can't differentiate, as long as nobody asks.
"""

import contextlib
from collections.abc import Generator, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.errors import IntermediateDerivativeError
from jaxgrad.function import _provenance
from jaxgrad.function._application import Application, Groups
from jaxgrad.function._primitives import LinearRule, linear
from jaxgrad.function._run import run


def push_mids(
    app: Application,
    flags: tuple[bool, ...],
    groups: Groups,
    tangents: Sequence[Any],
) -> list[Any]:
    """Tangents of the saved intermediates, from those of the inputs in `flags`."""
    moving = [i for i, flag in enumerate(flags) if flag]

    def forward(inputs: Sequence[Any], tangents: Sequence[Any]) -> list[Any]:
        with _named(app):
            mids, at = _mids(app, inputs, moving)
            return list(jax.jvp(mids, at, tuple(tangents))[1])

    def transpose(inputs: Sequence[Any], cotangents: Sequence[Any]) -> list[Any]:
        with _named(app):
            mids, at = _mids(app, inputs, moving)
            values, pull = jax.vjp(mids, *at)
            pairs = zip(cotangents, values, strict=True)
            return list(pull([jnp.zeros_like(v) if c is None else c for c, v in pairs]))

    rule = LinearRule(f"{app.spec.owner} saved intermediates", forward, transpose)
    avals = [_compat.tangent_aval(jax.typeof(m)) for m in groups.mids]
    return linear(rule, groups.inputs, tangents, avals)


def _mids(app: Application, inputs: Sequence[Any], moving: Sequence[int]) -> Any:
    """The intermediates as a function of the inputs that move, and those inputs.

    Only what the intermediates need is kept of forward: a host callback beside them
    does no harm.

    Returns:
        The function, and the values at which to differentiate it.
    """

    def again(*xs: Any) -> list[Any]:
        return list(run(app.spec, xs, app.flags, detach=False)[2].mids)

    pruned = _compat.prune(again, inputs)

    def mids(*moved: Any) -> list[Any]:
        values = list(inputs)
        for position, value in zip(moving, moved, strict=True):
            values[position] = value
        return pruned(*values)

    return mids, tuple(inputs[i] for i in moving)


@contextlib.contextmanager
def _named(app: Application) -> Generator[None]:
    """JAX's refusal to differentiate forward, as an error that names the Function."""
    try:
        yield
    except (ValueError, NotImplementedError, TypeError) as error:
        if not _provenance.raised_by_jax(error):
            raise  # by the user's own code, or by another Function
        pairs = zip(app.snapshot.names(), app.snapshot.sources, strict=True)
        names = ", ".join(name for name, (group, _) in pairs if group == "mids")
        raise IntermediateDerivativeError(
            f"{app.spec.owner}.forward computed {names}, an intermediate, by something "
            "that JAX can't differentiate, and a second derivative needs its "
            "derivative.\n"
            f"  Expected a computation with a derivative; got: {error}\n"
            "  Save an input or an output and compute the intermediate from it in "
            "backward, or return the intermediate as an output too."
        ) from error
