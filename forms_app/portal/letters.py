"""Letters with links that only the addressee may have: they go at once, and are kept nowhere.

They are sent behind the answer, so that how long it takes does not tell whether there was somebody to write to.
"""

from __future__ import annotations

import logging
import smtplib
from concurrent.futures import Future, ThreadPoolExecutor

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

logger = logging.getLogger(__name__)
# One after the other, and in their order.
_thread = ThreadPoolExecutor(1, thread_name_prefix="letters")


def can_send() -> bool:
    """Whether somebody has said by which server e-mails go."""
    return not settings.EMAIL_BACKEND.endswith(".dummy.EmailBackend")


def settle() -> None:
    """Waits until all letters so far were sent, or could not be."""
    _thread.submit(int).result()


def send(to: str, subject: str, template: str, context: dict[str, object]) -> Future[None]:
    """Sends the text of the template soon. A letter that cannot be sent is told in the log."""
    text = render_to_string(template, context)
    message = EmailMessage(" ".join(subject.split())[:200], text, to=[to])
    return _thread.submit(_deliver, message)


def _deliver(message: EmailMessage) -> None:
    try:
        message.send()
    except (OSError, smtplib.SMTPException):
        logger.exception("A letter could not be sent.")
