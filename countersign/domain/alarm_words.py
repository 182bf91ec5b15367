"""What each kind of alarm is called, and what holds a message; what an alarm says stands in its sentence."""

from collections.abc import Mapping

ALARM_NAMES: Mapping[str, tuple[str, str]] = {
    "posting_overdue": ("书面通知逾期未寄出", "Letter not posted in time"),
    "publication_overdue": ("公告逾期未发布", "Notice not published in time"),
    "public_notice_locked": ("公告尚不允许", "Public notice not allowed yet"),
    "weak_letter": ("信件未到本人", "Letter did not reach the person"),
    "visit_overdue": ("上门核实逾期", "Visit not made in time"),
    "nothing_sent": ("未能发出任何内容", "Nothing could be sent"),
    "ended_outside": ("在系统外终止", "Ended outside"),
    "late_answer": ("结案后收到答复", "Answer after closing"),
    "start_failed": ("案件未能启动", "Case not started"),
    "undelivered": ("消息未送达", "Not delivered"),
    "reply": ("收到文字回复", "Answer in words"),
    "unknown_end": ("发送结果不明", "May have left"),
    "provider_down": ("服务商无法连接", "Provider away"),
    "provider_settings": ("服务商拒绝我方账号或设置", "Provider refuses our settings"),
    "content_refused": ("服务商拒绝短信内容", "Provider refuses the text"),
    "cap_of_person": ("当日对该人已达上限", "Limit for one person reached"),
    "cap_of_company": ("当日全公司已达上限", "Limit in all reached"),
    "opted_out": ("本人已退订", "Opted out"),
    "sending_stopped": ("发送已停止", "Sending stopped"),
    "sending_released": ("发送已恢复", "Sending released"),
    "not_me": ("称不是本人", "Not the person"),
    "exhausted": ("全部步骤已走完", "Ladder is over"),
    "paper_unprintable": ("书面通知无法打印", "Paper cannot be printed"),
    "circular_complete": ("告知全部确认", "Circular confirmed by all"),
    "circular_refused": ("告知被提出异议", "Objection to a circular"),
    "anchors_differ": ("存证锚点不一致", "Anchors differ"),
    "anchors_unwritten": ("存证锚点无法写入", "Anchors not written"),
    "identity_locked": ("身份验证被锁定", "Identity check locked"),
    "not_served": ("解除通知未送达", "Notice not delivered"),
    "termination_objected": ("对解除提出异议", "Objection to the notice"),
    "certificate_failed": ("离职证明未能出具", "Certificate not issued"),
    "freeze_failed": ("未结事项未能固定", "Open items not frozen"),
    "left_with_open_items": ("离职时仍有未结事项", "Left with open items"),
    "equipment_paid_before": ("物品已归还或放弃追索，但此前已付款", "Equipment back after it was paid"),
    "duty_overdue": ("法定事项逾期", "Statutory duty late"),
    "settlement_not_booked": ("结算单无法入账", "Settlement cannot be booked"),
    "duty_urgent": ("法定事项即将到期", "Statutory duty due soon"),
    "duty_failed": ("法定事项未办成", "Statutory duty failed"),
    "handover_silent": ("离职人员未交接", "Leaver does not hand over"),
    "receiver_silent": ("接收人未确认", "Receiver does not confirm"),
    "employment_suspended": ("用工状态被记为“中止”", "Employment called suspended"),
}
"""Chinese and English names by kind."""

HELD_NAMES: Mapping[str, tuple[str, str]] = {
    "paused": ("案件暂停", "the case is paused"),
    "sending_stopped": ("发送被停止", "sending is stopped"),
    "cap_of_person": ("当日对该人已达上限", "limit of the day for one person"),
    "cap_of_company": ("当日全公司已达上限", "limit of the day in all"),
}
"""Chinese and English names of what keeps a message from leaving now."""
