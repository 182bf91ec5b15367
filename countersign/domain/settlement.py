"""The settlement at the end of an employment: what is paid, what is lawfully deducted, and what remains owed.

Wages are due at once (Interim Provisions on Wage Payment art. 9); economic compensation is due when the
handover is done (Labour Contract Law art. 50), and is shown as held until then.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from countersign.domain.calculators.amounts import plain, to_fen, yuan
from countersign.domain.calculators.explained import Item, Payer, Saying
from countersign.domain.calculators.frozen import freeze
from countersign.domain.calculators.kinds import calculate
from countersign.domain.calculators.severance import LAST_DAY
from countersign.domain.calendar import WorkCalendar
from countersign.domain.departure import Ground
from countersign.domain.evidence import canonical
from countersign.domain.ledger import AccountKind, PostingKind
from countersign.domain.refusal import Refusal
from countersign.domain.settlement_input import FromWage, SettlementInput
from countersign.domain.severance_grounds import entitlement
from countersign.domain.tables.basis import Basis
from countersign.domain.tables.cells import MissingCell, Status, on_day
from countersign.domain.tables.packs import STATUTORY, UnknownPack, region_pack, statutory, version_of
from countersign.domain.yaml_text import InputError

FORMAT = 1
NOTICE_DAYS = 30

SHORT_NOTICE = Saying(
    "short_notice",
    "{days} days lie between the notice and the end, and article 40 takes {needed}; otherwise one month's "
    "wage is due instead: give notice_wage",
    "通知与劳动关系结束之间相隔 {days} 天，不足《劳动合同法》第40条规定的 {needed} 天；"
    "应额外支付一个月工资，请填写代通知金",
)
NO_CLAUSE = Saying(
    "no_clause",
    "compensation for a loss is taken from the wage as the contract says (Interim Provisions art. 16); "
    "attach the clause or the employee's written consent",
    "从工资中扣除损失赔偿须以劳动合同约定为依据（《工资支付暂行规定》第16条）；请附上合同条款或本人书面同意",
)

FINAL_WAGE = Item("final_wage", "最后一期工资", "Last wage")
LEAVE = Item("unused_leave", "未休年休假工资报酬", "Pay for unused annual leave")
NOTICE_PAY = Item("notice_pay", "代通知金", "One month's wage instead of notice")
SEVERANCE = Item("severance", "经济补偿", "Economic compensation")
INSURANCE = Item("personal_insurance", "当月个人应缴社会保险费", "Personal insurance of this month")
TAX = Item("tax", "代扣个人所得税", "Income tax")
ADVANCE = Item("deduct_advance", "扣回垫付的个人社会保险费", "Insurance advances deducted")
OVERPAID = Item("deduct_overpaid", "扣回多发工资", "Overpaid wage deducted")
EQUIPMENT = Item("deduct_equipment", "赔偿未归还或损坏的物品", "Compensation for equipment")
LOAN = Item("deduct_loan", "扣回借款", "Loan deducted")
ITEMS: Mapping[str, Item] = {
    one.key: one
    for one in (
        FINAL_WAGE,
        LEAVE,
        NOTICE_PAY,
        SEVERANCE,
        INSURANCE,
        TAX,
        ADVANCE,
        OVERPAID,
        EQUIPMENT,
        LOAN,
    )
}
"""Every line that a sheet can have, in its order."""

_ENGLISH_BASIS = re.compile(r" = [^(]* \((?P<basis>.*); [^;()]+\)$")
"""The formula before the sign of equality may hold brackets too, what comes after it does not."""


@dataclass(frozen=True)
class SheetLine:
    """One line of a sheet: `amount_fen` is 0 or more, `signed_fen` below 0 for a deduction.

    `kind`, `account` and `source` say how the ledger books it; `held` that it is paid only once the gate is
    open; `documents` are the ids of the papers on which it rests.
    """

    item: Item
    formula: str
    amount_fen: int
    payer: Payer
    basis: Basis
    status: Status
    table: str
    kind: PostingKind
    account: AccountKind
    source: AccountKind | None = None
    held: bool = False
    documents: tuple[str, ...] = ()

    @property
    def signed_fen(self) -> int:
        """Return what the line adds to the net sum."""
        return -self.amount_fen if self.payer is Payer.WORKER else self.amount_fen

    def to_json(self) -> dict[str, Any]:
        """Return the line as it is stored; `posts` says whether the ledger books it."""
        return {
            "item": self.item.key,
            "name": {"zh-CN": self.item.zh, "en": self.item.en},
            "formula": self.formula,
            "amount_fen": self.amount_fen,
            "signed_fen": self.signed_fen,
            "payer": self.payer.value,
            "basis": {"zh-CN": self.basis.zh, "en": self.basis.en},
            "status": self.status.value,
            "table": self.table,
            "kind": self.kind.value,
            "account": self.account.value,
            "source": None if self.source is None else self.source.value,
            "posts": self.amount_fen > 0,
            "held": self.held,
            "documents": list(self.documents),
        }


@dataclass(frozen=True)
class Sheet:
    """A settlement: its lines, what remains owed by account in fen, warnings, and the runs behind it."""

    lines: tuple[SheetLine, ...]
    left: Mapping[AccountKind, int]
    warnings: tuple[Mapping[str, str], ...] = ()
    runs: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    weak: bool = False

    @property
    def net_fen(self) -> int:
        """Return everything that is paid out, held or not."""
        return sum(line.signed_fen for line in self.lines)

    @property
    def held_fen(self) -> int:
        """Return what is paid only once the gate is open."""
        return sum(line.signed_fen for line in self.lines if line.held)

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the versions of every table behind a line."""
        tables = {line.table for line in self.lines} | {one for run in self.runs for one in run["tables"]}
        return tuple(sorted(tables))

    def with_documents(self, papers: Mapping[str, Sequence[str]]) -> "Sheet":
        """Return the sheet with the ids of papers at the lines of some accounts or items."""
        lines = []
        for line in self.lines:
            named = [*line.documents, *papers.get(line.item.key, ()), *papers.get(line.account.value, ())]
            lines.append(replace(line, documents=tuple(dict.fromkeys(named))))
        return replace(self, lines=tuple(lines))

    def to_json(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Return what freezes the sheet: what was asked, tables and result under one hash."""
        frozen = {
            "format": FORMAT,
            "kind": "settlement",
            "inputs": dict(asked),
            "tables": list(self.tables),
            "result": {
                "lines": [line.to_json() for line in self.lines],
                "net_fen": self.net_fen,
                "held_fen": self.held_fen,
                "left": {account.value: fen for account, fen in self.left.items()},
                "provisional": self.weak,
                "warnings": [dict(one) for one in self.warnings],
            },
            "runs": [dict(run) for run in self.runs],
        }
        return {**frozen, "hash": hashlib.sha256(canonical(frozen)).hexdigest()}


def settle(case: SettlementInput, calendar: WorkCalendar, notice_days: int | None = None) -> Sheet:
    """Compute a settlement. Raises `Refusal` for what cannot be paid or deducted, in words.

    `notice_days` lie between the employer's notice, as it was delivered, and the end; None where none is
    needed.
    """
    made = _Making(case, calendar)
    made.doubt_notice(notice_days)
    lines = (*made.wage(), *made.leave(), *made.notice_pay(), *made.severance(), *made.deductions())
    owed = {
        AccountKind.INSURANCE_ADVANCE: to_fen(case.owed_advance),
        AccountKind.WAGE_OVERPAID: to_fen(case.owed_overpaid),
        AccountKind.EQUIPMENT: to_fen(case.owed_equipment),
        AccountKind.LOAN: to_fen(case.owed_loan),
    }
    for line in lines:
        if line.account in owed:
            owed[line.account] -= line.amount_fen
    left = {account: fen for account, fen in owed.items() if fen}
    weak = any(line.status.weak for line in lines) or any(run["result"]["provisional"] for run in made.runs)
    return Sheet(lines, left, tuple(made.warnings), tuple(made.runs), weak or made.weak)


class _Making:
    """A sheet while it is made: what calculators warned of, and the runs that are kept with it."""

    def __init__(self, case: SettlementInput, calendar: WorkCalendar) -> None:
        self.case, self.calendar = case, calendar
        self.warnings: list[Mapping[str, str]] = []
        self.runs: list[Mapping[str, Any]] = []
        self.weak = False
        self.wage_fen, self.wage_formula = _wage(case)

    def doubt_notice(self, days: int | None) -> None:
        """Warn of a notice under article 40 that came too late and is not paid for."""
        case = self.case
        if case.ground is Ground.NO_FAULT and case.notice_wage is None and days is not None:
            if days < NOTICE_DAYS:
                self.warnings.append(SHORT_NOTICE.about(days=days, needed=NOTICE_DAYS).to_json())

    # -- what is paid -------------------------------------------------------------------------------------

    def wage(self) -> Iterator[SheetLine]:
        pack = statutory()
        rule = pack.rule_by_name["wages_at_the_end"]
        yield SheetLine(
            FINAL_WAGE,
            self.wage_formula,
            self.wage_fen,
            Payer.EMPLOYER,
            pack.basis(rule),
            rule.status,
            version_of(STATUTORY),
            PostingKind.WAGE_DUE,
            AccountKind.WAGE_PAYABLE,
        )

    def leave(self) -> Iterator[SheetLine]:
        case = self.case
        if case.leave_average_wage is None:
            return
        inputs = {
            "entitlement": case.leave_entitlement,
            "elapsed_days": case.leave_elapsed_days,
            "used": case.leave_used,
            "avg_wage_ex_overtime": str(case.leave_average_wage),
        }
        renamed = {"entitlement": "leave_entitlement", "elapsed_days": "leave_elapsed_days"}
        found = self._line("annual_leave_exit", inputs, "extra_pay_200", renamed)
        yield self._as_line(found, LEAVE, PostingKind.LEAVE_DUE, AccountKind.LEAVE_PAYABLE)

    def notice_pay(self) -> Iterator[SheetLine]:
        case = self.case
        if case.notice_wage is None:
            return
        if case.ground is not Ground.NO_FAULT:
            raise Refusal(
                "notice_wage",
                "notice_wage: a month's wage instead of notice is paid for an end under article 40 alone; "
                "leave it empty",
            )
        basis = statutory().laws["contract_rules"].basis("20")
        shown = f"{case.notice_wage} × 1"
        yield SheetLine(
            NOTICE_PAY,
            shown,
            to_fen(case.notice_wage),
            Payer.EMPLOYER,
            basis,
            Status.V1,
            version_of(STATUTORY),
            PostingKind.WAGE_DUE,
            AccountKind.WAGE_PAYABLE,
        )

    def severance(self) -> Iterator[SheetLine]:
        case = self.case
        due = entitlement(case.ground, case.proposed_by, renewal_refused=case.renewal_refused)
        if not due.due:
            if case.severance_wage is not None:
                raise Refusal(
                    "severance_wage",
                    f"severance_wage: this end gives no economic compensation (article {due.article}); "
                    "leave it empty",
                )
            return
        if case.severance_wage is None:
            raise Refusal(
                "severance_wage",
                f"severance_wage: is missing; this end gives economic compensation (article {due.article}); "
                "give the average monthly wage of the last twelve months",
            )
        line = self._line("severance", self._severance_inputs(), "severance", _SEVERANCE_NAMES)
        made = self._as_line(line, SEVERANCE, PostingKind.SEVERANCE_DUE, AccountKind.SEVERANCE_PAYABLE)
        ground = statutory().laws["contract"].basis(due.article)
        basis = Basis(f"{ground.zh}；{made.basis.zh}", f"{ground.en}; {made.basis.en}")
        yield replace(made, basis=basis, held=True)

    def _severance_inputs(self) -> dict[str, Any]:
        case = self.case
        given: dict[str, Any] = {"monthly_wage": str(case.severance_wage)}
        if case.severance_months is not None:
            given["months"] = str(case.severance_months)
        else:
            # The calculator counts service up to a day that is no longer served.
            given |= {"hired": str(case.hired), "left": str(case.last_day + timedelta(days=1))}
        if case.severance_bonus is not None:
            given["bonus_12_months"] = str(case.severance_bonus)
        if case.local_avg is not None:
            given["local_avg"] = str(case.local_avg)
        try:
            given["min_wage"] = str(self._minimum_wage()[0])
        except Refusal:
            # The floor matters to wages below it alone; without a table the average counts as it is.
            pass
        return given

    # -- what is deducted ---------------------------------------------------------------------------------

    def deductions(self) -> Iterator[SheetLine]:
        case, pack = self.case, statutory()
        lawful, table = pack.rule_by_name["lawful_deductions"], version_of(STATUTORY)
        rest = self.wage_fen
        for name, item in (("personal_insurance", INSURANCE), ("tax", TAX)):
            amount = to_fen(getattr(case, name))
            if amount > rest:
                raise Refusal(
                    name,
                    f"{name}: {yuan(amount)} is more than the {yuan(rest)} that the last wage leaves; "
                    "correct it, and book what the wage does not cover as an advance",
                )
            rest -= amount
            if amount:
                basis = pack.basis(lawful)
                yield SheetLine(
                    item,
                    yuan(amount),
                    amount,
                    Payer.WORKER,
                    basis,
                    lawful.status,
                    table,
                    PostingKind.WITHHOLDING,
                    AccountKind.WAGE_PAYABLE,
                )
        yield from self._debts(rest)

    def _debts(self, rest: int) -> Iterator[SheetLine]:
        """Take debts out of the wage, `rest` fen of which are left, each as far as the law lets it go."""
        case = self.case
        wished = (
            ("advances", ADVANCE, case.advances is not FromWage.NOTHING, self._advance),
            ("deduct_overpaid", OVERPAID, case.deduct_overpaid > 0, self._overpaid),
            ("deduct_equipment", EQUIPMENT, case.deduct_equipment > 0, self._equipment),
            ("deduct_loan", LOAN, case.deduct_loan > 0, self._loan),
        )
        if case.advances is FromWage.NOTHING and case.deduct_advance:
            raise Refusal("advances", "advances: say how the advances are deducted, by consent or capped")
        if not any(asked for _, _, asked, _ in wished):
            return
        minimum, status = self._minimum_wage()
        excludes, rule_status = self._excludes_insurance()
        insured = to_fen(case.personal_insurance) if excludes else 0
        above = self.wage_fen - to_fen(case.tax) - insured - to_fen(minimum)
        # A limit is rounded down: half a fen above it would be above it.
        room = _Room(min(rest, above), rest, f"{plain(minimum)}", int(self.wage_fen * _fifth()))
        for field_name, item, asked, make in wished:
            if asked:
                line = make(room)
                self.weak = self.weak or status.weak or rule_status.weak
                room.taken += line.amount_fen
                yield (
                    replace(line, item=item, documents=(case.consent,) if field_name in _BY_CONSENT else ())
                    if case.consent
                    else replace(line, item=item)
                )

    def _advance(self, room: "_Room") -> SheetLine:
        case = self.case
        self._needs_consent("advances")
        self._within_owed("deduct_advance", case.deduct_advance or Decimal(0), case.owed_advance)
        minimum, _ = self._minimum_wage()
        inputs = {
            "region": case.region,
            "advanced_months": 1,
            "personal_monthly": str(case.owed_advance),
            "final_wage": yuan(self.wage_fen),
            "current_personal_si": str(case.personal_insurance),
            "min_wage": str(minimum),
            "mode": case.advances.value,
            "min_wage_excludes_personal_si": self._excludes_insurance()[0],
        }
        found = self._line("advance_recovery", inputs, "deduct", {})
        line = self._as_line(found, ADVANCE, PostingKind.DEDUCTION, AccountKind.INSURANCE_ADVANCE)
        most = min(line.amount_fen, max(room.left, 0))
        if case.advances is FromWage.CAPPED:
            most = min(most, room.capped_left)
        if case.deduct_advance is not None:
            asked = to_fen(case.deduct_advance)
            if asked > most:
                raise Refusal(
                    "deduct_advance",
                    f"deduct_advance: {yuan(asked)} is more than the {yuan(most)} that may be deducted from "
                    f"this wage of {yuan(self.wage_fen)} (minimum wage {room.minimum}); deduct that much, "
                    "and agree a repayment plan for the rest",
                )
            line = replace(line, amount_fen=asked, formula=f"{yuan(asked)} ≤ {line.formula}")
        elif most < line.amount_fen:
            line = replace(line, amount_fen=most, formula=f"min({line.formula}, {yuan(most)})")
        if case.advances is FromWage.CAPPED:
            room.capped += line.amount_fen
        return replace(line, source=AccountKind.WAGE_PAYABLE)

    def _overpaid(self, room: "_Room") -> SheetLine:
        self._needs_consent("deduct_overpaid")
        return self._debt(
            "deduct_overpaid",
            self.case.deduct_overpaid,
            self.case.owed_overpaid,
            room,
            AccountKind.WAGE_OVERPAID,
        )

    def _loan(self, room: "_Room") -> SheetLine:
        self._needs_consent("deduct_loan")
        return self._debt("deduct_loan", self.case.deduct_loan, self.case.owed_loan, room, AccountKind.LOAN)

    def _equipment(self, room: "_Room") -> SheetLine:
        case, cell, ratio = self.case, statutory().by_name["loss_deduction_ratio"], _fifth()
        wish, capped = to_fen(case.deduct_equipment), room.capped
        if wish > room.capped_left and capped:
            raise Refusal(
                "deduct_equipment",
                f"deduct_equipment: {yuan(wish)} and the advances of {yuan(capped)} are together more than "
                f"{plain(ratio * 100)} % of the month's wage of {yuan(self.wage_fen)}, which is "
                f"{yuan(room.capped_most)}; deduct {yuan(room.capped_left)} at most, or less for the "
                "advances (deduct_advance)",
            )
        if wish > room.capped_left:
            raise Refusal(
                "deduct_equipment",
                f"deduct_equipment: {yuan(wish)} is more than {plain(ratio * 100)} % of the month's wage of "
                f"{yuan(self.wage_fen)}, which is {yuan(room.capped_most)}; deduct that at most, the rest "
                "stays a debt",
            )
        line = self._debt(
            "deduct_equipment", case.deduct_equipment, case.owed_equipment, room, AccountKind.EQUIPMENT
        )
        if not case.consent:
            self.warnings.append(NO_CLAUSE.about().to_json())
        room.capped += line.amount_fen
        less = f" − {yuan(capped)}" if capped else ""
        formula = f"{yuan(line.amount_fen)} ≤ {yuan(self.wage_fen)} × {plain(ratio)}{less}"
        return replace(line, formula=formula, basis=statutory().basis(cell), status=cell.status)

    def _debt(
        self, name: str, wish: Decimal, owed: Decimal, room: "_Room", account: AccountKind
    ) -> SheetLine:
        self._within_owed(name, wish, owed)
        room.check(name, to_fen(wish))
        rule = statutory().rule_by_name["lawful_deductions"]
        return SheetLine(
            ITEMS[name],
            yuan(to_fen(wish)),
            to_fen(wish),
            Payer.WORKER,
            statutory().basis(rule),
            rule.status,
            version_of(STATUTORY),
            PostingKind.DEDUCTION,
            account,
            AccountKind.WAGE_PAYABLE,
        )

    def _needs_consent(self, name: str) -> None:
        if not self.case.consent:
            raise Refusal(
                "consent",
                "consent: a debt may be taken from the wage only with the employee's written consent or a "
                f"clause of the contract; attach it, or leave {name} empty",
            )

    def _within_owed(self, name: str, wish: Decimal, owed: Decimal) -> None:
        if wish > owed:
            raise Refusal(
                name,
                f"{name}: {yuan(to_fen(wish))} is more than the {yuan(to_fen(owed))} that the ledger says "
                "is owed; correct it, or post the debt first",
            )

    # -- tables -------------------------------------------------------------------------------------------

    def _minimum_wage(self) -> tuple[Decimal, Status]:
        case = self.case
        if case.min_wage is not None:
            return case.min_wage, Status.V1
        try:
            cells = region_pack(case.region).minimum_wage
            cities = list(dict.fromkeys(cell.city for cell in cells))
            if case.city is None and len(cities) > 1:
                known = ", ".join(str(city) for city in cities)
                raise Refusal("city", f"city: is missing; the minimum wage of {case.region} differs: {known}")
            here = [cell for cell in cells if len(cities) == 1 or cell.city == case.city]
            found = on_day(here, case.last_day, f"minimum_wage of region {case.region}")
        except UnknownPack as fault:
            raise Refusal("min_wage", f"min_wage: is missing; the region {fault}; give min_wage") from None
        except MissingCell as fault:
            raise Refusal("min_wage", f"min_wage: is missing; {fault}; give min_wage") from None
        if found.cell.value is None:
            raise Refusal(
                "min_wage",
                f"min_wage: is missing; the sources of minimum_wage of region {case.region} contradict each "
                "other; give min_wage",
            )
        self.weak = self.weak or found.borrowed
        return found.cell.value, found.cell.status

    def _excludes_insurance(self) -> tuple[bool, Status]:
        case = self.case
        if case.min_wage_excludes_personal_si is not None:
            return case.min_wage_excludes_personal_si, Status.V1
        try:
            cells = region_pack(case.region).minimum_wage_excludes_insurance
        except UnknownPack:
            cells = ()
        for cell in cells:
            if cell.value is not None:
                return cell.value, cell.status
        raise Refusal(
            "min_wage_excludes_personal_si",
            "min_wage_excludes_personal_si: is missing; no table says what the minimum wage of "
            f"{case.region} includes; say whether it is counted after personal insurance",
        )

    # -- calculators --------------------------------------------------------------------------------------

    def _line(
        self, kind: str, inputs: Mapping[str, Any], item: str, renamed: Mapping[str, str]
    ) -> Mapping[str, Any]:
        """Run a calculator, keep the run, and return its line of that item."""
        try:
            result = calculate(kind, inputs, kind, self.calendar)
        except InputError as fault:
            name = renamed.get(fault.field or "", fault.field or kind)
            sentence = str(fault).partition(": ")[2].removeprefix(f"{fault.field} ")
            raise Refusal(name, f"{name}: {sentence}") from None
        self.runs.append(freeze(kind, inputs, result, self.calendar).to_json())
        told = (one for one in result["warnings"] if one["code"] != LAST_DAY.code)
        self.warnings += [one for one in told if one not in self.warnings]
        found: Mapping[str, Any] = next(line for line in result["lines"] if line["item"] == item)
        return found

    @staticmethod
    def _as_line(line: Mapping[str, Any], item: Item, kind: PostingKind, account: AccountKind) -> SheetLine:
        english = _ENGLISH_BASIS.search(line["text"]["en"])
        return SheetLine(
            item,
            line["formula"],
            to_fen(Decimal(line["amount"])),
            Payer(line["payer"]),
            Basis(line["basis"], english["basis"] if english else line["basis"]),
            Status(line["status"]),
            line["table"],
            kind,
            account,
        )


@dataclass
class _Room:
    """What may still be deducted in fen: above the minimum wage, and out of what the wage leaves at all.

    All debts together leave the minimum wage after tax, and after insurance where the region counts so. What
    is deducted by the limit for losses, equipment and advances that are taken the careful way, shares
    `capped_most`.
    """

    above_minimum: int
    wage_left: int
    minimum: str
    capped_most: int
    taken: int = 0
    capped: int = 0

    @property
    def left(self) -> int:
        return self.above_minimum - self.taken

    @property
    def capped_left(self) -> int:
        return self.capped_most - self.capped

    def check(self, name: str, wish: int) -> None:
        if wish > self.wage_left - self.taken:
            raise Refusal(
                name,
                f"{name}: {yuan(wish)} is more than the {yuan(max(self.wage_left - self.taken, 0))} that the "
                "last wage leaves; deduct less, the rest stays a debt",
            )
        if wish > self.left:
            raise Refusal(
                name,
                f"{name}: {yuan(wish)} would leave less than the minimum wage of {self.minimum}; at most "
                f"{yuan(max(self.left, 0))} can be deducted",
            )


_BY_CONSENT = frozenset({"advances", "deduct_overpaid", "deduct_loan"})
_SEVERANCE_NAMES = {
    "monthly_wage": "severance_wage",
    "bonus_12_months": "severance_bonus",
    "months": "severance_months",
}


def _fifth() -> Decimal:
    return statutory().by_name["loss_deduction_ratio"].value or Decimal(0)


def _wage(case: SettlementInput) -> tuple[int, str]:
    """Return the gross wage of the last month in fen, and its formula."""
    if case.final_wage is not None:
        return to_fen(case.final_wage), f"{case.final_wage}"
    monthly, days = case.monthly_wage or Decimal(0), case.paid_days or Decimal(0)
    divisor = statutory().by_name["monthly_paid_days"].value or Decimal(1)
    by_days = f"{monthly} ÷ {plain(divisor)} × {plain(days)}"
    if days > divisor:
        # A month of 22 or 23 paid days is a whole month, not more than one.
        return to_fen(monthly), f"min({monthly}, {by_days})"
    return to_fen(monthly * days / divisor), by_days
