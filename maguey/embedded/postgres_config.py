"""What PostgreSQL is told at each start, kept with the socket, where the account that runs it can read it."""

from pathlib import Path

from maguey.embedded import account, cluster, places

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "512MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


def write() -> Path:
    """Write the configuration anew and return its main file.

    Let in this checkout's own account, whichever role it asks for, and nobody else: the kernel says who is at the
    other end of a socket (peer), so there is no password to keep.
    """
    directory = places.runtime_dir()
    hba, ident, main = (directory / name for name in ("pg_hba.conf", "pg_ident.conf", "postgresql.conf"))
    hba.write_text("local all all peer map=maguey\n")
    ident.write_text(f'maguey "{account.current().name}" all\n')
    settings = {
        **SETTINGS,
        "data_directory": str(cluster.data_dir()),
        "unix_socket_directories": str(places.postgres_socket_dir()),
        "hba_file": str(hba),
        "ident_file": str(ident),
    }
    main.write_text("".join(f"{name} = '{value.replace(chr(39), chr(39) * 2)}'\n" for name, value in settings.items()))
    for path in (hba, ident, main):
        path.chmod(0o644)
    return main
