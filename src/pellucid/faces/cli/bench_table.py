"""`pellucid bench` on the screen: the machine, the parts of a training step, training as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pellucid.network import table

TITLES = ("", "", "µs", "of all", "kFLOP", "kB", "FLOP/byte", "GFLOP/s", "of peak", "possible", "of that")
RIGHT = [place > 1 for place in range(len(TITLES))]


def bench_table(rows: Sequence[Any], about: dict[str, Any], network: str) -> str:
    """All that was measured, as lines for people. `rows` are those of `engines.measuring.measure`."""
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    lines = [
        f"machine   {about['processor']}, {about['cores']} processors; {about['instructions']}; {versions}",
        *(_machine(row) for row in rows if row.part == "machine"),
    ]
    parts = [row for row in rows if row.part in ("layers", "rest", "whole")]
    lines.append(
        f"step      {network} in training, batch {parts[0].about['batch']}, "
        f"{_threads(parts[0])}; a picture's part of it"
    )
    lines += [f"  {line}" for line in table.aligned(list(TITLES), _cells(parts), RIGHT)]
    lines += [f"  {line}" for line in _notes(parts)]
    whole = [row for row in rows if row.part == "training"]
    known = "; of PyTorch only whole steps are known" if len(whole) > 1 else ""
    lines.append(f"training  pictures a second, float32, random pictures{known}")
    return "\n".join([*lines, *map(_training, whole)])


def _machine(row: Any) -> str:
    share = f"   {row.about['share_of_peak']:.0%} of the peak" if "share_of_peak" in row.about else ""
    by = row.about.get("library") or row.about["loop"]
    return f"  {row.name:<26} {row.median:>8,.1f} {row.unit:<8} {_spread(row)}   {_threads(row)}, {by}{share}"


def _training(row: Any) -> str:
    what = f"batch {row.about['batch']}, {row.about['gflops']:,.0f} GFLOP/s, "
    what += f"{row.about['share_of_sgemm']:.0%} of sgemm"
    if "pellucid_ratio" in row.about:
        what += f"; pellucid is {row.about['pellucid_ratio']:.2f} x as fast"
    return f"  {row.name:<26} {row.median:>8,.0f} {_spread(row)}   {what}"


def _cells(parts: Sequence[Any]) -> list[list[str]]:
    """A line of each part; a compiled step's name stands beside the first of its two."""
    found, before = [], ""
    for row in parts:
        about = row.about
        name = "" if row.part == "layers" and row.name == before else row.name
        before = row.name
        found.append([
            name,
            about.get("pass", ""),
            f"{row.median * 1e6:,.3f}",
            f"{about['share_of_time']:.1%}" if "share_of_time" in about else "100.0%",
            f"{about['flop'] / 1000:,.1f}" if about.get("flop") else "",
            f"{about['bytes'] / 1000:,.1f}" if "bytes" in about else "",
            f"{about['flop_per_byte']:,.1f}" if about.get("flop_per_byte") else "",
            f"{about['gflops']:,.1f}" if about.get("gflops") else "",
            f"{about['share_of_peak']:.0%}" if about.get("share_of_peak") else "",
            f"{about['ceiling_gflops']:,.1f}" if about.get("ceiling_gflops") else "",
            f"{about['share_of_ceiling']:.0%}" if about.get("share_of_ceiling") else "",
        ])  # fmt: skip
    return found


def _notes(parts: Sequence[Any]) -> list[str]:
    """What the columns mean, in so many words as this network needs."""
    notes = [
        "µs: with all threads at work, of each part the fastest; what is left of a whole step is waiting, clearing, "
        "and other programs",
        "kB: what goes in and out at least; possible: what the peak and the second cache allow",
    ]
    tiled = list(
        dict.fromkeys(row.name for row in parts if row.about.get("kernel", "").startswith("Winograd"))
    )
    if tiled:
        names = ", ".join(tiled[:3]) + (f" and {len(tiled) - 3} more" if len(tiled) > 3 else "")
        notes.append(
            f"{names}: Winograd's tiles take fewer products than a convolution's definition, whose operations are "
            "counted: over 100% is possible"
        )
    if any(row.name == "optimiser, dense gradients" for row in parts):
        notes.append(
            "optimiser: with the gradients of dense layers' weights, which are computed for the whole batch at once"
        )
    return notes


def _threads(row: Any) -> str:
    count = row.about["threads"]
    return f"{count} thread{'s' * (count != 1)}"


def _spread(row: Any) -> str:
    lower, upper = row.quartiles
    digits = 0 if row.median >= 1000 else 1
    return f"({lower:,.{digits}f} – {upper:,.{digits}f}, n {len(row.values)})"
