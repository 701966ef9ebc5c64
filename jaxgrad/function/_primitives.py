"""The library's primitives; they appear under differentiation only.

- `attach`: identity on outputs and saved intermediates, computed from detached inputs.
  Its derivative is the user's rule (`Attached.push`), and for intermediates that of
  forward.
- `linear`: a linear map of tangents that depends on residuals, with a transpose of its
  own (`LinearRule`). Evaluated forward it is the JVP; transposed it is the user's
  backward.

Neither leaves anything in compiled code: `attach` lowers to its operands, `linear` to
its map.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.function._trees import as_array, is_inexact

Arrays = Sequence[Any]


# --- linear: binds (*residuals, *tangents) --------------------------------------------


class LinearRule:
    """A linear map and its transpose, both from `(residuals, vector)` to a list.

    The transpose is given None for an absent cotangent, and may return None for zero.
    """

    __slots__ = ("map", "name", "transpose")

    def __init__(
        self,
        name: str,
        map: Callable[[Arrays, Arrays], list[Any]],
        transpose: Callable[[Arrays, Arrays], list[Any]],
    ) -> None:
        """Both callables; `name` is shown in jaxprs."""
        self.name = name
        self.map = map
        self.transpose = transpose

    def __repr__(self) -> str:
        """The name of the Function whose rule this is."""
        return self.name


def _linear_run(*args: Any, rule: LinearRule, count: int, avals: Any) -> list[Any]:
    return rule.map(args[:count], args[count:])


def _linear_avals(*args: Any, rule: LinearRule, count: int, avals: Any) -> list[Any]:
    return list(avals)


def _linear_transpose(
    cotangents: Arrays, *args: Any, rule: LinearRule, count: int, avals: Any
) -> list[Any]:
    # An absent cotangent stays absent: the rule decides whether it is None or zeros.
    given = [None if type(c) is _compat.Zero else c for c in cotangents]
    return [None] * count + list(rule.transpose(args[:count], given))


def _linear_jvp(
    primals: Arrays, tangents: Arrays, *, rule: LinearRule, count: int, avals: Any
) -> tuple[Any, list[Any]]:
    bind = functools.partial(linear_p.bind, rule=rule, count=count, avals=avals)
    residuals, vector = primals[:count], primals[count:]
    out = bind(*primals)
    parts = []
    if any(type(t) is not _compat.Zero for t in tangents[count:]):
        parts.append(bind(*residuals, *map(_compat.instantiate, tangents[count:])))
    moving = [i for i, t in enumerate(tangents[:count]) if type(t) is not _compat.Zero]
    if moving:

        def along(*moved: Any) -> list[Any]:
            values = list(residuals)
            for position, value in zip(moving, moved, strict=True):
                values[position] = value
            return rule.map(values, vector)

        at = tuple(residuals[i] for i in moving)
        parts.append(jax.jvp(along, at, tuple(tangents[i] for i in moving))[1])
    if not parts:
        return out, _compat.zero_tangents(out)
    return out, [functools.reduce(jnp.add, terms) for terms in zip(*parts, strict=True)]


def _linear_batch(
    axis: _compat.BatchAxis,
    args: Arrays,
    dims: Arrays,
    *,
    rule: LinearRule,
    count: int,
    avals: Any,
) -> tuple[Any, list[Any]]:
    if all(d is None for d in dims) and not axis.named:
        out = linear_p.bind(*args, rule=rule, count=count, avals=avals)
        return out, [None] * len(out)
    args = [_front(a, d) for a, d in zip(args, dims, strict=True)]
    in_axes = ([None if d is None else 0 for d in dims[:count]], 0)
    vector = [
        axis.to_front(a, None if d is None else 0)
        for a, d in zip(args[count:], dims[count:], strict=True)
    ]

    def lift(part: Callable[[Arrays, Arrays], list[Any]]) -> Any:
        mapped = axis.vmap(part, in_axes=in_axes)
        return lambda residuals, vector: mapped(list(residuals), list(vector))

    out = linear_p.bind(
        *args[:count],
        *vector,
        rule=LinearRule(rule.name, lift(rule.map), lift(rule.transpose)),
        count=count,
        avals=tuple(map(axis.aval, avals)),
    )
    return out, [0] * len(out)


def _front(value: Any, dim: int | None) -> Any:
    return value if dim is None or dim == 0 else jnp.moveaxis(value, dim, 0)


linear_p = _compat.define(
    "function_linear",
    _linear_run,
    _linear_avals,
    jvp=_linear_jvp,
    batch=_linear_batch,
    transpose=_linear_transpose,
)


def linear(
    rule: LinearRule, residuals: Arrays, tangents: Arrays, avals: Sequence[Any]
) -> list[Any]:
    """Apply `rule` to `tangents`, as one equation.

    Args:
        rule: the map and its transpose.
        residuals: what both depend on, not linearly.
        tangents: what the map is linear in.
        avals: the types of the results.

    Returns:
        The tangents that the map makes of them.
    """
    return linear_p.bind(
        *residuals, *tangents, rule=rule, count=len(residuals), avals=tuple(avals)
    )


# --- attach: binds (*outs, *mids, *aux, *inputs), returns (*outs, *mids) --------------


class Attached(Protocol):
    """The static side of one application, as `attach` sees it."""

    sizes: tuple[int, int, int]  # how many outs, mids and aux there are
    detached: bool  # whether its operands outs and mids have no tangent

    def push(
        self, flags: tuple[bool, ...], groups: tuple[Arrays, ...], tangents: Arrays
    ) -> tuple[list[Any], list[Any]]:
        """Tangents of outs and mids, from those of the inputs that `flags` names."""
        ...

    def stray(self) -> None:
        """Called where outs or mids have a tangent that no input explains."""
        ...


def split(values: Arrays, sizes: tuple[int, int, int]) -> tuple[Arrays, ...]:
    """The groups (outs, mids, aux, inputs) of the operands of `attach`."""
    n_out, n_mid, n_aux = sizes
    a, b = n_out + n_mid, n_out + n_mid + n_aux
    return values[:n_out], values[n_out:a], values[a:b], values[b:]


def _attach_run(*values: Any, call: Attached) -> list[Any]:
    return list(values[: call.sizes[0] + call.sizes[1]])


def _attach_jvp(
    primals: Arrays, tangents: Arrays, *, call: Attached
) -> tuple[list[Any], list[Any]]:
    results = call.sizes[0] + call.sizes[1]
    stray = any(type(t) is not _compat.Zero for t in tangents[:results])
    if stray and not _compat.over_reports():
        # Computed from detached inputs: the tangent comes from elsewhere. (Where JAX
        # calls everything differentiated, it says nothing.)
        call.stray()
    live = attach_p.bind(*primals, call=call)
    moving = split(tangents, call.sizes)[3]
    flags = tuple(type(t) is not _compat.Zero for t in moving)
    if not any(flags):
        return live, _compat.zero_tangents(live)
    groups = split([*live, *primals[len(live) :]], call.sizes)
    given = [t for t, flag in zip(moving, flags, strict=True) if flag]
    outs, mids = call.push(flags, groups, given)
    return live, [*outs, *mids]


class _Batched:
    """An application whose operands have a leading batch axis, where `axes` has a 0."""

    def __init__(self, call: Attached, axis: _compat.BatchAxis, axes: Any) -> None:
        self.call = call
        self.sizes = call.sizes
        self.detached = call.detached
        self.axis = axis
        self.axes = axes

    def push(
        self, flags: tuple[bool, ...], groups: tuple[Arrays, ...], tangents: Arrays
    ) -> tuple[list[Any], list[Any]]:
        inputs = self.axes[3]
        moving = [axis for axis, flag in zip(inputs, flags, strict=True) if flag]
        one = functools.partial(self.call.push, flags)
        mapped = self.axis.vmap(one, in_axes=(self.axes, moving))
        return mapped(tuple(map(list, groups)), list(tangents))

    def stray(self) -> None:
        """As the call itself."""
        self.call.stray()

    def __repr__(self) -> str:
        return f"vmap({self.call!r})"


def _attach_batch(
    axis: _compat.BatchAxis, args: Arrays, dims: Arrays, *, call: Attached
) -> tuple[Any, list[Any]]:
    if isinstance(call, _Detach):  # no cotangent comes back: what is shared stays so
        return attach_p.bind(*args, call=call), list(dims)
    if all(d is None for d in dims) and not axis.named:
        out = attach_p.bind(*args, call=call)
        return out, [None] * len(out)
    results = call.sizes[0] + call.sizes[1]
    # Every result becomes mapped: a result that is shared over the batch would
    # otherwise get the sum of the cotangents and hand it to every example.
    args = [
        axis.to_front(a, d) if i < results else _front(a, d)
        for i, (a, d) in enumerate(zip(args, dims, strict=True))
    ]
    axes = [0 if i < results or d is not None else None for i, d in enumerate(dims)]
    groups = tuple(map(list, split(axes, call.sizes)))
    out = attach_p.bind(*args, call=_Batched(call, axis, groups))
    return out, [0] * len(out)


def _attach_avals(*avals: Any, call: Attached) -> list[Any]:
    return list(avals[: call.sizes[0] + call.sizes[1]])


attach_p = _compat.define(
    "function_attach",
    _attach_run,
    _attach_avals,
    jvp=_attach_jvp,
    batch=_attach_batch,
)


class _Detach:
    """Attaches to nothing: JAX believes that the values depend on no input."""

    detached = False  # the operands are the live values

    def __init__(self, count: int) -> None:
        self.sizes = (count, 0, 0)

    def push(
        self, flags: tuple[bool, ...], groups: tuple[Arrays, ...], tangents: Arrays
    ) -> tuple[list[Any], list[Any]]:
        raise AssertionError("there is no input that could move")

    def stray(self) -> None:
        """Nothing: what is detached may have had a tangent."""

    def __repr__(self) -> str:
        return "detach"


def detach(values: Arrays) -> list[Any]:
    """`values` without their tangents, in one equation; `stop_gradient` needs one each.

    What `attach` has just attached is there detached already, and needs no equation:
    the next Function in a chain starts from it.

    Returns:
        As many values. What is concrete has no tangent, and stays as it is.
    """
    out = list(values)
    moving = []
    for i, value in enumerate(values):
        if not isinstance(value, _compat.Tracer) or not is_inexact(value.dtype):
            continue
        found = _compat.operand_of(value, attach_p)
        # Two values that were attached to one must stay two: they differ in tangents.
        if (
            found is not None
            and found[1]["call"].detached
            and all(found[0] is not other for other in out)
        ):
            out[i] = found[0]
        else:
            moving.append(i)
    if moving:
        operands = [values[i] for i in moving]
        fresh = attach_p.bind(*operands, call=_Detach(len(moving)))
        for i, value in zip(moving, fresh, strict=True):
            out[i] = as_array(value)  # under an eager trace it may be a Python scalar
    return _apart(values, out) if len(out) > 1 else out


def _apart(values: Arrays, detached: list[Any]) -> list[Any]:
    """`detached` with one object for each of `values`, which are told apart by them.

    Two values at the same point may come out as the same concrete array, `f(x, x)`
    under two eager levels of `grad` say; what forward saves must not be taken for the
    wrong one.

    Returns:
        The same list, changed in place.
    """
    seen: dict[int, Any] = {}
    for i, (value, plain) in enumerate(zip(values, detached, strict=True)):
        if seen.setdefault(id(plain), value) is value or not is_inexact(plain.dtype):
            continue
        detached[i] = jnp.array(plain, copy=True)
    return detached


def attach(call: Attached, groups: tuple[Arrays, ...]) -> tuple[Arrays, Arrays]:
    """Outs and mids of `groups`, whose derivative is that of `call`."""
    outs, mids, aux, inputs = groups
    live = attach_p.bind(*outs, *mids, *aux, *inputs, call=call)
    return (live[: len(outs)], live[len(outs) :]) if mids else (live, mids)
