"""What `gradcheck` says: names, places, numbers, warnings; and what it takes."""

import functools
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Context, Function, gradcheck, gradgradcheck
from jaxgrad.errors import GradcheckError, GradcheckOptionError, JaxgradWarning


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


class Affine(Function):
    """Its gradient of a bias is wrong where the layer is marked so."""

    @staticmethod
    def forward(ctx: Context, params: dict, x: jax.Array, wrong: bool) -> jax.Array:
        ctx.save_for_backward(params["w"], x)
        ctx.wrong = wrong
        return x @ params["w"] + params["b"]

    @staticmethod
    def backward(ctx: Context, grad: jax.Array) -> tuple:
        w, x = ctx.saved_tensors
        by_b = grad.at[1].mul(3.0) if ctx.wrong else grad
        return {"w": jnp.outer(x, grad), "b": by_b}, w @ grad, None


def affine_inputs(wrong: bool) -> tuple[Any, ...]:
    w = jnp.arange(6.0).reshape(2, 3)
    return {"w": w, "b": jnp.ones(3)}, jnp.array([0.5, -1.0]), wrong


def failure(function: Any, inputs: Any, **options: Any) -> str:
    with pytest.raises(GradcheckError) as caught:
        gradcheck(function, inputs, **options)
    return str(caught.value)


def test_the_whole_report() -> None:
    assert failure(Affine.apply, affine_inputs(wrong=True)) == (
        "Jacobian mismatch for output 0 with respect to input 0, argument "
        "'params['b']' of Affine:\n"
        "numerical:\n[[1. 0. 0.]\n [0. 1. 0.]\n [0. 0. 1.]]\n"
        "analytical:\n[[1. 0. 0.]\n [0. 3. 0.]\n [0. 0. 1.]]\n"
        "  (rows: elements of the input, [3]; columns: elements of the output, [3])\n"
        "  Worst element: output[1] with respect to params['b'][1]: expected 1 "
        "(numerical); got 3 (analytical).\n"
        "  Largest absolute error 2, largest relative error 2; 1 of 9 elements are not "
        "within 1e-05 + 0.001 * abs(numerical).\n"
        "  Correct the rule. If it is meant to be another derivative, say so on the "
        "Function: surrogate = reference_function, or surrogate = True."
    )


def test_containers_static_arguments_and_the_class_itself() -> None:
    inputs = affine_inputs(wrong=False)
    assert gradcheck(Affine, inputs)
    assert gradcheck(Affine.apply, list(inputs))
    assert gradgradcheck(Affine, inputs)


def test_the_fast_report_holds_the_slow_one() -> None:
    text = failure(Affine.apply, affine_inputs(wrong=True), fast_mode=True)
    assert "params['b']" in text.splitlines()[0]
    assert "two random unit vectors (fast mode)" in text
    assert "output[1] with respect to params['b'][1]: expected 1 " in text


def test_fast_mode_may_fail_where_slow_mode_passes() -> None:
    @jax.custom_vjp
    def f(x: Any) -> Any:
        return 1e4 * x

    def backward(_: None, g: Any) -> Any:
        return (1e4 * g + 1e-3 * g * jnp.any((g > 0) & (g < 1)),)

    f.defvjp(lambda x: (f(x), None), backward)
    x, options = jnp.ones(4), {"rtol": 1e-9, "atol": 1e-4}
    assert gradcheck(f, x, **options)
    assert "slow mode may well pass" in failure(f, x, fast_mode=True, **options)


def test_names_of_a_jax_function_and_of_its_outputs() -> None:
    @jax.custom_jvp
    def wrong(x: Any) -> Any:
        return 2 * x

    wrong.defjvp(lambda xs, ts: (wrong(*xs), 3 * ts[0]))

    def layer(first: Any, *rest: Any) -> Any:
        return {"good": first, "bad": wrong(rest[1])}

    x = jnp.ones(2)
    head = failure(layer, (x, x, x)).splitlines()[0]
    assert head == (
        "Jacobian mismatch for output 0 (['bad']) with respect to input 2, argument "
        "'rest[1]' of layer:"
    )
    head = failure(lambda a: wrong(a), x).splitlines()[0]
    assert head.endswith("input 0, argument 'a' of the function:")


