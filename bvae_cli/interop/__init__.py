"""Import of checkpoints of other programs, and export to ONNX.

To support another checkpoint layout, add a module to this package and an entry to LAYOUTS.
"""

from bvae_cli.interop.konny import KONNY
from bvae_cli.interop.layout import CheckpointLayout
from bvae_cli.interop.yanndubs import YANNDUBS

LAYOUTS: tuple[CheckpointLayout, ...] = (YANNDUBS, KONNY)
