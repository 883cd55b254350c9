"""Evaluation of codes made by other programs, and selection of metrics and factors."""

import csv
import io
import json
import os
import pickle
import shutil
import signal
import subprocess
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio.v3 as imageio
import numpy as np
import pytest
import torch
from conftest import BVAE, Bvae, enable_ctrl_c

from bvae_cli.metrics.ground_truth import GroundTruth

TRUTH = GroundTruth.from_grid((3, 4, 5, 20))
CODES = (TRUTH.factors + 0.3 * np.random.default_rng(0).normal(size=TRUTH.factors.shape)).astype(np.float32)
NAMES = np.array(["shape", "scale", "posX", "posY"])
FEW = ["--metric", "mig", "--metric", "modularity"]


def npz(**arrays: Any) -> str:
    np.savez("codes.npz", **arrays)
    return "codes.npz"


def metrics() -> dict[str, float]:
    scores: dict[str, float] = json.loads(Path("metrics.json").read_text())
    return scores


def test_codes_with_factors_get_every_metric(bvae: Bvae) -> None:
    result = bvae("evaluate", npz(codes=CODES, factors=TRUTH.factors, factor_names=NAMES))
    assert result.code == 0, result.err
    assert {
        "aam",
        "dci_completeness",
        "explicitness",
        "factor_vae_score",
        "beta_vae_score",
        "irs",
        "mig",
        "sap",
    } <= set(metrics())
    assert metrics()["mig"] > 0.5
    assert "mutual information gap of the two top latents" in " ".join(result.out.split())
    assert "mig_sampled: not computed, no posterior log-variances are known" in result.out


def test_posteriors_get_the_sampled_mig(bvae: Bvae) -> None:
    arrays = {"codes": CODES, "logvar": np.full_like(CODES, -3), "factors": TRUTH.factors}
    bvae("evaluate", npz(**arrays), "--metric", "mig_sampled")
    assert 0.4 < metrics()["mig_sampled"] < 1


def test_without_factors_unsupervised_metrics_are_computed_and_the_others_listed(bvae: Bvae) -> None:
    result = bvae("evaluate", npz(codes=CODES))
    assert result.code == 0
    assert set(metrics()) == {
        "gaussian_total_correlation",
        "gaussian_wasserstein_correlation_norm",
        "mutual_info_score",
    }
    assert "beta_vae_score: not computed, no ground-truth factors are known" in result.out
    assert not Path("mutual_information.png").exists()


def test_codes_of_a_whole_data_set_need_no_factors(bvae: Bvae, data: Path) -> None:
    codes = np.random.default_rng(0).normal(size=(384, 3))
    bvae("evaluate", npz(codes=codes), "--data", data, *FEW)
    assert Path("mutual_information.csv").read_text().startswith("latent,shape,scale,orientation,posX,posY\n")


def test_mutual_information_is_written_as_table_and_heat_map(bvae: Bvae) -> None:
    bvae("evaluate", npz(codes=CODES, factors=TRUTH.factors, factor_names=NAMES), *FEW)
    with Path("mutual_information.csv").open() as file:
        *rows, entropy = csv.DictReader(file)
    assert [row["latent"] for row in rows] == ["z0", "z1", "z2", "z3"]
    assert {name: float(entropy[name]) for name in NAMES} == pytest.approx(
        dict(zip(NAMES, np.log(TRUTH.sizes), strict=True)), rel=1e-5
    )
    for row, name in zip(rows, NAMES, strict=True):
        information = {factor: float(row[factor]) for factor in NAMES}
        assert information[name] == max(information.values())
    assert imageio.imread("mutual_information.png").shape[2] >= 3


def test_only_named_metrics_are_computed(bvae: Bvae) -> None:
    bvae("evaluate", npz(codes=CODES, factors=TRUTH.factors), *FEW)
    assert list(metrics()) == ["mig", "modularity"]


def test_a_score_does_not_depend_on_the_other_metrics(bvae: Bvae) -> None:
    bvae("evaluate", npz(codes=CODES, factors=TRUTH.factors), *FEW)
    among = metrics()["modularity"]
    bvae("evaluate", "codes.npz", "--metric", "modularity")
    assert metrics() == {"modularity": among}


