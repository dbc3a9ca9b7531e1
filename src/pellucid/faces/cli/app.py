"""The verbs and their options; over 500 lines, as each option is a declaration that the help is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pellucid import __version__
from pellucid.faces.cli.options import (
    Bgr,
    Debug,
    Fit,
    Json,
    Labels,
    MaxPixels,
    Mean,
    ModelPath,
    Scale,
    Size,
    Std,
    Strict,
)

app = typer.Typer(
    name="pellucid",
    help="Convolutional networks you can see through: from pictures to one ONNX file.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _pellucid(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    if version:
        print(f"pellucid {__version__}")
        raise typer.Exit


@app.command()
def train(
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]",
            help="A folder of class folders, a table (.csv), an .npz or IDX file, or mnist (the default, built in).",
        ),
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="A name (auto, lenet5, resnet18 …) or a text: 'conv 8 5x5, relu, …'.")
    ] = None,
    size: Annotated[
        str | None, typer.Option(help="Bring pictures to this size: 64, or 48x64 (height x width).")
    ] = None,
    fit: Annotated[str | None, typer.Option(help="How: stretch (the default), pad or crop.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training pictures.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of weights, order and augmentation; 0 unless given.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(help="Pictures in a step.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="At the schedule's peak.")] = None,
    patience: Annotated[
        int | None,
        typer.Option(help="Stop after so many epochs without a better one; a third of all unless given."),
    ] = None,
    augment: Annotated[
        bool | None,
        typer.Option("--augment/--no-augment", help="Vary the pictures in training (by kind of data)."),
    ] = None,
    class_weights: Annotated[
        str | None,
        typer.Option(
            help="How much rarer classes count: damped, balanced, none; auto: damped where lopsided."
        ),
    ] = None,
    max_pixels: MaxPixels = None,
    strict: Strict = None,
    precision: Annotated[str | None, typer.Option(help="f32 (the default) or bf16.")] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads that compute; all processors unless given.")
    ] = None,
    engine: Annotated[str | None, typer.Option(help="What trains: auto, native or torch.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu or cuda.")] = None,
    out: Annotated[str | None, typer.Option(help="The run's folder; runs/NAME-N unless given.")] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Go on with the interrupted run in this folder.")
    ] = None,
    start_from: Annotated[
        str | None, typer.Option("--from", help="Start from the weights of this model file.")
    ] = None,
    settings: Annotated[Path | None, typer.Option(help="Repeat a run: its settings.json.")] = None,
    tensorboard: Annotated[
        bool | None, typer.Option("--tensorboard", help="Write the curves for TensorBoard, too.")
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Train a classifier; one ONNX file comes out."""
    from pellucid.faces.cli.ahead import read_ahead

    if resume is None:
        read_ahead(data, settings)
    from pellucid.faces.cli.train import train_command

    given = {
        "data": data, "network": network, "fit": fit, "epochs": epochs, "seed": seed, "batch_size": batch_size,
        "learning_rate": learning_rate, "patience": patience, "precision": precision, "threads": threads,
        "engine": engine, "device": device, "start_from": start_from, "class_weights": class_weights,
        "tensorboard": tensorboard, "strict": strict,
    }  # fmt: skip
    train_command(given, size, augment, max_pixels, out, resume, settings, json)


@app.command()
def evaluate(
    model: ModelPath,
    data: Annotated[
        str | None, typer.Argument(metavar="[DATA]", help="Other labelled pictures; else its own test part.")
    ] = None,
    report: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the report, one HTML page with pictures.")
    ] = None,
    scale: Scale = None,
    mean: Mean = None,
    std: Std = None,
    bgr: Bgr = False,
    size: Size = None,
    fit: Fit = None,
    labels: Labels = None,
    max_pixels: MaxPixels = None,
    strict: Strict = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """How good a model is: accuracy with its interval, by class, confusion, calibration."""
    from pellucid.faces.cli.evaluate import evaluate_command
    from pellucid.faces.cli.wishes import read_wishes

    wishes = read_wishes(scale, mean, std, bgr, size, fit, labels)
    evaluate_command(model, data, report, max_pixels, bool(strict), json, wishes)


