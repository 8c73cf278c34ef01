"""Agents for openstarryd in Python, with the standard library alone.

    import openstarry

    def handle(event, board):
        if event["value"] > 30:
            board.on("fan", lease=60)

    openstarry.run(handle)

docs/python.md is the guide, docs/process-abi.md the protocol.
"""

# Agents start with their first event, so this file imports little; the package `json` alone would double Python's own
# start-up time.
import _thread
import os
import sys

__all__ = [
    "Agent", "Board", "Event", "Reading", "Receipt", "State", "pulse", "run",
    "Refusal", "Busy", "Limited", "Denied", "NotFound", "Invalid", "Unavailable", "Failed",
]

_DESCRIPTOR = 3
_LONGEST_LINE = 1 << 20
_DEEPEST = 64
_LEVELS = ("emergency", "alert", "critical", "error", "warning", "notice", "info", "debug")


# What agents are made of


class Agent:
    """An agent. An instance lives from the agent's start to its stop, and keeps its attributes in between.

    Values that must survive a restart belong into `board.state`.
    """

    def handle(self, event, board):
        """Handles one event.

        A refusal that leaves it is passed on to the daemon: the activation is refused, and the agent continues. Any
        other exception is a failure, to which the manifest's restart policy applies.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method handle(self, event, board)")

    def snapshot(self):
        """Returns the agent's report, a dict, which `openstarry state` shows."""
        return {}


def run(agent):
    """Serves the daemon until it stops the agent; does not return.

    `agent` is a subclass of `Agent`, an instance of one, or a function `handle(event, board)`. After SIGTERM the
    current event is finished, and the program exits with code 0.
    """
    if not _is_socket(_DESCRIPTOR):
        sys.stderr.write(
            f"openstarryd starts this program: file descriptor {_DESCRIPTOR} must be its socket. "
            "docs/python.md shows how to try an agent without it.\n"
        )
        raise SystemExit(64)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    if isinstance(agent, type):
        agent = agent()
    elif not hasattr(agent, "handle"):
        agent = _FunctionAgent(agent)
    daemon = _Daemon()
    try:
        _serve(agent, Board(daemon), daemon)
    finally:
        daemon.close()
        _flush()


class Event:
    """A named fact: something happened, or was measured or decided.

    `event["value"]` is short for `event.payload["value"]`, `event.get("value")` for `event.payload.get("value")`.

    - `type`: `domain:verb`, such as `sensor:temperature`.
    - `payload`: the event's data, a dict.
    - `id`: unique, sorts by time.
    - `source`: a device, `agent/ID`, `rule/ID`, `client/NAME`, `system`.
    - `time`: milliseconds since 1970, for display; `clock_synchronised` tells whether that clock was right.
    - `monotonic_ns`: nanoseconds on the clock of `board.now_ns`, to compare and to calculate.
    - `cause`: the id of the event that caused it, or None; `trace`: the id of the first event of the chain; `depth`:
      the number of events before it in the chain.
    - `priority`: 0 (emergency) to 5 (background).
    """

    __slots__ = (
        "type", "payload", "id", "time", "clock_synchronised", "monotonic_ns", "source", "cause", "trace", "depth",
        "priority",
    )

    def __init__(
        self, type, payload=None, *, id="0" * 26, time=0, clock_synchronised=False, monotonic_ns=0, source="system",
        cause=None, trace=None, depth=0, priority=3
    ):
        self.type = type
        self.payload = {} if payload is None else payload
        self.id = id
        self.time = time
        self.clock_synchronised = clock_synchronised
        self.monotonic_ns = monotonic_ns
        self.source = source
        self.cause = cause
        self.trace = id if trace is None else trace
        self.depth = depth
        self.priority = priority

    def __getitem__(self, name):
        return self.payload[name]

    def __contains__(self, name):
        return name in self.payload

    # Without it `for name in event` would ask for event[0].
    def __iter__(self):
        return iter(self.payload)

    def get(self, name, default=None):
        """The payload's field `name`, or `default`."""
        return self.payload.get(name, default)

    def __repr__(self):
        return f"Event({self.type!r}, {self.payload!r}, id={self.id!r})"


