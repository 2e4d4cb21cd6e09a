"""docker/compose.yaml and docker/Dockerfile: their schemas, their linters, and what must be true of every service."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
ENDING = ("deploy", "command")  # end by themselves, so that nothing is to be asked of their health
ENTRIES = ("mlflow", "prefect", "deploy", "worker", "command")
every = pytest.mark.parametrize("name", SERVICES)


def tool(name: str) -> str:
    """A linter beside this interpreter."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    assert found, f"{name} is not installed: make install"
    return found


def lint(*command: str) -> None:
    done = subprocess.run([tool(command[0]), *command[1:]], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_composition_follows_the_specification():
    lint("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker/compose.yaml")


def test_the_dockerfile_passes_its_linter():
    lint("hadolint", "docker/Dockerfile")


def test_the_scripts_pass_their_linter():
    scripts = [f"docker/entry/{name}" for name in (*ENTRIES, "secrets.sh")]
    lint("shellcheck", "-x", *scripts, "docker/secrets.sh", "docker/rotate-admin.sh")


@every
def test_a_service_is_sealed(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 1024
    assert service["mem_limit"]
    uid = service["user"].split(":")[0]
    assert uid.isdecimal()
    assert int(uid) > 0
    forbidden = {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc", "userns_mode", "extra_hosts"}
    assert not forbidden & set(service)
    assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))


@every
def test_what_a_service_may_write_is_small_or_a_volume(name):
    service = SERVICES[name]
    for mount in service["tmpfs"]:
        assert int(re.search(r"size=(\d+)m", mount)[1]) <= 128
    for volume in service.get("volumes", []):
        assert volume.split(":")[0] in COMPOSE["volumes"]
    if "TMPDIR" in service.get("environment", {}) and service.get("volumes"):
        targets = [volume.split(":")[1] for volume in service["volumes"]]
        assert any(service["environment"]["TMPDIR"].startswith(target) for target in targets)


@every
def test_secrets_come_from_files_and_debugging_is_off(name):
    service = SERVICES[name]
    for key, value in service.get("environment", {}).items():
        assert key.endswith("_FILE") or not re.search("PASSWORD|SECRET|TOKEN|AUTH_STRING|_KEY$", key), key
        assert not re.search(r"://[^/@:]+:[^/@]+@", str(value)), f"{key} holds a password"
        assert not re.search("FAILPOINT|DEBUG|DISABLE_SECURITY", key), key
        if key.endswith("_FILE"):
            assert Path(value).parent == Path("/run/secrets")
            assert Path(value).name in service["secrets"]
    read = {Path(str(value)).name for key, value in service["environment"].items() if key.endswith("_FILE")}
    assert read == set(service["secrets"]), "a service gets the secrets that it reads, and no others"


@every
def test_ports_are_on_the_loopback_only(name):
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")
    networks = set(SERVICES[name]["networks"])
    assert networks == ({"inside", "published"} if "ports" in SERVICES[name] else {"inside"})


@every
def test_a_service_that_stays_is_asked_for_its_health(name):
    check = SERVICES[name]["healthcheck"]
    assert check == {"disable": True} if name in ENDING else check["test"][0] == "CMD"


@every
def test_who_is_waited_for_is_waited_for_until_well(name):
    for other, condition in SERVICES[name].get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other in ENDING else "service_healthy"
        assert condition == {"condition": wanted}


@every
def test_an_image_has_an_exact_version_and_can_be_given_by_digest(name):
    image = re.fullmatch(r"\$\{\w+:-(?P<default>[\w/.-]+:[\w.-]+)\}", SERVICES[name]["image"])
    assert image
    assert not image["default"].endswith(":latest")
    assert "build" in SERVICES[name] or re.search(r":\d+\.\d+", image["default"])


def test_every_image_that_is_built_stands_on_the_base_that_was_given():
    bases = {name: service["build"]["args"]["BASE"] for name, service in SERVICES.items() if "build" in service}
    assert {"mlflow", "worker", "worker-gpu"} <= set(bases)
    (base,) = set(bases.values())
    assert base.startswith("${GENFOUNDRY_BASE:-")
    arguments = re.findall(r"^ARG (\w+)=", (DOCKER / "Dockerfile").read_text(encoding="utf-8"), re.M)
    assert all(set(service["build"]["args"]) <= set(arguments) for service in SERVICES.values() if "build" in service)


def test_the_networks_have_no_way_out():
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    options = COMPOSE["networks"]["published"]["driver_opts"]
    assert options == {"com.docker.network.bridge.enable_ip_masquerade": "false"}


def test_the_gpu_is_reserved_by_its_profile_only():
    reserving = [name for name, service in SERVICES.items() if "deploy" in service]
    assert reserving == ["worker-gpu"]
    assert SERVICES["worker-gpu"]["profiles"] == ["gpu"]


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_a_script_asks_for_is_what_the_composition_gives(entry):
    """`secret NAME` wants NAME_FILE, `given NAME` wants NAME; TMPDIR has a default in the image."""
    script = (DOCKER / "entry" / entry).read_text(encoding="utf-8")
    wanted = {f"{name}_FILE" for name in re.findall(r"^secret (\w+)", script, re.M)}
    wanted |= set(re.findall(r"^given (\w+)", script, re.M))
    service = next(
        s for s in SERVICES.values() if str(s.get("entrypoint") or s.get("command")).count(f"entry/{entry}'")
    )
    assert wanted <= set(service["environment"])
    assert {key for key in service["environment"] if key.endswith("_FILE")} <= wanted
    assert (DOCKER / "entry" / entry).stat().st_mode & stat.S_IXOTH


def test_the_image_is_run_by_nobody_in_particular():
    text = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
    last = text.rpartition("\nFROM ")[2]
    assert "\nUSER 10001:10001\n" in last
    assert "pip install" not in last
    assert text.index("COPY constraints.txt") < text.index("COPY src")
    assert "[dev]" not in text


def test_what_the_image_installs_holds_no_tool_of_development():
    command = [sys.executable, str(DOCKER / "requirements.py"), str(ROOT / "pyproject.toml")]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert {"mlflow>=3.17.2", "flask-wtf<2"} <= set(listed)
    assert not [line for line in listed if line.startswith(("pytest", "ruff", "pyright"))]


def test_every_file_that_is_copied_is_let_through_to_the_builder():
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (DOCKER / "Dockerfile").read_text(encoding="utf-8"), re.M)
    let_through = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    for path in " ".join(copied).split():
        assert f"!{path}\n" in let_through
        assert (ROOT / path).exists()


def _secrets(folder: Path) -> dict[str, str]:
    subprocess.run([str(DOCKER / "secrets.sh"), str(folder)], check=True)
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_secrets_are_made_once_and_closed(tmp_path):
    folder = tmp_path / "secrets"
    made, again = (_secrets(folder), _secrets(folder))
    assert made == again
    assert set(made) == set(COMPOSE["secrets"])
    assert len(set(made.values())) == len(made)
    assert all(re.fullmatch(r"(genfoundry:)?[0-9a-f]{64}", text) for text in made.values())  # 256 bits each
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    ignored = subprocess.run(["git", "check-ignore", "-q", "docker/secrets/prefect_auth"], cwd=ROOT)
    assert ignored.returncode == 0
