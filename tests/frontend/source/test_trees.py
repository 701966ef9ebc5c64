"""Each kind of tree view: its parts, its place, and what it is made of."""

import ast
import dataclasses
from typing import Any

import pytest

from jaxgrad.errors import ScriptError
from jaxgrad.frontend.source import trees


def body(text: str) -> Any:
    """The statements of a function's body; the one if there is one."""
    lines = "".join(f"    {line}\n" for line in text.split("\n"))
    found = trees.parse_def(f"def f():\n{lines}").statements
    return found[0] if len(found) == 1 else found


def value(text: str) -> Any:
    return body(text).expr


def span(tree: trees.TreeView) -> tuple[int | None, ...]:
    place = tree.range()
    return place.line, place.column, place.end_line, place.end_column


def test_definitions() -> None:
    text = "@a.b\ndef f(x, /, y: int = 1, *z, w, **v) -> str:\n    'Doc.'\n    return x"
    tree = trees.parse_def(text)
    assert tree.name() == trees.Ident(None, "f")
    assert tree.name().name == "f"
    assert span(tree) == (2, 0, 4, 12)
    assert tree.range().function == "f"
    assert [trees.code(d) for d in tree.decorators] == ["a.b"]
    decl = tree.decl()
    assert [p.ident.name for p in decl.params] == ["x", "y", "z", "w", "v"]
    assert [p.form for p in decl.params] == ["/", "", "*", "", "**"]
    assert [p.kwarg_only for p in decl.params] == [False, False, False, True, False]
    assert isinstance(decl.params[0].type, trees.EmptyTypeAnnotation)
    assert trees.code(decl.params[1].type) == "int"
    assert trees.code(decl.params[1].default) == "1"
    assert span(decl.params[1].ident) == (2, 12, 2, 13)
    assert trees.code(decl.return_type) == "str"
    assert isinstance(tree.statements[0].expr, trees.StringLiteral)
    assert "(ident *z)" in decl.dump()
    with pytest.raises(NotImplementedError):
        decl.params[0].type.to_ast()


def test_definitions_inside() -> None:
    inner = body("def g(a):\n    return a")
    assert isinstance(inner, trees.Def)
    assert span(inner) == (2, 4, 3, 16)
    assert inner.range().function == "g"
    fn = value("lambda a, b=1: a")
    assert isinstance(fn, trees.Lambda)
    assert [p.ident.name for p in fn.declaration.params] == ["a", "b"]
    assert fn.body == trees.Var(trees.Ident(None, "a"))
    assert fn.dump().startswith("(lambda\n  (decl")


def test_simple_statements() -> None:
    assign = body("a = b = 1")
    assert [trees.code(t) for t in assign.lhs] == ["a", "b"]
    assert (assign.rhs.value, assign.type) == ("1", None)
    bare = body("a: int")
    assert (bare.rhs, bare.type.name.name) == (None, "int")
    assert bare.dump().endswith("(option)\n  (option (variable (ident int))))")
    comment = body("a = []  # type: List[int]")
    assert (trees.code(comment.type), comment.commented) == ("List[int]", True)
    augmented = body("a[0] //= 2")
    assert (augmented.op, augmented.rhs.value) == ("//", "2")
    assert [trees.code(t) for t in body("del a, b[0]").targets] == ["a", "b[0]"]
    checked = body("assert a, 'b'")
    assert (checked.test.name.name, checked.msg.value) == ("a", "b")
    raised = body("raise A('b') from c")
    assert (trees.code(raised.expr), raised.cause.name.name) == ("A('b')", "c")
    assert raised.dump().endswith("(variable (ident c)))")
    assert body("return").expr is None
    outer = body("global a, b")
    assert outer.dump() == "(global (list (ident a) (ident b)))"


def test_words() -> None:
    loop = body("while a:\n    pass\n    break\n    continue")
    assert loop.body == (trees.Pass(None), trees.Break(None), trees.Continue(None))
    assert [span(word) for word in loop.body[:2]] == [(3, 8, 3, 12), (4, 8, 4, 13)]
    assert loop.body[0] != loop.body[1]
    assert [w.dump() for w in loop.body] == ["(pass)", "(break)", "(continue)"]


