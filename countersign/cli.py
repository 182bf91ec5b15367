"""The command line: JSON on standard output, words on standard error, exit 2 on bad input."""

import json
import os
import sys
import weakref
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from pydantic_settings import SettingsError

from countersign.contracts.cases import Role
from countersign.domain.calendar import load_shipped_calendar
from countersign.domain.case_file import parse_plan_case, plan_to_json
from countersign.domain.planner import plan as plan_ladder
from countersign.domain.policies import READERS
from countersign.domain.policy import LadderPolicy
from countersign.domain.yaml_text import InputError, load_text
from countersign.settings import Settings

if TYPE_CHECKING:
    from countersign.bootstrap import Parts

# Database, SDKs and web framework take seconds to load: a command loads what it uses, so that a dry run
# or a calculation answers at once.

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
token_app = typer.Typer(no_args_is_help=True, help="API tokens.")
account_app = typer.Typer(no_args_is_help=True, help="Accounts of the console.")
alerts_app = typer.Typer(no_args_is_help=True, help="Alarms told to groups and mailboxes.")
evidence_app = typer.Typer(no_args_is_help=True, help="Evidence bundles.")
app.add_typer(token_app, name="token")
app.add_typer(account_app, name="account")
app.add_typer(alerts_app, name="alerts")
app.add_typer(evidence_app, name="evidence")
retention_app = typer.Typer(no_args_is_help=True, help="Closed cases whose term is over.")
app.add_typer(retention_app, name="retention")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON (the default where there is data).")]
CaseFile = Annotated[Path, typer.Option("--case", help="YAML or JSON file.")]
BAD_INPUT = 2
_OPERATOR = {"role": Role.SYSTEM_ADMINISTRATOR.value, "id": "command line"}


class Language(StrEnum):
    """The languages in which results are explained."""

    ZH_CN = "zh-CN"
    EN = "en"


def refuse(sentence: str) -> NoReturn:
    """Say one sentence and leave with exit code 2."""
    typer.echo(" ".join(sentence.split()), err=True)
    raise typer.Exit(BAD_INPUT)


def show(data: object) -> None:
    """Print JSON."""
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2))


def read_text(file: Path) -> str:
    """Return a file's text; refuse what cannot be read."""
    try:
        return file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        refuse(f"{file.name}: is not UTF-8 text; save it as UTF-8")
    except OSError as error:
        refuse(f"{file}: cannot be read ({error.strerror}); check the path")


def write_text(file: Path, text: str) -> None:
    """Write a file; refuse a place that cannot be written."""
    try:
        file.write_text(f"{text}\n", "utf-8")
    except OSError as error:
        refuse(f"{file}: cannot be written ({error.strerror}); check the path")


def opened() -> "Parts":
    """Return the parts of the installation, its database at the present schema."""
    from countersign.adapters.database.migrate import migrate, store_shipped_policies
    from countersign.bootstrap import Parts

    parts = Parts(Settings())
    # A command ends with the process, but a caller within one must find no connection left open.
    weakref.finalize(parts, parts.database.close)
    parts.settings.data_dir.mkdir(parents=True, exist_ok=True)
    migrate(parts.database)
    store_shipped_policies(parts.database)
    return parts


@app.command()
def up(
    demo: Annotated[bool, typer.Option(help="Load the demo company and start its cases.")] = False,
    port: Annotated[
        int, typer.Option(min=1, max=65530, help="Console and API; the others follow it.")
    ] = 8080,
    data_dir: Annotated[Path | None, typer.Option(help="Where everything is kept; default ./var.")] = None,
    time_lapse: Annotated[int, typer.Option(min=1, help="How many times faster planned waits pass.")] = 1,
) -> None:
    """Start the embedded stack: Temporal server, worker, API, stand-ins; Ctrl-C stops all."""
    from countersign.adapters.database.migrate import WrongMode
    from countersign.adapters.server_cache import NoTemporalServer
    from countersign.embedded import Stack, StackSettings

    folder = data_dir or Settings().data_dir
    try:
        Stack(StackSettings(folder.absolute(), port, time_lapse, demo)).run()
    except (NoTemporalServer, WrongMode, RuntimeError) as error:
        refuse(str(error))


