"""CUDA graphs: replay a fixed sequence of kernels as one launch instead of issuing each from Python."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

WARM_UP_CALLS = 3


def capture(update: Callable[[], None], state: Sequence[Tensor], rng: torch.Generator) -> Callable[[], None]:
    """`update` as a replayed CUDA graph on a GPU, `update` itself elsewhere or where capture fails.

    `update` reads and writes tensors in place and draws random numbers from `rng` alone. `state` is everything that it
    changes: capture needs a few calls to warm up, after which `state` and `rng` are put back, so capturing leaves no
    trace. See the CUDA Graphs section of PyTorch's CUDA semantics notes.
    """
    if rng.device.type != "cuda":
        return update
    saved, saved_rng = [tensor.detach().clone() for tensor in state], rng.get_state()
    try:
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_CALLS):
                update()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        graph.register_generator_state(rng)
        with torch.cuda.graph(graph):
            update()
        captured: Callable[[], None] = graph.replay
    except RuntimeError as error:
        logger.warning("CUDA graph capture failed, training runs without it: %s", error)
        captured = update
    torch.cuda.synchronize()
    with torch.no_grad():
        for tensor, before in zip(state, saved, strict=True):
            tensor.copy_(before)
    rng.set_state(saved_rng)
    return captured