def test_only_named_factors_are_used(bvae: Bvae) -> None:
    named = npz(codes=CODES, factors=TRUTH.factors, factor_names=NAMES)
    bvae("evaluate", named, *FEW, "--factors", "scale", "--factors", "posX")
    assert Path("mutual_information.csv").read_text().startswith("latent,scale,posX\n")


def test_repeats_give_a_reproducible_mean_and_standard_deviation(bvae: Bvae) -> None:
    for _ in range(2):
        result = bvae("evaluate", npz(codes=CODES, factors=TRUTH.factors), "--metric", "mig", "--repeats", 5)
        assert "±" in result.out
    first = metrics()
    assert set(first) == {"mig", "mig_std"}
    assert 0 < first["mig_std"] < 0.05


def test_checkpoints_are_ranked_by_udr(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    options = ["--data", data, "--cpu", "--out", ".", "--metric", "mig"]
    shutil.copy(checkpoint, "copy.pt")
    bvae("train", "--steps", 1, "--net", "higgins_conv", "--data", data, "--cpu", "--out", "raw")
    done = bvae("evaluate", checkpoint, *options, "--compare-with", "copy.pt", "--compare-with", "raw/checkpoint.pt")
    rows = [line for line in done.out.splitlines() if ".pt" in line]
    assert len(rows) == 3
    assert "raw/checkpoint.pt" in rows[-1]
    assert f"{metrics()['udr']:.4f}" in rows[0]


def test_models_of_different_data_are_not_compared(bvae: Bvae, checkpoint: Path, data: Path) -> None:
    other = torch.load(checkpoint, weights_only=True)
    other["data"]["factors"]["scale"] = 7
    torch.save(other, "other.pt")
    done = bvae("evaluate", checkpoint, "--data", data, "--cpu", "--out", ".", "--compare-with", "other.pt")
    assert done.code == 1
    assert "trained on different data" in done.err


def test_codes_are_not_compared_with_checkpoints(bvae: Bvae, checkpoint: Path) -> None:
    done = bvae("evaluate", npz(codes=CODES), "--compare-with", checkpoint)
    assert done.code == 1
    assert "--compare-with is unsupported for codes" in done.err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (
            {"codes": np.where(CODES > 2, np.nan, CODES)},
            "the codes are invalid: NaN or infinite values, first in sample ",
        ),
        ({"codes": CODES[:20]}, "the codes are invalid: only 20 samples"),
        ({"latents": CODES}, "the numeric array `codes`, (images, latents), is not found or invalid"),
        ({"codes": CODES[:, 0]}, "the numeric array `codes`, (images, latents), is not found or invalid"),
        ({"codes": CODES.astype(str)}, "the numeric array `codes`, (images, latents), is not found or invalid"),
        (
            {"codes": CODES, "factors": TRUTH.factors[:-1]},
            "factors have the invalid shape (1199, 4), not (1200, factors)",
        ),
        ({"codes": CODES, "factors": TRUTH.factors, "factor_names": NAMES[:2]}, "2 factor_names for 4 factors"),
        ({"codes": CODES, "factors": 0 * TRUTH.factors}, "fewer than two factors vary"),
        (
            {"codes": CODES, "factors": np.random.default_rng(0).normal(size=(1200, 2)).astype(str)},
            "discretise it into fewer values",
        ),
        (
            {"codes": CODES, "factors": TRUTH.factors, "is_continuous": [True, False]},
            "is_continuous is invalid, bool (2,); expected bool (4,)",
        ),
        (
            {"codes": CODES, "factors": TRUTH.factors.astype(str), "is_continuous": [True] * 4},
            "a continuous factor has values that are not finite numbers",
        ),
        (
            {"codes": CODES, "logvar": CODES[:7]},
            "logvar is invalid, float32 (7, 4); expected floats of shape (1200, 4)",
        ),
    ],
)
def test_invalid_codes_are_errors(bvae: Bvae, arrays: dict[str, Any], message: str) -> None:
    result = bvae("evaluate", npz(**arrays))
    assert result.code == 1
    assert message in result.err
    assert not Path("metrics.json").exists()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--metric", "migg"], "did you mean mig?"),
        (["--factors", "shap"], "did you mean shape?"),
        (["--repeats", 0], "evaluate.repeats must be at least 1"),
    ],
)
def test_an_unknown_choice_gets_a_suggestion(bvae: Bvae, option: list[object], message: str) -> None:
    result = bvae("evaluate", npz(codes=CODES, factors=TRUTH.factors, factor_names=NAMES), *option)
    assert result.code == 1
    assert message in result.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_score_and_all_its_processes(number: signal.Signals, code: int) -> None:
    slow = np.random.default_rng(0).integers(0, 40, (20_000, 2))
    command = [BVAE, "evaluate", npz(codes=slow, factors=slow), "--metric", "dci", "--out", "here"]
    run = subprocess.Popen(
        command,
        start_new_session=True,
        preexec_fn=enable_ctrl_c,  # noqa: PLW1509
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(Path("here").exists)  # created before the scores are computed
    wait_until(lambda: count_processes(run.pid, "LokyProcess") == 2)  # the trees of each factor grow in one of them
    time.sleep(0.5)  # while processes start, Ctrl-C has no effect
    os.killpg(run.pid, number) if number == signal.SIGINT else run.send_signal(number)  # as a terminal does
    _, message = run.communicate(timeout=20)
    assert run.returncode == code
    assert "Traceback" not in message
    wait_until(lambda: not count_processes(run.pid))


def count_processes(group: int, words: str = "") -> int:
    """Count the running processes of a process group whose command line contains these words."""
    listing = ["ps", "-A", "-ww", "-o", "pgid=,stat=,args="]
    lines = subprocess.run(listing, check=True, capture_output=True, text=True).stdout.splitlines()
    processes = [line.split(maxsplit=2) for line in lines]
    return sum(number == str(group) and "Z" not in state and words in command for number, state, command in processes)


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_missing_file_and_a_truncated_file_are_errors(bvae: Bvae) -> None:
    assert "file not found: nowhere.npz" in bvae("evaluate", "nowhere.npz").err
    whole = Path(npz(codes=CODES)).read_bytes()
    Path("codes.npz").write_bytes(whole[:1000])
    error = bvae("evaluate", "codes.npz").err
    assert "is not a valid npz file, or has no numeric arrays: File is not a zip file" in error


def test_a_pickle_in_an_npz_is_not_loaded(bvae: Bvae) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (Path("sprung"),)

    np.savez("codes.npz", codes=np.array([Trap()], dtype=object))
    assert pickle.dumps(Trap())
    assert bvae("evaluate", "codes.npz").code == 1
    assert not Path("sprung").exists()


def test_other_scores_are_kept_if_a_metric_fails(bvae: Bvae) -> None:
    """A factor with one sample of a value has no explicitness: NaN for some splits, an error for others."""
    random = np.random.default_rng(0)
    factors = np.c_[random.integers(4, size=300), np.arange(300) == 17]
    for seed in (0, 4):
        path = npz(codes=random.normal(size=(300, 3)), factors=factors)
        result = bvae("evaluate", path, "--metric", "explicitness", "--metric", "mig", "--seed", seed, "--out", "here")
        assert result.code == 0
        written = json.loads(Path("here/metrics.json").read_text(), parse_constant=pytest.fail)
        assert "mig" in written
        assert "not computed" in result.out + result.err or "explicitness" in written


def test_an_offset_of_the_codes_does_not_change_the_scores(bvae: Bvae) -> None:
    codes = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], size=20_000)
    scores = []
    for shifted in (codes, 1e5 + 1e-3 * codes):
        bvae("evaluate", npz(codes=shifted, factors=(codes > 0).astype(int)), "--metric", "mig", "--out", "here")
        scores.append(json.loads(Path("here/metrics.json").read_text())["mig"])
    assert scores[1] == pytest.approx(scores[0], abs=1e-3)
    assert scores[0] > 0.3


