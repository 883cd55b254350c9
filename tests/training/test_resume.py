"""Interrupted, killed and resumed runs: the real command, in its own processes."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import BVAE, Bvae, Start

from bvae_cli.checkpoint import load_checkpoint
from bvae_cli.objectives import OBJECTIVES
from bvae_cli.system.files import lock_folder
from bvae_cli.system.interruption import SAME_SIGNAL_SECONDS

OPTIONS = [
    "--cpu", "--net", "higgins_conv", "--batch-size", "8", "--precision", "bfloat16", "--beta", "0:1,90:4",
    "--learning-rate", "0:0,20:0.0005,90:0.0005,120:0", "--log-every", "7",
]  # fmt: skip
STEPS = 120


@pytest.fixture
def train(start: Start, data: Path) -> Start:
    """Start `bvae train`."""
    return lambda *arguments: start(BVAE, "train", "--data", data, *OPTIONS, *arguments)


@pytest.fixture(scope="module")
def whole(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an uninterrupted run."""
    folder = tmp_path_factory.mktemp("whole")
    words = [BVAE, "train", "--data", str(data), *OPTIONS, "--steps", str(STEPS), "--out", str(folder)]
    subprocess.run(words, check=True, cwd=folder)
    return folder


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    """Wait until a file exists."""
    while not path.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


def same(one: Path, other: Path) -> bool:
    """Return whether two runs wrote bit-identical files."""
    return all((one / name).read_bytes() == (other / name).read_bytes() for name in ("checkpoint.pt", "history.csv"))


