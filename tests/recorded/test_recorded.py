"""jaxgrad against what torch answered when it was recorded."""

import json
from typing import Any

import jax
import numpy as np
import pytest

from tests.recorded import jax_answers
from tests.recorded.functions import SOURCES, inputs
from tests.recorded.record import PATH, decode

RECORD: dict[str, Any] = json.loads(PATH.read_text())


@pytest.mark.parametrize(
    ("compiled", "generate_jvp_rule"),
    [(False, False), (True, False), (True, True)],
    ids=["eager", "jit", "jit-dual"],
)
@pytest.mark.parametrize("name", SOURCES)
def test_values_and_gradients_are_those_of_torch(
    name: str, compiled: bool, generate_jvp_rule: bool
) -> None:
    with jax.enable_x64(True):
        got = jax_answers.answers(
            name, compiled=compiled, generate_jvp_rule=generate_jvp_rule
        )
    want = RECORD["functions"][name]
    assert got.keys() == want.keys()
    for key, arrays in got.items():
        for array, entry in zip(arrays, want[key], strict=True):
            expected = decode(entry)
            assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
            np.testing.assert_allclose(array, expected, rtol=1e-10, atol=1e-10)


def test_every_source_is_recorded() -> None:
    assert RECORD["functions"].keys() == SOURCES.keys()
    assert RECORD["torch"].startswith("2.")


def test_the_records_can_tell_a_wrong_rule() -> None:
    """No recorded gradient is zero, and none equals what was put in."""
    for name, record in RECORD["functions"].items():
        arrays = [v for v in inputs(name) if isinstance(v, np.ndarray)]
        for key in ("first", "second"):
            for entry, given in zip(record[key], arrays, strict=True):
                assert np.abs(decode(entry)).min() > 1e-4, (name, key)
                assert not np.allclose(decode(entry), given), (name, key)
