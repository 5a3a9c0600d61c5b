"""Where the recorded exchanges and contracts lie; tests that need them are skipped where they are absent."""

from __future__ import annotations

import os
import pathlib

import pytest

SHARED = pathlib.Path(
    os.environ.get("CROSSDOCK_SHARED", str(pathlib.Path(__file__).resolve().parent.parent.parent / "shared"))
)
needs_shared = pytest.mark.skipif(not (SHARED / "magento").is_dir(), reason="the recorded material is not here")
