"""`python -m tools.reference` writes every page and diagram that comes from the code anew."""

from __future__ import annotations

from pathlib import Path

from crossdock.api.schema import described
from crossdock.cli import config_reference
from tools.diagrams.__main__ import FOLDER, drawings
from tools.reference import addresses, commands, decisions, outcomes

DOCS = Path(__file__).parents[2] / "docs"


def pages() -> dict[Path, str]:
    """What each of them is to hold."""
    openapi, troubleshooting = described(), DOCS / "troubleshooting.md"
    return {
        DOCS / "reference/configuration.md": config_reference.page(),
        DOCS / "reference/openapi.json": openapi,
        DOCS / "reference/http.md": addresses.page(openapi),
        DOCS / "reference/cli-options.md": commands.page(),
        DOCS / "decisions/README.md": decisions.page(DOCS / "decisions"),
        troubleshooting: outcomes.page(troubleshooting.read_text("utf-8")),
        **{FOLDER / name: text for name, text in drawings().items()},
    }


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, "utf-8")
