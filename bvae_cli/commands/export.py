"""bvae export."""

from bvae_cli.commands.console import print_path
from bvae_cli.commands.options import CheckpointFile, Out


def export(ckpt: CheckpointFile, out: Out = None) -> None:
    """Export a model to ONNX: encoder.onnx and decoder.onnx.

    The encoder maps `images`, (batch, channels, 64, 64) in [0, 1], to `mean` and `logvar`. The decoder maps `z` to
    `image`, in [0, 1]. Their outputs are compared with the checkpoint's before the files are written.
    """
    from bvae_cli import checkpoint
    from bvae_cli.interop.onnx_export import export_model

    for path in export_model(checkpoint.load_checkpoint(ckpt), out or ckpt.parent):
        print_path(path)
