"""What every table of the settings file has in common: its own class, references to secrets, names of connections."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

CONNECTION_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
SCHEMES = ("env", "file", "vault", "aws-sm")
REFERENCE = rf"^({'|'.join(SCHEMES)}):.+"
AT_HAND = r"^(env|file):.+"  # what can be read before any vault is
# The one definition of what every setting takes that wants a secret
SecretRef = Annotated[str, Field(pattern=REFERENCE, description="where a secret is (docs/secrets.md)")]
OptionalSecretRef = Annotated[str, Field(pattern=rf"^$|{REFERENCE}", description="where a secret is, or nothing")]
SecretAtHand = Annotated[str, Field(pattern=AT_HAND, description="env:NAME or file:PATH")]


class Section(BaseModel):
    """One table of the file: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=True)


__all__ = [
    "AT_HAND",
    "CONNECTION_NAME",
    "REFERENCE",
    "SCHEMES",
    "OptionalSecretRef",
    "SecretAtHand",
    "SecretRef",
    "Section",
]
