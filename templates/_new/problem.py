"""The problem: a quadratic whose gradients are seen through noise. Frozen: the method and the scorer both use it."""

from __future__ import annotations

import numpy as np

CONDITION = 50.0
"""The steepest curvature over the flattest."""


class Problem:
    """`f(x) = ½ Σ λᵢ xᵢ²`, with curvatures λ from 1/CONDITION to 1; the seed fixes the start and the noise."""

    def __init__(self, seed: int, dimension: int, noise: float) -> None:
        self.curvature = np.geomspace(1 / CONDITION, 1.0, dimension)
        self.rng = np.random.default_rng(seed)
        self.start = self.rng.normal(size=dimension)
        self.noise = noise

    def loss(self, point: np.ndarray) -> float:
        """Give the exact loss at `point` [dimension]."""
        return float(0.5 * np.sum(self.curvature * point**2))

    def gradient(self, point: np.ndarray) -> np.ndarray:
        """Give the gradient at `point` [dimension] with fresh Gaussian noise."""
        return self.curvature * point + self.noise * self.rng.normal(size=point.shape)
