"""A language-model server that does what a script says: model_server.py FOLDER [CERTIFICATE KEY]

A request for /NAME plays FOLDER/NAME.json, a list of steps; what happens is a line each in FOLDER/NAME.log. Ports are in
FOLDER/ports as JSON: plain, tls (with a certificate), and a Unix socket at FOLDER/socket. Ends with its parent.
"""
import json
import os
import select
import socket
import ssl
import struct
import sys
import threading
import time

FOLDER = sys.argv[1]
numbers = iter(range(1, 1 << 30))


class Connection:
    def __init__(self, stream):
        self.stream = stream
        self.number = next(numbers)
        self.name = None
        self.input = b""

    def log(self, what, **more):
        if self.name is None:
            return
        line = json.dumps({"what": what, "connection": self.number, **more}) + "\n"
        with open(f"{FOLDER}/{self.name}.log", "a") as file:
            file.write(line)

    def more(self):
        part = self.stream.recv(1 << 20)
        self.input += part
        return bool(part)

    def request(self):
        """Reads a request; False at the end of the connection."""
        while b"\r\n\r\n" not in self.input:
            if not self.more():
                return False
        head, self.input = self.input.split(b"\r\n\r\n", 1)
        first, *fields = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, value in (field.split(":", 1) for field in fields)}
        length = int(fields.get("content-length", "0"))
        while len(self.input) < length:
            if not self.more():
                return False
        body, self.input = self.input[:length], self.input[length:]
        method, path, _ = first.split(" ")
        # A request to a proxy has a whole URL.
        self.name = "proxy" if path.startswith("http") else path.split("/")[1]
        self.log("request", method=method, path=path, fields=fields, length=len(body), body=body[:4096].decode("latin-1"))
        return True

    def is_gone(self, patience):
        """Whether the client hangs up within that time."""
        if not select.select([self.stream], [], [], patience)[0]:
            return False
        try:
            part = self.stream.recv(65536)
        except ConnectionError:
            return True
        self.input += part
        return not part

    def play(self):
        """Plays the script; False when it closes the connection."""
        with open(f"{FOLDER}/{self.name}.json") as file:
            steps = json.load(file)
        for step, value in steps:
            if step == "send":
                self.stream.sendall(value.encode("latin-1"))
            elif step == "pause":
                if self.is_gone(value):
                    self.log("gone")
                    return False
            elif step == "forever":
                data, sent, shown = value["data"].encode("latin-1"), 0, 0
                while True:
                    self.stream.sendall(data)
                    sent += len(data)
                    if sent >= shown + 65536 or value["every"]:
                        shown = sent
                        self.log("sent", bytes=sent)
                    if value["every"] and self.is_gone(value["every"]):
                        self.log("gone")
                        return False
            elif step == "close":
                return False
            elif step == "reset":
                self.stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
        return True

    def serve(self):
        try:
            while self.request() and self.play():
                pass
        except (ConnectionError, ssl.SSLError, BrokenPipeError):
            self.log("gone")
        finally:
            self.stream.close()


def serve(listener, context=None):
    def one(stream):
        if context:
            try:
                stream = context.wrap_socket(stream, server_side=True)
            except OSError:
                return stream.close()
        Connection(stream).serve()

    while True:
        stream, _ = listener.accept()
        threading.Thread(target=one, args=(stream,), daemon=True).start()


def main():
    parent = os.getppid()
    ports = {}
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    ports["plain"] = listener.getsockname()[1]
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    local = socket.socket(socket.AF_UNIX)
    local.bind(f"{FOLDER}/socket")
    os.chmod(f"{FOLDER}/socket", 0o666)
    local.listen(16)
    threading.Thread(target=serve, args=(local,), daemon=True).start()
    # Accepts connections and says nothing, not even in TLS.
    silent = socket.create_server(("127.0.0.1", 0), backlog=128)
    ports["silent"] = silent.getsockname()[1]
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        secure = socket.create_server(("127.0.0.1", 0), backlog=128)
        ports["tls"] = secure.getsockname()[1]
        threading.Thread(target=serve, args=(secure, context), daemon=True).start()
    with open(f"{FOLDER}/ports.new", "w") as file:
        json.dump(ports, file)
    os.rename(f"{FOLDER}/ports.new", f"{FOLDER}/ports")
    while os.getppid() == parent:
        time.sleep(0.2)


main()
