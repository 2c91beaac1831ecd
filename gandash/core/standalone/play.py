"""The game of a script: noise, schedules, penalties, and what happens in the loop on each batch."""

from __future__ import annotations

from textwrap import indent

from gandash.core.config import RunConfig, Schedule
from gandash.core.objectives import OBJECTIVES
from gandash.core.standalone.players import sigmoid_last

_SCHEDULES = {
    "cosine": """\
def cosine(final):
    return final + (1 - final) * (1 + math.cos(math.pi * progress)) / 2
""",
    "linear": """\
def linear(final):
    return 1 + (final - 1) * progress
""",
}
_OPTIMIZER = "{0}_adam = torch.optim.Adam({0}.parameters(), {1}_LR, betas=BETAS)\n"
_UPDATE = "{0}_adam.zero_grad()\n{1}.backward()\n{0}_adam.step()\n"
_EMA = """\
decay = min(EMA_DECAY, (1 + steps) / (10 + steps))  # a young average forgets faster
with torch.no_grad():
    for mean, weight in zip(average.parameters(), generator.parameters()):
        mean.lerp_(weight, 1 - decay)
"""


def functions(config: RunConfig, dim: int) -> list[str]:
    """What the loop calls: the noise, what the discriminator sees, schedules, losses without a name in torch."""
    draw = "torch.randn(BATCH_SIZE, LATENT_DIM, generator=rng, device=DEVICE)"
    if config.latent == "uniform":
        draw = "2 * torch.rand(BATCH_SIZE, LATENT_DIM, generator=rng, device=DEVICE) - 1"
    found = [f"def noise():\n    return {draw}\n"]
    if _views(config):
        found.append(_seen(config, dim))
    used: list[Schedule] = [config.lr_schedule]
    if config.penalty != "none":
        used.append(config.penalty_schedule)
    found += [_SCHEDULES[name] for name in sorted({*used} - {"constant"})]
    return found


def optimizers(config: RunConfig) -> str:
    """Both Adams, the loss where torch has it as a module, and the running average."""
    text = "".join(_OPTIMIZER.format(name, name.upper()) for name in ("generator", "discriminator"))
    if OBJECTIVES[config.objective].probability:
        text += f"bce = nn.{'BCELoss' if sigmoid_last(config) else 'BCEWithLogitsLoss'}()\n"
    if config.ema_decay:
        text += "average = copy.deepcopy(generator)\n"
    return text


def on_a_batch(config: RunConfig) -> str:
    """The body of the loop over the batches: the discriminator's turn on `real`, and the generator's if it is due."""
    blocks = [_schedules(config)]
    blocks += _separate(config) if config.discriminator_updates == "separate" else _joint(config)
    turn = _generator(config)
    if config.discriminator_steps > 1:
        turn = f"if batches % DISCRIMINATOR_STEPS == 0:\n{indent(turn, '    ')}"
    return "\n".join([block for block in blocks if block] + ["batches += 1\n" + turn])


def penalised(config: RunConfig) -> bool:
    """Whether a gradient penalty counts."""
    return config.penalty != "none"


def _views(config: RunConfig) -> bool:
    return bool(config.instance_noise) or config.packing > 1


def _view(config: RunConfig, points: str) -> str:
    return f"seen({points})" if _views(config) else points


def _seen(config: RunConfig, dim: int) -> str:
    lines = []
    if config.instance_noise:
        lines.append("jitter = torch.randn(points.shape, generator=rng, device=DEVICE)")
        std = "INSTANCE_NOISE"
        if config.instance_noise_decay:
            std += " * max(0.0, 1 - progress / INSTANCE_NOISE_DECAY)"
        lines.append(f"std = {std}")
        lines.append("points = points + std * data.std(dim=0) * jitter")
    lines.append(f"return points.view(-1, {dim} * PACKING)" if config.packing > 1 else "return points")
    about = {
        (True, False): "The noised points.",
        (False, True): "The points, PACKING of them side by side.",
        (True, True): "The noised points, PACKING of them side by side.",
    }[bool(config.instance_noise), config.packing > 1]
    return f'def seen(points):\n    """{about}"""\n' + indent("\n".join(lines) + "\n", "    ")


def _factor(schedule: Schedule, final: str) -> str:
    return "" if schedule == "constant" else f" * {schedule}({final})"


def uses_progress(config: RunConfig) -> bool:
    """Whether anything depends on how much of the training is over."""
    decays = bool(config.instance_noise and config.instance_noise_decay)
    penalty = penalised(config) and config.penalty_schedule != "constant"
    return config.lr_schedule != "constant" or penalty or decays or _grows(config)


def _grows(config: RunConfig) -> bool:
    return bool(config.fourier_growth and config.discriminator_fourier)


def _schedules(config: RunConfig) -> str:
    text = "progress = batches / (EPOCHS * BATCHES)\n" if uses_progress(config) else ""
    if config.lr_schedule != "constant":
        for name in ("generator", "discriminator"):
            rate = f"{name.upper()}_LR{_factor(config.lr_schedule, 'LR_FINAL')}"
            text += f'{name}_adam.param_groups[0]["lr"] = {rate}\n'
    if _grows(config):
        octaves = config.discriminator_fourier
        text += (
            f"on = 1 + {octaves - 1} * progress / FOURIER_GROWTH  # octaves, one after another\n"
            f"gates = [min(1.0, max(0.0, on - octave)) for octave in range({octaves})]\n"
            "discriminator[0].gates.copy_(torch.tensor(gates))\n"
        )
    return text


