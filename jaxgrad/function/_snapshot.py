"""What a context holds when forward ends, taken apart into residuals and static data.

Every array on the context, saved or as an attribute, alone or in containers, becomes
one entry of `Snapshot.sources`: an input, an output, or a value that forward computed
on the way. A value that is kept twice is one residual.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import numpy as np

from jaxgrad import _compat
from jaxgrad.errors import ContextError
from jaxgrad.function._opaque import Parts, Template, collected
from jaxgrad.function._trees import as_array, flatten, is_differentiable


class _Slot:
    """The place of residual number `index` in the context."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class _Opaque:
    """A function or an object on the context that holds residuals."""

    __slots__ = ("indices", "template")

    def __init__(self, template: Template, indices: list[int]) -> None:
        self.template = template
        self.indices = indices


class Snapshot:
    """Where everything that the context holds comes from.

    Attributes:
        sources: one `(group, position)` for each residual, the groups being those of
            `_application.Groups`.
        leaves: the leaves of the context, with `_Slot`s in the place of arrays.
        treedef: its structure; None if it holds saved arrays alone.
        saved: how many of the leaves are what `save_for_backward` kept.
        hidden: the numbers of the residuals that are needed in any case.
        tags: by number, the names that the user gave to residuals.
        hooks: functions that run round backward.
    """

    __slots__ = ("hidden", "hooks", "leaves", "saved", "sources", "tags", "treedef")

    def __init__(
        self,
        sources: list[tuple[str, int]],
        leaves: list[Any],
        treedef: Any,
        saved: int,
        hidden: list[int],
    ) -> None:
        """See `take`, which makes one."""
        self.sources = sources
        self.leaves = leaves
        self.treedef = treedef
        self.saved = saved
        self.hidden = hidden
        self.tags: dict[int, list[str]] = {}
        self.hooks: list[Any] = []

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
            for index in leaf.indices if isinstance(leaf, _Opaque) else indices:
                found[index] = group + where
        for index, tags in self.tags.items():
            found[index] = ", ".join(tags)
        return found

    def restore(self, residuals: Sequence[Any], packed: dict[int, Any]) -> Any:
        """The pytree of the context, over `residuals`; saved ones may be `packed`."""
        first = self.leaves[: self.saved]
        if not packed:
            saved = [residuals[leaf.index] for leaf in first]
        else:
            saved = [packed.get(x.index, residuals[x.index]) for x in first]
        if self.treedef is None:
            return tuple(saved), None, None
        rest = [self._leaf(leaf, residuals) for leaf in self.leaves[self.saved :]]
        return self._unflatten(saved + rest)

    def restore_hooks(self, residuals: Sequence[Any]) -> list[Any]:
        """The hooks, over `residuals`."""
        return [self._leaf(hook, residuals) for hook in self.hooks]

    def tag(self, saved: Sequence[Any], names: Sequence[str]) -> None:
        """Note the names of saved arrays; "" for one without."""
        present = [n for v, n in zip(saved, names, strict=True) if v is not None]
        for number, name in zip(self.saved_numbers(), present, strict=True):
            if name:
                self.tags.setdefault(number, []).append(name)

    def saved_numbers(self) -> list[int]:
        """The numbers of the residuals that `save_for_backward` kept, in order."""
        return [leaf.index for leaf in self.leaves[: self.saved]]

    def other_numbers(self) -> set[int]:
        """The numbers of the residuals that are needed for something else (too)."""
        found = set(self.hidden)
        for leaf in self.leaves[self.saved :]:
            if isinstance(leaf, _Slot):
                found.add(leaf.index)
            elif isinstance(leaf, _Opaque):
                found.update(leaf.indices)
        return found

    def _unflatten(self, leaves: list[Any]) -> Any:
        if self.treedef is None:
            return tuple(leaves), None, {}
        return jax.tree.unflatten(self.treedef, leaves)

    def _leaf(self, leaf: Any, residuals: Sequence[Any]) -> Any:
        if type(leaf) is _Slot:
            return residuals[leaf.index]
        if isinstance(leaf, _Opaque):
            return leaf.template.build([residuals[i] for i in leaf.indices])
        return leaf


