"""Write web/src/types.ts from the Python schema: `python web/make_types.py`; with --check, only compare.

The text is made from pydantic's own JSON schema, so that what Python writes and what TypeScript reads can't differ.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from pellucid.inside.explorer_schema import DOCUMENTS

TARGET = Path(__file__).parent / "src" / "types.ts"
_PLAIN = {"integer": "number", "number": "number", "string": "string", "boolean": "boolean", "null": "null"}
_WORDS = {"NaN", "Infinity", "-Infinity"}
_HEAD = "// Made from src/pellucid/inside/explorer_schema.py by web/make_types.py: change that, and run it again.\n"


def typescript() -> str:
    """The whole of types.ts."""
    _, schema = models_json_schema([(document, "serialization") for document in DOCUMENTS])
    parts = [
        _HEAD,
        "/** A number, or the word for one that JSON lacks. */\n"
        "export type Figure = number | 'NaN' | 'Infinity' | '-Infinity'\n",
        "/** What an attribute may be. */\n"
        "export type JsonValue =\n"
        "  | number | string | boolean | null | readonly JsonValue[] | { readonly [name: string]: JsonValue }\n",
    ]
    for name, definition in sorted(schema["$defs"].items()):
        if name == "JsonValue":
            continue
        if definition.get("type") != "object":
            parts.append(f"export type {name} = {_type(definition)}\n")
            continue
        lines = [
            f"  readonly {field}{'' if field in definition.get('required', ()) else '?'}: {_type(what)}"
            for field, what in definition["properties"].items()
        ]
        parts.append(
            _comment(definition.get("description", ""))
            + "export interface "
            + name
            + " {\n"
            + "\n".join(lines)
            + "\n}\n"
        )
    return "\n".join(parts)


def _comment(text: str) -> str:
    lines = text.replace("*/", "* /").split("\n")
    return "/** " + "\n * ".join(lines).replace("\n * \n", "\n *\n") + " */\n" if text else ""


def _type(what: dict[str, Any]) -> str:
    if "$ref" in what:
        return what["$ref"].rsplit("/", 1)[1]
    if "const" in what:
        return _literal(what["const"])
    if "enum" in what:
        return " | ".join(_literal(value) for value in what["enum"])
    if "anyOf" in what:
        figure = any(set(each.get("enum", ())) == _WORDS for each in what["anyOf"])
        texts = ["Figure"] if figure else []
        for each in what["anyOf"]:
            text = _type(each)
            if not figure or (set(each.get("enum", ())) != _WORDS and text != "number"):
                texts.append(text)
        return " | ".join(dict.fromkeys(texts))
    if what.get("type") == "array":
        if "prefixItems" in what:
            return f"readonly [{', '.join(_type(each) for each in what['prefixItems'])}]"
        inner = _type(what["items"])
        return f"readonly {f'({inner})' if '|' in inner or ' ' in inner else inner}[]"
    if what.get("type") == "object":
        inner = _type(what["additionalProperties"])
        return f"{{ readonly [name: string]: {inner} }}"
    return _PLAIN[what["type"]]


def _literal(value: object) -> str:
    return (
        "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" if isinstance(value, str) else str(value)
    )


def main() -> int:
    """Write the file, or with --check compare it."""
    if "--check" in sys.argv[1:]:
        current = TARGET.read_text() == typescript()
        if not current:
            print(f"{TARGET} isn't what the schema makes: run python web/make_types.py", file=sys.stderr)
        return 0 if current else 1
    TARGET.write_text(typescript())
    return 0


if __name__ == "__main__":
    sys.exit(main())
