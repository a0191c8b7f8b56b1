"""An installation over many hosts: two web, two workers, the scheduler twice, pool, balancer, broker, database and its replica."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2

from releasetrain.embedded.fingerprint import ROOT
from releasetrain.embedded.postgres import programs
from releasetrain.embedded.valkey import program as valkey_program

from .network import CannotRun, Host, Network

DATABASE = "hosts"
NOBODY = 65534
KEY = "for tests only, and as long as Django wants a key to be: 0123456789"
_PREPARE_CLUSTER = """
import sys
sys.path[0] = "."
from pathlib import Path
from tests.testbed import template
template.copy_of_cluster(Path(sys.argv[1]))
"""


class Installation:
    """All hosts; what is killed is brought back as a service manager would."""

    def __init__(self, network: Network, tree: Path = ROOT) -> None:
        self.network, self.folder, self.tree = network, network.folder, tree
        self.trees: dict[str, Path] = {}
        names = (
            "client",
            "balancer",
            "web1",
            "web2",
            "worker1",
            "worker2",
            "beat1",
            "beat2",
            "pool",
            "broker",
        )
        for name in (*names, "primary", "replica"):
            setattr(self, name, network.host(name))
        self.hosts: dict[str, Host] = network.hosts
        self.database = "primary"
        self.var = self._folder("var")
        self.known: dict[str, Any] = {}

    def _folder(self, name: str, *, nobody: bool = False) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        if nobody:
            os.chown(folder, NOBODY, NOBODY)
        return folder

    # -- starting --------------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Everything, in the order of what needs what."""
        self._make_cluster()
        self.start_database("primary")
        self._make_database()
        self._make_replica("replica", of="primary")
        self._expect_replica("primary")
        self.start_broker()
        self.start_pool()
        self.known = self._prepare()
        environment = {**self.environment(), "STATIC_ROOT": str(self.var / "static")}
        self._manage(self.tree, environment, "collectstatic", "--noinput", "--skip-checks", "--verbosity=0")
        for name in ("web1", "web2", "worker1", "worker2", "beat1", "beat2"):
            self.start_program(name)
        self.start_balancer()
        for name in ("web1", "web2"):
            self.wait_for(lambda name=name: self._web_answers(name), f"{name} does not answer", name)  # type: ignore[misc]

    def environment(self) -> dict[str, str]:
        """What every process of the product reads; nothing of it is the owner's."""
        return {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "releasetrain.settings",
            "PYTHONUNBUFFERED": "1",
            "SECRET_KEY": KEY,
            "ALLOWED_HOSTS": "release.example",
            "DATABASE_URL": f"postgresql://releasetrain_app@{self.hosts['pool'].address}:6432/{DATABASE}",
            "DATABASE_BEHIND_PGBOUNCER": "true",
            "DATABASE_CONN_MAX_AGE": "0",
            "REDIS_URL": f"redis://{self.hosts['broker'].address}:6379/0",
            "RELEASETRAIN_VAR": str(self.var),
            "API_REQUESTS_PER_MINUTE": "1000000",
            "EMAIL_FILE_PATH": str(self.var / "mail"),
            "LOG_LEVEL": "INFO",
        }

    def _make_cluster(self) -> None:
        target = self.folder / "primary-data"
        self._python(
            self.tree, {"SECRET_KEY": KEY, "PATH": os.environ["PATH"]}, "-c", _PREPARE_CLUSTER, str(target)
        )
        rules = [f"host {what} all {self.network.prefix}.0/24 trust" for what in ("all", "replication")]
        with (target / "pg_hba.conf").open("a") as file:
            file.write("\n".join(["", *rules, ""]))
        self.folder.chmod(0o711)
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(target)], check=True)

    def start_database(self, name: str) -> None:
        host = self.hosts[name]
        sockets = self._folder(f"{name}-socket", nobody=True)
        settings = {
            "listen_addresses": host.address,
            "unix_socket_directories": str(sockets),
            "fsync": "off",
            "wal_keep_size": "512MB",
            "max_connections": "120",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_lock_waits": "on",
            "log_min_messages": "warning",
        }
        command = [str(programs() / "postgres"), "-D", str(self.folder / f"{name}-data")]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        data = self.folder / f"{name}-data"
        (data / "postmaster.pid").unlink(missing_ok=True)
        host.start(command, {"PATH": os.environ["PATH"]}, data, unprivileged=True)
        self.wait_for(lambda: self._database_answers(name), f"The database {name} does not answer", name)

    def _make_database(self) -> None:
        code = (
            "import sys; sys.path[0] = '.'\nfrom tests.testbed import template\n"
            f"template.create_copy(sys.argv[1], '{DATABASE}')"
        )
        url = f"postgresql://postgres@/postgres?host={self.folder / 'primary-socket'}"
        self._python(self.tree, {"SECRET_KEY": KEY, "PATH": os.environ["PATH"]}, "-c", code, url)

    def _make_replica(self, name: str, *, of: str) -> None:
        target = self.folder / f"{name}-data"
        shutil.rmtree(target, ignore_errors=True)
        self._folder(f"{name}-data", nobody=True).chmod(0o700)
        command = [str(programs() / "pg_basebackup"), "-D", str(target), "-R", "-X", "stream", "-c", "fast"]
        host = self.hosts[name]
        host.start(
            [*command, "-h", self.hosts[of].address, "-U", "postgres"],
            {"PATH": os.environ["PATH"]},
            target,
            unprivileged=True,
        )
        if not host.wait(120) or not (target / "standby.signal").exists():
            raise CannotRun(f"pg_basebackup did not end well:\n{host.log()}")
        self.start_database(name)

    def _expect_replica(self, name: str) -> None:
        """From now on a commit is answered when the replica has it too: what was acknowledged outlives the primary."""
        with self.superuser(name, "postgres") as connection, connection.cursor() as cursor:
            cursor.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            cursor.execute("SELECT pg_reload_conf()")
        self.wait_for(lambda: self._has_replica(name), "The replica does not follow", "replica")

    def _has_replica(self, name: str) -> bool:
        with self.superuser(name, "postgres") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')")
            return bool(cursor.fetchone()[0])

    def start_broker(self) -> None:
        host, data = self.hosts["broker"], self._folder("broker")
        configuration = data / "valkey.conf"
        configuration.write_text(
            f'bind {host.address}\nport 6379\ndir "{data}"\nsave ""\nappendonly no\nprotected-mode no\n'
        )
        host.start([str(valkey_program()), str(configuration)], {"PATH": os.environ["PATH"]}, data)

    def start_pool(self) -> None:
        host, folder = self.hosts["pool"], self._folder("pool", nobody=True)
        self._point_pool()
        host.start(
            ["pgbouncer", str(folder / "pgbouncer.ini")],
            {"PATH": os.environ["PATH"]},
            folder,
            unprivileged=True,
        )

    def _point_pool(self) -> None:
        host = self.hosts["pool"]
        (self.folder / "pool" / "pgbouncer.ini").write_text(
            "[databases]\n"
            f"{DATABASE} = host={self.hosts[self.database].address} port=5432 dbname={DATABASE}\n"
            "[pgbouncer]\n"
            f"listen_addr = {host.address}\nlisten_port = 6432\nunix_socket_dir =\n"
            "auth_type = any\nauth_file = /dev/null\npool_mode = transaction\n"
            "max_client_conn = 400\ndefault_pool_size = 25\nserver_login_retry = 1\nserver_connect_timeout = 3\n"
            "ignore_startup_parameters = extra_float_digits\nlog_connections = 0\nlog_disconnections = 0\n"
        )
        # auth_type any forgets who asked; every login is the application's.
        text = (self.folder / "pool" / "pgbouncer.ini").read_text()
        (self.folder / "pool" / "pgbouncer.ini").write_text(
            text.replace(f"dbname={DATABASE}\n", f"dbname={DATABASE} user=releasetrain_app\n")
        )

    def start_program(self, name: str) -> None:
        """A web server, a worker or a scheduler, from the tree that it is at."""
        tree = self.trees.get(name, self.tree)
        host = self.hosts[name]
        commands = {
            "web": [
                *(
                    "-m",
                    "granian",
                    "--interface",
                    "wsgi",
                    "--no-ws",
                    "--host",
                    host.address,
                    "--port",
                    "8000",
                ),
                *("--workers", "1", "--blocking-threads", "6", "releasetrain.wsgi:application"),
            ],
            "worker": [
                *("-m", "celery", "--app", "releasetrain.celery", "worker", "--loglevel", "INFO"),
                *("--concurrency", "1", "--hostname", f"worker@{name}"),
            ],
            "beat": [
                *("-m", "celery", "--app", "releasetrain.celery", "beat", "--loglevel", "WARNING"),
                *("--schedule", str(self._folder(name) / "schedule")),
            ],
        }
        environment = self.environment() | {"STATIC_ROOT": str(self.var / "static")}
        host.start([sys.executable, *commands[name.rstrip("12")]], environment, tree)

    def start_balancer(self) -> None:
        host, folder = self.hosts["balancer"], self._folder("balancer")
        (folder / "haproxy.cfg").write_text(
            "defaults\n  mode http\n  timeout connect 2s\n  timeout client 60s\n  timeout server 60s\n"
            "  retries 3\n  option redispatch\n"
            f"frontend all\n  bind {host.address}:8000\n  default_backend web\n"
            "backend web\n  option httpchk\n"
            "  http-check send meth GET uri /readyz ver HTTP/1.1 hdr Host release.example\n"
            "  default-server inter 1s fall 2 rise 1\n"
            + "".join(f"  server {name} {self.hosts[name].address}:8000 check\n" for name in ("web1", "web2"))
        )
        host.start(
            ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")], {"PATH": os.environ["PATH"]}, folder
        )

    def bring_back(self, name: str) -> None:
        """What a service manager does with a host that went down."""
        starts: dict[str, Callable[[], None]] = {
            "broker": self.start_broker,
            "pool": self.start_pool,
            "balancer": self.start_balancer,
            "replica": lambda: self.start_database("replica"),
        }
        starts.get(name, lambda: self.start_program(name))()

    def keep(self) -> int:
        """Start again what ended by itself; how many did."""
        ended = [
            name
            for name in ("worker1", "worker2", "beat1", "beat2", "web1", "web2")
            if not self.hosts[name].alive
        ]
        for name in ended:
            self.start_program(name)
        return len(ended)

    # -- the database moves --------------------------------------------------------------------------------------------------

    def fail_over(self) -> None:
        """The primary is gone: its replica takes over, and the pool is pointed at it."""
        gone, self.database = self.database, "replica" if self.database == "primary" else "primary"
        with self.superuser(self.database, "postgres") as connection, connection.cursor() as cursor:
            cursor.execute("SELECT pg_promote(true, 30)")
            cursor.execute("ALTER SYSTEM SET synchronous_standby_names = ''")
            cursor.execute("SELECT pg_reload_conf()")
        self._point_pool()
        self.hosts["pool"].signal(signal.SIGHUP)
        self.hosts[gone].kill()

    # -- asking --------------------------------------------------------------------------------------------------------------

    def superuser(self, name: str = "", database: str = DATABASE) -> Autocommitted:
        """A connection that row-level security hides nothing from."""
        sockets = self.folder / f"{name or self.database}-socket"
        return Autocommitted(f"postgresql://postgres@/{database}?host={sockets}")

    def _database_answers(self, name: str) -> bool:
        try:
            with self.superuser(name, "postgres"):
                return True
        except psycopg2.OperationalError:
            return False

    def _web_answers(self, name: str) -> bool:
        code = (
            "import http.client, sys\nc = http.client.HTTPConnection(sys.argv[1], 8000, timeout=20)\n"
            "c.request('GET', '/readyz', headers={'Host': 'release.example'})\nsys.exit(c.getresponse().status != 200)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, self.hosts[name].address], capture_output=True, check=False
        )
        return done.returncode == 0

    def wait_for(self, answers: Callable[[], bool], complaint: str, name: str, patience: float = 60) -> None:
        deadline = time.monotonic() + patience
        while not answers():
            if not self.hosts[name].alive or time.monotonic() > deadline:
                raise CannotRun(f"{complaint}:\n{self.hosts[name].log()}")
            time.sleep(0.2)

    def manage(self, *arguments: str, tree: Path | None = None, owner: bool = False) -> str:
        """A command of an operator, straight to the database that is primary now."""
        url = f"postgresql://{{}}@/{DATABASE}?host={self.folder / f'{self.database}-socket'}"
        environment = self.environment() | {"DATABASE_URL": url.format("releasetrain_app")}
        if owner:
            environment["DATABASE_OWNER_URL"] = url.format("releasetrain_owner")
        return self._manage(tree or self.tree, environment, *arguments)

    def _prepare(self) -> dict[str, Any]:
        url = f"postgresql://releasetrain_app@/{DATABASE}?host={self.folder / f'{self.database}-socket'}"
        environment = self.environment() | {"DATABASE_URL": url}
        said = self._python(self.tree, environment, str(Path(__file__).with_name("prepare.py")))
        known: dict[str, Any] = json.loads(said.splitlines()[-1])
        return known | {"balancer": self.hosts["balancer"].address, "port": 8000}

    def _manage(self, tree: Path, environment: dict[str, str], *arguments: str) -> str:
        return self._python(tree, environment, "manage.py", *arguments)

    @staticmethod
    def _python(tree: Path, environment: dict[str, str], *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CannotRun(f"{' '.join(arguments)[:120]} failed:\n{(done.stdout + done.stderr)[-3000:]}")
        return done.stdout


class Autocommitted:
    """A connection for single statements, closed at the end."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg2.connect(url, connect_timeout=5)
        self._connection.autocommit = True

    def __enter__(self) -> Any:
        return self._connection

    def __exit__(self, *exception: object) -> None:
        self._connection.close()
