"""JupyterLab as a person runs it: a server of its own, one cell that opens a model, and a driven browser."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.browsing import ready

SOURCE = Path(__file__).parents[2] / "src"


@contextmanager
def notebook_of(folder: Path, model: str | Path, opens: str = "model.open(height=700)") -> Iterator[str]:
    """JupyterLab in this folder, with a notebook that loads the model and `opens` the explorer: its address."""
    import nbformat

    code = f"import pellucid\nmodel = pellucid.load({str(model)!r})\n{opens}"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, folder / "cell.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    key = secrets.token_hex(8)
    settings = {"JUPYTER_CONFIG_DIR": folder / "config", "JUPYTER_DATA_DIR": folder / "data",
                "JUPYTER_RUNTIME_DIR": folder / "runtime", "PYTHONPATH": SOURCE}  # fmt: skip
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}",
               "--ip=127.0.0.1", f"--IdentityProvider.token={key}", "--ServerApp.port_retries=0",
               "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]  # fmt: skip
    with (folder / "lab.log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | {n: str(v) for n, v in settings.items()},
                                   stdout=log, stderr=log)  # fmt: skip
    try:
        begin = time.monotonic()
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token={key}", timeout=5).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() - begin < 120, (
                    folder / "lab.log"
                ).read_text()
                time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/lab/tree/cell.ipynb?token={key}"
    finally:
        process.terminate()
        process.wait(30)


def run_all(page: Any, address: str) -> Any:
    """Run the notebook's cells; the explorer in the cell, once it has answered."""
    page.goto(address)
    page.get_by_text("| Idle").wait_for()
    page.get_by_text("Run", exact=True).first.click()
    page.get_by_text("Run All Cells", exact=True).click()
    cell = page.locator(".jp-OutputArea .pellucid")
    cell.wait_for()
    return ready(page, cell)
