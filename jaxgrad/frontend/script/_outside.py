"""Calls from a compiled script to functions that it does not compile.

- `run_outside`: one marked `ignore` is called in Python, by a callback.
- `unreachable`: one marked `unused` raises.
- `refuse`: a class marked `ignore` can't be called.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.lower.script import _output, _raising
from jaxgrad.lower.script._builtins import HANDLERS
from jaxgrad.lower.script._values import PASS, is_array


def _debugging(session: Any, *args: Any, **kwargs: Any) -> Any:
    """What a script does with `jax.debug.print` and the like."""
    return None if session.host.strip("a debug callback", session.place) else PASS


for _function in (jax.debug.print, jax.debug.callback):
    HANDLERS[_function] = _debugging

RESULT = "__jaxgrad_result__"
_SCALARS = (bool, int, float, complex)
_WAYS = (
    "annotate it, -> jax.ShapeDtypeStruct((3,), jnp.float32) say, or mark it "
    "@jaxgrad.ignore(result=...)"
)


def unreachable(fn: Any, session: Any, args: Any, kwargs: Any) -> NoReturn:
    """What a script does that calls a function marked `unused`."""
    error = NotImplementedError(
        f"{fn.__qualname__} is marked @jaxgrad.unused, and was called; mark it "
        "@jaxgrad.ignore to call it in Python"
    )
    _raising.raise_exception(session, error)
    raise error


def refuse(cls: type, session: Any, args: Any, kwargs: Any) -> NoReturn:
    """What a script does that calls a class marked `ignore`."""
    raise session.error(
        f"{cls.__qualname__} is marked @jaxgrad.ignore: what it makes in Python can't "
        "enter a compiled program",
        "make the instance before the script is called, and pass it",
    )


def run_outside(
    fn: Any, session: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Call a function marked `ignore` in Python, when the program runs.

    Returns:
        Arrays of the type that it declares; None if that is None.
    """
    if session.host.strips:
        raise session.error(
            f"{fn.__qualname__} is marked @jaxgrad.ignore: it runs in Python, which "
            "no file has",
            "write it in JAX, or keep the script in this program",
        )
    declared = _declared(session, fn, args, kwargs)
    leaves, rebuild = _apart((tuple(args), dict(kwargs)))

    def called(*arrays: Any) -> Any:
        given, named = rebuild([np.asarray(a) for a in arrays])
        return fn(*given, **named)

    if declared is None:
        _output.tell(session, lambda arrays: called(*arrays), leaves)
        return None
    types = jax.tree.map(_struct, declared, is_leaf=_is_type)

    def checked(*arrays: Any) -> Any:
        found = called(*arrays)
        try:
            return jax.tree.map(_fitting, types, found)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{fn.__qualname__}, marked @jaxgrad.ignore, returned {found!r:.200}; "
                f"it declares {types}"
            ) from error

    made = _without_derivative(session, fn, checked, types, leaves)
    return jax.tree.map(_weak, declared, made, is_leaf=_is_type)


def _without_derivative(
    session: Any, fn: Any, called: Any, types: Any, leaves: Sequence[Any]
) -> Any:
    """The callback, whose differentiation is an error at this place."""
    place = session.place

    @jax.custom_jvp
    def call(*arrays: Any) -> Any:
        return jax.pure_callback(called, types, *arrays, vmap_method="sequential")

    @call.defjvp
    def no_rule(primals: Any, tangents: Any) -> Any:
        raise session.error(
            f"{fn.__qualname__} is marked @jaxgrad.ignore: it runs in Python, and has "
            "no derivative",
            "give it jax.lax.stop_gradient of its arguments, or write it as a Function "
            "with a backward",
            place,
        )

    return call(*leaves)


def _apart(value: Any) -> Any:
    """The arrays in lists, tuples, dicts and pytrees, and how they come back."""
    leaves, tree = jax.tree.flatten(value)
    moving = [is_array(leaf) for leaf in leaves]

    def rebuild(arrays: Sequence[Any]) -> Any:
        rest = iter(arrays)
        pairs = zip(leaves, moving, strict=True)
        return jax.tree.unflatten(tree, [next(rest) if m else x for x, m in pairs])

    return [x for x, m in zip(leaves, moving, strict=True) if m], rebuild


def _declared(session: Any, fn: Any, args: Any, kwargs: Any) -> Any:
    """What a function says that it returns: a pytree of types; None for nothing."""
    declared = getattr(fn, RESULT, None)
    if declared is None:
        declared = _annotation(session, fn)
    if not isinstance(declared, type) and callable(declared):
        declared = declared(*args, **kwargs)
    kinds = jax.tree.leaves(declared, is_leaf=_is_type)
    if not all(map(_is_type, kinds)):
        raise session.error(
            f"{fn.__qualname__} is marked @jaxgrad.ignore, and declares that it "
            f"returns {declared!r}, which is no type of arrays",
            _WAYS,
        )
    return declared


def _annotation(session: Any, fn: Any) -> Any:
    names = inspect.getclosurevars(fn) if fn.__closure__ else None
    inside = dict(names.nonlocals) if names is not None else {}
    raw = fn.__annotations__.get("return", inspect.Signature.empty)
    if raw is inspect.Signature.empty:
        raise session.error(
            f"{fn.__qualname__} is marked @jaxgrad.ignore, and does not say what it "
            "returns",
            _WAYS,
        )
    if not isinstance(raw, str):
        return raw
    try:
        return eval(raw, fn.__globals__, inside)
    except Exception as error:
        raise session.error(
            f"the return annotation of {fn.__qualname__}, {raw}, can't be evaluated "
            f"({error})",
            _WAYS,
        ) from error


def _is_type(value: Any) -> bool:
    kinds = (jax.ShapeDtypeStruct, jax.Array, np.ndarray)
    return value in _SCALARS if isinstance(value, type) else isinstance(value, kinds)


def _struct(kind: Any) -> jax.ShapeDtypeStruct:
    if isinstance(kind, type):
        return jax.ShapeDtypeStruct((), jnp.asarray(kind(0)).dtype)
    return jax.ShapeDtypeStruct(kind.shape, kind.dtype)


def _fitting(struct: Any, value: Any) -> Any:
    array = np.asarray(value)
    if array.shape != struct.shape:
        raise ValueError(f"shape {array.shape}")
    return array.astype(struct.dtype, casting="same_kind")


def _weak(kind: Any, value: Any) -> Any:
    from jaxgrad import _compat

    if not isinstance(kind, type):
        return value
    return _compat.as_aval(value, jax.typeof(kind(0)))


__all__ = ["RESULT", "refuse", "run_outside", "unreachable"]