def test_a_run_that_is_killed_repeatedly_ends_bit_identical(train: Start, whole: Path) -> None:
    chance, out, kills = random.Random(time.time_ns()), Path("killed"), 0
    while not (out / "checkpoint.pt").exists():
        process = train("--steps", STEPS, "--out", out, "--resume", "--checkpoint-every", chance.choice([1, 3, 10]))
        if kills < 3:
            wait_for(out / "history.csv", process)
            time.sleep(chance.uniform(0, 1))
            process.kill()
            kills += 1
        process.wait()
    assert same(out, whole)
    assert sorted(path.name for path in out.iterdir()) == [".lock", "checkpoint.pt", "history.csv"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_run_and_the_printed_command_resumes_it(
    train: Start, whole: Path, number: signal.Signals, code: int
) -> None:
    process = train("--steps", STEPS, "--out", "stopped")
    wait_for(Path("stopped/history.csv"), process)
    time.sleep(0.2)
    process.send_signal(number)
    said = process.communicate()[1]
    step = load_checkpoint(Path("stopped/last.pt")).step
    assert process.returncode == code
    assert f"Interrupted: stopped at step {step}; it is saved in stopped/last.pt" in said
    again = said.splitlines()[-1].removeprefix("Resume: ").split()
    assert again[-1] == "--resume"
    subprocess.run([BVAE, *again[1:]], check=True)
    assert same(Path("stopped"), whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_is_delivered_twice_saves_as_one_does(train: Start, number: signal.Signals) -> None:
    """`timeout`, for example, sends a signal to the process and to its group."""
    process = train("--steps", 1_000_000, "--out", "stopped", "--checkpoint-minutes", 0)
    wait_for(Path("stopped/history.csv"), process)
    time.sleep(0.2)
    for _ in range(2):
        process.send_signal(number)
        time.sleep(0.01)
    assert process.wait(60) == 128 + number
    load_checkpoint(Path("stopped/last.pt"))


def test_a_second_signal_interrupts_what_the_first_one_waits_for(start: Start) -> None:
    program = (
        "import time\n"
        "from bvae_cli.system.interruption import defer_signals\n"
        "with defer_signals():\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = start(sys.executable, "-c", program)
    assert process.stdout is not None
    process.stdout.readline()
    started = time.monotonic()
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(SAME_SIGNAL_SECONDS + 0.1)
    process.wait(30)
    assert time.monotonic() - started < 30


def test_a_streamed_run_resumes_bit_identical(bvae: Bvae, data: Path) -> None:
    options = ["--cpu", "--data", data, "--stream", "--log-every", 10]
    bvae("train", *options, "--steps", 40, "--out", "whole")
    bvae("train", *options, "--steps", 30, "--out", "parts")
    assert bvae("train", *options, "--steps", 40, "--out", "parts", "--resume").code == 0
    assert same(Path("parts"), Path("whole"))


@pytest.mark.parametrize(
    ("objective", "precision"),
    [*((name, "float32") for name in OBJECTIVES), ("beta_vae", "bfloat16"), ("info_gan", "bfloat16")],
)
def test_a_finished_run_is_extended_to_more_steps(bvae: Bvae, data: Path, objective: str, precision: str) -> None:
    options = ["--cpu", "--data", data, "--log-every", 5, "--batch-size", 8]
    options += ["--objective", objective, "--precision", precision]
    bvae("train", *options, "--steps", 15, "--out", "whole")
    bvae("train", *options, "--steps", 10, "--out", "parts")
    assert bvae("train", *options, "--steps", 15, "--out", "parts", "--resume").code == 0
    assert same(Path("parts"), Path("whole"))


@pytest.mark.parametrize("optimizer", ["adagrad", "muon"])
@pytest.mark.parametrize("stop", [9, 10, 11])
def test_a_run_resumes_around_the_step_at_which_the_optimizer_changes(
    bvae: Bvae, data: Path, optimizer: str, stop: int
) -> None:
    options = ["--cpu", "--data", data, "--optimizer", optimizer, "--adam-warmup-steps", 10, "--log-every", 1]
    bvae("train", *options, "--steps", 15, "--out", "whole")
    bvae("train", *options, "--steps", stop, "--out", "parts")
    assert bvae("train", *options, "--steps", 15, "--out", "parts", "--resume").code == 0
    assert same(Path("parts"), Path("whole"))


def test_resuming_a_finished_run_changes_nothing(bvae: Bvae, whole: Path, data: Path) -> None:
    before = (whole / "checkpoint.pt").read_bytes()
    result = bvae("train", "--data", data, *OPTIONS, "--steps", STEPS, "--out", whole, "--resume")
    assert result.code == 0
    assert "step" not in result.err
    assert (whole / "checkpoint.pt").read_bytes() == before


def test_resume_without_a_checkpoint_starts_a_new_run(bvae: Bvae, data: Path) -> None:
    assert bvae("train", "--cpu", "--data", data, "--steps", 2, "--resume").code == 0
    assert load_checkpoint(Path("runs/dsprites/checkpoint.pt")).step == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (["--beta", 8], "objective.beta 4, not 8"),
        (["--objective", "vae"], "objective.name beta_vae, not vae"),
        (["--latent-dim", 3], "model.latent_dim 10, not 3"),
        (["--seed", 1], "train.seed 0, not 1"),
        (["--steps", 2], "train.steps 3, not 2"),
        (["--stream"], "train.stream False, not True"),
    ],
)
def test_resuming_another_experiment_is_refused(bvae: Bvae, data: Path, change: list[object], said: str) -> None:
    bvae("train", "--cpu", "--data", data, "--steps", 3)
    before = {path: path.read_bytes() for path in Path("runs/dsprites").iterdir()}
    result = bvae("train", "--cpu", "--data", data, "--steps", 3, *change, "--resume")
    assert result.code == 1
    assert said in result.err
    assert {path: path.read_bytes() for path in Path("runs/dsprites").iterdir()} == before


def test_resuming_on_other_data_is_refused(bvae: Bvae, data: Path) -> None:
    bvae("train", "--cpu", "--data", data, "--steps", 1)
    content = torch.load("runs/dsprites/checkpoint.pt", weights_only=True)
    content["data"]["factors"]["scale"] = 6
    torch.save(content, "runs/dsprites/checkpoint.pt")
    result = bvae("train", "--cpu", "--data", data, "--steps", 2, "--resume")
    assert result.code == 1
    assert "other data" in result.err


@pytest.mark.parametrize(
    "training",
    [
        None,
        {},
        {
            "trainer": {"optimizer_state": [], "auxiliary_nets": [], "rng": torch.zeros(3), "sums": torch.zeros(13)},
            "best_loss": 0,
            "history": "",
        },
    ],
)
def test_a_checkpoint_without_a_valid_training_state_is_refused(bvae: Bvae, data: Path, training: object) -> None:
    bvae("train", "--cpu", "--data", data, "--steps", 1)
    content = torch.load("runs/dsprites/checkpoint.pt", weights_only=True)
    torch.save(content | {"training": training}, "runs/dsprites/checkpoint.pt")
    result = bvae("train", "--cpu", "--data", data, "--steps", 2, "--resume")
    assert result.code == 1
    assert "cannot resume the run in runs/dsprites" in result.err


def test_a_new_run_archives_an_unfinished_one(bvae: Bvae, data: Path, train: Start) -> None:
    process = train("--steps", 1_000_000, "--out", "run")
    wait_for(Path("run/history.csv"), process)
    process.send_signal(signal.SIGINT)
    process.wait()
    unfinished = Path("run/last.pt").read_bytes()
    result = bvae("train", "--cpu", "--data", data, "--steps", 1, "--out", "run")
    assert "moved to run/previous.pt" in result.err
    assert Path("run/previous.pt").read_bytes() == unfinished


def test_a_folder_is_used_by_one_run_at_a_time(bvae: Bvae, data: Path) -> None:
    with lock_folder(Path("run")):
        result = bvae("train", "--cpu", "--data", data, "--steps", 1, "--out", "run")
    assert result.code == 1
    assert "another run is writing to run" in result.err
    assert bvae("train", "--cpu", "--data", data, "--steps", 1, "--out", "run").code == 0


def test_history_grows_by_whole_rows(train: Start) -> None:
    process, seen = train("--steps", 1_000_000, "--out", "run", "--log-every", 1), set[int]()
    wait_for(Path("run/history.csv"), process)
    while len(seen) < 4:
        text = Path("run/history.csv").read_text()
        assert text.endswith("\n")
        assert len({line.count(",") for line in text.splitlines()}) == 1
        seen.add(text.count("\n"))
        time.sleep(0.01)


def test_a_full_disk_keeps_the_last_checkpoint(bvae: Bvae, data: Path) -> None:
    bvae("train", "--cpu", "--data", data, "--steps", 5)
    before = Path("runs/dsprites/checkpoint.pt").read_bytes()
    words = [BVAE, "train", "--cpu", "--data", str(data), "--steps", "10", "--checkpoint-every", "1", "--resume"]
    limited = subprocess.run(
        ["bash", "-c", 'trap "" XFSZ; ulimit -f 1000; exec "$@"', "bash", *words],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert limited.returncode == 1
    assert "cannot write runs/dsprites/last.pt" in limited.stderr
    assert "Traceback" not in limited.stderr
    assert Path("runs/dsprites/checkpoint.pt").read_bytes() == before
    assert bvae("train", "--cpu", "--data", data, "--steps", 10, "--resume").code == 0


def test_an_unfinished_run_with_other_parameters_is_kept_and_training_starts_again(bvae: Bvae, data: Path) -> None:
    common = ["train", "--cpu", "--data", data, "--out", "run", "--batch-size", 8, "--steps"]
    assert bvae(*common, 4, "--checkpoint-every", 2, "--beta", 4).code == 0
    last = Path("run/checkpoint.pt").rename("run/last.pt").read_bytes()
    again = bvae(*common, 4, "--beta", 8, "--resume")
    assert again.code == 0, again.err
    assert "run/last.pt was trained with objective.beta 4, not 8: it is moved to run/previous.pt" in again.err
    assert Path("run/previous.pt").read_bytes() == last
    assert bvae(*common, 4, "--beta", 8, "--out", "direct").code == 0
    assert Path("run/checkpoint.pt").read_bytes() == Path("direct/checkpoint.pt").read_bytes()


def test_a_finished_run_with_other_parameters_is_not_overwritten_by_resuming(bvae: Bvae, data: Path) -> None:
    common = ["train", "--cpu", "--data", data, "--out", "run", "--batch-size", 8, "--steps", 2]
    bvae(*common, "--beta", 4)
    result = bvae(*common, "--beta", 8, "--resume")
    assert result.code == 1
    assert "run/checkpoint.pt was trained with objective.beta 4, not 8" in result.err
