"""`TapeNode`: one node of a recorded backward, with the members of torch's Node."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from jaxgrad.errors import HookError, TapeError
from jaxgrad.frontend._edges import fitting
from jaxgrad.frontend._pullback import Pullback
from jaxgrad.function._node import Handle
from jaxgrad.graph import Node, PythonOp, SourceRange

Specs = Sequence[jax.ShapeDtypeStruct]
Next = tuple["TapeNode | None", int]


class TapeNode:
    """One operation that ran, and its backward.

    Gradients, and with them hooks, are in JAX's convention, also where a Function's own
    rule is written in torch's.

    Attributes:
        next_functions: for each input of the operation the node that made it, and which
            of its outputs it is; `(None, 0)` where no gradient flows.
        input_metadata: the shape and dtype of the gradient of each output, which are
            what backward is given; float0 for what has no derivative.
        metadata: a dict for notes.
        sequence_nr: its place in `recording.nodes`.
        graph_node: the node of `recording.graph` that it ran.
        is_leaf: whether it stands for an argument.
    """

    is_leaf = False

    def __init__(
        self,
        graph_node: Node,
        next_functions: Sequence[Next],
        inputs: Specs,
        outputs: Specs,
        pullback: Pullback | None,
    ) -> None:
        """Nodes are made by `record`."""
        self.graph_node = graph_node
        self.next_functions: tuple[Next, ...] = tuple(next_functions)
        self.input_metadata = tuple(outputs)
        self.metadata: dict[Any, Any] = {}
        self.sequence_nr = -1
        self._inputs = tuple(inputs)
        self._pullback = pullback
        self._freed = False
        self._prehooks: list[Callable[..., Any]] = []
        self._hooks: list[Callable[..., Any]] = []

    # --- what it is -------------------------------------------------------------------

    def name(self) -> str:
        """The Function's or the operation's name and "Backward".

        Returns:
            `SquareBackward`, `SinBackward`; a call of a jitted function has its name.
        """
        node = self.graph_node
        if isinstance(node, PythonOp):
            return f"{node.name()}Backward"
        base = node.kind().rpartition("::")[2]
        called = str(node.attr.get("name", "")) if base in ("jit", "pjit") else ""
        base = called if called.isidentifier() else base
        return "".join(p[:1].upper() + p[1:] for p in base.split("_")) + "Backward"

    @property
    def source_range(self) -> SourceRange | None:
        """Where the user's code says what ran."""
        return self.graph_node.source_range()

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What backward reads: of a Function what `ctx.saved_tensors` is there.

        Values that `saved_tensors_hooks` packed are unpacked, each time. Of any other
        operation they are the arrays in the closure of its `jax.vjp`.

        Raises:
            TapeError: they are freed.
        """
        return self._alive().saved_tensors()

    @property
    def saved_bytes(self) -> int:
        """How many bytes backward keeps: all that is on ctx, packed as it is."""
        return sum(nbytes(value) for _, value in self._kept())

    def _kept(self) -> list[tuple[str, Any]]:
        return [] if self._freed or self._pullback is None else self._pullback.kept()

    def release_variables(self) -> None:
        """Free what is kept for backward, which can't run after that."""
        self._pullback, self._freed = None, True

    def _alive(self) -> Pullback:
        if self._pullback is None:
            raise TapeError(
                f"The saved values of {self!r} are freed, and its backward needs them."
                "\n  Expected one use of them after release_variables() or "
                "backward(retain=False); got another.\n"
                "  Record again, or keep them with backward(retain=True)."
            )
        return self._pullback

    # --- hooks ------------------------------------------------------------------------

    def register_prehook(self, hook: Callable[..., Any]) -> Handle:
        """Run `hook(grad_outputs)` before each backward of this node.

        Args:
            hook: takes the tuple of gradients, one for each output, None for absent
                ones; returns a tuple in its place, or None to keep it.

        Returns:
            A handle with `remove()`.
        """
        return self._register(self._prehooks, hook)

    def register_hook(self, hook: Callable[..., Any]) -> Handle:
        """Run `hook(grad_inputs, grad_outputs)` after each backward of this node.

        Args:
            hook: takes the gradients of the inputs and those of the outputs, None for
                absent ones; returns a tuple of gradients of the inputs, or None to keep
                them.

        Returns:
            A handle with `remove()`.
        """
        return self._register(self._hooks, hook)

    def _register(
        self, hooks: list[Callable[..., Any]], hook: Callable[..., Any]
    ) -> Handle:
        if not callable(hook):
            raise HookError(
                f"{self.name()}: a hook is a callable; got {type(hook).__name__}."
            )
        hooks.append(hook)
        return Handle(hooks, hook)

    # --- backward ---------------------------------------------------------------------

    def apply(self, *cotangents: Any) -> tuple[Any, ...]:
        """Run the backward of this node, and its hooks.

        Args:
            *cotangents: one for each output: an array like `input_metadata` says, or
                None for an absent one.

        Returns:
            One gradient for each input, None where there is none.

        Raises:
            TapeError: another number, shape or dtype; what it needs is freed.
        """
        if len(cotangents) != len(self.input_metadata):
            raise TapeError(
                f"{self!r} expected {len(self.input_metadata)} cotangents, one for "
                f"each output of what ran; got {len(cotangents)}."
            )
        pairs = enumerate(zip(cotangents, self.input_metadata, strict=True))
        name = self.name()
        given = [fitting(f"Cotangent {i} of {name}", c, m) for i, (c, m) in pairs]
        return self._run(given)[1]

    __call__ = apply

    def _run(self, cotangents: Sequence[Any]) -> tuple[tuple[Any, ...], Any]:
        """The cotangents after the prehooks, and the gradients after the hooks."""
        given = tuple(cotangents)
        for hook in list(self._prehooks):
            given = self._returned(hook, hook(given), given, self.input_metadata)
        gradients = self._gradients(given)
        for hook in list(self._hooks):
            answer = hook(gradients, given)
            gradients = self._returned(hook, answer, gradients, self._inputs)
        return given, gradients

    def _gradients(self, cotangents: Sequence[Any]) -> tuple[Any, ...]:
        pullback = self._alive()
        if all(c is None for c in cotangents):
            return (None,) * len(self.next_functions)
        try:
            found = pullback(cotangents)
        except Exception as error:
            error.add_note(f"In the backward of {self!r}")
            raise
        edges = zip(found, self.next_functions, strict=True)
        return tuple([None if node is None else g for g, (node, _) in edges])

    def _returned(self, hook: Any, answer: Any, before: Any, specs: Specs) -> Any:
        """What a hook returned, if it can stand in the place of `before`."""
        if answer is None:
            return before
        where = f"{self.name()}: the hook {getattr(hook, '__name__', hook)!r}"
        if not isinstance(answer, tuple):
            raise HookError(
                f"{where} expected to return a tuple or None; got "
                f"{type(answer).__name__}."
            )
        if len(answer) != len(specs):
            raise HookError(
                f"{where} returned an incorrect number of values.\n"
                f"  Expected {len(specs)}; got {len(answer)}."
            )
        try:
            pairs = enumerate(zip(answer, specs, strict=True))
            return tuple([fitting(f"Value {i}", v, spec) for i, (v, spec) in pairs])
        except TapeError as error:
            raise HookError(f"{where} has changed a gradient's type. {error}") from None

    def __repr__(self) -> str:
        place = self.source_range
        return (
            f"<{self.name()}>" if place is None else f"<{self.name()} {place.text()}>"
        )


class AccumulateGrad(TapeNode):
    """The end of the tape at one argument.

    Its prehooks see the whole gradient of the argument, and what they return is what
    `recording.backward` gives. It has no inputs: `apply` returns `()`.

    Attributes:
        variable: the argument.
        path: its name, `params['w']` say.
    """

    is_leaf = True

    def __init__(
        self, graph_node: Node, variable: Any, path: str, spec: jax.ShapeDtypeStruct
    ) -> None:
        """Of one array among the arguments."""
        super().__init__(graph_node, (), (), (spec,), None)
        self.variable = variable
        self.path = path

    def name(self) -> str:
        """`AccumulateGrad`, which is torch's name for it."""
        return "AccumulateGrad"

    @property
    def source_range(self) -> None:
        """None: an argument comes from the caller."""

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """None are needed."""
        return ()

    def release_variables(self) -> None:
        """Nothing: there is nothing to free."""

    def _gradients(self, cotangents: Sequence[Any]) -> tuple[Any, ...]:
        return ()

    def __repr__(self) -> str:
        return f"<AccumulateGrad {self.path}>"


def nbytes(value: Any) -> int:
    """The size of an array in bytes."""
    return int(value.size) * value.dtype.itemsize
