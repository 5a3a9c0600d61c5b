"""Who may ask, and who has."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, UniqueConstraint

from crossdock.storage.tables.columns import Moment, Serial, metadata

# programs that may call; a token itself is nowhere, and of one name the highest generation is the newest
api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("name", String(100), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("hash", String(64), nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("connection", String(100), nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
    Column("created_by", String(100), nullable=False, server_default=""),
    Column("expires_at", Moment),
    Column("last_used_at", Moment),
    Column("revoked_at", Moment),
    UniqueConstraint("name", "generation"),
)

# people who may log in; `password` is an argon2id hash, "" for who comes by OIDC as `identity`
users = Table(
    "users",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("role", String(20), nullable=False),
    Column("password", Text, nullable=False, server_default=""),
    Column("identity", String(255), unique=True),
    Column("created_at", Moment, nullable=False),
    Column("created_by", String(100), nullable=False, server_default=""),
    Column("disabled_at", Moment),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("method", String(20), nullable=False, server_default=""),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("ix_sessions_user_id", "user_id"),
    Index("ix_sessions_expires_at", "expires_at"),
)

# logins that were tried, by hashes of names and of addresses: whether a name is a user's does not show
login_tries = Table(
    "login_tries",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("locked_until", Moment),
    Column("forget_at", Moment, nullable=False),
    Index("ix_login_tries_forget_at", "forget_at"),
)

# of signed requests, for as long as their time stamps are taken
request_nonces = Table(
    "request_nonces",
    metadata,
    Column("client", String(100), primary_key=True),
    Column("nonce", String(64), primary_key=True),
    Column("until", Moment, nullable=False),
    Index("ix_request_nonces_until", "until"),
)


__all__ = [
    "api_tokens",
    "login_tries",
    "request_nonces",
    "sessions",
    "users",
]
