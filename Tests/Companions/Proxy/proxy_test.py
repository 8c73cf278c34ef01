"""Runs the program openstarry-proxy as the daemon does, and is an agent and a server to it, on loopback: proxy_test.py PROGRAM"""
import hashlib
import os
import socket
import struct
import subprocess
import sys
import threading
import unittest

PROGRAM = sys.argv.pop(1)
PATIENCE = 60
CONNECTED, NOT_LISTED, NOT_PUBLIC, UNREACHABLE, NOT_UNDERSTOOD, TOO_MANY = 1, 2, 3, 6, 8, 9


def message(kind, fields):
    return b"OP\x01" + bytes([kind]) + struct.pack("<I", 8 + len(fields)) + fields


def allow(number, hosts):
    fields = struct.pack("<IH", number, len(hosts))
    for host in hosts:
        fields += struct.pack("<H", len(host)) + host.encode()
    return message(1, fields)


def drop(number):
    return message(2, struct.pack("<I", number))


def read_all(stream):
    answer = b""
    while part := stream.recv(65536):
        answer += part
    return answer


class ProxyTest(unittest.TestCase):
    def setUp(self):
        self.daemon, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.daemon.settimeout(PATIENCE)
        self.process = subprocess.Popen([PROGRAM], pass_fds=[3], preexec_fn=lambda: os.dup2(theirs.fileno(), 3))
        theirs.close()
        self.server = self.listen()
        self.port = self.server.getsockname()[1]
        self.proxy = self.listen()
        self.proxy.setblocking(False)
        self.place = self.proxy.getsockname()
        self.serve(1, [f"127.0.0.1:{self.port}", "nowhere.invalid"])

    def tearDown(self):
        self.daemon.close()
        self.assertEqual(self.process.wait(PATIENCE), 0, "it ends with the daemon")
        self.server.close()
        self.proxy.close()

    def listen(self):
        listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        listener.settimeout(PATIENCE)
        return listener

    def serve(self, number, hosts):
        socket.send_fds(self.daemon, [allow(number, hosts)], [self.proxy.fileno()])
        self.assertEqual(self.daemon.recv(1000), message(16, struct.pack("<I", number)))

    def report(self):
        """The outcome of the next report."""
        packet = self.daemon.recv(1000)
        self.assertEqual(packet[3], 17, packet)
        return packet[12]

    def connect(self, data=b""):
        client = socket.create_connection(self.place, timeout=PATIENCE)
        self.addCleanup(client.close)
        client.sendall(data)
        return client

    def ask(self, data):
        """The first line of the whole answer."""
        with self.connect(data) as client:
            return read_all(client).split(b"\r\n")[0].decode()

    def accept(self):
        stream = self.server.accept()[0]
        stream.settimeout(PATIENCE)
        self.addCleanup(stream.close)
        return stream

    def tunnel(self):
        client = self.connect(f"CONNECT 127.0.0.1:{self.port} HTTP/1.1\r\n\r\n".encode())
        stream = self.accept()
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += client.recv(1)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
        return client, stream

    def request(self, path="/", method="GET", fields=""):
        return f"{method} http://127.0.0.1:{self.port}{path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode()

    def ticks(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    # Bytes in both directions

    def test_bytes_arrive_as_they_were(self):
        threads, sums = [], []

        def send(stream, total):
            for _ in range(64):
                block = os.urandom(65536)
                stream.sendall(block)
                total.update(block)
            stream.shutdown(socket.SHUT_WR)

        def receive(stream, total):
            while part := stream.recv(65536):
                total.update(part)

        for _ in range(4):
            ends = self.tunnel()
            for source, target in (ends, ends[::-1]):
                sent, received = hashlib.sha256(), hashlib.sha256()
                sums.append((sent, received))
                threads += [threading.Thread(target=send, args=(source, sent)),
                            threading.Thread(target=receive, args=(target, received))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        for sent, received in sums:
            self.assertEqual(sent.digest(), received.digest())

    def test_a_slow_reader_stops_the_sender(self):
        client, server = self.tunnel()
        server.setblocking(False)
        sent = 0
        while True:
            try:
                sent += server.send(b"x" * 65536)
            except BlockingIOError:
                # Nothing has moved for a second: all buffers are full.
                server.settimeout(1)
                try:
                    sent += server.send(b"x" * 65536)
                except TimeoutError:
                    break
                server.setblocking(False)
        with open(f"/proc/{self.process.pid}/status") as file:
            used = int(file.read().split("VmData:")[1].split()[0])
        self.assertLess(used, 8192, "KiB of memory")
        # It sleeps meanwhile, and after the sender has gone, too.
        server.close()
        before = self.ticks()
        threading.Event().wait(1)
        self.assertLess(self.ticks() - before, 20)
        self.assertEqual(len(read_all(client)), sent)

    def test_a_half_closed_connection_goes_on(self):
        client, server = self.tunnel()
        server.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(10), b"")
        client.sendall(b"more")
        self.assertEqual(server.recv(10), b"more")
        client.close()
        self.assertEqual(server.recv(10), b"")

    def test_the_server_sees_that_an_agent_vanishes(self):
        client, server = self.tunnel()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        self.assertEqual(server.recv(10), b"")

    # Requests

    def test_a_request_is_rewritten(self):
        with self.connect(self.request("/1?x", fields="Proxy-Connection: keep-alive\r\n")) as client, self.accept() as server:
            self.assertEqual(
                server.recv(1000),
                f"GET /1?x HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n".encode())
            client.shutdown(socket.SHUT_WR)
            server.sendall(b"HTTP/1.1 200 OK\r\n\r\nlate")
            server.close()
            self.assertEqual(read_all(client), b"HTTP/1.1 200 OK\r\n\r\nlate", "though its output has ended")

    def test_a_connection_takes_one_request(self):
        with self.connect(self.request("/1")) as client, self.accept() as server:
            self.assertIn(b"/1", server.recv(1000))
            # It keeps the connection against the request.
            server.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            self.assertTrue(client.recv(1000).endswith(b"ok"))
            client.sendall(self.request("/2"))
            self.assertEqual(client.recv(1000), b"")
            self.assertEqual(server.recv(1000), b"", "the second request has not come")

    def test_a_request_behind_another_is_dropped(self):
        with self.connect(self.request("/1") + self.request("/2")) as client, self.accept() as server:
            self.assertEqual(server.recv(1000).count(b"GET"), 1)
            server.sendall(b"HTTP/1.1 200 OK\r\n\r\nok")
            server.close()
            self.assertTrue(read_all(client).endswith(b"ok"))

    def test_a_body_that_is_cut_ends_the_connection(self):
        with self.connect(self.request(method="POST", fields="Content-Length: 10\r\n") + b"abc") as client:
            with self.accept() as server:
                client.shutdown(socket.SHUT_WR)
                self.assertTrue(read_all(server).endswith(b"\r\n\r\nabc"))

    def test_refusals(self):
        for data, answer, outcome in (
            (b"\x16\x03\x01abc", "400", NOT_UNDERSTOOD), (b"GET / HTTP/1.1\r\n\r\n", "400", NOT_UNDERSTOOD),
            (b"GET http://a/" + b"x" * 9000, "431", NOT_UNDERSTOOD),
            (self.request(method="POST", fields="Transfer-Encoding: chunked\r\n"), "411", NOT_UNDERSTOOD),
            (b"CONNECT 10.0.0.1:80 HTTP/1.1\r\n\r\n", "403", NOT_LISTED),
            (b"CONNECT nowhere.invalid:25 HTTP/1.1\r\n\r\n", "403", NOT_LISTED),
        ):
            line = self.ask(data)
            self.assertTrue(line.startswith(f"HTTP/1.1 {answer} "), line)
            self.assertEqual(self.report(), outcome)

    def test_an_agent_that_resets_a_connection_before_the_answer(self):
        for _ in range(50):
            client = self.connect()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(b"\x05\x01\x00" + b"\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50")
            client.close()
        # It serves on, and none of them is counted still.
        tunnels = [self.tunnel() for _ in range(32)]
        for stream in sum(tunnels, ()):
            stream.close()

    def test_socks(self):
        with self.connect(b"\x05\x02\x02\x00") as client:
            self.assertEqual(client.recv(2), b"\x05\x00")
            client.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + struct.pack(">H", self.port) + b"early")
            with self.accept() as server:
                self.assertEqual(client.recv(10), b"\x05\x00\x00\x01" + bytes(6))
                self.assertEqual(server.recv(10), b"early")
        for request, reply in ((b"\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50", 7), (b"\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50", 2),
                               (b"\x05\x01\x00\x09\x7f\x00\x00\x01\x00\x50", 8)):
            with self.connect(b"\x05\x01\x00") as client:
                self.assertEqual(client.recv(2), b"\x05\x00")
                client.sendall(request)
                self.assertEqual(read_all(client)[1], reply)
        with self.connect(b"\x05\x01\x02") as client:
            self.assertEqual(read_all(client), b"\x05\xff")

    def test_a_request_that_does_not_come_is_not_waited_for(self):
        with self.connect(b"GET http://a.example") as slow, self.connect() as silent:
            self.assertTrue(read_all(slow).startswith(b"HTTP/1.1 408 "))
            self.assertEqual(read_all(silent), b"")

    def test_where_nobody_listens(self):
        self.server.close()
        self.assertTrue(self.ask(self.request()).startswith("HTTP/1.1 502 "))
        self.assertEqual(self.report(), UNREACHABLE)

    # Names and addresses

    def test_a_name_that_leads_to_this_machine_is_refused(self):
        self.serve(1, [f"localhost:{self.port}"])
        line = self.ask(f"CONNECT localhost:{self.port} HTTP/1.1\r\n\r\n".encode())
        self.assertTrue(line.startswith("HTTP/1.1 403 "), line)
        self.assertEqual(self.report(), NOT_PUBLIC)
        with self.connect(b"\x05\x01\x00") as client:
            self.assertEqual(client.recv(2), b"\x05\x00")
            client.sendall(b"\x05\x01\x00\x03\x09localhost" + struct.pack(">H", self.port))
            self.assertEqual(read_all(client)[1], 2)

    def test_many_names_are_looked_up_at_once(self):
        self.serve(1, [f"localhost:{self.port}", f"127.0.0.1:{self.port}"])
        clients = [self.connect(f"CONNECT localhost:{self.port} HTTP/1.1\r\n\r\n".encode()) for _ in range(30)]
        servers = [self.accept() for _ in range(30)]
        for client in clients:
            self.assertTrue(client.recv(1000).startswith(b"HTTP/1.1 200 "))
        for stream in clients + servers:
            stream.close()

    def test_an_address_of_ipv6(self):
        try:
            server = socket.create_server(("::1", 0), family=socket.AF_INET6)
        except OSError as error:
            self.skipTest(f"this machine has no IPv6: {error}")
        self.addCleanup(server.close)
        server.settimeout(PATIENCE)
        port = server.getsockname()[1]
        self.serve(1, [f"[::1]:{port}"])
        with self.connect(f"CONNECT [0::0:1]:{port} HTTP/1.1\r\n\r\nhello".encode()):
            stream = server.accept()[0]
            self.addCleanup(stream.close)
            self.assertEqual(stream.recv(10), b"hello")
        # The same machine, as an address of IPv4 in one of IPv6.
        line = self.ask(f"CONNECT [::ffff:127.0.0.1]:{port} HTTP/1.1\r\n\r\n".encode())
        self.assertTrue(line.startswith("HTTP/1.1 403 "), line)

    # Agents

    def test_an_agent_has_32_connections(self):
        clients = [self.connect(f"CONNECT 127.0.0.1:{self.port} HTTP/1.1\r\n\r\n".encode()) for _ in range(40)]
        servers = [self.accept() for _ in range(32)]
        while True:
            packet = self.daemon.recv(1000)
            if packet[3] == 17 and packet[12] == TOO_MANY or packet[3] == 18:
                break
        self.server.settimeout(0.2)
        with self.assertRaises(TimeoutError):
            self.server.accept()
        self.server.settimeout(PATIENCE)
        for server in servers[:8]:
            server.close()
        for client in clients:
            client.close()
        servers += [self.accept() for _ in range(8)]
        for server in servers[8:]:
            self.assertEqual(read_all(server), b"")
            server.close()

    def test_an_agent_that_is_dropped_has_no_connections(self):
        client, server = self.tunnel()
        self.daemon.send(drop(1))
        self.assertEqual(server.recv(10), b"")
        client.settimeout(PATIENCE)
        self.assertEqual(client.recv(10), b"")
        # With other hosts it is another agent.
        self.assertEqual(self.report(), CONNECTED)
        self.serve(2, [])
        self.assertTrue(self.ask(self.request()).startswith("HTTP/1.1 403 "))

    def test_connections_do_not_hide_refusals_in_the_log(self):
        self.serve(1, [f"127.0.0.1:{self.port}"])
        for _ in range(20):
            client, server = self.tunnel()
            client.close()
            server.close()
        self.ask(b"CONNECT 10.0.0.1:80 HTTP/1.1\r\n\r\n")
        reported, others, refusals = 0, 0, 0
        # A number tells of the connections that have no line.
        while reported + others < 20 or refusals == 0:
            packet = self.daemon.recv(1000)
            if packet[3] == 18:
                number, connections, failures = struct.unpack("<III", packet[8:])
                self.assertEqual((number, failures), (1, 0))
                others += connections
            elif packet[12] == CONNECTED:
                reported += 1
            else:
                self.assertEqual(packet[12], NOT_LISTED)
                refusals += 1
        self.assertEqual((reported + others, refusals), (20, 1))
        self.assertGreater(others, 0)

    def test_unknown_packets_are_ignored(self):
        for packet in (b"x", message(99, b"abcd"), message(1, b"ab"), allow(9, ["*"]), drop(77)):
            self.daemon.send(packet)
        self.serve(1, ["127.0.0.1:1"])
        self.assertTrue(self.ask(self.request()).startswith("HTTP/1.1 403 "))

    def test_it_has_given_up_what_it_does_not_need(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertNotEqual(status["Uid"].split()[1], "0")
        self.assertEqual(int(status["CapEff"], 16), 0)
        self.assertEqual(status["Threads"], "1")


if __name__ == "__main__":
    unittest.main()
