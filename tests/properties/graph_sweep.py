"""Which checks are run on which random graphs, how often.

- `GRAPHS`: legal ones, in every form; `REFUSED`: mistakes in editing them.
"""

from tests.properties.graph_checks import built
from tests.properties.graph_mistakes import MISTAKES, mistakes, refused
from tests.properties.graph_traced import programs, recorded
from tests.properties.graphs import graphs
from tests.properties.sweep import Shard

GRAPHS: dict[str, Shard] = {
    **{f"built-{n}": Shard(built, graphs(), 240, n) for n in range(4)},
    "traced": Shard(recorded, programs(), 40, compiled=True),
}
REFUSED: dict[str, Shard] = {
    kind: Shard(refused, mistakes(kind), 10) for kind in MISTAKES
}
