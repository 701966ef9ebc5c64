"""`bind`: which argument goes to which parameter, as Python says."""

import inspect
import itertools
from collections.abc import Callable
from typing import Any

import pytest

from jaxgrad.graph import Graph, SourceRange
from jaxgrad.lower.script import Parameter, Program, bind

_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "positional only",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "positional",
    inspect.Parameter.VAR_POSITIONAL: "*",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_KEYWORD: "**",
}
SIGNATURES = [
    "",
    "a",
    "a, b",
    "a, b=7",
    "a=6, b=7",
    "a, /",
    "a, /, b",
    "a, b=7, /, c=8",
    "*rest",
    "a, *rest",
    "a, b=7, *rest",
    "*, k",
    "*, k=9",
    "a, *, k, m=9",
    "a=6, *, k",
    "**more",
    "a, **more",
    "a, /, **more",
    "a, /, b=7, *rest, k=9, **more",
    "*rest, k, **more",
]
CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (args, kwargs)
    for args in ((), (1,), (1, 2), (1, 2, 3))
    for size in range(3)
    for names in itertools.combinations(("a", "b", "k", "other"), size)
    for kwargs in [{name: f"<{name}>" for name in names}]
]


def function(text: str) -> tuple[Callable[..., Any], Program, dict[str, Any]]:
    """A function that returns its arguments, as a program, and its defaults."""
    signature = inspect.signature(eval(f"lambda {text}: None"))
    space: dict[str, Any] = {}
    returned = "".join(f"{name}, " for name in signature.parameters)
    exec(f"def fn({text}): return [{returned}]", space)
    given = signature.parameters.values()
    parameters = [Parameter(p.name, _KINDS[p.kind]) for p in given]
    program = Program(Graph(), "fn", tuple(parameters), (), SourceRange("fn.py", 1))
    defaults = {p.name: p.default for p in given if p.default is not p.empty}
    return space["fn"], program, defaults


@pytest.mark.parametrize("text", SIGNATURES)
def test_bind_is_pythons(text: str) -> None:
    fn, program, defaults = function(text)
    for args, kwargs in CALLS:
        try:
            expected = fn(*args, **kwargs)
        except TypeError:
            with pytest.raises(TypeError, match=r"^fn\(\) "):
                bind(program, args, kwargs, defaults)
        else:
            assert bind(program, args, kwargs, defaults) == expected, (args, kwargs)


@pytest.mark.parametrize(
    ("text", "args", "kwargs"),
    [
        ("a", (1, 2), {}),
        ("a, b", (1, 2, 3), {}),
        ("a, b=2", (1, 2, 3), {}),
        ("a=1", (1, 2), {}),
        ("", (1,), {}),
        ("a", (1,), {"a": 2}),
        ("a", (1,), {"z": 2}),
        ("a, /", (), {"a": 2}),
        ("a, b, /", (1,), {"a": 2, "b": 3}),
    ],
)
def test_messages_are_pythons(
    text: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> None:
    fn, program, defaults = function(text)
    with pytest.raises(TypeError) as ours:
        bind(program, args, kwargs, defaults)
    with pytest.raises(TypeError) as pythons:
        fn(*args, **kwargs)
    assert str(ours.value) == str(pythons.value)


def test_what_is_missing_is_named() -> None:
    _, program, _ = function("a, b, *, k")
    with pytest.raises(TypeError, match=r"missing 2 required arguments: 'b', 'k'$"):
        bind(program, (1,), {}, {})
    with pytest.raises(TypeError, match=r"missing 1 required argument: 'k'$"):
        bind(program, (1, 2), {}, {})
