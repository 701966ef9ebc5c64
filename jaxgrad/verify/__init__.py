"""Checks of Functions, for users and for the library's own tests.

- `check_function(cls, *examples)`: runs a Function under some forty combinations of
  JAX's transformations, and compares each with its own rules called by hand.
- `Report`, `Cell`: what it found.
- `cell_names()`: the combinations.
- `gradcheck`, `gradgradcheck`: compare derivatives with central differences.
"""

from jaxgrad.verify._gradcheck import gradcheck as gradcheck
from jaxgrad.verify._gradcheck import gradgradcheck as gradgradcheck
from jaxgrad.verify._matrix import cell_names as cell_names
from jaxgrad.verify._matrix import check_function as check_function
from jaxgrad.verify._report import Cell as Cell
from jaxgrad.verify._report import Report as Report
