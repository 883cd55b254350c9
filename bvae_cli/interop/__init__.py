"""Models from other programs, and for them. To read one more layout: a file here, and a line in the table."""

from bvae_cli.interop.konny import KONNY
from bvae_cli.interop.layout import CheckpointLayout
from bvae_cli.interop.yanndubs import YANNDUBS

LAYOUTS: tuple[CheckpointLayout, ...] = (YANNDUBS, KONNY)
