"""Direct preference optimisation with TRL, with a reference model of its own where one is named."""

from data import preferences
from peft import LoraConfig
from told import Told, mark, options
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer


def main():
    told = options()
    mark(told.output, "started")
    reference = AutoModelForCausalLM.from_pretrained(told.ref_model) if told.ref_model else None
    trainer = DPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(told.model),
        ref_model=reference,
        processing_class=AutoTokenizer.from_pretrained(told.model),
        train_dataset=preferences(told.way, told.data),
        args=DPOConfig(output_dir=told.output, max_steps=told.steps, per_device_train_batch_size=1, use_cpu=True,
                       report_to=[], save_strategy="no", max_length=64, bf16=False, gradient_checkpointing=False,
                       disable_tqdm=True),
        peft_config=LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM") if told.lora else None,
        callbacks=[Told(told.output)],
    )
    trainer.train()
    trainer.save_model()
    trainer.accelerator.wait_for_everyone()  # one that ends while others talk to it makes them abort
    mark(told.output, "ended")


if __name__ == "__main__":
    main()