class Reading:
    """A measurement: `value` in `unit`, `time_ns` on the clock of `board.now_ns`, and `quality`: `good`, `stale` (the
    sensor has not answered since) or `suspect`. The value of an input is 0 or 1."""

    __slots__ = ("value", "unit", "time_ns", "quality")

    def __init__(self, value, unit="", time_ns=0, quality="good"):
        self.value = value
        self.unit = unit
        self.time_ns = time_ns
        self.quality = quality

    def __float__(self):
        return float(self.value)

    def __repr__(self):
        return f"Reading({self.value!r}, {self.unit!r}, time_ns={self.time_ns}, quality={self.quality!r})"


class Receipt:
    """The answer to a command that was carried out: `state` and `previous` from 0 to 1, the `id` of the event that
    tells of it, `at_ns` on the clock of `board.now_ns`, and whether the hardware has `confirmed` it."""

    __slots__ = ("id", "state", "previous", "at_ns", "confirmed")

    def __init__(self, id, state, previous=0.0, at_ns=0, confirmed=True):
        self.id = id
        self.state = state
        self.previous = previous
        self.at_ns = at_ns
        self.confirmed = confirmed

    def __repr__(self):
        return f"Receipt(state={self.state!r}, previous={self.previous!r}, confirmed={self.confirmed!r})"


# When the board says no


class Refusal(Exception):
    """The board has not carried out a call.

    - `code`: `busy`, `limited`, `denied`, `not_found`, `invalid`, `unavailable`, `waiting` or `failed`;
      each has a subclass.
    - `message`: the request, the device and the reason.
    - `retry_after`: the seconds until the same call may succeed; None if unknown, or if waiting does not help.
    """

    code = "failed"
    _number = -32026

    def __init__(self, message, retry_after=None):
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after

    def __str__(self):
        wait = "" if self.retry_after is None else f"; try again in {_rounded(self.retry_after)}"
        return f"{self.code}: {self.message}{wait}"


class Busy(Refusal):
    """The actuator has another holder."""

    code, _number = "busy", -32022


class Limited(Refusal):
    """A limit of the device, a budget or an emergency stop forbids it."""

    code, _number = "limited", -32023


class Denied(Refusal):
    """The manifest does not grant it."""

    code, _number = "denied", -32021


class NotFound(Refusal):
    """There is no such device or key. The daemon counts it as a fault of the agent."""

    code, _number = "not_found", -32020


class Invalid(Refusal):
    """The arguments are wrong. The daemon counts it as a fault of the agent."""

    code, _number = "invalid", -32024


class Unavailable(Refusal):
    """It exists, and has no data at present."""

    code, _number = "unavailable", -32025


class Waiting(Refusal):
    """A person has to approve it first. If one does, it is done then, and the event `approval:granted` arrives;
    otherwise `approval:denied` or `approval:expired`."""

    code, _number = "waiting", -32028


class Failed(Refusal):
    """The hardware or the system failed."""


_KINDS = {kind._number: kind for kind in (Busy, Limited, Denied, NotFound, Invalid, Unavailable, Waiting)}
_KINDS[-32602] = Invalid


# The board


def pulse(seconds):
    """The command that switches an actuator on for a time, and then back: `board.control("lamp", pulse(0.5))`."""
    return {"pulse_ms": _milliseconds(seconds, "a pulse")}