def take(
    context: tuple[Any, Any, dict[str, Any]],
    inputs: Sequence[Any],
    outs: Sequence[Any],
    marked: Sequence[Any] = (),
    needed: Iterable[int] = (),
    hooks: Sequence[Any] = (),
) -> tuple[Snapshot, list[Any], list[Any]]:
    """Take apart what a context holds.

    Args:
        context: the saved arrays, those saved for forward mode, and the attributes.
        inputs: the arrays that forward was given; recognized by identity.
        outs: the arrays that it returned; likewise.
        marked: outputs that the user declared constants, and that stay constants.
        needed: positions of inputs that are residuals in any case.
        hooks: functions that run round backward, and may close over arrays.

    Returns:
        The snapshot, which holds no array; and the arrays that are neither input nor
        output, those with a tangent and those without.
    """
    taker = _Taker(inputs, outs, {id(value) for value in marked})
    saved, for_forward, attributes = context
    leaves, treedef, count = None, None, len(saved)
    if for_forward is None and not attributes:
        leaves = taker.tracers(saved)
    if leaves is None:
        flat, treedef = flatten(context, ContextError, "The attributes of ctx")
        count = len(jax.tree.leaves(saved))
        arrays = count + len(jax.tree.leaves(for_forward))
        leaves = [taker.leaf(v, position < arrays) for position, v in enumerate(flat)]
    hidden = [taker.source(("inputs", position)) for position in needed]
    snapshot = Snapshot(taker.sources, leaves, treedef, count, hidden)
    for hook in hooks:
        taken = taker.hook(hook)
        snapshot.hooks.append(taken)
        hidden += taken.indices if isinstance(taken, _Opaque) else ()
    return snapshot, taker.mids, taker.aux


class _Taker:
    """What `take` knows while it goes through the leaves of a context."""

    __slots__ = ("alive", "aux", "constants", "index", "known", "mids", "sources")

    def __init__(
        self, inputs: Sequence[Any], outs: Sequence[Any], constants: set[int]
    ) -> None:
        self.constants = constants
        self.sources: list[tuple[str, int]] = []
        self.index: dict[tuple[str, int], int] = {}
        self.mids: list[Any] = []
        self.aux: list[Any] = []
        self.alive: list[Any] = []  # so that ids stay unique while they are keys
        # An input that is returned as it is counts as the input.
        self.known = {id(v): ("outs", i) for i, v in enumerate(outs)}
        for i, value in enumerate(inputs):
            self.known[id(value)] = ("inputs", i)

    def tracers(self, saved: tuple[Any, ...]) -> list[Any] | None:
        """The common case, without flattening: saved arrays, all of them traced."""
        leaves = []
        for value in saved:
            if not isinstance(value, _compat.Tracer):
                return None
            leaves.append(_Slot(self.residual(value)))
        return leaves

    def leaf(self, value: Any, is_saved: bool) -> Any:
        """What stands for a leaf of the context."""
        is_numpy = isinstance(value, np.ndarray | np.generic)
        # NumPy attributes are host data and stay NumPy; saved ones are arrays.
        if isinstance(value, jax.Array) or (is_numpy and is_saved):
            return _Slot(self.residual(value))
        return self.opaque(value)

    def opaque(self, value: Any) -> Any:
        """What stands for a value that is no pytree, but may hold arrays."""
        return self._opened(value, lambda leaf: isinstance(leaf, jax.Array))

    def hook(self, value: Any) -> Any:
        """The same for a hook, which keeps the lists that it collects things in."""
        lists = collected(value)

        def wanted(leaf: Any) -> bool:
            ours = id(leaf) in self.known or id(leaf) not in lists
            return isinstance(leaf, jax.Array) and ours

        return self._opened(value, wanted)

    def _opened(self, value: Any, wanted: Callable[[Any], bool]) -> Any:
        parts = Parts([("", value)], wanted)
        if not parts.templates:
            return value
        (template,) = parts.templates.values()
        return _Opaque(template, [self.residual(array) for array in parts.take()])

    def residual(self, value: Any) -> int:
        """The number of the residual that `value` is."""
        source = self.known.get(id(value))
        if source is None:
            array = as_array(value)
            constant = id(value) in self.constants
            differentiable = is_differentiable(array) and not constant
            group = self.mids if differentiable else self.aux
            source = ("mids" if differentiable else "aux", len(group))
            group.append(array)
            self.known[id(value)] = source
            self.alive.append(value)
        return self.source(source)

    def source(self, source: tuple[str, int]) -> int:
        """The number of a source, a new one if it has none."""
        index = self.index.get(source)
        if index is None:
            index = self.index[source] = len(self.sources)
            self.sources.append(source)
        return index
