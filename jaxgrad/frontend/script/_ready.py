"""Calls with arrays alone, which take as little time as can be.

What a call is given is taken apart in general (`Incoming`). Where it is nothing but
arrays, their types say which compiled program fits.

- `types_of`: those types.
- `is_ready_for`: whether a call is such a one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax

from jaxgrad.frontend.script._finals import is_final
from jaxgrad.lower.script._forms import Const, Form, Leaf
from jaxgrad.lower.script._values import is_traced

if TYPE_CHECKING:
    from jaxgrad.frontend.script._function import ScriptFunction


def types_of(values: Sequence[Any]) -> tuple[Any, ...] | None:
    """The types of values that are arrays.

    Args:
        values: what a call is given, and the globals that are inputs.

    Returns:
        Shape, dtype and weak type of each; None if one is traced, or no JAX array.
    """
    found = []
    for value in values:
        if not isinstance(value, jax.Array) or is_traced(value):
            return None
        aval = value.aval
        found.append((aval.shape, aval.dtype, aval.weak_type))
    return tuple(found)


def is_ready_for(script: ScriptFunction, count: int, forms: Sequence[Form]) -> bool:
    """Whether the types of such a call say all about it.

    Defaults that are no arrays may be left out.

    Args:
        script: what is called.
        count: how many arguments there are, by position.
        forms: what it was given, apart; defaults and globals are part of that.

    Returns:
        Whether they do.
    """
    program, function = script.program, script.function
    annotations: Mapping[str, Any] = getattr(function, "__annotations__", None) or {}
    defaults = forms[count : len(program.parameters)]
    given = [*forms[:count], *forms[len(program.parameters) :]]
    return (
        program.plain
        and all(isinstance(form, Leaf) for form in given)
        and all(isinstance(form, Const) for form in defaults)
        and not any(map(is_final, annotations.values()))
    )
