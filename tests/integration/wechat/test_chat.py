"""WeChat from push to answer: the application, the judge and the real transport, with the double at the other end."""

from __future__ import annotations

from channels.registry import ADAPTERS
from channels.sandbox import wechat_payloads
from channels.sandbox.values import Trouble
from hub.gate.passive import Prepared
from hub.model.message import RawRequest
from hub.model.permission import Reason
from hub.web.keys import FRONT, PASSIVE, SETTINGS
from tests.integration.wechat.conftest import AMY, Hub


async def test_three_deliveries_at_once_are_one_message(hub: Hub) -> None:
    _, answers = await hub.double.patient_writes(hub.account, AMY, "你好", copies=3)
    assert answers == [200, 200, 200]
    assert await hub.count("SELECT count(*) FROM message WHERE direction = 'inbound'") == 1


async def test_the_acknowledgement_is_the_answer_itself_in_chinese_and_has_its_decisions(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "你好")
    [said] = hub.double.sent
    assert said.how == "passive"
    assert said.body.startswith("感谢您联系")
    await hub.recorded()
    [row] = await hub.rows("SELECT m.status, m.kind, d.phase, d.outcome FROM message m JOIN decision d ON d.id = m.decision_id")
    assert tuple(row.values()) == ("accepted", "ACK", "claim", "ALLOW")
    assert await hub.works() == 0
    assert len(hub.double.sent) == 1


async def test_of_three_deliveries_one_is_answered_with_words(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "你好", copies=3)
    await hub.works()
    assert [sent.how for sent in hub.double.sent] == ["passive"]


async def test_a_stop_in_words_is_confirmed_in_the_answer_and_nothing_goes_after_it(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "你好")
    await hub.replies("您好，请问有什么可以帮您？")
    await hub.double.patient_writes(hub.account, AMY, "退订")
    await hub.works()
    assert [sent.how for sent in hub.double.sent] == ["passive", "passive"]
    [row] = await hub.rows("SELECT status FROM message WHERE kind = 'RPL'")
    assert row["status"] == "refused"


async def prepared(hub: Hub) -> Prepared:
    """A message is stored, and its acknowledgement claimed, as the webhook does before it writes its answer."""
    content = wechat_payloads.message(hub.account, AMY, "text", at=hub.clock(), Content="你好")
    hub.double.wrote(hub.account, AMY)
    push = wechat_payloads.sealed(hub.account, content, at=hub.clock())
    path, headers = f"/webhooks/{hub.account.id}?{push.query}", {"content-type": "text/xml"}
    request = RawRequest(method="POST", path_and_query=path, headers=headers, body=push.body, received_at=hub.clock())
    adapter = ADAPTERS[hub.account.adapter]
    events = adapter.parse(request, hub.account)
    await hub.app[FRONT].accept(request, hub.account, events)
    found = await hub.app[PASSIVE].prepare(request, hub.account, adapter, events)
    assert found
    assert await hub.app[PASSIVE].prepare(request, hub.account, adapter, events) is None  # nobody else says it too
    return found


async def test_an_answer_that_broke_is_unknown_and_never_said_again(hub: Hub) -> None:
    await hub.app[PASSIVE].went(await prepared(hub), whole=False)
    assert await hub.works() == 0
    [row] = await hub.rows("SELECT status FROM message WHERE direction = 'outbound'")
    assert row["status"] == "unknown"
    assert hub.double.sent == []


async def test_an_answer_that_comes_too_late_goes_the_ordinary_way(hub: Hub) -> None:
    found = await prepared(hub)
    hub.clock.forward(seconds=2)  # the leave was good for one
    assert not await hub.app[PASSIVE].may_go(found)
    assert await hub.works() == 1
    assert [sent.how for sent in hub.double.sent] == ["service"]


async def test_a_stop_before_the_answer_leaves_is_decided_anew(hub: Hub) -> None:
    found = await prepared(hub)
    hub.clock.forward(seconds=2)
    await hub.double.patient_leaves(hub.account, AMY)
    assert not await hub.app[PASSIVE].may_go(found)
    assert await hub.works() == 0
    [row] = await hub.rows("SELECT status FROM message WHERE direction = 'outbound'")
    assert row["status"] == "refused"


