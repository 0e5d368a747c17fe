"""``kairos setup``: everything that is not Python, once; and the maintainer's ``kairos lock-artefacts``."""

import typer


def register(app: typer.Typer) -> None:
    """Add the commands to the program."""
    app.command("setup")(setup)
    app.command("lock-artefacts", hidden=True)(lock_artefacts)


def setup() -> None:
    """Fetch Java (if there is none) and the JVM artefacts, and generate the contract's Python code.

    Safe to repeat: what is there and whole is kept, so a second run takes about a second.

    Environment:
      KAIROS_CACHE         where downloads are kept (default: the platform's cache folder)
      KAIROS_MAVEN_MIRROR  a Maven repository to use instead of Maven Central
      JAVA_HOME            a Java 17 or 21 to use
    """
    from kairos.local.setup import run_setup

    run_setup()


def lock_artefacts() -> None:
    """Resolve deploy/artefacts.in with Maven into deploy/artefacts.lock (for maintainers; needs mvn)."""
    from kairos.console import done
    from kairos.local.paths import project_root
    from kairos.local.relock import relock

    deploy = project_root() / "deploy"
    count = relock(deploy / "artefacts.in", deploy / "artefacts.lock")
    done(f"{count} JVM artefacts locked in {deploy / 'artefacts.lock'}")
