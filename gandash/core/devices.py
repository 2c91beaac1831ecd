"""Which machine part trains: what there is, and what `auto` means."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from gandash.core.config import Device


def available_devices() -> tuple[str, ...]:
    """The devices of this machine, the CPU first; a GPU counts once torch can use it."""
    found = ["cpu"]
    if _cuda():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return tuple(found)


def resolve_device(device: Device) -> torch.device:
    """The device to train on; raises `ValueError` for hardware that is not there."""
    if device == "cpu":
        return torch.device("cpu")
    available = available_devices()
    if device == "auto":
        return torch.device("cuda" if "cuda" in available else "cpu")
    if device not in available:
        problem = "is not on this machine"
        if device == "cuda" and torch.cuda.is_available():
            problem = f"is of no use to torch {torch.__version__}, which has no code for this machine's GPU"
        raise ValueError(f"Device {device!r} {problem}: choose auto or one of {', '.join(available)}.")
    return torch.device(device)


def _cuda() -> bool:
    """Whether there is a GPU that torch has code for: what torch finds may be of a generation that it left behind."""
    if not torch.cuda.is_available():
        return False
    try:
        return runs_on(torch.cuda.get_device_capability(), torch.cuda.get_arch_list())
    except RuntimeError:  # the driver names a GPU that it cannot open
        return False


def runs_on(capability: tuple[int, int], built: Sequence[str]) -> bool:
    """Whether a torch that was built for these architectures runs on a GPU of this compute capability.

    Machine code, as ``sm_86``, runs on GPUs of its generation from its own number on (with a letter behind on its own
    alone), and PTX, as ``compute_86``, on all from there on. Of other names, as AMD's, nothing is known: they do.

    >>> runs_on((8, 9), ["sm_75", "sm_86"]), runs_on((6, 1), ["sm_75", "sm_86"])
    (True, False)
    """
    for name in built:
        kind, _, number = name.partition("_")
        digits = number.rstrip("abcdefghijklmnopqrstuvwxyz")
        if kind not in ("sm", "compute") or not digits.isdecimal():
            return True
        code = divmod(int(digits), 10)
        exact = digits != number
        if code == capability or (not exact and code < capability and (kind == "compute" or code[0] == capability[0])):
            return True
    return False


def in_step(device: torch.device) -> Callable[[], None]:
    """To be called after each piece of work for a device: waits until the piece before it is done.

    A GPU is handed its work in advance, up to a thousand pieces, and a clock beside it would stop far too late. With
    one piece waiting it never stands still.
    """
    if device.type != "cuda":
        return lambda: None
    stream = torch.cuda.current_stream(device)
    before = stream.record_event()

    def wait() -> None:
        nonlocal before
        latest = stream.record_event()
        before.synchronize()
        before = latest

    return wait
