"""Small Keras classifiers as Keras' own export and tf2onnx write them. Needs TensorFlow: see README.md.

Run as: python tests/data/foreign/make_keras.py FOLDER
"""

# pyright: basic, reportMissingImports=false
from __future__ import annotations

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tf2onnx
from keras import layers


def residual() -> keras.Model:
    """Depthwise and separable convolutions, ReLU6, swish, "same" padding, dilation, a sum and a concatenation."""
    x = picture = layers.Input((32, 32, 3), name="picture")
    x = layers.Rescaling(1 / 127.5, offset=-1)(x)
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
    x = layers.Conv2D(8, 3, strides=2, use_bias=False, name="stem")(x)
    x = layers.BatchNormalization(name="stem_bn")(x)
    x = layers.ReLU(6.0, name="stem_relu")(x)
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="dw")(x)
    y = layers.BatchNormalization(name="dw_bn")(y)
    y = layers.Activation("swish", name="swish")(y)
    y = layers.Conv2D(8, 1, padding="same", name="pw")(y)
    x = layers.Add(name="add")([x, y])
    x = layers.SeparableConv2D(12, 3, padding="same", name="sep")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool")(x)
    mean = layers.AveragePooling2D(3, strides=1, padding="same", name="mean")(x)
    dilated = layers.Conv2D(6, 3, dilation_rate=2, padding="same", activation="elu", name="dilated")(x)
    x = layers.Concatenate(name="cat")([mean, dilated])
    x = layers.GlobalAveragePooling2D(name="gap")(x)
    x = layers.Dropout(0.2)(x)
    return keras.Model(picture, layers.Dense(5, activation="softmax", name="answer")(x))


def lenet() -> keras.Model:
    """A grey picture, tanh, SELU, and scores that no softmax follows."""
    return keras.Sequential(
        [
            layers.Input((28, 28, 1), name="picture"),
            layers.Conv2D(6, 5, padding="same", activation="tanh", name="c1"),
            layers.AveragePooling2D(2, name="s2"),
            layers.Conv2D(8, 5, activation="relu", name="c3"),
            layers.MaxPooling2D(2, name="s4"),
            layers.Flatten(name="flat"),
            layers.Dense(20, activation="selu", name="f5"),
            layers.LeakyReLU(0.1),
            layers.Dense(10, name="out"),
        ]
    )


def upward() -> keras.Model:
    """PReLU, a transposed convolution, enlarging, layer normalisation, cropping, squeeze and excitation."""
    x = picture = layers.Input((16, 16, 3), name="picture")
    x = layers.Conv2D(8, 3, strides=2, padding="same", name="down")(x)
    x = layers.PReLU(shared_axes=[1, 2], name="prelu")(x)
    x = layers.Conv2DTranspose(6, 3, strides=2, padding="same", name="up")(x)
    x = layers.UpSampling2D(2, interpolation="bilinear", name="grow")(x)
    x = layers.LayerNormalization(name="ln")(x)
    x = layers.Cropping2D(((1, 2), (3, 0)), name="crop")(x)
    x = layers.Conv2D(6, 3, activation="hard_sigmoid", name="hard")(x)
    gate = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(x)
    gate = layers.Conv2D(6, 1, activation="sigmoid", name="gate")(gate)
    x = layers.Multiply(name="scale")([x, gate])
    x = layers.GlobalMaxPooling2D(name="gmp")(x)
    return keras.Model(picture, layers.Dense(4, activation="softmax", name="answer")(x))


def random_statistics(model: keras.Model) -> None:
    """Batch normalisations whose numbers are not 0 and 1."""
    random = np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            n = layer.gamma.shape[0]
            layer.set_weights(
                [
                    random.uniform(0.5, 1.5, n),
                    random.normal(0, 0.2, n),
                    random.normal(0, 0.2, n),
                    random.uniform(0.2, 0.6, n),
                ]
            )


def main(folder: Path) -> None:
    for make in (residual, lenet, upward):
        keras.utils.set_random_seed(0)
        model = make()
        random_statistics(model)
        model(np.zeros((1, *model.input_shape[1:]), np.float32))  # export asks for a model that was called
        model.export(str(folder / f"keras-{make.__name__}.onnx"), format="onnx", verbose=False)
        if make is residual:
            taken = (tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="picture"),)
            called = tf.function(lambda x, model=model: model(x), input_signature=taken)
            path = str(folder / "tf2onnx-opset9.onnx")
            tf2onnx.convert.from_function(called, taken, opset=9, output_path=path)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
