"""The comparison of a training curve with a published one."""

from pathlib import Path

import compare_losses
import pytest


def test_epochs_are_averages_of_their_rows_and_an_incomplete_one_is_left_out() -> None:
    steps = range(1152, 3 * 11520, 1152)  # ten rows per epoch, the third epoch is incomplete
    rows = [f"{step},{step},{(step - 1) // 11520}" for step in steps]
    Path("history.csv").write_text("\n".join(["step,loss,kl", *rows]) + "\n")
    curve = compare_losses.read_history(Path("history.csv"), "kl")
    assert curve == {1: 0.0, 2: 1.0}


def test_published_losses_are_read_by_name() -> None:
    Path("train_losses.log").write_text("Epoch,Loss,Value\n0,recon_loss,80.5\n0,kl_loss,20.25\n1,recon_loss,60\n")
    assert compare_losses.read_published(Path("train_losses.log"), "recon_loss") == {1: 80.5, 2: 60.0}
    assert compare_losses.read_published(Path("train_losses.log"), "kl_loss") == {1: 20.25}


def test_a_figure_and_a_table_are_written(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    Path("history.csv").write_text("step,reconstruction_loss,kl\n11520,70,15\n")
    Path("train_losses.log").write_text("Epoch,Loss,Value\n0,recon_loss,80.5\n0,kl_loss,20.25\n1,kl_loss,19\n")
    monkeypatch.setattr("sys.argv", ["compare_losses", "history.csv", "train_losses.log", "--out", "figure.png"])
    compare_losses.main()
    assert capsys.readouterr().out.splitlines() == [
        "reconstruction_loss\t1\t70.00\t80.50",
        "kl\t1\t15.00\t20.25",
        "kl\t2\t–\t19.00",
    ]
    assert Path("figure.png").stat().st_size > 1000
