"""A served model says whose answers they are: headers on every response, and a log that only grows.

    middleware.py  headers and log around any ASGI app · proxy.py  passes through · endpoint.py  serves GGUF files
"""
