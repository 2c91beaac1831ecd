"""gandash without a browser: train, export, and list what there is, with the same knobs as the dashboard.

Options come from `KNOBS`. Torch is loaded only once every argument has been found right.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ValidationError

from gandash.core.config import KNOBS, Knob, RunConfig, explain
from gandash.core.presets import PRESET_TITLES, PRESETS
from gandash.core.shapes import SHAPES

if TYPE_CHECKING:
    from gandash.core.trainer import Trainer

GROUP_TITLES = {
    "data": "data",
    "networks": "networks",
    "objective": "objective",
    "training": "training",
    "stopping": "stopping and measuring",
    "device": "device and seed",
}
STEP_SECONDS = 0.25


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without repeating the usage."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message[0].upper()}{message[1:]}. See {self.prog} --help.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 if a run diverged, or 2 for wrong arguments."""
    try:
        arguments = _parser().parse_args(argv)
        command: Callable[[argparse.Namespace], int] = arguments.command
        return command(arguments)
    except ValueError as error:
        print("gandash: " + " ".join(str(error).split("\n")), file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="gandash", description="Train a GAN on a 2-D shape and export its generator.")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    train = commands.add_parser("train", help="train a GAN and save its generator", description=_train.__doc__)
    train.set_defaults(command=_train)
    files = train.add_argument_group("files")
    files.add_argument(
        "--out", type=Path, required=True, metavar="FILE.pt", help="where the TorchScript generator goes"
    )
    files.add_argument("--json", type=Path, metavar="FILE.json", help="also save config and history")
    files.add_argument("--csv", type=Path, metavar="FILE.csv", help="also save generated points")
    files.add_argument(
        "--samples", type=_at_least_one, default=2000, metavar="N", help="how many points (default: %(default)s)"
    )
    files.add_argument(
        "--which",
        choices=("latest", "ema", "best"),
        help="the generator to save: the last one, its running average, or the best by the watched metric "
        "(default: ema where it is on, else latest)",
    )
    recipe = train.add_argument_group("recipe", "Later options override the preset or the config file.")
    source = recipe.add_mutually_exclusive_group()
    source.add_argument("--preset", metavar="NAME", help="start from a preset; `gandash presets` lists them")
    source.add_argument("--config", type=Path, metavar="FILE.json", help="start from a config saved as JSON")
    machine = train.add_argument_group("machine")
    machine.add_argument(
        "--threads",
        type=_at_least_one,
        default=1,
        metavar="N",
        help="CPU threads; more than one help wide networks only",
    )
    groups = {name: train.add_argument_group(title) for name, title in GROUP_TITLES.items()}
    for knob in KNOBS.values():
        _add_knob(groups[knob.group], knob)

    shapes = commands.add_parser("shapes", help="list the target shapes")
    shapes.set_defaults(command=_shapes)
    presets = commands.add_parser("presets", help="list the presets")
    presets.set_defaults(command=_presets)
    return parser


def _at_least_one(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} was given; it must be a whole number of at least 1")
    return int(text)


def _add_knob(group: argparse._ArgumentGroup, knob: Knob) -> None:
    option = "--" + knob.name.replace("_", "-")
    default = ",".join(map(str, knob.default)) if knob.kind == "widths" else knob.default
    unit = f" {knob.unit}" if knob.unit else ""
    text = f"{knob.help} {knob.allowed[0].upper()}{knob.allowed[1:]}{unit}; default {default}.".replace("%", "%%")
    if knob.kind == "bool":
        group.add_argument(option, action=argparse.BooleanOptionalAction, default=None, help=text)
    else:
        group.add_argument(option, metavar=knob.kind.upper(), help=text)