def test_compound_statements() -> None:
    branch = body("if a:\n    pass\nelif b:\n    break\nelse:\n    continue")
    assert branch.true_branch == (trees.Pass(None),)
    assert branch.false_branch[0].false_branch == (trees.Continue(None),)
    loop = body("for i, j in a:\n    pass\nelse:\n    break")
    assert [trees.code(t) for t in loop.targets + loop.itrs] == ["(i, j)", "a"]
    assert loop.orelse == (trees.Break(None),)
    assert loop.dump().endswith("(list (pass))\n  (list (break)))")
    while_ = body("while a:\n    pass\nelse:\n    break")
    assert (while_.cond.name.name, while_.orelse) == ("a", (trees.Break(None),))
    managed = body("with a as b, c:\n    pass")
    assert [trees.code(item.target) for item in managed.targets] == ["a", "c"]
    assert managed.targets[0].var.name.name == "b"
    assert managed.targets[1].var is None
    assert span(managed.targets[0]) == (2, 9, 2, 15)
    assert span(managed) == (2, 4, 3, 12)


def test_literals() -> None:
    assert (value("1.50").value, value("0x10").value) == ("1.5", "16")
    assert value("1e400").to_ast().value == float("inf")
    assert (value("'a' 'b'").value, value("u'a'").prefix) == ("ab", "u")
    assert value("b'a'").dump() == "(bytes_literal b'a')"
    words = value("True, False, None, ...").inputs
    kinds = trees.TrueLiteral, trees.FalseLiteral, trees.NoneLiteral, trees.Dots
    assert tuple(map(type, words)) == kinds
    assert [w.dump() for w in words] == ["(True)", "(False)", "(None)", "(dots)"]
    assert words == tuple(kind(None) for kind in kinds)
    for text, kind in (
        ("[a, *b]", trees.ListLiteral),
        ("(a, *b)", trees.TupleLiteral),
        ("{a, *b}", trees.SetLiteral),
    ):
        found = value(text)
        assert type(found) is kind
        assert isinstance(found.inputs[1], trees.Starred)
        assert trees.code(found) == text
    display = value("{a: 1, **b}")
    assert [trees.code(k) for k in display.keys] == ["a", "*b"]
    assert [trees.code(v) for v in display.values] == ["1", "b"]


def test_strings_with_values() -> None:
    plain = value('f"a{x}b"')
    assert plain.dump().startswith("(apply\n  (.\n    (string_literal a{}b)")
    first, held, _ = plain.parts
    assert (first.value, held.conversion, held.spec) == ("a", "", None)
    formal = value('f"{x!r:>{y}}"').parts[0]
    assert (formal.conversion, len(formal.spec.parts)) == ("r", 2)
    assert formal.dump().startswith("(formatted\n  (variable (ident x))\n  r")


def test_operators() -> None:
    total = value("a + b")
    assert (total.op, total.lhs.name.name, total.rhs.name.name) == ("+", "a", "b")
    assert type(value("a and b")) is type(value("a < b")) is trees.BinOp
    several = value("a or b or c")
    assert (type(several), several.op, len(several.values)) == (trees.BoolOp, "or", 3)
    assert several.dump() == value("(a or b) or c").dump()
    assert several != value("(a or b) or c")
    chain = value("a < b not in c")
    assert (type(chain), chain.ops) == (trees.Compare, ("<", "not in"))
    assert chain.dump() == value("a < b and b not in c").dump()
    assert (value("not a").op, value("+a").dump()) == (
        "not",
        "(unary plus (variable (ident a)))",
    )
    choice = value("a if b else c")
    parts = choice.cond, choice.true_expr, choice.false_expr
    assert [part.name.name for part in parts] == ["b", "a", "c"]
    named = value("(a := 1)")
    assert (named.target.name.name, named.value.value) == ("a", "1")
    assert named.dump() == "(named (variable (ident a)) (const 1))"


def test_calls_and_subscripts() -> None:
    call = value("f(a, *b, c=1, **d)")
    assert [trees.code(a) for a in call.args] == ["a", "*b"]
    assert [k.ident.name for k in call.kwargs] == ["c", "**"]
    assert span(call.kwargs[0].ident) == (2, 13, 2, 14)
    select = value("é.b\\\n  .cd")
    assert span(select.ident) == (3, 7, 3, 9)
    assert span(select.expr.ident) == (2, 6, 2, 7)
    assert [len(value(t).subscript_exprs) for t in ("a[1]", "a[1, 2]", "a[1,]")] == [
        *(1, 2, 1),
    ]
    assert value("a[1,]").one_tuple
    assert value("a[1,]") != value("a[1]")
    part = value("a[1::b]").subscript_exprs[0]
    assert (part.lower.value, part.upper, part.step.name.name) == ("1", None, "b")


