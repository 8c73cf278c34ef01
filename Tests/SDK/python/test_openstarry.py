"""Python agents as the daemon sees them (docs/process-abi.md): real processes, with a daemon that the tests play.

python3 -m unittest discover Tests/SDK/python
"""

import fcntl
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import unittest
import zipfile
from unittest import mock

PROJECT = pathlib.Path(__file__).resolve().parents[3]
SDK = PROJECT / "SDK/python"
EXAMPLES = PROJECT / "Examples/process"
SECONDS = 60
ID = "01J00000000000000000000000"
LONGEST = 1 << 20

sys.path.insert(0, str(SDK))
sys.dont_write_bytecode = True
import openstarry  # noqa: E402


class Bench(unittest.TestCase):
    """Starts agents, and ends those that a test leaves behind."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, body, *options, **variables):
        """An agent with this source, which has sent `ready`."""
        script = self.folder / "agent.py"
        script.write_text(f"import openstarry\n{body}\n", encoding="utf-8")
        return self.launch([sys.executable, "-S", *options, str(script)], **variables)

    def launch(self, command, **variables):
        process = Process(self, command, variables)
        ready = process.receive()
        self.assertEqual(ready, {"jsonrpc": "2.0", "method": "ready", "params": {"abi": 1}}, process.log())
        return process


class Process:
    """An agent's process, and the daemon's end of its descriptor 3."""

    def __init__(self, bench, command, variables, has_socket=True):
        self.bench = bench
        self.log_path = bench.folder / "log"
        log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        self.socket, theirs = socket.socketpair()
        # Not 3 itself, which would stay closed in the agent.
        high = fcntl.fcntl(theirs.fileno(), fcntl.F_DUPFD_CLOEXEC, 10)
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, log, 1),
            (os.POSIX_SPAWN_DUP2, log, 2),
        ]
        if has_socket:
            actions.append((os.POSIX_SPAWN_DUP2, high, 3))
        environment = {
            "PATH": "/usr/bin:/bin", "PYTHONPATH": str(SDK), "PYTHONDONTWRITEBYTECODE": "1",
            "OPENSTARRY_AGENT_ID": "probe", "OPENSTARRY_HOME": "/home/probe", **variables,
        }
        self.pid = os.posix_spawn(command[0], command, environment, file_actions=actions)
        for descriptor in (log, high):
            os.close(descriptor)
        theirs.close()
        self.socket.settimeout(SECONDS)
        self.stream = self.socket.makefile("rb")
        self.last = 0
        self.code = None
        bench.addCleanup(self.end)

    def send(self, message):
        if not isinstance(message, bytes):
            message = json.dumps(message).encode()
        self.socket.sendall(message + b"\n")

    def receive(self):
        """The agent's next message; None at the end of the stream."""
        try:
            line = self.stream.readline()
        except ConnectionResetError:
            return None
        if not line:
            return None
        self.bench.assertLessEqual(len(line), LONGEST + 1)
        return json.loads(line, parse_constant=lambda name: self.bench.fail(f"{name} is not JSON"))

    def request(self, method, params=None):
        self.last += 1
        message = {"jsonrpc": "2.0", "id": self.last, "method": method}
        self.send(message if params is None else {**message, "params": params})
        return self.last

    def activate(self, payload=None, type="probe:go", **fields):
        return self.request("activate", {"event": {"id": ID, "type": type, "payload": payload or {}, **fields}})

    def call(self, method):
        """The agent's next call, which has to be this one."""
        message = self.receive()
        self.bench.assertEqual(message and message.get("method"), method, f"{message}\n{self.log()}")
        return message

    def reply(self, call, result):
        self.send({"jsonrpc": "2.0", "id": call["id"], "result": result})

    def refuse(self, call, code, message, **data):
        self.send({"id": call["id"], "error": {"code": code, "message": message, **({"data": data} if data else {})}})

    def answer(self, id):
        """The agent's answer to this request, which has to come next."""
        message = self.receive()
        self.bench.assertEqual(message and message.get("id"), id, f"{message}\n{self.log()}")
        self.bench.assertNotIn("method", message)
        return message

    def succeeds(self, id):
        self.bench.assertEqual(self.answer(id), {"jsonrpc": "2.0", "id": id, "result": {}})

    def error(self, id):
        return self.answer(id)["error"]

    def log(self):
        return self.log_path.read_text(encoding="utf-8")

    def hang_up(self):
        self.stream.close()
        self.socket.close()

    def exit_code(self):
        """Waits for the process. A negative number is a signal."""
        descriptor = os.pidfd_open(self.pid)
        watch = select.poll()
        watch.register(descriptor, select.POLLIN)
        ended = watch.poll(SECONDS * 1000)
        os.close(descriptor)
        self.bench.assertTrue(ended, f"the agent does not end\n{self.log()}")
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    def end(self):
        self.hang_up()
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


CLASS_AGENT = """
class Probe(openstarry.Agent):
    count = 0
    def handle(self, event, board):
        self.count += 1
        board.read("temperature")
        board.emit("probe:handled", {"count": self.count, "payload": event.payload})
    def snapshot(self):
        return {"count": self.count}
openstarry.run(Probe)
"""


