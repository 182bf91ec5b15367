"""The command line as people's scripts use it: JSON out, one sentence and exit 2 on bad input."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from countersign.domain.bundle import build_bundle
from countersign.domain.evidence import GENESIS, EventKind, make_event
from countersign.sandbox.demo import demo_roster
from countersign.settings import Settings

CASE = """
kind: leave_return
region: beijing
start: 2026-02-13T10:00:00+08:00
employee: {id: E1042, name: 张伟, phone: "+8613800138000", email: zw@example.com, preferred_channel: sms,
           emergency_contact: {name: 李娜, relation: spouse, phone: "+8613900139000"}}
policy:
  sending_window: {days: working, from: "09:00", to: "18:00"}
  rungs:
    - {name: first_notice, audience: employee, channels: [preferred, in_system],
       wait: {value: 3, unit: working_days}}
    - {name: second_reminder, audience: employee, channels: [sms, email, in_system],
       wait: {value: 3, unit: calendar_days}}
    - {name: emergency_contact, audience: emergency_contact, channels: [sms], wait: {value: 48, unit: hours}}
    - {name: paper_notice, audience: employee, channels: [courier], wait: {value: 5, unit: working_days}}
    - {name: on_site_check, audience: hr, channels: [in_system], wait: {value: 2, unit: working_days}}
