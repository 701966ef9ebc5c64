"""The only file that touches JAX's semi-public `jax.extend` and `jax.interpreters`.

- `define`: a primitive with its abstract evaluation, lowering, JVP, transpose and
  batching.
- `Zero`, `instantiate`, `zero_tangents`: symbolic zeros inside JVP and transpose rules.
- `varying_axes`, `tangent_aval`, `explicit_sharding`: facts about abstract values.
- `is_outermost`: whether no transformation is running.
- `switched_on`, `over_reports`: JAX's coming switches, read by feature, not by version.
- `operand_of`, `depend_on_all`: where a traced value comes from.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
from jax.experimental.compute_on import compute_on
from jax.experimental.xla_metadata import set_xla_metadata
from jax.extend import source_info_util
from jax.extend.core import (
    ClosedJaxpr,
    Jaxpr,
    JaxprEqn,
    Literal,
    Primitive,
    get_opaque_trace_state,
    jaxpr_as_fun,
    jaxprs_in_params,
    set_current_trace,
    take_current_trace,
    unmapped_aval,
)
from jax.interpreters import ad, batching, mlir
from jax.interpreters import partial_eval as pe

__all__ = ["ClosedJaxpr", "Jaxpr", "JaxprEqn", "Literal", "Primitive"]

Zero = ad.Zero
Tracer = jax.core.Tracer
ShapedArray = jax.core.ShapedArray


class BatchAxis(NamedTuple):
    """What a batching rule knows of the axis that it maps over."""

    size: int
    vmap: Callable[..., Any]
    to_front: Callable[[Any, int | None], Any]
    aval: Callable[[Any], Any]
    named: bool
    key: Any  # equal for equal axes


def define(
    name: str,
    run: Callable[..., Sequence[Any]],
    avals: Callable[..., Sequence[Any]],
    *,
    jvp: Callable[..., Any],
    batch: Callable[..., Any],
    transpose: Callable[..., Any] | None = None,
    effectful: bool = False,
    effects: Callable[..., Any] | None = None,
) -> Primitive:
    """A primitive with several results whose meaning is the JAX function `run`.

    An effectful one is never dropped, `jax.effects_barrier` waits for it, and its `run`
    is told by `alone` whether it is compiled for one device. One with `effects` has
    those of each equation, a function of what `avals` is given.

    Returns:
        The primitive.
    """
    primitive = Primitive(name)
    primitive.multiple_results = True
    primitive.def_impl(run)
    lowering = mlir.lower_fun(run, multiple_results=True)
    if effectful:
        lowering = _lowering_that_tells(run)
        primitive.def_effectful_abstract_eval(
            lambda *args, **params: (avals(*args, **params), _debug_effects())
        )
    elif effects is not None:
        primitive.def_effectful_abstract_eval(
            lambda *args, **params: (avals(*args, **params), effects(*args, **params))
        )
    else:
        primitive.def_abstract_eval(avals)
    mlir.register_lowering(primitive, lowering)
    ad.primitive_jvps[primitive] = jvp
    if transpose is not None:
        ad.primitive_transposes[primitive] = transpose

    def batching_rule(axis: Any, args: Any, dims: Any, **params: Any) -> Any:
        return batch(_batch_axis(axis), args, dims, **params)

    # The "fancy" table also hands over the axis's name and mesh axis, which nested
    # collectives and explicit-mode meshes need.
    batching.fancy_primitive_batchers[primitive] = batching_rule
    return primitive


@functools.cache
def _debug_effects() -> Any:
    """The effects of `jax.debug.callback`, which every transformation accepts."""
    return jax.make_jaxpr(lambda: jax.debug.callback(lambda: None))().effects


def _lowering_that_tells(run: Callable[..., Sequence[Any]]) -> Callable[..., Any]:
    def lowering(ctx: Any, *args: Any, **params: Any) -> Any:
        context = ctx.module_context.axis_context
        mesh = getattr(context, "mesh", None)
        count = getattr(context, "num_devices", None) if mesh is None else mesh.size
        told = functools.partial(run, alone=count == 1)
        return mlir.lower_fun(told, multiple_results=True)(ctx, *args, **params)

    return lowering


def is_mapped(value: Any) -> bool:
    """Whether a value inside `vmap` differs between the examples."""
    return getattr(value, "batch_dim", None) is not None


def operand_of(tracer: Any, primitive: Primitive) -> tuple[Any, Any] | None:
    """The operand that a result of `primitive` repeats, and the parameters.

    For primitives whose results are their first operands, one by one. What JAX does not
    tell (another kind of trace, another version) is None.

    Returns:
        The operand as it was traced, and the equation's parameters; or None.
    """
    equation: Any = getattr(tracer, "parent", None)
    if getattr(equation, "primitive", None) is not primitive:
        return None
    variable = getattr(tracer, "val", None)
    operands = getattr(equation, "in_tracers", ())
    for result, operand in zip(equation.outvars, operands, strict=False):
        if result is variable:
            return operand, equation.params
    return None


def depend_on_all(results: Sequence[Any], operands: Sequence[Any]) -> bool:
    """Whether each of `results` was surely traced from every traced operand.

    What JAX does not tell (another kind of trace) is False. Inside loops and branches
    every result counts as depending on every operand, as it mostly does.

    Returns:
        True if it is so.
    """
    wanted = {id(getattr(x, "val", x)) for x in operands if isinstance(x, Tracer)}
    return all(_sources(result, wanted) >= wanted for result in results)


def _sources(result: Any, wanted: set[int]) -> set[int]:
    """Which of the variables `wanted`, by id, `result` was traced from."""
    found: set[int] = set()
    seen: set[int] = set()
    stack = [result]
    while stack and len(found) < len(wanted):
        value = stack.pop()
        variable = getattr(value, "val", value)
        if id(variable) in seen:
            continue
        seen.add(id(variable))
        if id(variable) in wanted:
            found.add(id(variable))
            continue
        equation: Any = getattr(value, "parent", None)
        operands = getattr(equation, "in_tracers", None)
        if operands is not None:
            stack += _operands_of(equation, operands, variable)
    return found


def _operands_of(equation: Any, operands: Sequence[Any], result: Any) -> list[Any]:
    """The operands that one result of an equation depends on."""
    inner = equation.params.get("jaxpr")
    if equation.primitive.name not in ("jit", "pjit") or inner is None:
        return list(operands)
    jaxpr = getattr(inner, "jaxpr", inner)
    place = next(i for i, v in enumerate(equation.outvars) if v is result)
    makers = {id(v): eqn for eqn in jaxpr.eqns for v in eqn.outvars}
    positions = {id(v): i for i, v in enumerate(jaxpr.invars)}
    needed: set[int] = set()
    seen: set[int] = set()
    stack = [jaxpr.outvars[place]]
    while stack:
        variable = stack.pop()
        if id(variable) in seen:
            continue
        seen.add(id(variable))
        if id(variable) in positions:
            needed.add(positions[id(variable)])
        elif id(variable) in makers:
            maker = makers[id(variable)]
            stack += _operands_of(maker, maker.invars, variable)
    return [operand for i, operand in enumerate(operands) if i in needed]


def _batch_axis(axis: Any) -> BatchAxis:
    named = isinstance(axis.name, str)
    options: dict[str, Any] = {"axis_size": axis.size}
    if named:
        options["axis_name"] = axis.name
    if axis.spmd_name:
        options["spmd_axis_name"] = axis.spmd_name
    mesh_axis = axis.explicit_mesh_axis

    def to_front(value: Any, dim: int | None) -> Any:
        return batching.bdim_at_front(value, dim, axis.size, mesh_axis)

    def aval(unbatched: Any) -> Any:
        return unmapped_aval(axis.size, 0, unbatched, mesh_axis)

    return BatchAxis(
        axis.size,
        functools.partial(jax.vmap, **options),
        to_front,
        aval,
        named,
        (tuple(options.items()), mesh_axis),
    )


def in_primal_trace(
    tangents: Sequence[Any],
    run: Callable[..., Any],
    first: Any,
    primals: Any,
    *rest: Any,
) -> Any:
    """Call `run(first, primals, *rest)` where a JVP rule got its primals from.

    Under reverse mode JAX runs a whole `custom_jvp` rule under partial evaluation,
    although only tangents are unknown. What sees primals alone goes straight to the
    trace below: that halves the cost of tracing the rule.

    Returns:
        What `run` returned.
    """
    unknown = [t for t in tangents if isinstance(t, pe.JaxprTracer)]
    if not unknown or any(isinstance(p, pe.JaxprTracer) for p in primals):
        return run(first, primals, *rest)
    with take_current_trace() as trace:
        # Under vmap the current trace is the batch's, over the partial evaluation.
        evaluating = all(t._trace is trace for t in unknown)
        with set_current_trace(trace.parent_trace if evaluating else trace):
            return run(first, primals, *rest)


def outside_meshes() -> bool:
    """Whether no mesh is in use, so that no value varies over a mesh axis."""
    return jax.sharding.get_abstract_mesh().empty


def instantiate(tangent: Any) -> Any:
    """The tangent as an array; a symbolic zero becomes zeros."""
    return ad.instantiate_zeros(tangent) if type(tangent) is ad.Zero else tangent


def zero_tangents(values: Sequence[Any]) -> list[Any]:
    """A symbolic zero tangent for each of `values`."""
    return [ad.Zero(jax.typeof(v).to_tangent_aval()) for v in values]


def is_undefined(value: Any) -> bool:
    """Whether `value` is the placeholder of a linear input in a transpose rule."""
    return ad.is_undefined_primal(value)


def tangent_aval(aval: Any) -> Any:
    """The abstract value of a tangent of `aval`, without weak type."""
    return aval.strip_weak_type().to_tangent_aval()


def varying_axes(aval: Any) -> frozenset[str]:
    """The mesh axes over which a value inside `shard_map` varies."""
    return aval.manual_axis_type.varying


def in_memory(aval: Any, space: Any) -> Any:
    """The type of a value like `aval` in another memory space."""
    return aval.update(memory_space=space)


def explicit_sharding(aval: Any) -> Any:
    """The sharding of a value on a mesh with an explicit axis, else None."""
    sharding = aval.sharding
    axis_types = sharding.mesh.axis_types
    if axis_types and jax.sharding.AxisType.Explicit in axis_types:
        return sharding
    return None


def prune(function: Callable[..., Any], args: Sequence[Any]) -> Callable[..., Any]:
    """`function`, traced at `args`, without what its results don't need."""
    run, kept = pruned(function, args)
    return lambda *xs: run(*[x for x, keep in zip(xs, kept, strict=True) if keep])