class Board:
    """The agent's access to the board while it handles an event.

    Every call passes the gate of the manifest, the board's limits and the budgets, and raises a `Refusal` if one of
    them says no. Use it in the thread that handles the event.

    - `agent`: the agent's id.
    - `home`: the folder OPENSTARRY_HOME; `plugins`: the folder in it that has the manifest's plugins.
    - `state`: values that survive a restart.
    """

    def __init__(self, daemon):
        self._daemon = daemon
        self.agent = os.environ.get("OPENSTARRY_AGENT_ID", "")
        self.home = os.environ.get("OPENSTARRY_HOME", "")
        self.plugins = os.path.join(self.home, "plugins") if self.home else ""
        self.state = State(daemon)

    @property
    def now_ns(self):
        """Nanoseconds on the monotonic clock, the clock of events and readings."""
        import time

        return time.monotonic_ns()

    def read(self, sensor):
        """The newest `Reading` of a sensor, or the level of an input. Never waits for a measurement."""
        fields = self._daemon.call("getSensorData", {"id": sensor})
        return Reading(
            _required(fields, "value", _number, "a reading"),
            _optional(fields, "unit", _text, ""),
            _optional(fields, "time_ns", _integer, _optional(fields, "time", _integer, 0)),
            _optional(fields, "quality", _quality, "good"),
        )

    def control(self, actuator, command, lease=None):
        """Commands an actuator: "on", "off", a level from 0 to 1, or `pulse(seconds)`.

        `lease` is how long, in seconds, the actuator may stay away from its safe state unless the command is repeated;
        None is the board's default. Returns a `Receipt`.
        """
        if isinstance(command, bool):
            command = "on" if command else "off"
        params = {"id": actuator, "command": command}
        if lease is not None:
            params["lease_ms"] = _milliseconds(lease, "a lease")
        fields = self._daemon.call("controlActuator", params)
        return Receipt(
            _required(fields, "id", _ulid, "a receipt"),
            _required(fields, "state", _number, "a receipt"),
            _optional(fields, "previous", _number, 0.0),
            _optional(fields, "at_ns", _integer, _optional(fields, "at", _integer, 0)),
            _optional(fields, "confirmed", _boolean, True),
        )

    def on(self, actuator, lease=None):
        """Switches an actuator on: full scale for PWM."""
        return self.control(actuator, "on", lease)

    def off(self, actuator, lease=None):
        """Switches an actuator off."""
        return self.control(actuator, "off", lease)

    def level(self, actuator, level, lease=None):
        """Sets a PWM actuator to a fraction of full scale, from 0 to 1."""
        return self.control(actuator, level, lease)

    def pulse(self, actuator, seconds, lease=None):
        """Switches an actuator on for a time, and then back."""
        return self.control(actuator, pulse(seconds), lease)

    def snapshot(self, camera):
        """The newest picture of a camera as JPEG, in bytes.

        `Unavailable` if none is ready: the call has then requested one, and `camera:snapshot` announces it.
        """
        return _picture(self._daemon.call("getCameraSnapshot", {"id": camera}), "jpeg")

    def frame(self, camera, width, height):
        """The newest picture of a camera in grey, scaled down: `width * height` bytes, 0 black to 255 white, by row.

        `Unavailable` if none is ready: the call has then requested one, and `camera:frame` announces it.
        """
        return _picture(self._daemon.call("getCameraFrame", {"id": camera, "width": width, "height": height}), "grey")

    def complete(self, prompt, system="", max_tokens=None):
        """Asks a model, and waits for its answer, a text."""
        params = {"prompt": prompt}
        if system:
            params["system"] = system
        if max_tokens is not None:
            params["max_tokens"] = max_tokens
        return _required(self._daemon.call("complete", params), "text", _text, "an answer")

    def chat(self, messages, tools=None, schema=None, max_tokens=None, temperature=None, model=None):
        """Asks a model with a conversation, and waits for its answer, a dict.

        `messages` is a list of dicts with `role` (system, user, assistant, tool) and `content`; `pictures` may hold JPEGs
        as bytes. `tools` is a list of dicts with `name`, `description` and `parameters`, a JSON Schema; `schema` is the one
        of the answer. The answer has `text`, `tool_calls` (each with `id`, `name`, `arguments`) and `finish`. A tool call
        is the model's wish: check it, carry it out or not, and ask again with a message of role `tool`.
        """
        params = {"messages": [_message(message) for message in messages]}
        for name, value in (("tools", tools), ("schema", schema), ("max_tokens", max_tokens),
                            ("temperature", temperature), ("model", model)):
            if value is not None:
                params[name] = value
        answer = self._daemon.call("chat", params)
        _required(answer, "text", _text, "an answer")
        return answer

    def emit(self, type, payload=None):
        """Publishes an event, caused by the current one, and returns its id. The manifest's `emit` must allow it."""
        params = {"type": type, "payload": {} if payload is None else payload}
        return _required(self._daemon.call("emit", params), "id", _ulid, "an event")

    def after(self, seconds, timer):
        """Has the event `agent:timer` delivered to this agent once, with the timer's name as `event["timer"]`.

        It wakes an agent that does not run. Timers outlive the program; they end when somebody stops the agent, and
        with the daemon. A timer of the same name is replaced.
        """
        self._set_timer(seconds, timer, False)

    def every(self, seconds, timer):
        """As `after`, again and again until `cancel(timer)`; at least 0.1 s apart."""
        self._set_timer(seconds, timer, True)

    def cancel(self, timer):
        """Cancels a timer; does nothing if there is none."""
        self._daemon.call("timer.cancel", {"name": timer})

    def _set_timer(self, seconds, timer, repeat):
        milliseconds = _milliseconds(seconds, "the time of a timer")
        self._daemon.call("timer.set", {"name": timer, "after_ms": milliseconds, "repeat": repeat})

    def log(self, message, level="info"):
        """Appends a line to the agent's log. The levels are those of syslog, from "emergency" to "debug"."""
        if level not in _LEVELS:
            raise ValueError(f"there is no log level {level!r}; the levels are {', '.join(_LEVELS)}")
        self._daemon.tell("log", {"level": _LEVELS.index(level), "message": _clean(str(message))})

    def error(self, message):
        """Appends an error to the agent's log."""
        self.log(message, "error")

    def warning(self, message):
        """Appends a warning to the agent's log."""
        self.log(message, "warning")

    def notice(self, message):
        """Appends a notice to the agent's log: normal, but worth a look."""
        self.log(message, "notice")

    def debug(self, message):
        """Appends a detail to the agent's log."""
        self.log(message, "debug")


