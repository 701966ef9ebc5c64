"""Arguments as shapes and dtypes.

- `structs(run, args)`: `jax.ShapeDtypeStruct` for arrays, symbolic dimensions kept.
- `name_of(run)`: what errors call a function.
"""

import inspect
from collections.abc import Sequence
from typing import Any

import jax
from jax.tree_util import keystr

from jaxgrad import _compat
from jaxgrad.errors import LoweringError


def structs(
    run: Any, args: Sequence[Any], names: Sequence[str] = ()
) -> tuple[Any, ...]:
    """The arguments as shapes and dtypes.

    Args:
        run: the function, which errors name.
        args: pytrees of arrays, Python numbers or `jax.ShapeDtypeStruct`.
        names: of the arguments, for errors.

    Returns:
        Pytrees of `jax.ShapeDtypeStruct`.

    Raises:
        LoweringError: a leaf is none of these.
    """
    shown = names or [f"args[{i}]" for i in range(len(args))]
    return tuple(
        jax.tree_util.tree_map_with_path(
            lambda path, leaf, s=s: _struct(run, s + keystr(path), leaf), arg
        )
        for s, arg in zip(shown, args, strict=True)
    )


def _struct(run: Any, where: str, leaf: Any) -> jax.ShapeDtypeStruct:
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return leaf
    try:
        if _compat.is_ref(leaf):
            raise TypeError("a Ref")
        aval = jax.typeof(leaf)
    except TypeError as error:
        raise LoweringError(
            f"{name_of(run)} can't be exported for {where}.\n"
            "  Expected an array or a jax.ShapeDtypeStruct; got "
            f"{type(leaf).__name__}.\n"
            "  Bind what is no array with functools.partial before the function is "
            "traced."
        ) from error
    sharding = getattr(leaf, "sharding", None)
    several = (
        isinstance(sharding, jax.sharding.NamedSharding) and sharding.mesh.size > 1
    )
    return jax.ShapeDtypeStruct(
        aval.shape,
        aval.dtype,
        sharding=sharding if several else None,
        weak_type=aval.weak_type,
    )


def name_of(run: Any) -> str:
    """What errors call a function."""
    return getattr(inspect.unwrap(run), "__name__", type(run).__name__)
