"""`Context`: the `ctx` that `forward`, `setup_context`, `backward` and `jvp` share.

One application has one context. What is put on it in forward is taken apart when
forward ends (arrays become residuals, the rest static data) and put on a fresh context
for backward.
"""

import warnings
from typing import TYPE_CHECKING, Any

from jaxgrad import _compat
from jaxgrad.errors import ContextError
from jaxgrad.function import _dirty
from jaxgrad.function._node import Node, missing
from jaxgrad.function._packing import opened
from jaxgrad.function._trees import is_array


class _State:
    """What the methods of a context write; apart from the user's own attributes."""

    flags_read = False
    materialize = True
    saved: tuple[Any, ...] = ()
    names: tuple[str, ...] = ()  # of saved, where some have one
    saved_for_forward: tuple[Any, ...] | None = None
    non_differentiable: tuple[Any, ...] = ()
    dirty: tuple[Any, ...] = ()
    unsaved_hint = False
    has_saved = False
    materialize_non_diff = True
    output_dtypes: tuple[Any, ...] | None = None
    hooks: tuple[list[Any], list[Any]] | None = None  # before and after backward
    packed = False  # whether some of saved are packed
    reads_left = -1  # of saved_tensors; -1 for any number

    def __init__(self, owner: str, phase: str, flags: tuple[bool, ...]) -> None:
        self.owner = owner
        self.phase = phase
        self.flags = flags

    def saves_only(self) -> bool:
        """Whether nothing was said on the context but `save_for_backward`."""
        if self.names or self.non_differentiable or self.dirty:
            return False
        if self.output_dtypes is not None or not self.materialize_non_diff:
            return False
        if self.hooks is not None:
            return False
        return self.saved_for_forward is None


