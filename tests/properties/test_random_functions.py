"""Random Functions against plain autodiff: results, gradients, second derivatives."""

import pytest

from tests.properties.sweep import FUNCTIONS, sweep

pytestmark = pytest.mark.sampled(3)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_random_function_is_its_body_differentiated(name: str) -> None:
    shard = FUNCTIONS[name]
    assert sweep(shard) >= shard.examples


def test_there_are_at_least_2000_random_functions() -> None:
    assert sum(s.examples * s.functions for s in FUNCTIONS.values()) >= 2000
