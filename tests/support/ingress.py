"""nginx in front of the replicas of ``api``, told what ingress-nginx tells it for the chart's two Ingress objects."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.cluster import wait_until
from tools.engines.engine import free_ports

_CONFIGURATION = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  upstream api {{
    {servers}
    keepalive 32;
  }}
  map $http_x_request_id $own_id {{ default $http_x_request_id; "" $request_id; }}
  server {{
    listen 127.0.0.1:{port};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Request-ID $own_id;
    proxy_connect_timeout 5s;
    proxy_next_upstream error timeout;
    proxy_next_upstream_tries 3;
    location / {{ proxy_pass http://api; }}
    location ~* "^/api/(jobs|tasks)/[0-9]+/annotations/?$" {{
      proxy_next_upstream error timeout non_idempotent;
      proxy_pass http://api;
    }}
  }}
}}
"""


@contextmanager
def ingress(folder: Path, ports: Sequence[int]) -> Iterator[str]:
    """Run nginx before replicas on these loopback ports; yields its address."""
    (port,) = free_ports(1)
    servers = "\n    ".join(f"server 127.0.0.1:{replica} max_fails=0;" for replica in ports)
    path = folder / "nginx.conf"
    path.write_text(_CONFIGURATION.format(folder=folder, servers=servers, port=port))
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert nginx is not None, "'nginx' is not installed. On Debian: apt-get install nginx-light"
    process = subprocess.Popen([nginx, "-c", str(path), "-e", str(folder / "error.log")])
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: httpx.get(f"{url}/health/live", timeout=5).status_code < 500, "nginx", timeout_seconds=60)
        yield url
    finally:
        process.terminate()
        process.wait(60)
