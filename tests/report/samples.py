"""Answers as the engine gives them, written by hand, so that every form is shown real and hostile matter."""

from __future__ import annotations

from datetime import date

from caveat.lineage.claims import Acceptance, Place, Problem, Settlement
from caveat.verdict.answer import (
    Cited,
    Declared,
    Doubt,
    Duty,
    Finding,
    Graph,
    GraphEdge,
    GraphNode,
    LawUsed,
    May,
    PathStep,
    Presumed,
    Report,
    Verdict,
)

LLAMA_2 = LawUsed("llama-2", "Llama 2 Community License Agreement", "2026-11-24", "licensedcode llama-2")
APACHE = LawUsed("apache-2.0", "Apache License 2.0", "2026-11-24", "SPDX Apache-2.0")
OPENAI = LawUsed("openai-tou", "OpenAI Terms of Use", "2026-11-24", "", "the text of 2023-03 was had in part")

NO_IMPROVING = Cited(
    "llama-2",
    "no-improving-others",
    "1.b.v",
    "must not",
    "Neither the materials nor anything they produce may make another language model better.",
)
NO_RIVALS = Cited(
    "openai-tou",
    "no-rivals",
    "2.c.iii",
    "must not",
    "What the service writes may not be used to build models that compete with it.",
)
AGREEMENT = Cited("llama-2", "pass-on-the-agreement", "1.b.i", "must", "Whoever receives it receives the agreement.")
NOTICE = Cited("llama-2", "notice", "1.b.iii", "must", "A notice file with four parts.")
GRANT = Cited("llama-2", "grant", "1.a", "may", "Free worldwide right to use, change and hand on; no sublicence.")
POLICY = Cited("llama-2", "keep-the-policy", "1.b.iv", "must", "Keep the law and the use policy.")
KEEP_TERMS = Cited(
    "llama-2", "keep-these-terms", "1.b.i", "must not", "What contains it cannot go out under wider terms alone."
)
APACHE_GRANT = Cited("apache-2.0", "grant", "2", "may", "Use, change and hand on, for any purpose.")
APACHE_TEXT = Cited("apache-2.0", "licence-text", "4.a", "must", "A copy of the licence goes along.")
APACHE_CHANGED = Cited("apache-2.0", "say-what-changed", "4.b", "must", "Changed files say that they were changed.")

FEW_USERS = Presumed("monthly_users", "0", "monthly users below every threshold")
NO_SUIT = Presumed("sued", "no", "no suit over the material or its output")
ORDINARY = Presumed("purpose", "ordinary", "a lawful and ordinary purpose")

COLUMN = Place("catalogue", "intel/orca_dpo_pairs", key='column "rejected"', quote="llama-2-13b answers")
CARD_DATA = Place("declared", "README.md", 12, "datasets[1]", "Intel/orca_dpo_pairs")
CARD_BASE = Place("declared", "README.md", 8, "base_model", "mistralai/Mistral-7B-v0.1")
CONFIG = Place("detected", "config.json", None, "_name_or_path", "mistralai/Mistral-7B-v0.1")
TEMPLATE = Place("declared", "README.md", 3, "license", "apache-2.0", "written by the Unsloth template")

ORCA, CHAT = "Intel/orca_dpo_pairs", "Intel/neural-chat-7b"
LLAMA_CHAT, MISTRAL = "meta-llama/Llama-2-13b-chat-hf", "mistralai/Mistral-7B-v0.1"
ORCA_PATH = (
    PathStep(LLAMA_CHAT, "materials", "", "", ()),
    PathStep(ORCA, "output", "generate", "", (COLUMN,)),
    PathStep(CHAT, "trained", "train", "Intel", (CARD_DATA, CONFIG, CARD_BASE)),
)

CHAT_GRAPH = Graph(
    (
        GraphNode(
            CHAT,
            "model",
            ("apache-2.0",),
            (("llama-2", "trained"), ("apache-2.0", "derivative")),
            ("prohibited", "conflict"),
            True,
        ),
        GraphNode(MISTRAL, "model", ("apache-2.0",), (("apache-2.0", "materials"),)),
        GraphNode(ORCA, "dataset", (), (("llama-2", "output"), ("openai-tou", "output"))),
        GraphNode(LLAMA_CHAT, "model", ("llama-2",), (("llama-2", "materials"),)),
        GraphNode("gpt-4", "service", ("openai-tou",), (("openai-tou", "service"),)),
    ),
    (
        GraphEdge(CHAT, "finetune", MISTRAL, "Intel", (CARD_BASE, CONFIG)),
        GraphEdge(CHAT, "train", ORCA, "Intel", (CARD_DATA,)),
        GraphEdge(ORCA, "generate", LLAMA_CHAT, "", (COLUMN,)),
        GraphEdge(ORCA, "generate", "gpt-4", "", (Place("catalogue", "intel/orca_dpo_pairs", key='column "chosen"'),)),
    ),
)

