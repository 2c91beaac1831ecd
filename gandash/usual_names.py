"""What other training tools call their options, and what to use here instead."""

from __future__ import annotations

_ADVICE: dict[str, str] = {
    "each network has its own: use --generator-lr and --discriminator-lr": (
        "lr learning-rate step-size lr-g lr-d g-lr d-lr gen-lr disc-lr lr-gen lr-disc lr-generator lr-discriminator"
    ),
    "use --lr-schedule": "lr-decay scheduler lr-scheduler decay schedule warmup lr-policy",
    "use --shape (`shapes` lists them), or --data with a file": (
        "dataset data-set dataset-name target target-shape distribution dataroot data-root data-path data-dir task"
    ),
    "use --device cuda, cpu or mps": (
        "cuda gpu gpus use-cuda use-gpu no-cuda no-gpu cpu mps accelerator ngpu gpu-id gpu-ids devices cuda-device"
    ),
    "use --from with the id of a run or a file that --checkpoint wrote": (
        "resume resume-from resume-from-checkpoint continue continue-train continue-from load load-model "
        "load-checkpoint ckpt ckpt-path restore restore-from pretrained pretrain init-from from-checkpoint from-run "
        "parent warm-start"
    ),
    "use --batch-size": "batch batches bs minibatch mini-batch batch-sizes train-batch-size b",
    "use --generator-widths and --discriminator-widths, such as 64,64": (
        "hidden hidden-dim hidden-dims hidden-size hidden-sizes hidden-units hidden-layers layers n-layers num-layers "
        "layer-sizes width widths units neurons ngf ndf nf features depth arch architecture g-hidden d-hidden channels"
    ),
    "training is counted in epochs of --points / --batch-size steps each: use --epochs": (
        "iterations iters iter n-iter n-iters num-iters num-iterations n-iterations niter max-iter max-iters "
        "max-iterations steps n-steps num-steps max-steps train-steps total-steps kimg"
    ),
    "use --epochs": "num-epochs n-epochs max-epochs nepochs total-epochs train-epochs epoch e",
    "use --out": (
        "output outputs o out-file outfile output-file out-dir outdir output-dir output-path save save-to save-path "
        "save-dir save-model model model-path model-dir model-out export export-path file filename name result results"
    ),
    "use --checkpoint": "save-checkpoint checkpoint-path checkpoint-dir checkpoint-file checkpoints ckpt-out",
    "use --json": "logs log-file logdir log-dir history metrics stats report wandb tensorboard",
    "--points says how many real points there are to train on, --samples how many generated ones go into the --csv": (
        "n-samples num-samples nsamples n-sample sample n-points num-points npoints n-data num-data data-size "
        "dataset-size train-size n n-generate num-generate"
    ),
    "use --objective": (
        "loss losses loss-fn loss-type loss-function gan-loss gan-mode gan-type adversarial-loss adv-loss criterion "
        "mode gan wgan wgan-gp lsgan hinge non-saturating type"
    ),
    "the optimizer is always Adam: --generator-lr, --discriminator-lr, --beta1 and --beta2 set it": (
        "optimizer optimiser optim opt adam sgd rmsprop"
    ),
    "use --latent-dim": (
        "z-dim zdim nz z z-size latent-size latent-dims latent-dimension latent-dimensions noise-dim noise-size n-z "
        "dim-z code-dim noise-dimension"
    ),
    "use --latent": "noise-type noise-distribution prior latent-distribution",
    "Adam's are --beta1 and --beta2": "momentum betas beta b1 b2 adam-beta1 adam-beta2 adam-betas",
    "there is no weight decay: --dropout or --penalty regularises the discriminator": (
        "weight-decay wd l2 regularization regularisation reg"
    ),
    "use --dropout": "drop dropout-rate dropout-p p-dropout drop-rate drop-prob dropout-prob",
    "use --penalty and --penalty-weight": (
        "gp gradient-penalty grad-penalty lambda lambda-gp gp-weight gp-lambda gamma r1 r2 r1-gamma r1-weight "
        "r1-lambda gradient-penalty-weight"
    ),
    "use --discriminator-steps": (
        "n-critic ncritic critic-steps critic-iters n-dis d-steps disc-steps k d-iters critic-iterations"
    ),
    "use --spectral-norm": "sn spectral spectral-normalization spectral-normalisation use-sn",
    "use --standardize": "normalize normalise normalization standardise scale whiten",
    "use --ema-decay": "ema use-ema ema-beta ema-rate averaging polyak moving-average",
    "use --early-stopping": "early-stop stop no-early-stop no-early-stopping es stopping",
    "use --activation": "act activation-fn activation-function nonlinearity nonlin",
    "use --instance-noise": "noise-std input-noise sigma noise-sigma",
    "use --packing": "pac pacgan pack",
    "use --evaluate-every": "eval-every eval-interval eval-freq log-every log-interval eval-steps val-interval",
    "use --seed": "random-seed manual-seed rng rng-seed random-state s",
    "use --threads": "workers num-workers n-workers n-cpu cpus cores jobs j n-jobs num-threads nthreads",
    "use --config": "cfg conf config-file config-path settings yaml setup set-up recipe c",
    "use --preset": "presets template defaults",
}

USUAL_NAMES: dict[str, str] = {
    name.replace("-", ""): advice for advice, names in _ADVICE.items() for name in names.split()
}
"""What to use instead by a name's letters, in lower case and without dashes."""


def advice(option: str) -> str | None:
    """What to use instead of an option that there is not, such as ``--learning_rate``; None if that is anybody's guess.

    >>> advice("--Learning_Rate")
    'each network has its own: use --generator-lr and --discriminator-lr'
    """
    return USUAL_NAMES.get(option.lower().replace("-", "").replace("_", ""))
