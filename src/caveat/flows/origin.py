"""Whose model this is, before a token is written: from a file's header, the card beside it, or a name at an address.

What the catalogue knows it is asked for; what nobody knows stays unknown and is said to be. `named` is the asker's own
word for it, kept as declared.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from caveat.errors import EvidenceError, QuestionError, SettingsError
from caveat.evidence import gather
from caveat.evidence.catalogue.names import fold, without_suffix
from caveat.evidence.hub_cache import repo_of_folder
from caveat.evidence.names import NameBook
from caveat.evidence.services import dated
from caveat.flows.asking import answered, names
from caveat.law.words import ACTS
from caveat.lineage.claims import AssetClaim, Claim, Evidence, LicenceClaim, Place, StepClaim
from caveat.runtime.origin import Origin, address, host_of, without_secrets
from caveat.verdict.answer import Verdict

SAME = ("quantize", "convert", "copy")
WEIGHTS = ("*.gguf", "*.safetensors", "*.bin", "*.pt", "*.pth")
BLOCK, MOST_BESIDE = 1 << 20, 4 << 20
OWN_NAME = re.compile(r"[\w.\-]{1,96}(?:/[\w.\-]{1,96})?")


def origin_of(model: str, *, url: str = "", named: str = "", on: str = "", digest: bool = True) -> Origin:
    """The origin of a GGUF file, a checkpoint folder, or a model name (asked at `url`).

    `digest=False` leaves the weights unread: no checksum, and the answer comes from headers and cards alone.

    `named` is what the asker says it is ("OWNER/NAME"); `on` the ISO day whose terms apply (default: today).
    Raises EvidenceError for a path that holds nothing, SettingsError for a day, name or address that is none.
    """
    day = _day(on)
    if named and not OWN_NAME.fullmatch(named):
        raise SettingsError(f"--named wants OWNER/NAME, not {named[:100]!r}")
    path = Path(model)
    if not url and path.exists():
        return _of_path(path, named, day, digest)
    if not url and (path.suffix.lower() == ".gguf" or model.startswith((".", "/", "~"))):
        raise EvidenceError(f"{model}: no such file or folder: name a GGUF file, a checkpoint folder, a model at --url")
    return _of_name(model, url, named, day)


def _day(on: str) -> str:
    try:
        return date.fromisoformat(on).isoformat() if on else date.today().isoformat()
    except ValueError:
        raise SettingsError(f"{on!r} is no day: write it as 2026-11-24") from None


# A name, perhaps at an address.


def _of_name(model: str, url: str, named: str, day: str) -> Origin:
    book, host = names(), _host(url)
    id = book.resolve_read(named or model) or ""
    told = "named" if named else "service" if id and book.is_service(id) else "catalogue"
    if not id:
        what = f"{named or model}: nobody is known by this name{f' at {host}' if host else ''}: its terms are unknown"
        name, kind = named or model, "model" if named or not host else "service"
        purl = address(name, kind, known=False, host=host if not named else "", version="" if named else day)
        return Origin(name, kind, purl, "", "", (), day, (), "", "", told if named else "", without_secrets(url),
                      (what,))
    original, act = _original(book, id)
    claims = _catalogued(book, original, day)
    kind = _fact(claims, original, "kind") or "model"
    purl = address(_with_maker(book, original, _fact(claims, original, "maker")) if kind == "service" else original,
                   kind, known=True, version=day if kind == "service" else "")
    problems = _not_held(book, original, day) if kind == "service" else ()
    return Origin(original, kind, purl, "", "", _laws(claims, original), day, _bases(claims, original)[0], "", act,
                  told, without_secrets(url), problems)


def _with_maker(book: NameBook, id: str, maker: str) -> str:
    """"openai/gpt-4o" of "gpt-4o", where the catalogue takes both for one: an address says whose service it is."""
    long = f"{maker.lower()}/{id}"
    return long if maker and "/" not in id and book.resolve(long) == id else id


def _host(url: str) -> str:
    """The host of an address. Raises SettingsError for what is no http address."""
    if not url:
        return ""
    host = host_of(url)
    if not host:
        raise SettingsError(f"--url wants http://HOST/v1 or https://HOST/v1, not {url[:100]!r}")
    return host


def _not_held(book: NameBook, id: str, day: str) -> tuple[str, ...]:
    around = book.not_held(id, date.fromisoformat(day))
    if around is None:
        return ()
    near = f"; held are {', '.join(around)}" if around else ""
    return (f"the terms of {id} on {day} are not held{near}: they count as unknown",)


def _original(book: NameBook, id: str) -> tuple[str, str]:
    """What a known copy or quantization is a copy of, and the act; the id itself where it is an original."""
    for c in book.claims(id, None):
        if isinstance(c, StepClaim) and c.child == id and c.act in SAME and book.resolve_read(c.parent):
            return book.resolve_read(c.parent) or c.parent, c.act
    return id, ""


def _catalogued(book: NameBook, id: str, day: str) -> list[Claim]:
    return dated(book.claims(id, date.fromisoformat(day)), book.is_service, id)


# A file or folder.


class _Told(NamedTuple):
    """What lies at a path: its evidence, the name it has there, and names that it may be known by."""

    evidence: Evidence
    asset: str
    candidates: tuple[tuple[str, str], ...]  # (name, how it is known)


def _of_path(path: Path, named: str, day: str, digest: bool = True) -> Origin:
    book, told = names(), _told(path)
    id, how, problems = _identified(book, told, named)
    sha256 = digest_of(path) if digest else ""
    known = bool(id and (book.resolve(id) or book.resolve_read(id)))
    name = id or told.asset
    claims = [*told.evidence.claims, *(_catalogued(book, name, day) if known else ())]
    base, made = _bases(claims, name) if known else _bases(claims, told.asset, name)
    laws = (_laws(claims, name) if known else ()) or _laws(claims, told.asset)
    base, laws = tuple(dict.fromkeys(book.resolve_read(b) or b for b in base)), tuple(map(book.on_shelf, laws))
    laws = tuple(law for law in laws if law != "unknown")
    revision = _revision(path)
    purl = address(name, "model", known=known, version=revision, sha256=sha256, base=base, laws=laws, made=made)
    return Origin(name, "model", purl, sha256, revision, laws, day, base, str(path), made, how, "", problems)


def _told(path: Path) -> _Told:
    if path.is_dir():
        return _of_folder(path)
    from caveat.evidence.gguf import header

    evidence = gather(path)
    if path.suffix.lower() != ".gguf":
        return _Told(evidence, path.stem, ((path.stem, "file name"),))
    head = header(path, path.name)
    if not head.version:
        raise EvidenceError("; ".join(f"{p.file}: {p.what}" for p in head.problems) or f"{path.name}: not a GGUF file")
    beside = _beside(path)
    owner, base = head.word("general.organization").replace(" ", "-"), head.word("general.basename")
    size, tuned = head.word("general.size_label"), head.word("general.finetune")
    title = head.word("general.name")
    full = "-".join(filter(None, (base, size, tuned)))
    composed = f"{owner}/{full}" if owner else full  # only where it is exactly a known id: patterns would fit anything
    exact = composed if composed in names().catalogue.ids() else ""
    asked = ((title, "header"), (exact, "header"), (path.stem, "file name"))
    steps = tuple((c.parent, "header" if c in evidence.claims else "card")
                  for c in (*evidence.claims, *beside.claims) if isinstance(c, StepClaim) and _same(c, path.stem))
    return _Told(evidence + beside, path.stem, (*steps, *((n, how) for n, how in asked if n)))


def _same(c: Claim, asset: str) -> bool:
    """Whether a step says that the asset is another one in other numbers; where only inferred, names must agree."""
    if not isinstance(c, StepClaim) or c.act not in SAME or c.child != asset:
        return False
    bare = (without_suffix(asset) or ("", asset))[1].rpartition("/")[2]
    return c.place.kind != "inferred" or fold(bare) == fold(c.parent.rpartition("/")[2])


def _of_folder(path: Path) -> _Told:
    evidence = gather(path)
    asset = evidence.subjects[0] if evidence.subjects else path.resolve().name
    steps = tuple((c.parent, "card") for c in evidence.claims if isinstance(c, StepClaim) and _same(c, asset))
    return _Told(evidence, asset, (*steps, (asset, "card" if "/" in asset else "file name")))


def _beside(path: Path) -> Evidence:
    """What a card and a caveat.toml beside the file say of it."""
    from caveat.evidence import card, caveat_toml

    said = Evidence()
    for name, reader in (("README.md", card), ("caveat.toml", caveat_toml)):
        file = path.parent / name
        if file.is_file() and file.stat().st_size <= MOST_BESIDE:
            said += reader.read(file.read_bytes(), name, path.stem)
    return said


def _identified(book: NameBook, told: _Told, named: str) -> tuple[str, str, tuple[str, ...]]:
    """The known id, how it is known, and what was odd; ("", "", ...) where nobody knows it."""
    found = [(original, how) for name, how in told.candidates for original in [_known(book, name)] if original]
    if named:
        return _known(book, named) or named, "named", _against(named, found[:1], book)
    if not found:
        what = f"{told.asset}: nobody is known by this name; if it is a known model, say so with --named OWNER/NAME"
        return "", "", (what,)
    return found[0][0], found[0][1], _against(found[0][0], found[1:], book)


def _against(id: str, others: Iterable[tuple[str, str]], book: NameBook) -> tuple[str, ...]:
    mine = _known(book, id) or id
    return tuple(dict.fromkeys(f"taken as {mine}, though the {how} speaks of {other}"
                               for other, how in others if other != mine))


def _known(book: NameBook, name: str) -> str:
    """The original that a name means, where the catalogue or a law file knows it as a model."""
    id = book.resolve_read(name) or book.resolve(name) or ""
    if not id or book.is_service(id):
        return ""
    return _original(book, id)[0]


def _revision(path: Path) -> str:
    """The commit, where the path lies in the hub's cache: models--OWNER--NAME/snapshots/COMMIT/..."""
    parts = path.absolute().parts
    for n, part in enumerate(parts[:-2]):
        if repo_of_folder(part) and parts[n + 1] == "snapshots" and re.fullmatch(r"[0-9a-f]{7,64}", parts[n + 2]):
            return parts[n + 2]
    return ""


