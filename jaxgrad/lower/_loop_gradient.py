"""The primitives of loops: three identities that compiled code does not hold.

- `guard`: values whose reverse-mode gradient is refused, with the caller's error.
- `any_lane`: whether a condition holds for some example of a `vmap`.
- `keep`: the new value for the examples of a `vmap` that go on, the old one for others.

A `vmap` over a loop makes its condition one bool an example. Then JAX runs both sides
of every `cond`, and selects between whole carries. With these, the loop ends when no
example goes on, blocks of steps are skipped when none needs them, and only what really
differs between examples is selected.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.errors import LoopGradientError
from jaxgrad.function._trees import is_inexact

Refuse = Callable[[], Exception]


def guard(values: Sequence[Any], refuse: Refuse) -> list[Any]:
    """`values`, differentiable in forward mode only.

    Args:
        values: arrays; those that have no gradient stay as they are.
        refuse: makes what is raised where reverse mode reaches one of them.

    Returns:
        As many arrays.
    """
    # An equation each: JAX can still drop the carries that nobody uses.
    return [
        guard_p.bind(v, refuse=refuse)[0] if is_inexact(jnp.result_type(v)) else v
        for v in values
    ]


def any_lane(predicate: Any) -> Any:
    """Whether a bool holds for any example; one bool for all of them."""
    return any_lane_p.bind(predicate)[0]


def keep(going: Any, new: Sequence[Any], old: Sequence[Any]) -> list[Any]:
    """`new` where `going` holds, in a loop that ran only because it does for some.

    Args:
        going: a bool, true for one of the examples at least.
        new: arrays.
        old: as many arrays of the same types.

    Returns:
        As many arrays: `new` itself if there is no `vmap`.
    """
    return keep_p.bind(going, *new, *old) if new else []


def guard_shared(predicate: Any, values: Sequence[Any]) -> list[Any]:
    """`values`, for a loop that may take other numbers of steps on other devices.

    Inside `shard_map` the gradient of a value that is the same on all devices is a sum
    over them, and JAX would put that sum into the loop. A device that has ended takes
    no part in it, and the others wait for ever. So that gradient is an error.

    Args:
        predicate: the type of the bool that says whether to go on.
        values: what the loop uses.

    Returns:
        As many arrays: the same ones where all devices go on together.
    """
    axes = frozenset() if _compat.outside_meshes() else _compat.varying_axes(predicate)
    if not axes:
        return list(values)
    refuse = functools.partial(_shared_error, ", ".join(map(repr, sorted(axes))))
    return [
        v if axes <= _compat.varying_axes(jax.typeof(v)) else guard([v], refuse)[0]
        for v in values
    ]


def _shared_error(axes: str) -> LoopGradientError:
    return LoopGradientError(
        "a loop that takes another number of steps on each device can't sum the "
        "gradient of a value that they share.\n"
        "  Make one of it for each device before the loop: "
        f'jax.lax.pcast(value, ({axes},), to="varying").'
    )


# --- guard: value -> value ------------------------------------------------------------


def _identity(value: Any, *, refuse: Refuse) -> list[Any]:
    return [value]


def _guard_jvp(primals: Any, tangents: Any, *, refuse: Refuse) -> Any:
    out = guard_p.bind(*primals, refuse=refuse)
    if type(tangents[0]) is _compat.Zero:
        return out, _compat.zero_tangents(out)
    # The tangent passes the same identity: it is linear, and its transpose raises.
    return out, guard_p.bind(*tangents, refuse=refuse)


def _guard_transpose(cotangents: Any, value: Any, *, refuse: Refuse) -> list[Any]:
    if type(cotangents[0]) is _compat.Zero:
        return [None]
    raise refuse()


def _guard_batch(axis: Any, args: Any, dims: Any, *, refuse: Refuse) -> Any:
    return guard_p.bind(*args, refuse=refuse), list(dims)


guard_p = _compat.define(
    "loop_guard",
    _identity,
    _identity,
    jvp=_guard_jvp,
    transpose=_guard_transpose,
    batch=_guard_batch,
)


# --- any_lane: bool -> bool -----------------------------------------------------------


def _same(predicate: Any) -> list[Any]:
    return [predicate]


def _no_tangent(primals: Any, tangents: Any) -> Any:
    out = any_lane_p.bind(*primals)
    return out, _compat.zero_tangents(out)


def _any_batch(axis: Any, args: Any, dims: Any) -> Any:
    (predicate,), (dim,) = args, dims
    if dim is not None:
        predicate = jnp.any(predicate, axis=dim)
    return any_lane_p.bind(predicate), [None]


any_lane_p = _compat.define(
    "loop_any_lane", _same, _same, jvp=_no_tangent, batch=_any_batch
)


# --- keep: (going, *new, *old) -> (*new) ----------------------------------------------


def _new(going: Any, *values: Any) -> list[Any]:
    return list(values[: len(values) // 2])


def _keep_jvp(primals: Any, tangents: Any) -> Any:
    out = keep_p.bind(*primals)
    count = len(out)
    new, old = tangents[1 : 1 + count], tangents[1 + count :]
    pushed = list(new)
    moving = [
        i
        for i in range(count)
        if type(new[i]) is not _compat.Zero or type(old[i]) is not _compat.Zero
    ]
    fresh = keep(
        primals[0],
        [_compat.instantiate(new[i]) for i in moving],
        [_compat.instantiate(old[i]) for i in moving],
    )
    for i, tangent in zip(moving, fresh, strict=True):
        pushed[i] = tangent
    return out, pushed


def _keep_batch(axis: Any, args: Any, dims: Any) -> Any:
    going, count = args[0], len(args) // 2
    if dims[0] is None:
        # The old values are never taken; what counts is how the new ones are mapped.
        fronted = [
            a if d is None else axis.to_front(a, d)
            for a, d in zip(args, dims, strict=True)
        ]
        pairs = range(1, 1 + count)
        for i in pairs:
            if (dims[i] is None) != (dims[i + count] is None):
                fronted[i] = axis.to_front(args[i], dims[i])
                fronted[i + count] = axis.to_front(args[i + count], dims[i + count])
        out = keep_p.bind(*fronted)
        mapped = [dims[i] is not None or dims[i + count] is not None for i in pairs]
        return out, [0 if m else None for m in mapped]
    args = [axis.to_front(a, d) for a, d in zip(args, dims, strict=True)]
    going = args[0]
    out = [
        _select(going, new, old)
        for new, old in zip(args[1 : 1 + count], args[1 + count :], strict=True)
    ]
    # An outer vmap may map over what this one selects from: the select is enough then,
    # because an example that has ended selects its old value.
    return out, [0] * count


def _select(going: Any, new: Any, old: Any) -> Any:
    where = going.reshape(going.shape + (1,) * (new.ndim - going.ndim))
    return jax.lax.select(jnp.broadcast_to(where, new.shape), new, old)


keep_p = _compat.define(
    "loop_keep",
    _new,
    _new,
    jvp=_keep_jvp,
    batch=_keep_batch,
)
