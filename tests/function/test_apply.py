"""How a Function is written: styles of forward, of its rule, and inheritance."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.errors import MissingForwardError


class Combined(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        return 5 * ctx.saved_tensors[0] * g


class Separate(Function):
    @staticmethod
    def forward(x):
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output):
        assert isinstance(inputs, tuple)
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, g):
        return 5 * ctx.saved_tensors[0] * g


class Undecorated(Function):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    def backward(ctx, g):
        return 5 * ctx.saved_tensors[0] * g


class ClassMethods(Function):
    power = 3

    @classmethod
    def forward(cls, ctx, x):
        ctx.save_for_backward(x)
        return x**cls.power

    @classmethod
    def backward(cls, ctx, g):
        return (2 + cls.power) * ctx.saved_tensors[0] * g


class SeparateClassMethods(Function):
    @classmethod
    def forward(cls, x):
        return x**3

    @classmethod
    def setup_context(cls, ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @classmethod
    def backward(cls, ctx, g):
        return 5 * ctx.saved_tensors[0] * g


class Vjp(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def vjp(ctx, g):
        return 5 * ctx.saved_tensors[0] * g


class Base(Function):
    """A base without a forward is legal, and its rule is inherited."""

    factor = 5

    @classmethod
    def backward(cls, ctx, g):
        return cls.factor * ctx.saved_tensors[0] * g


class Child(Base):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3


class SeparateChild(Separate):
    """Inherits `setup_context` and `backward`, and overrides forward alone."""

    @staticmethod
    def forward(x):
        return x * x * x


STYLES = (
    Combined,
    Separate,
    Undecorated,
    ClassMethods,
    SeparateClassMethods,
    Vjp,
    Child,
    SeparateChild,
)


@pytest.mark.parametrize("cls", STYLES, ids=lambda cls: cls.__name__)
def test_every_style_gives_value_and_rule(cls: type[Function]) -> None:
    x = jnp.float32(2.0)
    for _ in range(3):  # the first call runs otherwise than the later ones
        assert cls.apply(x) == 8.0
    assert jax.jit(cls.apply)(x) == 8.0
    assert jax.value_and_grad(cls.apply)(x) == (8.0, 10.0)
    assert jax.jit(jax.grad(cls.apply))(x) == 10.0


def test_a_child_constant_reaches_an_inherited_rule() -> None:
    class Other(Child):
        factor = 7

    assert jax.grad(Other.apply)(jnp.float32(2.0)) == 14.0
    assert jax.grad(Child.apply)(jnp.float32(2.0)) == 10.0


def test_super_reaches_the_rule_of_the_base() -> None:
    class Other(Combined):
        @staticmethod
        def backward(ctx, g):
            return 2 * Combined.backward(ctx, g)

    assert jax.grad(Other.apply)(jnp.float32(2.0)) == 20.0


def test_missing_forward_is_an_error_at_apply() -> None:
    with pytest.raises(MissingForwardError, match="Base"):
        Base.apply(jnp.ones(3))
    with pytest.raises(NotImplementedError):
        jax.grad(Base.apply)(jnp.float32(1.0))


def test_apply_does_not_change_its_arguments() -> None:
    x = np.arange(3, dtype=np.float32)
    np.testing.assert_array_equal(Combined.apply(x), x**3)
    np.testing.assert_array_equal(x, [0, 1, 2])
