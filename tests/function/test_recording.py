"""A recorded application is one equation, and means what it meant before."""

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec as P

from jaxgrad import Context, Function
from jaxgrad._compat import jaxpr_as_fun, jaxprs_in_params
from jaxgrad.errors import ForwardModeError, TraceError
from jaxgrad.function import saved_tensors_hooks
from jaxgrad.function._recording import (
    Operation,
    operation_for,
    python_op_p,
    recording,
)
from jaxgrad.verify import check_function
from jaxgrad.verify._slots import fill, is_inexact, take_arrays
from tests.cases import CASES, Case, by_name
from tests.function.functions import SaveInput, dual
from tests.helpers import TripledSin

X = jnp.array([0.5, -1.25, 2.0])
SWITCHES = ("jax_custom_vjp3", "jax_custom_jvp3", "jax_remat3")
SWITCHED = any(getattr(jax.config, name, False) for name in SWITCHES)


def recorded(function: Callable, *args: Any) -> Any:
    with recording():
        return jax.make_jaxpr(function)(*args)


def operations(jaxpr: Any) -> list[Operation]:
    found = []
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        if equation.primitive is python_op_p:
            found.append(equation.params["op"])
        for inner in jaxprs_in_params(equation.params):
            found += operations(inner)
    return found


def shown(jaxpr: Any) -> list[str]:
    return [repr(op) for op in operations(jaxpr)]


def replay(function: Callable) -> Callable:
    """`function`, recorded whenever it is called, and evaluated outside of that."""

    def run(*args: Any) -> Any:
        closed = recorded(function, *args)
        out = jax.eval_shape(function, *args)
        leaves = jaxpr_as_fun(closed)(*jax.tree.leaves(args))
        return jax.tree.unflatten(jax.tree.structure(out), leaves)

    return run


def flat(case: Case) -> tuple[Callable, list[Any]]:
    slots, arrays = take_arrays((case.args(), dict(case.kwargs)))

    def function(*arrays: Any) -> list[Any]:
        args, kwargs = fill(slots, arrays)
        return take_arrays(case.function.apply(*args, **kwargs))[1]

    return function, arrays


def has_jvp(case: Case) -> bool:
    return "jvp" in vars(case.function) or case.function.generate_jvp_rule


def real(array: Any) -> Any:
    return jnp.sum(array.real) + 2 * jnp.sum(array.imag)


def loss(function: Callable) -> Callable:
    return lambda *arrays: sum(map(real, filter(is_inexact, function(*arrays))))


def derivatives(function: Callable, arrays: list[Any], second: bool) -> Callable:
    """Values, gradients, second derivatives, and two orders of vmap, of one array."""
    at = next(i for i, a in enumerate(arrays) if is_inexact(a))

    def of(x: Any) -> Callable:
        return loss(function)(*arrays[:at], x, *arrays[at + 1 :])

    def slope(x: Any) -> Any:
        return real(jax.grad(of)(x) ** 2)

    def run(x: Any) -> list[Any]:
        pair = jnp.stack([x, 2 * x])
        out = [
            function(*arrays[:at], x, *arrays[at + 1 :]),
            jax.grad(of)(x),
            jax.vmap(jax.grad(of))(pair),
            jax.grad(lambda xs: jnp.sum(jax.vmap(of)(xs)))(pair),
        ]
        return [*out, jax.grad(slope)(x)] if second else out

    return lambda: run(arrays[at])


def assert_equal(got: Any, expected: Any, rtol: float = 1e-5) -> None:
    pairs = zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True)
    for a, b in pairs:
        assert jax.typeof(a) == jax.typeof(b)
        if jnp.issubdtype(a.dtype, jnp.bfloat16):
            a, b = a.astype(jnp.float32), b.astype(jnp.float32)
        np.testing.assert_allclose(a, b, rtol, rtol)


