"""Dividing pictures into train, validation and test: once, evenly over the classes, the same every time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pellucid.draws import splitmix64
from pellucid.errors import DataError
from pellucid.images.sources import PARTS, Labels, counted, listed

Places = NDArray[np.int64]

DROPPED = "dropped"
UNREADABLE = "unreadable"

_TRAIN, _VALIDATION, _TEST = range(3)
_NOWHERE = -1


@dataclass(frozen=True, eq=False)
class Split:
    """Which picture is for what.

    `parts` [n]: "train", "validation", "test", "dropped" (it also stands in another part, or belongs to no class) or
    "unreadable".
    `dropped`: how many were dropped from each part. `conflicts`: groups of places with the same pixels and
    different labels. `warnings`: sentences for the screen.
    """

    parts: NDArray[np.str_]
    dropped: dict[str, int]
    conflicts: tuple[tuple[int, ...], ...]
    warnings: tuple[str, ...]

    @property
    def train(self) -> Places:
        """Places of the pictures to learn from, ascending."""
        return np.flatnonzero(self.parts == "train")

    @property
    def validation(self) -> Places:
        """Places of the pictures to choose by, ascending."""
        return np.flatnonzero(self.parts == "validation")

    @property
    def test(self) -> Places:
        """Places of the pictures to measure with, ascending."""
        return np.flatnonzero(self.parts == "test")


def split(
    labels: Labels,
    parts: ArrayLike,
    digests: NDArray[np.uint8],
    seed: int = 0,
    classes: Sequence[str] | None = None,
    readable: NDArray[np.bool_] | None = None,
    final: bool = False,
) -> Split:
    """Divide n pictures by class.

    `labels` int64 [n]; `parts` [n], each "", or all of the maker's "train", "validation", "test"; `digests`
    uint8 [n, 16] (picture_digest); `classes` only for the texts of warnings; `readable` bool [n]; `final`
    takes the parts as they are: none is made here, no copy is dropped.

    Without the maker's parts, of each class 15% go to test, 15% to validation, the rest to train. If only
    validation is lacking it is 10% of train, if only test, 15% of train. A share is rounded to the nearest
    picture and at least one. A class of two different pictures has none for validation, of one only train.

    Pictures with equal pixels in two parts stay in the later one (test, then validation) and are dropped from
    the other. Where that would empty a class's train, or a share made here, they stay there instead.

    Pure: a picture's part depends on (seed, label, its place within its class), and on equal pictures.
    """
    labels = np.asarray(labels)
    usable = np.ones(len(labels), dtype=bool) if readable is None else np.asarray(readable)
    sides = _given_sides(np.asarray(parts, dtype=np.str_), usable)
    if final:
        return Split(np.array([*PARTS, UNREADABLE])[sides], dict.fromkeys(PARTS, 0), (), ())
    rows = np.ascontiguousarray(digests).view(f"V{digests.shape[1]}")[:, 0]
    ids = np.unique(rows, return_inverse=True)[1].reshape(-1)
    conflicts = _conflicts(ids, labels, usable)
    doubtful = np.zeros(ids.max(initial=-1) + 1, dtype=bool)
    doubtful[[ids[group[0]] for group in conflicts]] = True
    members = _by_class(labels, usable, seed)
    dropped_from = np.full(len(labels), _NOWHERE)

    def drop(kept: dict[int, int]) -> None:
        out = _on_other_side(sides, ids, kept)
        dropped_from[out] = sides[out]
        sides[out] = _NOWHERE

    given = set(np.unique(sides[usable]).tolist())
    drop(_kept_in_train(sides, ids, members, doubtful))
    shares = {(_TRAIN,): [(_TEST, 15), (_VALIDATION, 15)], (_TRAIN, _TEST): [(_VALIDATION, 10)]}
    shares[_TRAIN, _VALIDATION] = [(_TEST, 15)]
    kept: dict[int, int] = {}
    for own in members:
        here = own[sides[own] == _TRAIN]
        if len(here):
            _divide(here, ids, doubtful, shares.get(tuple(sorted(given)), []), sides, kept)
    drop(kept)

    names = np.array([*PARTS, UNREADABLE if readable is not None else ""], dtype="<U10")
    result = names[sides]
    result[dropped_from != _NOWHERE] = DROPPED
    counts = {part: int((dropped_from == side).sum()) for side, part in enumerate(PARTS)}
    said = [str(i) for i in range(labels.max(initial=-1) + 1)] if classes is None else list(classes)
    return Split(result, counts, conflicts, _warnings(labels, sides, said, len(conflicts)))


def _given_sides(parts: NDArray[np.str_], usable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The maker's parts as sides; those not yet divided are in train, unreadable ones nowhere."""
    present = set(np.unique(parts[usable]).tolist())
    if present - {"", *PARTS} or ("" in present and len(present) > 1):
        received = listed(sorted(present))
        raise DataError(
            "Parts are train, validation and test, for every picture or for none", received=received
        )
    if present and not present & {"", "train"}:
        received = f"only {listed(sorted(present))}"
        raise DataError("There are no readable pictures to train on", received=received)
    sides = np.full(len(parts), _TRAIN, dtype=np.int64)
    sides[parts == "validation"] = _VALIDATION
    sides[parts == "test"] = _TEST
    sides[~usable] = _NOWHERE
    return sides


