"""The laws of the split."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pellucid.draws import splitmix64
from pellucid.errors import DataError
from pellucid.images import Split, picture_digest, split

PARTS = ("train", "validation", "test")


def digests_of(ids: object) -> np.ndarray:
    """A 16-byte digest for each number, equal for equal numbers."""
    rows = [
        picture_digest(np.array([[[i % 256], [i // 256 % 256]]], dtype=np.uint8)) for i in np.asarray(ids)
    ]
    return np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(-1, 16)


def divided(labels: object, parts: object = None, ids: object = None, **options: object) -> Split:
    labels = np.asarray(labels, dtype=np.int64)
    parts = np.full(len(labels), "") if parts is None else np.asarray(parts, dtype="<U10")
    ids = np.arange(len(labels)) if ids is None else ids
    return split(labels, parts, digests_of(ids), **options)  # type: ignore[arg-type]


def counts(result: Split, labels: object) -> dict[str, list[int]]:
    labels = np.asarray(labels)
    return {
        part: np.bincount(labels[result.parts == part], minlength=labels.max() + 1).tolist() for part in PARTS
    }


label_lists = st.lists(st.integers(0, 4), min_size=1, max_size=150)
cases = st.integers(1, 60).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 3), min_size=n, max_size=n),  # labels
        st.lists(st.integers(0, n), min_size=n, max_size=n),  # which picture: many copies
        st.lists(st.sampled_from(PARTS), min_size=n, max_size=n),
    )
)


@given(label_lists, st.integers(-(2**70), 2**70))
def test_of_every_class_15_percent_each(labels: list[int], seed: int) -> None:
    result = divided(labels, seed=seed)
    of_class = Counter(labels)
    found = counts(result, labels)
    for label, n in of_class.items():
        train, validation, test = (found[part][label] for part in PARTS)
        assert train + validation + test == n
        if n >= 3:
            assert abs(test - 0.15 * n) <= 1 and abs(validation - 0.15 * n) <= 1
            assert min(train, validation, test) >= 1
        else:
            assert (train, validation, test) == {1: (1, 0, 0), 2: (1, 0, 1)}[n]
    assert result.dropped == {"train": 0, "validation": 0, "test": 0}
    assert sorted([*result.train, *result.validation, *result.test]) == list(range(len(labels)))


@given(label_lists, st.data())
def test_other_classes_do_not_matter(labels: list[int], data: st.DataObject) -> None:
    """Shuffling how classes are interleaved, or taking some away, leaves each class's own division."""
    order = data.draw(st.permutations(range(len(labels))))
    gone = data.draw(st.integers(0, 4))
    shuffled = [labels[i] for i in order if labels[i] != gone]
    if not shuffled:
        return
    one, other = divided(labels), divided(shuffled)
    for label in set(shuffled):
        first = one.parts[np.array(labels) == label]
        second = other.parts[np.array(shuffled) == label]
        assert first.tolist() == second.tolist()


@given(label_lists)
def test_the_same_every_time_and_another_for_another_seed(labels: list[int]) -> None:
    assert divided(labels).parts.tolist() == divided(labels).parts.tolist()
    if Counter(labels).most_common()[0][1] >= 60:
        assert divided(labels).parts.tolist() != divided(labels, seed=1).parts.tolist()


