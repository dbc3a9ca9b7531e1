"""Keras 3 on TensorFlow or JAX (`keras_fit tensorflow`, `keras_fit jax`), by `fit`: data in memory, pooling before
ReLU, the best batch size of three tried in this very process, several steps an execution, XLA where Keras chooses it
(jit_compile="auto")."""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module

os.environ["KERAS_BACKEND"] = sys.argv[1]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import layers

from peers.measuring import DEVIATION, MEAN, SECONDS, mnist, report

SIZES = (128, 512, 1024)
BACKEND = sys.argv[1]
NAMES = {"tensorflow": "TensorFlow", "jax": "JAX"}


def main() -> None:
    keras.utils.set_random_seed(0)
    pictures, labels = mnist()
    x = ((pictures[..., None].astype("float32") / 255) - MEAN) / DEVIATION

    def model():
        made = keras.Sequential([
            keras.Input((28, 28, 1)),
            layers.Conv2D(8, 5, padding="same"), layers.MaxPooling2D(2), layers.ReLU(),
            layers.Conv2D(16, 5), layers.MaxPooling2D(2), layers.ReLU(),
            layers.Flatten(), layers.Dense(120, activation="relu"), layers.Dense(84, activation="relu"),
            layers.Dense(10),
        ])  # fmt: skip
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        made.compile(optimizer=keras.optimizers.Adam(1e-3), loss=loss, steps_per_execution=16)
        return made

    def rate_of(made, size: int, seconds: float) -> tuple[float, float]:
        """Pictures a second of whole epochs, and the last loss; the model has been traced for this size."""
        count, spent, loss = 0, 0.0, 0.0
        while spent < seconds:
            begin = time.perf_counter()
            history = made.fit(x[:used], labels[:used], batch_size=size, epochs=1, verbose=0)
            spent += time.perf_counter() - begin
            count += used
            loss = history.history["loss"][-1]
        return count / spent, loss

    whole = SECONDS >= 2  # less only to try the script
    used = 8192 if whole else 2048
    made = model()
    made.fit(x[:1024], labels[:1024], batch_size=1024, epochs=1, verbose=0)
    ready = time.time()
    trials = {}
    for size in SIZES:
        made.fit(x[:used], labels[:used], batch_size=size, epochs=1, verbose=0)
        trials[size] = round(rate_of(made, size, SECONDS / 6)[0])
    best = max(trials, key=lambda size: trials[size])
    used = (60_000 if whole else 2048) // best * best
    warm = min(used, 8192)
    made.fit(x[:warm], labels[:warm], batch_size=best, epochs=1, verbose=0)
    rate, loss = rate_of(made, best, SECONDS)
    settings = {
        "keras": keras.__version__, BACKEND: import_module(BACKEND).__version__, "batch": best,
        "batch sizes tried": trials, "threads": os.cpu_count(), "optimiser": "adam", "steps_per_execution": 16,
        "jit_compile": "auto",
    }  # fmt: skip
    report(f"Keras 3 on {NAMES[BACKEND]}", settings, ready, rate, float(loss))


if __name__ == "__main__":
    main()
