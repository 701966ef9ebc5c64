"""Typed, immutable views of parsed source, in the shape of torch's tree views.

- `get_def(fn)`, `get_class_def(cls)`, `parse_def(text)`: where views come from;
- `code(tree)`: a view as Python; `tree.dump()`: as an s-expression;
- `SourceRange`, `SourceRangeFactory`: where things stand;
- `types_of(decl, namespace)`: the types that annotations and type comments mean;
- `TreeView` and its kinds: statements (`Stmt`), expressions (`Expr`), parts of both.

Views of what torch can't parse are here too, as `Lambda` and `JoinedStr`.
"""

import ast as _ast

from jaxgrad.frontend.source._build_definitions import get_class_def, get_def, parse_def
from jaxgrad.frontend.source._declared import Declared, types_of
from jaxgrad.frontend.source._factory import SourceRangeFactory
from jaxgrad.frontend.source._tree import Expr, Ident, Stmt, TreeView
from jaxgrad.frontend.source._tree_comprehensions import (
    DictComp,
    Generator,
    GeneratorExp,
    ListComp,
    SetComp,
)
from jaxgrad.frontend.source._tree_definitions import (
    ClassDef,
    Decl,
    Def,
    Lambda,
    Param,
    Property,
    TypeParam,
)
from jaxgrad.frontend.source._tree_expressions import (
    Apply,
    Attribute,
    BinOp,
    BoolOp,
    Compare,
    NamedExpr,
    Select,
    SliceExpr,
    Subscript,
    TernaryIf,
    UnaryOp,
)
from jaxgrad.frontend.source._tree_statements import (
    Assert,
    Assign,
    AugAssign,
    Break,
    Continue,
    Delete,
    ExprStmt,
    For,
    If,
    Outer,
    Pass,
    Raise,
    Return,
    While,
    With,
    WithItem,
)
from jaxgrad.frontend.source._tree_values import (
    BytesLiteral,
    Const,
    DictLiteral,
    Dots,
    EmptyTypeAnnotation,
    FalseLiteral,
    FormattedValue,
    JoinedStr,
    ListLiteral,
    NoneLiteral,
    SetLiteral,
    Starred,
    StringLiteral,
    TrueLiteral,
    TupleLiteral,
    Var,
)
from jaxgrad.graph import SourceRange


def code(tree: TreeView) -> str:
    """A tree view as Python.

    Args:
        tree: the view.

    Returns:
        The text. Parsed again, it gives the same `ast`; comments and layout are lost.

    Example:
        >>> from jaxgrad.frontend.source import trees
        >>> trees.code(trees.parse_def("lambda x: (x) *  2"))
        'lambda x: x * 2'
    """
    return _ast.unparse(_ast.fix_missing_locations(tree.to_ast()))


__all__ = [
    "Apply",
    "Assert",
    "Assign",
    "Attribute",
    "AugAssign",
    "BinOp",
    "BoolOp",
    "Break",
    "BytesLiteral",
    "ClassDef",
    "Compare",
    "Const",
    "Continue",
    "Decl",
    "Declared",
    "Def",
    "Delete",
    "DictComp",
    "DictLiteral",
    "Dots",
    "EmptyTypeAnnotation",
    "Expr",
    "ExprStmt",
    "FalseLiteral",
    "For",
    "FormattedValue",
    "Generator",
    "GeneratorExp",
    "Ident",
    "If",
    "JoinedStr",
    "Lambda",
    "ListComp",
    "ListLiteral",
    "NamedExpr",
    "NoneLiteral",
    "Outer",
    "Param",
    "Pass",
    "Property",
    "Raise",
    "Return",
    "Select",
    "SetComp",
    "SetLiteral",
    "SliceExpr",
    "SourceRange",
    "SourceRangeFactory",
    "Starred",
    "Stmt",
    "StringLiteral",
    "Subscript",
    "TernaryIf",
    "TreeView",
    "TrueLiteral",
    "TupleLiteral",
    "TypeParam",
    "UnaryOp",
    "Var",
    "While",
    "With",
    "WithItem",
    "code",
    "get_class_def",
    "get_def",
    "parse_def",
    "types_of",
]
