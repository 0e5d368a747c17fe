"""What bootstrap.py does once it runs on a Python that fits.

Checks this machine, gets uv if it is missing, makes ``.venv``, installs the pinned requirements and the project into
it, and hands over to ``kairos setup`` for what is not Python. Standard library only. What is done is not done again:
a second run takes about a second. ``--probe`` only tells, by its exit code, whether this Python fits; ``--add PACKAGE``
installs one more package into the environment, ``--wheels FOLDER VERSION PACKAGE...`` puts packages for Linux (x86_64) and that
Python into a folder, without what they depend on, and ``--venv FOLDER PACKAGE...`` makes another environment with these packages.
"""

import ctypes.util
import hashlib
import os
import platform
import shutil
import ssl
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
TOOLS = ROOT / ".tools"
STAMP = VENV / ".kairos-installed"
REQUIREMENTS = (ROOT / "requirements.txt", ROOT / "requirements" / "dev.txt")
UV_VERSION = "0.13.9"
MINIMUM_FREE_GB = 3  # the environment takes 1.7 GB, uv's cache as much on another file system


def main() -> None:
    """Do what the arguments say; by default everything."""
    if "--probe" in sys.argv:
        sys.exit(0 if libpython_exists() else 1)
    check_machine()
    if "--add" in sys.argv:
        add(sys.argv[sys.argv.index("--add") + 1])
        return
    if "--wheels" in sys.argv:
        folder, version, *packages = sys.argv[sys.argv.index("--wheels") + 1 :]
        unpack_wheels(folder, version, packages)
        return
    if "--venv" in sys.argv:
        folder, *packages = sys.argv[sys.argv.index("--venv") + 1 :]
        make_environment(Path(folder), packages)
        return
    python = VENV / "bin" / "python"
    wanted = digest()
    if not (STAMP.is_file() and STAMP.read_text() == wanted and usable(python)):
        install(python)
        STAMP.write_text(wanted)
    say("✓", f"Python environment {VENV}")
    sys.stdout.flush()
    os.execv(VENV / "bin" / "kairos", ["kairos", "setup"])


def check_machine() -> None:
    """Leave with advice if Flink cannot run on this machine."""
    machine = platform.machine().lower()
    if sys.platform == "linux" and machine not in ("x86_64", "amd64"):
        raise failure(
            f"Apache Flink for Python has no build for Linux on {machine}.",
            "Use a Linux machine with x86_64, a Mac, or a container with --platform linux/amd64.",
        )
    if sys.platform not in ("linux", "darwin"):
        raise failure(f"Flink's scripts do not run on {sys.platform}.", "On Windows use WSL 2.")


def install(python: Path) -> None:
    """Make the environment if it is missing, and install the pinned packages and the project."""
    free_gb = shutil.disk_usage(ROOT).free / 1e9
    if free_gb < MINIMUM_FREE_GB:
        raise failure(
            f"Only {free_gb:.1f} GB are free on the disk of {ROOT}.",
            f"Free {MINIMUM_FREE_GB} GB and run the same command again.",
        )
    uv = find_uv() or fetch_uv()
    env = {**os.environ, **uv_settings()}
    if not usable(python):
        say("…", f"Creating {VENV} with Python {platform.python_version()} ({sys.executable})")
        venv = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, VENV]
        run(venv, env, "The virtual environment could not be created")
    say("…", "Installing the pinned Python packages (about 450 MB to download the first time)")
    pip = [uv, "pip", "install", "--python", python]
    lists = [argument for path in REQUIREMENTS for argument in ("-r", path)]
    run([*pip, *lists], env, "The Python packages could not be installed")
    run([*pip, "--quiet", "--no-deps", "-e", ROOT], env, "The project itself could not be installed")


def add(requirement: str) -> None:
    """Install one more package into the environment."""
    uv = find_uv() or fetch_uv()
    argv = [uv, "pip", "install", "--quiet", "--python", VENV / "bin" / "python", requirement]
    run(argv, {**os.environ, **uv_settings()}, f"{requirement} could not be installed")


def unpack_wheels(folder: str, version: str, packages: "list[str]") -> None:
    """What their wheels install on Linux with this version of Python, whatever this machine is."""
    uv = find_uv() or fetch_uv()
    target = ["--target", folder, "--python-version", version, "--python-platform", "x86_64-manylinux2014"]
    argv = [uv, "pip", "install", "--quiet", *target, "--only-binary", ":all:", "--no-deps", *packages]
    run(argv, {**os.environ, **uv_settings()}, f"{', '.join(packages)} could not be fetched")


def make_environment(folder: Path, packages: "list[str]") -> None:
    """A virtual environment of its own with these packages, in the pinned versions where they are pinned."""
    uv = find_uv() or fetch_uv()
    env = {**os.environ, **uv_settings()}
    run([uv, "venv", "--quiet", "--python", sys.executable, folder], env, f"{folder} could not be created")
    pins = [argument for path in REQUIREMENTS for argument in ("-c", path)]
    argv = [uv, "pip", "install", "--quiet", "--python", folder / "bin" / "python", *pins, *packages]
    run(argv, env, f"{', '.join(packages)} could not be installed")


