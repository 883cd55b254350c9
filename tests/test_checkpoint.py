"""Checkpoints, good and bad."""

import pickle
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


def test_a_checkpoint_is_read_as_it_was_written(checkpoint: Path, tmp_path: Path) -> None:
    save_checkpoint(load_checkpoint(checkpoint), tmp_path / "copy.pt")
    assert (tmp_path / "copy.pt").read_bytes() == checkpoint.read_bytes()


def test_a_checkpoint_knows_what_it_was_trained_by_and_on(checkpoint: Path) -> None:
    content = load_checkpoint(checkpoint)
    assert content.step == content.params.train.steps == 200
    assert content.params.objective == BetaVAE(beta=0.1)
    assert content.spec.factors == {"shape": 3, "scale": 2, "orientation": 4, "posX": 8, "posY": 8}
    assert [latent.index for latent in content.latents] == list(range(10))
    assert content.examples.shape == (32, 1, 64, 64)
    assert content.program == f"bvae {bvae_cli.__version__} with torch {torch.__version__}"


def test_one_that_does_not_say_which_bvae_trained_it_is_read(checkpoint: Path) -> None:
    assert load_checkpoint(changed(checkpoint, program=None)).program is None


def test_the_weights_have_the_ordinary_layout(checkpoint: Path) -> None:
    content = torch.load(checkpoint, weights_only=True)
    assert all(weight.is_contiguous() for weight in content["weights"].values())


def test_the_first_examples_are_a_square_an_ellipse_and_a_heart(
    checkpoint: Path, all_sprites: NDArray[np.uint8]
) -> None:
    shown = load_checkpoint(checkpoint).examples[:3].numpy().reshape(3, -1)
    assert np.array_equal(np.packbits(shown, axis=1), all_sprites[:, 5, 0, 16, 16])


def refusal(path: Path) -> BvaeError:
    with pytest.raises(BvaeError) as caught:
        load_checkpoint(path)
    return caught.value


def changed(checkpoint: Path, **changes: Any) -> Path:
    content = torch.load(checkpoint, weights_only=True)
    torch.save(content | changes, "changed.pt")
    return Path("changed.pt")


def test_a_missing_checkpoint_is_answered_with_how_to_make_one() -> None:
    error = refusal(Path("nowhere.pt"))
    assert error.message == "there is no checkpoint nowhere.pt"
    assert "bvae train" in error.hint


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path).message.startswith("cannot read")


def test_a_checkpoint_cut_anywhere_is_refused(checkpoint: Path) -> None:
    whole = checkpoint.read_bytes()
    for length in range(0, len(whole), len(whole) // 25):
        Path("cut.pt").write_bytes(whole[:length])
        assert "cut.pt" in refusal(Path("cut.pt")).message


def test_a_pickle_that_would_run_code_is_not_run() -> None:
    torch.save({"format": 1, "weights": Bomb()}, "bomb.pt")
    Path("bomb.pickle").write_bytes(pickle.dumps(Bomb()))
    for name in ("bomb.pt", "bomb.pickle"):
        assert "would run code" in refusal(Path(name)).message


def test_another_program_s_checkpoint_is_refused() -> None:
    torch.save({"encoder.conv1.weight": torch.zeros(3)}, "model.pt")
    assert refusal(Path("model.pt")).message == "model.pt is not a checkpoint of bvae"


@pytest.mark.parametrize(("step", "hint"), [(1, "upgrade bvae."), (-2, "train it anew")])
def test_another_format_is_refused(checkpoint: Path, step: int, hint: str) -> None:
    error = refusal(changed(checkpoint, format=FORMAT + step))
    assert f"is of format {FORMAT + step}" in error.message
    assert error.hint.startswith(hint)


@pytest.mark.parametrize("part", ["params", "data", "weights", "latents", "examples", "step"])
def test_a_checkpoint_that_lacks_a_part_or_has_a_wrong_one_is_refused(checkpoint: Path, part: str) -> None:
    content = torch.load(checkpoint, weights_only=True)
    for broken in ({key: value for key, value in content.items() if key != part}, content | {part: "nonsense"}):
        torch.save(broken, "broken.pt")
        assert "broken.pt is damaged" in refusal(Path("broken.pt")).message


def test_a_checkpoint_that_names_a_stranger_s_data_set_is_refused(checkpoint: Path) -> None:
    data = torch.load(checkpoint, weights_only=True)["data"]
    assert "data.name" in refusal(changed(checkpoint, data=data | {"name": "../../elsewhere"})).message


def test_weights_that_are_not_finite_are_refused(checkpoint: Path) -> None:
    weights = torch.load(checkpoint, weights_only=True)["weights"]
    weights["encoder.0.weight"][0] = float("nan")
    assert "not finite" in refusal(changed(checkpoint, weights=weights)).message


def test_latents_that_are_not_the_model_s_are_refused(checkpoint: Path) -> None:
    latents = torch.load(checkpoint, weights_only=True)["latents"]
    for broken in (latents[1:], [latents[0] | {"index": 99}, *latents[1:]], [latents[0] | {"kl": "x"}, *latents[1:]]):
        assert "is damaged" in refusal(changed(checkpoint, latents=broken)).message


@pytest.mark.parametrize("content", [b"", b".", b"\x80\x02.", b"PK\x03\x04", b"<html>"])
def test_bytes_of_any_kind_are_refused(content: bytes) -> None:
    Path("bytes.pt").write_bytes(content)
    assert "bytes.pt" in refusal(Path("bytes.pt")).message


def test_where_the_data_lay_and_how_it_is_looked_at_do_not_matter(bvae: Bvae, data: Path) -> None:
    Path("params.yaml").write_text("traverse: {max_std: 1}\ndataset: {file: somewhere.npz}")
    bvae("train", "--cpu", "--data", data, "--steps", 2, "--out", "one")
    Path("params.yaml").unlink()
    bvae("train", "--cpu", "--data", data, "--steps", 2, "--out", "other")
    assert Path("one/checkpoint.pt").read_bytes() == Path("other/checkpoint.pt").read_bytes()


def test_a_checkpoint_works_where_there_is_neither_data_nor_params(bvae: Bvae, checkpoint: Path) -> None:
    Path("alone.pt").write_bytes(checkpoint.read_bytes())
    assert bvae("reconstruct", "alone.pt").code == 0
    assert bvae("traverse", "alone.pt", "--latent", 0).code == 0
    assert sorted(path.name for path in Path().iterdir()) == [
        "alone.pt", "latents", "reconstruction.png", "traversal.gif", "traversal.png",
    ]  # fmt: skip