def test_comprehensions() -> None:
    several = value("[a for a in b if c if d for e in f]")
    assert type(several) is trees.ListComp
    assert [len(g.ifs) for g in several.generators] == [2, 0]
    assert several.generators[1].iter.name.name == "f"
    assert "(generator" in several.dump()
    assert type(value("{a for a in b}")) is trees.SetComp
    assert value("{a for a in b}").dump().startswith("(set comprehension")
    made = value("{a: c for a in b}")
    assert (made.key.name.name, made.value.name.name) == ("a", "c")
    lazy, eager = value("(a for a in b)"), value("[a for a in b]")
    assert type(lazy) is trees.GeneratorExp
    assert lazy.dump() == eager.dump()
    assert lazy != eager


def test_nodes_are_values() -> None:
    tree = value("a + b")
    with pytest.raises(dataclasses.FrozenInstanceError):
        tree.op = "-"
    other = dataclasses.replace(tree, op="-")
    assert trees.code(other) == "a - b"
    assert {tree: 1}[value("a  +  b")] == 1
    assert tree != "a + b"
    kinds = [type(node).__name__ for node in tree.walk()]
    assert kinds == ["BinOp", "Var", "Ident", "Var", "Ident"]
    made = trees.BinOp("+", tree.lhs, tree.rhs)  # its place is that of its parts
    assert span(made) == (2, 4, 2, 9)
    assert trees.Pass(None).range().filename == "<unknown>"
    base = trees.TreeView()
    for method in (base.sexpr, base.to_ast):
        with pytest.raises(NotImplementedError):
            method()


class Sized:
    size: int = 3

    def __init__(self, a: int) -> None:
        self.a = a

    @property
    def volume(self) -> int:
        return self.a

    @staticmethod
    def helper(x: int) -> int:
        return x

    def area(self) -> int:
        return self.a**2


def test_live_functions_and_classes() -> None:
    tree = trees.get_class_def(Sized)
    assert tree.method_names() == ["__init__", "area"]
    assert tree.property_names() == ["volume"]
    (volume,) = tree.properties
    assert volume.getter_name().name == "__volume_getter"
    assert volume.setter_name() is None
    assert [trees.code(a) for a in tree.assigns] == ["size: int = 3"]
    assert trees.code(tree).startswith("class Sized:\n    size: int = 3\n")
    other = trees.get_class_def(Sized, "Other").body[1].decl().params[0]
    assert other.type == trees.Var(trees.Ident(None, "Other"))
    method = trees.get_def(Sized.area, "renamed", "Sized")
    assert method.name().name == "renamed"
    self = method.decl().params[0]
    assert (self.type.name.name, self.implied) == ("Sized", True)
    assert trees.code(method) == "def renamed(self) -> int:\n    return self.a ** 2"
    assert method.range().filename == __file__
    with pytest.raises(ScriptError, match="Sized is a class\n  use get_class_def"):
        trees.get_def(Sized)


def test_text_that_is_no_function() -> None:
    for text, message in (
        ("a = 1", "not a function, but a Assign"),
        ("def f(): pass\ndef g(): pass", "not one function, but 2 statements"),
        ("", "not one function, but 0 statements"),
        ("async def f(): pass", "`async def` can't be compiled"),
    ):
        with pytest.raises(ScriptError, match=message):
            trees.parse_def(text)


def test_type_parameters() -> None:
    text = "def f[T: int, *Ts, **P](x: T) -> T:\n    return x"
    if not hasattr(ast, "TypeVar"):
        with pytest.raises(ScriptError, match="isn't Python"):
            trees.parse_def(text)
        return
    tree = trees.parse_def(text)
    kinds = [part.kind for part in tree.type_params]
    assert kinds == ["TypeVar", "TypeVarTuple", "ParamSpec"]
    assert tree.type_params[0].bound.name.name == "int"
    assert trees.code(tree) == text
    dump = " ".join(tree.type_params[1].dump().split())
    assert dump == "(type_param (ident Ts) (TypeVarTuple) (option) (option))"


def test_range_factory() -> None:
    text = "    a = 1\r\n    bé = a\n    c\n"
    factory = trees.SourceRangeFactory(text, "model.py", 10, 4)
    assert factory.source == text
    place = factory.make_range(2, 0, 2)
    assert (place.line, place.column, place.end_column) == (11, 4, 6)
    raw = factory.make_raw_range(text.index("bé"), text.index("c"))
    assert (raw.line, raw.column) == (11, 4)
    assert (raw.end_line, raw.end_column) == (12, 4)
    assert str(raw) == "model.py:11:4"
