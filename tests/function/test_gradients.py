"""What `backward` may return, and how it is adapted to the arguments."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function

WRAPS = {
    "eager": lambda f: f,
    "jit": jax.jit,
    "checkpoint": jax.checkpoint,
    "scan": lambda f: (
        lambda *args: jax.lax.scan(
            lambda c, _: (c + f(*args), None), 0.0, None, length=1
        )[0]
    ),
}
wraps = pytest.mark.parametrize("wrap", WRAPS.values(), ids=WRAPS)


def rule(returns: Callable, n: int = 1) -> Callable:
    """The sum of the leaves of `n` arguments, whose backward is `returns(g)`."""

    def total(args):
        leaves = [v for v in jax.tree.leaves(args) if isinstance(v, jax.Array)]
        return sum(jnp.real(v).sum().astype(jnp.float32) for v in leaves)

    class Rule(Function):
        @staticmethod
        def backward(ctx, g):
            return returns(g)

    class One(Rule):
        @staticmethod
        def forward(ctx, a):
            return total(a)

    class Two(Rule):
        @staticmethod
        def forward(ctx, a, b):
            return total((a, b))

    return {1: One, 2: Two}[n].apply


ONES = jnp.ones(3)


@wraps
@pytest.mark.parametrize(
    "returns",
    [
        lambda g: 7 * g * ONES,
        lambda g: (7 * g * ONES,),
        lambda g: [7 * g * ONES],
        lambda g: (7 * g * ONES, None),
        lambda g: (7 * g * ONES, None, None, None),
        lambda g: [7 * g * ONES, None],
    ],
    ids=["bare", "tuple", "list", "one-none", "nones", "list-none"],
)
def test_one_argument(returns: Callable, wrap: Callable) -> None:
    np.testing.assert_array_equal(jax.grad(wrap(rule(returns)))(ONES), np.full(3, 7))


@wraps
@pytest.mark.parametrize("kind", [tuple, list])
@pytest.mark.parametrize("extra", [(), (None,), (None, None)])
def test_two_arguments(kind: type, extra: tuple, wrap: Callable) -> None:
    f = rule(lambda g: kind((7 * g, 8 * g, *extra)), 2)
    assert jax.grad(wrap(f), (0, 1))(2.0, 3.0) == (7.0, 8.0)


@wraps
def test_a_list_argument_has_its_gradient_in_a_1_tuple(wrap: Callable) -> None:
    f = rule(lambda g: ([7 * g, 8 * g],))
    assert jax.grad(wrap(f))([jnp.float32(1), jnp.float32(2)]) == [7.0, 8.0]
    f = rule(lambda g: [[7 * g, 8 * g]])
    assert jax.grad(wrap(f))([jnp.float32(1), jnp.float32(2)]) == [7.0, 8.0]


@wraps
def test_a_dict_argument_may_have_a_bare_gradient(wrap: Callable) -> None:
    f = rule(lambda g: {"w": 7 * g, "b": 8 * g})
    grads = jax.grad(wrap(f))({"w": jnp.float32(1), "b": jnp.float32(2)})
    assert grads == {"w": 7.0, "b": 8.0}


@wraps
@pytest.mark.parametrize(
    ("returns", "want"),
    [
        (lambda g: None, [0.0, 0.0]),
        (lambda g: (None,), [0.0, 0.0]),
        (lambda g: ({"b": None, "w": None},), [0.0, 0.0]),
        (lambda g: ({"b": 8 * g, "w": None},), [8.0, 0.0]),
        (lambda g: ({"b": None, "w": 7 * g},), [0.0, 7.0]),
    ],
    ids=["bare", "tuple", "leaves", "one-leaf", "other-leaf"],
)
def test_none_is_a_zero_gradient(returns: Callable, want: list, wrap: Callable) -> None:
    tree = {"b": jnp.float32(1), "w": jnp.float32(2)}
    grads = jax.grad(wrap(rule(returns)))(tree)
    assert [grads["b"], grads["w"]] == want
    assert grads["b"].dtype == jnp.float32


@wraps
@pytest.mark.parametrize(
    ("shape", "given"),
    [
        ((3,), (2, 3)),
        ((2, 1), (2, 3)),
        ((1, 3), (2, 3)),
        ((1, 1), (2, 3)),
        ((), (5, 3)),
        ((3,), (0, 3)),
        ((1,), (0,)),
        ((0,), (2, 0)),
        ((1, 3), (4, 2, 3)),
        ((2, 1, 3), (5, 2, 4, 3)),
    ],
    ids=str,
)
def test_a_larger_gradient_is_summed_to_shape(
    shape: tuple, given: tuple, wrap: Callable
) -> None:
    values = np.arange(np.prod(given), dtype=np.float32).reshape(given)
    _, pull = jax.vjp(lambda x: jnp.broadcast_to(x, given), jnp.ones(shape))
    grad = jax.grad(wrap(rule(lambda g: g * values)))(jnp.ones(shape))
    assert grad.shape == shape
    np.testing.assert_allclose(grad, pull(jnp.asarray(values))[0], rtol=1e-6)


@wraps
@pytest.mark.parametrize("given", ["int32", "bool", "uint8", "float16", "bfloat16"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_real_gradient_is_cast(given: str, dtype: str, wrap: Callable) -> None:
    x = jnp.ones(3, dtype)
    grad = jax.grad(wrap(rule(lambda g: jnp.ones(3, given))))(x)
    assert grad.dtype == x.dtype
    np.testing.assert_array_equal(grad, np.ones(3))


def test_a_gradient_of_64_bits_is_cast_and_back() -> None:
    with jax.enable_x64(True):
        wide, narrow = jnp.ones(3, "float64"), jnp.ones(3, "float32")
        for x, given in ((wide, "float32"), (narrow, "float64"), (narrow, "int64")):
            grad = jax.grad(rule(lambda g, d=given: jnp.full(3, 2, d)))(x)
            assert grad.dtype == x.dtype
            np.testing.assert_array_equal(grad, [2, 2, 2])


@wraps
@pytest.mark.parametrize("given", ["float32", "int32", "bool", "float16"])
def test_a_real_gradient_is_cast_to_a_complex_argument(
    given: str, wrap: Callable
) -> None:
    x = jnp.ones(3, "complex64")
    grad = jax.grad(wrap(rule(lambda g: jnp.ones(3, given))))(x)
    assert grad.dtype == x.dtype
    np.testing.assert_array_equal(grad, np.ones(3))


def test_cast_and_sum_together() -> None:
    grad = jax.grad(rule(lambda g: jnp.ones((4, 3), "int32")))(jnp.ones(3, "bfloat16"))
    assert grad.dtype == jnp.bfloat16
    np.testing.assert_array_equal(grad, np.full(3, 4))


def test_a_numpy_gradient_becomes_an_array() -> None:
    grad = jax.grad(rule(lambda g: np.full(3, 7.0)))(ONES)
    assert isinstance(grad, jax.Array)
    assert grad.dtype == ONES.dtype
    np.testing.assert_array_equal(grad, [7, 7, 7])


@pytest.mark.parametrize("cotangent", [2.0, np.float32(2.0), jnp.asarray(2.0)])
def test_a_pullback_takes_numbers_as_jax_does(cotangent: Any) -> None:
    _, pull = jax.vjp(rule(lambda g: 7 * g), jnp.float32(1.0))
    (grad,) = pull(cotangent)
    assert grad == 14.0
    assert grad.dtype == jnp.float32
    _, pull = jax.vjp(jax.jit(rule(lambda g: 7 * g)), jnp.float32(1.0))
    assert pull(cotangent) == (14.0,)


def test_only_none_for_static_arguments() -> None:
    f = rule(lambda g: (7 * g, None), 2)
    assert jax.grad(f)(1.0, "static") == 7.0
    f = rule(lambda g: (None, 8 * g), 2)
    assert jax.grad(lambda x: f("static", x))(1.0) == 8.0


def test_omitted_defaults_need_no_gradient() -> None:
    class F(Function):
        @staticmethod
        def forward(ctx, x, n=2, mode="sum"):
            return x * n

        @staticmethod
        def backward(ctx, g):
            return g * 7

    assert jax.grad(F.apply)(1.0) == 7.0


def test_an_argument_that_is_not_differentiated_may_have_a_gradient() -> None:
    f = rule(lambda g: (7 * g, 8 * g), 2)
    assert jax.grad(f)(1.0, jnp.float32(2)) == 7.0
    assert jax.jit(jax.grad(f, 1))(jnp.float32(1), 2.0) == 8.0


class Custom(Exception):
    """A user's own type."""