class RequestTests(Bench):
    def test_requests_are_answered_in_order_and_wait_during_a_call(self):
        agent = self.start(CLASS_AGENT)
        first = agent.activate({"n": 1})
        reading = agent.call("getSensorData")
        self.assertEqual(reading["params"], {"id": "temperature"})
        second, report, stop = agent.activate({"n": 2}), agent.request("snapshot"), agent.request("stop")
        # Answers that nobody waits for are ignored.
        agent.send({"id": 99, "result": {}})
        agent.send({"id": True, "result": {}})
        agent.reply(reading, {"value": 21})
        emit = agent.call("emit")
        self.assertEqual(emit["params"], {"type": "probe:handled", "payload": {"count": 1, "payload": {"n": 1}}})
        self.assertNotEqual(emit["id"], reading["id"])
        agent.reply(emit, {"id": ID})
        agent.succeeds(first)
        agent.reply(agent.call("getSensorData"), {"value": 22})
        agent.reply(agent.call("emit"), {"id": ID})
        agent.succeeds(second)
        self.assertEqual(agent.answer(report)["result"], {"snapshot": {"count": 2}})
        agent.succeeds(stop)
        self.assertIsNone(agent.receive())
        self.assertEqual(agent.exit_code(), 0)

    def test_an_instance_is_an_agent(self):
        agent = self.start(CLASS_AGENT.replace("run(Probe)", "run(Probe())"))
        self.assertEqual(agent.answer(agent.request("snapshot"))["result"], {"snapshot": {"count": 0}})

    def test_requests_in_one_packet_and_a_request_in_pieces(self):
        agent = self.start("openstarry.run(lambda event, board: None)")
        agent.send(b'{"id":"a","method":"snapshot"}\n\n{"id":"b","method":"snapshot"}')
        self.assertEqual(agent.answer("a")["result"], {"snapshot": {}})
        self.assertEqual(agent.answer("b")["result"], {"snapshot": {}})
        agent.socket.sendall(b'{"id":"c","meth')
        agent.send(b'od":"snapshot"}')
        self.assertEqual(agent.answer("c")["result"], {"snapshot": {}})

    def test_invalid_messages(self):
        cases = [
            (b"{", -32700), (b"\x01", -32700), (b'{"a":1,"a":2}', -32700), (b"[" * 65 + b"]" * 65, -32700),
            (b"[" * 200_000, -32700), (b"\xff\xfe", -32700), (b"\xef\xbb\xbf{}", -32700), (b"{} {}", -32700),
            (b'{"a":NaN}', -32700), (b'{"a":-Infinity}', -32700), (b'{"a":1e999}', -32700),
            (b'{"a":9223372036854775808}', -32700), (b'{"a":"\\u0000"}', -32700), (b'{"\\ud800":1}', -32700),
            (b'{"a":01}', -32700), (b"'a'", -32700), (b" ", -32700), (b"9" * 5000, -32700),
            (b"[" * 64 + b"]" * 64, -32600), (b"[]", -32600), (b"5", -32600), (b"{}", -32600),
            (b'{"id":7}', -32600), (b'{"id":7,"method":5}', -32600), (b'{"id":7,"method":null}', -32600),
            (b'{"id":7,"method":"dance"}', -32601), (b'{"id":7,"method":"activate"}', -32024),
            (b'{"id":7,"method":"activate","params":[]}', -32024),
            *(
                (b'{"id":7,"method":"activate","params":{"event":{"id":"%s","type":"a:b","payload":{}}}}' % id, -32024)
                for id in (b"x", b"0" * 25, b"8" + b"0" * 25, b"0" * 25 + b"U")
            ),
            *(
                (b'{"id":7,"method":"activate","params":{"event":{"id":"%s",%s}}}' % (ID.encode(), rest), -32024)
                for rest in (b'"type":"a:b","payload":[]', b'"type":"a:b"', b'"payload":{}', b'"type":5,"payload":{}')
            ),
        ]
        run = "openstarry.run(lambda event, board: None)"
        # The second agent reads with `json`, in place of what it wraps.
        for agent in (self.start(run), self.start(run, PYTHONPATH=self.folder_without_json())):
            for line, code in cases:
                with self.subTest(line=line[:80]):
                    agent.send(line)
                    error = agent.error(7 if b'"id":7' in line else None)
                    self.assertEqual(error["code"], code, error)
                    self.assertNotIn("\n", error["message"])
            # Not answered: empty lines, unexpected answers, notifications.
            agent.send(b'\n\n{"id":12,"result":{}}\n{"method":"dance"}\n{"method":5}')
            agent.succeeds(agent.activate())

    def folder_without_json(self):
        (self.folder / "without").mkdir()
        (self.folder / "without/_json.py").write_text("raise ImportError\n")
        return f"{self.folder / 'without'}:{SDK}"

    def test_a_long_line_is_refused_and_skipped(self):
        agent = self.start("openstarry.run(lambda event, board: None)")
        agent.send(b" " * (LONGEST - 2) + b"{}")
        self.assertIn("a map with a method", agent.error(None)["message"])
        agent.send(b" " * (LONGEST - 1) + b"{}")
        self.assertEqual(
            agent.error(None), {"code": -32600, "message": "a line is longer than 1048576 bytes"})
        agent.succeeds(agent.activate())
        agent.send(b" " * 3 * LONGEST + b"{}")
        self.assertIn("longer than 1048576 bytes", agent.error(None)["message"])
        agent.succeeds(agent.activate())

    def test_unreadable_lines_during_a_call_are_answered_at_once(self):
        agent = self.start(CLASS_AGENT)
        id = agent.activate()
        call = agent.call("getSensorData")
        agent.send(b"{")
        self.assertEqual(agent.error(None)["code"], -32700)
        agent.refuse(call, -32025, "no data yet")
        self.assertEqual(agent.error(id)["code"], -32025)

    def test_an_answer_that_is_too_long(self):
        agent = self.start("""
class Long(openstarry.Agent):
    def snapshot(self): return {"text": "x" * (1 << 20)}
openstarry.run(Long)""")
        self.assertEqual(agent.error(agent.request("snapshot"))["code"], -32015)

    def test_a_report_that_is_not_a_map_of_json(self):
        agent = self.start("""
class Odd(openstarry.Agent):
    reports = [5, {"mean": float("nan")}, {"when": {1}}]
    def snapshot(self): return self.reports.pop(0)
openstarry.run(Odd)""")
        for part in ("snapshot returned 5", "snapshot.mean is nan", "snapshot.when is of the type set"):
            error = agent.error(agent.request("snapshot"))
            self.assertEqual(error["code"], -32026)
            self.assertIn(part, error["message"])


