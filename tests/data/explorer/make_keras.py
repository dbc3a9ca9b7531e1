"""A Keras network of 200 classes and 128x128 colour as Keras' own export writes it. Needs TensorFlow: see README.md.

Run as: python tests/data/explorer/make_keras.py FOLDER
"""

# pyright: basic, reportMissingImports=false
from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers


def colours() -> keras.Model:
    """Strides with "same" padding, batch normalisation, a depthwise convolution and a sum, swish and tanh beside
    one another, a gate from each map's mean, and a dense layer over channels that come last."""
    x = picture = layers.Input((128, 128, 3), name="picture")
    x = layers.Conv2D(6, 5, strides=2, padding="same", name="stem")(x)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Add(name="add")([x, layers.DepthwiseConv2D(3, padding="same", name="depth")(x)])
    wide = layers.Conv2D(10, 3, padding="valid", activation="swish", name="wide")(x)
    other = layers.Conv2D(6, 3, padding="valid", activation="tanh", name="other")(x)
    x = layers.Concatenate(name="both")([wide, other])
    x = layers.AveragePooling2D(2, name="mean")(x)
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name="last")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="global")(x)
    gate = layers.Conv2D(4, 1, activation="sigmoid", name="gate")(gate)
    x = layers.Multiply(name="gated")([x, gate])
    x = layers.Flatten(name="flat")(x)
    x = layers.Dropout(0.2, name="drop")(x)
    return keras.Model(picture, layers.Dense(200, activation="softmax", name="answer")(x))


def main(folder: Path) -> None:
    keras.utils.set_random_seed(0)
    model, draws = colours(), np.random.default_rng(0)
    model.set_weights([
        (draws.uniform(0.3, 0.9, value.shape) if variable.name.endswith("variance")
         else draws.normal(0, 0.25, value.shape)).astype(np.float32)
        for variable, value in zip(model.weights, model.get_weights(), strict=True)
    ])  # fmt: skip
    model(np.zeros((1, 128, 128, 3), np.float32))  # one that was never called isn't exported
    model.export(folder / "keras-colours.onnx", format="onnx")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
