"""`pellucid bench`: this machine against its own limit."""

from __future__ import annotations

import sys
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
    from pellucid.faces.cli.bench_table import bench_table
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
    print(bench_table(rows, about, network))
    if plot is not None:
        print(f"plot      {shown(plot)}", file=sys.stderr)
