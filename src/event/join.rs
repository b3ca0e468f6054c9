//! Whether two records of one request are joined.

/// When an event without an address of its client waits for an edge record of the same request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Join {
    /// Never, and edge records are refused.
    Off,
    /// While edge records come.
    #[default]
    Auto,
    /// Always.
    On,
}

impl Join {
    /// The mode of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "off" => Some(Self::Off),
            "auto" => Some(Self::Auto),
            "on" => Some(Self::On),
            _ => None,
        }
    }
}
