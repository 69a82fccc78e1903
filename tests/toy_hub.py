"""A hub on this machine: as much of the real one's protocol as ``upet`` and ``huggingface_hub`` speak.

The listing of a repository's folder, and files that are described by one host and sent by another, whole or in
part. It can be told to cut a connection, to send slowly, to lie about the content, or not to know ranges.
"""

import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TREE = "/api/models/lab-cosmo/upet/tree/main/models"
RESOLVE = "/lab-cosmo/upet/resolve/"
STORE = "/store/"
PIECE = 1 << 14


class Hub:
    """Serves files under the names given, on a port of its own."""

    def __init__(self, files):
        self.files = {name: bytes(content) for name, content in files.items()}
        self.cut_after = []
        """Bytes after which each of the next connections breaks; None lets one through whole."""
        self.seconds_a_piece = 0.0
        self.on_piece = lambda sent: None
        """Called after each piece with the bytes that were sent of this file."""
        self.wrong = False
        """Whether what is sent differs from what was described."""
        self.knows_ranges = True
        self.asked = []
        """Starting points of the parts that were asked for; 0 for a whole file."""
        self.start()

    def start(self, port=0):
        """Listen, on the port from before where one is given."""
        handler = type("Handler", (Handler,), {"hub": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """Be gone, as if there were no network."""
        self._server.shutdown()
        self._server.server_close()


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        path = urlsplit(self.path).path
        name = path.rpartition("/")[2]
        if path == TREE:
            rows = [
                {"type": "file", "path": f"models/{each}", "size": len(self.hub.files[each])} for each in self.hub.files
            ]
            self.reply(200, json.dumps(rows).encode(), {"Content-Type": "application/json"})
        elif name not in self.hub.files:
            self.reply(404, b"", {"X-Error-Code": "EntryNotFound"})
        elif path in (f"{RESOLVE}main/models/{name}", f"{RESOLVE}{COMMIT}/models/{name}"):
            self.describe(name)
        elif path == STORE + name:
            self.send(name)
        else:
            self.reply(404, b"", {"X-Error-Code": "RevisionNotFound"})

    def reply(self, status, body, headers):
        self.send_response(status)
        for key, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(key, str(value))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def describe(self, name):
        """Say what a file is, and send whoever wants it to another host, as for every large file."""
        content = self.hub.files[name]
        headers = {
            "Location": f"http://localhost:{self.hub.port}{STORE}{name}",
            "X-Repo-Commit": COMMIT,
            "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Linked-Size": len(content),
        }
        self.reply(302, b"", headers)

    def send(self, name):
        content = self.hub.files[name]
        if self.hub.wrong:
            content = bytes([content[0] ^ 1]) + content[1:]
        wanted = self.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.hub.knows_ranges else 0
        self.hub.asked.append(start)
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        cut = self.hub.cut_after.pop(0) if self.hub.cut_after else None
        end = len(content) if cut is None else min(start + cut, len(content))
        for place in range(start, end, PIECE):
            self.wfile.write(content[place : min(place + PIECE, end)])
            self.hub.on_piece(min(place + PIECE, end))
            time.sleep(self.hub.seconds_a_piece)
        self.close_connection = True