def _by_class(labels: Labels, usable: NDArray[np.bool_], seed: int) -> list[Places]:
    """The usable places of each class, in the order of their hashes."""
    by_label = np.argsort(labels, kind="stable")
    sorted_labels = labels[by_label]
    starts = np.flatnonzero(np.diff(sorted_labels, prepend=-1))
    in_class = np.empty(len(labels), dtype=np.int64)
    in_class[by_label] = np.arange(len(labels)) - np.repeat(starts, np.diff(starts, append=len(labels)))
    key = splitmix64(np.array([seed & 0xFFFF_FFFF_FFFF_FFFF], dtype=np.uint64))
    key = splitmix64(key ^ labels.astype(np.uint64))
    key = splitmix64(key ^ in_class.astype(np.uint64))
    order = np.lexsort((in_class, key, labels))
    order = order[usable[order]]
    ends = np.flatnonzero(np.diff(labels[order])) + 1
    return np.split(order, ends) if len(order) else []


def _conflicts(ids: Places, labels: Labels, usable: NDArray[np.bool_]) -> tuple[tuple[int, ...], ...]:
    order = np.lexsort((np.arange(len(ids)), ids))
    order = order[usable[order]]
    mixed = np.flatnonzero((ids[order][1:] == ids[order][:-1]) & (labels[order][1:] != labels[order][:-1]))
    doubted = order[np.isin(ids[order], ids[order[mixed]])]
    groups = np.split(doubted, np.flatnonzero(np.diff(ids[doubted])) + 1) if len(doubted) else []
    return tuple(sorted(tuple(group.tolist()) for group in groups))


def _different(own: Places, ids: Places, doubtful: NDArray[np.bool_]) -> Places:
    """One place of each different picture, those first that have one label and no copies."""
    _, first, count = np.unique(ids[own], return_index=True, return_counts=True)
    places = own[first]
    return places[np.lexsort((first, count > 1, doubtful[ids[places]]))]


def _divide(
    own: Places,
    ids: Places,
    doubtful: NDArray[np.bool_],
    shares: list[tuple[int, int]],
    sides: NDArray[np.int64],
    kept: dict[int, int],
) -> None:
    """Give each side its percentage of one class; note in `kept` which picture each is sure to keep."""
    different = _different(own, ids, doubtful)
    shares = shares[: len(different) - 1]
    sure = different[: len(shares) + 1]
    rest = own[~np.isin(own, sure)]
    for place, (side, percent) in zip(sure, shares, strict=False):
        count = max(1, (len(own) * percent + 50) // 100)
        sides[place] = side
        sides[rest[: count - 1]] = side
        rest = rest[count - 1 :]
        kept.setdefault(int(ids[place]), side)
    kept[int(ids[sure[-1]])] = _TRAIN  # over any other class's wish: no class may lose all its train


def _kept_in_train(
    sides: NDArray[np.int64], ids: Places, members: list[Places], doubtful: NDArray[np.bool_]
) -> dict[int, int]:
    """What the maker's train must keep although it stands elsewhere too: some class has nothing else."""
    doomed = _on_other_side(sides, ids, {})
    kept = {}
    for own in members:
        here = own[sides[own] == _TRAIN]
        if len(here) and doomed[here].all():
            kept[int(ids[_different(here, ids, doubtful)[0]])] = _TRAIN
    return kept


def _on_other_side(sides: NDArray[np.int64], ids: Places, kept: dict[int, int]) -> NDArray[np.bool_]:
    """Which pictures stand on a side that isn't their pixels' own: the `kept` one, else the latest."""
    own_side = np.full(ids.max(initial=-1) + 1, _NOWHERE)
    np.maximum.at(own_side, ids, sides)
    for i, side in kept.items():
        own_side[i] = side
    return (sides != _NOWHERE) & (sides != own_side[ids])


def _warnings(
    labels: Labels, sides: NDArray[np.int64], classes: list[str], conflicts: int
) -> tuple[str, ...]:
    said = []
    present = {side: set(np.unique(labels[sides == side]).tolist()) for side in range(3)}
    everywhere = sorted(set(labels.tolist()))
    for side, part in enumerate(PARTS):
        lacking = [classes[i] for i in everywhere if i not in present[side]]
        if lacking and present[side]:
            plural = "Classes" if len(lacking) > 1 else "Class"
            said.append(f"{plural} without a picture in {part}, too few different ones: {listed(lacking)}")
        elif lacking:
            said.append(f"No pictures for {part}: every class has too few different ones")
    if conflicts:
        said.append(f"{counted(conflicts, 'picture')} in two classes at once, with the same pixels")
    return tuple(said)
