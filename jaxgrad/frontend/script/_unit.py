"""`CompilationUnit`: functions and classes that come as text; `script_if_tracing`."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from typing import Any

import jax

from jaxgrad import _compat
from jaxgrad.errors import GraphError
from jaxgrad.frontend.script._function import ScriptFunction
from jaxgrad.frontend.script._script import script
from jaxgrad.frontend.script._texts import functions_of_text
from jaxgrad.function._recording import RECORDING
from jaxgrad.graph import Graph


class CompilationUnit:
    """Scripts by name, made of text or of graphs.

    Its functions see each other, and the names around the call that made it. Those that
    are defined are attributes.

    Example:
        >>> import jax.numpy as jnp
        >>> import jaxgrad
        >>> unit = jaxgrad.CompilationUnit('''
        ...     def double(x):
        ...         return x + x
        ...     def grow(x):
        ...         while x < 10:
        ...             x = double(x)
        ...         return x
        ... ''')
        >>> unit.grow(jnp.int32(3)).item(), "double" in unit
        (12, True)
    """

    def __init__(self, source: str | None = None) -> None:
        self._space: dict[str, Any] = dict(sys._getframe(1).f_globals)
        self._functions: dict[str, Any] = {}
        self._classes: dict[str, type] = {}
        if source is not None:
            self.define(source)

    def define(self, source: str) -> None:
        """Add the functions and classes of a text; those of a known name are replaced.

        Args:
            source: the text.

        Raises:
            ScriptError: it isn't Python, or defines nothing.
        """
        made = functions_of_text(source, self._space, live=True)
        for each in made:
            if isinstance(each, type):
                self._classes[each.__name__] = each
            else:
                self._functions[each.__name__] = script(each)

    def create_function(self, name: str, graph: Graph) -> Any:
        """Add a function that runs a graph.

        Args:
            name: its name.
            graph: a graph of a script, or of a traced function.

        Returns:
            The function.

        Raises:
            GraphError: the graph is not legal.

        Example:
            >>> import jax.numpy as jnp
            >>> import jaxgrad
            >>> unit = jaxgrad.CompilationUnit("def double(x): return x + x")
            >>> graph = unit.double.graph.copy()
            >>> unit.create_function("twice", graph)(jnp.ones(())).item()
            2.0
        """
        if not isinstance(graph, Graph):
            raise GraphError(f"Expected a Graph; got {type(graph).__name__}.")
        graph.lint()
        made = _of_graph(name, graph, self._space)
        self._functions[name] = self._space[name] = made
        return made

    def find_function(self, name: str) -> Any:
        """The function of a name; None if there is none."""
        return self._functions.get(name)

    def get_functions(self) -> list[Any]:
        """All functions, in the order in which they were added."""
        return list(self._functions.values())

    def get_class(self, name: str) -> type | None:
        """The class of a name; None if there is none."""
        return self._classes.get(name)

    def drop_all_functions(self) -> None:
        """Forget all functions."""
        for name in self._functions:
            self._space.pop(name, None)
        self._functions.clear()

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__.get("_functions", {}).get(name)
        found = found or self.__dict__.get("_classes", {}).get(name)
        if found is None:
            raise AttributeError(
                f"the CompilationUnit has no function {name!r}; it has "
                f"{', '.join(self.__dict__.get('_functions', {})) or 'none'}"
            )
        return found

    def __contains__(self, name: str) -> bool:
        return name in self._functions

    def __repr__(self) -> str:
        return f"<jaxgrad.CompilationUnit {', '.join(self._functions) or 'empty'}>"


def _of_graph(name: str, graph: Graph, space: Mapping[str, Any]) -> Any:
    """A function that runs a graph: a script's own, or one of JAX's operations."""
    from jaxgrad import lower

    names = [value.debug_name() for value in graph.inputs()]
    given = [n if n.isidentifier() else f"arg{i}" for i, n in enumerate(names)]
    kinds = {node.kind() for node in _every(graph)}
    if any(kind.startswith("py::") or kind in _OF_SCRIPTS for kind in kinds):
        text = f"def {name}({', '.join(given)}):\n    return None\n"
        (function,) = functions_of_text(text, space)
        made = ScriptFunction(function)
        made.graph = graph
        return made

    def run(*arrays: Any) -> Any:
        found = lower.run(graph, *arrays)
        return found[0] if len(found) == 1 else tuple(found)

    run.__name__ = run.__qualname__ = name
    return run


_OF_SCRIPTS = frozenset({"prim::CallFunction", "prim::CallMethod", "prim::Global"})


def _every(graph: Graph) -> list[Any]:
    todo, found = list(graph.nodes()), []
    while todo:
        node = todo.pop()
        found.append(node)
        todo += [inner for block in node.blocks() for inner in block.nodes()]
    return found


def script_if_tracing(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is compiled where it is traced, and plain Python elsewhere.

    Args:
        fn: the function; it is compiled when it is traced first.

    Returns:
        A function that calls it.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> import jaxgrad
        >>> @jaxgrad.script_if_tracing
        ... def first_positive(xs):
        ...     for i in range(len(xs)):
        ...         if xs[i] > 0:
        ...             return i
        ...     return -1
        >>> xs = jnp.array([-1, -2, 3])
        >>> first_positive(xs), jax.jit(first_positive)(xs).item()
        (2, 2)
    """
    compiled: list[Any] = []

    @functools.wraps(fn)
    def run(*args: Any, **kwargs: Any) -> Any:
        leaves = jax.tree.leaves((args, kwargs))
        traced = any(isinstance(leaf, _compat.Tracer) for leaf in leaves)
        if not traced and RECORDING.value is None:
            return fn(*args, **kwargs)
        if not compiled:
            compiled.append(script(fn))
        return compiled[0](*args, **kwargs)

    return run
