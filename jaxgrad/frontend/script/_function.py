"""`ScriptFunction`: a function of Python source, compiled for the types it is given."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import jax

from jaxgrad.errors import ArgumentError
from jaxgrad.frontend.script._boundary import (
    Incoming,
    Outgoing,
    as_operand,
    build_inside,
    content_of,
    static_key,
)
from jaxgrad.frontend.script._checked import CheckedError
from jaxgrad.frontend.script._finals import with_finals
from jaxgrad.frontend.script._host import Host, NewRoot, defaults_of, read
from jaxgrad.frontend.script._own_graph import OwnGraph
from jaxgrad.frontend.script._ready import is_ready_for, types_of
from jaxgrad.frontend.script._recompiled import warn_if_often
from jaxgrad.frontend.script._surface import Surface
from jaxgrad.lower.script import LoopOptions, Program, Session, bind, run_program
from jaxgrad.lower.script._explained import without_advice
from jaxgrad.lower.script._foreign import report
from jaxgrad.lower.script._heap import Snapshot
from jaxgrad.lower.script._run import complaint
from jaxgrad.lower.script._session import UNROLL, Errors
from jaxgrad.lower.script._stage import Raised
from jaxgrad.lower.script._template import (
    Capture,
    Clashing,
    Missing,
    Optional,
    build,
    forms_in,
)
from jaxgrad.lower.script._values import is_traced

MODES = ("raise", "return", "ignore")


class Compiled:
    """The program for arguments of certain types.

    Attributes:
        run: it, compiled; a function of the arrays.
        guards: what was read outside, and has to be the same.
        outgoing: what it leaves.
        raisers: the errors that it can report.
        numbers: of those errors that have values in their messages.
        stripped: what was left out, as it needs a host.
    """

    def __init__(
        self,
        script: ScriptFunction,
        incoming: Incoming,
        roots: Any,
        strips: bool = False,
    ) -> None:
        self._script, self.incoming, self._roots = script, incoming, roots
        self._strips = strips
        self._arrays = len(incoming.leaves)
        self.guards: list[tuple[Any, str, Any]] = []
        self.outgoing: Outgoing | None = None
        self.raisers: list[Any] = []
        self.numbers: list[int] = []
        self.stripped: list[str] = []
        flat = functools.partial(self.flat)
        flat.__name__ = flat.__qualname__ = script.__name__  # type: ignore[attr-defined]
        self.run = jax.jit(flat)

    def flat(self, *leaves: Any) -> Any:
        """Trace the program on arrays; what else it leaves is kept here."""
        script = self._script
        values, objects = build_inside(self.incoming.forms, leaves)
        count = len(values) - len(self._roots)
        roots = dict(zip(self._roots, values[count:], strict=True))
        host = Host(script.errors, roots, script._wanted, self._strips)
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
            (inside[id(o)], content_of(capture, o, snapshot.before(o)))
            for o in changed
            if id(o) in inside
        ]
        self.outgoing = Outgoing(form, contents, inside, objects)
        self.stripped = list(host.stripped)
        self.guards = list(host.guards.values())
        self.raisers = session.raisers
        errors = session.errors
        self.numbers = list(errors.values)
        parts = [errors.values[n] for n in self.numbers]
        check_forms(session, [form, *(c for _, c in contents)], program)
        fine = isinstance(errors.code, int) and errors.code == 0
        if fine or (script.errors == "ignore" and done):
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
        return self.finish(map(as_operand, incoming.leaves), incoming.objects)

    def finish(self, arrays: Iterable[Any], objects: Sequence[Any]) -> Any:
        """Run it on arrays, and give the caller's objects what they hold then."""
        mode = self._script.errors
        leaves, code, parts = self.run(*arrays)
        assert self.outgoing is not None
        if code is not None and mode != "return":
            self._raise(code, parts)
        result = self.outgoing.finish(leaves, objects)
        if mode == "return":
            return CheckedError.of(code, parts, self.numbers, self.raisers), result
        return result

    def _raise(self, code: Any, parts: Any) -> None:
        if is_traced(code):
            errors = Errors()
            errors.code = code
            errors.values.update(zip(self.numbers, parts, strict=True))
            report(errors, self.raisers, "raise")
            return
        found = int(code)
        if found:
            mine = dict(zip(self.numbers, parts, strict=True)).get(found, ())
            raise self.raisers[found - 1](mine)


