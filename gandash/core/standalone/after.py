"""When a script stops, and what it leaves: the generator as a file, the use of that file, a picture."""

from __future__ import annotations

from textwrap import indent

import numpy as np

from gandash.core.config import RunConfig
from gandash.core.targets import Target

_JUDGE = '''\
# what early stopping watches is how far 1,000 generated points are from real ones: 0 if nobody can
# tell, 1 for what one neighbour tells apart at once, or what lies a whole spread away
sample_rng = np.random.default_rng((2014, 1))
reference = draw(1000, sample_rng)
others = [draw(1000, sample_rng) for _ in range(64)]
many = np.concatenate((reference, *(draw(1000, sample_rng) for _ in range(7)))).astype(np.float64)
centre, spread = many.mean(axis=0), many.std(axis=0)
spread[spread == 0] = 1
angles = np.arange(64) * np.pi / 64
directions = np.column_stack((np.cos(angles), np.sin(angles)))


def scaled(points):
    return (points - centre) / spread


def squared_distance(points):
    """Sliced Wasserstein distance to the reference, squared."""
    ours, real = (np.sort(directions @ scaled(each).T, axis=1) for each in (points, reference))
    return np.abs(ours - real).mean() ** 2


def accuracy(points):
    """How often the nearest other point is of the same sample; ties count in parts."""
    mixed = torch.from_numpy(scaled(np.concatenate((reference, points))))
    apart = torch.cdist(mixed, mixed, compute_mode="donot_use_mm_for_euclid_dist")
    nearest = apart.fill_diagonal_(math.inf) <= apart.amin(dim=1, keepdim=True) * (1 + 1e-9)
    generated = torch.arange(2000) >= 1000
    own = nearest & (generated == generated[:, None])
    return (own.sum(dim=1) / nearest.sum(dim=1)).mean().item()


floor = np.mean([squared_distance(other) for other in others])  # what real points have as well
lines = directions @ scaled(many).T
real_spread = np.abs(lines - lines.mean(axis=1, keepdims=True)).mean() or 1


def gap_to_real(points):
    chance = 999 / 1999  # nobody is a neighbour of itself
    tell = (accuracy(points) - chance) / (1 - chance)
    excess = (squared_distance(points) - floor) / real_spread**2
    return max(tell, 0) + math.sqrt(max(excess, 0))
'''
_JUDGE_NUMBERS = """\
# what early stopping watches is how far the frequencies of 1,000 generated numbers are from those
# of real ones, beyond how far those of other real ones are: 0 if nobody can tell, 1 if none fits
def frequencies(vectors):
    return np.bincount(onehot_to_int(vectors), minlength=DEPTH) / len(vectors)


def total_variation(shares):
    return np.abs(shares - reference).sum() / 2


sample_rng = np.random.default_rng((2014, 1))
reference = frequencies(draw(1000, sample_rng))
others = [frequencies(draw(1000, sample_rng)) for _ in range(64)]
floor = np.mean([total_variation(other) for other in others])


def gap_to_real(vectors):
    return max(total_variation(frequencies(vectors)) - floor, 0) / (1 - floor)
"""
_BEST = """\
recent = [*recent, metric][-5:]  # a single measurement is often a lucky draw
if (figure := max(metric, np.mean(recent))) < best_figure:
    best_figure = figure
"""
_SAVED = '''\
class Saved(nn.Module):
    """The trained generator, noise from N(0, 1) in and points in their own units out."""

    def __init__(self, network, mean, std):
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, z):
        return RESULT
'''

_SAVED_NORMAL = '''\
class Saved(nn.Module):
    """The trained generator, which takes noise from N(0, 1) instead of [-1, 1]."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, z):
        return RESULT
'''


def monitors_curve(config: RunConfig, target: Target) -> bool:
    """Whether early stopping goes by the chapter's own error of the last batch."""
    return config.monitor == "textbook" and target.textbook_metric is not None


def measures(config: RunConfig, target: Target) -> bool:
    """Whether early stopping goes by what is measured now and then, on points that are drawn for it."""
    return config.early_stopping != "off" and (config.early_stopping == "fit" or not monitors_curve(config, target))


