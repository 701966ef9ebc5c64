"""What tests take from another module: an exception, a function, a value."""

from typing import Any

SCALE = 3


class MyKeyError(KeyError):
    """Of a module that the scripted function is not in."""


def scaled(x: Any) -> Any:
    """SCALE times x, or 0."""
    if x > 0:
        return x * SCALE
    return x * 0
