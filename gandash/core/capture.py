"""CUDA graphs: replay a fixed sequence of kernels as one launch instead of issuing each from Python."""

from __future__ import annotations

import functools
import gc
import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

logger = logging.getLogger(__name__)

WARM_UP_CALLS = 3

_one_at_a_time = threading.Lock()  # a Dask worker runs several threads, and beginning a capture waits for the GPU


def capture(update: Callable[[], None], state: Sequence[Tensor], rng: torch.Generator) -> Callable[[], None]:
    """`update` as a replayed CUDA graph on a GPU, `update` itself elsewhere or where capture fails.

    `update` reads and writes tensors in place and draws random numbers from `rng` alone. `state` is everything that it
    changes: capture needs a few calls to warm up, after which `state` and `rng` are put back, so capturing leaves no
    trace. See the CUDA Graphs section of PyTorch's CUDA semantics notes.
    """
    if rng.device.type != "cuda":
        return update
    saved, saved_rng = [tensor.detach().clone() for tensor in state], rng.get_state()
    with _one_at_a_time, _no_garbage():
        try:
            captured: Callable[[], None] = _graph(update, rng).replay
        except RuntimeError as error:
            logger.warning("CUDA graph capture failed, training runs without it: %s", error)
            rng.graphsafe_set_state(torch.Generator(rng.device))  # its own believes for ever that it is captured
            captured = update
        torch.cuda.synchronize()
    with torch.no_grad():
        for tensor, before in zip(state, saved, strict=True):
            tensor.copy_(before)
    rng.set_state(saved_rng)
    return captured


def _graph(update: Callable[[], None], rng: torch.Generator) -> torch.cuda.CUDAGraph:
    stream = _stream(rng.device)
    stream.wait_stream(torch.cuda.current_stream(rng.device))
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(stream), warnings.catch_warnings():  # which puts the current stream back, come what may
        warnings.filterwarnings("ignore", "Attempting to run cuBLAS")  # autograd's thread takes its context then
        for _ in range(WARM_UP_CALLS):
            update()
        graph.register_generator_state(rng)
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):  # others may go on
            update()
    return graph


@functools.cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    """The one stream that is captured on: cuBLAS keeps a workspace of tens of megabytes for each that it has seen."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


@contextmanager
def _no_garbage() -> Iterator[None]:
    """No garbage is collected meanwhile: a graph that is destroyed while another one is captured spoils that."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
