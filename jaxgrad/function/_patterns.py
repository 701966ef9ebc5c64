"""Which inputs were differentiated, told to backward by its residuals.

JAX traces the forward rule of a `custom_vjp` once for each set of inputs that somebody
differentiates, and remembers each trace. But it hands backward the structure of the
residuals, and what is static in it, from whichever set it traced last. So residuals of
a call with several inputs carry the set themselves, in the shapes of empty arrays; and
their number is the same for every set.
"""

import copy
import functools
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from jaxgrad.function._application import Application
from jaxgrad.function._attachment import run_attached
from jaxgrad.function._spec import Spec
from jaxgrad.function._trees import is_inexact

_BITS = 16  # an empty array has an axis of this many bits
_KEPT = 256
# Where forward keeps no more than that, nobody has to find out how many others keep.
_ROOM = 8

Flags = tuple[bool, ...]


def several(inputs: Sequence[Any]) -> bool:
    """Whether more than one set of `inputs` can be differentiated."""
    found = False
    for x in inputs:
        if is_inexact(x.dtype):
            if found:
                return True
            found = True
    return False


def told(
    spec: Spec, app: Application, values: list[Any], inputs: Sequence[Any]
) -> list[Any] | None:
    """Residuals that tell backward which inputs are differentiated.

    Args:
        spec: the static side of the call, the same for every set.
        app: the application of one run.
        values: its residuals.
        inputs: the arrays of the call.

    Returns:
        The residuals, and after them empty arrays; None where forward kept more than it
        keeps when every input is differentiated, so that it has to run for them all.
    """
    values = list(values)
    if app.flags_read:
        _remember(spec, app, len(values))
        most = _ROOM if len(values) <= _ROOM else _most(spec, app, inputs)
        if len(values) > most:
            return None
        values += [np.zeros(0, bool)] * (most - len(values))
    return values + _marks(app.flags)


@functools.lru_cache(1024)
def _marks(flags: Flags) -> list[Any]:
    """Empty arrays that say which flags are set; the same ones at every call."""
    code = sum(1 << i for i, flag in enumerate(flags) if flag)
    parts = range(0, len(flags), _BITS)
    return [np.zeros((0, code >> i & (1 << _BITS) - 1), bool) for i in parts]


@functools.lru_cache(1024)
def _flags(sizes: tuple[int, ...], count: int) -> Flags:
    """The flags that empty arrays of these sizes say."""
    code = sum(size << (_BITS * i) for i, size in enumerate(sizes))
    return tuple([bool(code >> i & 1) for i in range(count)])


def heard(
    spec: Spec, app: Application, values: Sequence[Any]
) -> tuple[Application, Sequence[Any]]:
    """The application whose residuals these are, and the residuals themselves.

    Args:
        spec: as for `told`.
        app: the application of the last run, perhaps for other inputs.
        values: what `told` returned.

    Returns:
        The application for the inputs that the residuals tell of, and the residuals
        without the arrays that tell it.
    """
    count = -(-len(app.flags) // _BITS)
    sizes = tuple([v.shape[1] for v in values[-count:]])
    flags, values = _flags(sizes, len(app.flags)), values[:-count]
    if not app.flags_read:
        return (app if flags == app.flags else _with(app, flags)), values
    app, kept = _recall(spec, app, flags)
    return app, values[:kept]


def _with(app: Application, flags: Flags) -> Application:
    """The application of a run that is the same for other inputs."""
    app = copy.copy(app)
    app.attachment = None
    app.flags = flags
    return app


def _remember(spec: Spec, app: Application, kept: int) -> None:
    while len(spec.patterns) >= _KEPT:
        spec.patterns.pop(next(iter(spec.patterns)), None)
    spec.patterns[app.flags, app.avals] = app, kept


def _recall(spec: Spec, app: Application, flags: Flags) -> tuple[Application, int]:
    """What forward keeps for a set of inputs: as it ran, else as it runs once more."""
    found = spec.patterns.get((flags, app.avals))
    return _abstract(spec, app.avals, flags) if found is None else found


def _most(spec: Spec, app: Application, inputs: Sequence[Any]) -> int:
    """How many residuals there are when every input is differentiated."""
    every = tuple([is_inexact(x.dtype) for x in inputs])
    return _recall(spec, app, every)[1]


def _abstract(spec: Spec, avals: Any, flags: Flags) -> tuple[Application, int]:
    """The application of a run, and its number of residuals, for inputs of a type."""
    found: list[tuple[Application, int]] = []

    def run(*inputs: Any) -> None:
        app, _, groups = run_attached(spec, inputs, flags)
        keeping, kept = app.keep(groups)
        found.append((keeping, len(kept)))

    jax.make_jaxpr(run)(*avals)
    app, kept = found[-1]
    _remember(spec, app, kept)
    return app, kept
