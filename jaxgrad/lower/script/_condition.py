"""The condition of a `while`, as a function of what the loop carries.

A graph computes it at the end of a round, as Python does. `lax.while_loop` asks for it
at the head: what it is computed from at the end of one round is carried into the next.

- `condition_of`: such a function, if what is carried is all that it needs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

from jaxgrad import _compat

_MOST = 200  # equations; a longer condition is computed once, in the round


def condition_of(
    jaxpr: Any,
    output: int,
    carried: Mapping[int, int],
    fixed: Mapping[int, Any],
    moved: Set[int],
) -> Callable[[Sequence[Any]], Any] | None:
    """What output number `output` of a round is, given what the round hands on.

    Args:
        jaxpr: the round, closed.
        output: the number of the output that is the condition.
        carried: for other outputs, their place in what is carried.
        fixed: for inputs that no round changes, their values.
        moved: the outputs that are variables which a round may change.

    Returns:
        A function of what is carried; None if the condition needs more.
    """
    plain, consts = _compat.plain_jaxpr(jaxpr)
    outputs = plain.outvars
    known: dict[Any, Any] = dict(zip(plain.constvars, consts, strict=True))
    known |= {plain.invars[k]: value for k, value in fixed.items()}
    # What a round only hands on was something else before the first one.
    given = set(plain.invars) | set(plain.constvars)
    made = {j: k for j, k in carried.items() if _is_variable(outputs[j])}
    given |= {v for v in map(outputs.__getitem__, made) if _count(outputs, v) > 1}
    places = {outputs[j]: k for j, k in made.items() if outputs[j] not in given}
    # Nor may one variable be computed from others, as a round does it; nor may what it
    # becomes after a round, something from outside say, stand for it.
    left = [v for j, v in enumerate(outputs) if j != output or j in moved]
    unclear = set(filter(_is_variable, left))
    own = {plain.invars[k] for k in fixed} - {
        outputs[j] for j in moved if _is_variable(outputs[j])
    }
    unclear -= own | set(places)
    equations = _equations(plain, outputs[output], {*places, *known}, unclear)
    if equations is None:
        return None

    def condition(state: Sequence[Any]) -> Any:
        env = {**known, **{var: state[k] for var, k in places.items()}}

        def read(var: Any) -> Any:
            return env[var] if _is_variable(var) else var.val

        for equation in equations:
            with _compat.at(equation):
                values = [read(v) for v in equation.invars]
                results = _compat.bind(equation, equation.params, values)
            pairs = zip(equation.outvars, results, strict=True)
            env.update({v: x for v, x in pairs if v not in places})
        return read(outputs[output])

    return condition


def _equations(
    plain: Any, result: Any, known: Set[Any], unclear: Set[Any]
) -> list[Any] | None:
    """What computes a variable from others, in order.

    Args:
        plain: the jaxpr.
        result: the variable.
        known: where to stop.
        unclear: what must not be met, whether it is known or not.

    Returns:
        The equations; None if it takes more than what is known.
    """
    makers = {v: e for e in plain.eqns for v in e.outvars}
    needed: set[int] = set()
    todo, seen = [result], set[Any]()
    while todo:
        var = todo.pop()
        if not _is_variable(var) or var in seen:
            continue
        seen.add(var)
        if var in unclear:
            return None
        if var in known:
            continue
        equation = makers.get(var)
        if equation is None or equation.effects or len(needed) == _MOST:
            return None
        needed.add(id(equation))
        todo += equation.invars
    return [e for e in plain.eqns if id(e) in needed]


def _count(outputs: Sequence[Any], variable: Any) -> int:
    return sum(v is variable for v in outputs)


def _is_variable(var: Any) -> bool:
    return not isinstance(var, _compat.Literal)
