"""The explorer over HTTP: its files, and one address for each question of the contract (web/src/source.ts)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal, TypeVar

import anyio
import numpy as np
from fastapi import FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException

from pellucid.errors import PellucidError, SettingsError
from pellucid.faces.server.frames import framed, unframed
from pellucid.faces.server.guard import Guard
from pellucid.faces.server.session import Session
from pellucid.images.reading import MAX_PIXELS, Pixels, decode_picture
from pellucid.inside.editing import MOST_EDITS
from pellucid.inside.explorer_build import built
from pellucid.inside.explorer_files import FOLDER, built_file
from pellucid.storage import shown

T = TypeVar("T")
BINARY = "application/octet-stream"
FILES = {".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css"}
Name = Annotated[str, Field(max_length=1000)]
Index = Annotated[list[Annotated[int, Field(ge=0, lt=2**40)]], Field(max_length=16)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class WeightEdit(_Body):
    name: Name
    index: Index
    value: float


class OffEdit(_Body):
    name: Name
    channel: int = Field(ge=0)


class Edits(_Body):
    """What was changed by hand; painted pixels come as the picture itself."""

    weights: list[WeightEdit] = Field(default=[], max_length=MOST_EDITS)
    off: list[OffEdit] = Field(default=[], max_length=MOST_EDITS)
    epoch: int | None = Field(default=None, ge=1)


class RunHead(_Body):
    """What stands before a picture's raw pixels."""

    height: int = Field(ge=1, le=65_535)
    width: int = Field(ge=1, le=65_535)
    channels: Literal[1, 3]
    edits: Edits = Edits()


class Place(_Body):
    run: int
    name: Name
    index: Index


class Kernels(_Body):
    name: Name
    edits: Edits = Edits()


class Why(_Body):
    run: int
    target: int = Field(ge=0)
    against: int | None = Field(default=None, ge=0)
    method: Literal["grad-cam", "occlusion"]


class Correct(_Body):
    id: Annotated[str, Field(max_length=80)]
    label: Annotated[str, Field(max_length=4000)] | None


class Build(_Body):
    text: Annotated[str, Field(max_length=100_000)]
    input: Annotated[str, Field(max_length=100)]


