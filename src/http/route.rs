//! Method, path and query string to one of a closed list of routes. Pure: no body, no engine.
//!
//! The table of paths belongs to `place`, reading query strings to `params`, what is done with a route to `handle`.

use crate::event::Micros;
use crate::http::cluster_routes;
use crate::http::distance::distance;
use crate::http::negotiate::Format;
use crate::http::params::{Params, wrong};
use crate::http::place::{PLACES, Place, ROUTER};
use crate::http::push_routes::Push;
use crate::http::template_routes;
use crate::ingest::{Kind, Mappings};
use crate::limits::{EXPRESSION_BYTES_MAX, NAME_BYTES_MAX, VALUE_BYTES_MAX};
use crate::privacy::{Network, withheld};
use crate::query::{ClusterRequest, Page, Request, Select, Span};
use hyper::Method;
use percent_encoding::percent_decode_str;

/// Everything that can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// Take events in.
    Ingest {
        /// The log source that the query string names.
        source: Option<String>,
    },
    /// Answer a log shipper.
    Push {
        /// What it asks.
        push: Push,
        /// The log source that the query string names.
        source: Option<String>,
    },
    /// Answer a question.
    Query {
        /// The question.
        request: Request,
        /// The format named in the query string.
        format: Option<Format>,
    },
    /// A search whose expression is the body.
    SearchBody {
        /// What to give back.
        select: Select,
        /// The window.
        span: Span,
        /// How much.
        page: Page,
        /// The format named in the query string.
        format: Option<Format>,
    },
    /// A question about clusters.
    Clusters {
        /// The question.
        request: ClusterRequest,
        /// The format named in the query string.
        format: Option<Format>,
    },
    /// The evidence of a cluster.
    Evidence {
        /// Id of the cluster.
        id: String,
        /// The format named in the query string.
        format: Option<Format>,
    },
    /// Close every day there is, up to an instant.
    Analyze {
        /// The instant; everything there is when missing.
        until: Option<Micros>,
    },
    /// Take account records in.
    NoteAccounts,
    /// Note that accounts were banned.
    Ban,
    /// Note that a model came out.
    Release,
    /// Figures about the server.
    Status {
        /// The format named in the query string.
        format: Option<Format>,
    },
    /// Whether the process lives.
    Health,
    /// Whether events can be taken.
    Ready,
    /// Figures for Prometheus.
    Metrics,
    /// The description of this interface.
    OpenApi,
}

/// Why a request is none of the routes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// No such path.
    #[error("no such path: did you mean {}?", near.join(" or "))]
    NotFound {
        /// The paths most like it.
        near: Vec<String>,
    },
    /// The path exists for other methods.
    #[error("this path takes {allow} only")]
    Method {
        /// The methods, as in an Allow header.
        allow: String,
    },
    /// A parameter, in the query string or the path, is wrong.
    #[error("{field} is wrong: {reason}")]
    Parameter {
        /// Its name.
        field: String,
        /// What is wrong and how to mend it.
        reason: String,
    },
}

