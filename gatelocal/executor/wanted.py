"""A tox job's variables, read and checked: what the build is to do and where on the node; it starts nothing.

The variables are those of zuul-jobs' roles `tox` (`tox_envlist`, `tox_extra_args`, `tox_environment`, `zuul_work_dir`,
`tox_constraints_file`, `tox_install_siblings`, `tox_config_file`, `tox_package_name`, `tox_executable`),
`ensure-tox` (`ensure_tox_version`), `ensure-python` (`python_version`), `bindep` (`bindep_profile`, `bindep_file`,
`bindep_fallback`, `bindep_command`; `tox_install_bindep`) and `test-setup` (`test_setup_skip`, `test_setup_args`,
`test_setup_environment`); `junit_files` (globs) is our own.
Of Jinja, three expressions are understood: `ansible_user_dir`, `zuul.project.src_dir` and
`zuul.projects['NAME'].src_dir`. Differences from the role: `tox_extra_args` is empty by default, not ``-vv``.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gatelocal.errors import ConfigurationError
from gatelocal.model.filename import folder_of
from gatelocal.model.job import Job
from gatelocal.model.stanza import Tagged

JUNIT = ("*junit*.xml", "*results*.xml", "TEST-*.xml", "nosetests.xml", "test-re[ps]*/*.xml")

_EXPRESSION = re.compile(r"\{\{\s*(.*?)\s*\}\}")
_PROJECT = re.compile(r"zuul\.projects\[\s*['\"]([^'\"]+)['\"]\s*\]\.src_dir$")


@dataclass(frozen=True, slots=True)
class Bindep:
    """Which distribution packages a job asks for.

    :ivar files: read instead of the project's ``bindep.txt``. :ivar fallback: read when the project has none.
    :ivar command: the path of a bindep on the node. :ivar wanted: whether the job wants them looked at.
    """

    profile: tuple[str, ...] = ("test",)
    files: tuple[str, ...] = ()
    fallback: str = ""
    command: str = ""
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Setup:
    """How the project's ``tools/test-setup.sh`` is run. :ivar wanted: whether the job wants it run."""

    arguments: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    wanted: bool = True


@dataclass(frozen=True, slots=True)
class Wanted:
    """One build of a tox job.

    :ivar directory: where tox runs; absolute, on the node.
    :ivar envs: the tox environments.
    :ivar output: the folder on the node that results are gathered in.
    :ivar constraints: a file on the node; empty without one.
    :ivar siblings: the trees of the required projects that are on the node.
    :ivar missing: required projects without a tree on the node.
    :ivar config: a file on the node, or a folder with one, that tox reads instead of its own; empty without one.
    :ivar package: the name of the project's own Python package; empty: its files say it.
    :ivar tox: the path or name of tox on the node; empty: the one that is found.
    :ivar tox_version: such as ``<4``: that tox is installed for the build; empty: any will do.
    :ivar python: the version of Python that the job wants on the node; empty: any will do.
    """

    job: Job
    directory: str
    output: str
    envs: tuple[str, ...]
    extra: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    constraints: str = ""
    siblings: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    junit: tuple[str, ...] = JUNIT
    config: str = ""
    package: str = ""
    tox: str = ""
    tox_version: str = ""
    python: str = ""
    bindep: Bindep = field(default_factory=Bindep)
    setup: Setup = field(default_factory=Setup)


@dataclass(frozen=True, slots=True)
class Places:
    """Where trees lie on the node. :ivar sources: the absolute path of each project's tree."""

    home: str
    project: str
    sources: Mapping[str, str]


def wanted(job: Job, places: Places) -> Wanted:
    """Read the job's variables.

    :raises ConfigurationError: one is missing, has the wrong type, or needs Jinja that is not understood.
    """
    if places.project not in places.sources:
        raise ConfigurationError(f"job {job.name}: the tree of {places.project} is not on the node")
    read = _Reader(job, places)
    envs = tuple(env for word in read.words("tox_envlist") for env in word.split(",") if env)
    if not envs:
        raise ConfigurationError(f"job {job.name} ({_where(job)}) sets no tox_envlist")
    others = [name for name in job.required_projects if name != places.project]
    siblings = [places.sources[name] for name in others if name in places.sources]
    constraints = read.path("tox_constraints_file")
    environment = dict(read.mapping("tox_environment"))
    if constraints:
        environment |= {"TOX_CONSTRAINTS_FILE": constraints, "UPPER_CONSTRAINTS_FILE": constraints}
    return Wanted(
        job=job,
        directory=read.path("zuul_work_dir") or places.sources[places.project],
        output=f"{places.home.rstrip('/')}/zuul-output/{folder_of(job.name)}",
        envs=envs,
        extra=read.words("tox_extra_args"),
        environment=tuple(environment.items()),
        constraints=constraints,
        siblings=tuple(siblings) if read.truth("tox_install_siblings", True) else (),
        missing=tuple(name for name in others if name not in places.sources),
        junit=read.words("junit_files") or JUNIT,
        config=_in_work(read.text("tox_config_file"), places),
        package=read.text("tox_package_name"),
        tox=read.text("tox_executable") if read.text("tox_executable") != "tox" else "",
        tox_version="".join(read.text("ensure_tox_version").split()),
        python=_version(read.text("python_version"), job),
        bindep=Bindep(
            profile=read.words("bindep_profile") or ("test",),
            files=tuple(_in_work(name, places) for name in read.words("bindep_file")),
            fallback=_in_work(read.text("bindep_fallback"), places),
            command=read.text("bindep_command"),
            wanted=read.truth("tox_install_bindep", True),
        ),
        setup=Setup(
            arguments=read.words("test_setup_args"),
            environment=tuple(read.mapping("test_setup_environment").items()),
            wanted=not read.truth("test_setup_skip", False),
        ),
    )


