"""How the commonest servers and frameworks are told to listen on all addresses.

By the program's name, and for an interpreter by the port that its frameworks take when none is given. Sources: the
manual of each (redis.conf, postgresql.conf, my.cnf, flask(1), uvicorn --help, vite's `server.host`, …).
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.model.address import Family
from engine.model.traffic import Listener

#: What a program that is a server itself is told; {any} is 0.0.0.0 or [::], {bare} the same without brackets.
SERVERS: Mapping[str, str] = {
    "redis-server": "bind {bare} in redis.conf, with a password (protected-mode refuses others without one)",
    "valkey-server": "bind {bare} in valkey.conf, with a password (protected-mode refuses others without one)",
    "postgres": "listen_addresses = '*' in postgresql.conf, and a line in pg_hba.conf for the clients",
    "mysqld": "bind-address = {bare} in my.cnf",
    "mariadbd": "bind-address = {bare} in my.cnf",
    "mongod": "net.bindIp: {bare} in mongod.conf, or mongod --bind_ip_all",
    "memcached": "memcached -l {bare}",
    "beam.smp": "listeners.tcp.default = {port} in rabbitmq.conf",
    "etcd": "etcd --listen-client-urls http://{any}:{port}",
    "nginx": "listen {any}:{port}; in the server block",
    "apache2": "Listen {any}:{port} in ports.conf",
    "httpd": "Listen {any}:{port} in httpd.conf",
    "caddy": "no `bind` in the Caddyfile's site, or bind {bare}",
    "haproxy": "bind {any}:{port} in the frontend",
    "traefik": 'entryPoints.web.address: ":{port}"',
    "envoy": "socket_address: {{ address: {bare}, port_value: {port} }}",
    "sshd": "ListenAddress {bare} in sshd_config",
    "dnsmasq": "no listen-address= or interface=lo in dnsmasq.conf",
    "unbound": "interface: {bare} in unbound.conf, and access-control: for the clients",
    "named": "listen-on {{ any; }}; in named.conf",
    "mosquitto": "listener {port} {bare} in mosquitto.conf",
    "minio": "minio server --address :{port}",
    "prometheus": "prometheus --web.listen-address={any}:{port}",
    "grafana": "http_addr = {bare} under [server] in grafana.ini",
    "consul": "consul agent -client {bare}",
    "ollama": "OLLAMA_HOST={bare} in its environment",
    "dotnet": "ASPNETCORE_URLS=http://{any}:{port} in its environment",
    "gunicorn": "gunicorn --bind {any}:{port}",
    "uvicorn": "uvicorn --host {bare}",
    "hypercorn": "hypercorn --bind {any}:{port}",
    "flask": "flask run --host {bare}",
    "streamlit": "streamlit run --server.address {bare}",
    "jupyter-lab": "jupyter lab --ip {bare}",
    "jupyter-noteboo": "jupyter notebook --ip {bare}",
    "puma": "puma -b tcp://{any}:{port}",
    "php": "php -S {any}:{port}",
    "deno": 'Deno.serve({{ hostname: "{bare}", port: {port} }})',
    "vite": "vite --host {bare}",
    "next-server": "next dev -H {bare}",
    "hugo": "hugo server --bind {bare}",
    "mkdocs": "mkdocs serve --dev-addr {any}:{port}",
}
#: What frameworks of an interpreter are told, by the port that they take by themselves.
FRAMEWORKS: Mapping[tuple[str, int], str] = {
    ("python", 5000): "flask run --host {bare}, or app.run(host='{bare}')",
    ("python", 8000): "uvicorn --host {bare}, gunicorn --bind {any}:{port}, or manage.py runserver {any}:{port}",
    ("python", 8080): "the host argument of its server: aiohttp web.run_app(app, host='{bare}')",
    ("python", 7860): "launch(server_name='{bare}')",
    ("python", 8501): "streamlit run --server.address {bare}",
    ("python", 8888): "jupyter lab --ip {bare}",
    ("node", 3000): "next dev -H {bare}, HOST={bare} for react-scripts, or listen({port}, '{bare}')",
    ("node", 4200): "ng serve --host {bare}",
    ("node", 5173): "vite --host {bare}, or server.host in vite.config",
    ("node", 8080): "vue-cli-service serve --host {bare}, or listen({port}, '{bare}')",
    ("ruby", 3000): "rails server -b {bare}",
    ("ruby", 4567): "set :bind, '{bare}'",
    ("java", 8080): "server.address={bare} in application.properties",
}
#: What an interpreter's own server is told.
INTERPRETERS: Mapping[str, str] = {
    "python": "the host argument of its server: '{bare}' in place of 'localhost'",
    "node": "listen({port}, '{bare}')",
    "bun": "Bun.serve({{ hostname: '{bare}', port: {port} }})",
    "ruby": "rackup -o {bare}",
    "java": "the bind address of its server, as server.address={bare} of Spring Boot",
    "perl": "the --listen or LocalAddr of its server",
}


def hint(listener: Listener, family: Family) -> str:
    """How the program of a socket is told to listen on all addresses; empty where its kind is not known."""
    if listener.process is None:
        return ""
    name = listener.process.name.lower()
    plain = name.rstrip("0123456789.")
    found = SERVERS.get(name) or SERVERS.get(plain)
    found = found or FRAMEWORKS.get((plain, listener.port)) or INTERPRETERS.get(plain, "")
    bare = "0.0.0.0" if family is Family.INET else "::"
    return found.format(bare=bare, any=bare if family is Family.INET else f"[{bare}]", port=listener.port)
