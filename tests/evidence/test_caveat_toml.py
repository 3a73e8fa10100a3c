"""caveat.toml is read whole, and what nobody knows is an error with its line and the nearest known word."""

from __future__ import annotations

from datetime import date

import pytest

from caveat.errors import SettingsError
from caveat.evidence import caveat_toml, starter
from caveat.lineage.claims import AssetClaim, Evidence, LicenceClaim, Place, StepClaim, UseClaim

WHOLE = """\
[project]
name = "my-chat"
by   = "acme"

[facts]
commercial = true
domicile   = "DE"
monthly_users = 1_000
purpose = ["research", "education"]
date = 2024-05-01

[assets."acme/notes"]
kind    = "dataset"
licence = "cc-by-4.0"

[[step]]
makes = "answers"
act   = "generate"
from  = ["meta-llama/Llama-2-70b-chat-hf"]
by    = "someone-else"
date  = 2023-09-01

[[step]]
makes = "my-chat"
act   = "sft"
from  = ["mistralai/Mistral-7B-v0.1"]

[[use]]
act   = "ship"
as    = "apache-2.0"
named = "my-chat-7b"

[[accept]]
finding = "llama-2/no-improving-others@my-chat"
why     = "Research only."
owner   = "research"
until   = 2027-01-31
"""


def read(text: str) -> Evidence:
    return caveat_toml.read(text.encode(), "caveat.toml", "folder")


def test_a_whole_file_gives_all_its_claims_with_lines() -> None:
    said = read(WHOLE)
    steps = [(c.child, c.act, c.parent, c.by, c.place.line) for c in said.claims if isinstance(c, StepClaim)]

    assert steps == [("answers", "generate", "meta-llama/Llama-2-70b-chat-hf", "someone-else", 19),
                     ("my-chat", "finetune", "mistralai/Mistral-7B-v0.1", "you", 26)]
    assert [(c.asset, c.laws) for c in said.claims if isinstance(c, LicenceClaim)] == [("acme/notes", ("cc-by-4.0",))]
    assert said.you == "acme"
    assert said.acceptances[0].until == date(2027, 1, 31)


def test_facts_are_in_the_words_of_facts() -> None:
    assert read(WHOLE).facts == (("commercial", "yes"), ("domicile", "DE"), ("monthly_users", "1000"),
                                 ("purpose", "research,education"), ("date", "2024-05-01"))


def test_a_use_is_of_the_project_unless_it_says_of_what() -> None:
    uses = [c for c in read(WHOLE).claims if isinstance(c, UseClaim)]

    assert [(u.asset, u.act, u.offered, u.named) for u in uses] == [("my-chat", "ship", ("apache-2.0",), "my-chat-7b")]


def test_what_you_make_is_yours_and_what_others_make_is_not() -> None:
    own = {c.asset for c in read(WHOLE).claims if isinstance(c, AssetClaim) and c.field == "own"}

    assert own == {"my-chat"}


@pytest.mark.parametrize(("text", "line", "word"), [
    ("[project]\nnam = 'x'\n", 2, "did you mean name"),
    ("[projct]\n", 1, "did you mean project"),
    ("[facts]\n\ncomercial = true\n", 3, "did you mean commercial"),
    ("[facts]\nactor = 'compny'\n", 2, "did you mean company"),
    ("[facts]\npurpose = ['reserch']\n", 2, "is not a set"),
    ("[facts]\nmonthly_users = 'many'\n", 2, "is not a number"),
    ("[assets.x]\nkind = 'datset'\n", 2, "did you mean dataset"),
    ("[assets.x]\n\nlicence = 'apach-2.0'\n", 3, "did you mean apache-2.0"),
    ("[[step]]\nmakes='a'\nact='fintune'\nfrom='b'\n", 3, "did you mean finetune"),
    ("[[step]]\nmakes='a'\nact='ship'\nfrom='b'\n", 3, "[[use]]"),
    ("[[step]]\nmakes='a'\nact='merge'\n", 1, "needs the key 'from'"),
    ("[[use]]\nact='ship'\n\n[[use]]\nact='shp'\n", 5, "did you mean ship"),
    ("[[accept]]\nfinding='x'\nwhy='y'\nowner='z'\nuntil='2027-01-01'\n", 5, "a date without quotes"),
    ("[[step]]\nmakes='a'\nact='merge'\nfrom=['b', '../../etc']\n", 4, "leads out of the folder"),
    ("[[step]]\nmakes='a'\nact='merge'\nfrom=['/etc/passwd']\n", 4, "leads out of the folder"),
    ("[[step]]\nmakes='a'\nact='merge'\nfrom='a'\n", 4, "made from itself"),
    ("a = 1\nb = \n", 2, "not TOML"),
])
def test_what_nobody_knows_is_an_error_with_its_line(text: str, line: int, word: str) -> None:
    with pytest.raises(SettingsError) as error:
        read(text)

    assert str(error.value).startswith(f"caveat.toml:{line}: ")
    assert word in str(error.value)


def test_deep_nesting_and_bad_bytes_are_errors_too() -> None:
    for data in (b"a = " + b"[" * 100_000, b"\xff\xfe\xfa", b'a = "\x00"'):
        with pytest.raises(SettingsError):
            caveat_toml.read(data, "caveat.toml", "x")


def test_the_starter_file_reads_back_and_hides_nothing_in_its_comments() -> None:
    odd = 'evil"\n[facts]\nsued = "yes"'
    found = Evidence((odd,), (StepClaim(odd, "merge", "a/x\n[facts]", Place("declared", "r.yml", 3)),))
    said = read(starter.text(found))

    assert said.facts == ()
    assert {c.asset for c in said.claims if isinstance(c, AssetClaim)} == {odd}


@pytest.mark.parametrize("name", ["🦙", "𝒳\u200b\u202e", "tab\tquote\"back\\slash\x7f\x00", "é\u2028\U000e0001"])
def test_the_starter_file_names_what_has_any_letters(name: str) -> None:
    said = read(starter.text(Evidence((name,))))

    assert {c.asset for c in said.claims if isinstance(c, AssetClaim)} == {name}
