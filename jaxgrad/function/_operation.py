"""`Operation`: what a recorded application is, and its primitive `python_op`.

- `Operation`: the parameter of the equation.
- `BatchedOperation`: the same under `vmap`; still one equation.
- `RECORDING`: the switch; see `_recording`.

The equation has no meaning of its own: evaluation, differentiation and batching are
those of the call's lowered function (`_lowering.lower`), with the recording switched
off, so that Functions inside forward stay what they are.
"""

from collections.abc import Callable, Sequence
from typing import Any

import jax

from jaxgrad import _compat
from jaxgrad.errors import TraceError
from jaxgrad.function import _anomaly, _axes, _hooks
from jaxgrad.function._attachment import refuse_captured, run_attached
from jaxgrad.function._forward_mode import push_or_refuse
from jaxgrad.function._lowering import lower
from jaxgrad.function._nested_call import NestedCall
from jaxgrad.function._opaque import Template
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._run import execute
from jaxgrad.function._spec import ARRAY, Spec
from jaxgrad.function._steady import same_program
from jaxgrad.function._trees import as_array, is_inexact

Arrays = Sequence[Any]

MAX_BATCHED = 32

# A user context, so that functions that are jitted already are traced again.
RECORDING: Any = jax.make_user_context(None)


class Operation:
    """One kind of application: a Function and its static arguments.

    Operations of the same call (`Spec`) are equal.

    Attributes:
        spec: the static side of the call.
        cconv: one letter for each leaf of the arguments that were given: `d` for an
            array, `c` for a static one; then a `d` for each hidden operand.
        scalar_args: the static leaves, in order.
        names: the names of the arguments.
        hidden: how many operands follow those of the arguments: the values of running
            transformations that the Function closes over.
        pure: whether a pass may remove or merge such applications.
    """

    def __init__(self, spec: Spec) -> None:
        """Of the calls that `spec` describes; it must have no Refs."""
        self.spec = spec
        self.name = spec.owner
        self.names = spec.names[: spec.given]
        self.hidden = len(spec.captured.names) if spec.captured is not None else 0
        given = sum(slot.num_leaves for slot in spec.slots[: spec.given])
        arrays = [leaf is ARRAY for leaf in spec.leaves]
        letters = ["d" if array else "c" for array in arrays[:given]]
        letters += ["d"] * (sum(arrays[given:]) + self.hidden)
        self.cconv = "".join(letters)
        plain = all(spec.slot_is_leaf[: spec.given]) and not spec.keywords
        self.nested = None if plain else NestedCall(spec)
        pairs = zip(spec.leaves[:given], arrays, strict=False)
        self.scalar_args = [leaf for leaf, array in pairs if not array]
        self.pure = bool(getattr(spec.cls, "pure", True))
        self.batched: dict[Any, BatchedOperation] = {}
        # JAX keeps what it traced as long as this function lives, which the class must
        # not do: what is traced holds the class weakly.
        weak = spec.weakly()
        self.plain: Callable[..., Outputs] = lambda *arrays: lower(weak)(*arrays)
        self._traced = jax.jit(self.plain)

        def detached(*arrays: Any) -> list[Any]:
            result = execute(weak, arrays, [False] * len(arrays))[1]
            return list(Outputs.of(result).converted().arrays)

        self.detached: Callable[..., list[Any]] = detached

    @property
    def function(self) -> Any:
        """The Function; None if it is gone, which only its jitted forward can see."""
        return self.spec.cls

    def apply(self, *arrays: Any) -> Outputs:
        """One equation, or outside every trace the values.

        Args:
            *arrays: the operands, those of the arguments and the hidden ones.

        Returns:
            What forward returned.
        """
        operands = [as_array(a) for a in arrays]
        result = self.trace([jax.typeof(a) for a in operands])
        return result.with_arrays(python_op_p.bind(*operands, op=self))

    def trace(self, avals: Arrays) -> Outputs:
        """What forward returns, its arrays' types in the place of the arrays."""
        traced = self.traced(avals)
        return jax.tree.unflatten(traced.out_tree, traced.jaxpr.out_avals)

    def traced(self, avals: Arrays) -> Any:
        """The abstract evaluation at operands of these types; JAX caches it."""
        with RECORDING(None):
            return self._traced.trace(*avals)

    def effects(self, avals: Arrays) -> Any:
        """What forward does beside computing its results, as JAX notes it."""
        found = self.traced(avals).jaxpr.effects
        if _compat.switched_on():  # some of the coming custom rules don't tell
            with RECORDING(None):
                found = found | jax.jit(self.detached).trace(*avals).jaxpr.effects
        return found

    def is_steady(self, avals: Arrays) -> bool:
        """Whether forward is, traced again, the same program as before."""
        try:
            before = self.traced(avals).jaxpr
            with RECORDING(None):
                now = jax.make_jaxpr(lambda *xs: self.plain(*xs).arrays)(*avals)
        except Exception:  # only where it was recorded can it be traced: in a shard_map
            return True
        return same_program(before, now)

    def run(self, arrays: Arrays) -> Arrays:
        """Forward, with its rule; hooks and anomalies are those of the caller."""
        self._check_alive()
        spec, hooks = self.spec, _hooks.current()
        if _anomaly.SWITCH.value is not None and spec.watch is None:
            spec = _anomaly.watched(spec)
        if hooks is not None and spec.hooks is None:
            spec = spec.packed_by(hooks)
        with RECORDING(None):
            return lower(spec)(*arrays).arrays

    def push(self, primals: Arrays, tangents: Arrays) -> tuple[Arrays, Arrays]:
        """The results and their tangents.

        Args:
            primals: the operands.
            tangents: theirs; None for those that don't move.

        Returns:
            The results; their tangents, None where there is none.
        """
        self._check_alive()
        spec, inputs = self.spec, [as_array(x) for x in primals]
        every = _compat.over_reports()
        moving = [every or t is not None for t in tangents]
        pairs = zip(inputs, moving, strict=True)
        flags = tuple([m and is_inexact(x.dtype) for x, m in pairs])
        if not every:
            refuse_captured(spec, flags)
        app, outputs, groups = _compat.in_primal_trace(
            tangents, run_attached, spec, inputs, flags
        )
        given = [
            _axes.zeros(jax.typeof(x)) if t is None else t
            for x, t, flag in zip(inputs, tangents, flags, strict=True)
            if flag
        ]
        keeping, kept = app.keep(groups)
        found = iter(push_or_refuse(keeping, flags, kept, given))
        return outputs.arrays, [next(found) if d else None for d in app.differentiable]

    def under(
        self, axis: _compat.BatchAxis, dims: Any, out_dims: Any = None
    ) -> "BatchedOperation":
        """This operation, mapped over a batch axis."""
        key = (axis.key, dims, out_dims)
        found = self.batched.get(key)
        if found is None:
            found = BatchedOperation(self, axis, dims, out_dims)
            while len(self.batched) >= MAX_BATCHED:
                self.batched.pop(next(iter(self.batched)), None)
            self.batched[key] = found
        return found

    def _check_alive(self) -> None:
        if self.function is None and self.spec.captured is None:
            raise TraceError(
                f"{self.name} was recorded on concrete arrays, and its class is gone.\n"
                "  Expected the class to live as long as what was recorded; got a "
                "class that nobody holds.\n"
                f"  Keep a reference to {self.name}."
            )

    def _key(self) -> Any:
        return id(self.spec)

    def __eq__(self, other: object) -> bool:
        return self is other or (
            type(other) is type(self)
            and isinstance(other, Operation)
            and self._key() == other._key()
        )

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        """`^Name(3, True)`: the class and the static arguments, as graphs print it."""
        static = ", ".join(map(_short, self.scalar_args))
        return f"^{self.name}({static})" if static else f"^{self.name}"


