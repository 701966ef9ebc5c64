"""Random graphs: text, copies, passes and edits keep what they compute, and rules."""

import pytest

from tests.properties.graph_sweep import GRAPHS, REFUSED
from tests.properties.sweep import sweep

pytestmark = pytest.mark.sampled(3)


@pytest.mark.parametrize("name", GRAPHS)
def test_every_form_of_a_random_graph_computes_the_same(name: str) -> None:
    shard = GRAPHS[name]
    assert sweep(shard) >= shard.examples


@pytest.mark.parametrize("name", REFUSED)
def test_mistakes_in_editing_are_refused(name: str) -> None:
    shard = REFUSED[name]
    assert sweep(shard) >= shard.examples


def test_there_are_at_least_1000_random_graphs_and_200_mistakes() -> None:
    assert sum(shard.examples for shard in GRAPHS.values()) >= 1000
    assert sum(shard.examples for shard in REFUSED.values()) >= 200
