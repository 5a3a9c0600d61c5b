"""Structured logs: events with fields, never a person's name, e-mail, phone or address, never a secret.

Fields are an allow-list by type: text is cleaned, numbers and times pass, a record or another object shows its type
only. What a pattern cannot know is a bare name inside a sentence: do not write one into an event or an error's text.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path, PurePath
from typing import Any, TextIO
from uuid import UUID

import structlog
from structlog.typing import Processor

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_OWN = ("_record", "_from_structlog")  # structlog's, taken away before anything is written
_LONGEST = 20_000
_DEEPEST = 8

# Compared without case, underscores and hyphens.
_PERSONAL = frozenset((
    "name", "fullname", "displayname", "buyer", "customer", "addressee", "recipient", "contact", "person",
    "address", "addresses", "billing", "shipping", "billingaddress", "shippingaddress", "city", "zip",
    "zipcode", "region", "dob", "dateofbirth", "birthday", "gender", "ip", "ipaddress", "remoteip",
    "remoteaddr", "xforwardedfor", "useragent", "note", "comment", "giftmessage", "company", "payload", "body",
    "requestbody", "responsebody", "parameters", "params",
))  # fmt: skip
# A field that ends in one of these is personal too.
_PERSONAL_ENDINGS = (
    *("email", "emailaddress", "firstname", "lastname", "middlename", "surname", "customername"),
    *("telephone", "phone", "mobile", "fax", "street", "postcode", "postalcode", "vatid", "taxvat"),
)
_SECRET_ENDINGS = (
    "password",
    "secret",
    "secrets",
    "token",
    "authorization",
    "apikey",
    "masterkey",
    "cookie",
    "signature",
)
# Identifiers that we know to be ours or a system's number: long runs of digits there are no phones.
_NUMBERS = frozenset((
    "key", "orderingkey", "id", "order", "subject", "reference", "number", "version", "delivery", "message",
    "attempt", "externalid", "entityid", "incrementid", "timestamp", "worker", "job",
    "traceid", "deliveries", "lane",
))  # fmt: skip

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}(?:@|%40)[\w-]{1,63}(?:\.[\w-]{1,63})+")
_PHONE = re.compile(
    r"""(?:(?<![\w.-])(?:
            \+\d[\d ()/.-]{5,20}\d                                         # +49 (0)30 123456
          | (?!\d{4}-\d\d-\d\d)(?!\d{1,3}(?:\.\d{1,3}){3}(?![.\d]))        # neither a date nor an IPv4 address
            \(?\d{2,5}\)?(?:[ ()/.-]{1,2}\d{2,5}){2,5}                     # (555) 123-4567, 01 23 45 67 89
          | \(?\d{3,5}\)?[ /-]{1,2}\d{5,9}                                 # 030 1234567
          )
      | (?:(?<![\w.:-])|(?<=tel:)|(?<=phone:))(?!\d*000)\d{10,15}          # 5551234567, but no order's number
    )(?![\w-]|\.\d)""",
    re.VERBOSE,
)
_SECRETS = (
    (re.compile(r"(?<=://)[^/@\s:]*:[^@\s/]*(?=@)"), "***"),
    (re.compile(r"\b(oauth_\w{1,40})([\"']?\s?[=:]\s?)[\"']?[^\s\"'&,;]+[\"']?", re.IGNORECASE), r"\1\2***"),
    (re.compile(r"\b(Bearer)(\s)[^\s'\"]{6,}", re.IGNORECASE), r"\1\2***"),
    # these are words too ("token expired"): a secret has a digit or is long
    (
        re.compile(r"\b(Basic|Session|Token)(\s)(?=[^\s'\"]{0,40}\d|[^\s'\"]{16})[^\s'\"]{6,}", re.IGNORECASE),
        r"\1\2***",
    ),
    (
        re.compile(
            r"(password|passwd|secret|token|api[_-]?key|signature)([\"']?\s?[=:]\s?)"
            r"(?:\"[^\"]*\"|'[^']*'|[^\s\"'&,;}]+)",
            re.IGNORECASE,
        ),
        r"\1\2***",
    ),
)
# What databases quote of a row: SQLAlchemy's parameters, PostgreSQL's detail line.
_ROWS = (
    (re.compile(r"\[parameters: .*?(?:\]\n|\]$|$)", re.DOTALL), "[parameters: ***]\n"),
    (re.compile(r"^(DETAIL:\s+).*$", re.MULTILINE), r"\1***"),
)


def configure(level: str = "info", *, json: bool = True, stream: TextIO | None = None) -> None:
    """Send our own logs and every library's, cleaned, to `stream` (standard error): JSON lines, or text for people."""
    target = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    wiring = structlog.stdlib.ProcessorFormatter.wrap_for_formatter
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, wiring],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    output = logging.StreamHandler(target)
    output.setFormatter(_formatter(shared, json=json, colors=target.isatty()))
    root = logging.getLogger()
    root.handlers = [output]
    root.setLevel(LEVELS[level])
    _tame_libraries(LEVELS[level])