@app.command()
def predict(
    model: ModelPath,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Pictures, folders, or - for names on stdin.")
    ],
    top: Annotated[int, typer.Option(min=1, help="How many classes to show.")] = 3,
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Below this probability there is no label, but a dash.")
    ] = 0.0,
    scale: Scale = None,
    mean: Mean = None,
    std: Std = None,
    bgr: Bgr = False,
    size: Size = None,
    fit: Fit = None,
    labels: Labels = None,
    max_pixels: MaxPixels = None,
    csv: Annotated[bool, typer.Option("--csv", help="A CSV table: path, label, probability, error.")] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """What is in these pictures."""
    from pellucid.faces.cli.predict import predict_command
    from pellucid.faces.cli.wishes import read_wishes

    if csv and json:
        raise typer.BadParameter("give one of --csv and --json", param_hint="--csv")
    wishes = read_wishes(scale, mean, std, bgr, size, fit, labels)
    predict_command(model, paths, top, threshold, max_pixels, csv, json, wishes)


@app.command()
def explain(
    model: ModelPath,
    images: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[IMAGE]...",
            help="A picture. For --patches, --prefers, --character: several, or folders; none: its own test part.",
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="NAME[INDEX]", help="Open one value: 'conv2[3,4,5]', from 0.")
    ] = None,
    gradient: Annotated[
        str | None,
        typer.Option(
            metavar="WEIGHT[INDEX]", help="How a weight learns: 'conv1.weight[3,0,1,1]', with --label."
        ),
    ] = None,
    label: Annotated[str | None, typer.Option(help="With --gradient: the picture's true class.")] = None,
    rate: Annotated[float | None, typer.Option(help="With --gradient: the learning rate; 0.01.")] = None,
    target: Annotated[
        str | None, typer.Option("--class", help="The class to explain; the likeliest unless given.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="The class to hold it against; the next likeliest unless given.")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help="Of the heatmap: auto, gradcam, occlusion, gradient or integrated.")
    ] = None,
    layer: Annotated[
        str | None, typer.Option(help="Whose maps Grad-CAM weighs; chosen unless given.")
    ] = None,
    heatmap: Annotated[
        str | None, typer.Option(metavar="FILE", help="Where the heatmap goes; IMAGE-heatmap.png here.")
    ] = None,
    depth: Annotated[
        int | None, typer.Option(min=1, max=1000, help="With --at: how many levels down; 1.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=100_000, help="How many terms or channels to show.")] = 8,
    field: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="With --at: draw its receptive field on the picture (PNG)."),
    ] = None,
    maps: Annotated[str | None, typer.Option(metavar="LAYER", help="Draw a layer's feature maps.")] = None,
    filters: Annotated[
        str | None,
        typer.Option(metavar="LAYER", help="Draw a convolution's filters, the nearest classic named."),
    ] = None,
    patches: Annotated[
        str | None, typer.Option(metavar="LAYER", help="Each channel's strongest patches of the pictures.")
    ] = None,
    prefers: Annotated[
        str | None,
        typer.Option(metavar="LAYER", help="The input that each channel likes best, by gradient ascent."),
    ] = None,
    growth: Annotated[
        bool | None, typer.Option("--growth", help="How the receptive field grows, layer by layer.")
    ] = None,
    character: Annotated[
        bool | None, typer.Option("--character", help="How edge-like and colour-like each layer is.")
    ] = None,
    channels: Annotated[
        str | None, typer.Option(metavar="0,3,5", help="With --patches, --prefers: which channels.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="With --prefers: of the noise it begins with; 0.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="With --prefers: of the ascent; 192.")] = None,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Where the drawing goes (PNG).")] = None,
    scale: Scale = None,
    mean: Mean = None,
    std: Std = None,
    bgr: Bgr = False,
    size: Size = None,
    fit: Fit = None,
    labels: Labels = None,
    max_pixels: MaxPixels = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Why this answer; any number in the network opened, down to the pixels."""
    from pellucid.faces.cli.explain import Asked, explain_command
    from pellucid.faces.cli.wishes import read_wishes

    wishes = read_wishes(scale, mean, std, bgr, size, fit, labels)
    asked = Asked(
        model, tuple(images or ()), at, gradient, label, rate, target, against, method, layer, heatmap, depth, top,
        maps, filters, patches, prefers, growth or None, character or None, channels, seed, steps, out, field,
        max_pixels, json,
    )  # fmt: skip
    explain_command(asked, wishes)


@app.command()
def summary(
    network: Annotated[
        str,
        typer.Argument(
            metavar="MODEL or NETWORK", help="A model file, a name (vgg16) or a text ('conv 8 5x5, …')."
        ),
    ],
    input: Annotated[
        str | None,
        typer.Option(
            "--input",
            help="The input's size, channels last; how many figures says what it is: 28x28x1 a picture (height x "
            "width x channels), 128x3 a signal (length x channels), 16x32x32x1 a volume (depth x height x width x "
            "channels).",
        ),
    ] = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Classes, for a network given by name.")] = None,
    formula: Annotated[
        bool, typer.Option("--formula", help="Each figure's formula with its numbers.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(help="Set each convolution beside a dense or local layer that does the same."),
    ] = None,
    diagram: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw the network as blocks and lines (SVG).")
    ] = None,
    fold: Annotated[
        bool, typer.Option("--fold", help="With --diagram: draw what repeats once, with its count.")
    ] = False,
    down: Annotated[
        bool, typer.Option("--down", help="With --diagram: let data flow down, not to the right.")
    ] = False,
    drawing: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="With --against: draw the first convolution's connections (SVG)."),
    ] = None,
    plan: Annotated[
        bool,
        typer.Option(
            "--plan", help="How the native engine trains it: each step, its bytes, FLOP and kernel."
        ),
    ] = False,
    size: Size = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Shapes, sizes, parameters, mult-adds and receptive fields of a network."""
    from pellucid.faces.cli.summary import Drawings, summary_command

    summary_command(
        network, input, classes, formula, against, json, size, Drawings(diagram, fold, down, drawing), plan
    )


@app.command("filter")
def filter_(
    image: Annotated[
        str | None, typer.Argument(metavar="IMAGE", help="A picture, or values in .npy or a float32 .tiff.")
    ] = None,
    kernel: Annotated[
        str | None,
        typer.Argument(
            metavar="KERNEL",
            help="A name (sobel-x), numbers ('0 -1 0; -1 5 -1; 0 -1 0'), several side by side ('sobel-x + sobel-y'), "
            "or a network's text ('sharpen, relu, maxpool 2').",
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="The answer: .png, .jpg … in 8 bits, .npy and .tiff with every value."
        ),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw both side by side with histograms (PNG).")
    ] = None,
    show: Annotated[
        str | None, typer.Option(help="How values become 8 bits: clip (the default), stretch or equalise.")
    ] = None,
    channels: Annotated[
        str | None, typer.Option(help="Of a colour picture: each (the default), grey, or volume.")
    ] = None,
    flip: Annotated[
        bool, typer.Option("--flip", help="Turn the kernel by 180 degrees first: a convolution.")
    ] = False,
    flip_both: Annotated[
        bool, typer.Option("--flip-both", help="Cross-correlation, convolution and their difference.")
    ] = False,
    pad: Annotated[str | None, typer.Option(help="same (the default), valid, or a number of pixels.")] = None,
    border: Annotated[
        str | None, typer.Option(help="What lies outside: zero (the default), reflect or replicate.")
    ] = None,
    stride: Annotated[str | None, typer.Option(help="Pixels from window to window: 2, or 2x1.")] = None,
    dilation: Annotated[str | None, typer.Option(help="Pixels between the kernel's numbers.")] = None,
    magnitude: Annotated[
        bool, typer.Option("--magnitude", help="The gradient's length, of sobel, prewitt or scharr.")
    ] = False,
    direction: Annotated[
        bool, typer.Option("--direction", help="The gradient's direction in degrees, of the same.")
    ] = False,
    explain: Annotated[
        str | None,
        typer.Option(metavar="Y,X", help="Open one output pixel, from 0; C,Y,X for one channel alone."),
    ] = None,
    learn: Annotated[
        str | None, typer.Option(metavar="TARGET", help="Find the kernel that makes TARGET from IMAGE.")
    ] = None,
    size: Annotated[str | None, typer.Option(help="With --learn: the kernel's size; 3.")] = None,
    listed: Annotated[bool, typer.Option("--list", help="All kernels by name, with their numbers.")] = False,
    max_pixels: MaxPixels = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """A kernel over a picture: edges, blur, any numbers; one pixel opened; a kernel learned."""
    from pellucid.faces.cli.filter import Asked, filter_command

    filter_command(
        Asked(
            image, kernel, out, sheet, show, channels, flip, flip_both, pad, border, stride, dilation, magnitude,
            direction, explain, learn, size, listed, max_pixels, json,
        )
    )  # fmt: skip


@app.command()
def exercise(
    network: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL or NETWORK]",
            help="Ask about this network: a model file, a name, or a text with --input.",
        ),
    ] = None,
    image: Annotated[
        str | None,
        typer.Argument(metavar="[IMAGE]", help="With a model: ask about its values on this picture."),
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            "--topic", help="convolution, padding, …: several with commas, or the option again; else all."
        ),
    ] = None,
    count: Annotated[int | None, typer.Option(help="How many questions; 8.")] = None,
    level: Annotated[int | None, typer.Option(help="1 for beginners, to 3; 1.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed gives other questions; 0.")] = None,
    format: Annotated[
        str | None,
        typer.Option(
            "--format", help="markdown, html, json, moodle or gift; told by --out's ending if not given."
        ),
    ] = None,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Write the sheet into this file.")] = None,
    answers: Annotated[
        bool, typer.Option("--answers/--no-answers", help="With the answers and their working, or without.")
    ] = True,
    answers_form: Annotated[
        str | None,
        typer.Option("--answers-form", metavar="FILE", help="Write a form to fill in, for --check (JSON)."),
    ] = None,
    check: Annotated[
        str | None, typer.Option(metavar="FILE", help="Mark these answers, and say which slip was likely.")
    ] = None,
    input: Annotated[
        str | None,
        typer.Option("--input", help="With a network's text: its input, 28x28x1 (h x w x channels)."),
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Questions with worked answers: on paper, as Markdown, for Moodle, and marked."""
    from pellucid.faces.cli.exercise import Wanted, exercise_command

    exercise_command(
        Wanted(
            network,
            image,
            input,
            topic or [],
            count,
            level,
            seed,
            format,
            out,
            answers,
            answers_form,
            check,
            json,
        )
    )


@app.command()
def bench(
    network: Annotated[
        str, typer.Option(help="Whose training is measured: a name, or a text with --input.")
    ] = "bench-lenet",
    input: Annotated[
        str | None,
        typer.Option("--input", help="With a network's text: its input, 28x28x1 (h x w x channels)."),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="Threads that compute; all processors unless given.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Everything is measured once a round.")] = 3,
    peers: Annotated[
        bool, typer.Option("--peers/--no-peers", help="Train in PyTorch, too, where it is installed.")
    ] = True,
    plot: Annotated[
        str | None, typer.Option(metavar="FILE", help="Draw each compiled step under the roofline (SVG).")
    ] = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """This machine against its own limit: its peaks, each compiled step under them, training."""
    from pellucid.faces.cli.bench import bench_command

    bench_command(network, input, threads, rounds, peers, plot, json)


@app.command("open")
def open_explorer(
    model: ModelPath,
    image: Annotated[
        str | None, typer.Argument(metavar="[IMAGE]", help="The picture to begin with; else a test picture.")
    ] = None,
    port: Annotated[
        int,
        typer.Option(min=0, max=65_535, help="Listen on this port of 127.0.0.1; a free one unless given."),
    ] = 0,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the browser, or only print the address.")
    ] = True,
    scale: Scale = None,
    mean: Mean = None,
    std: Std = None,
    bgr: Bgr = False,
    size: Size = None,
    fit: Fit = None,
    labels: Labels = None,
    max_pixels: MaxPixels = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """The explorer in the browser: click from the answer through every layer down to the pixels."""
    from pellucid.faces.cli.open import open_command
    from pellucid.faces.cli.wishes import read_wishes

    wishes = read_wishes(scale, mean, std, bgr, size, fit, labels)
    open_command(model, image, port, browser, max_pixels, json, wishes)


@app.command()
def export(
    model: ModelPath,
    form: Annotated[
        str, typer.Argument(metavar="FORMAT", help="page: the explorer as one HTML file that works offline.")
    ],
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Where it goes; beside the model unless given.")
    ] = None,
    pictures: Annotated[
        int, typer.Option(min=0, max=500, help="page: so many test pictures, a part of them mistakes.")
    ] = 24,
    scale: Scale = None,
    mean: Mean = None,
    std: Std = None,
    bgr: Bgr = False,
    size: Size = None,
    fit: Fit = None,
    labels: Labels = None,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Bring a model into another form; what was written is read back and verified."""
    from pellucid.faces.cli.export import export_command
    from pellucid.faces.cli.wishes import read_wishes

    export_command(model, form, out, pictures, json, read_wishes(scale, mean, std, bgr, size, fit, labels))
