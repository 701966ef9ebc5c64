"""Modules as constants, and the objects behind wrappers.

- `freeze`: a module whose arrays are constants of the program.
- `as_module`, `as_object`: what a value is a wrapper of.
"""

from __future__ import annotations

import copy
from typing import Any

from jaxgrad.errors import ModuleError
from jaxgrad.frontend.script._module import ScriptModule
from jaxgrad.frontend.script._script_instance import RecursiveScriptClass
from jaxgrad.frontend.script._script_object import ScriptObject
from jaxgrad.lower.script import _heap


class _Frozen:
    """An object that programs have in them, and take no notice of otherwise."""

    _is_frozen = True

    def __init__(self, module: ScriptModule) -> None:
        self._frozen = module

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the module does."""
        return self._frozen(*args, **kwargs)

    def _call_inside(self, session: Any, args: Any, kwargs: Any) -> Any:
        module = self._frozen
        session.watch_global(module)
        snapshot = _heap.Snapshot([module])
        result = module._call_inside(session, args, kwargs)
        changed = snapshot.changed()
        if changed:
            snapshot.restore()
            raise ModuleError(
                f"{module.original_name} is frozen, and a call writes to "
                f"{', '.join(sorted({type(o).__name__ for o in changed}))}.\n"
                "  Freeze a module that writes nothing; eval() may be all it needs"
            )
        return result

    def __getattr__(self, name: str) -> Any:
        if name == "_frozen":
            raise AttributeError(name)
        return getattr(self._frozen, name)


def freeze(module: ScriptModule) -> ScriptModule:
    """A module whose arrays are constants of its programs, which XLA may fold.

    Args:
        module: a module. It is copied, so that what happens to it later is not seen.

    Returns:
        A module without parameters and buffers; calling it is what it can do.

    Raises:
        ModuleError: it is no module; and, when it is called, that it writes to itself.

    Example:
        >>> import jax.numpy as jnp
        >>> import jaxgrad
        >>> class Scale:
        ...     def __init__(self):
        ...         self.by = jnp.array(3.0)
        ...     def forward(self, x):
        ...         return x * self.by
        >>> frozen = jaxgrad.freeze(jaxgrad.script(Scale()))
        >>> frozen(jnp.ones(())).item(), list(frozen.parameters())
        (3.0, [])
    """
    if not isinstance(module, ScriptModule):
        raise ModuleError(
            f"freeze takes a ScriptModule, and got {type(module).__name__}.\n"
            "  Script the object first: jaxgrad.freeze(jaxgrad.script(obj))"
        )
    return ScriptModule(_Frozen(copy.deepcopy(module)), module._options)


def as_module(obj: Any) -> ScriptModule | None:
    """The module that a value is, or None.

    Args:
        obj: anything.

    Returns:
        The value itself if it is a `ScriptModule`.
    """
    return obj if isinstance(obj, ScriptModule) else None


def as_object(obj: Any) -> ScriptObject | None:
    """The script object that a value is or wraps, or None.

    Args:
        obj: anything.

    Returns:
        A `ScriptObject` itself; that inside of a `RecursiveScriptClass`.
    """
    if isinstance(obj, RecursiveScriptClass):
        return obj._c
    return obj if isinstance(obj, ScriptObject) else None
