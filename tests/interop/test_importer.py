"""bvae import: valid and invalid files of other programs, and the commands that use imported models."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as iio
import pytest
import torch
from conftest import BVAE, Bomb, Bvae
from PIL import Image
from torch import Tensor
from torch.nn import functional

from bvae_cli.checkpoint import load_checkpoint, save_checkpoint
from bvae_cli.encoding import encode
from bvae_cli.figures.rendering import LABEL_WIDTH, MARGIN
from bvae_cli.figures.traversal import axis_label, traversal_axes
from bvae_cli.images.in_memory import load_images
from bvae_cli.latents import summarize_latents
from bvae_cli.metrics.ground_truth import GroundTruth
from bvae_cli.params import TraverseParams
from bvae_cli.system.reporting import ignore_progress

Weights = dict[str, Tensor]

SHAPES = {
    "encoder.conv1": (32, 1, 4, 4), "encoder.conv2": (32, 32, 4, 4), "encoder.conv3": (32, 32, 4, 4),
    "encoder.conv_64": (32, 32, 4, 4), "encoder.lin1": (256, 512), "encoder.lin2": (256, 256),
    "encoder.mu_logvar_gen": (20, 256), "decoder.lin1": (256, 10), "decoder.lin2": (256, 256),
    "decoder.lin3": (512, 256), "decoder.convT_64": (32, 32, 4, 4), "decoder.convT1": (32, 32, 4, 4),
    "decoder.convT2": (32, 32, 4, 4), "decoder.convT3": (32, 1, 4, 4),
}  # fmt: skip
NUMBERED = {
    "burgess": {
        "encoder.0": (32, 1, 4, 4), "encoder.2": (32, 32, 4, 4), "encoder.4": (32, 32, 4, 4),
        "encoder.6": (32, 32, 4, 4), "encoder.9": (256, 512), "encoder.11": (256, 256), "encoder.13": (20, 256),
        "decoder.0": (256, 10), "decoder.2": (256, 256), "decoder.4": (512, 256), "decoder.7": (32, 32, 4, 4),
        "decoder.9": (32, 32, 4, 4), "decoder.11": (32, 32, 4, 4), "decoder.13": (32, 1, 4, 4),
    },
    "higgins_conv": {
        "encoder.0": (32, 3, 4, 4), "encoder.2": (32, 32, 4, 4), "encoder.4": (64, 32, 4, 4),
        "encoder.6": (64, 64, 4, 4), "encoder.8": (256, 64, 4, 4), "encoder.11": (32, 256),
        "decoder.0": (256, 16), "decoder.3": (256, 64, 4, 4), "decoder.5": (64, 64, 4, 4),
        "decoder.7": (64, 32, 4, 4), "decoder.9": (32, 32, 4, 4), "decoder.11": (32, 3, 4, 4),
    },
}  # fmt: skip


def random_weights(shapes: dict[str, tuple[int, ...]]) -> Weights:
    """Return random weights of the given shapes, large enough that the outputs depend on the image."""
    rng, weights = torch.Generator().manual_seed(3), {}
    for layer, shape in shapes.items():
        fan = torch.Size(shape[1:]).numel() if len(shape) == 2 or layer.startswith("encoder") else 4 * shape[0]
        outputs = shape[1] if len(shape) == 4 and layer.startswith("decoder") else shape[0]
        weights[f"{layer}.weight"] = torch.randn(shape, generator=rng) * (2 / fan) ** 0.5
        weights[f"{layer}.bias"] = torch.randn(outputs, generator=rng) * 0.1
    return weights


def layer_parameters(weights: Weights, layer: str) -> tuple[Tensor, Tensor]:
    return weights[f"{layer}.weight"], weights[f"{layer}.bias"]


def yanndubs_encode(weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    for layer in ("conv1", "conv2", "conv3", "conv_64"):
        x = torch.relu(functional.conv2d(x, *layer_parameters(weights, f"encoder.{layer}"), stride=2, padding=1))
    x = x.view(len(x), -1)
    for layer in ("lin1", "lin2"):
        x = torch.relu(functional.linear(x, *layer_parameters(weights, f"encoder.{layer}")))
    x = functional.linear(x, *layer_parameters(weights, "encoder.mu_logvar_gen"))
    mean, logvar = x.view(len(x), -1, 2).unbind(-1)
    return mean, logvar


def yanndubs_decode(weights: Weights, x: Tensor) -> Tensor:
    for layer in ("lin1", "lin2", "lin3"):
        x = torch.relu(functional.linear(x, *layer_parameters(weights, f"decoder.{layer}")))
    x = x.view(len(x), 32, 4, 4)
    for layer in ("convT_64", "convT1", "convT2"):
        x = torch.relu(
            functional.conv_transpose2d(x, *layer_parameters(weights, f"decoder.{layer}"), stride=2, padding=1)
        )
    return torch.sigmoid(
        functional.conv_transpose2d(x, *layer_parameters(weights, "decoder.convT3"), stride=2, padding=1)
    )


def konny_encode(weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    *hidden, last = [
        name.removesuffix(".weight") for name in weights if name.startswith("encoder") and "weight" in name
    ]
    for layer in hidden:
        weight, bias = layer_parameters(weights, layer)
        if weight.ndim == 2:
            x = functional.linear(x.flatten(1), weight, bias)
        else:
            is_last_conv = x.shape[-1] == 4 and len(weight) == 256
            x = functional.conv2d(x, weight, bias, stride=1 if is_last_conv else 2, padding=0 if is_last_conv else 1)
        x = torch.relu(x)
    x = functional.linear(x.flatten(1), *layer_parameters(weights, last))
    latents = x.shape[1] // 2
    return x[:, :latents], x[:, latents:]


def konny_decode(weights: Weights, x: Tensor) -> Tensor:
    layers = [name.removesuffix(".weight") for name in weights if name.startswith("decoder") and "weight" in name]
    for layer in layers:
        weight, bias = layer_parameters(weights, layer)
        if layer != layers[0]:
            x = torch.relu(x)
        if weight.ndim == 2:
            x = functional.linear(x, weight, bias)
            continue
        x = x if x.ndim == 4 else x.view(len(x), *((256, 1, 1) if x.shape[1] == 256 else (32, 4, 4)))
        is_first_conv = x.shape[-1] == 1
        stride, padding = (1, 0) if is_first_conv else (2, 1)
        x = functional.conv_transpose2d(x, weight, bias, stride=stride, padding=padding)
    return torch.sigmoid(x)


def konny_content(net: str, **changes: Any) -> dict[str, Any]:
    weights = random_weights(NUMBERED[net])
    state = {index: {"step": 7, "exp_avg": weight} for index, weight in enumerate(weights.values())}
    optimizer = {"state": state, "param_groups": [{"lr": 5e-4, "betas": (0.9, 0.999), "params": list(state)}]}
    content = {"iter": 1_500_000, "win_states": {"recon": None}, "model_states": {"net": weights}}
    return content | {"optim_states": {"optim": optimizer}} | changes


def to_float64(weights: Weights) -> Weights:
    return {name: weight.double() for name, weight in weights.items()}


Write = Callable[[Any, str], None]


@pytest.fixture(params=[True, False], ids=["zip", "old"])
def write(request: pytest.FixtureRequest) -> Write:
    return lambda content, name: torch.save(content, name, _use_new_zipfile_serialization=request.param)


def require_same_outputs(
    checkpoint: str, encoded: tuple[Tensor, Tensor], images: Tensor, decoded: Tensor, z: Tensor
) -> None:
    vae = load_checkpoint(Path(checkpoint)).vae.double()  # in float32 rounding errors differ by about 1e-6
    with torch.no_grad():
        for ours, theirs in zip((*vae.encode(images), vae.decode(z)), (*encoded, decoded), strict=True):
            assert theirs.std(dim=0).max() > 0.01  # outputs depend on the inputs, so equality is no coincidence
            assert (ours - theirs).abs().max() < 1e-6


def test_imported_model_with_named_layers_has_the_same_outputs(bvae: Bvae, write: Write) -> None:
    weights, images, z = random_weights(SHAPES), torch.rand(3, 1, 64, 64).double(), torch.randn(3, 10).double()
    write(weights, "model.pt")
    result = bvae("import", "model.pt")
    assert result.code == 0
    assert (
        "runs/model/checkpoint.pt is ready: burgess, 10 latents, on dsprites, from model.pt of YannDubs" in result.err
    )
    exact = to_float64(weights)
    encoded, decoded = yanndubs_encode(exact, images), yanndubs_decode(exact, z)
    require_same_outputs("runs/model/checkpoint.pt", encoded, images, decoded, z)
    assert load_checkpoint(Path("runs/model/checkpoint.pt")).step == 0


@pytest.mark.parametrize(("net", "channels", "latents"), [("burgess", 1, 10), ("higgins_conv", 3, 16)])
def test_imported_model_with_numbered_layers_has_the_same_outputs(
    bvae: Bvae, write: Write, net: str, channels: int, latents: int
) -> None:
    content, images, z = konny_content(net), torch.rand(3, channels, 64, 64).double(), torch.randn(3, latents).double()
    exact = to_float64(content["model_states"]["net"])
    write(content, "last")
    assert bvae("import", "last", "--likelihood", "gaussian", "--out", "here").code == 0
    require_same_outputs("here/checkpoint.pt", konny_encode(exact, images), images, konny_decode(exact, z), z)
    model = load_checkpoint(Path("here/checkpoint.pt"))
    assert (model.params.model.net, model.spec.channels, model.step) == (net, channels, 1_500_000)


def test_weights_of_other_dtypes_are_converted(bvae: Bvae) -> None:
    weights = random_weights(SHAPES)
    for name, dtype in (("half.pt", torch.float16), ("double.pt", torch.float64)):
        torch.save({key: weight.to(dtype) for key, weight in weights.items()}, name)
        assert bvae("import", name).code == 0
    imported = load_checkpoint(Path("runs/double/checkpoint.pt")).vae.state_dict()
    assert torch.equal(imported["decoder.13.bias"], weights["decoder.convT3.bias"])


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: f"module.{name}",
        lambda name: f"_orig_mod.{name}",
        lambda name: f"_orig_mod.module.{name}",
        lambda name: f"vae.{name}",
        lambda name: f"module.model.vae.{name}",
        lambda name: name.replace("coder.", "coder.module."),
    ],
)
@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict"])
def test_prefixes_of_wrapped_networks_make_no_difference(
    bvae: Bvae, rename: Callable[[str], str], key: str | None
) -> None:
    weights = random_weights(SHAPES)
    wrapped = {rename(name): weight for name, weight in weights.items()}
    torch.save({key: wrapped, "epoch": 3} if key else wrapped, "model.pt")
    assert bvae("import", "model.pt").code == 0
    imported = load_checkpoint(Path("runs/model/checkpoint.pt")).vae.state_dict()
    assert torch.equal(imported["decoder.13.bias"], weights["decoder.convT3.bias"])


def test_two_weights_with_the_same_name_are_an_error(bvae: Bvae) -> None:
    weights = random_weights(SHAPES)
    torch.save(weights | {f"module.{name}": weight for name, weight in weights.items()}, "model.pt")
    result = bvae("import", "model.pt")
    assert result.code == 1
    assert "two of its weights have the same name" in result.err


def without(key: str) -> Weights:
    return {name: weight for name, weight in random_weights(SHAPES).items() if name != key}


def with_replaced(key: str, weight: Any) -> dict[Any, Any]:
    return random_weights(SHAPES) | {key: weight}


INVALID = [
    (without("encoder.conv_64.bias"), "missing weights: encoder.conv_64.bias"),
    ({"encoder.conv1.weight": torch.zeros(32, 1, 4, 4)}, "missing weights: encoder.conv1.bias, encoder.conv2.weight, "),
    (with_replaced("encoder.conv4.weight", torch.zeros(3)), "unexpected weights: encoder.conv4.weight"),
    (
        with_replaced("decoder.lin2.weight", torch.zeros(256, 128)),
        "decoder.lin2.weight has shape (256, 128), expected (256, 256)",
    ),
    (
        with_replaced("encoder.conv1.weight", torch.zeros(32)),
        "encoder.conv1.weight has shape (32,), expected (32, 1, 4, 4)",
    ),
    (
        with_replaced("encoder.conv1.weight", torch.zeros(32, 7, 4, 4)),
        "decoder.convT3.weight has shape (32, 1, 4, 4), expected (32, 7",
    ),
    (
        with_replaced("encoder.mu_logvar_gen.weight", torch.zeros(21, 256)),
        "mu_logvar_gen.weight has shape (21, 256), expected (20",
    ),
    (
        with_replaced("encoder.mu_logvar_gen.weight", torch.tensor(1.0)),
        "encoder.mu_logvar_gen.weight has shape (), expected (2, 256)",
    ),
    (with_replaced("encoder.lin1.bias", torch.full((256,), torch.nan)), "encoder.lin1.bias contains NaN or infinity"),
    (
        with_replaced("encoder.lin1.bias", torch.full((256,), 1e300, dtype=torch.float64)),
        "encoder.lin1.bias contains NaN or infinity",
    ),
    (
        with_replaced("encoder.lin1.bias", torch.zeros(256, dtype=torch.int64)),
        "encoder.lin1.bias is not a floating-point tensor",
    ),
    (with_replaced("encoder.lin1.bias", "nonsense"), "encoder.lin1.bias is not a floating-point tensor"),
    (konny_content("burgess", model_states={}), "model_states.net is missing"),
    (konny_content("burgess", model_states=3), "model_states.net is missing"),
    (konny_content("burgess", iter=None), "iter, the number of steps, is missing"),
    (konny_content("higgins_conv", model_states={"net": {"encoder.0.weight": 1}}), "missing weights: encoder.0.bias"),
    ({"layer1.0.conv1.weight": torch.zeros(3)}, "unsupported checkpoint layout: model.pt"),
    ([torch.zeros(3)], "unsupported checkpoint layout: model.pt"),
    (torch.zeros(3), "unsupported checkpoint layout: model.pt"),
]


@pytest.mark.parametrize(("content", "expected"), INVALID, ids=[expected for _, expected in INVALID])
def test_invalid_file_is_refused_with_the_reason(bvae: Bvae, content: Any, expected: str) -> None:
    torch.save(content, "model.pt")
    result = bvae("import", "model.pt")
    assert result.code == 1
    problem, hint = result.err.strip().splitlines()
    assert expected in problem
    assert "model.pt" in problem
    assert "state dict with encoder.conv1.weight" in hint or "model_states.net and iter" in hint
    assert [str(path) for path in Path().iterdir()] == ["model.pt"]


def test_model_with_other_than_one_or_three_channels_is_refused(bvae: Bvae) -> None:
    shapes = SHAPES | {"encoder.conv1": (32, 2, 4, 4), "decoder.convT3": (32, 2, 4, 4)}
    torch.save(random_weights(shapes), "model.pt")
    assert "encoder.conv1.weight has 2 input channels, expected 1 or 3" in bvae("import", "model.pt").err


def test_supported_layouts_are_listed_for_an_unsupported_one(bvae: Bvae) -> None:
    torch.save({"conv.weight": torch.zeros(3)}, "model.pt")
    error = bvae("import", "model.pt").err
    assert "YannDubs/disentangling-vae: model.pt" in error
    assert "1Konny/Beta-VAE: last" in error


def test_truncated_file_is_refused(bvae: Bvae, write: Write) -> None:
    write(random_weights(SHAPES), "complete.pt")
    content = Path("complete.pt").read_bytes()
    for length in range(0, len(content), len(content) // 10 + 1):
        Path("cut.pt").write_bytes(content[:length])
        result = bvae("import", "cut.pt")
        assert result.code == 1
        assert "Error: cut.pt is" in result.err
    assert not Path("runs").exists()


def test_code_in_a_file_is_not_executed(bvae: Bvae, write: Write) -> None:
    write(random_weights(SHAPES) | {"optimizer": Bomb()}, "bomb.pt")
    assert "corrupt, or contains pickled code" in bvae("import", "bomb.pt").err


def test_missing_file_own_checkpoint_and_folder_are_refused(bvae: Bvae, checkpoint: Path) -> None:
    assert "checkpoint not found: nowhere.pt" in bvae("import", "nowhere.pt").err
    assert "is already a checkpoint of bvae" in bvae("import", checkpoint).err
    Path("folder").mkdir()
    assert "cannot read folder" in bvae("import", "folder").err


def test_invalid_dataset_or_likelihood_is_refused(bvae: Bvae) -> None:
    torch.save(random_weights(SHAPES), "model.pt")
    torch.save(konny_content("higgins_conv"), "last")
    for arguments, expected in (
        (("model.pt", "--dataset", "dsprite"), "did you mean dsprites?"),
        (("last", "--dataset", "dsprites"), "the model has 3 channels, but the images of dsprites have 1"),
        (("model.pt", "--likelihood", "gauss"), "model.likelihood cannot be 'gauss'"),
        (("last",), "cannot infer the training data of a model with 3 channels"),
        (("model.pt", "--out", "/proc/here"), "cannot write /proc/here"),
    ):
        result = bvae("import", *arguments)
        assert result.code == 1
        assert expected in result.err
    assert not Path("runs").exists()


@pytest.fixture(scope="module")
def with_data(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint that was imported with its data file."""
    folder = tmp_path_factory.mktemp("imported")
    torch.save(random_weights(SHAPES), folder / "model.pt")
    subprocess.run([BVAE, "import", "model.pt", "--data", data, "--out", "."], check=True, cwd=folder)
    return folder / "checkpoint.pt"


