"""ScriptDict and ScriptList do as Python's do, each test under its name in torch.

What Python's own raise is raised unchanged, down to the class.
"""

import collections
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import jaxgrad
from jaxgrad.errors import ContainerTypeError, KeyTypeError


def outcome(fn: Callable[[Any], Any], given: Any) -> Any:
    """What `fn` returns, or the class of what it raises."""
    try:
        return fn(given)
    except Exception as error:
        return type(error)


def alike(fn: Callable[[Any], Any], plain: Any) -> None:
    """Assert that a container and its scripted twin make no difference to `fn`."""
    make = jaxgrad.ScriptDict if isinstance(plain, dict) else jaxgrad.ScriptList
    scripted, plain = make(plain), plain.copy()
    got, want = outcome(fn, scripted), outcome(fn, plain)
    assert got == want
    assert scripted == plain
    assert plain == scripted
    assert len(scripted) == len(plain)


class TestScriptDict:
    def test_repr(self) -> None:
        alike(repr, {1: 2})
        alike(repr, {"a": "b"})

    def test_bool(self) -> None:
        alike(bool, {1: 2})
        alike(bool, {})

    def test_iter(self) -> None:
        alike(sum, {1: 2, 3: 4})
        keys = iter(jaxgrad.ScriptDict({1: 2, 3: 4}))
        assert isinstance(keys, jaxgrad.ScriptDictKeyIterator)
        assert (next(keys), list(keys), list(keys)) == (1, [3], [])

    def test_items(self) -> None:
        alike(lambda d: sum(k * v for k, v in d.items()), {1: 2, 3: 4})
        items = jaxgrad.ScriptDict({1: 2}).items()
        assert isinstance(items, jaxgrad.ScriptDictIterator)
        assert (iter(items) is items, next(items)) == (True, (1, 2))

    def test_getitem(self) -> None:
        for key in (1, 4, 2, "key"):
            alike(lambda d, key=key: d[key], {1: 2, 3: 4})
        assert outcome(lambda d: d["key"], jaxgrad.ScriptDict({1: 2})) is KeyError

    def test_setitem(self) -> None:
        def fn(d: Any) -> None:
            d[1] = 10
            d[3] = 11

        alike(fn, {1: 2, 3: 4})
        scripted = jaxgrad.ScriptDict({1: 2, 3: 4})
        with pytest.raises(KeyTypeError, match="'str', str; expected int") as caught:
            scripted["str"] = 3
        assert isinstance(caught.value, TypeError)
        with pytest.raises(ContainerTypeError, match=r"value of 3 .*expected int"):
            scripted[3] = "str"
        assert scripted == {1: 2, 3: 4}

    def test_contains(self) -> None:
        data = {1: 2, 3: 4}
        alike(lambda d: (1 in d, 2 not in d, 3 in d, 4 not in d), data)
        with pytest.raises(KeyError, match="looked for in a ScriptDict is 'str'"):
            assert "str" in jaxgrad.ScriptDict(data)

    def test_delitem(self) -> None:
        alike(lambda d: d.__delitem__(1), {1: 2, 3: 4})
        alike(lambda d: d.__delitem__(10), {1: 2, 3: 4})
        scripted = jaxgrad.ScriptDict({1: 2})
        with pytest.raises(TypeError, match="a key of a ScriptDict is 'str'"):
            del scripted["str"]
        assert scripted == {1: 2}

    def test_len(self) -> None:
        alike(len, {1: 2})
        alike(len, {})

    def test_nested(self) -> None:
        """In torch it can't pass; here what is inside is the object that is changed."""

        @jaxgrad.script
        def add(d: dict[int, int], k: int, v: int) -> None:
            d[k] = v

        nested = jaxgrad.ScriptDict({1: {1: 2}, 2: {3: 4}})
        one, two = nested[1], nested[2]
        add(one, 9, 10)
        add(two, 11, 12)
        assert one is nested[1]
        assert nested == {1: {1: 2, 9: 10}, 2: {3: 4, 11: 12}}

    def test_reference_semantics(self) -> None:
        @jaxgrad.script
        def add(d: dict[int, int], k: int, v: int) -> None:
            d[k] = v

        given = {1: 2}
        data = jaxgrad.ScriptDict(given)
        add(data, 3, 4)
        assert len(data) == 2
        assert 3 in data
        assert data[3] == 4
        assert given == {1: 2}  # it was copied


