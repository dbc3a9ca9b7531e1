"""Names for the nodes of any ONNX file, as a person knows them: our layer names, PyTorch's module paths, ordinals."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Sequence
from itertools import chain

from onnx import NodeProto

# The first word of an ordinal name: the third convolution is conv3, whatever its file calls it.
WORDS = {
    "Conv": "conv",
    "ConvTranspose": "convtranspose",
    "MaxPool": "pool",
    "AveragePool": "pool",
    "GlobalAveragePool": "pool",
    "GlobalMaxPool": "pool",
    "LpPool": "pool",
    "Gemm": "dense",
    "MatMul": "dense",
    "BatchNormalization": "norm",
    "InstanceNormalization": "norm",
    "GroupNormalization": "norm",
    "LayerNormalization": "norm",
}
LONGEST_SCOPES = 2000  # characters: Python's parser may fail on nonsense that is longer
_SCOPES = "pkg.torch.onnx.name_scopes"  # where PyTorch's newer exporter writes the module's path


def names_of(nodes: Sequence[NodeProto]) -> list[tuple[str, tuple[str, ...]]]:
    """For each node its name on the screen, unique, and the other names it answers to.

    The module's path where the exporter left one and it is the node's alone; else the file's name for the node; else
    its ordinal ("conv3": the third convolution, from 1). Every tensor that it makes is a name, too.
    """
    ordinals = _ordinals(nodes)
    paths = [_module_path(node) for node in nodes]
    shared = Counter(path for path in paths if path)
    named = Counter(node.name for node in nodes)
    taken: set[str] = set()
    chosen = []
    for node, path, ordinal in zip(nodes, paths, ordinals, strict=True):
        candidates = (
            [path] if path and shared[path] == 1 else [f"{path}.{node.op_type.lower()}"] if path else []
        )
        if node.name and named[node.name] == 1 and not node.name.startswith(("/", "node_")):
            candidates.append(node.name)
        # However a file names its nodes, primes make the ordinal a name of its own in the end.
        primed = (ordinal + "'" * count for count in range(len(nodes) + 1))
        name = next(each for each in chain(candidates, primed) if each not in taken)
        taken.add(name)
        aliases = {
            each for each in (path if shared[path] == 1 else "", node.name, ordinal, *node.output) if each
        }
        chosen.append((name, aliases - {name}))
    owners = Counter(alias for _, aliases in chosen for alias in aliases)
    return [
        (name, tuple(sorted(alias for alias in aliases if owners[alias] == 1 and alias not in taken)))
        for name, aliases in chosen
    ]


def _ordinals(nodes: Sequence[NodeProto]) -> list[str]:
    counts: Counter[str] = Counter()
    names = []
    for node in nodes:
        word = WORDS.get(node.op_type, node.op_type.lower())
        counts[word] += 1
        names.append(f"{word}{counts[word]}")
    return names


def _module_path(node: NodeProto) -> str:
    """The path of the PyTorch module that a node came from ("layer1.0.conv1"), or nothing."""
    for entry in node.metadata_props:
        if entry.key == _SCOPES and len(entry.value) <= LONGEST_SCOPES:
            try:
                scopes = ast.literal_eval(entry.value)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                return ""
            # From the whole model ("") inwards; the last is the node itself.
            inner = [str(scope) for scope in scopes[:-1] if scope] if isinstance(scopes, list) else []
            return inner[-1] if inner else ""
    if node.name.startswith("/"):  # PyTorch's older exporter: /layer1/layer1.0/conv1/Conv
        parts = node.name.strip("/").split("/")[:-1]
        path = ""
        for part in parts:
            path = part if part.startswith(f"{path}.") or not path else f"{path}.{part}"
        return path
    return ""
