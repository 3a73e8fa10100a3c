"""Real trainers with Caveat's callback, one after the other in one process; prints what became of each as JSON."""

import json
import sys
from pathlib import Path

from datasets import load_dataset
from peft import LoraConfig
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

import caveat

MISTRAL = "mistralai/Mistral-7B-v0.1"
COMMON = {"max_steps": 2, "per_device_train_batch_size": 1, "use_cpu": True, "report_to": [], "bf16": False,
          "disable_tqdm": True}
LORA = LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM")


def lessons(rows):
    rows = rows.rename_column("question", "prompt") if rows.column_names and "question" in rows.column_names else rows
    return rows.rename_column("chosen", "completion").remove_columns("rejected")


def sft(name, rows, lora=False, save="no", **said):
    settings = SFTConfig(output_dir=f"out/{name}", max_length=64, gradient_checkpointing=False, save_strategy=save,
                         save_steps=1, **COMMON)
    return SFTTrainer(model=MISTRAL, train_dataset=rows, args=settings, peft_config=LORA if lora else None,
                      callbacks=[caveat.CaveatCallback(**said)])


def dpo(name, rows, **said):
    settings = DPOConfig(output_dir=f"out/{name}", max_length=64, gradient_checkpointing=False, save_strategy="no",
                         **COMMON)
    rows = rows.rename_column("question", "prompt") if "question" in rows.column_names else rows
    return DPOTrainer(model=AutoModelForCausalLM.from_pretrained(MISTRAL), train_dataset=rows, args=settings,
                      processing_class=AutoTokenizer.from_pretrained(MISTRAL),
                      callbacks=[caveat.CaveatCallback(**said)])


def plain(name, rows, **said):
    tokenizer = AutoTokenizer.from_pretrained(MISTRAL)
    rows = rows.map(lambda row: tokenizer(row["chosen"]), remove_columns=rows.column_names)
    return Trainer(AutoModelForCausalLM.from_pretrained(MISTRAL),
                   TrainingArguments(output_dir=f"out/{name}", save_strategy="no", **COMMON), train_dataset=rows,
                   data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
                   callbacks=[caveat.CaveatCallback(**said)])


def hub(name):
    return load_dataset(name, split="train")


def files(path, **more):
    return load_dataset("parquet", data_files=path, split="train", **more)


ORCA, HUMAN = "Intel/orca_dpo_pairs", "OpenAssistant/oasst1"
RUNS = {
    "sft-lawful": lambda name: sft(name, lessons(hub(HUMAN)), save="steps"),
    "sft-lora-lawful": lambda name: sft(name, lessons(hub(HUMAN)), lora=True),
    "dpo-lawful": lambda name: dpo(name, hub(HUMAN)),
    "plain-lawful": lambda name: plain(name, hub(HUMAN)),
    "sft-hub-refused": lambda name: sft(name, lessons(hub(ORCA))),
    "sft-lora-refused": lambda name: sft(name, lessons(hub(ORCA)), lora=True),
    "dpo-hub-refused": lambda name: dpo(name, hub(ORCA)),
    "plain-hub-refused": lambda name: plain(name, hub(ORCA)),
    "sft-column-refused": lambda name: sft(name, lessons(files("llama.parquet"))),
    "plain-column-refused": lambda name: plain(name, files("llama.parquet")),
    "sft-stream-refused": lambda name: sft(name, lessons(files("llama.parquet", streaming=True))),
    "sft-declared-refused": lambda name: sft(name, lessons(load_dataset("./answers-llama", split="train")),
                                             datasets=["./answers-llama"]),
    "sft-strict-refused": lambda name: sft(name, lessons(load_dataset("./answers-mixtral", split="train")),
                                           strict=True),
    "sft-accepted-lawful": lambda name: sft(name, lessons(hub(ORCA)),
                                            accept=["llama-2/no-improving-others@sft-accepted-lawful"]),
}


def main():
    for name in sys.argv[1:] or RUNS:
        trainer, told = RUNS[name](name), ""
        try:
            trainer.train()
            trainer.save_model()
            trainer.create_model_card()
        except caveat.Refused as refusal:
            told = str(refusal)
        card = Path(f"out/{name}/README.md")
        print(json.dumps({"name": name, "steps": trainer.state.global_step, "told": told,
                          "card": card.read_text("utf-8") if card.is_file() else ""}), flush=True)


if __name__ == "__main__":
    main()
