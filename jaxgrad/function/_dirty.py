"""`ctx.mark_dirty`: the arguments that forward says it modifies.

Arrays are immutable, so that a dirty array is one whose new value is an output: marking
it is a promise, which is checked when forward ends. A `jax.Ref` is really written, and
marking it is allowed but says nothing new.

- `checked`: what was marked, or an error.
- `verify`: the promise, against the arguments and what forward returned.
"""

from collections.abc import Sequence
from typing import Any, NoReturn

import jax

from jaxgrad import _compat
from jaxgrad.errors import DirtyError
from jaxgrad.function._trees import as_array, is_array, leaf_path, short_type


def checked(owner: str, tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    """`tensors`, if all of them can be marked.

    Returns:
        The same tuple.

    Raises:
        DirtyError: one of them is neither an array nor a Ref.
    """
    for position, value in enumerate(tensors):
        if not is_array(value) and not _compat.is_ref(value):
            raise DirtyError(
                f"{owner}: ctx.mark_dirty can only take arrays and jax.Refs, but "
                f"argument {position} is {type(value).__name__} {value!r}.\n"
                f"  Expected arguments of forward; got {type(value).__name__}.\n"
                "  Leave it out: a Python value can't be modified in place."
            )
    return tensors


def verify(
    owner: str,
    names: Sequence[str],
    values: Sequence[Any],
    marked: Sequence[Any],
    result: Any,
) -> None:
    """Check that everything marked is an argument whose new value is returned.

    Args:
        owner: the class's name.
        names: the names of the arguments.
        values: the arguments, as forward was given them.
        marked: what was passed to `mark_dirty`.
        result: what forward returned.

    Raises:
        DirtyError: something else was marked, or no output can be the new value.
    """
    inputs = {id(leaf) for leaf in jax.tree.leaves(list(values))}
    outputs = [leaf for leaf in jax.tree.leaves(result) if is_array(leaf)]
    returned = {id(leaf) for leaf in outputs}
    # An argument that is returned as it is can't be the new value of another one.
    free = [_type(leaf) for leaf in outputs if id(leaf) not in inputs]
    for value in {id(v): v for v in marked}.values():
        if id(value) not in inputs:
            _fail_not_argument(owner, names, value)
        if _compat.is_ref(value) or id(value) in returned:
            continue
        if _type(value) not in free:
            _fail_not_returned(owner, _path(names, values, value), value, outputs)
        free.remove(_type(value))


def _type(array: Any) -> tuple[Any, Any]:
    """What a new value must have in common with the old one."""
    array = as_array(array)  # NumPy's dtypes are not all JAX's
    return array.shape, array.dtype


def _path(names: Sequence[str], values: Sequence[Any], value: Any) -> str:
    """The path of an argument, like `params['w']`."""
    for name, tree in zip(names, values, strict=True):
        for position, leaf in enumerate(jax.tree.leaves(tree)):
            if leaf is value:
                return leaf_path(name, tree, position)
    raise AssertionError("it is one of the arguments")


def _fail_not_argument(owner: str, names: Sequence[str], value: Any) -> NoReturn:
    raise DirtyError(
        f"{owner}: ctx.mark_dirty was given a value of type {short_type(value)} that "
        "is not an argument of forward.\n"
        f"  Expected one of the arrays or Refs in {', '.join(names)}, itself; got "
        "another value.\n"
        "  Leave it out: what forward computes itself needs no mark."
    )


def _fail_not_returned(
    owner: str, path: str, value: Any, outputs: Sequence[Any]
) -> NoReturn:
    have = ", ".join(map(short_type, outputs)) or "no arrays"
    raise DirtyError(
        f"{owner}: ctx.mark_dirty was given {path!r}, but forward doesn't return its "
        "new value.\n"
        f"  Expected an output of type {short_type(value)} for each marked array; got "
        f"{have}.\n"
        "  Return the new value, and use what apply returns: arrays are immutable. Or "
        "pass a jax.Ref, which is written in place."
    )