async def test_unfollowing_stops_the_channel_and_following_again_lifts_nothing(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "你好")
    assert await hub.double.patient_leaves(hub.account, AMY, copies=3) == [200, 200, 200]
    rows = await hub.rows("SELECT DISTINCT scope, channel, source, rule_id FROM suppression")
    assert {(row["scope"], row["channel"]) for row in rows} == {("CHANNEL", "wechat"), ("ALL_MARKETING", None)}
    assert {row["rule_id"] for row in rows} == {"provider:unfollow"}
    assert (await hub.replies("还在吗？")).decision.reason is Reason.STOP_CHANNEL
    await hub.double.patient_follows(hub.account, AMY, "lips")
    assert (await hub.replies("还在吗？")).decision.reason is Reason.STOP_CHANNEL
    assert await hub.count("SELECT count(*) FROM suppression WHERE lifted_at IS NOT NULL") == 0


async def test_five_messages_and_no_sixth_until_they_write_again(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "你好")
    for number in range(5):
        assert (await hub.replies(f"第{number}条")).decision.allowed
        assert await hub.works() == 1
    assert (await hub.replies("第6条")).decision.reason is Reason.WINDOW_USED
    assert [sent.how for sent in hub.double.sent] == ["passive"] + ["service"] * 5
    hub.clock.forward(minutes=1)
    await hub.double.patient_writes(hub.account, AMY, "谢谢")
    assert (await hub.replies("不客气")).decision.allowed
    assert await hub.works() == 1


async def test_a_sixth_that_was_queued_in_time_is_refused_when_it_leaves(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "你好")
    for number in range(6):
        assert (await hub.replies(f"第{number}条")).decision.allowed
    assert await hub.works() == 5
    rows = await hub.rows("SELECT d.reason FROM message m JOIN decision d ON d.id = m.decision_id WHERE m.status = 'refused'")
    assert [row["reason"] for row in rows] == ["WINDOW_USED"]


async def test_an_error_that_says_they_left_is_a_stop(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "你好")
    hub.double.trouble(Trouble.STOPPED)
    await hub.replies("您好")
    await hub.works()
    assert await hub.count("SELECT count(*) FROM suppression WHERE scope = 'CHANNEL' AND channel = 'wechat' AND source = 'provider_error'")
    assert (await hub.replies("还在吗？")).decision.reason is Reason.STOP_CHANNEL


async def test_a_dropped_send_is_unknown_and_recorded_once(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "你好")
    hub.double.trouble(Trouble.DROP_AFTER)
    await hub.replies("您好")
    await hub.works()
    await hub.works()
    assert [sent.how for sent in hub.double.sent] == ["passive", "service"]
    [row] = await hub.rows("SELECT status FROM message WHERE kind = 'RPL'")
    assert row["status"] == "unknown"


async def test_a_token_that_dies_in_the_middle_of_a_burst_is_renewed_once(hub: Hub) -> None:
    people = [f"oBURST{number:02}" for number in range(12)]
    for person in people:
        await hub.double.patient_writes(hub.account, person, "你好")
        await hub.replies("您好", person=person)
    before = len(hub.double.token_calls)
    transport = await hub.runtime.transport(hub.account.id)
    await transport._tokens.current()
    hub.double.expire_tokens()
    assert await hub.works() == 12
    assert len(hub.double.token_calls) == before + 2
    assert sorted(sent.to for sent in hub.double.sent if sent.how == "service") == people


async def test_a_menu_item_is_shown_and_invites_nobody(hub: Hub) -> None:
    assert await hub.double.patient_presses(hub.account, AMY, "MENU_PRICES") == [200]
    [row] = await hub.rows("SELECT content_kind, body FROM message")
    assert tuple(row.values()) == ("button", "MENU_PRICES")
    assert (await hub.replies("价格如下")).decision.reason in (Reason.NO_INVITATION, Reason.AUTO_INBOUND)