def test_factor_names_are_distinct_and_may_be_bytes(bvae: Bvae) -> None:
    factors = np.random.default_rng(0).integers(4, size=(4000, 2))
    codes = factors + 0.0
    result = bvae("evaluate", npz(codes=codes, factors=factors, factor_names=["object", "object"]), "--metric", "mig")
    assert result.code == 1
    assert "two factors have the name object" in result.err
    path = npz(codes=codes, factors=factors, factor_names=np.array([b"shape", b"scale"]))
    assert bvae("evaluate", path, "--metric", "mig", "--out", "here").code == 0
    assert Path("here/mutual_information.csv").read_text().startswith("latent,shape,scale")


def test_arrays_that_scoring_does_not_need_are_not_opened(bvae: Bvae) -> None:
    factors = np.random.default_rng(0).integers(4, size=(4000, 2))
    np.savez("codes.npz", codes=factors + 0.0, factors=factors, metadata=np.array({"beta": 4}, dtype=object))
    assert bvae("evaluate", "codes.npz", "--metric", "mig", "--out", "here").code == 0


def test_a_factor_with_many_numbers_is_continuous(bvae: Bvae) -> None:
    """Every value of a measurement as a class of its own would take hours, and every score would be 0."""
    angles = np.random.default_rng(0).uniform(size=(2000, 3)) * 360
    some = ["mig", "sap", "mcc", "infomec"]
    result = bvae("evaluate", npz(codes=angles, factors=angles), *(f"--metric={name}" for name in some))
    assert result.code == 0, result.err
    assert metrics()["mig"] > 0.9
    assert metrics()["sap"] > 0.99
    assert metrics()["mcc_pearson"] == pytest.approx(1)
    assert metrics()["info_explicitness"] == pytest.approx(1)
    assert metrics()["info_modularity"] > 0.95


