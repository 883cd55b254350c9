"""Valid and invalid checkpoints."""

import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Bomb, Bvae
from numpy.typing import NDArray

import bvae_cli
from bvae_cli.checkpoint import FORMAT, load_checkpoint, save_checkpoint
from bvae_cli.objectives.beta_vae import BetaVAE
from bvae_cli.system.errors import BvaeError


def test_a_loaded_and_saved_checkpoint_is_bit_identical(checkpoint: Path, tmp_path: Path) -> None:
    save_checkpoint(load_checkpoint(checkpoint), tmp_path / "copy.pt")
    assert (tmp_path / "copy.pt").read_bytes() == checkpoint.read_bytes()


def test_a_checkpoint_contains_params_data_spec_latents_and_examples(checkpoint: Path) -> None:
    content = load_checkpoint(checkpoint)
    assert content.step == content.params.train.steps == 200
    assert content.params.objective == BetaVAE(beta=0.1)
    assert content.spec.factors == {"shape": 3, "scale": 2, "orientation": 4, "posX": 4, "posY": 4}
    assert [latent.index for latent in content.latents] == list(range(10))
    assert content.examples.shape == (32, 1, 64, 64)
    assert content.program == f"bvae {bvae_cli.__version__} with torch {torch.__version__}"


def test_a_checkpoint_without_the_training_program_is_read(checkpoint: Path) -> None:
    assert load_checkpoint(write_changed(checkpoint, program=None)).program is None


def test_the_weights_are_contiguous(checkpoint: Path) -> None:
    content = torch.load(checkpoint, weights_only=True)
    assert all(weight.is_contiguous() for weight in content["weights"].values())


def test_the_first_examples_are_a_square_an_ellipse_and_a_heart(
    checkpoint: Path, all_sprites: NDArray[np.uint8]
) -> None:
    examples = load_checkpoint(checkpoint).examples[:3].numpy().reshape(3, -1)
    assert np.array_equal(np.packbits(examples, axis=1), all_sprites[:, 5, 0, 16, 16])


def load_error(path: Path) -> BvaeError:
    """Return the error that loading a checkpoint raises."""
    with pytest.raises(BvaeError) as caught:
        load_checkpoint(path)
    return caught.value


def write_changed(checkpoint: Path, **changes: Any) -> Path:
    """Write a copy of a checkpoint with changed content, and return its path."""
    content = torch.load(checkpoint, weights_only=True)
    torch.save(content | changes, "changed.pt")
    return Path("changed.pt")


def test_the_hint_for_a_missing_checkpoint_is_how_to_train_one() -> None:
    error = load_error(Path("nowhere.pt"))
    assert error.message == "checkpoint not found: nowhere.pt"
    assert "bvae train" in error.hint


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    assert load_error(tmp_path).message.startswith("cannot read")


