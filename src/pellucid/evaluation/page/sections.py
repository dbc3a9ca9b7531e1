"""The sections of a report, each with the words that belong to its figures."""

from __future__ import annotations

from collections.abc import Sequence

from pellucid.evaluation.abstention import Abstention, Answers, Choice
from pellucid.evaluation.metrics import ClassFigures
from pellucid.evaluation.page import figures, words
from pellucid.evaluation.page.confusion import image
from pellucid.evaluation.page.markup import Child, Markup, element, joined, name_of, path_of
from pellucid.evaluation.page.pictures import WORST
from pellucid.evaluation.page.records import Report
from pellucid.evaluation.page.words import percent, plural
from pellucid.storage import shown

ROWS_IN_SIGHT = 20
MOST_EXCLUDED = 500


def section(key: str, title: str, *inside: Child) -> Markup:
    """A section with its heading, which names it."""
    heading = element("h2", title, id=f"h-{key}")
    return element("section", heading, *inside, id=key, aria_labelledby=f"h-{key}")


def table(
    caption: str, titles: Sequence[Child], rows: Sequence[Sequence[Child]], class_: str = "figures"
) -> Markup:
    """A table whose first column names its rows; it scrolls in its own box where it is too wide."""
    head = element("tr", [element("th", title, scope="col") for title in titles])
    body = [
        element("tr", element("th", row[0], scope="row"), [element("td", cell) for cell in row[1:]])
        for row in rows
    ]
    made = element(
        "table", element("caption", caption), element("thead", head), element("tbody", body), class_=class_
    )
    return element("div", made, class_="scroll", tabindex=0, role="region", aria_label=caption)


def folded(title: str, *inside: Child) -> Markup:
    """What is there for those who ask."""
    return element("details", element("summary", title), *inside, class_="more")


def answer(report: Report) -> Markup:
    """The answer first: how many of new pictures will be named rightly, and the few figures beside it."""
    evaluation = report.evaluation
    found = words.odds(evaluation)
    drawing = None
    if found.of <= 1_000 and 0 < evaluation.accuracy < 1:
        drawing = element("figure", figures.odds_array(found), class_="odds-box")
    name, share = words.commonest(evaluation)
    facts: list[tuple[str, Child, Child]] = [
        (
            "calibration error", percent(evaluation.calibration_error),
            "How far it is, on average, from being as often right as it says. Below 2% its confidence can be "
            "taken at its word.",
        ),
        (
            "without looking", percent(share),
            joined(["Right by always answering ", name_of(name), ", the most frequent class of these pictures."]),
        ),
    ]  # fmt: skip
    if evaluation.top5 is not None:
        said = "The right class is among the five that it holds likeliest."
        facts.insert(0, ("right among five", percent(evaluation.top5, 2), said))
    choice = next((choice for choice in evaluation.choices if choice.threshold), None)
    if choice and choice.measured:
        facts.append(_answered(choice.wanted, choice.measured))
    listed = [
        element("div", element("dt", term), element("dd", value, class_="big"), element("dd", said))
        for term, value, said in facts
    ]
    return element(
        "header",
        element("p", "pellucid report · ", element("span", name_of(report.name)), class_="eyebrow"),
        element("div", element("div", element("h1", words.headline(evaluation)),
                               element("p", words.lead(evaluation, report.measured_on), class_="lead")),
                drawing, class_="answer"),
        element("dl", listed, class_="facts"),
    )  # fmt: skip


def _answered(wanted: float, measured: Abstention) -> tuple[str, Child, Child]:
    text = (
        f"Of these pictures, those that it is at least {measured.threshold:g} sure of. The threshold was chosen on "
        f"validation pictures; here, {percent(measured.accuracy)} of its answers are right."
    )
    return f"answered, to be right {100 * wanted:g}%", percent(measured.share), text


