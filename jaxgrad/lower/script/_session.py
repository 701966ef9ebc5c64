"""`Session`: one tracing of a script: its options, its errors, its calls.

- `Options`: how loops and errors are handled.
- `Errors`: the code of the first error, and the values in its message.
- `LoopOptions`: what `with jaxgrad.loop(...)` says.
"""

from __future__ import annotations

import contextlib
import dataclasses
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from jaxgrad.errors import GraphError, JaxgradWarning, ScriptError
from jaxgrad.graph import Node, SourceRange, Value
from jaxgrad.lower.script._heap import Snapshot
from jaxgrad.lower.script._places import error_at
from jaxgrad.lower.script._program import Program
from jaxgrad.lower.script._values import NeedsPython

# A function that called itself under so many traced conditions never ends.
_TRACED_CALLS = 12
UNROLL = 4  # loops of at most so many rounds are unrolled
GRADS = ("bounded", "taped", "checkpointed")


@dataclasses.dataclass(frozen=True)
class LoopOptions:
    """How loops are run.

    Attributes:
        max_steps: the most rounds of a `while`; None if there is no bound.
        grad: how its gradient is computed: "bounded", "taped" or "checkpointed".
        unroll: loops of at most so many rounds are unrolled.
    """

    max_steps: int | None = None
    grad: str | None = None
    unroll: int = UNROLL

    def __enter__(self) -> LoopOptions:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing: plain Python takes no notice."""


class ErrorValues(dict):  # type: ignore[type-arg]
    """The values in messages: two paths may have those of different errors."""


class Errors:
    """The state of the checks of a program. It is an object that regions can change.

    Attributes:
        code: 0, or the number of the first error; an int where it is known.
        values: the traced values in messages, by the number of the error.
    """

    _walked = True

    def __init__(self) -> None:
        self.code: Any = 0
        self.values: dict[int, tuple[Any, ...]] = ErrorValues()


class Output:
    """What was printed so far, as a number that each print changes, to keep order."""

    _walked = True

    def __init__(self) -> None:
        self.token: Any = 0


@dataclasses.dataclass(eq=False)
class Frame:
    """One call of a program.

    Attributes:
        program: the program.
        function: the live function whose globals and closure it reads; None if none.
        env: the values by now.
        items: for each iterator that is rolled, the item of this round.
        loops: what the enclosing `with jaxgrad.loop(...)` say, the innermost last.
    """

    program: Program
    function: Any
    env: dict[Value, Any]
    items: dict[Value, Any]
    loops: list[LoopOptions]


class Session:
    """One tracing of a script.

    Attributes:
        host: what finds programs and globals: `program_of(function)`, `lookup(...)`.
        options: the defaults for loops.
        errors: the state of the checks.
        raisers: the errors that can be raised, by their number less one.
        place: where the interpreter stands.
        calls: the calls around, the innermost last.
    """

    def __init__(self, host: Any, options: LoopOptions) -> None:
        self.host, self.options = host, options
        self.errors = Errors()
        self.output = Output()
        self.raisers: list[Callable[[Any], BaseException]] = []
        self.place: SourceRange | None = None
        self.calls: list[tuple[str, SourceRange | None]] = []
        self._depths: list[int] = []  # for each call, the regions around it
        self.globals: list[Any] = []  # mutable objects that globals lead to
        self.free: dict[Node, list[Value]] = {}
        self._numbers: dict[Any, int] = {}
        self._shared: dict[int, Any] = {}
        self._inner: dict[Node, Program] = {}
        self._regions: list[Snapshot] = []
        self._rolled: list[bool] = []  # for each loop around, whether it could unroll

    def program_of(self, node: Node) -> Program:
        """The program of a `prim::Closure`, with its graph as it is now."""
        found = self._inner.get(node)
        if found is None:
            attributes = node._attributes
            program, graph = attributes.get("program"), attributes.get("graph")
            if program is None or graph is None:
                error = _without_program(attributes.get("name"))
                raise error
            same = program.graph is graph
            found = program if same else dataclasses.replace(program, graph=graph)
            self._inner[node] = found
        return found

    def roots(self) -> list[Any]:
        """What every region can reach."""
        return [self.errors, self.output, *self.globals]

    def enter(self, snapshot: Snapshot) -> None:
        """A region begins."""
        self._regions.append(snapshot)

    def leave(self) -> None:
        """The innermost region ends."""
        self._regions.pop()

    def in_region(self) -> bool:
        """Whether what runs now runs under a traced condition, or in a loop."""
        return bool(self._regions)

    @contextlib.contextmanager
    def rolling(self, known: bool) -> Iterator[None]:
        """A loop is being rolled; `known` says whether it could be unrolled instead."""
        self._rolled.append(known)
        try:
            yield
        finally:
            self._rolled.pop()

    def could_unroll(self) -> bool:
        """Whether the innermost loop that is rolled could be unrolled."""
        return bool(self._rolled) and self._rolled[-1]

    def warn(self, message: str) -> None:
        """Tell the user, once for each message and place."""
        warnings.warn(message, JaxgradWarning, stacklevel=2)

    def watch_global(self, value: Any) -> None:
        """An object that a global leads to came into sight."""
        self.globals.append(value)
        for snapshot in self._regions:
            snapshot.add([value])

    @contextlib.contextmanager
    def call(self, name: str, place: SourceRange | None) -> Iterator[None]:
        """Errors inside show that `name` was called from `place`."""
        depths = [
            d for n, d in zip(self.calls, self._depths, strict=True) if n[0] == name
        ]
        if len(set(depths)) > _TRACED_CALLS:
            raise self.endless(name)
        self.calls.append((name, place))
        self._depths.append(len(self._regions))
        try:
            yield
        except RecursionError:
            raise self.endless(name, 1) from None
        except Exception as error:
            add_chain(error, name, place)
            raise
        finally:
            self.calls.pop()
            self._depths.pop()

    def share(self, objects: Iterable[Any]) -> None:
        """Containers that stand for another object on each path can't be changed."""
        for obj in objects:
            if isinstance(obj, list | dict | set) or hasattr(obj, "__dict__"):
                self._shared[id(obj)] = obj

    def check_changed(self, obj: Any) -> None:
        """Refuse to change a container that stands for another one on each path.

        Raises:
            ScriptError: it is one.
        """
        if self._shared and id(obj) in self._shared:
            kind = type(obj).__name__
            raise self.error(
                f"this {kind} is another object on each path, so that a change of it "
                "would be lost",
                "copy it first (list(x), dict(x)), or change it on both paths",
            )

    def endless(self, name: str, own: int = 0) -> ScriptError:
        """The error for a recursion that a traced condition should end.

        Args:
            name: the function that is called again.
            own: how many of the calls around are this one.

        Returns:
            The error.
        """
        names = [n for n, _ in self.calls][: len(self.calls) - own]
        around = names[::-1].index(name) + 1 if name in names else 0
        cycle = [*(names[-around:] if around else [name]), name]
        return self.error(
            f"the recursion of {name!r} does not end: {' -> '.join(cycle)}",
            "let it depend on Python values, or write a loop: both branches of a "
            "traced condition are compiled, so that it ends no recursion",
        )

    def error(
        self,
        message: str,
        remedy: str = "",
        place: SourceRange | None = None,
        also: Any = (),
        kind: type[ScriptError] = ScriptError,
    ) -> ScriptError:
        """An error where the interpreter stands, or at another place."""
        place = place or self.place
        return error_at(place, message, remedy, also=also, kind=kind)

    def needs_python(self, reason: str, message: str, remedy: str) -> Exception:
        """The error for what a rolled loop can't do, and an unrolled one may."""
        if self.could_unroll():
            return NeedsPython(reason)
        return self.error(message, remedy)

    def raiser(self, key: Any, make: Callable[[Any], BaseException]) -> int:
        """The number of an error that can be raised; equal keys have the same."""
        number = self._numbers.get(key)
        if number is None:
            self.raisers.append(make)
            number = self._numbers[key] = len(self.raisers)
        return number


def _without_program(name: Any) -> GraphError:
    return GraphError(
        f"The prim::Closure of {name!r} has no program: it comes from text, or was "
        "made by hand, which doesn't say what the function's parameters are.\n"
        "  Expected a node that was made from source.\n"
        "  Take the graph of a script, `jaxgrad.script(fn).graph`, and edit that."
    )


def add_chain(error: Exception, name: str, place: SourceRange | None) -> None:
    """Note that an error is in `name`, which is called from `place`."""
    if place is not None:
        note = f"while compiling {name}, called from {place.text()}"
        if getattr(error, "__notes__", [""])[-1] != note:  # a recursion's notes repeat
            error.add_note(note)
