"""Training objectives. To add one, write a module in this package and add its class to `OBJECTIVES`."""

from bvae_cli.objectives.ada_gvae import AdaGVAE
from bvae_cli.objectives.ada_ml_vae import AdaMLVAE
from bvae_cli.objectives.annealed_vae import AnnealedVAE
from bvae_cli.objectives.beta_tcvae import BetaTCVAE
from bvae_cli.objectives.beta_vae import BetaVAE
from bvae_cli.objectives.dc_ign import DCIGN
from bvae_cli.objectives.dip_vae_i import DIPVAEI
from bvae_cli.objectives.dip_vae_ii import DIPVAEII
from bvae_cli.objectives.factor_vae import FactorVAE
from bvae_cli.objectives.gvae import GVAE
from bvae_cli.objectives.info_gan import InfoGAN
from bvae_cli.objectives.info_vae import InfoVAE
from bvae_cli.objectives.ml_vae import MLVAE
from bvae_cli.objectives.objective import Objective
from bvae_cli.objectives.vae import VAEObjective

OBJECTIVES: dict[str, type[Objective]] = {
    "vae": VAEObjective,
    "beta_vae": BetaVAE,
    "annealed_vae": AnnealedVAE,
    "factor_vae": FactorVAE,
    "beta_tcvae": BetaTCVAE,
    "dip_vae_i": DIPVAEI,
    "dip_vae_ii": DIPVAEII,
    "info_vae": InfoVAE,
    "dc_ign": DCIGN,
    "info_gan": InfoGAN,
    "ada_gvae": AdaGVAE,
    "ada_ml_vae": AdaMLVAE,
    "gvae": GVAE,
    "ml_vae": MLVAE,
}
