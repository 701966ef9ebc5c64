"""Modules as values: their functional form, and as pytrees.

- `functional`: a module as a function of its arrays.
- `register`: makes a class of modules a pytree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import jax

from jaxgrad.errors import ModuleError
from jaxgrad.frontend.script._module_state import replaced
from jaxgrad.frontend.script._structure import Structure, named
from jaxgrad.lower.script._values import is_array


def functional(
    module: Any, buffers: Iterable[str]
) -> tuple[Callable[..., Any], dict[str, Any], dict[str, Any]]:
    """What `ScriptModule.functional` returns."""
    structure, names, params, state = replaced(module._object, buffers)
    cls, static = type(module), module._static

    def fn(params: Any, buffers: Any, *args: Any, **kwargs: Any) -> Any:
        given = {**params, **buffers}
        obj = structure.build([given[name] for name in names])
        out = cls._made(obj, static)(*args, **kwargs)
        now = {each.name: each.value for each in named(obj)}
        written = [n for n in names if n in params and now.get(n) is not params[n]]
        written += [name for name in now if name not in given]
        if written or len(now) != len(names):
            raise ModuleError(
                f"{type(obj).__name__} writes {', '.join(written) or 'arrays'}, "
                "which is no buffer.\n  Name it, in module.functional(buffers=...) or "
                "at an attribute _buffers; what is written has to be an array before "
                "the first call"
            )
        return out, {name: now[name] for name in buffers}

    return fn, params, state


class _Tree:
    """What a module's leaves are put back into."""

    def __init__(self, module: Any, structure: Structure) -> None:
        structure.forget()
        self.cls, self.static = type(module), module._static
        self.structure = structure

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Tree)
            and self.structure == other.structure
            and (self.cls, self.static) == (other.cls, other.static)
        )

    def __hash__(self) -> int:
        return hash(self.structure)

    def __repr__(self) -> str:
        return self.cls.__name__


def _flatten(module: Any) -> tuple[list[Any], _Tree]:
    if module._leaves is not None:
        return module._leaves
    structure = Structure(module._object)
    leaves = list(structure.leaves)
    return leaves, _Tree(module, structure)


def _flatten_with_keys(module: Any) -> tuple[list[Any], _Tree]:
    leaves, tree = _flatten(module)
    names = [each.name for each in named(module._object)]
    if len(names) != len(leaves):
        names = list(map(str, range(len(leaves))))
    keys = map(jax.tree_util.GetAttrKey, names)
    return list(zip(keys, leaves, strict=True)), tree


def _unflatten(tree: _Tree, leaves: Iterable[Any]) -> Any:
    leaves = list(leaves)
    made = tree.cls._made(tree.structure.build(leaves), tree.static)
    if not all(is_array(v) or isinstance(v, jax.ShapeDtypeStruct) for v in leaves):
        made._fill(leaves, tree)  # JAX fills trees with other things
    return made


def register(cls: type) -> None:
    """Make a class of modules a pytree, whose leaves are the arrays."""
    jax.tree_util.register_pytree_with_keys(
        cls,
        _flatten_with_keys,
        _unflatten,
        _flatten,  # type: ignore[arg-type]
    )
