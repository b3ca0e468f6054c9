"""SQL over the tables of relations by day, in the common dialect of DuckDB and SQLite.

Both keep `ip_day (ip, account, day)` and `fingerprint_day (fingerprint, account, day)`. The walk
goes from the account outwards, so that an index helps where there is one.
"""

from questions import DAY_MS, HUB_ACCOUNTS_MAX, SHARED_IPS_MIN

IN_DAYS = "day >= $since AND day < $until"

SHARED_IP = f"""
SELECT account, count(DISTINCT ip) FROM ip_day
WHERE {IN_DAYS} AND account <> $account
  AND ip IN (SELECT ip FROM ip_day WHERE account = $account AND {IN_DAYS})
GROUP BY account"""

PAIRS = f"""
WITH seen AS MATERIALIZED (SELECT DISTINCT ip, account FROM ip_day WHERE {IN_DAYS}),
kept AS MATERIALIZED (
  SELECT ip FROM seen GROUP BY ip HAVING count(*) BETWEEN 2 AND {HUB_ACCOUNTS_MAX}),
edge AS MATERIALIZED (SELECT seen.ip AS ip, account FROM seen JOIN kept ON seen.ip = kept.ip)
SELECT x.account, y.account, count(*) FROM edge x JOIN edge y ON x.ip = y.ip AND x.account < y.account
GROUP BY 1, 2 HAVING count(*) >= {SHARED_IPS_MIN}"""


def _step(number, kind, start):
    """CTEs of one step over one kind of attribute; `start` is a query for accounts."""
    table, name = f"{kind}_day", f"{kind}{number}"
    return f"""{name}_value AS MATERIALIZED (
  SELECT DISTINCT {kind} AS value FROM {table} WHERE {IN_DAYS} AND account IN ({start})),
{name}_member AS MATERIALIZED (
  SELECT DISTINCT {kind} AS value, account FROM {table}
  WHERE {IN_DAYS} AND {kind} IN (SELECT value FROM {name}_value)),
{name}_account AS MATERIALIZED (
  SELECT DISTINCT account FROM {name}_member WHERE value IN (
    SELECT value FROM {name}_member GROUP BY value HAVING count(*) <= {HUB_ACCOUNTS_MAX}))"""


def two_hops():
    """One statement for both steps."""
    parts = [_step(1, kind, "SELECT $account") for kind in ("ip", "fingerprint")]
    parts.append(
        "near AS MATERIALIZED (SELECT account FROM ip1_account UNION SELECT account FROM fingerprint1_account)"
    )
    parts += [_step(2, kind, "SELECT account FROM near") for kind in ("ip", "fingerprint")]
    return (
        "WITH "
        + ",\n".join(parts)
        + """
SELECT account, 1 FROM near WHERE account <> $account
UNION ALL
SELECT account, 2 FROM (SELECT account FROM ip2_account UNION SELECT account FROM fingerprint2_account) AS far
WHERE account <> $account AND account NOT IN (SELECT account FROM near)"""
    )


TWO_HOPS = two_hops()


def days(params):
    """The window as epoch days; it has to begin and end at midnight."""
    if params["since"] % DAY_MS or params["until"] % DAY_MS:
        raise ValueError("a table by day answers whole days only")
    return {**params, "since": params["since"] // DAY_MS, "until": params["until"] // DAY_MS}
