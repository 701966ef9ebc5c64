"""What `backward` returned, checked and brought to the types of the arguments.

The rules are torch's (`PyNode::apply` and `validate_outputs` in its C++ core), with
pytrees:

- a bare value is the gradient of a single argument, trailing Nones are dropped
  (`slots`);
- a container's gradient has its structure; None stands for zeros, also for a subtree;
- a larger gradient that broadcasting explains is summed to the argument's shape
  (`adapt`);
- real, integer and boolean gradients are cast, complex for real is an error.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import _compat
from jaxgrad.errors import (
    GradientCountError,
    GradientShapeError,
    GradientStructureError,
    GradientTypeError,
)
from jaxgrad.function import _audit
from jaxgrad.function._trees import is_array, is_inexact, leaf_path, short_type

if TYPE_CHECKING:
    from jaxgrad.function._spec import Spec


def adapt(
    spec: "Spec",
    flags: tuple[bool, ...],
    avals: tuple[Any, ...],
    returned: Any,
) -> list[Any]:
    """One gradient for each array of the arguments, in order; None where it is zero.

    Args:
        spec: the static side of the call.
        flags: for each array, whether its gradient is asked for.
        avals: for each array, its type.
        returned: what the user's backward returned.

    Returns:
        A list as long as `flags`. What nobody asked for is dropped unchecked, as in
        torch.

    Raises:
        GradientCountError: not one gradient for each argument.
        GradientStructureError: the wrong container.
        GradientShapeError: a shape that can't be summed to the argument's.
        GradientTypeError: a gradient for a static argument, complex for real, no array.
    """
    gradients = _slots(spec, flags, returned)
    if not spec.plain:
        parts = [_slot_leaves(spec, i, part) for i, part in enumerate(gradients)]
        gradients = [leaf for part in parts for leaf in part]
    out: list[Any] = []
    for position, gradient in enumerate(gradients):
        wanted = flags[position] and gradient is not None
        if wanted:
            gradient = _leaf(spec, position, avals[position], gradient)
        out.append(gradient if wanted else None)
    # Hidden operands (closed-over values) have no gradient.
    return out + [None] * (len(flags) - len(out))


def _slots(spec: "Spec", flags: Sequence[bool], returned: Any) -> list[Any]:
    """The returned value as one entry for each argument."""
    entries = list(returned) if isinstance(returned, tuple | list) else [returned]
    count = len(spec.names)
    if len(entries) == count:
        return entries
    while len(entries) > count and entries[-1] is None:
        entries.pop()
    # An argument left to its default, at the end, may go without an entry, unless its
    # gradient is asked for.
    asked = any(spec.slot_flags(flags)[len(entries) :])
    if spec.given <= len(entries) <= count and not asked:
        return entries + [None] * (count - len(entries))
    names = ", ".join(spec.names)
    hint = (
        "The gradient of one list or tuple argument comes in a 1-tuple."
        if count == 1
        else "Return None for an argument that has no gradient."
    )
    raise GradientCountError(
        f"{spec.owner}.backward returned an incorrect number of gradients.\n"
        f"  Expected {count}, one for each argument ({names}); got {len(entries)}.\n"
        f"  {hint}"
    )


def _slot_leaves(spec: "Spec", slot: int, gradient: Any) -> list[Any]:
    """The gradient of one argument as one entry for each of its arrays."""
    arrays = spec.slot_arrays[slot]
    name = spec.names[slot]
    if gradient is None:
        return [None] * sum(arrays)
    if arrays == (True,) and spec.slot_is_leaf[slot]:
        return [gradient]
    if not any(arrays):
        if all(leaf is None for leaf in jax.tree.leaves(gradient, is_leaf=_is_none)):
            return []
        _static(spec, name, gradient)
    leaves = _match(spec, slot, gradient)
    kept = []
    for position, (leaf, array) in enumerate(zip(leaves, arrays, strict=True)):
        if array:
            kept.append(leaf)
        elif leaf is not None:
            _static(spec, leaf_path(name, spec.example(slot), position), leaf)
    return kept


def _is_none(value: Any) -> bool:
    return value is None


def _match(spec: "Spec", slot: int, gradient: Any) -> list[Any]:
    """The leaves of a container's gradient; None stands for every leaf below it."""
    example = spec.example(slot)
    leaves: list[Any] = []

    def visit(part: Any, subtree: Any) -> None:
        count = len(jax.tree.leaves(subtree))
        if part is None:
            leaves.extend([None] * count)
        elif jax.tree_util.treedef_is_leaf(jax.tree.structure(subtree)):
            leaves.append(part)
        else:
            # A container where the gradient has a leaf, say.
            raise ValueError(part)

    try:
        # NumPy and JAX arrays are leaves; a gradient may stop early only with None.
        jax.tree.map(visit, gradient, example, is_leaf=_is_none)
    except (ValueError, TypeError) as error:
        path, want, have = _mismatch(spec.names[slot], example, gradient)
        raise GradientStructureError(
            f"{spec.owner}.backward returned the wrong structure for the gradient of "
            f"{path}, in argument {spec.names[slot]!r}.\n"
            f"  Expected {jax.tree.structure(want)}\n"
            f"  got      {jax.tree.structure(have)}\n"
            "  Return a container like the argument, with None where there is no "
            "gradient."
        ) from error
    return leaves