async def test_a_picture_is_fetched_by_its_id_and_kept(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "", media=[("image/jpeg", b"\xff\xd8\xff" + b"x" * 100), ("audio/amr", b"#!AMR\n12")])
    await hub.works()
    rows = await hub.rows("SELECT state, mime_type, size FROM attachment ORDER BY id")
    assert [tuple(row.values()) for row in rows] == [("stored", "image/jpeg", 103), ("stored", "audio/amr", 8)]


async def test_the_handshake_answers_its_word_plainly(hub: Hub) -> None:
    assert await hub.double.handshake(hub.account, "4823847923") == (200, "4823847923")


async def test_a_replay_does_nothing_and_a_late_one_is_refused(hub: Hub) -> None:
    content = wechat_payloads.message(hub.account, AMY, "text", at=hub.clock(), Content="你好")
    push = wechat_payloads.sealed(hub.account, content, at=hub.clock())
    assert [(await hub.double.post(hub.account, push))[0] for _ in range(3)] == [200] * 3
    hub.clock.forward(minutes=11)
    assert (await hub.double.post(hub.account, push))[0] == 403
    assert await hub.count("SELECT count(*) FROM message WHERE direction = 'inbound'") == 1
    assert await hub.count("SELECT count(*) FROM message WHERE direction = 'outbound'") == 1


async def test_a_plain_body_is_refused_in_safe_mode(hub: Hub) -> None:
    content = wechat_payloads.message(hub.account, AMY, "text", at=hub.clock(), Content="你好")
    push = wechat_payloads.plain(hub.account, content, at=hub.clock())
    assert (await hub.double.post(hub.account, push))[0] == 403
    assert await hub.count("SELECT count(*) FROM inbound_event") == 0


async def test_a_status_of_a_template_moves_its_message_and_a_block_is_a_stop(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "你好")
    queued = await hub.replies("您好")
    await hub.works()
    await hub.rows("UPDATE message SET provider_message_id = '200163836' WHERE id = $1", queued.message_id)
    await hub.double.template_ended(hub.account, AMY, "200163836", "failed:user block")
    assert await hub.count("SELECT count(*) FROM suppression WHERE channel = 'wechat'")


async def test_an_address_of_another_account_is_said_to_be_wrong(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "你好")
    hub.double.trouble(Trouble.REFUSED, code=40003)
    await hub.replies("您好")
    await hub.works()
    assert (await hub.replies("还在吗？")).decision.reason is Reason.BAD_ADDRESS


async def test_in_plain_mode_a_signature_somebody_saw_forges_nothing(hub: Hub) -> None:
    account = hub.account
    hub.app[SETTINGS].accounts[account.id].options["plain_mode"] = True  # type: ignore[index]
    first = wechat_payloads.message(account, AMY, "text", at=hub.clock(), Content="你好")
    forged = wechat_payloads.message(account, "oSOMEBODY", "text", at=hub.clock(), Content="退订")
    push = wechat_payloads.plain(account, first, at=hub.clock())
    try:
        assert (await hub.double.post(account, push))[0] == 200
        for content in (forged, first, forged):
            await hub.double.post(account, wechat_payloads.Push(query=push.query, body=content.encode()))
    finally:
        del hub.app[SETTINGS].accounts[account.id].options["plain_mode"]  # type: ignore[attr-defined]
    assert [row["body"] for row in await hub.rows("SELECT body FROM message WHERE direction = 'inbound'")] == ["你好"]
    assert await hub.count("SELECT count(*) FROM suppression") == 0


async def test_what_the_worker_sends_leaves_no_token_in_the_database_in_clear(hub: Hub) -> None:
    await hub.double.patient_writes(hub.account, AMY, "你好")
    await hub.replies("您好")
    assert await hub.works() == 1
    [row] = await hub.rows("SELECT sealed FROM provider_token")
    token = hub.double.tokens["wx0000000000000001"].encode()
    assert token not in bytes(row["sealed"])  # type: ignore[call-overload]
