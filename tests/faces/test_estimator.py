"""`pellucid.ImageClassifier` among scikit-learn's own tools, which are the referee of how it has to behave."""

import io
import pickle
import pickletools
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import check_estimator
from threadpoolctl import threadpool_limits

import pellucid
from pellucid import ImageClassifier
from pellucid.errors import ModelError, NetworkError, SettingsError
from support.digits import NETWORK, digit_arrays

# Checks of scikit-learn that ImageClassifier is known to fail, each with its reason. None today.
EXPECTED_FAILURES: dict[str, str] = {}
FIVE = StratifiedKFold(5, shuffle=True, random_state=0)


def small(**changes) -> ImageClassifier:
    """A classifier of 8x8 pictures that trains in a moment."""
    return ImageClassifier(**({"network": NETWORK, "epochs": 3, "threads": 1} | changes))


@pytest.fixture(scope="module")
def fitted():
    """One fitted to 200 digits, uint8 [n, 8, 8]."""
    images, labels = digit_arrays()
    return small(epochs=20).fit(images, labels)


def weights(classifier):
    return {name: array.tobytes() for name, array in classifier.model_.network.weights.items()}


def test_scikit_learns_own_checks():
    assert len(EXPECTED_FAILURES) <= 5
    assert all(EXPECTED_FAILURES.values()), "each with its reason"
    results = check_estimator(
        ImageClassifier(), expected_failed_checks=EXPECTED_FAILURES, on_skip=None, on_fail=None
    )
    failed = [(r["check_name"], r["exception"]) for r in results if r["status"] == "failed"]
    assert failed == []
    assert {r["check_name"] for r in results if r["status"] == "xfail"} == set(EXPECTED_FAILURES)
    assert [r["check_name"] for r in results if r["status"] == "skipped"] in ([], ["check_array_api_input"])
    assert len(results) > 50


def test_digits_five_fold_beside_logistic_regression():
    """1,797 pictures of 8x8. The linear model reaches 96.3% with this split, scikit-learn's SVC 98.7%."""
    X, y = load_digits(return_X_y=True)
    network = "conv 16 3x3 pad 1, relu, maxpool 2, conv 32 3x3 pad 1, relu, flatten, dense 10"
    ours = cross_val_score(ImageClassifier(network, shape=(8, 8), epochs=15), X, y, cv=FIVE)
    with threadpool_limits(1):  # BLAS threads of several busy processes would only wait on one another
        pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
        linear = cross_val_score(pipeline, X, y, cv=FIVE)
    assert ours.mean() >= 0.97
    assert ours.mean() > linear.mean()


def test_a_table_beside_logistic_regression():
    X, y = load_iris(return_X_y=True)
    linear = cross_val_score(LogisticRegression(max_iter=1000), X, y, cv=FIVE).mean()
    assert cross_val_score(ImageClassifier(), X, y, cv=FIVE).mean() >= linear - 0.03
    classifier = ImageClassifier(epochs=1).fit(X, y)
    assert classifier.shape_ == (1, 4, 1)
    assert "conv" not in classifier.model_.network.text
    assert classifier.range_.tolist() == [X.min(axis=0).tolist(), X.max(axis=0).tolist()]


# --- what X may be ---------------------------------------------------------------------------------------


def test_uint8_goes_in_as_it_is(fitted):
    images, _ = digit_arrays()
    straight = fitted.model_.probabilities(images[..., None])
    assert np.array_equal(fitted.predict_proba(images), straight)
    assert np.array_equal(fitted.predict_proba(images[..., None]), straight)
    assert np.array_equal(fitted.predict_proba(images.reshape(200, 64)), straight)
    assert np.array_equal(fitted.predict_proba(images.tolist()), straight)
    assert fitted.n_features_in_ == 64
    assert fitted.shape_ == (8, 8, 1)


@pytest.mark.parametrize(
    ("convert", "levels"),
    [
        (lambda x: x / 255, 255),
        (lambda x: x.astype(np.float32) * 1e4 - 7e5, 255),
        (lambda x: x.astype(np.int64) - 1000, 255),
        (lambda x: x > 127, 1),
    ],
    ids=["0 to 1", "any range", "whole numbers", "truth values"],
)
def test_other_numbers_are_scaled_by_what_fit_saw(convert, levels):
    """The same pictures in other units give the same weights; the referee scales by hand."""
    images, labels = digit_arrays(80)
    images[0, 0, :2] = 0, 255
    other = convert(images)
    by_hand = images if levels == 255 else (images > 127).astype(np.uint8) * np.uint8(255)
    assert weights(small().fit(other, labels)) == weights(small().fit(by_hand, labels))


