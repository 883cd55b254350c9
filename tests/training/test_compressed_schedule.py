"""Time-compressed runs."""

from pathlib import Path

import pytest
import torch
from conftest import Bvae

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.params import TrainParams

QUICK = ["--cpu", "--net", "higgins_conv", "--batch-size", 8, "--log-every", 8]
WHOLE = [
    "--steps", 640, "--adam-warmup-steps", 128, "--optimizer", "muon", "--beta", "0:1,256:4",
    "--learning-rate", "0:0,64:0.001,640:0", "--kl-decomposition-every", 320, "--log-images-every", 320,
]  # fmt: skip
SIXTEENTH = [
    "--steps", 40, "--adam-warmup-steps", 8, "--optimizer", "muon", "--beta", "0:1,16:4",
    "--learning-rate", "0:0,4:0.001,40:0", "--kl-decomposition-every", 20, "--log-images-every", 20,
]  # fmt: skip


def test_all_step_based_settings_are_compressed(bvae: Bvae, data: Path) -> None:
    for out, options in {"short": [*WHOLE, "--compress-schedule-to", 40], "typed": SIXTEENTH}.items():
        done = bvae("train", *QUICK, *options, "--data", data, "--out", out)
        assert done.code == 0, done.err
    short, typed = (load_checkpoint(Path(name) / "checkpoint.pt") for name in ("short", "typed"))
    assert (short.step, short.params.train.steps, short.params.train.compress_schedule_to) == (40, 640, 40)
    assert Path("short/history.csv").read_text() == Path("typed/history.csv").read_text()
    assert [path.name for path in sorted(Path("short/reconstructions").iterdir())] == [
        "step-0000020.png",
        "step-0000040.png",
    ]
    for ours, theirs in zip(short.vae.parameters(), typed.vae.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_compressed_run_resumes_only_with_its_own_compression(bvae: Bvae, data: Path) -> None:
    def train(*options: object) -> tuple[int, str]:
        done = bvae("train", *QUICK, "--data", data, "--out", "run", "--resume", *options)
        return done.code, done.err

    assert train("--steps", 600, "--compress-schedule-to", 6)[0] == 0
    assert "train.compress_schedule_to 6, not 7" in train("--steps", 600, "--compress-schedule-to", 7)[1]
    assert "train.steps 600, not 900" in train("--steps", 900, "--compress-schedule-to", 6)[1]
    assert train("--steps", 600, "--compress-schedule-to", 6)[0] == 0


def test_a_step_maps_to_a_step_of_the_full_schedule() -> None:
    whole, short = TrainParams(steps=300), TrainParams(steps=300, compress_schedule_to=7)
    assert [whole.reference_step(step) for step in (-1, 0, 1, 300)] == [-1, 0, 1, 300]
    assert [short.reference_step(step) for step in (-1, 0, 1, 6, 7)] == [-43, 0, 42, 257, 300]
    assert (whole.num_steps, short.num_steps) == (300, 7)


def test_a_schedule_is_not_compressed_to_more_steps() -> None:
    with pytest.raises(ValueError, match="compress_schedule_to must be at most 300, not 301"):
        TrainParams(steps=300, compress_schedule_to=301)
