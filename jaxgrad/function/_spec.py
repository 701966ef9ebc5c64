"""`Spec`: the static side of a call, everything about it but the values of its arrays.

Two calls of a class with the same static arguments, the same containers and the same
parameters share one Spec, and with it the lowered function and the compiled program.
"""

import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax

from jaxgrad.function import _mutation, _refs
from jaxgrad.function._opaque import Parts, Template
from jaxgrad.function._signature import Bound
from jaxgrad.function._style import Style
from jaxgrad.function._trees import leaf_path


class _Array:
    """Stands for an array among the static leaves."""

    def __repr__(self) -> str:
        return "array"


class _RefMark:
    """Stands for a `jax.Ref` among the static leaves."""

    def __repr__(self) -> str:
        return "Ref"


ARRAY = _Array()
REF = _RefMark()


_SIMPLE = frozenset({int, float, complex, bool, str, bytes, type(None)})


class Methods(NamedTuple):
    """The user's functions, as the class has them now."""

    forward: Callable[..., Any]
    setup_context: Callable[..., Any] | None
    backward: Callable[..., Any] | None
    jvp: Callable[..., Any] | None
    vmap: Callable[..., Any] | None

    def all(self) -> list[Callable[..., Any]]:
        """Those that the class defines."""
        return [method for method in self if method is not None]


