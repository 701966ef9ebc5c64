"""The tour: four published Functions, checked, trained and measured in under a minute.

- `run()`: what `python -m jaxgrad tour` does.
- `jaxgrad.tour.functions`: the four Functions, to read and to copy.
- `jaxgrad.tour.handwritten`: the same rules as `jax.custom_vjp`, to compare with.
"""

from jaxgrad.tour._report import run as run
