"""The programs of `tests.bench.script_programs`, written by hand with `lax`.

- `bounded`, `taped`: loops with a gradient, by nested checkpointed scans and by a tape.
- The programs, under the same names.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from tests.bench.script_programs import (
    END,
    INTERCEPT,
    LENGTH,
    MAX_STEPS,
    WIDTH,
    Solution,
    Speller,
    lotka_volterra,
)

State = Any
BASE = 16


def bounded(
    condition: Callable[[State], jax.Array],
    body: Callable[[State], State],
    state: State,
    steps: int = MAX_STEPS,
) -> State:
    """Up to `steps` steps as scans in scans of `BASE`, each of them checkpointed."""
    if steps == 1:
        return body(state)

    def skipped(state: State, _: None) -> tuple[State, None]:
        inner = functools.partial(bounded, condition, body, steps=steps // BASE)
        return lax.cond(condition(state), inner, lambda state: state, state), None

    run = jax.checkpoint(lambda state: lax.scan(skipped, state, length=BASE)[0])
    return run(state)


def taped(
    condition: Callable[[State], jax.Array],
    body: Callable[[Any, State], State],
    constants: Any,
    state: State,
    steps: int = MAX_STEPS,
) -> State:
    """A `while_loop` that keeps its states, and goes back over them for a gradient."""

    @jax.custom_vjp
    def run(constants: Any, state: State) -> State:
        return lax.while_loop(condition, functools.partial(body, constants), state)

    def forward(constants: Any, state: State) -> tuple[State, Any]:
        def step(carry: tuple[jax.Array, State, State]) -> Any:
            i, state, tape = carry
            tape = jax.tree.map(lambda t, s: t.at[i].set(s), tape, state)
            return i + 1, body(constants, state), tape

        tape = jax.tree.map(lambda s: jnp.zeros((steps, *s.shape), s.dtype), state)
        begin = (jnp.int32(0), state, tape)
        count, state, tape = lax.while_loop(lambda c: condition(c[1]), step, begin)
        return state, (constants, count, tape)

    def backward(saved: Any, grads: State) -> Any:
        constants, count, tape = saved

        def step(carry: tuple[jax.Array, Any, State]) -> Any:
            i, of_constants, grads = carry
            before = jax.tree.map(lambda t: t[i - 1], tape)
            more, grads = jax.vjp(body, constants, before)[1](grads)
            return i - 1, jax.tree.map(jnp.add, of_constants, more), grads

        begin = (count, jax.tree.map(jnp.zeros_like, constants), grads)
        return lax.while_loop(lambda carry: carry[0] > 0, step, begin)[1:]

    run.defvjp(forward, backward)
    return run(constants, state)


def newton(x: jax.Array) -> jax.Array:
    """The square root, by Newton's method with small steps."""
    return lax.while_loop(
        lambda root: abs(root * root - x) > 1e-3 * x,
        lambda root: root - 0.0003 * (root - x / root),
        x,
    )


def power(matrix: jax.Array, vector: jax.Array) -> jax.Array:
    """An eigenvector of the largest eigenvalue, by 200 rounds at most."""

    def goes_on(carry: tuple[jax.Array, jax.Array, jax.Array]) -> jax.Array:
        rounds, near, _ = carry
        return (rounds < 200) & ~near

    def round_(carry: tuple[jax.Array, jax.Array, jax.Array]) -> Any:
        rounds, _, vector = carry
        image = matrix @ vector
        image /= jnp.linalg.norm(image)
        near = jnp.max(abs(image - vector)) < 1e-9
        return rounds + ~near, near, jnp.where(near, vector, image)

    begin = (jnp.int32(0), jnp.bool(False), vector)
    return lax.while_loop(goes_on, round_, begin)[2]


