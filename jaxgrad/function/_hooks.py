"""Saved-tensor hooks: what is kept between forward and backward, packed by the user.

- `saved_tensors_hooks`: pack and unpack every saved tensor.
- `save_on_host`: keep them in the host's memory.
- `disable_saved_tensors_hooks`: refuse both in a region.

The hooks in force are a JAX user context, and so a part of the key of `jax.jit`'s
cache: a function that was traced without them is traced again inside them. They are
read where forward is traced for differentiation; backward may run anywhere.
"""

import contextlib
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, NamedTuple

import jax

from jaxgrad import _compat
from jaxgrad.errors import HookError
from jaxgrad.function import _closures
from jaxgrad.function._primitives import LinearRule, linear
from jaxgrad.function._trees import is_differentiable


class Packer(NamedTuple):
    """A pair of hooks with a name; see `jaxgrad.packers` for ready-made ones.

    Attributes:
        pack: takes an array, returns a pytree of arrays and static values.
        unpack: takes that pytree, returns an array.
        name: how tables call it.
    """

    pack: Callable[[Any], Any]
    unpack: Callable[[Any], Any]
    name: str = ""

    def functions(self) -> list[tuple[str, Any]]:
        """Its two functions, with their names."""
        return [("pack", self.pack), ("unpack", self.unpack)]

    def __repr__(self) -> str:
        """Its name, or those of its functions."""
        own = [getattr(f, "__qualname__", repr(f)) for f in self[:2]]
        return self.name or f"({', '.join(own)})"


class _Refusal(NamedTuple):
    """In the place of hooks: none may be used here."""

    message: str


_context: Any = jax.make_user_context(None)


def current() -> Packer | None:
    """The hooks in force in this thread, or None."""
    value = _context.value
    return value if type(value) is Packer else None


def unclosed(owner: str) -> Packer | None:
    """The hooks in force where forward is traced after the application was made.

    Returns:
        The hooks, or None.

    Raises:
        HookError: they close over a traced value, which may not live long enough.
    """
    hooks = current()
    if hooks is None:
        return None
    closed = _closures.find([], hooks.functions())
    if closed is not None:
        raise HookError(
            f"{owner}: the hooks {hooks!r} close over the traced value "
            f"{closed.names[0]!r}, and were entered after {owner} was applied.\n"
            "  Expected hooks over concrete values there; got a tracer.\n"
            f"  Enter the region where {owner}.apply is called."
        )
    return hooks


