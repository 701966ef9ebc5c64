"""The text form: what each part of a graph looks like, and how fast it is written."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.graph import (
    Graph,
    Node,
    SourceRange,
    global_print_source_ranges,
    set_global_print_source_ranges,
    types,
)
from tests.helpers import TripledSin

F32 = types.parse("f32[3]")


def chain(length: int, kind: str = "lax::mul") -> Graph:
    """`length` nodes, each of which uses the one before it."""
    graph = Graph()
    x = value = graph.add_input("x").set_type(F32)
    for line in range(length):
        node = graph.append_node(graph.create(kind, [value, x]))
        node.set_source_range(SourceRange("/home/ada/model.py", line + 1))
        value = node.output().set_type(F32)
    graph.register_output(value)
    return graph


@pytest.fixture
def no_source_ranges() -> Iterator[None]:
    before = global_print_source_ranges()
    set_global_print_source_ranges(False)
    yield
    set_global_print_source_ranges(before)


def constant(value: Any, type_: str | None = None) -> str:
    """The line of a constant, from its type on."""
    graph = Graph()
    node = graph.create("prim::Constant")
    node.ival_("value", value)
    found = types.try_infer(value).type() if type_ is None else types.parse(type_)
    node.output().set_type(found)
    return repr(node).removeprefix("%1 : ").removesuffix("()")


def test_a_graph_reads_like_torchscript() -> None:
    graph = Graph()
    x = graph.add_input("x").set_type(types.parse("f32[3, 4]"))
    graph.add_input("w").set_type(types.parse("f32[4]"))
    two = graph.create("prim::Constant").f_("value", 2.0)
    two.output().set_type(types.parse("f32[]"))
    graph.append_node(two)
    product = graph.create("lax::mul", [x, two.output()])
    product.set_source_range(SourceRange("/home/ada/model.py", 12, 4))
    graph.append_node(product)
    graph.register_output(product.output().set_type_as(x).set_debug_name("z"))
    assert str(graph) == (
        "graph(%x : f32[3, 4],\n"
        "      %w : f32[4]):\n"
        "  %3 : f32[] = prim::Constant[value=2.0]()\n"
        "  %z : f32[3, 4] = lax::mul(%x, %3)  # model.py:12\n"
        "  return (%z)"
    )
    assert repr(graph) == str(graph)


def test_an_empty_graph() -> None:
    assert str(Graph()) == "graph():\n  return ()"


def test_nodes_with_several_outputs_and_with_none() -> None:
    graph = chain(0)
    (x,) = graph.inputs()
    both = graph.create("py::app.split", [x], 2)
    both.outputs_at(0).set_debug_name("a")
    both.outputs_at(1).set_debug_name("b").set_type(types.IntType.get())
    assert repr(both) == "%a : Tensor, %b : int = py::app.split(%x)"
    assert repr(graph.create("prim::Print", [x], 0)) == "= prim::Print(%x)"


def test_the_own_nodes_of_a_block() -> None:
    graph = chain(0)
    assert repr(graph.return_node()) == "return (%x)"
    assert repr(graph.param_node()) == "%x : f32[3] = prim::Param()"


def test_nested_blocks_are_indented() -> None:
    graph = chain(0)
    (x,) = graph.inputs()
    node = graph.append_node(graph.create("prim::If", [x]))
    first, second = node.add_block(), node.add_block()
    first.register_output(first.add_node("lax::sin", [x]).output())
    second.register_output(second.add_input_to_block("i", types.IntType.get()))
    assert str(graph) == (
        "graph(%x : f32[3]):\n"
        "  %2 : Tensor = prim::If(%x)\n"
        "    block0():\n"
        "      %3 : Tensor = lax::sin(%x)\n"
        "      -> (%3)\n"
        "    block1(%i : int):\n"
        "      -> (%i)\n"
        "  return (%x)"
    )
    assert repr(second) == "block(%i : int):\n  -> (%i)"
    assert repr(node) == "%2 : Tensor = prim::If(%x)"


def test_an_application_shows_its_function_and_its_scalars() -> None:
    graph = chain(0)
    op = graph.create_python_op(TripledSin.apply, "dcc", [2, "same"])
    op.add_input(graph.inputs()[0])
    assert repr(op) == "%2 : Tensor = ^TripledSin(2, 'same')(%x)"
    # Values that come before arrays have to be said.
    swapped = graph.create_python_op(TripledSin.apply, "cd", [2])
    swapped.add_input(graph.inputs()[0])
    assert repr(swapped) == "%3 : Tensor = ^TripledSin[cconv='cd'](2)(%x)"
    assert repr(graph.create_python_op(max, "", [])) == "%4 : Tensor = ^max()()"
    # Not complete yet, and shown all the same.
    assert repr(graph.create("prim::PythonOp")) == "%5 : Tensor = prim::PythonOp()"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2.0, "float = prim::Constant[value=2.0]"),
        (0.1, "float = prim::Constant[value=0.1]"),
        (float("nan"), "float = prim::Constant[value=nan]"),
        (float("-inf"), "float = prim::Constant[value=-inf]"),
        (1 + 2j, "complex = prim::Constant[value=(1+2j)]"),
        (True, "bool = prim::Constant[value=True]"),
        (None, "None = prim::Constant[value=None]"),
        ("a 'b'\n", "str = prim::Constant[value=\"a 'b'\\n\"]"),
        ((1,), "Tuple[int] = prim::Constant[value=(1,)]"),
        ([1, 2], "List[int] = prim::Constant[value=[1, 2]]"),
        ({"a": 1}, "Dict[str, int] = prim::Constant[value={'a': 1}]"),
        # The type says the dtype of a scalar.
        (np.float32(0.1), "f32[] = prim::Constant[value=0.1]"),
        (jnp.bfloat16(0.1), "bf16[] = prim::Constant[value=0.1001]"),
        (np.int8(-3), "i8[] = prim::Constant[value=-3]"),
        (np.bool_(True), "bool[] = prim::Constant[value=True]"),
        (np.complex64(0.5j), "c64[] = prim::Constant[value=0.5j]"),
        # Small arrays are written, larger ones abbreviated.
        (np.arange(3), "i32[3] = prim::Constant[value=i64[3]{0, 1, 2}]"),
        (np.zeros((2, 0)), "f32[2, 0] = prim::Constant[value=f64[2, 0]{}]"),
        (
            np.eye(2, dtype=np.float32),
            "f32[2, 2] = prim::Constant[value=f32[2, 2]{1.0, 0.0, 0.0, 1.0}]",
        ),
        (
            np.zeros(1000, np.float32),
            "f32[1000] = prim::Constant[value=f32[1000]{...}]",
        ),
    ],
)
def test_constants_are_readable_and_exact(value: Any, expected: str) -> None:
    assert constant(value).replace("0.100098", "0.1001") == expected


def test_a_python_number_is_written_as_the_dtype_it_becomes() -> None:
    assert constant(0.30000000000000004, "f32[]") == (
        "f32[] = prim::Constant[value=0.3]"
    )
    assert constant(2, "f32[]") == "f32[] = prim::Constant[value=2.0]"
    assert constant(2.5, "i32[]") == "i32[] = prim::Constant[value=2.5]"
    assert constant(0.1, "f32[]{weak}") == "f32[]{weak} = prim::Constant[value=0.1]"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_every_float_comes_back(dtype: str, rng: np.random.Generator) -> None:
    from jaxgrad.graph._literals import number_text

    dtype = jnp.dtype(dtype)
    for x in rng.standard_normal(200).astype(dtype):
        assert np.asarray(float(number_text(x)), dtype).tobytes() == x.tobytes()


def test_attributes() -> None:
    graph = Graph()
    node = graph.create("lax::conv", (), 0)
    node.attr.update(axes=(0, 1), dtype=jnp.dtype("bfloat16"), like=F32, window=None)
    node.attr["cut"] = (slice(1, None), ...)
    assert repr(node) == (
        "= lax::conv[axes=(0, 1), dtype=bf16, like=type(f32[3]), window=None, "
        "cut=(slice(1, None, None), ...)]()"
    )


def test_what_is_no_literal_has_a_short_name() -> None:
    numbers = jax.lax.ConvDimensionNumbers((0, 1), (1, 0), (0, 1))
    huge = numbers._replace(lhs_spec=tuple(range(50)))
    mode = jax.lax.GatherScatterMode.CLIP
    node = Graph().create("lax::conv", (), 0)
    node.attr.update(numbers=numbers, huge=huge, mode=mode, fn=jnp.sin, any=object())
    node.attr["kind"] = int
    assert repr(node) == (
        "= lax::conv[numbers=ConvDimensionNumbers((0, 1), (1, 0), (0, 1)), "
        "huge=<ConvDimensionNumbers>, mode=GatherScatterMode.CLIP, fn=<function sin>, "
        "any=<object>, kind=<class int>]()"
    )


def test_a_called_graph_is_written_in_one_line() -> None:
    node = Graph().create("prim::CallFunction", (), 0)
    node.g_("graph", chain(1))
    assert repr(node) == (
        "= prim::CallFunction[graph=graph(%x : f32[3]): "
        "%2 : f32[3] = lax::mul(%x, %x) return (%2)]()"
    )


def test_source_ranges_are_switched_on_and_off() -> None:
    graph = chain(1)
    assert "# model.py:1" in graph.str()
    assert "#" not in graph.str(print_source_ranges=False)
    assert repr(graph.nodes()[0]).endswith("# model.py:1")


@pytest.mark.usefixtures("no_source_ranges")
def test_the_global_switch_holds_for_all_threads() -> None:
    graph = chain(1)
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(str(graph)))
    thread.start()
    thread.join()
    assert "#" not in found[0]
    assert "#" not in str(graph)
    assert "#" not in repr(graph.nodes()[0])
    assert "# model.py:1" in graph.str(print_source_ranges=True)
    assert global_print_source_ranges() is False


def test_recorded_blocks_are_shown_without_their_jaxprs() -> None:
    graph = chain(0)
    node = graph.append_node(graph.create("lax::jit", graph.inputs()))
    node.attr.update(name="f", jaxpr=object(), inline=False, sharding=None)

    class Recorded:
        """Stands for a recorded equation, whose jaxpr is one block."""

        def regions(self) -> tuple[str, ...]:
            return ("jaxpr",)

        def expand(self, node: Node) -> None:
            block = node._append_block(editable=False)
            block.register_output(block.add_input_to_block("a"))

        def source_range(self) -> SourceRange:
            return SourceRange("/home/ada/model.py", 7)

    node._operator = Recorded()  # type: ignore[assignment]
    assert str(graph).splitlines()[1:4] == [
        "  %2 : Tensor = lax::jit[name='f', ...](%x)  # model.py:7",
        "    block0(%a : Tensor):",
        "      -> (%a)",
    ]


def test_twenty_thousand_nodes_are_written_in_a_second() -> None:
    graph = chain(20_000)
    start = time.process_time()
    text = str(graph)
    assert time.process_time() - start < 1
    assert text.count("\n") == 20_001
