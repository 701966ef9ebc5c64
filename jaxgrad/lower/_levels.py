"""The levels of a program: the function, its derivative, the derivative's, ...

- `levels(run, args, platforms, order)`: each exported by itself.
- `is_inexact(aval)`: whether values of a type have a gradient.
- `constraints(exported)`: what holds of its symbolic dimensions.
- `probes(exported)`: shapes at which a level with symbolic dimensions can be compiled.

Level `k + 1` takes the arguments of level `k` and one cotangent for each of its inexact
outputs, and returns one gradient for each of its inexact arguments. So no level needs
JAX's `float0`, and a random key may be an argument.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.export import Exported

from jaxgrad.errors import LoopGradientError
from jaxgrad.lower import _exported
from jaxgrad.lower._structs import name_of

# Sizes to try for every symbolic dimension at once; then growing ones, for constraints
# such as a < b.
_SIZES = (8, 16, 64, 120, 840, 1024, 1, 2, 3, 5, 7)


class Level(NamedTuple):
    """One level.

    Attributes:
        exported: the program; level 0 keeps its pytrees, the others are flat.
        probe: for each flat argument a shape that the program accepts.
    """

    exported: Exported
    probe: list[list[int]]


class Levels(list[Level]):
    """Level 0 and those of the derivatives.

    Attributes:
        refused: why the function has no further derivative, where it refuses it.
    """

    refused: str = ""


def levels(
    run: Callable[..., Any],
    args: Sequence[Any],
    platforms: Sequence[str],
    order: int,
) -> Levels:
    """A function and its derivatives, exported.

    Args:
        run: of pytrees.
        args: of `jax.ShapeDtypeStruct`.
        platforms: what to lower for.
        order: how many derivatives; fewer come back where there is nothing left to
            differentiate.

    Returns:
        Level 0 and those of the derivatives.
    """
    first = _exported.lowered(run, args, platforms)
    inputs, treedef = jax.tree.flatten(tuple(args))

    def flat(*leaves: Any) -> list[Any]:
        return jax.tree.leaves(run(*jax.tree.unflatten(treedef, leaves)))

    found, function = Levels([Level(first, probes(first))]), flat
    name = name_of(run)
    for _ in range(order):
        outputs = found[-1].exported.out_avals
        if not any(map(is_inexact, inputs)) or not any(map(is_inexact, outputs)):
            break
        function = _derivative(function, inputs, outputs, name)
        inputs = [*inputs, *(_struct(aval) for aval in outputs if is_inexact(aval))]
        try:
            made = _exported.differentiated(
                name, lambda f=function, s=inputs: _exported.lowered(f, s, platforms)
            )
        except LoopGradientError as error:
            # The function itself refuses it, and so does what will be loaded.
            found.refused = f"{error.msg}\n  In line {error.lineno} of {name}."
            break
        found.append(Level(made, probes(made)))
    return found


def is_inexact(aval: Any) -> bool:
    """Whether values of this type have a gradient."""
    return jnp.issubdtype(aval.dtype, jnp.inexact)


def _struct(aval: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype)


def _derivative(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    outputs: Sequence[Any],
    name: str,
) -> Callable[..., Any]:
    """The next level of a flat function."""
    moving = [i for i, aval in enumerate(inputs) if is_inexact(aval)]
    results = [i for i, aval in enumerate(outputs) if is_inexact(aval)]

    def pullback(*flat: Any) -> list[Any]:
        fixed, cotangents = list(flat[: len(inputs)]), list(flat[len(inputs) :])

        def part(*moved: Any) -> list[Any]:
            full = list(fixed)
            for i, value in zip(moving, moved, strict=True):
                full[i] = value
            found = function(*full)
            return [found[i] for i in results]

        _, pull = jax.vjp(part, *[fixed[i] for i in moving])
        return list(pull(cotangents))

    pullback.__name__ = pullback.__qualname__ = f"{name}_vjp"
    return pullback


def constraints(exported: Exported) -> list[str]:
    """What a user said of the symbolic dimensions, which JAX writes to no file.

    Args:
        exported: a program, not yet written to a file.

    Returns:
        The constraints as they were given to `jax.export.symbolic_shape`.
    """
    dims = [d for aval in exported.in_avals for d in aval.shape]
    for dim in filter(jax.export.is_symbolic_dim, dims):
        _, _, lines = str(dim.scope).partition("with constraints:")
        return [line.strip() for line in lines.splitlines() if line.strip()]
    return []


def probes(exported: Exported) -> list[list[int]]:
    """For each argument a shape at which a program can be compiled.

    Args:
        exported: a program, not yet written to a file: there it loses the constraints
            of its dimensions.

    Returns:
        One shape for each flat argument; none at all where no shape was found.
    """
    shapes = [list(aval.shape) for aval in exported.in_avals]
    symbolic = [d for shape in shapes for d in shape if jax.export.is_symbolic_dim(d)]
    if not symbolic:
        return shapes
    # What a bracket follows is an operation, such as floordiv(a, 2).
    words = re.findall(r"\b[A-Za-z_]\w*\b(?!\()", " ".join(map(str, symbolic)))
    names, scope = list(dict.fromkeys(words)), symbolic[0].scope
    dims = jax.export.symbolic_shape(",".join(names), scope=scope)
    evaluate = jax.export.export(
        jax.jit(lambda *_: [[jnp.asarray(d) for d in shape] for shape in shapes])
    )(*[jax.ShapeDtypeStruct((dim,), jnp.int8) for dim in dims])
    same = [[size] * len(names) for size in _SIZES]
    growing = [[size * (i + 1) for i in range(len(names))] for size in _SIZES]
    falling = [list(reversed(sizes)) for sizes in growing]
    for sizes in (*same, *growing, *falling):
        try:
            found = evaluate.call(*[np.zeros(size, np.int8) for size in sizes])
            flat = [
                jax.ShapeDtypeStruct(tuple(map(int, shape)), aval.dtype)
                for shape, aval in zip(found, exported.in_avals, strict=True)
            ]
            args, _ = jax.tree.unflatten(exported.in_tree, flat)
            jax.eval_shape(exported.call, *args)
        except ValueError:  # these sizes break a constraint of the dimensions
            continue
        return [list(struct.shape) for struct in flat]
    return []
