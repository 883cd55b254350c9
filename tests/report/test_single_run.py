"""bvae report of one run."""

import csv
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import ROOT, Bvae
from pages import Page
from PIL import ImageSequence

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.datasets.dsprites import DSPRITES
from bvae_cli.images.spec import SIDE, DataSpec
from bvae_cli.latents import Latent
from bvae_cli.models.vae import VAE
from bvae_cli.params import ModelParams
from bvae_cli.report.animations import MAX_LATENTS, TRAVERSE_PARAMS
from bvae_cli.report.published import RANGES, PublishedRange

HOSTILE = "<script>alert('&\"1')</script>"
ModifiedRun = Callable[..., Path]


def report_page(bvae: Bvae, run: Path, *options: object) -> Page:
    done = bvae("report", run, *options)
    assert done.code == 0, done.err
    return Page(Path(done.out.strip()).read_text(encoding="utf-8"))


def make_latents(count: int, active: int, factor: str | None = None) -> list[Latent]:
    return [
        Latent(index, 2.0 - index / 100 if index < active else 0.0, 0.1, -3.0, 3.0, factor, 0.5, 0.25)
        for index in range(count)
    ]


def test_report_is_valid_html_without_external_resources(bvae: Bvae, run: Path, data: Path) -> None:
    page = report_page(bvae, run, "--data", data)
    assert page.source.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page.source
    assert "http:" not in page.source.lower()
    assert "https:" not in page.source.lower()
    assert page.headings[:2] == [1, 2]
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert page.tags.count("svg") >= 4
    assert len(page.source.encode()) < 1.5e6


def test_report_is_bit_identical_if_repeated(bvae: Bvae, run: Path) -> None:
    for name in ("one.html", "other.html"):
        assert bvae("report", run, "--out", name).code == 0
    assert Path("one.html").read_bytes() == Path("other.html").read_bytes()


