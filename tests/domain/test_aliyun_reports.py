import pytest

from countersign.domain.aliyun_reports import AliyunReport, report_of_aliyun
from countersign.domain.receipts import DeliveryState

REPORT: dict[str, object] = {
    "phone_number": "13800138000",
    "send_time": "2026-02-13 10:00:00",
    "report_time": "2026-02-13 10:00:03",
    "success": True,
    "err_code": "DELIVERED",
    "err_msg": "用户接收成功",
    "sms_size": "1",
    "biz_id": "12345^0",
    "out_id": "01DELIVERY",
}


@pytest.mark.parametrize("success", [True, "true", "True"])
def test_a_delivered_message_has_arrived_and_has_no_code(success: object) -> None:
    report = report_of_aliyun(REPORT | {"success": success})
    assert report == AliyunReport("01DELIVERY", "12345^0", DeliveryState.DELIVERED, None)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("MOBILE_NOT_ON_SERVICE", DeliveryState.FAILED_TEMPORARY),
        ("SP_UNKNOWN_ERROR", DeliveryState.FAILED_TEMPORARY),
        ("PORT_NOT_REGISTERED", DeliveryState.FAILED_TEMPORARY),
        ("MOBILE_IN_BLACK", DeliveryState.FAILED_PERMANENT),
        ("UNDELIV", DeliveryState.FAILED_PERMANENT),
        ("CONTENT_KEYWORD", DeliveryState.FAILED_PERMANENT),
        ("MK:0001", DeliveryState.FAILED_PERMANENT),
        ("REQUEST_SUCCESS", DeliveryState.SENT),
    ],
)
@pytest.mark.parametrize("success", [False, "false"])
def test_the_code_of_a_failure_decides_what_becomes_of_it(
    code: str, state: DeliveryState, success: object
) -> None:
    report = report_of_aliyun(REPORT | {"success": success, "err_code": code})
    assert (report.state, report.code) == (state, code)


def test_a_failure_without_a_code_is_tried_again() -> None:
    report = report_of_aliyun(REPORT | {"success": False, "err_code": None})
    assert (report.state, report.code) == (DeliveryState.FAILED_TEMPORARY, None)


@pytest.mark.parametrize("out_id", [None, "", " "])
def test_a_message_that_bears_no_number_of_ours_has_none(out_id: str | None) -> None:
    assert report_of_aliyun(REPORT | {"out_id": out_id}).delivery_id is None


@pytest.mark.parametrize("success", [None, "", "maybe", 1])
def test_an_element_that_does_not_say_whether_it_arrived_says_nothing(success: object) -> None:
    assert report_of_aliyun(REPORT | {"success": success}).state is None


def test_an_empty_element_is_no_error() -> None:
    assert report_of_aliyun({}) == AliyunReport(None, "", None, None)
