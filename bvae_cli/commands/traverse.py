"""bvae traverse."""

from pathlib import Path
from typing import Annotated

import typer

from bvae_cli.commands.console import notice, result
from bvae_cli.commands.options import CheckpointFile, Data, ImageFiles, Indices, Out, Where, with_params
from bvae_cli.params import Params
from bvae_cli.system.errors import BvaeError


@with_params("traverse")
def traverse(
    params: Params,
    ckpt: CheckpointFile,
    latent: Annotated[list[int] | None, typer.Option(help="Number of a latent to move. May be repeated.")] = None,
    index: Indices = None,
    where: Where = None,
    image_files: ImageFiles = None,
    data: Data = Path("data"),
    out: Out = None,
) -> None:
    """Draw what each latent does: traversal.gif, traversal.png, and a GIF a latent in latents/.

    Starts from examples that the checkpoint carries, or where it has none from draws of the prior; only --index and
    --where need the data.
    """
    from bvae_cli import checkpoint
    from bvae_cli.figures import base_images, traversal

    model = checkpoint.load_checkpoint(ckpt)
    asked = (index or [], where or [], image_files or [])
    start = params.traverse.base_code
    if start != "posterior" and any(asked):
        raise BvaeError(
            f"--base-code {start} takes no images", "leave out --index, --where and --image, or --base-code."
        )
    if params.traverse.largest_mean_latent and latent:
        raise BvaeError("--largest-mean-latent and --latent exclude each other", "leave one out.")
    from_images = start == "posterior" and bool(any(asked) or len(model.examples))
    if start == "posterior" and not from_images:
        notice.print(
            "The checkpoint carries no images: draws of the prior are held. Or name some: --image FILE.",
            soft_wrap=True,
        )
    images = base_images.select_images(model, data, *asked, params.traverse.images) if from_images else None
    for path in traversal.traverse(model, images, params.traverse, latent or [], out or ckpt.parent):
        result.print(path, soft_wrap=True, highlight=False)