def test_names_through_partial() -> None:
    params, x, _ = affine_inputs(wrong=True)
    function = functools.partial(Affine.apply, params, wrong=True)
    assert gradcheck(function, x)
    function = functools.partial(Affine.apply, x=x, wrong=True)
    assert "argument 'params['b']' of Affine" in failure(function, [params])


class Pair(NamedTuple):
    left: Any
    right: Any


def test_an_output_that_is_a_container_and_an_input_that_is_one() -> None:
    def swap(pair: dict) -> Any:
        return Pair(jnp.sin(pair["b"]), [pair["a"] ** 2, "text", 3, None])

    inputs = {"a": jnp.array(2.0), "b": jnp.ones((2, 1))}
    assert gradcheck(swap, inputs, check_batched_grad=True)
    assert gradgradcheck(swap, inputs)


def test_what_has_no_derivative_is_held_fixed(key: jax.Array) -> None:
    def f(x: Any, index: Any, key: Any, mode: str) -> Any:
        noise = jax.random.normal(key, x.shape, x.dtype)
        return (x[index] * noise).sum() if mode == "sum" else x, index, key

    assert gradcheck(f, (np.arange(3.0), np.array([2, 0, 1]), key, "sum"))


def test_empty_arrays_pass() -> None:
    assert gradcheck(jnp.sin, jnp.ones((0, 3)))
    assert gradcheck(jnp.sum, jnp.ones((0, 3)), fast_mode=True)


def test_a_nan_is_a_mismatch() -> None:
    x = jnp.array([-1.0])
    root = failure(lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0), x)
    assert "output[0] with respect to x[0]: expected 0 (numerical); got nan" in root
    assert "Largest absolute error nan" in root
    assert "Jacobian mismatch" in failure(jnp.log, x)


@pytest.mark.parametrize("inputs", [(), (1.0, "text"), (np.arange(3),)])
def test_nothing_to_differentiate(inputs: tuple) -> None:
    with pytest.raises(GradcheckOptionError, match="at least one input array"):
        gradcheck(lambda *xs: jnp.ones(2), inputs, raise_exception=False)


def test_a_coarse_input_is_warned_of() -> None:
    x = np.ones(2, "float32")
    with pytest.warns(JaxgradWarning, match="Input #0, 'x'.*it is float32") as caught:
        gradcheck(lambda x: 2 * x, x, eps=1e-2)
    assert caught[0].filename == __file__
    assert "enable_x64" not in str(caught[0].message)
    with jax.enable_x64(False):
        said = r"float32 \(given as float64\).*jax.enable_x64\(True\)"
        with pytest.warns(JaxgradWarning, match=said):
            gradcheck(lambda x: 2 * x, np.ones(2), eps=1e-2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert gradcheck(lambda x: 2 * x, np.ones(2))


def test_grad_outputs() -> None:
    def f(x: Any) -> Any:
        return {"a": x**3, "i": x.astype(int), "b": jnp.sum(x)}

    x = jnp.array([1.0, 2.0])
    assert gradgradcheck(f, x, {"a": jnp.array([0.5, 2.0]), "b": jnp.array(1.5)})
    assert gradgradcheck(f, x, gen_non_contig_grad_outputs=True)
    with pytest.raises(GradcheckOptionError, match=r"Expected one .* got float64\[2\]"):
        gradgradcheck(f, x, jnp.ones(2))


def test_second_order_names() -> None:
    @jax.custom_jvp
    def cube(x: Any) -> Any:
        return x**3

    cube.defjvp(
        lambda xs, ts: (cube(*xs), 3 * jax.lax.stop_gradient(xs[0]) ** 2 * ts[0])
    )
    x = jnp.array([1.0, 2.0])
    assert gradcheck(cube, x)
    with pytest.raises(GradcheckError) as caught:
        gradgradcheck(lambda weights: cube(weights), x)
    assert str(caught.value).splitlines()[0] == (
        "Jacobian mismatch for output 0 with respect to input 0, argument 'weights' of "
        "the gradient of the function:"
    )
