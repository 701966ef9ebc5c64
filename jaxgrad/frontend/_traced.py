"""`TracedFunction`: a recorded graph as a callable, and all that is made of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import jax

from jaxgrad import lower as _lower
from jaxgrad.errors import GraphError
from jaxgrad.frontend._recorded import Recorded, record_graph
from jaxgrad.frontend._signature import Signature, same, type_of
from jaxgrad.function._recording import recording
from jaxgrad.graph import Graph

PLATFORMS = ("cpu", "cuda", "tpu")


class TracedFunction:
    """A callable that runs a recorded graph, compiled; made by `jaxgrad.trace`.

    It takes arguments of the types that it was traced for, as the traced callable did,
    and is a JAX function like any other. Editing `graph` changes the next call.

    A `jax.jit` round it bakes in the graph of its first call, as JAX does with all that
    is not an argument.
    """

    def __init__(
        self, fn: Callable[..., Any], signature: Signature, recorded: Recorded
    ) -> None:
        self._fn = fn
        self._signature = signature
        self._recorded = recorded
        self._graph = recorded.graph
        # One object, so that another thread never sees one without the other.
        self._compiled: tuple[int, Callable[..., Any]] = (-1, fn)
        self._original = recorded.graph.version
        self._plain = all(recorded.call.dynamic)  # whether no argument is static
        self.__name__ = self.__qualname__ = signature.name
        self.__doc__ = getattr(fn, "__doc__", None)
        self.__wrapped__ = fn

    @property
    def graph(self) -> Graph:
        """The graph that calls run; editing it, or assigning another, changes them.

        Raises:
            GraphError: what is assigned is no legal graph for these arguments.
        """
        return self._graph

    @graph.setter
    def graph(self, graph: Graph) -> None:
        if not isinstance(graph, Graph):
            raise GraphError(f"Expected a Graph; got {type(graph).__name__}.")
        graph.lint()
        expected = len(self._recorded.avals) + len(self._recorded.captured)
        if len(graph.inputs()) != expected:
            raise GraphError(
                f"A graph for {self.__name__} needs {expected} inputs, those of its "
                f"arguments and {len(self._recorded.captured)} captured arrays; this "
                f"one has {len(graph.inputs())}."
            )
        self._graph, self._original = graph, -1
        self._compiled = (-1, self._fn)

    @property
    def captured(self) -> dict[str, jax.Array]:
        """The arrays that the callable closes over, by the name of their input."""
        values = self._recorded.graph.inputs()[len(self._recorded.avals) :]
        if self._graph is not self._recorded.graph:
            values = self._graph.inputs()[len(self._recorded.avals) :]
        names = [value.debug_name() for value in values]
        return dict(zip(names, self._recorded.captured, strict=True))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the graph, compiled.

        Returns:
            What the traced callable returns.

        Raises:
            TraceError: the arguments are not of the types that were traced.
        """
        if kwargs:
            args = self._signature.positional(args, kwargs)
        version, compiled = self._compiled
        if version != self._graph._version:
            compiled = self._refresh()
        return compiled(*(args if self._plain else self._operands(args)))

    def _refresh(self) -> Callable[..., Any]:
        """Forget what was compiled of the graph before it was edited.

        Returns:
            The graph as it is now, to be compiled.
        """
        version, compiled = self._graph.version, jax.jit(self._program())
        self._compiled = version, compiled
        return compiled

    def _program(self, graph: Graph | None = None) -> Callable[..., Any]:
        """A JAX function of the traced arguments that runs a graph, this one's else."""
        graph, recorded = graph or self._graph, self._recorded
        signature, plain = self._signature, self._plain

        def program(*args: Any) -> Any:
            args = args if plain else recorded.call.unflatten(args)
            arrays = signature.check(args, recorded.call, _avals(graph, recorded))
            out = _lower.run(graph, *arrays, *recorded.captured)
            return _result(out, recorded.out_tree)

        program.__name__ = program.__qualname__ = self.__name__
        return program

    def _operands(self, args: Sequence[Any]) -> tuple[Any, ...]:
        """What the program takes: the arguments, or the arrays among them."""
        if self._plain:
            return tuple(args)
        call, recorded = self._signature.flatten(args), self._recorded
        self._signature.check_static(args, call, recorded.call)
        return call.arrays

    def _is_original(self) -> bool:
        """Whether the graph is still what was recorded."""
        return self._graph.version == self._original

    def _args(self, args: Sequence[Any]) -> tuple[Any, ...]:
        """The arguments, or those that were traced if there are none."""
        if args or not self._recorded.call.dynamic:
            return tuple(args)
        specs = [
            jax.ShapeDtypeStruct(a.shape, a.dtype, weak_type=a.weak_type)
            for a in self._recorded.avals
        ]
        return tuple(self._recorded.call.unflatten(specs))

    def _record(self, args: Sequence[Any]) -> Recorded:
        """The recording for arguments of other types; the same one for the same types.

        Returns:
            It, with the graph as it is now.

        Raises:
            TraceError: they differ, and the graph was edited.
        """
        recorded = self._recorded
        call = self._signature.flatten(args)
        statics = zip(call.static, recorded.call.static, strict=False)
        alike = call.tree == recorded.call.tree and all(same(a, b) for a, b in statics)
        if alike and tuple(map(type_of, call.arrays)) == recorded.avals:
            return recorded._replace(graph=self._graph)
        if not self._is_original():
            self._signature.check(args, recorded.call, _avals(self._graph, recorded))
            return recorded._replace(graph=self._graph)
        return record_graph(self._fn, self._signature, args)

    def _program_for(self, args: Sequence[Any]) -> Callable[..., Any]:
        recorded = self._record(args)
        if recorded.graph is self._graph:
            return self._program()
        return TracedFunction(self._fn, self._signature, recorded)._program()

    def graph_for(self, *args: Any) -> Graph:
        """The graph for arguments of other types than the examples.

        Args:
            *args: arguments, or `jax.ShapeDtypeStruct`s, whose dimensions may be
                symbolic; none for the examples'.

        Returns:
            This function's own graph where the types are the same; else a new one, of
            the callable traced again.

        Raises:
            TraceError: the types differ, and the graph was edited or assigned.
        """
        return self._record(self._args(args)).graph

    def jaxpr(self, *args: Any) -> Any:
        """The jaxpr of a call, in which each Function is one named equation.

        Args:
            *args: as for `graph_for`.

        Returns:
            A closed jaxpr.
        """
        args = self._args(args)
        program = self._program_for(args)
        with recording():
            return jax.make_jaxpr(program)(*self._operands(args))

    def lower(self, *args: Any, platforms: Sequence[str] | None = None) -> Any:
        """The call lowered to StableHLO.

        Args:
            *args: as for `graph_for`.
            platforms: for which platforms, `("cuda", "tpu")` say; this machine's if
                none are said.

        Returns:
            A `jax.stages.Lowered`.
        """
        args = self._args(args)
        traced = jax.jit(self._program_for(args)).trace(*self._operands(args))
        if platforms is None:
            return traced.lower()
        return traced.lower(lowering_platforms=tuple(platforms))

    def compile(self, *args: Any) -> Any:
        """The call compiled for this machine.

        Args:
            *args: as for `graph_for`.

        Returns:
            A `jax.stages.Compiled`: callable, with `cost_analysis()` and
            `memory_analysis()`.
        """
        return self.lower(*args).compile()

    def export(
        self,
        *args: Any,
        platforms: Sequence[str] = PLATFORMS,
        vjp_order: int = 1,
    ) -> jax.export.Exported:
        """The call as a portable program.

        Args:
            *args: as for `graph_for`; symbolic shapes too.
            platforms: where it shall run; no such device has to be here.
            vjp_order: how often it can be differentiated once it is serialized.

        Returns:
            A `jax.export.Exported`.
        """
        args = self._args(args)
        program = self._program_for(args)
        operands = self._operands(args)
        return _lower.export(
            program, operands, platforms=platforms, vjp_order=vjp_order
        )

    def save(
        self,
        path: str | os.PathLike[str],
        *args: Any,
        vjp_order: int = 1,
        platforms: Sequence[str] = PLATFORMS,
    ) -> None:
        """Write a file that `jaxgrad.load` reads where this code is absent.

        It holds the graph's text, a source map, the captured arrays, and one portable
        program with its gradients; no code is run to load it.

        Args:
            path: where to write.
            *args: tuples of arguments, one for each signature to save; the examples'
                signature if there are none.
            vjp_order: how often the loaded function can be differentiated.
            platforms: where it shall run.

        Raises:
            SavedFileError: the file can't be written, or the program not be saved.
        """
        _lower.save(path, self._saved(args), vjp_order=vjp_order, platforms=platforms)

    def _saved(self, signatures: Sequence[Any]) -> Any:
        """What the file is made of."""
        sets = [self._args(a) for a in signatures] or [self._args(())]
        names = [value.debug_name() for value in self.graph.inputs()]
        names = names[len(self._recorded.avals) :]
        signature = self._signature

        def run(*operands: Any) -> Any:
            *args, weights = operands
            recorded = self._record(args)
            types = _avals(recorded.graph, recorded)
            arrays = signature.check(args, recorded.call, types)
            captured = [weights[name] for name in names]
            out = _lower.run(recorded.graph, *arrays, *captured)
            return _result(out, recorded.out_tree)

        return _lower.Program(
            name=self.__name__,
            run=run,
            arguments=signature.names(),
            examples=sets,
            weights=self.captured,
            graph_text=str(self.graph),
            source_map=source_map(self.graph),
        )

    def __repr__(self) -> str:
        types = ", ".join(a.str_short() for a in self._recorded.avals)
        return f"<jaxgrad.TracedFunction {self.__name__}({types})>"


def _result(out: Sequence[Any], tree: Any) -> Any:
    """Outputs in the structure that was traced; other numbers of them as a tuple."""
    return jax.tree.unflatten(tree, out) if tree.num_leaves == len(out) else tuple(out)


def _avals(graph: Graph, recorded: Recorded) -> list[Any]:
    """The types of the arguments, as the inputs of the graph say by now."""
    inputs = graph.inputs()[: len(recorded.avals)]
    types = [getattr(value.type(), "aval", None) for value in inputs]
    pairs = zip(types, recorded.avals, strict=True)
    return [recorded if aval is None else aval for aval, recorded in pairs]


def source_map(graph: Graph) -> list[tuple[str, str, int, int]]:
    """For each named value: its name, the file's own name, line and column."""
    found: list[tuple[str, str, int, int]] = []
    for node in graph.nodes():
        place = node.source_range()
        if place is not None:
            file = os.path.basename(place.filename)
            found += [
                (value.debug_name(), file, place.line or 0, place.column or 0)
                for value in node.outputs()
            ]
    return found
