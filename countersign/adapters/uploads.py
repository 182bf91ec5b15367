"""Papers that people hand in: judged by their content, cleaned of what hides in them, kept by their SHA-256.

Nothing handed in is kept as it came: pictures are drawn anew without metadata, PDFs are written anew without
scripts, actions, attachments and metadata.
"""

import io
from enum import StrEnum
from typing import Any

import pikepdf
from PIL import Image, ImageOps

from countersign.adapters.database.acts import StoredFile
from countersign.adapters.documents import Documents

MAX_PIXELS = 60_000_000
"""More pixels than any phone's camera; a small file can claim billions and fill the memory."""
_NAME_LENGTH = 120


class UploadFault(StrEnum):
    """Why a file is not taken."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_ACCEPTED = "not_accepted"
    PHONE_FORMAT = "phone_format"
    BROKEN_PICTURE = "broken_picture"
    TOO_MANY_PIXELS = "too_many_pixels"
    BROKEN_PDF = "broken_pdf"
    LOCKED_PDF = "locked_pdf"


_SENTENCES = {
    UploadFault.EMPTY: "The file is empty; choose it again.",
    UploadFault.TOO_LARGE: "The file is too large; send a smaller one.",
    UploadFault.NOT_ACCEPTED: "The file is no JPEG, PNG or PDF; send a photo, a screenshot or a PDF.",
    UploadFault.PHONE_FORMAT: "WebP and HEIC pictures are not taken; send a JPEG or a screenshot.",
    UploadFault.BROKEN_PICTURE: "The picture cannot be read; take it again.",
    UploadFault.TOO_MANY_PIXELS: "The picture has too many pixels; send a smaller one.",
    UploadFault.BROKEN_PDF: "The PDF cannot be read; save it again or send a photo.",
    UploadFault.LOCKED_PDF: "The PDF is protected by a password; save it without one or send a photo.",
}


class UploadRefused(ValueError):
    """A file that is not taken; `fault` says why in a word, the message in a sentence."""

    def __init__(self, fault: UploadFault) -> None:
        self.fault = fault
        super().__init__(_SENTENCES[fault])


def store_upload(data: bytes, name: str, limit: int, documents: Documents) -> StoredFile:
    """Check and clean `data` (at most `limit` bytes) and keep it among the documents.

    `name` is only remembered, never used as a path. Raises `UploadRefused`.
    """
    media_type, clean = cleaned(data, limit)
    return StoredFile(documents.keep(clean), media_type, len(clean), _shown_name(name))


def cleaned(data: bytes, limit: int) -> tuple[str, bytes]:
    """Return media type and clean bytes of a JPEG, PNG or PDF; raises `UploadRefused` for all else."""
    if not data:
        raise UploadRefused(UploadFault.EMPTY)
    if len(data) > limit:
        raise UploadRefused(UploadFault.TOO_LARGE)
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg", _redrawn(data, "JPEG")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png", _redrawn(data, "PNG")
    if data.startswith(b"%PDF-"):
        return "application/pdf", _rewritten(data)
    if _is_webp(data) or _is_heic(data):
        raise UploadRefused(UploadFault.PHONE_FORMAT)
    raise UploadRefused(UploadFault.NOT_ACCEPTED)


def _is_webp(data: bytes) -> bool:
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def _is_heic(data: bytes) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in {
        b"heic",
        b"heix",
        b"hevc",
        b"heim",
        b"heis",
        b"mif1",
        b"avif",
    }


# -- pictures ---------------------------------------------------------------------------------------------


def _redrawn(data: bytes, form: str) -> bytes:
    try:
        with Image.open(io.BytesIO(data), formats=(form,)) as image:
            # Known from the header: refused before a single pixel is unpacked.
            if image.width * image.height > MAX_PIXELS:
                raise UploadRefused(UploadFault.TOO_MANY_PIXELS)
            upright = ImageOps.exif_transpose(image)
            clean = upright.convert("RGB" if form == "JPEG" or not upright.has_transparency_data else "RGBA")
    except UploadRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UploadRefused(UploadFault.TOO_MANY_PIXELS) from None
    except Exception:
        # Decoders meet hostile bytes with whatever exception they please; the person needs one sentence.
        raise UploadRefused(UploadFault.BROKEN_PICTURE) from None
    clean.info = {}
    out = io.BytesIO()
    if form == "JPEG":
        clean.save(out, form, quality=88)
    else:
        clean.save(out, form)
    return out.getvalue()


# -- PDFs -------------------------------------------------------------------------------------------------

_FORBIDDEN_KEYS = frozenset(
    {
        "/JS",
        "/JavaScript",
        "/AA",
        "/OpenAction",
        "/EmbeddedFiles",
        "/EF",
        "/AF",
        "/XFA",
        "/Metadata",
        "/PieceInfo",
        "/RichMediaContent",
        "/RichMediaSettings",
        "/Collection",
    }
)
_FORBIDDEN_NOTES = frozenset({"/FileAttachment", "/RichMedia", "/Screen", "/Movie", "/Sound", "/3D"})


def _rewritten(data: bytes) -> bytes:
    try:
        with pikepdf.Pdf.open(io.BytesIO(data)) as pdf:
            if pdf.is_encrypted:
                raise UploadRefused(UploadFault.LOCKED_PDF)
            if not len(pdf.pages):
                raise UploadRefused(UploadFault.BROKEN_PDF)
            _disarm(pdf)
            out = io.BytesIO()
            pdf.save(out, deterministic_id=True)
            return out.getvalue()
    except UploadRefused:
        raise
    except pikepdf.PasswordError:
        raise UploadRefused(UploadFault.LOCKED_PDF) from None
    except Exception:
        raise UploadRefused(UploadFault.BROKEN_PDF) from None


def _disarm(pdf: pikepdf.Pdf) -> None:
    """Take out everything that acts, hides or tells; what is no longer referred to is not written."""
    if "/Info" in pdf.trailer:
        del pdf.trailer["/Info"]
    for page in pdf.pages:
        notes = page.obj.get("/Annots")
        if isinstance(notes, pikepdf.Array):
            page.obj["/Annots"] = pikepdf.Array([n for n in notes if not _is_forbidden_note(n)])
    for indirect in pdf.objects:
        _strip(indirect)
    for page in pdf.pages:
        page.remove_unreferenced_resources()


def _is_forbidden_note(note: Any) -> bool:
    return isinstance(note, pikepdf.Dictionary) and str(note.get("/Subtype", "")) in _FORBIDDEN_NOTES


def _strip(value: Any) -> None:
    """Strip one indirect object and its direct children; other indirect ones get their own turn."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pikepdf.Array):
            waiting.extend(child for child in one if _is_direct_container(child))
        elif isinstance(one, (pikepdf.Dictionary, pikepdf.Stream)):
            for key in list(one.keys()):
                if key in _FORBIDDEN_KEYS or (key == "/A" and _is_action(one[key])):
                    del one[key]
                elif _is_direct_container(one[key]):
                    waiting.append(one[key])


def _is_action(value: Any) -> bool:
    return isinstance(value, pikepdf.Dictionary) and "/S" in value


def _is_direct_container(value: Any) -> bool:
    return isinstance(value, (pikepdf.Array, pikepdf.Dictionary)) and not value.is_indirect


def _shown_name(name: str) -> str:
    """Return the last part of a file's name without control characters, cut to a decent length."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[-_NAME_LENGTH:]