def _mismatch(path: str, example: Any, gradient: Any) -> tuple[str, Any, Any]:
    """The innermost place where a gradient's containers are not the argument's."""
    if type(example) is type(gradient) and isinstance(example, dict | list | tuple):
        keys = example.keys() if isinstance(example, dict) else range(len(example))
        same = len(example) == len(gradient) and (
            not isinstance(example, dict) or example.keys() == gradient.keys()
        )
        for key in keys if same else ():
            part, given = example[key], gradient[key]
            if given is None or _same_structure(part, given):
                continue
            return _mismatch(f"{path}[{key!r}]", part, given)
    return path, example, gradient


def _same_structure(example: Any, gradient: Any) -> bool:
    structures = [jax.tree.structure(t, is_leaf=_is_none) for t in (example, gradient)]
    return structures[0] == structures[1]


def _leaf(spec: "Spec", position: int, aval: Any, gradient: Any) -> Any:
    """One gradient, in the type of its primal `aval`."""
    if isinstance(gradient, _compat.Tracer):
        have: Any = gradient.aval
        same = have.shape == aval.shape and have.dtype == aval.dtype
        if same and have.dtype.kind != "c":
            return gradient
    if not hasattr(gradient, "aval") and not isinstance(
        gradient, np.ndarray | np.generic | int | float | complex
    ):
        _fail(
            GradientTypeError,
            spec,
            position,
            f"an array of type {short_type(aval)}",
            f"{_kind(gradient)}, which is not an array",
            "Return an array, or None for zeros.",
        )
    if isinstance(gradient, np.ndarray | np.generic) and not is_array(gradient):
        if gradient.dtype == jax.dtypes.float0:
            return None
        _fail(
            GradientTypeError,
            spec,
            position,
            f"an array of type {short_type(aval)}",
            f"a NumPy array of {gradient.dtype}",
            "Return a numeric array, or None for zeros.",
        )
    gradient = jnp.asarray(gradient)
    if gradient.dtype == jax.dtypes.float0:
        return None
    real_primal = not jnp.issubdtype(aval.dtype, np.complexfloating)
    if real_primal and jnp.issubdtype(gradient.dtype, np.complexfloating):
        _fail(
            GradientTypeError,
            spec,
            position,
            f"a real array, like the argument ({short_type(aval)})",
            short_type(gradient),
            "Return its real part, e.g. grad.real, if that is the gradient.",
        )
    if gradient.shape != aval.shape:
        gradient = _sum_to(spec, position, aval, gradient)
    if spec.conjugate and not real_primal and is_inexact(gradient.dtype):
        gradient = jnp.conj(gradient)
    if gradient.dtype != aval.dtype:
        where = f"{spec.owner}.backward, argument {spec.array_path(position)!r}"
        _audit.cast(where, gradient, aval.dtype)
        gradient = gradient.astype(aval.dtype)
    return gradient


def _kind(value: Any) -> str:
    """What a value that is no array is called; foreign arrays have a shape too."""
    kind = type(value)
    if hasattr(value, "shape") and kind.__module__ != "builtins":
        return f"{kind.__module__.partition('.')[0]}.{kind.__name__}"
    return short_type(value)


def _sum_to(spec: "Spec", position: int, aval: Any, gradient: jax.Array) -> jax.Array:
    """A gradient summed over the axes along which the argument was broadcast."""
    shape, larger = aval.shape, gradient.shape
    extra = len(larger) - len(shape)
    if extra < 0 or any(
        want not in (1, have) for want, have in zip(shape, larger[extra:], strict=True)
    ):
        _fail(
            GradientShapeError,
            spec,
            position,
            f"{short_type(aval)}, or a shape that broadcasting makes of it",
            short_type(gradient),
            "Return a gradient of the argument's shape; a larger one is summed, a "
            "smaller one is not broadcast.",
        )
    stretched = [
        extra + i
        for i, want in enumerate(shape)
        if want == 1 and larger[extra + i] != 1
    ]
    return gradient.sum((*range(extra), *stretched)).reshape(shape)


def _static(spec: "Spec", name: str, gradient: Any) -> NoReturn:
    if name in spec.ref_paths():
        raise GradientTypeError(
            f"{spec.owner}.backward returned a gradient for {name!r}, which is a "
            "jax.Ref.\n"
            f"  Expected None; got {short_type(gradient)}.\n"
            "  Return None there: what is written to a Ref has no gradient."
        )
    raise GradientTypeError(
        f"{spec.owner}.backward returned a gradient for {name!r}, which is a static "
        "argument.\n"
        f"  Expected None; got {short_type(gradient)}.\n"
        "  Return None there, or pass the argument as an array if it has a gradient."
    )


def _fail(
    error: type[Exception],
    spec: "Spec",
    position: int,
    expected: str,
    got: str,
    way_out: str,
) -> NoReturn:
    raise error(
        f"{spec.owner}.backward returned an invalid gradient for argument "
        f"{spec.array_path(position)!r}.\n"
        f"  Expected {expected}; got {got}.\n"
        f"  {way_out}"
    )
