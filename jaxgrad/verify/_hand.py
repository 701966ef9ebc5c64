"""A class's rules called by hand, outside every transformation: the first-order oracle.

It shares no code with the library's own lowering. It knows `forward`, `setup_context`,
`backward`, `jvp`, a context of its own, and from the documented conventions only those
that decide values: zeros for what has no cotangent, sums to shape, casts, and complex
conjugation.

- `Hand.run`: forward, called once.
- `Hand.pull`, `Hand.push`: backward and jvp of such a run.
"""

import inspect
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgrad.errors import ArgumentError, MissingBackwardError
from jaxgrad.function import Function
from jaxgrad.verify._slots import (
    Slot,
    fill,
    fill_only,
    is_inexact,
    scatter,
    take_arrays,
)

Arrays = tuple[jax.Array, ...]


def defines(cls: type, name: str) -> bool:
    """Tells whether a class, or a base of it outside the library, defines `name`."""
    own = (base for base in cls.__mro__ if base not in Function.__mro__)
    return any(name in vars(base) for base in own)


class HandContext:
    """The least `ctx` that serves the rules of a class; attributes are in `vars`."""

    __slots__ = (
        "__dict__",
        "_hand_constant",
        "_hand_forward",
        "_hand_saved",
        "_hand_zeros",
        "needs_input_grad",
        "saved_tensors",
    )

    def __init__(
        self,
        flags: tuple[bool, ...],
        saved: tuple[Any, ...] = (),
        attributes: dict[str, Any] | None = None,
    ) -> None:
        self.needs_input_grad = flags
        self.saved_tensors = saved
        self._hand_saved: tuple[Any, ...] = ()
        self._hand_forward: tuple[Any, ...] = ()
        self._hand_constant: tuple[Any, ...] = ()
        self._hand_zeros = True
        vars(self).update(attributes or {})

    def save_for_backward(self, *tensors: Any) -> None:
        """Remembers what backward reads from `saved_tensors`."""
        self._hand_saved = tensors

    def save_for_forward(self, *tensors: Any) -> None:
        """Remembers what jvp reads from `saved_tensors`."""
        self._hand_forward = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Remembers outputs whose cotangent is zero."""
        self._hand_constant = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Chooses zeros or None for the cotangents that nobody gives."""
        self._hand_zeros = value


def _kept(ctx: HandContext) -> tuple[Any, Any, dict[str, Any]]:
    """What backward reads from `saved_tensors`, what jvp does, and the attributes."""
    return ctx._hand_saved, ctx._hand_forward, dict(vars(ctx))


class Run(NamedTuple):
    """One forward by hand: its output, and what its context kept."""

    output: Any  # as forward returned it
    slots: tuple[Any, ...]  # one tree with slots for each output
    arrays: list[Any]  # the arrays in the outputs
    constant: tuple[bool, ...]  # for each of those: no derivative
    materialize: bool
    kept: tuple[Any, Any, dict[str, Any]]


