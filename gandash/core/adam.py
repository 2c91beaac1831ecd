"""Adam for one flat parameter: the kernel of `torch.optim.Adam`, without what that wraps around it.

At these sizes `torch.optim.Adam.step` takes some five times as long as the fused kernel that it ends up calling.
"""

from __future__ import annotations

import torch
from torch import Tensor

_fused_adam = torch.ops.aten._fused_adam_.tensor_lr


class Adam:
    """Kingma & Ba 2015, algorithm 1, on `weights` whose ``.grad`` exists; every tensor stays in its place.

    So a captured step works, and a changed `lr` (a tensor of shape ``()``) counts at the next step.
    """

    EPSILON = 1e-8

    def __init__(self, weights: Tensor, lr: float, betas: tuple[float, float]) -> None:
        assert weights.grad is not None
        self.betas = betas
        self.lr = torch.tensor(lr, dtype=torch.float32, device=weights.device)
        self.steps = torch.zeros((), dtype=torch.float32, device=weights.device)
        self.mean = torch.zeros_like(weights)
        self.square = torch.zeros_like(weights)
        self._weights, self._gradient = weights.detach(), weights.grad

    def step(self) -> None:
        """Move the weights by what their gradient says."""
        self.steps += 1
        _fused_adam(
            [self._weights],
            [self._gradient],
            [self.mean],
            [self.square],
            [],
            [self.steps],
            lr=self.lr,
            beta1=self.betas[0],
            beta2=self.betas[1],
            weight_decay=0.0,
            eps=self.EPSILON,
            amsgrad=False,
            maximize=False,
        )

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a step changes beside the weights, by name."""
        return {"steps": self.steps, "mean": self.mean, "square": self.square}
