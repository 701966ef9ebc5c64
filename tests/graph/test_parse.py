"""Reading the text form: it prints the same again, and says where it can't be read."""

import re
import time
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.errors import GraphError, ParseError
from jaxgrad.graph import Graph, PythonOp, SourceRange, parse, types
from tests.graph.test_text import chain
from tests.helpers import TripledSin

EVERYTHING = """\
graph(%x : f32[3, 4],
      %flag : bool[],
      %n : int):
  %4 : f32[] = prim::Constant[value=2.0]()
  %again : bool[] = prim::Constant[value=True]()
  %none : None = prim::Constant[value=None]()
  %z : f32[3, 4] = lax::mul(%x, %4)  # model.py:12
  %sum : f32[4] = lax::reduce_sum[axes=(0,), out_dtype=f32](%z)
  %y : f32[3, 4] = ^TripledSin(2, (1.5, 'a'))(%x)  # my model.py:13
  %back : f32[3, 4] = ^TripledSin[cconv='cd'](2)(%x)
  = prim::Print(%y, %n)
  %if.1 : f32[3, 4], %if.2 : int = prim::If(%flag)
    block0():
      %16 : f32[3, 4] = py::app.<locals>.f[scale=-inf](%z)  # model.py:15
      -> (%16, %n)
    block1():
      -> (%y, %n)
  %loop : f32[3, 4] = prim::Loop(%n, %again, %x)
    block0(%i : int, %state : f32[3, 4]):
      %inner : f32[3, 4] = prim::If(%again)
        block0():
          -> (%state)
        block1():
          -> (%x)
      -> (%again, %inner)
  %pair : Tuple[f32[3, 4], List[int]] = py::app.pair(%loop, %n)
  %call : f32[] = prim::CallFunction[graph=graph(%a : f32[]): \
%2 : f32[] = lax::sin(%a) return (%2)](%4)
  return (%pair, %if.1)"""


def one_node(operation: str) -> str:
    return f"graph(%x : f32[3]):\n  %y : f32[3] = {operation}\n  return (%y)"


def test_everything_prints_the_same_again() -> None:
    graph = parse(EVERYTHING, {"TripledSin": TripledSin})
    assert str(graph) == EVERYTHING
    graph.lint()
    assert str(parse(str(graph.copy()))) == str(graph.copy())


def test_what_is_read() -> None:
    graph = parse(EVERYTHING, {"TripledSin": TripledSin})
    assert [v.debug_name() for v in graph.inputs()] == ["x", "flag", "n"]
    product = graph.find_node("lax::mul")
    assert product is not None
    assert product.output().type() == types.parse("f32[3, 4]")
    assert product.source_range() == SourceRange("model.py", 12)
    two = product.inputs_at(1)
    assert two.debug_name() == "4"
    assert two.unique() == 4
    assert type(two.to_ival()) is np.float32
    first, second = graph.find_all_nodes("prim::PythonOp")
    assert isinstance(first, PythonOp)
    assert first.autograd_function() is TripledSin
    assert (first.cconv, first.scalar_args) == ("dcc", [2, (1.5, "a")])
    assert first.source_range() == SourceRange("my model.py", 13)
    assert isinstance(second, PythonOp)
    assert (second.cconv, second.scalar_args) == ("cd", [2])
    loop = graph.find_node("prim::Loop")
    assert loop is not None
    assert loop.blocks()[0].inputs()[0].debug_name() == "i"


def test_numbers_go_on_after_the_largest_one() -> None:
    graph = parse("graph(%x : int, %7 : int):\n  return (%x)")
    numbers = [v.unique() for v in [*graph.inputs(), graph.add_input()]]
    assert numbers == [8, 7, 9]
    graph.lint()
    assert graph.inputs()[2].debug_name() == "9"


