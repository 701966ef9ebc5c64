"""`residuals`: what one application keeps between forward and backward, and why."""

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from jaxgrad.function._dispatch import Dispatch
from jaxgrad.function._run import run
from jaxgrad.function._spec import ARRAY, Spec
from jaxgrad.function._trees import is_array, is_differentiable


@dataclass(frozen=True)
class Residual:
    """One array that is kept for backward.

    Attributes:
        name: where the context has it: `saved_tensors[0]`, or `ctx.scale`; or the name
            by which it was saved.
        origin: "input", "output" or "intermediate".
        of: the argument's path, or the output's number; "" for an intermediate.
        shape: its shape.
        dtype: its dtype.
        packed: whether it is what saved-tensor hooks made of the value.
    """

    name: str
    origin: str
    of: str
    shape: tuple[int, ...]
    dtype: Any
    packed: bool = False

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


def residuals(function: Any, *args: Any, **kwargs: Any) -> list[Residual]:
    """What an application of `function` keeps for backward; nothing is computed.

    Args:
        function: the Function class.
        *args: the arguments of `apply`; arrays may be `jax.ShapeDtypeStruct`s.
        **kwargs: those passed by name.

    Returns:
        One entry for each array, in the order in which the context holds them. A value
        that is kept twice is listed once; one that `saved_tensors_hooks` packs is
        listed as it is packed, one entry for each array of the packed value.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from jaxgrad import Function
        >>> from jaxgrad.function import residuals
        >>> class Tanh(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         y = jnp.tanh(x)
        ...         ctx.save_for_backward(y)
        ...         return y
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (y,) = ctx.saved_tensors
        ...         return grad * (1 - y * y)
        >>> [r] = residuals(Tanh, jnp.zeros(4))
        >>> r.name, r.origin, r.of, r.nbytes
        ('saved_tensors[0]', 'output', '0', 16)
    """
    bound = Dispatch(function).signature.bind(args, kwargs)
    leaves, treedef = jax.tree.flatten(bound.values)
    arrays = [leaf for leaf in leaves if _is_typed(leaf)]
    marked = [ARRAY if _is_typed(leaf) else leaf for leaf in leaves]
    spec = Spec(function, bound, treedef, marked)
    found: list[Residual] = []

    def collect(*inputs: Any) -> None:
        flags = tuple(is_differentiable(x) for x in inputs)
        app, _, groups = run(spec, inputs, flags)
        app, kept = app.keep(groups)
        names, sources = app.snapshot.names(), app.snapshot.sources
        numbers = app.packing.numbers() if app.packing else range(len(kept))
        plain = len(app.packing.kept) if app.packing else len(kept)
        for place, (number, value) in enumerate(zip(numbers, kept, strict=True)):
            if number is None:
                continue
            group, position = sources[number]
            origin, of = "intermediate", ""
            if group == "inputs":
                origin, of = "input", spec.array_path(position)
            elif group == "outs":
                origin, of = "output", str(position)
            name, packed = names[number], place >= plain
            found.append(Residual(name, origin, of, value.shape, value.dtype, packed))

    jax.eval_shape(collect, *arrays)
    return found


def _is_typed(leaf: Any) -> bool:
    return isinstance(leaf, jax.ShapeDtypeStruct) or is_array(leaf)