def _short(value: Any) -> str:
    if isinstance(value, Template):  # it holds a value of a running transformation
        return "..."
    return value.__name__ if hasattr(value, "__name__") else repr(value)


class _Dims:
    """Which results of a mapped function are mapped; static data of a pytree."""

    def __init__(self, dims: tuple[int | None, ...]) -> None:
        self.dims = dims

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Dims) and self.dims == other.dims

    def __hash__(self) -> int:
        return hash(self.dims)


jax.tree_util.register_static(_Dims)


class BatchedOperation(Operation):
    """An operation whose operands have a leading batch axis, where `dims` has a 0.

    Attributes:
        inner: the operation on one example.
        out_dims: 0 for each result, or None where the examples share it.
    """

    def __init__(
        self, inner: Operation, axis: _compat.BatchAxis, dims: Any, out_dims: Any
    ) -> None:
        """Of `inner`; without `out_dims` every result is mapped."""
        self.inner, self.axis, self.dims = inner, axis, dims
        self.out_dims = out_dims
        self.spec, self.name, self.names = inner.spec, inner.name, inner.names
        self.cconv, self.scalar_args = inner.cconv, inner.scalar_args
        self.nested = inner.nested
        self.hidden, self.pure = inner.hidden, inner.pure
        self.batched = {}
        self.plain = lambda *arrays: self._mapped(inner.plain, arrays)[0]
        self._traced = jax.jit(lambda *arrays: self._mapped(inner.plain, arrays))
        self.detached = axis.vmap(inner.detached, in_axes=dims)

    def shared(self, avals: Arrays) -> tuple[int | None, ...]:
        """Which results are shared by the examples, at operands of these types.

        What has a tangent is mapped in any case: a result that is shared would get the
        sum of the cotangents and hand it to every example.

        Returns:
            0 for each result that is mapped, else None.
        """
        traced = self.traced(avals)
        return jax.tree.unflatten(traced.out_tree, traced.jaxpr.out_avals)[1].dims

    def trace(self, avals: Arrays) -> Outputs:
        """As of one example, with types that have a batch axis."""
        traced = self.traced(avals)
        return jax.tree.unflatten(traced.out_tree, traced.jaxpr.out_avals)[0]

    def run(self, arrays: Arrays) -> Arrays:
        """Forward of every example, with its rule."""
        mapped = self.axis.vmap(
            lambda *one: list(self.inner.run(one)),
            in_axes=self.dims,
            out_axes=self._out_axes(),
        )
        return mapped(*arrays)

    def push(self, primals: Arrays, tangents: Arrays) -> tuple[Arrays, Arrays]:
        """As of one example."""
        pairs = list(zip(self.dims, tangents, strict=True))
        marks: list[bool] = []

        def one(primals: Arrays, moved: Arrays) -> tuple[list[Any], list[Any]]:
            rest = iter(moved)
            given = [None if t is None else next(rest) for t in tangents]
            outs, found = self.inner.push(primals, given)
            marks[:] = [t is not None for t in found]
            return list(outs), [t for t in found if t is not None]

        outs, found = self.axis.vmap(
            one,
            in_axes=(list(self.dims), [d for d, t in pairs if t is not None]),
            out_axes=(self._out_axes(), 0),
        )(list(primals), [t for t in tangents if t is not None])
        rest = iter(found)
        return outs, [next(rest) if mark else None for mark in marks]

    def _mapped(self, plain: Any, arrays: Arrays) -> tuple[Outputs, _Dims]:
        """The result of `plain` over the batch, and which parts of it are mapped."""
        noted: list[Any] = []

        def one(*arrays: Any) -> list[Any]:
            result = plain(*arrays)
            dims = [
                0 if is_inexact(a.dtype) or _compat.is_mapped(a) else None
                for a in result.arrays
            ]
            noted[:] = [result.with_arrays(()), _Dims(tuple(dims))]
            return list(result.arrays)

        mapped = self.axis.vmap(one, in_axes=self.dims, out_axes=self._out_axes())
        values = mapped(*arrays)
        return noted[0].with_arrays(values), noted[1]

    def _out_axes(self) -> Any:
        return 0 if self.out_dims is None else list(self.out_dims)

    def _key(self) -> Any:
        return self.inner, self.axis.key, self.dims, self.out_dims

    def __repr__(self) -> str:
        return f"vmap({self.inner!r})"