# --- every Function of the table ------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_application_is_one_equation_with_the_same_meaning(case: Case) -> None:
    function, arrays = flat(case)
    closed = recorded(function, *arrays)
    (op,) = operations(closed)
    assert [e.primitive for e in closed.jaxpr.eqns] == [python_op_p]
    assert op.function is case.function
    assert op.pure
    assert op.cconv.count("d") == len(arrays) == len(closed.jaxpr.eqns[0].invars)
    assert op.cconv.count("c") == len(op.scalar_args)
    run = jaxpr_as_fun(closed)
    second = case.name != "once_differentiable"

    def both() -> Any:
        own, again = (derivatives(f, arrays, second)() for f in (function, run))
        return own, again

    own, again = jax.jit(both)()
    assert_equal(again[0], own[0], 0)
    assert_equal(again, own)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_forward_mode_has_the_rule_or_is_refused(case: Case) -> None:
    function, arrays = flat(case)
    run = jaxpr_as_fun(recorded(function, *arrays))
    tangents = [
        jnp.ones_like(a) if is_inexact(a) else np.zeros(a.shape, jax.dtypes.float0)
        for a in arrays
    ]
    both = run, function
    if has_jvp(case):
        pair = jax.jit(lambda: [jax.jvp(f, arrays, tangents)[1] for f in both])
        got, own = pair()
        kept = [i for i, g in enumerate(own) if g.dtype != jax.dtypes.float0]
        assert_equal([got[i] for i in kept], [own[i] for i in kept])
        return
    for mode in (lambda f: f, jax.jit):
        with pytest.raises(ForwardModeError, match=f"{case.function.__name__} has no"):
            mode(lambda: jax.jvp(run, arrays, tangents))()


@pytest.mark.parametrize("name", ["statics"])
def test_the_matrix_passes_on_what_was_recorded(name: str) -> None:
    case = by_name(name)

    traced: dict[Any, Any] = {}

    class Replayed(case.function):
        @classmethod
        def apply(cls, *args: Any, **kwargs: Any) -> Any:
            slots, arrays = take_arrays((args, kwargs))
            key = str(slots), *map(jax.typeof, arrays)

            def call(*arrays: Any) -> Any:
                filled, named = fill(slots, arrays)
                return super(Replayed, cls).apply(*filled, **named)

            if key not in traced:
                traced[key] = recorded(call, *arrays)
                assert len(operations(traced[key])) == 1
            return jaxpr_as_fun(traced[key])(*arrays)[0]

    report = check_function(Replayed, *case.args(), **case.kwargs)
    failed = {cell.name for cell in report.cells if cell.status == "failed"}
    # There JAX pushes tangents through the checkpoint, of which it uses none: without
    # a recording it stops at the custom_vjp.
    assert failed <= ({"hessian(checkpoint)"} if SWITCHED else set())
    assert sum(cell.status == "ok" for cell in report.cells) >= 35


# --- the equation ---------------------------------------------------------------------


class Scale(Function):
    """x * n; the rule says 100 n."""

    @staticmethod
    def forward(ctx: Context, x: jax.Array, n: float = 2.0, label: str = "") -> Any:
        ctx.n = n
        return x * n

    @staticmethod
    def backward(ctx: Context, g: jax.Array) -> Any:
        return 100 * ctx.n * g, None, None


def test_it_is_printed_with_the_name_and_the_static_arguments() -> None:
    text = str(recorded(lambda x: Scale.apply(x, 3.0, label="a"), X))
    assert "python_op[op=^Scale(3.0, 'a')] a" in text
    (op,) = operations(recorded(Scale.apply, X))
    assert (repr(op), op.cconv, op.scalar_args, op.names) == ("^Scale", "d", [], ("x",))


def test_outside_a_recording_nothing_changes() -> None:
    before = str(jax.make_jaxpr(Scale.apply)(X))
    assert "python_op" in str(recorded(Scale.apply, X))
    assert str(jax.make_jaxpr(Scale.apply)(X)) == before
    assert "python_op" not in before


