"""bvae reconstruct."""

from pathlib import Path

from bvae_cli.commands.console import print_path
from bvae_cli.commands.options import CheckpointFile, Data, ImageFiles, Indices, Out, Where, with_params
from bvae_cli.params import Params


@with_params("reconstruct")
def reconstruct(
    params: Params,
    ckpt: CheckpointFile,
    index: Indices = None,
    where: Where = None,
    image_files: ImageFiles = None,
    data: Data = Path("data"),
    out: Out = None,
) -> None:
    """Draw images above their reconstructions: reconstruction.png.

    By default uses the example images in the checkpoint; only --index and --where read the data file.
    """
    from bvae_cli import checkpoint
    from bvae_cli.figures import base_images, reconstruction

    model = checkpoint.load_checkpoint(ckpt)
    images = base_images.select_images(
        model, data, index or [], where or [], image_files or [], params.reconstruct.images
    )
    path = (out or ckpt.parent) / "reconstruction.png"
    print_path(reconstruction.draw_reconstructions(model.vae, images, path))
