"""Scripts in files: static arguments, writes, errors, weights, symbolic shapes."""

import dataclasses
import enum
import functools
import io
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.errors import ArgumentError, JaxgradWarning, LoweringError, SavedFileError
from jaxgrad.lower import _archive
from jaxgrad.lower._script_errors import exception_class

X = jnp.array([1.0, 2.0, 3.0])
SHIFT = jnp.array([0.0, 10.0, 20.0])
STATE = {"count": jnp.int32(0)}


class Mode(enum.Enum):
    SUM = 1
    PRODUCT = 2


@dataclasses.dataclass
class Point:
    at: Any
    label: str


class Pair(NamedTuple):
    left: Any
    right: Any


class TooLarge(ValueError):
    """An error of the user's own."""


class Marked(jaxgrad.Function):
    """Squares, with a rule that is not the derivative."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 100 * grad * x


def program(x: Any, point: Any, seen: Any, mode: Any = Mode.SUM, *, n: int = 1) -> Any:
    y = Marked.apply(x) + SHIFT if mode is Mode.SUM else x * SHIFT
    STATE["count"] = STATE["count"] + n
    point.at = point.at + 1
    seen.append(y)
    assert x[0] > 0, f"{x[0]} is not positive"
    if y.sum() > 1000:
        raise TooLarge("large", y.sum(), 3)
    return {"pair": Pair(y, n), "point": point, "kept": [2.5, mode, None], "name": "p"}


def saved(script: Any, *args: Any, **options: Any) -> Any:
    """What is loaded of a file of a script."""
    options = {"platforms": ("cpu",), **options}
    return jaxgrad.load(io.BytesIO(script.save_to_buffer(*args, **options)))


def example(mode: Any = Mode.SUM, scale: float = 1.0) -> Any:
    return X * scale, Point(X, "a"), [], mode


@pytest.fixture(scope="module")
def loaded() -> Any:
    """The program, saved for two modes."""
    return saved(jaxgrad.script(program), [example(), example(Mode.PRODUCT)])


def test_results_writes_and_weights(loaded: Any) -> None:
    x, point, seen, _ = example()
    result = loaded(x, point, seen)
    np.testing.assert_array_equal(result["pair"].left, X * X + SHIFT)
    assert type(result["pair"]) is Pair
    assert result["pair"].right == 1
    assert result["kept"] == [2.5, Mode.SUM, None]
    assert result["name"] == "p"
    assert result["point"] is point
    np.testing.assert_array_equal(point.at, X + 1)
    np.testing.assert_array_equal(seen[0], result["pair"].left)
    assert sorted(loaded.weights) == ["SHIFT", "STATE_count"]
    count = int(loaded.weights["STATE_count"])
    product = loaded(*example(Mode.PRODUCT))
    np.testing.assert_array_equal(product["pair"].left, X * SHIFT)
    assert int(loaded.weights["STATE_count"]) == count + 1
    assert int(STATE["count"]) == 0


def test_gradients_are_those_of_the_rules(loaded: Any) -> None:
    def loss(x: Any) -> Any:
        return loaded(x, Point(X, "a"), [])["pair"].left.sum()

    np.testing.assert_array_equal(jax.grad(loss)(X), 100 * X)
    np.testing.assert_array_equal(jax.jit(jax.grad(loss))(X), 100 * X)


def test_errors_are_the_users(loaded: Any) -> None:
    with pytest.raises(AssertionError, match=r"-1.0 is not positive") as caught:
        loaded(*example(scale=-1.0))

    def values(x: Any) -> Any:
        return loaded(x, Point(X, "a"), [])["pair"]

    line = program.__code__.co_firstlineno + 5
    (note,) = caught.value.__notes__
    assert note.startswith(f"In test_script_saved.py:{line}\n")
    with pytest.raises(TooLarge) as raised:
        loaded(*example(scale=100.0))
    assert raised.value.args[::2] == ("large", 3)
    with pytest.raises(Exception, match="is not positive"):
        jax.block_until_ready(jax.jit(values)(-X))


def test_errors_whose_class_is_absent_are_runtime_errors() -> None:
    gone = exception_class("gone", "Outer.Bad", ["KeyError", "LookupError"])
    assert issubclass(gone, RuntimeError)
    assert issubclass(gone, KeyError)
    assert (gone.__module__, gone.__qualname__, gone.__name__) == (
        *("gone", "Outer.Bad"),
        "Bad",
    )
    assert exception_class("builtins", "KeyError", []) is KeyError
    assert exception_class(__name__, "TooLarge", []) is TooLarge
    assert exception_class("gone", "Plain", ["Exception"]).__bases__ == (RuntimeError,)


def test_other_arguments_are_refused(loaded: Any) -> None:
    assert loaded.signatures[0] == (
        "(x: f32[3], point: Point(f32[3], 'a'), seen: [], mode: Mode.SUM, n: 1)"
    )
    x, point, seen, _ = example()
    for wrong in (
        (x, Point(X, "b"), seen),
        (x, point, [X]),
        (x, point, ()),
        (x[:2], point, seen),
        (x, point, seen, "SUM"),
    ):
        with pytest.raises(ArgumentError, match="was not saved for these arguments"):
            loaded(*wrong)
    with pytest.raises(ArgumentError, match="was not saved"):
        loaded(x, point, seen, n=2)
    with pytest.raises(ArgumentError, match="missing a required argument: 'seen'"):
        loaded(x, point)


def test_aliases_among_arguments_are_part_of_a_signature() -> None:
    def fn(a: Any, b: Any) -> Any:
        a.append(b[0] + 1)
        return len(b)

    one = [X]
    loaded = saved(jaxgrad.script(fn), (one, one), vjp_order=0)
    both = [X * 2]
    assert loaded(both, both) == 2
    np.testing.assert_array_equal(both[1], 2 * X + 1)
    with pytest.raises(ArgumentError, match="not saved for these"):
        loaded([X], [X])


def test_arguments_of_each_kind() -> None:
    def fn(x: Any, /, *rest: Any, by: Any = 2, **named: Any) -> Any:
        return sum(rest, x) * by + len(named)

    by = functools.partial(fn, by=jnp.float32(3))
    loaded = saved(jaxgrad.script(by), (X, X, X), vjp_order=0)
    np.testing.assert_array_equal(loaded(X, X, X), 9 * X)
    assert list(loaded.weights) == ["by"]
    partial = jaxgrad.script(functools.partial(fn, bias=X))
    with pytest.raises(LoweringError, match="'bias' given, which are part of its"):
        saved(partial, (X,))


def test_methods_keep_their_object() -> None:
    class Counter:
        def __init__(self) -> None:
            self.total = jnp.zeros(())

        @jaxgrad.script
        def add(self, x: Any) -> Any:
            if x > 0:
                self.total += x
            return self.total

    counter = Counter()
    loaded = saved(counter.add, (jnp.float32(1),))
    assert [float(loaded(x)) for x in (2.0, -1.0, 3.0)] == [2.0, 2.0, 5.0]
    assert counter.total == 0
    gradient = jax.grad(lambda w: loaded.with_weights(w)(1.0))({"self_total": 2.0})
    assert gradient == {"self_total": 1.0}


def test_symbolic_shapes() -> None:
    def cumulated(x: Any) -> Any:
        y, total = x, jnp.float32(0)
        for i in range(x.shape[0]):
            total = total + x[i] ** 2
            y = y.at[i].set(total)
        return y

    (n,) = jax.export.symbolic_shape("n")
    struct = jax.ShapeDtypeStruct((n,), jnp.float32)
    script = jaxgrad.script(cumulated)
    assert script.graph_for(struct).find_node("lax::scan") is not None
    loaded = saved(script, (struct,))
    for x in (X, X[:2]):
        np.testing.assert_allclose(loaded(x), np.cumsum(x**2))
        gradient = jax.grad(lambda v: loaded(v).sum())(x)
        np.testing.assert_allclose(gradient, 2 * x * np.arange(len(x), 0, -1))
    exported = script.export(struct, platforms=("cpu",), vjp_order=0)
    np.testing.assert_allclose(exported.call(X), script(X))


def test_prints_are_left_out() -> None:
    def fn(x: Any) -> Any:
        print(x)
        return f"x is {x}"

    with pytest.warns(JaxgradWarning, match=r"print at test_script_saved.py:\d+"):
        loaded = saved(jaxgrad.script(fn), (jnp.float32(1),), vjp_order=0)
    assert loaded(jnp.float32(2)) == "x is 2.0"


def test_errors_as_values_are_values() -> None:
    def fn(x: Any, n: int) -> Any:
        assert n > 0, "static"
        assert x > 0, "small"
        return x

    x = jnp.float32(1)
    loaded = saved(jaxgrad.script(fn, errors="return"), [(x, 1), (x, -1)], vjp_order=0)
    assert [loaded(value, 1)[0].get() for value in (1.0, -1.0)] == [None, "small"]
    assert loaded(1.0, -1)[0].get() == "static"
    assert jax.jit(loaded, static_argnums=1)(-1.0, 1)[0].get() == "small"


def test_what_can_not_be_saved_says_why() -> None:
    hidden = Point(0, "a")

    def counting(x: Any) -> Any:
        hidden.at = hidden.at + 1
        return x

    with pytest.raises(LoweringError, match="counting changes a Point that is no arg"):
        saved(jaxgrad.script(counting), (X,))
    with pytest.raises(LoweringError, match=r"returns\[0\] is a object, which no"):
        saved(jaxgrad.script(lambda x: [object()]), (X,))
    with pytest.raises(LoweringError, match=r"Write \(x,\) for one argument"):
        saved(jaxgrad.script(counting), X)


def test_a_changed_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "program"
    jaxgrad.script(lambda x: x + 1).save(path, (X,), vjp_order=0, platforms=("cpu",))
    _, manifest, members = _archive.read(path)
    head = {k: v for k, v in manifest.items() if k not in ("format", "version")}
    head.pop("members")
    for text in (b"{}", members["script.json"].replace(b'"x"', b'"y"', 1)):
        _archive.write(path, head, {**members, "script.json": text})
        with pytest.raises(SavedFileError, match="was changed after it was saved"):
            jaxgrad.load(path)
