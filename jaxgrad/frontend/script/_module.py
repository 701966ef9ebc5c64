"""`ScriptModule`: an object with arrays, whose methods are compiled.

The module is a view: attributes are read and written through to the object. Methods
take the object as an argument, so that programs are shared between objects that differ
in their arrays only, and what they change is written back after the call.
"""

from __future__ import annotations

import copy
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from jaxgrad import _compat
from jaxgrad.frontend.script import _marks
from jaxgrad.frontend.script._function import ScriptFunction
from jaxgrad.frontend.script._method import (
    Options,
    ScriptMethod,
    call_module,
    is_followed,
    scripted,
)
from jaxgrad.frontend.script._module_call import attribute_of, bound_of, calls
from jaxgrad.frontend.script._module_hooks import ModuleHooks
from jaxgrad.frontend.script._module_state import ModuleState
from jaxgrad.frontend.script._module_tree import register
from jaxgrad.frontend.script._running import Running
from jaxgrad.frontend.script._structure import is_module
from jaxgrad.frontend.script._surface import Surface
from jaxgrad.frontend.script._views import ModuleDict, ModuleList
from jaxgrad.lower.script import _heap
from jaxgrad.lower.script._calls import call_hooked
from jaxgrad.lower.script._hooks import hooks_of
from jaxgrad.lower.script._values import is_array

if TYPE_CHECKING:
    from jaxgrad.graph import Graph

_OWN = frozenset({"_object", "_options", "_views", "_state", "_told", "_leaves"})


def _yielding(name: str) -> Any:
    """What a script has and an object may have: that of the object comes first."""

    def get(self: Any) -> Any:
        if hasattr(self._object, name):
            return self._shown(name, getattr(self._object, name))
        return vars(Surface)[name].__get__(self)

    return property(get, doc=vars(Surface)[name].__doc__)


