"""Random graphs with branches, each in two forms: as a network has it, and plain, so that nothing hides.

In the plain form every weight is positive, an activation is the identity, a maximum an average, a product of two
tensors their sum, what normalises by a whole plane adds the plane's mean, softmax mixes all channels: a value changes
if and only if something that reaches it does, and no zero and no winner can hide it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import onnxruntime
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

OPSET, IR_VERSION = 20, 10
INPUT = "x"
MOST_CHANNELS, MOST_VALUES, MOST_SIDE = 8, 1500, 18


@dataclass
class Graph:
    """`shown`: the nodes as a network has them. `plain`: those that a value can't hide in. Tensors have the same names
    in both. `shapes`: [channels, height, width] of each tensor that has these."""

    random: np.random.Generator
    shapes: dict[str, tuple[int, ...]]
    shown: list[NodeProto] = field(default_factory=list)
    plain: list[NodeProto] = field(default_factory=list)
    weights: list[TensorProto] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    def name(self) -> str:
        return f"t{len(self.shown)}"

    def whole(self, low: int, high: int) -> int:
        """A whole number by chance, both ends included."""
        return int(self.random.integers(low, high + 1))

    def weight(self, *shape: int) -> str:
        """A positive weight, so scaled that values stay in float32's reach however deep the graph is."""
        values = self.random.uniform(0.5, 1.5, shape) / max(int(np.prod(shape[1:])), 1)
        return self.constant(values.astype(np.float32))

    def constant(self, values: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(values, name))
        return name

    def model(
        self, nodes: list[NodeProto], batch: int | str, inputs: Mapping[str, tuple[int, ...]] | None = None
    ) -> ModelProto:
        """Nodes as a model of the graph's input, or of these tensors and shapes, whose outputs are all its tensors."""
        taken = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *shape])
            for name, shape in (inputs or {INPUT: self.shapes[INPUT]}).items()
        ]
        made = [name for node in nodes for name in node.output]
        used = {name for node in nodes for name in node.input}
        graph = helper.make_graph(
            nodes, "random", taken, [helper.make_empty_tensor_value_info(name) for name in made],
            [weight for weight in self.weights if weight.name in used],
        )  # fmt: skip
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


# One step: the shown nodes and the plain ones that make `output` of `source`; None where it doesn't fit.
Step = Callable[[Graph, str, str], tuple[list[NodeProto], list[NodeProto]] | None]


def _same(node: NodeProto) -> tuple[list[NodeProto], list[NodeProto]]:
    return [node], [node]


def _window(graph: Graph, source: str) -> dict[str, list[int]]:
    sides = graph.shapes[source][1:]
    kernel = [graph.whole(1, min(side, 4)) for side in sides]
    return {
        "kernel_shape": kernel,
        "strides": [graph.whole(1, 3), graph.whole(1, 2)],
        # Not longer than what it slides over: onnxruntime refuses some of those.
        "dilations": [
            graph.whole(1, 2) if 2 * (n - 1) < side else 1 for n, side in zip(kernel, sides, strict=True)
        ],
        # No window wholly in the padding: onnxruntime refuses pads as large as a pooling's kernel.
        "pads": [graph.whole(0, kernel[axis % 2] - 1) for axis in range(4)],
    }