class saved_tensors_hooks(contextlib.ContextDecorator):
    """A region in which every saved tensor goes through `pack` and `unpack`.

    `pack` is called once for each tensor that `ctx.save_for_backward` kept, inputs and
    outputs included, in order, when an application in the region is differentiated.
    `unpack` is called whenever `ctx.saved_tensors` is read, also after the region. Of
    nested regions the innermost counts; other threads are not affected. What is put on
    `ctx` as an attribute is not packed.

    The hooks are part of the key of `jax.jit`'s cache: new function objects re-trace
    what is jitted inside, so make them once. Under `jit` they see tracers. If a packed
    value has no derivative (integers, say), a second derivative through it raises. For
    the `jax.custom_vjp` that `to_custom_vjp` hands out, the region has to be round the
    derivative, not round the call alone: JAX traces its forward only then.

    Args:
        pack: a function of one array that returns a pytree of arrays and static values;
            or a `Packer`, then without `unpack`.
        unpack: a function of what `pack` returned that returns an array.

    Raises:
        HookError: the arguments are not functions, or (on entering) hooks are disabled.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> import jaxgrad
        >>> class Square(jaxgrad.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return 2 * x * grad
        >>> with jaxgrad.saved_tensors_hooks(lambda x: 10 * x, lambda x: x):
        ...     float(jax.grad(Square.apply)(1.0))
        20.0
        >>> with jaxgrad.saved_tensors_hooks(jaxgrad.packers.bfloat16):
        ...     float(jax.grad(Square.apply)(1.0))
        2.0

    The semantics is that of `torch.autograd.graph.saved_tensors_hooks` (torch 2.13),
    which does not work under `torch.func`; this does under every transformation.
    """

    def __init__(
        self,
        pack: Callable[[Any], Any] | Packer,
        unpack: Callable[[Any], Any] | None = None,
    ) -> None:
        """See the class."""
        given: Any = pack
        if unpack is not None:
            given = Packer(pack, unpack)  # type: ignore[arg-type]
        if not isinstance(given, Packer) or not all(map(callable, given[:2])):
            raise HookError(
                "saved_tensors_hooks expected two functions, pack and unpack, or a "
                f"Packer; got {pack!r} and {unpack!r}."
            )
        hash(given)  # a clear TypeError here rather than inside jit
        self.packer = given
        self._entered: list[Any] = []

    def _recreate_cm(self) -> "saved_tensors_hooks":
        return type(self)(self.packer)

    def __enter__(self) -> "saved_tensors_hooks":
        """Put the hooks in force."""
        if isinstance(_context.value, _Refusal):
            raise HookError(_context.value.message)
        entered = _context(self.packer)
        entered.__enter__()
        self._entered.append(entered)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Put back what was in force before."""
        self._entered.pop().__exit__(kind, error, trace)


@contextlib.contextmanager
def disable_saved_tensors_hooks(message: str) -> Iterator[None]:
    """A region in which entering saved-tensor hooks raises; so does this inside hooks.

    Args:
        message: what the error says.

    Raises:
        HookError: with `message`, where hooks are in force or are entered.

    Example:
        >>> import jaxgrad
        >>> with jaxgrad.disable_saved_tensors_hooks("not in this layer"):
        ...     with jaxgrad.saved_tensors_hooks(lambda x: x, lambda x: x):
        ...         pass
        Traceback (most recent call last):
            ...
        jaxgrad.errors.HookError: not in this layer
    """
    if type(_context.value) is Packer:
        raise HookError(message)
    with _context(_Refusal(message)):
        yield


def save_on_host() -> saved_tensors_hooks:
    """A region in which saved tensors wait for backward in the host's memory.

    They move there when forward ends and back when backward reads them, as part of the
    compiled program. On a platform whose devices use the host's memory already (CPU)
    this changes where JAX says they are, and nothing else. Derivatives of every order
    pass.

    Returns:
        A context manager, like `saved_tensors_hooks`.

    Raises:
        HookError: the default device has no host memory that it can address.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> import jaxgrad
        >>> class Exp(jaxgrad.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         y = jnp.exp(x)
        ...         ctx.save_for_backward(y)
        ...         return y
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (y,) = ctx.saved_tensors
        ...         return grad * y
        >>> with jaxgrad.save_on_host():
        ...     float(jax.jit(jax.grad(Exp.apply))(0.0))
        1.0
    """
    device = jax.devices()[0]
    kinds = sorted(memory.kind for memory in device.addressable_memories())
    if "pinned_host" not in kinds:
        raise HookError(
            "save_on_host needs memory of the host that the device can address.\n"
            f"  Expected the memory kind 'pinned_host' on {device}; got "
            f"{', '.join(kinds)}.\n"
            "  Use jaxgrad.saved_tensors_hooks with a packer, or jax.checkpoint, to "
            "save memory here."
        )
    return saved_tensors_hooks(_ON_HOST)


def _to_host(value: Any) -> Any:
    return _moved(value, jax.memory.Space.Host)


def _to_device(value: Any) -> Any:
    return _moved(value, jax.memory.Space.Device)


def _moved(value: Any, space: Any) -> Any:
    """`value` in another memory; JAX's own move has no transpose."""
    if not is_differentiable(value):
        return jax.device_put(value, space)
    there = _compat.in_memory(jax.typeof(value), space)
    home = jax.typeof(value).memory_space

    def go(_: Any, vector: Any) -> list[Any]:
        return [jax.device_put(vector[0], space)]

    def back(_: Any, cotangents: Any) -> list[Any]:
        return [None if c is None else jax.device_put(c, home) for c in cotangents]

    return linear(LinearRule("save_on_host", go, back), [], [value], [there])[0]


_ON_HOST = Packer(_to_host, _to_device, "save_on_host")
