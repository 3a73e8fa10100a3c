"""What provenance costs on the wire: the same upstream asked directly and through `caveat proxy`, in turn, in one run.

Upstream, proxy and clients are processes of their own. `paced` streams tokens as models do (64 clients, 30 tokens a
second each); `instant` answers at once, which no model does and which shows the proxy's own limit. `kills` hangs up and
kills the upstream at random moments and then counts what the log knows.

    python benchmarks/proxy.py [--rounds 5] [--clients 64] [--kills 100] [--only paced,latency,...] [--json FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve()
MODEL = "meta-llama/Llama-2-7b-chat-hf"
ANSWER = json.dumps({"id": "x", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [
    {"index": 0, "message": {"role": "assistant", "content": "word " * 400}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 400}}).encode()
TOKEN = b"data: " + json.dumps({"id": "chatcmpl-0123456789", "object": "chat.completion.chunk", "created": 1, "model":
                                MODEL, "choices": [{"index": 0, "delta": {"content": " word"}, "finish_reason": None}]
                                }).encode() + b"\n\n"
END = b"data: [DONE]\n\n"


# -- upstream -----------------------------------------------------------------------------------------------------
def piece(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers as the request's own numbers say: how many tokens, how many a second, and after how many to die."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(h.split(b":")[1]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length"))
            asked = json.loads(await reader.readexactly(length))
            if not asked.get("stream"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                             % len(ANSWER) + ANSWER)
            elif not await streamed(asked, writer):
                return
    except (ConnectionError, asyncio.IncompleteReadError):
        writer.close()


async def streamed(asked: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    start, rate, dies = time.perf_counter(), asked.get("rate", 0), asked.get("dies", -1)
    for n in range(asked["max_tokens"]):
        if rate:
            await asyncio.sleep(max(start + n / rate - time.perf_counter(), 0))
        if n == dies:
            writer.transport.abort()
            return False
        writer.write(piece(TOKEN))
        await writer.drain()
    writer.write(piece(END) + b"0\r\n\r\n")
    return True


def serve_upstream(port: int) -> None:
    async def run() -> None:
        server = await asyncio.start_server(upstream, "127.0.0.1", port, backlog=512)
        await server.serve_forever()

    asyncio.run(run())


# -- clients ------------------------------------------------------------------------------------------------------
def request(port: int, **more: Any) -> bytes:
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "Tell me about licences. " * 20}],
                       **more}).encode()
    return (f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer none\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


class Client:
    """One kept connection; an answer's times are those at which its bytes came."""

    async def open(self, port: int) -> Client:
        self.port = port
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def ask(self, asked: bytes) -> tuple[float, float, int]:
        """(seconds to the first piece, seconds to the end, bytes)."""
        start, first, size, tail = time.perf_counter(), 0.0, 0, b""
        self.writer.write(asked)
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        if b"content-length:" in head:
            body = await self.reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
            return time.perf_counter() - start, time.perf_counter() - start, len(body)
        while not tail.endswith(b"0\r\n\r\n"):
            got = await self.reader.read(65536)
            if not got:
                raise ConnectionError("the stream broke off")
            first = first or time.perf_counter() - start
            size, tail = size + len(got), (tail + got)[-5:]
        return first, time.perf_counter() - start, size

    def close(self) -> None:
        self.writer.close()


async def many(port: int, clients: int, each: int, **more: Any) -> tuple[float, list[tuple[float, float, int]]]:
    """Seconds for all, and each answer's times; every client keeps its connection."""
    pool = [await Client().open(port) for _ in range(clients)]
    asked = request(port, **more)

    async def one(client: Client) -> list[tuple[float, float, int]]:
        return [await client.ask(asked) for _ in range(each)]

    start = time.perf_counter()
    got = await asyncio.gather(*(one(c) for c in pool))
    seconds = time.perf_counter() - start
    for client in pool:
        client.close()
    return seconds, [t for times in got for t in times]


# -- processes ----------------------------------------------------------------------------------------------------
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as s:
        return int(s.getsockname()[1])


@contextmanager
def process(words: list[str], port: int) -> Iterator[int]:
    """The id of a running process that listens on the port."""
    running = subprocess.Popen(words, stderr=subprocess.PIPE)
    try:
        for _ in range(600):
            time.sleep(0.05)
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if running.poll() is not None:
                    sys.exit(running.stderr.read().decode() if running.stderr else "it did not start")
        yield running.pid
    finally:
        running.terminate()
        running.wait(30)


