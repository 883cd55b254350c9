"""Opening a page in the user's browser."""

import subprocess
import sys
from pathlib import Path

OPEN_TIMEOUT = 10  # seconds; a browser process that still runs after them is assumed to have opened the page
OPEN_CODE = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"


def open_in_browser(page: Path) -> bool:
    """Open a page in the browser, discard the browser's output, and return whether a browser was found."""
    command = [sys.executable, "-c", OPEN_CODE, page.resolve().as_uri()]
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=null, stdout=null, stderr=null, start_new_session=True)
    try:
        return process.wait(OPEN_TIMEOUT) == 0
    except subprocess.TimeoutExpired:
        return True
