"""What JAX can't do for any rule: the only cells that may raise through no fault.

An entry never excuses a wrong answer, or another error. It counts only if the Function
and its hand-written twin both raise in the cell, with the message given here. So each
is found by trying the feature, and dies by itself when JAX learns it.
"""

import dataclasses
import re

from jaxgrad.errors import MissingExtraError


@dataclasses.dataclass(frozen=True)
class Limit:
    """One thing that JAX can't do.

    Attributes:
        why: What is printed.
        says: A regular expression for the errors, as `Type: message`.
        cells: A regular expression for the names of the cells, all by default.
    """

    why: str
    says: str
    cells: str = ""


LIMITS: tuple[Limit, ...] = (
    Limit(
        "jax.export can't write host callbacks to a file",
        says=r"host_callbacks",
        cells=r"^export",
    ),
    Limit(
        "JAX can't batch a host callback over an explicit mesh axis",
        says=r"Resource axis: \w+ of .* is not found in mesh",
        cells=r"^vmap on an explicit mesh",
    ),
    # Of JAX 0.10 with JAX_CUSTOM_VJP3, JAX_CUSTOM_JVP3 and JAX_REMAT3.
    Limit(
        "JAX can't linearize this kind of custom_vjp, and doesn't refuse it clearly",
        says=r"for linearize support",
        cells=r"^linearize$",
    ),
    Limit(
        "JAX can't push tangents through this kind of custom_vjp, and gives no reason",
        says=r"^NotImplementedError: $",
        cells=r"^(while_loop, jvp|hessian\(checkpoint\))$",
    ),
)


def find(cell: str, *errors: Exception | None) -> str | None:
    """What JAX can't do in a cell, if that is what every error says.

    Args:
        cell: The name of the cell.
        *errors: What the Function and what its hand-written twin raised there.

    Returns:
        The sentence to print, or None if one of them raised nothing, or something else.
    """
    if all(isinstance(error, MissingExtraError) for error in errors):
        return str(errors[0])
    said = [f"{type(error).__name__}: {error}" for error in errors]
    for limit in LIMITS:
        if re.search(limit.cells, cell) and all(re.search(limit.says, s) for s in said):
            return limit.why
    return None
