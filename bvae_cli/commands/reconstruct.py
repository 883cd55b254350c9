"""bvae reconstruct."""

from pathlib import Path

from bvae_cli.commands.console import result
from bvae_cli.commands.options import CheckpointFile, Data, Indices, Out, Pictures, Wishes, with_params
from bvae_cli.params import Params


@with_params("reconstruct")
def reconstruct(
    params: Params,
    ckpt: CheckpointFile,
    index: Indices = None,
    factors: Wishes = None,
    picture: Pictures = None,
    data: Data = Path("data"),
    out: Out = None,
) -> None:
    """Draw images above their reconstructions: reconstruction.png.

    Takes examples that the checkpoint carries; only --index and --factors need the data.
    """
    from bvae_cli import checkpoint
    from bvae_cli.pictures import reconstruction, starts

    model = checkpoint.load(ckpt)
    images = starts.choose(model, data, index or [], factors or [], picture or [], params.reconstruct.images)
    path = (out or ckpt.parent) / "reconstruction.png"
    result.print(reconstruction.reconstruct(model.vae, images, path), soft_wrap=True, highlight=False)
