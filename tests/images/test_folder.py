"""Folders of pictures: which class, which part, in which order, and what is said about the rest."""

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from pellucid.errors import DataError
from pellucid.images import FileSource, open_source


def picture(path: Path, shade: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((4, 5), shade, dtype=np.uint8)).save(path, "PNG")
    return path


def pictures(root: Path, *names: str) -> Path:
    for i, name in enumerate(names):
        picture(root / name, i)
    return root


def opened(root: Path) -> FileSource:
    source = open_source(root)
    assert isinstance(source, FileSource)
    return source


def refused(root: Path | str) -> DataError:
    with pytest.raises(DataError) as caught:
        open_source(root)
    assert caught.value.where
    assert caught.value.remedy
    return caught.value


def test_a_folder_of_class_folders(tmp_path: Path) -> None:
    (tmp_path / "pets" / "cat").mkdir(parents=True)
    (tmp_path / "pets" / "dog" / "young").mkdir(parents=True)
    Image.fromarray(data.chelsea()).save(tmp_path / "pets" / "cat" / "b.jpg", quality=90)
    Image.fromarray(data.camera()).save(tmp_path / "pets" / "cat" / "a.PNG")
    picture(tmp_path / "pets" / "dog" / "young" / "1.jpeg")
    source = opened(tmp_path / "pets")
    assert source.classes == ("cat", "dog")
    assert source.labels.tolist() == [0, 0, 1]
    assert source.labels.dtype == np.int64
    assert source.parts.tolist() == ["", "", ""]
    assert [source.path(i) for i in range(3)] == ["cat/a.PNG", "cat/b.jpg", "dog/young/1.jpeg"]
    assert source.kind == "files"
    assert source.name == "pets"
    assert source.describe() == "pets · 3 pictures · 2 classes"
    assert np.array_equal(source.read(0)[..., 0], data.camera())
    assert source.read(1).shape == data.chelsea().shape
    assert source.left_out == ()


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Train", "VALID", "Test"), ("training", "validation", "testing")]
)
def test_a_folder_divided_by_its_maker(tmp_path: Path, names: tuple[str, str, str]) -> None:
    train, validation, test = names
    pictures(tmp_path, f"{train}/b/1.png", f"{train}/a/1.png", f"{validation}/b/2.png", f"{test}/a/3.png")
    picture(tmp_path / "docs" / "x" / "y.png")
    source = opened(tmp_path)
    assert source.classes == ("a", "b")
    assert source.labels.tolist() == [0, 1, 1, 0]
    assert source.parts.tolist() == ["train", "train", "validation", "test"]
    assert source.left_out == (("docs", "a folder beside the part folders"),)


def test_without_validation_or_test(tmp_path: Path) -> None:
    pictures(tmp_path / "one", "train/a/1.png", "train/b/1.png", "test/a/1.png")
    assert opened(tmp_path / "one").parts.tolist() == ["train", "train", "test"]
    pictures(tmp_path / "two", "train/a/1.png", "train/b/1.png")
    assert opened(tmp_path / "two").parts.tolist() == ["train", "train"]
    assert opened(tmp_path / "two").classes == ("a", "b")


def test_classes_that_happen_to_be_called_train(tmp_path: Path) -> None:
    pictures(tmp_path, "train/1.png", "bus/1.png", "car/1.png")
    assert opened(tmp_path).classes == ("bus", "car", "train")


def test_class_order_is_natural_and_numbers_are_numbers(tmp_path: Path) -> None:
    for i in [0, 1, 2, 9, 10, 11]:
        picture(tmp_path / "digits" / str(i) / "x.png")
        picture(tmp_path / "names" / f"class {i}b" / "x.png")
    assert opened(tmp_path / "digits").classes == ("0", "1", "2", "9", "10", "11")
    assert opened(tmp_path / "names").classes == tuple(f"class {i}b" for i in [0, 1, 2, 9, 10, 11])
    pictures(tmp_path / "mixed", "-1/a.png", "0.5/a.png", "10/a.png", "2/a.png")
    assert opened(tmp_path / "mixed").classes == ("-1", "0.5", "2", "10")
    pictures(tmp_path / "capitals", "b/a.png", "A/a.png", "C/a.png")
    assert opened(tmp_path / "capitals").classes == ("A", "b", "C")


