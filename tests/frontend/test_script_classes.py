"""Scripted classes: construction, typed attributes, methods, and passing them on."""

import copy
import dataclasses
import enum
import pickle
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.errors import AttributeWriteError, JaxgradWarning, ModuleError, ScriptError

X = jnp.array([1.0, 2.0])


@jaxgrad.script
class Point:
    """A point that moves."""

    dims: Final[int] = 2

    def __init__(self, x: Any, steps: int = 0) -> None:
        self.x = x if x[0] > 0 else -x
        self.steps = steps

    def move(self, by: Any) -> Any:
        if by[0] > 0:
            self.x = self.x + by
        self.steps = self.steps + 1
        return self.x

    @property
    def norm(self) -> Any:
        return self.x.sum() if self.x[0] > 0 else self.x[0]

    @norm.setter
    def norm(self, value: Any) -> None:
        self.x = self.x * value

    @property
    def read_only(self) -> int:
        return 1

    @staticmethod
    def least(a: Any, b: Any) -> Any:
        return a if a < b else b

    @classmethod
    def origin(cls, n: int) -> Any:
        return cls(jnp.zeros(n))

    def itself(self) -> Any:
        return self

    def to_text(self) -> None:
        self.x = "text"

    def grow(self) -> None:
        self.more = 1

    def bend(self) -> None:
        self.dims = 3

    def __len__(self) -> int:
        return self.dims

    def __getitem__(self, i: Any) -> Any:
        return self.x[i] if self.x[0] > 0 else self.x[0]

    def __setitem__(self, i: Any, value: Any) -> None:
        self.x = self.x.at[i].set(value)

    def __contains__(self, value: Any) -> Any:
        return (self.x == value).any()

    def __add__(self, other: Any) -> Any:
        return Point(self.x + (other.x if isinstance(other, Point) else other))

    def __iter__(self) -> Any:
        yield from range(self.dims)


@pytest.fixture
def point() -> Any:
    return Point(X)


def test_construction_is_compiled() -> None:
    for x in (X, -X):
        point = Point(x, steps=4)
        assert isinstance(point, jaxgrad.RecursiveScriptClass)
        np.testing.assert_allclose(point.x, X)
        assert point.steps == 4
    assert Point.__name__ == "Point"
    assert Point.__doc__ == "A point that moves."
    with pytest.raises(TypeError, match="missing 1 required argument"):
        Point()
    np.testing.assert_allclose(jax.jit(lambda x: Point(x).x)(-X), X)


def test_methods_change_the_object(point: Any) -> None:
    np.testing.assert_allclose(point.move(X), 2 * X)
    np.testing.assert_allclose(point.move(-X), 2 * X)
    assert point.steps == 2
    assert point.itself() is point
    assert isinstance(point.move, jaxgrad.ScriptMethod)
    assert "SetAttr" in str(point.move.graph)


def test_properties_static_and_class_methods(point: Any) -> None:
    assert point.norm == 3
    point.norm = 2.0
    np.testing.assert_allclose(point.x, 2 * X)
    with pytest.raises(AttributeError, match="no setter"):
        point.read_only = 2
    three, four = jnp.float32(3), jnp.float32(4)
    assert Point.least(four, three) == point.least(three, four) == 3
    for found in (Point.origin(3), point.origin(3)):
        assert isinstance(found, jaxgrad.RecursiveScriptClass)
        assert found.x.shape == (3,)
    assert Point.dims == point.dims == 2


def test_special_methods_are_forwarded(point: Any) -> None:
    assert len(point) == 2
    assert list(point) == [0, 1]
    assert point[1] == 2
    point[0] = 5.0
    np.testing.assert_allclose(point.x, [5, 2])
    assert 5 in point
    assert 7 not in point
    both = point + point
    assert isinstance(both, jaxgrad.RecursiveScriptClass)
    np.testing.assert_allclose(both.x, [10, 4])
    np.testing.assert_allclose((point + 1).x, [6, 3])
    with pytest.raises(TypeError, match="unsupported operand"):
        point - point
    with pytest.raises(TypeError, match="no method __call__"):
        point()


def test_attributes_keep_their_types(point: Any) -> None:
    point.x = jnp.ones(3)  # an array as any other
    point.steps = np.int64(3)
    assert type(point.steps) is int
    refused: list[tuple[str, Any, str]] = [
        ("x", "text", "of type Tensor; it can't be set to str"),
        ("x", 1.0, "of type Tensor; it can't be set to float"),
        ("steps", 2.5, "of type int; it can't be set to float"),
        ("dims", 3, "dims is a constant"),
        ("other", 1, "does not have an attribute with name 'other'"),
    ]
    for name, value, message in refused:
        with pytest.raises(AttributeWriteError, match=message):
            setattr(point, name, value)
    with pytest.raises(AttributeError, match="other"):
        point.other  # noqa: B018 (it is what fails)


