"""bvae export."""

from bvae_cli.commands.console import result
from bvae_cli.commands.options import CheckpointFile, Out


def export(ckpt: CheckpointFile, out: Out = None) -> None:
    """Write the model for other programs, in ONNX: encoder.onnx and decoder.onnx.

    The encoder takes `images`, (batch, channels, 64, 64) from 0 to 1, and gives `mean` and `logvar`; the decoder takes
    `z` and gives `picture`, from 0 to 1. Both are compared with the checkpoint before they are written.
    """
    from bvae_cli import checkpoint
    from bvae_cli.interop.onnx_export import export_model

    for path in export_model(checkpoint.load_checkpoint(ckpt), out or ckpt.parent):
        result.print(path, soft_wrap=True, highlight=False)
