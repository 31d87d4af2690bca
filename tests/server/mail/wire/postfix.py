"""Debian's Postfix on loopback, handing everything to Dovecot by LMTP; nothing leaves the machine."""

import shutil
import subprocess
from pathlib import Path

from tests.server.mail.wire.ports import free_port, wait_for_port

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
syslog_name = aftersheet-test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.company.cn
mydestination =
mynetworks = 127.0.0.0/8
virtual_mailbox_domains = company.cn station.cn
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
smtpd_recipient_restrictions = reject_unlisted_recipient, permit_mynetworks, reject
virtual_mailbox_maps = static:all
alias_maps =
alias_database =
message_size_limit = 41943040
mailbox_size_limit = 0
virtual_mailbox_limit = 0
"""
_MASTER = """
{port}   inet  n  -  n  -  -  smtpd
pickup   unix  n  -  n  60  1  pickup
cleanup  unix  n  -  n  -  0  cleanup
qmgr     unix  n  -  n  300  1  qmgr
tlsmgr   unix  -  -  n  1000?  1  tlsmgr
rewrite  unix  -  -  n  -  -  trivial-rewrite
bounce   unix  -  -  n  -  0  bounce
defer    unix  -  -  n  -  0  bounce
trace    unix  -  -  n  -  0  bounce
verify   unix  -  -  n  -  1  verify
flush    unix  n  -  n  1000?  0  flush
proxymap unix  -  -  n  -  -  proxymap
smtp     unix  -  -  n  -  -  smtp
showq    unix  n  -  n  -  -  showq
error    unix  -  -  n  -  -  error
retry    unix  -  -  n  -  -  error
lmtp     unix  -  -  n  -  -  lmtp
anvil    unix  -  -  n  -  1  anvil
scache   unix  -  -  n  -  1  scache
postlog  unix-dgram  n  -  n  -  1  postlogd
"""


class Postfix:
    """Runs from `start` to `stop`; takes mail for anybody at company.cn and station.cn."""

    def __init__(self, folder: Path, lmtp: int) -> None:
        self._folder = folder
        self._lmtp = lmtp
        self.port = free_port()

    def start(self) -> None:
        self._folder.chmod(0o755)
        configuration = self._folder / "etc"
        for name in ("etc", "queue", "data"):
            (self._folder / name).mkdir()
        shutil.chown(self._folder / "data", "postfix")
        (configuration / "main.cf").write_text(_MAIN.format(folder=self._folder, lmtp=self._lmtp))
        (configuration / "master.cf").write_text(_MASTER.format(port=f"127.0.0.1:{self.port}"))
        self._command("start")
        wait_for_port(self.port)

    def stop(self) -> None:
        self._command("stop")

    def _command(self, word: str) -> None:
        # Not to pipes: the server inherits them and keeps them open.
        subprocess.run(["postfix", "-c", self._folder / "etc", word], check=True, stderr=subprocess.DEVNULL)


def missing() -> str:
    """Why it cannot run here; "" when it can."""
    return "" if shutil.which("postfix") else "postfix is not installed"