@pytest.mark.parametrize(
    "value",
    [
        0,
        -7,
        10**30,
        0.1,
        -0.0,
        1e-300,
        float("inf"),
        float("-inf"),
        1j,
        complex(-0.0, -2.5),
        complex(float("inf"), 1e10),
        True,
        None,
        'it\'s "quoted"\n\t\\ é \ud800 \x00',
        b"\x00'a'",
        (),
        (1,),
        [(1, [2.5]), {}],
        {"a": (1, 2), 3: None},
        ...,
        slice(None, -1, 2),
        jnp.dtype("bfloat16"),
        jnp.dtype("bool"),
        types.parse("Tuple[f32[3, 4], List[int]]"),
        np.float32(0.1),
        np.asarray(0.1, jnp.bfloat16)[()],
        np.arange(6, dtype=np.int8).reshape(2, 3),
        np.zeros((0, 3), np.float32),
        np.array([True, False]),
        np.array([0.1 + 2j], np.complex64),
        np.array([1, -8], jnp.int4),
    ],
    ids=repr,
)
def test_attributes_come_back(value: Any) -> None:
    graph = chain(1)
    (node,) = graph.nodes()
    node.ival_("a", value).ival_("b", [value])
    again = parse(str(graph))
    assert str(again) == str(graph)
    for found in (again.nodes()[0].attr["a"], again.nodes()[0].attr["b"][0]):
        if isinstance(value, np.ndarray | np.generic):
            assert (found.dtype, found.shape) == (value.dtype, value.shape)
            assert found.tobytes() == value.tobytes()
        else:
            assert type(found) is type(value)
            assert found == value
            assert repr(found) == repr(value)


def test_nan_comes_back() -> None:
    found = parse(one_node("lax::f[a=nan, b=(nan+1j), c=f16[1]{nan}](%x)")).nodes()[0]
    assert found.f("a") != found.f("a")
    assert found.c("b").imag == 1
    assert np.isnan(found.t("c")).all()


def test_constants_keep_their_dtype() -> None:
    graph = Graph()
    for value, type_ in [
        (np.float32(0.1), "f32[]"),
        (jnp.bfloat16(0.1), "bf16[]"),
        (0.1, "f32[]{weak}"),
        (2, "f32[]"),
        (2.5, "i32[]"),
        (3, "int"),
    ]:
        node = graph.append_node(graph.create("prim::Constant"))
        node.ival_("value", value).output().set_type(types.parse(type_))
    again = parse(str(graph))
    assert str(again) == str(graph)
    found = [node.attr["value"] for node in again.nodes()]
    bfloat16 = jnp.dtype("bfloat16").type
    kinds = [np.float32, bfloat16, float, np.float32, float, int]
    assert [type(v) for v in found] == kinds
    assert found[0] == np.float32(0.1)


def test_a_weak_jax_scalar_becomes_a_python_number() -> None:
    graph = Graph()
    graph.insert_constant(jnp.asarray(0.1))
    assert parse(str(graph)).nodes()[0].attr["value"] == 0.1


def test_functions_that_are_not_given() -> None:
    graph = parse(one_node("^Gone(3)(%x)"))
    assert str(graph) == one_node("^Gone(3)(%x)")
    graph.lint()
    (op,) = graph.nodes()
    assert isinstance(op, PythonOp)
    assert op.autograd_function() is None
    assert op.name() == "Gone"
    assert op.pyobj == parse(str(graph)).nodes()[0].attr["pyobj"]
    with pytest.raises(GraphError, match=r"\^Gone was read from text"):
        op.pyobj(1)


def test_functions_may_be_any_callable() -> None:
    graph = parse(one_node("^f(3)(%x)"), {"f": max})
    assert graph.nodes()[0].attr["pyobj"] is max


def test_names_in_other_scripts() -> None:
    graph = parse("graph(%θ : int, %² : int):\n  return (%θ)")
    assert [v.debug_name() for v in graph.inputs()] == ["θ", "²"]
    assert str(parse(str(graph))) == str(graph)


def test_a_type_may_be_left_out() -> None:
    graph = parse("graph(%x, %y : int):\n  %z = lax::sin(%x) return (%z)")
    assert graph.outputs()[0].type() == types.TensorType.get()


def test_blanks_and_comments_say_nothing() -> None:
    text = (
        "\n# head\ngraph( %x : f32[3] ) :\n\n %y:f32[3]=lax::f[ a = ( 1 , ) ](%x)#c\n"
    )
    graph = parse(text + "# more\nreturn(%y)\n# end\n")
    assert graph.nodes()[0].attr["a"] == (1,)
    assert graph.nodes()[0].source_range() is None