@contextmanager
def both(log: str) -> Iterator[tuple[int, int, int]]:
    """(port of the upstream, port of the proxy before it, process id of the proxy)."""
    direct, through = free_port(), free_port()
    words = [sys.executable, "-m", "caveat", "proxy", "--upstream", f"http://127.0.0.1:{direct}", "--port",
             str(through), "--log", log]
    with process([sys.executable, str(HERE), "--upstream", str(direct)], direct), process(words, through) as pid:
        yield direct, through, pid


def spent(pid: int) -> float:
    """Seconds of processor a process has used: the figure that other work on the machine does not move."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# -- what is measured ---------------------------------------------------------------------------------------------
def latency(rounds: int, clients: int, folder: Path) -> dict[str, float]:
    """One client, answers at once: median seconds added to a request, of rounds taken in turn."""
    with both(str(folder / "latency")) as (direct, through, pid):
        asyncio.run(many(through, 1, 50))
        added, bases, before = [], [], spent(pid)
        for _ in range(rounds):
            base = median(t[1] for t in asyncio.run(many(direct, 1, 200))[1])
            added.append(median(t[1] for t in asyncio.run(many(through, 1, 200))[1]) - base)
            bases.append(base)
        used = (spent(pid) - before) / rounds / 200
    return {"direct ms": median(bases) * 1e3, "added ms": median(added) * 1e3, "least added ms": min(added) * 1e3,
            "processor ms": used * 1e3}


def paced(rounds: int, clients: int, folder: Path) -> dict[str, float]:
    """Tokens at the pace of models: throughput through the proxy against direct, and what the first token waits."""
    ask = {"stream": True, "max_tokens": 90, "rate": 30}
    ratios, firsts, rates = [], [], []
    with both(str(folder / "paced")) as (direct, through, pid):
        asyncio.run(many(through, 4, 1, **{**ask, "max_tokens": 5}))
        before = spent(pid)
        for _ in range(rounds):
            plain, alone = asyncio.run(many(direct, clients, 1, **ask))
            seconds, times = asyncio.run(many(through, clients, 1, **ask))
            ratios.append(plain / seconds)
            rates.append(clients * ask["max_tokens"] / seconds)
            firsts.append(median(t[0] for t in times) - median(t[0] for t in alone))
        used = (spent(pid) - before) / rounds / clients / ask["max_tokens"]
    return {"tokens/s": median(rates), "throughput lost %": (1 - median(ratios)) * 100,
            "least lost %": (1 - max(ratios)) * 100, "first token later ms": median(firsts) * 1e3,
            "processor us a token": used * 1e6}


def instant(rounds: int, clients: int, folder: Path) -> dict[str, float]:
    """The worst case: whole answers at once, and streams as fast as they can be written."""
    whole, flat, rate, tokens = [], [], [], []
    with both(str(folder / "instant")) as (direct, through, _):
        asyncio.run(many(through, clients, 2))
        for _ in range(rounds):
            plain, _ = asyncio.run(many(direct, clients, 10))
            seconds, _ = asyncio.run(many(through, clients, 10))
            whole.append(plain / seconds)
            rate.append(clients * 10 / seconds)
            plain, _ = asyncio.run(many(direct, clients, 1, stream=True, max_tokens=100))
            seconds, _ = asyncio.run(many(through, clients, 1, stream=True, max_tokens=100))
            flat.append(plain / seconds)
            tokens.append(clients * 100 / seconds)
    return {"requests/s": median(rate), "of direct %": median(whole) * 100, "tokens/s": median(tokens),
            "tokens of direct %": median(flat) * 100}


def middleware(rounds: int, clients: int, folder: Path) -> dict[str, float]:
    """In one process, without a network: what the middleware adds to a request and to each piece of a stream."""
    from caveat.flows.serving import known
    from caveat.runtime.origin import Origin
    from caveat.runtime.serving.middleware import ProvenanceMiddleware
    from caveat.runtime.serving.settings import Settings

    pieces = 100

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for _ in range(scope["pieces"]):
            await send({"type": "http.response.body", "body": TOKEN, "more_body": True})
        await send({"type": "http.response.body", "body": END})

    origin = known(Origin(MODEL, "model", f"pkg:huggingface/{MODEL}", laws=("llama-2",), terms_on="2026-11-24"))
    wrapped = ProvenanceMiddleware(app, Settings(lambda _: origin, str(folder / "middleware")))
    body = request(1).partition(b"\r\n\r\n")[2]
    plain = [seconds(app, body, n) for n in (0, pieces) for _ in range(rounds)]
    ours = [seconds(wrapped, body, n) for n in (0, pieces) for _ in range(rounds)]
    assert wrapped.log is not None and wrapped.log.close(60) == 0
    added = median(ours[:rounds]) - median(plain[:rounds])
    streams = median(ours[rounds:]) - median(plain[rounds:])
    return {"a request us": added * 1e6, "a piece us": (streams - added) / pieces * 1e6}


def seconds(app: Callable[..., Awaitable[None]], body: bytes, pieces: int, times: int = 300) -> float:
    """Seconds of one request to an ASGI app, a mean over many."""

    async def one() -> None:
        asked = [{"type": "http.request", "body": body}]

        async def receive() -> Any:
            return asked.pop() if asked else await asyncio.sleep(60)

        async def send(message: Any) -> None:
            await asyncio.sleep(0)

        await app({"type": "http", "method": "POST", "path": "/v1/chat/completions", "pieces": pieces}, receive, send)

    async def all_() -> float:
        start = time.process_time()
        for _ in range(times):
            await one()
        return (time.process_time() - start) / times

    return asyncio.run(all_())


def kills(many_: int, folder: Path) -> dict[str, float]:
    """Clients that hang up and upstreams that die, at random moments: is every exchange in the log, rightly told?"""
    from caveat.runtime.serving.reading import checked, exchanges

    chance, log = random.Random(1), folder / "kills"
    with both(str(log)) as (_, through, _):
        asyncio.run(_hang_up(through, many_, chance))
        asyncio.run(_die(through, many_, chance))
        time.sleep(1)
    rows = list(exchanges(log))
    by = [row["cut_by"] for row in rows]
    told = sum(r["response_bytes"] > 0 for r in rows if r["cut_by"] == "upstream")
    return {"exchanges": len(rows), "of": 2 * many_, "by client": by.count("client"), "finished": by.count(None),
            "by upstream": by.count("upstream"), "with what was delivered": told,
            "never ended": sum(r["ended"] == "never ended" for r in rows), "faults": len(checked(log).faults)}


async def _hang_up(port: int, times: int, chance: random.Random) -> None:
    for _ in range(times):
        client = await Client().open(port)
        client.writer.write(request(port, stream=True, max_tokens=40, rate=400))
        await asyncio.sleep(0.005 + chance.random() * 0.1)
        client.writer.transport.abort()


async def _die(port: int, times: int, chance: random.Random) -> None:
    for _ in range(times):
        client = await Client().open(port)
        try:
            await client.ask(request(port, stream=True, max_tokens=40, rate=1000, dies=1 + chance.randrange(39)))
            sys.exit("a stream that broke off looked whole")
        except (ConnectionError, asyncio.IncompleteReadError):
            client.close()


def main() -> int:
    cli = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cli.add_argument("--rounds", type=int, default=5)
    cli.add_argument("--clients", type=int, default=64)
    cli.add_argument("--kills", type=int, default=100)
    cli.add_argument("--only", default="latency,paced,instant,middleware,kills")
    cli.add_argument("--json", metavar="FILE")
    cli.add_argument("--upstream", type=int, help=argparse.SUPPRESS)
    options = cli.parse_args()
    if options.upstream:
        serve_upstream(options.upstream)
        return 0
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in options.only.split(","):
            if name == "kills":
                found[name] = kills(options.kills, Path(folder))
            else:
                measure = {"latency": latency, "paced": paced, "instant": instant, "middleware": middleware}[name]
                found[name] = measure(options.rounds, options.clients, Path(folder))
            told = (f"{k} {v:.2f}" if v % 1 else f"{k} {v:.0f}" for k, v in found[name].items())
            print(f"{name:<11}{'  '.join(told)}", flush=True)
    print(f"load of the machine meanwhile: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