def traced(function: Callable[..., Any], args: Sequence[Any]) -> Callable[..., Any]:
    """`function` as it was traced at `args`; its results are a flat list."""
    return jaxpr_as_fun(jax.make_jaxpr(function)(*args))


def scan_sizes(params: dict[str, Any]) -> tuple[int, int]:
    """How many constants and how many carried values a scan equation has."""
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    consts, carry, _ = params["ft_in"].unpack()
    return len(consts), len(carry)


def user_frame(equation: JaxprEqn) -> str:
    """`FILE:LINE` of the user's code that an equation comes from, or ""."""
    return source_info_util.summarize(equation.source_info)


def has_callback(closed: ClosedJaxpr | Jaxpr) -> bool:
    """Whether a jaxpr calls the host, at any depth."""
    inner = getattr(closed, "jaxpr", closed)
    return any(
        "callback" in equation.primitive.name
        or any(map(has_callback, jaxprs_in_params(equation.params)))
        for equation in inner.eqns
    )


def has_reduction(closed: ClosedJaxpr | Jaxpr) -> bool:
    """Whether a jaxpr sums over devices, at any depth."""
    inner = getattr(closed, "jaxpr", closed)
    return any(
        equation.primitive.name.startswith("psum")
        or any(map(has_reduction, jaxprs_in_params(equation.params)))
        for equation in inner.eqns
    )


