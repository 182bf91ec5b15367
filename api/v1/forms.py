"""Forms with a file: a closed set of fields, read only once the caller is known, with their own limit."""

import hashlib
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from api.body_limit import within
from api.errors import Refused
from countersign.adapters.database.acts import StoredFile
from countersign.adapters.uploads import UploadRefused, store_upload
from countersign.bootstrap import Parts

_Model = TypeVar("_Model", bound=BaseModel)
_BESIDE_THE_FILE = 64 * 1024


@dataclass(frozen=True)
class SentFile:
    """A file as it was sent, at most one byte more than is taken."""

    name: str = field(repr=False)
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        """The hash of the bytes as they were sent."""
        return hashlib.sha256(self.data).hexdigest()


async def read_form(request: Request, model: type[_Model], limit: int) -> tuple[_Model, SentFile | None]:
    """Return the fields of a form, and its file of at most `limit` bytes where it has one.

    An empty field counts as left out. Refuses unknown fields, and a body that is no form, in words.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the fields and the file as multipart/form-data."
        )
    sent: SentFile | None = None
    fields: dict[str, Any] = {}
    body = within(request, limit + _BESIDE_THE_FILE)
    async with body.form(max_files=1, max_fields=20, max_part_size=_BESIDE_THE_FILE) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                if name != "file":
                    raise Refused(
                        HTTPStatus.UNPROCESSABLE_ENTITY, "file: send the file in the field file.", "file"
                    )
                sent = SentFile(value.filename or "", await value.read(limit + 1)) if value.size else None
            elif name in fields:
                raise Refused(
                    HTTPStatus.UNPROCESSABLE_ENTITY, f"{name[:40]}: stands twice; send it once.", name[:40]
                )
            elif value.strip():
                fields[name] = value.replace("\r\n", "\n").strip()
    try:
        return model.model_validate(fields), sent
    except ValidationError as error:
        raise RequestValidationError(error.errors()) from None


def keep(parts: Parts, sent: SentFile) -> StoredFile:
    """Clean and store a file among the documents; refuses what is no picture and no PDF in words."""
    try:
        limit = parts.settings.upload_limit_bytes
        return store_upload(sent.data, sent.name, limit, parts.documents)
    except UploadRefused as refusal:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"file: {refusal}", "file") from None


def described(model: type[BaseModel], *, file_needed: bool) -> dict[str, Any]:
    """Return what the API's own documentation says of such a form."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    kinds = schema.pop("$defs", {})
    properties = {
        name: kinds[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        for name, one in schema["properties"].items()
    }
    file = {"type": "string", "format": "binary", "description": "JPEG, PNG or PDF"}
    needed = [*schema.get("required", []), *(["file"] if file_needed else [])]
    form = {
        "type": "object",
        "properties": {**properties, "file": file},
        "required": needed,
        "additionalProperties": False,
    }
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}}}
