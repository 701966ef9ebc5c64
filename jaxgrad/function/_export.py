"""`to_custom_vjp`: a Function as the `jax.custom_vjp` an expert would have written."""

from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.errors import ArgumentError
from jaxgrad.function import _anomaly
from jaxgrad.function._lowering import SymbolicZero, reverse_rule
from jaxgrad.function._signature import Signature
from jaxgrad.function._spec import ARRAY, REF, Spec
from jaxgrad.function._style import check_forward
from jaxgrad.function._trees import is_array


def custom_vjp_of(cls: Any, static: dict[str, Any]) -> jax.custom_vjp:
    """A `jax.custom_vjp` over the parameters of forward that are not static.

    Args:
        cls: the Function.
        static: values of static parameters, by name.

    Returns:
        A function of pytrees of arrays, one for each remaining parameter.

    Raises:
        ArgumentError: `static` names a parameter that forward doesn't have.
    """
    signature = Signature(check_forward(cls), not cls._style.setup, cls.__name__)
    arrays = _array_names(signature, static)

    def reduced(args: tuple[Any, ...]) -> tuple[Any, Any, list[Any]]:
        if len(args) != len(arrays):
            raise ArgumentError(
                f"{cls.__name__}.to_custom_vjp() takes the array arguments "
                f"({', '.join(arrays)}); got {len(args)} of them."
            )
        # What is not named static is an array here, Python numbers too.
        args = jax.tree.map(_as_leaf, args)
        bound = signature.bind((), {**static, **dict(zip(arrays, args, strict=True))})
        leaves, treedef = jax.tree.flatten(bound.values)
        marked = [_mark(leaf) for leaf in leaves]
        pairs = list(zip(leaves, marked, strict=True))
        found = [leaf for mark in (ARRAY, REF) for leaf, m in pairs if m is mark]
        return Spec(cls, bound, treedef, marked), bound, found

    def primal(*args: Any) -> Any:
        spec, _, found = reduced(args)
        return reverse_rule(spec).primal(*found).unpack()

    def forward(*args: Any) -> Any:
        spec, bound, found = reduced(args)
        if _anomaly.SWITCH.value is not None:
            spec = _anomaly.watched(spec)
        outputs, residuals = reverse_rule(spec).forward(*found)
        holes = _Holes(spec, bound, arrays)
        return outputs.unpack(), (residuals, holes, outputs.with_arrays(()))

    def backward(saved: Any, cotangents: Any) -> Any:
        residuals, holes, result = saved
        leaves = jax.tree.leaves(cotangents, is_leaf=_is_symbolic)
        given = result.with_arrays(result.pick(leaves))
        return holes.arguments(reverse_rule(holes.spec).backward(residuals, given))

    primal.__name__ = primal.__qualname__ = cls.__name__
    function = jax.custom_vjp(primal)
    function.defvjp(forward, backward, symbolic_zeros=True)
    return function


def _array_names(signature: Signature, static: dict[str, Any]) -> list[str]:
    """The names of the parameters that are not static; checks those that are."""
    parameters = [*signature.positional, *signature.keyword_only]
    names = [p.name for p in parameters]
    unknown = [name for name in static if name not in names]
    if unknown and not signature.double_star:
        owner = signature.owner
        raise ArgumentError(
            f"{owner}.to_custom_vjp got the unknown parameter {unknown[0]!r}.\n"
            f"  Expected parameters of {owner}.forward: {', '.join(names)}.\n"
            "  Name the static ones; the others become the array arguments."
        )
    return [p.name for p in parameters if p.name not in static and p.default is p.empty]


def _as_leaf(leaf: Any) -> Any:
    return jnp.asarray(leaf) if isinstance(leaf, int | float | complex) else leaf


def _mark(leaf: Any) -> Any:
    """What stands for a leaf in the Spec."""
    is_primal = isinstance(leaf, jax.custom_derivatives.CustomVJPPrimal)
    if _compat.is_ref(leaf.value if is_primal else leaf):
        return REF
    return ARRAY if is_primal or is_array(leaf) else leaf


def _is_symbolic(leaf: Any) -> bool:
    return isinstance(leaf, SymbolicZero)


class _Holes:
    """Where the gradients of one call go; static data of its residuals."""

    def __init__(self, spec: Spec, bound: Any, arrays: list[str]) -> None:
        self.spec = spec
        self.order = [bound.names.index(name) for name in arrays]

    def arguments(self, gradients: Any) -> tuple[Any, ...]:
        """One pytree for each array argument."""
        rest = iter(gradients)
        leaves = [next(rest) if leaf is ARRAY else None for leaf in self.spec.leaves]
        values = jax.tree.unflatten(self.spec.treedef, leaves)
        return tuple(values[i] for i in self.order)


jax.tree_util.register_static(_Holes)
