"""Our Adam against torch's."""

import pytest
import torch
from torch import nn

from gandash.core.adam import Adam


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.99)])
def test_it_takes_the_steps_of_torchs_adam(betas: tuple[float, float]) -> None:
    rng = torch.Generator().manual_seed(0)
    start = torch.randn(100, generator=rng)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    ours.grad = torch.zeros_like(ours)
    adam, oracle = Adam(ours, 0.01, betas), torch.optim.Adam([theirs], lr=0.01, betas=betas)
    for i in range(50):
        gradient = torch.randn(100, generator=rng)
        ours.grad.copy_(gradient)
        theirs.grad = gradient
        if i == 25:
            adam.lr.fill_(0.001)
            oracle.param_groups[0]["lr"] = 0.001
        adam.step()
        oracle.step()
        torch.testing.assert_close(ours, theirs)
    assert adam.tensors()["steps"] == 50