def test_a_factor_is_declared_continuous_or_categorical(bvae: Bvae) -> None:
    arrays = {"codes": CODES, "factors": TRUTH.factors.astype(float)}
    for declared in (False, True):
        bvae("evaluate", npz(**arrays, is_continuous=[declared] * 4), "--metric", "sap")
        assert (metrics()["sap"] > 0.75) == declared


@pytest.mark.parametrize(
    "codes",
    [CODES.astype(float) * 1e300, CODES * np.float32(1e30), CODES.astype(float) * 1e-310, CODES * np.float32(1e-30)],
)
def test_codes_beyond_float32_are_an_error(bvae: Bvae, codes: np.ndarray) -> None:
    result = bvae("evaluate", npz(codes=codes, factors=TRUTH.factors), *FEW)
    assert result.code == 1
    assert "the codes are invalid: one exceeds 1e+15, or a latent varies by less than 1e-15" in result.err
    assert "standardise each latent" in result.err


def test_an_array_that_is_not_needed_is_not_read_and_a_large_one_is_an_error(bvae: Bvae) -> None:
    with zipfile.ZipFile("codes.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in (("codes", CODES), ("factors", TRUTH.factors)):
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(f"{name}.npy", content.getvalue())
        with archive.open("unused.npy", "w", force_zip64=True) as unused:
            for _ in range(4):
                unused.write(bytes(2**30))
    assert bvae("evaluate", "codes.npz", *FEW).code == 0
    renamed = Path("codes.npz").read_bytes().replace(b"unused.npy", b"logvar.npy")
    Path("codes.npz").write_bytes(renamed)
    result = bvae("evaluate", "codes.npz", *FEW)
    assert result.code == 1
    assert "its arrays are far larger than the file" in result.err


def test_an_object_array_that_is_needed_is_an_error_with_its_name(bvae: Bvae) -> None:
    result = bvae("evaluate", npz(codes=CODES, factors=TRUTH.factors.astype(object)), *FEW)
    assert result.code == 1
    assert "factors has Python objects; save numbers or text: factors.astype(str)" in result.err


def test_the_exit_status_is_1_if_no_score_can_be_computed(bvae: Bvae) -> None:
    result = bvae("evaluate", npz(codes=CODES), *FEW)
    assert result.code == 1
    assert "mig: not computed, no ground-truth factors are known" in result.out
    assert "no score of codes.npz could be computed" in result.err


@pytest.mark.parametrize("name", ["$\\frac{", "$x^2$", "a\x1b[31m", "[/b]", "\ud800"])
def test_names_of_factors_are_text(bvae: Bvae, name: str) -> None:
    names = np.array([name, "scale", "posX", "posY"])
    result = bvae("evaluate", npz(codes=CODES, factors=TRUTH.factors, factor_names=names), *FEW)
    assert result.code == 0, result.err
    assert Path("mutual_information.png").is_file()
    assert "\x1b[31m" not in result.out


def test_a_pipe_is_not_read_as_codes(bvae: Bvae) -> None:
    os.mkfifo("pipe.npz")
    assert "it is a pipe or a device" in bvae("evaluate", "pipe.npz").err
