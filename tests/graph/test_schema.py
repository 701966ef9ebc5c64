"""Schemas of nodes: their text, what they match, and the names of inputs."""

import pytest

import jaxgrad
from jaxgrad.errors import GraphError, ParseError
from jaxgrad.graph import Node, parse
from tests.helpers import TripledSin


class Blend(jaxgrad.Function):
    """Two arrays round a Python value."""

    @staticmethod
    def forward(ctx, left, scale, right):
        return left * scale + right


class Split(jaxgrad.Function):
    """Forward and context apart, as torch writes newer Functions."""

    @staticmethod
    def forward(image, *masks):
        return image

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        """Keep nothing."""


def python_function(first: float, *more: float) -> float:
    return first + sum(more)


FUNCTIONS = {"Blend": Blend, "Split": Split, "TripledSin": TripledSin}


def node(line: str) -> Node:
    """The node of one line, which may use %x, %y and %n."""
    head = "graph(%x : f32[3], %y : f32[], %n : int):"
    return parse(f"{head}\n  {line}\n  return ()", FUNCTIONS).nodes()[0]


SCHEMAS = {
    "%z : f32[3] = lax::mul(%x, %y)": "lax::mul(f32[3] x, f32[] y) -> f32[3]",
    "%z : f32[3] = lax::slice[start_indices=(0,)](%x)": (
        "lax::slice(f32[3] operand) -> f32[3]"
    ),
    # Parameters that are given as attributes are no inputs.
    "%z : f32[] = lax::dynamic_slice[slice_sizes=(1, 1)](%x, %n, %n)": (
        "lax::dynamic_slice(f32[3] a, int b, int c) -> f32[]"
    ),
    "%z : int = lax::unheard_of(%x, %n)": "lax::unheard_of(f32[3] a, int b) -> int",
    "%z : int, %w : int = py::app.f(%n)": "py::app.f(int a) -> (int, int)",
    "%z : int = py::tests.graph.test_schema.python_function(%n, %n, %n)": (
        "py::tests.graph.test_schema.python_function(int first, int more_0, "
        "int more_1) -> int"
    ),
    "%z : int = py::jax.numpy.linalg.norm(%x)": (
        "py::jax.numpy.linalg.norm(f32[3] x) -> int"
    ),
    "= prim::Print(%x)": "prim::Print(f32[3] a) -> ()",
    "%z : int = prim::TupleIndex(%x, %n)": "prim::TupleIndex(f32[3] tuple, int index) "
    "-> int",
    "%z : f32[3] = prim::Loop(%n, %n, %x)": (
        "prim::Loop(int max_trip, int condition, f32[3] a) -> f32[3]"
    ),
    "%z : f32[3] = ^TripledSin()(%x)": "^TripledSin(f32[3] x) -> f32[3]",
    "%z : f32[3] = ^Blend[cconv='dcd'](2)(%x, %y)": (
        "^Blend(f32[3] left, f32[] right) -> f32[3]"
    ),
    "%z : f32[3] = ^Split()(%x, %y, %n)": (
        "^Split(f32[3] image, f32[] masks_0, int masks_1) -> f32[3]"
    ),
    "%z : f32[3] = ^Gone()(%x)": "^Gone(f32[3] args_0) -> f32[3]",
}


@pytest.mark.parametrize("line", SCHEMAS)
def test_the_text_of_a_schema(line: str) -> None:
    found = node(line)
    assert found.schema() == SCHEMAS[line]
    assert found.matches(found.schema())


def test_more_inputs_than_letters() -> None:
    names = ", ".join(["%n"] * 28)
    schema = node(f"= my::kind({names})").schema()
    assert "int z, int a1, int b1)" in schema


MUL = "%z : f32[3] = lax::mul(%x, %y)"


@pytest.mark.parametrize(
    "schema",
    [
        "lax::mul(Tensor a, Tensor b) -> Tensor",
        "lax::mul(f32[3] a, f32[] b) -> f32[3]",
        "lax::mul(f32[...], Any) -> f32[?]",
        "lax::mul(Tensor,Tensor)->(Tensor)",
        " lax::mul ( Optional[Tensor] a , Tensor b ) -> Any out ",
        "lax::mul(Tensor a, Tensor b)",
    ],
)
def test_what_matches(schema: str) -> None:
    assert node(MUL).matches(schema)


@pytest.mark.parametrize(
    "schema",
    [
        "lax::add(Tensor a, Tensor b) -> Tensor",
        "lax::mul(Tensor a) -> Tensor",
        "lax::mul(Tensor a, Tensor b, Tensor c) -> Tensor",
        "lax::mul(f32[4] a, Tensor b) -> Tensor",
        "lax::mul(bf16[...] a, Tensor b) -> Tensor",
        "lax::mul(Tensor a, int b) -> Tensor",
        "lax::mul(Tensor a, Tensor b) -> int",
        "lax::mul(Tensor a, Tensor b) -> (Tensor, Tensor)",
        "lax::mul(Tensor a, Tensor b) -> ()",
    ],
)
def test_what_does_not_match(schema: str) -> None:
    assert not node(MUL).matches(schema)


def test_an_application_matches_by_kind_and_by_name() -> None:
    op = node("%z : f32[3] = ^TripledSin()(%x)")
    assert op.matches("prim::PythonOp(Tensor a) -> Tensor")
    assert op.matches("^TripledSin(Tensor a) -> Tensor")
    assert not op.matches("^Blend(Tensor a) -> Tensor")


@pytest.mark.parametrize(
    "schema",
    ["", "lax::mul", "lax::mul(Tensor a Tensor b)", "lax::mul(Tensor a", "a::b() -> ",
     "a::b() -> Tensor x y", "a::b(f32[) -> Tensor"],
)  # fmt: skip
def test_what_is_no_schema(schema: str) -> None:
    with pytest.raises(ParseError):
        node(MUL).matches(schema)


def test_inputs_by_name() -> None:
    op = node("%z : f32[3] = ^Blend[cconv='dcd'](2)(%x, %y)")
    assert op.named_input("right").debug_name() == "y"
    with pytest.raises(GraphError, match="no input named 'scale'") as caught:
        op.named_input("scale")
    assert "left, right" in str(caught.value)
    assert node(MUL).named_input("y").debug_name() == "y"
