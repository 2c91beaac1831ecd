"""When a script stops, and what it leaves: the generator as a file, the use of that file, a picture."""

from __future__ import annotations

from textwrap import indent

from gandash.core.config import RunConfig
from gandash.core.targets import Target

_JUDGE = '''\
# what early stopping watches: how far 1,000 generated points are from real ones, over how far
# other real points are, divided by the share of real points that have a generated one nearby
sample_rng = np.random.default_rng((2014, 1))
reference = draw(1000, sample_rng)
angles = np.arange(64) * np.pi / 64
directions = np.column_stack((np.cos(angles), np.sin(angles))).astype(np.float32)


def distances(points):
    points, others = torch.from_numpy(points), torch.from_numpy(reference)
    return torch.cdist(others, points, compute_mode="donot_use_mm_for_euclid_dist")


radii = distances(reference).kthvalue(6, dim=1).values  # to the fifth neighbour


def distance(points):
    """Sliced Wasserstein distance to the reference."""
    ours, real = (np.sort(directions @ sample.T, axis=1) for sample in (points, reference))
    return np.abs(ours - real).mean()


def coverage(points):
    return (distances(points).amin(dim=1) <= radii).float().mean().item()


others = [draw(1000, sample_rng) for _ in range(64)]
real_distance = np.mean([distance(other) for other in others])
real_coverage = np.mean([coverage(other) for other in others])


def gap_to_real(points):
    covered = max(coverage(points), 1 / 1000) / real_coverage
    return distance(points) / real_distance / min(1.0, covered)
'''
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


def judge(config: RunConfig, target: Target) -> list[str]:
    """The measuring instrument of early stopping, where the set-up needs it."""
    return [] if config.early_stopping == "off" or monitors_curve(config, target) else [_JUDGE]


def before_the_loop(config: RunConfig, target: Target) -> str:
    """What early stopping remembers."""
    if config.early_stopping == "off":
        return ""
    text = "best, best_epoch = math.inf, 0\n" if config.early_stopping == "patience" else ""
    text += "anchor, anchor_epoch = math.inf, 0\n" if config.early_stopping == "threshold" else ""
    if not monitors_curve(config, target):
        text += (
            "judge_rng = torch.Generator().manual_seed(20140610)\n"
            "judge_noise = torch.randn(1000, LATENT_DIM, generator=judge_rng).to(DEVICE)\n"
        )
        if config.latent == "uniform":
            text += "judge_noise = torch.erf(judge_noise / math.sqrt(2))\n"
    return text


def end_of_epoch(config: RunConfig, target: Target) -> str:
    """Early stopping, in the body of the loop over the epochs."""
    if config.early_stopping == "off":
        return ""
    condition, text = "", ""
    scaled = " * STD + MEAN" if config.standardize else ""
    if monitors_curve(config, target):
        points = f"({'fake.detach()' + scaled})" if scaled else "fake.detach()"
        text += f"x, y = {points}.cpu().numpy().astype(np.float64).T\nmetric = np.mean((y - curve(x)) ** 2)\n"
        if config.batches_per_epoch < config.discriminator_steps:
            condition = "batches >= DISCRIMINATOR_STEPS"
    else:
        shown = "average" if config.ema_decay else "generator"
        points = f"({shown}(judge_noise){scaled})" if scaled else f"{shown}(judge_noise)"
        text += f"with torch.no_grad():\n    metric = gap_to_real({points}.cpu().numpy())\n"
        if config.evaluate_every > 1:
            condition = "epoch % EVALUATE_EVERY == 0"
    if config.early_stopping == "patience":
        text += "if metric < best:\n    best, best_epoch = metric, epoch\n"
        text += "if epoch - best_epoch >= PATIENCE:\n"
        reason = "not improved"
    else:
        text += "if not abs(metric - anchor) < MIN_CHANGE:\n    anchor, anchor_epoch = metric, epoch\n"
        text += "if epoch - anchor_epoch >= PATIENCE:\n"
        reason = "hardly changed"
    text += f'    print(f"stopped early after epoch {{epoch}}: {reason} for {{PATIENCE}} epochs")\n    break\n'
    return f"if {condition}:\n{indent(text, '    ')}" if condition else text


def saved(config: RunConfig) -> list[str]:
    """The module that is saved around the network, where the network alone is not enough."""
    points = "self.network(z)" if config.latent == "normal" else "self.network(torch.erf(z / math.sqrt(2.0)))"
    if config.standardize:
        return [_SAVED.replace("RESULT", f"{points} * self.std + self.mean")]
    return [] if config.latent == "normal" else [_SAVED_NORMAL.replace("RESULT", points)]


def save(config: RunConfig, name: str) -> str:
    """Save the generator as TorchScript, and read it back as anybody would."""
    network = "average" if config.ema_decay else "generator"
    if config.standardize:
        network = f"Saved({network}, MEAN, STD)"
    elif config.latent == "uniform":
        network = f"Saved({network})"
    return (
        f'torch.jit.script({network}.cpu().eval()).save("{name}.pt")\n\n'
        "# using it takes these lines and nothing else but torch\n"
        f'model = torch.jit.load("{name}.pt")\n'
        f"z = torch.randn(1000, {config.latent_dim}, generator=torch.Generator().manual_seed(SEED))\n"
        "with torch.no_grad():\n    points = model(z)\n"
    )


def picture(config: RunConfig, target: Target, name: str) -> str:
    """Draw the points and the losses."""
    (left, right), (bottom, top) = target.canvas.bounds
    equal = ', aspect="equal"' if target.canvas.equal else ""
    return (
        "figure, (left, right) = plt.subplots(1, 2, figsize=(11, 5))\n"
        'left.scatter(*real_points[:1000].T, s=4, label="real")\n'
        'left.scatter(*points.numpy().T, s=4, label="generated")\n'
        f"left.set(xlim=({left:g}, {right:g}), ylim=({bottom:g}, {top:g}){equal})\n"
        'right.plot(discriminator_losses, linewidth=0.5, label="loss of the discriminator")\n'
        'right.plot(generator_losses, linewidth=0.5, label="loss of the generator")\n'
        'right.set(xlabel="turn")\n'
        "left.legend(), right.legend()\n"
        f'figure.savefig("{name}.png")\n'
    )