def keeps_best(config: RunConfig, target: Target) -> bool:
    """Whether the generator of the best epoch leaves: where what early stopping watches is what the best goes by."""
    same = target.textbook_metric is None or config.monitor == config.best_by
    return config.early_stopping == "patience" and same


def judge(config: RunConfig, target: Target) -> list[str]:
    """The measuring instrument of early stopping, where the set-up needs it."""
    if config.early_stopping == "fit" or not measures(config, target):
        return []
    return [_JUDGE_NUMBERS if target.numbers else _JUDGE]


def before_the_loop(config: RunConfig, target: Target) -> str:
    """What early stopping remembers."""
    if config.early_stopping in ("off", "fit"):
        return ""
    text = "best, best_epoch = math.inf, 0\n" if config.early_stopping == "patience" else ""
    text += "anchor, anchor_epoch = math.inf, 0\n" if config.early_stopping == "threshold" else ""
    if keeps_best(config, target):
        smoothed = "" if monitors_curve(config, target) else "recent, best_figure = [], math.inf\n"
        text += f"{smoothed}best_weights = copy.deepcopy({shown(config)}.state_dict())\n"
    if measures(config, target):
        text += (
            "judge_rng = torch.Generator().manual_seed(20140610)\n"
            "judge_noise = torch.randn(1000, LATENT_DIM, generator=judge_rng).to(DEVICE)\n"
        )
        if config.latent == "uniform":
            text += "judge_noise = torch.erf(judge_noise / math.sqrt(2))\n"
    return text


def shown(config: RunConfig) -> str:
    """The generator that is measured and saved."""
    return "average" if config.ema_decay else "generator"


def end_of_epoch(config: RunConfig, target: Target) -> str:
    """Early stopping, in the body of the loop over the epochs."""
    condition = ""
    match config.early_stopping:
        case "off":
            return ""
        case "fit":
            text = _fits(config)
        case _:
            text = _measure(config, target) + _wait(config, target)
    if measures(config, target):
        condition = "epoch % EVALUATE_EVERY == 0 or epoch == EPOCHS" if config.evaluate_every > 1 else ""
    elif config.batches_per_epoch < config.discriminator_steps:
        condition = "batches >= DISCRIMINATOR_STEPS"
    return f"if {condition}:\n{indent(text, '    ')}" if condition else text


def _scaled(config: RunConfig, points: str) -> str:
    return f"({points} * STD + MEAN)" if config.standardize else points


def _fits(config: RunConfig) -> str:
    noise = "torch.randn(10_000, LATENT_DIM, generator=fresh_rng)"
    noise = f"torch.erf({noise} / math.sqrt(2))" if config.latent == "uniform" else noise
    vectors = _scaled(config, f"{shown(config)}(fresh.to(DEVICE))")
    return (
        "seed = np.random.SeedSequence((SEED, epoch, 3)).generate_state(1)[0]\n"
        "fresh_rng = torch.Generator().manual_seed(int(seed))\n"
        f"fresh = {noise}\n"
        f"with torch.no_grad():\n    numbers = onehot_to_int({vectors}.cpu().numpy())\n"
        "if np.isin(numbers, NUMBERS).all():\n"
        '    print(f"stopped early after epoch {epoch}: none of 10,000 fresh numbers misfits")\n    break\n'
    )


def _measure(config: RunConfig, target: Target) -> str:
    if monitors_curve(config, target):
        points = _scaled(config, "fake.detach()")
        return f"x, y = {points}.cpu().numpy().astype(np.float64).T\nmetric = np.mean((y - curve(x)) ** 2)\n"
    points = _scaled(config, f"{shown(config)}(judge_noise)")
    return f"with torch.no_grad():\n    metric = gap_to_real({points}.cpu().numpy())\n"


def _wait(config: RunConfig, target: Target) -> str:
    if config.early_stopping == "threshold":
        text = "if not abs(metric - anchor) < MIN_CHANGE:\n    anchor, anchor_epoch = metric, epoch\n"
        text += "if epoch - anchor_epoch >= PATIENCE:\n"
        reason = "hardly changed"
    else:
        text = "if metric < best:\n    best, best_epoch = metric, epoch\n"
        if keeps_best(config, target):
            keep = f"    best_weights = copy.deepcopy({shown(config)}.state_dict())\n"
            text += keep if monitors_curve(config, target) else _BEST + keep
        text += "if epoch - best_epoch >= PATIENCE:\n"
        reason = "not improved"
    return f'{text}    print(f"stopped early after epoch {{epoch}}: {reason} for {{PATIENCE}} epochs")\n    break\n'


