"""What is said about a script in its source.

- `ignore`, `unused`, `export`: marks on functions.
- `Final`, `annotate`, `is_scripting`, `loop`: said inside.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Callable
from typing import Any, TypeVar

from jaxgrad.errors import ArgumentError
from jaxgrad.frontend.script._outside import RESULT, refuse, run_outside, unreachable
from jaxgrad.lower.script import LoopOptions
from jaxgrad.lower.script._builtins import HANDLERS
from jaxgrad.lower.script._session import GRADS, UNROLL

MARK = "__jaxgrad_script__"
F = TypeVar("F")

Final = typing.Final


def mark_of(fn: Any) -> str | None:
    """The mark of a function, or of a class, if it has one itself."""
    fn = getattr(fn, "__func__", fn)
    return getattr(fn, "__dict__", {}).get(MARK)


def outside_of(fn: Any) -> Callable[..., Any] | None:
    """What a script does to call a marked function; None if it is not marked.

    Returns:
        A function of the session, the arguments, and those by name.
    """
    if not isinstance(fn, types.FunctionType | type):
        return None
    mark = vars(fn).get(MARK)
    if mark == "unused":
        return functools.partial(unreachable, fn)
    if mark == "ignore":
        called = refuse if isinstance(fn, type) else run_outside
        return functools.partial(called, fn)
    return None


def _marked(fn: Any, mark: str) -> Any:
    if isinstance(fn, property):
        _marked(fn.fget, mark)
        return fn
    target = getattr(fn, "__func__", fn)
    if not callable(target):
        raise ArgumentError(
            f"@jaxgrad.{mark} marks functions and methods; got {type(fn).__name__}."
        )
    setattr(target, MARK, mark)
    return fn


def ignore(fn: Any = None, *, result: Any = None) -> Any:
    """Mark a function or method that compiled scripts call in Python.

    Its calls are callbacks to the host: it is given NumPy arrays, has no derivative,
    can't be saved, and needs the type of its result, which is that of its return
    annotation if `result` isn't said. One that returns None needs none.

    Args:
        fn: the function; in plain Python it stays what it is.
        result: the type of the result: a `jax.ShapeDtypeStruct`, `float`, `int`,
            `bool`, `complex`, a pytree of these, or a function that makes one of the
            arguments.

    Returns:
        The same function.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> import jaxgrad
        >>> @jaxgrad.ignore
        ... def count(x) -> jax.ShapeDtypeStruct((), jnp.int32):
        ...     return len(set(x.tolist()))
        >>> @jaxgrad.script
        ... def distinct(x):
        ...     return 10 * count(x)
        >>> int(distinct(jnp.array([1, 2, 2])))
        20
    """
    if fn is None:
        return functools.partial(ignore, result=result)
    marked = _marked(fn, "ignore")
    if result is not None:
        setattr(getattr(fn, "__func__", fn), RESULT, result)
    return marked


def unused(fn: F) -> F:
    """Mark a function or method that compiled scripts don't reach.

    Its source isn't looked at; a script that calls it nevertheless raises a
    NotImplementedError there. In plain Python it stays what it is.

    Args:
        fn: the function.

    Returns:
        The same function.

    Example:
        >>> import jaxgrad
        >>> @jaxgrad.unused
        ... def lines(path):
        ...     yield from open(path)
        >>> @jaxgrad.script
        ... def total(x, path=None):
        ...     if path is not None:
        ...         return sum(lines(path))
        ...     return x
        >>> total(3)
        3
    """
    return _marked(fn, "unused")


def export(fn: F) -> F:
    """Mark a method that is compiled besides `forward`, when an object is scripted.

    Args:
        fn: the method.

    Returns:
        The same method.

    Example:
        >>> import jaxgrad
        >>> class Scale:
        ...     def forward(self, x):
        ...         return 2 * x
        ...     @jaxgrad.export
        ...     def undo(self, x):
        ...         return x / 2
        >>> Scale().undo(4)
        2.0
    """
    return _marked(fn, "export")


def annotate(kind: Any, value: F) -> F:
    """Say the type of a value, as torch's code does; it stays as it is.

    Args:
        kind: the type, which is for the reader.
        value: the value.

    Returns:
        The value.

    Example:
        >>> import jaxgrad
        >>> jaxgrad.annotate(list[int], [])
        []
    """
    del kind
    return value


def is_scripting() -> bool:
    """Whether this is read in a compiled script.

    Returns:
        True there, False in plain Python.

    Example:
        >>> import jaxgrad
        >>> def mode():
        ...     return "script" if jaxgrad.is_scripting() else "python"
        >>> mode(), jaxgrad.script(mode)()
        ('python', 'script')
    """
    return False


HANDLERS[is_scripting] = lambda session: True


def loop(
    max_steps: int | None = None, grad: str | None = None, unroll: int = UNROLL
) -> LoopOptions:
    """Say how the loops inside a `with` are compiled; plain Python takes no notice.

    Args:
        max_steps: the most rounds of a `while`, which gives it a reverse-mode gradient;
            one that isn't done by then raises a MaxStepsError.
        grad: how that gradient is computed: "bounded" (every derivative, of any order;
            the default), "taped" (the fastest; memory for each step's variables) or
            "checkpointed" (the least memory; needs Equinox).
        unroll: loops of at most so many rounds are unrolled.

    Returns:
        A context manager.

    Raises:
        ArgumentError: what is said makes no sense.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> import jaxgrad
        >>> @jaxgrad.script
        ... def halve(x):
        ...     with jaxgrad.loop(max_steps=20):
        ...         while x > 1:
        ...             x = x / 2
        ...     return x
        >>> float(jax.grad(halve)(12.0))
        0.0625
    """
    if max_steps is not None and (not isinstance(max_steps, int) or max_steps < 0):
        raise ArgumentError(
            f"loop got max_steps={max_steps!r}; expected a whole number, or None."
        )
    if grad is not None and grad not in GRADS:
        raise ArgumentError(
            f"loop got grad={grad!r}; expected one of {', '.join(GRADS)}."
        )
    return LoopOptions(max_steps, grad, unroll)