@pytest.fixture
def without_data(bvae: Bvae) -> Path:
    """A checkpoint of the same model, imported without its data file."""
    torch.save(random_weights(SHAPES), "model.pt")
    result = bvae("import", "model.pt", "--data", "my data")
    assert result.code == 0
    assert "has no latent statistics and no example images: my data/dsprites.h5 not found" in result.err
    assert "bvae download dsprites --data 'my data' && bvae import model.pt --data 'my data'" in result.err
    return Path("runs/model/checkpoint.pt")


def test_latent_statistics_and_examples_equal_those_after_training(
    with_data: Path, checkpoint: Path, data: Path
) -> None:
    model, trained, images = load_checkpoint(with_data), load_checkpoint(checkpoint), load_images(data, "dsprites")
    posteriors = encode(model.vae, images, "float32", ignore_progress)
    statistics = summarize_latents(
        posteriors, GroundTruth.from_grid(images.spec.factor_sizes, list(images.spec.factors))
    )
    assert model.spec == trained.spec
    assert torch.equal(model.examples, trained.examples)
    assert [latent.index for latent in model.latents] == list(range(10))
    for latent, expected in zip(model.latents, statistics, strict=True):
        assert latent.kl == pytest.approx(expected.kl, rel=1e-5)
        assert (latent.posterior_mean_min, latent.posterior_mean_max) == pytest.approx(
            (expected.posterior_mean_min, expected.posterior_mean_max), rel=1e-5
        )


