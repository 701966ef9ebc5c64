"""`script`: Python source with control flow on traced values, compiled."""

from __future__ import annotations

import functools
from typing import Any

from jaxgrad.frontend.script._function import ScriptFunction


def script(obj: Any = None, /, **options: Any) -> Any:
    """Compile Python source with control flow on traced values."""
    if obj is None:
        return functools.partial(script, **options)
    return ScriptFunction(obj, **options)