class EndTests(Bench):
    def test_the_end_of_the_stream_between_events(self):
        agent = self.start(CLASS_AGENT)
        agent.hang_up()
        self.assertEqual(agent.exit_code(), 0)
        self.assertEqual(agent.log(), "")

    def test_the_end_of_the_stream_during_a_call(self):
        # An agent that catches every exception does not keep the process alive.
        agent = self.start("""
def handle(event, board):
    try: board.read("temperature")
    except Exception: board.log("caught")
openstarry.run(handle)""")
        agent.activate()
        agent.call("getSensorData")
        agent.hang_up()
        self.assertEqual(agent.exit_code(), 0)
        self.assertEqual(agent.log(), "")

    def test_a_daemon_that_ends_without_reading(self):
        # The agent's read fails with ECONNRESET.
        agent = self.start(CLASS_AGENT)
        agent.activate()
        self.assertEqual(select.select([agent.socket], [], [], SECONDS)[0], [agent.socket])
        agent.hang_up()
        self.assertEqual(agent.exit_code(), 0)
        self.assertEqual(agent.log(), "")

    def test_the_end_of_the_stream_within_a_line(self):
        agent = self.start(CLASS_AGENT)
        agent.socket.sendall(b'{"id":1')
        agent.hang_up()
        self.assertEqual(agent.exit_code(), 0)

    def test_writing_to_a_closed_socket(self):
        gate = self.folder / "gate"
        os.mkfifo(gate)
        agent = self.start(f"""
def handle(event, board):
    board.log("waits")
    open({str(gate)!r}).read()
    board.log("goes on")
    print("never")
openstarry.run(handle)""")
        agent.activate()
        agent.call("log")
        agent.hang_up()
        gate.write_text("go")
        self.assertEqual(agent.exit_code(), 0)
        self.assertEqual(agent.log(), "")

    def test_a_closed_log_does_not_change_the_exit_code(self):
        agent = self.start("""
import os
def handle(event, board):
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.close(writer)
    os.close(reader)
    print("nobody reads this", end="")
openstarry.run(handle)""")
        agent.succeeds(agent.activate())
        agent.succeeds(agent.request("stop"))
        self.assertEqual(agent.exit_code(), 0)

    def test_sigterm_between_events(self):
        # Often enough to meet the moments around the agent's wait.
        for _ in range(15):
            agent = self.start("openstarry.run(lambda event, board: None)")
            agent.succeeds(agent.activate())
            os.kill(agent.pid, signal.SIGTERM)
            self.assertIsNone(agent.receive())
            self.assertEqual(agent.exit_code(), 0)

    def test_sigterm_before_the_first_event(self):
        agent = self.start(CLASS_AGENT)
        os.kill(agent.pid, signal.SIGTERM)
        self.assertEqual(agent.exit_code(), 0)

    def test_sigterm_finishes_the_event_and_no_other(self):
        agent = self.start(CLASS_AGENT)
        id = agent.activate()
        reading = agent.call("getSensorData")
        agent.activate()
        os.kill(agent.pid, signal.SIGTERM)
        agent.reply(reading, {"value": 21})
        agent.reply(agent.call("emit"), {"id": ID})
        agent.succeeds(id)
        self.assertIsNone(agent.receive())
        self.assertEqual(agent.exit_code(), 0)

    def test_sigterm_after_the_agent_took_the_wakeup_descriptor(self):
        agent = self.start("""
import signal
openstarry.run(lambda event, board: signal.set_wakeup_fd(-1) and None)""")
        agent.succeeds(agent.activate())
        os.kill(agent.pid, signal.SIGTERM)
        self.assertEqual(agent.exit_code(), 0)

    def test_sigterm_ends_what_a_thread_keeps_alive_after_the_stop(self):
        gate = self.folder / "gate"
        os.mkfifo(gate)
        agent = self.start(f"""
import threading
def handle(event, board): threading.Thread(target=threading.Event().wait).start()
try: openstarry.run(handle)
finally: open({str(gate)!r}, "w").close()""")
        agent.succeeds(agent.activate())
        agent.succeeds(agent.request("stop"))
        gate.read_text()
        os.kill(agent.pid, signal.SIGTERM)
        self.assertEqual(agent.exit_code(), -signal.SIGTERM)

    def test_without_a_socket(self):
        script = self.folder / "agent.py"
        script.write_text("import openstarry\nopenstarry.run(lambda event, board: None)\n")
        for command in ([sys.executable, "-S", str(script)], [str(EXAMPLES / "blink.sh")]):
            agent = Process(self, command, {}, has_socket=False)
            self.assertEqual(agent.exit_code(), 64)
            self.assertIn("file descriptor 3 must be its socket", agent.log())
            self.assertEqual(agent.log().count("\n"), 1)

    def test_a_file_in_place_of_the_socket(self):
        script = 'exec 3</dev/null; exec "$@"'
        body = f"import sys; sys.path.insert(0, {str(SDK)!r}); import openstarry; openstarry.run(print)"
        result = subprocess.run(
            ["/bin/sh", "-c", script, "sh", sys.executable, "-I", "-S", "-B", "-c", body], capture_output=True,
            timeout=SECONDS)
        self.assertEqual(result.returncode, 64)

    def test_children_do_not_keep_the_socket(self):
        agent = self.start("""
import os
def handle(event, board): os.system("test -e /proc/self/fd/3 || echo closed")
openstarry.run(handle)""")
        agent.succeeds(agent.activate())
        self.assertEqual(agent.log(), "closed\n")