def test_order_of_latents_is_preserved(with_data: Path, data: Path) -> None:
    images = load_images(data, "dsprites")[:]
    means = yanndubs_encode(random_weights(SHAPES), images)[0]
    minima = [latent.posterior_mean_min for latent in load_checkpoint(with_data).latents]
    assert minima == pytest.approx(means.min(dim=0).values.tolist(), rel=1e-4)


def test_model_imported_with_data_supports_all_commands(bvae: Bvae, with_data: Path, data: Path) -> None:
    options = ["--out", "here"]
    assert bvae("traverse", with_data, "--range", "data", "--frames", 2, *options).code == 0
    assert bvae("reconstruct", with_data, *options).code == 0
    assert bvae("evaluate", with_data, "--cpu", "--data", data, "--metric", "mig", *options).code == 0


def test_model_imported_without_data_has_no_statistics_and_examples(without_data: Path) -> None:
    content = torch.load(without_data, weights_only=True)
    assert content["latents"] == []
    assert content["examples"].shape == (0, 1, 64, 64)
    assert content["params"] == {"model": {"net": "burgess", "latent_dim": 10, "likelihood": None}}
    assert content["imported_from"] == "model.pt of YannDubs/disentangling-vae"


def test_rgb_model_has_no_dataset(bvae: Bvae) -> None:
    torch.save(konny_content("higgins_conv"), "last")
    result = bvae("import", "last", "--likelihood", "gaussian")
    assert "its training data is unknown. Specify it with --dataset." in result.err
    assert bvae("traverse", "runs/last/checkpoint.pt", "--frames", 2, "--num-values", 2).code == 0
    assert iio.imread("runs/last/traversal.png").shape[2] == 3
    for arguments in (("evaluate", "--cpu"), ("traverse", "--index", 3)):
        result = bvae(arguments[0], "runs/last/checkpoint.pt", *arguments[1:])
        assert result.code == 1
        assert "the data set of this model is unknown" in result.err