# Claims, looked into.


def _fact(claims: Iterable[Claim], id: str, field: str) -> str:
    return next((c.value for c in claims if isinstance(c, AssetClaim) and c.asset == id and c.field == field), "")


def _laws(claims: Iterable[Claim], id: str) -> tuple[str, ...]:
    """The terms of one asset: what is declared, else detected, else known."""
    said = [c for c in claims if isinstance(c, LicenceClaim) and c.asset == id]
    for kind in ("declared", "detected", "catalogue", "inferred"):
        laws = tuple(dict.fromkeys(law for c in said if c.place.kind == kind for law in c.laws if law != "unknown"))
        if laws:
            return laws
    return ()


def _bases(claims: Iterable[Claim], *ids: str) -> tuple[tuple[str, ...], str]:
    """The models it derives from, and by which act."""
    steps = [c for c in claims if isinstance(c, StepClaim) and c.child in ids and ACTS[c.act].in_family
             and c.parent not in ids]
    return tuple(dict.fromkeys(c.parent for c in steps)), steps[0].act if steps else ""


# Digests.


def digest_of(path: Path) -> str:
    """SHA-256 (hex) of a weights file; of a folder with several, of their sorted lines `HEX  NAME`. "" without any."""
    if path.is_file():
        return file_digest(path)
    files = sorted({f for glob in WEIGHTS for f in path.glob(glob) if f.is_file()})
    if len(files) < 2:
        return file_digest(files[0]) if files else ""
    listing = "".join(f"{file_digest(f)}  {f.name}\n" for f in files)
    return hashlib.sha256(listing.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 (hex) of a file, read in blocks of 1 MiB; remembered while its size and time stay as they are."""
    status = path.stat()
    return _file_digest(str(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=256)
def _file_digest(path: str, _size: int, _time: int) -> str:
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        for block in _blocks(stream):
            digest.update(block)
    return digest.hexdigest()


def _blocks(stream: object) -> Iterator[bytes]:
    while block := stream.read(BLOCK):  # type: ignore[attr-defined]
        yield block


# What it allows.


def own_claims(origin: Origin) -> tuple[Claim, ...]:
    """What is known of the origin alone; a check looks up by itself what lies behind."""
    return tuple(c for c in claims_of(origin) if _of(c) == origin.name)


def _of(c: Claim) -> str:
    return c.child if isinstance(c, StepClaim) else c.asset


def claims_of(origin: Origin) -> list[Claim]:
    """What is known of an origin, as claims: its terms, kind and bases, and the catalogue's knowledge behind it."""
    book, id, day = names(), origin.name, date.fromisoformat(origin.terms_on or _day(""))
    known = book.claims(id, day)
    if any(isinstance(c, LicenceClaim) and c.asset == id for c in known):
        return dated(known, book.is_service, id)
    where = Place("declared", Path(origin.file).name if origin.file else origin.url or "origin", None, origin.told_by)
    laws = origin.laws or ("unknown",)
    claims: list[Claim] = [AssetClaim(id, "kind", origin.kind, where),
                           LicenceClaim(id, laws, where, raw=" + ".join(laws))]
    if not origin.laws and not origin.base:  # a stranger's, or it would count as the asker's own work
        claims.append(AssetClaim(id, "maker", _host(origin.url) or "whoever made it", where))
    for base in origin.base:
        claims += [StepClaim(id, origin.made or "finetune", base, where),
                   *dated(book.claims(base, day), book.is_service)]
    return claims


def allowed(origin: Origin, purpose: str, *, facts: Mapping[str, str] | None = None,
            readings: Mapping[str, str] | None = None, fixes: bool = True) -> Verdict:
    """Whether what the asker generates with this model may serve the purpose ("train mistral-7b", "publish as mit").

    The asker is the one who generates, so terms on output bind. Raises SettingsError for a purpose that is not
    understood, or that does nothing with the output.
    """
    from caveat.flows.purpose import question_of

    question, book = question_of(origin, purpose, names(), claims_of(origin))
    day = origin.terms_on or _day("")
    try:
        return answered(question, book, facts=facts, readings=readings, today=day, fixes=fixes)
    except QuestionError as fault:
        raise SettingsError(f"--purpose {purpose!r}: {fault}") from None
