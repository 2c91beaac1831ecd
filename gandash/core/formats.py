"""The formats that a generator leaves in: what each is, who reads it, and how. Without torch; `export` writes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType

from gandash.core.problems import shortened


@dataclass(frozen=True)
class Format:
    """One of them: `name` is that of its module in `gandash.core.export`, `suffix` ends the file's name.

    `about` says in a sentence or two what the file is and needs. `code` loads it, where {file} is its name, and draws
    noise, of size {latent_dim}; `call` is what the model makes of that.
    `package` is one that is needed to write it and not among those that gandash comes with.
    """

    name: str
    title: str
    suffix: str
    about: str
    code: str
    call: str
    package: str | None = None

    def missing(self) -> str:
        """Why files of this format cannot be written here and what to do; empty if they can."""
        if self.package is None or find_spec(self.package) is not None:
            return ""
        return (
            f"The package {self.package} is missing here, which writes {self.title} files: pip install {self.package}."
        )

    def lines(self, file_name: str, latent_dim: int, *, numbers: bool = False) -> str:
        """The four lines that load the file and sample it; `numbers` says that its vectors mean such."""
        last = f"numbers = {self.call}.argmax(1)" if numbers else f"points = {self.call}"
        return f"{self.code.format(file=file_name, latent_dim=latent_dim)}\n{last}"


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        each.name: each
        for each in (
            Format(
                "torchscript",
                "TorchScript",
                ".pt",
                "Needs nothing but torch, in Python or C++. TorchScript is deprecated since torch 2.11: today's torch "
                "reads it, a torch of some later year may not. PyTorch's successor is the .pt2 file.",
                'import torch\nmodel = torch.jit.load("{file}")\nnoise = torch.randn(1000, {latent_dim})',
                "model(noise)",
            ),
            Format(
                "pt2",
                "torch.export",
                ".pt2",
                "PyTorch's successor to TorchScript: needs nothing but a torch of about the same age. A worker's first "
                "takes some seconds to write.",
                'import torch\nmodel = torch.export.load("{file}").module()\nnoise = torch.randn(1000, {latent_dim})',
                "model(noise)",
            ),
            Format(
                "portable",
                "Portable",
                ".zip",
                "Weights as safetensors, the network as JSON: no program inside, so it is safe to open and will be "
                "readable for ever. Its README.md holds a reader of 30 lines of NumPy.",
                "import numpy, reader  # reader.py: the lines in README.md of the zip\n"
                'model = reader.load("{file}")\n'
                "noise = numpy.random.default_rng().standard_normal((1000, {latent_dim}))",
                "model(noise)",
            ),
            Format(
                "onnx",
                "ONNX",
                ".onnx",
                "For onnxruntime and other engines, in browsers, phones, C#, Java and many more.",
                "import numpy, onnxruntime\n"
                'model = onnxruntime.InferenceSession("{file}")\n'
                "noise = numpy.random.default_rng().standard_normal((1000, {latent_dim}))",
                'model.run(None, {"noise": noise.astype("float32")})[0]',
                "onnx",
            ),
        )
    }
)
"""Every format by its name."""


def known(name: str) -> Format:
    """The format of this name; raises `ValueError` where there is none."""
    if name not in FORMATS:
        raise ValueError(f"The format {shortened(name)} is unknown. Choose one of {', '.join(FORMATS)}.")
    return FORMATS[name]
