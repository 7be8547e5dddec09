"""Many who redeem one ticket, in a process of their own: `redeeming.py URL PREFIX DIGEST MANY`."""

import sys

import anyio

from antiphon.gateway.store import open_store


async def main(url: str, prefix: str, digest: str, many: int) -> None:
    store = open_store(url, prefix=prefix, timeout=30.0)
    won: list[bytes] = []

    async def redeem() -> None:
        grant = await store.redeem(digest)
        if grant is not None:
            won.append(grant)

    await store.ready()
    print("ready", flush=True)
    sys.stdin.readline()
    async with anyio.create_task_group() as group:
        for _ in range(many):
            group.start_soon(redeem)
    await store.aclose()
    print(len(won), flush=True)


if __name__ == "__main__":
    _, url, prefix, digest, many = sys.argv
    anyio.run(main, url, prefix, digest, int(many))