def _version(text: str, job: Job) -> str:
    """The role takes versions of two numbers."""
    if text and not re.fullmatch(r"[23]\.\d{1,2}", text):
        raise ConfigurationError(
            f"job {job.name} ({_where(job)}): python_version is no version such as 3.11: {text}"[:500]
        )
    return text


def located(path: str, places: Places) -> str:
    """A path as Zuul's jobs write it, on our node: ``src/HOST/PROJECT/...`` is the project's tree, wherever it lies.

    Other relative paths start at the home of the node, as in Ansible.
    """
    for prefix in (f"{places.home.rstrip('/')}/", "~/"):
        path = path.removeprefix(prefix)
    if path.startswith("src/"):
        rest = path.removeprefix("src/").rstrip("/")
        for inner in (rest, rest.partition("/")[2]):
            for name in sorted(places.sources, key=len, reverse=True):
                if inner == name or inner.startswith(f"{name}/"):
                    return places.sources[name].rstrip("/") + inner.removeprefix(name)
    return path if path.startswith("/") else f"{places.home.rstrip('/')}/{path}"


def _in_work(path: str, places: Places) -> str:
    """A path that is resolved where the build runs; only what begins as Zuul's own paths do is found for it."""
    return located(path, places) if path.startswith(("src/", "~/")) else path


class _Reader:
    """The job's variables by type, with Jinja resolved as far as it is understood."""

    def __init__(self, job: Job, places: Places) -> None:
        self._job = job
        self._places = places

    def text(self, name: str) -> str:
        value = self._job.variables.get(name)
        if value is None:
            return ""
        if isinstance(value, (Mapping, list)):
            raise ConfigurationError(f"job {self._job.name} ({_where(self._job)}): {name} is no text: {value!r}"[:500])
        return self._resolved(name, value)

    def words(self, name: str) -> tuple[str, ...]:
        value = self._job.variables.get(name)
        if isinstance(value, list):
            return tuple(self._resolved(name, item) for item in value)
        text = self.text(name)
        try:
            return tuple(shlex.split(text))
        except ValueError as error:
            raise ConfigurationError(f"job {self._job.name} ({_where(self._job)}): {name}: {error}: {text}") from None

    def truth(self, name: str, usual: bool) -> bool:
        """As Ansible's filter `bool` reads texts."""
        value = self._job.variables.get(name)
        if value is None or isinstance(value, bool):
            return usual if value is None else value
        return self.text(name).lower() in ("yes", "on", "1", "true")

    def mapping(self, name: str) -> Mapping[str, str]:
        value = self._job.variables.get(name)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise ConfigurationError(f"job {self._job.name} ({_where(self._job)}): {name} is not a mapping")
        return {str(key): self._resolved(f"{name}.{key}", item) for key, item in value.items()}

    def path(self, name: str) -> str:
        text = self.text(name)
        if not text:
            return ""
        found = located(text, self._places)
        project = next((p for p in self._job.required_projects if f"/{p}/" in f"/{text}/"), None)
        if project and project not in self._places.sources:
            raise ConfigurationError(
                f"job {self._job.name} ({_where(self._job)}): {name} points into {project}, whose tree is not there",
                hint=f"make {project} known to the gate, or set {name} to a file of the project's own",
            )
        return found

    def _resolved(self, name: str, value: object) -> str:
        if isinstance(value, Tagged):
            if value.tag == "!unsafe":
                return str(value.value)
            raise ConfigurationError(f"job {self._job.name} ({_where(self._job)}): {name} is encrypted")
        text = _EXPRESSION.sub(self._expression, str(value))
        if "{{" in text or "{%" in text:
            raise ConfigurationError(
                f"job {self._job.name} ({_where(self._job)}): the variable {name} needs Jinja that is not understood"
                f" here: {text}"[:500],
                hint="write the value out; ansible_user_dir and the src_dir of projects are understood",
            )
        return text

    def _expression(self, found: re.Match[str]) -> str:
        expression = found[1]
        if expression == "ansible_user_dir":
            return self._places.home.rstrip("/")
        if expression == "zuul.project.src_dir":
            return f"src/{self._places.project}"
        if project := _PROJECT.match(expression):
            return f"src/{project[1]}"
        return found[0]


def _where(job: Job) -> str:
    return job.defined_in[-1] if job.defined_in else "a shared job"


def env_names(envs: Sequence[str]) -> str:
    """The environments as tox's own option takes them."""
    return ",".join(envs)
