"""Scripts as programs of pytrees of arrays.

- `traced`: as `jax.jit` traces it; `portable`, `export`: one that needs no host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax

from jaxgrad import lower as _lower
from jaxgrad.errors import LoweringError
from jaxgrad.frontend.script._boundary import as_operand, build_inside
from jaxgrad.frontend.script._checked import CheckedError
from jaxgrad.frontend.script._stages import bound, staged
from jaxgrad.lower.script._heap import reachable
from jaxgrad.lower.script._values import is_array, is_number

if TYPE_CHECKING:
    from jaxgrad.frontend.script._function import ScriptFunction


class Pytrees:
    """Arguments as pytrees: those with arrays in them, and how the others come back."""

    def __init__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        entries = [*enumerate(args), *kwargs.items()]
        self._parts: dict[Any, Any] = {}
        self._moving: dict[Any, Any] = {}
        for key, value in entries:
            leaves, tree = jax.tree.flatten(value)
            dynamic = [is_array(x) or hasattr(x, "sharding") for x in leaves]
            self._parts[key] = leaves, tree, dynamic
            if any(dynamic):
                pairs = zip(leaves, dynamic, strict=True)
                arrays = [as_operand(x) if d else None for x, d in pairs]
                self._moving[key] = jax.tree.unflatten(tree, arrays)
        self.args = [v for k, v in self._moving.items() if isinstance(k, int)]
        self.kwargs = {k: v for k, v in self._moving.items() if isinstance(k, str)}

    def full(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """All arguments, with other arrays in those that have some."""
        positions = [k for k in self._moving if isinstance(k, int)]
        moved = {**dict(zip(positions, args, strict=True)), **kwargs}
        found = {k: self._filled(k, moved.get(k)) for k in self._parts}
        named = {k: v for k, v in found.items() if isinstance(k, str)}
        return [v for k, v in found.items() if isinstance(k, int)], named

    def _filled(self, key: Any, value: Any) -> Any:
        leaves, tree, dynamic = self._parts[key]
        arrays = iter(jax.tree.leaves(value))
        pairs = zip(leaves, dynamic, strict=True)
        return jax.tree.unflatten(tree, [next(arrays) if d else x for x, d in pairs])


def traced(
    script: ScriptFunction,
    given: Sequence[Any],
    named: Mapping[str, Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> Any:
    """The call as `jax.jit` traces it; errors are raised by a callback."""
    trees = Pytrees(args, kwargs)

    def run(*moving: Any, **by_name: Any) -> Any:
        more, others = trees.full(moving, by_name)
        values = bound(script, [*given, *more], {**named, **others})
        result, stage, code, parts, _ = _apply(script, values, strips=False)
        if script.errors == "return":
            compiled = stage.compiled
            error = CheckedError.of(code, parts, compiled.numbers, compiled.raisers)
            return error, _as_output(script, result)
        if code is not None:
            stage.compiled._raise(code, parts)
        return _as_output(script, result)

    run.__name__ = run.__qualname__ = script.__name__
    return jax.jit(run).trace(*trees.args, **trees.kwargs)


def _apply(script: ScriptFunction, values: Sequence[Any], *, strips: bool) -> Any:
    """Run a script in the trace around, on copies of what it may change.

    Returns:
        The result, the stage, the error's code and its values, and the names of the
        values that were changed, each with what it is now.
    """
    stage = staged(script, values, strips)
    leaves, code, parts = stage.compiled.flat(*stage.operands)
    outgoing = stage.compiled.outgoing
    assert outgoing is not None
    copies, objects = build_inside(stage.incoming.forms, stage.operands)
    result = outgoing.finish(leaves, objects)
    touched = {id(objects[number]) for number, _ in outgoing.contents}
    changed = {
        name: value
        for name, value in zip(stage.heads, copies, strict=True)
        if touched & reachable([value]).keys()
    }
    return result, stage, code, parts, changed


def export(
    script: ScriptFunction,
    given: Sequence[Any],
    named: Mapping[str, Any],
    args: Sequence[Any],
    platforms: Sequence[str],
    vjp_order: int,
) -> jax.export.Exported:
    """The call as a portable program."""
    trees, run = portable(script, given, named, args, {})
    return _lower.export(run, trees.args, platforms=platforms, vjp_order=vjp_order)


def portable(
    script: ScriptFunction,
    given: Sequence[Any],
    named: Mapping[str, Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
) -> tuple[Pytrees, Any]:
    """The arguments as pytrees, and a function of them that needs no host."""
    trees = Pytrees(args, kwargs)
    own = _own_parameters(script, given, named)

    values = bound(script, [*given, *args], {**named, **kwargs})
    staged(script, values, strips=True, warns=5)

    def run(*moving: Any, **by_name: Any) -> Any:
        more, others = trees.full(moving, by_name)
        values = bound(script, [*given, *more], {**named, **others})
        result, _, code, _, changed = _apply(script, values, strips=True)
        hidden = [name for name in changed if name not in own]
        if hidden:
            raise LoweringError(
                f"{script.__name__} changes {', '.join(hidden)}, which a portable "
                "program can't.\n  Expected writes to arguments; got some to others.\n"
                "  Pass it as an argument, or use save(), whose file keeps arrays."
            )
        parts = {"error": code} if code is not None else {}
        if changed:
            parts["changed"] = _as_output(script, changed)
        out = _as_output(script, result)
        return {"result": out, **parts} if parts else out

    run.__name__ = run.__qualname__ = script.__name__
    return trees, run


def _own_parameters(
    script: ScriptFunction, given: Sequence[Any], named: Mapping[str, Any]
) -> list[str]:
    """The names of the parameters that are not given already."""
    names = [p.name for p in script.program.parameters][len(given) :]
    return [name for name in names if name not in named]


def _as_output(script: ScriptFunction, result: Any) -> Any:
    """A result as JAX returns it."""
    for path, leaf in jax.tree_util.tree_flatten_with_path(result)[0]:
        if not (is_array(leaf) or is_number(leaf)):
            raise LoweringError(
                f"{script.__name__} returns a {type(leaf).__name__} at "
                f"result{jax.tree_util.keystr(path)}.\n  Expected a pytree of arrays, "
                "which is all that such a program can return.\n  Leave it out, or use "
                "save(), whose file keeps what else is known."
            )
    return result
