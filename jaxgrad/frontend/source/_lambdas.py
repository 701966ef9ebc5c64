"""Which of several lambdas on a line a piece of code is.

- `matching`: those whose own code stands at the same positions.
- `innermost`: those that hold all positions of the code, and no other that does.
"""

import ast
from collections.abc import Sequence
from types import CodeType

from jaxgrad.frontend.source._same import places, same_code


def matching(code: CodeType, nodes: Sequence[ast.Lambda]) -> list[ast.Lambda]:
    """The lambdas whose code stands where this code stands.

    Where code has no columns (`python -X no_debug_ranges`), those whose code does the
    same.

    Args:
        code: the code of a function.
        nodes: the lambdas it may be.

    Returns:
        The lambdas, in their order.
    """
    wanted = places(code)
    alone = [(node, _alone(node)) for node in nodes]
    if wanted:
        return [node for node, own in alone if own and places(own) == wanted]
    return [node for node, own in alone if own and same_code(code, own)]


def _alone(node: ast.Lambda) -> CodeType | None:
    """The code of a lambda that is compiled outside its function."""
    whole = compile(ast.Expression(node), "<lambda>", "eval", dont_inherit=True)
    codes = [c for c in whole.co_consts if isinstance(c, CodeType)]
    # Defaults are compiled before the lambda itself: they may hold lambdas too.
    return codes[-1] if codes else None


def innermost(code: CodeType, nodes: Sequence[ast.Lambda]) -> list[ast.Lambda]:
    """The lambdas whose body holds the code, but for those around another of them.

    Args:
        code: the code of a function.
        nodes: the lambdas it may be.

    Returns:
        The lambdas, in their order.
    """
    wanted = places(code)
    if not wanted:
        return []
    around = [node for node in nodes if all(_inside(node.body, p) for p in wanted)]
    return [node for node in around if not _holds(node, around)]


def _holds(node: ast.Lambda, others: Sequence[ast.Lambda]) -> bool:
    return any(n in others for n in ast.walk(node.body))


def _inside(body: ast.expr, place: tuple[int, int, int, int]) -> bool:
    start = body.lineno, body.col_offset
    end = body.end_lineno or body.lineno, body.end_col_offset or body.col_offset
    return start <= place[:2] and place[2:] <= end