class ErrorTests(Bench):
    def test_each_refusal_has_its_class_and_is_passed_on(self):
        agent = self.start("""
def handle(event, board):
    try: board.on("fan")
    except openstarry.Refusal as refusal:
        board.log(f"{type(refusal).__name__} {refusal.code} {refusal.message} {refusal.retry_after}")
        raise
openstarry.run(handle)""")
        for code, name, word in [
            (-32020, "NotFound", "not_found"), (-32021, "Denied", "denied"), (-32022, "Busy", "busy"),
            (-32023, "Limited", "limited"), (-32024, "Invalid", "invalid"), (-32025, "Unavailable", "unavailable"),
            (-32026, "Failed", "failed"), (-32028, "Waiting", "waiting"),
        ]:
            id = agent.activate()
            agent.refuse(agent.call("controlActuator"), code, "held by ‘ada’", retry_after_ms=2500)
            self.assertEqual(agent.call("log")["params"], {"level": 6, "message": f"{name} {word} held by ‘ada’ 2.5"})
            self.assertEqual(
                agent.error(id), {"code": code, "message": "held by ‘ada’", "data": {"retry_after_ms": 2500}})
        for code, passed in ((-32602, -32024), (-1, -32026)):
            id = agent.activate()
            agent.refuse(agent.call("controlActuator"), code, "no")
            self.assertTrue(agent.call("log")["params"]["message"].endswith(" no None"))
            self.assertEqual(agent.error(id), {"code": passed, "message": "no"})
        # A refusal is no crash. Only what a mistake in the program causes has a traceback: not_found, and invalid twice.
        log = agent.log()
        self.assertEqual(log.count("Traceback"), 3, log)
        self.assertNotIn("Busy", log)

    def test_the_board_is_for_the_thread_of_the_event(self):
        agent = self.start("""
import threading
def handle(event, board):
    def work():
        try: board.on("fan")
        except RuntimeError as error: board_errors.append(str(error))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    board.log(board_errors[0])
board_errors = []
openstarry.run(handle)""")
        id = agent.activate()
        self.assertIn("only be used by the thread", agent.call("log")["params"]["message"])
        agent.succeeds(id)

    def test_an_answer_without_a_result(self):
        agent = self.start("openstarry.run(lambda event, board: board.on('fan'))")
        id = agent.activate()
        agent.send({"id": agent.call("controlActuator")["id"], "error": "odd"})
        self.assertEqual(agent.error(id)["message"], "the daemon answered without a result")

    def test_an_exception_is_one_line_and_its_traceback_goes_to_the_log(self):
        agent = self.start("""
def handle(event, board):
    raise ValueError("two\\nlines \\0 \\ud800")
openstarry.run(handle)""")
        for _ in range(2):
            error = agent.error(agent.activate())
            self.assertEqual(
                error, {"code": -32026, "message": "ValueError: two lines \ufffd ? (agent.py, line 4)"})
        self.assertEqual(agent.log().count("Traceback (most recent call last)"), 2)
        self.assertIn('raise ValueError("two', agent.log())

    def test_an_exception_around_a_refusal_has_its_message(self):
        agent = self.start("""
def handle(event, board):
    try: board.on("fan")
    except openstarry.Busy as refusal: raise RuntimeError(f"no cooling: {refusal}")
openstarry.run(handle)""")
        id = agent.activate()
        agent.refuse(agent.call("controlActuator"), -32022, "'fan' is held by client/ada", retry_after_ms=25_000)
        self.assertIn(
            "RuntimeError: no cooling: busy: 'fan' is held by client/ada; try again in 25s",
            agent.error(id)["message"])

    def test_sys_exit_ends_the_process_with_its_code(self):
        agent = self.start("import sys\nopenstarry.run(lambda event, board: sys.exit(7))")
        agent.activate()
        self.assertIsNone(agent.receive())
        self.assertEqual(agent.exit_code(), 7)

    def test_an_agent_that_cannot_start(self):
        script = self.folder / "agent.py"
        script.write_text(
            "import openstarry\nclass Bad(openstarry.Agent):\n  def __init__(self): raise OSError('no table')\n"
            "openstarry.run(Bad)\n")
        agent = Process(self, [sys.executable, "-S", str(script)], {})
        self.assertIsNone(agent.receive(), "not ready")
        self.assertEqual(agent.exit_code(), 1)
        self.assertIn("no table", agent.log())

    def test_coroutines_and_missing_handlers_are_errors(self):
        agent = self.start("async def handle(event, board): pass\nopenstarry.run(handle)")
        self.assertIn("without async", agent.error(agent.activate())["message"])
        self.assertNotIn("never awaited", agent.log())
        agent = self.start("class Empty(openstarry.Agent): pass\nopenstarry.run(Empty)")
        self.assertIn("Empty has no method handle(self, event, board)", agent.error(agent.activate())["message"])

    def test_values_that_json_does_not_have(self):
        agent = self.start("""
values = {
    "nan": {"a": [1, float("nan")]}, "inf": {"a": float("-inf")}, "wide": {"a": 1 << 63}, "key": {1: "a"},
    "type": {"a": b""}, "nul": {"a": "\\0"}, "half": {"a": "\\udc80"}, "deep": {},
}
inner = values["deep"]
for _ in range(70): inner["a"] = inner = {}
def handle(event, board): board.emit("probe:odd", values[event["name"]])
openstarry.run(handle)""")
        for name, message in {
            "nan": "ValueError: payload.a[1] is nan", "inf": "ValueError: payload.a is -inf",
            "wide": "ValueError: payload.a is an integer beyond 64 bits",
            "key": "TypeError: payload has the key 1", "type": "TypeError: payload.a is of the type bytes",
            "nul": "ValueError: payload.a has a character", "half": "ValueError: payload.a has a character",
            "deep": "has more than 64 lists and maps",
        }.items():
            with self.subTest(name):
                # The agent has sent nothing before its answer.
                said = agent.error(agent.activate({"name": name}))["message"]
                self.assertIn(message, said)
                self.assertRegex(said, r" \(agent\.py, line 9\)$")

    def test_a_call_that_is_too_long_is_limited(self):
        agent = self.start("""
def handle(event, board):
    board.log("x" * (1 << 20))
    try: board.emit("probe:long", {"text": "x" * (1 << 20)})
    except openstarry.Limited as refusal: board.log(refusal.message)
openstarry.run(handle)""")
        id = agent.activate()
        self.assertIn("the limit is 1048576", agent.call("log")["params"]["message"])
        agent.succeeds(id)


