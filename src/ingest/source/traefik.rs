//! Traefik access log, as JSON and as OTLP attributes. Headers appear as `request_Name` when the operator
//! keeps them, so that an account header is one that the operator chose.

use super::field::Field;
use super::map::{Source, nothing};
use super::way::{How, Way, way};

const WAYS: &[Way] = &[
    way(Field::Ts, "StartUTC"),
    way(Field::Ts, "StartLocal"),
    way(Field::Ts, "time"),
    way(Field::RequestId, "request_X-Request-Id"),
    way(Field::RequestId, "origin_X-Request-Id"),
    way(Field::Account, "account"),
    way(Field::Account, "request_X-Account-Id"),
    way(Field::Account, "request_X-User-Id"),
    way(Field::Account, "ClientUsername"),
    way(Field::Ip, "ClientHost"),
    way(Field::Ip, "ClientAddr"),
    way(Field::Fingerprint, "request_X-Device-Fingerprint"),
    way(Field::Fingerprint, "request_X-Ja4"),
    way(Field::UserAgent, "request_User-Agent"),
    way(Field::Endpoint, "RequestPath").by(How::Path),
    way(Field::Status, "DownstreamStatus"),
    way(Field::LatencyMs, "Duration").by(How::Nanos),
];

pub(super) const SOURCE: Source = Source { ways: WAYS, finish: nothing };
