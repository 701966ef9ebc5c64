"""Programs in plain Python, which the benchmark compiles with `jaxgrad.script`.

Each runs as it stands on `jax.Array`s. `tests.bench.script_twins` has the same programs
as one writes them with `lax`.

- Loops: `newton`, `power`, `collatz`; `settle` with a gradient; `recurrence`.
- Branches: `huber`. Hardly anything: `line`.
- Two real ones: `integrate`, an adaptive ODE solver, and `beam_search`.
"""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp

import jaxgrad

MAX_STEPS = 256
WIDTH, LENGTH, END = 4, 12, 0
INTERCEPT = 1.5


def newton(x: jax.Array) -> jax.Array:
    """The square root, by Newton's method with small steps."""
    root = x
    while abs(root * root - x) > 1e-3 * x:
        root -= 0.0003 * (root - x / root)
    return root


def power(matrix: jax.Array, vector: jax.Array) -> jax.Array:
    """An eigenvector of the largest eigenvalue, by 200 rounds at most."""
    rounds = 0
    while rounds < 200:
        image = matrix @ vector
        image /= jnp.linalg.norm(image)
        if jnp.max(abs(image - vector)) < 1e-9:
            break
        vector = image
        rounds += 1
    return vector


def collatz(limit: jax.Array) -> jax.Array:
    """How many steps the sequences from below `limit` take to 1, all in all."""
    start, steps = jnp.int32(1), jnp.int32(0)
    while start < limit:
        n = start
        while n != 1:
            if n % 2 == 0:
                n //= 2
            else:
                n = 3 * n + 1
            steps += 1
        start += 1
    return steps


def line(x: jax.Array, slope: jax.Array, steps: int = 2) -> jax.Array:
    """So little that a call is all that it costs."""
    return x * slope**steps + INTERCEPT


def huber(x: jax.Array) -> jax.Array:
    """A quadratic near zero and linear away from it, by the largest element."""
    size = jnp.max(abs(x))
    if size < 1.0:
        return jnp.sum(x * x) / 2
    elif size < 10.0:
        return jnp.sum(abs(x)) - 0.5
    return jnp.sum(jnp.sqrt(abs(x)))


def settle(weight: jax.Array, x: jax.Array) -> jax.Array:
    """Goes on until the state is near a fixed point."""
    state = jnp.zeros_like(x)
    change = jnp.float32(1.0)
    with jaxgrad.loop(max_steps=MAX_STEPS):
        while change > 1e-6:
            following = 0.9 * jnp.tanh(weight @ state) + x
            change = jnp.max(abs(following - state))
            state = following
    return state


def settle_taped(weight: jax.Array, x: jax.Array) -> jax.Array:
    """`settle` with the gradient of a tape."""
    state = jnp.zeros_like(x)
    change = jnp.float32(1.0)
    with jaxgrad.loop(max_steps=MAX_STEPS, grad="taped"):
        while change > 1e-6:
            following = 0.9 * jnp.tanh(weight @ state) + x
            change = jnp.max(abs(following - state))
            state = following
    return state


def recurrence(weight: jax.Array, x: jax.Array) -> jax.Array:
    """A recurrent layer over 100 steps."""
    state = x
    for _ in range(100):
        state = jnp.tanh(weight @ state + x)
    return state


# An adaptive solver ------------------------------------------------------------------


class Solution(NamedTuple):
    """Where the solver stopped, and after how many steps."""

    t: jax.Array
    y: jax.Array
    accepted: jax.Array
    rejected: jax.Array


def lotka_volterra(y: jax.Array, rates: jax.Array) -> jax.Array:
    """Prey and predators."""
    prey, predators = y
    return jnp.stack(
        (
            rates[0] * prey - rates[1] * prey * predators,
            rates[2] * prey * predators - rates[3] * predators,
        )
    )


def integrate(rates: jax.Array, y: jax.Array, t_end: jax.Array) -> Solution:
    """Bogacki and Shampine's pair, with rejected steps; stops where a kind dies out."""
    t, h = jnp.float32(0.0), 0.1 * t_end
    k1 = lotka_volterra(y, rates)
    accepted, rejected = jnp.int32(0), jnp.int32(0)
    with jaxgrad.loop(max_steps=MAX_STEPS):
        while t < t_end:
            if t + h > t_end:
                h = t_end - t
            k2 = lotka_volterra(y + h / 2 * k1, rates)
            k3 = lotka_volterra(y + 3 * h / 4 * k2, rates)
            new = y + h / 9 * (2 * k1 + 3 * k2 + 4 * k3)
            k4 = lotka_volterra(new, rates)
            wrong = h / 72 * (-5 * k1 + 6 * k2 + 8 * k3 - 9 * k4)
            ratio = jnp.linalg.norm(wrong / (1e-6 + 1e-4 * abs(y)))
            factor = jnp.clip(0.9 * ratio ** (-1 / 3), 0.2, 5.0)
            if ratio > 1:
                h = jax.lax.stop_gradient(h * factor)
                rejected += 1
                continue
            t += h
            y, k1 = new, k4
            accepted += 1
            if jnp.min(y) < 1e-3:
                return Solution(t, y, accepted, rejected)
            h = jax.lax.stop_gradient(h * factor)
    return Solution(t, y, accepted, rejected)


# A beam search -----------------------------------------------------------------------


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Speller:
    """A small recurrent model of the next token."""

    embedding: jax.Array
    mixing: jax.Array
    output: jax.Array

    def step(self, state: jax.Array, token: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The next state, and the logarithm of each token's probability."""
        state = jnp.tanh(self.embedding[token] + self.mixing @ state)
        return state, jax.nn.log_softmax(self.output @ state)


def beam_search(model: Speller, start: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The best sequence that ends, and its score."""
    vocabulary = model.output.shape[0]
    tokens = jnp.full((WIDTH, LENGTH), END)
    states = jnp.tile(start, (WIDTH, 1))
    scores = jnp.full(WIDTH, -jnp.inf).at[0].set(0.0)
    last = jnp.ones(WIDTH, jnp.int32)
    best, best_score = tokens[0], jnp.float32(-jnp.inf)
    for position in range(LENGTH):
        states, logp = jax.vmap(model.step)(states, last)
        scores, flat = jax.lax.top_k((scores[:, None] + logp).ravel(), WIDTH)
        parents, last = flat // vocabulary, flat % vocabulary
        tokens = tokens[parents].at[:, position].set(last)
        states = states[parents]
        ended = jnp.where(last == END, scores, -jnp.inf)
        if jnp.max(ended) > best_score:
            best, best_score = tokens[jnp.argmax(ended)], jnp.max(ended)
        scores = jnp.where(last == END, -jnp.inf, scores)
        if jnp.max(scores) <= best_score:
            break
    return best, best_score
