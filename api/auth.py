"""
Who may call what: deny by default (S4).

Every view carries ``@policy(Role.…)`` or ``@policy.public``; an application with a view that carries none
does not start. The role is checked before anything of the request is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from flask import Flask, current_app, g, request
from werkzeug.routing import Rule

from api.session import current_session
from dispatch import db
from dispatch.access import queries, signing_in
from dispatch.access.queries import Identity
from dispatch.access.rules import OFFICE_ROLES, Principal, Role, Unauthenticated
from dispatch.access.tokens import LENGTH
from dispatch.errors import Forbidden

View = TypeVar("View", bound=Callable[..., Any])

EVERYBODY = frozenset(Role)
OFFICE = OFFICE_ROLES


class RoleForbidden(Forbidden):
    """The caller's role is not among those that this address serves."""

    code = "ROLE_FORBIDDEN"


@dataclass(frozen=True, slots=True)
class Policy:
    """The roles that may call a view; a public one is open to all, without a token."""

    roles: frozenset[Role]
    is_public: bool = False


class Marker(Protocol):
    """A decorator that leaves the view's type as it is."""

    def __call__(self, view: View, /) -> View:
        """Return the marked view."""
        ...


class _PolicyOfAView:
    """The decorator ``@policy(Role.DISPATCHER, …)`` and its exception ``@policy.public``."""

    def __call__(self, *roles: Role) -> Marker:
        """Allow these roles; administrators are not implied."""
        if not roles:
            raise TypeError("name at least one role, or write @policy.public")

        def mark(view: View) -> View:
            view.policy = Policy(frozenset(roles))  # type: ignore[attr-defined]
            return view

        return mark

    def public(self, view: View) -> View:
        """Allow everybody, without a token."""
        view.policy = Policy(frozenset(), is_public=True)  # type: ignore[attr-defined]
        return view


policy = _PolicyOfAView()


def policies(app: Flask) -> dict[tuple[str, str], Policy | None]:
    """Return the policy of every (rule, method) of the application; ``None`` where none was written."""
    return {
        (rule.rule, method): _policy(app, rule, method)
        for rule in app.url_map.iter_rules()
        for method in _methods(rule)
    }


def require_policies(app: Flask) -> None:
    """Refuse to start an application that has a view without a policy."""
    unmarked = sorted(f"{method} {rule}" for (rule, method), found in policies(app).items() if found is None)
    if unmarked:
        raise RuntimeError(f"no @policy on: {', '.join(unmarked)}")


def current_principal() -> Principal:
    """Return who is asking."""
    return current_identity().principal


def current_identity() -> Identity:
    """Return who is asking, with the login that proves it."""
    identity: Identity | None = g.get("identity")
    if identity is None:
        raise Unauthenticated("an access token is needed")
    return identity


def bearer_token() -> str | None:
    """Return the access token of the request, if it has the shape of one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" and len(token) == LENGTH else None


def identify() -> None:
    """Find out who is asking; one query. Public views are served without asking the database."""
    found = _current_policy()
    token = bearer_token()
    if found is None or found.is_public or token is None:
        return
    session = current_session()
    identity = queries.identity_of(session, token)
    if identity is not None and identity.is_first_use:
        signing_in.note_first_use(session, identity.token_id)
        db.commit(session)  # stands even if the request itself is refused
    g.identity = identity


def enforce() -> None:
    """Refuse a caller whose role is not named in the view's policy."""
    found = _current_policy()
    if found is None or found.is_public:
        return
    if current_identity().principal.role not in found.roles:
        raise RoleForbidden("your role may not do this")


def _current_policy() -> Policy | None:
    rule = request.url_rule
    return None if rule is None else _policy(current_app, rule, request.method)


def _policy(app: Flask, rule: Rule, method: str) -> Policy | None:
    view: Any = app.view_functions.get(rule.endpoint)
    wanted = "GET" if method == "HEAD" else method
    by_class = getattr(view, "view_class", None)
    if by_class is not None:
        view = getattr(by_class, wanted.lower(), None)
    found = getattr(view, "policy", None) or getattr(by_class, "policy", None)
    return found if isinstance(found, Policy) else None


def _methods(rule: Rule) -> Iterator[str]:
    yield from sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
