"""How checks end: what stands in the log and in the error, and whether the version may be used by other runs."""

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg
from pydantic import Field

from legosigns_dagster.assets.check_result import ERROR, WARN, for_step
from legosigns_dagster.assets.settings import SettingsForm
from legosigns_dagster.core.files import SavedAsFolder
from legosigns_dagster.resources.storage.store import Store
from legosigns_dagster.resources.versions.judgement import find_checked, judge

Context = dg.AssetCheckExecutionContext


class BlockingChecksConfig(SettingsForm):
    """Which failures are accepted."""

    accept: list[str] = Field(
        [],
        description="Names of checks that may fail, such as every_class_present: then they warn, and the version is "
        "used as it is.",
    )


def report_results(context: Context, results: Iterable[dg.AssetCheckResult]) -> Iterator[dg.AssetCheckResult]:
    """Yield results, with a line in the log for each check that did not pass: Dagster's own has no text."""
    for result in results:
        if not result.passed:
            tell = context.log.error if result.severity == ERROR else context.log.warning
            tell(f"{result.check_name} of {asset_name(result)}: {result.description}")
        yield for_step(result)


def asset_name(result: dg.AssetCheckResult) -> str:
    """The asset that a result is about."""
    return result.asset_key.to_user_string() if result.asset_key else ""


def conclude(
    context: Context,
    store: Store,
    value: SavedAsFolder,
    accepted: Sequence[str],
    found: Iterable[dg.AssetCheckResult],
) -> Iterator[dg.AssetCheckResult]:
    """Record in the store how the blocking checks of a version ended, and yield their results.

    Args:
        context: Dagster's context of the step.
        store: Where the version is.
        value: What was loaded and checked.
        accepted: Names of checks that may fail.
        found: What all its checks found.

    Raises:
        dg.Failure: a check failed that is not accepted. The message names the offenders. Or no check has an accepted
            name.
    """
    results = list(found)
    asset, names = asset_name(results[0]), [str(result.check_name) for result in results]
    if unknown := sorted(set(accepted) - set(names)):
        raise dg.Failure(f"accept has {', '.join(unknown)}, expected some of {', '.join(names)}", allow_retries=False)
    final = [accept_failure(result) if result.check_name in accepted else result for result in results]
    failures = {str(one.check_name): str(one.description) for one in final if is_failure(one)}
    snapshots = store.snapshots()
    version = find_checked(snapshots, asset, value.index or {}, context.run.run_id)
    judge(snapshots, version, failures)
    yield from report_results(context, final)
    if failures:
        told = "; ".join(f"{name}: {text}" for name, text in failures.items())
        raise dg.Failure(f"{asset} is not used, since its checks failed: {told}", allow_retries=False)


def accept_failure(result: dg.AssetCheckResult) -> dg.AssetCheckResult:
    """Make a warning of a failure."""
    if not is_failure(result):
        return result
    return result._replace(severity=WARN, description=f"accepted: {result.description}")


def is_failure(result: dg.AssetCheckResult) -> bool:
    """Whether a check failed, and not only warns."""
    return not result.passed and result.severity == ERROR
