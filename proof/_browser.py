"""What a browser itself measures of the explorer: first paint, handlers, tasks, answers."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

QUIET = "if (location.protocol !== 'about:') localStorage.setItem('pellucid.hints', 'seen')"  # no first visit's hints
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime"
# Moves a pointer over an element, one move a frame; each handler, with what Svelte draws at once, is a `measure`.
DRAG = """async ([selector, moves]) => {
  const over = document.querySelector(selector), box = over.getBoundingClientRect()
  over.setPointerCapture = () => {}
  const frame = () => new Promise(requestAnimationFrame)
  const send = (type, x, y) => over.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0, buttons: 1,
    pointerId: 1, pointerType: 'mouse',
    clientX: box.left + 5 + x * (box.width - 10), clientY: box.top + 5 + y * (box.height - 10) }))
  send('pointerdown', 0, 0)
  for (let i = 0; i < moves; i++) {
    const start = performance.now()
    send('pointermove', ((i * 7) % moves) / moves, i / moves)
    await Promise.resolve()
    performance.measure('handler', { start, end: performance.now() })
    await frame()
  }
  send('pointerup', 0.5, 0.5)
  await new Promise((done) => setTimeout(done, 500))
  const took = performance.getEntriesByName('handler').map((e) => e.duration)
  performance.clearMeasures('handler')
  return took
}"""
# Draws one stroke; from each move until the frame is painted in which another answer stands on the screen is a
# `measure`. The page tells of the change itself: to look for it again and again would cost what is measured.
STROKE = """async (moves) => {
  const sheet = document.querySelector('.side .picture'), box = sheet.getBoundingClientRect()
  sheet.setPointerCapture = () => {}
  const answer = () => [...document.querySelectorAll('.answer .bar, .answer .logit')]
    .map((e) => e.getAttribute('aria-label') ?? e.textContent).join()
  const send = (type, x, y) => sheet.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0, buttons: 1,
    pointerId: 1, pointerType: 'mouse', clientX: box.left + x * box.width, clientY: box.top + y * box.height }))
  const painted = () => new Promise((done) => { // asked in a frame: the message comes when that is painted
    const after = new MessageChannel()
    after.port1.onmessage = () => done()
    after.port2.postMessage(null)
  })
  let inside = false // a frame that isn't painted yet
  const frame = () => new Promise((done) => requestAnimationFrame(() => {
    inside = true
    painted().then(() => { inside = false })
    done()
  }))
  const ends = []
  const changed = (before) => new Promise((done) => {
    const watcher = new MutationObserver(() => { if (answer() !== before) end() })
    const late = setTimeout(() => end(), 1000)
    const end = () => { clearTimeout(late); watcher.disconnect(); done() }
    watcher.observe(document.querySelector('.answer'),
      { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['aria-label'] })
  })
  send('pointerdown', 0.2, 0.2)
  await new Promise((done) => setTimeout(done, 300))
  await frame()
  for (let i = 1; i <= moves; i++) { // each move comes in a frame, as the browser hands out a real pointer's
    const another = changed(answer()), start = performance.now()
    send('pointermove', 0.2 + 0.6 * (i / moves), 0.2 + 0.6 * (((i * 37) % 100) / 100))
    await another
    const told = () => ends.push(painted().then(() => performance.measure('answer', { start, end: performance.now() })))
    if (inside) told() // the answer stands there before the move's own frame is painted
    await frame()
    if (ends.length < i) told()
  }
  send('pointerup', 0.8, 0.5)
  await Promise.all(ends)
  const took = performance.getEntriesByName('answer').map((e) => e.duration)
  performance.clearMeasures('answer')
  return took
}"""


def drag(page: Any, selector: str, moves: int = 60) -> dict[str, Any]:
    """Drag over an element: each handler's time, and the longest task."""
    with traced(page) as longest:
        handlers = page.evaluate(DRAG, [selector, moves])
    longest.pop("work")
    return {"n": len(handlers), "handler": spread(handlers), "longest_task": longest}


def strokes(page: Any, moves: int = 40) -> dict[str, Any]:
    """Draw: how long until the answer on the screen follows each piece of the stroke, and the longest task."""
    with traced(page) as longest:
        took = page.evaluate(STROKE, moves)
    work = round(longest.pop("work") / len(took), 2)
    return {"n": len(took), "answer": spread(took), "work": work, "longest_task": longest}


@contextmanager
def traced(page: Any) -> Iterator[dict[str, float]]:
    """The longest task of pages' main threads, as the browser traces them: in ms of the `clock`, and of the `processor`
    alone. They are the same where nothing else runs; elsewhere the clock also counts other programs' turns. `work` is
    the processor's time in all, that of workers too."""
    longest = {"clock": 0.0, "processor": 0.0, "work": 0.0}
    browser = page.context.browser
    browser.start_tracing(page=page, categories=["toplevel"])
    try:
        yield longest
    finally:
        events = json.loads(browser.stop_tracing())["traceEvents"]
    names = {
        (event["pid"], event["tid"]): event["args"]["name"]
        for event in events
        if event["name"] == "thread_name"
    }
    main = {thread for thread, name in names.items() if name == "CrRendererMain"}
    workers = {thread for thread, name in names.items() if name.startswith("DedicatedWorker")}
    for event in events:
        if (
            event["name"] == "ThreadControllerImpl::RunTask"
            and (event["pid"], event["tid"]) in main | workers
        ):
            longest["work"] += event.get("tdur", 0) / 1000
        if event["ph"] == "X" and (event["pid"], event["tid"]) in main:
            for clock, key in (("clock", "dur"), ("processor", "tdur")):
                longest[clock] = max(longest[clock], round(event.get(key, 0) / 1000, 2))


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and largest, in ms."""
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 2),
        "p95": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 2),
        "largest": round(ordered[-1], 2),
    }
