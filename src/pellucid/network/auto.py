"""The default network: the best accuracy for each second of CPU, at the picture's size and kind."""

from __future__ import annotations

SMALLEST = 7  # rows or columns left when the pooling ends
LARGE = 48  # pictures from here on are halved by the first convolution already


def auto(height: int, width: int, channels: int, classes: int) -> str:
    """The text of the default network.

    3x3 convolutions, twice as many channels after each pooling, until at most 7 rows or columns are left; then one
    dense layer. Grey pictures need few channels and no normalisation; colour gets twice the channels, and batch
    normalisation, which makes training sure on whatever photographs there are.

    Chosen on validation parts (2 seeds each): MNIST 99.48% and 99.55% after 5 epochs (n = 6,000); Fashion-MNIST,
    trained on 42,000 pictures, 93.0% and 93.2% after 28 (n = 9,000).
    """
    side, count = min(height, width), 16 if channels == 1 else 32
    norm = " nobias, batchnorm" if channels == 3 else ""
    layers = []
    if side >= LARGE:
        layers.append(f"conv {count} 5x5 stride 2 pad 2{norm}, maxpool 2, relu")
        side, count = (side + 1) // 2 // 2, 2 * count
    while side > SMALLEST:
        layers.append(f"conv {count} 3x3 pad 1{norm}, maxpool 2, relu")
        side, count = side // 2, min(2 * count, 256)
    layers.append(f"conv {count} 3x3{' pad 1' if side < 4 else ''}{norm}, relu")
    layers.append(
        f"flatten, {'dropout 0.2, ' if channels == 3 else ''}dense 128, relu, dense {classes}, softmax"
    )
    return ", ".join(layers)
