"""Cells about differentiation alone: orders, inner values, forward mode."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad.verify._oracle import Oracle
from jaxgrad.verify._problem import Problem

# A compiled program may take over from the second call on.
_CALLS = 3


def value(p: Problem) -> Any:
    """The whole output, called a few times."""
    return [p.whole() for _ in range(_CALLS)]


def expect_value(o: Oracle) -> Any:
    """The same output each time."""
    return [o.run(o.base).output] * _CALLS


def jit_of_grad(p: Problem) -> Any:
    """The gradient of a compiled program whose integers and keys are arguments too."""
    return jax.jit(jax.grad(p.loss_of_all, p.active))(*p.arrays)


def one_at_a_time(p: Problem) -> Any:
    """Each argument's gradient, asked for alone."""
    return tuple(jax.grad(p.loss, i)(*p.xs) for i in p.argnums)


def inner_value(p: Problem) -> Callable[..., Any]:
    """The value that an inner value_and_grad returns, as a function."""
    return lambda *xs: jax.value_and_grad(p.loss, p.argnums)(*xs)[0]


def second_argument(p: Problem) -> Any:
    """The inner gradient is taken in one argument, the outer one in another."""

    def inner(scale: Any, *xs: Any) -> Any:
        def loss(*xs: Any) -> Any:
            return p.loss(*p.scaled(scale, *xs))

        return jax.value_and_grad(loss, p.argnums)(*xs)[0]

    by_scale = jax.grad(inner)(jnp.ones((), p.real), *p.xs)
    last = len(p.xs) - 1
    if not last:
        return (by_scale,)

    def first(*xs: Any) -> Any:
        return jax.value_and_grad(p.loss)(*xs)[0]

    return by_scale, jax.grad(first, last)(*p.xs)


def expect_second_argument(o: Oracle) -> Any:
    """The slope along the examples, and the last argument's gradient."""
    gradient = o.gradient()
    by_scale = o.problem.slope(gradient, o.problem.xs)
    return (by_scale, gradient[-1]) if len(gradient) > 1 else (by_scale,)


def value_and_gradient(p: Problem) -> Any:
    """Both results of an inner value_and_grad, differentiated."""

    def both(*xs: Any) -> Any:
        value, gradient = jax.value_and_grad(p.loss, p.argnums)(*xs)
        return value + p.pair(p.directions[0], gradient)

    return p.grad(both)(*p.xs)


def expect_value_and_gradient(o: Oracle) -> Any:
    """The gradient plus the second derivative."""
    return tuple(map(jnp.add, o.gradient(), o.second))


def grad_of_grad(p: Problem, loss: Callable[..., Any] | None = None) -> Any:
    """The gradient of the gradient along a direction, as a function."""
    return p.grad(p.grad_along(loss or p.loss, 0))


def third_order(p: Problem) -> Any:
    """One more derivative."""
    return p.grad(p.grad_along(p.grad_along(p.loss, 0), 1))(*p.xs)


def hessian_at(p: Problem, loss: Callable[..., Any] | None = None) -> Any:
    """The Hessian along the directions, as a function of the point."""
    loss = loss or p.loss
    return lambda *xs: jax.hessian(lambda t: loss(*p.point(t, *xs)))(p.zero)


def step(p: Problem, *numbers: float) -> jax.Array:
    """A tangent of the few real numbers that move the inputs."""
    return jnp.asarray(numbers, p.real)


def jvp(p: Problem) -> Any:
    """One directional derivative, with the value."""
    return jax.jvp(p.projections, (p.zero,), (step(p, 1, 2),))


def expect_jvp(o: Oracle) -> Any:
    """The projections, and the matrix of tangents times the direction."""
    outputs = o.run(o.base).arrays
    values = [o.problem.pair(c, outputs) for c in o.problem.cotangents]
    return jnp.stack(values), o.tangents @ step(o.problem, 1, 2)


def linearize(p: Problem) -> Any:
    """The linear map at a point, applied twice."""
    _, linear = jax.linearize(p.projections, p.zero)
    return jnp.stack([linear(step(p, 1, 0)), linear(step(p, 0, 1))], axis=1)


def _slope(p: Problem) -> Callable[..., Any]:
    return lambda theta: jax.jvp(p.along, (theta,), (step(p, 1, 2),))[1]


def forward_over_forward(p: Problem) -> Any:
    """A directional derivative of a directional derivative."""
    return jax.jvp(_slope(p), (p.zero,), (step(p, 3, -1),))[1]


def expect_forward_over_forward(o: Oracle) -> Any:
    """The Hessian between two directions."""
    return step(o.problem, 1, 2) @ o.hessian() @ step(o.problem, 3, -1)


def reverse_over_forward(p: Problem) -> Any:
    """The gradient of a directional derivative."""
    return jax.grad(_slope(p))(p.zero)


def expect_reverse_over_forward(o: Oracle) -> Any:
    """The Hessian times a direction."""
    return o.hessian() @ step(o.problem, 1, 2)
