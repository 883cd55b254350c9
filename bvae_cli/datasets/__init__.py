"""Data sets: one module each, and a table of all. To add one, add a module here and a line to the table."""

from bvae_cli.datasets.cars3d import CARS3D
from bvae_cli.datasets.celeba import CELEBA
from bvae_cli.datasets.chairs3d import CHAIRS3D
from bvae_cli.datasets.dataset import Dataset
from bvae_cli.datasets.dsprites import DSPRITES
from bvae_cli.datasets.dsprites_variants import COLOR_DSPRITES, NOISY_DSPRITES
from bvae_cli.datasets.faces import FACES
from bvae_cli.datasets.folder import FOLDER
from bvae_cli.datasets.mpi3d import MPI3D_REAL, MPI3D_REAL_COMPLEX, MPI3D_REALISTIC, MPI3D_TOY
from bvae_cli.datasets.shapes3d import SHAPES3D
from bvae_cli.datasets.smallnorb import SMALLNORB

DATASETS: dict[str, Dataset] = {
    "dsprites": DSPRITES,
    "celeba": CELEBA,
    "3dchairs": CHAIRS3D,
    "color_dsprites": COLOR_DSPRITES,
    "noisy_dsprites": NOISY_DSPRITES,
    "shapes3d": SHAPES3D,
    "cars3d": CARS3D,
    "smallnorb": SMALLNORB,
    "mpi3d_toy": MPI3D_TOY,
    "mpi3d_realistic": MPI3D_REALISTIC,
    "mpi3d_real": MPI3D_REAL,
    "mpi3d_real_complex": MPI3D_REAL_COMPLEX,
    "faces": FACES,
    "folder": FOLDER,
}