@wraps
@pytest.mark.parametrize("error", [Custom("mine"), KeyError("k"), ValueError("v")])
def test_the_users_own_exception_passes_through(
    error: Exception, wrap: Callable
) -> None:
    def returns(g: Any) -> Any:
        raise error

    with pytest.raises(type(error)) as caught:
        jax.grad(wrap(rule(returns)))(ONES)
    assert type(caught.value) is type(error)
    assert caught.value.args == error.args


class BadForward(Function):
    @staticmethod
    def forward(ctx, x):
        raise Custom("mine", 3)


class BadSetup(Function):
    @staticmethod
    def forward(x):
        return x * 2

    @staticmethod
    def setup_context(ctx, inputs, output):
        raise Custom("mine", 3)

    @staticmethod
    def backward(ctx, g):
        return g


@wraps
@pytest.mark.parametrize("cls", [BadForward, BadSetup])
def test_an_exception_of_forward_or_setup_context_passes_through(
    cls: type[Function], wrap: Callable
) -> None:
    with pytest.raises(Custom) as caught:
        jax.grad(wrap(cls.apply))(1.0)
    assert caught.value.args == ("mine", 3)


@pytest.mark.parametrize("wrap", [lambda f: f, jax.jit, jax.vmap])
def test_an_exception_of_forward_passes_through_undifferentiated(
    wrap: Callable,
) -> None:
    for _ in range(3):
        with pytest.raises(Custom) as caught:
            wrap(BadForward.apply)(ONES)
        assert caught.value.args == ("mine", 3)