def make_app(session: Session, port: int, key: str) -> Guard:
    """The ASGI app of one session, behind its guard."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)  # their pages load scripts from elsewhere
    _errors(app)
    _files(app)
    _model(app, session)
    _folder(app, session)
    return Guard(app, port, key)


def _files(app: FastAPI) -> None:
    @app.get("/")
    def page() -> Response:
        return Response(built_file("app.html"), media_type=FILES[".html"])

    @app.get("/{name}")
    def file(name: str) -> Response:
        suffix = name[name.rfind(".") :] if "." in name else ""
        if suffix not in FILES or name not in {path.name for path in FOLDER.glob("*") if path.is_file()}:
            raise HTTPException(404, "There is nothing at this address.")
        return Response(built_file(name), media_type=FILES[suffix])


def _model(app: FastAPI, session: Session) -> None:
    @app.get("/api/start")
    def start() -> Response:
        return _json(session.start())

    @app.get("/api/weights")
    def weights(epoch: int | None = None) -> Response:
        if epoch is None:
            return Response(session.described.weights(), media_type=BINARY)
        return Response(session.described.snapshot(session.folder.weights_of(epoch)), media_type=BINARY)

    @app.post("/api/run")
    async def run(request: Request) -> Response:
        head, values = unframed(await request.body())
        try:
            asked = RunHead.model_validate(head)
        except ValidationError as error:
            raise _said(error.errors()) from error
        shape = asked.height, asked.width, asked.channels
        if len(values) != asked.height * asked.width * asked.channels:
            raise SettingsError("the pixels aren't as many as the picture's size says",
                                received=f"{len(values):,} for {shape}")  # fmt: skip
        if await request.is_disconnected():  # a newer stroke of the brush has taken its place
            return Response(status_code=204)
        pixels = np.frombuffer(values, np.uint8).reshape(shape)
        return _json(await _apart(lambda: session.run(pixels, asked.edits.model_dump(exclude_none=True))))

    @app.get("/api/maps")
    def maps(
        run: int, name: Annotated[str, Query(max_length=1000)], first: Annotated[int, Query(ge=0)] = 0,
        last: Annotated[int | None, Query(ge=0)] = None,
    ) -> Response:  # fmt: skip
        return _frame(*session.maps(run, name, first, last))

    @app.post("/api/open")
    def open_value(place: Place) -> Response:
        return _json(session.open(place.run, place.name, place.index))

    @app.post("/api/field")
    def field(place: Place) -> Response:
        return _json(session.field(place.run, place.name, place.index))

    @app.post("/api/kernels")
    def kernels(asked: Kernels) -> Response:
        return _frame(*session.kernels(asked.name, asked.edits.model_dump(exclude_none=True)))

    @app.post("/api/why")
    def why(asked: Why) -> Response:
        method = "gradcam" if asked.method == "grad-cam" else "occlusion"
        session.held(asked.run)
        return StreamingResponse(
            _lines(session.why(asked.run, asked.target, asked.against, method)),
            media_type="application/x-ndjson",
        )


def _folder(app: FastAPI, session: Session) -> None:
    @app.get("/api/pictures")
    def pictures(
        kind: Literal["test", "mistakes"], first: Annotated[int, Query(ge=0, lt=2**31)] = 0,
        count: Annotated[int, Query(ge=0, le=500)] = 50, truth: int | None = None, answer: int | None = None,
    ) -> Response:  # fmt: skip
        found = session.entries(kind, first, count, truth, answer)
        return _json([entry.model_dump(mode="json") for entry in found])

    @app.get("/api/picture/{identity}")
    def picture(identity: str) -> Response:
        return _picture(session.picture(identity))

    @app.get("/api/mistakes")
    def mistakes() -> Response:
        return _json(session.folder.mistakes().model_dump(mode="json"))

    @app.get("/api/replay")
    def replay() -> Response:
        return _json(session.folder.replay().model_dump(mode="json"))

    @app.post("/api/correct")
    def correct(asked: Correct) -> Response:
        session.correct(asked.id, asked.label)
        return _json({})

    @app.post("/api/build")
    def build(asked: Build) -> Response:
        found = built(asked.text, asked.input)
        return _json(found if isinstance(found, dict) else found.model_dump(mode="json"))

    @app.post("/api/decode")
    async def decode(request: Request) -> Response:
        data = await request.body()
        return _picture(await _apart(lambda: decode_picture(data, "the file", MAX_PIXELS)))


def _errors(app: FastAPI) -> None:
    @app.exception_handler(PellucidError)
    async def ours(_: Request, error: PellucidError) -> Response:
        return _json(error_document(error), 400)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return _json(error_document(_said(error.errors())), 422)

    @app.exception_handler(HTTPException)
    async def other(_: Request, error: HTTPException) -> Response:
        return _json({"error": str(error.detail)}, error.status_code)

    @app.exception_handler(Exception)
    async def defect(_: Request, error: Exception) -> Response:
        return _json({"error": f"This is a defect of pellucid: {type(error).__name__}: {error}"[:500]}, 500)


def error_document(error: PellucidError) -> dict[str, str]:
    """The error's sentence as `error`, and its other parts."""
    parts = {"where": error.where, "received": error.received, "remedy": error.remedy}
    return {"error": error.what} | {name: text for name, text in parts.items() if text}


def _said(errors: Any) -> SettingsError:
    """What pydantic found wrong with a question, as ours."""
    first = errors[0] if errors else {"loc": (), "msg": "it can't be read"}
    where = ".".join(str(part) for part in first["loc"])
    return SettingsError("this question isn't as the explorer asks it", where=shown(where)[:200],
                         received=shown(str(first["msg"]))[:200])  # fmt: skip


async def _apart(work: Callable[[], T]) -> T:
    """Work that computes, outside of the loop that listens."""
    return await anyio.to_thread.run_sync(work)


def _json(document: Any, status: int = 200) -> Response:
    return JSONResponse(document, status)


def _frame(head: dict[str, Any], *values: bytes) -> Response:
    return Response(framed(head, *values), media_type=BINARY)


def _picture(pixels: Pixels) -> Response:
    height, width, channels = pixels.shape
    return _frame({"height": height, "width": width, "channels": channels}, pixels.tobytes())


def _lines(records: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    """One line of JSON for each record; an error is the last one."""
    try:
        for record in records:
            yield json.dumps(record, allow_nan=False).encode() + b"\n"
    except PellucidError as error:
        yield json.dumps(error_document(error)).encode() + b"\n"
