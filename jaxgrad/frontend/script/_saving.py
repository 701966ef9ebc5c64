"""Scripts as programs that can be saved.

- `program_for`: a script with examples, for `jaxgrad.lower.save`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp

from jaxgrad import lower as _lower
from jaxgrad.errors import LoweringError
from jaxgrad.frontend._traced import source_map
from jaxgrad.frontend.script._boundary import as_operand, build_inside
from jaxgrad.frontend.script._host import defaults_of
from jaxgrad.frontend.script._stages import Staged, bound, staged
from jaxgrad.lower._script_errors import written
from jaxgrad.lower._script_values import Writer, plain
from jaxgrad.lower.script import _heap
from jaxgrad.lower.script._template import Leaf, New
from jaxgrad.lower.script._values import is_array

if TYPE_CHECKING:
    from jaxgrad.frontend.script._function import ScriptFunction


def program_for(
    script: ScriptFunction,
    given: Sequence[Any],
    named: Mapping[str, Any],
    examples: Sequence[Any],
) -> _lower.Program:
    """A script as a program to save.

    Args:
        script: the script.
        given: arguments that are given already: their arrays are weights.
        named: those that are given by name.
        examples: for each signature a tuple of arguments.

    Returns:
        The program.

    Raises:
        LoweringError: an example is no tuple of arguments, or can't be written.
    """
    for example in examples:
        if not isinstance(example, tuple):
            raise LoweringError(
                f"{script.__name__}.save got an example of type "
                f"{type(example).__name__}.\n  Expected a tuple of arguments, or a "
                f"list of them; got {example!r:.80}.\n  Write (x,) for one argument."
            )
    program = script.program
    _check_given(script, len(given), named)
    own = [
        i
        for i, parameter in enumerate(program.parameters)
        if i >= len(given) and parameter.name not in named
    ]
    values = [bound(script, [*given, *e], named) for e in examples]
    for each in values:  # so that all globals that are inputs are known
        staged(script, each, strips=True, warns=4)
    variants = [Variant(script, each, own) for each in values]
    weights = {k: v for variant in variants for k, v in variant.weights().items()}
    return _lower.Program(
        name=script.__name__,
        run=variants[0].run,
        arguments=[program.parameters[i].name for i in own],
        examples=[variant.groups() for variant in variants],
        weights=weights,
        graph_text=str(program.graph),
        source_map=source_map(program.graph),
        variants=variants,
        parameters=_parameters(script, own),
    )


def _check_given(script: ScriptFunction, count: int, named: Mapping[str, Any]) -> None:
    """Refuse given arguments that go where a caller's own go too."""
    parameters = script.program.parameters
    names = [p.name for p in parameters if p.kind in ("positional", "keyword")]
    most = sum(p.kind.startswith("positional") for p in parameters)
    odd = [repr(name) for name in named if name not in names]
    odd += ["some by position"] if count > most else []
    if odd:
        raise LoweringError(
            f"{script.__name__} can't be saved with {', '.join(odd)} given, which are "
            "part of its * or ** parameter.\n  Expected other parameters; got those.\n"
            "  Write a function that calls it so, and save that."
        )


def _parameters(script: ScriptFunction, own: Sequence[int]) -> list[Any]:
    """Name, kind and default of each parameter; one with arrays has to be given."""
    defaults = defaults_of(script.program, script.function)
    found = []
    for i in own:
        parameter = script.program.parameters[i]
        entry: list[Any] = [parameter.name, parameter.kind]
        if parameter.name in defaults:
            with contextlib.suppress(LoweringError):
                entry.append(plain(defaults[parameter.name], ""))
        found.append(entry)
    return found


