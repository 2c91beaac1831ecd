"""A run's set-up as one readable PyTorch file, in the chapter's style and with nothing of gandash in it.

The text is put together from the config alone: only what the set-up uses is written. The script draws weights, real
points, noise and order as the trainer does, so with the same seed its losses are the trainer's, up to rounding. This
package knows no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from textwrap import fill, indent

from gandash.core.config import RunConfig
from gandash.core.objectives import OBJECTIVES
from gandash.core.standalone import after, play, players
from gandash.core.standalone.data import WRITTEN, draw_function
from gandash.core.targets import Target, TargetSpec
from gandash.core.targets.drawn import DrawnSpec
from gandash.core.targets.formula import FormulaSpec
from gandash.core.targets.patterns import PatternSpec
from gandash.core.targets.shapes import ShapeSpec
from gandash.core.targets.table import TableSpec

__all__ = ["Parts", "can_be_written", "file_name", "parts", "script"]

_WIDTH = 88
_DEFINITIONS = ("def ", "class ")


def can_be_written(spec: TargetSpec) -> bool:
    """Whether a script can learn this target."""
    return isinstance(spec, PatternSpec | FormulaSpec | DrawnSpec | TableSpec) or (
        isinstance(spec, ShapeSpec) and spec.name in WRITTEN
    )


def file_name(config: RunConfig) -> str:
    """What the script's file is called."""
    return f"{config.shape}.py"


@dataclass(frozen=True)
class Parts:
    """A script, cut at its loop over the epochs: what comes before, the loop's body for `epoch`, what comes after.

    Whoever wants to train by the epoch runs `before` once and `epoch` as often as wanted, where early stopping is off:
    otherwise it has a ``break``.
    """

    before: str
    epoch: str
    after: str


def script(config: RunConfig, note: str = "") -> str:
    """The set-up as a Python file; raises `ValueError` for a target that it cannot draw.

    `note` is a sentence for its head, about the run whose set-up it is.
    """
    found = parts(config, note)
    loop = "for epoch in range(1, EPOCHS + 1):\n" + indent(found.epoch, "    ")
    return f"{found.before}{loop}\n{found.after}"


def parts(config: RunConfig, note: str = "") -> Parts:
    """The `script` in pieces; raises `ValueError` for a target that it cannot draw."""
    target = config.target.build()
    if not can_be_written(config.target):
        raise ValueError(
            f"{target.title} was given; a script can be written for a built-in shape or a pattern of numbers: choose "
            "one of them, such as exponential, or export the generator."
        )
    if target.finite and config.early_stopping != "off":
        raise ValueError(
            f"{target.title} is a table, and a script for one has no judge by which it could stop early: set early "
            "stopping to off."
        )
    data = "real_points = draw(POINTS, np.random.default_rng(SEED))\n"
    if target.numbers:
        data += 'print("some real numbers:", *onehot_to_int(real_points[:10]))\n'
    if not config.fresh or config.standardize or config.instance_noise:
        data += f"data = torch.from_numpy({_learnt(target, 'real_points')}).to(DEVICE)\n"
    if config.standardize:
        data += "MEAN, STD = data.mean(dim=0), data.std(dim=0)\ndata = (data - MEAN) / STD\n"
    rng = "rng = torch.Generator(DEVICE).manual_seed(SEED)  # of noise\n"
    before = [
        f'"""{_about(config, target, note)}"""\n\n{_imports(config, target)}',
        _constants(config),
        f"# --- the real {'numbers' if target.numbers else 'points'} ---\n\n\n{draw_function(target)}",
        data,
        "# --- the networks ---\n\n" + rng,
        *players.modules(config),
        players.networks(config, target.dim) + "\n" + play.optimizers(config),
        "# --- the game ---\n\n\n" + "\n\n".join(play.functions(config, target.dim)),
        *after.judge(config, target),
        after.before_the_loop(config, target) + "generator_losses, discriminator_losses = [], []\nbatches = 0\n",
    ]
    leaves = [
        "# --- the generator that leaves ---\n",
        *after.saved(config, target),
        after.save(config, target),
        after.picture(target),
    ]
    return Parts(_joined(before), _epoch(config, target), _joined(leaves))


def _learnt(target: Target, points: str) -> str:
    """Real points as the networks learn them, but for what the config standardises."""
    return points if target.output is None else f"learnt({points})"


def _joined(blocks: list[str]) -> str:
    """Two empty lines around functions and classes, one elsewhere, as PEP 8 has it."""
    text = blocks[0]
    for before, block in pairwise(blocks):
        outer = [line for line in before.splitlines() if line[:1].strip()]
        apart = block.startswith(_DEFINITIONS) or outer[-1].startswith(_DEFINITIONS)
        text += ("\n\n" if apart else "\n") + block
    return text


def _about(config: RunConfig, target: Target, note: str) -> str:
    objective = OBJECTIVES[config.objective]
    what = fill(f"{_plain(target.title)}, learnt by a GAN: {_plain(target.formula)}.", _WIDTH)
    loss = fill(f"Objective: {objective.title}. {objective.source}.", _WIDTH)
    which = ["the running average"] if config.ema_decay else []
    which += ["of the best epoch"] if after.keeps_best(config, target) else []
    variant = f" ({', '.join(which)})" if which else ""
    notes = "It needs torch, numpy and matplotlib, and leaves two files:\n"
    if target.finite:
        notes = f"Run it with the table as a CSV file: python {file_name(config)} FILE.csv\n\n{notes}"
    notes += f"{config.shape}.pt, the generator{variant}, and {config.shape}.png, a picture."
    if config.dropout and _odd_dropout(config):
        notes += "\nDropout draws other numbers than the dashboard: batch times width is no multiple of 8."
    elif config.dropout and config.device != "cpu" and _joint_dropout(config):
        notes += "\nOn a GPU dropout draws other numbers than the dashboard."
    if note:
        notes += "\n\n" + fill(f"The run that it was made for: {note}", _WIDTH)
    return f"{what}\n\n{loss}\n\n{notes}\n"


