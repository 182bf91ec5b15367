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
LEADS = "Its chain leads to --ca."
NOT_PROVED = "Not proved: no valid chain leads to a certificate of --ca, whose file may hold several roots."
# DER of what stands in every signature (RFC 5652): a version, two algorithms, the start of the content types.
ONE, PKCS7 = bytes.fromhex("020101"), bytes.fromhex("06092a864886f70d0107")
SHA256 = bytes.fromhex("300d06096086480165030402010500")
KEYS = {
    bytes.fromhex("300d06092a864886f70d0101010500"): "rsaEncryption",
    bytes.fromhex("300a06082a8648ce3d040302"): "id-ecPublicKey",
}
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
    """Check `history/anchors.json` against the chains; return each anchor: where, statement, token, row."""
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
        found.append((at, *_stated(row, at), row))
    return found


def kept_elsewhere(content, chains, anchors, case):
    """Compare an anchor file with chains and anchors of a bundle; return the newest event of a case in it."""
    before, newest, fields = "0" * 64, 0, " ".join(sorted([*STATED, "hash", "heads", "token"]))
    inside = {row["seq"]: (at, row["hash"]) for at, _, _, row in anchors}
    for n, at, row in _rows("anchor file", content, fields):
        level = [_leaf(*head) for head in row["heads"]]
        while len(level) > 1:
            pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
            level = [sha256(b"\1" + b"".join(pair)).digest() if len(pair) == 2 else pair[0] for pair in pairs]
        _stated(row, at)
        counted = write([row["v"], row["seq"], row["count"]]) == f"[1,{n},{len(row['heads'])}]"
        _need(level[0].hex() == row["root"] and counted and row["prev"] == before, at + "broken")
        where, same = inside.get(n, ("", row["hash"]))
        _need(same == row["hash"], f"{where}is another one than in the anchor file")
        before = row["hash"]
        for head in row["heads"]:
            if head[0] in chains:
                _on_chain(chains, at, *head)
                newest = max(newest, head[1] if head[0] == case else 0)
    return newest


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
    return done.returncode == 0, done.stdout, done.stderr


def _stamped(folder, where, token, content, ca):
    """Say who stamped the content and when; whether that is proved."""
    Path(folder, "data").write_bytes(content)
    Path(folder, "token").write_bytes(token)
    readable, text, _ = _openssl(folder, "ts", "-reply", "-in", "token", "-token_in", "-text")
    digits = "".join(re.findall(r"^ +[0-9a-f]{4} - ((?:[0-9a-f]{2}[ -])+)", text, re.M))
    fits = readable and re.sub("[ -]", "", digits) == sha256(content).hexdigest()
    time = re.search(r"^Time stamp: (\w+ +\d+ [\d:]+)(?:\.\d+)?( \d+ GMT)$", text, re.M)
    _need(fits and time and "Hash Algorithm: sha256" in text, f"{where}: is no timestamp of these bytes")
    said = f"{where}: {'; '.join(re.findall(r'^(?:Time stamp|TSA): .*', text, re.M))}."
    if ca is None:
        return f"{said} Its authority was not checked: give --ca FILE.", False
    at = str(int(datetime.strptime("".join(time.groups()) + "+0000", "%b %d %H:%M:%S %Y GMT%z").timestamp()))
    check_it = ("ts", "-verify", "-data", "data", "-in", "token", "-token_in", "-CAfile", ca, "-attime", at)
    proved, _, why = _openssl(folder, *check_it)
    _need(proved or "certificate verify error" in why, f"{where}: is not signed by its certificate")
    return f"{said} {LEADS if proved else NOT_PROVED}", proved


def _der(tag, content):
    size = len(content)
    digits = b"" if size < 128 else size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 128 | len(digits) if digits else size]) + digits + content


def _parts(content):
    while content:
        long = content[1] & 127 if content[1] & 128 else 0
        start = 2 + long
        end = start + (int.from_bytes(content[2:start], "big") if long else content[1])
        yield content[:end], content[start:end]
        content = content[end:]


