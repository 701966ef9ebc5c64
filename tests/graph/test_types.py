"""The types of a graph's values: what they say, where they come from, how they join."""

import dataclasses
import enum
import inspect
import pickle
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from jaxgrad import _compat
from jaxgrad.errors import GraphError, ParseError
from jaxgrad.graph import types
from jaxgrad.graph.types import ListType, OptionalType, TensorType, TupleType

INT, STR, NONE = types.IntType.get(), types.StringType.get(), types.NoneType.get()
ANY = types.AnyType.get()
F34 = TensorType("float32", [3, 4])
HERE = __name__
SCOPE = jax.export.SymbolicScope()


class Point(NamedTuple):
    x: float
    y: jax.Array


class Color(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass
class Options:
    steps: int
    rate: float = 0.5

    def double(self) -> int:
        return 2 * self.steps


@dataclasses.dataclass
class MoreOptions(Options):
    name: str = ""


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class State:
    w: Any
    b: Any


def p(text: str) -> types.Type:
    return types.parse(text, scope=SCOPE)


ROUND_TRIPS = [
    *("Any", "number", "int", "float", "complex", "bool", "str", "None", "Dim"),
    *("Tensor", "Tensor[3, ?]", "f32[...]", "f32[3, ?]", "f32[]", "f32[3, 4]"),
    *("f32[]{weak}", "f32<host>[2]", "f32<host>[2]{weak}", "bool[3]", "float0[2]"),
    *("f32[b, 2*a]", "i32[max(b, a) + 1, 3]", "Dim[2*b]", "f32[b, ?]"),
    *("PRNGKey", "key<fry>[]", "key<rbg>[3]", "key<urbg>[2]", "key<fry>[...]"),
    *("Ref{f32[3]}", "Ref<vmem>{f32[3]}", "Ref{Tensor}", "Ref{key<fry>[]}"),
    *("Tuple[]", "Tuple[int, Tuple[f32[3, 4], str]]", "List[Optional[int]]"),
    *("Dict[str, f32[3]]", "Union[int, str]", "app.Point[x: int, y: f32[]]"),
    *("app.Point", "test.<locals>.Point", "Enum[app.Color]", "Opaque[Tok]"),
    *("PyTree[app.State]", "PyTree[app.State, f32[3], int]"),
]
DTYPES = {
    **{f"float{n}": f"f{n}" for n in (16, 32, 64)},
    **{f"int{n}": f"i{n}" for n in (2, 4, 8, 16, 32, 64)},
    **{f"uint{n}": f"u{n}" for n in (2, 4, 8, 16, 32, 64)},
    **{f"complex{n}": f"c{n}" for n in (64, 128)},
    **{"bfloat16": "bf16", "bool": "bool", "float4_e2m1fn": "f4_e2m1fn"},
    **{f"float8_{n}": f"f8_{n}" for n in ("e4m3fn", "e5m2", "e8m0fnu", "e3m4", "e4m3")},
}


# ------------------------------------------------------------------------------ text


@pytest.mark.parametrize("text", ROUND_TRIPS)
def test_parse_is_the_inverse_of_str(text: str) -> None:
    found = p(text)
    assert str(found) == repr(found) == found.str() == text
    assert p(str(found)) == found
    assert hash(p(text)) == hash(found)


def test_texts_tell_types_apart() -> None:
    found = [p(text) for text in ROUND_TRIPS]
    assert len(set(found)) == len(ROUND_TRIPS)
    assert not [(a, b) for i, a in enumerate(found) for b in found[:i] if a == b]


@pytest.mark.parametrize(("name", "short"), DTYPES.items())
def test_dtypes(name: str, short: str) -> None:
    found = TensorType(name, [2])
    assert str(found) == f"{short}[2]"
    assert p(str(found)).dtype() == np.dtype(name)
    assert found.scalar_type() == name


def test_the_text_is_that_of_jax_with_spaces() -> None:
    for dtype in DTYPES:
        aval = _compat.ShapedArray((2, 3), np.dtype(dtype))
        short = aval.str_short(short_dtypes=True)
        assert str(types.of_aval(aval)).replace(" ", "") == short


@pytest.mark.parametrize(
    ("text", "words", "column"),
    [
        ("", "expected a type", 0),
        ("3", "expected a type", 0),
        ("int int", "expected the end", 4),
        ("f32", r"needs a shape, f32\[\.\.\.\]", 3),
        ("f32[3", "expected ']'", 5),
        ("f32[-1]", "'-1' is not a dimension", 4),
        ("f32[3,]", "'' is not a dimension", 4),
        ("f32[a b]", "'a b' is no shape", 4),
        ("f32[..., 3]", "is no shape", 4),
        ("f32[3]{x}", "can't be read", 0),
        ("f32[3]{weak", "expected '}'", 11),
        ("f32<moon>[3]", "memory spaces", 0),
        ("f32[4@i]", "no mesh is in use", 0),
        ("f32[4]{V:i}", "jax.set_mesh", 0),
        ("key<no>[]", "no random keys <no>", 3),
        ("f128[2]", "expected a field of f128", 5),
        ("List[int, int]", "List takes 1 types, got 2", 0),
        ("List[int", "expected ','", 8),
        ("Tuple[int,]", "expected a type", 10),
        ("Ref{int", "expected '}'", 7),
        ("Point[3]", "such as `x: int`", 6),
        ("Dim[b", "expected ']'", 5),
        ("Enum[3]", "the name of an enum", 5),
    ],
)
def test_text_that_is_no_type(text: str, words: str, column: int) -> None:
    with pytest.raises(ParseError, match=words) as caught:
        types.parse(text)
    *_, shown, caret = str(caught.value).split("\n")
    assert shown == f"  {text}"
    assert caret.index("^") - 2 == column


def test_parse_at_reads_the_type_inside_a_longer_text() -> None:
    text = "%x : Tuple[int, f32[3]{weak}] = prim::Param()"
    found, end = types.parse_at(text, 5)
    assert str(found) == "Tuple[int, f32[3]{weak}]"
    assert text[end:] == " = prim::Param()"


def test_symbolic_dimensions_are_those_of_a_scope() -> None:
    assert p("f32[b]") == p("f32[b]")
    assert types.parse("f32[b]") != p("f32[b]")
    assert p("Tuple[f32[b], f32[b]]").contained_types()[1] == p("f32[b]")


@pytest.mark.parametrize("text", ["f32[4@i, 6]", "f32[3, 8@(i,j)]", "f32[4]{U:j}"])
def test_shardings_are_read_under_their_mesh(text: str) -> None:
    mesh = jax.make_mesh((2, 2), ("i", "j"), axis_types=(AxisType.Explicit,) * 2)
    with jax.set_mesh(mesh):
        found = p(text)
    assert str(found) == text
    assert found.device() is not None
    with jax.set_mesh(mesh), pytest.raises(ParseError, match="can't be placed"):
        p("f32[4@k]")


def test_varying_axes_are_read_inside_their_shard_map() -> None:
    mesh = jax.make_mesh((2,), ("i",), axis_types=(AxisType.Auto,))
    seen = []

    def f(x: jax.Array) -> jax.Array:
        found = TensorType.create_from_tensor(x)
        seen.append((str(found), p(str(found)).aval == found.aval))
        return x

    spec = PartitionSpec("i")
    mapped = jax.shard_map(f, mesh=mesh, in_specs=spec, out_specs=spec)
    jax.make_jaxpr(mapped)(np.zeros((4, 3), np.float32))
    assert seen == [("f32[2, 3]{V:i}", True)]


# ---------------------------------------------------------------------------- arrays


def test_of_keeps_the_aval_and_nothing_else() -> None:
    aval = jax.typeof(jnp.zeros((3, 4)))
    assert TensorType.of(aval).aval is aval
    assert types.of_aval(aval) == F34
    assert F34.aval == aval


def test_of_aval_chooses_the_type() -> None:
    assert types.of_aval(jax.typeof(jax.random.key(0))).kind() == "PRNGKeyType"
    reference = jax.typeof(jax.new_ref(jnp.zeros(3)))
    found = types.of_aval(reference)
    assert str(found) == "Ref{f32[3]}"
    assert found == p("Ref{f32[3]}")
    assert isinstance(found, types.RefType)
    assert found.aval is reference
    assert found.get_element_type() == TensorType("float32", [3])
    assert found.memory_space() is None
    (token,) = jax.make_jaxpr(lambda: jax.lax.create_token(0))().out_avals
    assert types.of_aval(token) == types.OpaqueType(token)
    assert str(types.of_aval(token)) == "Opaque[Tok]"


def test_sizes_of_complete_symbolic_and_unknown_types() -> None:
    (b,) = jax.export.symbolic_shape("b", scope=SCOPE)
    some = TensorType("float32", [b, 3])
    rows = {
        F34: (2, [3, 4], [3, 4], [3, 4]),
        some: (2, None, [None, 3], [b, 3]),
        p("f32[3, ?]"): (2, None, [3, None], [3, None]),
        TensorType("float32", []): (0, [], [], []),
        TensorType.get(): (None, None, None, None),
    }
    for t, expected in rows.items():
        found = (t.dim(), t.sizes(), t.varying_sizes(), t.symbolic_sizes())
        assert found == expected
    assert some.is_complete()
    assert not p("f32[3, ?]").is_complete()


def test_what_is_unknown_is_none() -> None:
    unknown = TensorType.get()
    assert (unknown.aval, unknown.dtype(), unknown.scalar_type()) == (None,) * 3
    assert unknown.device() is None
    assert not unknown.weak_type()
    assert not unknown.is_inferred()
    assert TensorType.get_inferred().is_inferred()
    assert TensorType.get_inferred() == unknown


def test_with_dtype_sizes_and_device() -> None:
    assert str(F34.with_dtype(jnp.bfloat16)) == "bf16[3, 4]"
    assert str(F34.with_dtype(None)) == "Tensor[3, 4]"
    assert str(F34.with_sizes([2])) == "f32[2]"
    assert str(F34.with_sizes(None)) == "f32[...]"
    assert TensorType.get().with_dtype("float32").with_sizes([3, 4]) == F34
    assert str(p("f32[]{weak}").with_sizes([2])) == "f32[2]{weak}"
    assert str(F34.with_dtype(jax.random.key(0).dtype)) == "key<fry>[3, 4]"
    mesh = jax.make_mesh((2,), ("i",), axis_types=(AxisType.Explicit,))
    sharded = F34.with_device(NamedSharding(mesh, PartitionSpec(None, "i")))
    assert str(sharded) == "f32[3, 4@i]"
    assert sharded.device().spec == PartitionSpec(None, "i")
    assert sharded.with_device(None) == F34
    assert sharded != F34


def test_with_device_refuses_what_types_dont_hold() -> None:
    mesh = jax.make_mesh((2,), ("i",), axis_types=(AxisType.Auto,))
    sharding = NamedSharding(mesh, PartitionSpec())
    with pytest.raises(GraphError, match="no explicit mesh axis"):
        F34.with_device(sharding)
    with pytest.raises(GraphError, match="no shape or dtype to shard"):
        TensorType.get().with_device(sharding)
    with pytest.raises(GraphError, match="'gpu' on"):
        F34.with_device("gpu")


def test_create_from_tensor() -> None:
    assert TensorType.create_from_tensor(np.zeros((3, 4))) == F34
    assert str(TensorType.create_from_tensor(2.0)) == "f32[]{weak}"
    assert TensorType.create_from_tensor(jax.random.key(1)) == p("key<fry>[]")
    struct = jax.ShapeDtypeStruct((3, 4), jnp.float32)
    assert TensorType.create_from_tensor(struct) == F34
    with pytest.raises(GraphError, match="'a' is a str, expected an array"):
        TensorType.create_from_tensor("a")


@pytest.mark.parametrize(
    ("args", "words"),
    [(("float33",), "not a dtype"), (("float32", [-1]), "-1 in the shape")]
    + [(("float32", [size]), "is not a dimension") for size in (1.5, True, "b")],
)
def test_array_types_that_cant_be(args: Any, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        TensorType(*args)


def test_types_that_are_no_arrays_say_so() -> None:
    for name in ("dim", "sizes", "varying_sizes", "symbolic_sizes", "dtype", "device"):
        with pytest.raises(GraphError, match=rf"int is no array type.* {name}\(\)"):
            getattr(INT, name)()
    for name in ("with_dtype", "with_sizes", "with_device"):
        with pytest.raises(GraphError, match="no array type"):
            getattr(INT, name)(None)
    with pytest.raises(GraphError, match="no array type"):
        INT.scalar_type()


# ------------------------------------------------------------------------ containers


def test_members_of_containers() -> None:
    assert TupleType([INT, STR]).elements() == [INT, STR]
    assert ListType.of_tensors().get_element_type() is TensorType.get()
    assert OptionalType.of_tensor().get_element_type() is TensorType.get()
    table = types.DictType(STR, INT)
    assert (table.get_key_type(), table.get_value_type()) == (STR, INT)
    assert table.contained_types() == [STR, INT]
    named = TupleType([INT], "app.P", ["x"])
    assert (named.name(), named.field_names()) == ("app.P", ["x"])
    assert TupleType([INT]).name() is TupleType([INT]).field_names() is None
    assert types.UnionType([INT, types.UnionType([STR, INT])]) == p("Union[str, int]")
    assert types.PyTreeType("app.S", [INT]).name() == "app.S"
    assert types.DimType(3).dimension == 3
    assert INT.contained_types() == []


def test_lists_of_plain_types() -> None:
    names = ("ints", "floats", "complex_doubles", "bools", "strings", "tensors")
    found = [str(getattr(ListType, f"of_{n}")()) for n in names]
    elements = ("int", "float", "complex", "bool", "str", "Tensor")
    assert found == [f"List[{element}]" for element in elements]


def test_containers_take_types_alone() -> None:
    with pytest.raises(GraphError, match="element 1 is <class 'int'>, not a Type"):
        TupleType([INT, int])  # type: ignore[list-item]


def test_plain_types_have_one_instance() -> None:
    for cls in (types.AnyType, types.BoolType, types.NumberType, types.IntType):
        assert cls.get() is cls()
        assert pickle.loads(pickle.dumps(cls())) is cls()
        assert cls.get().kind() == cls.__name__


def test_classes_and_enums() -> None:
    found = types.try_infer(Options(3)).type()
    assert isinstance(found, types.ClassType)
    assert (found.name(), found.qualified_name()) == ("Options", f"{HERE}.Options")
    assert found.attributes() == {"steps": INT, "rate": types.FloatType.get()}
    assert found.contained_types() == list(found.attributes().values())
    assert found.method_names() == ["double"]
    assert found == types.ClassType(f"{HERE}.Options")
    color = types.from_annotation(Color)
    assert isinstance(color, types.EnumType)
    assert color.name() == "Color"
    assert color.enum_names_values() == [("RED", 1), ("BLUE", 2)]
    assert types.EnumType("app.Color").enum_names_values() == []


def test_annotation_str_has_no_shapes() -> None:
    nested = p("Dict[str, Tuple[f32[3], Optional[key<fry>[]]]]")
    expected = "Dict[str, Tuple[Tensor, Optional[PRNGKey]]]"
    assert nested.annotation_str() == expected
    assert p("a.P[x: int]").annotation_str() == "a.P"
    assert p("PyTree[a.S, int]").annotation_str() == "a.S"
    assert p("Ref{f32[3]}").annotation_str() == "Ref{Tensor}"


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("int", "Any"),
        ("int", "number"),
        ("complex", "number"),
        ("None", "Optional[int]"),
        ("int", "Optional[number]"),
        ("Optional[int]", "Optional[number]"),
        ("int", "Union[int, str]"),
        ("Union[int, float]", "Union[str, float, int]"),
        ("f32[3, 4]", "Tensor"),
        ("f32[3, 4]", "f32[...]"),
        ("f32[3, 4]", "f32[3, ?]"),
        ("f32[b]", "f32[?]"),
        ("f32[...]", "Tensor"),
        ("key<fry>[]", "PRNGKey"),
        ("key<fry>[]", "Tensor"),
        ("Ref{f32[3]}", "Ref{Tensor}"),
        ("List[int]", "List[number]"),
        ("Tuple[int, f32[3]]", "Tuple[number, Tensor]"),
        ("a.P[x: int]", "Tuple[int]"),
        ("Dict[str, int]", "Dict[str, Any]"),
        ("PyTree[a.S, f32[3]]", "PyTree[a.S, Tensor]"),
        ("Dim[b]", "int"),
        ("Dim[b]", "Dim"),
    ],
)
def test_subtypes(narrow: str, wide: str) -> None:
    assert p(narrow).is_subtype_of(p(wide))
    assert p(narrow).is_subtype_of(p(narrow))
    assert not p(wide).is_subtype_of(p(narrow))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("bool", "int"),
        ("int", "float"),
        ("f32[3]", "i32[...]"),
        ("f32[3]", "f32[?, ?]"),
        ("Tuple[int]", "Tuple[int, int]"),
        ("Tuple[int]", "List[int]"),
        ("Optional[int]", "int"),
        ("PyTree[a.S]", "PyTree[a.T]"),
        ("a.P[x: int]", "a.Q[x: int]"),
        ("f32[]{weak}", "f32[]"),
        ("Tensor", "PRNGKey"),
    ],
)
def test_no_subtypes(a: str, b: str) -> None:
    assert not p(a).is_subtype_of(p(b))


