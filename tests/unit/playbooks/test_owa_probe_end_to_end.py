"""The probe over real TLS and a real CONNECT proxy, against a small server in this process."""

from __future__ import annotations

import datetime
import http.server
import itertools
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SOURCE = "par-cas-01.contoso.example"
MODULE = Path(__file__).parents[3] / "playbooks/library/owa_probe.py"
COOKIE_ERROR = "Invalid user context cookie found in proxy response"
PASSWORD = "right"


class Front(http.server.BaseHTTPRequestHandler):
    """Behaves as the name of the mailbox says."""

    protocol_version = "HTTP/1.1"
    turn = itertools.count()

    def log_message(self, *_):
        pass

    def answer(self, status, body="", headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.seen.append((self.path, self.headers["Host"], form))
        mailbox = form["username"][0]
        if form["password"] != [PASSWORD]:
            self.answer(302, headers=[("Location", "/owa/auth/logon.aspx?url=x&reason=2")])
        elif mailbox == "silent":
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            headers = [("Location", "/owa/"), ("Set-Cookie", f"sessionid={mailbox}; path=/")]
            self.answer(302, headers=headers)

    def do_GET(self):
        mailbox = (self.headers["Cookie"] or "").partition("sessionid=")[2]
        target = f"BER-CAS-0{next(self.turn) % 2 + 1}"
        named = [("X-DiagInfo", target), ("X-OWA-Version", "14.2.298.4")]
        if mailbox == "served":
            self.answer(200, "<html>Inbox", [("X-DiagInfo", "PAR-CAS-01")])
        elif mailbox == "proxied" or (mailbox == "half" and target.endswith("2")):
            self.answer(200, "<html>Inbox", named)
        elif mailbox in ("half", "broken"):
            self.answer(500, f"<html><h1>Error</h1>{COOKIE_ERROR}</html>")
        elif mailbox == "redirected":
            self.answer(302, headers=[("Location", "https://mail-madrid.contoso.example/owa")])
        elif mailbox == "linked":
            body = "<html><a href='https://mail-madrid.contoso.example/owa'>Use this</a>"
            self.answer(200, body, [("X-DiagInfo", "PAR-CAS-01")])
        else:
            self.answer(503, "<html>Service Unavailable")


class Proxy(http.server.BaseHTTPRequestHandler):
    """Takes CONNECT for any name to the one server there is."""

    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        self.server.seen.append(self.path)
        with socket.create_connection(self.server.behind) as behind:
            self.send_response(200)
            self.end_headers()
            self.wfile.flush()
            back = threading.Thread(target=self.pump, args=(behind, self.connection))
            back.start()
            self.pump(self.connection, behind)
            back.join()
        self.close_connection = True

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


@contextmanager
def serving(handler, context=None, **attributes):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.seen = []
    for name, value in attributes.items():
        setattr(server, name, value)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A certificate for the source server that is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SOURCE)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "ca.pem").write_bytes(built.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder


@pytest.fixture(scope="session")
def front(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "ca.pem", certificate / "key.pem")
    with serving(Front, context) as server:
        yield server


@pytest.fixture(scope="session")
def proxy(front):
    with serving(Proxy, behind=front.server_address) as server:
        yield server


@pytest.fixture
def probe(owa_probe, certificate, front, proxy):
    """Runs a probe through the proxy; other arguments as given."""

    def run(mailbox, **changes):
        params = {
            "url": f"https://{SOURCE}/owa/",
            "host_name": None,
            "source": "par-cas-01",
            "mailbox": mailbox,
            "password": PASSWORD,
            "http_proxy": f"http://127.0.0.1:{proxy.server_address[1]}",
            "server_header": "X-DiagInfo",
            "targets": ["ber-cas-01", "ber-cas-02"],
            "expect": ["proxied"],
            "redirect_url": None,
            "may_break": False,
            "attempts": 6,
            "timeout": 5,
        }
        context = ssl.create_default_context(cafile=str(certificate / "ca.pem"))
        return owa_probe.run({**params, **changes}, context)

    return run


def test_proxied_until_both_targets_have_answered(probe, front, proxy):
    front.seen.clear()
    result = probe("proxied")
    assert result["as_expected"], result["why"]
    assert result["coverage"]["text"] == "2 of 2 targets"
    assert {one["version"] for one in result["tries"]} == {"14.2.298.4"}
    path, host, form = front.seen[0]
    assert (path, host) == ("/owa/auth.owa", SOURCE)
    assert form == {
        "destination": [f"https://{SOURCE}/owa/"],
        "username": ["proxied"],
        "password": [PASSWORD],
        "flags": ["4"],
        "forcedownlevel": ["0"],
        "trusted": ["4"],
        "isUtf8": ["1"],
    }
    assert proxy.seen[-1] == f"{SOURCE}:443"


def test_served_by_the_source_itself(probe):
    result = probe("served", targets=["par-cas-01"], expect=["served"])
    assert result["as_expected"]
    assert len(result["tries"]) == 1


def test_a_half_upgraded_pool_is_seen_as_broken(probe):
    result = probe("half")
    assert result["outcome"] == "broken"
    assert result["counts"] == {"broken": 3, "proxied": 3}
    assert f"broken: {COOKIE_ERROR} (3 of 6 tries)" in result["why"]
    known = probe("half", may_break=True, targets=["ber-cas-02"])
    assert known["as_expected"]


@pytest.mark.parametrize("mailbox", ["redirected", "linked"])
def test_a_redirect_is_reported_and_not_followed(probe, proxy, mailbox):
    there = "https://mail-madrid.contoso.example/owa"
    proxy.seen.clear()
    result = probe(mailbox, expect=["redirected"], redirect_url=there)
    assert result["as_expected"], result["why"]
    assert {one["url"] for one in result["tries"]} == {there}
    assert set(proxy.seen) == {f"{SOURCE}:443"}


def test_no_answer_and_503_are_unavailable_and_soon_given_up(probe):
    for mailbox in ("unavailable", "silent"):
        result = probe(mailbox)
        assert result["outcome"] == "unavailable"
        assert not result["as_expected"]
        assert len(result["tries"]) == 3


def test_a_refused_password_ends_at_once(probe):
    result = probe("proxied", password="wrong")
    assert result["outcome"] == "denied"
    assert len(result["tries"]) == 1


def test_a_certificate_for_another_name_is_not_trusted(probe):
    result = probe("proxied", url="https://ber-cas-01.contoso.example/owa/")
    assert result["outcome"] == "unavailable"
    assert "certificate" in result["why"].lower()


def test_by_address_with_the_name_given_and_without_a_proxy(probe, front):
    url = f"https://127.0.0.1:{front.server_address[1]}/owa/"
    front.seen.clear()
    result = probe("served", url=url, host_name=SOURCE, http_proxy=None, expect=["served"],
                   targets=["par-cas-01"])  # fmt: skip
    assert result["as_expected"], result["why"]
    assert front.seen[0][1] == f"{SOURCE}:{front.server_address[1]}"


# Ansible ships what a module shares together with it.
AS_ANSIBLE = """
import runpy, sys, ansible.module_utils
path = sys.argv.pop(1)
ansible.module_utils.__path__.append(path.rsplit("/", 2)[0] + "/module_utils")
runpy.run_path(path, run_name="__main__")
"""


def as_module(arguments):
    """Run the file as Ansible would, arguments on standard input."""
    done = subprocess.run(
        [sys.executable, "-c", AS_ANSIBLE, str(MODULE)],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={**os.environ, "_ANSIBLE_PROFILE": "legacy"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    return done.returncode, json.loads(done.stdout)


def test_as_a_module_the_password_is_nowhere_in_the_result(certificate, front, proxy):
    rc, result = as_module(
        {
            "url": f"https://{SOURCE}/owa/",
            "source": "par-cas-01",
            "mailbox": "proxied",
            "password": PASSWORD,
            "http_proxy": f"http://127.0.0.1:{proxy.server_address[1]}",
            "ca_path": str(certificate / "ca.pem"),
            "targets": ["ber-cas-01", "ber-cas-02"],
            "expect": ["proxied"],
        }
    )
    assert rc == 0, result
    assert result["as_expected"], result["why"]
    assert PASSWORD not in json.dumps(result)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"ca_path": "/nowhere/ca.pem"}, "ca_path: cannot read certificates from /nowhere/ca.pem"),
        ({"url": "http://x.example/owa/"}, "never sent in clear"),
        ({"expect": ["fine"]}, "value of expect must be one or more of"),
    ],
)
def test_bad_arguments_fail_with_a_message_and_no_traceback(change, complaint):
    rc, result = as_module(
        {
            "url": f"https://{SOURCE}/owa/",
            "source": "x",
            "mailbox": "x",
            "password": "y",
            "expect": ["served"],
            **change,
        }
    )
    assert rc == 1
    assert complaint in result["msg"]
    assert "exception" not in result
