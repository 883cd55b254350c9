"""The entry point of the command line, which reports errors and sets the exit status."""

import _thread
import io
import os
import re
import signal
import sys
import threading
from traceback import walk_tb
from types import FrameType, TracebackType

from bvae_cli.system.errors import BvaeError, InterruptionError

MAX_TERMINAL_SIZE = 999  # columns or lines
OUT_OF_MEMORY = re.compile("out of memory|can't allocate memory")  # PyTorch's messages, on a GPU and on the CPU


def main() -> None:
    """Run the command line.

    The exit status is 0, 1 (an error that the user can fix), 2 (usage), 130 (Ctrl-C) or 143 (SIGTERM).
    """
    limit_terminal_size()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # "?" for what the terminal's or file's encoding lacks
    sys.unraisablehook = handle_unraisable
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, exit_on_sigterm)
    try:
        run_command()
    except KeyboardInterrupt:  # also while an error is being reported
        sys.exit(130)


def limit_terminal_size() -> None:
    """Limit the size that the environment gives of the terminal: lines are padded to its width."""
    for name in ("COLUMNS", "LINES", "TERMINAL_WIDTH"):
        if len(os.environ.get(name, "")) > len(str(MAX_TERMINAL_SIZE)):
            os.environ[name] = str(MAX_TERMINAL_SIZE)


def run_command() -> None:
    """Run the command in `sys.argv`, and report its errors."""
    try:
        from bvae_cli.app import app
        from bvae_cli.renamed import require_new_arguments

        require_new_arguments(sys.argv[1:])
        app(prog_name="bvae")  # also if called by another program, such as pytest
    except InterruptionError as stop:
        exit_with_error(stop, 128 + stop.number)
    except BvaeError as error:
        exit_with_error(error)
    except OSError as error:
        exit_with_error(BvaeError(f"{error.filename or 'the system'}: {error.strerror or error}"))
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not OUT_OF_MEMORY.search(str(error)):
            raise
        exit_with_error(BvaeError("out of memory", "reduce --batch-size, or run on the CPU with --cpu."))


def exit_with_error(error: BvaeError, code: int = 1) -> None:
    """Print an error and exit."""
    from bvae_cli.commands.console import show_error

    show_error(error)
    sys.exit(code)


def exit_on_sigterm(number: int, frame: FrameType | None) -> None:
    """Exit on SIGTERM by an exception, as on Ctrl-C, so that temporary files are removed."""
    sys.exit(128 + number)


def handle_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """Repeat a Ctrl-C or SIGTERM that arrived within a destructor, where Python drops it; HDF5 has many destructors.

    Errors of HDF5 in closing a file that such a signal left half-written are not shown: the file is discarded.
    """
    if unraisable.exc_type in (KeyboardInterrupt, SystemExit):
        number = signal.SIGINT if unraisable.exc_type is KeyboardInterrupt else signal.SIGTERM
        threading.Timer(0.01, _thread.interrupt_main, [number]).start()
    elif not is_raised_by_h5py(unraisable.exc_traceback):
        sys.__unraisablehook__(unraisable)


def is_raised_by_h5py(traceback: TracebackType | None) -> bool:
    """Return whether an error was raised within the compiled code of h5py."""
    return any(frame.f_code.co_filename.startswith("h5py/") for frame, _ in walk_tb(traceback))


if __name__ == "__main__":
    main()
