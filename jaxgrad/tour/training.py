"""The classifier of the tour, trained in three ways.

- `PLANS`: float32 weights; 4-bit weights; 4-bit weights and gradient reversal.
- `train(data, test, plan)`: trains one network and scores it on held-out digits.

Each image is seen twice, plain and under a faint grey veil, and a head behind the
gradient reversal tries to tell which. Adam is written out: the core dependencies are
enough.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.tour.data import Digits
from jaxgrad.tour.network import Params, features, init, veil_logits

# Added to every pixel of an image; ink is 1.
VEIL = 0.1
_NOISE = 0.2
_BATCH = 100
_EPOCHS = 60
_RATE = 3e-3
# The head has to keep up with the features that run away from it.
_VEIL_RATE = 10 * _RATE
_PROBE_STEPS = 300


class Plan(NamedTuple):
    """How one network is trained.

    Attributes:
        name: What the table calls it.
        quantized: Whether the weights go through `LSQuantize`.
        reversal: The strength of the gradient reversal, annealed from 0. At 0 the veil
            head learns, and the features don't care.
    """

    name: str
    quantized: bool
    reversal: float


class Score(NamedTuple):
    """What a trained network does on held-out digits, plain and veiled.

    Attributes:
        digits: Accuracy of the digit head on plain images.
        veiled_digits: The same on veiled images.
        veil_head: Accuracy of the head behind the reversal; 0.5 is chance.
        veil_probe: Accuracy of a new linear classifier that is fitted to the finished
            features: what they still tell about the veil. 0.5 is chance.
        experts: Mean number of experts with a weight above zero, of 4.
    """

    digits: float | jax.Array
    veiled_digits: float | jax.Array
    veil_head: float | jax.Array
    veil_probe: float | jax.Array
    experts: float | jax.Array


PLANS = (
    Plan("float32 weights", quantized=False, reversal=0.0),
    Plan("4-bit weights", quantized=True, reversal=0.0),
    Plan("4-bit weights, reversal", quantized=True, reversal=0.3),
)


def _cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    picked = jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], axis=1)
    return -jnp.mean(picked)


def _loss(
    params: Params, batch: Digits, strength: jax.Array, quantized: jax.Array
) -> jax.Array:
    """The loss of both heads; the second half of the batch is veiled."""
    shared, _ = features(params, batch.images, quantized)
    veiled = jnp.arange(len(batch.labels)) >= len(batch.labels) // 2
    veil_loss = _cross_entropy(
        veil_logits(params, shared, strength), veiled.astype(jnp.int32)
    )
    return _cross_entropy(shared @ params["digit"], batch.labels) + veil_loss


def _adam(
    params: Any, grads: Any, moments: tuple[Any, Any], step: jax.Array, rates: Any
) -> tuple[Any, tuple[Any, Any]]:
    mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], grads)
    square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, moments[1], grads)
    # Both averages start at zero; this undoes what that takes from them.
    unbias = jnp.sqrt(1 - 0.999 ** (step + 1)) / (1 - 0.9 ** (step + 1))
    params = jax.tree.map(
        lambda p, m, s, rate: p - rate * unbias * m / (jnp.sqrt(s) + 1e-8),
        params,
        mean,
        square,
        rates,
    )
    return params, (mean, square)


def _zeros(params: Any) -> tuple[Any, Any]:
    zeros = jax.tree.map(jnp.zeros_like, params)
    return zeros, zeros


@jax.jit
def _fit(
    key: jax.Array,
    data: Digits,
    order: jax.Array,
    reversal: jax.Array,
    quantized: jax.Array,
) -> Params:
    """Makes every step in one scan; `order`, s32[steps, 2 * batch], picks images."""
    params = init(key)
    rates = {name: _VEIL_RATE if "veil" in name else _RATE for name in params}
    veil = jnp.where(jnp.arange(order.shape[1]) < order.shape[1] // 2, 0, VEIL)

    def step(carry: Any, picked: jax.Array) -> tuple[Any, None]:
        params, moments, number, key = carry
        done = number / order.shape[0]
        key, used = jax.random.split(key)
        noise = _NOISE * jax.random.normal(used, (order.shape[1], 64))
        images = data.images[picked] + veil[:, None] + noise
        # The schedule of Ganin and Lempitsky: none before the head knows anything.
        strength = reversal * (2 / (1 + jnp.exp(-10 * done)) - 1)
        batch = Digits(images, data.labels[picked])
        grads = jax.grad(_loss)(params, batch, strength, quantized)
        now = {name: rate * (1 - done) for name, rate in rates.items()}
        params, moments = _adam(params, grads, moments, number, now)
        return (params, moments, number + 1, key), None

    start = (params, _zeros(params), jnp.zeros(()), jax.random.fold_in(key, 1))
    return jax.lax.scan(step, start, order)[0][0]


def _fit_probe(inputs: jax.Array, labels: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Fits a linear classifier to finished features."""

    def loss(probe: tuple[jax.Array, jax.Array]) -> jax.Array:
        return _cross_entropy(inputs @ probe[0] + probe[1], labels)

    def step(number: jax.Array, carry: Any) -> Any:
        probe, moments = carry
        return _adam(probe, jax.grad(loss)(probe), moments, number, (0.03, 0.03))

    probe = (jnp.zeros((inputs.shape[1], 2)), jnp.zeros(2))
    return jax.lax.fori_loop(0, _PROBE_STEPS, step, (probe, _zeros(probe)))[0]


