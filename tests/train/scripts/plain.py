"""The Trainer of transformers, with nothing of TRL."""

from data import lessons
from told import Told, mark, options
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    DataCollatorForLanguageModeling,
    Trainer,
    TrainingArguments,
)


def main():
    told = options()
    mark(told.output, "started")
    tokenizer = AutoTokenizer.from_pretrained(told.model)
    model = AutoModelForCausalLM.from_pretrained(told.model)
    if told.adapter:
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, told.adapter, is_trainable=True)

    def encoded(row):
        return tokenizer(row["prompt"] + " " + row["completion"], truncation=True, max_length=64)

    trainer = Trainer(
        model=model,
        args=TrainingArguments(output_dir=told.output, max_steps=told.steps, per_device_train_batch_size=1,
                               use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True),
        train_dataset=lessons(told.way, told.data).map(encoded, remove_columns=["prompt", "completion"]),
        data_collator=DataCollatorForLanguageModeling(tokenizer, mlm=False),
        callbacks=[Told(told.output)],
    )
    trainer.train()
    trainer.save_model()
    trainer.accelerator.wait_for_everyone()  # one that ends while others talk to it makes them abort
    mark(told.output, "ended")


if __name__ == "__main__":
    main()
