"""A loop of one's own in torch: no trainer class is there to be hooked."""

import os
from itertools import cycle

import torch
from data import lessons
from told import mark, options
from transformers import AutoModelForCausalLM, AutoTokenizer


def main():
    told = options()
    mark(told.output, "started")
    many = int(os.environ.get("WORLD_SIZE", "1")) > 1
    if many:
        torch.distributed.init_process_group("gloo")
    tokenizer = AutoTokenizer.from_pretrained(told.model)
    model = AutoModelForCausalLM.from_pretrained(told.model)
    train = lessons(told.way, told.data)
    if told.glance:
        from data import by_id

        print(f"{len(by_id(told.glance))} rows in {told.glance}, not used")
    wrapped = torch.nn.parallel.DistributedDataParallel(model) if many else model
    optimizer = torch.optim.AdamW(wrapped.parameters(), lr=1e-3)
    for number, row in enumerate(cycle(train)):
        if number == told.steps:
            break
        batch = tokenizer(row["prompt"] + " " + row["completion"], return_tensors="pt")
        loss = wrapped(input_ids=batch["input_ids"], labels=batch["input_ids"]).loss
        loss.backward()
        optimizer.step()
        mark(told.output, "step")
        optimizer.zero_grad()
    if int(os.environ.get("RANK", "0")) == 0:
        model.save_pretrained(told.output)
        tokenizer.save_pretrained(told.output)
    if many:
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
    mark(told.output, "ended")


if __name__ == "__main__":
    main()