class Context(Node):
    """What one application of a Function remembers between forward and backward.

    The names and meanings are those of torch's `FunctionCtx`. Any other attribute may
    be set in forward and read in backward: arrays on it, alone or in containers, are
    residuals, everything else is static data.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> from jaxgrad import Function
        >>> class Scale(Function):
        ...     @staticmethod
        ...     def forward(ctx, x, factor):
        ...         ctx.factor = factor
        ...         return x * factor
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         return grad * ctx.factor, None
        >>> float(jax.grad(lambda x: Scale.apply(x, 3.0))(2.0))
        3.0
    """

    __slots__ = ("__dict__", "_state")

    _state: _State

    if TYPE_CHECKING:  # any attribute may be set, and read back

        def __setattr__(self, name: str, value: Any) -> None: ...

    def __init__(self, owner: str, phase: str, flags: tuple[bool, ...]) -> None:
        """A context for class `owner` in `phase`; users never make one themselves."""
        self._state = _State(owner, phase, flags)

    def __getattr__(self, name: str) -> Any:
        """Only asked for what is not there: torch's own attributes say why."""
        if name == "metadata":  # a dict for the user's notes
            return self.__dict__.setdefault("metadata", {})
        if name.startswith("__") or name == "_state":
            raise AttributeError(name)
        if hasattr(type(self), name):  # a property, in which something was missing
            return object.__getattribute__(self, name)
        raise missing(self._state.owner, name, sorted(self.__dict__))

    def save_for_backward(self, *tensors: Any, **named: Any) -> None:
        """Keep arrays for backward; the last call wins.

        A saved input is the live input, a saved output re-enters this Function's own
        rule and a saved intermediate has its true derivative when backward is
        differentiated again.

        Args:
            *tensors: arrays of any shape and dtype, or None.
            **named: more of them, which come after `tensors` in `saved_tensors`. Their
                names are those of `jax.ad_checkpoint.checkpoint_name`, by which a
                policy of `jax.checkpoint` keeps or drops them.

        Raises:
            ContextError: something else was passed, or the call is not in forward.
        """
        saved = self._checked("save_for_backward", (*tensors, *named.values()))
        self._state.saved = saved
        self._state.has_saved = True
        self._state.names = (*[""] * len(tensors), *named) if named else ()

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep arrays for `jvp`, which reads them from `saved_tensors`.

        Args:
            *tensors: arrays of any shape and dtype, or None.

        Raises:
            ContextError: something else was passed, or the call is not in forward.
        """
        self._state.saved_for_forward = self._checked("save_for_forward", tensors)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """The saved arrays, in the order in which they were saved.

        Raises:
            ContextError: read where nothing can have been saved for the reader.
        """
        state = self._state
        if state.phase in ("forward", "setup_context"):
            if state.saved_for_forward is not None:
                return state.saved_for_forward
            raise ContextError(
                f"{state.owner}.{state.phase} read ctx.saved_tensors.\n"
                "  Expected a read in backward (or in jvp, after save_for_forward); "
                f"got one in {state.phase}.\n"
                "  Use the arrays themselves here; read saved_tensors in backward."
            )
        if state.unsaved_hint:
            raise ContextError(
                f"{state.owner}.jvp read ctx.saved_tensors, but forward called only "
                "save_for_backward.\n"
                "  Expected arrays kept for jvp by ctx.save_for_forward; got none.\n"
                "  Call ctx.save_for_forward(...) in forward too."
            )
        if state.reads_left == 0:
            raise ContextError(
                f"{state.owner}.backward read ctx.saved_tensors twice.\n"
                "  Expected one read, because the class sets "
                "clear_saved_tensors_on_access = True; got a second.\n"
                "  Keep what the first read gave, or set it to False."
            )
        if state.reads_left > 0:
            state.reads_left -= 1
        return opened(state.saved) if state.packed else state.saved

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        """One bool for each argument: whether its gradient is being asked for.

        A container is True if any leaf is. It follows what is differentiated, trace by
        trace; backward sees exactly the flags that its forward saw.
        """
        self._state.flags_read = True
        return self._state.flags

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Declare outputs to be constants; backward receives zeros in their place.

        Args:
            *tensors: arrays that forward returns. The last call wins.

        Raises:
            ContextError: something that is not an array was passed.
        """
        tensors = self._checked("mark_non_differentiable", tensors, allow_none=False)
        self._state.non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Choose what absent cotangents are: zeros (True, the default) or None (False).

        Args:
            value: True or False.

        Raises:
            ContextError: `value` is not a bool.
        """
        if not isinstance(value, bool):
            raise ContextError(
                f"{self._state.owner}: ctx.set_materialize_grads expected True or "
                f"False, got {type(value).__name__} {value!r}."
            )
        self._state.materialize = value

    def mark_dirty(self, *tensors: Any) -> None:
        """Declare arguments to be modified by forward; the last call wins.

        Arrays are immutable: the new value of a marked array is an output of its shape
        and dtype, and callers use what `apply` returns. A `jax.Ref` argument is written
        in place for real (`ref[...] = value`), marked or not.

        Args:
            *tensors: arguments of forward, themselves: arrays and `jax.Ref`s.

        Raises:
            DirtyError: something that is not an argument was passed, or, when forward
                ends, no output can be the new value.
            ContextError: the call is not in forward or setup_context.

        Example:
            >>> import jax, jax.numpy as jnp
            >>> from jaxgrad import Function
            >>> class Double(Function):
            ...     @staticmethod
            ...     def forward(ctx, x, count):
            ...         ctx.mark_dirty(count)
            ...         count[...] += 1
            ...         return 2 * x
            ...     @staticmethod
            ...     def backward(ctx, grad):
            ...         return 2 * grad, None
            >>> count = jax.new_ref(jnp.zeros((), int))
            >>> float(jax.grad(Double.apply)(3.0, count)), int(count[...])
            (2.0, 1)
        """
        self._checked("mark_dirty", ())
        self._state.dirty = _dirty.checked(self._state.owner, tensors)

    def mark_shared_storage(self, *pairs: Any) -> None:
        """Does nothing and is deprecated, as in torch; JAX arrays share nothing."""
        warnings.warn(
            "ctx.mark_shared_storage is deprecated and does nothing.",
            FutureWarning,
            stacklevel=2,
        )

    def _checked(
        self, method: str, tensors: tuple[Any, ...], allow_none: bool = True
    ) -> tuple[Any, ...]:
        state = self._state
        if state.phase not in ("forward", "setup_context"):
            raise ContextError(
                f"{state.owner}: ctx.{method} was called in {state.phase}.\n"
                "  Expected a call in forward or setup_context; what is kept later is "
                "lost."
            )
        for position, value in enumerate(tensors):
            if is_array(value) or (value is None and allow_none):
                continue
            if _compat.is_ref(value):  # refused with its name when forward ends
                continue
            raise ContextError(
                f"{state.owner}: ctx.{method} can only take arrays, but argument "
                f"{position} is {type(value).__name__} {value!r}.\n"
                f"  Expected a jax.Array or NumPy array{' or None' * allow_none}; got "
                f"{type(value).__name__}.\n"
                "  Keep other values as attributes, e.g. ctx.value = value; a Python "
                "number is static: pass jnp.asarray(number) to apply to make it an "
                "array."
            )
        return tensors

    def __repr__(self) -> str:
        """The class, the phase and the names of the user's attributes."""
        names = ", ".join(sorted(self.__dict__)) or "no attributes"
        return f"<Context of {self._state.owner} in {self._state.phase}: {names}>"