def test_a_checkpoint_truncated_anywhere_is_an_error(checkpoint: Path) -> None:
    content = checkpoint.read_bytes()
    for length in range(0, len(content), len(content) // 25):
        Path("truncated.pt").write_bytes(content[:length])
        message = load_error(Path("truncated.pt")).message
        assert "truncated.pt" in message
        assert "cannot read" not in message


def test_pickled_code_is_not_executed() -> None:
    torch.save({"format": 1, "weights": Bomb()}, "bomb.pt")
    Path("bomb.pickle").write_bytes(pickle.dumps(Bomb()))
    for name in ("bomb.pt", "bomb.pickle"):
        assert "corrupt, or contains pickled code" in load_error(Path(name)).message


def test_the_checkpoint_of_another_codebase_is_an_error() -> None:
    torch.save({"encoder.conv1.weight": torch.zeros(3)}, "model.pt")
    assert load_error(Path("model.pt")).message == "model.pt is not a checkpoint of bvae"


@pytest.mark.parametrize(("offset", "hint"), [(1, "upgrade bvae: pip install"), (-2, "train the model again")])
def test_an_unsupported_format_is_an_error(checkpoint: Path, offset: int, hint: str) -> None:
    error = load_error(write_changed(checkpoint, format=FORMAT + offset))
    assert f"unsupported checkpoint format {FORMAT + offset}" in error.message
    assert error.hint.startswith(hint)


@pytest.mark.parametrize("part", ["params", "data", "weights", "latents", "examples", "step"])
def test_a_checkpoint_with_a_missing_or_invalid_part_is_an_error(checkpoint: Path, part: str) -> None:
    content = torch.load(checkpoint, weights_only=True)
    for broken in ({key: value for key, value in content.items() if key != part}, content | {part: "nonsense"}):
        torch.save(broken, "broken.pt")
        assert "broken.pt is corrupt" in load_error(Path("broken.pt")).message


def test_a_checkpoint_with_an_invalid_data_set_name_is_an_error(checkpoint: Path) -> None:
    data = torch.load(checkpoint, weights_only=True)["data"]
    assert "data.name" in load_error(write_changed(checkpoint, data=data | {"name": "../../elsewhere"})).message


def test_nan_weights_are_an_error(checkpoint: Path) -> None:
    weights = torch.load(checkpoint, weights_only=True)["weights"]
    weights["encoder.0.weight"][0] = float("nan")
    message = load_error(write_changed(checkpoint, weights=weights)).message
    assert "weights.encoder.0.weight: it contains NaN or infinity" in message


def test_latents_that_do_not_match_the_model_are_an_error(checkpoint: Path) -> None:
    latents = torch.load(checkpoint, weights_only=True)["latents"]
    for broken in (latents[1:], [latents[0] | {"index": 99}, *latents[1:]], [latents[0] | {"kl": "x"}, *latents[1:]]):
        assert "is corrupt" in load_error(write_changed(checkpoint, latents=broken)).message


@pytest.mark.parametrize("content", [b"", b".", b"\x80\x02.", b"PK\x03\x04", b"<html>"])
def test_arbitrary_bytes_are_an_error(content: bytes) -> None:
    Path("bytes.pt").write_bytes(content)
    assert "bytes.pt" in load_error(Path("bytes.pt")).message


def test_file_locations_and_figure_settings_do_not_change_the_checkpoint(bvae: Bvae, data: Path) -> None:
    Path("params.yaml").write_text("traverse: {max_std: 1}\ndataset: {file: somewhere.npz}")
    bvae("train", "--cpu", "--data", data, "--steps", 2, "--out", "one")
    Path("params.yaml").unlink()
    bvae("train", "--cpu", "--data", data, "--steps", 2, "--out", "other")
    assert Path("one/checkpoint.pt").read_bytes() == Path("other/checkpoint.pt").read_bytes()


def test_a_checkpoint_needs_neither_data_nor_params(bvae: Bvae, checkpoint: Path) -> None:
    Path("copy.pt").write_bytes(checkpoint.read_bytes())
    assert bvae("reconstruct", "copy.pt").code == 0
    assert bvae("traverse", "copy.pt", "--latent", 0).code == 0
    assert sorted(path.name for path in Path().iterdir()) == [
        "copy.pt", "latents", "reconstruction.png", "traversal.gif", "traversal.png",
    ]  # fmt: skip


def doubled_list(count: int) -> list[Any]:
    """Return nested lists that share their contents: a few bytes in a file, 2^count values."""
    values: list[Any] = [1, 1]
    for _ in range(count):
        values = [values, values]
    return values


def sparse_examples() -> torch.Tensor:
    return torch.zeros(32, 1, 64, 64, dtype=torch.uint8).to_sparse()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"step": -1}, "step: Input should be greater than or equal to 0"),
        ({"step": 2.5}, "step: Input should be a valid integer"),
        ({"params": {"train": {"steps": doubled_list(30)}}}, "truncated or not a checkpoint"),
        ({"params": []}, "params: Input should be a valid dictionary"),
        ({"data": {}}, "data.name: Field required"),
        ({"weights": {}}, "is corrupt: Error(s) in loading state_dict"),
        ({"weights": {"encoder.0.weight": [1.0]}}, "weights.encoder.0.weight: Input should be an instance of Tensor"),
        ({"latents": {}}, "latents: Input should be a valid list"),
        ({"examples": sparse_examples()}, "examples: it is not a dense tensor"),
        (
            {"examples": torch.empty(32, 1, 64, 64, dtype=torch.uint8, device="meta")},
            "examples: it is not a dense tensor",
        ),
        ({"examples": torch.zeros(1, dtype=torch.uint8).expand(10**9, 1, 64, 64)}, "examples: it does not contain the"),
        ({"examples": torch.zeros(32, 1, 64, 64)}, "examples: it does not contain the example images"),
        ({"examples": torch.zeros(32, 3, 64, 64, dtype=torch.uint8)}, "its examples do not have the image size"),
        ({"training": 3}, "training: Input should be a valid dictionary"),
        ({"program": 3}, "program: Input should be a valid string"),
    ],
)
def test_malformed_content_is_an_error(checkpoint: Path, changes: dict[str, Any], message: str) -> None:
    error = load_error(write_changed(checkpoint, **changes)).message
    assert message in error
    assert len(error) < 400


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("channels", 2),
        ("channels", 5),
        ("likelihood", "poisson"),
        ("factors", ["shape"]),
        ("factors", {"shape": 2.5}),
        ("factors", {"shape": 0}),
        ("factors", {"": 3}),
        ("factors", {3: 3}),
        ("factors", {"a": 10**9, "b": 10**9}),
        ("num_samples", -1),
        ("num_samples", 10**12),
        ("num_samples", float("nan")),
        ("pixel_format", "floats"),
        ("center_crop", -1),
        ("resample", "magic"),
        ("sha256", "../.."),
        ("colour", 1),
    ],
)
def test_a_malformed_data_spec_is_an_error(checkpoint: Path, key: str, value: Any) -> None:
    data = torch.load(checkpoint, weights_only=True)["data"]
    assert "changed.pt is corrupt: data" in load_error(write_changed(checkpoint, data=data | {key: value})).message