def test_what_methods_write_is_checked_and_put_back(point: Any) -> None:
    before = point.x
    for method in (point.to_text, point.grow, point.bend):
        with pytest.raises(AttributeWriteError):
            method()
    assert point.x is before
    assert not point._c.hasattr("more")

    def from_outside(p: Any) -> None:
        p.x = "text"

    with pytest.raises(AttributeWriteError, match="Tensor"):
        jaxgrad.script(from_outside)(point)


def test_they_are_arguments_and_results(point: Any) -> None:
    def run(p: Any, by: Any) -> Any:
        p.move(by)
        if by[0] > 0:
            p[1] = 7.0
        return p, p[1], len(p), p + p, Point(by)

    same, one, count, both, new = jaxgrad.script(run)(point, X)
    assert same is point
    assert (one, count) == (7, 2)
    np.testing.assert_allclose(point.x, [2, 7])
    np.testing.assert_allclose(both.x, [4, 14])
    assert isinstance(new, jaxgrad.RecursiveScriptClass)
    assert isinstance(new, Point)
    assert new.move(X) is new.x


def test_transformations(point: Any) -> None:
    grads = jax.grad(lambda p: (p.move(X) * X).sum())(point)
    np.testing.assert_allclose(grads.x, X)
    np.testing.assert_allclose(jax.jit(lambda p: p.move(X))(point), 2 * X)
    with pytest.warns(JaxgradWarning, match=r"writes Point.x"):
        jax.jit(point.move)(X)
    np.testing.assert_allclose(point.x, X)


def test_inheritance() -> None:
    @jaxgrad.script
    class Slow(Point):  # type: ignore[misc]
        def move(self, by: Any) -> Any:
            return super().move(by / 2) * 10

    slow = Slow(X)
    np.testing.assert_allclose(slow.move(X), 15 * X)
    assert isinstance(slow, Slow)
    assert isinstance(slow, Point)
    assert not isinstance(Point(X), Slow)
    assert issubclass(Slow._cls, Point)


def test_dataclasses() -> None:
    @jaxgrad.script
    @dataclasses.dataclass
    class Data:
        a: jax.Array
        n: int = 3
        last: "float | None" = None

        def scaled(self) -> Any:
            return self.a * self.n if self.a[0] > 0 else self.a

    data = Data(X)
    np.testing.assert_allclose(data.scaled(), 3 * X)
    assert repr(data).endswith("n=3, last=None)")
    data.last = 2
    data.last = None
    with pytest.raises(AttributeWriteError, match=r"Optional\[float\]"):
        data.last = "text"
    with pytest.raises(AttributeWriteError, match="'n' is of type int"):
        Data(X, n="three")


def test_copies_and_pickles(point: Any) -> None:
    other = copy.deepcopy(point)
    other.move(X)
    np.testing.assert_allclose(point.x, X)
    assert copy.copy(point).x is point.x
    with pytest.raises(pickle.PicklingError, match="no __getstate__"):
        pickle.dumps(point)
    stored = pickle.loads(pickle.dumps(Stored(X)))
    np.testing.assert_allclose(stored.x, X)
    assert isinstance(stored, jaxgrad.RecursiveScriptClass)


class _Stored:
    def __init__(self, x: Any) -> None:
        self.x = x

    def __getstate__(self) -> Any:
        return np.asarray(self.x)

    def __setstate__(self, state: Any) -> None:
        self.x = jnp.asarray(state)


Stored = jaxgrad.script(_Stored)


def test_the_handle_says_what_there_is(point: Any) -> None:
    handle = jaxgrad.as_object(point)
    assert handle is point._c is jaxgrad.as_object(handle)
    assert jaxgrad.as_object(X) is jaxgrad.as_object(Point) is None
    assert str(handle._type()).endswith("Point")
    assert {"move", "__init__", "__len__"} <= set(handle._method_names())
    assert handle._has_method("move")
    assert handle._get_method("move").owner is handle
    with pytest.raises(ModuleError, match="no method 'norm'"):
        handle._get_method("norm")
    norm, read_only = handle._properties()
    assert (norm.name, norm.getter()) == ("norm", 3)
    assert read_only.setter is None
    handle.setattr("steps", 9)
    assert handle.getattr("steps") == point.steps == 9
    assert point == point._c.getattr("itself")()
    assert hash(point) == hash(point.itself())


def test_what_is_no_script_class() -> None:
    class Color(enum.Enum):
        RED = 1

    class Shared:
        def __init__(self, found: Any = []) -> None:  # noqa: B006 (it is refused)
            self.found = found

    assert jaxgrad.script(Color) is Color
    assert jaxgrad.script(Point) is Point
    with pytest.raises(ScriptError, match="found"):
        jaxgrad.script(Shared)()
