"""Check an evidence bundle with the standard library and openssl: python docs/verify_bundle.py FILE.zip."""

import argparse
import base64
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path

CASE = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
NAME = rf"manifest\.(json|sig|tst)|timeline\.pdf|(linked/{CASE}/)?(events|disclosures)\.jsonl"
NAME += r"|(files|history)(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){1,8}"
STATED = ("at", "count", "prev", "root", "seq", "v")
write = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
# A number that the format lacks becomes a string, so that the line, written again, is another.
integer = {"parse_int": lambda digits: int(digits) if abs(int(digits)) < 2**53 else digits}
ascii_keys = {"object_pairs_hook": lambda pairs: {k.encode("ascii").decode(): v for k, v in pairs}}
read = json.JSONDecoder(parse_float=str, parse_constant=str, **integer, **ascii_keys).decode


def _need(holds, sentence):
    if not holds:
        raise ValueError(sentence)


def _rows(name, content, fields):
    _need(content[-1:] in (b"", b"\n"), f"{name}: the last line has no line feed")
    for n, line in enumerate(content.decode().split("\n")[:-1], 1):
        row = read(line)
        _need(write(row) == line and " ".join(sorted(row)) == fields, f"{name}, line {n}: not canonical")
        yield n, f"{name}, line {n}: ", row


def _seals(value, path):
    if isinstance(value, dict) and "sealed" in value:
        _need(re.fullmatch(r'\{"sealed":"[0-9a-f]{64}"\}', write(value)), f"{path}: malformed sealed value")
        yield path, value["sealed"]
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _seals(item, f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}")


def _chain(files, folder=""):
    events, hashes, sealed, opened = [], ["0" * 64], {}, [(0, "")]
    name = folder + "events.jsonl"
    for n, at, event in _rows(name, files[name], "actor at body hash kind prev seq v"):
        time, digest = datetime.fromisoformat(event["at"]), event.pop("hash")
        _need(time.isoformat("T", "milliseconds") == event["at"] and len(event["at"]) == 29, at + "bad time")
        _need(write([event["v"], event["seq"]]) == f"[1,{n}]", at + "v or seq is wrong")
        _need(event["prev"] == hashes[-1], at + "prev is not the hash before it")
        _need(sha256(write(event).encode()).hexdigest() == digest, at + "hash does not match its content")
        _need(event["kind"] == "case.started" if n == 1 else type(event["kind"]) is str, at + "wrong kind")
        for part in ("actor", "body"):
            sealed |= {(n, path): digest for path, digest in _seals({**event[part]}, "/" + part)}
        events.append(event)
        hashes.append(digest)
    name = folder + "disclosures.jsonl"
    for _, at, row in _rows(name, files[name], "path salt seq value"):
        key, salt = (row["seq"], row["path"]), bytes.fromhex(row["salt"])
        _need(type(row["seq"]) is int and key in sealed and key > opened[-1], at + "out of place")
        _need(len(salt) == 16 and salt.hex() == row["salt"], at + "malformed salt")
        _need(sha256(salt + row["value"].encode()).hexdigest() == sealed[key], at + "value was not sealed")
        opened.append(key)
    links = [event["body"] for event in events if event["kind"] == "case.linked"]
    return events[0]["body"]["case"], hashes, links, len(opened) - 1, len(sealed) - len(opened) + 1


def _leaf(case, length, head):
    return sha256(b"\0" + write({"case": case, "head": head, "length": length}).encode()).digest()


def _stated(row, at):
    statement = write({name: row[name] for name in STATED}).encode()
    _need(sha256(statement).hexdigest() == row["hash"] and type(row["at"]) is str, at + "hash is wrong")
    token = row["token"]
    return statement, None if token is None else base64.b64decode(token, validate=True)


def _on_chain(chains, at, case, length, head):
    hashes = chains[case][1]
    _need(0 < length < len(hashes) and hashes[length] == head, f"{at}event {length} of {case} was another")


