"""The command line as a whole."""

import os
import pty
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import BVAE, Bvae, enable_ctrl_c

from bvae_cli.__main__ import handle_unraisable

COMMANDS = [
    "download",
    "train",
    "evaluate",
    "traverse",
    "reconstruct",
    "report",
    "explore",
    "sweep",
    "import",
    "export",
    "summary",
]


def test_help_lists_the_commands_in_order_of_use(bvae: Bvae) -> None:
    text = bvae("--help").out
    positions = [text.index(f" {command} ") for command in COMMANDS]
    assert positions == sorted(positions)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(bvae: Bvae, command: str) -> None:
    result = bvae(command, "--help")
    assert result.code == 0
    assert f"Usage: bvae {command}" in result.out


def test_help_uses_the_width_of_the_terminal(bvae: Bvae, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert (
        "The same command resumes a study: finished models are skipped. Writes scores.csv"
        in bvae("sweep", "--help").out
    )


def test_help_states_the_precedence_of_options(bvae: Bvae) -> None:
    assert "Options override the params file, which overrides the defaults." in bvae("train", "--help").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("trian",),
        ("train", "--bta", "4"),
        ("train", "--beta", "four"),
        ("train", "--beta", "0:30,9:x"),
        ("train", "--learning-rate", "nan"),
        ("train", "--steps", "1.5"),
        ("train", "--net", "burges"),
        ("train", "--objective", "bet"),
        ("evaluate",),
    ],
)
def test_usage_errors_have_exit_status_2(bvae: Bvae, arguments: tuple[str, ...]) -> None:
    result = bvae(*arguments)
    assert result.code == 2
    assert "Usage: bvae" in result.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "--beta", "-1"), "objective.beta must be at least 0, not -1"),
        (("train", "--steps", "0"), "train.steps must be at least 1, not 0"),
        (("train", "--gamma", "10"), "objective.gamma is not a hyperparameter of the objective 'beta_vae'"),
        (("train", "--seed", str(10**20)), "train.seed must be at most"),
        (("train", "--latent-dim", str(10**13)), "model.latent_dim must be at most 10000"),
        (("train", "--latent-dim", "0"), "model.latent_dim must be at least 1, not 0"),
        (("train", "--beta", "0:30,9:-1"), "objective.beta must be at least 0, not -1 at step 9"),
        (("train", "--params", "nowhere.yaml"), "cannot read nowhere.yaml"),
        (("train",), "data file not found: data/dsprites.h5"),
        (("evaluate", "nowhere.pt"), "checkpoint not found: nowhere.pt"),
        (("traverse", "nowhere.pt"), "checkpoint not found: nowhere.pt"),
        (("reconstruct", "nowhere.pt"), "checkpoint not found: nowhere.pt"),
        (("report", "nowhere"), "checkpoint not found: nowhere"),
        (("summary", "nowhere"), "scores not found in nowhere"),
    ],
)
def test_an_error_is_one_line_followed_by_a_fix(bvae: Bvae, arguments: tuple[str, ...], message: str) -> None:
    result = bvae(*arguments)
    assert result.code == 1
    problem, fix = result.err.strip().splitlines()
    assert problem.startswith("Error: ")
    assert message in problem
    assert fix.startswith("Fix: ")
    assert list(Path().iterdir()) == []


def test_an_unwritable_folder_is_an_error_before_training(bvae: Bvae, data: Path) -> None:
    result = bvae("train", "--cpu", "--data", data, "--steps", 100_000, "--out", "/proc/run")
    assert result.code == 1
    assert "/proc/run" in result.err
    assert "step" not in result.err


def test_ctrl_c_exits_with_130_and_leaves_no_partial_files() -> None:
    with subprocess.Popen(
        [BVAE, "download"],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=enable_ctrl_c,  # noqa: PLW1509
    ) as process:
        while process.poll() is None and not list(Path().glob("data/.dsprites.h5.*.bvae-part")):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert [path for path in Path().rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_a_terminal_gets_a_progress_bar(data: Path) -> None:
    main, side = pty.openpty()
    command = [BVAE, "train", "--cpu", "--data", str(data), "--steps", "4", "--log-every", "2"]
    with subprocess.Popen(command, stderr=side, env={**os.environ, "COLUMNS": "120", "TERM": "xterm"}) as process:
        os.close(side)
        text = read_all(main)
    assert process.returncode == 0
    for word in ("4/4", "images/s", "reconstruction", "KL", "beta"):
        assert word in text


def read_all(terminal: int) -> str:
    """Return everything written to a terminal until its last writer has closed it."""
    chunks = []
    with suppress(OSError):  # raised after the last writer has closed it
        while chunk := os.read(terminal, 4096):
            chunks.append(chunk)
    os.close(terminal)
    return b"".join(chunks).decode()


@pytest.mark.parametrize("arguments", [["--help"], ["summary", "run"]])
def test_output_degrades_if_the_encoding_lacks_a_character(evaluated: Path, arguments: list[str]) -> None:
    words = [BVAE, *(str(evaluated) if word == "run" else word for word in arguments)]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(words, capture_output=True, env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert b"?" in done.stdout
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["a[/b]", "[red]", "a\nb", "a\x1b[31mb", "\udce9"])
def test_odd_names_of_folders_end_no_command(bvae: Bvae, checkpoint: Path, data: Path, name: str) -> None:
    for command in (
        ["train", "--cpu", "--data", data, "--steps", 1],
        ["evaluate", checkpoint, "--cpu", "--data", data, "--metric", "mig"],
        ["traverse", checkpoint, "--frames", 2],
        ["reconstruct", checkpoint],
    ):
        result = bvae(*command, "--out", name)
        assert result.code == 0, result.err
        assert "\x1b" not in result.out + result.err


@pytest.mark.parametrize("size", ["1000000000", "9" * 30])
def test_a_huge_terminal_width_is_limited(checkpoint: Path, size: str) -> None:
    command = [BVAE, "summary", str(checkpoint.parent)]
    environment = os.environ | {"COLUMNS": size, "LINES": size}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert max(map(len, done.stdout.splitlines() + done.stderr.splitlines())) < 1200


@pytest.mark.parametrize("command", ["train", "evaluate", "sweep"])
def test_the_option_of_other_programs_for_the_device_is_explained(bvae: Bvae, command: str) -> None:
    result = bvae(command, "--device", "cuda:0")
    assert result.code == 1
    assert "--device is not an option" in result.err
    assert "--gpu 0, or the CPU, --cpu" in result.err


def test_too_many_images_of_a_traversal_are_an_error_before_any_is_decoded(bvae: Bvae, checkpoint: Path) -> None:
    result = bvae("traverse", checkpoint, "--images", 30, "--frames", 1000, "--out", "o")
    assert result.code == 1
    assert "the traversals consist of 300,000 images; the maximum is 100,000" in result.err
    assert not Path("o").exists()


def test_figures_show_as_many_examples_as_there_are(bvae: Bvae, checkpoint: Path) -> None:
    assert bvae("reconstruct", checkpoint, "--images", 100, "--out", "o").code == 0


@pytest.mark.parametrize(("file", "is_shown"), [("h5py/_objects.pyx", False), ("mine.py", True)])
def test_errors_of_hdf5_in_a_destructor_are_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], file: str, is_shown: bool
) -> None:
    namespace: dict[str, Any] = {}
    exec(compile("class Half:\n    def __del__(self): raise ValueError('not closed')", file, "exec"), namespace)
    monkeypatch.setattr(sys, "unraisablehook", handle_unraisable)
    namespace["Half"]()
    assert ("not closed" in capsys.readouterr().err) == is_shown
