"""What can change between calls is read again, and errors keep their type."""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.errors import ArgumentError, ContextError, GradientCountError

X = jnp.float32(1.3)


class Scaled(Function):
    """x times what the static argument says, with a rule of 3 times the truth."""

    @staticmethod
    def forward(ctx, x, scale):
        ctx.scale = scale() if callable(scale) else scale.value
        return x * ctx.scale

    @staticmethod
    def backward(ctx, g):
        return 3 * g * ctx.scale, None


class Slots:
    __slots__ = ("value",)

    def __init__(self, value: float) -> None:
        self.value = value

    def get(self) -> float:
        return self.value


def get(slots: Slots) -> float:
    return slots.value


def changing(kind: str) -> tuple[Any, Slots]:
    held = Slots(2.0)
    return {
        "slots": held,
        "method": held.get,
        "partial": functools.partial(get, held),
        "closure": lambda: held.value,
    }[kind], held


@pytest.mark.parametrize("kind", ["slots", "method", "partial", "closure"])
def test_a_static_argument_that_changed_is_read_again(kind: str) -> None:
    scale, held = changing(kind)
    for _ in range(3):
        np.testing.assert_allclose(Scaled.apply(X, scale), 2.6, rtol=1e-6)
    held.value = 5.0
    np.testing.assert_allclose(Scaled.apply(X, scale), 6.5, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(Scaled.apply)(X, scale), 15.0)


def test_a_mixin_that_changed_is_read_again() -> None:
    class Mixin:
        @staticmethod
        def forward(ctx, x):
            return x * 2

    class Mixed(Mixin, Function):
        @staticmethod
        def backward(ctx, g):
            return 7 * g

    for _ in range(3):
        np.testing.assert_allclose(Mixed.apply(X), 2.6, rtol=1e-6)
    np.testing.assert_allclose(jax.grad(Mixed.apply)(X), 7.0)
    Mixin.forward = staticmethod(lambda ctx, x: x * 5)
    np.testing.assert_allclose(Mixed.apply(X), 6.5, rtol=1e-6)
    np.testing.assert_allclose(jax.value_and_grad(Mixed.apply)(X), (6.5, 7.0))


def test_equal_dataclasses_of_other_types_are_told_apart() -> None:
    @dataclasses.dataclass(frozen=True)
    class Config:
        factor: Any

    class Times(Function):
        @staticmethod
        def forward(ctx, x, config):
            return x * config.factor

        @staticmethod
        def backward(ctx, g):
            return None, None

    x = jnp.arange(3)
    for factor, kind in ((2, jnp.int32), (2.0, jnp.float32), (2, jnp.int32)):
        for _ in range(3):
            assert Times.apply(x, Config(factor)).dtype == kind


def test_backward_may_count_on_a_static_argument() -> None:
    class Counter:
        n = 0

    class Counts(Function):
        @staticmethod
        def forward(ctx, x, counter):
            ctx.counter = counter
            return x * 1

        @staticmethod
        def backward(ctx, g):
            ctx.counter.n += 1
            return 3 * g, None

    counter = Counter()
    pull = jax.vjp(lambda x: Counts.apply(x, counter), X)[1]
    assert [float(pull(jnp.float32(1))[0]) for _ in range(3)] == [3.0] * 3
    assert counter.n == 3


def test_a_static_forward_may_call_its_context_self() -> None:
    class Named(Function):
        @staticmethod
        def forward(self, x):
            self.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(self, g):
            (x,) = self.saved_tensors
            return 100 * g * x

    np.testing.assert_allclose(jax.grad(Named.apply)(X), 130.0, rtol=1e-6)


def test_keys_that_cannot_be_sorted_are_named() -> None:
    class Keeps(Function):
        @staticmethod
        def forward(ctx, x, options):
            ctx.options = {1: x, "b": 2} if options is None else options
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g, None

    with pytest.raises(ContextError, match="attributes of ctx") as caught:
        jax.grad(Keeps.apply)(X, None)
    assert "Expected" in str(caught.value)
    with pytest.raises(ArgumentError, match=r"arguments of Keeps\.apply"):
        Keeps.apply(X, {1: 2, "b": 3})


def test_a_default_that_is_differentiated_needs_its_gradient() -> None:
    class Product(Function):
        @staticmethod
        def forward(ctx, x, w=X):
            ctx.save_for_backward(x, w)
            return x * w

        @staticmethod
        def backward(ctx, g):
            return 3 * g * ctx.saved_tensors[1]

    np.testing.assert_allclose(jax.grad(Product.apply)(X), 3.9, rtol=1e-6)
    with pytest.raises(GradientCountError, match="Product"):
        jax.grad(Product.apply, 1)(X, X)


def test_an_error_of_an_inner_rule_keeps_its_type() -> None:
    class Mine(ValueError):
        pass

    class Inner(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise Mine("my own")

    class Outer(Function):
        @staticmethod
        def forward(ctx, x):
            m = Inner.apply(x)
            ctx.save_for_backward(m)
            return m * m

        @staticmethod
        def backward(ctx, g):
            return 3 * g * ctx.saved_tensors[0]

    np.testing.assert_allclose(jax.grad(Outer.apply)(X), 7.8, rtol=1e-6)
    with pytest.raises(Mine, match="my own"):
        jax.grad(jax.grad(Outer.apply))(X)


def test_a_refusal_inside_forward_is_not_taken_for_its_own() -> None:
    plain = jax.custom_vjp(lambda x: x * 2)
    plain.defvjp(lambda x: (x * 2, None), lambda _, g: (g,))

    class Pushes(Function):
        @staticmethod
        def forward(ctx, x):
            return jax.jvp(plain, (x,), (x,))[1]

        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(TypeError) as caught:
        jax.grad(Pushes.apply)(X)
    assert "Pushes" not in str(caught.value)


def test_a_rule_is_not_asked_for_marked_outputs_alone() -> None:
    class Marked(Function):
        @staticmethod
        def forward(ctx, x):
            index = jnp.floor(3 * x) + x / 2
            ctx.mark_non_differentiable(index)
            ctx.save_for_backward(x, index)
            return x * index, index

        @staticmethod
        def backward(ctx, g, _):
            return g * ctx.saved_tensors[1] + 7

    index = jnp.floor(3 * X) + X / 2
    assert float(jax.grad(lambda x: Marked.apply(x)[1])(X)) == 0.0
    first = jax.grad(lambda x: Marked.apply(x)[0])
    np.testing.assert_allclose(first(X), index + 7, rtol=1e-6)
    # Declared a constant, it stays one when backward is differentiated, as in torch.
    assert float(jax.grad(first)(X)) == 0.0
