"""`Function` classes whose rules may use control flow on traced values.

- `script_rules`: such a class, of another one.
- `interpreted`: a function that is interpreted in the trace around it.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.script._host import Host, defaults_of
from jaxgrad.frontend.script._programs import find, is_library, is_missing, program_of
from jaxgrad.function import Function
from jaxgrad.lower.script import LoopOptions, Session, bind, run_program
from jaxgrad.lower.script._foreign import report
from jaxgrad.lower.script._session import UNROLL
from jaxgrad.lower.script._stage import Raised

RULES = ("forward", "backward", "vjp", "setup_context", "jvp", "vmap")


def script_rules(cls: type[Function], options: dict[str, Any]) -> type[Function]:
    """A Function like `cls`, whose rules are interpreted.

    Args:
        cls: the class; it stays as it is.
        options: of `script`.

    Returns:
        A subclass of the same name.
    """
    if "__scripted_rules__" in vars(cls):
        return cls
    rules: dict[str, Any] = {}
    for name in RULES:
        rule = inspect.getattr_static(cls, name, None)
        plain = getattr(rule, "__func__", rule)
        if not isinstance(plain, types.FunctionType) or is_library(plain):
            continue
        made = interpreted(plain, **options)
        wrap = type(rule) if isinstance(rule, staticmethod | classmethod) else None
        rules[name] = made if wrap is None else wrap(made)
    kept = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
    doc = {"__doc__": cls.__doc__, "__scripted_rules__": True}
    return type(cls)(cls.__name__, (cls,), {**rules, **kept, **doc})


class Inside(Host):
    """The world around an interpreted function: its globals are those of the moment."""

    def lookup(self, session: Any, frame: Any, name: str) -> Any:
        """What a free name stands for now."""
        value, _ = find(frame.function, name)
        if is_missing(value):
            raise session.error(
                f"the name {name!r} is not defined",
                "define it before the script is called, or import it",
            )
        return value


def interpreted(
    function: Callable[..., Any],
    *,
    errors: str = "raise",
    max_steps: int | None = None,
    grad: str | None = None,
    unroll: int = UNROLL,
) -> Callable[..., Any]:
    """A function that is interpreted where it is called, and not compiled on its own.

    Args:
        function: the function.
        errors: "raise" or "ignore".
        max_steps: see `jaxgrad.loop`.
        grad: see `jaxgrad.loop`.
        unroll: see `jaxgrad.loop`.

    Returns:
        A function of the same signature.

    Raises:
        ScriptError: `errors` is "return", which a rule has no place for.
    """
    if errors not in ("raise", "ignore"):
        raise ScriptError(
            f"a rule of a Function can't be scripted with errors={errors!r}\n"
            "  Expected 'raise' or 'ignore'."
        )
    options = LoopOptions(max_steps, grad, unroll)

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        program = program_of(function)
        session = Session(Inside(errors, {}, []), options)
        values = bind(program, args, kwargs, defaults_of(program, function))
        try:
            result = run_program(session, program, function, values)
        except Raised:
            _raise_certain(session)
            raise
        report(session.errors, session.raisers, errors)
        return result

    return run


def _raise_certain(session: Session) -> None:
    """Raise the error of a function that raises whatever its arguments are."""
    code = session.errors.code
    if isinstance(code, int) and code:
        raise session.raisers[code - 1](session.errors.values.get(code, ()))


__all__ = ["interpreted", "script_rules"]
