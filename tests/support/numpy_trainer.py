"""A trainer in plain NumPy: softmax regression by SGD. It shows that the loop needs no framework, and is quick."""

import numpy as np

from pellucid.engines.contract import StepReport


class NumpyTrainer:
    """Weights [classes, values] and a momentum. Augmentation: only gain and offset are applied."""

    def __init__(self, pixels, labels, classes, momentum=0.9):
        self.pixels, self.labels, self.classes = pixels, labels, classes
        self.weight = np.zeros((classes, pixels[0].size + 1))
        self.velocity = np.zeros_like(self.weight)
        self.average = np.zeros_like(self.weight)
        self.momentum = momentum
        self.seen = []  # (first_step, indices) of every call

    def _inputs(self, rows, gain=1.0, offset=0.0):
        x = self.pixels[rows].reshape(len(rows), -1) * np.reshape(gain, (-1, 1)) + np.reshape(offset, (-1, 1))
        return np.concatenate([np.clip(x, 0, 255) / 255, np.ones((len(rows), 1))], axis=1)

    def steps(self, batches, first_step):
        self.seen.append((first_step, batches.indices.copy()))
        loss, correct, count = 0.0, 0, 0
        for step, (rows, rate) in enumerate(zip(batches.indices, batches.rates, strict=True)):
            there = rows >= 0
            extra = ()
            if batches.augmentation is not None:
                extra = (batches.augmentation.gain[step][there], batches.augmentation.offset[step][there])
            rows = rows[there]
            x, y = self._inputs(rows, *extra), self.labels[rows]
            logits = x @ self.weight.T
            shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
            p = shifted / shifted.sum(axis=1, keepdims=True)
            with np.errstate(divide="ignore"):
                loss += float(-np.log(p[np.arange(len(y)), y]).sum())
            correct += int((logits.argmax(axis=1) == y).sum())
            count += len(y)
            p[np.arange(len(y)), y] -= 1
            self.velocity = self.momentum * self.velocity + p.T @ x / len(y)
            self.weight = self.weight - float(rate) * self.velocity
            self.average = 0.9 * self.average + 0.1 * self.weight
        return StepReport(loss, correct, count)

    def logits(self, indices, averaged=True):
        return (self._inputs(indices) @ (self.average if averaged else self.weight).T).astype(np.float32)

    def weights(self, averaged=True):
        return {"dense1.weight": (self.average if averaged else self.weight).astype(np.float32)}

    def state(self):
        return {
            "weight": self.weight.copy(),
            "velocity": self.velocity.copy(),
            "average": self.average.copy(),
        }

    def restore(self, state):
        self.weight, self.velocity, self.average = (
            state[name].copy() for name in ("weight", "velocity", "average")
        )