def test_hidden_things_are_passed_over_and_others_listed_once(tmp_path: Path) -> None:
    pictures(tmp_path, "a/1.png", "b/1.png", ".hidden/1.png", ".ipynb_checkpoints/1.png", "__MACOSX/a/1.png")
    pictures(tmp_path, "a/.ipynb_checkpoints/1-checkpoint.png", "a/.1.png", "loose.png")
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / "a" / "Thumbs.db").write_text("x")
    (tmp_path / "labels.csv").write_text("x")
    (tmp_path / "c").mkdir()
    (tmp_path / "b" / "gone.png").symlink_to("nowhere.png")
    os.mkfifo(tmp_path / "b" / "pipe.png")
    pictures(tmp_path, "b/folder.jpg/2.png")
    source = opened(tmp_path)
    assert source.paths == ("a/1.png", "b/1.png", "b/folder.jpg/2.png")
    assert source.classes == ("a", "b")
    assert sorted(source.left_out) == [
        ("a/notes.txt", "not a picture by its name"),
        ("b/gone.png", "a link that leads nowhere"),
        ("b/pipe.png", "not a file"),
        ("c", "a class folder without pictures"),
        ("labels.csv", "a file beside the class folders"),
        ("loose.png", "a picture beside the class folders"),
    ]


def test_link_loops_do_not_hang(tmp_path: Path) -> None:
    pictures(tmp_path, "a/1.png", "b/1.png", "b/deep/2.png", "elsewhere/3.png")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to("self")
    (tmp_path / "b" / "deep" / "again").symlink_to(tmp_path / "b")
    (tmp_path / "a" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "loop").symlink_to(tmp_path)
    source = opened(tmp_path)
    assert source.paths == ("a/1.png", "a/linked/3.png", "b/1.png", "b/deep/2.png", "elsewhere/3.png")
    assert sorted(source.left_out) == [
        ("a/self", "a link that leads nowhere"),
        ("a/up", "a link to a folder that is read already"),
        ("b/deep/again", "a link to a folder that is read already"),
        ("loop", "a class folder without pictures"),
        ("loop", "a link to a folder that is read already"),
    ]


def test_odd_names_survive(tmp_path: Path) -> None:
    names = [b'a, "b"/1\'\n2.png', b"latin-\xe9/\xff.png", "日本/ü.png".encode()]
    for i, name in enumerate(names):
        picture(tmp_path / os.fsdecode(name), i)
    source = opened(tmp_path)
    assert sorted(os.fsencode(source.path(i)) for i in range(3)) == sorted(names)
    assert {int(source.read(i)[0, 0, 0]) for i in range(3)} == {0, 1, 2}
    assert len(source.fingerprint) == 64


def test_many_classes(tmp_path: Path) -> None:
    for i in range(3000):
        (tmp_path / f"{i}").mkdir()
        (tmp_path / f"{i}" / "x.png").write_bytes(b"x")
    source = opened(tmp_path)
    assert source.classes == tuple(str(i) for i in range(3000))
    assert source.labels.tolist() == list(range(3000))


def test_no_such_folder_says_what_was_perhaps_meant(tmp_path: Path) -> None:
    pictures(tmp_path / "flowers", "a/1.png", "b/1.png")
    error = refused(tmp_path / "flower")
    assert error.what == "There is no such folder"
    assert error.where == str(tmp_path / "flower")
    assert error.remedy == f"did you mean {tmp_path / 'flowers'}?"
    assert "check the path" in refused(tmp_path / "no" / "such").remedy
    with pytest.raises(DataError, match="The path of the data is empty"):
        open_source("")
    assert refused("mnits").remedy.startswith(("did you mean", "check"))


def test_a_file_where_a_folder_is_meant(tmp_path: Path) -> None:
    error = refused(picture(tmp_path / "cat" / "a.png"))
    assert error.what == "This is a file, and a folder is wanted"
    assert f"the class folders, such as {tmp_path};" in error.remedy