neural_chat = Report(
    CHAT,
    "model",
    "prohibited",
    declared=(Declared("apache-2.0", ("apache-2.0",), Place("declared", "README.md", 3, "license", "apache-2.0")),),
    findings=(
        Finding(
            f"apache-2.0/grant@{CHAT}",
            "permitted",
            "finetune",
            MISTRAL,
            CHAT,
            "apache-2.0",
            (APACHE_GRANT,),
            about="made",
            whose="Intel",
        ),
        Finding(
            f"openai-tou/no-rivals@{CHAT}",
            "depends",
            "train",
            ORCA,
            CHAT,
            "openai-tou",
            (NO_RIVALS,),
            (
                Doubt("competes", "fact", "verdict", (("yes", "prohibited"), ("no", "permitted"))),
                Doubt("bound", "word", "verdict", (("terms-follow", "prohibited"), ("only-who-agreed", "permitted"))),
            ),
            (),
            (
                PathStep("gpt-4", "service", "", "", ()),
                PathStep(ORCA, "output", "generate", "", (Place("catalogue", "intel/orca_dpo_pairs"),)),
                PathStep(CHAT, "trained", "train", "Intel", (CARD_DATA,)),
            ),
            about="made",
            whose="Intel",
        ),
        Finding(
            f"llama-2/no-improving-others@{CHAT}",
            "prohibited",
            "train",
            ORCA,
            CHAT,
            "llama-2",
            (NO_IMPROVING,),
            (),
            (),
            ORCA_PATH,
            "made",
            "Intel",
            fixes=(
                (f"leave {ORCA} out", "permitted"),
                ("write the column “rejected” anew with a model that allows it (Mixtral-8x7B)", "conditional"),
            ),
        ),
        Finding(
            f"apache-2.0/offer@{CHAT}",
            "conditional",
            "ship",
            CHAT,
            "",
            "apache-2.0",
            (APACHE_GRANT,),
            (),
            (
                Duty(APACHE_TEXT, "met", "always", "LICENSE lies beside the model"),
                Duty(APACHE_CHANGED, "not checkable", "hand-over=access-too", "say in the card what was changed"),
            ),
            about="offered",
            whose="Intel",
        ),
    ),
    may=(
        May("run", "permitted"),
        May("finetune", "permitted"),
        May(
            "ship",
            "conditional",
            (
                Duty(APACHE_TEXT, "met", "always"),
                Duty(APACHE_CHANGED, "unmet", "always", "say in the card what was changed"),
            ),
        ),
        May(
            "train others on its output",
            "depends",
            (),
            (NO_IMPROVING,),
            (Doubt("output-of-output", "word", "verdict", (("laundering", "prohibited"), ("ends", "permitted"))),),
        ),
    ),
    graph=CHAT_GRAPH,
    worlds=6,
    presumed=(FEW_USERS, NO_SUIT),
    standing=(POLICY,),
    law=(APACHE, LLAMA_2, OPENAI),
)

quantized_llama = Verdict(
    "quantize meta-llama/Llama-2-7b-hf and ship it",
    "meta-llama/Llama-2-7b-hf (quantized)",
    "conditional",
    findings=(
        Finding("llama-2/grant@it", "permitted", "quantize", "meta-llama/Llama-2-7b-hf", "it", "llama-2", (GRANT,)),
        Finding(
            "llama-2/ship@it",
            "conditional",
            "ship",
            "meta-llama/Llama-2-7b-hf (quantized)",
            "",
            "llama-2",
            (GRANT,),
            (),
            (
                Duty(AGREEMENT, "met", "always", "LICENSE.txt lies beside the weights"),
                Duty(
                    NOTICE,
                    "unmet",
                    "always",
                    "add a file Notice.txt with the name of the agreement, the licence, the copyright line and "
                    "the reservation of rights; caveat release --write makes it",
                ),
                Duty(AGREEMENT, "not checkable", "hand-over=access-too", "link the agreement where it is served"),
                Duty(
                    Cited("llama-3.1", "name-prefix", "1.b.i", "must", "The name begins with “Llama”."),
                    "met",
                    "always",
                    whose="maker",
                ),
            ),
            (
                PathStep("meta-llama/Llama-2-7b-hf", "materials", "", "", ()),
                PathStep(
                    "meta-llama/Llama-2-7b-hf (quantized)",
                    "derivative",
                    "quantize",
                    "you",
                    (Place("declared", "the question", None, "", "quantize meta-llama/Llama-2-7b-hf"),),
                ),
            ),
        ),
    ),
    plans=(("quantize meta-llama/Llama-2-7b-hf", "permitted"), ("ship it", "conditional")),
    presumed=(FEW_USERS, NO_SUIT, ORDINARY),
    standing=(POLICY,),
    law=(LLAMA_2,),
)

