"""Compiles pellucid._native (native/) when pip builds a wheel or an editable install, and the explorer (web/) where
node is; needs a C++ compiler.

A hook of hatchling, and not a build system of its own: an editable install then stays a plain path to src, which
PYTHONPATH can go before. Without node everything works but the explorer, which says so when it is opened. With
PELLUCID_EXPLORER=required a build without it fails, with =none it isn't tried.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# Visual C++ has no vector types; clang-cl, which links with it, comes with Visual Studio's C++ tools.
USUAL = "clang-cl" if os.name == "nt" else "c++"
REMEDY = {
    "nt": "Visual Studio's component 'C++ Clang tools for Windows', in a developer command prompt",
}.get(os.name, "xcode-select --install" if sys.platform == "darwin" else "apt-get install g++")


class NativeBuildHook(BuildHookInterface):
    """Puts the compiled module into the wheel, or beside the sources where they are run in place."""

    def dependencies(self) -> list[str]:
        return [tool for tool in ("cmake", "ninja") if shutil.which(tool) is None]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self._explorer(Path(self.root, "web"))
        compiler = os.environ.get("CXX") or USUAL
        if shutil.which(compiler.split()[0]) is None:
            raise RuntimeError(
                f"pellucid has parts in C++, and there is no compiler here ({compiler}). Try: {REMEDY}"
            )
        package = Path(self.root, "src", "pellucid")
        self._made = Path(tempfile.mkdtemp())
        target = package if version == "editable" else self._made / "module"
        _compile(Path(self.root, "native"), self._made / "build", target)
        if version != "editable":
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            build_data["force_include"] |= {str(file): f"pellucid/{file.name}" for file in target.iterdir()}

    def _explorer(self, web: Path) -> None:
        """Builds the front end where it isn't there already."""
        wish = os.environ.get("PELLUCID_EXPLORER", "")
        built = Path(self.root, "src", "pellucid", "faces", "explorer")
        if wish == "none" or is_built(web, built):
            return
        reason = build_explorer(web)
        if reason and wish == "required":
            raise RuntimeError(f"the explorer can't be built: {reason}")
        if reason:
            self.app.display_warning(f"without the explorer (pellucid open): {reason}")

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        shutil.rmtree(self._made, ignore_errors=True)


MADE = ("app.html", "app.js", "app.css", "page.html", "widget.js", "widget.css")


def is_built(web: Path, built: Path) -> bool:
    """Whether the front end is there and no older than its sources."""
    made = [built / name for name in MADE]
    if not all(path.is_file() for path in made):
        return False
    sources = [path for path in (*web.glob("*.*"), *web.glob("src/**/*")) if path.is_file()]
    newest = max((path.stat().st_mtime for path in sources), default=0.0)
    return min(path.stat().st_mtime for path in made) >= newest


def build_explorer(web: Path) -> str:
    """Builds the front end with npm; why it couldn't be, or nothing."""
    npm = shutil.which("npm")
    if not (web / "package-lock.json").is_file():
        return "its sources aren't here"
    if npm is None or shutil.which("node") is None:
        return "node isn't here. Install node 20 or newer, then: npm ci && npm run build, in web/"
    for command in ([npm, "ci", "--no-audit", "--no-fund"], [npm, "run", "build"]):
        done = subprocess.run(
            command, cwd=web, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            return f"{' '.join(command[:3])} ended with {done.returncode}:\n{done.stdout[-4000:]}"
    return ""


def _compile(source: Path, build: Path, target: Path) -> None:
    import nanobind

    sanitizers = os.environ.get("PELLUCID_SANITIZE", "")  # as in .ci/sanitize
    settings = {
        "CMAKE_BUILD_TYPE": "Debug" if sanitizers else "Release",
        "PELLUCID_SANITIZE": sanitizers,
        "CMAKE_LIBRARY_OUTPUT_DIRECTORY": target,
        "Python_EXECUTABLE": sys.executable,
        "nanobind_DIR": nanobind.cmake_dir(),
    }
    if os.name == "nt" and not os.environ.get("CXX"):
        settings["CMAKE_CXX_COMPILER"] = USUAL
    configure = ["cmake", "-S", source, "-B", build, "-G", "Ninja"]
    for command in (
        [*configure, *(f"-D{key}={value}" for key, value in settings.items())],
        ["cmake", "--build", build],
    ):
        done = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}")
