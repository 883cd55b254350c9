"""The user's browser."""

import subprocess
import sys
from pathlib import Path

PATIENCE = 10  # seconds after which a browser that still runs is taken to have opened the page, and to run on
OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


def open_in_browser(page: Path) -> bool:
    """Open a page in the browser, without its words in our terminal; whether there is one."""
    command = [sys.executable, "-c", OPEN, page.resolve().as_uri()]
    quiet = subprocess.DEVNULL
    opening = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        return opening.wait(PATIENCE) == 0
    except subprocess.TimeoutExpired:
        return True