class Variant:
    """One signature of a script that is saved."""

    def __init__(
        self, script: ScriptFunction, values: Sequence[Any], own: Sequence[int]
    ) -> None:
        self._script, self._own = script, own
        self._stage: Staged = staged(script, values, strips=True)
        writer = Writer()
        names = [self._stage.heads[i] for i in own]
        self._arguments = [
            writer.of(values[i], f"the argument {name}")
            for i, name in zip(own, names, strict=True)
        ]
        self._numbers = writer.objects
        self._owners = _owners(self._stage)
        self._result: dict[str, Any] = {}

    def groups(self) -> tuple[Any, ...]:
        """For each argument the arrays in it."""
        leaves = list(zip(self._owners, self._stage.incoming.leaves, strict=True))
        return tuple(
            [
                tuple([as_operand(leaf) for owner, leaf in leaves if owner == i])
                for i in self._own
            ]
        )

    def weights(self) -> dict[str, Any]:
        """The arrays that are no arguments, by name."""
        stage = self._stage
        triples = zip(self._owners, stage.names, stage.incoming.leaves, strict=True)
        return {
            name: jnp.asarray(leaf)
            for owner, name, leaf in triples
            if owner not in self._own
        }

    def run(self, *args: Any) -> list[Any]:
        """The program, of groups of arrays and the weights; its flat outputs."""
        *groups, weights = args
        stage = self._stage
        rest = {i: iter(group) for i, group in zip(self._own, groups, strict=True)}
        operands = [
            next(rest[owner]) if owner in rest else weights[name]
            for owner, name in zip(self._owners, stage.names, strict=True)
        ]
        leaves, code, parts = stage.compiled.flat(*operands)
        outgoing = stage.compiled.outgoing
        assert outgoing is not None
        _, objects = build_inside(stage.incoming.forms, operands)
        before = [_heap.parts_of(obj) for obj in objects]
        result = outgoing.finish(leaves, objects)
        changed = sorted({number for number, _ in outgoing.contents})
        return self._written(result, objects, before, changed, code, parts)

    def _written(
        self,
        result: Any,
        objects: Any,
        before: Any,
        changed: Any,
        code: Any,
        parts: Any,
    ) -> list[Any]:
        """The outputs; what they are is kept for the file."""
        originals = self._stage.incoming.objects
        numbers = {
            id(mine): self._numbers[id(original)]
            for mine, original in zip(objects, originals, strict=True)
            if id(original) in self._numbers
        }
        writer = Writer(numbers)
        name = self._script.__name__
        held: dict[str, Any] = {
            "arguments": self._arguments,
            "result": writer.of(result, f"what {name} returns"),
            "changed": [],
            "updates": {},
            "mode": self._script.errors,
        }
        for i in changed:
            if id(objects[i]) in numbers:
                content = writer.content(objects[i], before[i], "an argument")
                held["changed"].append([numbers[id(objects[i])], content])
            else:
                held["updates"] |= self._updates(writer, i, objects, before[i])
        leaves = list(writer.leaves)
        if code is not None:
            held["code"], leaves = len(leaves), [*leaves, jnp.asarray(code, jnp.int32)]
            held["errors"] = [written(r) for r in self._stage.compiled.raisers]
            held["parts"] = []
            for number, values in zip(self._stage.compiled.numbers, parts, strict=True):
                indices = list(range(len(leaves), len(leaves) + len(values)))
                held["parts"].append([number, indices])
                leaves += values
        self._result = held
        return [jnp.asarray(leaf) for leaf in leaves]

    def _updates(self, writer: Writer, i: int, objects: Any, before: Any) -> Any:
        """The weights that an object which is no argument holds others of now."""
        form, now = self._stage.incoming.made[i], _heap.parts_of(objects[i])
        assert isinstance(form, New)
        assert now is not None
        alike = now[0] == before[0] and len(now[1]) == len(before[1])
        found: dict[str, int] = {}
        for part, old, new in zip(form.parts, before[1], now[1], strict=False):
            if old is new:
                continue
            fits = alike and isinstance(part, Leaf) and is_array(new)
            if not fits or (new.shape, new.dtype) != (old.shape, old.dtype):
                alike = False
                break
            found[self._stage.names[part.index]] = writer.of(new, "")["leaf"]
        if not alike:
            kind = type(objects[i]).__name__
            raise LoweringError(
                f"{self._script.__name__} changes a {kind} that is no argument, and "
                "what it changes is no array of the same shape and dtype.\n"
                "  Expected such an array, which the file keeps as a weight.\n"
                "  Keep it as one, or pass the object as an argument."
            )
        return found

    def record(self) -> dict[str, Any]:
        """What the file says of it, once it was exported."""
        return self._result


def _owners(stage: Staged) -> list[int]:
    """For each array, the number of the value that it was met in first."""
    owners = [0] * len(stage.incoming.leaves)
    seen: set[int] = set()

    def walk(form: Any, number: int) -> None:
        if isinstance(form, Leaf):
            owners[form.index] = number
        elif isinstance(form, New) and form.uid not in seen:
            seen.add(form.uid)
            for part in form.parts:
                walk(part, number)

    for number, form in enumerate(stage.incoming.forms):
        walk(form, number)
    return owners