/// Finds the route. `path` is as it came, with its percent signs.
pub fn parse(method: &Method, path: &str, query: Option<&str>) -> Result<Route, RouteError> {
    let Ok(found) = ROUTER.at(path) else {
        return Err(RouteError::NotFound { near: near(path) });
    };
    let place = *found.value;
    // HEAD is GET without the body, which hyper leaves away.
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    if !place.methods().contains(&method.as_str()) {
        return Err(RouteError::Method { allow: allow(place.methods()) });
    }
    if let Place::Push(push) = place {
        return Ok(Route::Push { push, source: source(&Params::lenient(query, &["source"])?) });
    }
    let params = Params::parse(query, place.params(method))?;
    let name = |field: &'static str, bytes_max: usize| {
        decode_name(field, found.params.get(field).unwrap_or_default(), bytes_max)
    };
    let id = || if found.params.get("id").is_some() { name("id", NAME_BYTES_MAX) } else { Ok(String::new()) };
    let format = params.get("format").map(Format::from_name).transpose()?;
    let request = match place {
        Place::Search if method == Method::POST => {
            let (select, span, page) = (params.select()?, params.span()?, params.page()?);
            return Ok(Route::SearchBody { select, span, page, format });
        }
        Place::Account => {
            Request::Account { account: name("account", NAME_BYTES_MAX)?, span: params.span()? }
        }
        Place::AccountEvents => Request::Events {
            account: name("account", NAME_BYTES_MAX)?,
            span: params.span()?,
            page: params.page()?,
        },
        Place::Neighbors => neighbors(name("account", NAME_BYTES_MAX)?, &params)?,
        Place::Ip => Request::Ip {
            net: parse_net(&name("net", VALUE_BYTES_MAX)?)?,
            span: params.span()?,
            page: params.page()?,
        },
        Place::Fingerprint => Request::Fingerprint {
            fingerprint: name("fingerprint", VALUE_BYTES_MAX)?,
            span: params.span()?,
            page: params.page()?,
        },
        Place::Template => template_routes::template(&name("template", VALUE_BYTES_MAX)?, &params)?,
        Place::ClusterTimeline => Request::ClusterTimeline { id: id()?, span: params.span()? },
        Place::Pairs => pairs(&params)?,
        Place::Search => Request::Search {
            expression: expression(params.required("where", "ip%20in%20203.0.113.0/24")?)?,
            select: params.select()?,
            span: params.span()?,
            page: params.page()?,
        },
        Place::Why => Request::Why {
            a: params.required("a", "ACCOUNT")?.to_owned(),
            b: params.required("b", "ACCOUNT")?.to_owned(),
            span: params.span()?,
        },
        other => return bare(other, id()?, &params, format),
    };
    Ok(Route::Query { request, format })
}

/// The routes that are no question to the store; `id` is empty for those that have none.
fn bare(place: Place, id: String, params: &Params<'_>, format: Option<Format>) -> Result<Route, RouteError> {
    let request = match place {
        Place::Events => return Ok(Route::Ingest { source: source(params) }),
        Place::Status => return Ok(Route::Status { format }),
        Place::Health => return Ok(Route::Health),
        Place::Ready => return Ok(Route::Ready),
        Place::Metrics => return Ok(Route::Metrics),
        Place::OpenApi => return Ok(Route::OpenApi),
        Place::Accounts => return Ok(Route::NoteAccounts),
        Place::Bans => return Ok(Route::Ban),
        Place::Releases => return Ok(Route::Release),
        Place::Evidence => return Ok(Route::Evidence { id, format }),
        Place::Analyze => {
            return Ok(Route::Analyze { until: cluster_routes::instant(params, "until")? });
        }
        Place::Members => cluster_routes::members(id, params)?,
        Place::Cluster => ClusterRequest::One { id },
        _ => cluster_routes::list(params)?,
    };
    Ok(Route::Clusters { request, format })
}

/// A path as the log may show it: that of its place, or of an unknown one the beginning.
pub(crate) fn without_names(path: &str) -> String {
    let place = ROUTER.at(path).ok().map(|found| *found.value);
    let listed = PLACES.iter().find(|(_, known)| Some(*known) == place);
    match (place, listed) {
        (_, Some((path, _))) => (*path).to_owned(),
        // Names in these are those of indexes and templates.
        (Some(_), None) => withheld(path.to_owned()),
        (None, None) => {
            let end = path.match_indices('/').nth(3).map_or(path.len(), |(at, _)| at).min(64);
            let shown = path.get(..end).unwrap_or_default();
            format!("{}{}", withheld(shown.to_owned()), if end < path.len() { "/..." } else { "" })
        }
    }
}

/// The log source by which a sender says what it sends.
fn source(params: &Params<'_>) -> Option<String> {
    params.get("source").map(str::to_owned)
}

