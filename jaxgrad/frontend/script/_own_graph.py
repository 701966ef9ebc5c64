"""`OwnGraph`: the graph of a script, which can be edited."""

from __future__ import annotations

import dataclasses
import threading
from typing import Any

from jaxgrad.errors import GraphError
from jaxgrad.frontend.script._programs import fresh_program, program_of
from jaxgrad.graph import Graph
from jaxgrad.lower.script import Program


class OwnGraph:
    """What has a program of a function; its own once its graph was handed out."""

    __name__: str
    function: Any
    _lock: threading.RLock
    _own_program: Program | None
    _source_program: Program | None
    _original: int  # the version of the graph that the source gave

    @property
    def program(self) -> Program:
        """The source as a graph, and how it is called."""
        own = self._own_program
        if own is None:
            return program_of(self.function)
        if own.graph.version == self._original:
            # Nobody edited it: what the names in the source stand for may have changed.
            current = program_of(self.function)
            if current is not self._source_program:
                return self._adopt(current)
        return own

    def _adopt(self, current: Program) -> Program:
        """Take a graph of one's own, which edits of others don't change."""
        self._source_program = current
        own = self._own_program = fresh_program(self.function)
        self._original = own.graph.version
        return own

    @property
    def graph(self) -> Graph:
        """The graph of the source; editing it, or assigning another, changes calls.

        Raises:
            GraphError: what is assigned is no legal graph, or has other inputs.
        """
        with self._lock:
            if self._own_program is None:
                self._adopt(program_of(self.function))
            return self.program.graph

    @graph.setter
    def graph(self, graph: Graph) -> None:
        if not isinstance(graph, Graph):
            raise GraphError(f"Expected a Graph; got {type(graph).__name__}.")
        graph.lint()
        expected = len(self.graph.inputs())
        if len(graph.inputs()) != expected or len(graph.outputs()) != 1:
            raise GraphError(
                f"A graph for {self.__name__} needs {expected} inputs, its parameters, "
                f"and one output; this one has {len(graph.inputs())} and "
                f"{len(graph.outputs())}."
            )
        self._own_program = dataclasses.replace(self.program, graph=graph)
        self._original = -1
