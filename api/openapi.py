"""The OpenAPI document as a file, so that a change of the interface is seen in review."""

from __future__ import annotations

import yaml

from api.app import assemble
from api.settings import Settings
from api.web.documentation import Documentation


class _Readable(yaml.SafeDumper):
    """Writes texts of several lines as blocks."""


def _text(dumper: _Readable, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Readable.add_representer(str, _text)


def spec_text() -> str:
    """The document as YAML: the same text whenever the interface is the same."""
    app = assemble(Settings())
    api: Documentation = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    document = api.document()
    return yaml.dump(document, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=100)
