"""The warning about a script that is compiled for ever new static values."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from jaxgrad.errors import JaxgradWarning
from jaxgrad.frontend.script._boundary import static_key
from jaxgrad.lower.script._template import Const, New

if TYPE_CHECKING:
    from jaxgrad.frontend.script._function import ScriptFunction
    from jaxgrad.lower.script import Program

MOST = 16


def warn_if_often(script: ScriptFunction, program: Program) -> None:
    """Warn once, when one argument had more than `MOST` static values."""
    every = [c for found in script._compiled.values() for c in found]
    if script._warned or len(every) <= MOST:
        return
    for i, parameter in enumerate(program.parameters):
        seen = {_statics(compiled.incoming.forms[i]) for compiled in every}
        if len(seen) > MOST:
            script._warned = True
            warnings.warn(
                f"{script.__qualname__} was compiled for {len(seen)} values of "
                f"{parameter.name!r}, which is a Python value and so part of the "
                "program.\n  Pass it as an array to have it traced: "
                f"jnp.asarray({parameter.name}).",
                JaxgradWarning,
                stacklevel=4,
            )
            return


def _statics(form: Any) -> Any:
    """What of an argument is static."""
    if isinstance(form, Const):
        return static_key(form.value)
    if isinstance(form, New):
        # An object that holds itself is not followed for ever: its parts come later.
        parts = [p for p in form.parts if not isinstance(p, New) or p.uid > form.uid]
        return form.cls, static_key(form.static), tuple(map(_statics, parts))
    return None