class Spec:
    """The static side of a call.

    Attributes:
        owner: the class's name.
        names: one name for each argument of this call, in signature order.
        given: how many of them the caller gave; those after it are defaults.
        slot_arrays: for each argument, which of its leaves are arrays.
        slot_is_leaf: for each argument, whether it is a leaf itself.
        array_slots: for each array, the number of its argument; -1 for hidden operands.
        refs: how many of the leaves are Refs that are not `held`.
        held: the Refs of one run of forward, while it runs.
        bare: the same Spec without what it holds, or None.
        conjugate: whether rules are written in torch's complex convention.
        lowered: the JAX function over the arrays; made at first use.
        compiled: the compiled detached forward, or None.
    """

    def __init__(
        self, cls: Any, bound: Bound, treedef: Any, leaves: Sequence[Any]
    ) -> None:
        """`leaves` are those of `bound.values`, with `ARRAY` in the place of arrays."""
        self._cls: Callable[[], Any] = lambda: cls
        self.owner = cls.__name__
        self.style: Style = cls._style
        self.names = bound.names
        self.given = bound.given
        self.keywords = bound.keywords
        self.treedef = treedef
        self.leaves = list(leaves)
        self.slots = treedef.children()
        rest = iter(self.leaves)
        by_slot = [[next(rest) for _ in range(s.num_leaves)] for s in self.slots]
        self.slot_arrays = [tuple(v is ARRAY for v in slot) for slot in by_slot]
        self.slot_is_leaf = [jax.tree_util.treedef_is_leaf(s) for s in self.slots]
        self.array_slots = [
            i for i, arrays in enumerate(self.slot_arrays) for a in arrays if a
        ]
        self.count = len(self.array_slots)
        self.refs = sum(leaf is REF for leaf in self.leaves)
        self.held: Sequence[Any] = ()
        self.bare: Spec | None = None
        # Every argument is one array.
        self.plain = all(self.slot_is_leaf) and self.count == len(self.names)
        self.conjugate = getattr(cls, "complex_convention", "torch") == "torch"
        self.captured: Parts | None = None
        self.templates: list[Any] = []
        self.defined: Methods | None = None
        self.weak = False
        self.watched = self._watched()
        self.restless: set[int] = set()  # which of them forward itself changes
        self.linear: dict[Any, bool] = {}
        self.token = object()  # the same for every copy
        self.hooks: Any = None  # the saved-tensor hooks where it was applied
        self.hooked: Spec | None = None  # the last copy that has some
        self.patterns: dict[Any, Any] = {}  # see `_patterns`
        self.familiar: Any = None  # the Application of a run; see `_run.run`
        self.operation: Any = None  # what a recording shows; see `_recording`
        self.lowered: Callable[..., Any] | None = None
        self.compiled: Callable[..., Any] | None = None
        self.uses = 0
        self.watch: Any = None  # under detect_anomaly, `_anomaly.Watch`
        self.pinned: list[Any] = []  # closed-over values whose ids are in the key

    @property
    def cls(self) -> Any:
        """The class."""
        return self._cls()

    def methods(self, inputs: Sequence[Any]) -> Methods:
        """The user's functions, over the hidden operands at the end of `inputs`."""
        if self.captured is None:
            if self.weak:
                return self._defined()
            # A changed class drops its Specs, so that these are the class's own.
            if self.defined is None:
                self.defined = self._defined()
            return self.defined
        values = inputs[self.count :]
        return Methods(
            *(m.build(values) if isinstance(m, Template) else m for m in self.templates)
        )

    def _defined(self) -> Methods:
        cls, style = self.cls, self.style
        return Methods(
            cls.forward,
            cls.setup_context if style.setup else None,
            getattr(cls, style.backward) if style.backward else None,
            cls.jvp if style.jvp else None,
            cls.vmap if style.vmap else None,
        )

    def values(self, inputs: Sequence[Any]) -> list[Any]:
        """The arguments, with `inputs` in the place of arrays."""
        if self.plain and self.captured is None:
            return list(inputs)
        if self.refs:
            _refs.refuse_rerun(self)
        rest = iter(inputs)
        leaves = [next(rest) if leaf is ARRAY else leaf for leaf in self.leaves]
        if self.captured is not None:
            hidden = inputs[self.count :]
            leaves = [
                leaf.build(hidden) if isinstance(leaf, Template) else leaf
                for leaf in leaves
            ]
        return jax.tree.unflatten(self.treedef, leaves)

    def call(self, function: Callable[..., Any], *first: Any, values: Any) -> Any:
        """Call `function` with the arguments, by position and by keyword."""
        if not self.keywords:
            return function(*first, *values)
        cut = len(values) - len(self.keywords)
        named = dict(zip(self.keywords, values[cut:], strict=True))
        return function(*first, *values[:cut], **named)

    def slot_flags(self, flags: Sequence[bool]) -> tuple[bool, ...]:
        """Flags for the arguments, from those for the arrays."""
        if self.plain and self.captured is None:
            return tuple(flags)
        out = [False] * len(self.names)
        for slot, flag in zip(self.array_slots, flags, strict=False):
            out[slot] = out[slot] or flag
        return tuple(out)

    def example(self, slot: int) -> Any:
        """An argument with placeholders for arrays; structure and paths are right."""
        start = sum(s.num_leaves for s in self.slots[:slot])
        leaves = self.leaves[start : start + self.slots[slot].num_leaves]
        return jax.tree.unflatten(self.slots[slot], leaves)

    def array_path(self, position: int) -> str:
        """The path of array number `position`, like `params['w']`."""
        if position >= self.count:
            assert self.captured is not None
            return self.captured.names[position - self.count]
        slot = self.array_slots[position]
        nth = position - self.array_slots.index(slot)
        leaf = [i for i, array in enumerate(self.slot_arrays[slot]) if array][nth]
        return leaf_path(self.names[slot], self.example(slot), leaf)

    def _watched(self) -> list[tuple[str, Any]]:
        """The static values that can change under our feet, with their paths."""
        return [(p, leaf) for p, leaf in self._static() if not _mutation.is_plain(leaf)]

    def _static(self) -> list[tuple[str, Any]]:
        """The static values, with their paths."""
        found, start = [], 0
        for slot, name in enumerate(self.names):
            stop = start + self.slots[slot].num_leaves
            for position, leaf in enumerate(self.leaves[start:stop]):
                if leaf is not ARRAY and leaf is not REF:
                    path = leaf_path(name, self.example(slot), position)
                    found.append((path, leaf))
            start = stop
        return found

    def opaque(self) -> list[tuple[str, Any]]:
        """The static values that may hold arrays, with their paths."""
        if self.plain:
            return []
        return [
            (path, leaf) for path, leaf in self._static() if type(leaf) not in _SIMPLE
        ]

    def watching(self, containers: list[tuple[str, Any]]) -> "Spec":
        """A Spec for one call that also watches its mutable static containers."""
        new = self._copy()
        new.watched = [*self.watched, *containers]
        new.restless = set()
        return new

    def capturing(self, captured: Parts, hooks: Any = None) -> "Spec":
        """A Spec for one call with hidden operands: what its functions close over."""
        new = self._copy()
        new.captured = captured
        new.pinned = []
        # From here on neither the class nor its functions are needed: JAX's caches hold
        # Specs for a while, and must not hold the tracers in the closures.
        new.templates = [captured.template(method) for method in self._defined()]
        new.leaves = [
            leaf if leaf is ARRAY else captured.template(leaf) for leaf in self.leaves
        ]
        if hooks is not None:
            pack, unpack = map(captured.template, hooks[:2])
            new.hooks = hooks._replace(pack=pack, unpack=unpack)
        new._cls = weakref.ref(self.cls)
        new.array_slots = [*self.array_slots, *[-1] * len(captured.names)]
        return new

    def packed_by(self, hooks: Any) -> "Spec":
        """A Spec for calls inside saved-tensor hooks."""
        last = self.hooked
        if last is None or last.hooks != hooks:
            last = self.hooked = self._copy()
            last.hooks = hooks
        return last

    def watched_by(self, watch: Any) -> "Spec":
        """A Spec for one call whose backward is watched."""
        new = self._copy()
        new.watch = watch
        return new

    def split(self, operands: Sequence[Any]) -> tuple["Spec", Sequence[Any]]:
        """The operands of the lowered function without the Refs among them.

        Returns:
            A Spec for one run of forward, which holds the Refs; and the arrays.
        """
        if not self.refs:
            return self, operands
        start, stop = self.count, self.count + self.refs
        new = self._copy()
        new.bare, new.refs = self, 0
        new.held = tuple(operands[start:stop])
        rest = iter(new.held)
        new.leaves = [next(rest) if leaf is REF else leaf for leaf in self.leaves]
        return new, [*operands[:start], *operands[stop:]]

    def operands(self, inputs: Sequence[Any], refs: Sequence[Any]) -> list[Any]:
        """The operands of the lowered function; what `split` takes apart."""
        return [*inputs[: self.count], *refs, *inputs[self.count :]]

    def ref_paths(self) -> list[str]:
        """The paths of the Refs among the arguments."""
        examples = map((self.bare or self).example, range(len(self.names)))
        return _refs.leaf_paths(self.names, list(examples), REF)

    def weakly(self) -> "Spec":
        """A Spec that doesn't keep the class alive, for JAX's own caches to hold."""
        new = self._copy()
        new._cls = weakref.ref(self.cls)
        new.weak = True
        return new

    def unlowered(self) -> "Spec":
        """The same Spec without the functions made of it."""
        return self._copy()

    def _copy(self) -> "Spec":
        new = Spec.__new__(Spec)
        new.__dict__.update(self.__dict__)
        new.lowered = new.compiled = new.defined = new.familiar = None
        new.hooked = new.operation = None
        new.patterns = {}
        return new
