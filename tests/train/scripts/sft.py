"""Supervised fine-tuning with TRL, as in its guide."""

from data import lessons
from peft import LoraConfig
from told import Told, mark, options
from trl import SFTConfig, SFTTrainer


def main():
    told = options()
    mark(told.output, "started")
    train = lessons(told.way, told.data)
    held_out = lessons(told.eval_way, told.eval_data) if told.eval_data else None
    callbacks = [Told(told.output)]
    if told.callback:
        from caveat.guard.callback import CaveatCallback

        callbacks.append(CaveatCallback(project="caveat.toml"))
    trainer = SFTTrainer(
        model=told.model,
        train_dataset=train,
        eval_dataset=held_out,
        args=SFTConfig(output_dir=told.output, max_steps=told.steps, per_device_train_batch_size=1, use_cpu=True,
                       report_to=[], save_strategy="no", max_length=64, bf16=False, gradient_checkpointing=False,
                       dataloader_num_workers=0, disable_tqdm=True),
        peft_config=LoraConfig(r=2, target_modules=["q_proj"], task_type="CAUSAL_LM") if told.lora else None,
        callbacks=callbacks,
    )
    trainer.train()
    trainer.save_model()
    trainer.accelerator.wait_for_everyone()  # one that ends while others talk to it makes them abort
    mark(told.output, "ended")


if __name__ == "__main__":
    main()
