"""delay_proxy.py PORT: forwards connections to that port, each byte ten milliseconds later in either direction, so that an
answer comes twenty after its request. Prints its own port."""

import asyncio
import sys

DELAY = 0.01
TARGET = int(sys.argv[1])


async def forward(reader, writer):
    loop = asyncio.get_running_loop()

    def deliver(data):
        if not writer.is_closing():
            writer.write(data) if data else writer.close()

    while True:
        try:
            data = await reader.read(262144)
        except ConnectionError:
            data = b""
        loop.call_later(DELAY, deliver, data)
        if not data:
            return


async def accept(reader, writer):
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", TARGET)
    await asyncio.gather(forward(reader, far_writer), forward(far_reader, writer))


async def main():
    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
