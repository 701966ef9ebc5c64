"""The part of `ctx` that torch calls its node: names, hooks, and what JAX has not.

In torch the context is the node of the autograd graph. JAX keeps no such graph, so that
here a context only knows its own application: `name`, hooks that run round backward,
the dtypes in which cotangents arrive. What speaks of the graph is an AttributeError
that says what to use instead: `jaxgrad.record`, mostly.
"""

import warnings
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import ContextAttributeError, ContextError, HookError
from jaxgrad.function._trees import as_array, is_array, short_type

_GRAPH = "JAX keeps no autograd graph; jaxgrad.record(fn, *args) keeps one"
_ABSENT = {
    "next_functions": _GRAPH,
    "_input_metadata": "read the shape and dtype of an output itself, or "
    "input_metadata of a node of jaxgrad.record(fn, *args)",
    "_sequence_nr": _GRAPH,
    "_set_sequence_nr": _GRAPH,
    "_register_hook_dict": "use ctx.register_hook or ctx.register_prehook",
    "_raw_saved_tensors": "use jaxgrad.saved_tensors_hooks to pack saved tensors",
    "requires_grad": "use ctx.needs_input_grad, which follows what is differentiated",
    "_forward_cls": "use the class itself, or a classmethod",
    "_autograd_function_id": _GRAPH,
    "_compiled_autograd_key": _GRAPH,
    "_get_compiled_autograd_symints": _GRAPH,
    "_compiled_autograd_backward_state": _GRAPH,
    "apply": "use the class's own apply",
    "apply_boxed": "use boxed_grads_call = True on the class",
    "apply_jvp": "use jax.jvp",
}


class Handle:
    """What `register_hook` returns: `remove` takes the hook away again."""

    def __init__(self, hooks: list[Any], hook: Any) -> None:
        """Of `hook` among `hooks`."""
        self._hooks = hooks
        self._hook = hook

    def remove(self) -> None:
        """Take the hook away; a second time does nothing."""
        if self._hook in self._hooks:
            self._hooks.remove(self._hook)


class Node:
    """What a `Context` has of a node; `Context` holds the state."""

    __slots__ = ()

    _state: Any
    __dict__: dict[str, Any]

    def name(self) -> str:
        """The class's name and "Backward", as torch names nodes."""
        return f"{self._state.owner}Backward"

    @property
    def saved_variables(self) -> tuple[Any, ...]:
        """The old name of `saved_tensors`, deprecated as in torch."""
        warnings.warn(
            "ctx.saved_variables is deprecated; use ctx.saved_tensors.",
            DeprecationWarning,
            stacklevel=2,
        )
        return self.saved_tensors  # type: ignore[attr-defined]

    @property
    def to_save(self) -> tuple[Any, ...] | None:
        """What `save_for_backward` was given; None before. May be set to a tuple."""
        return self._state.saved if self._state.has_saved else None

    @to_save.setter
    def to_save(self, value: tuple[Any, ...]) -> None:
        if not isinstance(value, tuple):
            raise ContextError(
                f"{self._state.owner}: ctx.to_save expected a tuple of arrays; got "
                f"{type(value).__name__}.\n  Use ctx.save_for_backward(*arrays)."
            )
        self.save_for_backward(*value)  # type: ignore[attr-defined]

    @property
    def saved_for_forward(self) -> tuple[Any, ...] | None:
        """What `save_for_forward` was given; None before."""
        return self._state.saved_for_forward

    @property
    def non_differentiable(self) -> tuple[Any, ...] | None:
        """What `mark_non_differentiable` was given; None before."""
        return self._state.non_differentiable or None

    @property
    def dirty_tensors(self) -> tuple[Any, ...] | None:
        """What `mark_dirty` was given; None before."""
        return self._state.dirty or None

    @property
    def materialize_grads(self) -> bool:
        """Can be set, like `set_materialize_grads`, and as in torch not be read.

        Raises:
            ContextAttributeError: when it is read.
        """
        raise self._unreadable("materialize_grads")

    @materialize_grads.setter
    def materialize_grads(self, value: bool) -> None:
        self.set_materialize_grads(value)  # type: ignore[attr-defined]

    @property
    def _materialize_non_diff_grads(self) -> bool:
        """Whether outputs without a derivative arrive as zeros (True) or as None."""
        return self._state.materialize_non_diff

    @_materialize_non_diff_grads.setter
    def _materialize_non_diff_grads(self, value: bool) -> None:
        self._state.materialize_non_diff = self._bool(
            "_materialize_non_diff_grads", value
        )

    @property
    def _is_pure_view(self) -> bool:
        """Accepted, without effect: arrays are immutable, and views are values."""
        raise self._unreadable("_is_pure_view")

    @_is_pure_view.setter
    def _is_pure_view(self, value: bool) -> None:
        self._bool("_is_pure_view", value)

    def maybe_clear_saved_tensors(self) -> None:
        """Does nothing: what is saved lives as long as the function that holds it."""

    def set_output_grad_dtype(self, *dtypes: Any) -> None:
        """Choose the dtypes in which backward receives its cotangents.

        Args:
            *dtypes: one for each output, a floating-point or complex dtype; None for
                the output's own.

        Raises:
            ContextError: called twice, or outside forward, or with something else.
        """
        state = self._state
        if state.phase not in ("forward", "setup_context"):
            raise ContextError(
                f"{state.owner}: ctx.set_output_grad_dtype was called in {state.phase}."
                "\n  Expected a call in forward or setup_context."
            )
        if state.output_dtypes is not None:
            raise ContextError(
                f"{state.owner}: ctx.set_output_grad_dtype can only be called once."
            )
        for position, dtype in enumerate(dtypes):
            if dtype is None:
                continue
            try:
                known = jnp.issubdtype(jnp.dtype(dtype), np.inexact)
            except TypeError:
                known = False
            if not known:
                raise ContextError(
                    f"{state.owner}: ctx.set_output_grad_dtype expected a floating-"
                    f"point dtype or None for output {position}; got {dtype!r}."
                )
        state.output_dtypes = dtypes

    def register_prehook(self, hook: Callable[..., Any]) -> Handle:
        """Run `hook(grad_outputs)` before backward, at each order.

        Args:
            hook: takes the tuple of cotangents, one for each output; returns a tuple
                like it in their place, or None to keep them.

        Returns:
            A handle, whose `remove` takes the hook away while forward still runs.
        """
        return self._register(0, hook)

    def register_hook(self, hook: Callable[..., Any]) -> Handle:
        """Run `hook(grad_inputs, grad_outputs)` after backward, at each order.

        Args:
            hook: takes the tuple of gradients, one for each array among the arguments
                (None where there is none), and the tuple of cotangents; returns a tuple
                of gradients in their place, or None to keep them.

        Returns:
            A handle, whose `remove` takes the hook away while forward still runs.
        """
        return self._register(1, hook)

    def _register(self, kind: int, hook: Callable[..., Any]) -> Handle:
        state = self._state
        if state.phase not in ("forward", "setup_context") or not callable(hook):
            raise HookError(
                f"{state.owner}: a hook is a function that is registered on ctx in "
                f"forward or setup_context; got {hook!r} in {state.phase}."
            )
        if state.hooks is None:
            state.hooks = ([], [])
        state.hooks[kind].append(hook)
        return Handle(state.hooks[kind], hook)

    def _bool(self, name: str, value: Any) -> bool:
        if not isinstance(value, bool):
            raise ContextError(
                f"{self._state.owner}: ctx.{name} expected True or False; got "
                f"{type(value).__name__} {value!r}."
            )
        return value

    def _unreadable(self, name: str) -> ContextAttributeError:
        return ContextAttributeError(
            f"{self._state.owner}: ctx.{name} can be set and not be read."
        )


