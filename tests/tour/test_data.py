"""The data that ship with the package."""

from importlib import resources

import numpy as np

from jaxgrad.tour.data import load, split


def test_the_whole_set_is_there() -> None:
    images, labels = load()
    assert (images.shape, images.dtype) == ((1797, 8, 8), np.uint8)
    assert (labels.shape, labels.dtype) == ((1797,), np.uint8)
    assert (images.min(), images.max()) == (0, 16)
    # The counts that the collection documents for its test set.
    counts = [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert np.bincount(labels).tolist() == counts
    assert int(images.sum(dtype=np.int64)) == 561718


def test_the_split_is_fixed_and_disjoint() -> None:
    train, test = split()
    assert train.images.shape == (1200, 64)
    assert test.images.shape == (597, 64)
    assert train.images.dtype == np.float32
    assert train.images.max() == 1
    again, _ = split()
    np.testing.assert_array_equal(train.labels, again.labels)
    seen = {image.tobytes() for image in np.asarray(train.images)}
    assert not any(image.tobytes() in seen for image in np.asarray(test.images))


def test_the_file_is_small_and_attributed() -> None:
    folder = resources.files("jaxgrad.tour")
    assert len(folder.joinpath("digits.npz").read_bytes()) < 100_000
    notice = folder.joinpath("DIGITS.txt").read_text()
    for word in ("E. Alpaydin", "C. Kaynak", "UCI", "CC BY 4.0"):
        assert word in notice