def _plain(text: str) -> str:
    """What somebody called something, as it may stand in the head of a script."""
    return text.replace("\\", "/").replace('"', "'")


def _joint_dropout(config: RunConfig) -> bool:
    """Whether several layers' numbers are drawn at once in the trainer, as they are where gradients are written out."""
    smooth = config.penalty != "none" and config.activation in ("silu", "tanh")
    return not (config.spectral_norm or smooth) and len(config.discriminator_widths) > 1


def _odd_dropout(config: RunConfig) -> bool:
    """Whether layers share eight bytes of random numbers in the trainer."""
    rows = config.batch_size // config.packing
    return _joint_dropout(config) and any(rows * width % 8 for width in config.discriminator_widths[:-1])


def _imports(config: RunConfig, target: Target) -> str:
    names = ["csv", "sys"] if target.finite else []
    names += ["copy"] if config.ema_decay or after.keeps_best(config, target) else []
    stops = config.early_stopping in ("patience", "threshold")
    fourier = config.discriminator_fourier or config.generator_fourier
    cosine = "cosine" in (config.lr_schedule, config.penalty_schedule if config.penalty != "none" else "")
    if stops or fourier or cosine or config.latent == "uniform":
        names.append("math")
    text = "".join(f"import {name}\n" for name in sorted(names))
    return (
        text and text + "\n"
    ) + "import matplotlib.pyplot as plt\nimport numpy as np\nimport torch\nfrom torch import nn\n"


def _constants(config: RunConfig) -> str:
    device = '"cuda" if torch.cuda.is_available() else "cpu"' if config.device == "auto" else f'"{config.device}"'
    found: list[tuple[str, object]] = [
        ("SEED", config.seed),
        ("POINTS", config.points),
        ("BATCH_SIZE", config.batch_size),
        ("EPOCHS", config.epochs),
        ("LATENT_DIM", config.latent_dim),
    ]
    if config.dropout:
        found.append(("DROPOUT", config.dropout))
    if config.packing > 1:
        found.append(("PACKING", config.packing))
    if config.discriminator_steps > 1:
        found.append(("DISCRIMINATOR_STEPS", config.discriminator_steps))
    found += [("GENERATOR_LR", config.generator_lr), ("DISCRIMINATOR_LR", config.discriminator_lr)]
    found.append(("BETAS", (config.beta1, config.beta2)))
    if config.lr_schedule != "constant":
        found.append(("LR_FINAL", config.lr_final))
    if config.penalty != "none":
        found.append(("PENALTY", config.penalty_weight))
        if config.penalty_schedule != "constant":
            found.append(("PENALTY_FINAL", config.penalty_final))
    if config.label_smoothing:
        found.append(("REAL_LABEL", 1 - config.label_smoothing))
        if config.label_smoothing_sides == "two":
            found.append(("FAKE_LABEL", config.label_smoothing))
    if config.instance_noise:
        found.append(("INSTANCE_NOISE", config.instance_noise))
        if config.instance_noise_decay:
            found.append(("INSTANCE_NOISE_DECAY", config.instance_noise_decay))
    if config.fourier_growth and config.discriminator_fourier:
        found.append(("FOURIER_GROWTH", config.fourier_growth))
    if config.ema_decay:
        found.append(("EMA_DECAY", config.ema_decay))
    if config.early_stopping in ("patience", "threshold"):
        found.append(("PATIENCE", config.patience))
    if config.early_stopping == "threshold":
        found.append(("MIN_CHANGE", config.min_change))
    if config.evaluate_every > 1 and after.measures(config, config.target.build()):
        found.append(("EVALUATE_EVERY", config.evaluate_every))
    text = "".join(f"{name} = {value!r}\n" for name, value in found)
    return f"{text}DEVICE = {device}\nBATCHES = POINTS // BATCH_SIZE  # an epoch\n"


def _epoch(config: RunConfig, target: Target) -> str:
    if config.fresh:
        drawn = f"torch.from_numpy({_learnt(target, 'drawn')}).to(DEVICE)"
        drawn = f"(({drawn} - MEAN) / STD)" if config.standardize else drawn
        order = (
            "drawn = draw(POINTS, np.random.default_rng((SEED, epoch - 1, 4)))  # each batch is drawn anew\n"
            f"for real in {drawn}.split(BATCH_SIZE)[:BATCHES]:\n"
        )
    else:
        order = (
            "seed = np.random.SeedSequence((SEED, epoch - 1)).generate_state(1)[0]\n"
            "order = torch.randperm(POINTS, generator=torch.Generator().manual_seed(int(seed)))\n"
            "for real in data[order.to(DEVICE)].split(BATCH_SIZE)[:BATCHES]:\n"
        )
    rare = "generator_losses and " if config.batches_per_epoch < config.discriminator_steps else ""
    end = f"if {rare}epoch % max(1, EPOCHS // 20) == 0:\n"
    end += "    d_loss = np.mean(discriminator_losses[-BATCHES:])\n"
    end += "    g_loss = np.mean(generator_losses[-BATCHES:])\n"
    end += '    print(f"epoch {epoch}: losses {d_loss:.4f} (discriminator), {g_loss:.4f} (generator)")\n'
    stop = after.end_of_epoch(config, target)
    return order + indent(play.on_a_batch(config), "    ") + "\n" + end + stop