def test_prior_samples_are_traversed_without_examples(bvae: Bvae, without_data: Path) -> None:
    result = bvae("traverse", without_data, "--frames", 2, "--out", "here")
    assert result.code == 0
    assert "contains no images: the base codes are samples of the prior" in result.err
    assert sorted(path.name for path in Path("here/latents").iterdir()) == [f"z{index}.gif" for index in range(10)]
    assert "samples of the prior" not in bvae("traverse", without_data, "--base-code", "prior", "--frames", 2).err


def test_latents_without_statistics_are_sorted_by_index_and_labelled_by_index_only(without_data: Path) -> None:
    axes = traversal_axes(load_checkpoint(without_data), TraverseParams(max_std=2))
    assert [(axis.index, axis.low, axis.high) for axis in axes] == [(index, -2, 2) for index in range(10)]
    assert all(axis_label(axis).details == () and not axis_label(axis).is_muted for axis in axes)


def test_image_files_are_traversed_and_reconstructed_without_data(bvae: Bvae, without_data: Path) -> None:
    Image.new("L", (64, 64), 200).save("own.png")
    for command in ("traverse", "reconstruct"):
        result = bvae(command, without_data, "--image", "own.png")
        assert (result.code, result.err) == (0, "")
    assert iio.imread("runs/model/reconstruction.png").shape[1] == 2 * MARGIN + LABEL_WIDTH + 64