class State:
    """The agent's durable values, by name: `state[key]`, `get`, `in`, `state[key] = value`, `del state[key]`.

    A value is anything that JSON has. Each access is a call: a value that was read is a copy, and counts only once it
    is assigned again. `del` of a missing key does nothing.
    """

    # A TypeError instead of asking for state[0].
    __iter__ = None

    def __init__(self, daemon):
        self._daemon = daemon

    def __getitem__(self, key):
        try:
            return self._read(key)
        except NotFound:
            raise KeyError(key) from None

    def get(self, key, default=None):
        """The value under `key`, or `default` if there is none."""
        try:
            return self._read(key)
        except NotFound:
            return default

    def __contains__(self, key):
        try:
            self._read(key)
        except NotFound:
            return False
        return True

    def __setitem__(self, key, value):
        self._daemon.call("state.set", {"key": key, "value": value})

    def __delitem__(self, key):
        self._daemon.call("state.remove", {"key": key})

    def _read(self, key):
        return _optional(self._daemon.call("state.get", {"key": key}), "value", lambda value: value, None)


# Serving the daemon


class _FunctionAgent(Agent):
    def __init__(self, function):
        if not callable(function):
            raise TypeError(f"run takes a subclass of Agent or a function, not {function!r}")
        self.handle = function


def _serve(agent, board, daemon):
    daemon.tell("ready", {"abi": 1})
    while not daemon.is_ending:
        request = daemon.next()
        is_map = isinstance(request, dict)
        method = request.get("method") if is_map else None
        answer = _answer(agent, board, request, method)
        _flush()
        # Notifications are not answered. Messages that are not requests are: with `id` null.
        if is_map and "id" in request:
            daemon.answer(request["id"], answer)
        elif not (is_map and "method" in request):
            daemon.answer(None, answer)
        if method == "stop":
            break
    raise SystemExit(0)


def _answer(agent, board, request, method):
    try:
        if method == "activate":
            _handle(agent, board, request)
            return {"result": {}}
        if method == "snapshot":
            report = agent.snapshot()
            if not isinstance(report, dict):
                raise TypeError(f"snapshot returned {report!r:.100}; it has to be a dict")
            _check(report, "snapshot", 2)
            return {"result": {"snapshot": report}}
    except Refusal as refusal:
        # These two are mistakes in the program: the log has to say where.
        if isinstance(refusal, (NotFound, Invalid)):
            sys.excepthook(type(refusal), refusal, refusal.__traceback__)
        return _error(refusal._number, str(refusal.message), refusal.retry_after)
    except Exception as error:
        sys.excepthook(type(error), error, error.__traceback__)
        return _error(Failed._number, _one_line(error))
    if method == "stop":
        return {"result": {}}
    if isinstance(method, str):
        # Do not repeat the name: it is untrusted.
        return _error(-32601, "there is no such method")
    return _error(-32600, "a request is a map with a method")


def _handle(agent, board, request):
    params = request.get("params")
    if not isinstance(params, dict) or "event" not in params:
        raise Invalid("activate takes the parameter 'event'")
    result = agent.handle(_event(params["event"]), board)
    # A coroutine or a generator, which would silently do nothing.
    if hasattr(result, "send"):
        result.close()
        raise TypeError("handle has to be a plain function, without async and yield")


