"""Debian's Dovecot on loopback, with a configuration of our own: any user exists, the password is one."""

import base64
import itertools
import os
import shutil
import subprocess
import time
from pathlib import Path

from tests.server.mail.wire.imap_accounts import ImapAccount
from tests.server.mail.wire.ports import free_port, wait_for_port

PASSWORD = "dovecot-secret"
TOKEN_KEY = b"a key that only the tests and their Dovecot know"
_users = itertools.count(1)

_CONFIGURATION = """
protocols = imap lmtp
listen = 127.0.0.1
base_dir = {folder}/run
log_path = {folder}/dovecot.log
state_dir = {folder}/state
mail_location = sdbox:{folder}/mail/%u
mail_uid = nobody
mail_gid = nogroup
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
lda_mailbox_autocreate = yes
mail_max_userip_connections = 50
ssl = yes
ssl_cert = <{folder}/cert.pem
ssl_key = <{folder}/key.pem
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/mail/%u allow_all_users=yes
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service stats {{
  inet_listener http {{
    port = 0
  }}
}}
"""
_OAUTH2 = """
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={folder}/keys/
username_attribute = sub
"""


class Dovecot:
    """Runs from `start` to `stop`; a mailbox comes into being when somebody signs in to it or it gets mail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.imap, self.imaps, self.lmtp = free_port(), free_port(), free_port()

    @property
    def certificate(self) -> Path:
        return self.folder / "cert.pem"

    def start(self) -> None:
        self.folder.chmod(0o755)  # Dovecot's own users have to reach its sockets
        (self.folder / "mail").mkdir()
        shutil.chown(self.folder / "mail", "nobody", "nogroup")
        self._make_certificate()
        key = self.folder / "keys" / "default" / "HS256" / "default"
        key.parent.mkdir(parents=True)
        key.write_bytes(base64.b64encode(TOKEN_KEY))
        (self.folder / "oauth2.conf").write_text(_OAUTH2.format(folder=self.folder))
        configuration = self.folder / "dovecot.conf"
        configuration.write_text(
            _CONFIGURATION.format(
                folder=self.folder, imap=self.imap, imaps=self.imaps, lmtp=self.lmtp, password=PASSWORD
            )
        )
        # Not to pipes: the server inherits them and keeps them open.
        subprocess.run(["dovecot", "-c", configuration], check=True, stdout=subprocess.DEVNULL)
        for port in (self.imap, self.imaps, self.lmtp):
            wait_for_port(port)

    def stop(self) -> None:
        pid = int((self.folder / "run" / "master.pid").read_text())
        subprocess.run(["doveadm", "-c", self.folder / "dovecot.conf", "stop"], check=True, capture_output=True)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and Path(f"/proc/{pid}").exists():
            time.sleep(0.05)

    def account(self) -> ImapAccount:
        """A mailbox that did not exist before."""
        return ImapAccount(port=self.imap, user=f"user{next(_users)}@company.cn", password=PASSWORD)

    def _make_certificate(self) -> None:
        command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
        command += " -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem"
        subprocess.run(command.split(), cwd=self.folder, check=True, capture_output=True)


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "Dovecot and Postfix are started as root"
    found = [program for program in ("dovecot", "doveadm", "openssl") if shutil.which(program) is None]
    return f"{', '.join(found)} is not installed" if found else ""
