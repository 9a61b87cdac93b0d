"""One database session per request: committed below 400, else rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, g

from dispatch import clock, db

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Application(Flask):
    """Flask, but the session is settled before the answer leaves, so that a failed commit shows."""

    def dispatch_request(self) -> Response:
        """Run the view, then commit or roll back; an error of the commit becomes the answer."""
        with clock.standing():
            try:
                response = self.make_response(super().dispatch_request())
            except Exception:
                _settle(commit=False)
                raise
            _settle(commit=response.status_code < 400)
            return response


def current_session() -> Session:
    """Return the session of this request; opened at its first use."""
    if "session" not in g:
        g.session = db.remembering(db.open_session())
    session: Session = g.session
    return session


def flush() -> None:
    """Send pending changes to the database, so that versions in the answer are the new ones."""
    if "session" in g:
        g.session.flush()


def keep_changes() -> None:
    """Commit although the answer is a refusal: the refusal itself left a trace, such as a failed login."""
    g.keep_changes = True


def register(app: Flask) -> None:
    """Close the session when the request ends, however it ends."""
    app.teardown_request(_close)


def _settle(*, commit: bool) -> None:
    session = g.get("session")
    if session is None:
        return
    if commit or g.pop("keep_changes", False):
        db.commit(session)
    else:
        session.rollback()


def _close(_error: BaseException | None) -> None:
    session = g.pop("session", None)
    if session is not None:
        session.close()
