"""Delivery with a recorded outcome: sent once, refused, away, or unknown and never repeated."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from dispatch import db, outbox
from dispatch.messages.commands import write
from dispatch.messages.model import Message
from dispatch.settings import Settings
from tests.architecture.tree import ROOT
from tests.builders import a_customer, a_site, a_territory, an_order
from tests.dispatch.messages.conftest import Server
from tests.job_stage import Stage


def queued(count: int = 1, name: str = "Ada", email: str = "ada@example.org", language: str = "en") -> None:
    """Messages about new orders, written and committed."""
    with db.transaction() as session:
        place = a_territory(session)
        for _ in range(count):
            customer = a_customer(session, name=name, email=email, language=language)
            order = an_order(session, site=a_site(session, customer=customer, territory=place))
            ids = {"work_order_id": str(order.id)}
            write(session, event="WorkOrderOpened", ids=ids, settings=Settings())


def send_all(post: Stage) -> None:
    """Do the runs that are due, as a work-horse does."""
    post.make_due()
    outbox.perform_batch("messages.send")


def states(post: Stage) -> list[tuple[str, int]]:
    """State and attempts of every message."""
    return [(row[0], row[1]) for row in post.ask("select state, attempts from message order by id")]


def test_the_null_channel_notes_every_message_as_sent(post: Stage) -> None:
    queued(3)
    send_all(post)
    assert states(post) == [("sent", 1)] * 3
    references = post.ask("select provider_reference, key from message")
    assert all(reference == f"null:{key}" for reference, key in references)
    assert post.states() == {"done": 3}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_mail_arrives_as_written(post: Stage, server: Server, language: str) -> None:
    mailbox = server()
    queued(language=language)
    send_all(post)
    [mail] = mailbox.mails
    [(subject, body, reference)] = post.ask("select subject, body, provider_reference from message")
    assert mail["Subject"] == subject
    assert mail.get_content().replace("\r\n", "\n").rstrip() == body.rstrip()
    assert (mail["To"], mail["Content-Language"], mail["Message-ID"]) == (
        "ada@example.org",
        language,
        reference,
    )
    assert states(post) == [("sent", 1)]


def test_a_message_is_never_sent_twice(post: Stage, server: Server) -> None:
    """A run that comes again finds the message sent."""
    mailbox = server()
    queued()
    send_all(post)
    post.tell("update job_run set state = 'ready', lease_token = null")
    send_all(post)
    assert len(mailbox.mails) == 1
    assert post.states() == {"done": 1}


@pytest.mark.parametrize("step", ["rcpt", "data"])
def test_a_clear_no_is_final(post: Stage, server: Server, step: str) -> None:
    mailbox = server(**{step: ["550 no such user"]})
    queued()
    send_all(post)
    assert states(post) == [("failed", 1)]
    assert "no such user" in post.ask("select error from message")[0][0]
    send_all(post)
    assert mailbox.mails == []
    assert post.states() == {"done": 1}


@pytest.mark.parametrize("step", ["rcpt", "data"])
def test_come_back_later_keeps_the_message_queued(post: Stage, server: Server, step: str) -> None:
    mailbox = server(**{step: ["451 greylisted"]})
    queued()
    send_all(post)
    assert (states(post), post.states()) == ([("queued", 1)], {"ready": 1})
    send_all(post)
    assert (states(post), len(mailbox.mails)) == ([("sent", 2)], 1)


def test_a_server_that_is_down_is_tried_again_and_others_wait_with_it(
    post: Stage, server: Server, port: int
) -> None:
    queued(3)
    send_all(post)
    assert (states(post), post.states()) == ([("queued", 1)] * 3, {"ready": 3})
    mailbox = server()
    send_all(post)
    assert (states(post), len(mailbox.mails)) == ([("sent", 2)] * 3, 3)


def test_patience_ends(post: Stage, port: int) -> None:
    """After the last attempt the message has failed for everybody to see, and nothing is parked."""
    queued()
    most = outbox.job_of("messages.send").max_attempts
    for _ in range(most):
        send_all(post)
    assert (states(post), post.states()) == ([("failed", most)], {"done": 1})


def test_one_refusal_does_not_keep_the_others(post: Stage, server: Server) -> None:
    mailbox = server(rcpt=["550 no such user"])
    queued(3)
    send_all(post)
    assert [state for state, _ in states(post)].count("sent") == 2
    assert len(mailbox.mails) == 2


@pytest.mark.parametrize(
    "name",
    ["Ada\r\nBcc: victim@example.org", "Ada\nSubject: other\n\nbody", "$name $$ ${x}", "x" * 10_000],
    ids=["bcc", "subject", "dollars", "long"],
)
def test_names_cannot_write_headers(post: Stage, server: Server, name: str) -> None:
    mailbox = server()
    queued(name=name)
    with db.transaction() as session:
        message = session.query(Message).one()
        message.subject = f"For {name}"
    send_all(post)
    [mail] = mailbox.mails
    assert mail["Bcc"] is None
    assert len(mail.get_all("Subject", [])) == 1
    assert mail["To"] == "ada@example.org"
    assert " ".join(str(mail["Subject"]).split()) == " ".join(f"For {name}".split())
    assert states(post) == [("sent", 1)]


def test_an_address_nobody_can_write_to_has_failed(post: Stage, server: Server) -> None:
    mailbox = server()
    queued(email="ada@example.org\r\nBcc: victim@example.org")
    queued()
    send_all(post)
    assert [state for state, _ in states(post)] == ["failed", "sent"]
    assert len(mailbox.mails) == 1


def killed(post: Stage, url: str, place: str, tmp_path: Path) -> None:
    """Send in a process of its own that dies at a place."""
    program = (
        "from dispatch import bootstrap, outbox; from dispatch.settings import Settings;"
        "bootstrap.start(Settings.from_environment()); outbox.perform_batch('messages.send')"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": url,
        "TRUCKROLL_HOME": str(tmp_path),
        "TRUCKROLL_ENV": "test",
        "REDIS_URL": f"unix://{tmp_path}/nobody.sock",
        "TRUCKROLL_SMTP_URL": os.environ["TRUCKROLL_SMTP_URL"],
        "TRUCKROLL_CRASH_AT": place,
    }
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL


DEATHS = [("send.before_delivery", 0), ("send.after_delivery", 1)]


@pytest.mark.kill
@pytest.mark.parametrize(("place", "arrived"), DEATHS)
def test_after_a_kill_in_between_nobody_knows_and_nothing_is_repeated(  # noqa: PLR0917 - fixtures
    post: Stage, server: Server, database_url: str, tmp_path: Path, place: str, arrived: int
) -> None:
    """Reliability §4.5: that one message is unknown, the others of the batch are sent."""
    mailbox = server()
    queued(3)
    killed(post, database_url, place, tmp_path)
    assert len(mailbox.mails) == arrived
    post.tell("update job_run set lease_until = now() - interval '1 second' where state = 'running'")
    for (run_id,) in post.ask("select id from job_run where state = 'running' order by id"):
        outbox.perform(str(uuid.UUID(str(run_id))))
    assert sorted(state for state, _ in states(post)) == ["sent", "sent", "unknown"]
    assert len(mailbox.mails) == arrived + 2
    assert post.states() == {"done": 3}
