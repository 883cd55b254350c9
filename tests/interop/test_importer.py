"""bvae import: models in the layouts of other programs, good and bad, and what can be done with them."""

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
from bvae_cli.figures.rendering import LABEL, MARGIN
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


def drawn(shapes: dict[str, tuple[int, ...]]) -> Weights:
    """Weights of these shapes, so large that a picture is still felt in the last layer."""
    chance, weights = torch.Generator().manual_seed(3), {}
    for layer, shape in shapes.items():
        fan = torch.Size(shape[1:]).numel() if len(shape) == 2 or layer.startswith("encoder") else 4 * shape[0]
        outputs = shape[1] if len(shape) == 4 and layer.startswith("decoder") else shape[0]
        weights[f"{layer}.weight"] = torch.randn(shape, generator=chance) * (2 / fan) ** 0.5
        weights[f"{layer}.bias"] = torch.randn(outputs, generator=chance) * 0.1
    return weights


def parameters(weights: Weights, layer: str) -> tuple[Tensor, Tensor]:
    return weights[f"{layer}.weight"], weights[f"{layer}.bias"]


def yanndubs_encode(weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    for layer in ("conv1", "conv2", "conv3", "conv_64"):
        x = torch.relu(functional.conv2d(x, *parameters(weights, f"encoder.{layer}"), stride=2, padding=1))
    x = x.view(len(x), -1)
    for layer in ("lin1", "lin2"):
        x = torch.relu(functional.linear(x, *parameters(weights, f"encoder.{layer}")))
    x = functional.linear(x, *parameters(weights, "encoder.mu_logvar_gen"))
    mean, logvar = x.view(len(x), -1, 2).unbind(-1)
    return mean, logvar


def yanndubs_decode(weights: Weights, x: Tensor) -> Tensor:
    for layer in ("lin1", "lin2", "lin3"):
        x = torch.relu(functional.linear(x, *parameters(weights, f"decoder.{layer}")))
    x = x.view(len(x), 32, 4, 4)
    for layer in ("convT_64", "convT1", "convT2"):
        x = torch.relu(functional.conv_transpose2d(x, *parameters(weights, f"decoder.{layer}"), stride=2, padding=1))
    return torch.sigmoid(functional.conv_transpose2d(x, *parameters(weights, "decoder.convT3"), stride=2, padding=1))


def konny_encode(weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
    *hidden, last = [
        name.removesuffix(".weight") for name in weights if name.startswith("encoder") and "weight" in name
    ]
    for layer in hidden:
        weight, bias = parameters(weights, layer)
        if weight.ndim == 2:
            x = functional.linear(x.flatten(1), weight, bias)
        else:
            narrow = x.shape[-1] == 4 and len(weight) == 256
            x = functional.conv2d(x, weight, bias, stride=1 if narrow else 2, padding=0 if narrow else 1)
        x = torch.relu(x)
    x = functional.linear(x.flatten(1), *parameters(weights, last))
    latents = x.shape[1] // 2
    return x[:, :latents], x[:, latents:]


def konny_decode(weights: Weights, x: Tensor) -> Tensor:
    layers = [name.removesuffix(".weight") for name in weights if name.startswith("decoder") and "weight" in name]
    for layer in layers:
        weight, bias = parameters(weights, layer)
        if layer != layers[0]:
            x = torch.relu(x)
        if weight.ndim == 2:
            x = functional.linear(x, weight, bias)
            continue
        x = x if x.ndim == 4 else x.view(len(x), *((256, 1, 1) if x.shape[1] == 256 else (32, 4, 4)))
        narrow = x.shape[-1] == 1
        x = functional.conv_transpose2d(x, weight, bias, stride=1 if narrow else 2, padding=0 if narrow else 1)
    return torch.sigmoid(x)


def konny_content(net: str, **changes: Any) -> dict[str, Any]:
    weights = drawn(NUMBERED[net])
    moments = {index: {"step": 7, "exp_avg": weight} for index, weight in enumerate(weights.values())}
    optimiser = {"state": moments, "param_groups": [{"lr": 5e-4, "betas": (0.9, 0.999), "params": list(moments)}]}
    content = {"iter": 1_500_000, "win_states": {"recon": None}, "model_states": {"net": weights}}
    return content | {"optim_states": {"optim": optimiser}} | changes


def doubled(weights: Weights) -> Weights:
    return {name: weight.double() for name, weight in weights.items()}


Write = Callable[[Any, str], None]


@pytest.fixture(params=[True, False], ids=["zip", "old"])
def write(request: pytest.FixtureRequest) -> Write:
    return lambda content, name: torch.save(content, name, _use_new_zipfile_serialization=request.param)


def agree(checkpoint: str, encoded: tuple[Tensor, Tensor], images: Tensor, decoded: Tensor, z: Tensor) -> None:
    vae = load_checkpoint(Path(checkpoint)).vae.double()  # in float32 the two round differently, by some 1e-6
    with torch.no_grad():
        for ours, theirs in zip((*vae.encode(images), vae.decode(z)), (*encoded, decoded), strict=True):
            assert theirs.std(dim=0).max() > 0.01  # or they would agree whatever the weights are
            assert (ours - theirs).abs().max() < 1e-6


def test_a_model_of_named_layers_computes_the_same(bvae: Bvae, write: Write) -> None:
    weights, images, z = drawn(SHAPES), torch.rand(3, 1, 64, 64).double(), torch.randn(3, 10).double()
    write(weights, "model.pt")
    result = bvae("import", "model.pt")
    assert result.code == 0
    assert (
        "runs/model/checkpoint.pt is ready: burgess, 10 latents, on dsprites, from model.pt of YannDubs" in result.err
    )
    exact = doubled(weights)
    encoded, decoded = yanndubs_encode(exact, images), yanndubs_decode(exact, z)
    agree("runs/model/checkpoint.pt", encoded, images, decoded, z)
    assert load_checkpoint(Path("runs/model/checkpoint.pt")).step == 0


@pytest.mark.parametrize(("net", "channels", "latents"), [("burgess", 1, 10), ("higgins_conv", 3, 16)])
def test_a_model_of_numbered_layers_computes_the_same(
    bvae: Bvae, write: Write, net: str, channels: int, latents: int
) -> None:
    content, images, z = konny_content(net), torch.rand(3, channels, 64, 64).double(), torch.randn(3, latents).double()
    exact = doubled(content["model_states"]["net"])
    write(content, "last")
    assert bvae("import", "last", "--likelihood", "gaussian", "--out", "here").code == 0
    agree("here/checkpoint.pt", konny_encode(exact, images), images, konny_decode(exact, z), z)
    model = load_checkpoint(Path("here/checkpoint.pt"))
    assert (model.params.model.net, model.spec.channels, model.step) == (net, channels, 1_500_000)


def test_weights_of_other_precision_are_read(bvae: Bvae) -> None:
    weights = drawn(SHAPES)
    for name, kind in (("half.pt", torch.float16), ("double.pt", torch.float64)):
        torch.save({key: weight.to(kind) for key, weight in weights.items()}, name)
        assert bvae("import", name).code == 0
    read = load_checkpoint(Path("runs/double/checkpoint.pt")).vae.state_dict()
    assert torch.equal(read["decoder.13.bias"], weights["decoder.convT3.bias"])


def without(key: str) -> Weights:
    return {name: weight for name, weight in drawn(SHAPES).items() if name != key}


def with_one(key: str, weight: Any) -> dict[Any, Any]:
    return drawn(SHAPES) | {key: weight}


WRONG = [
    (without("encoder.conv_64.bias"), "missing: encoder.conv_64.bias"),
    ({"encoder.conv1.weight": torch.zeros(32, 1, 4, 4)}, "missing: encoder.conv1.bias, encoder.conv2.weight, "),
    (with_one("encoder.conv4.weight", torch.zeros(3)), "not of this net: encoder.conv4.weight"),
    (with_one("decoder.lin2.weight", torch.zeros(256, 128)), "decoder.lin2.weight is (256, 128), not (256, 256)"),
    (with_one("encoder.conv1.weight", torch.zeros(32)), "encoder.conv1.weight is (32,), not (32, 1, 4, 4)"),
    (with_one("encoder.conv1.weight", torch.zeros(32, 7, 4, 4)), "decoder.convT3.weight is (32, 1, 4, 4), not (32, 7"),
    (with_one("encoder.mu_logvar_gen.weight", torch.zeros(21, 256)), "mu_logvar_gen.weight is (21, 256), not (20"),
    (with_one("encoder.mu_logvar_gen.weight", torch.tensor(1.0)), "encoder.mu_logvar_gen.weight is (), not (2, 256)"),
    (with_one("encoder.lin1.bias", torch.full((256,), torch.nan)), "encoder.lin1.bias is not finite"),
    (with_one("encoder.lin1.bias", torch.full((256,), 1e300, dtype=torch.float64)), "encoder.lin1.bias is not finite"),
    (with_one("encoder.lin1.bias", torch.zeros(256, dtype=torch.int64)), "encoder.lin1.bias is no tensor of numbers"),
    (with_one("encoder.lin1.bias", "nonsense"), "encoder.lin1.bias is no tensor of numbers"),
    (konny_content("burgess", model_states={}), "model_states.net is missing"),
    (konny_content("burgess", model_states=3), "model_states.net is missing"),
    (konny_content("burgess", iter=None), "iter, the number of steps, is missing"),
    (konny_content("higgins_conv", model_states={"net": {"encoder.0.weight": 1}}), "missing: encoder.0.bias"),
    ({"layer1.0.conv1.weight": torch.zeros(3)}, "model.pt is in no layout that is known"),
    ([torch.zeros(3)], "model.pt is in no layout that is known"),
    (torch.zeros(3), "model.pt is in no layout that is known"),
]


@pytest.mark.parametrize(("content", "said"), WRONG, ids=[said for _, said in WRONG])
def test_a_file_that_is_no_such_model_is_refused_and_what_is_wrong_named(bvae: Bvae, content: Any, said: str) -> None:
    torch.save(content, "model.pt")
    result = bvae("import", "model.pt")
    assert result.code == 1
    problem, remedy = result.err.strip().splitlines()
    assert said in problem
    assert "model.pt" in problem
    assert "state dict with encoder.conv1.weight" in remedy or "model_states.net and iter" in remedy
    assert [str(path) for path in Path().iterdir()] == ["model.pt"]


def test_a_model_for_pictures_of_other_channels_than_one_or_three_is_refused(bvae: Bvae) -> None:
    shapes = SHAPES | {"encoder.conv1": (32, 2, 4, 4), "decoder.convT3": (32, 2, 4, 4)}
    torch.save(drawn(shapes), "model.pt")
    assert "encoder.conv1.weight takes pictures of 2 channels, not of 1 or 3" in bvae("import", "model.pt").err


def test_a_layout_that_is_not_known_is_answered_with_those_that_are(bvae: Bvae) -> None:
    torch.save({"conv.weight": torch.zeros(3)}, "model.pt")
    said = bvae("import", "model.pt").err
    assert "YannDubs/disentangling-vae: model.pt" in said
    assert "1Konny/Beta-VAE: last" in said


def test_a_file_cut_anywhere_is_refused(bvae: Bvae, write: Write) -> None:
    write(drawn(SHAPES), "whole.pt")
    whole = Path("whole.pt").read_bytes()
    for length in range(0, len(whole), len(whole) // 10 + 1):
        Path("cut.pt").write_bytes(whole[:length])
        result = bvae("import", "cut.pt")
        assert result.code == 1
        assert "Error: cut.pt is" in result.err
    assert not Path("runs").exists()


def test_a_file_that_would_run_code_is_not_run(bvae: Bvae, write: Write) -> None:
    write(drawn(SHAPES) | {"optimizer": Bomb()}, "bomb.pt")
    assert "would run code" in bvae("import", "bomb.pt").err


def test_what_is_no_foreign_file_is_refused(bvae: Bvae, checkpoint: Path) -> None:
    assert "there is no checkpoint nowhere.pt" in bvae("import", "nowhere.pt").err
    assert "is a checkpoint of bvae already" in bvae("import", checkpoint).err
    Path("folder").mkdir()
    assert "cannot read folder" in bvae("import", "folder").err


def test_a_data_set_or_a_likelihood_that_does_not_fit_is_refused(bvae: Bvae) -> None:
    torch.save(drawn(SHAPES), "model.pt")
    torch.save(konny_content("higgins_conv"), "last")
    for arguments, said in (
        (("model.pt", "--dataset", "dsprite"), "did you mean dsprites?"),
        (("last", "--dataset", "dsprites"), "pictures of 3 channels; those of dsprites have 1"),
        (("model.pt", "--likelihood", "gauss"), "model.likelihood cannot be 'gauss'"),
        (("last",), "what it was trained on cannot be told"),
        (("model.pt", "--out", "/proc/here"), "cannot write /proc/here"),
    ):
        result = bvae("import", *arguments)
        assert result.code == 1
        assert said in result.err
    assert not Path("runs").exists()


@pytest.fixture(scope="module")
def with_data(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of a model that was imported where its data is."""
    folder = tmp_path_factory.mktemp("imported")
    torch.save(drawn(SHAPES), folder / "model.pt")
    subprocess.run([BVAE, "import", "model.pt", "--data", data, "--out", "."], check=True, cwd=folder)
    return folder / "checkpoint.pt"


@pytest.fixture
def without_data(bvae: Bvae) -> Path:
    """The same where there is no data."""
    torch.save(drawn(SHAPES), "model.pt")
    result = bvae("import", "model.pt", "--data", "my data")
    assert result.code == 0
    assert "says nothing of its latents and carries no images: there is no my data/dsprites.h5" in result.err
    assert "bvae download dsprites --data 'my data' && bvae import model.pt --data 'my data'" in result.err
    return Path("runs/model/checkpoint.pt")


def test_with_its_data_a_model_is_described_as_after_training(with_data: Path, checkpoint: Path, data: Path) -> None:
    model, trained, images = load_checkpoint(with_data), load_checkpoint(checkpoint), load_images(data, "dsprites")
    encoding = encode(model.vae, images, "float32", ignore_progress)
    known = summarize_latents(encoding, GroundTruth.from_grid(images.spec.factor_sizes, list(images.spec.factors)))
    assert model.spec == trained.spec
    assert torch.equal(model.examples, trained.examples)
    assert [latent.index for latent in model.latents] == list(range(10))
    for latent, expected in zip(model.latents, known, strict=True):
        assert latent.kl == pytest.approx(expected.kl, rel=1e-5)
        assert (latent.posterior_mean_min, latent.posterior_mean_max) == pytest.approx(
            (expected.posterior_mean_min, expected.posterior_mean_max), rel=1e-5
        )


def test_the_latents_keep_their_order(with_data: Path, data: Path) -> None:
    images = load_images(data, "dsprites")[:]
    means = yanndubs_encode(drawn(SHAPES), images)[0]
    lows = [latent.posterior_mean_min for latent in load_checkpoint(with_data).latents]
    assert lows == pytest.approx(means.min(dim=0).values.tolist(), rel=1e-4)


def test_with_its_data_a_model_can_do_what_one_of_ours_can(bvae: Bvae, with_data: Path, data: Path) -> None:
    options = ["--out", "here"]
    assert bvae("traverse", with_data, "--range", "data", "--frames", 2, *options).code == 0
    assert bvae("reconstruct", with_data, *options).code == 0
    assert bvae("evaluate", with_data, "--cpu", "--data", data, "--metric", "mig", *options).code == 0


def test_without_data_nothing_is_made_up(without_data: Path) -> None:
    content = torch.load(without_data, weights_only=True)
    assert content["latents"] == []
    assert content["examples"].shape == (0, 1, 64, 64)
    assert content["params"] == {"model": {"net": "burgess", "latent_dim": 10, "likelihood": None}}
    assert content["imported_from"] == "model.pt of YannDubs/disentangling-vae"


def test_a_model_in_color_is_of_no_data_set(bvae: Bvae) -> None:
    torch.save(konny_content("higgins_conv"), "last")
    result = bvae("import", "last", "--likelihood", "gaussian")
    assert "what it was trained on is not known" in result.err
    assert bvae("traverse", "runs/last/checkpoint.pt", "--frames", 2, "--num-values", 2).code == 0
    assert iio.imread("runs/last/traversal.png").shape[2] == 3
    for arguments in (("evaluate", "--cpu"), ("traverse", "--index", 3)):
        result = bvae(arguments[0], "runs/last/checkpoint.pt", *arguments[1:])
        assert result.code == 1
        assert "is none that bvae has" in result.err


def test_without_data_draws_of_the_prior_are_traversed(bvae: Bvae, without_data: Path) -> None:
    result = bvae("traverse", without_data, "--frames", 2, "--out", "here")
    assert result.code == 0
    assert "carries no images: draws of the prior are held" in result.err
    assert sorted(path.name for path in Path("here/latents").iterdir()) == [f"z{index}.gif" for index in range(10)]
    assert "draws of the prior" not in bvae("traverse", without_data, "--base-code", "prior", "--frames", 2).err


def test_without_data_latents_stand_in_their_own_order_with_their_number_alone(without_data: Path) -> None:
    axes = traversal_axes(load_checkpoint(without_data), TraverseParams(max_std=2))
    assert [(axis.index, axis.low, axis.high) for axis in axes] == [(index, -2, 2) for index in range(10)]
    assert all(axis_label(axis).details == () and not axis_label(axis).faint for axis in axes)


def test_without_data_pictures_of_one_s_own_are_taken(bvae: Bvae, without_data: Path) -> None:
    Image.new("L", (64, 64), 200).save("own.png")
    for command in ("traverse", "reconstruct"):
        result = bvae(command, without_data, "--image", "own.png")
        assert (result.code, result.err) == (0, "")
    assert iio.imread("runs/model/reconstruction.png").shape[1] == 2 * MARGIN + LABEL + 64


def test_images_by_number_are_taken_where_the_data_is_there_now(bvae: Bvae, without_data: Path, data: Path) -> None:
    for command in ("traverse", "reconstruct"):
        assert bvae(command, without_data, "--data", data, "--index", 3).code == 0
    assert bvae("evaluate", without_data, "--cpu", "--data", data, "--metric", "mig").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("reconstruct",), "the checkpoint carries no images"),
        (("traverse", "--range", "data"), "does not say what the data spans"),
        (("traverse", "--index", "3"), "there is no data file data/dsprites.h5"),
        (("traverse", "--latent", "10"), "there is no latent 10"),
        (("evaluate", "--cpu"), "there is no data file data/dsprites.h5"),
    ],
)
def test_what_cannot_be_done_without_data_is_said(
    bvae: Bvae, without_data: Path, arguments: tuple[str, ...], said: str
) -> None:
    result = bvae(arguments[0], without_data, *arguments[1:])
    assert result.code == 1
    assert said in result.err
    assert "→ " in result.err
    assert [path.name for path in without_data.parent.iterdir()] == ["checkpoint.pt"]


def test_a_foreign_model_is_not_trained_further(bvae: Bvae, with_data: Path, data: Path) -> None:
    shutil.copytree(with_data.parent, "run")
    before = Path("run/checkpoint.pt").read_bytes()
    result = bvae("train", "--cpu", "--data", data, "--steps", 3, "--out", "run", "--resume")
    assert result.code == 1
    assert "run/checkpoint.pt is model.pt of YannDubs/disentangling-vae: how it was trained is not known" in result.err
    assert Path("run/checkpoint.pt").read_bytes() == before


def test_importing_again_gives_the_same_bytes(bvae: Bvae, with_data: Path, data: Path) -> None:
    assert bvae("import", with_data.parent / "model.pt", "--data", data, "--out", "again").code == 0
    assert Path("again/checkpoint.pt").read_bytes() == with_data.read_bytes()
    save_checkpoint(load_checkpoint(with_data), Path("copy.pt"))
    assert Path("copy.pt").read_bytes() == with_data.read_bytes()
