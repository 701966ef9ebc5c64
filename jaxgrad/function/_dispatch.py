"""`Dispatch`: what `apply` does with a call, and the caches of one class.

A call goes one of four ways:

1. arrays only, all concrete: straight to the compiled forward, by `Function.apply`;
2. concrete arrays and static values outside every transformation: to the forward
   compiled for these static values, from their second use on (a value that changes at
   every call is never compiled);
3. the same where forward can't be compiled: to forward itself, eagerly;
4. anything else: to the lowered function, `jax.custom_vjp` or `jax.custom_jvp`.

The caches live here, on the class, so they die with it; they are bounded, and a changed
class attribute drops them.
"""

import contextlib
import threading
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from jaxgrad import _compat
from jaxgrad.errors import ArgumentError, JaxgradWarning
from jaxgrad.function import (
    _anomaly,
    _audit,
    _closures,
    _hooks,
    _mutation,
    _provenance,
    _recording,
    _refs,
)
from jaxgrad.function._attachment import forbid, forbid_refs
from jaxgrad.function._forward_mode import no_forward_mode
from jaxgrad.function._keys import quick_key, sort
from jaxgrad.function._lowering import lower
from jaxgrad.function._opaque import Parts
from jaxgrad.function._outputs import Outputs
from jaxgrad.function._run import execute
from jaxgrad.function._signature import Bound, Signature
from jaxgrad.function._spec import ARRAY, REF, Spec
from jaxgrad.function._style import RULES, check_forward, inherits_rules
from jaxgrad.function._trees import as_array, flatten

MAX_SPECS = 256

# What a forward that needs concrete values raises while it is being compiled.
_NEEDS_VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)


class CacheInfo(NamedTuple):
    """How the cache of a class is doing; see `Function.cache_info`."""

    hits: int
    misses: int
    maxsize: int
    currsize: int


class _Unknown:
    """Stands for the class of concrete JAX arrays until one has been seen."""