@app.command("mail-intake")
def mail_intake(
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 2525,
) -> None:
    """Take in bounces and answers by SMTP, for the domain of COUNTERSIGN_MAIL_INTAKE_DOMAIN."""
    import asyncio

    from countersign.adapters.mail_intake import serve_intake
    from countersign.bootstrap import Parts, set_up_logging

    settings = Settings()
    if settings.mail_intake_domain is None:
        refuse("COUNTERSIGN_MAIL_INTAKE_DOMAIN is not set; set it to the domain whose mail comes here.")
    set_up_logging()
    # The database may still be away: mails are then put off, and nothing is lost.
    parts = Parts(settings)
    try:
        asyncio.run(serve_intake(parts.mail_intake, settings.mail_intake_domain, host, port))
    except OSError as error:
        refuse(f"--port: cannot listen on {host}, port {port} ({error.strerror}); choose another.")


@app.command("migrate")
def migrate_() -> None:
    """Bring the database to the present schema; running it again changes nothing."""
    opened().database.close()
    typer.echo("The database is at the present schema.", err=True)


@app.command()
def doctor(
    as_json: AsJson = False,
    port: Annotated[int, typer.Option(min=1, max=65530)] = 8080,
) -> None:
    """Say what is missing, with the remedy; exit 1 when something is."""
    from countersign.adapters.doctor import examine
    from countersign.embedded import ports_of

    years = {entry.year for entry in load_shipped_calendar().years}
    checks = examine(
        data_dir=Settings().data_dir, ports=ports_of(port), calendar_published=years.__contains__
    )
    if as_json:
        show([{"name": c.name, "ok": c.ok, "detail": c.detail, "remedy": c.remedy} for c in checks])
    else:
        for check in checks:
            typer.echo(f"{'ok  ' if check.ok else 'FIX '} {check.name}: {check.detail}")
            if check.remedy:
                typer.echo(f"     {check.remedy}")
    raise typer.Exit(0 if all(c.ok for c in checks) else 1)


