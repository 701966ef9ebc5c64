"""`ScriptMethod`: a method of a module or a script object, compiled.

- `scripted`: the `ScriptFunction` of a method; one for all instances, so that those
  that differ in their arrays only share compiled programs.
"""

from __future__ import annotations

import threading
import types
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jaxgrad.frontend.script._function import ScriptFunction
from jaxgrad.frontend.script._programs import is_library
from jaxgrad.frontend.script._surface import Surface

if TYPE_CHECKING:
    from jaxgrad.graph import Graph

Options = tuple[tuple[str, Any], ...]
_SCRIPTS = "__jaxgrad_scripts__"
_lock = threading.Lock()


def scripted(function: Any, options: Options) -> ScriptFunction:
    """The script of a function, with options; the same one each time."""
    if isinstance(function, ScriptFunction):
        return function
    with _lock:  # kept on the function, so that both go together
        known = vars(function).setdefault(_SCRIPTS, {})
        found = known.get(options)
        if found is None or found.function is not function:  # `wraps` copies it
            known = vars(function)[_SCRIPTS] = dict(known)
            found = known[options] = ScriptFunction(function, **dict(options))
        return found


def call_attribute(owner: Any, name: str, /, *args: Any, **kwargs: Any) -> Any:
    """What is compiled for methods whose source isn't followed."""
    return getattr(owner, name)(*args, **kwargs)


def call_module(module: Any, /, *args: Any, **kwargs: Any) -> Any:
    """What is compiled for the call of a module with hooks."""
    return module(*args, **kwargs)


def is_followed(function: Any) -> bool:
    """Whether a method is compiled from its source."""
    if isinstance(function, ScriptFunction):
        return True
    return isinstance(function, types.FunctionType) and not is_library(function)


def construct(cls: Any, /, *args: Any, **kwargs: Any) -> Any:
    """What is compiled for the construction of an object."""
    return cls(*args, **kwargs)


class ScriptMethod(Surface):
    """A method that is compiled, of a `ScriptModule` or a `RecursiveScriptClass`.

    It is called as the method, and works under `jax.jit`, `jax.grad` and `jax.vmap`.
    What it changes in its object is there after the call.

    Attributes:
        owner: what it is a method of.

    Example:
        >>> import jax.numpy as jnp
        >>> import jaxgrad
        >>> class Shift:
        ...     def __init__(self):
        ...         self.by = jnp.ones(2)
        ...     @jaxgrad.export
        ...     def up(self, x):
        ...         return x + self.by
        >>> jaxgrad.script(Shift()).up(jnp.zeros(2))
        Array([1., 1.], dtype=float32)
    """

    _walked = True

    def __init__(self, owner: Any, name: str, function: Any, cls: Any = None) -> None:
        """Of an owner; the function is that of its class, and `cls` if it gets that."""
        self.owner, self._called, self._of, self._cls = owner, name, function, cls

    @property
    def name(self) -> str:
        """The name of the method."""
        return self._called

    __name__ = name

    @property
    def raw_owner(self) -> Any:
        """The object whose method it is."""
        return self.owner._behind()

    __self__ = raw_owner

    def _target(self) -> tuple[ScriptFunction, tuple[Any, ...], dict[str, Any]]:
        obj, options = self._cls or self.owner._behind(), self.owner._options
        if is_followed(self._of):
            return scripted(self._of, options), (obj,), {}
        return scripted(call_attribute, options), (obj, self._called), {}

    @property
    def graph(self) -> Graph:
        """The graph of the source, which is that of the method of all instances."""
        return self._target()[0].graph

    @graph.setter
    def graph(self, graph: Graph) -> None:
        self._target()[0].graph = graph

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it, compiled for the types of the object and of the arguments.

        Returns:
            What the method returns.
        """
        function, first, _ = self._target()
        owner = self.owner
        return owner._outside(owner._run(function, first, args, kwargs))

    def _call_inside(self, session: Any, args: Sequence[Any], kwargs: Any) -> Any:
        """What a script does that calls it."""
        from jaxgrad.lower.script._calls import call

        function, first, _ = self._target()
        return call(session, function, [*first, *args], kwargs)

    def __repr__(self) -> str:
        return f"<jaxgrad.ScriptMethod {self.owner.original_name}.{self._called}>"
