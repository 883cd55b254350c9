"""The command line as a whole."""

import os
import pty
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import BVAE, Bvae, hear_ctrl_c

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


def test_the_help_names_the_commands_in_the_order_of_use(bvae: Bvae) -> None:
    shown = bvae("--help").out
    places = [shown.index(f" {command} ") for command in COMMANDS]
    assert places == sorted(places)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(bvae: Bvae, command: str) -> None:
    result = bvae(command, "--help")
    assert result.code == 0
    assert f"Usage: bvae {command}" in result.out


def test_the_help_fills_the_terminal(bvae: Bvae, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert "What is finished is left as it is, so that the same command goes on." in bvae("sweep", "--help").out


def test_the_precedence_is_in_the_help(bvae: Bvae) -> None:
    assert "A default gives way to the params file, and the params file to an option." in bvae("train", "--help").out


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
def test_wrong_usage_has_exit_code_2(bvae: Bvae, arguments: tuple[str, ...]) -> None:
    result = bvae(*arguments)
    assert result.code == 2
    assert "Usage: bvae" in result.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "--beta", "-1"), "objective.beta must be at least 0, not -1"),
        (("train", "--steps", "0"), "train.steps must be at least 1, not 0"),
        (("train", "--gamma", "10"), "objective.gamma is not a parameter of the objective 'beta_vae'"),
        (("train", "--seed", str(10**20)), "train.seed must be at most"),
        (("train", "--latent-dim", str(10**13)), "model.latent_dim must be at most 10000"),
        (("train", "--latent-dim", "0"), "model.latent_dim must be at least 1, not 0"),
        (("train", "--beta", "0:30,9:-1"), "objective.beta must be at least 0, not -1 at step 9"),
        (("train", "--params", "nowhere.yaml"), "cannot read nowhere.yaml"),
        (("train",), "there is no data file data/dsprites.h5"),
        (("evaluate", "nowhere.pt"), "there is no checkpoint nowhere.pt"),
        (("traverse", "nowhere.pt"), "there is no checkpoint nowhere.pt"),
        (("reconstruct", "nowhere.pt"), "there is no checkpoint nowhere.pt"),
        (("report", "nowhere"), "there is no checkpoint nowhere"),
        (("summary", "nowhere"), "there are no scores in nowhere"),
    ],
)
def test_what_the_user_can_put_right_is_one_line_and_a_remedy(
    bvae: Bvae, arguments: tuple[str, ...], said: str
) -> None:
    result = bvae(*arguments)
    assert result.code == 1
    problem, remedy = result.err.strip().splitlines()
    assert said in problem
    assert remedy.startswith("→ ")
    assert list(Path().iterdir()) == []


def test_a_folder_that_cannot_be_written_costs_no_training(bvae: Bvae, data: Path) -> None:
    result = bvae("train", "--cpu", "--data", data, "--steps", 100_000, "--out", "/proc/run")
    assert result.code == 1
    assert "/proc/run" in result.err
    assert "step" not in result.err


def test_ctrl_c_ends_with_130_and_leaves_nothing_half_done() -> None:
    with subprocess.Popen(
        [BVAE, "download"],
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=hear_ctrl_c,  # noqa: PLW1509
    ) as running:
        while running.poll() is None and not list(Path().glob("data/.dsprites.h5.*.part")):
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        try:
            _, said = running.communicate(timeout=60)
        finally:
            running.kill()
    assert running.returncode == 130
    assert "Traceback" not in said
    assert [path for path in Path().rglob("*") if path.is_file() and path.suffix != ".lock"] == []


def test_a_terminal_sees_a_bar(data: Path) -> None:
    main, side = pty.openpty()
    command = [BVAE, "train", "--cpu", "--data", str(data), "--steps", "4", "--log-every", "2"]
    with subprocess.Popen(command, stderr=side, env={**os.environ, "COLUMNS": "120", "TERM": "xterm"}) as running:
        os.close(side)
        shown = everything_from(main)
    assert running.returncode == 0
    for word in ("4/4", "images/s", "reconstruction", "KL", "beta"):
        assert word in shown


def everything_from(terminal: int) -> str:
    """What is written to a terminal until its last writer is gone."""
    parts = []
    with suppress(OSError):  # which says so
        while part := os.read(terminal, 4096):
            parts.append(part)
    os.close(terminal)
    return b"".join(parts).decode()
