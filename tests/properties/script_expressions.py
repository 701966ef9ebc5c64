"""Random expressions of script's language, as text.

- `Expressions`: writes them, over the variables that are defined where they stand.
- `KINDS`: what each variable holds, in every program.

Python's and the compiled program's results have to be comparable. So floats stay
between -1 and 1, whatever is computed; they are compared with numbers that no sum or
product of others hits, because compiled code may round otherwise; and stored integers
are taken modulo small numbers.
"""

from collections.abc import Callable

# A number below another one. The smallest should lead to the simplest program.
Choose = Callable[[int], int]

# F: a float or an f32[]. I: an int or an i32[]. V: an f32[3]. B: a bool or a bool[].
KINDS: dict[str, str] = {
    **dict.fromkeys(("a", "b", "x", "y", "z", "w", "t0", "t1", "s0", "s1"), "F"),
    **dict.fromkeys(("i", "m", "q", "k0", "k1", "c0", "c1"), "I"),
    **dict.fromkeys(("v", "u"), "V"),
    **dict.fromkeys(("p", "r"), "B"),
}
ASSIGNED = {"F": ("x", "y", "z", "a"), "I": ("m", "q", "i"), "V": ("u", "v"), "B": "pr"}
_HALVES = ("0.5", "0.25", "-0.75", "1", "0.0", "-0.5", "1.0")
_BOUNDS = ("0.13", "-0.37", "0.61", "-0.07", "0.29")
_MODULI = (5, 7, 3, 11)


class Expressions:
    """Writes random expressions.

    Attributes:
        defined: the variables that have a value wherever the next line is reached.
        perhaps: those that may have none; read in `loose` programs only.
    """

    def __init__(self, choose: Choose, loose: bool = False) -> None:
        self.choose = choose
        self.loose = loose
        self.defined = {"a", "b", "i", "v"}
        self.perhaps: set[str] = set()

    def pick(self, options: tuple[str, ...] | list[str] | str) -> str:
        return options[self.choose(len(options))]

    def variable(self, kind: str) -> str | None:
        """A variable of a kind, None if none is defined."""
        known = self.defined
        if self.loose and self.perhaps and self.choose(3) == 2:
            known = self.perhaps
        names = [name for name in KINDS if KINDS[name] == kind and name in known]
        return self.pick(names) if names else None

    def of(self, kind: str, depth: int) -> str:
        """An expression of a kind."""
        return {"F": self.number, "I": self.integer, "V": self.vector, "B": self.test}[
            kind
        ](depth)

    def number(self, depth: int = 2) -> str:
        if depth <= 0 or self.choose(3) == 0:
            return self._plain_number()
        one = self.number(depth - 1)
        match self.choose(11):
            case 0:
                return f"({one} + {self.number(depth - 1)}) * 0.5"
            case 1:
                return f"({one} - {self.number(depth - 1)}) * 0.5"
            case 2:
                return f"{_held(one)} * {_held(self.number(depth - 1))}"
            case 3:
                return f"jnp.tanh({one} + {self.number(0)})"
            case 4:
                return f"-{_held(one)}"
            case 5:
                return f"abs({one})"
            case 6:
                return f"{self.pick(('max', 'min'))}({one}, {self.number(0)})"
            case 7:
                return f"({one} if {self.test(1)} else {self.number(depth - 1)})"
            case 8:
                return f"({one}) ** 2"
            case 9:
                return f"{_held(one)} / (1.0 + abs({self.number(0)}))"
        return f"jnp.mean({self.vector(1)})"

    def _plain_number(self) -> str:
        match self.choose(12):
            case 0 | 1 | 2 | 3 | 4:
                return self.variable("F") or "a"
            case 5 | 6:
                return self.pick(_HALVES)
            case 7:
                return f"{self.variable('V') or 'v'}[{self.index()}]"
            case 8:
                return self.pick(("o.x", "o.y"))
            case 9:
                return self.pick(("xs[0]", "xs[1]", "xs[-1]"))
            case 10:
                return f"{_held(self.integer(0))} % 4 * 0.25"
        return f"{self.variable('V') or 'v'}.max()"

    def index(self) -> str:
        """An index of a vector."""
        return self.pick(("0", "-1", "1", f"{_held(self.integer(0))} % 3"))

    def integer(self, depth: int = 1) -> str:
        if depth <= 0 or self.choose(2) == 0:
            match self.choose(8):
                case 0 | 1 | 2 | 3:
                    return self.variable("I") or "i"
                case 4:
                    return "n"
                case 5:
                    return self.pick(("len(xs)", "v.shape[0]"))
            return str(self.choose(6))
        one = self.integer(depth - 1)
        match self.choose(6):
            case 0:
                return f"({one} + {self.integer(0)})"
            case 1:
                return f"({one} - {self.integer(0)})"
            case 2:
                return f"{_held(one)} // 2"
            case 3:
                return f"{_held(one)} % {self.modulus()}"
            case 4:
                return f"({one} if {self.test(0)} else {self.integer(0)})"
        return f"min({one}, {self.integer(0)})"

    def modulus(self) -> int:
        return _MODULI[self.choose(len(_MODULI))]

    def vector(self, depth: int = 1) -> str:
        """An array that nothing else refers to."""
        one = self.variable("V") or "v"
        match self.choose(8 if depth > 0 else 3):
            case 0:
                return f"{one} * 0.5"
            case 1:
                return f"jnp.tanh({one})"
            case 2:
                return f"{one}[::-1] * 1.0"
            case 3:
                return f"({one} + {self.variable('V') or 'v'}) * 0.5"
            case 4:
                return f"{one} * {_held(self.number(1))}"
            case 5:
                other = self.vector(0)
                return f"jnp.where({one} < {self.pick(_BOUNDS)}, {one}, {other})"
            case 6:
                inner = ", ".join(self.number(1) for _ in range(3))
                return f"jnp.array([{inner}], dtype=jnp.float32)"
        return f"jnp.clip({one} - {_held(self.number(0))}, -1.0, 1.0)"

    def test(self, depth: int = 1) -> str:
        """A condition."""
        if depth > 0 and self.choose(3) == 2:
            one = self.test(depth - 1)
            match self.choose(3):
                case 0:
                    return f"({one} and {self.test(depth - 1)})"
                case 1:
                    return f"({one} or {self.test(depth - 1)})"
            return f"(not {one})"
        match self.choose(9):
            case 0 | 1:
                return f"{self.number(1)} < {self.pick(_BOUNDS)}"
            case 2:
                return f"{self.number(0)} > {self.number(0)} + 0.013"
            case 3:
                return f"-0.77 < {self.number(1)} <= {self.pick(_BOUNDS)}"
            case 4:
                return f"{self.number(0)} - 0.53 < {self.number(0)} < 0.41"
            case 5:
                return f"{_held(self.integer(0))} % 3 {self.pick(('==', '!='))} 1"
            case 6:
                return f"0 <= {self.integer(1)} < {self.integer(0)}"
            case 7:
                return self.variable("B") or f"a >= {self.pick(_BOUNDS)}"
        return self.settled()

    def settled(self) -> str:
        """A condition on what is known while compiling."""
        return self.pick(("n > 2", "len(xs) < 3", "n % 2 == 0", "n != 3 and n < 5"))


def _held(text: str) -> str:
    """An operand; in parentheses unless it is a name, a call or a number."""
    plain = text.replace(".", "").replace("_", "")
    return text if plain.isalnum() else f"({text})"
