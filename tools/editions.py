"""Which text is which edition of which law, and how its clauses are numbered: the table behind the fingerprints.

A key is a name in the licensedcode package, or a `.txt` from elsewhere; where it was read stands in `source`.
"""

from __future__ import annotations

from typing import NamedTuple

from segments import Shape


class Edition(NamedTuple):
    """One text; `after` and `before` are patterns that cut it, the rest says how it numbers (see `segments.Shape`)."""

    law: str
    key: str
    part: str = "agreement"
    version: str = ""
    prefix: str = ""
    form: str = ""
    outline: int = -1
    start: str = ""
    headings: tuple[tuple[str, str], ...] = ()
    after: str = ""
    before: str = ""

    @property
    def shape(self) -> Shape:
        return Shape(self.form, self.outline, self.start, self.headings)

    @property
    def source(self) -> str:
        return f"licensedcode {self.key}" if not self.key.endswith(".txt") else SOURCES.get(self.law, self.law)


LLAMA = "github.com/meta-llama/llama-models"
TERMS = "github.com/OpenTermsArchive/genai-eu-versions"
SOURCES = {
    **{f"llama-{v}": LLAMA for v in ("2", "3", "3.1", "3.2", "3.3", "4")},
    "databricks-open-model": "github.com/databricks/dbrx", "chatglm-6b": "github.com/THUDM/ChatGLM-6B",
    "deepseek-la-1.0": "github.com/deepseek-ai/DeepSeek-V3", "qwen-research-2024": "github.com/roboflow/inference",
    **{f"yi-{v}": "github.com/01-ai/Yi" for v in ("1.0", "2.0", "2.1")},
}


#: Llama 3 has its policy inside the agreement's file.
LLAMA_3_POLICY = r"(?i)meta llama 3 acceptable use policy\s*\n"
EU = (("with respect to any multimodal", "eu"),)


def _llama(version: str, key: str = "") -> tuple[Edition, ...]:
    """The agreement from the package, from Meta's own repository, and the policy."""
    law, file = f"llama-{version}", f"llama-{version}~{{}}~meta-llama.txt"
    own = (Edition(law, key, version=version),) if key else ()
    cut = LLAMA_3_POLICY if version == "3" else ""
    form = "1aiA" if version in "34" else ""
    return (*own, Edition(law, file.format("agreement"), version=version, before=cut, form=form),
            Edition(law, file.format("policy"), "policy", version, "aup", "1ai", headings=EU))


def _same(*laws: str) -> tuple[Edition, ...]:
    """Texts whose key is the law's own id."""
    return tuple(Edition(law, law) for law in laws)


PUP = Edition("gemma", "gemma-pup-2024-02-21", "policy", "2024-02-21", "pup", "1aiA", 4, "Generate any")
OPENAI_2024 = (("what you can do", "can"), ("what you cannot do", "cannot"), ("software.", "software"),
               ("ownership of content", "content.own"), ("your content", "content.yours"), ("accuracy.", "accuracy"),
               ("when you use our services you", "accuracy"), ("our ip rights", "ip"), ("similarity of", "similarity"))
GEMINI = (("age requirements", "age"), ("use restrictions", "restrict"), ("use of generated content", "content"),
          ("unpaid services", "unpaid"), ("paid services", "paid"), ("grounding with google search", "grounding"),
          ("disclaimers", "disclaimers"))

RAIL = (("use-based restrictions. ", "5"), ("attachment a", "A"))
#: The crawled page holds the terms twice: up to where they begin for the last time.
AGAIN = r"(?<=\n)These Terms of Service for Commercial(?=(?:(?!These Terms of Service for Commercial)[\s\S])*\Z)"
GRANT = (("permission is hereby", "grant"), ("permission to use", "grant"), ("the above copyright", "notice"),
         ("the software is provided", "warranty"), ("in no event", "warranty"), ("this is free", "grant"),
         ("the copyright notices in", "notice"))
BSD = (("redistribution and use", "0"), ("redistributions of source", "1"), ("redistributions in binary", "2"),
       ("neither the name", "3"), ("neither the names", "3"), ("no express or implied", "patents"),
       ("this software is provided", "warranty"), ("permission is", "0"))

