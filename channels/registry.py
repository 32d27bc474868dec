"""Every adapter by its name in config/channels.toml. Adding a channel is one module and one line here."""

from __future__ import annotations

from channels import email, instagram_meta, messenger_meta, sms_twilio, web_form, wechat_official, whatsapp_meta, whatsapp_twilio
from hub.model.message import Adapter

ADAPTERS: dict[str, Adapter] = {
    "sms_twilio": sms_twilio.ADAPTER,
    "whatsapp_twilio": whatsapp_twilio.ADAPTER,
    "whatsapp_meta": whatsapp_meta.ADAPTER,
    "messenger_meta": messenger_meta.ADAPTER,
    "instagram_meta": instagram_meta.ADAPTER,
    "wechat_official": wechat_official.ADAPTER,
    "web_form": web_form.ADAPTER,
    "email": email.ADAPTER,
}
