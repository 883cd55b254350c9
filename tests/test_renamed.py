"""Old names: errors in params files and on the command line, converted in checkpoints and data files."""

import json
import lzma
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from conftest import ROOT, Bvae

from bvae_cli import config, renamed
from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.datasets import DATASETS
from bvae_cli.images import store
from bvae_cli.images.in_memory import load_images
from bvae_cli.images.spec import DataSpec, ImageStream
from bvae_cli.latents import Latent
from bvae_cli.metrics import METRICS
from bvae_cli.objectives import OBJECTIVES
from bvae_cli.objectives.beta_tcvae import BetaTCVAE
from bvae_cli.params import SECTIONS, ModelParams, TrainParams
from bvae_cli.system.errors import BvaeError
from bvae_cli.system.reporting import ignore_progress
from bvae_cli.training.trainer import Trainer

KEYS = [(section, old, new) for section, names in renamed.KEYS.items() for old, new in names.items()]
VALUES = [(key, old, new) for key, names in renamed.VALUES.items() for old, new in names.items()]
OLD_CELEBA_SOURCES = {"pictures", "labelled"}


def list_keys(section: str) -> set[str]:
    """Return the keys of a section."""
    owners = OBJECTIVES.values() if section == "objective" else [SECTIONS[section]]
    return {key for owner in owners for key in config.field_types(owner)}


@pytest.mark.parametrize(("section", "old", "new"), KEYS)
def test_an_old_key_is_an_error_with_the_new_name(section: str, old: str, new: str) -> None:
    assert new in list_keys(section)
    assert old not in list_keys(section)
    with pytest.raises(BvaeError, match=rf"{section}.{old} was renamed to {new}"):
        config.build_params({section: {old: 1}})


def test_an_old_section_is_an_error_with_the_new_name() -> None:
    with pytest.raises(BvaeError, match="keep was renamed to logging"):
        config.build_params({"keep": {"save_steps": 1}})


@pytest.mark.parametrize(("key", "old", "new"), [value for value in VALUES if value[0] != "metric"])
def test_an_old_value_is_an_error_with_the_new_name(key: str, old: str, new: str) -> None:
    section, name = key.split(".")
    settings = {section: {name: old}}
    if key == "objective.tc_estimator":
        settings[section]["name"] = "beta_tcvae"
    if old in OLD_CELEBA_SOURCES:
        settings[section]["name"] = "celeba"
    with pytest.raises(BvaeError, match=f"{key} '{old}' was renamed to '{new}'"):
        config.build_params(settings)
    config.build_params({section: settings[section] | {name: new}})


def test_new_names_of_metrics_and_sources_exist() -> None:
    assert set(renamed.VALUES["metric"].values()) < METRICS.keys()
    assert {value for source in DATASETS.values() for value in source.sources} > {"procedural", "images", "attributes"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show",), "bvae show was renamed to bvae summary"),
        (("train", "--short", 4), "--short was renamed to --compress-schedule-to"),
        (("train", "--save-steps=4"), "--save-steps was renamed to --checkpoint-every"),
        (("train", "--net", "conv_h"), "model.net 'conv_h' was renamed to 'higgins_conv'"),
        (("train", "--objective=factor"), "objective.name 'factor' was renamed to 'factor_vae'"),
        (("train", "--init", "glorot"), "train.init 'glorot' was renamed to 'xavier_uniform'"),
        (("download", "--crop", 3), "--crop was renamed to --center-crop"),
        (("download", "--source", "rendered"), "dataset.source 'rendered' was renamed to 'procedural'"),
        (("evaluate", "x.pt", "--all"), "--all was renamed to --full-elbo"),
        (("evaluate", "x.pt", "--against", "y.pt"), "--against was renamed to --compare-with"),
        (("evaluate", "x.pt", "--metric", "higgins"), "metric 'higgins' was renamed to 'beta_vae_score'"),
        (("traverse", "x.pt", "--all"), "--all was renamed to --include-inactive"),
        (("traverse", "x.pt", "--factors", "shape=1"), "--factors was renamed to --where"),
        (("reconstruct", "x.pt", "--picture", "x.png"), "--picture was renamed to --image"),
        (("sweep", "x.yaml", "--together", 3), "--together was renamed to --models-per-batch"),
        (("explore", "x.pt", "--export", "x.html"), "--export was renamed to --no-open --out"),
    ],
)
def test_an_old_name_on_the_command_line_is_an_error(bvae: Bvae, arguments: tuple[object, ...], message: str) -> None:
    result = bvae(*arguments)
    assert result.code == 1
    assert message in result.err