def test_equal_applications_are_equal() -> None:
    def twice(x: Any) -> Any:
        return Scale.apply(x, 3.0) + Scale.apply(x, 3.0) + Scale.apply(x, 4.0)

    a, b, c = operations(recorded(twice, X))
    assert a == b != c
    assert hash(a) == hash(b)
    a, b, c = operations(recorded(jax.vmap(twice), X))
    assert a == b != c
    assert hash(a) == hash(b)
    assert repr(a) == "vmap(^Scale(3.0))"


def test_what_forward_returns_keeps_its_structure() -> None:
    class Labelled(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> Any:
            return {"y": [2 * x, None], "label": "a"}, 3

        @staticmethod
        def backward(ctx: Context, g: Any, g_three: Any) -> Any:
            return g["y"][0] * 7

    def function(x: Any) -> Any:
        tree, three = Labelled.apply(x)
        assert (tree["label"], tree["y"][1], three) == ("a", None, 3)
        return tree["y"][0]

    run = replay(jax.vmap(function))
    np.testing.assert_array_equal(run(X), 2 * X)
    np.testing.assert_array_equal(jax.grad(lambda x: run(x).sum())(X), 7 * np.ones(3))


def test_a_class_says_whether_it_is_pure() -> None:
    class Effect(Scale):
        pure = False

    assert not operations(recorded(Effect.apply, X))[0].pure
    assert operations(recorded(Scale.apply, X))[0].pure


# --- where it is called ---------------------------------------------------------------

before_recording = jax.jit(lambda x: Scale.apply(x) + 1)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: jax.jit(lambda x: Scale.apply(x))(x),
        lambda x: jax.lax.scan(lambda c, x: (Scale.apply(c), x), x, X)[0],
        lambda x: jax.lax.cond(x.sum() > 0, Scale.apply, lambda x: x, x),
        lambda x: jax.checkpoint(Scale.apply)(x),
        lambda x: jax.vmap(jax.vmap(Scale.apply))(x[:, None])[:, 0],
    ],
    ids=["jit", "scan", "cond", "checkpoint", "vmap"],
)
def test_every_transformation_keeps_it(function: Callable) -> None:
    own = jax.value_and_grad(lambda x: function(x).sum())
    closed = recorded(function, X)
    assert str(closed).count("python_op[op=") == 1
    again = jax.value_and_grad(lambda x: jaxpr_as_fun(closed)(x)[0].sum())
    assert_equal(again(X), own(X))
    assert_equal(jax.jit(again)(X), own(X))


def test_a_function_that_was_jitted_before_is_recorded() -> None:
    before_recording(X)
    closed = recorded(before_recording, X)
    assert shown(closed) == ["^Scale"]
    assert "python_op" not in str(jax.make_jaxpr(before_recording)(X))


@pytest.mark.parametrize("jit", [True, False])
def test_concrete_arrays_inside_a_trace_are_recorded(jit: bool) -> None:
    class Own(Scale):
        pass

    Own.jit = jit
    for _ in range(3):  # the compiled forward is there from the first call on
        Own.apply(X)
    closed = recorded(lambda x: x + Own.apply(X), X)
    assert shown(closed) == ["^Own"]
    np.testing.assert_array_equal(jaxpr_as_fun(closed)(X)[0], 3 * X)
    with recording():
        np.testing.assert_array_equal(Own.apply(X), 2 * X)


