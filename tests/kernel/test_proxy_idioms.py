"""What people write into nginx, Apache httpd, HAProxy and Caddy beside the proxying itself, run by the real programs.

Redirects to https and to another name, rules for methods and browsers, websockets, maintenance: each configuration is
asked by http and https, by several names and paths, and the status that is predicted is the one that curl gets.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from engine.model.application.proxy import Action, Proxy, ProxyKind
from engine.observe.base.inside_root import Root
from engine.observe.proxies.caddy import configuration as caddy
from engine.observe.proxies.root_files import RootFiles
from engine.observe.proxies.running import READERS
from engine.path.proxies.choosing import choose
from engine.records import replace
from tests.harness.needs import require
from tests.harness.netns import Netns, World
from tests.harness.processes import wait

require("nginx", "apache2", "haproxy", "caddy", "curl", "ss", "openssl", root=True)

HOSTS = ("blog.test", "www.blog.test", "other.test")
PATHS = ("/", "/api/x", "/admin", "/.well-known/acme-challenge/t")
PORTS = {"http": 8080, "https": 8443}
NGINX = """
daemon off; master_process off; pid {0}/pid; error_log /dev/null; events {{}}
http {{
  access_log off; root {0}/none; client_body_temp_path {0}/a; proxy_temp_path {0}/b; fastcgi_temp_path {0}/c;
  uwsgi_temp_path {0}/d; scgi_temp_path {0}/e; ssl_certificate {0}/cert.pem; ssl_certificate_key {0}/key.pem;
{1}
}}
"""
BY_CERTBOT = """
server { server_name blog.test www.blog.test; location / { proxy_pass http://127.0.0.1:9; }
         listen 8443 ssl; }
server { if ($host = www.blog.test) { return 301 https://$host$request_uri; }
         if ($host = blog.test) { return 301 https://$host$request_uri; }
         listen 8080; server_name blog.test www.blog.test; return 404; }
"""
BY_SCHEME = """
server { listen 8080 default_server; listen 8443 ssl; server_name blog.test;
         if ($scheme != "https") { return 301 https://$host$request_uri; }
         location / { proxy_pass $scheme://127.0.0.1:9; } location = /admin { return 403; } }
"""
FORCED = """
server { listen 8080; listen 8443 ssl; server_name blog.test;
  set $forward_scheme http; set $server "127.0.0.1"; set $port 9; set $test "";
  if ($scheme = "http") { set $test "H"; }
  if ($request_uri = /.well-known/acme-challenge/test-challenge) { set $test "${test}T"; }
  if ($test = H) { return 301 https://$host$request_uri; }
  location /.well-known/acme-challenge/ { return 404; }
  location / { proxy_pass $forward_scheme://$server:$port$request_uri; } }
"""
TO_APEX = """
server { listen 8080; server_name blog.test www.blog.test;
         if ($host ~* ^www\\.(.*)$) { rewrite ^(.*)$ http://blog.test$1 permanent; }
         if ($http_user_agent ~* (bot|crawler)) { return 403; }
         location / { if ($request_method = OPTIONS) { return 204; } proxy_pass http://127.0.0.1:9; } }
"""
CATCH_ALL = """
server { listen 8080; set $maintenance 0; if ($host = other.test) { return 302 http://blog.test/; }
         if ($maintenance = 1) { return 503; } location / { proxy_pass http://127.0.0.1:9; } }
server { listen 8080; server_name blog.test; if ($http_x_forwarded_proto != "https") { return 301 https://$host/; } }
"""
BY_MAP = """
map $host $backend { default 127.0.0.1:9; blog.test 127.0.0.1:9; www.blog.test ""; other.test "127.0.0.1:9"; }
map $http_upgrade $connection_upgrade { default upgrade; '' close; }
map $scheme $to_https { https 0; default 1; }
map $to_https$connection_upgrade $both { 1close yes; default ""; }
map $host $gone { hostnames; default 0; *.old.test 1; ~^never 1; other.test 1; }
server { listen 8080 default_server; listen 8443 ssl; server_name _;
  if ($gone) { return 410; }
  if ($backend = "") { return 503; }
  location = /admin { if ($both) { return 301 https://$host$request_uri; } return 204; }
  location / { proxy_set_header Connection $connection_upgrade; proxy_pass http://$backend; } }
"""
APACHE = """
ServerRoot /usr/lib/apache2
ServerName none.test
PidFile {0}/pid
ErrorLog {0}/log
DefaultRuntimeDir {0}
Mutex file:{0} default
User www-data
Group www-data
DocumentRoot /usr/share
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_http_module modules/mod_proxy_http.so
LoadModule rewrite_module modules/mod_rewrite.so
LoadModule alias_module modules/mod_alias.so
LoadModule ssl_module modules/mod_ssl.so
SSLCertificateFile {0}/cert.pem
SSLCertificateKeyFile {0}/key.pem
{1}
"""
CERTBOTS_APACHE = """
Listen 8080
Listen 8443
<VirtualHost *:8080>
ServerName blog.test
ServerAlias www.blog.test
ProxyPass / http://127.0.0.1:9/
RewriteEngine on
RewriteCond %{SERVER_NAME} =www.blog.test [OR]
RewriteCond %{SERVER_NAME} =blog.test
RewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [END,NE,R=permanent]
</VirtualHost>
<VirtualHost *:8443>
SSLEngine on
ServerName blog.test
ProxyPass /admin !
ProxyPass / http://127.0.0.1:9/
</VirtualHost>
"""
APACHE_RULES = """
Listen 8080
<VirtualHost *:8080>
ServerName blog.test
RewriteEngine On
RewriteCond %{HTTP:Upgrade} websocket [NC]
RewriteRule /(.*) ws://127.0.0.1:9/$1 [P,L]
RewriteCond %{REQUEST_METHOD} ^(TRACE|TRACK)
RewriteRule .* - [F]
RewriteRule ^/admin - [F,L]
RewriteRule ^/api/(.*)$ http://127.0.0.1:9/$1 [P]
Redirect permanent / https://blog.test/
</VirtualHost>
<VirtualHost *:8080>
ServerName www.blog.test
RewriteEngine On
RewriteCond %{HTTPS} off
RewriteCond %{HTTP_HOST} ^www\\. [NC]
RewriteRule ^(.*)$ https://blog.test$1 [L,R=301]
</VirtualHost>
"""
HAPROXY = """
defaults
  mode http
  retries 0
  timeout connect 1s
  timeout client 5s
  timeout server 5s
frontend f
  bind :8080
  bind :8443 ssl crt {0}/both.pem
{1}
backend app
  server s 127.0.0.1:9
"""
CADDY = """
{{
	auto_https off
	admin off
}}
{1}
"""
BY_MATCHERS = """
http://blog.test:8080, http://www.blog.test:8080 {
	@www host www.blog.test
	redir @www http://blog.test{uri} permanent
	encode gzip
	handle_path /api/* {
		reverse_proxy 127.0.0.1:9
	}
	respond /admin 403
	handle {
		reverse_proxy 127.0.0.1:9
	}
}
"""
BY_PATHS = """
http://:8080 {
	@acme path /.well-known/acme-challenge/*
	respond @acme 204
	redir /admin /login 307
	reverse_proxy /api/* 127.0.0.1:9
}
"""
BEFORE_PHP = """
LoadModule proxy_fcgi_module modules/mod_proxy_fcgi.so
LoadModule dir_module modules/mod_dir.so
Listen 8080
ProxyPass /admin http://127.0.0.1:9/
Redirect 307 /.well-known http://blog.test/known
<VirtualHost *:8080>
  ServerName blog.test
  DocumentRoot /usr/share/nginx/html
  DirectoryIndex none.php index.html
  ProxyPass /admin !
  <FilesMatch "\\.(php|html)$">
    SetHandler "proxy:fcgi://127.0.0.1:9"
  </FilesMatch>
</VirtualHost>
<VirtualHost *:8080>
  ServerName other.test
  DirectoryIndex none.php
  FallbackResource /index.php
  ProxyPassMatch ^/(.*\\.php(/.*)?)$ fcgi://127.0.0.1:9/srv/$1
</VirtualHost>
<VirtualHost *:8080>
  ServerName www.blog.test
  Redirect 308 /.well-known http://blog.test/
</VirtualHost>
"""
TO_HTTPS = "  http-request redirect scheme https code 301 unless { ssl_fc }\n  default_backend app"
BUT_ACME = """\
  acl acme path_beg /.well-known/acme-challenge/
  acl is_tls ssl_fc
  use_backend app if { hdr(host) -i blog.test:8443 }
  redirect scheme https code 308 if !is_tls { path_beg /admin }
  http-request deny deny_status 429 if { path /admin }
  use_backend app if acme"""
CASES = {
    "nginx, certbot": (ProxyKind.NGINX, BY_CERTBOT),
    "nginx, by scheme": (ProxyKind.NGINX, BY_SCHEME),
    "apache, before PHP": (ProxyKind.APACHE, BEFORE_PHP),
    "nginx, by maps": (ProxyKind.NGINX, BY_MAP),
    "nginx, forced by variables": (ProxyKind.NGINX, FORCED),
    "nginx, to the apex": (ProxyKind.NGINX, TO_APEX),
    "nginx, catch-all": (ProxyKind.NGINX, CATCH_ALL),
    "apache, certbot": (ProxyKind.APACHE, CERTBOTS_APACHE),
    "apache, rules": (ProxyKind.APACHE, APACHE_RULES),
    "caddy, matchers": (ProxyKind.CADDY, BY_MATCHERS),
    "caddy, paths": (ProxyKind.CADDY, BY_PATHS),
    "haproxy, to https": (ProxyKind.HAPROXY, TO_HTTPS),
    "haproxy, but for some": (ProxyKind.HAPROXY, BUT_ACME),
}
FORMS = {ProxyKind.NGINX: NGINX, ProxyKind.APACHE: APACHE, ProxyKind.HAPROXY: HAPROXY, ProxyKind.CADDY: CADDY}
COMMANDS = {
    ProxyKind.NGINX: ("nginx", "-c", "{}"),
    ProxyKind.APACHE: ("apache2", "-f", "{}", "-D", "FOREGROUND"),
    ProxyKind.HAPROXY: ("haproxy", "-db", "-f", "{}"),
    ProxyKind.CADDY: ("caddy", "run", "--config", "{}", "--adapter", "caddyfile"),
}
#: What each answers where its server refuses.
REFUSED = {ProxyKind.NGINX: 502, ProxyKind.APACHE: 503, ProxyKind.HAPROXY: 503, ProxyKind.CADDY: 502}


@pytest.fixture(scope="module")
def netns() -> Iterator[Netns]:
    with World() as world:
        yield world.netns("web")


@pytest.mark.parametrize("case", CASES)
def test_the_status_is_that_of_the_real_program(netns: Netns, tmp_path: Path, case: str) -> None:
    kind, rules = CASES[case]
    made = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem"), "-subj", "/CN=blog.test"]
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *made]
    subprocess.run(argv, capture_output=True, check=True)
    both = (tmp_path / "cert.pem").read_text() + (tmp_path / "key.pem").read_text()
    (tmp_path / "both.pem").write_text(both)
    (tmp_path / "none").mkdir()
    file = tmp_path / "proxy.conf"
    file.write_text(FORMS[kind].format(tmp_path, rules))
    words = [word.format(file) for word in COMMANDS[kind]]
    homes = {"XDG_CONFIG_HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    process = subprocess.Popen(netns.enter(words), stderr=subprocess.DEVNULL, env=os.environ | homes)
    try:
        wait(lambda: netns.listening(8080), f"{kind} does not listen")
        with Root("/") as root:
            table = READERS[kind](RootFiles(root), words)
        proxy = Proxy(kind, netns.name, (process.pid,), table, "")
        schemes = [scheme for scheme, port in PORTS.items() if netns.listening(port)]
        asked = [(scheme, host, path) for scheme in schemes for host in HOSTS for path in PATHS]
        found = {each: (predicted(proxy, *each), fetched(netns, *each)) for each in asked}
        wrong = {each: pair for each, pair in found.items() if pair[0] != pair[1] and pair[0] is not None}
        assert wrong == {}
        unknown = {host for (_, host, _), pair in found.items() if pair[0] is None}
        assert unknown <= {"other.test"}  # a name of no site may be anything to an expression
        assert len({status for _, status in found.values()}) > 1
        if kind is ProxyKind.CADDY:
            argv = ["caddy", "adapt", "--config", str(file), "--adapter", "caddyfile"]
            adapted = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
            other = replace(proxy, table=caddy.table_of_json(adapted, "/config/caddy/autosave.json"))
            assert {each: predicted(other, *each) for each in asked} == {each: pair[0] for each, pair in found.items()}
    finally:
        process.terminate()
        process.wait()


def predicted(proxy: Proxy, scheme: str, host: str, path: str) -> int | None:
    """The status of a request; None where it depends on what is not followed."""
    written = f"{host}:{PORTS[scheme]}" if proxy.kind is ProxyKind.HAPROXY else host
    chosen = choose(proxy, ip_address("127.0.0.1"), PORTS[scheme], written, path)
    route = chosen.route if chosen is not None else None
    if route is None and proxy.kind is ProxyKind.CADDY:
        return 200
    if route is None or (route.action is Action.ANSWER and route.words == "files"):
        return 404
    if route.action is Action.UNKNOWN:
        return None
    return REFUSED[proxy.kind] if route.action is Action.PASS else route.status


def fetched(netns: Netns, scheme: str, host: str, path: str) -> int:
    port = PORTS[scheme]
    words = ["-s", "-k", "-o", "/dev/null", "-m", "5", "-w", "%{http_code}", "--resolve", f"{host}:{port}:127.0.0.1"]
    argv = netns.enter(["curl", *words, f"{scheme}://{host}:{port}{path}"])
    return int(subprocess.run(argv, capture_output=True, text=True, check=False).stdout)
