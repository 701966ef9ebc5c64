"""Parameters that are annotated as `Final`: their values are part of the program."""

from __future__ import annotations

import typing
from typing import Any

import numpy as np

from jaxgrad.errors import ArgumentError
from jaxgrad.lower.script import Program
from jaxgrad.lower.script._values import is_array, is_traced


def with_finals(program: Program, function: Any, values: list[Any]) -> list[Any]:
    """The values of the parameters; arrays that are `Final` as Python numbers.

    Args:
        program: what is called.
        function: its function, for the annotations.
        values: one for each parameter.

    Returns:
        The values.

    Raises:
        ArgumentError: one is traced, or no single number.
    """
    annotations = getattr(function, "__annotations__", None) or {}
    if not any(map(is_final, annotations.values())):
        return values
    pairs = zip(program.parameters, values, strict=True)
    return [
        _number(program, p.name, v) if is_final(annotations.get(p.name)) else v
        for p, v in pairs
    ]


def is_final(annotation: Any) -> bool:
    """Whether an annotation says so; it may be a string."""
    if isinstance(annotation, str):
        head = annotation.partition("[")[0].strip()
        return head == "Final" or head.endswith(".Final")
    return annotation is typing.Final or typing.get_origin(annotation) is typing.Final


def _number(program: Program, name: str, value: Any) -> Any:
    if not is_array(value):
        return value
    if is_traced(value) or np.ndim(value):
        got = "a traced value" if is_traced(value) else f"an array {np.shape(value)}"
        raise ArgumentError(
            f"{program.name} got {got} for {name!r}, which is Final: its value is part "
            "of the program.\n  Expected a Python value, or an array of one number.\n"
            "  Pass such a value, or take Final from the annotation."
        )
    return np.asarray(value).item()