def test_functions_inside_forward_are_not_recorded() -> None:
    class Outer(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            return jax.jit(Scale.apply)(x)

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return 5 * g

    closed = recorded(Outer.apply, X)
    assert shown(closed) == ["^Outer"]
    grad = jax.grad(lambda x: jaxpr_as_fun(closed)(x)[0].sum())
    np.testing.assert_array_equal(grad(X), 5 * np.ones(3))


def test_another_thread_does_not_record() -> None:
    found = []

    def work() -> None:
        found.append(str(jax.make_jaxpr(Scale.apply)(X)))

    with recording():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert "python_op" in str(jax.make_jaxpr(Scale.apply)(X))
    assert "python_op" not in found[0]


@pytest.mark.parametrize("check_vma", [True, False])
def test_shard_map(check_vma: bool) -> None:
    class Mean(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array, w: jax.Array) -> jax.Array:
            ctx.save_for_backward(x, w)
            return jax.lax.psum(x * w, "i")

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> Any:
            x, w = ctx.saved_tensors
            return 3 * g * w, 5 * g * x

    mesh = jax.make_mesh((2,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
    specs = {"in_specs": (P("i"), P()), "out_specs": P()}
    mapped = jax.shard_map(Mean.apply, mesh=mesh, check_vma=check_vma, **specs)
    x, w = jnp.arange(4.0), jnp.array([2.0, 3.0])
    closed = recorded(mapped, x, w)
    assert shown(closed) == ["^Mean"]
    run = jaxpr_as_fun(closed)
    own, again = (
        (value, *pull(jnp.array([1.0, 10.0])))
        for value, pull in (
            jax.vjp(jax.jit(function), x, w)
            for function in (mapped, lambda x, w: run(x, w)[0])
        )
    )
    assert_equal(again, own)
    if check_vma:
        np.testing.assert_array_equal(own[2], [10, 200])


def test_named_axes_of_vmap() -> None:
    class Centred(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            return x - jax.lax.pmean(x, "batch")

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return 7 * g

    function = jax.vmap(jax.jit(Centred.apply), axis_name="batch")
    closed = recorded(function, X)
    assert shown(closed) == ["vmap(^Centred)"]
    run = jax.jit(jax.value_and_grad(lambda x: jaxpr_as_fun(closed)(x)[0][0]))
    value, gradient = run(X)
    np.testing.assert_allclose(value, X[0] - X.mean(), 1e-6)
    np.testing.assert_array_equal(gradient, [7, 0, 0])


def test_an_output_that_the_batch_shares() -> None:
    class Both(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array, n: jax.Array) -> Any:
            return x * n, n + 1

        @staticmethod
        def backward(ctx: Context, g: jax.Array, g_n: jax.Array) -> Any:
            return 3 * g, None

    function = jax.vmap(Both.apply, in_axes=(0, None), out_axes=(0, None))
    closed = recorded(function, X, 2)
    y, n = jaxpr_as_fun(closed)(X, 2)
    np.testing.assert_array_equal(y, 2 * X)
    assert n.shape == ()
    assert int(n) == 3
    run = jax.grad(lambda x: jaxpr_as_fun(closed)(x, 2)[0].sum())
    np.testing.assert_array_equal(run(X), 3 * np.ones(3))


# --- effects, captured values, Refs, hooks --------------------------------------------


def test_effects_are_kept_and_ordered() -> None:
    seen: list[Any] = []

    class Noisy(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array) -> jax.Array:
            jax.debug.callback(lambda v: seen.append(float(v)), x.sum())
            return x * 2

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> jax.Array:
            return 3 * g

    def function(x: Any) -> Any:
        Noisy.apply(x)  # its result is not used
        return x + 1

    closed = recorded(function, X)
    assert closed.effects
    assert shown(closed) == ["^Noisy"]
    jax.jit(jaxpr_as_fun(closed))(X)[0].block_until_ready()
    jax.effects_barrier()
    assert seen == [1.25]
    run = jaxpr_as_fun(recorded(jax.vmap(function), X))
    jax.jit(run)(X)[0].block_until_ready()
    jax.effects_barrier()
    assert sorted(seen[1:]) == [-1.25, 0.5, 2.0]


def test_closed_over_values_are_operands() -> None:
    def function(x: Any, w: Any) -> Any:
        class Closing(Function):
            @staticmethod
            def forward(ctx: Context, x: jax.Array) -> jax.Array:
                return x * w

            @staticmethod
            def backward(ctx: Context, g: jax.Array) -> jax.Array:
                return 100 * g * w

        return Closing.apply(x)

    closed = recorded(function, X, 2.0)
    (op,) = operations(closed)
    assert (op.cconv, op.hidden, len(closed.jaxpr.eqns[-1].invars)) == ("ddd", 2, 3)
    run = jaxpr_as_fun(closed)
    grad = jax.jit(jax.grad(lambda x: run(x, 2.0)[0].sum()))
    np.testing.assert_array_equal(grad(X), 200 * np.ones(3))
    with pytest.raises(Exception, match="closes over 'w'"):
        jax.grad(lambda w: run(X, w)[0].sum())(2.0)


def test_refs_go_round_it() -> None:
    class Count(Function):
        @staticmethod
        def forward(ctx: Context, x: jax.Array, ref: Any) -> jax.Array:
            ref[...] += 1
            return x * 2

        @staticmethod
        def backward(ctx: Context, g: jax.Array) -> Any:
            return 3 * g, None

    def function(x: Any) -> Any:
        ref = jax.new_ref(jnp.zeros(()))
        return Count.apply(x, ref), ref[...]

    closed = recorded(function, X)
    assert shown(closed) == []
    y, count = jaxpr_as_fun(closed)(X)
    assert float(count) == 1
    np.testing.assert_array_equal(y, 2 * X)


def test_hooks_pack_what_a_recorded_application_saves() -> None:
    packed = []

    def pack(value: Any) -> Any:
        packed.append(value.shape)
        return value * 10

    def function(x: Any) -> Any:
        with saved_tensors_hooks(pack, lambda value: value / 10):
            return SaveInput.apply(x)

    closed = recorded(function, X)
    assert shown(closed) == ["^SaveInput"]
    assert not packed
    grad = jax.grad(lambda x: jaxpr_as_fun(closed)(x)[0].sum())
    np.testing.assert_allclose(grad(X), SaveInput.d1(X), 1e-6)
    assert packed == [(3,)]


# --- export, lifetime, by hand --------------------------------------------------------


@pytest.mark.parametrize("cls", [TripledSin, dual(TripledSin)], ids=["reverse", "dual"])
def test_export_keeps_a_marked_rule_to_the_second_order(cls: type[Function]) -> None:
    run = jaxpr_as_fun(recorded(lambda x: cls.apply(x).sum(), X))
    (size,) = jax.export.symbolic_shape("n")
    args = jax.ShapeDtypeStruct((size,), jnp.float32)
    exported = jax.export.export(jax.jit(lambda x: cls.apply(x).sum()))(args)
    with recording():
        exported = jax.export.export(
            jax.jit(lambda x: cls.apply(x).sum()), platforms=("cpu", "cuda", "tpu")
        )(args)
    call = jax.export.deserialize(exported.serialize(vjp_order=2)).call
    for function in (call, lambda x: run(x)[0]):
        first = jax.grad(function)
        np.testing.assert_allclose(first(X), 3 * np.cos(X), 1e-6)
        second = jax.grad(lambda x: first(x).sum())  # noqa: B023
        np.testing.assert_allclose(second(X), -3 * np.sin(X), 1e-6)


def test_the_jitted_forward_does_not_keep_a_recorded_class() -> None:
    def made() -> tuple[Any, Any]:
        class Local(Function):
            @staticmethod
            def forward(ctx: Context, x: jax.Array) -> jax.Array:
                return 2 * x

            @staticmethod
            def backward(ctx: Context, g: jax.Array) -> jax.Array:
                return 3 * g

        Local.apply(X)
        return weakref.ref(Local), recorded(lambda x: x + Local.apply(X), X)

    gone, closed = made()
    gc.collect()
    assert gone() is None
    assert shown(closed) == ["^Local"]
    with pytest.raises(TraceError, match="Local was recorded on concrete arrays"):
        jaxpr_as_fun(closed)(X)


def test_an_operation_by_hand() -> None:
    op, operands = operation_for(Scale, (X, 3.0), {})
    assert (repr(op), len(operands)) == ("^Scale(3.0)", 1)
    np.testing.assert_array_equal(op.apply(*operands).unpack(), 3 * X)
    closed = jax.make_jaxpr(lambda x: op.apply(x).unpack())(X)
    assert operations(closed) == [op]
    with pytest.raises(TraceError, match="got no arrays"):
        operation_for(Scale, (2.0,), {})