def plainly(labels: list[int], seed: int) -> list[str]:
    """The division again, value by value in Python's integers, for pictures that are all different."""

    def mix(value: int) -> int:
        value = (value + 0x9E3779B97F4A7C15) % 2**64
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        value = (value ^ value >> 27) * 0x94D049BB133111EB % 2**64
        return value ^ value >> 31

    parts = ["train"] * len(labels)
    for label in set(labels):
        places = [place for place, other in enumerate(labels) if other == label]
        keys = {place: mix(mix(mix(seed % 2**64) ^ label) ^ i) for i, place in enumerate(places)}
        places.sort(key=keys.__getitem__)
        if len(places) < 3:
            first = places[: len(places) - 1]
            for place in first:
                parts[place] = "test"
            continue
        share = max(1, (15 * len(places) + 50) // 100)
        rest = places[3:]
        for place in [places[0], *rest[: share - 1]]:
            parts[place] = "test"
        for place in [places[1], *rest[share - 1 : 2 * share - 2]]:
            parts[place] = "validation"
    return parts


@given(label_lists, st.integers(-(2**70), 2**70))
def test_against_a_plain_loop(labels: list[int], seed: int) -> None:
    assert divided(labels, seed=seed).parts.tolist() == plainly(labels, seed)


def test_the_division_is_written_in_stone() -> None:
    """A changed hash would silently move pictures from test to train of people's old runs."""
    assert "".join(part[1] for part in divided([0, 1] * 10).parts) == "errerraarrraerrrrear"


def test_splitmix64_against_its_published_sequence() -> None:
    state, values = 1234567, []  # the reference values of Vigna's splitmix64.c for this seed
    for _ in range(3):
        values.append(int(splitmix64(np.array([state], dtype=np.uint64))[0]))
        state = (state + 0x9E3779B97F4A7C15) % 2**64
    assert values == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(cases, st.booleans())
def test_no_picture_on_two_sides(case: tuple[list[int], list[int], list[str]], own: bool) -> None:
    labels, ids, parts = case
    if own and "train" not in parts:
        return
    result = divided(labels, parts if own else None, ids)
    places = {part: {ids[i] for i in np.flatnonzero(result.parts == part)} for part in PARTS}
    assert not places["train"] & places["test"]
    assert not places["train"] & places["validation"]
    assert not places["validation"] & places["test"]
    kept = sum(len(indices) for indices in (result.train, result.validation, result.test))
    assert kept + sum(result.dropped.values()) == len(labels)
    assert (result.parts == "dropped").sum() == sum(result.dropped.values())
    # no picture disappears altogether
    assert set().union(*places.values()) == set(ids)


@given(cases, st.booleans())
def test_no_class_loses_all_its_train(case: tuple[list[int], list[int], list[str]], own: bool) -> None:
    labels, ids, parts = case
    if own and "train" not in parts:
        return
    result = divided(labels, parts if own else None, ids)
    had = {label for label, part in zip(labels, parts, strict=True) if part == "train" or not own}
    assert {labels[i] for i in result.train} == had


@given(cases)
def test_every_class_of_three_different_pictures_is_everywhere(
    case: tuple[list[int], list[int], list[str]],
) -> None:
    labels, ids, _ = case
    result = divided(labels, None, ids)
    labels_of = {i: {label for label, other in zip(labels, ids, strict=True) if other == i} for i in ids}
    for label in set(labels):
        own = {i for i, other in zip(ids, labels, strict=True) if other == label and len(labels_of[i]) == 1}
        found = {part for part, other in zip(result.parts, labels, strict=True) if other == label}
        if len(own) >= 3:
            assert found >= set(PARTS)
        elif len(own) == 2 and all(len(labels_of[i]) == 1 for i in ids):
            assert found - {"dropped"} == {"train", "test"}


@given(cases)
def test_conflicts_are_the_pictures_with_two_labels(case: tuple[list[int], list[int], list[str]]) -> None:
    labels, ids, _ = case
    expected = []
    for i in set(ids):
        group = tuple(place for place, other in enumerate(ids) if other == i)
        if len({labels[place] for place in group}) > 1:
            expected.append(group)
    result = divided(labels, None, ids)
    assert result.conflicts == tuple(sorted(expected))
    assert any("two classes" in warning for warning in result.warnings) == bool(expected)


def test_a_picture_in_test_too_is_dropped_from_train() -> None:
    labels = [0] * 5 + [1] * 5
    parts = ["train", "train", "train", "validation", "test"] * 2
    ids = [1, 2, 3, 4, 3, 11, 12, 13, 12, 14]
    result = divided(labels, parts, ids)
    expected = [
        "train",
        "train",
        "dropped",
        "validation",
        "test",
        "train",
        "dropped",
        "train",
        "validation",
        "test",
    ]
    assert result.parts.tolist() == expected
    assert result.dropped == {"train": 2, "validation": 0, "test": 0}
    ids = [1, 2, 3, 4, 4, 11, 12, 13, 14, 15]
    result = divided(labels, parts, ids)
    assert result.parts[3] == "dropped"
    assert result.dropped == {"train": 0, "validation": 1, "test": 0}
    assert result.warnings == ("Class without a picture in validation, too few different ones: 0",)


def test_a_class_that_would_lose_all_its_train_keeps_it() -> None:
    result = divided([0, 0, 0, 1, 1], ["train", "test", "test", "train", "test"], [5, 5, 6, 7, 8])
    assert result.parts.tolist() == ["train", "dropped", "test", "train", "test"]
    assert result.dropped == {"train": 0, "validation": 0, "test": 1}


def test_copies_within_one_part_stay() -> None:
    labels, parts = [0, 0, 0, 1, 1], ["train", "train", "test", "train", "test"]
    result = divided(labels, [part.replace("x", "") for part in parts], [1, 1, 2, 3, 4])
    assert sum(result.dropped.values()) in (0, 1)  # 1 if one copy went to validation
    full = divided([0, 0, 0, 0], ["train", "train", "validation", "test"], [1, 1, 2, 3])
    assert full.parts.tolist() == ["train", "train", "validation", "test"]


def test_train_and_test_given() -> None:
    labels = np.repeat([0, 1, 2], [100, 40, 5])
    parts = np.where(np.arange(145) % 5 == 0, "test", "train")
    result = divided(labels, parts)
    found = counts(result, labels)
    assert found == {"train": [72, 29, 3], "validation": [8, 3, 1], "test": [20, 8, 1]}
    assert (result.parts[parts == "test"] == "test").all()


def test_train_and_validation_given() -> None:
    labels = np.repeat([0, 1], [100, 40])
    parts = np.where(np.arange(140) % 5 == 0, "validation", "train")
    result = divided(labels, parts)
    assert counts(result, labels) == {"train": [68, 27], "validation": [20, 8], "test": [12, 5]}
    assert (result.parts[parts == "validation"] == "validation").all()


def test_train_alone_is_no_division() -> None:
    assert divided([0, 1] * 20, ["train"] * 40).parts.tolist() == divided([0, 1] * 20).parts.tolist()


def test_all_given_stays_as_it_is() -> None:
    parts = ["train", "validation", "test", "test", "validation", "train"]
    assert divided([0, 0, 0, 1, 1, 1], parts).parts.tolist() == parts


def test_unreadable_pictures_are_nowhere_and_move_no_other() -> None:
    labels = np.array([0] * 30 + [1] * 30)
    readable = np.ones(60, dtype=bool)
    readable[[3, 50]] = False
    result = divided(labels, readable=readable)
    assert result.parts[[3, 50]].tolist() == ["unreadable"] * 2
    assert (result.parts == "unreadable").sum() == 2
    changed = (result.parts != divided(labels).parts)[readable]
    assert changed.sum() <= 8  # each class's order is the same, only the ends of its shares move


def test_warnings_name_the_classes() -> None:
    result = divided([0] * 20 + [1] * 2 + [2], classes=["cat", "dog", "eel"])
    assert result.warnings == (
        "Classes without a picture in validation, too few different ones: dog, eel",
        "Class without a picture in test, too few different ones: eel",
    )
    assert divided([0, 1]).warnings == (
        "No pictures for validation: every class has too few different ones",
        "No pictures for test: every class has too few different ones",
    )


def test_parts_that_make_no_sense() -> None:
    for parts in [["train", ""], ["train", "holdout"], ["test", "validation"], ["test", "test"]]:
        with pytest.raises(DataError):
            divided([0, 1], parts)


def test_many_classes_and_pictures() -> None:
    labels = np.repeat(np.arange(3000), 20)
    rows = np.zeros((len(labels), 16), dtype=np.uint8)
    rows[:, :8] = np.arange(len(labels)).astype("<u8").view(np.uint8).reshape(-1, 8)
    result = split(labels, np.full(len(labels), ""), rows)
    assert (np.bincount(labels[result.test]) == 3).all()
    assert (np.bincount(labels[result.train]) == 14).all()


def test_final_parts_stay_as_they_are():
    """No test part is taken off, and a copy on the other side is not dropped."""
    parts = ["train", "train", "validation", "train"]
    digests = np.zeros((4, 16), np.uint8)
    found = split(np.array([0, 1, 0, 1]), parts, digests, readable=np.array([1, 1, 1, 0], bool), final=True)
    assert found.parts.tolist() == ["train", "train", "validation", "unreadable"]
    assert set(found.dropped.values()) == {0}
    assert found.warnings == ()
