"""Tables of paths and labels as spreadsheets write them, and what is said of each bad row."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pellucid.errors import DataError
from pellucid.images import FileSource, open_source
from pellucid.images.contents import file_contents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for i, name in enumerate(["a.png", "b.png", "in/c.png", 'x, "y".png', "two\nlines.png", "d e.png"]):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((4, 5), i, dtype=np.uint8)).save(path)
    return tmp_path


def opened(folder: Path, text: str | bytes, name: str = "list.csv") -> FileSource:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    source = open_source(path)
    assert isinstance(source, FileSource)
    return source


def refused(folder: Path, text: str | bytes) -> DataError:
    with pytest.raises(DataError) as caught:
        opened(folder, text)
    assert "list.csv" in caught.value.where
    assert caught.value.remedy
    return caught.value


PLAIN = "path,label\na.png,cat\nb.png,dog\nin/c.png,cat\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.removeprefix("path,label\n"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        "\ufeff" + PLAIN,
        PLAIN.encode("utf-16"),
        PLAIN.replace("path,label", "File_Name,Class"),
        "id,category,image\n1,cat,a.png\n2,dog,b.png\n3,cat,in/c.png\n",
        PLAIN.replace("in/c", "in\\c"),
        PLAIN.replace("in/c", "./in//c").replace(",cat", ", cat ") + "\n\n",
    ],
)
def test_the_same_table_in_many_ways(folder: Path, text: str | bytes) -> None:
    source = opened(folder, text)
    assert source.classes == ("cat", "dog")
    assert source.labels.tolist() == [0, 1, 0]
    assert source.paths == ("a.png", "b.png", "in/c.png")
    assert source.parts.tolist() == ["", "", ""]
    assert source.left_out == ()
    assert [int(source.read(i)[0, 0, 0]) for i in range(3)] == [0, 1, 2]


def test_names_with_commas_quotes_and_line_ends(folder: Path) -> None:
    source = opened(folder, 'path,label\n"x, ""y"".png","a ""b"", c"\n"two\nlines.png",d\nd e.png,d\n')
    assert source.paths == ('x, "y".png', "two\nlines.png", "d e.png")
    assert source.classes == ('a "b", c', "d")


def test_parts(folder: Path) -> None:
    source = opened(folder, "a.png,x,Train\nb.png,y,training\nin/c.png,x,val\nd e.png,y,TEST\n")
    assert source.parts.tolist() == ["train", "train", "validation", "test"]
    error = refused(folder, "path,label,split\na.png,x,train\nb.png,y,\n")
    assert error.where.endswith("list.csv, line 3")
    assert refused(folder, "a.png,x,test\nb.png,y,test\n").what == "No row of this table is for train"


def test_absolute_paths(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other")
    source = opened(other, f"{folder}/a.png,x\n{folder}/b.png,y\n")
    assert source.path(1) == f"{folder}/b.png"
    assert source.read(1)[0, 0, 0] == 1
    assert file_contents(source.root, source.paths).hashes.any(axis=1).all()


def test_bad_rows_are_left_out_by_their_lines(folder: Path) -> None:
    text = 'path,label,part\n"two\nlines.png",x,train\nnone.png,x,train\na.png\n,x,train\nb.png,,train\n'
    text += "a.png,y,tset\nin,y,train\na.png,y,train\na.png,y,train\nb.png,x,train\n"
    source = opened(folder, text)
    assert source.paths == ("two\nlines.png", "a.png", "b.png")
    lines = dict(source.left_out)
    assert list(lines) == [f"line {number}" for number in (4, 5, 6, 7, 8, 9, 11)]
    assert lines["line 4"] == "none.png: there is no such file"
    assert lines["line 5"] == "1 column, and 3 are wanted"
    assert lines["line 6"] == "no path"
    assert lines["line 7"] == "b.png: no label"
    assert lines["line 8"].startswith("a.png: the part 'tset' is none of ")
    assert lines["line 9"] == "in: not a file"
    assert lines["line 11"] == "a.png: stands in line 10 already"


def test_tables_that_cannot_be_used(folder: Path) -> None:
    assert (
        refused(folder, "").what == "The file is empty" or refused(folder, "\n").what == "This table is empty"
    )
    assert refused(folder, "path,label\n").what == "This table has a header and no rows"
    assert refused(folder, "a.png,x,train,more\n").what.startswith("Which columns")
    error = refused(folder, 'path,label\na.png,x\n"b.png,y\nin/c.png,x\n')
    assert error.where.endswith("list.csv, line 3")
    error = refused(folder, "p,q\nr,s\n")
    assert error.what == "No row of this table can be used"
    assert "line 1: p: there is no such file" in error.received
    assert refused(folder, "a.png,x\nb.png,x\n").what.startswith("There is only one class")
