"""The demo company: invented people whose leaves end around today."""

from dataclasses import dataclass
from datetime import date, timedelta

from countersign.adapters.roster import check_digit, roster_workbook


@dataclass(frozen=True)
class _Colleague:
    number: str
    name: str
    branch: str
    department: str
    post: str
    phone: str
    born: str
    manager: str = ""
    contact: tuple[str, str, str] | None = None
    channel: str = "短信"


_BEIJING, _SHANGHAI = "北京分公司", "上海分公司"
# A number of North America that is kept for fiction: links may go there by SMS, which +86 does not allow.
_ABROAD = "+12025550142"

_PEOPLE = (
    _Colleague("E1001", "周明远", _BEIJING, "管理部", "总经理", "13800138001", "19750412", channel="邮件"),
    _Colleague("E1002", "吴晓岚", _BEIJING, "人力资源部", "人事主管", "13800138002", "19830922", "E1001"),
    _Colleague("E1003", "郑海峰", _BEIJING, "生产部", "车间主任", "13800138003", "19791130", "E1001"),
    _Colleague(
        "E1004", "张伟", _BEIJING, "生产部", "操作工", "13800138004", "19900315", "E1003",
        ("李娜", "配偶", "13800138104"),
    ),
    _Colleague(
        "E1005", "孙立", _BEIJING, "生产部", "电工", "13800138005", "19880707", "E1003",
        ("孙国强", "父亲", "13800138105"),
    ),
    _Colleague("E1006", "冯玉洁", _BEIJING, "财务部", "会计", "13800138006", "19920228", "E1001"),
    _Colleague("E2001", "陈思齐", _SHANGHAI, "管理部", "分公司经理", "13800138007", "19780816", "E1001"),
    _Colleague("E2002", "褚文静", _SHANGHAI, "人力资源部", "人事专员", "13800138008", "19941009", "E2001"),
    _Colleague(
        "E2003", "王珂", _SHANGHAI, "销售部", "客户经理", _ABROAD, "19910520", "E2001",
        ("王建国", "父亲", "13800138107"),
    ),
    _Colleague(
        "E2004", "林若溪", _SHANGHAI, "销售部", "销售助理", "13800138010", "19930618", "E2001",
        ("何俊", "配偶", "13800138108"), "邮件",
    ),
    _Colleague("E2005", "许志刚", _SHANGHAI, "仓储部", "仓库管理员", "13800138011", "19860103", "E2001"),
    _Colleague("E2006", "Anna Keller", _SHANGHAI, "销售部", "区域经理", "13800138012", "19870914", "E2001"),
)  # fmt: skip

# The number of the second one lacks two digits, so that an import has something to refuse.
_NEWCOMERS = (
    _Colleague("E2007", "蒋文博", _SHANGHAI, "仓储部", "叉车司机", "13800138013", "19950211", "E2005"),
    _Colleague("E2008", "沈佳宁", _SHANGHAI, "销售部", "销售助理", "138001380", "19980605", "E2001"),
)

_PASSPORTS = {"E2006": "C00X00T00"}


def _leaves(today: date) -> dict[str, tuple[str, date, date]]:
    def days(first: int, last: int) -> tuple[date, date]:
        return today + timedelta(days=first), today + timedelta(days=last)

    return {
        "E1004": ("病假", *days(-15, -1)),
        "E2003": ("事假", *days(-8, 2)),
        "E1005": ("工伤", *days(-90, 0)),
        "E2004": ("产假", *days(-138, 20)),
    }


def demo_roster(today: date) -> bytes:
    """Return the roster (.xlsx) of an invented company of two branches and twelve people.

    Four leaves: sick leave that ended yesterday, personal leave that ends in two days, injury leave that
    ends today, maternity leave that ends in twenty days. The identity numbers have right check digits and
    an area code that no place has.
    """
    leaves = _leaves(today)
    return roster_workbook(_row(order, one, leaves) for order, one in enumerate(_PEOPLE, start=1))


def roster_with_fault(today: date) -> bytes:
    """Return a roster (.xlsx) of two new colleagues; the telephone number of the second is too short."""
    leaves = {"E2007": ("年假", today - timedelta(days=2), today + timedelta(days=12))}
    return roster_workbook(_row(order, one, leaves) for order, one in enumerate(_NEWCOMERS, start=21))


def _row(order: int, one: _Colleague, leaves: dict[str, tuple[str, date, date]]) -> dict[str, str | date]:
    seventeen = f"999999{one.born}{order:03}"
    hired_on = date(2015 + order % 8, 1 + order % 12, 1 + order)
    row: dict[str, str | date] = {
        "number": one.number,
        "name": one.name,
        "id_number": _PASSPORTS.get(one.number) or seventeen + check_digit(seventeen),
        "phone": one.phone,
        "email": f"{one.number.lower()}@demo.example.com",
        "preferred_channel": one.channel,
        "branch": one.branch,
        "department": one.department,
        "post": one.post,
        "manager_number": one.manager,
        "hired_on": hired_on,
        "contract_type": "无固定期限",
        "contract_starts_on": hired_on.replace(year=hired_on.year + 3),
        "service_address": f"{one.branch[:2]}市示例路{order}号",
        "e_delivery_consent_on": date(2024, 1, 15),
        "language": "en" if one.number in _PASSPORTS else "zh-CN",
    }
    if one.contact is not None:
        row["emergency_contact"], row["relation"], row["emergency_contact_phone"] = one.contact
        row["emergency_contact_consent_on"] = date(2024, 1, 15)
    if one.number in leaves:
        row["leave_kind"], row["leave_starts_on"], row["leave_ends_on"] = leaves[one.number]
    return {name: value for name, value in row.items() if value != ""}
