"""A checkpoint folder of the Llama family becomes one GGUF file; nothing in it is run, unpickled or fetched.

    folder.py       which files there are, and that they lie where they say      safetensors.py  where each tensor lies
    model.py        what the config says, checked         tensors.py  which tensor becomes which, in which order
    vocabulary.py   tokens, merges, special ids           splitter.py which pre-tokenizer it is, by what it does
    header.py       the pairs of the GGUF header          writing.py  the numbers, a piece at a time
    external.py     other architectures, by the user's own converter
"""
