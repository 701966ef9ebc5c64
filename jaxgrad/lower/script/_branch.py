"""A choice between two paths under a traced condition, as `lax.cond`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from jaxgrad.lower.script import _heap
from jaxgrad.lower.script._forms import (
    Buffer,
    Clashing,
    Const,
    Form,
    Missing,
    New,
    Optional,
    Same,
)
from jaxgrad.lower.script._join import Join
from jaxgrad.lower.script._pick import pick
from jaxgrad.lower.script._stage import Raised, Staged, stage
from jaxgrad.lower.script._template import build, extract
from jaxgrad.lower.script._values import Cell, Clash

if TYPE_CHECKING:
    from jaxgrad.graph import SourceRange
    from jaxgrad.lower.script._session import Session


class Paths:
    """How the two paths are called in messages, and where their values come from.

    Attributes:
        names: the variable of each result.
        whats: what the two paths are called.
        places: for each path, where each result comes from.
        here: where the choice is made.
    """

    def __init__(
        self,
        names: Sequence[str],
        whats: tuple[str, ...],
        places: tuple[Sequence[Any], ...],
        here: SourceRange | None,
    ) -> None:
        self.names, self.whats, self.places, self.here = names, whats, places, here

    def why(self, side: int) -> str:
        """What to say of a variable that one path lacks."""
        line = f" (line {self.here.line})" if self.here else ""
        return f"{self.whats[side]}{line} does not bind it"

    def clash(self, i: int) -> Callable[[str, str, str, str], Clash]:
        """What makes the clash of result number `i`."""
        name = self.names[i]
        places = tuple([side[i] if i < len(side) else None for side in self.places])
        whats = self.whats
        if name == "$ret" and whats[0] in _BRANCHES:
            whats = "a return", "another return"

        def say(first: str, second: str, remedy: str, path: str) -> Clash:
            parts = zip((first, second), whats, places, strict=True)
            texts = [f"{text} in {what}{_line(at)}" for text, what, at in parts]
            if name == "$ret":
                remedy = remedy.replace("on both paths", "in every return")
                if "None" in (first, second):
                    remedy = "return a value on every path"
            message = f"{named(name, path)} is {texts[0]} but {texts[1]}"
            return Clash(message, remedy, tuple(zip(whats, places, strict=True)))

        return say


_BRANCHES = ("the if-branch", "the next round of the loop")


def named(name: str, path: str) -> str:
    """What a message calls a variable, or a part of it."""
    what = {"$ret": "the result", "$value": "the value"}.get(name)
    if what is None:
        return repr(name + path)
    return f"{path.removeprefix('.')} of {what}" if path else what


def _line(place: Any) -> str:
    return "" if place is None else f" (line {place.line})"


def choose(
    session: Session,
    condition: Any,
    runs: Sequence[Callable[[], Sequence[Any]]],
    roots: Sequence[Any],
    paths: Paths,
) -> list[Any]:
    """The results of one of two paths, whichever a traced condition picks.

    Args:
        session: the session.
        condition: a traced bool without dimensions.
        runs: the paths; each returns as many results.
        roots: what leads to the objects that they can reach.
        paths: what they are called.

    Returns:
        The joined results. Objects that a path changed hold what was joined.

    Raises:
        Raised: both paths raise.
        ScriptError: an object was changed in ways that don't go together.
    """
    place = session.place
    sides = [stage(session, roots, run) for run in runs]
    session.place = place
    join = Join(lambda *_: Clash("", ""))
    join.contents = (sides[0].contents, sides[1].contents)
    results = _results(join, sides, paths)
    contents = contents_of(session, join, sides, paths)
    fills = [_fill(side, results, contents) for side in sides]
    arrays = pick(condition, sides, fills, join.avals)
    memo: dict[int, Any] = {}
    install(contents, arrays, memo)
    if results is None:
        raise Raised
    found = [build(form, arrays, memo) for form in results]
    session.share(memo[uid] for uid in join.copies if uid in memo)
    return found


def _results(join: Join, sides: Sequence[Staged], paths: Paths) -> list[Form] | None:
    a, b = sides
    if a.results is None and b.results is None:
        return None
    count = len(a.results if a.results is not None else b.results or ())
    lacking: list[Form] = [Missing(None)] * count
    found: list[Any] = [None] * count
    first = lacking if a.results is None else a.results
    second = lacking if b.results is None else b.results
    pairs = [*zip(first, second, strict=True)]
    # Last what one path lacks: it may hand on there what the others are.
    for i in sorted(range(count), key=lambda i: any(map(_is_partial, pairs[i]))):
        join._say, join._whys = paths.clash(i), (paths.why(0), paths.why(1))
        found[i] = join.of(*pairs[i])
    return found


def _is_partial(form: Form) -> bool:
    return isinstance(form, Missing | Optional)


def contents_of(
    session: Session, join: Join, sides: Sequence[Staged], paths: Paths
) -> list[tuple[Any, New]]:
    """What the objects hold that a path changed, joined."""
    changed: dict[int, Any] = {}
    for side in sides:
        changed.update({i: obj for i, (obj, _) in side.contents.items()})
    found = []
    for i, obj in changed.items():
        forms: list[Form] = []
        for side in sides:
            if i in side.contents:
                forms.append(side.contents[i][1])
            elif side.results is None and obj is not session.errors:
                forms.append(Missing(None))
            else:
                forms.append(before(side, obj))
        opened = _opened(join, obj, sides, forms)
        found.append((obj, opened or content(session, join, obj, forms, paths)))
    return found


def _opened(
    join: Join, obj: Any, sides: Sequence[Staged], forms: Sequence[Form]
) -> New | None:
    """What a list holds that got another length on each path; None if it is no such."""
    if type(obj) is not list or not all(isinstance(f, New) for f in forms):
        return None
    a, b = forms
    assert isinstance(a, New)
    assert isinstance(b, New)
    same = [
        len(s.snapshot.before(obj)[1]) for s in sides if id(obj) in s.snapshot.objects
    ]
    start = min(s.kept.get(id(obj), n) for s, n in zip(sides, same, strict=False))
    ends = [f.parts[start:] for f in (a, b)]
    if len(ends[0]) == len(ends[1]) and not any(map(_has_buffer, ends)):
        return None
    found = join.open_list(a, b, start)
    return found if isinstance(found, New) else None


def _has_buffer(parts: Sequence[Form]) -> bool:
    return any(isinstance(p, New) and p.cls is Buffer for p in parts)


def content(
    session: Session, join: Join, obj: Any, forms: Sequence[Form], paths: Paths
) -> New:
    """What one object holds, joined.

    Returns:
        The form.

    Raises:
        ScriptError: the two don't go together.
    """

    def say(first: str, second: str, remedy: str, path: str) -> Clash:
        whats = [f"in {what}" for what in paths.whats]
        message = disagreement(obj, path, (first, second), whats)
        return Clash(message, remedy, (("the condition", paths.here),))

    join._say, join._whys = say, (paths.why(0), paths.why(1))
    joined = join.of(*forms)
    if isinstance(joined, Clashing) and any(isinstance(f, New) for f in forms):
        clash = joined.value
        raise session.error(clash.message, clash.remedy, paths.here)
    assert isinstance(joined, New)
    return joined


def disagreement(
    obj: Any, path: str, texts: Sequence[str], whats: Sequence[str]
) -> str:
    """What a message says of a part of an object that two paths leave unlike."""
    kind = type(obj).__name__
    for word, unit in (("with", ""), ("of", " elements")):
        a, b = [text.removeprefix(f"a {kind} {word} ") for text in texts]
        if not path and a != texts[0] and b != texts[1]:
            return f"a {kind} has {a}{unit} {whats[0]} but {b} {whats[1]}"
    what = f"what a {kind} holds"
    if isinstance(obj, Cell):
        what = named(obj.name, path.removeprefix(".contents"))
    elif path.startswith("["):
        what = f"item {path} of a {kind}"
    elif path:
        what = f"{path[1:]!r} of a {kind}"
    return f"{what} is {texts[0]} {whats[0]} but {texts[1]} {whats[1]}"


def before(side: Staged, obj: Any) -> Form:
    """What an object held before a path, as a form: everything is from outside."""
    if id(obj) not in side.snapshot.objects:
        return Missing(None)
    static, parts = side.snapshot.before(obj)
    forms = tuple([_outer(part, side.snapshot.objects) for part in parts])
    return New(type(obj), static, forms, id(obj))


def _outer(value: Any, outside: Any) -> Form:
    if id(value) in outside:
        return Same(value)
    if isinstance(value, Buffer):
        parts = (Const(value.stack), Const(value.count))
        return New(Buffer, ("stack", "count"), parts, id(value))
    if not _heap.is_leaf(value) and not isinstance(value, _heap.OPAQUE):
        found = _heap.parts_of(value)
        if found is not None and isinstance(value, tuple):
            parts = tuple([_outer(part, outside) for part in found[1]])
            if not all(isinstance(p, Const) for p in parts):
                return New(type(value), found[0], parts, id(value))
    return Const(value)


def _fill(
    side: Staged,
    results: Sequence[Form] | None,
    contents: Sequence[tuple[Any, New]],
) -> Callable[[Sequence[Any], list[Any]], None]:
    """What puts the arrays that a path leaves where the joined forms have them."""

    def fill(leaves: Sequence[Any], into: list[Any]) -> None:
        for i, form in enumerate(results or ()):
            given = None if side.results is None else side.results[i]
            extract(form, given, leaves, into, side.contents)
        for obj, form in contents:
            mine = side.contents.get(id(obj))
            given = before(side, obj) if mine is None else mine[1]
            extract(form, given, leaves, into, side.contents)

    return fill


def install(
    contents: Sequence[tuple[Any, New]], arrays: Sequence[Any], memo: dict[int, Any]
) -> None:
    """Give the objects what they hold now."""
    for obj, form in contents:
        parts = [build(part, arrays, memo) for part in form.parts]
        _heap.fill(obj, form.static, parts)
