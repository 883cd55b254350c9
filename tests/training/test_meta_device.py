"""A training step on PyTorch's meta device: a stand-in for a GPU, since its tensors have shapes but no values.

A step that reads a value on the host, or mixes in a CPU tensor, fails here as it would when a GPU captures it.
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from bvae_cli.checkpoint import build_vae
from bvae_cli.config import build_params
from bvae_cli.images.spec import DataSpec
from bvae_cli.objectives import OBJECTIVES
from bvae_cli.objectives.beta_vae import BetaVAE
from bvae_cli.objectives.objective import StepContext
from bvae_cli.training.trainer import Trainer

META = torch.device("meta")
SPEC = DataSpec("dsprites", 1, "bernoulli", {"shape": 3, "scale": 6, "posX": 32})
SYNCHRONISING = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "unique")
RANDOM = ("normal", "rand", "bernoulli", "multinomial", "uniform", "exponential")


class CpuGenerator(torch.Generator):
    """A generator for any device; the meta device has none."""

    def __new__(cls, device: object = None) -> "CpuGenerator":
        return super().__new__(cls)


class OperationLog(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Log of the names of operations; tensors on another device than the meta device are an error."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(function.overloadpacket.__name__)
        result = function(*args, **(kwargs or {}))
        outputs = result if isinstance(result, tuple | list) else [result]
        for output in outputs:
            assert not isinstance(output, Tensor) or output.device == META, function
        return result


@pytest.fixture(autouse=True)
def without_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace what the meta device lacks: generators, autocast and the fused Adam."""

    def fused_adam(weights: list[Tensor], gradients: list[Tensor], *_: object, **__: object) -> None:
        for weight, gradient in zip(weights, gradients, strict=True):
            assert (weight.shape, weight.device) == (gradient.shape, gradient.device)

    monkeypatch.setattr(torch, "Generator", CpuGenerator)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda *_: False)
    monkeypatch.setattr(torch, "_fused_adam_", fused_adam)


def log_step(objective: str, optimizer: str = "adam") -> list[str]:
    """Return the names of the operations of a step, after the batch has been loaded."""
    train = {"batch_size": 8, "optimizer": optimizer}
    params = build_params({"objective": {"name": objective}, "train": train})
    trainer = Trainer(build_vae(params, SPEC).to(META), SPEC, params, META)
    trainer.packed = torch.empty(8, SPEC.bytes_per_image, dtype=torch.uint8, device=META)
    with OperationLog() as log:
        trainer.compute_step()
    return list(log.names)


@pytest.mark.parametrize("optimizer", ["adam", "adagrad", "muon"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_a_step_reads_no_value_and_draws_no_number(objective: str, optimizer: str) -> None:
    names = log_step(objective, optimizer)
    assert len(names) > 100
    assert not [name for name in names if name.startswith(SYNCHRONISING) or name.lstrip("_").startswith(RANDOM)]


def test_an_objective_that_reads_a_value_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    compute = BetaVAE.__call__

    def compute_with_item(objective: BetaVAE, out: Any, step: StepContext) -> Tensor:
        loss = compute(objective, out, step)
        return loss * loss.item()

    monkeypatch.setattr(BetaVAE, "__call__", compute_with_item)
    with pytest.raises(RuntimeError, match="meta"):
        log_step("beta_vae")


@pytest.mark.parametrize(
    "change",
    [lambda loss: loss + torch.ones(1).sum(), lambda loss: loss + torch.randn((), device=META)],
    ids=["a CPU tensor", "a random number"],
)
def test_an_objective_with_what_a_graph_cannot_hold_is_noticed(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Tensor], Tensor]
) -> None:
    compute = BetaVAE.__call__
    monkeypatch.setattr(BetaVAE, "__call__", lambda objective, out, step: change(compute(objective, out, step)))
    with pytest.raises(AssertionError):
        test_a_step_reads_no_value_and_draws_no_number("beta_vae", "adam")