def missing(owner: str, name: str, known: list[str]) -> ContextAttributeError:
    """The error for an attribute that a context has not."""
    if name in _ABSENT:
        return ContextAttributeError(
            f"{owner}: ctx.{name} has no meaning here: {_ABSENT[name]}."
        )
    return ContextAttributeError(
        f"{owner}: ctx has no attribute {name!r}.\n"
        f"  Expected one that forward has set ({', '.join(known) or 'it set none'}); "
        f"got {name!r}."
    )


def run_prehooks(
    owner: str, hooks: list[Callable[..., Any]], cotangents: tuple[Any, ...]
) -> tuple[Any, ...]:
    """The cotangents that backward gets."""
    for hook in hooks:
        cotangents = _checked(owner, hook, hook(cotangents), cotangents)
    return cotangents


def run_hooks(
    owner: str,
    hooks: list[Callable[..., Any]],
    gradients: list[Any],
    cotangents: tuple[Any, ...],
) -> list[Any]:
    """The gradients that leave the application."""
    for hook in hooks:
        given = hook(tuple(gradients), cotangents)
        gradients = list(_checked(owner, hook, given, tuple(gradients)))
    return gradients


def _checked(
    owner: str, hook: Any, given: Any, before: tuple[Any, ...]
) -> tuple[Any, ...]:
    """What a hook returned, if it can stand in the place of `before`."""
    if given is None:
        return before
    name = getattr(hook, "__name__", repr(hook))
    where = f"{owner}: the hook {name!r} on ctx"
    if not isinstance(given, tuple):
        raise HookError(
            f"{where} expected to return a tuple or None; got {type(given).__name__}."
        )
    if len(given) != len(before):
        raise HookError(
            f"{where} returned an incorrect number of values.\n"
            f"  Expected {len(before)}; got {len(given)}."
        )
    out: list[Any] = []
    for position, (new, old) in enumerate(zip(given, before, strict=True)):
        if new is not None and is_array(new) and is_array(old):
            new = as_array(new)
            if new.shape == old.shape and new.dtype == old.dtype:
                out.append(new)
                continue
        if new is None or jax.tree.structure(new) == jax.tree.structure(old) != _LEAF:
            out.append(new)
            continue
        raise HookError(
            f"{where} has changed the type of value {position}.\n"
            f"  Expected {short_type(old)}; got {short_type(new)}."
        )
    return tuple(out)


_LEAF = jax.tree.structure(0)