def collatz(limit: jax.Array) -> jax.Array:
    """How many steps the sequences from below `limit` take to 1, all in all."""

    def step(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        n, steps = carry
        n = lax.cond(n % 2 == 0, lambda n: n // 2, lambda n: 3 * n + 1, n)
        return n, steps + 1

    def sequence(carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        start, steps = carry
        _, steps = lax.while_loop(lambda carry: carry[0] != 1, step, (start, steps))
        return start + 1, steps

    begin = (jnp.int32(1), jnp.int32(0))
    return lax.while_loop(lambda carry: carry[0] < limit, sequence, begin)[1]


def line(x: jax.Array, slope: jax.Array) -> jax.Array:
    """A straight line."""
    return x * slope**2 + INTERCEPT


def huber(x: jax.Array) -> jax.Array:
    """A quadratic near zero and linear away from it, by the largest element."""
    size = jnp.max(abs(x))

    def farther(x: jax.Array) -> jax.Array:
        return lax.cond(
            size < 10.0,
            lambda x: jnp.sum(abs(x)) - 0.5,
            lambda x: jnp.sum(jnp.sqrt(abs(x))),
            x,
        )

    return lax.cond(size < 1.0, lambda x: jnp.sum(x * x) / 2, farther, x)


def _unsettled(carry: tuple[jax.Array, jax.Array]) -> jax.Array:
    return carry[1] > 1e-6


def _settling(
    constants: tuple[jax.Array, jax.Array], carry: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    (weight, x), (state, _) = constants, carry
    following = 0.9 * jnp.tanh(weight @ state) + x
    return following, jnp.max(abs(following - state))


def settle(weight: jax.Array, x: jax.Array) -> jax.Array:
    """Goes on until the state is near a fixed point."""
    begin = (jnp.zeros_like(x), jnp.float32(1.0))
    step = functools.partial(_settling, (weight, x))
    return bounded(_unsettled, step, begin)[0]


def settle_taped(weight: jax.Array, x: jax.Array) -> jax.Array:
    """`settle` with the gradient of a tape."""
    begin = (jnp.zeros_like(x), jnp.float32(1.0))
    return taped(_unsettled, _settling, (weight, x), begin)[0]


def recurrence(weight: jax.Array, x: jax.Array) -> jax.Array:
    """A recurrent layer over 100 steps."""

    def step(state: jax.Array, _: None) -> tuple[jax.Array, None]:
        return jnp.tanh(weight @ state + x), None

    return lax.scan(step, x, length=100)[0]


def integrate(rates: jax.Array, y: jax.Array, t_end: jax.Array) -> Solution:
    """Bogacki and Shampine's pair, with rejected steps; stops where a kind dies out."""

    def goes_on(carry: tuple[Solution, jax.Array, jax.Array, jax.Array]) -> jax.Array:
        solution, _, _, died = carry
        return (solution.t < t_end) & ~died

    def step(carry: tuple[Solution, jax.Array, jax.Array, jax.Array]) -> Any:
        (t, y, accepted, rejected), h, k1, _ = carry
        h = jnp.where(t + h > t_end, t_end - t, h)
        k2 = lotka_volterra(y + h / 2 * k1, rates)
        k3 = lotka_volterra(y + 3 * h / 4 * k2, rates)
        new = y + h / 9 * (2 * k1 + 3 * k2 + 4 * k3)
        k4 = lotka_volterra(new, rates)
        wrong = h / 72 * (-5 * k1 + 6 * k2 + 8 * k3 - 9 * k4)
        ratio = jnp.linalg.norm(wrong / (1e-6 + 1e-4 * abs(y)))
        factor = jnp.clip(0.9 * ratio ** (-1 / 3), 0.2, 5.0)
        fits = ratio <= 1
        solution = Solution(
            jnp.where(fits, t + h, t),
            jnp.where(fits, new, y),
            accepted + fits,
            rejected + ~fits,
        )
        k1 = jnp.where(fits, k4, k1)
        died = fits & (jnp.min(new) < 1e-3)
        return solution, lax.stop_gradient(h * factor), k1, died

    zero = jnp.int32(0)
    begin = Solution(jnp.float32(0.0), y, zero, zero)
    k1 = lotka_volterra(y, rates)
    return bounded(goes_on, step, (begin, 0.1 * t_end, k1, jnp.bool(False)))[0]


def beam_search(model: Speller, start: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The best sequence that ends, and its score."""
    vocabulary = model.output.shape[0]

    def extend(carry: Any, position: jax.Array) -> Any:
        tokens, states, scores, last, best, best_score, _ = carry
        states, logp = jax.vmap(model.step)(states, last)
        scores, flat = lax.top_k((scores[:, None] + logp).ravel(), WIDTH)
        parents, last = flat // vocabulary, flat % vocabulary
        tokens = tokens[parents].at[:, position].set(last)
        ended = jnp.where(last == END, scores, -jnp.inf)
        best, best_score = lax.cond(
            jnp.max(ended) > best_score,
            lambda: (tokens[jnp.argmax(ended)], jnp.max(ended)),
            lambda: (best, best_score),
        )
        scores = jnp.where(last == END, -jnp.inf, scores)
        done = jnp.max(scores) <= best_score
        return tokens, states[parents], scores, last, best, best_score, done

    def step(carry: Any, position: jax.Array) -> tuple[Any, None]:
        kept = lambda carry, position: carry  # noqa: E731
        return lax.cond(carry[-1], kept, extend, carry, position), None

    tokens = jnp.full((WIDTH, LENGTH), END, jnp.int32)
    begin = (
        tokens,
        jnp.tile(start, (WIDTH, 1)),
        jnp.full(WIDTH, -jnp.inf).at[0].set(0.0),
        jnp.ones(WIDTH, jnp.int32),
        tokens[0],
        jnp.float32(-jnp.inf),
        jnp.bool(False),
    )
    return lax.scan(step, begin, jnp.arange(LENGTH))[0][4:6]
