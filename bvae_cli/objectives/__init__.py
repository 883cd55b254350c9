"""What training minimises. To add one: a file here, and a line in the table."""

from bvae_cli.objectives.beta import Beta
from bvae_cli.objectives.beta_tc import BetaTC
from bvae_cli.objectives.capacity import Capacity
from bvae_cli.objectives.dc_ign import DcIgn
from bvae_cli.objectives.dip_i import DipI
from bvae_cli.objectives.dip_ii import DipII
from bvae_cli.objectives.factor import Factor
from bvae_cli.objectives.info import Info
from bvae_cli.objectives.info_gan import InfoGan
from bvae_cli.objectives.objective import Objective
from bvae_cli.objectives.vae import Vae

OBJECTIVES: dict[str, type[Objective]] = {
    "vae": Vae,
    "beta": Beta,
    "capacity": Capacity,
    "factor": Factor,
    "beta_tc": BetaTC,
    "dip_i": DipI,
    "dip_ii": DipII,
    "info": Info,
    "dc_ign": DcIgn,
    "info_gan": InfoGan,
}
