#!/usr/bin/python3 -S
"""Keeps the greenhouse cool: a fan with hysteresis, so that it does not switch with every small change."""

import openstarry

# Degrees Celsius.
TOO_WARM = 30.0
COOL_AGAIN = 28.0


class Thermostat(openstarry.Agent):
    def __init__(self):
        self.is_cooling = False
        self.is_waiting = False
        self.rests_until_ns = 0
        self.temperature = None

    def handle(self, event, board):
        if event.type != "sensor:temperature":
            return
        self.temperature = event["value"]
        if self.temperature > TOO_WARM or self.is_cooling and self.temperature >= COOL_AGAIN:
            # Each reading renews the lease: if this agent or its sensor fails, the fan goes off a minute later.
            if event.monotonic_ns >= self.rests_until_ns and self.ask("on", event, board):
                self.note(True, board)
        elif self.is_cooling and self.ask("off", event, board):
            self.note(False, board)

    def ask(self, command, event, board):
        """Commands the fan. Returns whether it was carried out; if not, a later reading asks again."""
        try:
            board.control("fan", command, lease=60)
        except (openstarry.Busy, openstarry.Limited) as refusal:
            # A limit has a known end, so asking earlier is useless. Another holder may release the fan at any time.
            if refusal.code == "limited" and refusal.retry_after is not None:
                self.rests_until_ns = event.monotonic_ns + int(refusal.retry_after * 1e9)
            if not self.is_waiting:
                board.notice(f"the fan has to wait: {refusal}")
            self.is_waiting = True
            return False
        self.is_waiting = False
        return True

    def note(self, is_cooling, board):
        if is_cooling == self.is_cooling:
            return
        self.is_cooling = is_cooling
        board.state["switches"] = board.state.get("switches", 0) + 1
        board.log(f"{self.temperature:.1f} °C: fan {'on' if is_cooling else 'off'}")
        board.emit("thermostat:switched", {"cooling": is_cooling, "temperature": self.temperature})

    def snapshot(self):
        return {"cooling": self.is_cooling, "temperature": self.temperature}


if __name__ == "__main__":
    openstarry.run(Thermostat)
