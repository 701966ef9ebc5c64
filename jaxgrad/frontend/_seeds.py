"""The cotangents of a result, as the user gives them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad.errors import TapeError
from jaxgrad.frontend._edges import GradientEdge, fitting, metadata
from jaxgrad.function._trees import is_inexact, short_type


def is_by_edge(cotangents: Any) -> bool:
    """Whether it is a dict from edges to cotangents."""
    return (
        isinstance(cotangents, dict)
        and bool(cotangents)
        and all(isinstance(key, GradientEdge) for key in cotangents)
    )


def flat_cotangents(
    name: str, tree: Any, outputs: Sequence[Any], cotangents: Any
) -> list[Any]:
    """One cotangent for each array of a result.

    Args:
        name: what was recorded, for messages.
        tree: the structure of its result.
        outputs: the arrays of the result.
        cotangents: what the user gave: a tree like the result, or None for one.

    Returns:
        As many arrays as there are outputs; None for absent ones.

    Raises:
        TapeError: another structure, shape or dtype; None is not enough.
    """
    if cotangents is None:
        return [_one(name, outputs)]
    try:
        given = tree.flatten_up_to(cotangents)
    except (ValueError, TypeError) as error:
        raise TapeError(
            f"The cotangents of {name} have another structure than its result.\n"
            f"  Expected {tree}, None for absent ones; got "
            f"{jax.tree.structure(cotangents)}."
        ) from error
    result = jax.tree.unflatten(tree, outputs)
    paths = [path for path, _ in jax.tree_util.tree_flatten_with_path(result)[0]]
    names = [f"The cotangent of result{jax.tree_util.keystr(path)}" for path in paths]
    expected = [metadata(value) for value in outputs]
    triples = zip(names, given, expected, strict=True)
    return [fitting(*triple) for triple in triples]


def _one(name: str, outputs: Sequence[Any]) -> Any:
    """The cotangent of a real scalar."""
    value = outputs[0] if len(outputs) == 1 else None
    real = value is not None and is_inexact(value.dtype) and value.dtype.kind != "c"
    if value is not None and real and value.shape == ():
        return jnp.ones((), value.dtype)
    types = ", ".join(map(short_type, outputs)) or "nothing"
    raise TapeError(
        f"backward() of {name} needs cotangents.\n"
        f"  Expected one real scalar as result; got {types}.\n"
        "  Give one cotangent for each array of the result: "
        "recording.backward(cotangents)."
    )