def test_an_empty_folder(tmp_path: Path) -> None:
    error = refused(tmp_path)
    assert (error.what, error.received) == ("There are no pictures here", "an empty folder")
    (tmp_path / "a").mkdir()
    assert refused(tmp_path).received == "empty class folders"


def test_pictures_without_class_folders(tmp_path: Path) -> None:
    error = refused(pictures(tmp_path / "pets", "1.png", "2.png"))
    assert error.what == "This folder has pictures but no class folders"
    assert error.received == "2 pictures directly in it"
    assert "pets/cat/1.jpg, pets/dog/1.jpg" in error.remedy
    error = refused(pictures(tmp_path / "flat", "train/1.png", "test/2.png"))
    assert error.what == "This folder has pictures but no class folders"
    assert error.where == str(tmp_path / "flat" / "train")


def test_other_kinds_of_files_only(tmp_path: Path) -> None:
    for name in ["a/1.avif", "b/2.heic"]:
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x")
    error = refused(tmp_path)
    assert error.what == "There are no JPEG, PNG, WebP, GIF, BMP or TIFF pictures in this folder"
    assert error.received == "2 files of other kinds, such as a/1.avif"


def test_one_class(tmp_path: Path) -> None:
    error = refused(pictures(tmp_path / "pets", "cat/1.png", "cat/2.png"))
    assert error.what == "There is only one class, and a classifier needs two or more"
    assert error.received == "2 pictures, all of class cat"
    error = refused(pictures(tmp_path / "unpacked", "pets/cat/1.png", "pets/dog/1.png"))
    assert error.received == "pets, which holds the folders cat, dog"
    assert error.remedy == f"if those are the classes, give {tmp_path / 'unpacked' / 'pets'}"


def test_classes_only_in_test(tmp_path: Path) -> None:
    error = refused(pictures(tmp_path, "train/a/1.png", "train/b/1.png", "test/A/1.png", "test/b/1.png"))
    assert error.what == "These classes are in test but not in train"
    assert error.received == "only in test: A; in train: a, b"
    assert "capitals count" in error.remedy


def test_parts_that_do_not_fit(tmp_path: Path) -> None:
    error = refused(pictures(tmp_path / "one", "test/a/1.png", "val/a/1.png"))
    assert error.what == "There is no train folder beside the others"
    error = refused(pictures(tmp_path / "two", "train/a/1.png", "val/a/1.png", "valid/a/1.png"))
    assert error.what == "Two folders could both be validation"
    assert error.received == "val, valid"


def test_an_unreadable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path, "a/1.png", "b/1.png")
    real = os.scandir

    def scandir(path: str | Path) -> object:  # permissions don't hold for root, who runs some tests
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    error = refused(tmp_path)
    assert error.what == "This folder can't be read (permission denied)"
    assert error.where == str(tmp_path / "b")


def test_the_fingerprint_follows_contents_labels_and_classes(tmp_path: Path) -> None:
    root = pictures(tmp_path / "pets", "a/1.png", "a/2.png", "b/3.png")
    first = opened(root).fingerprint
    moved = root.rename(tmp_path / "moved")
    assert opened(moved).fingerprint == first
    os.utime(moved / "a" / "1.png")
    assert opened(moved).fingerprint == first
    (moved / "a" / "2.png").rename(moved / "b" / "2.png")
    second = opened(moved).fingerprint
    (moved / "b").rename(moved / "c")
    third = opened(moved).fingerprint
    picture(moved / "c" / "2.png", 77)
    assert len({first, second, third, opened(moved).fingerprint}) == 4


def test_relative_paths_hold_when_the_working_folder_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures(tmp_path / "mnist", "a/1.png", "b/1.png")
    monkeypatch.chdir(tmp_path)
    source = open_source("./mnist")
    assert source.classes == ("a", "b")
    assert open_source(Path("mnist")).classes == ("a", "b")
    assert open_source("mnist").name == "MNIST"  # the built-in one wins, as documented
    monkeypatch.chdir("/")
    assert source.read(0).shape == (4, 5, 1)
