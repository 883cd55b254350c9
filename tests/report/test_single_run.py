"""bvae report of one run."""

import csv
import json
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
Changed = Callable[..., Path]


def page_of(bvae: Bvae, run: Path, *options: object) -> Page:
    done = bvae("report", run, *options)
    assert done.code == 0, done.err
    return Page(Path(done.out.strip()).read_text(encoding="utf-8"))


def latents_of(count: int, used: int, factor: str | None = None) -> list[Latent]:
    return [
        Latent(index, 2.0 / (1 + index) if index < used else 0.0, 0.1, -3.0, 3.0, factor, 0.5, 0.25)
        for index in range(count)
    ]


def test_the_page_is_whole_and_loads_nothing(bvae: Bvae, run: Path, data: Path) -> None:
    page = page_of(bvae, run, "--data", data)
    assert page.source.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in page.source
    assert "http:" not in page.source.lower()
    assert "https:" not in page.source.lower()
    assert page.headings[:2] == [1, 2]
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))
    assert page.tags.count("svg") >= 4
    assert len(page.source.encode()) < 1.5e6


def test_it_is_the_same_to_the_byte_each_time(bvae: Bvae, run: Path) -> None:
    for name in ("one.html", "other.html"):
        assert bvae("report", run, "--out", name).code == 0
    assert Path("one.html").read_bytes() == Path("other.html").read_bytes()