def test_a_class_is_a_subtype_of_its_bases() -> None:
    more, base = map(types.from_annotation, (MoreOptions, Options))
    assert more.is_subtype_of(base)
    assert not base.is_subtype_of(more)


# -------------------------------------------------------------------- join and infer


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("int", "int", "int"),
        ("int", "None", "Optional[int]"),
        ("None", "Optional[int]", "Optional[int]"),
        ("Optional[f32[]{weak}]", "f32[]", "Optional[f32[]]"),
        ("int", "Any", "Any"),
        ("int", "number", "number"),
        ("int", "str", None),
        ("int", "float", None),
        ("f32[]{weak}", "f32[]", "f32[]"),
        ("i32[]{weak}", "f32[]", "f32[]"),
        ("i32[]{weak}", "bf16[]", "bf16[]"),
        ("i32[]{weak}", "f32[]{weak}", "f32[]{weak}"),
        ("f32[]{weak}", "i32[]", None),
        ("f32[]", "i32[]", None),
        ("f32[3]{weak}", "f32[]", None),
        ("f32[3]", "f32[4]", None),
        ("int", "f32[]", "f32[]"),
        ("float", "i32[]", None),
        ("bool", "f32[]", None),
        ("complex", "c64[]", "c64[]"),
        ("f32[3]", "Tensor", "Tensor"),
        ("f32[3]", "f32[...]", "f32[...]"),
        ("f32[3, 4]", "f32[3, ?]", "f32[3, ?]"),
        ("f32[3, ?]", "f32[?, 4]", "f32[?, ?]"),
        ("f32[3, ?]", "f32[4, ?]", None),
        ("f32[3, ?]", "f32[3]", None),
        ("i32[3]", "f32[...]", None),
        ("Tensor[3]", "f32[...]", "Tensor"),
        ("key<fry>[]", "key<fry>[]", "key<fry>[]"),
        ("key<fry>[]", "PRNGKey", "PRNGKey"),
        ("key<fry>[]", "f32[...]", None),
        ("key<fry>[]", "key<rbg>[]", None),
        ("f32<host>[]{weak}", "f32[]", None),
        ("Tuple[int, None]", "Tuple[int, str]", "Tuple[int, Optional[str]]"),
        ("Tuple[int]", "Tuple[int, int]", None),
        ("a.P[x: int]", "Tuple[int]", "Tuple[int]"),
        ("a.P[x: None]", "a.P[x: int]", "a.P[x: Optional[int]]"),
        ("List[f32[]{weak}]", "List[f32[]]", "List[f32[]]"),
        ("Dict[str, None]", "Dict[str, int]", "Dict[str, Optional[int]]"),
        ("PyTree[a.S, i32[]{weak}]", "PyTree[a.S, f32[]]", "PyTree[a.S, f32[]]"),
        ("PyTree[a.S, i32[]{weak}]", "PyTree[a.T, f32[]]", None),
        ("a.P", "a.P", "a.P"),
        ("a.P", "a.Q", None),
        ("Ref{f32[3]}", "f32[3]", None),
        ("f32[b]{weak}", "f32[b]", "f32[b]"),
    ],
)
def test_join(a: str, b: str, expected: str | None) -> None:
    for found in (types.join(p(a), p(b)), types.join(p(b), p(a))):
        assert found == (None if expected is None else p(expected))


