"""The notebook of docs/ runs in a real kernel."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import ROOT


def test_notebook_runs_to_its_end(evaluated: Path) -> None:
    shutil.copytree(evaluated, "runs/dsprites")
    Path("docs").mkdir()
    notebook = Path(shutil.copy(ROOT / "docs" / "notebook.ipynb", "docs"))
    execute = [str(Path(sys.executable).parent / "jupyter-execute"), "--inplace", "--timeout=60", str(notebook)]
    done = subprocess.run(execute, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    cells = [cell for cell in json.loads(notebook.read_text())["cells"] if cell["cell_type"] == "code"]
    output_types = [kind for cell in cells for output in cell["outputs"] for kind in output.get("data", {})]
    assert len(cells) == sum(bool(cell["outputs"]) for cell in cells)
    assert output_types.count("text/html") == 1
    assert output_types.count("image/png") == 2