class Dispatch:
    """The state of one class: its signature, its Specs, its compiled forwards.

    Attributes:
        plain: the compiled forward for calls with arrays only, or None.
        arity: how many positional arrays `plain` takes; -1 where there is no such call.
        array_type: the class of concrete JAX arrays.
    """

    def __init__(self, cls: Any) -> None:
        """Read the class; nothing is compiled yet."""
        self.cls: Callable[[], Any] = weakref.ref(cls)  # alive while it is applied
        self.signature = Signature(
            check_forward(cls), not cls._style.setup, cls.__name__
        )
        self.eager = not getattr(cls, "jit", True)
        self.functions = self._read()
        # A rule from a base that is no Function may change without our hearing of it.
        self.mixed = inherits_rules(cls)
        self.methods = [(f.__name__, f) for f in self.functions]
        self.closed = any(
            getattr(getattr(f, "__func__", f), "__closure__", None)
            for f in self.functions
        )
        self.plain: Callable[..., Any] | None = None
        self.arity = -1
        self.direct: Spec | None = None
        self.direct_arity = -1
        self.array_type: type = _Unknown
        self.compiled: dict[Any, Callable[..., Any]] = {}
        self.specs: OrderedDict[Any, Spec] = OrderedDict()
        self.hits = self.misses = 0
        self.lock = threading.Lock()

    def _read(self) -> list[Callable[..., Any]]:
        """The user's functions, as the class has them now."""
        found = [getattr(self.cls(), name, None) for name in RULES]
        return [function for function in found if callable(function)]

    def apply(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One call that is not known to have concrete arrays only."""
        if self.mixed and self._read() != self.functions:
            self.cls()._reset()
            return self.cls().apply(*args, **kwargs)
        hooks = _hooks.current()
        direct = hooks is None and len(args) == self.direct_arity and not kwargs
        if direct and self._only_arrays(args):
            assert self.direct is not None
            return self._call(self.direct, args)
        if self.compiled:
            quick = quick_key(self.signature, self.array_type, args, kwargs)
            compiled = self.compiled.get(quick[0]) if quick is not None else None
            if quick is not None and compiled is not None:
                self.hits += 1
                return _unpack(compiled(*quick[1]))
        bound = self.signature.bind(args, kwargs)
        owner = self.signature.owner
        where = f"The arguments of {owner}.apply"
        leaves, treedef = flatten(bound.values, ArgumentError, where)
        arrays, marks, cacheable, refs = sort(owner, self.array_type, leaves)
        if self.closed:
            marks += [(id, id(c)) for c in _closures.contents(self.functions)]
        key = (treedef, bound.keywords, bound.given, *marks)
        spec = self._spec(bound, treedef, leaves, key if cacheable else None)
        if refs:
            _refs.check_arguments(spec, refs)
            arrays += refs  # in the middle, before what is closed over
        tracers = any(isinstance(a, _compat.Tracer) for a in arrays)
        if not tracers and not (self.closed and _closures.find(self.methods)):
            if spec.compiled is not None:
                return _unpack(spec.compiled(*arrays))
            if _compat.is_outermost():
                return self._concrete(spec, arrays, cacheable, (args, kwargs))
        return self._lowered(spec, bound, arrays, key)

    def _spec(
        self, bound: Bound, treedef: Any, leaves: Sequence[Any], key: Any
    ) -> Spec:
        if key is None:
            # A static value that can change in place: JAX must not find what it traced
            # for an earlier call, and the cache must not keep what the value holds.
            self.misses += 1
            return self._made(bound, treedef, leaves)
        spec = self.specs.get(key)
        if spec is not None:
            self.hits += 1
            with contextlib.suppress(KeyError):  # another thread may have evicted it
                self.specs.move_to_end(key)
            return spec
        spec = self._made(bound, treedef, leaves)
        if self.closed:
            spec.pinned = _closures.contents(self.functions)
        with self.lock:
            self.misses += 1
            self.specs[key] = spec
            while len(self.specs) > MAX_SPECS:
                self.specs.popitem(last=False)
        return spec

    def _made(self, bound: Bound, treedef: Any, leaves: Sequence[Any]) -> Spec:
        spec = Spec(self.cls(), bound, treedef, leaves)
        _refs.refuse_closed(spec.owner, self.functions, spec.opaque())
        return spec

    # --- concrete arrays, outside every transformation --------------------------------

    def _concrete(
        self, spec: Spec, arrays: list[Any], cacheable: bool, call: tuple[Any, Any]
    ) -> Any:
        spec.uses += 1
        static = any(leaf is not ARRAY and leaf is not REF for leaf in spec.leaves)
        if self.eager or not cacheable or (static and spec.uses < 2) or not arrays:
            return self._eager(spec, arrays)
        compiled = compile_forward(spec)
        try:
            result = compiled(*arrays)
        except _NEEDS_VALUES as error:
            self.eager = True
            _warn_eager(spec, error)
            return self._eager(spec, arrays)
        spec.compiled = compiled
        self.array_type = type(jnp.zeros(()))
        quick = quick_key(self.signature, self.array_type, *call)
        if quick is not None and not self.closed and not self.mixed:
            with self.lock:
                while len(self.compiled) >= MAX_SPECS:
                    self.compiled.pop(next(iter(self.compiled)))
                self.compiled[quick[0]] = compiled
        if self._is_plain(spec):
            self.plain, self.arity = compiled, spec.count
        return _unpack(result)

    def _eager(self, spec: Spec, arrays: Sequence[Any]) -> Any:
        spec, arrays = spec.split(arrays)
        inputs = [as_array(a) for a in arrays]
        _, result = execute(spec, inputs, [False] * len(inputs))
        return Outputs.of(result).converted().unpack()

    # --- everything else --------------------------------------------------------------

    def _lowered(self, spec: Spec, bound: Bound, arrays: list[Any], key: Any) -> Any:
        containers = [
            (name, value)
            for name, value in zip(bound.names, bound.values, strict=True)
            if isinstance(value, dict | list)
            and _mutation.is_static_container(value)
            and not _refs.holds_ref(value)
        ]
        if containers:
            spec = spec.watching(containers)
        captured = self._captured(spec)
        if spec.refs and _compat.switched_on():
            forbid_refs(spec, arrays[spec.count :])
        if captured is not None:
            _refs.refuse_hidden(spec.owner, captured.names, captured.leaves)
            spec = spec.capturing(captured, _hooks.current())
            hidden = captured.take()
            if _compat.over_reports():
                hidden = forbid(spec, hidden)
            arrays = [*arrays, *hidden]
        if not arrays:
            return self._eager(spec, arrays)
        if spec is self.specs.get(key) and self._is_plain(spec) and not spec.watched:
            self.direct, self.direct_arity = spec, spec.count
        return self._call(spec, arrays)

    def _is_plain(self, spec: Spec) -> bool:
        """Whether the call has arrays only, by position, one for each parameter."""
        return (
            not self.closed
            and not self.mixed
            and self.signature.simple
            and all(spec.slot_is_leaf)
            and spec.count == spec.given == len(self.signature.names)
            and spec.plain
        )

    def _only_arrays(self, args: tuple[Any, ...]) -> bool:
        """Whether every argument is a JAX array, one of them traced."""
        traced = False
        for arg in args:
            if isinstance(arg, _compat.Tracer):
                if type(arg.aval) is not _compat.ShapedArray:  # a Ref
                    return False
                traced = True
            elif type(arg) is not self.array_type:
                return False
        return traced

    def _call(self, spec: Spec, arrays: Sequence[Any]) -> Any:
        if _anomaly.SWITCH.value is not None:
            spec = _anomaly.watched(spec)
        # Here and not where forward is traced: that may be after the region.
        hooks = _hooks.current()
        if hooks is not None and spec.hooks is None:
            spec = spec.packed_by(hooks)
        try:
            if _recording.RECORDING.value is None or not _recording.wanted(spec):
                outputs = lower(spec)(*arrays)
            else:
                outputs = _recording.record(spec, arrays)
            if _audit.EAR.value is not None:
                outputs = _audit.stopped(spec, outputs)
            return outputs.unpack()
        except jax.errors.UnexpectedTracerError as error:  # a TypeError too
            names = _closures.global_tracers(self.functions)
            if names:
                raise _closures.holds_tracers(spec.owner, names) from error
            raise
        except (TypeError, NotImplementedError) as error:
            theirs = _provenance.passed_through(error, self.functions)
            ours = not theirs and not _has_jvp(spec)
            if ours and _provenance.forward_mode_refusal(error):
                raise no_forward_mode(spec.owner) from error
            raise

    def _captured(self, spec: Spec) -> Parts | None:
        """The tracers in what the class and its static arguments hold on to."""
        values = list(self.methods) if self.closed else []
        values += spec.opaque()
        packer = _hooks.current()
        hooks = packer.functions() if packer is not None else []
        return _closures.find(values, hooks) if values or hooks else None


def _has_jvp(spec: Spec) -> bool:
    return spec.style.jvp or spec.style.derives_jvp


def _unpack(result: Any) -> Any:
    return result.unpack() if type(result) is Outputs else result


def compile_forward(spec: Spec) -> Callable[..., Any]:
    """Forward, detached and compiled, for concrete arrays.

    JAX's caches keep what they compiled; the class is held weakly so that they don't
    keep it.

    Returns:
        A jitted function of the call's arrays; its result goes through `_unpack`.
    """
    weak = spec.weakly()

    def forward(*operands: Any) -> Any:
        if _recording.wanted(weak):
            outputs = _recording.record(weak, operands)
        else:
            live, arrays = weak.split(operands)
            inputs = [as_array(a) for a in arrays]
            _, result = execute(live, inputs, [False] * len(inputs))
            outputs = Outputs.of(result).converted()
        # Without static leaves the result is returned as it is: no time to unpack it.
        return outputs.unpack() if outputs.static.plain else outputs

    forward.__name__ = forward.__qualname__ = spec.owner
    return jax.jit(forward)


def _warn_eager(spec: Spec, error: Exception) -> None:
    forward = spec.cls.forward
    code = getattr(forward, "__code__", None)
    line = code.co_firstlineno if code else 0
    trace = error.__traceback__
    while trace is not None:
        if code is not None and trace.tb_frame.f_code.co_filename == code.co_filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f"{code.co_filename}:{line}" if code else "its forward"
    warnings.warn(
        f"{spec.owner}.forward needs concrete values at {where}, so it can't be "
        "compiled: it runs eagerly, which is slower. Set jit = False on the class to "
        "say that this is meant, or compute with jax.numpy there.",
        JaxgradWarning,
        stacklevel=5,
    )