def test_each_active_latent_has_an_animation_and_latents_are_sorted_by_kl(bvae: Bvae, run: Path) -> None:
    page = report_page(bvae, run)
    with (run / "latents.csv").open() as file:
        active = [row for row in csv.DictReader(file) if float(row["kl"]) >= 0.01]
    positions = [page.source.index(f"Animated latent traversal of z{row['latent']} ") for row in active]
    assert len(page.animations) == len(active) > 0
    assert positions == sorted(positions)
    for animation in page.animations:  # WebP merges equal consecutive frames
        durations = [frame.copy().info["duration"] for frame in ImageSequence.Iterator(animation)]
        assert sum(durations) == TRAVERSE_PARAMS.frames * (1000 // TRAVERSE_PARAMS.fps)
        assert animation.info["loop"] == 0


def test_report_contains_the_values_of_the_files(bvae: Bvae, run: Path, data: Path) -> None:
    page = report_page(bvae, run, "--data", data)
    scores = json.loads((run / "metrics.json").read_text())
    assert f"{scores['mig']:#.3g}" in page.text
    assert "trained for 200 steps on dsprites" in page.text
    assert "384 greyscale images of 64 × 64 pixels" in page.text
    assert "bvae train --params params.yaml" in page.text
    assert "own file, sha256" in page.text
    assert str(load_checkpoint(run / "checkpoint.pt").program) in page.text


def test_hash_is_that_of_the_data_file(bvae: Bvae, run: Path, data: Path) -> None:
    import h5py

    with h5py.File(data / "dsprites.h5") as file:
        digest = str(file.attrs["sha256"])
    assert digest in report_page(bvae, run, "--data", data).text
    assert "not available: data file not found: data/dsprites.h5" in report_page(bvae, run).text


def test_hostile_names_are_escaped(bvae: Bvae, changed: ModifiedRun) -> None:
    hostile = changed(
        "plain", spec=DataSpec("mine", 1, "bernoulli", {HOSTILE: 3, "$\\frac{": 2}, num_samples=5), program=HOSTILE
    )
    run = hostile.rename(HOSTILE.replace("/", "∕"))
    names = ["latent", f'"{HOSTILE.replace(chr(34), chr(34) * 2)}"', "$\\frac{"]
    rows = "".join(f"{name},0.5,0.1\n" for name in [*(f"z{index}" for index in range(10)), "entropy"])
    (run / "mutual_information.csv").write_text(",".join(names) + "\n" + rows)
    page = report_page(bvae, run)
    assert HOSTILE in page.text
    assert "$\\frac{" in page.text
    assert page.text.count("<script>") >= 4


def test_report_of_a_checkpoint_without_other_files(bvae: Bvae, checkpoint: Path) -> None:
    Path("alone.pt").write_bytes(checkpoint.read_bytes())
    page = report_page(bvae, Path("alone.pt"))
    assert "No scores: metrics.json not found next to the checkpoint. bvae evaluate computes them" in page.text
    assert "No training curves: history.csv (written by bvae train) not found next to the checkpoint" in page.text
    assert page.animations


def test_files_next_to_a_checkpoint_of_another_name_are_ignored(bvae: Bvae, run: Path) -> None:
    (run / "checkpoint.pt").rename(run / "best.pt")
    assert "No scores: metrics.json not found" in report_page(bvae, run / "best.pt").text


@pytest.mark.parametrize(
    ("count", "active", "expected"),
    [
        (1, 1, "1 of 1 latent is active"),
        (100, 100, "76 more active latents"),
        (100, 2, "98 inactive (collapsed) latents"),
        (3, 0, "No latent is active"),
    ],
)
def test_report_of_rgb_models_with_any_number_of_latents_without_factors(
    bvae: Bvae, changed: ModifiedRun, checkpoint: Path, count: int, active: int, expected: str
) -> None:
    torch.manual_seed(0)
    params = replace(load_checkpoint(checkpoint).params, model=ModelParams("higgins_conv", count))
    run = changed(
        "run",
        params=params,
        spec=DataSpec("mine", 3, "bernoulli", {}, num_samples=9),
        vae=VAE("higgins_conv", "bernoulli", 3, count),
        latents=make_latents(count, active),
        examples=torch.randint(0, 256, (4, 3, SIDE, SIDE), dtype=torch.uint8),
    )
    page = report_page(bvae, run)
    assert expected in page.text
    assert "normalised MI" not in page.text
    assert len(page.animations) == min(active, MAX_LATENTS)
    assert all(animation.size == (3 * SIDE + 4, SIDE) for animation in page.animations)
    assert len(page.source.encode()) < 5e6


def test_report_of_an_imported_model_without_latent_statistics(bvae: Bvae, changed: ModifiedRun) -> None:
    run = changed(
        "run", latents=[], examples=torch.empty(0, 1, SIDE, SIDE, dtype=torch.uint8), imported_from="last of Elsewhere"
    )
    page = report_page(bvae, run)
    assert "A model with 10 latents, imported from last of Elsewhere; its training settings are unknown." in page.text
    assert "The checkpoint has no latent statistics" in page.text
    assert "bvae import FILE" in page.text
    assert "bvae train" not in page.text
    assert len(page.animations) == 10


def test_diverged_training_and_nan_scores_are_reported(bvae: Bvae, run: Path) -> None:
    history = (run / "history.csv").read_text().splitlines()
    (run / "history.csv").write_text("\n".join([*history[:-1], ",".join(["200", *["nan"] * history[0].count(",")])]))
    (run / "metrics.json").write_text('{"mig": NaN, "modularity": Infinity, "kl": 1e999}')
    page = report_page(bvae, run)
    assert "The loss is NaN or infinite from step 200" in page.text
    assert page.text.count("NaN") == 2  # of the loss and of the MIG
    assert page.text.count("infinite") == 3


@pytest.mark.parametrize(
    ("file", "content", "expected"),
    [
        ("metrics.json", '{"mig": 0.', "Expecting"),
        ("metrics.json", "[1]", "Input should be a valid dictionary"),
        ("metrics.json", '{"mig": "high"}', "mig: Input should be a valid number"),
        ("metrics.json", '{"mig": null}', "mig: Input should be a valid number"),
        ("metrics.json", '{"beauty": 1.0}', "the score beauty is unknown"),
        ("metrics.json", "[" * 100_000, "recursion"),
        ("metrics.json", b"\xff\xfe", "can't decode"),
        ("latents.csv", "latent,kl\n0,1\n", "posterior_variance: Field required"),
        (
            "latents.csv",
            "latent,kl,posterior_variance,posterior_mean_min,posterior_mean_max,top_factor,mutual_information,normalized_mi\n0,1,1,0,0,,0,0\n",
            "10 latents",
        ),
        (
            "latents.csv",
            "latent,kl,posterior_variance,posterior_mean_min,posterior_mean_max,top_factor,mutual_information,normalized_mi\n0,1,1\n",
            "line 2 and the header differ in the number of cells",
        ),
        ("mutual_information.csv", "latent,colour\nz0,1\nentropy,1\n", "10 latents"),
        (
            "mutual_information.csv",
            "latent,shape\n" + "".join(f"z{index},1\n" for index in range(11)),
            "lacks the entropies",
        ),
        (
            "mutual_information.csv",
            "latent,colour\n" + "".join(f"z{index},1\n" for index in range(10)) + "entropy,1\n",
            "no factor colour",
        ),
        (
            "history.csv",
            "step,loss,reconstruction_loss,kl\n1,2,3\n",
            "line 2 and the header differ in the number of cells",
        ),
        ("history.csv", "step,loss,reconstruction_loss,kl\n1,2,3,4\n", "column beta not found"),
        ("history.csv", b"\x00\x00\xff", "decode"),
    ],
)
def test_corrupt_file_is_reported_in_one_line(
    bvae: Bvae, run: Path, file: str, content: str | bytes, expected: str
) -> None:
    (run / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    done = bvae("report", run)
    assert done.code == 1
    problem, hint = done.err.strip().splitlines()
    assert f"run/{file} is corrupt" in problem
    assert expected in problem
    assert hint == "Fix: create the file again, or move it away to leave it out of the report."
    assert not (run / "report.html").exists()


def test_decreasing_steps_are_reported_as_corrupt(bvae: Bvae, run: Path) -> None:
    heading, first, second = (run / "history.csv").read_text().splitlines()
    (run / "history.csv").write_text("\n".join([heading, second, first]))
    assert "its steps do not increase from row to row" in bvae("report", run).err


@pytest.mark.parametrize("part", [{"posterior_variance": "much"}, {"mutual_information": float("nan")}])
def test_checkpoint_with_invalid_latents_is_refused(
    bvae: Bvae, changed: ModifiedRun, checkpoint: Path, part: dict[str, object]
) -> None:
    latents = load_checkpoint(checkpoint).latents
    run = changed("run", latents=[replace(latents[0], **part), *latents[1:]])  # type: ignore[arg-type]
    done = bvae("report", run)
    assert done.code == 1
    assert "run/checkpoint.pt is corrupt" in done.err


def test_published_ranges_are_shown_only_for_the_complete_dsprites(bvae: Bvae, run: Path, changed: ModifiedRun) -> None:
    assert "0.03 – 0.35" not in report_page(bvae, run).text
    complete = changed("complete", spec=DSPRITES.spec)
    for name in ("metrics.json", "latents.csv"):
        (complete / name).write_bytes((run / name).read_bytes())
    page = report_page(bvae, complete)
    assert "0.03 – 0.35" in page.text
    assert "Ranges are those that Locatello et al. 2019 report" in page.text
    assert "0.65 – 0.95" not in page.text  # the range of a score that was not computed


def test_published_ranges_equal_those_of_the_readme() -> None:
    table = (ROOT / "README.md").read_text().split("| score | default run, one seed |")[1].split("\n\n")[0]
    ranges = [line.split("|")[3].strip() for line in table.splitlines()[2:]]
    assert ranges == [f"{published.low:.2f} – {published.high:.2f}" for published in RANGES.values()]


@pytest.mark.parametrize(
    ("value", "low", "dot"), [(0.2, 10 / 1.15, 20 / 1.15), (2.0, 5 / 1.15, 100 / 1.15), (-1.0, 10 / 1.15, 0.0)]
)
def test_positions_of_a_score_and_a_range(value: float, low: float, dot: float) -> None:
    published = PublishedRange(0.1, 1.0)
    positions = published.positions(value)
    assert positions["low"] == pytest.approx(low)
    assert positions["dot"] == pytest.approx(dot)
    assert "dot" not in published.positions(float("nan"))


def test_unwritable_output_is_reported(bvae: Bvae, run: Path) -> None:
    done = bvae("report", run, "--out", "/proc/page.html")
    assert done.code == 1
    assert "cannot write /proc/page.html" in done.err


@pytest.mark.parametrize("out", [".", "/", "run"])
def test_a_folder_as_output_file_is_an_error(bvae: Bvae, run: Path, out: str) -> None:
    result = bvae("report", run, "--out", out)
    assert result.code == 1
    assert "it is a folder" in result.err


@pytest.mark.parametrize("name", ["metrics.json", "latents.csv", "mutual_information.csv", "history.csv"])
def test_a_pipe_beside_a_checkpoint_is_not_read(bvae: Bvae, run: Path, name: str) -> None:
    (run / name).unlink(missing_ok=True)
    os.mkfifo(run / name)
    result = bvae("report", run)
    assert result.code == 1
    assert f"cannot read run/{name}: it is a pipe or a device" in result.err
