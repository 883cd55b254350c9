"""What an experiment is: a dataclass for each section of params.yaml, and the defaults."""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from bvae_cli.datasets import DATASETS
from bvae_cli.datasets.folder import FOLDER
from bvae_cli.images.spec import require_valid_name
from bvae_cli.objectives.beta_vae import BetaVAE
from bvae_cli.objectives.objective import Objective
from bvae_cli.objectives.schedule import Schedule
from bvae_cli.system.checks import require_at_least, require_at_most, require_one_of

MAX_SEED = 2**63 - 1  # that generators of random numbers take


@dataclass(frozen=True)
class DatasetParams:
    """Which pictures, and how they are brought to 64 × 64."""

    name: Annotated[str, "Data set, or the name of a folder of your own."] = "dsprites"
    source: Annotated[str | None, "Where to take it from. Default: the first of its sources."] = None
    file: Annotated[str | None, "Your own file or folder of it, in place of a source."] = None
    center_crop: Annotated[
        int | None, "Side in pixels of the square in the middle that is kept; 0: the whole picture. Default: its own."
    ] = None
    resample: Annotated[
        Literal["box", "bilinear", "bicubic", "lanczos"] | None, "How pictures are resized. Default: its own."
    ] = None
    channels: Annotated[int | None, "1: grey, 3: colour. Default: its own."] = None
    skip_corrupt: Annotated[bool, "Leave out pictures that cannot be read, and go on."] = False

    def __post_init__(self) -> None:
        require_valid_name("name", self.name)
        if self.source is not None:
            require_one_of("source", self.source, DATASETS.get(self.name, FOLDER).sources)
        if self.center_crop is not None:
            require_at_least(self, 0, "center_crop")
        if self.channels is not None and self.channels not in {1, 3}:
            raise ValueError(f"channels must be 1 or 3, not {self.channels}")


@dataclass(frozen=True)
class ModelParams:
    """Which network."""

    net: Annotated[Literal["burgess", "higgins_mlp", "higgins_conv", "locatello"], "Architecture."] = "burgess"
    latent_dim: Annotated[int, "Number of latents."] = 10
    likelihood: Annotated[
        Literal["bernoulli", "gaussian", "laplace"] | None, "Likelihood of a pixel. Default: the data set's own."
    ] = None

    def __post_init__(self) -> None:
        require_at_least(self, 1, "latent_dim")
        require_at_most(self, 10_000, "latent_dim")


@dataclass(frozen=True)
class TrainParams:
    """How the network is fitted."""

    steps: Annotated[int, "Gradient updates."] = 300_000
    compress_schedule_to: Annotated[
        int, "Updates of a short form, in which all that is told in steps comes as much earlier. 0: no short form."
    ] = 0
    init: Annotated[
        Literal["pytorch_default", "kaiming_normal", "kaiming_uniform", "xavier_uniform"],
        "How large weights are at first.",
    ] = "pytorch_default"
    batch_size: Annotated[int, "Images a step."] = 64
    optimizer: Annotated[Literal["adam", "adagrad", "muon"], "How weights follow their gradients."] = "adam"
    adam_warmup_steps: Annotated[int, "Steps at the start that Adam takes, before another optimizer takes over."] = 0
    learning_rate: Annotated[Schedule, "Size of a step."] = 5e-4
    precision: Annotated[
        Literal["float32", "tf32", "bfloat16"], "Compute dtype; tf32 is float32 on a CPU, and faster on a GPU."
    ] = "float32"
    compile: Annotated[
        bool, "Compile the step by torch.compile: some 20 seconds at the start; on a GPU faster from then on."
    ] = False
    seed: Annotated[int, "Seed of the weights, the order of the images and the noise."] = 0
    log_every: Annotated[int, "Steps that a line of history.csv is a mean of."] = 100
    kl_decomposition_every: Annotated[int, "Steps from one estimate of the KL's parts to the next. 0: none."] = 0
    stream: Annotated[bool, "Leave the images on the disk, and read them ahead of training in shuffled blocks."] = False

    def __post_init__(self) -> None:
        require_at_least(self, 1, "steps", "batch_size", "log_every")
        require_at_least(
            self, 0, "compress_schedule_to", "learning_rate", "adam_warmup_steps", "kl_decomposition_every", "seed"
        )
        require_at_most(self, MAX_SEED, "seed")
        require_at_most(self, self.steps, "compress_schedule_to")

    @property
    def num_steps(self) -> int:
        """Steps that are taken: all, or those of the short form."""
        return self.compress_schedule_to or self.steps

    def reference_step(self, step: int) -> int:
        """The step of the whole experiment that a step stands for: itself, unless this is a short form."""
        return step * self.steps // self.num_steps


