"""What an entry of the table of wrong programs is, and how a function becomes one.

- `Wrong`: a function that script refuses, and everything that its error says.
- `Wrongs`: a decorator that collects them.

In the source of a function a comment marks the line that the error is at, others the
lines that its message or notes mention, so that no line is known by its number:

    y = x + z  # <- here
"""

import dataclasses
import inspect
import os
import re
from collections.abc import Callable
from typing import Any

import jaxgrad
from jaxgrad.errors import ScriptError

_MARK = re.compile(r"# <- (\w+)")

Function = Callable[..., Any]
# The words of a note, the line that it shows, and what of that line is underlined.
Shown = tuple[str, str, str]


@dataclasses.dataclass(frozen=True)
class Wrong:
    """A function that can't be compiled, or fails when it is.

    Attributes:
        fn: the function.
        sentence: the first line of the message; `{one}` is the number of the line that
            is marked with `one`.
        remedy: the other line; "" for errors of Python and of JAX.
        under: the text that is underlined.
        args: the arguments that it is called with.
        notes: what else the error shows; a string, or a `Shown`.
        error: its class.
        callees: functions whose source has marked lines, too.
        run: makes of the scripted function what is called.
        options: of `jaxgrad.script`.
    """

    fn: Function
    sentence: str
    remedy: str
    under: str
    args: tuple[Any, ...]
    notes: tuple[str | Shown, ...] = ()
    error: type[BaseException] = ScriptError
    callees: tuple[Function, ...] = ()
    run: Callable[[Function], Function] = lambda script: script
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __str__(self) -> str:
        return self.fn.__name__

    @property
    def filename(self) -> str:
        """The file that the function is in."""
        return self.fn.__code__.co_filename

    def call(self) -> Any:
        """Compile it, and run it."""
        return self.run(jaxgrad.script(self.fn, **self.options))(*self.args)

    def lines(self) -> dict[str, int]:
        """The numbers of the marked lines."""
        found: dict[str, int] = {}
        for fn in (*self.callees, self.fn):
            source, first = inspect.getsourcelines(fn)
            for number, line in enumerate(source, first):
                found.update((name, number) for name in _MARK.findall(line))
        return found

    def message(self) -> str:
        """The whole message."""
        lines = (self.sentence, self.remedy)
        return "\n  ".join(self._filled(line) for line in lines if line)

    def expected_notes(self) -> list[str]:
        """The notes, as they are written below the error."""
        return [self._note(note) for note in self.notes]

    def _note(self, note: str | Shown) -> str:
        if isinstance(note, str):
            return self._filled(note)
        words, mark, text = note
        line = self.lines()[mark]
        shown = drawn(self.filename, line, text)
        if words == "In":  # the only place of an error that is not script's own
            return f"In {self._place(line)}\n{shown}"
        shown = "\n".join(f"    {part}" for part in shown.splitlines())
        return f"{words}, {self._place(line)}:\n{shown}"

    def _filled(self, text: str) -> str:
        numbers = {f"{{{name}}}": str(n) for name, n in self.lines().items()}
        numbers["{file}"] = os.path.basename(self.filename)
        for name, number in numbers.items():
            text = text.replace(name, number)
        return text

    def _place(self, line: int) -> str:
        return f"{os.path.basename(self.filename)}:{line}"


def line_at(filename: str, line: int) -> str:
    """One line of a file."""
    with open(filename, encoding="utf-8") as file:
        return file.read().splitlines()[line - 1]


def drawn(filename: str, line: int, text: str) -> str:
    """A line with carets under a text in it."""
    source = line_at(filename, line)
    return f"{source}\n{' ' * source.index(text)}{'^' * len(text)}"


class Wrongs:
    """Wrong programs, collected by a decorator."""

    def __init__(self) -> None:
        self.programs: list[Wrong] = []

    def __call__(
        self,
        sentence: str,
        remedy: str = "",
        *,
        under: str,
        args: tuple[Any, ...],
        **rest: Any,
    ) -> Callable[[Function], Function]:
        """Enter a function, with what its error says."""

        def enter(fn: Function) -> Function:
            self.programs.append(Wrong(fn, sentence, remedy, under, args, **rest))
            return fn

        return enter
