"""Where pictures come from. To add a data set: a file here, and a line in the table."""

from bvae_cli.datasets.dsprites import DSPRITES
from bvae_cli.datasets.spec import DataSet

DATASETS: dict[str, DataSet] = {
    "dsprites": DSPRITES,
}