def _label(config: RunConfig, real: bool) -> str:
    if real:
        return "REAL_LABEL" if config.label_smoothing else "1"
    return "FAKE_LABEL" if config.label_smoothing and config.label_smoothing_sides == "two" else "0"


def _on(config: RunConfig, logits: str, real: bool) -> str:
    """The discriminator's loss on one kind of points."""
    label = _label(config, real)
    match config.objective:
        case "non-saturating" | "minimax":
            return f"bce({logits}, {_labels(logits, label)})"
        case "least-squares":
            distance = logits if label == "0" else f"({logits} - {label})"
            return f"{distance}.square().mean() / 2"
        case "hinge":
            return f"(1 {'-' if real else '+'} {logits}).relu().mean()"
        case _:
            return f"{'-' if real else ''}{logits}.mean()"


def _labels(logits: str, label: str) -> str:
    match label:
        case "0":
            return f"torch.zeros_like({logits})"
        case "1":
            return f"torch.ones_like({logits})"
        case _:
            return f"torch.full_like({logits}, {label})"


def _separate(config: RunConfig) -> list[str]:
    update = _UPDATE.format
    on_real = (
        "# the discriminator learns that real points are real ...\n"
        f"d_real = discriminator({_view(config, 'real')})\n"
        f"loss_real = {_on(config, 'd_real', real=True)}\n{update('discriminator', 'loss_real')}"
    )
    on_fake = (
        "# ... and that generated ones are not\n"
        f"fake = generator(noise()).detach()\nd_fake = discriminator({_view(config, 'fake')})\n"
        f"loss_fake = {_on(config, 'd_fake', real=False)}\n{update('discriminator', 'loss_fake')}"
        "discriminator_losses.append(loss_real.item() + loss_fake.item())\n"
    )
    return [on_real, on_fake]


def _joint(config: RunConfig) -> list[str]:
    text = "# the discriminator learns to tell real points from generated ones\nfake = generator(noise()).detach()\n"
    seen_real, seen_fake = ("seen_real", "seen_fake") if _views(config) else ("real", "fake")
    if _views(config):
        text += "seen_real, seen_fake = seen(real), seen(fake)\n"
    parts, names = [seen_real, seen_fake], ["d_real", "d_fake"]
    if config.penalty == "wgan-gp":
        text += f"share = torch.rand(len({seen_real}), 1, generator=rng, device=DEVICE)\n"
        text += f"between = torch.lerp({seen_real}, {seen_fake}, share)\n"
        parts, names = [*parts, "between"], [*names, "_"]
    both = f"torch.cat([{', '.join(parts)}])"
    if penalised(config):
        text += f"x = {both}.requires_grad_()\nlogits = discriminator(x)\n"
        text += f"{', '.join(names)} = logits.chunk({len(parts)})\n"
    else:
        text += f"{', '.join(names)} = discriminator({both}).chunk({len(parts)})\n"
    if OBJECTIVES[config.objective].pairs:
        text += "loss = nn.functional.softplus(d_fake - d_real).mean()\n"
    else:
        text += f"loss_real = {_on(config, 'd_real', real=True)}\nloss_fake = {_on(config, 'd_fake', real=False)}\n"
        text += "loss = loss_real + loss_fake\n"
    if penalised(config):
        text += _penalty(config)
    text += f"{_UPDATE.format('discriminator', 'loss')}discriminator_losses.append(loss.item())\n"
    return [text]


def _penalty(config: RunConfig) -> str:
    weight = f"PENALTY{_factor(config.penalty_schedule, 'PENALTY_FINAL')}"
    text = "(slopes,) = torch.autograd.grad(logits.sum(), x, create_graph=True)\n"
    if config.penalty == "wgan-gp":
        return (
            f"{text}norms = slopes.chunk(3)[2].square().sum(dim=1).clamp(min=1e-12).sqrt()\n"
            f"loss = loss + {weight} * (norms - 1).square().mean()\n"
        )
    mean = {
        "r1": "slopes.chunk(2)[0].square().sum(dim=1).mean() / 2  # R1: on real points",
        "r2": "slopes.chunk(2)[1].square().sum(dim=1).mean() / 2  # R2: on generated points",
        "r1+r2": "slopes.square().sum(dim=1).mean()  # R1 and R2: half of either",
    }[config.penalty]
    return f"{text}penalty = {mean}\nloss = loss + {weight} * penalty\n"


def _generator(config: RunConfig) -> str:
    objective = OBJECTIVES[config.objective]
    text = "# the generator learns to pass for real\n"
    if objective.pairs:
        text += "z = noise()\n"
        text += f"with torch.no_grad():\n    d_real = discriminator({_view(config, 'real')})\nfake = generator(z)\n"
    else:
        text += "fake = generator(noise())\n"
    text += f"d_fake = discriminator({_view(config, 'fake')})\n"
    match config.objective:
        case "non-saturating":
            loss = "bce(d_fake, torch.ones_like(d_fake))"
        case "minimax":
            loss = "-bce(d_fake, torch.zeros_like(d_fake))"
        case "least-squares":
            loss = "(d_fake - 1).square().mean() / 2"
        case "rpgan":
            loss = "nn.functional.softplus(d_real - d_fake).mean()"
        case _:
            loss = "-d_fake.mean()"
    text += f"loss = {loss}\n{_UPDATE.format('generator', 'loss')}"
    if config.ema_decay:
        text += "steps = len(generator_losses)\n" + _EMA
    return text + "generator_losses.append(loss.item())\n"
