"""The mail process: mailboxes in, by LMTP, SMTP and IMAP. All of them end in `Intake.accept`, as webhooks do."""

from workers.mail.process import run_mail

__all__ = ["run_mail"]