class CallTests(Bench):
    def test_commands(self):
        agent = self.start("""
from openstarry import pulse
COMMANDS = [
    lambda board: board.control("lamp", "on"), lambda board: board.control("lamp", 0.4, lease=600),
    lambda board: board.control("lamp", pulse(0.5), lease=0.0001), lambda board: board.control("lamp", True),
    lambda board: board.on("lamp", lease=1.5), lambda board: board.off("lamp"),
    lambda board: board.level("lamp", 1), lambda board: board.pulse("lamp", 2),
]
def handle(event, board):
    receipt = COMMANDS[event["n"]](board)
    assert (receipt.id, receipt.state, receipt.previous, receipt.at_ns, receipt.confirmed) == (event.id, 1, 0, 5, True)
openstarry.run(handle)""")
        for number, params in enumerate([
            {"command": "on"}, {"command": 0.4, "lease_ms": 600_000}, {"command": {"pulse_ms": 500}, "lease_ms": 1},
            {"command": "on"}, {"command": "on", "lease_ms": 1500}, {"command": "off"}, {"command": 1},
            {"command": {"pulse_ms": 2000}},
        ]):
            id = agent.activate({"n": number})
            call = agent.call("controlActuator")
            self.assertEqual(call["params"], {"id": "lamp", **params})
            time = {"at": 5} if number % 2 else {"at_ns": 5}
            agent.reply(call, {"id": ID, "state": 1, "previous": 0, **time})
            agent.succeeds(id)

    def test_a_receipt_without_a_state_is_an_error(self):
        agent = self.start("openstarry.run(lambda event, board: board.on('lamp'))")
        id = agent.activate()
        agent.reply(agent.call("controlActuator"), {"id": ID})
        self.assertEqual(agent.error(id), {"code": -32024, "message": "a receipt without a valid 'state'"})

    def test_readings(self):
        agent = self.start("""
def handle(event, board):
    reading = board.read("temperature")
    board.log(f"{reading.value} {reading.unit} {reading.time_ns} {reading.quality} {float(reading) + 1}")
openstarry.run(handle)""")
        for result, said in [
            ({"value": 21.5, "unit": "°C", "time_ns": 7, "quality": "stale"}, "21.5 °C 7 stale 22.5"),
            ({"value": 1, "time": 8, "quality": "odd"}, "1.0  8 good 2.0"),
        ]:
            id = agent.activate()
            agent.reply(agent.call("getSensorData"), result)
            self.assertEqual(agent.call("log")["params"]["message"], said)
            agent.succeeds(id)
        id = agent.activate()
        agent.reply(agent.call("getSensorData"), {"value": True})
        self.assertEqual(agent.error(id)["message"], "a reading without a valid 'value'")

    def test_pictures(self):
        agent = self.start("""
def handle(event, board):
    picture = board.frame("cam0", 2, 1) if event["grey"] else board.snapshot("cam0")
    board.log(f"{type(picture).__name__} {list(picture)}")
openstarry.run(handle)""")
        id = agent.activate({"grey": True})
        call = agent.call("getCameraFrame")
        self.assertEqual(call["params"], {"id": "cam0", "width": 2, "height": 1})
        agent.reply(call, {"grey": "AP8="})
        self.assertEqual(agent.call("log")["params"]["message"], "bytes [0, 255]")
        agent.succeeds(id)
        for text in ("AP8", "A P8=", "*", "AP8=\n", 5, None):
            id = agent.activate({"grey": False})
            agent.reply(agent.call("getCameraSnapshot"), {"jpeg": text})
            self.assertEqual(agent.error(id), {"code": -32026, "message": "a picture that is not base64"})

    def test_models(self):
        agent = self.start("""
def handle(event, board):
    board.log(board.complete("Why?", **event.payload))
openstarry.run(handle)""")
        for extra in ({}, {"system": "Be brief.", "max_tokens": 5}):
            id = agent.activate(extra)
            call = agent.call("complete")
            self.assertEqual(call["params"], {"prompt": "Why?", **extra})
            agent.reply(call, {"text": "Because.", "tokens": 9})
            self.assertEqual(agent.call("log")["params"]["message"], "Because.")
            agent.succeeds(id)

    def test_conversations(self):
        agent = self.start("""
def handle(event, board):
    answer = board.chat([{"role": "user", "content": "Who?", "pictures": [b"\\x00\\xff"]}],
                        tools=[{"name": "look"}], max_tokens=5)
    board.log("%s %s" % (answer["text"], answer["tool_calls"][0]["name"]))
openstarry.run(handle)""")
        id = agent.activate({})
        call = agent.call("chat")
        self.assertEqual(call["params"], {
            "messages": [{"role": "user", "content": "Who?", "pictures": ["AP8="]}],
            "tools": [{"name": "look"}], "max_tokens": 5,
        })
        agent.reply(call, {"text": "Ada.", "tool_calls": [{"id": "a", "name": "look", "arguments": {}}]})
        self.assertEqual(agent.call("log")["params"]["message"], "Ada. look")
        agent.succeeds(id)

    def test_state(self):
        agent = self.start("""
def handle(event, board):
    state = board.state
    exec(event["run"])
openstarry.run(handle)""")

        def run(code, method, params, result):
            id = agent.activate({"run": code})
            call = agent.call(method)
            self.assertEqual(call["params"], params)
            if result is None:
                agent.refuse(call, -32020, "there is no such key")
            else:
                agent.reply(call, result)
            return id

        missing, five = None, {"value": 5}
        for code, method, result in [
            ("assert state['n'] == 5", "state.get", five), ("assert state.get('n') == 5", "state.get", five),
            ("assert 'n' in state", "state.get", five), ("assert 'n' not in state", "state.get", missing),
            ("assert state.get('n') is None", "state.get", missing),
            ("assert state.get('n', 0) == 0", "state.get", missing),
            ("assert state['n'] is None", "state.get", {"value": None}), ("del state['n']", "state.remove", {}),
        ]:
            with self.subTest(code):
                agent.succeeds(run(code, method, {"key": "n"}, result))
        agent.succeeds(run("state['n'] = [1, {'a': 'é'}]", "state.set", {"key": "n", "value": [1, {"a": "é"}]}, {}))
        self.assertIn("KeyError: 'n'", agent.error(run("state['n']", "state.get", {"key": "n"}, None))["message"])
        self.assertIn("TypeError", agent.error(agent.activate({"run": "list(state)"}))["message"])
        wrong = agent.error(agent.activate({"run": "state['n'] = {'a': float('nan')}"}))
        self.assertIn("ValueError: value.a is nan", wrong["message"])

    def test_other_refusals_of_state_are_not_hidden(self):
        agent = self.start("openstarry.run(lambda event, board: board.state.get('n', 0))")
        id = agent.activate()
        agent.refuse(agent.call("state.get"), -32026, "the disk failed")
        self.assertEqual(agent.error(id)["code"], -32026)

    def test_the_log(self):
        agent = self.start("""
def handle(event, board):
    for call in (board.log, board.error, board.warning, board.notice, board.debug): call("é\\ud800\\0")
    board.log(5, level="emergency")
    board.log("x", level="loud")
openstarry.run(handle)""")
        id = agent.activate()
        for level in (6, 3, 4, 5, 7):
            self.assertEqual(agent.call("log"), {
                "jsonrpc": "2.0", "method": "log", "params": {"level": level, "message": "é?\ufffd"}})
        self.assertEqual(agent.call("log")["params"], {"level": 0, "message": "5"})
        self.assertIn("no log level 'loud'; the levels are emergency, ", agent.error(id)["message"])

    def test_output_is_written_line_by_line_and_before_the_answer(self):
        agent = self.start("""
def handle(event, board):
    print("first é\\udc80")
    board.log("now")
    board.emit("probe:wait")
    print("second", end="")
openstarry.run(handle)""", LC_ALL="C")
        id = agent.activate()
        agent.call("log")
        call = agent.call("emit")
        self.assertEqual(call["params"], {"type": "probe:wait", "payload": {}})
        self.assertEqual(agent.log(), "first é\\udc80\n")
        agent.reply(call, {"id": ID})
        agent.succeeds(id)
        self.assertTrue(agent.log().endswith("second"))

    def test_events_and_the_environment(self):
        agent = self.start("""
def handle(event, board):
    board.log(repr([getattr(event, name) for name in (
        "type", "payload", "id", "time", "clock_synchronised", "monotonic_ns", "source", "cause", "trace", "depth",
        "priority")]))
    assert event["value"] == 31 and event.get("none", 2) == 2 and "value" in event and list(event) == ["value"]
    assert (board.agent, board.home, board.plugins) == ("probe", "/home/probe", "/home/probe/plugins")
    assert board.now_ns > 0
openstarry.run(handle)""")
        other = "01J00000000000000000000001"
        full = dict(
            time=1, clock_synchronised=True, monotonic_ns=2, source="temperature", cause=other, trace=other, depth=3,
            priority=4)
        odd = dict(time="1", clock_synchronised=1, source=5, cause="x", trace=None, depth=None, priority=6)
        for fields, values in [
            (full, [1, True, 2, "temperature", other, other, 3, 4]),
            (odd, [0, False, 0, "system", None, ID, 0, 3]), ({}, [0, False, 0, "system", None, ID, 0, 3]),
        ]:
            id = agent.activate({"value": 31}, "sensor:temperature", **fields)
            self.assertEqual(
                agent.call("log")["params"]["message"], repr(["sensor:temperature", {"value": 31}, ID, *values]))
            agent.succeeds(id)

    def test_a_running_agent_has_loaded_no_large_modules(self):
        agent = self.start("""
import sys
openstarry.run(lambda event, board: board.log(" ".join(sys.modules)))""")
        agent.activate()
        loaded = set(agent.call("log")["params"]["message"].split())
        self.assertIn("openstarry", loaded)
        self.assertEqual(
            loaded & {"json", "re", "enum", "signal", "socket", "typing", "traceback", "base64", "collections"}, set())


