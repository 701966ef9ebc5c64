"""The kinds `lax::NAME` and `py::PATH`: what they call, and what that makes."""

from __future__ import annotations

import math
import operator
import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad.errors import GraphError
from jaxgrad.graph import Graph, types
from jaxgrad.graph._callables import call, output_types, resolve
from jaxgrad.lower import run


class Marked(Function):
    """x**2, with a rule that is not its derivative."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return 50 * g

    @staticmethod
    def helper(x: Any) -> Any:
        return x + 1


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> str:
    module = type(sys)("a_module_of_the_user")
    vars(module)["Marked"] = Marked
    vars(module)["number"] = 3
    monkeypatch.setitem(sys.modules, "a_module_of_the_user", module)
    return "a_module_of_the_user"


def test_resolve_finds_what_is_imported(here: str) -> None:
    assert resolve("lax::sin") is jax.lax.sin
    assert resolve("py::jax.numpy.sin") is jnp.sin
    assert resolve("py::math.floor") is math.floor
    assert resolve("py::operator.add") is operator.add
    assert resolve(f"py::{here}.Marked") is Marked
    assert resolve(f"py::{here}.Marked.apply") == Marked.apply
    assert resolve(f"py::{here}.Marked.helper") is Marked.helper
    # The primitive, where no function has its name.
    assert resolve("lax::reduce_precision") is jax.lax.reduce_precision
    assert resolve("lax::scatter-add") is jax.lax.scatter_add
    assert resolve("lax::and")(True, False) is not None


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("lax::sine", r"jax.lax has no such function\.\n  Did you mean lax::sin"),
        ("lax::zzzz", "Expected the name of a function of jax.lax"),
        ("lax::numpy", "jax.lax has no such function"),
        ("lax::Precision", "jax.lax has no such function"),
        ("py::jax.numpy.sinn", "Did you mean py::jax.numpy.sin"),
        ("py::len", r"no imported module has it\.\n  Did you mean py::builtins.len"),
        ("py::not_there.f", "Import its module first"),
        ("py::jax.numpy", "can't be called: it is a module"),
        ("py::a_module_of_the_user.number", "it is a int"),
        ("py::a_module_of_the_user.number.real", "has no 'real'"),
        ("py::a_module_of_the_user.Marked.aply", "Did you mean .*Marked.apply"),
        ("prim::If", "Expected lax::NAME or py::PATH"),
    ],
)
def test_resolve_suggests(kind: str, words: str, here: str) -> None:
    with pytest.raises(GraphError, match=words):
        resolve(kind)


def test_resolve_imports_and_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    module = type(sys)("a_lazy_module")
    vars(module)["__getattr__"] = lambda name: pytest.fail("it was run")
    monkeypatch.setitem(sys.modules, "a_lazy_module", module)
    with pytest.raises(GraphError, match="has no 'f'"):
        resolve("py::a_lazy_module.f")
    before = set(sys.modules)
    with pytest.raises(GraphError, match="Import its module"):
        resolve("py::antigravity.fly")
    assert set(sys.modules) == before


def inputs(*texts: str) -> tuple[Graph, list[Any]]:
    graph = Graph()
    return graph, [graph.add_input(None, types.parse(text)) for text in texts]


@pytest.mark.parametrize(
    ("kind", "given", "attributes", "expected"),
    [
        ("lax::sin", ["f32[3]"], {}, ["f32[3]"]),
        ("lax::sin", ["f32[]{weak}"], {}, ["f32[]{weak}"]),
        ("lax::mul", ["f32[3]", "f32[3]"], {}, ["f32[3]"]),
        (
            "lax::concatenate",
            ["f32[2, 3]", "f32[1, 3]"],
            {"dimension": 0},
            ["f32[3, 3]"],
        ),
        ("lax::concatenate", ["f32[2, 3]"], {"dimension": 0}, ["f32[2, 3]"]),
        (
            "lax::sort",
            ["f32[3]", "i32[3]"],
            {"dimension": 0, "is_stable": True, "num_keys": 1},
            ["f32[3]", "i32[3]"],
        ),
        ("lax::top_k", ["f32[5]"], {"k": 2}, ["f32[2]", "i32[2]"]),
        ("lax::argmax", ["f32[3]"], {"axes": (0,), "index_dtype": np.int32}, ["i32[]"]),
        ("lax::reduce_sum", ["f32[3]"], {"axes": (0,)}, ["f32[]"]),
        (
            "lax::convert_element_type",
            ["f32[3]"],
            {"new_dtype": np.dtype(np.int32), "weak_type": False, "sharding": None},
            ["i32[3]"],
        ),
        ("lax::integer_pow", ["f32[3]"], {"y": 2}, ["f32[3]"]),
        ("lax::and", ["bool[]", "bool[]"], {}, ["bool[]"]),
        ("py::jax.numpy.add", ["f32[3]", "float"], {}, ["f32[3]"]),
        (
            "py::jax.numpy.where",
            ["bool[3]", "f32[]{weak}", "int"],
            {},
            ["f32[3]{weak}"],
        ),
        ("py::jax.numpy.linalg.slogdet", ["f32[2, 2]"], {}, None),
        ("py::operator.getitem", ["Tuple[f32[3], f32[2]]", "0"], {}, ["f32[3]"]),
        ("py::builtins.len", ["f32[7, 2]"], {}, ["int"]),
    ],
)
def test_output_types(
    kind: str, given: list[str], attributes: dict[str, Any], expected: list[str] | None
) -> None:
    graph, values = Graph(), []
    for text in given:
        if text.isdigit():
            values.append(graph.insert_constant(int(text)))
        else:
            values.append(graph.add_input(None, types.parse(text)))
    found = output_types(kind, values, attributes)
    if expected is None:
        assert len(found) == 1  # a named tuple is one value
    else:
        assert list(map(str, found)) == expected


def test_output_types_says_what_is_refused() -> None:
    _, (x, y, z) = inputs("f32[3]", "f32[4]", "Tensor")
    with pytest.raises(GraphError, match=r"(?s)lax::mul .*\(f32\[3\], f32\[4\]\)"):
        output_types("lax::mul", [x, y], {})
    with pytest.raises(GraphError, match=r"input 1, %3; got Tensor.\n.*set_type"):
        output_types("lax::mul", [x, z], {})
    with pytest.raises(GraphError, match="TypeError"):
        output_types("lax::sin", [x], {"no_such_option": 1})
    with pytest.raises(GraphError, match="Did you mean"):
        output_types("lax::sinn", [x], {})


def test_call_gives_one_value_for_each_output() -> None:
    graph, (x,) = inputs("f32[5]")
    top, where = graph.insert("lax::top_k", x, k=2)
    graph.register_output(graph.insert("lax::concatenate", top, top, dimension=0))
    graph.register_output(where)
    array = jnp.asarray([1.0, 5.0, 2.0, 4.0, 3.0])
    values, places = run(graph, array)
    np.testing.assert_array_equal(values, [5, 4, 5, 4])
    np.testing.assert_array_equal(places, [1, 3])
    packed = graph.create("py::builtins.divmod", [x, x])
    packed.output().set_type(types.parse("Tuple[f32[5], f32[5]]"))
    (pair,) = call(packed, [array, array])
    assert len(pair) == 2


def test_call_keeps_the_rule_of_a_function(here: str) -> None:
    graph, (x,) = inputs("f32[3]")
    graph.register_output(graph.insert(f"py::{here}.Marked.apply", x))
    array = jnp.ones(3)
    grad = jax.grad(lambda x: run(graph, x)[0].sum())(array)
    np.testing.assert_array_equal(grad, [50, 50, 50])


def test_call_passes_errors_through() -> None:
    graph, (x,) = inputs("f32[3]")
    node = graph.create("lax::mul", [x, x])
    with pytest.raises(TypeError, match="mul got incompatible shapes"):
        call(node, [jnp.zeros(3), jnp.zeros(4)])
