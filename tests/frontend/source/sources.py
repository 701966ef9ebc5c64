"""Functions as text, for the tests of tree views.

- `FOR_TORCH`: those that torch can parse too; its dumps of them are recorded.
- `CLASSES_FOR_TORCH`: the same for classes.
- `BEYOND_TORCH`: those that it refuses.

Each text is one definition, whose name is its key.
"""

import textwrap


def _by_name(texts: str) -> dict[str, str]:
    """Definitions that are parted by lines of dashes, by their names."""
    parts = [part.strip("\n") for part in textwrap.dedent(texts).split("----\n")]
    found = {}
    for part in parts:
        line = next(s for s in part.splitlines() if s.startswith(("def ", "class ")))
        found[line.split()[1].split("(")[0].split("[")[0].strip(":")] = part + "\n"
    return found


FOR_TORCH = _by_name(
    '''
    def frontend(x, y, z):
        q = None
        q = x + y - z.sigmoid()
        print(q)
        w = -z
        if not x and not y and z:
            m = x if not z else y
        while x < y > z:
            q = x
        assert 1 == 1, "hello"
        return x
    ----
    def raises():
        raise Exception("hello")
    ----
    def typed(x: Tensor, n: int = 3, *, k: "str") -> Tuple[int, Tensor]:
        """What it does."""
        return n, x
    ----
    def commented(x, y):
        # type: (int, List[Tensor]) -> Tensor
        return y[x]
    ----
    def commented_singly(
        x,  # type: int
        y,  # type: Dict[str, Tensor]
    ):
        # type: (...) -> Optional[Tensor]
        return y["a"]
    ----
    def assignments(x, y, z):
        a, (b, *c) = d = x
        e: int = -1
        x.f, x[0] = y, z
        x += 1
        x -= 1
        x *= 2
        x /= 2
        x %= 2
        x **= 2
        x |= y
        x &= y
        x ^= y
        x <<= 1
        x >>= 1
        x.f += 1
        x[0] += 1
        return a
    ----
    def operators(a, b):
        c = a + b - a * b / a // b % a**b @ a
        d = a << 1 >> 2 & 3 | 4 ^ ~5
        e = not a, -a, ~b
        return c, d, e
    ----
    def comparisons(a, b, c):
        d = a < b, a <= b, a > b, a >= b, a == b, a != b
        e = a is b, a is not b, a in b, a not in b
        f = a < b <= c, a in b not in c, not (a in b)
        return d, e, f
    ----
    def logic(a, b, c):
        d = a and b, a or b, a and b and c, a or b or c
        e = a and b or c, a and (b or c), (a and b) and c, a or (b and c)
        return d, e, a if b else c
    ----
    def subscripts(x, i, j):
        a = x[0], x[-1], x[i, j], x[(i, j)], x[(i,)], x[()]
        b = x[:], x[1:], x[:2], x[1:2], x[::2], x[1:2:3]
        c = x[..., None, 1:], x[i][j], x.a[i].b
        return a, b, c
    ----
    def displays(x, y):
        a = [], [1], [x, y]
        b = (), (1,), (x, (y, x))
        c = {}, {1: x}, {"a": x, "b": y}
        return a, b, c, True, False, None, ...
    ----
    def constants():
        a = 0, 12, 1.0, 0.5, 1e10, 1e-7, 3j, 0x10, 1_000
        b = "", "text", 'it\\'s', "two\\nlines", "é", "a" "b"
        return a, b
    ----
    def calls(f, x, y):
        f()
        f(x, y)
        f(x, k=y, l=None)
        f(*x, y)
        f.g.h(x)(y)[0](1)
        return f(f(x), f(k=f))
    ----
    def loops(xs, n: int):
        for i in range(n):
            for j, x in enumerate(xs):
                if x:
                    continue
                elif j:
                    break
                else:
                    pass
        while True:
            n -= 1
        return n
    ----
    def branches(a, b):
        if a:
            return a
        elif b:
            del a, b
        else:
            if a:
                pass
        return
    ----
    def managed(a, b):
        with a:
            pass
        with a as c, b.d(1) as e, b:
            return c
    ----
    def comprehensions(xs):
        a = [x for x in xs]
        b = [x + y for x, y in xs]
        c = {x: y for x, y in xs}
        d = sum(x for x in xs)
        return a, b, c, d
    ----
    def formatted(x, y):
        return f"{x}", f"a{x}b{y.z}c", f"none"
    ----
    def spread(
        x,
        long_parameter_name: Dict[str, List[Optional[Tuple[int, float, Tensor]]]],
    ) -> Dict[str, List[Optional[Tuple[int, float, Tensor]]]]:

        return (
            long_parameter_name
        )
    '''
)

