"""A layer in one plain sentence, for somebody who sees such a thing for the first time."""

from __future__ import annotations

from collections.abc import Mapping

from pellucid.inside.explorer_schema import Family

_BY_WORD: Mapping[str, str] = {
    "relu": "Keeps what is positive and sets what is negative to 0, value by value.",
    "leakyrelu": "Keeps what is positive and makes what is negative much smaller, value by value.",
    "relu6": "Keeps what lies between 0 and 6; what is below becomes 0, what is above becomes 6.",
    "sigmoid": "Squeezes each value into the range from 0 to 1.",
    "tanh": "Squeezes each value into the range from -1 to 1.",
    "gelu": "Lets large values through and holds negative ones back, with a soft bend in between.",
    "silu": "Lets large values through and holds negative ones back, with a soft bend in between.",
    "hardswish": "Lets large values through and holds negative ones back, with straight pieces instead of a soft bend.",
    "maxpool": "Keeps the largest value of each small window, so that maps shrink and what was found stays.",
    "avgpool": "Takes the mean of each small window, so that the maps become smaller.",
    "globalavgpool": "Takes the mean of each whole map: one number for each.",
    "globalmaxpool": "Takes the largest value of each whole map: one number for each.",
    "adaptiveavgpool": "Divides each map into as many windows as are wanted and takes the mean of each.",
    "adaptivemaxpool": "Divides each map into as many windows as are wanted and takes the largest value of each.",
    "batchnorm": "Shifts and scales each map, so that its values are neither too large nor too small.",
    "lrn": "Makes a value smaller where its neighbours in other maps are large.",
    "dropout": "Was there to make training harder; now it lets everything through unchanged.",
    "flatten": "Writes all maps in one long row, so that a dense layer can take them in.",
    "softmax": "Makes probabilities of the scores: all between 0 and 1, together exactly 1.",
    "add": "Adds two streams value by value: a shortcut meets the long way.",
    "concat": "Puts maps of several streams one after another.",
    "pad": "Lays a border around each map.",
}
_BY_FAMILY: Mapping[Family, str] = {
    "convolution": "Slides small windows of weights over the maps; each new map says where its pattern is found.",
    "dense": "Each of its values is a weighted sum of all values before it, plus a number of its own.",
    "pooling": "Sums each small window up in one number, so that the maps become smaller.",
    "normalisation": "Shifts and scales the values, so that they are neither too large nor too small.",
    "activation": "Bends each value by a fixed curve; without it, all layers together would be one weighted sum.",
    "join": "Brings several streams together.",
    "softmax": _BY_WORD["softmax"],
    "reshape": "Moves values to other places; none of them changes.",
    "other": "Computes each of its values by a fixed formula.",
}


def words(word: str, family: Family, filters: int = 0, window: str = "") -> str:
    """The sentence for a layer's word ("relu"; "" where it has none) and family; for a convolution with its numbers."""
    if family == "convolution" and filters:
        size = f" of {window}" if window else ""
        return (
            f"Slides {filters:,} small windows{size} over the picture or the maps before it; "
            "each makes a map that says where its pattern is found."
            if filters > 1
            else f"Slides a small window{size} over what is before it; its map says where the pattern is found."
        )
    return _BY_WORD.get(word, _BY_FAMILY[family])
