"""bvae traverse."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import print_notice, print_path
from bvae_cli.commands.options import CheckpointFile, Data, ImageFiles, Indices, Out, Where, with_params
from bvae_cli.commands.tables import warn_about_collapse
from bvae_cli.params import Params
from bvae_cli.system.errors import BvaeError


@with_params("traverse")
def traverse(
    params: Params,
    ckpt: CheckpointFile,
    latent: Annotated[list[int] | None, typer.Option(help="Index of a latent to traverse; repeatable.")] = None,
    index: Indices = None,
    where: Where = None,
    image_files: ImageFiles = None,
    data: Data = Path("data"),
    out: Out = None,
) -> None:
    """Draw latent traversals: traversal.gif, traversal.png, and one GIF per latent in latents/.

    The base codes are those of the example images in the checkpoint, or samples of the prior if it has none. Only
    --index and --where read the data file.
    """
    from bvae_cli import checkpoint
    from bvae_cli.figures import base_images, traversal

    model = checkpoint.load_checkpoint(ckpt)
    warn_about_collapse(model.latents)
    selection = (index or [], where or [], image_files or [])
    base_code = params.traverse.base_code
    if base_code != "posterior" and any(selection):
        raise BvaeError(
            f"--base-code {base_code} is unsupported with images",
            "remove --index, --where and --image, or remove --base-code.",
        )
    if params.traverse.largest_mean_latent and latent:
        raise BvaeError("--largest-mean-latent and --latent are mutually exclusive", "remove one of them.")
    uses_images = base_code == "posterior" and bool(any(selection) or len(model.examples))
    if base_code == "posterior" and not uses_images:
        print_notice(
            "The checkpoint contains no images: the base codes are samples of the prior. Encode an image with --image."
        )
    images = base_images.select_images(model, data, *selection, params.traverse.images) if uses_images else None
    for path in traversal.traverse(model, images, params.traverse, latent or [], out or ckpt.parent):
        print_path(path)
