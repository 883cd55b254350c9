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


def build_initialised_vae(init: str, net: str = "burgess", seed: int = 0) -> VAE:
    return build_vae(build_params({"model": {"net": net}, "train": {"init": init, "seed": seed}}), SPEC)


def weights(vae: VAE, kind: type[WeightLayer]) -> Iterator[Tensor]:
    return (layer.weight.detach() for layer in vae.modules() if isinstance(layer, kind))


@pytest.mark.parametrize(
    ("init", "variance"),
    [("pytorch_default", lambda into, out: 1 / (3 * into)), ("kaiming_normal", lambda into, out: 2 / into),
     ("kaiming_uniform", lambda into, out: 2 / into), ("xavier_uniform", lambda into, out: 2 / (into + out))],
)  # fmt: skip
def test_weights_have_the_published_variance(init: str, variance: Callable[[int, int], float]) -> None:
    for weight in weights(build_initialised_vae(init, "higgins_mlp"), nn.Linear):
        out, into = weight.shape
        if weight.numel() > 100_000:
            assert weight.var().item() == pytest.approx(variance(into, out), rel=0.02)


def test_kaiming_normal_has_the_kurtosis_of_a_normal_and_the_others_of_a_uniform() -> None:
    for init in INITIALISATIONS:
        weight = next(weights(build_initialised_vae(init, "higgins_mlp"), nn.Linear))
        kurtosis = ((weight - weight.mean()) / weight.std()).pow(4).mean().item()
        assert kurtosis == pytest.approx(3.0 if init == "kaiming_normal" else 1.8, rel=0.02)


def test_biases_are_zero_or_the_default() -> None:
    assert not any(
        bias.any()
        for init in ("kaiming_normal", "xavier_uniform")
        for bias in biases(build_initialised_vae(init).encoder)
    )
    assert not any(bias.any() for bias in biases(build_initialised_vae("xavier_uniform").decoder))
    default, kaiming = build_initialised_vae("pytorch_default"), build_initialised_vae("kaiming_uniform")
    assert all(torch.equal(*pair) for pair in zip(biases(default), biases(kaiming), strict=True))


def biases(net: nn.Module) -> list[Tensor]:
    return [value for name, value in net.state_dict().items() if name.endswith("bias")]


def test_kaiming_normal_keeps_the_default_of_transposed_convolutions() -> None:
    pairs = zip(
        weights(build_initialised_vae("pytorch_default"), nn.ConvTranspose2d),
        weights(build_initialised_vae("kaiming_normal"), nn.ConvTranspose2d),
        strict=True,
    )
    assert all(torch.equal(*pair) for pair in pairs)


@pytest.mark.parametrize("net", NETS)
def test_an_untrained_encoder_maps_images_to_distinct_means_with_kaiming_but_not_with_the_default(net: str) -> None:
    images = torch.rand(64, 1, 64, 64).round()
    mean_std = {
        init: build_initialised_vae(init, net).encode(images)[0].std(dim=0).mean().item()
        for init in ("pytorch_default", "kaiming_normal")
    }
    assert mean_std["pytorch_default"] < 0.05 < mean_std["kaiming_normal"]


def test_weights_are_reproducible_by_seed() -> None:
    first, again, other = (
        next(weights(build_initialised_vae("kaiming_normal", seed=seed), nn.Linear)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(("init", "std"), [("kaiming_normal", (2 / 512) ** 0.5), ("pytorch_default", (2 / 512) ** 0.5)])
def test_the_gain_of_infogan_scales_only_the_default_initialisation(init: str, std: float) -> None:
    vae = build_vae(build_params({"objective": {"name": "info_gan"}, "train": {"init": init}}), SPEC)
    weight = next(weight for weight in weights(vae, nn.Conv2d) if weight[0].numel() == 512)
    assert weight.std().item() == pytest.approx(std, rel=0.05)