def test_outside_the_training_range_counts_as_its_end():
    X = np.random.default_rng(0).normal(size=(40, 16))
    y = X[:, 0] > 0
    classifier = small(shape=(4, 4), network="flatten, dense 2").fit(X, y)
    low, high = classifier.range_[:, 0]
    assert (low, high) == (X.min(), X.max())
    beyond = np.where(X > 0, high + 100, low - 100)
    assert np.array_equal(
        classifier.predict_proba(beyond), classifier.predict_proba(np.where(X > 0, high, low))
    )


def test_shapes_of_rows():
    X = np.random.default_rng(0).integers(0, 256, (30, 48), dtype=np.uint8)
    y = np.arange(30) % 2
    for shape, expected in [((4, 4, 3), (4, 4, 3)), ((6, 8), (6, 8, 1)), ((-1, 12), (4, 12, 1))]:
        network = "flatten, dense 2"
        assert small(network=network, shape=shape).fit(X, y).shape_ == expected
    for shape in [(7, 7), (48,), (4, 6, 2), "8x6", 48, (0, 48)]:
        with pytest.raises(
            ValueError, match="doesn't fit X, which has 48 features: it is \\(height, width\\)"
        ):
            small(shape=shape).fit(X, y)
    with pytest.raises(ValueError, match="X holds pictures of 6 x 8 x 1, but shape=\\(8, 6\\)"):
        small(shape=(8, 6)).fit(X.reshape(30, 6, 8), y)
    with pytest.raises(ValueError, match="4,096 columns, X has 5,000; if its rows are pictures"):
        small().fit(np.zeros((4, 5000)), [0, 1, 0, 1])


def test_what_x_may_not_be(fitted):
    images, labels = digit_arrays(40)
    with pytest.raises(ValueError, match="X has the shape \\[40, 8, 8, 5\\]"):
        small().fit(np.zeros((40, 8, 8, 5)), labels)
    with pytest.raises(ValueError, match="X contains NaN"):
        small().fit(np.where(images == 0, np.nan, images), labels)
    with pytest.raises(ValueError, match="infinity"):
        fitted.predict(np.full((2, 64), np.inf))
    with pytest.raises(TypeError, match=r"[Ss]parse"):
        small().fit(sparse.csr_array(images.reshape(40, 64)), labels)
    with pytest.raises(ValueError, match="X has 63 features, but ImageClassifier is expecting 64 features"):
        fitted.predict(np.zeros((2, 63)))
    with pytest.raises(ValueError, match="X holds pictures of 4 x 16 x 1, but 8 x 8 x 1 were fitted"):
        fitted.predict(np.zeros((2, 4, 16)))
    with pytest.raises(ValueError, match=r"one class alone: y holds only 3 \(40 samples\)"):
        small().fit(images, np.full(40, 3))
    with pytest.raises(NotFittedError):
        small().predict(images)
    with pytest.raises(TypeError, match="sample_weight"):
        small().fit(images, labels, sample_weight=np.ones(40))


def test_feature_names_of_a_data_frame():
    X, y = load_iris(return_X_y=True, as_frame=True)
    classifier = small(network="auto").fit(X, y)
    assert classifier.feature_names_in_.tolist() == X.columns.tolist()
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict(X[X.columns[::-1]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert classifier.predict(X).shape == (150,)


# --- labels ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        lambda y: y,
        lambda y: y * 10 - 5,
        lambda y: y.astype(float),
        lambda y: np.array(["cat", "dög", "<b>&\n"])[y],
        lambda y: np.array(["cat", "dog", "eel"], dtype=object)[y],
        lambda y: pd.Series(["cat", "dog", "eel"], dtype="category")[y],
        lambda y: y > 0,
    ],
    ids=["0, 1, 2", "other numbers", "floats", "text", "objects", "categories", "truth values"],
)
def test_any_labels(name):
    X = np.eye(3).repeat(20, axis=0)
    y = name(np.arange(3).repeat(20))
    classifier = ImageClassifier(epochs=30).fit(X, y)
    assert classifier.classes_.tolist() == np.unique(np.asarray(y)).tolist()
    assert classifier.predict(X).tolist() == np.asarray(y).tolist()
    assert classifier.score(X, y) == 1
    assert len(classifier.model_.classes) == len(classifier.classes_)


