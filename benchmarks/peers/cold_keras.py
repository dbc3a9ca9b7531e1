"""A model of MNIST from a cold start by Keras' own example, on TensorFlow or JAX: "Simple MNIST convnet" by F. Chollet
(keras.io/examples/vision/mnist_convnet), as it stands there: 15 epochs, batch 128, a tenth kept for validation.
    python -m peers.cold_keras SEED tensorflow|jax [EPOCHS]
"""

from __future__ import annotations

import os
import sys
import tempfile
from importlib import import_module
from pathlib import Path

os.environ["KERAS_BACKEND"] = sys.argv[2]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import layers

from peers.measuring import mnist, report_model

BACKEND = sys.argv[2]
NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}


def main(seed: int, epochs: int) -> None:
    keras.utils.set_random_seed(seed)
    (x, y), (x_test, y_test) = mnist("train"), mnist("t10k")
    x, x_test = (part[..., None].astype("float32") / 255 for part in (x, x_test))
    y, y_test = (keras.utils.to_categorical(part, 10) for part in (y, y_test))
    model = keras.Sequential([
        keras.Input(shape=(28, 28, 1)),
        layers.Conv2D(32, kernel_size=(3, 3), activation="relu"), layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(64, kernel_size=(3, 3), activation="relu"), layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(), layers.Dropout(0.5), layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.fit(x, y, batch_size=128, epochs=epochs, validation_split=0.1, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder) / "model.keras")
        accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
    settings = {
        "keras": keras.__version__, BACKEND: import_module(BACKEND).__version__, "batch": 128, "epochs": epochs,
        "optimiser": "adam", "threads": os.cpu_count(),
    }  # fmt: skip
    report_model(f"Keras' example on {NAMES[BACKEND]}", settings, float(accuracy), "f32")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[3]) if len(sys.argv) > 3 else 15)
