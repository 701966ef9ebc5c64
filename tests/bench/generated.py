"""Long functions, to time how the cost of compiling them grows.

`function(lines)`: a function of so many lines, six in ten of them with an `if`, a
`for` or a `while` over traced values.
"""

import linecache
from collections.abc import Callable

import jax
import jax.numpy as jnp

# Ten lines each, with the variables x, y and z in and out.
STRAIGHT = """
    a = jnp.sin(x) * 0.5 + y
    b = jnp.maximum(a, z) - x
    z = a * b + jnp.tanh(y)
    y = jnp.where(b > 0.0, z, a)
    x = x - 0.1 * y
    c = (x + y, z)
    x, z = c[1], c[0]
    y = -y + abs(x)
    z += jnp.exp(-z * z)
    y *= 0.5
"""
BRANCHES = """
    a = jnp.cos(x) + y
    if jnp.sum(a) > 0.0:
        z = a - z
        x = x + jnp.sin(z)
    elif jnp.sum(x) > 1.0:
        z = a + z
    else:
        y = y * x
    b = z * 0.5
    y = y - b
"""
FOR = """
    a = x * 0.5
    for i in range(9):
        b = jnp.sin(a) + i
        if jnp.max(b) > 3.0:
            continue
        a = a + b * y
        z = z - a
    x = a + z
    y = y + 0.1
    y = jnp.tanh(y)
"""
WHILE = """
    n = 0
    while jnp.max(x) > 1.0:
        x = x * 0.5
        n += 1
        if n == 10:
            break
        z = z + x
    y = y + n
    x = x + z
    x = jnp.sin(x)
"""
BLOCKS = (STRAIGHT, BRANCHES, FOR, STRAIGHT, WHILE)


def function(lines: int) -> Callable[[jax.Array], jax.Array]:
    """A new function of so many lines, whose source is found as that of a file is."""
    blocks = [BLOCKS[i % len(BLOCKS)].strip("\n") for i in range(lines // 10)]
    head = "def long(x):\n    y, z = x, x + 1.0\n"
    source = head + "\n".join(blocks) + "\n    return x + y * z\n"
    name = f"<{lines} lines>"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    namespace: dict = {"jnp": jnp, "__name__": "generated"}
    exec(compile(source, name, "exec", dont_inherit=True), namespace)
    return namespace["long"]
