"""`pellucid bench`: this machine against its own limit."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pellucid.errors import SettingsError
from pellucid.faces.cli import output
from pellucid.faces.cli.summary import named_network
from pellucid.storage import shown, typed, write_atomically

MOST_ROUNDS = 1000


def bench_command(
    network: str,
    size: str | None,
    threads: int | None,
    rounds: int,
    peers: bool,
    plot: str | None,
    as_json: bool,
) -> None:
    """Measure, show the table, and draw the roofline where asked."""
    if not 1 <= rounds <= MOST_ROUNDS:
        raise SettingsError("Everything is measured once a round", where="--rounds", received=str(rounds),
                            remedy=f"--rounds 3, or any from 1 to {MOST_ROUNDS:,}")  # fmt: skip
    if threads is not None and not 1 <= threads <= 1024:
        raise SettingsError("Threads are counted from 1", where="--threads", received=str(threads),
                            remedy="--threads 2, or any from 1 to 1,024")  # fmt: skip
    if plot is not None and not plot.lower().endswith(".svg"):
        raise SettingsError("the roofline is an SVG file", where="--plot", received=shown(plot),
                            remedy=f"--plot {typed(Path(plot).stem or 'roofline')}.svg")  # fmt: skip
    named = named_network(network, size, None)

    from pellucid.engines.measuring import Asked, Doing, Row, measure, roofline
    from pellucid.engines.measuring.bench import surroundings
    from pellucid.images.threads import cpu_count

    asked = Asked(named, threads or cpu_count(), rounds, peers)
    rows: list[Row] = []
    for found in measure(asked):
        if isinstance(found, Doing):
            print(f"round {found.round}/{found.rounds}  {found.what}", file=sys.stderr, flush=True)
        else:
            rows.append(found)
    about = surroundings(asked.threads)
    if plot is not None:
        title = f"{network} on {about['processor']}, {asked.threads} threads, {about['instructions']}"
        write_atomically(plot, roofline(rows, title).encode())
    if as_json:
        document: dict[str, Any] = {**about, "network": named.text, "rounds": rounds}
        document["rows"] = [row.as_dict() for row in rows]
        output.print_json(document | ({"plot": plot} if plot is not None else {}))
        return
    _print(rows, about, network)
    if plot is not None:
        print(f"plot      {shown(plot)}", file=sys.stderr)


def _print(rows: Sequence[Any], about: dict[str, Any], network: str) -> None:
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    print(f"machine   {about['processor']}, {about['cores']} processors; {about['instructions']}; {versions}")
    for row in rows:
        if row.part == "machine":
            share = f"   {row.about['share_of_peak']:.0%} of the peak" if "share_of_peak" in row.about else ""
            by = row.about.get("library") or row.about["loop"]
            print(
                f"  {row.name:<26} {row.median:>8,.1f} {row.unit:<8} {_spread(row)}   {_threads(row)}, {by}{share}"
            )
    layers = [row for row in rows if row.part == "layers"]
    batch = layers[0].about["batch"]
    print(f"layers    {network} in training, batch {batch}, {_threads(layers[0])}; a picture")
    titles = ("", "µs", "of all", "kFLOP", "FLOP/byte", "GFLOP/s", "possible", "share")
    cells = [titles] + [_cells(row, layers) for row in layers]
    widths = [max(len(line[column]) for line in cells) for column in range(len(titles))]
    for first, *others in cells:
        beside = "".join(f"   {cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        print(f"  {first:<{widths[0]}}{beside}")
    print("training  pictures a second, float32, random pictures")
    for row in (row for row in rows if row.part == "training"):
        what = f"batch {row.about['batch']}, {row.about['gflops']:,.0f} GFLOP/s, "
        what += f"{row.about['share_of_sgemm']:.0%} of sgemm"
        if "pellucid_ratio" in row.about:
            what += f"; pellucid is {row.about['pellucid_ratio']:.2f} x as fast"
        print(f"  {row.name:<26} {row.median:>8,.0f} {_spread(row)}   {what}")


def _cells(row: Any, layers: Sequence[Any]) -> tuple[str, ...]:
    """A layer's line; what the noise has swallowed is a dash."""
    about, micro = row.about, row.median * 1e6
    if "flop" not in about:
        return (row.name, f"{micro:,.2f}", "", "", "", "", "", "")
    rate = about["gflops"]
    return (
        row.name,
        f"{micro:,.2f}" if micro > 0 else "-",
        f"{about['share_of_time']:.0%}",
        f"{about['flop'] / 1000:,.1f}",
        f"{about['flop_per_byte']:,.1f}",
        f"{rate:,.1f}" if rate else "-",
        f"{about['ceiling_gflops']:,.1f}",
        f"{about['share_of_ceiling']:.0%}" if rate else "-",
    )


def _threads(row: Any) -> str:
    count = row.about["threads"]
    return f"{count} thread{'s' * (count != 1)}"


def _spread(row: Any) -> str:
    lower, upper = row.quartiles
    digits = 0 if row.median >= 1000 else 1
    return f"({lower:,.{digits}f} – {upper:,.{digits}f}, n {len(row.values)})"
