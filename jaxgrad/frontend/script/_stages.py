"""What is traced of a script for certain arguments.

- `staged`: the program for arguments, with names for its inputs.
- `graph_for`, `jaxpr`: what is traced of it.
"""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax

from jaxgrad.errors import JaxgradWarning
from jaxgrad.frontend._incoming import identifier
from jaxgrad.frontend._recorded import record_graph
from jaxgrad.frontend._signature import Signature
from jaxgrad.frontend.script._boundary import Incoming, as_operand
from jaxgrad.function._recording import recording
from jaxgrad.lower.script._template import Leaf, New

if TYPE_CHECKING:
    from jaxgrad.frontend.script._function import Compiled, ScriptFunction
    from jaxgrad.graph import Graph


@dataclasses.dataclass(frozen=True)
class Staged:
    """A script for certain arguments.

    Attributes:
        script: the script.
        compiled: its program.
        incoming: the arguments and globals, apart.
        names: a name for each array of them.
        heads: the name of each value of `incoming`.
    """

    script: ScriptFunction
    compiled: Compiled
    incoming: Incoming
    names: list[str]
    heads: list[str]

    @property
    def operands(self) -> list[Any]:
        """The arrays."""
        return [as_operand(leaf) for leaf in self.incoming.leaves]


def bound(script: ScriptFunction, args: Sequence[Any], kwargs: Any) -> list[Any]:
    """One value for each parameter."""
    return script._bound(script.program, args, kwargs)


def staged(
    script: ScriptFunction,
    values: Sequence[Any],
    strips: bool = False,
    warns: int = 0,
) -> Staged:
    """The program of a script for the values of its parameters.

    Args:
        script: the script.
        values: the values.
        strips: whether what needs a host is left out.
        warns: how far up the stack the caller is who is told of that; 0 to tell nobody.

    Returns:
        It.
    """
    while True:
        incoming, roots = script._incoming(values)
        compiled = script._fresh(incoming, roots, strips)
        if compiled is not None:
            break
    heads = [parameter.name for parameter in script.program.parameters]
    heads += [name for _, name in script._wanted[: len(roots)]]
    names = leaf_names(heads, incoming)
    if compiled.stripped and warns:
        warnings.warn(
            f"{script.__qualname__} calls the host, which a portable program can't: "
            f"{'; '.join(compiled.stripped)} is left out.",
            JaxgradWarning,
            stacklevel=warns,
        )
    return Staged(script, compiled, incoming, names, heads)


def leaf_names(heads: Sequence[str], incoming: Incoming) -> list[str]:
    """A name for each array: that of the argument or global, and the way to it."""
    found: dict[int, str] = {}
    seen: set[int] = set()

    def walk(form: Any, path: str) -> None:
        if isinstance(form, Leaf):
            found[form.index] = identifier(path)
        elif isinstance(form, New) and form.uid not in seen:
            seen.add(form.uid)
            for key, part in zip(keys_of(form), form.parts, strict=True):
                walk(part, f"{path}_{key}")

    for head, form in zip(heads, incoming.forms, strict=True):
        walk(form, head)
    names: dict[str, None] = {}
    for i in range(len(incoming.leaves)):
        name, count = found[i], 1
        while name in names:
            name, count = f"{found[i]}_{count}", count + 1
        names[name] = None
    return list(names)


def keys_of(form: New) -> Sequence[Any]:
    """What the parts of a container are called in it."""
    if issubclass(form.cls, tuple) and hasattr(form.cls, "_fields"):
        return form.cls._fields
    if isinstance(form.static, tuple) and len(form.static) == len(form.parts):
        return form.static
    return range(len(form.parts))


def _named(stage: Staged) -> Any:
    """The program as a function with its name, and with those of its arguments."""

    def flat(*leaves: Any) -> Any:
        return stage.compiled.flat(*leaves)

    kind = inspect.Parameter.POSITIONAL_ONLY
    flat.__name__ = flat.__qualname__ = stage.script.__name__
    parameters = [inspect.Parameter(name, kind) for name in stage.names]
    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return flat


def graph_for(
    script: ScriptFunction,
    given: Sequence[Any],
    named: Mapping[str, Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Graph:
    """The graph of JAX's operations for some arguments."""
    values = bound(script, [*given, *args], {**named, **kwargs})
    stage = staged(script, values)
    flat = _named(stage)
    return record_graph(flat, Signature(flat), stage.operands).graph


def jaxpr(
    script: ScriptFunction,
    given: Sequence[Any],
    named: Mapping[str, Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """The jaxpr for some arguments."""
    values = bound(script, [*given, *args], {**named, **kwargs})
    stage = staged(script, values)
    with recording():
        return jax.make_jaxpr(_named(stage))(*stage.operands)
