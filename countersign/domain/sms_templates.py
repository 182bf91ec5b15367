"""Texts that an SMS provider has approved: how an installation declares them, and how they become a message.

The file is YAML, laid out like the folder of the notices: process, notice, language.

    leave_return:
      first_notice:
        zh-CN:
          code: SMS_154950909
          text: ${employee}您好，请在${portal}输入回执码${code}查看返岗通知书并答复。

The provider fills the variables itself and puts the signature before the text. We do the same here, because
the evidence must hold the words that the person gets.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, StrictStr

from countersign.domain.destinations import Capability, SmsProvider
from countersign.domain.input_models import InputModel, read_input
from countersign.domain.yaml_text import InputError, load_text, shown

PARAMETERS = (
    "company",
    "branch",
    "employee",
    "number",
    "recipient",
    "starts_on",
    "ends_on",
    "return_day",
    "leaver",
    "last_day",
    "answer_by",
    "contact_name",
    "contact_phone",
    "contact_email",
    "portal",
    "title",
    "code",
)
"""The variables of a notice that a registered text may use; `code` is the code of the delivery."""

PARAMETER_LIMIT = 35
"""Characters of one value; 阿里云, "API错误码", isv.PARAM_LENGTH_LIMIT."""

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_CODE = re.compile(r"SMS_[0-9]+")
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)


@dataclass(frozen=True)
class RegisteredTemplate:
    """What the provider is told: the code of the approved text, and the values of its variables in order."""

    code: str
    parameters: tuple[tuple[str, str], ...] = field(repr=False)


@dataclass(frozen=True)
class RegisteredText:
    """An approved text: `code` is the provider's, `text` holds `${name}` and no signature."""

    place: str
    language: str
    code: str
    text: str

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the variables, each once, in the order of the text."""
        return tuple(dict.fromkeys(_PLACEHOLDER.findall(self.text)))


@dataclass(frozen=True)
class FilledText:
    """A finished message: `text` as the person reads it, signature included, and what the provider gets."""

    text: str = field(repr=False)
    template: RegisteredTemplate | None


@dataclass(frozen=True)
class TemplateGap:
    """A registered text that is missing. `blocks`: the call is impossible without it, not merely filtered."""

    sentence: str
    blocks: bool


class TemplateRefused(ValueError):
    """A registered text cannot be filled for this message; the sentence names the place and the variable."""


@dataclass(frozen=True)
class RegisteredTexts:
    """All approved texts of an installation."""

    texts: Mapping[tuple[str, str, str], RegisteredText] = field(default_factory=dict)

    def find(self, process: str, names: Sequence[str], language: str) -> RegisteredText | None:
        """Return the text of the first of `names` (best first) that has one in `language`."""
        found = (self.texts.get((process, name, language)) for name in names)
        return next((text for text in found if text is not None), None)


def _template_code(value: str) -> str:
    if not _CODE.fullmatch(value):
        raise ValueError(f"is {shown(value)}; write the provider's code, like SMS_154950909")
    return value


def _template_text(value: str) -> str:
    text = " ".join(value.split())
    names = _PLACEHOLDER.findall(text)
    for name in names:
        if name not in PARAMETERS:
            raise ValueError(f"uses the unknown variable {shown(name)}; known: {', '.join(PARAMETERS)}")
    if "code" not in names:
        raise ValueError("has no ${code}; without it nobody can answer, so register the text with it")
    if "【" in text or "】" in text:
        raise ValueError("holds 【 or 】; leave the signature out, the provider puts it before the text")
    return text


class _Entry(InputModel):
    code: Annotated[StrictStr, AfterValidator(_template_code)]
    text: Annotated[StrictStr, AfterValidator(_template_text)]


def registered_texts(content: str, source: str) -> RegisteredTexts:
    """Read the file of approved texts; `source` is its name for messages.

    Raises `InputError` with one sentence that names the file, the place and the remedy.
    """
    texts: dict[tuple[str, str, str], RegisteredText] = {}
    for process, notices in _mapping(load_text(content, source), source, "").items():
        for notice, languages in _mapping(notices, source, process).items():
            for language, entry in _mapping(languages, source, f"{process}.{notice}").items():
                place = f"{process}.{notice}.{language}"
                read = read_input(_Entry, entry, source, place)
                texts[process, notice, language] = RegisteredText(place, language, read.code, read.text)
    return RegisteredTexts(texts)


def _mapping(value: Any, source: str, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{source}: {place or 'the file'} must be a mapping: process, notice, language")
    for key in value:
        if not isinstance(key, str):
            raise InputError(f"{source}: {place or 'the file'} holds the key {shown(key)}; put it in quotes")
    return value


def fill(registered: RegisteredText, variables: Mapping[str, Any], signature: str | None) -> FilledText:
    """Put the values of one message into an approved text.

    `variables` are those of a notice, with `code`, `portal`, `title` and the mapping `contact`; dates are
    written as in the other short texts. `signature` is the approved one without brackets, None where the
    text stands alone. Raises `TemplateRefused` for a value that is missing, too long or a link.
    """
    values = [(name, _value(registered, name, variables)) for name in registered.parameters]
    by_name = dict(values)
    body = _PLACEHOLDER.sub(lambda found: by_name[found[1]], registered.text)
    text = f"【{signature}】{body}" if signature else body
    return FilledText(text, RegisteredTemplate(registered.code, tuple(values)))


def _value(registered: RegisteredText, name: str, variables: Mapping[str, Any]) -> str:
    where = f"registered SMS text {registered.place}: ${{{name}}}"
    group, _, detail = name.partition("_")
    value = variables["contact"].get(detail) if group == "contact" else variables.get(name)
    said = _said(value, registered.language)
    if not said:
        raise TemplateRefused(f"{where} has no value for this notice; register a text without it")
    if len(said) > PARAMETER_LIMIT:
        raise TemplateRefused(
            f"{where} is {len(said)} characters long, the provider takes {PARAMETER_LIMIT}; shorten it"
        )
    if _LINK.search(said):
        raise TemplateRefused(f"{where} is a link, which the provider refuses; put it into the text itself")
    return said


def _said(value: object, language: str) -> str:
    if isinstance(value, date):
        day = value.isoformat()[:10] if language == "en" else f"{value.month}月{value.day}日"
        if not isinstance(value, datetime):
            return day
        return f"{value:%H:%M} on {day}" if language == "en" else f"{day}{value:%H:%M}"
    return " ".join(str(value).split()) if value is not None else ""


def missing_template(
    step: str, place: str, provider: SmsProvider, capability: Capability, found: RegisteredText | None
) -> TemplateGap | None:
    """Say that `step` needs a registered text which is not there; None when nothing is missing.

    `place` is `process.notice.language`. Where the call itself names the template the gap blocks; elsewhere
    registration happens outside our sight, and an undeclared text is a warning that carriers may filter it.
    """
    if not capability.template_required or found is not None:
        return None
    blocks = provider is SmsProvider.ALIYUN
    problem = "nothing can be sent" if blocks else "carriers may filter the message"
    return TemplateGap(
        f"step {step}: SMS through {provider.value} needs a text registered with the provider, and none is "
        f"declared for {place}, so {problem}; have the text approved and declare it in the file named by "
        "sms_templates_file",
        blocks,
    )
