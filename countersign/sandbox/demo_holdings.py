"""What the people of the demo company hold: documents, customers and equipment, all invented."""

from countersign.domain.departure import Track
from countersign.domain.holdings import HoldingWish

_DOCUMENTS = (
    ("W-2025-031", "E2004", "2025 年度框架采购合同（华东）", "合同柜 B-2", "合同", "E2003"),
    ("W-2026-004", "E2004", "一季度报价单及成本测算", "共享盘 销售部/报价", "报价", "E2003"),
    ("W-2026-007", "E2004", "展会客户登记表", "共享盘 销售部/展会", "登记表", "E2006"),
    ("W-2026-012", "E2004", "应收账款对账函（原件）", "文件柜 A-3", "对账", "E2003"),
    ("W-2025-018", "E2003", "重点客户年度协议", "合同柜 B-1", "合同", ""),
    ("W-2026-009", "E2003", "投标文件（浦东项目）", "共享盘 销售部/投标", "投标", ""),
    ("W-2026-002", "E2006", "华东区销售计划（2026）", "共享盘 销售部/计划", "计划", ""),
    ("W-2026-006", "E2006", "渠道代理协议（原件）", "合同柜 B-3", "合同", ""),
    ("W-2026-011", "E2006", "客户信用额度审批表", "文件柜 A-1", "审批", "E2005"),
    ("W-2026-017", "E2006", "Price list and discount rules", "共享盘 销售部/报价", "报价", ""),
    ("W-2024-102", "E1003", "车间设备点检记录", "车间办公室", "记录", ""),
    ("W-2026-015", "E1003", "安全生产责任书（原件）", "文件柜 C-1", "责任书", ""),
    ("W-2026-021", "E2005", "库存盘点表", "仓库办公室", "盘点", ""),
)
_CUSTOMERS = (
    ("K-0107", "E2004", "青禾商贸", "刘经理", "021-5555 0107", "合同已签，待首批发货", "E2003"),
    ("K-0112", "E2004", "远帆电子", "陈女士", "021-5555 0112", "报价已发，待回复", "E2003"),
    ("K-0115", "E2004", "东篱茶业", "沈先生", "0571-5555 0115", "每月 25 日对账", "E2006"),
    ("K-0121", "E2004", "Nordlicht GmbH", "J. Brandt", "brandt@nordlicht.example.com", "样品测试中", "E2006"),
    ("K-0088", "E2003", "江畔建材", "方经理", "021-5555 0088", "年度协议续签中", ""),
    ("K-0093", "E2003", "三叶餐饮", "朱女士", "021-5555 0093", "账期 30 天", ""),
    ("K-0130", "E2006", "Harbour Trading", "M. Ross", "ross@harbour.example.com", "季度回访", ""),
    ("K-0131", "E2006", "云栖食品", "顾经理", "0571-5555 0131", "续约谈判中", ""),
    ("K-0134", "E2006", "Blue Crane Ltd.", "T. Okafor", "okafor@crane.example.com", "首单已发货", ""),
    ("K-0138", "E2006", "长宁药房连锁", "蔡女士", "021-5555 0138", "账期 60 天，月底对账", "E2005"),
)
_EQUIPMENT = (
    ("Z-1042", "E2004", "笔记本电脑", "ThinkPad T14", "SN-DEMO-1042", "九成新", 6500_00, True),
    ("Z-2210", "E2004", "手机", "Mate 60", "SN-DEMO-2210", "全新", 4999_00, True),
    ("Z-3301", "E2004", "门禁卡", "", "", "", 20_00, True),
    ("Z-3302", "E2004", "样品箱", "", "", "旧", None, False),
    ("Z-1033", "E2003", "笔记本电脑", "ThinkPad T14", "SN-DEMO-1033", "九成新", 6500_00, True),
    ("Z-2207", "E2003", "手机", "Mate 60", "SN-DEMO-2207", "全新", 4999_00, True),
    ("Z-1018", "E1003", "对讲机", "GP328", "SN-DEMO-1018", "八成新", 1200_00, True),
    ("Z-4002", "E1004", "工具箱", "78 件套", "", "八成新", 860_00, True),
    ("Z-4003", "E1005", "绝缘手套与验电器", "10kV", "", "检验有效期内", 540_00, True),
    ("Z-2214", "E2006", "手机", "Mate 60", "SN-DEMO-2214", "九成新", 4999_00, True),
    ("Z-1051", "E2006", "笔记本电脑", "MacBook Air", "SN-DEMO-1051", "全新", 8999_00, True),
)


def demo_holdings(track: Track) -> list[HoldingWish]:
    """Return what the demo people hold of one track; E2004 holds enough for a handover to be looked at."""
    if track is Track.DOCUMENTS:
        return [
            HoldingWish(
                track, reference, holder, title, {"location": place, "kind": kind}, receiver=to or None
            )
            for reference, holder, title, place, kind, to in _DOCUMENTS
        ]
    if track is Track.CUSTOMERS:
        return [
            HoldingWish(
                track,
                reference,
                holder,
                title,
                {"contact_name": contact, "contact_way": way, "follow_up": state},
                receiver=to or None,
            )
            for reference, holder, title, contact, way, state, to in _CUSTOMERS
        ]
    return [
        HoldingWish(
            track,
            reference,
            holder,
            title,
            {
                name: text
                for name, text in (("model", model), ("serial_number", serial), ("condition", condition))
                if text
            },
            mandatory,
            value,
        )
        for reference, holder, title, model, serial, condition, value, mandatory in _EQUIPMENT
    ]
