"""try and other exits, each test under its name in AutoGraph's cfg.

try is refused, wherever it stands; the error names its line.
"""

from typing import Any

import pytest

import jaxgrad
from tests.upstream.scripted import agrees, i32, refused


def refuses_try(source: str, *args: Any) -> None:
    """Assert that the first try of a source is what the error names."""
    error = refused(source, *args, at="try:", says=("try",))
    lines = source.splitlines()
    (first, *_) = [i for i, text in enumerate(lines, 1) if text.strip() == "try:"]
    assert error.lineno == first


class TestAstToCfg:
    def test_finally_straightline(self) -> None:
        refuses_try(
            """
def fn(a):
    try:
        a += 1
    finally:
        a = 2
    return a
""",
            1,
        )

    def test_return_finally(self) -> None:
        refuses_try(
            """
def fn(a):
    try:
        return a
    finally:
        a = 1
""",
            i32(1),
        )

    def test_break_finally(self) -> None:
        refuses_try(
            """
def fn(a):
    while a > 0:
        try:
            break
        finally:
            a = 1
    return a
""",
            i32(1),
        )

    def test_continue_finally(self) -> None:
        refuses_try(
            """
def fn(a):
    while a > 0:
        try:
            continue
        finally:
            a = 0
    return a
""",
            i32(1),
        )

    def test_try_finally(self) -> None:
        refuses_try(
            """
def fn(a):
    b = a
    try:
        a = 1
    finally:
        a = 2
    return a
""",
            1,
        )

    def test_try_except_single_bare(self) -> None:
        refuses_try(
            """
def fn(a):
    try:
        a = 1
    except:
        a = 3
    return a
""",
            1,
        )

    def test_try_except_single(self) -> None:
        refuses_try(
            """
def fn(a):
    try:
        a = 1
    except ValueError:
        a = 3
    return a
""",
            1,
        )

    def test_try_except_single_aliased(self) -> None:
        refuses_try(
            """
def fn(a):
    try:
        a = 1
    except ValueError as e:
        a = e
    return a
""",
            1,
        )

    def test_try_except_single_tuple_aliased(self) -> None:
        refuses_try(
            """
def fn(a):
    try:
        a = 1
    except (ValueError, KeyError) as e:
        a = 2
    return a
""",
            1,
        )

    def test_try_except_multiple(self) -> None:
        refuses_try(
            """
def fn(a):
    try:
        a = 1
    except ValueError:
        a = 2
    except KeyError:
        a = 3
    return a
""",
            1,
        )

    def test_try_except_finally(self) -> None:
        refuses_try(
            """
def fn(a):
    try:
        a = 1
    except ValueError:
        a = 2
    finally:
        a = 4
    return a
""",
            i32(1),
        )

    def test_try_in_if(self) -> None:
        refuses_try(
            """
def fn(a):
    try:
        if a > 0:
            a = 1
        else:
            a = 2
    except ValueError:
        a = 3
    return a
""",
            i32(1),
        )

    def test_try_in_if_all_branches_exit(self) -> None:
        refuses_try(
            """
def fn(a, b):
    try:
        if a > 0:
            raise b
        else:
            return 0
    except ValueError:
        return 1
""",
            1,
            ValueError(),
        )

    def test_raise_exits(self) -> None:
        def fn(a: Any, b: Any) -> Any:
            if a > 0:
                raise b
                return "never"
            return a

        agrees(fn, (1, KeyError("gone")), (i32(0), KeyError("gone")))
        with pytest.raises(KeyError, match="gone"):
            jaxgrad.script(fn)(i32(1), KeyError("gone"))

    def test_raise_triggers_enclosing_finally(self) -> None:
        refuses_try(
            """
def fn(a):
    try:
        try:
            raise ValueError
        finally:
            b = 1
        return 2
    finally:
        b = 2
""",
            1,
        )

    def test_raise_adds_finally_sortcuts(self) -> None:
        refuses_try(
            """
def fn(a):
    try:
        try:
            if a > 0:
                raise ValueError
        finally:
            b = 1
        c = 2
    finally:
        b = 2
    return b, c
""",
            i32(1),
        )

    def test_raise_exits_via_except(self) -> None:
        refuses_try(
            """
def fn(a):
    c = 0
    try:
        raise ValueError
    except KeyError:
        c = 1
    except ValueError:
        c = 2
    finally:
        c += 3
    return c
""",
            1,
        )

    def test_list_comprehension(self) -> None:
        def fn(a: Any) -> Any:
            c = [b + 1 for b in a]
            return c

        agrees(fn, ([1, 2],), ([i32(1), 2],))

    def test_class_definition_empty(self) -> None:
        source = "def fn(a):\n    class C(a):\n        pass\n    return C\n"
        refused(source, int, at="class C(a):", says=("class",))

    def test_class_definition_with_members(self) -> None:
        source = "def fn(a):\n    class C:\n        d = a\n    return C.d\n"
        refused(source, i32(1), at="class C:", says=("class",))

    def test_import(self) -> None:
        source = "def fn():\n    from math import pi\n    return pi\n"
        refused(source, at="from math import pi", says=("import",))
