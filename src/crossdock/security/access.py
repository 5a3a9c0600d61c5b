"""Who may do what. Pure: roles and scopes come in, permissions go out.

A person has one role, a token any number of scopes. What is asked of both is one of the same permissions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from crossdock.model.base import Record


class Permission(StrEnum):
    """What an address may ask for. Each but for none is also the name of a token's scope."""

    INTAKE = "intake"
    INVENTORY = "erp:inventory:write"
    PRICES = "erp:prices:write"
    PRODUCTS = "erp:products:write"
    FULFILMENT = "erp:fulfilment:write"
    CUSTOMERS = "erp:customers:write"
    READ = "read"
    OPERATE = "operate"
    APPROVE = "approve"
    ADMIN = "admin"


class Role(StrEnum):
    """What a person is here for."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"


ERP = frozenset(one for one in Permission if one.startswith("erp:"))
EVERY_ERP = "erp:*"
SCOPES: tuple[str, ...] = (*Permission, EVERY_ERP)
# what is allowed with it: nobody can decide on what he may not see
WITH: Mapping[Permission, frozenset[Permission]] = {
    Permission.OPERATE: frozenset({Permission.READ}),
    Permission.APPROVE: frozenset({Permission.READ}),
    Permission.ADMIN: frozenset({Permission.READ, Permission.OPERATE, Permission.APPROVE}),
}
ROLES: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: frozenset({Permission.READ}),
    Role.OPERATOR: frozenset({Permission.READ, Permission.OPERATE}),
    Role.APPROVER: frozenset({Permission.READ, Permission.OPERATE, Permission.APPROVE}),
    Role.ADMIN: frozenset({Permission.READ, Permission.OPERATE, Permission.APPROVE, Permission.ADMIN}),
}


class Person(Record, frozen=True, kw_only=True):
    """Somebody with a session. `csrf` goes into each form; `session` is the session's hash."""

    id: int
    name: str
    role: Role
    csrf: str = ""
    session: str = ""

    @property
    def actor(self) -> str:
        """As the audit trail has it."""
        return f"user:{self.name}"

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that the role allows."""
        return ROLES[self.role]


class Token(Record, frozen=True, kw_only=True):
    """A program. `id` is 0 for one of the settings file. `connection`: on whose behalf it pushes, "" for none."""

    id: int
    name: str
    scopes: frozenset[str]
    connection: str = ""

    @property
    def actor(self) -> str:
        """As the audit trail has it."""
        return f"token:{self.name}"

    @property
    def permissions(self) -> frozenset[Permission]:
        """All that the scopes allow."""
        return permissions_within(self.scopes)


Who = Person | Token


def permissions_within(scopes: Iterable[str]) -> frozenset[Permission]:
    """What a token with these scopes may do. A scope that is not known allows nothing."""
    found: set[Permission] = set()
    for scope in scopes:
        if scope == EVERY_ERP:
            found |= ERP
        elif scope in SCOPES:
            named = Permission(scope)
            found |= {named, *WITH.get(named, ())}
    return frozenset(found)


def may(who: Who, permission: Permission) -> bool:
    """Whether it is allowed to them."""
    return permission in who.permissions


__all__ = ["ERP", "EVERY_ERP", "ROLES", "SCOPES", "Permission", "Person", "Role", "Token", "Who", "may"]