"""


@pytest.fixture
def run(tmp_path: Path):  # type: ignore[no-untyped-def]
    def call(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "COUNTERSIGN_DATA_DIR": str(tmp_path / "var")}
        command = [sys.executable, "-c", "from countersign.cli import main; main()", *map(str, arguments)]
        return subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False, timeout=60
        )

    return call


def told(done: subprocess.CompletedProcess[str], code: int = 0) -> Any:
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def written(file: Path, text: str) -> Path:
    file.write_text(text, "utf-8")
    return file


def refused(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert done.stderr.count("\n") == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip()


def test_plan_prints_the_worked_example(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "case.yaml").write_text(CASE, "utf-8")
    plan = told(run("plan", "--case", tmp_path / "case.yaml", "--json"))
    assert [step["at"] for step in plan["steps"]] == [
        "2026-02-13T10:00:00+08:00",
        "2026-02-25T10:00:00+08:00",
        "2026-02-28T10:00:00+08:00",
        "2026-03-02T10:00:00+08:00",
        "2026-03-09T10:00:00+08:00",
    ]
    assert plan["exhausted_at"] == "2026-03-11T10:00:00+08:00"
    assert [warning["code"] for warning in plan["warnings"]] == ["no_service_address"]
    assert plan["provisional"] is False


def test_plan_knows_stored_policies_and_refuses_what_is_wrong(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    case = tmp_path / "case.yaml"
    named = CASE.split("policy:")[0] + "policy: leave_return_standard\n"
    case.write_text(named, "utf-8")
    assert len(told(run("plan", "--case", case, "--json"))["steps"]) == 5
    for wrong, says in (
        (named.replace("standard", "unknown"), "leave_return_unknown"),
        (CASE.replace("+08:00", ""), "start"),
        (CASE.replace("48", "-1"), "rungs[2].wait.value"),
        (CASE + "color: red\n", "color"),
    ):
        case.write_text(wrong, "utf-8")
        assert says in refused(run("plan", "--case", case, "--json"))
    assert "cannot be read" in refused(run("plan", "--case", tmp_path / "nowhere.yaml"))


def test_calc_counts_working_days_and_refuses_unknown_kinds(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    case = tmp_path / "c.yaml"
    case.write_text("start: 2026-02-13\nworking_days: 3\n")
    assert told(run("calc", "working_days", "--case", case, "--json"))["deadline"] == "2026-02-25"
    assert "nonsense" in refused(run("calc", "nonsense", "--case", case))


INJURY = "{region: beijing, grade: 9, actual_wage: 6500, local_avg: 11761, insured: %s, relation_ended: true}"


def test_calc_explains_itself_in_both_languages(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    case = written(tmp_path / "injury.yaml", INJURY % "true")
    english = run("calc", "injury", "--case", case, "--explain", "en")
    assert english.returncode == 0, english.stderr
    assert (
        "One-time disability grant: 7056.60 × 9 = 63509.40 yuan, paid by the insurance fund" in english.stdout
    )
    chinese = run("calc", "injury", "--case", case, "--explain", "zh-CN").stdout
    assert "一次性伤残补助金：7056.60 × 9 = 63509.40 元，工伤保险基金支付" in chinese
    assert "（《工伤保险条例》第37条第（一）项，V1）" in chinese


def test_a_frozen_calculation_is_compared_with_a_later_one(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for name, insured in (("before", "true"), ("after", "false")):
        case = written(tmp_path / "injury.yaml", INJURY % insured)
        told(run("calc", "injury", "--case", case, "--frozen", tmp_path / f"{name}.json"))
    changes = told(run("calc-diff", tmp_path / "before.json", tmp_path / "after.json"))
    assert {"place": "inputs.insured", "before": "true", "after": "false"} in changes
    said = run("calc-diff", tmp_path / "before.json", tmp_path / "after.json", "--explain", "en").stdout
    assert "result.employer: 70566.00 became 204641.40" in said
    text = (tmp_path / "after.json").read_text("utf-8")
    (tmp_path / "after.json").write_text(text.replace("204641.40", "104641.40"), "utf-8")
    sentence = refused(run("calc-diff", tmp_path / "before.json", tmp_path / "after.json"))
    assert sentence.startswith("after.json: hash does not fit the rest")


@pytest.mark.parametrize(
    ("kind", "case", "sentence"),
    [
        (
            "injury",
            INJURY.replace("grade: 9", "grade: 11") % "true",
            "case.yaml: grade must be a disability grade",
        ),
        (
            "injury",
            INJURY.replace("6500", "-6500") % "true",
            "case.yaml: actual_wage is -6500; it must be above 0",
        ),
        ("injury", INJURY.replace("beijing", "atlantis") % "true", 'case.yaml: region is "atlantis"'),
        (
            "insurance_month",
            "{region: beijing, month: 2019-01, wage: 9000, injury_risk_class: 1}",
            "case.yaml: there is no table of the base floor for region beijing, line pension for 2019-01",
        ),
        (
            "late_filing",
            "{accident: 2026-03-01, filed: 2026-02-01, fund_type_costs_before_filing: 1, insured: true}",
            "case.yaml: filed is 2026-02-01, before the accident on 2026-03-01",
        ),
        ("severance", "", "case.yaml: the file must be a mapping"),
    ],
)
def test_calc_refuses_in_one_sentence_that_names_the_field(  # type: ignore[no-untyped-def]
    run, tmp_path: Path, kind: str, case: str, sentence: str
) -> None:
    assert refused(run("calc", kind, "--case", written(tmp_path / "case.yaml", case))).startswith(sentence)


def test_a_roster_is_checked_then_applied_and_its_leaves_wait_in_the_outbox(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "roster.xlsx"
    today = datetime.now(UTC).date()
    file.write_bytes(demo_roster(today))
    dry = told(run("import", "employees", file, "--dry-run", "--json"))
    assert (dry["rows"], dry["applied"], dry["rejected"]) == (12, 0, [])
    assert told(run("import", "employees", file, "--json"))["applied"] == 12
    assert told(run("import", "employees", file, "--json"))["cases"] == 0
    from sqlmodel import select

    from countersign.adapters.database.engine import Database
    from countersign.adapters.database.tables import Outbox

    database = Database(Settings(data_dir=tmp_path / "var", _env_file=None).url)
    with database.reading() as session:
        due = {row.due_at for row in session.exec(select(Outbox).where(Outbox.kind == "leave_due"))}
    database.close()
    assert len(due) >= 2
    # The maternity leave ends in twenty days: its case starts about three working days before that.
    assert max(due) > datetime.now(UTC) + timedelta(days=8)


def test_a_faulty_roster_applies_nothing_and_names_row_and_column(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "roster.csv"
    file.write_bytes("工号,姓名,分支,手机\nE1,甲,北京,13800138001\nE2,乙,北京,123\n".encode("gb18030"))
    answer = told(run("import", "employees", file, "--json"), 2)
    assert answer["applied"] == 0
    assert [(e["row"], e["column"], e["code"]) for e in answer["rejected"]] == [(3, "手机", "bad_phone")]
    good = told(run("import", "employees", file, "--accept-good-rows", "--json"), 2)
    assert good["applied"] == 1
    assert "cannot be imported" in refused(run("import", "nonsense", file))
    (tmp_path / "page.xls").write_text("<html><table></table></html>")
    assert "page.xls" in refused(run("import", "employees", tmp_path / "page.xls"))


def test_templates_are_written_and_can_be_read_back(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    for kind in ("employees", "calendar"):
        assert run("import", kind, tmp_path / f"{kind}.xlsx", "--template").returncode == 0
        assert (tmp_path / f"{kind}.xlsx").stat().st_size > 1000
        said = refused(run("import", kind, tmp_path / f"{kind}.xlsx", "--template"))
        assert said == f"{kind}.xlsx: is there already; choose another name"
    assert "ends with .xlsx" in refused(run("import", "employees", tmp_path / "list.csv", "--template"))


def test_a_setting_that_cannot_be_is_refused_by_its_name(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "COUNTERSIGN_DATA_DIR": str(tmp_path),
        "COUNTERSIGN_RETENTION_YEARS": '{"foo": 3}',
    }
    command = [sys.executable, "-c", "from countersign.cli import main; main()", "retention", "due"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert refused(done).startswith("COUNTERSIGN_RETENTION_YEARS: ")


def test_a_calendar_year_is_imported_and_the_plan_is_no_longer_provisional(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    case = tmp_path / "c.yaml"
    case.write_text("start: 2026-12-30\nworking_days: 3\n")
    assert told(run("calc", "working_days", "--case", case))["provisional"] is True
    (tmp_path / "2027.csv").write_text("日期,类型,文号\n2027-01-01,休,某号\n2027-01-04,休,某号\n", "utf-8")
    assert told(run("import", "calendar", tmp_path / "2027.csv"))["year"] == 2027
    after = told(run("calc", "working_days", "--case", case))
    assert (after["provisional"], after["deadline"]) == (False, "2027-01-06")


def test_a_token_is_made_once_and_an_unknown_branch_is_refused(run) -> None:  # type: ignore[no-untyped-def]
    assert told(run("token", "create", "--role", "hr", "--json"))["token"].startswith("cs_")
    assert "--branch" in refused(run("token", "create", "--role", "hr", "--branch", "Atlantis"))


def test_verify_tells_a_sound_bundle_from_a_broken_one(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    case = "0" * 26
    at = datetime(2026, 2, 13, tzinfo=UTC)
    event, _ = make_event(
        GENESIS, 1, at, EventKind.CASE_STARTED, {"role": "hr"}, {"case": case}, lambda: b"s" * 16
    )
    bundle = build_bundle(case, [event], [])
    file = tmp_path / "b.zip"
    file.write_bytes(bundle)
    assert told(run("evidence", "verify", file))["length"] == 1
    file.write_bytes(bundle.replace(b"hr", b"hx", 1))
    broken = run("evidence", "verify", file)
    assert broken.returncode == 1
    assert "event 1" in broken.stdout
    assert "CASE_ID" in refused(run("evidence", "export", case, "--out", tmp_path / "x.zip"))


@pytest.mark.sqlite
def test_a_backup_holds_the_database_and_is_put_back_into_an_empty_directory(run, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    token = told(run("token", "create", "--role", "hr", "--json"))["token"]
    assert told(run("backup", tmp_path / "all.zip"))["files"] >= 1
    assert "holds data already" in refused(run("restore", tmp_path / "all.zip"))
    (tmp_path / "var").rename(tmp_path / "old")
    told(run("restore", tmp_path / "all.zip"))
    from countersign.adapters.database.engine import Database
    from countersign.adapters.database.tokens import Tokens
    from countersign.adapters.real_clock import utc_now

    database = Database(Settings(data_dir=tmp_path / "var", _env_file=None).url)
    assert Tokens(database, utc_now).recognise(token) is not None
    database.close()


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_backup_without_the_database_that_is_in_use_is_refused(
    run,  # type: ignore[no-untyped-def]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    monkeypatch.setenv("COUNTERSIGN_DATABASE_URL", "postgresql://app@127.0.0.1:1/app")
    (tmp_path / "var").mkdir()
    assert "pg_dump" in refused(run(command, tmp_path / "all.zip"))
    assert not (tmp_path / "all.zip").exists()


def test_doctor_answers_quickly_and_in_json(run) -> None:  # type: ignore[no-untyped-def]
    done = run("doctor", "--json", "--port", "19780")
    assert done.returncode in (0, 1)
    assert {"name", "ok", "detail", "remedy"} == set(json.loads(done.stdout)[0])
