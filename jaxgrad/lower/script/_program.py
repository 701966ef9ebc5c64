"""`Program`: the graph of a function's source, and how it is called.

- `Parameter`: one parameter.
- `bind`: the values of the parameters for the arguments of a call.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

from jaxgrad.graph import Graph, Node, SourceRange


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter of a function.

    Attributes:
        name: its name.
        kind: "positional only", "positional", "*", "keyword" or "**".
    """

    name: str
    kind: str


@dataclasses.dataclass(frozen=True)
class Origins:
    """Where the outputs of a node with blocks come from, for messages.

    Attributes:
        places: for each path, the place of each output's value; None where unknown.
        paths: what the paths are called; () for those of an `if`.
    """

    places: tuple[tuple[SourceRange | None, ...], ...]
    paths: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, eq=False)
class Program:
    """A function's source as a graph.

    Attributes:
        graph: its inputs are the captured values, then the parameters; one output.
        name: the name of the function.
        parameters: its parameters.
        captures: the names of the captured values.
        place: where it is defined.
        owner: the name of the class around it, for private names; "" if there is none.
        origins: for nodes with blocks, where what they leave comes from.
    """

    graph: Graph
    name: str
    parameters: tuple[Parameter, ...]
    captures: tuple[str, ...]
    place: SourceRange
    owner: str = ""
    origins: Mapping[Node, Origins] = dataclasses.field(default_factory=dict)

    @functools.cached_property
    def plain(self) -> bool:
        """Whether all parameters may be given by position."""
        return all(p.kind.startswith("positional") for p in self.parameters)

    def __repr__(self) -> str:
        return f"<{self.name} at {self.place.text()}>"


def bind(
    program: Program,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    defaults: Mapping[str, Any],
) -> list[Any]:
    """The values of the parameters, in order.

    Args:
        program: the program that is called.
        args: the arguments by position.
        kwargs: those by name.
        defaults: the values of parameters that may be left out.

    Returns:
        One value for each parameter.

    Raises:
        TypeError: the arguments don't fit, nearly in Python's words.
    """
    if not kwargs and len(args) == len(program.parameters) and program.plain:
        return list(args)
    rest, named = list(args), dict(kwargs)
    values: list[Any] = []
    missing: list[str] = []
    for parameter in program.parameters:
        key, kind = parameter.name, parameter.kind
        if kind == "*":
            values.append(tuple(rest))
            rest = []
        elif kind == "**":
            values.append(named)
            named = {}
        elif kind != "keyword" and rest:
            if key in named and kind == "positional":
                raise TypeError(
                    f"{program.name}() got multiple values for argument {key!r}"
                )
            values.append(rest.pop(0))
        elif key in named and kind != "positional only":
            values.append(named.pop(key))
        elif key in defaults:
            values.append(defaults[key])
        else:
            missing.append(key)
    wrong = _misfit(program, named, len(rest) and len(args), missing, defaults)
    if wrong:
        raise TypeError(f"{program.name}() {wrong}")
    return values


def _misfit(
    program: Program,
    named: Mapping[str, Any],
    given: int,
    missing: Sequence[str],
    defaults: Mapping[str, Any],
) -> str:
    """What doesn't fit, nearly in Python's words; "" if all does.

    Args:
        program: the program that is called.
        named: the arguments by name that no parameter takes.
        given: how many arguments there are by position; 0 if they are not too many.
        missing: the parameters without a value.
        defaults: the values of parameters that may be left out.

    Returns:
        What a message says behind the name of the function.
    """
    only = [p.name for p in program.parameters if p.kind == "positional only"]
    found = ", ".join(name for name in named if name in only)
    if found:
        return (
            f"got some positional-only arguments passed as keyword arguments: {found!r}"
        )
    if missing:
        many = "s" if len(missing) > 1 else ""
        names = ", ".join(map(repr, missing))
        return f"missing {len(missing)} required argument{many}: {names}"
    if given:
        by_place = [p for p in program.parameters if p.kind.startswith("positional")]
        most = len(by_place)
        least = most - sum(p.name in defaults for p in by_place)
        span = f"{most}" if least == most else f"from {least} to {most}"
        arguments = "argument" if most == 1 == least else "arguments"
        were = "was" if given == 1 else "were"
        return f"takes {span} positional {arguments} but {given} {were} given"
    if named:
        return f"got an unexpected keyword argument {next(iter(named))!r}"
    return ""