def _convolution(graph: Graph, source: str, output: str):
    channels = graph.shapes[source][0]
    groups = int(graph.random.choice([n for n in range(1, channels + 1) if channels % n == 0]))
    filters = groups * graph.whole(1, max(MOST_CHANNELS // groups, 1))
    window = _window(graph, source)
    weight = graph.weight(filters, channels // groups, *window["kernel_shape"])
    return _same(helper.make_node("Conv", [source, weight], [output], group=groups, **window))


def _transposed(graph: Graph, source: str, output: str):
    channels = graph.shapes[source][0]
    groups = int(graph.random.choice([n for n in range(1, channels + 1) if channels % n == 0]))
    window = _window(graph, source)
    weight = graph.weight(channels, graph.whole(1, max(4 // groups, 1)), *window["kernel_shape"])
    more = [graph.whole(0, stride - 1) for stride in window["strides"]]
    return _same(
        helper.make_node(
            "ConvTranspose", [source, weight], [output], group=groups, output_padding=more, **window
        )
    )


def _pooling(graph: Graph, source: str, output: str):
    window = _window(graph, source) | {"ceil_mode": graph.whole(0, 1)}
    average = helper.make_node(
        "AveragePool", [source], [output], count_include_pad=graph.whole(0, 1), **window
    )
    if graph.whole(0, 1):
        return _same(average)
    return [helper.make_node("MaxPool", [source], [output], **window)], [average]


def _activation(graph: Graph, source: str, output: str):
    kind = str(
        graph.random.choice(["Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSwish", "Elu", "Clip", "Gelu"])
    )
    return [helper.make_node(kind, [source], [output])], [helper.make_node("Identity", [source], [output])]


def _batch_normalisation(graph: Graph, source: str, output: str):
    zeros = graph.constant(np.zeros(graph.shapes[source][0], np.float32))
    scale, variance = graph.weight(graph.shapes[source][0]), graph.weight(graph.shapes[source][0])
    return _same(
        helper.make_node(
            "BatchNormalization", [source, scale, zeros, zeros, variance], [output], epsilon=1e-5
        )
    )


def _whole_plane(graph: Graph, source: str, output: str):
    """Instance normalisation: every value of the plane is in the mean."""
    scale, shift = graph.weight(graph.shapes[source][0]), graph.weight(graph.shapes[source][0])
    shown = helper.make_node("InstanceNormalization", [source, scale, shift], [output])
    mean = f"{output}.mean"
    return [shown], [
        helper.make_node("GlobalAveragePool", [source], [mean]),
        helper.make_node("Add", [source, mean], [output]),
    ]


def _softmax(graph: Graph, source: str, output: str):
    channels = graph.shapes[source][0]
    mixing = graph.weight(channels, channels, 1, 1)
    return [helper.make_node("Softmax", [source], [output], axis=1)], [
        helper.make_node("Conv", [source, mixing], [output])
    ]


def _merged(graph: Graph, source: str, output: str):
    """With another tensor of the same shape: added (a residual), multiplied, or put after it."""
    shape = graph.shapes[source]
    kind = str(graph.random.choice(["Add", "Mul", "Max", "Concat"]))
    fits = [
        name
        for name, other in graph.shapes.items()
        if name != source and (other == shape or (kind == "Concat" and other[1:] == shape[1:]))
    ]
    if not fits:
        return None
    other = str(graph.random.choice(fits))
    if kind == "Concat":
        return _same(helper.make_node("Concat", [source, other], [output], axis=1))
    return [helper.make_node(kind, [source, other], [output])], [
        helper.make_node("Add", [source, other], [output])
    ]


def _squeezed(graph: Graph, source: str, output: str):
    """Channels weighed by what their planes' means say (squeeze and excitation)."""
    channels = graph.shapes[source][0]
    mean, mixed = f"{output}.mean", f"{output}.mixed"
    weight = graph.weight(channels, channels, 1, 1)
    first = [
        helper.make_node("GlobalAveragePool", [source], [mean]),
        helper.make_node("Conv", [mean, weight], [mixed]),
    ]
    return [*first, helper.make_node("Mul", [source, mixed], [output])], [
        *first,
        helper.make_node("Add", [source, mixed], [output]),
    ]


def _padded(graph: Graph, source: str, output: str):
    mode = str(graph.random.choice(["constant", "edge", "reflect"]))
    sides = [graph.whole(-1, 2) if mode == "constant" else graph.whole(0, 2) for _ in range(4)]
    pads = graph.constant(np.array([0, 0, *sides[:2], 0, 0, *sides[2:]], np.int64))
    return _same(helper.make_node("Pad", [source, pads], [output], mode=mode))


def _cut(graph: Graph, source: str, output: str):
    _, height, width = graph.shapes[source]
    if height < 3 or width < 3:
        return None
    starts = graph.constant(np.array([graph.whole(0, 1), graph.whole(0, 1)], np.int64))
    ends = graph.constant(np.array([height - graph.whole(0, 1), width], np.int64))
    axes = graph.constant(np.array([2, 3], np.int64))
    steps = graph.constant(np.array([1, graph.whole(1, 2)], np.int64))
    return _same(helper.make_node("Slice", [source, starts, ends, axes, steps], [output]))


def _resized(graph: Graph, source: str, output: str):
    scales = graph.constant(np.array([1, 1, 2, 2], np.float32))
    # Linear by 2 from half-pixel centres: no weight is 0 (but where the border stands in for what lies outside).
    mode = str(graph.random.choice(["nearest", "linear"]))
    return _same(helper.make_node("Resize", [source, "", scales], [output], mode=mode))


def _turned(graph: Graph, source: str, output: str):
    return _same(helper.make_node("Transpose", [source], [output], perm=[0, 1, 3, 2]))


def _shuffled(graph: Graph, source: str, output: str):
    if graph.shapes[source][0] % 4:
        return None
    return _same(helper.make_node("DepthToSpace", [source], [output], blocksize=2))


STEPS: dict[str, tuple[Step, int]] = {
    "convolution": (_convolution, 8),
    "transposed convolution": (_transposed, 3),
    "pooling": (_pooling, 4),
    "activation": (_activation, 3),
    "batch normalisation": (_batch_normalisation, 1),
    "instance normalisation": (_whole_plane, 1),
    "softmax": (_softmax, 1),
    "merging": (_merged, 6),
    "squeeze and excitation": (_squeezed, 1),
    "padding": (_padded, 2),
    "slice": (_cut, 1),
    "resizing": (_resized, 1),
    "transpose": (_turned, 1),
    "depth to space": (_shuffled, 1),
}


def random_graph(seed: int) -> Graph:
    """A graph of 4 to 12 steps, some of them on earlier tensors, so that there are branches."""
    random = np.random.default_rng([20, seed])
    shape = tuple(int(random.integers(low, high)) for low, high in ((1, 4), (6, 13), (6, 13)))
    graph = Graph(random, {INPUT: shape})
    wanted, tried = graph.whole(4, 12), 0
    names, shares = list(STEPS), np.array([share for _, share in STEPS.values()], float)
    while len(graph.kinds) < wanted and tried < 200:
        tried += 1
        kind = str(random.choice(names, p=shares / shares.sum()))
        earlier = list(graph.shapes)
        # Mostly the last tensor, or nothing would be deep.
        source = earlier[-1] if random.random() < 0.7 else str(random.choice(earlier))
        _take(graph, kind, source)
    return graph


def _take(graph: Graph, kind: str, source: str) -> None:
    """Do one step, if onnxruntime can and what comes out is neither nothing nor too much."""
    output, weights = graph.name(), len(graph.weights)
    made = STEPS[kind][0](graph, source, output)
    if made is not None:
        shape = _shape(graph, made[1], output)
        if shape and min(shape) >= 1 and max(shape) <= MOST_SIDE and np.prod(shape) <= MOST_VALUES:
            graph.shapes[output] = shape
            graph.shown += made[0]
            graph.plain += made[1]
            graph.kinds.append(kind)
            return
    del graph.weights[weights:]


def _shape(graph: Graph, nodes: list[NodeProto], output: str) -> tuple[int, ...]:
    """What shape a step gives, by running it: ONNX's shape inference counts `ceil_mode`'s windows another way."""
    taken = {name: graph.shapes[name] for node in nodes for name in node.input if name in graph.shapes}
    try:
        session = onnxruntime.InferenceSession(graph.model(nodes, 1, taken).SerializeToString(), quiet())
        zeros = {name: np.zeros((1, *shape), np.float32) for name, shape in taken.items()}
        return np.asarray(session.run([output], zeros)[0]).shape[1:]
    except Exception:  # onnxruntime has no error class of its own to catch
        return ()


def quiet() -> onnxruntime.SessionOptions:
    """One thread, and no words about graphs that can't be run."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    return options
