"""Runs llama.cpp's own converter with the name of the pre-tokenizer given: it knows only tokenizers of the hub by hash.

usage: python their_converter.py LLAMA_CPP PRE FOLDER OUT TYPE
"""

import sys

llama_cpp, pre, folder, out, kind = sys.argv[1:]
sys.path[:0] = [llama_cpp, f"{llama_cpp}/gguf-py"]
import conversion.base as base  # noqa: E402

if pre:
    base.TextModel.get_vocab_base_pre = lambda self, tokenizer: pre
sys.argv = ["convert_hf_to_gguf.py", folder, "--outfile", out, "--outtype", kind]
import convert_hf_to_gguf  # noqa: E402

convert_hf_to_gguf.main()
