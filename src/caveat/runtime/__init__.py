"""Running models at home, lawfully: what fits, and what comes out of it. Takes values, reads no evidence, never judges.

Nothing of this room is imported by other commands; what is heavy is imported where it is used (extra `caveat[run]`).
"""
