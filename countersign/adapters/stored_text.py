"""Texts that were written in a browser: hostile input, so little of the template language is let in.

Two walls stand one behind the other: the syntax tree may hold nothing but variables, a few filters and
conditions, and what runs is run by jinja2's sandbox, up to a size. Without loops, macros, arithmetic and
calls a text takes no longer than it is long.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from countersign.domain.date_words import DATE_FILTERS
from countersign.domain.texts import CONTACT_PARTS

LONGEST_SOURCE: Final = 10_000
"""Characters of a text as it is written."""
LARGEST_OUTPUT: Final = 20 * 1024
"""Bytes of a finished text beyond the values that it was given."""

_WORD_FILTERS = frozenset({"default", "upper", "lower", "trim"})
FILTERS: Final = frozenset(DATE_FILTERS) | _WORD_FILTERS
_TESTS = frozenset({"none", "defined"})
_DATES = frozenset(
    {
        "answer_by",
        "starts_on",
        "ends_on",
        "return_day",
        "e_delivery_consent_on",
        "consent_signed_on",
        "last_day",
        "noticed_on",
        "ended_on",
        "transfer_by",
    }
)
_DATE_FORM = re.compile(r"(?:%[YmdHMBbAa]|[^%])*", re.DOTALL)
_NO_CALLS = "nothing can be called in texts except .get(…), .strftime(…) and .isoformat()"
_PLAIN = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Const,
    nodes.If,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Dict,
    nodes.Pair,
    nodes.Concat,
    nodes.Keyword,
)
_NAMED = {
    nodes.For: "for",
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.Block: "block",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from",
    nodes.Extends: "extends",
    nodes.Assign: "set",
    nodes.AssignBlock: "set",
    nodes.FilterBlock: "filter",
    nodes.With: "with",
}


class StoredTextFault(ValueError):
    """A text that cannot be written; `line` counts from 1 and is None when no line is to blame."""

    def __init__(self, sentence: str, line: int | None = None) -> None:
        super().__init__(sentence)
        self.line = line


@dataclass(frozen=True)
class Fault:
    """What is wrong with a text, in one sentence that says what to do."""

    line: int | None
    sentence: str


class _Empty(Exception):
    """A value that is not there would have been printed."""


def _never_empty(value: Any) -> Any:
    if value is None:
        raise _Empty
    return value


def _environment(finalize: Any) -> ImmutableSandboxedEnvironment:
    env = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,  # plain text for SMS, mail and paper; pages escape it again
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )
    env.filters = {**{name: env.filters[name] for name in _WORD_FILTERS}, **DATE_FILTERS}
    env.globals = {}
    return env


_SENDING = _environment(lambda value: "" if value is None else value)
_CHECKING = _environment(_never_empty)


def render(source: str, variables: Mapping[str, Any], *, checking: bool = False) -> str:
    """Return the finished text; raises `StoredTextFault`.

    While it is being checked, a value that is not there must not be printed; what is sent leaves it out.
    """
    template = _compiled(source, checking)
    limit = LARGEST_OUTPUT + sum(_size(value) for value in variables.values() if isinstance(value, str))
    parts: list[str] = []
    try:
        for part in template.generate(variables):
            parts.append(part)
            limit -= _size(part)
            if limit < 0:
                raise StoredTextFault(f"the finished text is larger than {LARGEST_OUTPUT} bytes; shorten it")
    except StoredTextFault:
        raise
    except UndefinedError as error:
        raise StoredTextFault(f"{error.message}; use a variable that exists", _line(error)) from None
    except _Empty as error:
        raise StoredTextFault("a value that can be empty is printed here", _line(error)) from None
    except SecurityError as error:
        raise StoredTextFault("this is not available in texts", _line(error)) from None
    except Exception as error:
        # What filters and comparisons raise for a value that they were not made for.
        raise StoredTextFault("the value does not fit what is done with it here", _line(error)) from None
    return "".join(parts)


@lru_cache(maxsize=512)
def _compiled(source: str, checking: bool) -> Template:
    found = faults_of(source)
    if found:
        raise StoredTextFault(found[0].sentence, found[0].line)
    return (_CHECKING if checking else _SENDING).from_string(source)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def _line(error: BaseException) -> int | None:
    """Return the line of the text at which an error arose."""
    trace, line = error.__traceback__, None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


# -- what may stand in a text -----------------------------------------------------------------------------


def faults_of(source: str) -> list[Fault]:
    """Return what no text may hold, whatever its variables are, in the order of the lines."""
    if len(source) > LONGEST_SOURCE:
        return [Fault(None, f"the text has more than {LONGEST_SOURCE} characters; shorten it")]
    hidden = [
        Fault(number, "there is an invisible control character here; take it out")
        for number, line in enumerate(source.split("\n"), 1)
        if any(unicodedata.category(one) in {"Cc", "Cs"} for one in line.replace("\t", " "))
    ]
    if hidden:
        return hidden
    try:
        tree = _SENDING.parse(source)
        found = list(_forbidden(tree))
        if not found:
            _SENDING.compile(tree)
    except TemplateSyntaxError as error:
        return [Fault(error.lineno, f"cannot be read here: {error.message}")]
    except (RecursionError, MemoryError, SyntaxError, ValueError):
        return [Fault(None, "the conditions are nested too deeply; write the text more simply")]
    return sorted(set(found), key=lambda fault: (fault.line or 0, fault.sentence))


def unknown_in(source: str, allowed: Collection[str], passed: Collection[str]) -> list[Fault]:
    """Return the variables that a text may not use; `passed` exist, but not for the readers of this one."""
    found = {}
    for name in _SENDING.parse(source).find_all(nodes.Name):
        if name.name in allowed:
            continue
        if name.name in passed:
            told = f"{name.name} is not for whoever reads this text; take it out"
        else:
            near = difflib.get_close_matches(name.name, sorted(allowed), 1)
            hint = f"did you mean {near[0]}?" if near else "choose one of the list"
            told = f"there is no variable {name.name[:40]}; {hint}"
        found[(name.lineno, told)] = Fault(name.lineno, told)
    return [found[place] for place in sorted(found)]


def used_in(source: str) -> frozenset[str]:
    """Return the names of the variables in a text that can be read."""
    return frozenset(name.name for name in _SENDING.parse(source).find_all(nodes.Name))


def _forbidden(node: nodes.Node) -> Iterator[Fault]:
    told = _why_not(node)
    if told is not None:
        yield Fault(node.lineno, told)
        return
    if isinstance(node, nodes.Call):
        # Its function is no value of its own: `_why_not` has looked at it.
        inside: list[nodes.Node] = [node.node.node] if isinstance(node.node, nodes.Getattr) else []
        inside += node.args
    else:
        inside = list(node.iter_child_nodes())
    for child in inside:
        yield from _forbidden(child)


def _why_not(node: nodes.Node) -> str | None:
    """Say why a part of a text is not let in; None when it is."""
    if isinstance(node, nodes.Name):
        return "names that begin with _ are not available in texts" if node.name.startswith("_") else None
    if isinstance(node, nodes.Filter):
        known = ", ".join(sorted(FILTERS))
        return None if node.name in FILTERS else f"there is no filter {node.name[:40]}; known: {known}"
    if isinstance(node, nodes.Test):
        return None if node.name in _TESTS else f'"is {node.name[:40]}" is not available in texts'
    if isinstance(node, nodes.Call):
        return None if _is_known_call(node) else _NO_CALLS
    if isinstance(node, nodes.Getattr):
        return (
            None
            if _is_contact(node.node, node.attr)
            else f"nothing like .{node.attr[:40]} is available in texts"
        )
    if isinstance(node, nodes.Getitem):
        return None if _is_known_item(node) else "only contact[…] and first or last characters can be taken"
    if isinstance(node, nodes.Slice | nodes.Neg):
        return None
    if isinstance(node, _PLAIN):
        return None
    word = next((word for kind, word in _NAMED.items() if isinstance(node, kind)), None)
    if word is not None:
        return f"{{% {word} %}} is not available in texts; use {{{{ … }}}} and {{% if … %}} only"
    return "arithmetic and lists are not available in texts; use variables and {% if … %} only"


def _is_contact(node: nodes.Node, part: object) -> bool:
    return isinstance(node, nodes.Name) and node.name == "contact" and part in CONTACT_PARTS


def _is_known_item(node: nodes.Getitem) -> bool:
    if isinstance(node.arg, nodes.Const):
        return _is_contact(node.node, node.arg.value)
    return isinstance(node.node, nodes.Name) and isinstance(node.arg, nodes.Slice)


def _is_known_call(node: nodes.Call) -> bool:
    if node.kwargs or node.dyn_args or node.dyn_kwargs or not isinstance(node.node, nodes.Getattr):
        return False
    owner, name = node.node.node, node.node.attr
    if name == "get":
        return isinstance(owner, nodes.Dict) and len(node.args) in {1, 2}
    if not isinstance(owner, nodes.Name) or owner.name not in _DATES:
        return False
    if name == "isoformat":
        return not node.args
    form = node.args[0] if len(node.args) == 1 else None
    return (
        name == "strftime"
        and isinstance(form, nodes.Const)
        and isinstance(form.value, str)
        and _DATE_FORM.fullmatch(form.value) is not None
    )
