"""Programs of arrays and numbers: indexing, linear algebra, randomness, dtypes."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from tests.frontend.traced_program import I, M, Table, X, Y

program = Table()
Z = np.array([0.5 + 1.0j, -1.25 + 0.25j, 0.75 - 0.5j], np.complex64)
IMAGE = (np.arange(32, dtype=np.float32).reshape(1, 2, 4, 4) % 7) / 4
KERNEL = (np.arange(24, dtype=np.float32).reshape(3, 2, 2, 2) % 5) / 2 - 1


@program(X, Y, I)
def scatter(x: Any, y: Any, i: Any) -> Any:
    at = x.at[i]
    return (
        at.set(y[0]),
        at.add(y),
        at.max(y),
        x.at[1:].multiply(y[1:], unique_indices=True),
        at.get(mode="clip"),
    )


@program(M, I, np.int32(1))
def gather(m: Any, i: Any, start: Any) -> Any:
    part = lax.dynamic_slice(m, (start, 0), (2, 2))
    along = jnp.take_along_axis(m, i[:, None], axis=1)
    return lax.dynamic_update_slice(m, 2 * part, (0, start)), along, m[i, i[::-1]]


@program(M, X)
def solving(m: Any, b: Any) -> Any:
    spd = m @ m.T + jnp.eye(3)
    lower = jnp.linalg.cholesky(spd)
    solved = jax.scipy.linalg.solve_triangular(lower, b, lower=True)
    return solved, jnp.linalg.solve(m, b), jnp.linalg.det(m)


@program(M)
def decompositions(m: Any) -> Any:
    q, r = jnp.linalg.qr(m)
    values, vectors = jnp.linalg.eigh(m + m.T)
    return q @ r, jnp.linalg.svd(m, compute_uv=False), values, vectors**2


@program(X, IMAGE)
def fourier(x: Any, image: Any) -> Any:
    spectrum = jnp.fft.rfft2(image)
    return jnp.abs(jnp.fft.fft(x)), jnp.fft.irfft2(spectrum * 1j), spectrum.real


@program(IMAGE, KERNEL)
def convolution(image: Any, kernel: Any) -> Any:
    out = lax.conv_general_dilated(image, kernel, (1, 1), "SAME", rhs_dilation=(2, 1))
    pooled = lax.reduce_window(
        out, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "SAME"
    )
    mean = lax.reduce_window(out, 0.0, lax.add, (1, 1, 2, 2), (1, 1, 1, 1), "VALID")
    return pooled, mean / 4, jax.image.resize(image, (1, 2, 2, 2), "linear")


@program(X, M)
def sorting(x: Any, m: Any) -> Any:
    top, where = lax.top_k(m, 2)
    order = jnp.argsort(x)
    by = lax.sort((x, jnp.arange(3)), num_keys=1)
    return jnp.sort(m, axis=0), top, where, order, by, jnp.searchsorted(x[order], 0.75)


@program(X, make=lambda: (jnp.asarray(X), jax.random.key(1)))
def randomness(x: Any, key: Any) -> Any:
    one, two = jax.random.split(key)
    normal = jax.random.normal(jax.random.fold_in(one, 7), x.shape)
    kept = jax.random.bernoulli(two, 0.5, x.shape)
    return x * normal, jnp.where(kept, x, 0), jax.random.bits(two), one


@program(make=lambda: (jnp.asarray(X), jax.random.PRNGKey(2)))
def raw_keys(x: Any, key: Any) -> Any:
    return x * jax.random.uniform(key, x.shape), jax.random.categorical(key, x)


@program(make=lambda: (jnp.asarray(X), jax.random.key(3)))
def keys_in_a_scan(x: Any, key: Any) -> Any:
    def body(carry: Any, k: Any) -> Any:
        key, v = carry
        return (jax.random.fold_in(key, 1), v * jax.random.normal(k)), v

    (key, v), seen = lax.scan(body, (key, x), jax.random.split(key, 2))
    return jax.random.key_data(key), v, seen


@program(M)
def cumulative(m: Any) -> Any:
    return (
        jnp.cumsum(m, 0),
        jnp.cumprod(m, 1),
        lax.cummax(m, 0),
        lax.cumlogsumexp(m, 1, reverse=True),
    )


@program(M)
def reductions(m: Any) -> Any:
    numbers = m.mean(), m.var(0), m.prod(1), m.max(), jnp.linalg.norm(m)
    return *numbers, m.argmax(1), (m > 0).any(0), (m > 0).all(), jnp.median(m)


@program(M, X)
def contractions(m: Any, x: Any) -> Any:
    outer = jnp.einsum("ij,j,k->ik", m, x, x)
    wide = lax.dot(m, m, preferred_element_type=jnp.float32)
    return outer, jnp.tensordot(m, outer, 2), wide, jnp.kron(x, x)


@program(Z, X)
def complex_numbers(z: Any, x: Any) -> Any:
    return jnp.exp(z) * x, jnp.abs(z), jnp.angle(z), jnp.conj(z) @ z, lax.complex(x, x)


@program(X.astype(jnp.bfloat16), Y)
def half_precision(x: Any, y: Any) -> Any:
    product = x * y.astype(jnp.bfloat16)
    return jnp.tanh(product), product.astype(jnp.float16), x @ x, product.sum()


@program(I, np.array([True, False, True]), np.array([3, 250, 17], np.uint8))
def integers(i: Any, flags: Any, small: Any) -> Any:
    bits = lax.population_count(small), lax.clz(small), small << 2, ~small, small ^ 7
    return (
        bits,
        i // 2 % 3,
        flags & (i > 0),
        jnp.where(flags, i, -i),
        i.sum(),
        small + 10,
    )


@program(X)
def conversions(x: Any) -> Any:
    bits = lax.bitcast_convert_type(x, jnp.int32)
    return (
        bits,
        x.astype(jnp.int8),
        lax.reduce_precision(x, 5, 10),
        jnp.round(x),
        x.view("u4"),
    )


@program(X)
def special_functions(x: Any) -> Any:
    s = jax.scipy.special
    y = jnp.abs(x) + 0.5
    return s.erf(x), s.digamma(y), s.i0(x), jnp.sinc(x), s.ndtri(y / 4)


@program(X, M)
def shapes(x: Any, m: Any) -> Any:
    padded = lax.pad(m, 0.5, ((1, 0, 1), (0, -1, 0)))
    clipped = jnp.clip(x, -1, 1)[::-1]
    tiled = jnp.tile(m.T.reshape(1, 9), (2, 1))
    return padded, clipped, tiled, jnp.roll(m, 1, 0), jnp.tri(3)
