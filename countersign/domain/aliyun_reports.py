"""Delivery reports of Alibaba Cloud SMS ("SmsReport", HTTP batch push), one element each."""

from collections.abc import Mapping
from typing import NamedTuple

from countersign.domain.receipts import DeliveryState, delivery_state_for

_NO_RECEIPT = "REQUEST_SUCCESS"


class AliyunReport(NamedTuple):
    """What a report says; `delivery_id` is our own number, which the provider carried along as `out_id`."""

    delivery_id: str | None
    provider_id: str
    state: DeliveryState | None
    code: str | None


def report_of_aliyun(raw: Mapping[str, object]) -> AliyunReport:
    """Translate one element of a push; values may be JSON's or text.

    The state is None when the element does not say whether the message arrived. A message without any receipt
    of the carrier stays "sent": nobody knows that it failed.
    """
    delivery_id, code = _text(raw, "out_id"), _text(raw, "err_code")
    success = _text(raw, "success").lower()
    state = None
    if success == "true":
        state, code = DeliveryState.DELIVERED, ""
    elif success == "false":
        state = DeliveryState.SENT if code == _NO_RECEIPT else delivery_state_for("undelivered", code or None)
    return AliyunReport(delivery_id or None, _text(raw, "biz_id"), state, code or None)


def _text(raw: Mapping[str, object], name: str) -> str:
    value = raw.get(name)
    return "" if value is None else str(value).strip()