class ModuleTests(unittest.TestCase):
    """What needs no process."""

    def test_durations_have_to_be_above_zero(self):
        for wrong in (0, -1, float("nan"), float("inf")):
            with self.assertRaisesRegex(ValueError, "a pulse is .*; it has to be a number of seconds above 0"):
                openstarry.pulse(wrong)
        for wrong in (True, "5", None):
            with self.assertRaisesRegex(TypeError, "it has to be a number of seconds"):
                openstarry.pulse(wrong)

    def test_refusals_say_when_to_try_again(self):
        self.assertEqual(str(openstarry.Busy("held")), "busy: held")
        for seconds, text in ((0.25, "250ms"), (25, "25s"), (119.5, "120s"), (121, "3m"), (7200, "2h")):
            self.assertEqual(str(openstarry.Limited("rests", seconds)), f"limited: rests; try again in {text}")

    def test_what_is_no_agent_is_refused(self):
        with mock.patch.object(openstarry, "_is_socket", lambda descriptor: True):
            with self.assertRaisesRegex(TypeError, "a subclass of Agent or a function, not 5"):
                openstarry.run(5)

    def test_handlers_can_be_called_with_a_mock(self):
        sys.path.insert(0, str(EXAMPLES))
        import thermostat

        board = mock.create_autospec(openstarry.Board, instance=True)
        board.state = {}
        agent = thermostat.Thermostat()
        agent.handle(openstarry.Event("sensor:temperature", {"value": 31.0}), board)
        board.control.assert_called_once_with("fan", "on", lease=60)
        self.assertEqual(board.state, {"switches": 1})