def mistakes(report: Report) -> Markup:
    """The worst mistakes as pictures."""
    evaluation = report.evaluation
    worst = evaluation.mistakes[:WORST]
    if not worst:
        return section("mistakes", "The worst mistakes", element("p", "There are none on these pictures."))
    cards = []
    for mistake in worst:
        picture = report.pictures.get(mistake.picture)
        if picture is None:
            continue
        truth, answered = (evaluation.classes[place] for place in (mistake.label, mistake.prediction))
        alt = f"Picture {shown(picture.path)}: it is {shown(truth)} and was called {shown(answered)}"
        caption = element(
            "figcaption",
            element("span", "called ", element("b", name_of(answered)), class_="line"),
            element("span", "is ", element("b", name_of(truth)), class_="line"),
            element("span", f"{percent(mistake.probability)} sure; {percent(mistake.label_probability)} for ",
                    name_of(truth), class_="line quiet"),
            element("span", path_of(picture.path), class_="line quiet"),
        )  # fmt: skip
        cards.append(element("li", element("figure", image(picture, alt, "large"), caption)))
    many = "These were" if len(cards) > 1 else "This one was"
    said = (
        f"{many} wrong and the surest of it. Look for labels that are wrong, pictures that show little, and "
        "things that the classes have no word for."
    )
    title = f"The {len(cards)} worst mistakes" if len(cards) > 1 else "The only mistake"
    return section("mistakes", title, element("p", said), element("ol", cards, class_="worst"))


def classes(report: Report) -> Markup:
    """A row for each class, the most troubled first."""
    evaluation = report.evaluation
    order = sorted(range(len(evaluation.classes)), key=lambda i: _trouble(evaluation.per_class[i]))
    rows: list[list[Child]] = []
    for i in order:
        row = evaluation.per_class[i]
        bounds = words.recall_interval(int(evaluation.confusion[i, i]), row.support)
        rows.append([
            name_of(evaluation.classes[i]), percent(row.f1), percent(row.recall), words.interval(bounds),
            percent(row.precision), f"{row.support:,}", _taken_for(report, i),
        ])  # fmt: skip
    titles = ["class", "F1", "recall", "95% interval", "precision", "pictures", "most often taken for"]
    averages = ", ".join(
        f"{name} {percent(value)}"
        for name, value in (
            ("precision", evaluation.macro.precision), ("recall", evaluation.macro.recall), ("F1", evaluation.macro.f1)
        )
    )  # fmt: skip
    explained = element(
        "dl",
        element("div", element("dt", "Recall"), element("dd", "Of the pictures that are of this class, how many were "
                "found. Low: it overlooks the class.")),
        element("div", element("dt", "Precision"), element("dd", "Of the pictures called this class, how many are. "
                "Low: it says the class too readily.")),
        element("div", element("dt", "F1"), element("dd", "Both in one figure, high only where both are: twice the "
                "right answers, divided by the pictures of the class and the pictures called so together.")),
        class_="terms",
    )  # fmt: skip
    caption = "Figures by class, the most troubled first"
    rest = None
    if len(rows) > ROWS_IN_SIGHT + 5:
        more = len(rows) - ROWS_IN_SIGHT
        rest = folded(
            f"{more:,} more classes", table(f"{caption}, continued", titles, rows[ROWS_IN_SIGHT:], "classes")
        )
        rows = rows[:ROWS_IN_SIGHT]
    return section(
        "classes", "Class by class", element("p", "The most troubled class stands first."), explained,
        table(caption, titles, rows, "classes"), rest,
        element("p", f"Averaged over the classes, each counting the same: {averages}.", class_="note"),
    )  # fmt: skip


def _trouble(row: ClassFigures) -> tuple[bool, float]:
    return row.f1 is None, row.f1 or 0.0


def _taken_for(report: Report, i: int) -> Child:
    row = report.evaluation.confusion[i].copy()
    row[i] = 0
    most = int(row.argmax())
    if not row[most]:
        return "–"
    return [name_of(report.evaluation.classes[most]), f" ({int(row[most]):,})"]