class ScriptModule(Running, ModuleState, ModuleHooks, Surface):
    """An object with arrays as attributes, with compiled methods; made by `script`.

    Calling it runs `__call__` of the object, or its `forward` where that is nearer in
    the order of its bases, compiled with all that it calls. `forward` and methods that
    are marked `jaxgrad.export` are compiled too; other attributes are those of the
    object. What a call changes in the object is there afterwards. Inside another trace
    (jit, grad, vmap) traced values aren't stored, with a warning: there use
    `functional`, or pass the module itself, which is a pytree of its arrays.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> import jaxgrad
        >>> class Scale:
        ...     def __init__(self):
        ...         self.by = jnp.array([2.0, 3.0])
        ...         self.calls = jnp.array(0)
        ...     def forward(self, x):
        ...         self.calls = self.calls + 1
        ...         return x * self.by if x[0] > 0 else -x
        >>> module = jaxgrad.script(Scale())
        >>> module(jnp.ones(2)), int(module.calls)
        (Array([2., 3.], dtype=float32), 1)
        >>> fn, params, buffers = module.functional()
        >>> jax.grad(lambda p: fn(p, buffers, jnp.ones(2))[0].sum())(params)
        {'by': Array([1., 1.], dtype=float32)}
    """

    _fresh = Running._fresh | {"_views": dict}
    _remedy = (
        "use fn, params, buffers = module.functional(), whose fn returns the new "
        "buffers, or pass the module to the transformed function as an argument"
    )
    _is_module = True
    _magic = frozenset({"__len__", "__iter__", "__getitem__", "__contains__"})

    _object: Any
    _options: Options

    def __init__(
        self, obj: Any, options: Options = (), *, _root: ScriptModule | None = None
    ) -> None:
        own = self.__dict__
        own["_object"], own["_options"] = obj, options
        own["_views"] = {} if _root is None else _root._views
        own["_state"] = _compat.trace_state() if _root is None else _root._state
        own["_told"], own["_leaves"] = [], None
        own["_views"][id(obj)] = self

    @property
    def _static(self) -> tuple[Any, ...]:
        return (self._options,)

    @classmethod
    def _made(cls, obj: Any, static: tuple[Any, ...]) -> ScriptModule:
        return cls(obj, *static)

    def _fill(self, *leaves: Any) -> None:
        self.__dict__["_leaves"] = leaves

    def _view(self, obj: Any) -> Any:
        """A module in this one, as a scripted one; always the same for an object."""
        if isinstance(obj, ScriptModule):
            return obj
        found = self._views.get(id(obj))
        if found is None:
            found = ScriptModule(obj, self._options, _root=self)
        return found

    # --- calls ------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the module with its hooks, compiled for the types of the arguments.

        Returns:
            What the object returns.
        """
        function, first, _ = self._target()
        return self._outside(self._run(function, first, args, kwargs))

    def _call_inside(self, session: Any, args: Sequence[Any], kwargs: Any) -> Any:
        """A call from inside a script."""
        from jaxgrad.lower.script._calls import call

        obj = self._object

        def run(args: Sequence[Any], kwargs: Any) -> Any:
            return call(session, bound_of(obj), args, kwargs)

        return call_hooked(session, obj, run, args, kwargs)

    # --- attributes -------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        if name in _OWN:
            raise AttributeError(name)
        return self._shown(name, getattr(self._object, name))

    def _shown(self, name: str, value: Any) -> Any:
        """An attribute as the module shows it."""
        obj = self._object
        owner, function = attribute_of(value)
        if owner is obj and (
            name in ("forward", "__call__") or _marks.mark_of(function) == "export"
        ):
            return ScriptMethod(self, name, function)
        if isinstance(value, types.FunctionType) and _marks.mark_of(value) == "export":
            return scripted(value, self._options)
        return self._shown_value(value)

    def _shown_value(self, value: Any) -> Any:
        if is_array(value):
            return value
        if is_module(value):
            return self._view(value)
        kind = type(value)
        if kind is list and any(map(is_module, value)):
            return ModuleList(value, self._shown_value)
        if kind is dict and any(map(is_module, value.values())):
            return ModuleDict(value, self._shown_value)
        if kind is tuple and any(map(is_module, value)):
            return tuple(map(self._shown_value, value))
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._object, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._object, name)

    def __dir__(self) -> list[str]:
        return sorted({*object.__dir__(self), *dir(self._object)})

    def __len__(self) -> int:
        return len(self._object)

    def __bool__(self) -> bool:
        own = hasattr(type(self._object), "__bool__")
        return bool(self._object) if own else True

    def __iter__(self) -> Iterator[Any]:
        return map(self._shown_value, iter(self._object))

    def __getitem__(self, key: Any) -> Any:
        return self._shown_value(self._object[key])

    def __contains__(self, value: Any) -> bool:
        return value in self._object

    def define(self, source: str) -> None:
        """Add methods, which are compiled, from a string.

        Args:
            source: functions whose first parameter is the object.

        Raises:
            ScriptError: it is no such source.
        """
        from jaxgrad.frontend.script._define import functions_of

        for name, function in functions_of(source, self._object).items():
            _marks.export(function)
            bound = types.MethodType(function, self._object)
            object.__setattr__(self._object, name, bound)

    def train(self, mode: bool = True) -> Self:
        """Set `training` of all modules that have it.

        An object with a method `train` of its own does it itself.

        Args:
            mode: what to set it to.

        Returns:
            This module.
        """
        own = getattr(self._object, "train" if mode else "eval", None)
        if callable(own):
            own()
            return self
        for module in self.modules():
            if "training" in _heap.attributes_of(module._object):
                object.__setattr__(module._object, "training", mode)
        return self

    def eval(self) -> Self:
        """Set `training` of all modules that have it to False."""
        return self.train(False)

    # --- what is compiled -------------------------------------------------------------

    def _target(self) -> tuple[ScriptFunction, tuple[Any, ...], dict[str, Any]]:
        name, function = calls(self._object)
        if hooks_of(self._object) is not None or not is_followed(function):
            return scripted(call_module, self._options), (self,), {}
        return ScriptMethod(self, name, function)._target()

    @property
    def _method(self) -> ScriptMethod:
        """What calling it runs, but for the hooks."""
        return ScriptMethod(self, *calls(self._object))

    @property
    def graph(self) -> Graph:
        """The graph of the source of what calling it runs, without hooks."""
        return self._method.graph

    @property
    def inlined_graph(self) -> Graph:
        """The graph with those of the user's functions, without hooks."""
        return self._method.inlined_graph

    @property
    def code(self) -> str:
        """The source of what calling it runs, without hooks."""
        return self._method.code

    @property
    def code_with_constants(self) -> tuple[str, dict[str, Any]]:
        """The source, and what the global names and closures in it stand for."""
        return self._method.code_with_constants

    @property
    def schema(self) -> Any:
        """The parameters and the result of what calling it runs."""
        own = getattr(self._object, "schema", None)
        return self._method.schema if own is None else self._shown("schema", own)

    def functional(
        self, *, buffers: Iterable[str] = ()
    ) -> tuple[Callable[..., Any], dict[str, Any], dict[str, Any]]:
        """The module as a pure function.

        Args:
            buffers: names of parameters that are buffers here: those that calls write.

        Returns:
            `fn(params, buffers, *args) -> (out, new_buffers)`, and the parameters and
            buffers by name. `fn` raises a ModuleError if a call writes anything else
            than buffers.
        """
        from jaxgrad.frontend.script._module_tree import functional

        return functional(self, buffers)

    # --- copies, text -----------------------------------------------------------------

    def __copy__(self) -> ScriptModule:
        return ScriptModule(copy.copy(self._object), self._options)

    def __deepcopy__(self, memo: dict[int, Any]) -> ScriptModule:
        made = object.__new__(ScriptModule)
        memo[id(self)] = made
        ScriptModule.__init__(made, copy.deepcopy(self._object, memo), self._options)
        return made

    def __reduce__(self) -> Any:
        return ScriptModule, (self._object, self._options)

    name = _yielding("name")
    qualified_name = _yielding("qualified_name")
    jaxpr = _yielding("jaxpr")
    lower = _yielding("lower")
    compile = _yielding("compile")
    export = _yielding("export")
    debug_state = _yielding("debug_state")
    get_debug_state = _yielding("get_debug_state")

    def extra_repr(self) -> str:
        """What `repr` shows besides submodules."""
        return f"original_name={self.original_name}"

    def __repr__(self) -> str:
        lines = [self.extra_repr()]
        for name, module in self.named_children():
            lines.append(f"({name}): " + repr(module).replace("\n", "\n  "))
        if len(lines) == 1:
            return f"ScriptModule({lines[0]})"
        return "ScriptModule(\n  " + "\n  ".join(lines) + "\n)"


register(ScriptModule)
