"""The graph: what a frontend records and the lowering runs.

- `Graph`, `Block`, `Node`, `PythonOp`, `Value`, `Use`: the parts, as in torch;
- `types`: the types of values; `SourceRange`: where a node comes from;
- `parse`: a graph from its text;
- `dce`, `cse`, `inline`, `constant_fold`, `canonicalize`: passes; they make new graphs.
"""

from jaxgrad.graph import types as types
from jaxgrad.graph._block import Block as Block
from jaxgrad.graph._canonicalize import canonicalize as canonicalize
from jaxgrad.graph._cse import cse as cse
from jaxgrad.graph._dce import dce as dce
from jaxgrad.graph._fold import constant_fold as constant_fold
from jaxgrad.graph._graph import Graph as Graph
from jaxgrad.graph._inline import inline as inline
from jaxgrad.graph._node import Node as Node
from jaxgrad.graph._parse import parse as parse
from jaxgrad.graph._python_op import PythonOp as PythonOp
from jaxgrad.graph._python_op import get_python_name as get_python_name
from jaxgrad.graph._source import SourceRange as SourceRange
from jaxgrad.graph._text import global_print_source_ranges as global_print_source_ranges
from jaxgrad.graph._text import (
    set_global_print_source_ranges as set_global_print_source_ranges,
)
from jaxgrad.graph._value import Use as Use
from jaxgrad.graph._value import Value as Value

__all__ = [
    "Block",
    "Graph",
    "Node",
    "PythonOp",
    "SourceRange",
    "Use",
    "Value",
    "canonicalize",
    "constant_fold",
    "cse",
    "dce",
    "get_python_name",
    "global_print_source_ranges",
    "inline",
    "parse",
    "set_global_print_source_ranges",
    "types",
]
