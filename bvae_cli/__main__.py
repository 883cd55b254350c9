"""The entry point, and the one place where errors become words."""

import _thread
import re
import signal
import sys
import threading
from types import FrameType

from bvae_cli.system.errors import BvaeError, InterruptionError

OUT_OF_MEMORY = re.compile("out of memory|can't allocate memory")  # torch's words, of a GPU and of the processor


def main() -> None:
    """Run the command line.

    It exits with 0, 1 for what the user can put right, 2 for usage, 130 for Ctrl-C and 143 for SIGTERM.
    """
    sys.unraisablehook = resend_signal
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, exit_on_sigterm)
    try:
        run_command()
    except KeyboardInterrupt:  # one that comes while an error is told, too
        sys.exit(130)


def run_command() -> None:
    """Run the command that is asked for, and tell what goes wrong."""
    try:
        from bvae_cli.app import app
        from bvae_cli.renamed import require_new_arguments

        require_new_arguments(sys.argv[1:])
        app(prog_name="bvae")  # also where another program, like pytest, calls it
    except InterruptionError as stop:
        exit_with_error(stop, 128 + stop.number)
    except BvaeError as error:
        exit_with_error(error)
    except OSError as error:
        exit_with_error(BvaeError(f"{error.filename or 'the system'}: {error.strerror or error}"))
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not OUT_OF_MEMORY.search(str(error)):
            raise
        exit_with_error(BvaeError("there is not enough memory", "try a smaller --batch-size, or the processor: --cpu."))


def exit_with_error(error: BvaeError, code: int = 1) -> None:
    """Say what is wrong, and end."""
    from bvae_cli.commands.console import show_error

    show_error(error)
    sys.exit(code)


def exit_on_sigterm(number: int, frame: FrameType | None) -> None:
    """Obey SIGTERM as Ctrl-C is obeyed: temporary files are removed on the way out."""
    sys.exit(128 + number)


def resend_signal(lost: "sys.UnraisableHookArgs") -> None:
    """Repeat a Ctrl-C or a SIGTERM that fell into a destructor, where Python drops it: HDF5's are many."""
    if lost.exc_type in (KeyboardInterrupt, SystemExit):
        number = signal.SIGINT if lost.exc_type is KeyboardInterrupt else signal.SIGTERM
        threading.Timer(0.01, _thread.interrupt_main, [number]).start()
    else:
        sys.__unraisablehook__(lost)


if __name__ == "__main__":
    main()