def is_ref(value: Any) -> bool:
    """Whether a value is a mutable array reference, traced or not."""
    if isinstance(value, Tracer):
        # The type of nearly every tracer; `isinstance` takes thirty times as long.
        return type(value.aval) is not ShapedArray and isinstance(value, jax.Ref)
    return issubclass(type(value), jax.Ref)


_outermost_state = get_opaque_trace_state(convention="flax")


def is_outermost() -> bool:
    """Whether no JAX transformation is running around the caller."""
    return get_opaque_trace_state(convention="flax") == _outermost_state


def over_reports() -> bool:
    """Whether JAX marks every input of a custom rule as differentiated (REMAT3)."""
    return bool(getattr(jax.config, "jax_remat3", False))


def switched_on() -> bool:
    """Whether one of JAX's coming implementations of custom rules is switched on."""
    names = ("jax_custom_vjp3", "jax_custom_jvp3", "jax_remat3")
    return any(getattr(jax.config, name, False) for name in names)


def host_calls(closed: ClosedJaxpr | Jaxpr) -> list[tuple[str, str]]:
    """Name and `FILE:LINE` of each equation that calls the host, at any depth."""
    inner = getattr(closed, "jaxpr", closed)
    found: list[tuple[str, str]] = []
    for equation in inner.eqns:
        name = equation.primitive.name
        if "callback" in name or name == "debug_print":
            found.append((name, user_frame(equation)))
        for jaxpr in jaxprs_in_params(equation.params):
            found.extend(host_calls(jaxpr))
    return found