EDITIONS: tuple[Edition, ...] = (
    Edition("llama-1", "llama-license-2023"),
    *_llama("2", "llama-2-license-2023"), *_llama("3"),
    Edition("llama-3", "llama-3~agreement~meta-llama.txt", "policy", "3", "aup", "1ai", after=LLAMA_3_POLICY),
    *_llama("3.1", "llama-3.1-license-2024"),
    *_llama("3.2", "llama-3.2-license-2024"), *_llama("3.3", "llama-3.3-license-2024"),
    *_llama("4", "llama-4-cla-2025"), Edition("llama-4", "llama-4-license-2025", "policy", "4", "aup", headings=EU),
    Edition("gemma", "gemma-tou-2024-04-01", version="2024-04-01", outline=4),
    Edition("gemma", "gemma-tou-2025-03-24", version="2025-03-24", outline=4), PUP,
    Edition("bigscience-bloom-rail-1.0", "bigscience-rail-1.0", form="1a", headings=RAIL),
    Edition("bigscience-openrail-m", "bigscience-open-rail-m"),
    Edition("openrail++", "bigscience-open-rail-m2"),
    Edition("creativeml-openrail-m", "stable-diffusion-2022-08-22"),
    Edition("bigcode-openrail-m", "bigcode-open-rail-m-v1",
            headings=(("grant of copyright license", "2"), ("grant of patent license", "3"))),
    Edition("falcon-2-11b-1.0", "falcon-2-11b-1.0", outline=0, start="Definitions$", before="END OF TERMS"),
    Edition("qwen-2024", "qwen-2024"), Edition("tongyi-qianwen-2023", "tongyi-qianwen-2023"),
    Edition("qwen-research-2024", "qwen-research-2024~agreement~.txt"),
    Edition("deepseek-la-1.0", "deepseek-la-1.0", version="1.0"),
    Edition("deepseek-la-1.0", "deepseek-la-1.0~agreement~V3.txt", version="1.0"),
    Edition("nvidia-open-model-2025-04-28", "nvidia-open-model-2025-04-28", version="2025-04-28", outline=4,
            start=r"Definitions\."),
    Edition("openai-tou-2023-03-14", "openai-tou-20230314"),
    Edition("openai-tou-2024-12-11", "openai-tou-20241211", headings=OPENAI_2024, outline=4),
    Edition("gemini-api-2025-05-20", "gemini-api-additional-tos-2025", headings=GEMINI, outline=4),
    Edition("stability-ai-community-2024", "stability-ai-community-2024", outline=4, form="Iai"),
    Edition("stability-ai-nc-2023-12-06", "stability-ai-nc-2023-12-06"),
    Edition("exaone-1.1-nc", "exaone-ai-model-1.1-nc"),
    Edition("databricks-open-model", "databricks-open-model~agreement~dbrx.txt"),
    Edition("chatglm-6b", "chatglm-6b~agreement~2023-07-08.txt"),
    *(Edition(f"yi-{v}", f"yi-{v}~agreement~{v}.txt", version=v) for v in ("1.0", "2.0", "2.1")),
    *(Edition(law, f"{law}~terms~.txt", "terms") for law in (
        "anthropic-commercial-2025-06-17", "anthropic-consumer-2025-10-08", "anthropic-usage-policy-2025-09-15",
        "deepseek-platform-2025-01-20", "meta-model-api-2026-08-21",
        "openai-services-2025-05-31", "qwen-chat-2026-05-19", "xai-enterprise-2025-06-27",
        "xai-enterprise-2026-08-14")),
    Edition("mistral-commercial-2026-03-12", "mistral-commercial-2026-03-12~terms~.txt", "terms", before=AGAIN),
    Edition("xai-enterprise-2026-08-14", "xai-enterprise-2026-08-14~policy~.txt", "policy", prefix="aup"),
    *(Edition(law, law, headings=GRANT) for law in ("mit", "isc", "unlicense", "postgresql")),
    Edition("zlib", "zlib", headings=BSD), *_same(
        "c-uda-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0", "openmdw-1.0", "odbl-1.0",
           "odc-by-1.0", "pddl-1.0", "apache-2.0", "gpl-3.0",
           "lgpl-3.0", "agpl-3.0", "cc0-1.0"),
    *_same(*(f"cc-by-{x}" for x in (
        "2.0", "2.5", "3.0", "4.0", "nc-2.0", "nc-3.0", "nc-4.0", "nc-nd-3.0", "nc-nd-4.0", "nc-sa-2.0", "nc-sa-3.0",
        "nc-sa-4.0", "nd-4.0", "sa-3.0", "sa-4.0"))),
    Edition("bsd-2-clause", "bsd-simplified", headings=BSD), Edition("bsd-3-clause", "bsd-new", headings=BSD),
    Edition("bsd-3-clause-clear", "clear-bsd", headings=BSD), Edition("bsl-1.0", "boost-1.0", headings=GRANT),
    Edition("ncsa", "uoi-ncsa", headings=BSD),
    Edition("wtfpl", "wtfpl-2.0"), Edition("ms-research", "ms-research-license-terms"),
)