def test_each_used_latent_has_its_film_and_they_are_sorted(bvae: Bvae, run: Path) -> None:
    page = page_of(bvae, run)
    with (run / "latents.csv").open() as file:
        used = [row for row in csv.DictReader(file) if float(row["kl"]) >= 0.01]
    places = [page.source.index(f"while z{row['latent']} moves") for row in used]
    assert len(page.films) == len(used) > 0
    assert places == sorted(places)
    for film in page.films:  # frames alike in a row are one
        lengths = [frame.copy().info["duration"] for frame in ImageSequence.Iterator(film)]
        assert sum(lengths) == TRAVERSE_PARAMS.frames * (1000 // TRAVERSE_PARAMS.fps)
        assert film.info["loop"] == 0


def test_what_is_told_is_what_is_in_the_files(bvae: Bvae, run: Path, data: Path) -> None:
    page = page_of(bvae, run, "--data", data)
    scores = json.loads((run / "metrics.json").read_text())
    assert f"{scores['mig']:#.3g}" in page.text
    assert "trained for 200 steps on dsprites" in page.text
    assert "1,536 pictures of 64 × 64 pixels in grey" in page.text
    assert "bvae train --params params.yaml" in page.text
    assert "own file, sha256" in page.text
    assert str(load_checkpoint(run / "checkpoint.pt").program) in page.text


def test_the_hash_is_that_of_the_data_file(bvae: Bvae, run: Path, data: Path) -> None:
    import h5py

    with h5py.File(data / "dsprites.h5") as file:
        digest = str(file.attrs["sha256"])
    assert digest in page_of(bvae, run, "--data", data).text
    assert "not known here: there is no data file data/dsprites.h5" in page_of(bvae, run).text


def test_names_are_text_and_nothing_else(bvae: Bvae, changed: Changed) -> None:
    hostile = changed(
        "plain", spec=DataSpec("mine", 1, "bernoulli", {HOSTILE: 3, "$\\frac{": 2}, num_samples=5), program=HOSTILE
    )
    run = hostile.rename(HOSTILE.replace("/", "∕"))
    names = ["latent", f'"{HOSTILE.replace(chr(34), chr(34) * 2)}"', "$\\frac{"]
    rows = "".join(f"z{index},0.5,0.1\n" for index in range(10))
    (run / "mutual_information.csv").write_text(",".join(names) + "\n" + rows)
    (run / "metrics.json").write_text(json.dumps({HOSTILE: 0.5}))
    page = page_of(bvae, run)
    assert HOSTILE in page.text
    assert "$\\frac{" in page.text
    assert page.text.count("<script>") >= 4


def test_a_checkpoint_is_enough(bvae: Bvae, checkpoint: Path) -> None:
    Path("alone.pt").write_bytes(checkpoint.read_bytes())
    page = page_of(bvae, Path("alone.pt"))
    assert "There are no scores beside the model. bvae evaluate makes them" in page.text
    assert "There are no curves: no history.csv lies beside the model" in page.text
    assert page.films


def test_what_lies_beside_another_checkpoint_is_not_taken_for_its_own(bvae: Bvae, run: Path) -> None:
    (run / "checkpoint.pt").rename(run / "best.pt")
    assert "There are no scores" in page_of(bvae, run / "best.pt").text


@pytest.mark.parametrize(
    ("count", "used", "said"),
    [
        (1, 1, "1 of 1 latent is used"),
        (100, 100, "76 latents used, too, but not drawn"),
        (100, 2, "98 latents unused"),
        (3, 0, "No latent is used"),
    ],
)
def test_any_number_of_latents_in_colour_without_known_factors(
    bvae: Bvae, changed: Changed, checkpoint: Path, count: int, used: int, said: str
) -> None:
    torch.manual_seed(0)
    params = replace(load_checkpoint(checkpoint).params, model=ModelParams("higgins_conv", count))
    run = changed(
        "run",
        params=params,
        spec=DataSpec("mine", 3, "bernoulli", {}, num_samples=9),
        vae=VAE("higgins_conv", "bernoulli", 3, count),
        latents=latents_of(count, used),
        examples=torch.randint(0, 256, (4, 3, SIDE, SIDE), dtype=torch.uint8),
    )
    page = page_of(bvae, run)
    assert said in page.text
    assert "share of the factor" not in page.text
    assert len(page.films) == min(used, MAX_LATENTS)
    assert all(film.size == (3 * SIDE + 4, SIDE) for film in page.films)
    assert len(page.source.encode()) < 5e6


def test_a_foreign_model_of_which_nothing_is_known(bvae: Bvae, changed: Changed) -> None:
    run = changed(
        "run", latents=[], examples=torch.empty(0, 1, SIDE, SIDE, dtype=torch.uint8), imported_from="last of Elsewhere"
    )
    page = page_of(bvae, run)
    assert "A model with 10 latents, imported from last of Elsewhere; how it was trained is not known." in page.text
    assert "Nothing is known of the latents" in page.text
    assert "bvae import FILE" in page.text
    assert "bvae train" not in page.text
    assert len(page.films) == 10


def test_a_broken_training_and_scores_that_are_no_numbers_are_told(bvae: Bvae, run: Path) -> None:
    history = (run / "history.csv").read_text().splitlines()
    (run / "history.csv").write_text("\n".join([*history[:-1], ",".join(["200", *["nan"] * history[0].count(",")])]))
    (run / "metrics.json").write_text('{"mig": NaN, "modularity": Infinity, "kl": 1e999}')
    page = page_of(bvae, run)
    assert "The loss is not finite at step 200" in page.text
    assert page.text.count("not finite") == 4


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("metrics.json", '{"mig": 0.', "Expecting"),
        ("metrics.json", "[1]", "it holds no scores by name"),
        ("metrics.json", '{"mig": "high"}', "could not convert"),
        ("metrics.json", '{"mig": null}', "NoneType"),
        ("metrics.json", "[" * 100_000, "recursion"),
        ("metrics.json", b"\xff\xfe", "can't decode"),
        ("latents.csv", "latent,kl\n0,1\n", "'top_factor'"),
        (
            "latents.csv",
            "latent,kl,posterior_variance,posterior_mean_min,posterior_mean_max,top_factor,mutual_information,normalized_mi\n0,1,1,0,0,,0,0\n",
            "10 latents",
        ),
        (
            "latents.csv",
            "latent,kl,posterior_variance,posterior_mean_min,posterior_mean_max,top_factor,mutual_information,normalized_mi\n0,1,1\n",
            "line 2 has not as many cells",
        ),
        ("mutual_information.csv", "latent,colour\nz0,1\n", "10 latents"),
        (
            "mutual_information.csv",
            "latent,colour\n" + "".join(f"z{index},1\n" for index in range(10)),
            "no factor colour",
        ),
        ("history.csv", "step,loss,reconstruction_loss,kl\n1,2,3\n", "line 2 has not as many cells"),
        ("history.csv", "step,loss,reconstruction_loss,kl\n1,2,3,4\n", "it has no column beta"),
        ("history.csv", b"\x00\x00\xff", "decode"),
    ],
)
def test_a_damaged_file_is_named_in_one_line(bvae: Bvae, run: Path, file: str, content: str | bytes, said: str) -> None:
    (run / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    done = bvae("report", run)
    assert done.code == 1
    problem, remedy = done.err.strip().splitlines()
    assert f"run/{file} is damaged" in problem
    assert said in problem
    assert remedy == "→ make it anew, or move it away to do without."
    assert not (run / "report.html").exists()


def test_steps_that_go_back_are_damage(bvae: Bvae, run: Path) -> None:
    heading, first, second = (run / "history.csv").read_text().splitlines()
    (run / "history.csv").write_text("\n".join([heading, second, first]))
    assert "its steps do not grow" in bvae("report", run).err


@pytest.mark.parametrize("part", [{"posterior_variance": "much"}, {"mutual_information": float("nan")}])
def test_a_checkpoint_that_lies_of_its_latents_is_refused(
    bvae: Bvae, changed: Changed, checkpoint: Path, part: dict[str, object]
) -> None:
    latents = load_checkpoint(checkpoint).latents
    run = changed("run", latents=[replace(latents[0], **part), *latents[1:]])  # type: ignore[arg-type]
    done = bvae("report", run)
    assert done.code == 1
    assert "run/checkpoint.pt is damaged" in done.err


def test_ranges_stand_beside_scores_of_the_whole_of_dsprites_alone(bvae: Bvae, run: Path, changed: Changed) -> None:
    assert "0.03 – 0.35" not in page_of(bvae, run).text
    whole = changed("whole", spec=DSPRITES.spec)
    for name in ("metrics.json", "latents.csv"):
        (whole / name).write_bytes((run / name).read_bytes())
    page = page_of(bvae, whole)
    assert "0.03 – 0.35" in page.text
    assert "what Locatello et al. 2019 found" in page.text
    assert "0.65 – 0.95" not in page.text  # of a score that was not computed


def test_the_ranges_are_those_of_the_readme() -> None:
    table = (ROOT / "README.md").read_text().split("| score | the default run |")[1].split("\n\n")[0]
    told = [line.split("|")[3].strip() for line in table.splitlines()[2:]]
    assert told == [f"{found.low:.2f} – {found.high:.2f}" for found in RANGES.values()]


@pytest.mark.parametrize(
    ("value", "low", "dot"), [(0.2, 10 / 1.15, 20 / 1.15), (2.0, 5 / 1.15, 100 / 1.15), (-1.0, 10 / 1.15, 0.0)]
)
def test_a_score_lies_beside_a_range(value: float, low: float, dot: float) -> None:
    found = PublishedRange(0.1, 1.0)
    places = found.places(value)
    assert places["low"] == pytest.approx(low)
    assert places["dot"] == pytest.approx(dot)
    assert "dot" not in found.places(float("nan"))


def test_a_file_that_cannot_be_written_is_said(bvae: Bvae, run: Path) -> None:
    done = bvae("report", run, "--out", "/proc/page.html")
    assert done.code == 1
    assert "cannot write /proc/page.html" in done.err
