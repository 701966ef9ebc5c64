"""What one Function turns into, as text: `show_text`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from jaxgrad._text import table
from jaxgrad.display._traced import Application
from jaxgrad.errors import CommandError, JaxgradError
from jaxgrad.function import Function, residuals
from jaxgrad.function._trees import short_type


def show_text(
    cls: type[Function],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    platforms: Sequence[str] = ("cpu", "cuda", "tpu"),
    target: str | None = None,
    shard: str | None = None,
) -> str:
    """Describes one Function on given arguments.

    Args:
        cls: The Function.
        args: The positional arguments of `apply`; the values of arrays don't matter.
        kwargs: Its keyword arguments.
        platforms: What to lower for; none of them needs to be there.
        target: What to compile for, as in `jaxgrad.backends.compile_for`; by default
            nothing is compiled.
        shard: A name of a mesh axis over all devices of the target, along which the
            leading axis of every array is split where it divides.

    Returns:
        Sections of text: the residuals with their origin, shape and bytes; the jaxprs
        of forward, of forward with its residuals, of backward and, where the Function
        answers forward mode, of the JVP; the lowered text of forward and of the
        gradient for each platform, equal texts once; and what both cost on the target.
        A part that can't be had is a sentence that says why.

    Raises:
        CommandError: If `forward` fails on these arguments.
        JaxgradError: If the class, the arguments or the target are at fault; the
            message says how.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxgrad import Function
        >>> class Exp(Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         y = jnp.exp(x)
        ...         ctx.save_for_backward(y)
        ...         return y
        ...
        ...     @staticmethod
        ...     def backward(ctx, g):
        ...         return g * ctx.saved_tensors[0]
        >>> print(show_text(Exp, (jnp.ones(4),), {}, platforms=("cpu",)))
        Exp(f32[4]) -> f32[4]
        ...
        saved_tensors[0]  output                    0   f32[4]     16
        ...
    """
    call = Application(cls, args, kwargs)
    title = _signature(cls, args, kwargs)
    parts = [
        ("Residuals: what forward keeps for backward", _residuals(call, args, kwargs))
    ]
    try:
        out = jax.eval_shape(call.forward, *call.arrays)
        title += f" -> {_types(out)}"
        parts += [*_jaxprs(call, out), *_lowerings(call, out, platforms)]
        if target is not None:
            parts += _compiled(call, out, target, shard)
    except JaxgradError:
        raise
    except jax.errors.JAXTypeError as error:
        # Forward asks for values: `apply` can run it, but nothing can trace it.
        parts.append(
            (
                "Jaxprs and lowered text",
                f"There are none: forward can't be traced. {_reason(error)}",
            )
        )
    except Exception as error:
        raise CommandError(f"{title} fails. {_reason(error)}") from error
    sections = [f"{name}\n{'-' * len(name)}\n{text}" for name, text in parts]
    return "\n\n".join([title, *sections])


class _Bare(str):
    """Text that stands in a container's repr without quotes."""

    def __repr__(self) -> str:
        return str(self)


def _types(tree: Any) -> str:
    def one(leaf: Any) -> _Bare:
        return _Bare(short_type(leaf) if hasattr(leaf, "dtype") else repr(leaf))

    return repr(jax.tree.map(one, tree))


def _signature(
    cls: type[Function], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str:
    given = [_types(arg) for arg in args]
    given += [f"{name}={_types(value)}" for name, value in kwargs.items()]
    return f"{cls.__name__}({', '.join(given)})"


def _reason(error: Exception) -> str:
    """One error as text: the library's own in full, others by their first line."""
    if isinstance(error, JaxgradError):
        return str(error)
    first = next((line for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {first.strip()}"


def _residuals(
    call: Application, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str:
    if not call.has_backward:
        return (
            f"{call.cls.__name__} has no backward, so forward saves nothing for one: "
            "reverse mode transposes its jvp."
        )
    try:
        found = residuals(call.cls, *args, **kwargs)
    except Exception as error:
        return f"They can't be had. {_reason(error)}"
    if not found:
        return "None: backward needs nothing from forward."
    rows = [(r.name, r.origin, r.of, short_type(r), f"{r.nbytes:,}") for r in found]
    total = sum(r.nbytes for r in found)
    extra = sum(r.nbytes for r in found if r.packed or r.origin == "intermediate")
    rows.append(("total", "", "", "", f"{total:,}"))
    rows.append(("extra", "neither input nor output", "", "", f"{extra:,}"))
    return table(("name", "origin", "of", "type", "bytes"), rows, align="llllr")


Part = tuple[str, str]


def _attempt(make: Callable[[], object]) -> str:
    try:
        return str(make())
    except Exception as error:
        return f"It can't be made. {_reason(error)}"


def _no_gradient(call: Application, out: Any) -> str:
    if not call.diff:
        return "No argument has a floating or complex dtype, so there is no gradient."
    if not call.cotangents(out):
        return "No output has a floating or complex dtype, so there is no gradient."
    return ""


def _jaxprs(call: Application, out: Any) -> list[Part]:
    parts = [
        (
            "Jaxpr of forward",
            _attempt(lambda: jax.make_jaxpr(call.forward)(*call.arrays)),
        )
    ]
    if why := _no_gradient(call, out):
        return [*parts, ("Jaxpr of backward", why)]

    def backward() -> object:
        _, pullback = jax.eval_shape(call.vjp, *call.arrays)
        take = jax.make_jaxpr(lambda held, given: call.backward(held, out, given))
        return take(pullback, call.cotangents(out))

    parts += [
        (
            "Jaxpr of forward with residuals: outputs, then what backward is handed",
            _attempt(lambda: jax.make_jaxpr(call.vjp)(*call.arrays)),
        ),
        (
            "Jaxpr of backward: of the residuals, then the cotangents",
            _attempt(backward),
        ),
    ]
    if call.has_jvp:
        tangents = [call.arrays[i] for i in call.diff]
        jvp = _attempt(lambda: jax.make_jaxpr(call.jvp)(call.arrays, tangents))
        parts.append(("Jaxpr of the JVP: of the arguments, then their tangents", jvp))
    return parts


def _lowerings(call: Application, out: Any, platforms: Sequence[str]) -> list[Part]:
    parts = _lowered("Forward", call.forward, call.arrays, platforms)
    if why := _no_gradient(call, out):
        return [*parts, ("Gradient", why)]
    given = (call.arrays, call.cotangents(out))
    return parts + _lowered("Gradient", call.gradient, given, platforms)


def _lowered(
    name: str, f: Callable[..., Any], given: Sequence[Any], platforms: Sequence[str]
) -> list[Part]:
    """The lowered text for each platform; platforms with equal text share a part."""
    try:
        traced = jax.jit(f).trace(*given)
    except Exception as error:
        return [(f"{name} lowered", f"It can't be traced. {_reason(error)}")]
    texts: dict[str, list[str]] = {}
    for platform in platforms:
        try:
            lowered = traced.lower(lowering_platforms=(platform,))
            text = lowered.as_text().rstrip()
        except Exception as error:
            text = f"{name} can't be lowered for {platform}. {_reason(error)}"
        texts.setdefault(text, []).append(platform)
    return [(f"{name} lowered for {', '.join(on)}", text) for text, on in texts.items()]


def _compiled(
    call: Application, out: Any, target: str, shard: str | None
) -> list[Part]:
    from jaxgrad.display._target import target_parts

    programs: list[tuple[str, Callable[..., Any], Sequence[Any]]] = [
        ("forward", call.forward, call.arrays)
    ]
    why = _no_gradient(call, out)
    if not why:
        given = (call.arrays, call.cotangents(out))
        programs.append(("with gradient", call.gradient, given))
    return target_parts(target, shard, programs, why)