def saved(config: RunConfig, target: Target) -> list[str]:
    """The module that is saved around the network, where the network alone is not enough."""
    points = "self.network(z)" if config.latent == "normal" else "self.network(torch.erf(z / math.sqrt(2.0)))"
    if target.output is not None and target.output.exponential:
        exponential = target.output.exponential
        columns = ", ".join(
            f"points[:, {axis}]" + (".exp()" if axis in exponential else "") for axis in range(target.dim)
        )
        whole = f"points = {points} * self.std + self.mean\n        return torch.stack(({columns}), dim=1)"
        return [_SAVED.replace("return RESULT", whole)]
    if config.standardize or target.output is not None:
        return [_SAVED.replace("RESULT", f"{points} * self.std + self.mean")]
    return [] if config.latent == "normal" else [_SAVED_NORMAL.replace("RESULT", points)]


def save(config: RunConfig, target: Target) -> str:
    """Save the generator as TorchScript, and read it back as anybody would."""
    network, name = shown(config), target.name
    kept = f"{network}.load_state_dict(best_weights)\n" if keeps_best(config, target) else ""
    units = ""
    if target.output is not None:
        units = "shift, scale = (torch.tensor(each, dtype=torch.float32).to(DEVICE) for each in (SHIFT, SCALE))\n"
        mean, std = ("MEAN * scale + shift", "STD * scale") if config.standardize else ("shift", "scale")
        units += f"saved = Saved({network}, {mean}, {std})\n"
        network = "saved"
    elif config.standardize:
        network = f"Saved({network}, MEAN, STD)"
    elif config.latent == "uniform":
        network = f"Saved({network})"
    text = (
        f'{kept}{units}torch.jit.script({network}.cpu().eval()).save("{name}.pt")\n\n'
        "# using it takes these lines and nothing else but torch\n"
        f'model = torch.jit.load("{name}.pt")\n'
        f"z = torch.randn(1000, {config.latent_dim}, generator=torch.Generator().manual_seed(SEED))\n"
        "with torch.no_grad():\n    points = model(z)\n"
    )
    if target.numbers:
        text += "numbers = points.argmax(1)  # a vector means the number of its largest entry\n"
        text += 'print("some numbers that it generates:", *numbers[:10].tolist())\n'
    return text


def picture(target: Target) -> str:
    """Draw the points, or how often each number comes, and the losses."""
    if target.numbers:
        left = (
            "shares = np.bincount(numbers, minlength=DEPTH) / len(numbers)\n"
            'left.bar(range(DEPTH), shares, label="generated")\n'
            'left.plot(NUMBERS, np.full(len(NUMBERS), 1 / len(NUMBERS)), "k_", label="real")\n'
            'left.set(xlabel="number", ylabel="share")\n'
        )
    else:
        (low, bottom), (high, top) = target.canvas.samples(np.array(target.canvas.bounds).T).tolist()
        scales = "".join(f', {"xy"[axis]}scale="log"' for axis in target.canvas.log)
        equal = ', aspect="equal"' if target.canvas.equal else ""
        left = (
            'left.scatter(*real_points[:1000].T, s=4, label="real")\n'
            'left.scatter(*points.numpy().T, s=4, label="generated")\n'
            f"left.set(xlim=({low:.9g}, {high:.9g}), ylim=({bottom:.9g}, {top:.9g}){scales}{equal})\n"
        )
    return (
        f"figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5))\n{left}"
        'right.plot(discriminator_losses, linewidth=0.5, label="loss of the discriminator")\n'
        'right.plot(generator_losses, linewidth=0.5, label="loss of the generator")\n'
        'right.set(xlabel="turn")\n'
        "left.legend(), right.legend()\n"
        f'figure.savefig("{target.name}.png")\n'
    )
