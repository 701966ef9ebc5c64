"""Scripts with some of their arguments given.

- `ScriptPartial`: as `functools.partial` does it; `BoundScript`: as a method does it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jaxgrad.frontend.script._surface import Surface

if TYPE_CHECKING:
    from jaxgrad.frontend.script._function import ScriptFunction
    from jaxgrad.graph import Graph


class ScriptPartial(Surface):
    """A `ScriptFunction` with some arguments given, as `functools.partial` does.

    Attributes:
        func: the script.
        args: the arguments that are given by position.
        keywords: those that are given by name.

    Example:
        >>> import functools, jaxgrad
        >>> def power(x, n):
        ...     for _ in range(n):
        ...         x = x * x
        ...     return x
        >>> jaxgrad.script(functools.partial(power, n=2))(3.0)
        81.0
    """

    # What is given can hold arrays: a script that reads it has these as inputs.
    _walked = True

    def __init__(
        self, script: ScriptFunction, args: Sequence[Any], keywords: Mapping[str, Any]
    ) -> None:
        self.func, self.args, self.keywords = script, tuple(args), dict(keywords)
        self.__name__, self.__qualname__ = script.__name__, script.__qualname__

    def _call_inside(self, session: Any, args: Sequence[Any], kwargs: Any) -> Any:
        """What a script does that calls it."""
        from jaxgrad.lower.script._calls import call

        merged = {**self.keywords, **kwargs}
        return call(session, self.func, [*self.args, *args], merged)

    def _target(self) -> tuple[ScriptFunction, tuple[Any, ...], dict[str, Any]]:
        return self.func, self.args, self.keywords

    @property
    def graph(self) -> Graph:
        """The graph of the script, which is that of all its methods and partials."""
        return self.func.graph

    @graph.setter
    def graph(self, graph: Graph) -> None:
        self.func.graph = graph

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the script with the given arguments and these.

        Args:
            *args: the arguments after those that are given.
            **kwargs: arguments by name.

        Returns:
            What the script returns.
        """
        return self.func(*self.args, *args, **{**self.keywords, **kwargs})

    def clear_cache(self) -> None:
        """Forget what was compiled of the script; the next call compiles anew."""
        self.func.clear_cache()

    _debug_flush_compilation_cache = clear_cache

    def __repr__(self) -> str:
        return f"<jaxgrad.{type(self).__name__} {self.func.__qualname__}>"


class BoundScript(ScriptPartial):
    """A script bound to an object, which is its first argument.

    What it changes in the object is there after the call, as Python does it.

    Example:
        >>> import jax.numpy as jnp
        >>> import jaxgrad
        >>> class Clipped:
        ...     def __init__(self, most):
        ...         self.most = most
        ...     @jaxgrad.script
        ...     def grow(self, x):
        ...         while x < self.most:
        ...             x = 2 * x
        ...         return x
        >>> Clipped(jnp.float32(9)).grow(jnp.float32(2)).item()
        16.0
    """

    def __init__(self, script: ScriptFunction, instance: Any) -> None:
        super().__init__(script, (instance,), {})

    @property
    def owner(self) -> Any:
        """The object that it is bound to."""
        return self.args[0]

    raw_owner = owner

    @property
    def __self__(self) -> Any:
        return self.args[0]

    @property
    def __func__(self) -> ScriptFunction:
        return self.func