def _order(count: int, seed: int) -> np.ndarray:
    """Which images each step sees: the plain half and the veiled one are shuffled."""
    draw = np.random.default_rng(seed)
    shuffles = [[draw.permutation(count) for _ in range(2)] for _ in range(_EPOCHS)]
    batches = np.asarray(shuffles).reshape(_EPOCHS, 2, -1, _BATCH)
    return batches.transpose(0, 2, 1, 3).reshape(-1, 2 * _BATCH)


def train(data: Digits, test: Digits, plan: Plan, seed: int = 0) -> Score:
    """Trains a network and scores it on digits that it has not seen.

    Args:
        data: The training part.
        test: The held-out part.
        plan: How to train.
        seed: Of the weights and of the order of the images.

    Returns:
        The scores.
    """
    order = jnp.asarray(_order(len(data.labels), seed))
    # Arrays, not Python values, so that one program serves each plan.
    quantized, reversal = jnp.asarray(plan.quantized), jnp.float32(plan.reversal)
    params = _fit(jax.random.key(seed), data, order, reversal, quantized)
    return Score(*map(float, _score(params, data, test, quantized)))


@jax.jit
def _score(params: Params, data: Digits, test: Digits, quantized: jax.Array) -> Score:
    def seen(images: jax.Array) -> tuple[jax.Array, jax.Array]:
        both = jnp.concatenate([images, images + VEIL])
        return features(params, both, quantized)

    veiled = jnp.repeat(jnp.arange(2), len(test.labels))
    shared, gate = seen(test.images)
    weight, bias = _fit_probe(
        seen(data.images)[0], jnp.repeat(jnp.arange(2), len(data.labels))
    )
    logits = shared @ params["digit"]
    return Score(
        digits=_accuracy(logits[: len(test.labels)], test.labels),
        veiled_digits=_accuracy(logits[len(test.labels) :], test.labels),
        veil_head=_accuracy(veil_logits(params, shared, 0.0), veiled),
        veil_probe=_accuracy(shared @ weight + bias, veiled),
        experts=jnp.mean(jnp.sum(gate > 0, axis=1)),
    )


def mean(scores: Sequence[Score]) -> Score:
    """Averages the scores of several seeds.

    Args:
        scores: At least one.

    Returns:
        The mean of each number.
    """
    return Score(*(float(np.mean(values)) for values in zip(*scores, strict=True)))


def _accuracy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    return jnp.mean(jnp.argmax(logits, axis=1) == labels)