permitted = Verdict(
    "finetune mistralai/Mistral-7B-v0.1 on my-notes",
    "mistralai/Mistral-7B-v0.1 (finetuned)",
    "permitted",
    findings=(Finding("apache-2.0/grant@it", "permitted", "finetune", MISTRAL, "it", "apache-2.0", (APACHE_GRANT,)),),
    presumed=(ORDINARY, NO_SUIT),
    law=(APACHE,),
)

two_doubts = Verdict(
    "train my-lm on found output of meta-llama/Llama-2-13b-chat-hf",
    "my-lm",
    "depends",
    findings=(
        Finding(
            "llama-2/no-improving-others@my-lm",
            "depends",
            "train",
            "found output of meta-llama/Llama-2-13b-chat-hf",
            "my-lm",
            "llama-2",
            (NO_IMPROVING,),
            (
                Doubt("bound", "word", "verdict", (("terms-follow", "prohibited"), ("only-who-agreed", "permitted"))),
                Doubt(
                    "large-language-model",
                    "word",
                    "verdict",
                    (("any-size", "prohibited"), ("over-one-billion", "permitted")),
                ),
            ),
            (),
            (
                PathStep(LLAMA_CHAT, "materials", "", "", ()),
                PathStep("found output of meta-llama/Llama-2-13b-chat-hf", "output", "generate", "somebody else", ()),
                PathStep("my-lm", "trained", "train", "you", ()),
            ),
            accepted=Acceptance(
                "llama-2/no-improving-others@my-lm",
                "Research only; never leaves the lab.",
                "research",
                date(2027, 1, 31),
            ),
        ),
    ),
    worlds=4,
    presumed=(FEW_USERS,),
    standing=(POLICY,),
    law=(LLAMA_2,),
)

EVIL = "evil\x1b[2J\x1b]0;owned\x07\u202egpj.exe</script><script>alert(1)</script>"
LONG = "somebody/" + "a-very-long-name-" * 30 + "the-end"
WIDE = "組織/日本語モデル-７Ｂ-対話"
MARKED = '[click](javascript:alert(1)) | `x` **b** "q" & <img src=x onerror=alert(1)> @everyone #1'

hostile = Report(
    EVIL,
    "model",
    "unknown",
    declared=(Declared("other\nforged line", (), TEMPLATE),),
    findings=(
        Finding(
            "unknown@x",
            "unknown",
            "finetune",
            LONG,
            EVIL,
            "no-such-law",
            (Cited("no-such-law", "nothing-known", "", "unknown", MARKED),),
            (),
            (Duty(KEEP_TERMS, "contradicted", "always", f"offered as {MARKED}"),),
            (
                PathStep(LONG, "materials", "", "", ()),
                PathStep(
                    WIDE,
                    "derivative/wide",
                    "finetune",
                    "組織",
                    (Place("inferred", "tokenizer.json", None, "", "\u200bzero\u200bwidth", "only the words agree"),),
                ),
                PathStep(
                    EVIL,
                    "derivative",
                    "merge",
                    MARKED,
                    (Place("declared", "mergekit\r\n.yml", 4, "models[0].model", EVIL),),
                ),
            ),
            "made",
            None,
            MARKED,
        ),
    ),
    graph=Graph(
        (
            GraphNode(EVIL, "model", ("other\n",), (("no-such-law", "derivative"),), ("conflict",), True),
            GraphNode(WIDE, "model", (), (("no-such-law", "derivative/wide"),)),
            GraphNode(LONG, "model", (), (("no-such-law", "materials"),)),
            GraphNode(MARKED, "dataset", (), ()),
        ),
        (
            GraphEdge(EVIL, "merge", WIDE, MARKED),
            GraphEdge(WIDE, "finetune", LONG),
            GraphEdge(EVIL, "train", MARKED),
            GraphEdge(LONG, "copy", EVIL),
        ),
    ),
    settled=(Settlement("improve", "weights", "Counsel’s memo 12", "legal", date(2027, 6, 30)),),
    problems=(
        Problem("README.md", "front matter has no end", 1, "read the first 4096 bytes"),
        Problem("pytorch_model.bin\x1b[31m", "a pickle; never opened", None, "its name alone was noted"),
    ),
)

trace = CHAT_GRAPH

ALL = {
    "hostile": hostile,
    "neural-chat": neural_chat,
    "permitted": permitted,
    "quantized-llama": quantized_llama,
    "trace": trace,
    "two-doubts": two_doubts,
}
