"""Debian's mod_auth_openidc (a certified client in C) protects an Apache folder by the basic profile."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.kernel.identity.openid.making import a_basic
from tests.portal import free_port, until
from tests.service.identity.house import a_live_house
from tests.service.identity.person import Person

pytestmark = pytest.mark.peers
MODULES = Path("/usr/lib/apache2/modules")
CONFIGURATION = """
ServerName localhost
Listen 127.0.0.1:{port}
ServerRoot {root}
PidFile {root}/pid
ErrorLog {root}/error.log
{modules}
{user}
DocumentRoot {root}/site
OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
OIDCClientID library
OIDCClientSecret library-secret
OIDCRedirectURI http://localhost:{port}/staff/cb
OIDCCryptoPassphrase only-for-tests
OIDCPKCEMethod S256
OIDCScope "openid agency"
<Directory {root}/site>
  Require all granted
</Directory>
<Location /staff>
  AuthType openid-connect
  Require claim agency:TW/GOV/CDC
</Location>
"""


@contextmanager
def apache(root: Path, port: int, issuer: str) -> Iterator[str]:
    (root / "site" / "staff").mkdir(parents=True)
    (root / "site" / "staff" / "index.html").write_text("for officers of the CDC", encoding="utf-8")
    for folder in (root, *root.parents):
        if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)
        if folder.name.startswith("pytest-of"):
            break
    names = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "mime", "auth_openidc")
    loads = [f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in names]
    user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
    text = CONFIGURATION.format(root=root, port=port, issuer=issuer, modules="\n".join(loads), user=user)
    text += "\nTypesConfig /etc/mime.types\nDirectoryIndex index.html\n"
    (root / "apache.conf").write_text(text, encoding="utf-8")
    binary = shutil.which("apache2") or "/usr/sbin/apache2"
    process = subprocess.Popen(
        [binary, "-f", str(root / "apache.conf"), "-DFOREGROUND"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        until(lambda: (root / "pid").exists() or process.poll() is not None)
        assert process.poll() is None, process.communicate()[0]
        yield f"http://localhost:{port}"
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_mod_auth_openidc_lets_in_the_agencys_officers(tmp_path: Path) -> None:
    if not (MODULES / "mod_auth_openidc.so").exists():
        pytest.skip("apt-get install apache2 libapache2-mod-auth-openidc")
    port = free_port()
    app = a_basic(redirect_uris=(f"http://localhost:{port}/staff/cb",), id_alg="RS256")
    with a_live_house(tmp_path / "node", apps=(app,)) as (url, _), apache(tmp_path / "apache", port, url) as site:
        status, at, text = Person().sign_in(f"{site}/staff/", "eve")
        assert (status, at, text) == (200, f"{site}/staff/", "for officers of the CDC"), _log(tmp_path)
        status, _, text = Person().sign_in(f"{site}/staff/", "ann")  # a citizen signs in, and is not let in
        assert status == 401, _log(tmp_path)
        assert "for officers" not in text


def _log(folder: Path) -> str:
    return (folder / "apache" / "error.log").read_text(encoding="utf-8")
