"""Check an evidence bundle with the standard library alone: python docs/verify_bundle.py FILE.zip."""

import json
import re
import sys
import zipfile
from datetime import datetime
from hashlib import sha256
from io import BytesIO

CASE = "[A-Za-z0-9][A-Za-z0-9_-]{0,63}"
NAME = rf"manifest\.(json|sig|tst)|timeline\.pdf|(linked/{CASE}/)?(events|disclosures)\.jsonl"
NAME += r"|(files|history)(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}){1,8}"
write = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
# A number that the format lacks becomes a string, so that the line, written again, is another.
integer = {"parse_int": lambda digits: int(digits) if abs(int(digits)) < 2**53 else digits}
ascii_keys = {"object_pairs_hook": lambda pairs: {k.encode("ascii").decode(): v for k, v in pairs}}
read = json.JSONDecoder(parse_float=str, parse_constant=str, **integer, **ascii_keys).decode


def _need(holds, sentence):
    if not holds:
        raise ValueError(sentence)


def _rows(files, name, fields):
    _need(files[name][-1:] in (b"", b"\n"), f"{name}: the last line has no line feed")
    for n, line in enumerate(files[name].decode().split("\n")[:-1], 1):
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
    for n, at, event in _rows(files, folder + "events.jsonl", "actor at body hash kind prev seq v"):
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
    for _, at, row in _rows(files, folder + "disclosures.jsonl", "path salt seq value"):
        key, salt = (row["seq"], row["path"]), bytes.fromhex(row["salt"])
        _need(type(row["seq"]) is int and key in sealed and key > opened[-1], at + "out of place")
        _need(len(salt) == 16 and salt.hex() == row["salt"], at + "malformed salt")
        _need(sha256(salt + row["value"].encode()).hexdigest() == sealed[key], at + "value was not sealed")
        opened.append(key)
    links = [event["body"] for event in events if event["kind"] == "case.linked"]
    return events[0]["body"]["case"], hashes, links, len(opened) - 1, len(sealed) - len(opened) + 1


def verify(data):
    """Return (case, head, disclosed, sealed) of a sound bundle; raises some error for any other."""
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
    heads = {case: {"length": len(chain[1]) - 1, "head": chain[1][-1]} for case, chain in chains.items()}
    manifest = {"format": "countersign-evidence/1", "case": main[0], **heads.pop(main[0]), "linked": heads}
    manifest["files"] = {n: sha256(files[n]).hexdigest() for n in files if not n.startswith("manifest.")}
    _need(write(manifest).encode() == files["manifest.json"], "manifest.json: not what the entries give")
    return main[0], main[1][-1], *(sum(chain[i] for chain in chains.values()) for i in (3, 4))


if __name__ == "__main__":
    try:
        with open(sys.argv[1], "rb") as bundle:
            found = "case {}, head {}, {} values disclosed, {} sealed".format(*verify(bundle.read()))
    except Exception as error:
        sys.exit(f"BROKEN: {type(error).__name__}: {error}")
    sys.stdout.write(f"sound: {found}. Without an outside witness a wholly new chain is not excluded.\n")