def _anchors(raw, chains):
    """Check `history/anchors.json` against the chains; return where, statement and token of each anchor."""
    found, done = [], [(0, "")]
    _need(list(read(raw)) == ["anchors"] and write(read(raw)) == raw and read(raw)["anchors"], "anchors.json")
    for row in read(raw)["anchors"]:
        at, leaf = f"anchors.json, anchor {row['seq']}: ", row["leaf"]
        _need(sorted(row) == sorted([*STATED, "hash", "leaf", "path", "token"]), at + "wrong fields")
        counted = write([row["v"], row["seq"], row["count"], leaf["length"]])
        _need(re.fullmatch(r"\[1(,[1-9][0-9]*){3}\]", counted) and len(leaf) == 3, at + "wrong numbers")
        node = _leaf(leaf["case"], leaf["length"], leaf["head"])
        for side, other in row["path"]:
            _need(re.fullmatch("[0-9a-f]{64}", other) and side in ("left", "right"), at + "wrong path")
            pair = (bytes.fromhex(other), node) if side == "left" else (node, bytes.fromhex(other))
            node = sha256(b"\1" + b"".join(pair)).digest()
        _need(node.hex() == row["root"], at + "the path does not lead to the root")
        _on_chain(chains, at, leaf["case"], leaf["length"], leaf["head"])
        done.append((row["seq"], leaf["case"]))
        _need(done[-1] > done[-2], at + "out of order")
        found.append((at, *_stated(row, at)))
    return found