def _error(code, message, retry_after=None):
    error = {"code": code, "message": _clean(message)}
    if retry_after is not None and 0 <= retry_after < 1e12:
        error["data"] = {"retry_after_ms": round(retry_after * 1000)}
    return {"error": error}


def _one_line(error):
    """`KeyError: 'value' (climate.py, line 12)`: the line is the agent's, or of a library that it calls."""
    own, place, trace = _one_line.__code__.co_filename, "", error.__traceback__
    while trace:
        code = trace.tb_frame.f_code
        if code.co_filename != own:
            place = f" ({os.path.basename(code.co_filename)}, line {trace.tb_lineno})"
        trace = trace.tb_next
    message = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' if message else ''}{message[:1000]}{place}"


def _flush():
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except ValueError:
            pass  # The agent has closed it.
        except OSError:
            # The log's reader is gone. Python would fail to flush it once more at its end, and exit with code 120.
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, stream.fileno())
            os.close(null)


def _is_socket(descriptor):
    try:
        return os.fstat(descriptor).st_mode & 0o170000 == 0o140000
    except OSError:
        return False


class _Daemon:
    """The daemon's side: requests in both directions over the socket."""

    def __init__(self):
        try:
            import _signal as signal  # What `signal` wraps; `signal` imports `enum`.
        except ImportError:
            import signal
        import select

        self.is_ending = False
        self._signal = signal
        self._lines = _Lines(self._wait)
        self._last_id = 0
        self._thread = _thread.get_ident()
        # The daemon's requests that arrived during a call.
        self._waiting = []
        # Children must not keep the socket open.
        os.set_inheritable(_DESCRIPTOR, False)
        # A signal between a look at `is_ending` and the wait must end the wait. Only the pipe makes sure of that.
        self._woken, self._waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._poll = select.poll()
        self._poll.register(_DESCRIPTOR, select.POLLIN)
        self._poll.register(self._woken, select.POLLIN)
        signal.signal(signal.SIGTERM, self._end)

    def close(self):
        """SIGTERM ends the program again, in case a thread of the agent keeps it alive."""
        self._signal.signal(self._signal.SIGTERM, self._signal.SIG_DFL)

    def next(self):
        """The daemon's next request. Unexpected answers are ignored."""
        if self._waiting:
            return self._waiting.pop(0)
        while True:
            message = self._receive(is_idle=True)
            if not _is_answer(message):
                return message

    def call(self, method, params):
        """Sends a request, and waits for its answer. The daemon's requests wait meanwhile."""
        if _thread.get_ident() != self._thread:
            raise RuntimeError("the board may only be used by the thread that handles the event")
        for name, value in params.items():
            _check(value, name, 2)
        self._last_id += 1
        self._send({"id": self._last_id, "method": method, "params": params})
        while True:
            message = self._receive()
            if not _is_answer(message):
                self._waiting.append(message)
            elif _integer(message.get("id")) == self._last_id:
                if "result" in message:
                    return message["result"]
                raise _refusal(message["error"])

    def tell(self, method, params):
        """Sends a notification. One that is too long is dropped: there is no answer that could say so."""
        try:
            self._send({"method": method, "params": params})
        except Limited:
            pass

    def answer(self, id, answer):
        """Answers a request."""
        try:
            self._send({"id": id, **answer})
        except Limited:
            self._send({"id": id, **_error(-32015, "the answer does not fit into one message")})

    def _receive(self, is_idle=False):
        while True:
            line = self._lines.next(is_idle)
            try:
                if line is not None:
                    return _parse(line)
                error = _error(-32600, f"a line is longer than {_LONGEST_LINE} bytes")
            except ValueError as reason:
                error = _error(-32700, f"not JSON: {reason}")
            self.answer(None, error)

    def _send(self, message):
        line = _format({"jsonrpc": "2.0", **message}).encode()
        if len(line) > _LONGEST_LINE:
            raise Limited(f"the message has {len(line)} bytes; the limit is {_LONGEST_LINE}")
        rest = memoryview(line + b"\n")
        while rest:
            try:
                rest = rest[os.write(_DESCRIPTOR, rest):]
            except OSError:
                raise SystemExit(0) from None  # The daemon is gone.

    def _wait(self):
        """Waits until there is something to read. Exits after SIGTERM."""
        while True:
            # Again each time: asyncio, in an agent, takes it away.
            self._signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
            if self.is_ending:
                raise SystemExit(0)
            ready = [descriptor for descriptor, _ in self._poll.poll()]
            if self._woken in ready:
                os.read(self._woken, 512)
            elif ready:
                return

    def _end(self, number, frame):
        self.is_ending = True


