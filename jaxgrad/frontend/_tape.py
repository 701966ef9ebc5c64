"""`record`: one eager forward, and its backward as a tape of nodes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax

from jaxgrad.errors import TapeError
from jaxgrad.frontend._edges import Finder, GradientEdge, fitting, metadata, zeros
from jaxgrad.frontend._forward import Forward, apart, concrete
from jaxgrad.frontend._recorded import record_graph
from jaxgrad.frontend._seeds import flat_cotangents, is_by_edge
from jaxgrad.frontend._signature import Signature
from jaxgrad.frontend._steps import Found, Step, steps
from jaxgrad.frontend._tape_node import TapeNode, nbytes
from jaxgrad.frontend._tape_text import tape_text
from jaxgrad.graph import Graph

__all__ = ["GradientEdge", "Recording", "Step", "TapeNode", "record"]


def record(fn: Callable[..., Any], *args: Any) -> Recording:
    """Run `fn` once, and keep its backward as nodes that can be looked at and run.

    What `jax.vjp` keeps hidden: which operations ran, where in the code, what each of
    them keeps for backward and how many bytes that is. `fn` is called once, with traced
    arrays; what it does is then run on `args`, an operation at a time.

    Args:
        fn: a function of pytrees of arrays that returns a pytree of arrays.
        *args: concrete arguments; leaves that are no arrays are static.

    Returns:
        The recording.

    Raises:
        TapeError: an argument is traced or has no value, as under `jax.jit`.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxgrad import Function
        >>> from jaxgrad import record
        >>> class Square(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return 100 * grad * x  # on purpose
        >>> recording = record(lambda x: Square.apply(x).sum(), jnp.arange(3.0))
        >>> [node.name() for node in recording.nodes]
        ['AccumulateGrad', 'SquareBackward', 'ReduceSumBackward']
        >>> recording.nodes[1].saved_bytes
        12
        >>> (gradient,) = recording.backward()
        >>> gradient.tolist()
        [0.0, 100.0, 200.0]
    """
    if not callable(fn):
        raise TapeError(f"record expected a callable; got {type(fn).__name__}.")
    signature = Signature(fn)
    call = signature.flatten(args)
    paths = [p for p, _ in jax.tree_util.tree_flatten_with_path(tuple(args))[0]]
    moving = [p for p, dynamic in zip(paths, call.dynamic, strict=True) if dynamic]
    names = [signature.path(path) for path in moving]
    arrays = concrete(signature.name, names, call.arrays)
    recorded = record_graph(fn, signature, args)
    forward = Forward(recorded.graph, signature.name)
    leaves = forward.start(names, arrays, recorded.captured)
    outputs = forward.run()
    known = list(zip(call.arrays, forward.graph.inputs(), strict=False))
    results = list(zip(outputs, forward.graph.outputs(), strict=True))
    outputs = apart(known, results)
    return Recording(signature.name, recorded, forward, leaves, arrays, outputs)


class Recording:
    """One forward that ran, and its backward; made by `jaxgrad.record`.

    The values that were recorded are constants: `backward` can be traced, jitted and
    differentiated by its cotangents, and not by the arguments of the recording. Hooks
    then run when it is traced.

    Attributes:
        graph: what ran; see `jaxgrad.graph.Graph`.
        nodes: the nodes through which gradients flow, in the order in which they ran,
            after one AccumulateGrad for each floating-point or complex argument.
        outputs: the arrays of the result.
        result: the result.
    """

    def __init__(
        self,
        name: str,
        recorded: Any,
        forward: Forward,
        leaves: Sequence[TapeNode | None],
        arrays: Sequence[Any],
        outputs: list[Any],
    ) -> None:
        """See `record`, which makes one."""
        self.graph: Graph = recorded.graph
        self.nodes: list[TapeNode] = list(forward.nodes)
        self._name = name
        self._call = recorded.call
        self._leaves = leaves
        self._zeros = [metadata(array) for array in arrays]
        self._out_tree = recorded.out_tree
        self.outputs = outputs
        self.result = jax.tree.unflatten(self._out_tree, outputs)
        values = [*self.graph.inputs()[: len(arrays)], *self.graph.outputs()]
        known = zip((*self._call.arrays, *outputs), values, strict=True)
        self._finder = Finder(self.graph, forward.edges, known)

    # --- looking ----------------------------------------------------------------------

    def edge(self, value: Any) -> GradientEdge:
        """The place where the gradient of a value arrives.

        Args:
            value: an array of the result, or an argument, itself; a Value of `graph`;
                or the name that `graph` shows for it, with or without `%`.

        Returns:
            Its edge: for `backward(inputs=[...])`, or as a key of its cotangents.

        Raises:
            TapeError: there is no such value, or it has no gradient.

        Example:
            >>> import jax, jax.numpy as jnp
            >>> from jaxgrad import record
            >>> def loss(x):
            ...     z = jnp.sin(x)
            ...     return (z * z).sum()
            >>> recording = record(loss, jnp.zeros(2))
            >>> edge = recording.edge("z")
            >>> edge.node.name(), edge.output_nr
            ('SinBackward', 0)
            >>> recording.backward(inputs=[edge])[0].shape
            (2,)
        """
        return self._finder.find(value)

    @property
    def saved_bytes(self) -> int:
        """How many bytes the tape keeps alive; what several nodes keep counts once."""
        arrays = {id(v): v for node in self.nodes for _, v in node._kept()}
        return sum(map(nbytes, arrays.values()))

    def __str__(self) -> str:
        """A table: each node with its line, its output, and what it saves."""
        return tape_text(self)

    def __repr__(self) -> str:
        return f"<jaxgrad.Recording of {self._name}: {len(self.nodes)} nodes>"

    # --- backward ---------------------------------------------------------------------

    def backward(
        self, cotangents: Any = None, inputs: Any = None, *, retain: bool = True
    ) -> Any:
        """The gradients, as `jax.vjp` gives them.

        Args:
            cotangents: one for each array of the result, in its structure, None for
                absent ones; nothing at all for a real scalar result. Or a dict from
                edges to cotangents, to start from inside.
            inputs: edges, or what `edge` takes, to end at; only the nodes between run.
                None for the arguments.
            retain: False to free what the nodes that run have saved.

        Returns:
            A tuple: one entry for each argument, in its structure, with float0 zeros
            for integers and None for static leaves; or one array for each of `inputs`.
            Zeros where no gradient arrives.

        Raises:
            TapeError: cotangents of another structure, shape or dtype; an edge of
                another recording; saved values that are freed.

        Example:
            >>> import jax.numpy as jnp
            >>> from jaxgrad import record
            >>> recording = record(lambda x, y: x * y, jnp.float32(2), jnp.float32(3))
            >>> [float(g) for g in recording.backward()]
            [3.0, 2.0]
        """
        seeds, targets = self._seeds(cotangents), self._targets(inputs)
        run = steps(self.nodes, seeds, targets)
        while True:
            try:
                step = next(run)
            except StopIteration as end:
                return self._gathered(end.value, targets)
            if not retain:
                step.node.release_variables()

    def step(self, cotangents: Any = None, inputs: Any = None) -> Iterator[Step]:
        """Run backward one node at a time.

        Args:
            cotangents: as for `backward`.
            inputs: as for `backward`.

        Returns:
            An iterator; each step is the node that ran, the gradients that it was given
            and those that it made.

        Example:
            >>> import jax.numpy as jnp
            >>> from jaxgrad import record
            >>> recording = record(lambda x: jnp.sin(x) * 2, jnp.float32(0))
            >>> for node, (given,), made in recording.step():
            ...     print(node.name(), given, *made)
            MulBackward 1.0 2.0 None
            SinBackward 2.0 2.0
            AccumulateGrad 2.0
        """
        return steps(self.nodes, self._seeds(cotangents), self._targets(inputs))

    def release_variables(self) -> None:
        """Free what every node has saved; no backward runs after that."""
        for node in self.nodes:
            node.release_variables()

    def _targets(self, inputs: Any) -> list[GradientEdge] | None:
        if inputs is None:
            return None
        many = isinstance(inputs, list | tuple) and not isinstance(inputs, GradientEdge)
        return [self.edge(value) for value in (inputs if many else [inputs])]

    def _seeds(self, cotangents: Any) -> list[tuple[GradientEdge, Any]]:
        if is_by_edge(cotangents):
            return [self._seed(edge, c) for edge, c in cotangents.items()]
        given = flat_cotangents(self._name, self._out_tree, self.outputs, cotangents)
        values = zip(self.graph.outputs(), given, strict=True)
        pairs = [(self._finder.edges.get(value), c) for value, c in values]
        return [(edge, c) for edge, c in pairs if edge is not None]

    def _seed(self, edge: GradientEdge, cotangent: Any) -> tuple[GradientEdge, Any]:
        edge = self.edge(edge)
        where = f"The cotangent at {edge.node!r}"
        expected = edge.node.input_metadata[edge.output_nr]
        return edge, fitting(where, cotangent, expected)

    def _gathered(self, found: Found, targets: list[GradientEdge] | None) -> Any:
        if targets is not None:
            return tuple([self._gradient(edge, found) for edge in targets])
        pairs = zip(self._leaves, self._zeros, strict=True)
        arrays = iter(
            zeros(spec)
            if node is None
            else self._gradient(GradientEdge(node, 0), found)
            for node, spec in pairs
        )
        leaves = [next(arrays) if d else None for d in self._call.dynamic]
        return jax.tree.unflatten(self._call.tree, leaves)

    def _gradient(self, edge: GradientEdge, found: Found) -> Any:
        gradient = found.get(edge)
        if gradient is None:
            return zeros(edge.node.input_metadata[edge.output_nr])
        return gradient
