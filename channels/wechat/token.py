"""An account's access token: asked for at WeChat, and kept by whoever is given it to keep (channels.md §8, "Token").

`stable_token` gives the same token to every caller; the older call would end the token of every other process. The token stands
in the query of each call, so no address of a call and no exception of the HTTP client ever leaves this package.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final

from channels.errors import ChannelError, NotSent
from channels.wechat.http import Calls
from hub.model.ids import AccountId
from hub.model.message import Account, IssuedToken, SharedTokens
from hub.model.sealed import Sealed

STABLE: Final = "cgi-bin/stable_token"
MARGIN_S: Final = 300.0
LONGEST: Final = 4096


class TokenRefused(ChannelError):
    """WeChat gives this account no token. errcode: its own code."""

    def __init__(self, account_id: str, errcode: int) -> None:
        super().__init__(account_id, "token_refused")
        self.errcode = errcode


class Tokens:
    """The token to use for the next call, and a new one in place of one that was refused."""

    def __init__(self, account: Account, calls: Calls, shared: SharedTokens | None) -> None:
        self._account, self._calls = account, calls
        self._shared: SharedTokens = shared or OwnTokens()

    async def current(self, *, refused: Sealed[str] | None = None) -> Sealed[str]:
        """Raises TokenRefused, and NotSent where it cannot be asked for just now."""
        try:
            return await self._shared.token(self._account.id, self._fetch, refused=refused)
        except (TokenRefused, NotSent):
            raise
        except Exception:
            # The keeper of the token is away: whatever it was, nothing of the message has left.
            raise NotSent(self._account.id, "token") from None

    async def _fetch(self, force: bool) -> IssuedToken:
        asked = {
            "grant_type": "client_credential",
            "appid": str(self._account.options.get("app_id", "")),
            "secret": self._account.secrets["app_secret"].reveal(),
            "force_refresh": force,
        }
        try:
            answer = await self._calls.post(STABLE, {}, asked)
        except ChannelError:
            raise NotSent(self._account.id, "token") from None
        token, lasts, code = answer.body.get("access_token"), answer.body.get("expires_in"), answer.body.get("errcode")
        if isinstance(token, str) and 0 < len(token) <= LONGEST and type(lasts) is int and lasts > 0:
            return IssuedToken(token=Sealed(token), lasts_s=float(lasts))
        if answer.status == 200 and type(code) is int and code not in (0, -1):
            raise TokenRefused(self._account.id, code)
        raise NotSent(self._account.id, "token")


class OwnTokens:
    """Keeps tokens in this process alone; for tests, tools and installations of one process."""

    def __init__(self) -> None:
        self._kept: dict[AccountId, tuple[Sealed[str], float]] = {}

    async def token(
        self, account_id: AccountId, fetch: Callable[[bool], Awaitable[IssuedToken]], *, refused: Sealed[str] | None = None
    ) -> Sealed[str]:
        """As `SharedTokens.token`."""
        kept = self._kept.get(account_id)
        if kept is not None and time.monotonic() < kept[1] and (refused is None or kept[0].reveal() != refused.reveal()):
            return kept[0]
        issued = await fetch(False)
        if refused is not None and issued.token.reveal() == refused.reveal():
            issued = await fetch(True)
        self._kept[account_id] = issued.token, time.monotonic() + max(30.0, issued.lasts_s - MARGIN_S)
        return issued.token