def test_labels_that_look_alike_as_text():
    classifier = small(network="auto").fit(np.eye(2).repeat(4, axis=0), np.repeat(["a\n", "a\\n"], 4))
    assert classifier.model_.classes == ("0", "1")
    assert classifier.classes_.tolist() == ["a\n", "a\\n"]


@pytest.mark.parametrize("count", [3, 10, 20])
def test_few_samples_and_a_class_of_one(count):
    X = np.random.default_rng(0).normal(size=(count, 5))
    y = np.arange(count) % 2 + 1
    y[-1] = 7
    classifier = ImageClassifier().fit(X, y)
    assert classifier.classes_.tolist() == [1, 2, 7]
    assert classifier.model_.card.split.validation == 0
    assert classifier.model_.card.split.train == count
    assert classifier.score(X, y) > 0.6


# --- with the rest of scikit-learn ------------------------------------------------------------------------


def test_it_is_a_classifier_that_clones():
    classifier = small(network="mlp", learning_rate=0.01, augmentation={"flip": True})
    assert is_classifier(classifier)
    assert clone(classifier).get_params() == classifier.get_params()
    assert "learning_rate=0.01" in repr(classifier)


def test_a_pickle_holds_no_code(fitted):
    """Only ImageClassifier, NumPy's arrays and Python's own types; the network comes as the ONNX file's bytes."""
    images, _ = digit_arrays(50)
    data = pickle.dumps(fitted)
    named = []

    class Listing(pickle.Unpickler):
        def find_class(self, module, name):
            named.append(f"{module}.{name}")
            return super().find_class(module, name)

    again = Listing(io.BytesIO(data)).load()
    assert [name for name in named if not name.startswith(("numpy.", "copyreg.", "builtins."))] == [
        "pellucid.faces.estimator.ImageClassifier"
    ]
    assert fitted.model_.data in data
    assert np.array_equal(again.predict_proba(images), fitted.predict_proba(images))
    assert again.history_ == fitted.history_
    assert sum(opcode.name in ("REDUCE", "BUILD", "NEWOBJ") for opcode, *_ in pickletools.genops(data)) < 20

    start = data.index(fitted.model_.data) + 1000
    damaged = data[:start] + bytes([data[start] ^ 1]) + data[start + 1 :]
    with pytest.raises(ModelError, match="damaged"):
        pickle.loads(damaged)
    assert not hasattr(pickle.loads(pickle.dumps(small())), "model_")


