"""What can't be differentiated, and how: what the messages say."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from jaxgrad import Function
from jaxgrad.errors import (
    ClosureError,
    ForwardModeError,
    IntermediateDerivativeError,
    MissingBackwardError,
    StaticMutationError,
)
from tests.function.functions import Callback, SaveInput, dual, on_host, says

X = jnp.float32(2.0)


def define(**members: Any) -> type[Function]:
    """A class named `Bad`; functions become static methods."""
    plain = lambda v: staticmethod(v) if callable(v) else v  # noqa: E731
    return type("Bad", (Function,), {k: plain(v) for k, v in members.items()})


FORWARD_MODE = {
    "jvp": lambda f: jax.jvp(f, (X,), (X,)),
    "jacfwd": lambda f: jax.jacfwd(f)(X),
    "jvp-vmap": lambda f: jax.jvp(jax.vmap(f), (X[None],), (X[None],)),
}


@pytest.mark.parametrize("run", FORWARD_MODE.values(), ids=FORWARD_MODE)
def test_forward_mode_without_a_rule(run: Callable) -> None:
    with pytest.raises(ForwardModeError) as caught:
        run(SaveInput.apply)
    says(caught.value, "SaveInput", "jvp", "generate_jvp_rule = True")
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("run", FORWARD_MODE.values(), ids=FORWARD_MODE)
def test_forward_mode_without_any_rule(run: Callable) -> None:
    bad = define(forward=lambda ctx, x: x * 2)
    with pytest.raises((ForwardModeError, NotImplementedError)) as caught:
        run(bad.apply)
    says(caught.value, "Bad", "jvp")


def test_reverse_mode_without_a_rule() -> None:
    bad = define(forward=lambda ctx, x: x * 2)
    assert bad.apply(X) == 4.0
    for grad in (jax.grad(bad.apply), jax.jit(jax.grad(bad.apply))):
        with pytest.raises(MissingBackwardError) as caught:
            grad(X)
        says(caught.value, "Bad", "backward", "vjp")
        assert isinstance(caught.value, NotImplementedError)


class CosOnHost(Function):
    """Saves an intermediate whose derivative JAX can't give."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x, on_host(jnp.cos, x))
        return jnp.sin(x)

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[1]


class AttributeOnHost(CosOnHost):
    @staticmethod
    def forward(ctx, x):
        ctx.slope = on_host(jnp.cos, x)
        return jnp.sin(x)

    @staticmethod
    def backward(ctx, g):
        return g * ctx.slope


@pytest.mark.parametrize(
    ("cls", "name"),
    [(CosOnHost, "saved_tensors[1]"), (AttributeOnHost, "ctx.slope")],
)
@pytest.mark.parametrize("wrap", [lambda c: c, dual], ids=["reverse", "dual"])
def test_an_intermediate_whose_derivative_does_not_exist(
    cls: type[Function], name: str, wrap: Callable
) -> None:
    apply = wrap(cls).apply
    assert jax.grad(apply)(X) == pytest.approx(-0.41614684)
    second = (
        jax.grad(jax.grad(apply)),
        jax.jit(jax.grad(jax.grad(apply))),
        jax.hessian(apply),
    )
    for run in second:
        with pytest.raises(IntermediateDerivativeError) as caught:
            run(X)
        says(caught.value, cls.__name__, name, "output")
    # The same forward has one through what it saved as an input.
    assert jax.grad(jax.grad(Callback.apply))(X) == 400.0


class Reads(Function):
    @staticmethod
    def forward(ctx, x, config):
        ctx.config = config
        return x * 2

    @staticmethod
    def backward(ctx, g):
        scale = ctx.config["s"] if isinstance(ctx.config, dict) else ctx.config.s
        return g * scale, None


class Config:
    def __init__(self, s: float) -> None:
        self.s = s


def change_dict(config: dict) -> None:
    config["s"] = 9.0


def change_object(config: Config) -> None:
    config.s = 9.0


@pytest.mark.parametrize(
    ("make", "change"),
    [
        (lambda: {"s": 5.0}, change_dict),
        (lambda: Config(5.0), change_object),
    ],
    ids=["dict", "object"],
)
def test_a_static_argument_changed_before_backward(
    make: Callable, change: Callable
) -> None:
    config = make()
    _, pull = jax.vjp(lambda x: Reads.apply(x, config), X)
    assert pull(X) == (10.0,)
    change(config)
    with pytest.raises(StaticMutationError) as caught:
        pull(X)
    says(caught.value, "Reads", "config", "5.0", "9.0", "copy")
    # A new application sees the new value.
    assert jax.grad(lambda x: Reads.apply(x, config))(X) == 9.0


def test_a_static_argument_may_change_in_forward() -> None:
    def forward(ctx, x, log):
        log.s += 1
        ctx.log = log
        return x * 2

    counts = define(forward=forward, backward=lambda ctx, g: (7 * g, None))
    assert jax.grad(counts.apply)(X, Config(0)) == 7.0


def closing_over(w: Any) -> type[Function]:
    class Closes(Function):
        @staticmethod
        def forward(ctx, x):
            return x * w

        @staticmethod
        def backward(ctx, g):
            return g * w

    return Closes


def test_closing_over_what_is_being_differentiated() -> None:
    for grad in (jax.grad, lambda f: jax.jit(jax.grad(f))):
        with pytest.raises(ClosureError) as caught:
            grad(lambda v: closing_over(v).apply(X))(X)
        says(caught.value, "Closes", "'w'", "argument")
        assert isinstance(caught.value, TypeError)
