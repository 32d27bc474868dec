"""What Slack's refusals mean for us (channels.md §9, the table of errors): who acts next. Pure.

Refusals come as status 200 with `ok: false`; only 429 carries its meaning in the status.
"""

from __future__ import annotations

from enum import StrEnum


class Trouble(StrEnum):
    LIMITED = "limited"  # not processed; again after the stated wait
    NOT_SENT = "not_sent"  # nothing left this machine
    UNKNOWN = "unknown"  # it may have been processed: looked up before anything else is done
    CHANNEL = "channel"  # the channel cannot be written to
    THREAD = "thread"  # the thread's first post is gone
    TOKEN = "token"  # noqa: S105  our credentials or rights at Slack: an operator acts
    MESSAGE = "message"  # Slack will not take this text
    GONE = "gone"  # what was to be changed is not there any more
    USER = "user"  # Slack knows no such person
    OTHER = "other"  # a word this table does not list; counted


_CLASSES = {
    Trouble.LIMITED: "ratelimited rate_limited message_limit_exceeded",
    # "Some aspect of the operation may have succeeded" (fatal_error); the others say as little.
    Trouble.UNKNOWN: "internal_error fatal_error service_unavailable request_timeout",
    Trouble.CHANNEL: "channel_not_found is_archived not_in_channel restricted_action restricted_action_read_only_channel"
    " restricted_action_thread_only_channel restricted_action_non_threadable_channel restricted_action_thread_locked"
    " posting_to_general_channel_denied team_access_not_granted channel_is_limited_access external_channel_migrating",
    Trouble.THREAD: "thread_not_found cannot_reply_to_message",
    Trouble.TOKEN: "invalid_auth not_authed token_revoked token_expired account_inactive missing_scope no_permission ekm_access_denied"
    " access_denied org_login_required two_factor_setup_required accesslimited not_allowed_token_type enterprise_is_restricted",
    Trouble.MESSAGE: "msg_too_long msg_blocks_too_long invalid_blocks invalid_blocks_format no_text metadata_too_large"
    " markdown_text_conflict invalid_metadata_format invalid_metadata_schema invalid_arguments too_many_attachments",
    Trouble.GONE: "message_not_found cant_update_message edit_window_closed cant_delete_message file_not_found",
    Trouble.USER: "user_not_found users_not_found user_not_visible user_not_in_channel",
}
_BY_WORD = {word: trouble for trouble, words in _CLASSES.items() for word in words.split()}


def trouble_of(word: str) -> Trouble:
    """The class of an error word; OTHER for one not listed."""
    return _BY_WORD.get(word, Trouble.OTHER)


class SlackRefused(Exception):
    """A call that did not go well. word: Slack's constant or ours, safe to log. retry_after_s: how long it asks us to wait."""

    def __init__(self, trouble: Trouble, word: str, retry_after_s: float | None = None) -> None:
        super().__init__(trouble, word, retry_after_s)
        self.trouble, self.word, self.retry_after_s = trouble, word, retry_after_s

    def __str__(self) -> str:
        return f"{self.trouble}: {self.word}"