class WheelTests(Bench):
    def build(self, name):
        out = subprocess.run(
            [sys.executable, str(SDK / "build-wheel"), str(self.folder / name)], check=True, capture_output=True,
            text=True, timeout=SECONDS)
        return pathlib.Path(out.stdout.strip())

    def test_the_wheel_is_reproducible_complete_and_works(self):
        wheel, again = self.build("a"), self.build("b")
        self.assertEqual(wheel.read_bytes(), again.read_bytes())
        release = (PROJECT / "Sources/Base/Model/Release.swift").read_text()
        version = wheel.name.split("-")[1]
        self.assertIn(f'"{version}"', release)
        self.assertEqual(wheel.name, f"openstarry-{version}-py3-none-any.whl")
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            self.check_record(archive, f"openstarry-{version}.dist-info/RECORD")
            archive.extractall(self.folder / "site")
        self.assertEqual(
            {name.rpartition("/")[2] for name in names}, {"openstarry.py", "LICENSE", "METADATA", "WHEEL", "RECORD"})
        code = (
            f"import sys; sys.path.insert(0, {str(self.folder / 'site')!r})\n"
            "import openstarry, importlib.metadata\n"
            "print(openstarry.__file__, importlib.metadata.version('openstarry'))")
        out = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code], check=True, capture_output=True, text=True, timeout=SECONDS)
        self.assertEqual(out.stdout.split(), [str(self.folder / "site/openstarry.py"), version])

    def check_record(self, archive, name):
        import base64
        import hashlib

        lines = [line.split(",") for line in archive.read(name).decode().splitlines()]
        self.assertEqual([line[0] for line in lines], archive.namelist())
        self.assertEqual(lines[-1], [name, "", ""])
        for path, digest, size in lines[:-1]:
            content = archive.read(path)
            encoded = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            self.assertEqual((digest, int(size)), (f"sha256={encoded}", len(content)))