class TestScriptList:
    def test_repr(self) -> None:
        alike(repr, [1])
        alike(repr, ["a", "it's"])

    def test_bool(self) -> None:
        alike(bool, [1])
        alike(bool, [])

    def test_iter(self) -> None:
        alike(sum, [1, 2, 3, 4])
        elements = iter(jaxgrad.ScriptList([1, 2, 3]))
        assert isinstance(elements, jaxgrad.ScriptListIterator)
        assert (next(elements), list(elements), list(elements)) == (1, [2, 3], [])

    def test_getitem(self) -> None:
        slices = slice(1, 3), slice(None), slice(1, None), slice(2), slice(-1, None, -1)
        for index in (1, 3, -1, *slices, 5, -7, "key"):
            alike(lambda xs, index=index: xs[index], [1, 2, 3, 4])
        part = jaxgrad.ScriptList([1, 2])[1:]
        assert isinstance(part, jaxgrad.ScriptList)

    def test_setitem(self) -> None:
        def elements(xs: Any) -> None:
            xs[1] = 10
            xs[3] = 11
            xs[-1] = 12

        def slices(xs: Any) -> None:
            xs[:4:2] = [10, 11]
            xs[-2:] = [15, 16]

        def other_size(xs: Any) -> None:
            xs[:1] = [1, 2, 3, 4, 5]

        data = [1, 2, 3, 4]
        for fn in (elements, slices, other_size):
            alike(fn, data)
        for wrong in (11, -11, "str", slice(0, 4, 2)):
            alike(lambda xs, wrong=wrong: xs.__setitem__(wrong, 3), data)
        scripted = jaxgrad.ScriptList(data)
        with pytest.raises(ContainerTypeError, match="'str', str; expected int"):
            scripted[0] = "str"
        with pytest.raises(TypeError):
            scripted[:2] = [1, "str"]
        assert scripted == data

    def test_contains(self) -> None:
        data = [1, 2, 3, 4]
        alike(lambda xs: (1 in xs, 2 not in xs, 3 in xs, 5 not in xs), data)
        with pytest.raises(TypeError, match="looked for in a ScriptList is 'str'"):
            assert "str" in jaxgrad.ScriptList(data)

    def test_delitem(self) -> None:
        for index in (1, 10, "str", slice(1, 3)):
            alike(lambda xs, index=index: xs.__delitem__(index), [1, 2, 3, 4])

    def test_len(self) -> None:
        alike(len, [1, 2, 3, 4])
        alike(len, [])

    def test_count(self) -> None:
        alike(lambda xs: xs.count(3), [1, 2, 3, 3])
        with pytest.raises(TypeError, match="counted in a ScriptList is 'str'"):
            jaxgrad.ScriptList([1]).count("str")

    def test_remove(self) -> None:
        alike(lambda xs: xs.remove(1), [1, 2, 3, 1])
        alike(lambda xs: xs.remove(10), [1, 2, 3])
        with pytest.raises(TypeError, match="removed from a ScriptList is 'str'"):
            jaxgrad.ScriptList([1]).remove("str")

    def test_append(self) -> None:
        alike(lambda xs: xs.append(1), [4, 3, 2])
        with pytest.raises(TypeError, match="an element of a ScriptList is 'str'"):
            jaxgrad.ScriptList([1]).append("str")

    def test_clear(self) -> None:
        alike(lambda xs: xs.clear(), [4, 3, 2])

    def test_extend(self) -> None:
        class Counted:
            def __init__(self, limit: int) -> None:
                self.value, self.limit = 0, limit

            def __iter__(self) -> Iterator[int]:
                return self

            def __next__(self) -> int:
                self.value += 1
                if self.value > self.limit:
                    raise StopIteration
                return self.value

        data = [1, 2, 3]
        alike(lambda xs: xs.extend([4, 5, 6]), data)
        alike(lambda xs: xs.extend({4: 10, 5: 11, 6: 12}), data)
        alike(lambda xs: xs.extend(Counted(3)), data)
        alike(lambda xs: xs.extend(3), data)
        scripted = jaxgrad.ScriptList([1])
        for wrong in ([2, "a"], {"a": 1}):
            with pytest.raises(ContainerTypeError):
                scripted.extend(wrong)
        assert scripted == [1]

    def test_insert(self) -> None:
        for index in (3, 0, -2, 99, -99, "str"):
            alike(lambda xs, index=index: xs.insert(index, 3), [1, 2, 4])
        with pytest.raises(ContainerTypeError, match="expected int"):
            jaxgrad.ScriptList([1]).insert(0, "str")

    def test_pop(self) -> None:
        data = [1, 2, 3, 4, 5]
        alike(lambda xs: xs.pop(), data)
        for index in (2, -3, 10, "str"):
            alike(lambda xs, index=index: xs.pop(index), data)
        alike(lambda xs: xs.pop(), [])

    def test_nested(self) -> None:
        """In torch it can't pass; here what is inside is the object that is changed."""

        @jaxgrad.script
        def add(xs: list[int], e: int) -> None:
            xs.append(e)

        nested = jaxgrad.ScriptList([[1], [2]])
        one, two = nested[0], nested[1]
        add(one, 3)
        add(two, 4)
        assert one is nested[0]
        assert nested == [[1, 3], [2, 4]]

    def test_reference_semantics(self) -> None:
        @jaxgrad.script
        def add(xs: list[int], e: int) -> None:
            xs.append(e)

        given = [1, 2]
        data = jaxgrad.ScriptList(given)
        add(data, 3)
        assert len(data) == 3
        assert 3 in data
        assert data[2] == 3
        assert given == [1, 2]  # it was copied

    def test_defaultdict(self) -> None:
        """A module with an empty defaultdict; asked for a key, many times."""

        class Groups:
            segments: dict[str, list[str]]

            def __init__(self) -> None:
                self.segments = collections.defaultdict(list)
                self.column = "a"

            def forward(self) -> int:
                if self.column in self.segments.keys():  # noqa: SIM118
                    return 1
                return 2

            __call__ = forward

        for _ in range(5):
            module = Groups()
            scripted = jaxgrad.script(module)
            assert scripted.forward() == module.forward() == 2
            assert len(module.segments) == 0