def test_join_agrees_with_the_types_of_loops() -> None:
    def loop(weak: Any, strong: Any) -> Any:
        return jax.lax.scan(lambda _, __: (strong, None), weak, length=1)[0]

    for weak in (2, 2.0, 2j):
        for strong in map(jnp.ones, ((),) * 3, ("int32", "bfloat16", "complex64")):
            a, b = map(TensorType.create_from_tensor, (weak, strong))
            try:
                (aval,) = jax.make_jaxpr(loop)(weak, strong).out_avals
            except TypeError:
                assert types.join(a, b) is None
            else:
                assert types.join(a, b) == types.of_aval(aval)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, "int"),
        (True, "bool"),
        (2j, "complex"),
        ("a", "str"),
        (None, "None"),
        (np.float32(1), "f32[]"),
        (np.zeros((3, 4)), "f32[3, 4]"),
        (jax.ShapeDtypeStruct((2,), jnp.int8), "i8[2]"),
        ((1, "a", [2.0]), "Tuple[int, str, List[float]]"),
        ((), "Tuple[]"),
        ([1, None], "List[Optional[int]]"),
        ([2, np.float32(1)], "List[f32[]]"),
        ({"a": 1, "b": None}, "Dict[str, Optional[int]]"),
        ({1: {"w": [1]}}, "Dict[int, Dict[str, List[int]]]"),
        (Color.RED, f"Enum[{HERE}.Color]"),
        (Point(1.0, np.zeros(2)), f"{HERE}.Point[x: float, y: f32[2]]"),
        (Options(3), f"{HERE}.Options"),
        (np.zeros(2, jax.dtypes.float0), "float0[2]"),
    ],
    ids=repr,
)
def test_try_infer(value: Any, expected: str) -> None:
    found = types.try_infer(value)
    assert found.success()
    assert found.reason() == ""
    assert str(found.type()) == expected
    assert p(str(found.type())) == found.type()