@token_app.command("create")
def token_create(
    role: Annotated[Role, typer.Option(help="Whose token.")],
    branch: Annotated[
        str | None, typer.Option(help="Name of the branch; without it the whole company.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API token; it is shown this once."""
    from countersign.adapters.database.tokens import Tokens
    from countersign.adapters.real_clock import utc_now

    try:
        token = Tokens(opened().database, utc_now).create(role, branch)
    except LookupError as error:
        refuse(str(error))
    if as_json:
        show({"token": token})
    else:
        typer.echo(token)


@account_app.command("create")
def account_create(
    login: Annotated[str, typer.Option(help="What the person types to sign in.")],
    name: Annotated[str, typer.Option(help="The person's name, as others see it.")],
    role: Annotated[Role, typer.Option(help="What the person may do.")],
    branch: Annotated[
        str | None, typer.Option(help="Name of the branch; without it the whole company.")
    ] = None,
    number: Annotated[
        str | None, typer.Option(help="Employee number; managers and employees need one.")
    ] = None,
    language: Annotated[Language, typer.Option(help="Language of the pages.")] = Language.ZH_CN,
    as_json: AsJson = False,
) -> None:
    """Make an account for the console; prints a link that signs it in once, within three days."""
    from countersign.adapters.database.accounts import AccountFault

    parts = opened()
    try:
        account = parts.accounts.create(
            login,
            name,
            role,
            created_by="command line",
            branch=branch,
            number=number,
            language=language.value,
            edits_templates=role is Role.SYSTEM_ADMINISTRATOR,
        )
    except AccountFault as fault:
        refuse(f"--{fault}")
    _show_sign_in(parts, account, as_json)


@account_app.command("sign-in")
def account_sign_in(
    login: Annotated[str, typer.Argument(help="Login of an account.")], as_json: AsJson = False
) -> None:
    """Print a link that signs an account in once, within three days, for whoever lost the password."""
    parts = opened()
    account = parts.accounts.by_login(login)
    if account is None:
        refuse(f"LOGIN: no open account is called {login!r}")
    _show_sign_in(parts, account, as_json)


def _show_sign_in(parts: "Parts", account_id: str, as_json: bool) -> None:
    from countersign.adapters.database.accounts import ONE_TIME_LASTS

    # Without another way in, whoever comes by the link sets a password first.
    alone = parts.settings.oidc_issuer is None
    code = parts.accounts.new_one_time(account_id, ONE_TIME_LASTS, then_password=alone)
    link = f"{parts.settings.public_base_url}/console/one-time/{code}"
    if as_json:
        show({"account": account_id, "sign_in": link})
    else:
        typer.echo(link)


@alerts_app.callback()
def _alerts() -> None:
    """Keep `alerts` a group of commands, although it has one."""


@alerts_app.command("test")
def alerts_test(as_json: AsJson = False) -> None:
    """Send one test message to every target of the settings; exit 1 when one did not take it."""
    import asyncio

    from countersign.bootstrap import Parts

    try:
        teller = Parts(Settings()).alerts
    except ValueError as error:
        refuse(str(error))
    if not teller.has_targets:
        refuse("COUNTERSIGN_ALERT_URLS: no target is set; name at least one there or in the file of …_FILE")
    answers = asyncio.run(teller.test())
    if as_json:
        show([{"target": name, "taken": answer.taken, "answer": answer.words} for name, answer in answers])
    else:
        for name, answer in answers:
            typer.echo(f"{name} {answer.words}")
    raise typer.Exit(0 if all(answer.taken for _, answer in answers) else 1)


@app.command("import")
def import_(
    kind: Annotated[
        str,
        typer.Argument(help="employees, leavers, documents, customers, assets, calendar or courier."),
    ],
    file: Annotated[Path, typer.Argument(help="An .xlsx or .csv file; with --template the file to write.")],
    dry_run: Annotated[bool, typer.Option(help="Check everything, change nothing.")] = False,
    accept_good_rows: Annotated[bool, typer.Option(help="Apply the rows without faults.")] = False,
    template: Annotated[bool, typer.Option(help="Write an empty file with the headers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import a file: every fault is named by row and column; one faulty row applies nothing."""
    from countersign.imports import IMPORTS, import_file

    if kind not in IMPORTS:
        refuse(f"KIND: {kind!r} cannot be imported; known: {', '.join(IMPORTS)}")
    if template:
        if file.suffix.lower() != ".xlsx":
            refuse(f"{file.name}: a template is a workbook; choose a name that ends with .xlsx")
        if file.exists():
            refuse(f"{file.name}: is there already; choose another name")
        try:
            file.write_bytes(IMPORTS[kind].template())
        except OSError as error:
            refuse(f"{file}: cannot be written ({error.strerror}); check the path")
        typer.echo(f"{file}: written", err=True)
        return
    try:
        result = import_file(opened(), kind, file, dry_run=dry_run, accept_good_rows=accept_good_rows)
    except (InputError, ValueError) as error:
        refuse(str(error))
    except OSError as error:
        refuse(f"{file}: cannot be read ({error.strerror}); check the path")
    show(result)
    raise typer.Exit(BAD_INPUT if result["rejected"] else 0)


@app.command()
def plan(case: CaseFile, as_json: AsJson = False) -> None:
    """Dry run of a ladder: dates, channels, warnings."""
    try:
        read = parse_plan_case(read_text(case), case.name, _stored_policy)
        show(plan_to_json(plan_ladder(read.policy, _calendar(), read.start, read.reach)))
    except InputError as error:
        refuse(str(error))
    except ValueError as error:
        refuse(f"{case.name}: {error}")


@app.command()
def calc(
    kind: Annotated[str, typer.Argument(help="Which calculator; an unknown name lists them.")],
    case: CaseFile,
    explain: Annotated[
        Language | None, typer.Option(help="Print sentences in this language instead of JSON.")
    ] = None,
    frozen: Annotated[
        Path | None, typer.Option(help="Also write inputs, table versions and result under one hash.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run a calculator on a case file."""
    from countersign.domain.calculators.explained import explanation
    from countersign.domain.calculators.frozen import freeze
    from countersign.domain.calculators.kinds import calculate

    try:
        inputs, calendar = load_text(read_text(case), case.name), _calendar()
        result = calculate(kind, inputs, case.name, calendar)
    except InputError as error:
        refuse(str(error))
    if frozen is not None:
        write_text(
            frozen, json.dumps(freeze(kind, inputs, result, calendar).to_json(), ensure_ascii=False, indent=2)
        )
    if explain is None:
        show(result)
    else:
        typer.echo("\n".join(explanation(result, explain)))


@app.command("calc-diff")
def calc_diff(
    before: Annotated[Path, typer.Argument(help="A run written by `calc --frozen`.")],
    after: Annotated[Path, typer.Argument(help="A later one of the same kind.")],
    explain: Annotated[
        Language | None, typer.Option(help="Print sentences in this language instead of JSON.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say how two frozen calculations differ, after checking the hash of each."""
    from countersign.domain.calculators.frozen import differences, read_run

    try:
        old, new = (read_run(load_text(read_text(file), file.name), file.name) for file in (before, after))
        changes = differences(old, new)
    except ValueError as error:
        refuse(str(error))
    if explain is None:
        show([{"place": one.place, "before": one.before, "after": one.after} for one in changes])
    else:
        typer.echo("\n".join(one.in_words(explain) for one in changes))


@evidence_app.command("export")
def evidence_export(
    case_id: Annotated[str, typer.Argument(help="The case's ULID.")],
    out: Annotated[Path, typer.Option("--out", help="The ZIP to write.")],
    redact: Annotated[bool, typer.Option(help="Leave every personal value out.")] = False,
    language: Annotated[Language, typer.Option(help="The language of timeline.pdf.")] = Language.ZH_CN,
) -> None:
    """Write a case's evidence bundle, signed, and stamped where an authority is set."""
    from countersign.adapters.database.scope import Scope
    from countersign.adapters.signing import SigningFault

    try:
        made = opened().exporter.export(Scope(), case_id, _OPERATOR, redact=redact, language=language.value)
    except SigningFault as fault:
        refuse(str(fault))
    if made is None:
        refuse(f"CASE_ID: there is no case {case_id!r}; see `GET /api/v1/cases`")
    out.write_bytes(made.data)
    show({"file": str(out), "bytes": len(made.data), "notes": list(made.notes)})


@evidence_app.command("verify")
def evidence_verify(
    file: Annotated[Path, typer.Argument(help="A bundle.")],
    replay: Annotated[
        bool, typer.Option("--replay", help="Also replay the histories and compare their outcomes.")
    ] = False,
    ca: Annotated[
        Path | None, typer.Option("--ca", help="PEM file: whose signatures and timestamps count.")
    ] = None,
    anchors: Annotated[
        Path | None, typer.Option("--anchors", help="An anchor file that was kept elsewhere.")
    ] = None,
) -> None:
    """Check a bundle offline: exit 0 and a summary, or exit 1 and the first broken link."""
    from countersign.adapters.signing import SigningFault, read_certificates
    from countersign.adapters.verifying import verify
    from countersign.domain.anchors import AnchorFault, read_anchor_file

    try:
        data = file.read_bytes()
        roots = None if ca is None else read_certificates(ca)
        kept = None if anchors is None else read_anchor_file(anchors.read_bytes())
    except OSError as error:
        refuse(f"{error.filename}: cannot be read ({error.strerror}); check the path")
    except SigningFault as fault:
        refuse(f"--ca: {fault}")
    except AnchorFault as fault:
        refuse(f"--anchors: {anchors}: {fault}; compare it with another copy")
    verdict = verify(data, roots, kept, with_replay=replay)
    report = verdict.report
    if verdict.broken is not None:
        typer.echo(f"BROKEN: {verdict.broken}")
        raise typer.Exit(1)
    show(
        {
            "ok": True,
            "case": report.case,
            "length": report.length,
            "head": report.head,
            "disclosed": report.disclosed_count,
            "sealed": report.sealed_count,
            "linked": sorted(report.linked),
            "outside_witness": verdict.outside,
            "witnesses": verdict.witnesses,
            "notes": verdict.notes,
        }
    )


@evidence_app.command("anchor")
def evidence_anchor() -> None:
    """Anchor now what has grown since the last anchor; the running stack does it by itself."""
    parts = opened()
    show({"anchored": parts.anchoring.run(), "file": str(parts.settings.anchors)})


@evidence_app.command("erase")
def evidence_erase(
    case_id: Annotated[str, typer.Argument(help="The ULID of a closed case.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it is kept in the chain, sealed.")],
) -> None:
    """Delete a closed case's personal values for good; the chain verifies as before."""
    from dataclasses import asdict

    from countersign.adapters.database.erasure import CannotErase

    if not reason.strip():
        refuse("--reason: say why, it is kept with the erasure")
    try:
        erased = opened().eraser.erase(case_id, _OPERATOR, reason)
    except LookupError:
        refuse(f"CASE_ID: there is no case {case_id!r}; see `GET /api/v1/cases`")
    except CannotErase as fault:
        refuse(str(fault))
    show({"case": case_id, "erased": asdict(erased)})


@evidence_app.command("clock")
def evidence_clock(
    file: Annotated[Path, typer.Argument(help="A bundle.")],
    explain: Annotated[
        Language | None, typer.Option(help="Print sentences in this language instead of JSON.")
    ] = None,
) -> None:
    """Say who held the ball of a bundle's case, and how long; the whole bundle is checked first."""
    from countersign.adapters.verifying import verify
    from countersign.domain.bundle import EVENTS, read_container
    from countersign.domain.evidence import parse_event
    from countersign.domain.responsibility import NoClock, responsibility
    from countersign.domain.responsibility_words import explain as in_words

    try:
        data = file.read_bytes()
    except OSError as error:
        refuse(f"{file}: cannot be read ({error.strerror}); check the path")
    broken = verify(data).broken
    if broken is not None:
        typer.echo(f"BROKEN: {broken}")
        raise typer.Exit(1)
    lines = read_container(data)[EVENTS].split(b"\n")[:-1]
    try:
        table = responsibility([parse_event(line) for line in lines], _calendar())
    except NoClock as fault:
        refuse(f"{file}: {fault}")
    if explain is None:
        typer.echo(table.to_bytes())
    else:
        typer.echo("\n".join(in_words(table, explain)))


@retention_app.command("due")
def retention_due(as_json: AsJson = False) -> None:
    """List closed cases whose term is over, and what keeps the others."""
    from countersign.domain.retention import keeps_words

    closed = opened().retention.closed()
    rows = [
        {
            "case": one.case_id,
            "kind": one.kind,
            "closed_on": one.closed_on.isoformat(),
            "kept_until": one.kept_until.isoformat(),
            "because": [
                {"code": why.value, **{language.value: keeps_words(why, language) for language in Language}}
                for why in one.keeps
            ],
        }
        for one in closed
    ]
    show(
        {"due": [row for row in rows if not row["because"]], "kept": [row for row in rows if row["because"]]}
    )


@retention_app.command("erase")
def retention_erase(
    older_than_policy: Annotated[
        bool, typer.Option("--older-than-policy", help="The cases that `retention due` lists as due.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Erase; there is no way back.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase the personal values of every case whose term is over; the chains still verify."""
    from dataclasses import asdict

    if not older_than_policy:
        refuse("--older-than-policy: say what to erase; this is the only choice, see `retention due` for it")
    if not yes:
        refuse(
            "--yes: what is erased cannot be brought back; look at `retention due`, then repeat with --yes"
        )
    erased = opened().retention.erase_due(_OPERATOR)
    show({"erased": [{"case": case_id, **asdict(counts)} for case_id, counts in erased.items()]})


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="The archive to write.")]) -> None:
    """Put everything the embedded stack holds into one file; the stack must be stopped."""
    from countersign.embedded import back_up

    _only_files()
    try:
        show(back_up(Settings().data_dir, file))
    except RuntimeError as error:
        refuse(str(error))


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="An archive made by `backup`.")]) -> None:
    """Put a backup back into an empty data directory."""
    from countersign.embedded import bring_back

    _only_files()
    try:
        show(bring_back(Settings().data_dir, file))
    except RuntimeError as error:
        refuse(str(error))


def _only_files() -> None:
    if Settings().database_url is not None:
        refuse(
            "COUNTERSIGN_DATABASE_URL names a database outside the data directory, and archives lack it. Use"
            " that database's own tool (pg_dump, pg_restore) and copy the data directory beside it."
        )


def _calendar() -> Any:
    """Return the calendar with imported years, without making a database where there is none."""
    settings = Settings()
    if settings.database_url is None and not (settings.data_dir / "countersign.db").exists():
        return load_shipped_calendar()
    return opened().calendar()


def _stored_policy(name: str) -> LadderPolicy:
    settings = Settings()
    if settings.database_url is None and not (settings.data_dir / "countersign.db").exists():
        from countersign.adapters.database.migrate import shipped_policies

        bodies = {body["name"]: (process, body) for process, body in shipped_policies()}
        process, body = bodies[name]
        return READERS[process](body, name).ladder
    for row in opened().views.policies():
        if row["name"] == name:
            return READERS[row["process"]](row["body"], name).ladder
    raise KeyError(name)


def main() -> NoReturn:
    """Run a command and leave by `os._exit`: the SDK's threads may otherwise crash a finished process."""
    code = 0
    try:
        app(standalone_mode=True)
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except KeyboardInterrupt:
        code = 130
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "_".join(str(part) for part in first["loc"]) or "setting"
        typer.echo(f"COUNTERSIGN_{name.upper()}: {first['msg'].removeprefix('Value error, ')}", err=True)
        code = BAD_INPUT
    except SettingsError as error:
        typer.echo(f"{error}; it must be JSON", err=True)
        code = BAD_INPUT
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
