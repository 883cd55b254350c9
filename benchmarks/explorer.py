"""Benchmark of the explorer page in Chromium: `PYTHONPATH=tests python benchmarks/explorer.py [CKPT …]`.

For each net with new weights, and for each checkpoint, it prints the size of the page, the time to decode and to encode
an image, and the maximum difference of a decoded pixel from PyTorch's.
"""

import sys
import tempfile
from pathlib import Path

import torch
from browser import Page, browser

from bvae_cli import checkpoint, config
from bvae_cli.checkpoint import Checkpoint, build_vae
from bvae_cli.datasets.dsprites import DSPRITES
from bvae_cli.explorer.page import write_page
from bvae_cli.images.spec import SIDE
from bvae_cli.models.nets import NETS

SAMPLES = 200
MEDIAN_TIME = """(call) => {
  const times = Array.from({ length: 100 }, () => { const start = performance.now(); call(); return performance.now() - start; });
  return times.sort((a, b) => a - b)[50];
}"""  # noqa: E501


def untrained_model(net: str) -> Checkpoint:
    """Return a model with new weights."""
    params = config.build_params({"model": {"net": net}})
    no_examples = torch.empty(0, 1, SIDE, SIDE, dtype=torch.uint8)
    return Checkpoint(
        0, params, DSPRITES.spec, build_vae(params, DSPRITES.spec).eval(), [], no_examples, imported_from="untrained"
    )


def max_difference(page: Page, model: Checkpoint) -> float:
    """Return the maximum difference of a decoded pixel from PyTorch's, over samples of the prior."""
    codes = torch.randn(SAMPLES, model.vae.latent_dim, generator=torch.Generator().manual_seed(0))
    decoded = page.run(f"{codes.tolist()}.map((code) => [...explorer.decode(Float32Array.from(code))])")
    with torch.inference_mode():
        expected = model.vae.decode(codes).movedim(1, -1).flatten(1)
    return float((torch.tensor(decoded) - expected).abs().max())


def main() -> None:
    """Print one row per model."""
    models = {net: untrained_model(net) for net in NETS} | {
        path: checkpoint.load_checkpoint(Path(path)) for path in sys.argv[1:]
    }
    print(f"{'model':40} {'MB':>6} {'decode, ms':>13} {'encode, ms':>10} {'max diff':>11}")
    with browser() as chromium, tempfile.TemporaryDirectory() as folder:
        for name, model in models.items():
            file = write_page(model, Path(folder) / "explorer.html")
            page = Page(chromium, file)
            decode_time = page.run(f"({MEDIAN_TIME})(() => explorer.decode(explorer.codes))")
            encode_time = page.run(f"({MEDIAN_TIME})(() => explorer.encode(explorer.image))")
            size = file.stat().st_size / 1e6
            print(f"{name:40} {size:6.2f} {decode_time:13.1f} {encode_time:10.1f} {max_difference(page, model):11.1e}")


if __name__ == "__main__":
    main()
