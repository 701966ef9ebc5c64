"""`script`: Python source with control flow on traced values, compiled."""

from __future__ import annotations

import functools
import sys
import types
from typing import Any

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.script._bound import BoundScript, ScriptPartial
from jaxgrad.frontend.script._function import ScriptFunction
from jaxgrad.frontend.script._programs import is_library
from jaxgrad.frontend.script._texts import functions_of_text
from jaxgrad.function import Function

_CALL_IT = "call it from a function of your own, and script that"


def script(obj: Any = None, /, **options: Any) -> Any:
    """Compile Python source with control flow on traced values.

    What may depend on values of arrays: `if`, `while`, `for`, `break`, `continue`,
    early return, `assert`, `raise` and all that follows from them. Nothing is compiled
    before the first call, and then for the types of its arguments: arrays are traced;
    Python values are known, and another value is compiled anew, as it is where a global
    or a closure changes. Lists, dicts and objects that the function changes do change.

    Args:
        obj: a function, a lambda, a method, a `functools.partial`, a text with
            functions; a `Function` subclass, whose rules may use such control flow
            then; a class, or an object with arrays in it. As a decorator it may be
            called with options alone.
        **options: `max_steps`, `grad` and `unroll`, as `jaxgrad.loop` has them; and
            `errors`: "raise" (the default), "return" for a pair of a `CheckedError` and
            the result, or "ignore" to leave out the checks.

    Returns:
        For functions a `ScriptFunction`; for what is scripted already, itself; for a
        text, the last function in it; for a Function, a Function of the same name.

    Raises:
        ScriptError: there is no source, or it isn't Python. What can't be compiled is
            an error at the first call.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> import jaxgrad
        >>> @jaxgrad.script
        ... def collatz(n):
        ...     steps = 0
        ...     while n != 1:
        ...         n = n // 2 if n % 2 == 0 else 3 * n + 1
        ...         steps += 1
        ...     return steps
        >>> collatz(jnp.int32(27)).item(), jax.vmap(collatz)(jnp.arange(1, 6)).tolist()
        (111, [0, 1, 7, 2, 5])
        >>> jaxgrad.script("lambda x: -x if x < 0 else x")(jnp.float32(-3)).item()
        3.0
    """
    if obj is None:
        return functools.partial(script, **options)
    if isinstance(obj, str):
        found = functions_of_text(obj, sys._getframe(1).f_globals)
        return script(found[-1], **options)
    return _scripted(obj, options)


def _scripted(obj: Any, options: dict[str, Any]) -> Any:
    if isinstance(obj, ScriptFunction):
        return ScriptFunction(obj.function, **options) if options else obj
    if not isinstance(obj, type) and getattr(obj, "_scripted", None) is not None:
        return obj
    if isinstance(obj, ScriptPartial):
        return obj
    if isinstance(obj, staticmethod | classmethod):
        return type(obj)(_scripted(obj.__func__, options))
    if isinstance(obj, types.MethodType):
        inner = _scripted(obj.__func__, options)
        return BoundScript(inner, obj.__self__)
    if isinstance(obj, functools.partial):
        return _partial(_scripted(obj.func, options), obj)
    if isinstance(obj, types.FunctionType):
        return _function(obj, options)
    if isinstance(obj, type) and issubclass(obj, Function):
        from jaxgrad.frontend.script._functions import script_rules

        return script_rules(obj, options)
    return _other(obj, options)


def _partial(inner: Any, given: functools.partial[Any]) -> Any:
    if isinstance(inner, ScriptPartial):
        args, keywords = (
            (*inner.args, *given.args),
            {**inner.keywords, **given.keywords},
        )
        return ScriptPartial(inner.func, args, keywords)
    if not isinstance(inner, ScriptFunction):
        raise ScriptError(
            f"the partial of {inner!r} can't be scripted\n  Expected that of a "
            "function; script a function that calls it."
        )
    return ScriptPartial(inner, given.args, given.keywords)


def _function(function: types.FunctionType, options: dict[str, Any]) -> Any:
    inner = getattr(function, "__wrapped__", None)
    if is_library(function):
        if isinstance(inner, types.FunctionType) and not is_library(inner):
            return _scripted(inner, options)  # a library's wrapper of a user's own
        raise _no_source(function)
    return ScriptFunction(function, **options)


def _other(obj: Any, options: dict[str, Any]) -> Any:
    inner = getattr(obj, "__wrapped__", None)
    if callable(obj) and isinstance(inner, types.FunctionType) and _is_jitted(obj):
        return _function(inner, options)
    if isinstance(obj, types.BuiltinFunctionType) or _is_jitted(obj):
        raise _no_source(obj)
    from jaxgrad.frontend.script import _objects

    if isinstance(obj, type):
        return _objects.script_class(obj, **options)
    return _objects.script_instance(obj, **options)


def _is_jitted(obj: Any) -> bool:
    """Whether a callable was made by JAX of another: `jax.jit`, `jax.custom_vjp`."""
    package = type(obj).__module__.partition(".")[0]
    return callable(obj) and package in ("jax", "jaxlib", "numpy")


def _no_source(function: Any) -> ScriptError:
    name = getattr(function, "__qualname__", None) or repr(function)
    package = str(getattr(function, "__module__", None) or "a library").partition(".")
    return ScriptError(
        f"{name} belongs to {package[0]}, and has no source of yours to compile\n  "
        f"Expected a function of your own; {_CALL_IT}."
    )