@dataclass(frozen=True)
class LoggingParams:
    """What a run leaves on its way, none of which changes its result."""

    checkpoint_every: Annotated[int, "Steps from one last.pt, to go on from, to the next. 0: by time alone."] = 0
    checkpoint_minutes: Annotated[float, "Minutes from one last.pt to the next. 0: by steps alone."] = 2.0
    save_best: Annotated[bool, "Keep best.pt, the model at the line of history.csv with the least loss."] = False
    tensorboard: Annotated[bool, "Write the curves for TensorBoard, too."] = False
    log_images_every: Annotated[int, "Steps from one picture of reconstructions to the next. 0: none."] = 0

    def __post_init__(self) -> None:
        require_at_least(self, 0, "checkpoint_every", "checkpoint_minutes", "log_images_every")


@dataclass(frozen=True)
class EvaluateParams:
    """How a representation is scored."""

    seed: Annotated[int, "Seed of the noise and of what the metrics draw."] = 0
    repeats: Annotated[int, "Times that each metric is computed; their mean and standard deviation are told."] = 1
    metrics: Annotated[tuple[str, ...], "A metric to compute. May be repeated. Default: all that are quick."] = ()
    factors: Annotated[tuple[str, ...], "A factor to score by. May be repeated. Default: all."] = ()
    full_elbo: Annotated[bool, "Take the bound from every image, not from 20,000 drawn ones."] = False

    def __post_init__(self) -> None:
        require_at_least(self, 0, "seed")
        require_at_least(self, 1, "repeats")
        require_at_most(self, MAX_SEED, "seed")


@dataclass(frozen=True)
class TraverseParams:
    """How latents are moved."""

    base_code: Annotated[
        Literal["posterior", "prior", "zero"],
        "What is held: the codes of images, draws of the prior, or a zero vector.",
    ] = "posterior"
    range: Annotated[Literal["prior", "data"], "How far: --max-std either way, or what the data spans."] = "prior"
    max_std: Annotated[float, "End of the range, in standard deviations of the prior."] = 3.0
    images: Annotated[int, "Images or draws side by side."] = 3
    num_values: Annotated[int, "Values of a latent across the PNG."] = 7
    frames: Annotated[int, "Frames of a GIF, there and back."] = 60
    fps: Annotated[int, "Frames a second."] = 15
    include_inactive: Annotated[bool, "Draw unused latents, too."] = False
    largest_mean_latent: Annotated[bool, "Draw the latent alone whose mean over the data is farthest from zero."] = (
        False
    )
    seed: Annotated[int, "Seed of the draws of the prior."] = 0

    def __post_init__(self) -> None:
        require_at_least(self, 1, "images", "fps")
        require_at_least(self, 2, "num_values", "frames")
        require_at_least(self, 0, "max_std", "seed")
        require_at_most(self, 50, "fps")  # no viewer shows a GIF faster
        require_at_most(self, 1000, "num_values", "frames")
        require_at_most(self, MAX_SEED, "seed")


@dataclass(frozen=True)
class ReconstructParams:
    """Which images are shown beside their reconstructions."""

    images: Annotated[int, "Number of images."] = 12

    def __post_init__(self) -> None:
        require_at_least(self, 1, "images")


@dataclass(frozen=True)
class Params:
    """A whole experiment, one field a section of params.yaml."""

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
