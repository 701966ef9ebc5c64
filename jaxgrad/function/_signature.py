"""Binding the arguments of `apply` to the parameters of `forward`, once per class.

`inspect.Signature.bind` costs three microseconds a call, as much as a compiled call
itself, so the signature is read once into a table (`Signature`) and calls are bound by
it (`bind`).
"""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from jaxgrad.errors import ArgumentError

_EMPTY = inspect.Parameter.empty
_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


class Bound(NamedTuple):
    """One call's arguments: a value for each name, the last of them by keyword."""

    names: tuple[str, ...]
    values: tuple[Any, ...]
    keywords: tuple[str, ...]  # the names, at the end, that are passed by keyword
    given: int  # names beyond this one were left to their defaults


class Signature:
    """The parameters of one `forward`, without its context.

    Args:
        forward: the function, as read from the class.
        skip: how many leading parameters are not arguments (1 for `ctx`).
        owner: the class's name, for messages.
    """

    def __init__(self, forward: Callable[..., Any], skip: int, owner: str) -> None:
        parameters = list(inspect.signature(forward).parameters.values())
        self.owner = owner
        if parameters and parameters[0].kind in _POSITIONAL:
            parameters = parameters[skip:]
        self.positional = [p for p in parameters if p.kind in _POSITIONAL]
        self.keyword_only = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
        self.star = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), "")
        self.double_star = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.names = tuple(p.name for p in self.positional)
        self.text = "(" + ", ".join(map(str, parameters)) + ")"
        ordered = [*self.positional, *self.keyword_only]
        self.defaults = [p.default for p in ordered]
        self.index = {
            p.name: i for i, p in enumerate(ordered) if p.kind is not p.POSITIONAL_ONLY
        }
        self.simple = not self.keyword_only and not self.double_star and not self.star

    def quick(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The values of a call in signature order, without checks; None if unusual."""
        if self.star or self.double_star or len(args) > len(self.names):
            return None
        if not kwargs and len(args) == len(self.defaults):
            return args
        values = [*args, *self.defaults[len(args) :]]
        for name, value in kwargs.items():
            position = self.index.get(name, -1)
            if position < len(args):
                return None
            values[position] = value
        return values

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Bound:
        """Bind one call.

        Args:
            args: the positional arguments of `apply`.
            kwargs: its keyword arguments.

        Returns:
            The values in signature order, defaults filled in.

        Raises:
            ArgumentError: unknown, missing, repeated or surplus arguments.
        """
        count = len(self.names)
        if self.simple and not kwargs and len(args) == count:
            return Bound(self.names, args, (), count)
        if len(args) > count and not self.star:
            self._fail(f"takes {count} positional arguments but {len(args)} were given")
        values = list(args[:count])
        rest = dict(kwargs)
        given = len(args)
        for position, parameter in enumerate(self.positional):
            by_keyword = parameter.name in rest and (
                parameter.kind is not parameter.POSITIONAL_ONLY
            )
            if position < len(args):
                if by_keyword:
                    self._fail(f"got multiple values for argument {parameter.name!r}")
                continue
            if by_keyword:
                given = position + 1
            values.append(self._take(parameter, rest if by_keyword else {}))
        names = list(self.names)
        for position, value in enumerate(args[count:]):
            names.append(f"{self.star}[{position}]")
            values.append(value)
        keywords = []
        for parameter in self.keyword_only:
            if parameter.name in rest:
                given = len(values) + 1
            keywords.append(parameter.name)
            values.append(self._take(parameter, rest))
        if rest and not self.double_star:
            self._fail(f"got an unexpected keyword argument {next(iter(rest))!r}")
        keywords += rest
        values += rest.values()
        given = len(values) if rest else given
        return Bound((*names, *keywords), tuple(values), tuple(keywords), given)

    def _take(self, parameter: inspect.Parameter, rest: dict[str, Any]) -> Any:
        value = rest.pop(parameter.name, parameter.default)
        if value is _EMPTY:
            self._fail(f"is missing the argument {parameter.name!r}")
        return value

    def _fail(self, what: str) -> None:
        raise ArgumentError(
            f"{self.owner}.apply {what}.\n"
            f"  Expected the parameters of {self.owner}.forward, without its context: "
            f"{self.text}.\n"
            "  Pass each of them once, by position or by name."
        )
