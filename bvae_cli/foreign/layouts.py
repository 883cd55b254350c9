"""The layouts that are known."""

from bvae_cli.foreign.konny import KONNY
from bvae_cli.foreign.yanndubs import YANNDUBS

LAYOUTS = (YANNDUBS, KONNY)