def confidence(report: Report) -> Markup:
    """Whether its confidence can be believed, and what is gained by leaving unsure answers open."""
    evaluation = report.evaluation
    answers = Answers(report.confidence, report.labels == report.predicted)
    first = element(
        "div", element("h3", "Is it as often right as it says?"),
        element("p", "Answers are grouped by how sure they were. On the dashed line a group is right as often as it "
                "says; below it, it promises too much, above it too little. The upright strokes are 95% intervals, "
                "the bars the share of pictures in each group."),
        element("figure", figures.reliability_figure(evaluation.reliability)),
        element("p", _calibrated(report), class_="note"),
        folded("The figures as a table", _reliability_table(report)),
    )  # fmt: skip
    second = element(
        "div", element("h3", "What if it answers only when it is sure?"),
        element("p", "From right to left it leaves more of its unsure answers open, and more of those that it gives "
                "are right. The dots are thresholds: ", element("code", "pellucid predict --threshold T"),
                " leaves open what is less sure than T."),
        element("figure", figures.abstention_figure(answers, evaluation.abstention)),
        folded("The figures as a table", _abstention_table(evaluation.abstention)),
        _choices(evaluation.choices),
    )  # fmt: skip
    return section(
        "confidence",
        "How far its confidence can be believed",
        element("div", first, second, class_="two even"),
    )


def _calibrated(report: Report) -> str:
    evaluation = report.evaluation
    text = f"{percent(evaluation.confidence)} sure on average, {percent(evaluation.accuracy)} right; calibration error "
    text += f"{percent(evaluation.calibration_error, 2)}."
    before = evaluation.uncalibrated
    if before is None or before.temperature == 1:
        return text
    more = "less" if before.temperature > 1 else "more"
    return text + (
        f" The file makes its answers {more} sure by a temperature of {before.temperature:.3f}, fitted on the "
        f"validation pictures; without it: {percent(before.confidence)} sure, calibration error "
        f"{percent(before.calibration_error, 2)}."
    )


def _reliability_table(report: Report) -> Markup:
    rows: list[list[Child]] = [
        [f"{100 * row.low:.1f} – {100 * row.high:.1f}%", f"{row.count:,}", percent(row.confidence),
         percent(row.accuracy), words.interval(row.interval)]
        for row in report.evaluation.reliability if row.count
    ]  # fmt: skip
    titles = ["how sure", "pictures", "sure on average", "right", "95% interval"]
    return table("Reliability: how sure the answers were, and how many were right", titles, rows)


def _abstention_table(marks: Sequence[Abstention]) -> Markup:
    rows: list[list[Child]] = [
        [f"{row.threshold:g}", percent(row.share), f"{row.answered:,}", percent(row.accuracy, 2),
         words.interval(row.interval, 2)]
        for row in marks
    ]  # fmt: skip
    titles = ["threshold T", "answered", "pictures", "of these, right", "95% interval"]
    return table("Abstention: what each threshold comes to", titles, rows)


def _choices(found: Sequence[Choice]) -> Child:
    if not found:
        return element(
            "p", "No threshold is recommended: the answers to validation pictures, on which one would be chosen, "
            "are not known here.", class_="note",
        )  # fmt: skip
    items = []
    free = [choice for choice in found if choice.threshold == 0][:-1]  # the last of these says it for all
    for choice in found:
        if choice in free:
            continue
        start = f"To be right {100 * choice.wanted:g}% of the time"
        if choice.threshold is None or choice.measured is None or choice.validation is None:
            items.append(element("li", f"{start}: no threshold reached it on the validation pictures."))
            continue
        there, here = choice.validation, choice.measured
        answer_when = (
            "answer everything"
            if choice.threshold == 0
            else f"answer only when at least {choice.threshold:g} sure"
        )
        items.append(element(
            "li", element("b", f"{start}, {answer_when}."),
            f" On the validation pictures this was right {percent(there.accuracy, 2)} of the time. Measured here, it "
            f"answers {percent(here.share)} and is right {percent(here.accuracy, 2)} of the time (95% interval "
            f"{words.interval(here.interval, 2)}, n = {here.answered:,}).",
        ))  # fmt: skip
    note = "The thresholds were chosen on the validation pictures alone, and measured on the pictures of this report."
    return [element("ul", items, class_="choices"), element("p", note, class_="note")]