@pytest.mark.parametrize("command", ["download", "evaluate", "explore", "reconstruct", "sweep", "train", "traverse"])
def test_a_command_has_the_new_options_and_no_old_one(
    bvae: Bvae, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    words = bvae(command, "--help").out.replace(",", " ").split()
    for old, new in renamed.renamed_options(command).items():
        assert set(new.split()) <= set(words)
        assert old not in words


@pytest.fixture
def old_checkpoint() -> Path:
    """Return a checkpoint of format 3, all weights 0.01: β-TCVAE, net of Burgess et al., two latents, 4 of 8 steps."""
    compressed = (ROOT / "tests" / "checkpoint_format_3.pt.xz").read_bytes()
    Path("old.pt").write_bytes(lzma.decompress(compressed))
    return Path("old.pt")


def test_an_old_checkpoint_is_read(old_checkpoint: Path) -> None:
    model = load_checkpoint(old_checkpoint)
    assert model.step == 4
    assert model.params.objective == BetaTCVAE(tc_estimator="mss")
    assert model.params.model == ModelParams("burgess", 2)
    assert model.params.train == TrainParams(
        steps=8, compress_schedule_to=4, init="xavier_uniform", batch_size=8, adam_warmup_steps=1, log_every=2,
        kl_decomposition_every=2,
    )  # fmt: skip
    factors = {"shape": 3, "scale": 2, "orientation": 4, "posX": 8, "posY": 8}
    assert model.spec == DataSpec("dsprites", 1, "bernoulli", factors)
    first, second = model.latents
    assert first == Latent(
        0, kl=0.00012786955630872399, posterior_variance=1.0087422132492065, posterior_mean_min=-0.03589940071105957,
        posterior_mean_max=0.0417671874165535, top_factor=None, mutual_information=0.0, normalized_mi=0.0,
        posterior_mean_avg=0.006756696384400129,
    )  # fmt: skip
    assert second.posterior_mean_max == 0.05307984724640846
    assert all((weight == 0.01).all() for weight in model.vae.parameters())


def test_an_old_run_can_be_resumed(old_checkpoint: Path) -> None:
    model = load_checkpoint(old_checkpoint)
    assert model.training
    assert model.training["best_loss"] > 0
    header = model.training["history"].split("\n")[0].split(",")
    assert header[:4] == ["step", "loss", "reconstruction_loss", "kl"]
    assert header[-3:] == ["index_code_mi", "total_correlation", "dimension_wise_kl"]
    trainer = Trainer(model.vae, model.spec, model.params, torch.device("cpu"), model.step)
    trainer.restore(model.training["trainer"])
    trainer.step(torch.zeros(8, 512, dtype=torch.uint8), model.step)


def test_latents_of_an_old_checkpoint_can_be_traversed(bvae: Bvae, old_checkpoint: Path) -> None:
    assert bvae("traverse", old_checkpoint, "--frames", 2, "--num-values", 2).code == 0


def test_an_old_data_file_is_read(tmp_path: Path) -> None:
    spec, path = DataSpec("toy", 1, "bernoulli", {"shape": 2, "scale": 3}), tmp_path / "toy.h5"
    store.write_data_file(path, ImageStream(spec, iter([np.zeros((6, 512), np.uint8)])), "procedural", ignore_progress)
    old_names = {new: old for old, new in renamed.SPEC_FIELDS.items()}
    with h5py.File(path, "r+") as file:
        header = json.loads(file.attrs["spec"])
        file.attrs.update(format=2, source="rendered", spec=json.dumps(renamed.rename_keys(header, old_names)))
    assert store.read_header(path) == (spec, "procedural")
    assert load_images(tmp_path, "toy").spec == spec