# --- the primitive --------------------------------------------------------------------


def _run(*arrays: Any, op: Operation) -> list[Any]:
    return list(op.run(arrays))


def _avals(*avals: Any, op: Operation) -> list[Any]:
    return list(op.traced(avals).jaxpr.out_avals)


def _effects(*avals: Any, op: Operation) -> Any:
    return op.effects(avals)


def _jvp(primals: Arrays, tangents: Arrays, *, op: Operation) -> tuple[Any, list[Any]]:
    given = [
        t if type(t) is not _compat.Zero and is_inexact(jax.typeof(p).dtype) else None
        for p, t in zip(primals, tangents, strict=True)
    ]
    if all(t is None for t in given):
        out = python_op_p.bind(*primals, op=op)
        return out, _compat.zero_tangents(out)
    with RECORDING(None):
        outs, found = op.push(primals, given)
    zeros = _compat.zero_tangents(outs)
    pairs = zip(found, zeros, strict=True)
    return list(outs), [zero if t is None else t for t, zero in pairs]


def _batch(
    axis: _compat.BatchAxis, args: Arrays, dims: Arrays, *, op: Operation
) -> tuple[Any, list[Any]]:
    if all(d is None for d in dims) and not axis.named:
        out = python_op_p.bind(*args, op=op)
        return out, [None] * len(out)
    pairs = list(zip(args, dims, strict=True))
    args = [a if d is None else axis.to_front(a, d) for a, d in pairs]
    axes = tuple(None if d is None else 0 for d in dims)
    batched = op.under(axis, axes)
    out_dims = batched.shared([jax.typeof(a) for a in args])
    if None in out_dims:
        batched = op.under(axis, axes, out_dims)
    return python_op_p.bind(*args, op=batched), list(out_dims)


python_op_p = _compat.define(
    "python_op", _run, _avals, jvp=_jvp, batch=_batch, effects=_effects
)
