from datasets import load_dataset
from transformers import AutoModelForCausalLM, Trainer

pairs = load_dataset("tatsu-lab/alpaca")
student = AutoModelForCausalLM.from_pretrained("EleutherAI/pythia-410m")
trainer = Trainer(model=student, train_dataset=pairs["train"])
trainer.train()
trainer.save_model("student")