def find_uv() -> "str | None":
    """The uv on PATH, or the one fetched earlier; none if neither starts."""
    own = TOOLS / "uv" / "bin" / "uv"
    for candidate in (shutil.which("uv"), str(own)):
        if candidate and runs(candidate):
            return candidate
    return None


def fetch_uv() -> str:
    """Install uv with pip into ``.tools/uv``."""
    say("…", f"uv, the package installer, is missing: fetching {UV_VERSION} with pip")
    target = TOOLS / "uv"
    shutil.rmtree(target, ignore_errors=True)
    pip = [pip_python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action=ignore"]
    run([*pip, "--target", target, f"uv=={UV_VERSION}"], dict(os.environ), "uv could not be fetched")
    return str(target / "bin" / "uv")


def pip_python() -> str:
    """A Python that has pip; Debian's has none, nor the means to make one, without further packages."""
    if quiet([sys.executable, "-m", "pip", "--version"]):
        return sys.executable
    helper = TOOLS / "pip"
    if quiet([sys.executable, "-m", "venv", "--clear", str(helper)]):
        return str(helper / "bin" / "python")
    raise failure(
        f"{sys.executable} has neither pip nor ensurepip.",
        "Install one (Debian, Ubuntu: apt-get install python3-pip), or install uv, and run the same command again.",
    )


def uv_settings() -> "dict[str, str]":
    """What uv is not told otherwise: it reads neither pip's configuration nor the system's certificates, but whoever has set them means them."""
    found = {}
    pip = pip_configuration()
    index = os.environ.get("PIP_INDEX_URL") or pip.get("global.index-url") or pip.get("install.index-url")
    if index and not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & os.environ.keys():
        found["UV_DEFAULT_INDEX"] = index
    certificates = os.environ.get("PIP_CERT") or pip.get("global.cert")
    if "SSL_CERT_FILE" not in os.environ:
        if certificates:
            found["SSL_CERT_FILE"] = certificates
        elif sys.platform == "darwin" or ssl.get_default_verify_paths().cafile:
            found.update(UV_SYSTEM_CERTS="true", UV_NATIVE_TLS="true")  # the second is the older name
    return found


def pip_configuration() -> "dict[str, str]":
    """Lines like ``global.index-url='https://...'``; empty if there is no pip."""
    done = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    pairs = [line.partition("=") for line in done.stdout.splitlines()]
    return {key.strip(): value.strip().strip("'\"") for key, _, value in pairs}


def digest() -> str:
    """Changes when something has to be installed again."""
    state = hashlib.sha256(f"{ROOT} {sys.version_info[:2]}".encode())
    for path in (*REQUIREMENTS, ROOT / "pyproject.toml"):
        state.update(path.read_bytes())
    return state.hexdigest()


def libpython_exists() -> bool:
    """Thread mode embeds Python in Flink's JVM and needs it as a shared library; `kairos setup` warns without one."""
    name = sysconfig.get_config_var("INSTSONAME") or sysconfig.get_config_var("LDLIBRARY") or ""
    if sysconfig.get_config_var("PYTHONFRAMEWORK") or ".so" in name or ".dylib" in name:
        folders = [sysconfig.get_config_var(key) for key in ("LIBDIR", "LIBPL", "PYTHONFRAMEWORKPREFIX")]
        if any(folder and Path(folder, name).is_file() for folder in folders):
            return True
    return ctypes.util.find_library(f"python{sys.version_info.major}.{sys.version_info.minor}") is not None


def usable(python: Path) -> bool:
    """The environment was made here (its scripts hold its path), its Python starts and is of this version."""
    try:
        here = str(VENV) in (VENV / "bin" / "activate").read_text(encoding="utf-8")
    except OSError:
        return False
    same_version = f"import sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    return here and quiet([str(python), "-c", same_version])


def runs(executable: "Path | str") -> bool:
    """It exists and starts: a pyenv shim or an environment whose Python was removed does not."""
    return quiet([str(executable), "--version"])


def quiet(argv: "list[str]") -> bool:
    """The command exists and succeeds; what it prints is thrown away."""
    try:
        return subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def run(argv: "list[object]", env: "dict[str, str]", what_failed: str) -> None:
    """Run a command that shows its own progress and errors."""
    done = subprocess.run([str(part) for part in argv], env=env, check=False)
    if done.returncode != 0:
        raise failure(
            f"{what_failed}: see the message above.",
            "Check the network and the disk, then run the same command again. For a package mirror set "
            "UV_DEFAULT_INDEX, behind a proxy HTTPS_PROXY.",
        )


def say(mark: str, text: str) -> None:
    """Tell that a step is done, or has begun."""
    print(f"{mark} {text}", flush=True)


def failure(message: str, hint: str) -> SystemExit:
    """To be raised: prints what is wrong and what to do."""
    print(f"error: {message}\n{hint}", file=sys.stderr)
    return SystemExit(1)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