CLASSES_FOR_TORCH = _by_name(
    '''
    class Model:
        """What it is."""

        size: int = 3
        other = 4

        def __init__(self, a: int):
            self.a = a

        @property
        def volume(self) -> int:
            return self.a

        @volume.setter
        def volume(self, value: int):
            self.a = value

        @property
        def area(self):
            return self.a * 2

        @staticmethod
        def helper(x):
            return x

        def zero(self, x):
            return 0

        def forward(self, x: Tensor) -> Tensor:
            # comments are lost
            return x + self.size
    ----
    class Empty:
        def forward(self):
            pass
    '''
)

BEYOND_TORCH = _by_name(
    '''
    def arguments(a, /, b, c=1, *args, d, e=2, **kwargs) -> None:
        return a(*args, b, *c, d=d, **e, **kwargs)
    ----
    def only_by_name(*, a, b: int = 3): pass
    ----
    @first
    @second.third(4)
    def decorated(x): return x
    ----
    def lambdas(x):
        f = lambda: 1
        g = lambda a, b=2, *c, d, **e: (a, lambda: b)
        return f(), g(x), (lambda y: y)(x)
    ----
    def nested(x):
        """Outer."""

        def inner(y: int = 1, *rest) -> int:
            def innermost():
                # type: () -> None
                return x

            return y + innermost()

        return inner
    ----
    def strings(x, width):
        a = f"{x!r}{x!s:>10}{x:{width}.{x}}{x=}", rb"\\x00", b"a" b"b", u"so"
        return f"{{{x}}}" f'{x["a"]}', "%d" % x, a
    ----
    def walrus(xs):
        if (n := len(xs)) > 2 and (m := n + 1):
            return n, m
        return [y := 1, y**2], (z := 3)
    ----
    def generators(xs, ys):
        a = [x * y for x in xs if x if x > 1 for y in ys]
        b = {x for x in xs}, {x for x in xs if x}
        c = {x: y for x in xs for y in ys if y}
        return a, b, c, any(x for x in xs if x for _ in ys)
    ----
    def otherwise(xs):
        for x in xs:
            if x:
                break
        else:
            x = 1
        while x:
            x -= 1
        else:
            return x
    ----
    def chains(a, b, c, d):
        return a < b < c < d, a == b == c, a < (b < c), (a < b) < c, a is b is not c
    ----
    def parentheses(a, b, c):
        d = (a + b) * c, a + (b + c), -(-a), (-a) ** b, -(a**b), a**b**c, (a**b) ** c
        e = (a or b) and c, not (a and b), (not a) and b, (a, b)[0], (a.b).c, (yes)(a)
        f = (a if b else c) if a else b, a if b else (c if a else b), +a, ~(a | b)
        g = 1 .real, (1).real, 1.5.real, [*a, *b], (*a, b), {*a, 1}, {**a, 1: b}
        return d, e, f, g
    ----
    def annotated(x):
        a: int
        b: int = 1
        (c): int = 1
        x.d: int = 2
        x[0]: "int" = 3
        e = []  # type: List[int]
    ----
    def starred(x):
        *a, b = x
        (c, *d), e = x
        for f, *g in x:
            pass
        del x[0], x.y, (a, b)
        return *a, b
    ----
    def raising(x):
        raise ValueError("no") from x
        raise ValueError
    ----
    def augmented(x):
        x //= 2
        x @= x
        assert x
    ----
    def outer_names(x):
        global counter
        def inner():
            nonlocal x
            return x
        return counter + inner()
    ----
    def numbers(): return 1e400, -1e400, 1e400j, -0.0, 1e22, 0.1, 123456789012345678901
    ----
    def unicode_names(größe, данные):
        return größe.ширина + данные["ключ"] # ширина
    ----
    def brackets(x: "a", *y: int, **z: str):
        return x[1:2, ..., ::3], x[*y], x[1:2,], x[(1, 2), 3], x[[1, 2]], x[a := 1]
    ----
    def tabs(x):
    \tif x:
    \t\treturn 1
    \treturn 2
    ----
    def continued(x): return x + \\
        1; x = 2
    ----
    def empty(): ...
    '''
)