ERRORS = {
    "": ("expected 'graph', got the end of the text", 1, 1),
    "graph(%x : f32[3]):\n  retur (%x)": ("the name of a value", 2, 3),
    "graph():\n  %y : int = sin()\n  return (%y)": ("expected a kind", 2, 14),
    "graph():\n  %y : int = lax::f(%x)\n  return (%y)": ("nowhere before", 2, 21),
    "graph(%x : int, %x : int):\n  return ()": ("%x is made twice", 1, 17),
    "graph(%x : f33[3]):\n  return ()": ("not a type", 1, 16),
    "graph(%x : f32[3):\n  return ()": ("not a type", 1, 19),
    "graph():\n  return () x": ("expected the end of the text", 2, 13),
    "graph():\n  return (": ("got the end of the text", 2, 11),
    one_node("lax::f[a=](%x)"): ("attribute 'a' of lax::f is not a literal", 2, 26),
    one_node("lax::f[a=print()](%x)"): ("is not a literal", 2, 26),
    one_node("lax::f[a=[<Mesh>]](%x)"): ("is not a literal", 2, 27),
    one_node("lax::f[m=GatherScatterMode.CLIP](%x)"): ("is not a literal", 2, 26),
    one_node("lax::f[name='a', ...](%x)"): ("of lax::f are abbreviated", 2, 34),
    one_node("lax::f[a=f32[9]{...}](%x)"): ("an array that is abbreviated", 2, 26),
    one_node("lax::f[a=f32[2]{1.0}](%x)"): ("2 elements expected, 1 given", 2, 26),
    one_node("lax::f[a=f32[1]{'b'}](%x)"): ("is no array", 2, 26),
    one_node("lax::f[a=1, a=2](%x)"): ("has the attribute 'a' already", 2, 29),
    one_node("lax::f[a={[]: 1}](%x)"): ("a list can't be a key", 2, 27),
    one_node("^F(1, open)(%x)"): ("an argument of ^F is not a literal", 2, 23),
    one_node(f"lax::f[a={'9' * 5000}](%x)"): ("can't be read", 2, 26),
    one_node(r"lax::f[a='\d'](%x)"): ("is not a literal", 2, 26),
    one_node("prim::Return(%x)"): ("stands in no line of its own", 2, 17),
    one_node("prim::PythonOp(%x)"): ("is written as ^Name", 2, 17),
    one_node("lax::scan(%x)\n    block0():\n      -> ()"): ("can't be made from", 3, 5),
    "graph(%c : bool):\n %y : int = prim::If(%c)\n  block0():\n   %z : int = py::f()\n"
    "   -> (%z)\n  block1():\n   -> (%z)\n return (%y)": ("in another block", 7, 8),
}


@pytest.mark.parametrize("text", ERRORS, ids=lambda text: text[-40:])
def test_errors_name_line_and_column(text: str) -> None:
    message, line, column = ERRORS[text]
    with pytest.raises(ParseError) as caught:
        parse(text)
    found = str(caught.value)
    assert message in found
    place = re.search(r"in line (\d+), column (\d+)", found)
    assert place is not None
    assert (int(place[1]), int(place[2])) == (line, column)
    source, caret = found.split("\n")[1:]
    assert source == f"  {text.splitlines()[line - 1] if text else ''}"
    assert caret == " " * (column + 1) + "^"


def test_errors_are_syntax_errors_and_graph_errors() -> None:
    with pytest.raises(SyntaxError):
        parse("graph")
    with pytest.raises(GraphError, match="expected a text; got NoneType"):
        parse(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("opening", ["(", "[", "{1:", "f32[1]{", "graph("])
def test_deep_nesting_is_an_error(opening: str) -> None:
    with pytest.raises(ParseError):
        parse(one_node(f"lax::f[a={opening * 100_000}"))


def test_nothing_is_evaluated(tmp_path: Any) -> None:
    made = tmp_path / "made"
    call = f"__import__('pathlib').Path({str(made)!r}).touch()"
    for operation in (f"lax::f[a={call}](%x)", f"^F({call})(%x)", f"py::{call}(%x)"):
        with pytest.raises(ParseError):
            parse(one_node(operation))
    assert not made.exists()


def test_damaged_texts_are_parse_errors(rng: np.random.Generator) -> None:
    letters = np.array(list("()[]{}%:=,.#'\"\\-^ \n0aé<>"))
    read = 0
    for _ in range(400):
        text = list(EVERYTHING)
        for at in rng.integers(0, len(text), rng.integers(1, 4)):
            text[at] = rng.choice([*letters, ""])
        try:
            graph = parse("".join(text))
        except ParseError:
            continue
        read += 1
        assert str(parse(str(graph))) == str(graph)
    assert 0 < read < 400


def test_reading_is_linear() -> None:
    text = str(chain(5_000))
    start = time.process_time()
    graph = parse(text)
    assert time.process_time() - start < 2
    assert str(graph) == text
