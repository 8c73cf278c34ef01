"""Drives an MCP server over stdio with a client of the Python package index, and prints what it saw as one line of JSON.

usage: drive.py mcp2-auto|mcp2-legacy|fastmcp|mcp1|approval COMMAND [ARGUMENT…]

The three packages name the same things differently; `Board` is what this file needs of each.
"""
import asyncio
import json
import sys

kind, command, arguments = sys.argv[1], sys.argv[2], sys.argv[3:]
URI = "openstarry://causes/fan"


def either(value, *names):
    for name in names:
        if hasattr(value, name):
            return getattr(value, name)
    return None


def result(answer):
    """What a tool gave, in the same words for all packages."""
    content = []
    for item in answer.content:
        if item.type == "image":
            content.append({"image": either(item, "mime_type", "mimeType"), "length": len(item.data)})
        else:
            content.append({"text": item.text})
    return {
        "error": bool(either(answer, "is_error", "isError")),
        "structured": either(answer, "structured_content", "structuredContent"),
        "content": content,
    }


async def drive(version, tools, call, resources, read, prompts, prompt, watch):
    seen = {"version": version, "tools": sorted(tool.name for tool in await tools())}
    # The clients hold results to the output schemas, and raise where one does not fit.
    for name, given in [
        ("devices", {}), ("read", {"device": "temperature"}),
        ("control", {"device": "fan", "command": "on", "lease_ms": 20000}), ("why", {"device": "fan"}),
        ("events", {"pattern": "device:*"}), ("emit", {"type": "assistant:noticed", "payload": {"what": "dry"}}),
        ("rules_test", {"type": "sensor:temperature", "payload": {"value": 31}}),
        ("rules_explain", {"rule": "too-hot"}), ("history", {}), ("doctor", {}), ("snapshot", {"device": "cam0"}),
    ]:
        seen[name] = result(await call(name, given))
    # Refusals: of the board, of the bounds, of the tool, and of the server.
    for name, given in [
        ("control", {"device": "nowhere", "command": "on"}), ("control", {"device": "fan", "command": "sideways"}),
        ("read", {}), ("no_such_tool", {}),
    ]:
        seen.setdefault("refused", []).append(result(await call(name, given)))
    listed = await resources()
    seen["resources"] = [str(item.uri) for item in listed]
    seen["texts"] = {}
    for uri in seen["resources"]:
        seen["texts"][uri] = (await read(uri))[0].text
    seen["prompts"] = sorted(item.name for item in await prompts())
    if seen["prompts"]:
        seen["prompt"] = (await prompt("diagnose", {"device": "fan"})).messages[0].content.text
    if watch:
        seen["updated"] = await watch(lambda: call("release", {"device": "fan"}))
    # Held until this program ends.
    seen["held"] = result(await call("control", {"device": "fan", "command": "on", "lease_ms": 600000}))
    print(json.dumps(seen))


async def mcp1():
    from mcp import ClientSession, StdioServerParameters, stdio_client
    from pydantic import AnyUrl

    changed, updates = asyncio.Event(), []

    async def hear(message):
        root = getattr(message, "root", message)
        if getattr(root, "method", "") == "notifications/resources/updated":
            updates.append(str(root.params.uri))
            changed.set()

    async with stdio_client(StdioServerParameters(command=command, args=arguments)) as streams:
        async with ClientSession(*streams, message_handler=hear) as client:
            start = await client.initialize()

            async def tools(): return (await client.list_tools()).tools
            async def call(name, given): return await client.call_tool(name, given)
            async def resources(): return (await client.list_resources()).resources
            async def read(uri): return (await client.read_resource(AnyUrl(uri))).contents
            async def prompts(): return (await client.list_prompts()).prompts
            async def prompt(name, given): return await client.get_prompt(name, given)

            async def watch(change):
                await client.subscribe_resource(AnyUrl(URI))
                await change()
                await asyncio.wait_for(changed.wait(), 60)
                return updates[0]

            await drive(start.protocolVersion, tools, call, resources, read, prompts, prompt, watch)


async def mcp2(mode):
    from mcp.client import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    changed, updates = asyncio.Event(), []

    async def hear(message):
        if getattr(message, "method", "") == "notifications/resources/updated":
            updates.append(str(message.params.uri))
            changed.set()

    transport = stdio_client(StdioServerParameters(command=command, args=arguments))
    async with Client(transport, mode=mode, message_handler=hear) as client:

        async def tools(): return (await client.list_tools()).tools
        async def call(name, given): return await client.call_tool(name, given)
        async def resources(): return (await client.list_resources()).resources
        async def read(uri): return (await client.read_resource(uri)).contents
        async def prompts(): return (await client.list_prompts()).prompts
        async def prompt(name, given): return await client.get_prompt(name, given)

        async def watch(change):
            if mode == "legacy":
                await client.subscribe_resource(URI)
                await change()
                await asyncio.wait_for(changed.wait(), 60)
                return updates[0]
            async with client.listen(resource_subscriptions=[URI]) as stream:
                await change()
                return (await asyncio.wait_for(anext(stream), 60)).uri

        await drive(client.protocol_version, tools, call, resources, read, prompts, prompt, watch)


async def fastmcp():
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport

    async with Client(StdioTransport(command, arguments)) as client:

        async def call(name, given): return await client.call_tool(name, given, raise_on_error=False)

        await drive(
            "fastmcp", client.list_tools, call, client.list_resources, client.read_resource, client.list_prompts,
            client.get_prompt, None)


async def approval():
    """A command that waits for a person: the client asks again by itself."""
    from mcp.client import Client
    from mcp.client.stdio import StdioServerParameters, stdio_client

    async with Client(stdio_client(StdioServerParameters(command=command, args=arguments)), mode="auto") as client:
        print(json.dumps(result(await client.call_tool("control", {"device": "valve", "command": "on", "reason": "dry"}))))


asyncio.run({"approval": approval, "mcp1": mcp1, "mcp2-auto": lambda: mcp2("auto"), "mcp2-legacy": lambda: mcp2("legacy"), "fastmcp": fastmcp}[kind]())
