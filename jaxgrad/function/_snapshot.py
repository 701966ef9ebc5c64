"""What a context holds when forward ends, taken apart into residuals and static data.

Every array on the context, saved or as an attribute, alone or in containers, becomes
one entry of `Snapshot.sources`: an input, an output, or a value that forward computed
on the way. A value that is kept twice is one residual.
"""

import types
from collections.abc import Iterable, Sequence
from typing import Any

import jax
import numpy as np

from jaxgrad import _compat
from jaxgrad.function import _closures
from jaxgrad.function._trees import as_array, is_differentiable


class _Slot:
    """The place of residual number `index` in the context."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class _Closure:
    """A function on the context that closes over residuals."""

    __slots__ = ("indices", "template")

    def __init__(self, template: _closures.Template, indices: list[int]) -> None:
        self.template = template
        self.indices = indices


class Snapshot:
    """Where everything that the context holds comes from.

    Attributes:
        sources: one `(group, position)` for each residual, the groups being those of
            `_application.Groups`.
        leaves: the leaves of the context, with `_Slot`s in the place of arrays.
    """

    def __init__(self) -> None:
        self.sources: list[tuple[str, int]] = []
        self.leaves: list[Any] = []
        self.treedef: Any = None
        self._known: dict[int, tuple[str, int]] = {}
        self._index: dict[tuple[str, int], int] = {}
        self._mids: list[Any] = []
        self._aux: list[Any] = []
        self._alive: list[Any] = []  # so that ids stay unique while they are keys

    def know(self, group: str, values: Sequence[Any]) -> None:
        """Recognize `values` by identity; what was known before stays."""
        self._alive.extend(values)
        for position, value in enumerate(values):
            self._known.setdefault(id(value), (group, position))

    def take(self, context: Any) -> None:
        """Take apart the pytree of everything on the context."""
        tensors, for_forward, attributes = context
        if for_forward is None and not attributes and _all_tracers(tensors):
            # The common case, without flattening; `treedef` stays None.
            self.leaves = [_Slot(self._residual(leaf)) for leaf in tensors]
            return
        leaves, self.treedef = jax.tree.flatten(context)
        saved = len(jax.tree.leaves(context[:2]))
        for position, leaf in enumerate(leaves):
            is_numpy = isinstance(leaf, np.ndarray | np.generic)
            # NumPy attributes are host data and stay NumPy; saved ones are arrays.
            if isinstance(leaf, jax.Array) or (is_numpy and position < saved):
                self.leaves.append(_Slot(self._residual(leaf)))
            elif isinstance(leaf, types.FunctionType):
                self.leaves.append(self._function(leaf))
            else:
                self.leaves.append(leaf)

    def need(self, group: str, positions: Iterable[int]) -> None:
        """Make values of a group residuals, whether the context holds them or not."""
        for position in positions:
            self._source((group, position))

    def hand_over(self) -> tuple[list[Any], list[Any]]:
        """The values that are neither inputs nor outputs; the snapshot forgets them."""
        mids, aux = self._mids, self._aux
        self._mids, self._aux, self._alive = [], [], []
        self._known = {}
        return mids, aux

    def names(self) -> list[str]:
        """One name for each source, like `saved_tensors[0]` or `ctx.scale`."""
        found = ["a closed-over value"] * len(self.sources)
        tree = self._unflatten(self.leaves)
        for path, leaf in reversed(jax.tree_util.tree_flatten_with_path(tree)[0]):
            where = jax.tree_util.keystr(path[1:])
            group = ("saved_tensors", "saved_tensors (jvp)", "")[path[0].idx]
            if not group:
                where = f"ctx.{path[1].key}" + jax.tree_util.keystr(path[2:])
            indices = [leaf.index] if isinstance(leaf, _Slot) else []
            for index in leaf.indices if isinstance(leaf, _Closure) else indices:
                found[index] = group + where
        return found

    def restore(self, residuals: Sequence[Any]) -> Any:
        """The pytree of the context, over `residuals`."""
        return self._unflatten([self._leaf(leaf, residuals) for leaf in self.leaves])

    def _unflatten(self, leaves: list[Any]) -> Any:
        if self.treedef is None:
            return tuple(leaves), None, {}
        return jax.tree.unflatten(self.treedef, leaves)

    def _leaf(self, leaf: Any, residuals: Sequence[Any]) -> Any:
        if isinstance(leaf, _Slot):
            return residuals[leaf.index]
        if isinstance(leaf, _Closure):
            return leaf.template.build([residuals[i] for i in leaf.indices])
        return leaf

    def _function(self, function: Any) -> Any:
        captured = _closures.find([function])
        if captured is None:
            return function
        indices = [self._residual(value) for value in captured.leaves]
        (template,) = captured.templates.values()
        return _Closure(template, indices)

    def _residual(self, value: Any) -> int:
        source = self._known.get(id(value))
        if source is None:
            array = as_array(value)
            group = self._mids if is_differentiable(array) else self._aux
            source = ("mids" if group is self._mids else "aux", len(group))
            group.append(array)
            self._known[id(value)] = source
            self._alive.append(value)
        return self._source(source)

    def _source(self, source: tuple[str, int]) -> int:
        if source not in self._index:
            self._index[source] = len(self.sources)
            self.sources.append(source)
        return self._index[source]


def _all_tracers(values: Sequence[Any]) -> bool:
    return all(isinstance(v, _compat.Tracer) for v in values)