def test_a_pickle_in_another_process(fitted, tmp_path):
    images, _ = digit_arrays(50)
    (tmp_path / "classifier.pickle").write_bytes(pickle.dumps(fitted))
    np.save(tmp_path / "images.npy", images)
    code = """
        import pickle, sys, numpy
        found = pickle.load(open("classifier.pickle", "rb")).predict_proba(numpy.load("images.npy"))
        assert "torch" not in sys.modules
        numpy.save("found.npy", found)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, check=True)
    assert np.array_equal(np.load(tmp_path / "found.npy"), fitted.predict_proba(images))


def test_grid_search_and_two_processes():
    images, labels = digit_arrays(120)
    X, y = images.reshape(120, 64), labels % 3
    search = GridSearchCV(
        small(shape=(8, 8)),
        {
            "network": ["flatten, dense 3", "conv 4 3x3, relu, flatten, dense 3"],
            "epochs": [1, 4],
            "learning_rate": np.array([0.01]),
        },
        cv=2,
        error_score="raise",
        n_jobs=2,
    ).fit(X, y)
    assert search.best_params_["epochs"] == 4
    assert search.best_estimator_.model_.network.text.startswith(search.best_params_["network"].split(",")[0])
    assert search.score(X, y) > 1 / 3


def test_cross_validation_gives_the_same_in_one_process_and_two():
    images, labels = digit_arrays(100)
    cv = StratifiedKFold(2)
    alone, two = (
        cross_val_predict(small(), images, labels, cv=cv, n_jobs=jobs, method="predict_proba")
        for jobs in (1, 2)
    )
    assert np.array_equal(alone, two)


def test_in_a_pipeline():
    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    standardised = make_pipeline(StandardScaler(), small(shape=(8, 8), epochs=8)).fit(X_train, y_train)
    assert standardised.score(X_test, y_test) > 0.85
    as_pictures = make_pipeline(FunctionTransformer(lambda rows: rows.reshape(-1, 8, 8)), small(epochs=8))
    assert as_pictures.fit(X_train, y_train).score(X_test, y_test) > 0.85


# --- a fit ------------------------------------------------------------------------------------------------


def test_the_same_bits_and_other_seeds():
    images, labels = digit_arrays(80)
    reference = weights(small(random_state=3).fit(images, labels))
    again = small(random_state=np.int64(3), threads=2).fit(images, labels)
    assert weights(again) == reference
    assert weights(again.fit(images, labels)) == reference
    assert weights(small(random_state=4).fit(images, labels)) != reference
    drawn = [small(random_state=np.random.RandomState(5)).fit(images, labels) for _ in range(2)]
    assert weights(drawn[0]) == weights(drawn[1])


def test_the_same_as_pellucid_train_would(tmp_path):
    """Where nothing is kept from training, only the split differs: the settings are those of `pellucid.train`."""
    images, labels = digit_arrays(120)
    classifier = ImageClassifier(epochs=2, threads=1, validation_fraction=0).fit(images, labels)
    model = pellucid.train((images, labels), epochs=2, threads=1, out=tmp_path / "run", watch=lambda _: None)
    assert classifier.model_.network.text == model.network.text
    assert classifier.model_.classes == model.classes
    assert classifier.model_.card.preprocessing.height == 8


def test_the_validation_part():
    images, labels = digit_arrays(200)
    split = small(epochs=1, validation_fraction=0.25).fit(images, labels).model_.card.split
    counts = np.bincount(labels)
    assert split.validation == sum(count // 4 for count in counts.tolist())
    assert (split.train, split.test) == (200 - split.validation, 0)


def test_it_writes_nothing_where_it_stands_and_is_silent(tmp_path, monkeypatch, capfd):
    images, labels = digit_arrays(60)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    small().fit(images, labels)
    with pytest.raises(NetworkError):
        small(network="dense 3").fit(images, labels)
    assert list((tmp_path / "here").iterdir()) == list(scratch.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    small(verbose=1).fit(images, labels)
    out, err = capfd.readouterr()
    assert out == ""
    assert [line.split()[:2] for line in err.splitlines()] == [["epoch", f"{n}/3"] for n in (1, 2, 3)]


def test_parameters_that_cannot_be_used():
    images, labels = digit_arrays(40)
    for changes, what in [
        ({"epochs": 0}, "epochs can't be used: it has to be a whole number from 1 to 100,000"),
        ({"learning_rate": "fast"}, "learning_rate can't be used: it has to be a number above 0"),
        ({"validation_fraction": 1}, "validation_fraction can't be used: it has to be a number from 0"),
        ({"validation_fraction": "10%"}, "validation_fraction can't be used"),
        ({"random_state": -1}, "seed can't be used"),
        ({"optimiser": "lion"}, "optimiser can't be used: it has to be one of adam, adamw, sgd, muon"),
    ]:
        with pytest.raises(SettingsError) as caught:
            small(**changes).fit(images, labels)
        assert what in str(caught.value)
    with pytest.raises(NetworkError, match="9 values, but there are 10 classes"):
        small(network="flatten, dense 9").fit(images, labels)


def test_without_scikit_learn():
    """The package and its names still load; making a classifier says what to install."""
    code = """
        import sys
        sys.modules["sklearn"] = None
        from pellucid import *
        import pellucid
        print(pellucid.ImageClassifier.__doc__.splitlines()[0])
        try:
            pellucid.ImageClassifier(epochs=3)
        except pellucid.PellucidError as error:
            print(error)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[1] == "ImageClassifier needs scikit-learn, which is not installed here"
    assert lines[-1].startswith("  remedy: pip install 'pellucid[sklearn]'")


def test_importing_the_package_imports_no_scikit_learn():
    code = "import sys, pellucid; pellucid.load, pellucid.train; print('sklearn' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