@contextmanager
def kept_in(path: Path) -> Iterator[None]:
    """Logs go to a file, as JSON lines, until the block ends; then where they went before."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers, root.level
    with path.open("w") as stream:
        configure("info", json=True, stream=stream)
        try:
            yield
        finally:
            structlog.configure(**before)
            root.handlers = handlers
            root.setLevel(level)


def catch_strays() -> None:
    """Log what nobody caught, in any thread, cleaned: Python's own report would print it as it is."""
    log = structlog.stdlib.get_logger("crossdock")

    def main(kind: type[BaseException], error: BaseException, trace: Any) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        log.critical("uncaught", exc_info=(kind, error, trace))

    def thread(args: threading.ExceptHookArgs) -> None:
        value = args.exc_value or args.exc_type()
        log.critical("uncaught", exc_info=(args.exc_type, value, args.exc_traceback))

    sys.excepthook = main
    threading.excepthook = thread


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: drops personal fields, masks secrets, cleans every text. `dropped` names what went."""
    dropped = sorted(key for key in event if _is_personal(key) and key not in _OWN)
    for key in dropped:
        del event[key]
    for key, value in event.items():
        if key not in _OWN:
            event[key] = _clean(key, value, 0)
    if dropped:
        event["dropped"] = dropped
    return event


def clean(text: str) -> str:
    """`text` without what looks like an e-mail, a phone number or a secret, and not endless."""
    return _without_phones(_without_secrets(text[:_LONGEST]))


def _without_secrets(text: str) -> str:
    for pattern, instead in (*_ROWS, *_SECRETS):
        text = pattern.sub(instead, text)
    return without_emails(text)


def without_emails(text: str) -> str:
    """`text` without what looks like an e-mail address, plain or as it stands in a URL."""
    return _EMAIL.sub("<email>", text) if "@" in text or "%40" in text else text


def path_without_emails(path: str) -> str:
    """A URL's path, part by part: an address ends where its part does."""
    return "/".join(map(without_emails, path.split("/")))


def _without_phones(text: str) -> str:
    return _PHONE.sub("<phone>", text)


def _clean(key: str, value: Any, depth: int) -> Any:
    if _is_secret(key):
        return "***"
    if value is None or isinstance(value, bool | int | float | Decimal | timedelta):
        return value if not isinstance(value, Decimal | timedelta) else str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, str):
        short = str(value)[:_LONGEST]
        return _without_secrets(short) if _plain(key) in _NUMBERS else clean(short)
    return _clean_other(key, value, depth)


def _clean_other(key: str, value: Any, depth: int) -> Any:
    if isinstance(value, Mapping) and depth < _DEEPEST:
        kept = {str(name): part for name, part in value.items() if not _is_personal(str(name))}
        return {clean(name): _clean(name, part, depth + 1) for name, part in kept.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        return [_clean(key, part, depth + 1) for part in value]
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {clean(str(value))}"
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, PurePath):
        return clean(str(value))
    return f"<{type(value).__name__}>"


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace("-", "")


def _is_personal(key: str) -> bool:
    plain = _plain(key)
    return plain in _PERSONAL or plain.endswith(_PERSONAL_ENDINGS)


def _is_secret(key: str) -> bool:
    return _plain(key).endswith(_SECRET_ENDINGS)


def _formatter(shared: list[Processor], *, json: bool, colors: bool) -> logging.Formatter:
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def _tame_libraries(level: int) -> None:
    """Libraries speak through our one output; the chatty ones from `warning` on, since they log whole requests."""
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        theirs = logging.getLogger(name)
        theirs.handlers, theirs.propagate = [], True
    for name in ("uvicorn.access", "sqlalchemy.engine", "httptools", "asyncio"):
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
