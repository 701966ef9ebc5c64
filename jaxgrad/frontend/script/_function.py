"""`ScriptFunction`: a function of Python source, compiled for the types it is given."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from typing import Any

import jax

from jaxgrad.errors import ArgumentError
from jaxgrad.frontend.script._boundary import (
    Incoming,
    Outgoing,
    as_operand,
    build_inside,
    static_key,
)
from jaxgrad.frontend.script._host import Host, NewRoot, defaults_of, read
from jaxgrad.frontend.script._programs import program_of
from jaxgrad.lower.script import LoopOptions, Program, Session, bind, run_program
from jaxgrad.lower.script._foreign import report
from jaxgrad.lower.script._heap import Snapshot
from jaxgrad.lower.script._run import complaint
from jaxgrad.lower.script._session import UNROLL
from jaxgrad.lower.script._stage import Raised
from jaxgrad.lower.script._template import Capture
from jaxgrad.lower.script._values import is_traced

MODES = ("raise", "return", "ignore")


class Compiled:
    """The program for arguments of certain types.

    Attributes:
        run: it, compiled; a function of the arrays.
        guards: what was read outside, and has to be the same.
        outgoing: what it leaves.
        raisers: the errors that it can report.
    """

    def __init__(self, script: ScriptFunction, incoming: Incoming, roots: Any) -> None:
        self._script, self._incoming, self._roots = script, incoming, roots
        self._arrays = len(incoming.leaves)
        self.guards: list[tuple[Any, str, Any]] = []
        self.outgoing: Outgoing | None = None
        self.raisers: list[Any] = []
        self.numbers: list[int] = []
        flat = functools.partial(self.flat)
        flat.__name__ = flat.__qualname__ = script.__name__  # type: ignore[attr-defined]
        self.run = jax.jit(flat)

    def flat(self, *leaves: Any) -> Any:
        """Trace the program on arrays; what else it leaves is kept here."""
        script = self._script
        values, objects = build_inside(self._incoming.forms, leaves)
        count = len(values) - len(self._roots)
        roots = dict(zip(self._roots, values[count:], strict=True))
        host = Host(script.errors, roots, script._wanted)
        session = Session(host, script.options)
        session.globals += list(roots.values())
        snapshot = Snapshot([*values, *session.roots()])
        program = script.program
        try:
            result = run_program(session, program, script.function, values[:count])
            done = True
        except Raised:
            result, done = None, False
        changed = [o for o in snapshot.changed() if _is_argument(o, session)]
        capture = Capture(snapshot.objects)
        form = capture.of(result) if done else None
        inside = {id(obj): i for i, obj in enumerate(objects)}
        contents = [
            (inside[id(o)], capture.content(o)) for o in changed if id(o) in inside
        ]
        self.outgoing = Outgoing(form, contents, inside, objects)
        self.guards = list(host.guards.values())
        self.raisers = session.raisers
        errors = session.errors
        self.numbers = list(errors.values)
        parts = [errors.values[n] for n in self.numbers]
        check_result(session, result, program)
        if isinstance(errors.code, int) and errors.code == 0:
            return capture.leaves, None, ()
        return capture.leaves, errors.code, parts

    def holds(self) -> bool:
        """Whether what was read outside is the same."""
        for holder, name, value in self.guards:
            now = read(holder, name)
            if now is not value and static_key(now) != static_key(value):
                return False
        return True

    def __call__(self, incoming: Incoming) -> Any:
        """Run it on arguments of its types.

        Returns:
            What the script returns.
        """
        script = self._script
        leaves, code, parts = self.run(*map(as_operand, incoming.leaves))
        assert self.outgoing is not None
        if code is not None and script.errors == "raise":
            self._raise(code, parts)
        result = self.outgoing.finish(leaves, incoming.objects)
        if script.errors == "return":
            from jaxgrad.frontend.script._checked import CheckedError

            return CheckedError(code, parts, self.numbers, self.raisers), result
        return result

    def _raise(self, code: Any, parts: Any) -> None:
        if is_traced(code):
            from jaxgrad.lower.script._session import Errors

            errors = Errors()
            errors.code = code
            errors.values.update(zip(self.numbers, parts, strict=True))
            report(errors, self.raisers, "raise")
            return
        found = int(code)
        if found:
            mine = dict(zip(self.numbers, parts, strict=True)).get(found, ())
            raise self.raisers[found - 1](mine)


def _is_argument(obj: Any, session: Session) -> bool:
    return obj is not session.errors and obj is not session.errors.values


def check_result(session: Session, result: Any, program: Program) -> None:
    """Refuse results in which a variable has no value."""
    from jaxgrad.lower.script._values import SPECIAL

    for leaf in jax.tree.leaves(result):
        if isinstance(leaf, SPECIAL):
            raise complaint(session, leaf, program.place)


class ScriptFunction:
    """A function whose control flow may depend on traced values; made by `script`."""

    def __init__(
        self,
        function: Any,
        *,
        errors: str = "raise",
        max_steps: int | None = None,
        grad: str | None = None,
        unroll: int = UNROLL,
    ) -> None:
        if errors not in MODES:
            raise ArgumentError(
                f"script got errors={errors!r}; expected one of {', '.join(MODES)}."
            )
        self.function = function
        self.errors = errors
        self.options = LoopOptions(max_steps, grad, unroll)
        self._wanted: list[tuple[Any, str]] = []
        self._compiled: dict[Any, list[Compiled]] = {}
        self._lock = threading.RLock()
        functools.update_wrapper(self, function)

    def _scripted(self) -> tuple[Any, list[Any]]:
        """What a script that calls this one follows."""
        return self.function, []

    @property
    def program(self) -> Program:
        """The source as a graph, and how it is called."""
        return program_of(self.function)

    @property
    def graph(self) -> Any:
        """The graph of the source."""
        return self.program.graph

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it, compiled for the types of the arguments.

        Returns:
            What the function returns.
        """
        compiled, incoming = self._find(args, kwargs)
        return compiled(incoming)

    def _find(self, args: Sequence[Any], kwargs: Any) -> tuple[Compiled, Incoming]:
        """The program for these arguments, traced if need be."""
        program = self.program
        values = bind(program, args, kwargs, defaults_of(program, self.function))
        while True:
            known = list(self._wanted)
            roots = [(id(holder), name) for holder, name in known]
            incoming = Incoming([*values, *(read(h, n) for h, n in known)])
            key = (program.graph, program.graph.version, len(known), incoming.key)
            with self._lock:
                for compiled in self._compiled.get(key, ()):
                    if compiled.holds():
                        return compiled, incoming
            compiled = Compiled(self, incoming, roots)
            before = len(self._wanted)
            try:
                compiled.run.trace(*map(as_operand, incoming.leaves))
            except NewRoot:
                assert len(self._wanted) > before
                continue
            with self._lock:
                self._compiled.setdefault(key, []).append(compiled)
            return compiled, incoming

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __repr__(self) -> str:
        return f"<jaxgrad.ScriptFunction {self.__qualname__}>"
