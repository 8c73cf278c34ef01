"""Measures automations in Home Assistant's engine, without its web server, database and integrations: RULES CHANGES.

Prints microseconds from a change of state to the call of the action's service, for automations with a condition and for
those with a state trigger alone, and the PSS of the process in KiB."""
import asyncio
import sys
import tempfile
import time

from homeassistant import bootstrap, config_entries, core, loader, setup

RULES, CHANGES = int(sys.argv[1]), int(sys.argv[2])


def automation(kind, number):
    entity = f"binary_sensor.{kind}{number}"
    trigger = {"platform": "state", "entity_id": entity}
    rule = {"id": f"{kind}{number}", "alias": f"{kind}{number}", "mode": "parallel"}
    if kind == "state":
        trigger["to"] = "on"
    else:
        rule["condition"] = [{"condition": "template", "value_template": "{{ trigger.to_state.state == 'on' }}"}]
    return rule | {"trigger": [trigger], "action": [{"service": "bench.act", "data": {"n": number}}]}


async def measure(hass, kind, acted):
    for change in range(CHANGES + RULES):
        number = change % RULES
        acted["done"] = asyncio.get_running_loop().create_future()
        begin = time.perf_counter_ns()
        hass.states.async_set(f"binary_sensor.{kind}{number}", "on")
        if await asyncio.wait_for(acted["done"], 10) != number:
            sys.exit("home-assistant: another automation has acted")
        # The first round makes what is made once.
        if change >= RULES:
            print(kind, (acted["at"] - begin) / 1000)
        hass.states.async_set(f"binary_sensor.{kind}{number}", "off")
        await hass.async_block_till_done()


async def main():
    with tempfile.TemporaryDirectory() as folder:
        hass = core.HomeAssistant(folder)
        hass.config.config_dir = folder
        hass.config.skip_pip = True
        hass.config_entries = config_entries.ConfigEntries(hass, {})
        loader.async_setup(hass)
        await bootstrap.async_load_base_functionality(hass)
        # Automations are triggered once the system runs.
        if hasattr(hass, "set_state"):
            hass.set_state(core.CoreState.running)
        else:
            hass.state = core.CoreState.running
        acted = {}

        async def act(call):
            acted["at"] = time.perf_counter_ns()
            acted["done"].set_result(call.data["n"])

        hass.services.async_register("bench", "act", act)
        kinds = ("condition", "state")
        rules = [automation(kind, number) for kind in kinds for number in range(RULES)]
        for rule in rules:
            hass.states.async_set(rule["trigger"][0]["entity_id"], "off")
        if not await setup.async_setup_component(hass, "automation", {"automation": rules}):
            sys.exit("home-assistant: the automations are not accepted")
        await hass.async_block_till_done()
        for kind in kinds:
            await measure(hass, kind, acted)
        with open("/proc/self/smaps_rollup") as file:
            print("pss", next(line.split()[1] for line in file if line.startswith("Pss:")))
        await hass.async_stop(force=True)


asyncio.run(main())