def _key_of(signature):
    """Return the kind of key that made a signature; None unless its bytes are those that its parts make."""
    ((_, whole),) = _parts(signature)
    _, (_, tagged) = _parts(whole)
    ((_, data),) = _parts(tagged)
    *_, (_, certificates), (_, infos) = _parts(data)
    ((_, info),) = _parts(infos)
    _, (_, named), _, (algorithm, _), (_, value) = _parts(info)
    certificates = b"".join(_der(48, inner) for _, inner in _parts(certificates))
    signer = ONE + _der(48, b"".join(part for part, _ in _parts(named)))
    info = _der(48, signer + SHA256 + algorithm + _der(4, value))
    made = ONE + _der(49, SHA256) + _der(48, PKCS7 + b"\1") + _der(160, certificates) + _der(49, info)
    same = _der(48, PKCS7 + b"\2" + _der(160, _der(48, made))) == signature
    return KEYS.get(algorithm) if same else None


def _signed(folder, signature, content, ca):
    Path(folder, "signature").write_bytes(signature)
    Path(folder, "content").write_bytes(content)
    check_it = ("cms", "-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "content")
    fits, *_ = _openssl(folder, *check_it, "-noverify", "-signer", "signer", "-out", "out")
    _need(fits, "manifest.sig: is no signature of manifest.json")
    try:
        kind = _key_of(signature)
    except (ValueError, IndexError):
        kind = None
    _need(kind, "manifest.sig: is not written as the format says")
    shown = _openssl(
        folder, "x509", "-in", "signer", "-noout", "-subject", "-issuer", "-fingerprint", "-sha256"
    )
    subject, issuer, mark = shown[1].splitlines()
    text = _openssl(folder, "x509", "-in", "signer", "-noout", "-text")[1]
    _need(f"Public Key Algorithm: {kind}\n" in text, "manifest.sig: is of another kind of key")
    said = f"manifest.sig: {subject}; {mark}."
    if subject.partition("=")[2] == issuer.partition("=")[2]:
        own = ("-check_ss_sig", "-partial_chain", "-no_check_time", "-trusted", "signer", "signer")
        _need(_openssl(folder, "verify", *own)[0], "manifest.sig: its key has not signed its certificate")
        return f"{said} The signer issued this certificate to itself: nobody else vouches for it.", False
    if ca is None:
        return f"{said} {issuer}. Its authority was not checked: give --ca FILE.", False
    only = ("-CAfile", ca, "-no-CApath", "-no-CAstore", "-partial_chain", "-purpose", "any", "-out", "out")
    proved, *_ = _openssl(folder, *check_it, *only)
    return f"{said} {LEADS if proved else NOT_PROVED}", proved


def witnesses(files, chains, case, anchors, ca=None, kept=None):
    """Return what each witness says, and whether it is out of the installation's reach."""
    manifest, found, length = files["manifest.json"], [], len(chains[case][1]) - 1
    with tempfile.TemporaryDirectory() as folder:
        if "manifest.sig" in files:
            found.append(_signed(folder, files["manifest.sig"], manifest, ca))
        if "manifest.tst" in files:
            found.append(_stamped(folder, "manifest.tst", files["manifest.tst"], manifest, ca))
        for where, statement, token, row in anchors:
            leaf = row["leaf"]
            if token is not None:
                said, proved = _stamped(folder, where + "token", token, statement, ca)
                said += f" It reaches to event {leaf['length']} of case {leaf['case']}, and no further."
                found.append((said, proved and leaf["case"] == case))
    if kept is not None:
        newest = kept_elsewhere(kept, chains, anchors, case)
        said = f"vouches for the events up to {newest} of {length}, and for nothing after it."
        found.append((f"anchor file: {said if newest else 'names no head of this case.'}", newest > 0))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Check an evidence bundle.")
    parser.add_argument("file", type=Path)
    parser.add_argument("--ca", type=Path, help="PEM file: whose signatures and timestamps count")
    parser.add_argument("--anchors", type=Path, help="an anchor file that was kept elsewhere")
    asked = parser.parse_args()
    try:
        data, ca = asked.file.read_bytes(), asked.ca and str(asked.ca.resolve(strict=True))
        files, chains, case, anchors = check(data)
        found = witnesses(files, chains, case, anchors, ca, asked.anchors and asked.anchors.read_bytes())
        summary = "case {}, head {}, {} values disclosed, {} sealed".format(*verify(data))
    except Exception as error:
        sys.exit(f"BROKEN: {type(error).__name__}: {error}")
    lines = [f"sound: {summary}.", *(said for said, _ in found)]
    if not any(outside for _, outside in found):
        lines.append("Without an outside witness a wholly new chain is not excluded.")
    sys.stdout.write("\n".join(lines) + "\n")