def _train(arguments: argparse.Namespace) -> int:
    """Train a GAN, and save its generator as TorchScript. Ctrl-C stops and saves what is there."""
    config = _config(arguments)
    targets = [path for path in (arguments.out, arguments.json, arguments.csv) if path is not None]
    _refuse_bad_files(targets)
    if arguments.which == "ema" and not config.ema_decay:
        raise ValueError("--which ema needs a running average: set --ema-decay, to 0.999 say.")

    import torch

    from gandash.core.trainer import Trainer

    torch.set_num_threads(arguments.threads)
    trainer = Trainer(config)
    interrupted = _run(trainer)
    which = arguments.which or trainer.shown
    if which not in trainer.variants:
        print(f"There is no {which} generator yet; the latest is saved instead.", file=sys.stderr)
        which = "latest"

    with _atomic(arguments.out) as file:
        trainer.export_torchscript(file, which=which)
    if arguments.json is not None:
        with _atomic(arguments.json) as file:
            file.write_text(json.dumps(_history(trainer), indent=1, allow_nan=False))
    if arguments.csv is not None:
        import pandas

        with _atomic(arguments.csv) as file:
            points = trainer.sample(arguments.samples, seed=config.seed, which=which)
            pandas.DataFrame(points, columns=["x", "y"]).to_csv(file, index=False)

    if interrupted:
        print(f"Interrupted in epoch {trainer.epoch + 1:,}; what was trained so far is saved.")
    elif trainer.message:
        print(trainer.message)
    print(f"Saved the {which} generator of {SHAPES[config.shape].title} to {arguments.out}. To use it:\n")
    print(
        f"    import torch\n    generator = torch.jit.load({str(arguments.out)!r})\n"
        f"    points = generator(torch.randn(1000, {config.latent_dim}))  # (1000, 2), in data units"
    )
    for path, what in ((arguments.json, "The history"), (arguments.csv, f"{arguments.samples:,} generated points")):
        if path is not None:
            print(f"\n{what} went to {path}.")
    return 1 if trainer.state == "diverged" else 0


def _config(arguments: argparse.Namespace) -> RunConfig:
    given = {name: getattr(arguments, name) for name in KNOBS if getattr(arguments, name) is not None}
    base: dict[str, Any] = {}
    if arguments.preset is not None:
        if arguments.preset not in PRESETS:
            raise ValueError(f"There is no preset {arguments.preset!r}. Choose one of {', '.join(PRESETS)}.")
        base = PRESETS[arguments.preset].model_dump()
    if arguments.config is not None:
        try:
            text = arguments.config.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"The config {arguments.config} cannot be read: {error}.") from error
        base = RunConfig.from_json(text).model_dump()
    try:
        return RunConfig.model_validate({**base, **given})
    except ValidationError as error:
        raise ValueError("\n".join(explain(error))) from error


def _refuse_bad_files(targets: Sequence[Path]) -> None:
    if len({path.resolve() for path in targets}) < len(targets):
        raise ValueError("Two outputs have the same name; give each its own file.")
    for path in targets:
        if path.is_dir():
            raise ValueError(f"{path} is a folder; give the name of a file in it.")
        if not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
            raise ValueError(
                f"The folder {path.parent} does not exist or cannot be written to; create it or choose another."
            )


def _run(trainer: Trainer) -> bool:
    """Train to the end under a progress bar; True if Ctrl-C ended it."""
    from tqdm import tqdm

    interrupted = False

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        interrupted = True

    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        with tqdm(total=trainer.config.epochs, unit="epoch", dynamic_ncols=True) as bar:
            while trainer.state == "running" and not interrupted:
                records = trainer.advance(seconds=STEP_SECONDS)
                bar.update(len(records))
                if records:
                    last = records[-1]
                    figures = {"G": f"{last.generator_loss:.3f}", "D": f"{last.discriminator_loss:.3f}"}
                    if "headline" in last.metrics:
                        figures["quality"] = f"{last.metrics['headline']:.2f}"
                    bar.set_postfix(figures)
    finally:
        signal.signal(signal.SIGINT, previous)
    return interrupted


@contextmanager
def _atomic(target: Path) -> Iterator[Path]:
    """A file to write beside `target`, which takes its place only once it is whole."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    os.close(handle)
    try:
        yield Path(name)
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _history(trainer: Trainer) -> dict[str, Any]:
    return {
        "config": trainer.config.model_dump(mode="json"),
        "state": trainer.state,
        "message": trainer.message,
        "best_epoch": trainer.best_epoch,
        "records": [_finite(asdict(record)) for record in trainer.history],
    }


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _shapes(arguments: argparse.Namespace) -> int:
    for shape in SHAPES.values():
        print(f"{shape.name:14} {shape.title:20} {shape.kind:12} {shape.formula}")
    return 0


def _presets(arguments: argparse.Namespace) -> int:
    for name in PRESETS:
        print(f"{name:24} {PRESET_TITLES[name]}")
    return 0