impl Route {
    /// The log source that the request names, if it does.
    pub(crate) fn known_source(&self, sources: Mappings) -> Result<Option<Kind>, RouteError> {
        let (Self::Ingest { source: Some(name) } | Self::Push { source: Some(name), .. }) = self else {
            return Ok(None);
        };
        let unknown = || wrong("source", &format!("there is none of that name: {}", sources.names()));
        sources.kind(name).map(Some).ok_or_else(unknown)
    }
}

/// Checks the size of a search expression; its grammar belongs to `query`.
pub(crate) fn expression(text: &str) -> Result<String, RouteError> {
    if text.len() > EXPRESSION_BYTES_MAX {
        return Err(wrong("where", &format!("it is longer than {EXPRESSION_BYTES_MAX} bytes")));
    }
    if text.trim().is_empty() {
        return Err(wrong("where", "it is empty: write for example ip in 203.0.113.0/24"));
    }
    Ok(text.to_owned())
}

/// Every path and method, in the words of `OpenAPI`.
#[cfg(test)]
pub(crate) fn listed() -> Vec<(String, &'static str)> {
    let pushes =
        crate::http::push_routes::PUSHES.iter().map(|(path, push)| ((*path).to_owned(), push.methods()));
    let paths = PLACES.iter().map(|(path, place)| (path.replace('*', ""), place.methods())).chain(pushes);
    paths.flat_map(|(path, methods)| methods.iter().map(move |method| (path.clone(), *method))).collect()
}

fn neighbors(account: String, params: &Params<'_>) -> Result<Request, RouteError> {
    Ok(Request::Neighbors {
        account,
        via: params.vias()?,
        span: params.span()?,
        hops: params.number("hops", 1, 2)?.map_or(1, |hops| hops as u8),
        hub_max: params.number("hub_max", 1, u64::from(u32::MAX))?,
        page: params.page()?,
    })
}

fn pairs(params: &Params<'_>) -> Result<Request, RouteError> {
    Ok(Request::Pairs {
        via: params.via()?,
        min: params.number("min", 1, u64::from(u32::MAX))?.map_or(3, |min| min as u32),
        hub_max: params.number("hub_max", 1, u64::from(u32::MAX))?,
        span: params.span()?,
        page: params.page()?,
    })
}

fn allow(methods: &[&str]) -> String {
    let head = if methods.contains(&"GET") { ", HEAD" } else { "" };
    format!("{}{head}", methods.join(", "))
}

fn decode_name(field: &'static str, raw: &str, bytes_max: usize) -> Result<String, RouteError> {
    let name = percent_decode_str(raw).decode_utf8().map_err(|_| wrong(field, "it is not UTF-8"))?;
    if name.len() > bytes_max {
        return Err(wrong(field, &format!("it is longer than {bytes_max} bytes")));
    }
    Ok(name.into_owned())
}

fn parse_net(text: &str) -> Result<Network, RouteError> {
    Network::parse(text).ok_or_else(|| {
        let shown: String = text.chars().take(64).collect();
        let forms = "203.0.113.7, 203.0.113.0/24, 2001:db8::1 or 2001:db8::/48";
        wrong("net", &format!("{shown:?} is neither an address nor a network: write it as {forms}"))
    })
}

