"""One application of a Function as plain functions of its arrays, ready to be traced.

- `Application(cls, args, kwargs)`: its `forward`, `vjp`, `backward`, `gradient` and
  `jvp`, each a function of arrays alone, with the Python values closed over.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from jaxgrad.function import Function
from jaxgrad.function._trees import is_array, is_differentiable

Arrays = tuple[jax.Array, ...]


class Application:
    """A Function with its arguments, the arrays taken out.

    Attributes:
        cls: The Function.
        arrays: The array leaves of the arguments, in order.
        diff: The positions, among those, of the leaves that have a gradient.
    """

    def __init__(
        self, cls: type[Function], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        """Takes the arguments apart; nothing runs yet."""
        self.cls = cls
        self._leaves, self._tree = jax.tree.flatten((tuple(args), dict(kwargs)))
        self._where = [i for i, leaf in enumerate(self._leaves) if is_array(leaf)]
        self.arrays: Arrays = tuple(self._leaves[i] for i in self._where)
        self.diff = [i for i, leaf in enumerate(self.arrays) if is_differentiable(leaf)]

    @property
    def has_backward(self) -> bool:
        """Whether the class has a rule for reverse mode of its own."""
        return bool(self.cls._style.backward)

    @property
    def has_jvp(self) -> bool:
        """Whether the class answers forward mode."""
        return self.cls._style.jvp or self.cls._style.derives_jvp

    def forward(self, *arrays: jax.Array) -> Any:
        """The outputs that are arrays, in their containers."""
        leaves = list(self._leaves)
        for i, array in zip(self._where, arrays, strict=True):
            leaves[i] = array
        args, kwargs = jax.tree.unflatten(self._tree, leaves)
        out = self.cls.apply(*args, **kwargs)
        return jax.tree.map(lambda leaf: leaf if is_array(leaf) else None, out)

    def vjp(self, *arrays: jax.Array) -> tuple[Any, Any]:
        """The outputs, and the pullback with what it holds, as `jax.vjp` gives them."""
        return jax.vjp(self._of_diff(arrays), *(arrays[i] for i in self.diff))

    def cotangents(self, out: Any) -> list[Any]:
        """Those leaves of `out`, the outputs or their types, that have a cotangent."""
        return [leaf for leaf in jax.tree.leaves(out) if is_differentiable(leaf)]

    def backward(self, pullback: Any, out: Any, cotangents: Sequence[Any]) -> Any:
        """The gradients that the pullback gives for the cotangents of `out`."""
        given = iter(cotangents)
        full = [
            # What has no cotangent takes JAX's empty one.
            next(given)
            if is_differentiable(o)
            else np.zeros(o.shape, jax.dtypes.float0)
            for o in jax.tree.leaves(out)
        ]
        return pullback(jax.tree.unflatten(jax.tree.structure(out), full))

    def gradient(self, arrays: Arrays, cotangents: Sequence[jax.Array]) -> Any:
        """Forward and backward in one program."""
        out, pullback = self.vjp(*arrays)
        return self.backward(pullback, out, cotangents)

    def jvp(self, arrays: Arrays, tangents: Arrays) -> Any:
        """The outputs and their tangents; one tangent for each of `diff`."""
        return jax.jvp(
            self._of_diff(arrays), [arrays[i] for i in self.diff], list(tangents)
        )

    def _of_diff(self, arrays: Arrays) -> Callable[..., Any]:
        def of_diff(*some: jax.Array) -> Any:
            full = dict(enumerate(arrays)) | dict(zip(self.diff, some, strict=True))
            return self.forward(*full.values())

        return of_diff
