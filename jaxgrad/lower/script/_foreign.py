"""Calls of scripts from inside JAX's transformations.

- `foreign`: the checks of what runs inside are reported by a callback that raises.
- `report`: that callback.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from jaxgrad.lower.script._session import Errors, Output

if TYPE_CHECKING:
    from jaxgrad.lower.script._session import Session


@contextlib.contextmanager
def foreign(session: Session) -> Iterator[None]:
    """A call from inside another trace, with checks of its own."""
    outer, session.errors = session.errors, Errors()
    printed, session.output = session.output, Output()
    try:
        yield
        certain = isinstance(session.errors.code, int) and session.errors.code == 0
        what = "a check in a function that JAX was given"
        if certain or not session.host.strip(what, session.place):
            report(session.errors, session.raisers, session.host.mode)
    finally:
        session.errors, session.output = outer, printed


def report(errors: Errors, raisers: Any, mode: str) -> None:
    """Raise the error of a code on the host, from inside a compiled program."""
    if mode == "ignore" or (isinstance(errors.code, int) and errors.code == 0):
        return
    numbers = list(errors.values)
    parts = [errors.values[n] for n in numbers]

    def callback(code: Any, values: Any) -> None:
        found = int(jnp.asarray(code))
        if found:
            mine = dict(zip(numbers, values, strict=True)).get(found, ())
            raise raisers[found - 1]([jnp.asarray(v) for v in mine])

    # Asked for on the device: a call of the host costs more than many a program.
    given = jax.lax.stop_gradient((jnp.asarray(errors.code), parts))
    failing = functools.partial(jax.debug.callback, callback)
    jax.lax.cond(given[0] != 0, failing, lambda *_: None, *given)