def kept_elsewhere(content, chains):
    """Compare an anchor file with the chains; return how many heads of theirs it names."""
    before, named, fields = "0" * 64, 0, " ".join(sorted([*STATED, "hash", "heads", "token"]))
    for n, at, row in _rows("anchor file", content, fields):
        level = [_leaf(*head) for head in row["heads"]]
        while len(level) > 1:
            pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
            level = [sha256(b"\1" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
        _stated(row, at)
        counted = write([row["v"], row["seq"], row["count"]]) == f"[1,{n},{len(row['heads'])}]"
        _need(level[0].hex() == row["root"] and counted and row["prev"] == before, at + "broken")
        before, ours = row["hash"], [head for head in row["heads"] if head[0] in chains]
        for head in ours:
            _on_chain(chains, at, *head)
        named += len(ours)
    return named


def check(data):
    """Return entries, chains by case, the case and its anchors; raises some error for a broken bundle."""
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(copy := BytesIO(), "w") as new:
        sizes = (info.file_size if info.compress_type == 0 else len(data) for info in old.infolist())
        _need(sum(sizes) < len(data), "container: compressed, or larger inside than outside")
        files = {name: old.read(name) for name in sorted(old.namelist())}
        for name, content in files.items():
            _need(re.fullmatch(NAME, name), f"entry {name!a} has no place in a bundle")
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, 0o100644 << 16
            new.writestr(info, content)
    _need(copy.getvalue() == data, "container: differs from the one that its entries make")
    main, ids = _chain(files), {name.split("/")[1] for name in files if name.startswith("linked/")}
    chains = {case: _chain(files, f"linked/{case}/") for case in ids} | {main[0]: main}
    _need(all(c == chains[c][0] and re.fullmatch(CASE, c) for c in chains) and main[0] not in ids, "case id")
    known, joined = {write([c, n, h]) for c in chains for n, h in enumerate(chains[c][1]) if n}, set()
    for source, body in [(case, body) for case in chains for body in chains[case][2]]:
        here = source == main[0] or body["case"] in chains
        _need(not here or write([body[k] for k in ("case", "length", "head")]) in known, f"link of {source}")
        joined |= {source, body["case"]} if here else set()
    _need(joined >= ids, "linked: a chain is linked by no event")
    anchors = files.get("history/anchors.json")
    anchors = [] if anchors is None else _anchors(anchors.decode(), chains)
    heads = {case: {"length": len(chain[1]) - 1, "head": chain[1][-1]} for case, chain in chains.items()}
    manifest = {"format": "countersign-evidence/1", "case": main[0], **heads.pop(main[0]), "linked": heads}
    manifest["files"] = {n: sha256(files[n]).hexdigest() for n in files if not n.startswith("manifest.")}
    _need(write(manifest).encode() == files["manifest.json"], "manifest.json: not what the entries give")
    return files, chains, main[0], anchors


def verify(data):
    """Return (case, head, disclosed, sealed) of a sound bundle; raises some error for any other."""
    _, chains, case, _ = check(data)
    return case, chains[case][1][-1], *(sum(chain[i] for chain in chains.values()) for i in (3, 4))


def _openssl(folder, *arguments):
    command = ["openssl", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
    return done.returncode == 0, done.stdout


def _stamped(folder, where, token, content, ca):
    """Say who stamped the content and when; whether that is proved."""
    Path(folder, "data").write_bytes(content)
    Path(folder, "token").write_bytes(token)
    readable, text = _openssl(folder, "ts", "-reply", "-in", "token", "-token_in", "-text")
    digits = "".join(re.findall(r"^ +[0-9a-f]{4} - ((?:[0-9a-f]{2}[ -])+)", text, re.M))
    fits = readable and re.sub("[ -]", "", digits) == sha256(content).hexdigest()
    _need(fits and "Hash Algorithm: sha256" in text, f"{where}: is no timestamp of these bytes")
    said = "; ".join(re.findall(r"^(?:Time stamp|TSA): .*", text, re.M))
    if ca is None:
        return f"{where}: {said}. Its authority was not checked: give --ca FILE.", False
    proved, _ = _openssl(folder, "ts", "-verify", "-data", "data", "-in", "token", "-token_in", "-CAfile", ca)
    _need(proved, f"{where}: is not signed under --ca")
    return f"{where}: {said}. Its authority's chain leads to --ca.", True


def _signed(folder, signature, content, ca):
    Path(folder, "signature").write_bytes(signature)
    Path(folder, "content").write_bytes(content)
    check_it = ("cms", "-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "content")
    fits, _ = _openssl(folder, *check_it, "-noverify", "-signer", "signer", "-out", "out")
    _need(fits, "manifest.sig: is no signature of manifest.json")
    _, by = _openssl(folder, "x509", "-in", "signer", "-noout", "-subject", "-fingerprint", "-sha256")
    said = f"manifest.sig: {'; '.join(by.split(chr(10))[:-1])}."
    if ca and _openssl(folder, *check_it, "-CAfile", ca, "-purpose", "any", "-out", "out")[0]:
        return f"{said} Its chain leads to --ca.", True
    return f"{said} No authority vouches for this certificate here (a self-issued one has none).", False


def witnesses(files, chains, anchors, ca=None, kept=None):
    """Return what each witness says, and whether it is out of the installation's reach."""
    manifest, found = files["manifest.json"], []
    with tempfile.TemporaryDirectory() as folder:
        if "manifest.sig" in files:
            found.append(_signed(folder, files["manifest.sig"], manifest, ca))
        if "manifest.tst" in files:
            found.append(_stamped(folder, "manifest.tst", files["manifest.tst"], manifest, ca))
        for where, statement, token in anchors:
            if token is not None:
                found.append(_stamped(folder, where + "token", token, statement, ca))
    if kept is not None:
        count = kept_elsewhere(kept, chains)
        found.append((f"anchor file: {count} of its heads are of these chains, and lie on them.", count > 0))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Check an evidence bundle.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--ca", type=Path, help="PEM file: whose signatures and timestamps count")
    parser.add_argument("--anchors", type=Path, help="an anchor file that was kept elsewhere")
    asked = parser.parse_args()
    try:
        data, ca = asked.file.read_bytes(), asked.ca and str(asked.ca.resolve(strict=True))
        files, chains, _, anchors = check(data)
        found = witnesses(files, chains, anchors, ca, asked.anchors and asked.anchors.read_bytes())
        summary = "case {}, head {}, {} values disclosed, {} sealed".format(*verify(data))
    except Exception as error:
        sys.exit(f"BROKEN: {type(error).__name__}: {error}")
    lines = [f"sound: {summary}.", *(said for said, _ in found)]
    if not any(outside for _, outside in found):
        lines.append("Without an outside witness a wholly new chain is not excluded.")
    sys.stdout.write("\n".join(lines) + "\n")
