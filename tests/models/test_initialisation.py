from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from bvae_cli.checkpoint import build_vae
from bvae_cli.config import build_params
from bvae_cli.images.spec import DataSpec
from bvae_cli.models.initialisation import INITIALISATIONS, WeightLayer
from bvae_cli.models.nets import NETS
from bvae_cli.models.vae import VAE

SPEC = DataSpec("dsprites", 1, "bernoulli", {})


def begun(init: str, net: str = "burgess", seed: int = 0) -> VAE:
    return build_vae(build_params({"model": {"net": net}, "train": {"init": init, "seed": seed}}), SPEC)


def weights(vae: VAE, kind: type[WeightLayer]) -> Iterator[Tensor]:
    return (layer.weight.detach() for layer in vae.modules() if isinstance(layer, kind))


@pytest.mark.parametrize(
    ("init", "variance"),
    [("pytorch_default", lambda into, out: 1 / (3 * into)), ("kaiming_normal", lambda into, out: 2 / into),
     ("kaiming_uniform", lambda into, out: 2 / into), ("xavier_uniform", lambda into, out: 2 / (into + out))],
)  # fmt: skip
def test_weights_have_the_variance_that_their_source_gives(init: str, variance: Callable[[int, int], float]) -> None:
    for weight in weights(begun(init, "higgins_mlp"), nn.Linear):
        out, into = weight.shape
        if weight.numel() > 100_000:
            assert weight.var().item() == pytest.approx(variance(into, out), rel=0.02)


def test_one_is_normal_and_the_others_end_somewhere() -> None:
    for init in INITIALISATIONS:
        weight = next(weights(begun(init, "higgins_mlp"), nn.Linear))
        fourth = ((weight - weight.mean()) / weight.std()).pow(4).mean().item()
        assert fourth == pytest.approx(3.0 if init == "kaiming_normal" else 1.8, rel=0.02)


def test_biases_are_nothing_or_torchs() -> None:
    assert not any(bias.any() for init in ("kaiming_normal", "xavier_uniform") for bias in biases(begun(init).encoder))
    assert not any(bias.any() for bias in biases(begun("xavier_uniform").decoder))
    own, theirs = begun("pytorch_default"), begun("kaiming_uniform")
    assert all(torch.equal(*pair) for pair in zip(biases(own), biases(theirs), strict=True))


def biases(net: nn.Module) -> list[Tensor]:
    return [value for name, value in net.state_dict().items() if name.endswith("bias")]


def test_kaiming_leaves_transposed_convolutions_as_torch_makes_them() -> None:
    pairs = zip(
        weights(begun("pytorch_default"), nn.ConvTranspose2d),
        weights(begun("kaiming_normal"), nn.ConvTranspose2d),
        strict=True,
    )
    assert all(torch.equal(*pair) for pair in pairs)


@pytest.mark.parametrize("net", NETS)
def test_what_an_encoder_tells_at_first_is_lost_by_small_weights_and_kept_by_kaimings(net: str) -> None:
    pictures = torch.rand(64, 1, 64, 64).round()
    told = {
        init: begun(init, net).encode(pictures)[0].std(dim=0).mean().item()
        for init in ("pytorch_default", "kaiming_normal")
    }
    assert told["pytorch_default"] < 0.05 < told["kaiming_normal"]


def test_the_seed_decides() -> None:
    first, again, other = (next(weights(begun("kaiming_normal", seed=seed), nn.Linear)) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
