"""Parameters of an experiment: one dataclass per section of params.yaml, with defaults and help texts."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from bvae_cli.datasets import DATASETS
from bvae_cli.datasets.folder import FOLDER
from bvae_cli.images.spec import require_valid_name
from bvae_cli.objectives.beta_vae import BetaVAE
from bvae_cli.objectives.objective import Objective
from bvae_cli.objectives.schedule import Schedule
from bvae_cli.system.checks import require_at_least, require_at_most, require_one_of

MAX_SEED = 2**63 - 1  # largest seed of torch.Generator
MAX_STEPS, MAX_BATCH, MAX_SHARDS = 10**10, 10**6, 256
MAX_REPEATS, MAX_FIGURE_IMAGES, MAX_CROP = 1000, 100, 100_000


@dataclass(frozen=True)
class DatasetParams:
    """Data set and preprocessing of its images to 64 × 64 pixels."""

    name: Annotated[str, "Name of the data set, or of an imported image folder."] = "dsprites"
    source: Annotated[str | None, "Source of the data set. Default: the first of its sources."] = None
    file: Annotated[str | None, "Local file or folder to read instead of a source."] = None
    center_crop: Annotated[
        int | None, "Side of the central square crop, pixels; 0: no crop. Default: that of the data set."
    ] = None
    resample: Annotated[
        Literal["box", "bilinear", "bicubic", "lanczos"] | None, "Resampling filter. Default: that of the data set."
    ] = None
    channels: Annotated[int | None, "Number of channels; 1: greyscale, 3: RGB. Default: that of the data set."] = None
    skip_corrupt: Annotated[bool, "Skip image files that cannot be read, instead of stopping with an error."] = False

    def __post_init__(self) -> None:
        require_valid_name("name", self.name)
        if self.source is not None:
            require_one_of("source", self.source, DATASETS.get(self.name, FOLDER).sources)
        if self.center_crop is not None:
            require_at_least(self, 0, "center_crop")
            require_at_most(self, MAX_CROP, "center_crop")
        if self.channels is not None and self.channels not in {1, 3}:
            raise ValueError(f"channels must be 1 or 3, not {self.channels}")


@dataclass(frozen=True)
class ModelParams:
    """Architecture of the model."""

    net: Annotated[
        Literal["burgess", "higgins_mlp", "higgins_conv", "locatello"], "Network architecture of encoder and decoder."
    ] = "burgess"
    latent_dim: Annotated[int, "Number of latent variables."] = 10
    likelihood: Annotated[
        Literal["bernoulli", "gaussian", "laplace"] | None,
        "Likelihood p(x|z) of a pixel. Default: that of the data set.",
    ] = None

    def __post_init__(self) -> None:
        require_at_least(self, 1, "latent_dim")
        require_at_most(self, 10_000, "latent_dim")


@dataclass(frozen=True)
class TrainParams:
    """Optimisation."""

    steps: Annotated[int, "Number of training steps (gradient updates)."] = 300_000
    compress_schedule_to: Annotated[int, "Compress the whole schedule into this number of steps; 0: off."] = 0
    init: Annotated[
        Literal["pytorch_default", "kaiming_normal", "kaiming_uniform", "xavier_uniform"],
        "Weight initialisation.",
    ] = "pytorch_default"
    batch_size: Annotated[int, "Batch size: images per step."] = 64
    optimizer: Annotated[Literal["adam", "adagrad", "muon"], "Optimizer."] = "adam"
    adam_warmup_steps: Annotated[int, "Number of initial steps with Adam before the chosen optimizer."] = 0
    learning_rate: Annotated[Schedule, "Learning rate: constant or schedule (step:value,…)."] = 5e-4
    precision: Annotated[
        Literal["float32", "tf32", "bfloat16"],
        "Precision of the networks; a CPU without TF32 or bfloat16 computes in float32 instead.",
    ] = "float32"
    compile: Annotated[
        bool, "Compile the training step with torch.compile: about 20 seconds once; then faster on a GPU."
    ] = False
    seed: Annotated[int, "Random seed of the weights, the image order and the noise."] = 0
    log_every: Annotated[int, "Logging interval, steps: each row of history.csv is an average over it."] = 100
    kl_decomposition_every: Annotated[
        int, "Interval between KL decompositions (MI + TC + dimension-wise KL), steps; 0: off."
    ] = 0
    shards: Annotated[
        int, "Number of parts of a batch that threads compute on a CPU. It affects rounding; the threads do not."
    ] = 2
    stream: Annotated[
        bool, "Stream the images from disk in shuffled, prefetched blocks instead of loading them into memory."
    ] = False

    def __post_init__(self) -> None:
        require_at_least(self, 1, "steps", "batch_size", "shards", "log_every")
        require_at_least(
            self, 0, "compress_schedule_to", "learning_rate", "adam_warmup_steps", "kl_decomposition_every", "seed"
        )
        require_at_most(self, MAX_SEED, "seed")
        require_at_most(self, MAX_STEPS, "steps", "log_every", "adam_warmup_steps", "kl_decomposition_every")
        require_at_most(self, MAX_BATCH, "batch_size")
        require_at_most(self, MAX_SHARDS, "shards")
        require_at_most(self, self.steps, "compress_schedule_to")

    @property
    def num_steps(self) -> int:
        """The number of steps to train: `steps`, or fewer in a time-compressed run."""
        return self.compress_schedule_to or self.steps

    def reference_step(self, step: int) -> int:
        """Return the step of the full schedule that corresponds to a step of this run (time-compressed or not)."""
        return step * self.steps // self.num_steps


@dataclass(frozen=True)
class LoggingParams:
    """Checkpoints and logs during training; they do not affect its result."""

    checkpoint_every: Annotated[int, "Interval between checkpoints (last.pt), steps; 0: only by time."] = 0
    checkpoint_minutes: Annotated[float, "Interval between checkpoints (last.pt), minutes; 0: only by steps."] = 2.0
    save_best: Annotated[
        bool, "Save best.pt, the model with the lowest loss since the hyperparameters last changed."
    ] = False
    tensorboard: Annotated[bool, "Write TensorBoard event files, too."] = False
    log_images_every: Annotated[int, "Interval between saved reconstruction figures, steps; 0: off."] = 0

    def __post_init__(self) -> None:
        require_at_least(self, 0, "checkpoint_every", "checkpoint_minutes", "log_images_every")
        require_at_most(self, MAX_STEPS, "checkpoint_every", "log_images_every")


@dataclass(frozen=True)
class EvaluateParams:
    """Evaluation of a representation."""

    seed: Annotated[int, "Random seed of the noise and of the samples of the metrics."] = 0
    repeats: Annotated[int, "Number of repetitions of each metric; mean and standard deviation are reported."] = 1
    metrics: Annotated[tuple[str, ...], "Metric to compute; repeatable. Default: all fast metrics."] = ()
    factors: Annotated[tuple[str, ...], "Factor of variation to evaluate; repeatable. Default: all."] = ()
    full_elbo: Annotated[bool, "Compute the ELBO on all images instead of a random 20,000."] = False

    def __post_init__(self) -> None:
        require_at_least(self, 0, "seed")
        require_at_least(self, 1, "repeats")
        require_at_most(self, MAX_REPEATS, "repeats")
        require_at_most(self, MAX_SEED, "seed")


@dataclass(frozen=True)
class TraverseParams:
    """Latent traversals."""

    base_code: Annotated[
        Literal["posterior", "prior", "zero"],
        "Values of the latents that are not traversed: codes of images, samples of the prior, or zeros.",
    ] = "posterior"
    range: Annotated[
        Literal["prior", "data"], "Traversal range: ±--max-std, or minimum to maximum of the posterior means."
    ] = "prior"
    max_std: Annotated[float, "End of the range, standard deviations of the prior."] = 3.0
    images: Annotated[int, "Number of images (base codes) side by side."] = 3
    num_values: Annotated[int, "Number of values of a latent in the PNG (columns)."] = 7
    frames: Annotated[int, "Number of frames of a GIF, forth and back."] = 60
    fps: Annotated[int, "Frames per second of a GIF."] = 15
    include_inactive: Annotated[bool, "Include inactive latents."] = False
    largest_mean_latent: Annotated[bool, "Traverse only the latent with the largest absolute mean over the data."] = (
        False
    )
    seed: Annotated[int, "Random seed of the samples of the prior."] = 0

    def __post_init__(self) -> None:
        require_at_least(self, 1, "images", "fps")
        require_at_least(self, 2, "num_values", "frames")
        require_at_least(self, 0, "max_std", "seed")
        require_at_most(self, 50, "fps")  # viewers do not display GIFs faster
        require_at_most(self, 1000, "num_values", "frames")
        require_at_most(self, MAX_FIGURE_IMAGES, "images")
        require_at_most(self, MAX_SEED, "seed")


@dataclass(frozen=True)
class ReconstructParams:
    """Reconstruction figure."""

    images: Annotated[int, "Number of images."] = 12

    def __post_init__(self) -> None:
        require_at_least(self, 1, "images")
        require_at_most(self, MAX_FIGURE_IMAGES, "images")


@dataclass(frozen=True)
class Params:
    """Parameters of an experiment, one field per section of params.yaml."""

    dataset: DatasetParams = field(default_factory=DatasetParams)
    model: ModelParams = field(default_factory=ModelParams)
    objective: Objective = field(default_factory=BetaVAE)
    train: TrainParams = field(default_factory=TrainParams)
    logging: LoggingParams = field(default_factory=LoggingParams)
    evaluate: EvaluateParams = field(default_factory=EvaluateParams)
    traverse: TraverseParams = field(default_factory=TraverseParams)
    reconstruct: ReconstructParams = field(default_factory=ReconstructParams)


SECTIONS: dict[str, type[Any]] = {
    "dataset": DatasetParams,
    "model": ModelParams,
    "train": TrainParams,
    "logging": LoggingParams,
    "evaluate": EvaluateParams,
    "traverse": TraverseParams,
    "reconstruct": ReconstructParams,
}