# --- equations, as a graph records and replays them -----------------------------------


@contextlib.contextmanager
def at(equation: JaxprEqn) -> Iterator[None]:
    """The place in the user's code, and the contexts, that an equation comes from."""
    info = equation.source_info
    names = source_info_util.current_name_stack() + info.name_stack
    with (
        source_info_util.user_context(info.traceback, name_stack=names),
        equation.ctx.manager,
    ):
        yield


@contextlib.contextmanager
def around(equation: JaxprEqn) -> Iterator[None]:
    """The same without its mesh: a Function's rule asks in which one it runs now."""
    info, context = equation.source_info, equation.ctx
    names = source_info_util.current_name_stack() + info.name_stack
    with contextlib.ExitStack() as stack:
        place = source_info_util.user_context(info.traceback, name_stack=names)
        stack.enter_context(place)
        if context.compute_type:
            stack.enter_context(compute_on(context.compute_type))
        if context.xla_metadata:
            stack.enter_context(set_xla_metadata(**context.xla_metadata))
        yield


def bind(
    equation: JaxprEqn, params: dict[str, Any], values: Sequence[Any]
) -> list[Any]:
    """What the primitive of an equation makes of `values`, as a list."""
    primitive = equation.primitive
    out = primitive.bind(*values, **primitive.get_bind_params(params))
    return list(out) if primitive.multiple_results else [out]


def surroundings(equation: JaxprEqn) -> Any:
    """What is in force round an equation: compute type, metadata, mesh and the like."""
    context = equation.ctx
    names = [n for n in type(context).__slots__ if not n.startswith("_")]
    return tuple([(n, repr(getattr(context, n, None))) for n in names])


def plain_jaxpr(jaxpr: Any) -> tuple[Any, Sequence[Any]]:
    """A jaxpr, closed or not, and the values of its constants."""
    inner = getattr(jaxpr, "jaxpr", jaxpr)
    return inner, getattr(jaxpr, "consts", None) or ()


def nested_jaxprs(value: Any) -> list[Any]:
    """The jaxprs in one parameter of an equation."""
    if isinstance(value, Jaxpr | ClosedJaxpr):
        return [value]
    if isinstance(value, tuple | list):
        return [v for v in value if isinstance(v, Jaxpr | ClosedJaxpr)]
    return []


def like_jaxpr(old: Any, new: Any) -> Any:
    """`new`, a closed jaxpr, as the kind of jaxpr that `old` is."""
    if isinstance(old, ClosedJaxpr) or not isinstance(new, ClosedJaxpr):
        return new
    return new.jaxpr