def test_try_infer_of_what_jax_makes() -> None:
    key, reference = jax.random.key(0), jax.new_ref(jnp.zeros(3))
    (b,) = jax.export.symbolic_shape("b", scope=SCOPE)
    found = types.try_infer((key, reference, 2 * b)).type()
    assert str(found) == "Tuple[key<fry>[], Ref{f32[3]}, Dim[2*b]]"
    state = State(np.zeros(3), {"c": 1})
    tree = types.try_infer(state).type()
    assert isinstance(tree, types.PyTreeType)
    assert str(tree) == f"PyTree[{HERE}.State, f32[3], int]"
    assert tree.treedef == jax.tree.structure(state)


def looped() -> list[Any]:
    values: list[Any] = [1]
    values.append(values)
    return values


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (object, "value is an object, which no type"),
        (lambda: [1, "a"], r"value\[1\] is str, but what stands before it is int"),
        (lambda: (1, [set()]), r"value\[1\]\[0\] is a set"),
        (lambda: {"a": 1, "b": {"c": len}}, r"value\['b'\]\['c'\] is a builtin"),
        (lambda: {"a": 1, 2: 2}, r"value key 2 is int, but .* str"),
        (lambda: Point(1.0, print), r"value\.y is a builtin"),  # type: ignore
        (lambda: Options(len), r"value\.steps is a builtin"),  # type: ignore
        (lambda: State(1, print), r"value\.b is a builtin"),
        (list, "value is empty, .*annotate it"),
        (dict, "value is empty"),
        (looped, r"value\[1\] contains itself"),
        (lambda: [np.array(["a"])], r"value\[0\] is an array of <U1"),
    ],
)
def test_try_infer_says_why_not(make: Callable[[], Any], words: str) -> None:
    found = types.try_infer(make())
    assert not found.success()
    with pytest.raises(GraphError, match=words) as caught:
        found.type()
    assert str(caught.value) == found.reason()


