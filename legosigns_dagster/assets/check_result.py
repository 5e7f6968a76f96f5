"""The result of a check on an asset: whether it passed, with the offenders by name."""

from collections.abc import Mapping, Sequence

import dagster as dg

SHOWN = 20  # offenders that are named
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


def name_offenders(offenders: Sequence[str]) -> str:
    """Name the first 20 offenders in one line, after their number.

    Example:
        >>> name_offenders(["val has no Stop", "train has no Stop"])
        '2: val has no Stop; train has no Stop'
    """
    more = f"; and {len(offenders) - SHOWN} more" if len(offenders) > SHOWN else ""
    return f"{len(offenders)}: {'; '.join(offenders[:SHOWN])}{more}"


def finder_result(asset: str, name: str, offenders: Sequence[str]) -> dg.AssetCheckResult:
    """Make the result of a check that passes when it finds no offenders."""
    text = name_offenders(offenders) if offenders else "no offenders"
    return check_result(asset, name, offenders, not offenders, text)


def check_result(
    asset: str,
    name: str,
    offenders: Sequence[str],
    passed: bool,
    description: str,
    severity: dg.AssetCheckSeverity = ERROR,
    figures: Mapping[str, float] | None = None,
) -> dg.AssetCheckResult:
    """Make a check's result, with the first offenders, their number and the figures that decided as metadata."""
    listed = dg.MetadataValue.md("\n".join(f"- {offender}" for offender in offenders[:SHOWN]) or "none")
    return dg.AssetCheckResult(
        passed=passed,
        asset_key=asset,
        check_name=name,
        metadata={"offenders": listed, "count": len(offenders), **(figures or {})},
        severity=severity,
        description=description,
    )


def for_step(result: dg.AssetCheckResult) -> dg.AssetCheckResult:
    """Leave the asset out of a result: Dagster takes it from the step, where a participant's name is in the key."""
    return result._replace(asset_key=None)


def check_specs(asset: str, blocking: bool = True, **descriptions: str) -> list[dg.AssetCheckSpec]:
    """Declare the checks of an asset, by name and description. A blocking check that fails stops what is downstream."""
    return [dg.AssetCheckSpec(n, asset=asset, blocking=blocking, description=d) for n, d in descriptions.items()]
