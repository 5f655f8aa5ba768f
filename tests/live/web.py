"""Servers for the tests of URLs: one that misbehaves in every way that it is asked to."""
import gzip
import http.server
import random
import socket
import socketserver
import threading
import time

LOGIN = b"<!DOCTYPE html><html><head><title>Sign in</title></head><input type=password></html>"


class Handler(http.server.BaseHTTPRequestHandler):
    """Pages by name; `server.pages` are bodies of the test's own."""

    def log_message(self, *arguments):
        pass

    def give(self, body, status=200, media="application/octet-stream", **headers):
        self.send_response(status)
        self.send_header("Content-Type", media)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(headers.get("length", len(body))))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        page, _, query = self.path.partition("?")
        server = self.server
        server.requests.append((page, query, dict(self.headers)))
        method = getattr(self, "page_" + page.strip("/"), None)
        try:
            if page in server.pages:
                body = server.pages[page]
                body = body(len([1 for asked in server.requests if asked[0] == page])) \
                    if callable(body) else body
                self.give(*(body if isinstance(body, tuple) else (body,)))
            elif method:
                method()
            else:
                self.give(b"404 page not found\n", 404, "text/plain")
        except OSError:
            pass

    def page_html(self):
        self.give(LOGIN, media="text/html; charset=utf-8")

    def page_json(self):
        self.give(b'{"error":{"message":"profiling is off"}}', media="application/json")

    def page_busy(self):
        self.give(b"Could not enable CPU profiling: cpu profiling already in use\n", 500, "text/plain",
                  X_Go_Pprof="1")

    def page_secret(self):
        wanted = "Basic bmFtZTpnZWhlaW0="  # name:geheim
        if self.headers.get("Authorization") == wanted:
            self.give(self.server.profile)
        else:
            self.give(b"", 401, WWW_Authenticate='Basic realm="x"')

    def page_token(self):
        good = self.headers.get("X-Token") == "geheim"
        self.give(self.server.profile if good else b"", 200 if good else 403)

    def page_gzip(self):
        self.give(gzip.compress(self.server.profile), Content_Encoding="gzip")

    def page_bomb(self):
        self.give(gzip.compress(bytes(64 << 20)), Content_Encoding="gzip")

    def page_echo(self):
        sent = self.path + " " + self.headers.get("X-Token", "")
        self.give(f"what is {sent}?".encode(), 404, "text/plain")

    def page_loop(self):
        self.give(b"", 302, Location="/loop?token=geheim")

    def page_moved(self):
        self.give(b"", 301, Location="/secret")

    def page_away(self):
        self.give(b"", 302, Location=self.server.elsewhere)

    def page_login(self):
        self.give(b"", 302, Location="/html?then=geheim")

    def page_half(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.profile)))
        self.end_headers()
        self.wfile.write(self.server.profile[:len(self.server.profile) // 2])

    def page_stall(self):
        self.page_half()
        self.wfile.flush()
        time.sleep(30)

    def page_drip(self):
        self.send_response(200)
        self.end_headers()
        for _ in range(300):
            self.wfile.write(b".")
            self.wfile.flush()
            time.sleep(.1)

    def page_endless(self):
        self.send_response(200)
        self.end_headers()
        while True:
            self.wfile.write(bytes(65536))

    def page_huge(self):
        self.send_response(200)
        self.send_header("Content-Length", str(10 << 30))
        self.end_headers()
        while True:
            self.wfile.write(bytes(65536))


class Web(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A server on a port of its own, in threads."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, profile=b"", port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.profile, self.pages, self.requests, self.elsewhere = profile, {}, [], ""
        threading.Thread(target=self.serve_forever, args=(.05,), daemon=True).start()

    @property
    def host(self):
        return f"127.0.0.1:{self.server_address[1]}"

    def stop(self):
        self.shutdown()
        self.server_close()


taken = []


def free_port():
    """One on which nobody listens, and that the kernel gives to nobody who asks for any, as it
    does with those from 32768 on: not to another test, and not to a client that tries to
    connect to it, which would then be connected to itself. Until this process ends it is given
    to nobody who asks here, also while its server is away; servers get it, as they set
    SO_REUSEADDR."""
    while True:
        probe = socket.socket()
        try:
            probe.bind(("127.0.0.1", random.randrange(10000, 32000)))
        except OSError:
            probe.close()
            continue
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.append(probe)
        return probe.getsockname()[1]


def talk(speech):
    """A server that says this to whoever comes, whatever they want; its host."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            connection = listener.accept()[0]
            connection.recv(65536)  # else closing would reset the connection
            connection.sendall(speech)
            connection.close()
    threading.Thread(target=serve, daemon=True).start()
    return f"127.0.0.1:{listener.getsockname()[1]}"