UserId = typing.NewType("UserId", int)


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, "int"),
        (None, "None"),
        (Any, "Any"),
        (jax.Array, "Tensor"),
        (np.ndarray, "Tensor"),
        (jax.typing.ArrayLike, "Tensor"),
        (jax.Ref, "Ref{Tensor}"),
        (inspect.Parameter.empty, "Tensor"),
        (int | None, "Optional[int]"),
        (typing.Optional[int], "Optional[int]"),  # noqa: UP045
        (int | str, "Union[int, str]"),
        (int | str | None, "Optional[Union[int, str]]"),
        (int | float | complex, "number"),
        (list[int], "List[int]"),
        (typing.Sequence[jax.Array], "List[Tensor]"),
        (typing.Dict[str, int], "Dict[str, int]"),  # noqa: UP006
        (tuple[int, jax.Array], "Tuple[int, Tensor]"),
        (tuple[()], "Tuple[]"),
        (typing.Annotated[int, "units"], "int"),
        (typing.Literal["a", "b"], "str"),
        (typing.Literal[1, None], "Optional[int]"),
        (UserId, "int"),
        (typing.TypeVar("T"), "Any"),
        (Color, f"Enum[{HERE}.Color]"),
        (Point, f"{HERE}.Point[x: float, y: Tensor]"),
        (Options, f"{HERE}.Options"),
        (Callable, "collections.abc.Callable"),
        (jax.ShapeDtypeStruct((3, 4), jnp.float32), "f32[3, 4]"),
        ("Optional[f32[3]]", "Optional[f32[3]]"),
        (F34, "f32[3, 4]"),
    ],
    ids=repr,
)
def test_from_annotation(annotation: Any, expected: str) -> None:
    assert str(types.from_annotation(annotation)) == expected


def test_from_annotation_without_an_annotation_is_inferred() -> None:
    found = types.from_annotation(inspect.Parameter.empty)
    assert found is TensorType.get_inferred()


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (list, r"list doesn't say what is inside; write list\[int\]"),
        (dict, r"write dict\[str, int\]"),
        (tuple[int, ...], "tuple of a fixed length"),
        (Callable[[int], int], "no type of a graph describes"),
        (3, "the annotation 3"),
        ("List[", "expected a type"),
    ],
)
def test_annotations_without_a_type(annotation: Any, words: str) -> None:
    with pytest.raises(GraphError, match=words):
        types.from_annotation(annotation)
