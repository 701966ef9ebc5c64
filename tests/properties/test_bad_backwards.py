"""Random mistakes in backward are always the documented error."""

import pytest

from tests.properties.sweep import MISTAKES, sweep

pytestmark = pytest.mark.sampled(3)


@pytest.mark.parametrize("kind", MISTAKES)
def test_a_mistake_is_its_own_error(kind: str) -> None:
    shard = MISTAKES[kind]
    assert sweep(shard) >= shard.examples


def test_there_are_at_least_500_mistakes() -> None:
    assert sum(shard.examples for shard in MISTAKES.values()) >= 500
