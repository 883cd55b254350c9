"""Models from other programs, and for them. To read one more layout: a file here, and a line in the table."""

from bvae_cli.foreign.konny import KONNY
from bvae_cli.foreign.layout import Layout
from bvae_cli.foreign.yanndubs import YANNDUBS

LAYOUTS: tuple[Layout, ...] = (YANNDUBS, KONNY)
