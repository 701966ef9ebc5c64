"""The digits that the tour trains on, and their fixed split.

- `load()`: the images and labels that ship with the package.
- `split()`: training and held-out arrays, always the same.

The data are the test set of "Optical Recognition of Handwritten Digits" by E. Alpaydin
and C. Kaynak, UCI Machine Learning Repository (1998), https://doi.org/10.24432/C50P49,
under CC BY 4.0; `DIGITS.txt` beside the file says so too.
"""

from importlib import resources
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

# The file keeps its order, so the held-out digits are the last ones, not a random draw:
# neighbours in the file tend to be of one hand, and a random draw would be easier.
TRAINING_COUNT = 1200


class Digits(NamedTuple):
    """One part of the data.

    Attributes:
        images: f32[n, 64], from 0 (paper) to 1 (ink).
        labels: s32[n], the digit.
    """

    images: jax.Array
    labels: jax.Array


def load() -> tuple[np.ndarray, np.ndarray]:
    """Reads the data that ships with the package.

    Returns:
        `images`, u8[1797, 8, 8] with grey levels 0 to 16, and `labels`, u8[1797].

    Example:
        >>> images, labels = load()
        >>> images.shape, int(images.max()), labels[:4].tolist()
        ((1797, 8, 8), 16, [0, 1, 2, 3])
    """
    path = resources.files("jaxgrad.tour").joinpath("digits.npz")
    with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        return arrays["images"], arrays["labels"]


def split() -> tuple[Digits, Digits]:
    """Splits the digits in the order of the file.

    Returns:
        The training part (1,200 images) and the held-out part (597 images).

    Example:
        >>> train, test = split()
        >>> train.images.shape, test.images.shape
        ((1200, 64), (597, 64))
    """
    images, labels = load()
    flat = jnp.asarray(images.reshape(len(images), -1) / 16, jnp.float32)
    kinds = jnp.asarray(labels, jnp.int32)
    train = Digits(flat[:TRAINING_COUNT], kinds[:TRAINING_COUNT])
    return train, Digits(flat[TRAINING_COUNT:], kinds[TRAINING_COUNT:])
