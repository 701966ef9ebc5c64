"""Specs of arguments and classes: what is accepted, and what each refusal says."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Function
from jaxgrad._specs import load_class, needs_x64, parse_spec, parse_specs
from jaxgrad.errors import CommandError


@pytest.mark.parametrize(
    ("text", "shape", "dtype"),
    [
        ("f32[128,64]", (128, 64), "float32"),
        ("f32[]", (), "float32"),
        (" f32[ 2, 3 ] ", (2, 3), "float32"),
        ("bf16[4]", (4,), "bfloat16"),
        ("f16[4]", (4,), "float16"),
        ("s32[3,1]", (3, 1), "int32"),
        ("i32[3,1]", (3, 1), "int32"),
        ("u8[0]", (0,), "uint8"),
        ("bool[2]", (2,), "bool"),
        ("pred[2]", (2,), "bool"),
        ("c64[2,2]", (2, 2), "complex64"),
    ],
)
def test_arrays(text: str, shape: tuple[int, ...], dtype: str) -> None:
    value = parse_spec(text, seed=0)
    assert isinstance(value, jax.Array)
    assert value.shape == shape
    assert value.dtype == jnp.dtype(dtype)


def test_wide_arrays_keep_their_width_under_x64() -> None:
    with jax.enable_x64(True):
        assert parse_spec("f64[2]", seed=0).dtype == jnp.float64
        assert parse_spec("c128[2]", seed=0).dtype == jnp.complex128


def test_values_are_fixed_by_the_seed() -> None:
    first, again, other = (parse_spec("f32[64]", seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.any(first < 0)
    assert 0.5 < np.std(first) < 1.5


def test_integers_are_small_and_complex_values_have_both_parts() -> None:
    integers = np.asarray(parse_spec("s32[200]", seed=0))
    assert set(integers.tolist()) == {0, 1, 2, 3}
    numbers = np.asarray(parse_spec("c64[50]", seed=0))
    assert np.all(numbers.real != 0)
    assert np.all(numbers.imag != 0)


def test_keys() -> None:
    key, keys = parse_spec("key[]", seed=0), parse_spec("key[3]", seed=0)
    assert jnp.issubdtype(key.dtype, jax.dtypes.prng_key)
    assert key.shape == ()
    assert keys.shape == (3,)


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("-0.5", -0.5), ("None", None), ("'mean'", "mean"), ("(1, 2)", (1, 2))],
)
def test_literals(text: str, value: Any) -> None:
    assert parse_spec(text, seed=0) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("float32[3]", "unknown dtype 'float32'"),
        ("f32[3,x]", "the shape '3,x' should be sizes separated by commas"),
        ("f32[-1]", "the shape '-1'"),
        ("f32[3,]", "the shape '3,'"),
        ("mean", "'mean' is not understood"),
        ("f32[3", "'f32[3' is not understood"),
        ("", "'' is not understood"),
    ],
)
def test_refused_specs_name_the_argument_and_what_is_accepted(
    text: str, says: str
) -> None:
    with pytest.raises(CommandError) as caught:
        parse_specs(["f32[2]", text], seed=0)
    message = str(caught.value)
    assert message.startswith("argument 2: ")
    assert says in message
    assert "f32[128,64]" in message
    assert "'mean' (with its quotes)" in message


def test_arguments_by_keyword() -> None:
    args, kwargs = parse_specs(["f32[2]", "axis=-1", "mask=bool[3]"], seed=0)
    assert [a.shape for a in args] == [(2,)]
    assert kwargs["axis"] == -1
    assert kwargs["mask"].dtype == jnp.bool_


def test_each_argument_has_values_of_its_own() -> None:
    args, _ = parse_specs(["f32[8]", "f32[8]"], seed=0)
    assert not np.array_equal(*args)


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["axis=1", "f32[2]"], "argument 2: 'f32[2]' by position after one by keyword"),
        (["axis=1", "axis=2"], "argument 2 (axis): given twice"),
        (["axis=one"], "argument 1 (axis): 'one' is not understood"),
    ],
)
def test_refused_keywords(texts: list[str], says: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_specs(texts, seed=0)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("texts", "wide"),
    [
        (["f32[2]", "3"], False),
        (["f32[2]", "f64[2]"], True),
        (["w=c128[]"], True),
        (["s64[2]"], True),
        (["'f64[2]'"], False),
    ],
)
def test_what_needs_x64(texts: list[str], wide: bool) -> None:
    assert needs_x64(texts) is wide


def test_a_class_of_a_file(source: Path) -> None:
    cls = load_class(f"{source}:Swish")
    assert issubclass(cls, Function)
    assert cls.__doc__ == "Saves its input."
    assert float(cls.apply(jnp.float32(0))) == 0


def test_a_nested_class_and_a_class_of_a_module(source: Path) -> None:
    assert load_class(f"{source}:Plain.Inner").__name__ == "Inner"
    cls = load_class("jaxgrad.tour.functions:Sparsemax")
    assert cls.__module__ == "jaxgrad.tour.functions"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (":Swsh", "has no class 'Swsh'"),
        (":Plain", "Plain in {} is not a jaxgrad.Function but a class"),
        (":jnp", "jnp in {} is not a jaxgrad.Function but module"),
        ("", "which class?"),
    ],
)
def test_refused_names_list_the_functions_of_the_file(
    source: Path, name: str, says: str
) -> None:
    with pytest.raises(CommandError) as caught:
        load_class(f"{source}{name}")
    message = str(caught.value)
    assert says.format(source) in message
    assert f"Functions there: {source}:Swish, {source}:Scale, " in message
    assert f"{source}:Function" not in message


def test_a_file_without_functions(tmp_path: Path) -> None:
    path = tmp_path / "empty.py"
    path.write_text("x = 1\n")
    with pytest.raises(CommandError, match="It defines no Function"):
        load_class(f"{path}:Swish")


def test_missing_files_and_modules(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no such file: .*expected FILE\.py:Class"):
        load_class(f"{tmp_path}/none.py:Swish")
    with pytest.raises(CommandError, match=r"no module 'no_such_package\.there'"):
        load_class("no_such_package.there:Swish")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = 1\nraise KeyError('lost')\n", "line 2: KeyError: 'lost'"),
        ("import no_such_thing\n", "line 1: ModuleNotFoundError: No module named"),
        ("x = (\n", "SyntaxError: '(' was never closed (wrong.py, line 1)"),
    ],
)
def test_a_file_that_fails_says_where(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(text)
    with pytest.raises(CommandError) as caught:
        load_class(f"{path}:Swish")
    assert f"{path} can't be run: {says}" in str(caught.value)
    assert caught.value.__cause__ is not None
