"""Random Functions against plain autodiff, and random mistakes in backwards."""
