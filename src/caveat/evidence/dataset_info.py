"""What the aliases of LLaMA-Factory stand for: the project's own dataset_info.json, else those that ship with it.

    {"alias": {"hf_hub_url": "owner/name", "split": ..., "subset": ...}, "other": {"file_name": "rows.json"}}

The file lies in `dataset_dir` (default `data`) under the folder from which the program is started, which no recipe
names: it is looked for beside the recipe and up to five folders higher, and nowhere else. Only this one small file is
opened there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from caveat.evidence import json_safe, yaml_safe
from caveat.evidence.yaml_safe import Mapping as Tree

FILE = "dataset_info.json"
SIZE, HIGHEST = 1 << 20, 5
SHIPPED_FROM = "LLaMA-Factory's own dataset_info.json"


class Alias(NamedTuple):
    """One alias: what it stands for, how much of it, and which file says so."""

    name: str
    target: str
    split: str = ""
    subset: str = ""
    file: str = FILE


#: Aliases that ship with LLaMA-Factory (its data/dataset_info.json, read in 2026): alias -> hub id.
SHIPPED: dict[str, str] = {
    **{n: f"llamafactory/{n}" for n in ("alpaca_en", "alpaca_zh", "alpaca_gpt4_en", "alpaca_gpt4_zh",
                                        "glaive_toolcall_en", "glaive_toolcall_zh", "lima")},
    **{n: f"mayflowergmbh/{n}" for n in ("oasst_de", "alpaca-gpt4_de", "openschnabeltier_de", "dolphin_de",
                                         "booksum_de")},
    "dolly_15k_de": "mayflowergmbh/dolly-15k_de", "evol_instruct_de": "mayflowergmbh/evol-instruct_de",
    "airoboros_de": "mayflowergmbh/airoboros-3.0_de", "ultrachat_de": "mayflowergmbh/ultra-chat_de",
    "orca_dpo_de": "mayflowergmbh/intel_orca_dpo_pairs_de",
    "guanaco": "JosephusCheung/GuanacoDataset", "belle_2m": "BelleGroup/train_2M_CN",
    "belle_1m": "BelleGroup/train_1M_CN",
    "belle_0.5m": "BelleGroup/train_0.5M_CN", "belle_dialog": "BelleGroup/generated_chat_0.4M",
    "belle_math": "BelleGroup/school_math_0.25M", "open_platypus": "garage-bAInd/Open-Platypus",
    "codealpaca": "sahil2801/CodeAlpaca-20k", "alpaca_cot": "QingyiSi/Alpaca-CoT", "openorca": "Open-Orca/OpenOrca",
    "slimorca": "Open-Orca/SlimOrca", "mathinstruct": "TIGER-Lab/MathInstruct",
    "firefly": "YeungNLP/firefly-train-1.1M",
    "wikiqa": "wiki_qa", "webqa": "suolyer/webqa", "webnovel": "zxbsmk/webnovel_cn",
    "nectar_sft": "AstraMindAI/SFT-Nectar",
    "adgen_train": "HasturOfficial/adgen", "sharegpt_hyper": "totally-not-an-llm/sharegpt-hyperfiltered-3k",
    "sharegpt4": "shibing624/sharegpt_gpt4", "ultrachat_200k": "HuggingFaceH4/ultrachat_200k",
    "infinity_instruct": "BAAI/Infinity-Instruct", "agent_instruct": "THUDM/AgentInstruct",
    "lmsys_chat": "lmsys/lmsys-chat-1m", "evol_instruct": "WizardLM/WizardLM_evol_instruct_V2_196k",
    "glaive_toolcall_100k": "hiyouga/glaive-function-calling-v2-sharegpt", "cosmopedia": "HuggingFaceTB/cosmopedia",
    "stem_zh": "hfl/stem_zh_instruction", "ruozhiba_gpt4": "hfl/ruozhiba_gpt4_turbo", "neo_sft": "m-a-p/neo_sft_phase2",
    "magpie_pro_300k": "Magpie-Align/Magpie-Pro-300K-Filtered", "magpie_ultra": "argilla/magpie-ultra-v0.1",
    "web_instruct": "TIGER-Lab/WebInstructSub", "openo1_sft": "llamafactory/OpenO1-SFT",
    "open_thoughts": "llamafactory/OpenThoughts-114k", "open_r1_math": "llamafactory/OpenR1-Math-94k",
    "chinese_r1_distill": "Congliu/Chinese-DeepSeek-R1-Distill-data-110k-SFT",
    "pokemon_cap": "llamafactory/pokemon-gpt4o-captions", "llava_1k_en": "BUAADreamer/llava-en-zh-2k",
    "llava_150k_en": "BUAADreamer/llava-en-zh-300k", "dpo_mix_en": "llamafactory/DPO-En-Zh-20k",
    "dpo_mix_zh": "llamafactory/DPO-En-Zh-20k", "ultrafeedback": "llamafactory/ultrafeedback_binarized",
    "coig_p": "m-a-p/COIG-P", "rlhf_v": "llamafactory/RLHF-V", "vlfeedback": "Zhihui/VLFeedback",
    "rlaif_v": "openbmb/RLAIF-V-Dataset", "orca_pairs": "Intel/orca_dpo_pairs", "nectar_rm": "AstraMindAI/RLAIF-Nectar",
    "kto_mix_en": "argilla/kto-mix-15k", "refinedweb": "tiiuae/falcon-refinedweb",
    "ultrafeedback_kto": "argilla/ultrafeedback-binarized-preferences-cleaned-kto",
    "redpajama_v2": "togethercomputer/RedPajama-Data-V2", "wikipedia_en": "olm/olm-wikipedia-20221220",
    "pile": "monology/pile-uncopyrighted", "skypile": "Skywork/SkyPile-150B", "fineweb": "HuggingFaceFW/fineweb",
    "fineweb_edu": "HuggingFaceFW/fineweb-edu", "the_stack": "bigcode/the-stack",
    "starcoder_python": "bigcode/starcoderdata",
    **{n: f"data/{n}.json" for n in ("identity", "alpaca_en_demo", "alpaca_zh_demo", "glaive_toolcall_en_demo",
                                     "glaive_toolcall_zh_demo", "mllm_demo", "dpo_en_demo", "dpo_zh_demo",
                                     "kto_en_demo")},
}


def aliases(recipe: Path | None, folder: str) -> Mapping[str, Alias]:
    """The aliases that hold for a recipe: of the nearest dataset_info.json, else those that ship with the tool."""
    below = folder if not folder.startswith(("/", "~")) and ".." not in folder else "."
    for base in _bases(recipe):
        for place in (base / below / FILE, base / FILE):
            found = _small(place)
            if found:
                return _read(str(place), folder, *found)
    return _shipped()


def _bases(recipe: Path | None) -> Iterator[Path]:
    if recipe is not None:
        here = recipe.absolute().parent
        yield from (here, *list(here.parents)[:HIGHEST])


def _small(place: Path) -> tuple[int, int]:
    """Time and size of a plain small file, the key of its memory; (), which is nothing, if there is none."""
    try:
        status = place.lstat()
    except OSError:
        return ()  # type: ignore[return-value]  # falsy stands for "not there"
    plain = place.is_file() and not place.is_symlink() and status.st_size <= SIZE
    return (status.st_mtime_ns, status.st_size) if plain else ()  # type: ignore[return-value]


@lru_cache(maxsize=64)
def _read(place: str, folder: str, _time: int, _size: int) -> Mapping[str, Alias]:
    data = json_safe.read(Path(place), FILE).data
    told = {name: _alias(name, row, folder) for name, row in data.items() if isinstance(row, dict)}
    return {name: alias for name, alias in told.items() if alias.target}


def _alias(name: str, row: Mapping[str, object], folder: str) -> Alias:
    """The hub id first, as the program takes it; a script or a file of the folder else."""
    def word(key: str) -> str:
        value = row.get(key)
        return value if isinstance(value, str) else ""

    file = word("file_name") or word("script_url") or word("local_path")
    target = next(filter(None, map(word, ("hf_hub_url", "ms_hub_url", "om_hub_url", "cloud_file_name"))), "")
    return Alias(name, target or (f"{folder.rstrip('/')}/{file}" if file else ""), word("split"), word("subset"))


@lru_cache(maxsize=1)
def _shipped() -> Mapping[str, Alias]:
    return {name: Alias(name, target, file=SHIPPED_FROM) for name, target in SHIPPED.items()}


def data_file(recipe: Path | None, written: str) -> tuple[Alias, ...]:
    """The data sets of a data file of version 1 (`{alias: {path, source, split}}`), () if it is not at hand."""
    if written.startswith(("/", "~")) or ".." in written:
        return ()
    for base in _bases(recipe):
        place = base / written
        if _small(place):
            tree = yaml_safe.read(place.read_text("utf-8", "replace"), written).mapping
            return tuple(_listed(e.key, e.value, written) for e in tree.entries if isinstance(e.value, Tree))
    return ()


def _listed(name: str, row: Tree, file: str) -> Alias:
    return Alias(name, row.text("hf_hub_url") or row.text("path") or name, row.text("split"), row.text("subset"), file)