/// The three paths most like what was asked for.
fn near(path: &str) -> Vec<String> {
    let asked: Vec<&str> = path.get(..128).unwrap_or(path).split('/').take(8).collect();
    let mut paths: Vec<(usize, String)> = PLACES
        .iter()
        .map(|(path, _)| {
            // Whatever stands where a name is wanted is as good as any name.
            let filled: Vec<&str> = path
                .split('/')
                .enumerate()
                .map(|(at, part)| if part.starts_with('{') { asked.get(at).unwrap_or(&part) } else { part })
                .collect();
            (distance(&asked.join("/"), &filled.join("/")), path.replace('*', ""))
        })
        .collect();
    paths.sort();
    paths.into_iter().take(3).map(|(_, path)| withheld(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Method, Route, RouteError, listed, parse};
    use crate::event::{Dim, MICROS_A_DAY};
    use crate::http::negotiate::Format;
    use crate::privacy::Network;
    use crate::query::{Bound, Page, Request, Select, Span};

    const PAGE: Page = Page { limit: Some(100), cursor: None };

    fn get(target: &str) -> Result<Route, RouteError> {
        let (path, query) =
            target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
        parse(&Method::GET, path, query)
    }

    fn asks(target: &str) -> Request {
        match get(target) {
            Ok(Route::Query { request, .. }) => request,
            other => panic!("{target} became {other:?}"),
        }
    }

    fn parameter(target: &str) -> String {
        match get(target) {
            Err(RouteError::Parameter { field, .. }) => field,
            other => panic!("{target} became {other:?}"),
        }
    }

    #[test]
    fn fixed_routes_go_by_method_and_path() {
        for (method, path, route) in [
            (Method::POST, "/v1/events", Route::Ingest { source: None }),
            (Method::PUT, "/v1/events", Route::Ingest { source: None }),
            (Method::GET, "/v1/status", Route::Status { format: None }),
            (Method::GET, "/healthz", Route::Health),
            (Method::HEAD, "/healthz", Route::Health),
            (Method::GET, "/readyz", Route::Ready),
            (Method::GET, "/metrics", Route::Metrics),
            (Method::GET, "/openapi.json", Route::OpenApi),
        ] {
            assert_eq!(parse(&method, path, None), Ok(route), "{method} {path}");
        }
    }

    #[test]
    fn the_log_shows_no_names() {
        for (path, shown) in [
            ("/v1/accounts/ann", "/v1/accounts/{account}"),
            ("/v1/accounts/ann/events", "/v1/accounts/{account}/events"),
            ("/v1/ips/203.0.113.0/24", "/v1/ips/{*net}"),
            ("/logs-2026/_bulk", "/logs-2026/_bulk"),
            ("/v1/account/by/ann", "/v1/account/by/..."),
            ("/bot/sk-0123456789abcdef", "/bot/(not shown)"),
        ] {
            assert_eq!(super::without_names(path), shown);
        }
    }

    #[test]
    fn names_in_paths_are_percent_decoded() {
        let account = "a/b \u{e9}".to_owned();
        let expected = Request::Account { account, span: Span::default() };
        assert_eq!(asks("/v1/accounts/a%2Fb%20%C3%A9"), expected);
        assert_eq!(parameter("/v1/accounts/%ff"), "account");
        assert_eq!(parameter(&format!("/v1/accounts/{}", "a".repeat(600))), "account");
    }

    #[test]
    fn a_network_may_come_with_a_bare_slash() {
        for (target, net) in [
            ("/v1/ips/203.0.113.0/24", "203.0.113.0/24"),
            ("/v1/ips/203.0.113.9%2F24", "203.0.113.0/24"),
            ("/v1/ips/203.0.113.7", "203.0.113.7/32"),
            ("/v1/ips/::ffff:203.0.113.7", "203.0.113.7/32"),
            ("/v1/ips/2001:db8::/48", "2001:db8::/48"),
        ] {
            let net = Network::parse(net).expect(net);
            assert_eq!(asks(target), Request::Ip { net, span: Span::default(), page: PAGE }, "{target}");
        }
        for target in ["/v1/ips/example.org", "/v1/ips/1.2.3.4/33", "/v1/ips/1.2.3.4/24/7"] {
            assert_eq!(parameter(target), "net");
        }
    }

    #[test]
    fn neighbors_and_pairs_take_their_parameters() {
        let span = Span { since: Some(Bound::Ago(7 * MICROS_A_DAY)), until: None };
        assert_eq!(
            asks(
                "/v1/accounts/x/neighbors?via=ip,fingerprint,ip&since=7d&limit=5&cursor=c&hops=2&hub_max=50"
            ),
            Request::Neighbors {
                account: "x".into(),
                via: vec![Dim::Ip, Dim::Fingerprint],
                span,
                hops: 2,
                hub_max: Some(50),
                page: Page { limit: Some(5), cursor: Some("c".into()) },
            }
        );
        assert_eq!(
            asks("/v1/pairs?via=prefix&min=2"),
            Request::Pairs { via: Dim::Net, min: 2, hub_max: None, span: Span::default(), page: PAGE }
        );
        for (target, field) in [
            ("/v1/accounts/x/neighbors?via=model", "via"),
            ("/v1/accounts/x/neighbors?hops=3", "hops"),
            ("/v1/accounts/x/neighbors?limit=0", "limit"),
            ("/v1/accounts/x/neighbors?limit=100001", "limit"),
            ("/v1/accounts/x/neighbors?since=soon", "since"),
            ("/v1/pairs", "via"),
            ("/v1/pairs?via=ip,asn", "via"),
            ("/v1/pairs?via=ip&min=0", "min"),
        ] {
            assert_eq!(parameter(target), field, "{target}");
        }
    }

    #[test]
    fn search_reads_its_expression_from_the_query_or_the_body() {
        let expected = Request::Search {
            expression: "ip in 203.0.113.0/24".into(),
            select: Select::Count,
            span: Span::default(),
            page: PAGE,
        };
        assert_eq!(asks("/v1/search?where=ip+in+203.0.113.0/24&select=count"), expected);
        let posted = parse(&Method::POST, "/v1/search", Some("select=ips&format=csv"));
        let span = Span::default();
        let format = Some(Format::Csv);
        assert_eq!(posted, Ok(Route::SearchBody { select: Select::Ips, span, page: PAGE, format }));
        assert!(parse(&Method::POST, "/v1/search", Some("where=x")).is_err());
        assert_eq!(parameter("/v1/search"), "where");
        assert_eq!(parameter("/v1/search?where=x&select=everything"), "select");
        assert_eq!(parameter("/v1/why?a=x"), "b");
    }

    #[test]
    fn unknown_and_repeated_parameters_are_named() {
        for (target, field) in [
            ("/v1/accounts/x?limt=3", "limt"),
            ("/v1/accounts/x?since=1d&since=2d", "since"),
            ("/v1/accounts/x?format=xml", "format"),
            ("/healthz?x", "x"),
        ] {
            assert_eq!(parameter(target), field, "{target}");
        }
    }

    #[test]
    fn a_path_that_is_none_gets_near_ones_and_a_wrong_method_the_right_ones() {
        let Err(RouteError::NotFound { near }) = get("/v1/event") else { panic!("found") };
        assert_eq!(near.first().map(String::as_str), Some("/v1/events"));
        let Err(RouteError::NotFound { near }) = get("/v1/acount/x/neighbors") else { panic!("found") };
        assert_eq!(near.first().map(String::as_str), Some("/v1/accounts/{account}/neighbors"));
        assert!(get("/v2").is_err() && get("/v1/accounts/").is_err() && get(&"/x".repeat(5_000)).is_err());
        for (method, path, allowed) in [
            (Method::GET, "/v1/events", "POST, PUT"),
            (Method::DELETE, "/v1/search", "GET, POST, HEAD"),
            (Method::POST, "/healthz", "GET, HEAD"),
        ] {
            assert_eq!(parse(&method, path, None), Err(RouteError::Method { allow: allowed.into() }));
        }
    }

    #[test]
    fn the_description_lists_exactly_these_routes() {
        let text = include_str!("openapi.json");
        let document: serde_json::Value = serde_json::from_str(text).expect("openapi.json is JSON");
        let mut described = Vec::new();
        for (path, methods) in document["paths"].as_object().expect("paths") {
            for method in methods.as_object().expect("methods").keys().filter(|key| *key != "parameters") {
                described.push((path.clone(), method.to_uppercase()));
            }
        }
        let mut served: Vec<_> =
            listed().into_iter().map(|(path, method)| (path, method.to_owned())).collect();
        described.sort();
        served.sort();
        assert_eq!(described, served);
    }
}