class PageTests(Bench):
    """The programs in docs/python.md."""

    def blocks(self):
        page = (PROJECT / "docs/python.md").read_text(encoding="utf-8")
        return re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)

    def run_block(self, marker, agent):
        (self.folder / "climate.py").write_text(agent, encoding="utf-8")
        [block] = [block for block in self.blocks() if marker in block]
        return subprocess.run(
            [sys.executable, "-c", block], cwd=self.folder, env={
                "PYTHONPATH": str(SDK), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True, text=True, timeout=SECONDS)

    def test_the_first_agent_with_the_daemon_of_the_page(self):
        done = self.run_block("socketpair", self.blocks()[0])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("'controlActuator', 'params': {'id': 'fan', 'command': 'on', 'lease_ms': 60000}", done.stdout)

    def test_the_first_agent_with_the_mock_of_the_page(self):
        guarded = self.blocks()[0].replace("openstarry.run", 'if __name__ == "__main__": openstarry.run')
        done = self.run_block("create_autospec", guarded)
        self.assertEqual(done.returncode, 0, done.stderr)
        done = self.run_block("create_autospec", guarded.replace("lease=60", "lease=61"))
        self.assertIn("AssertionError", done.stderr)

    def test_every_block_is_python(self):
        blocks = self.blocks()
        self.assertGreater(len(blocks), 5)
        for block in blocks:
            compile(textwrap.dedent(block), "docs/python.md", "exec")


class ExampleTests(Bench):
    def reply_until(self, agent, id, calls):
        """Answers the agent's calls up to its answer, and returns them."""
        seen = []
        while True:
            message = agent.receive()
            self.assertIsNotNone(message, agent.log())
            if "method" not in message:
                self.assertEqual(message["id"], id)
                return seen, message
            seen.append((message["method"], message["params"]))
            if "id" in message:
                calls(message)

    def test_the_manifests_name_the_programs(self):
        for name, program in (("thermostat", "thermostat.py"), ("blink", "blink.sh")):
            manifest = json.loads((EXAMPLES / f"{name}.agent.json").read_text(encoding="utf-8"))
            self.assertEqual(manifest["runtime"], {"driver": "process", "entry": program})
            self.assertTrue(os.access(EXAMPLES / program, os.X_OK))
            self.assertTrue((EXAMPLES / program).read_text(encoding="utf-8").startswith("#!/"))

    def test_the_thermostat(self):
        agent = self.launch([sys.executable, "-S", str(EXAMPLES / "thermostat.py")])
        stored = {}

        def carry_out(call):
            params = call["params"]
            if call["method"] == "state.get" and params["key"] not in stored:
                return agent.refuse(call, -32020, "there is no such key")
            if call["method"] == "state.set":
                stored[params["key"]] = params["value"]
            agent.reply(call, {"id": ID, "state": 1, "value": stored.get(params.get("key"))})

        def warm(value, calls=carry_out, at=0):
            id = agent.activate({"value": value}, "sensor:temperature", monotonic_ns=at)
            return self.reply_until(agent, id, calls)

        on = ("controlActuator", {"id": "fan", "command": "on", "lease_ms": 60_000})
        self.assertEqual(warm(29.0)[0], [])
        first, answer = warm(30.5)
        self.assertEqual(first[0], on)
        payload = {"cooling": True, "temperature": 30.5}
        self.assertIn(("emit", {"type": "thermostat:switched", "payload": payload}), first)
        self.assertEqual(answer["result"], {})
        self.assertEqual(warm(29.0)[0], [on], "the lease is renewed, and nothing else")
        self.assertEqual(warm(27.5)[0][0][1]["command"], "off")
        self.assertEqual(stored, {"switches": 2})

        def limit(call):
            agent.refuse(call, -32023, "'fan' has to rest", retry_after_ms=5000)

        seen, answer = warm(31.0, limit, at=1)
        self.assertEqual([method for method, _ in seen], ["controlActuator", "log"])
        self.assertEqual(answer["result"], {}, "the agent has caught the refusal")
        self.assertEqual(warm(31.0, at=5_000_000_000)[0], [], "it waits for the end of the limit")
        self.assertEqual(warm(31.0, at=5_000_000_001)[0][0], on)
        agent.succeeds(agent.request("stop"))
        self.assertEqual(agent.exit_code(), 0)

    def test_the_blinking_shell_script(self):
        agent = self.launch(["/bin/sh", str(EXAMPLES / "blink.sh")])
        closed = agent.activate({"active": False}, "input:door")
        agent.succeeds(closed)
        id = agent.activate({"active": True, "text": "a \\ \"id\":9, { } \"params\""}, "input:door")
        call = agent.call("controlActuator")
        self.assertEqual(call["params"], {"id": "lamp", "command": {"pulse_ms": 500}})
        report, dance = agent.request("snapshot"), agent.request("dance")
        agent.send({"id": 99, "result": {}})
        agent.reply(call, {"id": ID, "state": 1, "previous": 0, "at_ns": 5, "confirmed": True})
        agent.succeeds(id)
        self.assertEqual(agent.log(), "the door is open: the lamp blinks\n")
        self.assertEqual(agent.answer(report)["result"], {"snapshot": {"blinks": 1}})
        self.assertEqual(agent.error(dance)["code"], -32601)
        # The id may stand anywhere, and may be a text.
        agent.send(
            b'{ "params" : {"event":{"id":"%s","payload":{"active": true}}}, "method" : "activate" , "id" : "a,b" }'
            % ID.encode())
        call = agent.call("controlActuator")
        agent.send(
            b'{"error":{"code":-32022,"message":"held, {sic}","data":{"retry_after_ms":5}},"id":%d}' % call["id"])
        self.assertEqual(
            agent.error("a,b"), {"code": -32022, "message": "held, {sic}", "data": {"retry_after_ms": 5}})
        agent.send({"method": "dance"})
        agent.succeeds(agent.request("stop"))
        self.assertEqual(agent.exit_code(), 0)

    def test_the_shell_script_ends_with_the_daemon(self):
        for busy in (False, True):
            agent = self.launch(["/bin/sh", str(EXAMPLES / "blink.sh")])
            if busy:
                agent.activate({"active": True})
                agent.call("controlActuator")
            agent.hang_up()
            self.assertEqual(agent.exit_code(), 0)
            self.assertEqual(agent.log(), "")


if __name__ == "__main__":
    unittest.main()