class _Lines:
    """The lines that arrive on the socket."""

    def __init__(self, wait):
        self._wait = wait
        self._buffer = bytearray()
        # The buffer has no line feed before this index.
        self._scanned = 0
        # Whether the bytes up to the next line feed belong to a line that is too long.
        self._is_skipping = False

    def next(self, is_idle):
        """The next line that is not empty; None in place of a line that is too long. Exits if the daemon is gone."""
        while True:
            end = self._buffer.find(b"\n", self._scanned)
            if end >= 0:
                line = bytes(self._buffer[:end])
                del self._buffer[:end + 1]
                self._scanned = 0
                if self._is_skipping:
                    self._is_skipping = False
                elif len(line) > _LONGEST_LINE:
                    return None
                elif line:
                    return line
                continue
            self._scanned = len(self._buffer)
            if self._scanned > _LONGEST_LINE:
                self._buffer.clear()
                self._scanned = 0
                if not self._is_skipping:
                    self._is_skipping = True
                    return None
            if is_idle:
                self._wait()
            try:
                chunk = os.read(_DESCRIPTOR, 65536)
            except OSError:
                chunk = b""
            if not chunk:
                raise SystemExit(0)
            self._buffer += chunk


def _is_answer(message):
    return isinstance(message, dict) and "method" not in message and ("result" in message or "error" in message)


def _refusal(error):
    if not isinstance(error, dict):
        error = {}
    data = error.get("data")
    wait = _optional(data, "retry_after_ms", _integer, None)
    return _KINDS.get(_integer(error.get("code")), Failed)(
        _optional(error, "message", _text, "the daemon answered without a result"),
        None if wait is None else wait / 1000,
    )


# Fields of messages


def _event(fields):
    if not isinstance(fields, dict):
        raise Invalid("an event is a map")
    return Event(
        _required(fields, "type", _text, "an event"),
        _required(fields, "payload", lambda value: value if isinstance(value, dict) else None, "an event"),
        id=_required(fields, "id", _ulid, "an event"),
        time=_optional(fields, "time", _integer, 0),
        clock_synchronised=_optional(fields, "clock_synchronised", _boolean, False),
        monotonic_ns=_optional(fields, "monotonic_ns", _integer, 0),
        source=_optional(fields, "source", _text, "system"),
        cause=_optional(fields, "cause", _ulid, None),
        trace=_optional(fields, "trace", _ulid, None),
        depth=_optional(fields, "depth", _integer, 0),
        priority=_optional(fields, "priority", _priority, 3),
    )


def _required(fields, name, read, title):
    value = _optional(fields, name, read, None)
    if value is None:
        raise Invalid(f"{title} without a valid '{name}'")
    return value


def _optional(fields, name, read, default):
    """A field of the wrong kind counts as missing."""
    value = read(fields.get(name)) if isinstance(fields, dict) else None
    return default if value is None else value


def _text(value):
    return value if isinstance(value, str) else None


def _boolean(value):
    return value if isinstance(value, bool) else None


def _number(value):
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _integer(value):
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _priority(value):
    number = _integer(value)
    return number if number in range(6) else None


def _quality(value):
    return value if value in ("good", "stale", "suspect") else None


def _ulid(value):
    """26 characters of Crockford's base 32 that fit into 128 bits."""
    digits = "0123456789ABCDEFGHJKMNPQRSTVWXYZabcdefghjkmnpqrstvwxyz"
    is_valid = isinstance(value, str) and len(value) == 26 and value[0] <= "7" and not value.strip(digits)
    return value if is_valid else None


def _picture(fields, name):
    import binascii

    text = _optional(fields, name, _text, None)
    try:
        picture = binascii.a2b_base64(text)
        # The decoder skips characters that are not base64.
        if binascii.b2a_base64(picture, newline=False) == text.encode():
            return picture
    except (TypeError, ValueError, AttributeError):
        pass
    raise Failed("a picture that is not base64")


