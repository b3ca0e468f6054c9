//! Envoy access log as JSON: the names of Istio's and Envoy Gateway's formats, which operators extend.

use super::field::Field;
use super::map::{Source, nothing};
use super::way::{How, Way, way};

const WAYS: &[Way] = &[
    way(Field::Ts, "start_time"),
    way(Field::Ts, "ts"),
    way(Field::Ts, "time"),
    way(Field::RequestId, "request_id"),
    way(Field::RequestId, "x-request-id"),
    way(Field::Account, "account"),
    way(Field::Account, "user.id"),
    way(Field::Account, "user_id"),
    way(Field::Account, "x-account-id"),
    way(Field::Ip, "ip"),
    way(Field::Ip, "client.address"),
    way(Field::Ip, "client_ip"),
    way(Field::Ip, "downstream_remote_address"),
    way(Field::Fingerprint, "fingerprint"),
    way(Field::Fingerprint, "device.fingerprint"),
    way(Field::Fingerprint, "ja4"),
    way(Field::Fingerprint, "tls_ja4_fingerprint"),
    way(Field::Fingerprint, "tls.client.ja4"),
    way(Field::Fingerprint, "ja3"),
    way(Field::Fingerprint, "tls_ja3_fingerprint"),
    way(Field::Fingerprint, "tls.client.ja3"),
    way(Field::UserAgent, "user_agent"),
    way(Field::UserAgent, "user-agent"),
    way(Field::UserAgent, "user_agent.original"),
    way(Field::Endpoint, "x-envoy-origin-path").by(How::Path),
    way(Field::Endpoint, "path").by(How::Path),
    way(Field::Status, "response_code"),
    way(Field::LatencyMs, "duration"),
];

pub(super) const SOURCE: Source = Source { ways: WAYS, finish: nothing };
