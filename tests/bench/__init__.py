"""Functions against hand-written `jax.custom_vjp` rules: `python -m tests.bench`."""
