"""The part of `ScriptModule` that is about what a module holds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Self

import jax
import jax.numpy as jnp

from jaxgrad.errors import ModuleError
from jaxgrad.frontend.script._boundary import as_operand
from jaxgrad.frontend.script._structure import Named, Structure, named, submodules


class Incompatible(NamedTuple):
    """What `load_state_dict` found.

    Attributes:
        missing_keys: arrays of the module that the state has not.
        unexpected_keys: arrays of the state that the module has not.
    """

    missing_keys: list[str]
    unexpected_keys: list[str]


class ModuleState:
    """Parameters, buffers and submodules by name."""

    _object: Any

    def _view(self, obj: Any) -> Any:
        """A module in this one, as a scripted one."""
        raise NotImplementedError

    def named_parameters(
        self, prefix: str = "", recurse: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """Names and arrays of the parameters, each array once.

        Parameters are the arrays of real or complex numbers, at any depth in the
        object, which are not buffers.

        Args:
            prefix: what names begin with.
            recurse: whether those of submodules are among them.

        Returns:
            An iterator of pairs.
        """
        return self._named(False, prefix, recurse)

    def named_buffers(
        self, prefix: str = "", recurse: bool = True
    ) -> Iterator[tuple[str, Any]]:
        """Names and arrays of the buffers, each array once.

        Buffers are the arrays of integers, booleans and keys; what an object lists by
        name at an attribute `_buffers`; and the variables of Flax NNX that are no
        `Param`.

        Args:
            prefix: what names begin with.
            recurse: whether those of submodules are among them.

        Returns:
            An iterator of pairs.
        """
        return self._named(True, prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Any]:
        """The parameters, as `named_parameters` has them."""
        return (value for _, value in self.named_parameters(recurse=recurse))

    def buffers(self, recurse: bool = True) -> Iterator[Any]:
        """The buffers, as `named_buffers` has them."""
        return (value for _, value in self.named_buffers(recurse=recurse))

    def _named(
        self, buffers: bool, prefix: str, recurse: bool
    ) -> Iterator[tuple[str, Any]]:
        inner: set[str] = set()
        if not recurse:
            for name, value in submodules(self._object):
                inner.update(f"{name}.{each.name}" for each in named(value))
        seen: set[int] = set()
        for each in named(self._object):
            if each.is_buffer != buffers or each.name in inner:
                continue
            if id(each.value) not in seen:
                seen.add(id(each.value))
                yield _joined(prefix, each.name), as_operand(each.value)

    def named_children(self) -> Iterator[tuple[str, Any]]:
        """Names and modules right inside this one, each once.

        Those in lists, tuples and dictionaries have names such as `layers.0`.

        Yields:
            Pairs.
        """
        seen: set[int] = set()
        for name, value in submodules(self._object):
            view = self._view(value)
            if id(view) not in seen:
                seen.add(id(view))
                yield name, view

    def children(self) -> Iterator[Any]:
        """The modules right inside this one."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = ""
    ) -> Iterator[tuple[str, Any]]:
        """Names and modules: this one, and all inside it, each once.

        Args:
            memo: modules that are left out.
            prefix: the name of this one.

        Yields:
            Pairs.
        """
        memo = set() if memo is None else memo
        if self in memo:
            return
        memo.add(self)
        yield prefix, self
        for name, module in self.named_children():
            yield from module.named_modules(memo, _joined(prefix, name))

    def modules(self) -> Iterator[Any]:
        """This module, and all inside it."""
        return (module for _, module in self.named_modules())

    def apply(self, fn: Callable[[Any], Any]) -> Self:
        """Call a function on each module inside, and then on this one.

        Args:
            fn: the function.

        Returns:
            This module.
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # --- state ------------------------------------------------------------------------

    def state_dict(self, prefix: str = "") -> dict[str, Any]:
        """All arrays by name, parameters and buffers.

        Args:
            prefix: what names begin with.

        Returns:
            A new dictionary.
        """
        mine = named(self._object)
        return {prefix + each.name: as_operand(each.value) for each in mine}

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True
    ) -> Incompatible:
        """Put arrays where those of the same names are.

        Args:
            state_dict: arrays by name; they are cast to the dtypes of those there.
            strict: whether all names have to be there, and no others.

        Returns:
            The names that are missing, and those that are unexpected.

        Raises:
            ModuleError: names don't fit and it is strict, or shapes don't fit.
        """
        structure, mine = Structure(self._object), named(self._object)
        names = {each.name for each in mine}
        missing = [name for name in names if name not in state_dict]
        extra = [name for name in state_dict if name not in names]
        wrong = [
            f"size mismatch for {each.name}: expected {each.value.shape}, got "
            f"{jnp.shape(state_dict[each.name])}"
            for each in mine
            if each.name in state_dict
            and jnp.shape(state_dict[each.name]) != each.value.shape
        ]
        if strict:
            wrong += [f"missing: {name}" for name in missing]
            wrong += [f"unexpected: {name}" for name in extra]
        if wrong:
            raise ModuleError(
                f"the state does not fit {type(self._object).__name__}: "
                + "; ".join(wrong)
                + ".\n  Use the state_dict() of a module of the same structure, or "
                "strict=False for another choice of names"
            )
        structure.write([_cast(state_dict.get(m.name), m) for m in mine])
        return Incompatible([m.name for m in mine if m.name in missing], extra)


def _joined(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix and name else prefix or name


def _cast(new: Any, old: Named) -> Any:
    if new is None:
        return old.value
    dtype = old.value.dtype
    return new if getattr(new, "dtype", None) == dtype else jnp.asarray(new, dtype)


def replaced(
    obj: Any, buffers: Iterable[str]
) -> tuple[Structure, list[str], dict[str, jax.Array], dict[str, jax.Array]]:
    """An object apart: its structure, the names of its arrays, and these by kind."""
    kept = tuple(buffers)
    structure, mine = Structure(obj), named(obj)
    arrays = {m.name: as_operand(m.value) for m in mine}
    state = {m.name: arrays[m.name] for m in mine if m.is_buffer or m.name in kept}
    params = {name: value for name, value in arrays.items() if name not in state}
    unknown = [name for name in kept if name not in state]
    if unknown:
        raise ModuleError(
            f"functional(buffers=...) names {', '.join(map(repr, unknown))}, which "
            f"{type(obj).__name__} has not.\n"
            f"  Its arrays are {', '.join(m.name for m in mine) or 'none'}"
        )
    return structure, [m.name for m in mine], params, state