def learning(report: Report) -> Markup | None:
    """The learning curves; None where they aren't known."""
    if not report.epochs:
        return None
    titles = ["epoch", "loss, training", "loss, validation", "right, training", "right, validation"]
    rows: list[list[Child]] = [
        [str(epoch.number), f"{epoch.loss:.4f}", f"{epoch.validation_loss:.4f}", percent(epoch.accuracy, 2),
         percent(epoch.validation_accuracy, 2)]
        for epoch in report.epochs
    ]  # fmt: skip
    chosen = (
        f"The upright line marks epoch {report.best_epoch}, whose weights are in the file: the best on validation. "
        if report.best_epoch
        else ""
    )
    said = (
        f"{chosen}Validation pictures are never learned from. Where the dashed line goes on improving and the solid "
        "one no longer does, it only learns by heart. Training figures are taken while it learns, from varied "
        "pictures, and may be worse."
    )
    drawn = [
        element("figure", figures.learning_figure(report.epochs, report.best_epoch, loss))
        for loss in (True, False)
    ]
    return section(
        "learning", "How it learned", element("p", said), element("div", drawn, class_="two even"),
        folded("The figures as a table", table("Loss and share of right answers by epoch", titles, rows)),
    )  # fmt: skip


def data(report: Report) -> Markup:
    """The pictures, their parts, and what was left out."""
    excluded = _excluded(report)
    record = report.data
    if record is None:
        said = "What the model was trained on is not known here: its run folder is not beside it."
        return section("data", "The pictures", element("p", said), excluded)
    totals = record.counts.sum(axis=0).tolist()
    every: list[Child] = ["all", *(f"{count:,}" for count in totals), f"{sum(totals):,}"]
    rows: list[list[Child]] = [
        [name_of(name), *(f"{count:,}" for count in counts), f"{sum(counts):,}"]
        for name, counts in zip(report.evaluation.classes, record.counts.tolist(), strict=True)
    ]
    titles = ["class", "train", "validation", "test", "together"]
    said = (
        f"{plural(sum(totals), 'picture')} from {shown(record.where)}. The network learned from {totals[0]:,}; the "
        f"best epoch and the temperature were chosen on {totals[1]:,}; {totals[2]:,} were kept aside for the test."
    )
    if len(rows) <= ROWS_IN_SIGHT:
        counts: Child = table("Pictures of each class in each part", titles, [every, *rows])
    else:
        folded_rows = folded("Class by class", table("Pictures of each class in each part", titles, rows))
        counts = [table("Pictures in each part", titles, [every]), folded_rows]
    notes = list(record.notes)
    if record.dropped:
        notes.append(f"{plural(record.dropped, 'picture')} left out for standing in another part, too.")
    listed = element("ul", [element("li", shown(note)) for note in notes]) if notes else None
    return section("data", "The pictures", element("p", said), counts, listed, excluded)


def _excluded(report: Report) -> Markup:
    if not report.excluded:
        return element("p", "No file was left out.", class_="note")
    items = [
        element("li", path_of(path), f": {shown(reason)}") for path, reason in report.excluded[:MOST_EXCLUDED]
    ]
    if len(report.excluded) > MOST_EXCLUDED:
        items.append(element("li", f"and {len(report.excluded) - MOST_EXCLUDED:,} more"))
    title = f"{plural(len(report.excluded), 'file')} left out, and why"
    return folded(title, element("ul", items, class_="files"))


def settings(report: Report) -> Markup:
    """Settings and versions, folded."""
    parts = [
        folded(
            title,
            table(
                title, ["name", "value"], [[shown(name), shown(value)] for name, value in pairs], "settings"
            ),
        )
        for title, pairs in report.facts
    ]
    return section("settings", "Settings and versions", parts)