def holds_constants(jaxpr: Any) -> bool:
    """Whether a jaxpr in a parameter may hold arrays."""
    return isinstance(jaxpr, ClosedJaxpr) and ClosedJaxpr is not Jaxpr


def source_of(equation: JaxprEqn) -> str:
    """`FILE:LINE:COLUMN (FUNCTION)` of the user's code, or ""."""
    return source_info_util.summarize(equation.source_info)


def name_stack_of(equation: JaxprEqn) -> str:
    """The name scopes round an equation, with slashes."""
    return str(equation.source_info.name_stack)


def leave_out_of_sources(path: str) -> None:
    """Files under `path` are never the user's code."""
    source_info_util.register_exclusion(path)


def as_aval(value: Any, aval: Any) -> Any:
    """`value` with the dtype and the weak type of `aval`, whose shape it has."""
    if isinstance(value, jax.ShapeDtypeStruct):
        return jax.ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=aval.weak_type)
    return jax.lax.convert_element_type_p.bind(
        jax.numpy.asarray(value),
        new_dtype=aval.dtype,
        weak_type=aval.weak_type,
        sharding=None,
    )


# --- loops: what a body closes over, as operands --------------------------------------


class Hoisted(NamedTuple):
    """A function of arrays as it was traced: `run(consts, args)` is a list."""

    run: Callable[[Sequence[Any], Sequence[Any]], list[Any]]
    consts: Sequence[Any]
    avals: Sequence[Any]  # of the results
    passed: list[bool]  # for each argument, whether it is the result at its place
    moves: Callable[[Sequence[bool]], list[bool]]  # consts and arguments to results


def hoisted(function: Callable[..., Any], args: Sequence[Any]) -> Hoisted:
    """`function`, traced at `args`; the arrays that it closes over become operands."""
    closed = jax.make_jaxpr(function)(*args)
    inner, consts = plain_jaxpr(closed)

    def run(consts: Sequence[Any], args: Sequence[Any]) -> list[Any]:
        # JAX 0.12 made the two kinds of jaxpr one.
        one = getattr(closed, "with_consts", None)
        return jaxpr_as_fun(one(consts) if one else ClosedJaxpr(inner, consts))(*args)

    pairs = zip(inner.invars, inner.outvars, strict=False)
    passed = [v is out for v, out in pairs]
    moves = functools.partial(_moves, inner)
    return Hoisted(run, consts, closed.out_avals, passed, moves)


def _moves(jaxpr: Any, flags: Sequence[bool]) -> list[bool]:
    """Which results may have a tangent, if these constants and arguments have one."""
    variables = [*jaxpr.constvars, *jaxpr.invars]
    moving = {id(v) for v, flag in zip(variables, flags, strict=True) if flag}
    for equation in jaxpr.eqns:
        if any(id(v) in moving for v in equation.invars):
            moving.update(
                id(v)
                for v in equation.outvars
                if jax.dtypes.issubdtype(v.aval.dtype, jax.numpy.inexact)
            )
    return [id(v) in moving for v in jaxpr.outvars]


def pruned(
    function: Callable[..., Any], args: Sequence[Any]
) -> tuple[Callable[..., list[Any]], list[bool]]:
    """`function` of the arguments that its results need, and which those are."""
    closed = jax.make_jaxpr(function)(*args)
    small, kept = pe.dce_jaxpr(closed.jaxpr, [True] * len(closed.out_avals))
    # JAX 0.12 made the two kinds of jaxpr one: there the pruned one has the constants.
    separate = type(small) is not type(closed)
    run = jaxpr_as_fun(ClosedJaxpr(small, closed.consts) if separate else small)
    return run, list(kept)


def is_symbolic(value: Any) -> bool:
    """Whether a value is a dimension of which only a name is known."""
    return jax.export.is_symbolic_dim(value)


def trace_state() -> Any:
    """Which trace is being made; equal to itself for as long as it is."""
    return get_opaque_trace_state(convention="nnx")
