"""The options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, errors as JSON on stderr.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
ModelPath = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A model file, as runs/NAME/model.onnx, or efficientnet-lite0."),
]

MaxPixels = Annotated[
    str | None,
    typer.Option(help="Leave out pictures with more pixels, told by their headers; 40M unless given."),
]
Strict = Annotated[
    bool | None, typer.Option("--strict", help="Refuse what is otherwise left out and listed.")
]

FOREIGN = "Another tool's file"  # how pictures come into a model file that doesn't say so itself
Scale = Annotated[
    float | None,
    typer.Option(help="Pixels are multiplied by it; 1/255 unless given.", rich_help_panel=FOREIGN),
]
Mean = Annotated[
    str | None,
    typer.Option(
        help="Then subtracted: one number, or one a channel: 0.485,0.456,0.406.", rich_help_panel=FOREIGN
    ),
]
Std = Annotated[
    str | None,
    typer.Option(help="Then divided by: one number, or one a channel.", rich_help_panel=FOREIGN),
]
Bgr = Annotated[bool, typer.Option("--bgr", help="Blue comes first.", rich_help_panel=FOREIGN)]
Size = Annotated[
    str | None,
    typer.Option(
        help="Where the file leaves it open: 224, or 48x64 (height x width).", rich_help_panel=FOREIGN
    ),
]
Fit = Annotated[
    str | None,
    typer.Option(help="How pictures come to the size: stretch, pad or crop.", rich_help_panel=FOREIGN),
]
Labels = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="The names of its classes, one a line.", rich_help_panel=FOREIGN),
]
