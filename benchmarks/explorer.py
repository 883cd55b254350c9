"""The explorer's page in Chromium: `PYTHONPATH=tests python benchmarks/explorer.py [CKPT …]`.

For each net with new weights, and for each checkpoint, it prints the size of the page, how long a picture and a code
take, and how far what is drawn is from torch's picture at most.
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

DRAWS = 200
MEDIAN = """(work) => {
  const times = Array.from({ length: 100 }, () => { const start = performance.now(); work(); return performance.now() - start; });
  return times.sort((one, other) => one - other)[50];
}"""  # noqa: E501


def new(net: str) -> Checkpoint:
    """A model that has learnt nothing."""
    params = config.build_params({"model": {"net": net}})
    nothing = torch.empty(0, 1, SIDE, SIDE, dtype=torch.uint8)
    return Checkpoint(
        0, params, DSPRITES.spec, build_vae(params, DSPRITES.spec).eval(), [], nothing, imported_from="new"
    )


def difference(page: Page, model: Checkpoint) -> float:
    """The greatest difference of a pixel from torch's, over draws of the prior."""
    codes = torch.randn(DRAWS, model.vae.latent_dim, generator=torch.Generator().manual_seed(0))
    drawn = page.run(f"{codes.tolist()}.map((code) => [...explorer.decode(Float32Array.from(code))])")
    with torch.inference_mode():
        expected = model.vae.decode(codes).movedim(1, -1).flatten(1)
    return float((torch.tensor(drawn) - expected).abs().max())


def main() -> None:
    """Print a row a model."""
    models = {net: new(net) for net in NETS} | {path: checkpoint.load_checkpoint(Path(path)) for path in sys.argv[1:]}
    print(f"{'model':40} {'MB':>6} {'ms a picture':>13} {'ms a code':>10} {'from torch':>11}")
    with browser() as chromium, tempfile.TemporaryDirectory() as folder:
        for name, model in models.items():
            file = write_page(model, Path(folder) / "explorer.html")
            page = Page(chromium, file)
            draw = page.run(f"({MEDIAN})(() => explorer.decode(explorer.codes))")
            code = page.run(f"({MEDIAN})(() => explorer.encode(explorer.image))")
            size = file.stat().st_size / 1e6
            print(f"{name:40} {size:6.2f} {draw:13.1f} {code:10.1f} {difference(page, model):11.1e}")


if __name__ == "__main__":
    main()
