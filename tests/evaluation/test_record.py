"""evaluation.json: which checkpoint, data and settings the scores of a folder belong to."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Bvae

from bvae_cli.checkpoint import load_checkpoint, save_checkpoint
from bvae_cli.evaluation.record import belongs_to, is_up_to_date
from bvae_cli.params import EvaluateParams

SETTINGS = EvaluateParams(metrics=("mig",), factors=("shape", "posX"))


@pytest.fixture
def scored(bvae: Bvae, run: Path, data: Path) -> Path:
    """A run folder that `bvae evaluate` scored with `SETTINGS`."""
    factors = ["--factors", "shape", "--factors", "posX"]
    result = bvae("evaluate", run / "checkpoint.pt", "--data", data, "--cpu", "--metric", "mig", *factors)
    assert result.code == 0
    return run


def test_scores_are_up_to_date_only_for_their_checkpoint_data_and_settings(scored: Path) -> None:
    path = scored / "checkpoint.pt"
    data = load_checkpoint(path).spec
    assert data.sha256
    assert is_up_to_date(scored, path, data, SETTINGS)
    for other in (replace(SETTINGS, seed=1), replace(SETTINGS, repeats=2), replace(SETTINGS, factors=())):
        assert not is_up_to_date(scored, path, data, other)
    assert not is_up_to_date(scored, path, replace(data, sha256="0" * 64), SETTINGS)
    save_checkpoint(replace(load_checkpoint(path), step=1), path)
    assert not is_up_to_date(scored, path, data, SETTINGS)
    assert not belongs_to(scored, path)


def test_a_record_counts_only_for_the_metrics_json_that_it_was_written_for(scored: Path) -> None:
    path = scored / "checkpoint.pt"
    (scored / "metrics.json").write_text("{}")
    assert not is_up_to_date(scored, path, load_checkpoint(path).spec, SETTINGS)
    assert belongs_to(scored, path)


@pytest.mark.parametrize("content", ["", "[1]", "null", json.dumps({"scores_sha256": 1}), "[" * 100_000])
def test_a_corrupt_record_counts_as_none(scored: Path, content: str) -> None:
    path = scored / "checkpoint.pt"
    (scored / "evaluation.json").write_text(content)
    assert not is_up_to_date(scored, path, load_checkpoint(path).spec, SETTINGS)
    assert belongs_to(scored, path)


def test_scores_of_another_checkpoint_are_named_and_left_out_of_the_report(bvae: Bvae, scored: Path) -> None:
    save_checkpoint(replace(load_checkpoint(scored / "checkpoint.pt"), step=1), scored / "checkpoint.pt")
    assert "These scores are not those of run/checkpoint.pt" in bvae("summary", scored).err
    assert bvae("report", scored).code == 0
    page = (scored / "report.html").read_text()
    assert "metrics.json is of another checkpoint" in page
    assert "Mutual information gap" not in page


def test_a_run_is_not_resumed_on_a_data_file_of_other_images(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    shutil.copytree(checkpoint.parent, "run")
    model = load_checkpoint(checkpoint)
    save_checkpoint(replace(model, spec=replace(model.spec, sha256="0" * 64)), Path("run/checkpoint.pt"))
    Path("params.yaml").write_text("model: {net: higgins_conv}\n")
    result = bvae("train", "--cpu", "--data", data, "--resume", "--out", "run", "--steps", 201)
    assert result.code == 1
    assert "was trained on other data than dsprites.h5 contains" in result.err
