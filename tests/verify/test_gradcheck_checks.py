"""The checks of `gradcheck` beside the values, and where it can be used."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import (
    Context,
    Function,
    _compat,
    gradcheck,
    gradgradcheck,
    once_differentiable,
)
from jaxgrad.errors import ForwardModeError, GradcheckError, OnceDifferentiableError

X = np.array([0.4, -1.2])


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def failure(function: Any, inputs: Any, **options: Any) -> str:
    with pytest.raises(GradcheckError) as caught:
        gradcheck(function, inputs, **options)
    assert gradcheck(function, inputs, **options, raise_exception=False) is False
    return str(caught.value)


def custom(forward: Any, backward: Any) -> Any:
    function = jax.custom_vjp(forward)
    function.defvjp(lambda *xs: (forward(*xs), xs), backward)
    return function


def sine() -> type[Function]:
    class Sine(Function):
        @staticmethod
        def forward(x: Any) -> Any:
            return jnp.sin(x)

        @staticmethod
        def setup_context(ctx: Context, inputs: Any, output: Any) -> None:
            ctx.save_for_backward(*inputs)
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx: Context, grad: Any) -> Any:
            return grad * jnp.cos(ctx.saved_tensors[0])

        @staticmethod
        def jvp(ctx: Context, tangent: Any) -> Any:
            return tangent * jnp.cos(ctx.saved_tensors[0])

    return Sine


# --- dtypes ---------------------------------------------------------------------------


def test_a_narrow_gradient_of_custom_vjp() -> None:
    f = custom(lambda x: 2 * x, lambda _, g: (2 * g.astype("float32"),))
    assert gradcheck(f, X)
    text = failure(f, X, check_grad_dtypes=True)
    assert "Gradient has dtype mismatch for output 0 with respect to input 0" in text
    assert "Expected float64; got float32" in text


class Narrow(Function):
    @staticmethod
    def forward(ctx: Context, p: dict, n: int) -> Any:
        return p["x"] * n

    @staticmethod
    def backward(ctx: Context, grad: Any) -> Any:
        return {"x": 2 * grad.astype("float32")}, None


def test_a_narrow_gradient_of_a_function_is_seen_before_the_cast() -> None:
    inputs = ({"x": X}, 2)
    assert gradcheck(Narrow.apply, inputs)
    text = failure(Narrow.apply, inputs, check_grad_dtypes=True)
    assert "Narrow.backward, argument \"p['x']\"" in text
    assert "Expected float64; got float32, which was cast" in text


def test_a_narrow_gradient_inside_a_function_that_is_compiled_already() -> None:
    compiled = jax.jit(lambda x: jnp.sin(Narrow.apply({"x": x}, 2)))
    jax.block_until_ready(jax.grad(lambda x: compiled(x).sum())(jnp.asarray(X)))
    assert "Narrow.backward" in failure(compiled, X, check_grad_dtypes=True)
    assert gradcheck(compiled, X)


def test_a_narrow_tangent() -> None:
    class Tangent(sine()):
        @staticmethod
        def jvp(ctx: Context, tangent: Any) -> Any:
            slope = jnp.cos(ctx.saved_tensors[0])
            return (tangent * slope).astype("float32")

    options = {"check_forward_ad": True, "atol": 1e-4}
    assert gradcheck(Tangent.apply, X, **options)
    text = failure(Tangent.apply, X, **options, check_grad_dtypes=True)
    assert "Forward AD gradient has dtype mismatch: Tangent.jvp, output 0" in text


def test_right_dtypes_pass_and_scalars_have_none() -> None:
    class Sum(Function):
        @staticmethod
        def forward(ctx: Context, x: Any, y: Any) -> Any:
            return x.sum() + y

        @staticmethod
        def backward(ctx: Context, grad: Any) -> Any:
            return grad * np.ones(2), grad * 1

    options = {"check_grad_dtypes": True, "check_batched_grad": True}
    assert gradcheck(Sum.apply, (X, jnp.array(2.0)), **options)
    assert gradgradcheck(sine().apply, X, check_grad_dtypes=True)


# --- absent cotangents and tangents ---------------------------------------------------


class Three(Function):
    @staticmethod
    def forward(ctx: Context, x: Any, wrong: str) -> Any:
        ctx.set_materialize_grads(False)
        ctx.wrong = wrong
        return x, 2 * x, 3 * x

    @staticmethod
    def backward(ctx: Context, *grads: Any) -> Any:
        given = [k * g for k, g in enumerate(grads, 1) if g is not None]
        total = sum(given[1:], given[0])
        if len(given) == 2 and ctx.wrong == "value":
            total = 2 * total
        if len(given) == 2 and ctx.wrong == "constant":
            total = total + 1
        if len(given) == 2 and ctx.wrong == "raises":
            raise RuntimeError("where is the third?")
        if len(given) == 2 and ctx.wrong == "type":
            return total * None
        return total, None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("value", "Expected undefined output grads to be treated as zeros"),
        ("constant", "Expected all input grads to be undefined or zero"),
        ("raises", "Expected backward function to handle undefined output grads"),
    ],
)
def test_one_of_three_cotangents_is_absent(wrong: str, says: str) -> None:
    text = failure(Three.apply, (X, wrong))
    assert says in text
    assert "output 0 had no cotangent" in text
    assert gradcheck(Three.apply, (X, wrong), check_undefined_grad=False)
    assert gradcheck(Three.apply, (X, "nothing"))


def test_an_error_of_the_rule_itself_keeps_its_type() -> None:
    with pytest.raises(TypeError, match="NoneType") as caught:
        gradcheck(Three.apply, (X, "type"), raise_exception=False)
    notes = ["gradcheck: raised while output 0 had no cotangent."]
    assert caught.value.__notes__ == notes


def test_symbolic_zeros_of_a_custom_vjp() -> None:
    zero = jax.custom_derivatives.SymbolicZero

    def backward(wrong: Any, cotangents: Any) -> Any:
        parts = [k * g for k, g in enumerate(cotangents, 1) if type(g) is not zero]
        return ((1 + (len(parts) == 2 and wrong)) * sum(parts),)

    for wrong in (False, True):
        f = jax.custom_vjp(lambda x: (x, 2 * x, 3 * x))
        f.defvjp(
            lambda x, f=f, wrong=wrong: (f(x.value), wrong),
            lambda wrong, cts: backward(wrong, cts),
            symbolic_zeros=True,
        )
        if wrong:
            assert "undefined output grads to be treated as zeros" in failure(f, X)
        else:
            assert gradcheck(f, X)


def test_an_absent_tangent_is_zero() -> None:
    absent = []

    def make(wrong: bool) -> type[Function]:
        class Product(Function):
            @staticmethod
            def forward(x: Any, y: Any) -> Any:
                return x * y

            @staticmethod
            def setup_context(ctx: Context, inputs: Any, output: Any) -> None:
                ctx.set_materialize_grads(False)
                ctx.save_for_forward(*inputs)
                ctx.save_for_backward(*inputs)

            @staticmethod
            def backward(ctx: Context, grad: Any) -> Any:
                x, y = ctx.saved_tensors
                return grad * y, grad * x

            @staticmethod
            def jvp(ctx: Context, s: Any, t: Any) -> Any:
                x, y = ctx.saved_tensors
                if s is None:
                    absent.append("x")
                    return t * x + (0.5 if wrong else 0.0) * t
                return s * y if t is None else s * y + t * x

        return Product

    options = {"check_forward_ad": True}
    assert gradcheck(make(False).apply, (X, 2 * X), **options)
    wrong = make(True)
    wrong.surrogate = True  # or the Jacobian by y, where x is fixed, shows it first
    if not absent:  # JAX can't tell then
        assert _compat.over_reports()
        assert gradcheck(wrong.apply, (X, 2 * X), **options)
        return
    text = failure(wrong.apply, (X, 2 * X), **options)
    assert "Mismatch in tangent values for output 0, when input 0, argument 'x'" in text
    assert gradcheck(wrong, (X, 2 * X), **options, check_undefined_grad=False)


# --- batches --------------------------------------------------------------------------


def batched_wrongly() -> Any:
    twice = jax.custom_batching.custom_vmap(lambda g: 2 * g)
    twice.def_vmap(lambda size, batched, g: (3 * g, batched[0]))
    return twice


def test_a_batching_rule_that_does_something_else() -> None:
    twice = batched_wrongly()
    f = custom(lambda x: 2 * x, lambda _, g: (twice(g),))
    assert gradcheck(f, X)
    text = failure(f, X, check_batched_grad=True)
    assert "For output 0 and input 0, argument 'x' of the function, batched" in text
    assert "gradients are not what they are one by one" in text


def test_a_batching_rule_of_tangents() -> None:
    twice = batched_wrongly()
    f = jax.custom_jvp(lambda x: 2 * x)
    f.defjvp(lambda xs, ts: (f(*xs), twice(*ts)))
    options = {"check_forward_ad": True, "check_backward_ad": False}
    assert gradcheck(f, X, **options)
    text = failure(f, X, **options, check_batched_forward_grad=True)
    assert "In forward mode, for output 0 and input 0" in text


# --- where it works -------------------------------------------------------------------


def test_a_rule_and_a_forward_with_callbacks() -> None:
    class Host(Function):
        @staticmethod
        def forward(ctx: Context, x: Any) -> Any:
            ctx.save_for_backward(x)
            return jax.pure_callback(np.sin, x, x, vmap_method="expand_dims")

        @staticmethod
        def backward(ctx: Context, grad: Any) -> Any:
            (x,) = ctx.saved_tensors
            cos = jax.pure_callback(np.cos, x, x, vmap_method="expand_dims")
            return grad * cos

    for fast in (False, True):
        assert gradcheck(Host.apply, X, check_batched_grad=True, fast_mode=fast)


def test_a_ref_is_fresh_at_every_call() -> None:
    def count(x: Any, ref: Any) -> Any:
        ref[...] = ref[...] + 1
        return x * ref[...]

    ref = jax.new_ref(jnp.array(1.0))
    assert gradcheck(count, (X, ref))
    assert float(ref[...]) == 1.0


def test_a_function_that_writes_to_a_ref() -> None:
    class Counted(Function):
        @staticmethod
        def forward(ctx: Context, x: Any, calls: Any) -> Any:
            calls[...] = calls[...] + 1
            ctx.save_for_backward(x)
            return jnp.sin(x)

        @staticmethod
        def backward(ctx: Context, grad: Any) -> Any:
            return grad * jnp.cos(ctx.saved_tensors[0]), None

    calls = jax.new_ref(jnp.array(0))
    assert gradcheck(Counted.apply, (X, calls), check_grad_dtypes=True)
    assert int(calls[...]) == 0


def test_compiled_functions_and_forward_mode_alone() -> None:
    apply = sine().apply
    assert gradcheck(jax.jit(lambda x: apply(jnp.tanh(x))), X, check_forward_ad=True)
    loop = jax.jit(lambda x: jax.lax.while_loop(lambda v: v[0] < 9, lambda v: 2 * v, x))
    assert gradcheck(loop, X + 3, check_forward_ad=True, check_backward_ad=False)


def test_stopped_outputs_are_constant() -> None:
    stop = jax.lax.stop_gradient
    assert gradcheck(lambda x: (2 * x, stop(x)), X)
    assert "expected to be zero" in failure(lambda x: stop(x), X)
    assert "expected to be zero" in failure(lambda x: jnp.round(1e9 * x).astype(int), X)


class Marked(Function):
    """Two outputs, of which the second has no derivative."""

    @staticmethod
    def forward(ctx: Context, x: Any) -> Any:
        first, second = 2 * x, 3 * x
        ctx.mark_non_differentiable(second)
        return first, second

    @staticmethod
    def backward(ctx: Context, grad: Any, _: Any) -> Any:
        return 2 * grad


@pytest.mark.parametrize("jit", [False, True], ids=["eager", "jit"])
def test_what_a_function_marks_is_constant_wherever_it_is_called(jit: bool) -> None:
    def swapped(x: Any) -> Any:
        first, second = Marked.apply(jnp.sin(x))
        return {"a": second**2, "b": first + second}

    function = jax.jit(swapped) if jit else swapped
    function(X)
    # What depends on the marked output and on the other one is still compared.
    assert "output 1 (['b'])" in failure(function, X)
    assert gradcheck(lambda x: (swapped(x)["a"], Marked.apply(x)), X)
    assert gradgradcheck(lambda x: Marked.apply(x), X)


def test_no_tracer_is_left_behind() -> None:
    with jax.checking_leaks():
        for options in ({}, {"fast_mode": True}):
            assert gradcheck(
                sine().apply,
                X,
                check_forward_ad=True,
                check_batched_grad=True,
                check_grad_dtypes=True,
                **options,
            )
        assert gradgradcheck(sine().apply, X)


def test_inside_a_transformation_of_the_caller() -> None:
    seen = []

    def f(x: Any) -> Any:
        seen.append(gradcheck(sine().apply, X))
        return 2 * x

    assert float(jax.grad(f)(1.0)) == 2.0
    assert seen == [True]


def test_forward_mode_without_a_rule_is_its_own_error() -> None:
    with pytest.raises(ForwardModeError):
        gradcheck(Narrow.apply, ({"x": X}, 2), check_forward_ad=True)


def test_a_rule_that_is_differentiable_once() -> None:
    class Once(sine()):
        jvp = Function.jvp

        @staticmethod
        @once_differentiable
        def backward(ctx: Context, grad: Any) -> Any:
            return grad * jnp.cos(ctx.saved_tensors[0])

    assert gradcheck(Once.apply, X)
    with pytest.raises(OnceDifferentiableError):
        gradgradcheck(Once.apply, X, raise_exception=False)


def test_forward_over_reverse() -> None:
    options = {"check_fwd_over_rev": True}
    assert gradgradcheck(sine().apply, X, **options)
    only = {**options, "check_rev_over_rev": False, "check_undefined_grad": False}
    assert gradgradcheck(jnp.sin, X, **only)


def test_almost_zero_is_enough_when_masked() -> None:
    class Almost(Function):
        @staticmethod
        def forward(ctx: Context, x: Any) -> Any:
            return 2 * x

        @staticmethod
        def backward(ctx: Context, grad: Any) -> Any:
            return 2 * grad + 1e-10

    assert "not multiplied by grad_output" in failure(Almost.apply, X)
    assert gradcheck(Almost.apply, X, masked=True)


def test_a_ref_argument_is_neither_written_nor_differentiated() -> None:
    class Tracks(Function):
        @staticmethod
        def forward(ctx: Context, x: Any, total: Any) -> Any:
            total[...] = total[...] + x
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx: Context, grad: Any) -> Any:
            return 2 * ctx.saved_tensors[0] * grad, None

    total = jax.new_ref(jnp.zeros(3))
    inputs = (jnp.array([1.0, 2.0, 3.0]), total)
    assert gradcheck(Tracks.apply, inputs)
    assert gradgradcheck(Tracks.apply, inputs)
    np.testing.assert_array_equal(total[...], np.zeros(3))


@pytest.mark.parametrize("fast_mode", [False, True])
@pytest.mark.parametrize("kind", ["cube", "absolute", "cross"])
def test_a_rule_that_is_not_linear_fails(kind: str, fast_mode: bool) -> None:
    class Bent(Function):
        @staticmethod
        def forward(ctx: Context, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x**2, x**3

        @staticmethod
        def backward(ctx: Context, a: Any, b: Any) -> Any:
            (x,) = ctx.saved_tensors
            bent = {
                "cube": a**3 - a,
                "absolute": a * jnp.abs(a) - a,
                "cross": b * jnp.all(a != 0),
            }
            return 2 * x * a + 3 * x**2 * b + bent[kind]

    said = failure(Bent.apply, X, fast_mode=fast_mode)
    assert "not linear" in said or "mismatch" in said

    class Declared(Bent):
        surrogate = True

    assert gradcheck(Declared.apply, X, fast_mode=fast_mode)


def test_an_output_without_elements_is_checked_for_zeros() -> None:
    class Empty(Function):
        @staticmethod
        def forward(ctx: Context, x: Any) -> Any:
            return 2 * x, x[:0]

        @staticmethod
        def backward(ctx: Context, a: Any, b: Any) -> Any:
            return 2 * a + 1

    for fast_mode in (False, True):
        assert failure(Empty.apply, X, fast_mode=fast_mode)
        assert not gradcheck(Empty.apply, X, fast_mode=fast_mode, raise_exception=False)