def _message(message):
    """A message of a conversation as the daemon takes it: pictures as base64."""
    if not isinstance(message, dict):
        raise TypeError("a message is a dict with 'role' and 'content', not a %s" % type(message).__name__)
    pictures = message.get("pictures")
    if not pictures:
        return message
    import binascii

    encoded = [binascii.b2a_base64(picture, newline=False).decode("ascii") for picture in pictures]
    return {**message, "pictures": encoded}


def _milliseconds(seconds, what):
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{what} is {seconds!r}; it has to be a number of seconds")
    if not 0 < seconds < float("inf"):
        raise ValueError(f"{what} is {seconds!r}; it has to be a number of seconds above 0")
    return max(1, round(seconds * 1000))


def _rounded(seconds):
    """`250ms`, `25s`, `4m`, `3h`: in one unit, rounded up."""
    milliseconds = max(0, round(seconds * 1000))
    for unit, size, end in (("ms", 1, 1000), ("s", 1000, 120_000), ("m", 60_000, 7_200_000)):
        if milliseconds < end:
            break
    else:
        unit, size = "h", 3_600_000
    return f"{-(-milliseconds // size)}{unit}"


# JSON


def _distinct(pairs):
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a duplicate key")
    return fields


def _constant(name):
    raise ValueError("a number that is not finite")


class _Rules:
    """How the scanner of JSON works: the attributes that json.JSONDecoder would have."""

    strict = True
    object_hook = None
    object_pairs_hook = staticmethod(_distinct)
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_constant)


try:
    # What `json` wraps; `json` imports `re`.
    from _json import encode_basestring as _quote, make_scanner

    _scan = make_scanner(_Rules)
except (ImportError, AttributeError, TypeError):
    from json.decoder import JSONDecoder
    from json.encoder import encode_basestring as _quote

    _scan = JSONDecoder(object_pairs_hook=_distinct, parse_constant=_constant).scan_once


def _parse(line):
    """Parses a line of bytes; a ValueError if it is not the JSON of docs/process-abi.md, 2.4."""
    text = line.decode().strip(" \t\r\n")
    try:
        value, end = _scan(text, 0)
    except StopIteration as stop:
        raise ValueError(f"expected a value at character {stop.value}") from None
    except RecursionError:
        raise ValueError(f"more than {_DEEPEST} lists and maps within each other") from None
    except SystemError:
        # The scanner of some versions finds its own exception only where `json` is imported.
        raise ValueError("a mistake in its syntax") from None
    if end != len(text):
        raise ValueError(f"expected the end of the text at character {end}")
    _check(value, "the message", 0)
    return value


def _format(value):
    """The text of a value that was checked."""
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return _quote(value)
    # Not repr(value): a subclass may have its own.
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quote(key)}:{_format(item)}" for key, item in value.items()) + "}"
    return "[" + ",".join(map(_format, value)) + "]"


def _check(value, place, depth):
    """Raises an error that names the place of a value which is not the JSON of docs/process-abi.md, 2.4."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        _check_text(value, place)
    elif isinstance(value, int):
        if not -1 << 63 <= value < 1 << 63:
            raise ValueError(f"{place} is an integer beyond 64 bits")
    elif isinstance(value, float):
        if value - value != 0:
            raise ValueError(f"{place} is {float.__repr__(value)}; it has to be a finite number")
    elif not isinstance(value, (dict, list, tuple)):
        raise TypeError(
            f"{place} is of the type {type(value).__name__}; it has to be a dict, list, str, int, float, bool or None"
        )
    elif depth == _DEEPEST:
        raise ValueError(f"{place[:100]} has more than {_DEEPEST} lists and maps within each other")
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{place} has the key {key!r}; keys have to be texts")
            _check_text(key, f"a key of {place}")
            _check(item, f"{place}.{key}", depth + 1)
    else:
        for index, item in enumerate(value):
            _check(item, f"{place}[{index}]", depth + 1)


def _check_text(text, place):
    if text != _clean(text):
        raise ValueError(f"{place} has a character that UTF-8 or JSON cannot hold: a lone surrogate or \\0")


def _clean(text):
    """A text without the characters that cannot be sent."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode()
    return text.replace("\0", "\ufffd") if "\0" in text else text
