"""Random functions of script's language: what Python runs, script has to run alike.

- `Writer`: writes one, by choices from outside.
- `functions(...)`: a strategy.

A function has the parameters `a`, `b` (f32[]), `i` (i32[]), `v` (f32[3]), `n` (a static
int), `o` (an object with two floats) and `xs` (a list of two floats). Variables are
read only where they surely have a value, but in `loose` programs.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import hypothesis.strategies as st

from tests.properties.script_expressions import ASSIGNED, Choose, Expressions
from tests.properties.script_modules import Function

RETURNS = (("F",), ("F", "I"), ("F", "V"), ("I", "F"), ("F", "B"))
_NUMBERS = [st.integers(0, n) for n in range(40)]


class Place(NamedTuple):
    """Where a statement stands.

    Attributes:
        loops: how many loops are round it.
        exits: whether the innermost of them may be left early.
        returns: whether all of them may.
        settled: whether a list may change its length: no traced condition decides
            whether the statement is reached.
        level: how many blocks are round it.
        arm: whether it stands directly below an `if` or an `else`.
    """

    loops: int = 0
    exits: bool = True
    returns: bool = True
    settled: bool = True
    level: int = 0
    arm: bool = False


class Writer(Expressions):
    """Writes one function."""

    def __init__(self, choose: Choose, loose: bool = False) -> None:
        super().__init__(choose, loose)
        self.lines: list[str] = []
        self.indent = 1
        self.left = 4 + choose(9)
        self.n = 1 + choose(5)
        self.size = 2  # the least length of xs
        self.returns = RETURNS[choose(len(RETURNS))]

    def function(self, name: str) -> Function:
        for kind in "FIVB":
            if self.choose(3) != 2:
                self.assign(kind)
        place = Place()
        while self.left > 0:
            if self.statement(place):
                break
            place = place._replace(settled=place.settled and not self.returned())
        else:
            self.result()
        head = f"def {name}(a, b, i, v, n, o, xs):"
        return Function("\n".join([head, *self.lines]), self.n)

    def returned(self) -> bool:
        return any(line.strip().startswith("return") for line in self.lines)

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def result(self) -> None:
        values = [self.of(kind, 1) for kind in self.returns]
        self.line(f"return {', '.join(values)}")

    def block(self, place: Place, most: int = 3) -> bool:
        """Write a block.

        Args:
            place: where its statements stand.
            most: how many statements it has at most.

        Returns:
            Whether its end is never reached.
        """
        self.indent += 1
        over = False
        for _ in range(1 + self.choose(most)):
            over = over or self.statement(place)
        if not over and place.arm and place.loops and place.exits:
            over = self.choose(3) == 2 and self.leave(place)
        self.indent -= 1
        return over

    def statement(self, place: Place) -> bool:
        """Write a statement; whether what follows it is never reached."""
        self.left -= 1
        deeper = self.left > 0 and place.level < 4
        match self.choose(24 if deeper else 14):
            case 0 | 1:
                self.assign("F")
            case 2 | 3:
                self.augment()
            case 4:
                self.assign(self.pick("IVB"))
            case 5 | 6:
                self.store()
            case 7:
                self.swap()
            case 8 | 9:
                self.change_list(place)
            case 10 | 11 | 12 | 13 if place.arm or (
                place.loops and self.choose(6) == 5
            ):
                return self.leave(place)
            case 14 | 15 | 16 | 17 | 18:
                return self.branch(place)
            case 19 | 20 | 21 if place.loops < 2:
                self.loop_for(place)
            case 22 | 23 if place.loops < 2:
                self.loop_while(place)
            case _:
                self.assign("FI"[self.choose(2)])
        return False

    def assign(self, kind: str) -> None:
        name, value = self.pick(ASSIGNED[kind]), self.of(kind, 2)
        if kind in "FIB" and self.choose(6) == 5:
            value = self.variable(kind) or value
        if kind == "F" and self.choose(8) == 7:
            value = f"(w := {value}) * 0.5"
            self.define("w")
        if kind == "I" and not value.isalnum():
            value = f"({value}) % {self.modulus()}"
        self.line(f"{name} = {value}")
        self.define(name)

    def define(self, *names: str) -> None:
        self.defined |= {*names}
        self.perhaps -= {*names}

    def augment(self) -> None:
        if self.choose(3) == 2 and (name := self.variable("I")) in ASSIGNED["I"]:
            self.line(f"{name} {self.pick(('+= 1', '-= n', '//= 2', '%= 5'))}")
            return
        name = self.variable("F")
        if name not in ASSIGNED["F"]:
            name = "a"
        value = self.number(1)
        match self.choose(4):
            case 0:
                self.line(f"{name} += ({value} - {name}) * 0.5")
            case 1:
                self.line(f"{name} *= {value}")
            case 2:
                self.line(f"{name} -= ({name} + {value}) * 0.25")
            case 3:
                self.line(f"{name} /= 2.0")

    def store(self) -> None:
        """An element of an array, an attribute, or an element of a list."""
        array = self.variable("V") or "v"
        value = self.number(1)
        match self.choose(8):
            case 0 | 1:
                self.line(f"{array}[{self.index()}] = {value}")
            case 2:
                self.line(f"{array}[{self.index()}] *= {value}")
            case 3:
                part = self.pick(("1:", ":2", "::2"))
                self.line(f"{array}[{part}] = {array}[{part}] * 0.5")
            case 4 | 5:
                self.line(f"{self.pick(('o.x', 'o.y'))} = {value}")
            case 6:
                self.line(f"o.x += ({value} - o.x) * 0.5")
            case 7:
                self.line(f"{self.pick(('xs[0]', 'xs[1]', 'xs[-1]'))} = {value}")

    def swap(self) -> None:
        if self.choose(3) == 2:
            self.line("xs[0], o.y = o.y, xs[1]")
            return
        first, second = ("x", "y") if self.choose(2) else ("a", "b")
        known = {first, second} <= self.defined
        right = f"{second}, {first}" if known else f"{self.number(1)}, {self.number(0)}"
        self.line(f"{first}, {second} = {right}")
        self.define(first, second)

    def change_list(self, place: Place) -> None:
        if not place.settled:
            self.assign("F")
        elif self.size > 2 and not place.loops and self.choose(4):
            self.line("x = xs.pop()")
            self.define("x")
            self.size -= 1
        else:
            self.line(f"xs.append({self.number(1)})")
            self.size += not place.loops

    def leave(self, place: Place) -> bool:
        if place.loops and place.exits:
            how = self.choose(5)
            if how < 4:
                self.line(("break", "continue")[how % 2])
                return True
        if not place.returns:
            self.assign("F")
            return False
        self.result()
        return True

    @contextlib.contextmanager
    def arm(self, over: list[bool], ends: list[tuple[set[str], int]]) -> Iterator[None]:
        """One way through; what is defined at its end joins `ends`, if it has one."""
        before, size, first = {*self.defined}, self.size, len(over)
        yield
        if not any(over[first:]):
            ends.append((self.defined, self.size))
        self.perhaps |= self.defined - before
        self.defined, self.size = before, size

    def join(self, ends: list[tuple[set[str], int]]) -> bool:
        """Go on where several ways meet; whether none of them has an end."""
        if ends:
            known = set.intersection(*(names for names, _ in ends))
            self.perhaps = (self.perhaps | self.defined) - known
            self.defined, self.size = known, min(size for _, size in ends)
        return not ends

    def branch(self, place: Place) -> bool:
        settled = self.choose(6) == 5
        test = self.settled() if settled else self.test(1)
        if not settled and self.choose(8) == 7:
            test = f"(w := {self.number(1)}) < 0.17"
            self.define("w")
        inner = place._replace(settled=place.settled and settled, level=place.level + 1)
        over: list[bool] = []
        ends: list[tuple[set[str], int]] = []
        self.line(f"if {test}:")
        with self.arm(over, ends):
            over.append(self.block(inner))
        if self.choose(3) == 2:
            self.line(f"elif {self.test(1)}:")
            inner = inner._replace(settled=False)
            with self.arm(over, ends):
                over.append(self.block(inner))
        if self.choose(2):
            self.line("else:")
            with self.arm(over, ends):
                over.append(self.block(inner))
        else:
            ends.append(({*self.defined}, self.size))
        return self.join(ends)

    def body(self, place: Place, targets: tuple[str, ...], short: bool) -> None:
        """The body of a loop, and what follows `else`."""
        settled = place.settled and short
        exits = not settled or bool(self.choose(2))
        inner = Place(
            place.loops + 1,
            exits,
            place.returns and exits,
            settled and not exits,
            place.level + 1,
        )
        self._aside(inner, targets)
        if self.choose(5) == 4:
            self.line("else:")
            level = place.level + 1
            self._aside(place._replace(settled=inner.settled, level=level, arm=True))

    def _aside(self, place: Place, targets: tuple[str, ...] = ()) -> None:
        """A block after which nothing more is known to be defined than before."""
        before, size = {*self.defined}, self.size
        self.define(*targets)
        self.block(place)
        self.perhaps |= self.defined - before
        self.defined, self.size = before, size

    def loop_for(self, place: Place) -> None:
        k, t, s = (f"{name}{place.loops}" for name in "kts")
        most = 3 if place.loops else 7
        kind = self.choose(9)
        targets, over, trips = self._over(kind, (k, t, s), most)
        listed = kind == 7
        self.line(f"for {', '.join(targets)} in {over}:")
        self.body(place, targets, 0 < trips <= 4 and not listed)
        if trips:
            self.define(*targets)

    def _over(
        self, kind: int, names: tuple[str, str, str], most: int
    ) -> tuple[tuple[str, ...], str, int]:
        """The targets of a loop, what it goes over, how often it surely runs."""
        k, t, s = names
        pair = f"({self.number(0)}, {self.number(1)})"
        array = f"{self.variable('V') or 'v'} * 1.0"
        match kind:
            case 0 | 1:
                trips = self.choose(most)
                return (k,), f"range({trips})", trips
            case 2:
                forms = (
                    f"range({self.n and 'n'})",
                    "range(3, 0, -1)",
                    "range(0, 5, 2)",
                )
                which = self.choose(3)
                return (k,), forms[which], (self.n, 3, 3)[which]
            case 3:
                stop = f"({self.integer(1)}) % {most}"
                return (k,), f"range({self.pick(('', '1, '))}{stop})", 0
            case 4:
                return (t,), self.pick((array, f"reversed({array})")), 3
            case 5:
                if self.choose(2):
                    return (k, t), f"enumerate({array})", 3
                return (k, t), f"enumerate({pair})", 2
            case 6:
                if self.choose(2):
                    return (t, s), f"zip({array}, {self.vector(0)})", 3
                return (t, s), f"zip({pair}, {pair})", 2
            case 7:
                return (t,), "xs", 2
        return (t,), self.pick((pair, f"reversed({pair})")), 2

    def loop_while(self, place: Place) -> None:
        counter = f"c{place.loops}"
        most = 2 + self.choose(2 if place.loops else 5)
        self.line(f"{counter} = 0")
        self.define(counter)
        form = self.choose(5)
        self.line(
            (
                f"while {counter} < {most} and {self.test(1)}:",
                f"while {self.test(1)} and {counter} < {most}:",
                f"while {counter} < {most}:",
                "while True:",
                f"while {self.test(0)}:",
            )[form]
        )
        self.indent += 1
        self.line(f"{counter} += 1")
        if form >= 3:
            self.line(f"if {counter} > {most} or {self.test(0)}:")
            self.line("    break")
        self.indent -= 1
        self.body(place, (), short=False)


@st.composite
def functions(draw: Any, loose: bool = False) -> Function:
    """A strategy for functions, all named `f`."""
    return Writer(lambda n: draw(_NUMBERS[n - 1]), loose).function("f")