def test_images_by_index_are_used_if_the_data_file_exists_now(bvae: Bvae, without_data: Path, data: Path) -> None:
    for command in ("traverse", "reconstruct"):
        assert bvae(command, without_data, "--data", data, "--index", 3).code == 0
    assert bvae("evaluate", without_data, "--cpu", "--data", data, "--metric", "mig").code == 0


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("reconstruct",), "the checkpoint contains no images"),
        (("traverse", "--range", "data"), "the checkpoint contains no data range of its latents"),
        (("traverse", "--index", "3"), "data file not found: data/dsprites.h5"),
        (("traverse", "--latent", "10"), "latent 10 not found"),
        (("evaluate", "--cpu"), "data file not found: data/dsprites.h5"),
    ],
)
def test_commands_that_need_data_report_that_it_is_missing(
    bvae: Bvae, without_data: Path, arguments: tuple[str, ...], expected: str
) -> None:
    result = bvae(arguments[0], without_data, *arguments[1:])
    assert result.code == 1
    assert expected in result.err
    assert "Fix: " in result.err
    assert [path.name for path in without_data.parent.iterdir()] == ["checkpoint.pt"]


def test_imported_model_is_not_resumed(bvae: Bvae, with_data: Path, data: Path) -> None:
    shutil.copytree(with_data.parent, "run")
    before = Path("run/checkpoint.pt").read_bytes()
    result = bvae("train", "--cpu", "--data", data, "--steps", 3, "--out", "run", "--resume")
    assert result.code == 1
    assert "cannot resume run/checkpoint.pt: it was imported from model.pt of YannDubs/disentangling-vae" in result.err
    assert Path("run/checkpoint.pt").read_bytes() == before


def test_repeated_import_is_bit_identical(bvae: Bvae, with_data: Path, data: Path) -> None:
    assert bvae("import", with_data.parent / "model.pt", "--data", data, "--out", "again").code == 0
    assert Path("again/checkpoint.pt").read_bytes() == with_data.read_bytes()
    save_checkpoint(load_checkpoint(with_data), Path("copy.pt"))
    assert Path("copy.pt").read_bytes() == with_data.read_bytes()
