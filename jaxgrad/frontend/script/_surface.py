"""`Surface`: what every script offers besides being called."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING, Any

import jax

if TYPE_CHECKING:
    from jaxgrad.frontend.script._debug import DebugState
    from jaxgrad.frontend.script._function import ScriptFunction
    from jaxgrad.graph import Graph

PLATFORMS = ("cpu", "cuda", "tpu")


class Surface:
    """The graphs, text, programs and files of a script.

    Arguments of `graph_for` and the like are examples: arrays, or
    `jax.ShapeDtypeStruct`s, whose dimensions may be symbolic
    (`jax.export.symbolic_shape`); Python values are part of what is made of them.
    """

    def _target(self) -> tuple[ScriptFunction, tuple[Any, ...], dict[str, Any]]:
        """The script, and the arguments of it that are given already."""
        return self, (), {}  # type: ignore[return-value]

    @property
    def name(self) -> str:
        """The name of the function."""
        return self._target()[0].__name__

    @property
    def qualified_name(self) -> str:
        """The name with those of the module and the classes around it."""
        function = self._target()[0].function
        return f"{function.__module__}.{function.__qualname__}"

    @property
    def code(self) -> str:
        """The source as Python, without comments and decorators.

        Edits of the graph don't change it.
        """
        from jaxgrad.frontend.script import _described

        return _described.code(self._target()[0])

    @property
    def code_with_constants(self) -> tuple[str, dict[str, Any]]:
        """The source, and what the global names and closures in it stand for."""
        from jaxgrad.frontend.script import _described

        return _described.code_with_constants(self._target()[0])

    @property
    def schema(self) -> str:
        """The parameters and the result, as the annotations have them.

        Example:
            >>> import jax, jaxgrad
            >>> @jaxgrad.script
            ... def power(x, n: int = 2) -> jax.Array:
            ...     return x**n
            >>> power.schema
            'power(Tensor x, int n=2) -> Tensor'
        """
        from jaxgrad.frontend.script import _described

        return _described.schema(self._target()[0])

    @property
    def inlined_graph(self) -> Graph:
        """A copy of the graph, with the graphs of the user's functions in their place.

        A call whose callee is only known when it is compiled stays a call.
        """
        from jaxgrad.frontend.script import _inlined

        return _inlined.inlined(self._target()[0])

    def graph_for(self, *args: Any, **kwargs: Any) -> Graph:
        """The graph of JAX's operations for some arguments.

        Each Function is one node. Its inputs are the arrays among the arguments, and
        then those that are read from globals; its outputs those of the result, then, if
        there are checks, the number of the error, 0 for none, and the values in
        messages.

        Args:
            *args: examples.
            **kwargs: examples by name.

        Returns:
            A new graph.
        """
        from jaxgrad.frontend.script import _stages

        return _stages.graph_for(*self._target(), args, kwargs)

    def jaxpr(self, *args: Any, **kwargs: Any) -> Any:
        """The jaxpr of `graph_for`, in which each Function is one named equation.

        Args:
            *args: examples.
            **kwargs: examples by name.

        Returns:
            A closed jaxpr.
        """
        from jaxgrad.frontend.script import _stages

        return _stages.jaxpr(*self._target(), args, kwargs)

    def lower(
        self, *args: Any, platforms: Sequence[str] | None = None, **kwargs: Any
    ) -> Any:
        """The call lowered to StableHLO; its writes to arguments are left out.

        Args:
            *args: examples.
            platforms: for which platforms, `("cuda", "tpu")` say; the program is that
                of `export` then. This machine's if none are said.
            **kwargs: examples by name.

        Returns:
            A `jax.stages.Lowered` over the arguments with arrays in them.
        """
        from jaxgrad.frontend.script import _portable

        if platforms is None:
            return _portable.traced(*self._target(), args, kwargs).lower()
        trees, run = _portable.portable(*self._target(), args, kwargs)
        traced = jax.jit(run).trace(*trees.args, **trees.kwargs)
        return traced.lower(lowering_platforms=tuple(platforms))

    def compile(self, *args: Any, **kwargs: Any) -> Any:
        """The call compiled for this machine; its writes to arguments are left out.

        Args:
            *args: examples.
            **kwargs: examples by name.

        Returns:
            A `jax.stages.Compiled`: a callable of the arguments with arrays in them,
            with `cost_analysis()` and `memory_analysis()`.

        Example:
            >>> import jax.numpy as jnp
            >>> import jaxgrad
            >>> @jaxgrad.script
            ... def power(x, n):
            ...     return x**n
            >>> power.compile(jnp.arange(3), 2)(jnp.arange(3)).tolist()
            [0, 1, 4]
        """
        return self.lower(*args, **kwargs).compile()

    def export(
        self,
        *args: Any,
        platforms: Sequence[str] = PLATFORMS,
        vjp_order: int = 1,
    ) -> jax.export.Exported:
        """The call as a portable program of the arguments with arrays in them.

        A portable program can't raise, nor write to its arguments: where the script
        does, the program returns a dict of the "result", of the "error", a number that
        is 0 for none, and of what was "changed", by the name of the argument. What
        prints is left out, with a warning.

        Args:
            *args: examples.
            platforms: where it shall run; no such device has to be here.
            vjp_order: how often it can be differentiated once it is serialized.

        Returns:
            A `jax.export.Exported`.

        Raises:
            LoweringError: the result is no pytree of arrays, or the script writes to
                an object that is no argument, which `save` can keep.
        """
        from jaxgrad.frontend.script import _portable

        return _portable.export(*self._target(), args, platforms, vjp_order)

    def save(
        self,
        path: str | os.PathLike[str] | IO[bytes],
        example_args: Any = (),
        *,
        vjp_order: int = 1,
        platforms: Sequence[str] = PLATFORMS,
    ) -> None:
        """Write a file that `jaxgrad.load` reads where this code is absent.

        It holds the graph's text, a source map, the arrays that globals and given
        arguments hold, and a portable program with its gradients for each signature.
        What is loaded raises the errors of the script and writes to its arguments, as
        the script does; what it prints is left out, with a warning.

        Args:
            path: where to write: a path, or an open binary file.
            example_args: a tuple of arguments, or a list of them, one for each
                signature to save. Python values among them are part of a signature.
            vjp_order: how often the loaded function can be differentiated.
            platforms: where it shall run.

        Raises:
            SavedFileError: the file can't be written.
            LoweringError: a value can't be written, or the program not be exported.

        Example:
            >>> import io, jax, jax.numpy as jnp
            >>> import jaxgrad
            >>> @jaxgrad.script
            ... def root(x):
            ...     assert x >= 0, f"no root of {x}"
            ...     return jnp.sqrt(x)
            >>> file = io.BytesIO()
            >>> root.save(file, (jnp.float32(4),))
            >>> _ = file.seek(0)
            >>> loaded = jaxgrad.load(file)
            >>> loaded(4.0).item(), jax.grad(loaded)(4.0).item()
            (2.0, 0.25)
            >>> try:
            ...     loaded(-4.0)
            ... except AssertionError as error:
            ...     print(error)
            no root of -4.0
        """
        from jaxgrad import lower
        from jaxgrad.frontend.script import _saving

        examples = example_args if isinstance(example_args, list) else [example_args]
        program = _saving.program_for(*self._target(), examples)
        lower.save(path, program, vjp_order=vjp_order, platforms=platforms)

    def save_to_buffer(self, example_args: Any = (), **options: Any) -> bytes:
        """What `save` writes to a file.

        Args:
            example_args: as for `save`.
            **options: `vjp_order` and `platforms`, as for `save`.

        Returns:
            The bytes.
        """
        file = io.BytesIO()
        self.save(file, example_args, **options)
        return file.getvalue()

    def get_debug_state(self) -> list[DebugState]:
        """What was compiled: the jaxpr, cost and memory of each signature.

        Returns:
            One state for each.

        Example:
            >>> import jax.numpy as jnp
            >>> import jaxgrad
            >>> double = jaxgrad.script(lambda x: 2 * x)
            >>> _ = double(jnp.ones(3))
            >>> [state.signature for state in double.debug_state]
            ['(f32[3])']
        """
        from jaxgrad.frontend.script._debug import DebugState

        script = self._target()[0]
        with script._lock:
            every = [c for found in script._compiled.values() for c in found]
        return [DebugState(compiled) for compiled in every]

    @property
    def debug_state(self) -> list[DebugState]:
        """What `get_debug_state` gives."""
        return self.get_debug_state()
