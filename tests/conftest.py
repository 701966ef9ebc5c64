"""What every test stands on: four CPU devices and fixed seeds.

The environment is set before anything imports JAX, because JAX reads it once.

Of tests marked `sampled(n)`, one case in `n` runs; all of them run where
`JAXGRAD_WHOLE` is set, as one step of `.ci/run` does:

    JAXGRAD_WHOLE=1 python -m pytest tests/function/test_vmap.py
"""

import collections
import gc
import os

os.environ["JAX_PLATFORMS"] = "cpu"
_DEVICES = "--xla_force_host_platform_device_count"
if _DEVICES not in (_flags := os.environ.get("XLA_FLAGS", "")):
    os.environ["XLA_FLAGS"] = f"{_flags} {_DEVICES}=4".strip()

import jax  # noqa: E402 (the environment comes first)
import numpy as np  # noqa: E402
import pytest  # noqa: E402


@pytest.fixture
def rng() -> np.random.Generator:
    """A NumPy generator with the same seed in every test."""
    return np.random.default_rng(0)


@pytest.fixture
def key() -> jax.Array:
    """A JAX key with the same seed in every test."""
    return jax.random.key(0)


@pytest.fixture(scope="module", autouse=True)
def _few_objects_to_collect() -> None:
    """What earlier modules left in JAX's caches is no more the collector's business.

    It would walk millions of objects at every collection, and tests that ask whether a
    class is collected ask for many.
    """
    gc.freeze()


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Leave out the cases that a sample leaves out."""
    if os.environ.get("JAXGRAD_WHOLE"):
        return
    seen: collections.Counter[str] = collections.Counter()
    kept, left = [], []
    for item in items:
        mark = item.get_closest_marker("sampled")
        test = item.nodeid.partition("[")[0]
        # Along the diagonal, so that no parameter is always the same.
        count = 1 if mark is None else mark.args[0]
        keep = (seen[test] + seen[test] // count) % count == 0
        (kept if keep else left).append(item)
        seen[test] += 1
    items[:] = kept
    config.hook.pytest_deselected(items=left)