@pytest.mark.parametrize(
    ("key", "value"),
    [("index", 0.0), ("index", -1), ("kl", "1"), ("kl", float("nan")), ("kl", None), ("top_factor", 3), ("new", 1)],
)
def test_malformed_latent_statistics_are_an_error(checkpoint: Path, key: str, value: Any) -> None:
    latents = torch.load(checkpoint, weights_only=True)["latents"]
    changed = [latents[0] | {key: value}, *latents[1:]]
    assert f"is corrupt: latents.0.{key}" in load_error(write_changed(checkpoint, latents=changed)).message


def test_compressed_and_overlapping_tensors_are_not_read(checkpoint: Path) -> None:
    with zipfile.ZipFile(checkpoint) as archive, zipfile.ZipFile("deflated.pt", "w", zipfile.ZIP_DEFLATED) as deflated:
        for member in archive.infolist():
            deflated.writestr(member.filename, archive.read(member))
    assert load_error(Path("deflated.pt")).message.startswith("deflated.pt is truncated or not a checkpoint")


def test_a_pipe_a_device_and_a_huge_file_are_not_read() -> None:
    os.mkfifo("pipe.pt")
    with Path("huge.pt").open("wb") as file:
        file.truncate(10**12)
    assert load_error(Path("pipe.pt")).message == "cannot read pipe.pt: it is a pipe or a device"
    assert load_error(Path("/dev/zero")).message == "cannot read /dev/zero: it is a pipe or a device"
    assert "it has 1,000,000,000,000 bytes, more than the maximum" in load_error(Path("huge.pt")).message
