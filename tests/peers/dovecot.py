"""Debian's Dovecot as the IMAP server, run without root rights of its own."""

import grp
import os
import pwd
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.peers.certificates import Certificate
from tests.peers.process import LOOPBACK, Child, Lifespan, find_binary, free_port, listens, workspace

__all__ = ["FOLDERS", "PACKAGE", "Dovecot"]

PACKAGE = "the Debian package dovecot-imapd (RUNLEVEL=1 apt-get install -y --no-install-recommends dovecot-imapd)"
FOLDERS = ("Drafts", "Sent", "Trash", "Archive", "Junk")

_CONFIG = """
base_dir = {directory}/run
state_dir = {directory}/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
auth_failure_delay = 0 secs
disable_plaintext_auth = {tls_required}
first_valid_uid = 1
mail_location = maildir:~/Maildir
{tls}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {directory}/passwd
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={directory}/home/%u
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = {imaps}
  }}
}}
{capability}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
{folders}
}}
"""


class Dovecot(Lifespan):
    """An IMAP server on loopback with a Maildir for each of `users` (name: password).

    Without a certificate it speaks plain IMAP on `port`. With one, `port` also offers STARTTLS and `tls_port` speaks
    TLS from the first byte; `tls_required` then refuses a login in clear. Every user has an INBOX and the
    special-use folders of `FOLDERS`. `capability` is all that it then offers, `prefix` (`INBOX.`) stands before every
    other folder, and without `marks` no folder says what it is for. Started as root, it runs as the system user
    `mail`, else as whoever starts it.
    """

    def __init__(
        self,
        users: Mapping[str, str] | None = None,
        *,
        certificate: Certificate | None = None,
        tls_required: bool = False,
        port: int | None = None,
        capability: str = "",
        prefix: str = "",
        marks: bool = True,
    ) -> None:
        self.users = dict(users if users is not None else {"ada@home.example": "not-a-real-password"})
        self.host = LOOPBACK
        self.port = port if port is not None else free_port()
        self.tls_port = free_port() if certificate is not None else 0
        self.directory = Path()
        self._certificate = certificate
        self._tls_required = tls_required
        self._capability, self._prefix, self._marks = capability, prefix, marks
        self._child: Child | None = None
        self._owner = pwd.getpwnam("mail") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())

    @property
    def owner(self) -> tuple[int, int]:
        """The uid and gid that own the mail; files added to a Maildir must be theirs."""
        return self._owner.pw_uid, self._owner.pw_gid

    @property
    def log(self) -> str:
        """What the server wrote so far."""
        return "" if self._child is None else self._child.tail(100_000)

    def maildir(self, user: str) -> Path:
        """The Maildir of a user; INBOX is the folder itself, other folders begin with a dot."""
        return self.directory / "home" / user / "Maildir"

    def start(self) -> None:
        """Start it, in a folder of its own that `stop` removes."""
        find_binary("dovecot", package=PACKAGE)
        self.directory = workspace("imap")
        self._write_files()
        self.launch()

    def stop(self) -> None:
        """Stop it and remove all mail."""
        self.halt(seconds=0.1)  # it takes its time over a clean end, which nobody needs here
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = Path()

    def launch(self) -> None:
        """Start the server on the mail that is there, after `halt`."""
        command = [find_binary("dovecot", package=PACKAGE), "-F", "-c", str(self.directory / "dovecot.conf")]
        uid, gid = self.owner if os.geteuid() == 0 else (None, None)
        self._child = Child(command, name="dovecot", directory=self.directory, uid=uid, gid=gid)
        self._child.start(lambda: listens(self.port, greeting=b"* OK"))

    def halt(self, *, seconds: float = 10.0) -> None:
        """Stop the server and keep the mail: what a client sees when the host is down."""
        if self._child is not None:
            self._child.stop(seconds=seconds)
            self._child = None

    def _write_files(self) -> None:
        passwords = "".join(f"{name}:{{PLAIN}}{password}\n" for name, password in self.users.items())
        (self.directory / "passwd").write_text(passwords)
        (self.directory / "dovecot.conf").write_text(self._config())
        for user in self.users:
            for folder in ("", *(f".{name}" for name in FOLDERS)):
                _make_folder(self.maildir(user) / folder)
            (self.maildir(user) / "subscriptions").write_text("".join(f"{name}\n" for name in FOLDERS))
        self._own_everything()

    def _own_everything(self) -> None:
        if os.geteuid() == 0:
            for path in (self.directory, *self.directory.rglob("*")):
                os.chown(path, *self.owner)

    def _config(self) -> str:
        return _CONFIG.format(
            directory=self.directory,
            user=self._owner.pw_name,
            group=_group_name(self._owner.pw_gid),
            uid=self._owner.pw_uid,
            gid=self._owner.pw_gid,
            port=self.port,
            tls_port=self.tls_port,
            imaps="yes" if self._certificate else "no",
            tls_required="yes" if self._tls_required else "no",
            tls=self._tls(),
            folders="\n".join(_special_use(name) for name in FOLDERS) if self._marks else "",
            capability=f"imap_capability = {self._capability}" if self._capability else "",
            prefix=self._prefix,
            separator=self._prefix[-1:] or "/",
        )

    def _tls(self) -> str:
        if self._certificate is None:
            return "ssl = no"
        # The server's user may not be able to read the files of whoever made them.
        for source, name in ((self._certificate.certificate, "server.pem"), (self._certificate.key, "server.key")):
            shutil.copyfile(source, self.directory / name)
        return f"ssl = yes\nssl_cert = <{self.directory}/server.pem\nssl_key = <{self.directory}/server.key"


def _make_folder(folder: Path) -> None:
    for part in ("cur", "new", "tmp"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    if folder.name.startswith("."):
        (folder / "maildirfolder").touch()


def _special_use(name: str) -> str:
    return f"  mailbox {name} {{\n    auto = subscribe\n    special_use = \\{name}\n  }}"


def _group_name(gid: int) -> str:
    return grp.getgrgid(gid).gr_name
