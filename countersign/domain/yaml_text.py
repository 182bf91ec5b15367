"""Text that people write: YAML or JSON, read without YAML's surprises.

Plain YAML turns `18:00` into 1080, `off` into false, `2026-02-13` into a date object and `0.05` into a
binary float. Here only `null`, `true`, `false` and decimal whole numbers have a type; everything else
stays the text that stands in the file, and whoever needs a date, a time or an amount parses it exactly.
"""

import json
import re
from typing import Any

import yaml

_WHOLE_NUMBER = re.compile(r"^-?(?:0|[1-9][0-9]{0,17})$")
_YAML = "tag:yaml.org,2002:"


class InputError(ValueError):
    """Something a person handed in is refused; the text is one sentence naming source and place.

    `field` is that place alone, where it is known.
    """

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


def load_text(text: str, source: str) -> Any:
    """Read YAML or JSON into dicts, lists, text, whole numbers, booleans and None.

    `source` is the file name for messages. Whole numbers of more than 18 digits stay text, as do numbers
    with a leading zero or plus sign (`007`, `+8613800138000`). Raises `InputError` for broken syntax,
    duplicate keys, keys that are neither text nor whole numbers, and tags of other types.
    """
    content = text.removeprefix("\ufeff")
    try:
        if source.lower().endswith(".json"):
            return _from_json(content, source)
        if content.lstrip().startswith(("{", "[")):
            try:
                return _from_json(content, source)
            except json.JSONDecodeError:
                # A YAML flow mapping opens with the same character.
                return _from_yaml(content)
        return _from_yaml(content)
    except json.JSONDecodeError as error:
        raise InputError(f"{source}, line {error.lineno}: not valid JSON ({error.msg})") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f", line {mark.line + 1}" if mark else ""
        raise InputError(f"{source}{place}: not valid YAML ({error.problem})") from None
    except yaml.YAMLError:
        raise InputError(f"{source}: holds characters that no text file has; save it as UTF-8") from None
    except RecursionError:
        raise InputError(f"{source}: is nested too deeply") from None
    except (ValueError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        # PyYAML lets chr() fail bare on an escape beyond Unicode.
        raise InputError(f"{source}: holds an escape sequence that stands for no character") from None


def shown(value: object) -> str:
    """Quote what somebody wrote for a one-line message: at most 40 characters, always printable."""
    text = value if isinstance(value, str) else str(value)
    short = text if len(text) <= 40 else f"{text[:39]}…"
    return json.dumps(short, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")


def written(value: object) -> str:
    """Write plain values as YAML that `load_text` reads back, with short lists and mappings on one line."""
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)


def _from_json(text: str, source: str) -> Any:
    def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in pairs:
            if key in result:
                raise InputError(f"{source}: key {shown(key)} stands twice; keep one of them")
            result[key] = value
        return result

    return json.loads(
        text,
        object_pairs_hook=without_duplicates,
        parse_int=lambda digits: int(digits) if _WHOLE_NUMBER.match(digits) else digits,
        parse_float=str,
        parse_constant=str,
    )


def _from_yaml(text: str) -> Any:
    # _PlainLoader is a SafeLoader with fewer types.
    return yaml.load(text, Loader=_PlainLoader)  # noqa: S506


class _PlainLoader(yaml.SafeLoader):
    """A safe loader that starts with no types at all; the few it has are added at the end."""


_PlainLoader.yaml_implicit_resolvers = {}
_PlainLoader.yaml_constructors = {}


def _refusal(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


def _mapping(loader: _PlainLoader, node: yaml.Node) -> dict[Any, Any]:
    if not isinstance(node, yaml.MappingNode):
        raise _refusal("expected a mapping of keys to values", node)
    result: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int) or isinstance(key, bool):
            raise _refusal("a key must be text; put it in quotes", key_node)
        if key in result:
            raise _refusal(f"key {shown(key)} stands twice; keep one of them", key_node)
        result[key] = loader.construct_object(value_node, deep=True)
    return result


def _sequence(loader: _PlainLoader, node: yaml.Node) -> list[Any]:
    if not isinstance(node, yaml.SequenceNode):
        raise _refusal("expected a list", node)
    return [loader.construct_object(item, deep=True) for item in node.value]


def _text(loader: _PlainLoader, node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise _refusal("expected text", node)
    return str(loader.construct_scalar(node))


def _null(loader: _PlainLoader, node: yaml.Node) -> None:
    _text(loader, node)


def _boolean(loader: _PlainLoader, node: yaml.Node) -> bool:
    text = _text(loader, node).lower()
    if text not in ("true", "false"):
        raise _refusal(f"{shown(text)} is neither true nor false", node)
    return text == "true"


def _whole_number(loader: _PlainLoader, node: yaml.Node) -> int:
    text = _text(loader, node)
    if not _WHOLE_NUMBER.match(text):
        raise _refusal(f"{shown(text)} is not a whole number", node)
    return int(text)


def _other_type(loader: _PlainLoader, node: yaml.Node) -> None:
    raise _refusal(f"values of type {shown(node.tag.removeprefix(_YAML))} are not taken; write text", node)


_PlainLoader.add_implicit_resolver(
    f"{_YAML}null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]
)
_PlainLoader.add_implicit_resolver(
    f"{_YAML}bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_PlainLoader.add_implicit_resolver(f"{_YAML}int", _WHOLE_NUMBER, list("-0123456789"))
_PlainLoader.add_constructor(f"{_YAML}map", _mapping)
_PlainLoader.add_constructor(f"{_YAML}seq", _sequence)
_PlainLoader.add_constructor(f"{_YAML}str", _text)
_PlainLoader.add_constructor(f"{_YAML}null", _null)
_PlainLoader.add_constructor(f"{_YAML}bool", _boolean)
_PlainLoader.add_constructor(f"{_YAML}int", _whole_number)
_PlainLoader.add_constructor(None, _other_type)
