"""Caveat: licence compliance for language models, from weights to outputs."""
