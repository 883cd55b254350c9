"""The optimizers compared with torch's."""

import pytest
import torch
from torch import Tensor

from bvae_cli.system.device import has_bfloat16
from bvae_cli.training.adagrad import Adagrad
from bvae_cli.training.adam import Adam
from bvae_cli.training.muon import Muon, orthogonalize
from bvae_cli.training.optimizer import Optimizer

RATE = 0.01


def weights(*shapes: tuple[int, ...]) -> list[Tensor]:
    torch.manual_seed(0)
    return [torch.randn(shape).requires_grad_() for shape in shapes]


def walked(moved: list[Tensor], optimizer: torch.optim.Optimizer | Optimizer) -> list[Tensor]:
    """Return the weights after some steps towards one target."""
    torch.manual_seed(1)
    for _ in range(5):
        for weight in moved:
            weight.grad = None
        sum(((weight - 3) * torch.randn_like(weight)).square().sum() for weight in moved).backward()  # type: ignore[union-attr]
        optimizer.step()
    return [weight.detach() for weight in moved]


@pytest.mark.skipif(not has_bfloat16("cpu"), reason="torch's Muon computes in bfloat16, ours in float32 on this CPU")
def test_muon_equals_torchs_scaled_to_the_size_of_adams_updates() -> None:
    shapes = [(8, 20), (20, 8), (8, 20), (6, 6)]
    ours, theirs = weights(*shapes), weights(*shapes)
    published = torch.optim.Muon(theirs, lr=RATE, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")
    for one, other in zip(walked(ours, Muon(ours, torch.tensor(RATE))), walked(theirs, published), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=2e-3 * RATE * 5)  # bfloat16, in another order


def test_muon_updates_a_convolution_as_the_matrix_of_its_first_dimension_and_the_rest() -> None:
    (whole,), (flat,) = weights((6, 3, 4, 4)), weights((6, 48))
    flat.data.copy_(whole.data.flatten(1))
    moved = walked([whole], Muon([whole], torch.tensor(RATE)))[0]
    expected = walked([flat], Muon([flat], torch.tensor(RATE)))[0]
    torch.testing.assert_close(moved.flatten(1), expected)


@pytest.mark.parametrize("shape", [(3, 10, 10), (2, 5, 40)])
def test_singular_values_are_set_to_about_one(shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonalize(torch.randn(shape)))
    assert 0.6 < values.min() < values.max() < 1.3


@pytest.mark.parametrize("shape", [(3, 10, 10), (2, 5, 40)])
def test_singular_vectors_are_kept_and_the_authors_polynomial_is_applied_to_singular_values(
    shape: tuple[int, ...],
) -> None:
    torch.manual_seed(0)
    matrices = torch.randn(shape)
    left, values, right = torch.linalg.svd(matrices.double(), full_matrices=False)
    values = values / values.norm(dim=1, keepdim=True)
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    expected = (left @ torch.diag_embed(values) @ right).float()
    tolerance = 0.03 if has_bfloat16("cpu") else 1e-5
    torch.testing.assert_close(orthogonalize(matrices), expected, rtol=0, atol=tolerance)


def test_adagrad_equals_torchs() -> None:
    ours, theirs = weights((5, 7), (4,)), weights((5, 7), (4,))
    published = torch.optim.Adagrad(theirs, lr=RATE)
    for one, other in zip(walked(ours, Adagrad(ours, torch.tensor(RATE))), walked(theirs, published), strict=True):
        torch.testing.assert_close(one, other)


def test_adam_equals_torchs_bit_for_bit() -> None:
    ours, theirs = weights((5, 7), (4,)), weights((5, 7), (4,))
    published = torch.optim.Adam(theirs, lr=torch.tensor(RATE), fused=True)
    for one, other in zip(walked(ours, Adam(ours, torch.tensor(RATE))), walked(theirs, published), strict=True):
        assert torch.equal(one, other)
