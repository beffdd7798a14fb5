"""Mail servers and webhooks that tests send to: real ones (aiosmtpd, http.server), and all the ways in which they misbehave."""

import asyncio
import hashlib
import hmac
import http.server
import json
import logging
import ssl
import threading
import warnings
from email import message_from_bytes, policy
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword, syntax

from .util import free_port, run

# What clients make of a server that misbehaves is no news, nor that one without TLS takes passwords.
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
warnings.filterwarnings("ignore", module="aiosmtpd")


class Certificate:
    """Of a server at 127.0.0.1, by an authority of its own."""

    def __init__(self, folder, address="127.0.0.1", days=30):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca = self.folder / "ca.pem"
        self.file = self.folder / "server.pem"
        self.key = self.folder / "server.key"
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        ca_key, request, extensions = (self.folder / n for n in ("ca.key", "request", "extensions"))
        run("openssl", "req", "-x509", *curve, "-keyout", ca_key, "-out", self.ca, "-days", days, "-subj", "/CN=a test")
        run("openssl", "req", *curve, "-keyout", self.key, "-out", request, "-subj", "/CN=server")
        extensions.write_text(f"subjectAltName=IP:{address}\n")
        signed = ("-CA", self.ca, "-CAkey", ca_key, "-CAcreateserial", "-extfile", extensions)
        run("openssl", "x509", "-req", "-in", request, *signed, "-out", self.file, "-days", days)

    def context(self):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.file, self.key)
        return made


class _Server(SMTP):
    """Does at each command what the sink says."""

    def __init__(self, sink, *args, **more):
        self.sink = sink
        self.is_counted = False
        super().__init__(sink, *args, **more)

    async def _handle_client(self):
        if await self._misbehave("connect"):
            return
        await super()._handle_client()

    async def _misbehave(self, command):
        """True: nothing more is to be said."""
        how = self.sink.how.get(command)
        if how == "hang":
            self.sink.hung += 1
            await asyncio.sleep(3600)
        elif how == "die":
            self.transport.abort()
            await asyncio.sleep(3600)
        elif callable(how):
            how = how()
        if isinstance(how, str) and how[:1].isdigit():
            await self.push(how)
            return True
        return False

    @syntax("EHLO hostname")
    async def smtp_EHLO(self, hostname):
        self.sink.connections += not self.is_counted
        self.is_counted = True
        if not await self._misbehave("EHLO"):
            await super().smtp_EHLO(hostname)

    @syntax("HELO hostname")
    async def smtp_HELO(self, hostname):
        if not await self._misbehave("EHLO"):
            await super().smtp_HELO(hostname)

    async def smtp_MAIL(self, arg):
        if not await self._misbehave("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg):
        if not await self._misbehave("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg):
        if await self._misbehave("DATA"):
            return
        if self.sink.how.get("DATA") == "die in it":
            await self.push("354 go ahead")
            await self._reader.read(10)
            self.transport.abort()
            await asyncio.sleep(3600)
        await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg):
        self.sink.quits += 1
        if not await self._misbehave("QUIT"):
            await super().smtp_QUIT(arg)


class MailSink:
    """A mail server at 127.0.0.1.  tls: none, starttls or tls; login: (user, password) that are needed.

    how: what it does at connect, EHLO (and HELO), MAIL, RCPT, DATA, message, QUIT: "hang", "die", a reply as "550 5.1.1 no
    such user", a function that gives such, or nothing; at DATA also "die in it"."""

    def __init__(self, tls="none", certificate=None, login=None):
        self.port = free_port()
        self.tls, self.certificate, self.login = tls, certificate, login
        self.how = {}
        self.mails = []  # (sender, recipient, octets as they came, parsed)
        self.connections = 0  # that said EHLO
        self.quits = 0
        self.hung = 0  # how often it began to hang
        self.users = []
        self.controller = None

    def start(self):
        context = self.certificate.context() if self.certificate else None
        more = {"auth_require_tls": False, "decode_data": False, "data_size_limit": None, "hostname": "mail.test", "ident": "a test"}
        if self.login:
            more |= {"auth_required": True, "authenticator": self._authenticate}
        if self.tls == "starttls":
            more |= {"tls_context": context, "require_starttls": True}
        self.controller = Controller(
            self, hostname="127.0.0.1", port=self.port, ssl_context=context if self.tls == "tls" else None
        )
        self.controller.factory = lambda: _Server(self, loop=self.controller.loop, **more)
        self.controller.start()
        return self

    def stop(self):
        if self.controller is not None:
            self.controller.stop()
            self.controller = None

    def _authenticate(self, server, session, envelope, mechanism, data):
        assert isinstance(data, LoginPassword)
        found = (data.login.decode(), data.password.decode())
        self.users.append(found[0])
        return AuthResult(success=found == self.login, handled=found == self.login)

    async def handle_DATA(self, server, session, envelope):
        how = self.how.get("message")
        if how == "hang":
            await asyncio.sleep(3600)
        elif how == "die":
            server.transport.abort()
            await asyncio.sleep(3600)
        elif callable(how):
            how = how()
        if how:
            return how
        for recipient in envelope.rcpt_tos:
            text = bytes(envelope.original_content)
            parsed = message_from_bytes(text, policy=policy.default)
            self.mails.append((envelope.mail_from, recipient, text, parsed))
        return "250 2.0.0 taken"


class WebSink:
    """A webhook at 127.0.0.1 that answers with what is in `answers`, the last of them for ever: a status, "hang" or
    "die".  Signatures are checked where a secret is given."""

    def __init__(self, certificate=None, secret=None):
        self.port = free_port()
        self.secret = secret
        self.certificate = certificate
        self.answers = [200]
        self.words = b"said by the sink"
        self.posts = []  # (path, headers, JSON)
        self.bad = []  # signatures that were wrong
        self.asleep = threading.Event()
        self.server = None

    @property
    def url(self):
        return f"http{'s' if self.certificate else ''}://127.0.0.1:{self.port}/hook?token=secret"

    def start(self):
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                try:
                    sink._take(self)
                except OSError:
                    self.close_connection = True  # the other end has heard enough

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.server.daemon_threads = True
        if self.certificate:
            self.server.socket = self.certificate.context().wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def stop(self):
        self.asleep.set()
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def _take(self, request):
        body = request.rfile.read(int(request.headers["Content-Length"]))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if self.secret:
            expected = "sha256=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
            if not hmac.compare_digest(expected, request.headers.get("X-Intaglio-Signature", "")):
                self.bad.append(request.headers.get("X-Intaglio-Signature"))
                answer = 403
        self.posts.append((request.path, dict(request.headers), json.loads(body)))
        if answer == "hang":
            self.asleep.wait()
        elif answer == "die":
            request.close_connection = True
        else:
            request.send_response(answer)
            if 300 <= answer < 400:
                request.send_header("Location", f"http://127.0.0.1:{self.port}/elsewhere")
            request.send_header("Content-Length", str(len(self.words)))
            request.end_headers()
            request.wfile.write(self.words)