class Hand:
    """The rules of one class, on the arguments of one call.

    Args:
        cls: The Function.
        args: The positional arguments of the call.
        kwargs: Its keyword arguments.

    Raises:
        ArgumentError: If they don't fit the parameters of forward.
    """

    def __init__(
        self, cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.cls = cls
        (args, kwargs), arrays = take_arrays((args, kwargs))
        self.arrays: Arrays = tuple(map(jnp.asarray, arrays))
        self.skip = 0 if defines(cls, "setup_context") else 1  # leading ctx parameter
        try:
            signature = inspect.signature(cls.forward)
            self.bound = signature.bind(*[None] * self.skip, *args, **kwargs)
        except TypeError as error:
            raise ArgumentError(f"{cls.__name__}.forward: {error}") from error
        self.bound.apply_defaults()
        self.entries = _in_order(self.bound)[self.skip :]
        self.flags = tuple(map(self._has_gradient, self.entries))
        self.conjugates = getattr(cls, "complex_convention", "torch") == "torch"

    def _has_gradient(self, entry: Any) -> bool:
        slots = [s for s in jax.tree.leaves(entry) if isinstance(s, Slot)]
        return any(is_inexact(self.arrays[s.index]) for s in slots)

    def run(self, arrays: Sequence[Any]) -> Run:
        """Runs forward, and setup_context where there is one, on `arrays`."""
        ctx = HandContext(self.flags)
        args = fill(self.bound.args[self.skip :], arrays)
        kwargs = fill(self.bound.kwargs, arrays)
        if self.skip:
            output = self.cls.forward(ctx, *args, **kwargs)
        else:
            output = self.cls.forward(*args, **kwargs)
            self.cls.setup_context(ctx, tuple(fill(self.entries, arrays)), output)
        slots, found = take_arrays(output if isinstance(output, tuple) else (output,))
        constant = tuple(
            not is_inexact(a) or any(a is c for c in ctx._hand_constant) for a in found
        )
        return Run(output, tuple(slots), found, constant, ctx._hand_zeros, _kept(ctx))

    def pull(self, run: Run, cotangents: Sequence[Any]) -> Arrays:
        """Calls backward, in JAX's convention on both sides.

        Args:
            run: What forward kept.
            cotangents: One for each output array; those of constant outputs are
                ignored.

        Returns:
            One gradient for each input array, in its shape and dtype; for integer
            inputs something without a meaning.

        Raises:
            MissingBackwardError: If the class has no backward.
        """
        rule = next((r for r in ("backward", "vjp") if defines(self.cls, r)), None)
        if rule is None:
            raise MissingBackwardError(f"{self.cls.__name__} has no backward")
        ctx = HandContext(self.flags, run.kept[0], run.kept[2])
        given = [
            _absent(a, run.materialize) if constant else self._conj(ct)
            for a, constant, ct in zip(
                run.arrays, run.constant, cotangents, strict=True
            )
        ]
        gradients = getattr(self.cls, rule)(
            ctx, *(fill_only(slot, given) for slot in run.slots)
        )
        if not isinstance(gradients, tuple | list):
            gradients = (gradients,)
        found = scatter(self.entries, gradients, len(self.arrays))
        return tuple(
            self._conj(_adapt(g, x)) for g, x in zip(found, self.arrays, strict=True)
        )

    def _conj(self, value: Any) -> Any:
        return jnp.conj(value) if self.conjugates and jnp.iscomplexobj(value) else value

    def push(self, run: Run, tangents: Sequence[Any]) -> Arrays:
        """Calls jvp: one tangent for each input array, one for each output array."""
        ctx = HandContext(self.flags, run.kept[1], run.kept[2])
        given = [
            t if is_inexact(x) else None
            for t, x in zip(tangents, self.arrays, strict=True)
        ]
        found = self.cls.jvp(ctx, *(fill_only(entry, given) for entry in self.entries))
        if not isinstance(found, tuple):
            found = (found,)
        found = scatter(run.slots, found, len(run.arrays))
        return tuple(
            jnp.zeros_like(a) if constant else _adapt(t, a)
            for t, a, constant in zip(found, run.arrays, run.constant, strict=True)
        )


def _in_order(bound: inspect.BoundArguments) -> list[Any]:
    """The bound values in the order of the signature, stars spread out."""
    values: list[Any] = []
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            values += value
        elif kind is inspect.Parameter.VAR_KEYWORD:
            values += value.values()
        else:
            values.append(value)
    return values


def _absent(array: Any, materialize: bool) -> Any:
    """The cotangent of an output that has none: zeros of its own dtype, or None."""
    if not materialize or jnp.issubdtype(array.dtype, jax.dtypes.extended):
        return None
    return jnp.zeros_like(array)


def _adapt(value: Any, like: Any) -> Any:
    """A gradient or tangent in the shape and dtype of `like`; None becomes zeros."""
    if not is_inexact(like):
        return None
    if value is None:
        return jnp.zeros_like(like)
    value = jnp.asarray(value)
    extra = tuple(range(value.ndim - like.ndim))
    value = jnp.sum(value, extra) if extra else value
    wide = tuple(d for d in range(like.ndim) if value.shape[d] != 1 == like.shape[d])
    value = jnp.sum(value, wide, keepdims=True) if wide else value
    if jnp.iscomplexobj(value) and not jnp.iscomplexobj(like):
        raise TypeError(f"complex where the argument is {like.dtype}")
    if value.shape != like.shape:
        raise ValueError(f"shape {value.shape} where the argument is {like.shape}")
    return value.astype(like.dtype)