def _without_arrays(incoming: Incoming) -> Incoming:
    """What was given without its arrays and objects, so that nothing keeps them."""
    made = copy.copy(incoming)
    made.leaves = list(map(as_struct, incoming.leaves))
    made.objects, made.made = [], []
    return made


def as_struct(leaf: Any) -> jax.ShapeDtypeStruct:
    """The type of an array."""
    if isinstance(leaf, jax.ShapeDtypeStruct):
        return leaf
    aval = jax.typeof(as_operand(leaf))
    return jax.ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=aval.weak_type)


def _is_argument(obj: Any, session: Session) -> bool:
    return obj is not session.errors and obj is not session.errors.values


def check_forms(session: Session, forms: Sequence[Any], program: Program) -> None:
    """Refuse results, and changed objects, in which a variable has no value."""
    for form in forms_in(form for form in forms if form is not None):
        if isinstance(form, Missing | Optional | Clashing):
            nothing: Any = _Nothing()
            value, place = build(form, nothing, {}), program.place
            raise complaint(session, value, place, used=False)


class _Nothing:
    """Stands for the arrays of a form, where nobody looks at them."""

    def __getitem__(self, index: int) -> None:
        return None


class ScriptFunction(OwnGraph, Surface):
    """A function whose control flow may depend on traced values; made by `script`.

    It is compiled for the types, and the static values, of the arguments of a call,
    when it is called first; and it is a JAX function like any other: `jax.jit`,
    `jax.grad`, `jax.vmap`, `jax.lax.scan` and `jax.export` take it.

    Attributes:
        function: the Python function.
        errors: what is done with errors: "raise", "return" or "ignore".
        options: how loops are compiled.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> import jaxgrad
        >>> @jaxgrad.script
        ... def leaky(x):
        ...     if x < 0:
        ...         return x / 10
        ...     return x
        >>> leaky(jnp.float32(-2.0)).item(), jax.grad(leaky)(3.0).item()
        (-0.20000000298023224, 1.0)
        >>> print(leaky.code)
        def leaky(x):
            if x < 0:
                return x / 10
            return x
        >>> leaky.graph_for(jnp.float32(1)).find_node("lax::select_n") is not None
        True
    """

    __name__: str
    __qualname__: str

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
        self._own_program, self._source_program, self._original = None, None, -1
        self._wanted: list[tuple[Any, str]] = []
        self._compiled: dict[Any, list[Compiled]] = {}
        self._ready: dict[Any, tuple[Compiled, Any]] = {}  # calls with arrays alone
        self._warned = False
        self._lock = threading.RLock()
        functools.update_wrapper(self, function)

    def _scripted(self) -> tuple[Any, list[Any]]:
        """What a script that calls this one follows."""
        return self.function, []

    def _call_inside(self, session: Session, args: Sequence[Any], kwargs: Any) -> Any:
        """What a script does that calls this one: it has options of its own."""
        found = session.host.callee(session, self)
        if callable(found):
            return found(session, args, kwargs)
        program, function, defaults, extra = found
        values = bind(program, [*extra, *args], kwargs, defaults)
        with self._options_inside(session), session.call(program.name, session.place):
            return run_program(session, program, function, values)

    @contextlib.contextmanager
    def _options_inside(self, session: Session) -> Iterator[None]:
        if self.errors == "return":
            raise session.error(
                f"{self.__name__} was scripted with errors='return', which has no "
                "meaning inside another script: its error is part of that one's",
                "call the function itself, and script what calls it so",
            )
        options, errors = session.options, session.errors
        if self.options != LoopOptions():
            session.options = self.options
        if self.errors == "ignore":
            session.errors = Errors()
        try:
            yield
        finally:
            session.options, session.errors = options, errors

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run it, compiled for the types of the arguments.

        Args:
            *args: arrays, which are traced; containers and objects with arrays in them;
                and anything else, for whose value it is compiled.
            **kwargs: arguments by name.

        Returns:
            What the function returns; a pair of a `CheckedError` and that, for
            `errors="return"`.

        Raises:
            ScriptError: the source can't be compiled for these types.
            MaxStepsError: a loop went on after `max_steps`.
        """
        key, arrays = None, [*args, *(read(h, n) for h, n in self._wanted)]
        if not kwargs:
            key = self._ready_key(len(args), arrays)
            ready, defaults = self._ready.get(key, (None, None))
            same = defaults is self.function.__defaults__
            if ready is not None and same and ready.holds():
                return ready.finish(arrays, ())
        compiled, incoming = self._find(args, kwargs)
        if key is not None and is_ready_for(self, len(args), incoming.forms):
            self._ready[key] = compiled, self.function.__defaults__
        return compiled(incoming)

    def _ready_key(self, count: int, arrays: Sequence[Any]) -> Any:
        """What tells apart the calls that are given arrays alone."""
        types, graph = types_of(arrays), self.program.graph
        return None if types is None else (graph, graph.version, count, types)

    def _bound(self, program: Program, args: Sequence[Any], kwargs: Any) -> list[Any]:
        """One value for each parameter."""
        function = self.function
        values = bind(program, args, kwargs, defaults_of(program, function))
        return with_finals(program, function, values)

    def _incoming(self, values: Sequence[Any]) -> tuple[Incoming, list[Any]]:
        """The arguments and the globals that are inputs, apart; and those globals."""
        known = list(self._wanted)
        roots = [(id(holder), name) for holder, name in known]
        return Incoming([*values, *(read(h, n) for h, n in known)]), roots

    def _find(self, args: Sequence[Any], kwargs: Any) -> tuple[Compiled, Incoming]:
        """The program for these arguments, traced if need be."""
        program = self.program
        values = self._bound(program, args, kwargs)
        while True:
            incoming, roots = self._incoming(values)
            key = (program.graph, program.graph.version, len(roots), incoming.key)
            with self._lock:
                for compiled in self._compiled.get(key, ()):
                    if compiled.holds():
                        return compiled, incoming
            compiled = self._fresh(incoming, roots)
            if compiled is None:
                continue
            compiled.incoming = _without_arrays(incoming)
            with self._lock:
                self._compiled.setdefault(key, []).append(compiled)
                warn_if_often(self, program)
            return compiled, incoming

    def _fresh(
        self, incoming: Incoming, roots: Sequence[Any], strips: bool = False
    ) -> Compiled | None:
        """A program for arguments, traced; None if a global is a new input of it."""
        compiled = Compiled(self, incoming, roots, strips)
        try:
            compiled.run.trace(*map(as_operand, incoming.leaves))
        except NewRoot:
            assert len(self._wanted) >= len(roots)
            return None
        except Exception as error:
            without_advice(error)
            raise
        return compiled

    def clear_cache(self) -> None:
        """Forget what was compiled; the next call compiles anew."""
        with self._lock:
            self._compiled.clear()
            self._ready.clear()

    _debug_flush_compilation_cache = clear_cache

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self if instance is None else BoundScript(self, instance)

    def __copy__(self) -> ScriptFunction:
        options = dataclasses.asdict(self.options)
        made = ScriptFunction(self.function, errors=self.errors, **options)
        if self._own_program is not None and self.graph.version != self._original:
            made.graph = self.graph.copy()
        return made

    def __deepcopy__(self, memo: Any) -> ScriptFunction:
        return self.__copy__()

    def __reduce__(self) -> str:
        return self.__qualname__  # as functions are: by name

    def __repr__(self) -> str:
        return f"<jaxgrad.ScriptFunction {self.__qualname__}>"


from jaxgrad.frontend.script._bound import BoundScript  # noqa: E402 (both need it)
